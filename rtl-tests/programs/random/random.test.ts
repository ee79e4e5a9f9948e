// Random programs in the gate: thresholds, selects, bits and integers in any order; resets at every cycle, stalls, broken
// packets and random bits between the stages. Many more of them run in Icarus, see rtl-tests/fuzz.
import { describe, expect, test } from "vitest";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { randomCase } from "../../../compiler/tests/unit/verilog/random-program.ts";
import { verdict } from "../../harness/programs.ts";

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("random programs", () => {
  test.each([3, 8, 25, 81])("agree (seed %i)", async (seed) => {
    const { program, options } = randomCase(seed, 1);
    expect(await verdict(designOf(program, options))).toEqual({ c: "passed", rtl: "passed" });
  });
});
