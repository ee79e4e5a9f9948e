// What the cases of an operator have to show, and seeds that show it. In: an operator. Out: programs with that operator
// and little beside it, whose operands, kinds of convolution and foldings are those that were asked for.
import {
  type ConvInstruction,
  channelsOf,
  constantNamed,
  type Format,
  type Opcode,
  operandsOf,
  type Program,
  valueNamed,
} from "../../../compiler/program/program.ts";
import { DiagnosticError } from "../../../compiler/support/diagnostics.ts";
import { createRandom } from "../../../compiler/support/random.ts";
import type { Operand } from "../../../compiler/tests/unit/program/random-branching.ts";
import { type RandomDataflow, randomDataflow } from "../../../compiler/tests/unit/verilog/random-dataflow.ts";
import { randomFoldings } from "../../../compiler/tests/unit/verilog/random-foldings.ts";
import { type BenchCase, isCarried } from "../../harness/bench.ts";
import { caseOfProgram } from "../../harness/designs.ts";

/** Convolutions that each case of the list has to have. */
export const CONV_KINDS: Readonly<Record<string, (program: Program, step: ConvInstruction) => boolean>> = {
  plain: (_, { groups, spread }) => groups === 1 && spread.every((s) => s === 1),
  grouped: (p, { groups, input }) => groups > 1 && groups < channelsOf(valueNamed(p, input)),
  depthwise: (p, step) => isDepthwise(p, step) && unitsOf(p, step) === step.groups,
  multiplied: (p, step) => isDepthwise(p, step) && unitsOf(p, step) > step.groups,
  transposed: (_, { spread }) => spread.some((s) => s > 1),
  sequence: (_, { strides }) => strides.length === 1,
  dilated: (p, step) =>
    step.dilations.some((d, a) => d > 1 && constantNamed(p, step.weights).shape[a + 1]! > 1),
  strided: (_, { strides }) => strides.some((s) => s > 1),
  padded: (_, { padding }) => padding.before.some((n) => n > 0),
};

const unitsOf = (program: Program, { result }: ConvInstruction): number =>
  channelsOf(valueNamed(program, result));
const isDepthwise = (program: Program, { groups, input }: ConvInstruction): boolean =>
  groups > 1 && groups === channelsOf(valueNamed(program, input));

/** Widths that every operator has to read. */
export const WIDTHS: readonly number[] = [1, 2, 4, 8, 12, 16];
/** A table has a word for every mantissa. */
export const WIDEST_OF_TABLE = 12;
const WITHOUT_BITS: readonly Opcode[] = ["requantize", "add", "subtract", "multiply", "pad"];

/** Operands that an operator has to read at least once: every width, both signs, and bits where they are legal. */
export function operandsFor(op: Opcode): readonly Operand[] {
  const widths = WIDTHS.filter((width) => op !== "table" || width <= WIDEST_OF_TABLE);
  const signs = widths.map((width, i) => ({ width, signed: i % 2 === 1 }));
  const others = signs.map(({ width, signed }) => ({ width, signed: !signed }));
  return [...(WITHOUT_BITS.includes(op) ? [] : ["bipolar" as const]), ...signs, ...others];
}

/** Whether a format is one that was asked for. */
export function isOperand(format: Format, operand: Operand): boolean {
  if (format.kind === "bipolar" || operand === "bipolar") return format.kind === operand;
  return format.width === operand.width && format.signed === operand.signed;
}

/** The formats that an operator of a program reads. */
export const formatsRead = ({ instructions, values }: Program, op: Opcode): readonly Format[] =>
  instructions
    .filter((i) => i.op === op)
    .flatMap(operandsOf)
    .map((name) => values.find((v) => v.name === name)!.format);

export const convsOf = ({ instructions }: Program): readonly ConvInstruction[] =>
  instructions.filter((i) => i.op === "conv");

export interface SweepCase extends RandomDataflow {
  readonly bench: BenchCase;
}

/** Seeds that are tried for one case: not all programs suit it. */
const TRIES = 2000;

/**
 * The `index`-th case of an operator. Programs that the Verilog back end does not build are passed over; `refused` hears
 * why.
 */
export function sweepCase(op: Opcode, index: number, refused: (codes: readonly string[]) => void): SweepCase {
  const operands = operandsFor(op);
  const operand = operands[index % operands.length]!;
  const kinds = Object.values(CONV_KINDS);
  const kind = kinds[index % kinds.length]!;
  const settings = { ops: [op], instructions: 2, width: 16, elements: 300, sum: 47, operand };
  for (let seed = 1 + index * TRIES; seed < (index + 1) * TRIES; seed++) {
    const { program, options } = randomDataflow(seed, settings);
    if (!formatsRead(program, op).some((format) => isOperand(format, operand))) continue;
    if (op === "conv" && !convsOf(program).some((step) => kind(program, step))) continue;
    // Every third case has the folding that the interval asks for.
    const folding = index % 3 === 2 ? {} : randomFoldings(program, createRandom(seed, "foldings"));
    const one = { program, options: { ...options, folding } };
    try {
      const bench = caseOfProgram(program, one.options, `${op}_${index}`, seed);
      if (isCarried(bench)) return { ...one, program: { ...program, name: bench.name }, bench };
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      refused(error.diagnostics.map(({ code }) => code));
    }
  }
  throw new Error(`no seed gives case ${index} of ${op}`);
}
