// Random programs with branches and several ports in the gate: simulator = C = Verilog at every stage, predicted cycles = measured ones.
import { describe, expect, test } from "vitest";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { randomDataflow } from "../../../compiler/tests/unit/verilog/random-dataflow.ts";
import { verdict } from "../../harness/programs.ts";

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("random programs with branches", () => {
  test.each([1, 10, 32, 50, 52, 84, 103])("seed %i", async (seed) => {
    const { program, options } = randomDataflow(seed);
    expect(await verdict(designOf(program, options))).toEqual({ c: "passed", rtl: "passed" });
  });
});
