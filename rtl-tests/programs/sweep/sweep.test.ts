// Every operator by itself: shapes, strides, paddings, signs, bits, widths of 1 to 16 and foldings, with ports that stall.
// Simulator = C = Verilog at every stage, predicted cycles = measured ones. Many designs share one Verilator build.
import { describe, expect, it } from "vitest";
import type { Opcode } from "../../../compiler/program/program.ts";
import { casesOf } from "../../../compiler/tests/nightly.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { CC, compareWithSimulator } from "../../../compiler/tests/unit/c/c-runner.ts";
import { runBench } from "../../harness/bench.ts";
import {
  CONV_KINDS,
  convsOf,
  formatsRead,
  isOperand,
  operandsFor,
  type SweepCase,
  sweepCase,
  WIDTHS,
} from "./strata.ts";

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
const WEIGHTED: readonly Opcode[] = ["dense", "conv"];
const CASES = casesOf(8, 60);
/** More, for the kinds of convolution and the foldings. */
const WEIGHTED_CASES = casesOf(12, 120);
/** Designs of one build: more take the compiler long at once, fewer cost more builds. */
const BLOCK = 48;
const PACKETS = 3;
const TIMEOUT = 900_000;

const wanted = OPERATORS.flatMap((op) =>
  Array.from({ length: WEIGHTED.includes(op) ? WEIGHTED_CASES : CASES }, (_, k): [Opcode, number] => [op, k]),
);
const blocks = Array.from({ length: Math.ceil(wanted.length / BLOCK) }, (_, b): [number, number] => [
  b * BLOCK,
  Math.min(wanted.length, (b + 1) * BLOCK) - 1,
]);

const made = new Map<string, SweepCase>();
function caseOf(op: Opcode, index: number): SweepCase {
  const key = `${op} ${index}`;
  const one =
    made.get(key) ??
    sweepCase(op, index, (codes) => expect(codes, key).toEqual(codes.map(() => "verilog/unsupported")));
  made.set(key, one);
  return one;
}
const casesFor = (op: Opcode): SweepCase[] =>
  wanted.filter(([other]) => other === op).map(([, index]) => caseOf(op, index));
const casesBetween = (from: number, to: number): SweepCase[] =>
  wanted.slice(from, to + 1).map(([op, index]) => caseOf(op, index));

describe("the cases", () => {
  it.each(OPERATORS)("of %s have all widths, both signs and bits", (op) => {
    const formats = casesFor(op).flatMap(({ program }) => formatsRead(program, op));
    const [first] = operandsFor(op);
    const least = WIDTHS.length + (first === "bipolar" ? 1 : 0);
    for (const operand of operandsFor(op).slice(0, least))
      expect(
        formats.some((format) => isOperand(format, operand)),
        JSON.stringify(operand),
      ).toBe(true);
  });

  it.each(Object.entries(CONV_KINDS))("have a convolution that is %s", (_, isKind) => {
    const found = casesFor("conv").filter(({ program }) => convsOf(program).some((s) => isKind(program, s)));
    expect(found.length).toBeGreaterThan(0);
  });

  it.each(WEIGHTED)("of %s have several PE and SIMD", (op) => {
    const foldings = casesFor(op).flatMap(({ options }) => Object.values(options.folding));
    expect(new Set(foldings.map(({ pe }) => pe)).size).toBeGreaterThan(1);
    expect(new Set(foldings.map(({ simd }) => simd)).size).toBeGreaterThan(1);
  });
});

describe("every operator by itself", () => {
  it.skipIf(!hasTool(CC)).each(blocks)(
    "agrees in C, cases %i to %i",
    (from, to) => {
      const programs = casesBetween(from, to).map(({ program }) => program);
      expect(compareWithSimulator(programs, { flags: ["-O1"], count: PACKETS })).toEqual([]);
    },
    TIMEOUT,
  );

  it.skipIf(!hasTool("verilator")).each(blocks)(
    "agrees in Verilog at every stage, cases %i to %i",
    async (from, to) => {
      expect(await runBench(casesBetween(from, to).map(({ bench }) => bench))).toEqual([]);
    },
    TIMEOUT,
  );
});
