// Random programs with branches and several ports in the gate: simulator = C = Verilog at every stage, predicted cycles = measured ones.
import { describe, expect, test } from "vitest";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { randomDataflow } from "../../../compiler/tests/unit/verilog/random-dataflow.ts";
import { verdict } from "../../harness/programs.ts";

/** The last one once did not pass: the results of a pool, which the forced bits did not replace. */
const SEEDS = [1, 10, 32, 50, 52, 84, 103, 2800];

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("random programs with branches", () => {
  test.each(SEEDS)("seed %i", async (seed) => {
    const { program, options } = randomDataflow(seed);
    expect(await verdict(designOf(program, options))).toEqual({ c: "passed", rtl: "passed" });
  });
});
