// Every operator by itself: random shapes, strides, paddings, signs, widths of 1 to 16 bits and foldings, with ports that
// stall. Simulator = C = Verilog, predicted cycles = measured ones; some of each through Verilator at every stage.
import { describe, expect, it } from "vitest";
import type { Opcode } from "../../../compiler/program/program.ts";
import { DiagnosticError } from "../../../compiler/support/diagnostics.ts";
import { casesOf } from "../../../compiler/tests/nightly.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { CC, compareWithSimulator } from "../../../compiler/tests/unit/c/c-runner.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { randomDataflow } from "../../../compiler/tests/unit/verilog/random-dataflow.ts";
import { complaintsOfIcarus, designOfCase } from "../../../compiler/tests/unit/verilog/random-design.ts";
import { verdict } from "../../harness/programs.ts";

const OPERATORS: readonly Opcode[] = [
  "requantize",
  "dense",
  "conv",
  "pool",
  "threshold",
  "table",
  "add",
  "subtract",
  "multiply",
  "concat",
  "reshape",
  "select",
  "slice",
  "pad",
  "transpose",
  "upsample",
  "argmax",
];
const CASES = casesOf(4, 60);
const IN_VERILATOR = casesOf(1, 6);
/** Seeds that are tried for the cases of an operator: not all inputs suit it. */
const TRIES = 20 * CASES;
const PACKETS = 3;
const TIMEOUT = 600_000;

/** The first programs of an operator, with little beside it, that the Verilog back end builds. */
function casesFor(op: Opcode) {
  const found: ReturnType<typeof randomDataflow>[] = [];
  for (let seed = 1; seed <= TRIES && found.length < CASES; seed++) {
    const one = randomDataflow(seed, { ops: [op], instructions: 2, width: 16, elements: 300 });
    if (!one.program.instructions.some((i) => i.op === op)) continue;
    try {
      designOf(one.program, one.options);
      found.push(one);
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      expect(error.diagnostics.map(({ code }) => code)).toEqual(["verilog/unsupported"]);
    }
  }
  expect(found).toHaveLength(CASES);
  return found;
}

describe.skipIf(!hasTool("iverilog") || !hasTool("verilator") || !hasTool(CC))("by itself", () => {
  it.each(OPERATORS)(
    "%s",
    async (op) => {
      const cases = casesFor(op);
      for (const [k, one] of cases.entries())
        expect(complaintsOfIcarus(designOfCase(one, PACKETS, k)), `case ${k}`).toBe("");
      const programs = cases.map(({ program }) => program);
      expect(compareWithSimulator(programs, { flags: ["-O1"], count: PACKETS })).toEqual([]);
      for (const { program, options } of cases.slice(0, IN_VERILATOR))
        expect(await verdict(designOf(program, options))).toEqual({ c: "passed", rtl: "passed" });
    },
    TIMEOUT,
  );
});
