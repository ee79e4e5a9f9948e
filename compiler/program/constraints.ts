// What the rules of all instructions share. In: an instruction with its operands. Out: the widest formats, and how a
// rule reports that it is broken.
import type { DiagnosticCollector } from "../support/diagnostics.ts";
import { MAX_ACCUMULATOR_WIDTH } from "../support/fixed-point.ts";
import {
  type Constant,
  type Format,
  type Instruction,
  isSigned,
  operandsOf,
  type Value,
  widthOf,
} from "./program.ts";

/** Widest tensor or weight mantissa, bits. */
export const MAX_TENSOR_WIDTH = 16;
/** Widest operand of multiply, bits: products stay within the widest accumulator. */
export const MAX_FACTOR_WIDTH = 24;
/** Widest operand of add and subtract, bits: a sum of two is a bit wider. */
export const MAX_TERM_WIDTH = MAX_ACCUMULATOR_WIDTH - 1;
/** Widest multiplier of a scale, bits. */
export const MAX_MULTIPLIER_WIDTH = 32;
/** Widest input of a table, bits. */
export const MAX_TABLE_WIDTH = 12;
/** Most instructions of a program; most elements of a value or constant; most axes; most fractions of one format. */
export const MAX_INSTRUCTIONS = 20_000;
export const MAX_ELEMENTS = 2 ** 24;
export const MAX_AXES = 8;
export const MAX_FRACTIONS = 2 ** 16;
/** Most elements of all values together, and most products of all layers in one inference. */
export const MAX_VALUES = 2 ** 27;
export const MAX_PRODUCTS = 2 ** 36;
/** Largest magnitude of a fraction; keeps every shift within the exact integers' reach. */
export const MAX_FRACTION = 64;

/** An instruction with all that it names, and a place for complaints. */
export interface Check {
  /** The first operand. */
  readonly input: Value;
  /** All operands, in order. */
  readonly operands: readonly Value[];
  readonly result: Value;
  constant(name: string): Constant;
  shape(problem: string): void;
  format(problem: string): void;
}

export function createCheck(
  instruction: Instruction,
  values: ReadonlyMap<string, Value>,
  constants: ReadonlyMap<string, Constant>,
  collector: DiagnosticCollector,
): Check {
  const where = `layer ${instruction.layer} (${instruction.op})`;
  const operands = operandsOf(instruction).map((name) => values.get(name)!);
  return {
    input: operands[0]!,
    operands,
    result: values.get(instruction.result)!,
    constant: (name) => constants.get(name)!,
    shape: (problem) => collector.add("program/shape", { where, problem }),
    format: (problem) => collector.add("program/format", { where, problem }),
  };
}

/** Whether two formats are the same, fractions included. */
export function sameFormat(a: Format, b: Format): boolean {
  return (
    a.kind === b.kind &&
    isSigned(a) === isSigned(b) &&
    widthOf(a) === widthOf(b) &&
    JSON.stringify(a.fraction) === JSON.stringify(b.fraction)
  );
}

/** Whether every channel's fraction is the one of `fraction`. */
export function sameFraction(
  format: Format,
  fraction: number | readonly number[],
  channels: number,
): boolean {
  for (let c = 0; c < channels; c++) {
    const own = typeof format.fraction === "number" ? format.fraction : format.fraction[c];
    if (own !== (typeof fraction === "number" ? fraction : fraction[c])) return false;
  }
  return true;
}

/** Whether `sizes` has one integer, at least `least`, for each of some axes. */
export function areSizes(sizes: readonly number[], axes: number, least: number): boolean {
  return sizes.length === axes && sizes.every((size) => Number.isSafeInteger(size) && size >= least);
}

export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/** Complains of operands that are wider than a tensor; whether they were. */
export function refuseWide({ operands, format }: Check): boolean {
  const wide = operands.find((value) => widthOf(value.format) > MAX_TENSOR_WIDTH);
  if (wide) format(`an input has at most ${MAX_TENSOR_WIDTH} bits, not ${widthOf(wide.format)}`);
  return wide !== undefined;
}

/** Complains of an operand whose channels have different fractions; whether there was one. */
export function refuseFractions({ operands, format }: Check): boolean {
  const several = operands.some((value) => typeof value.format.fraction !== "number");
  if (several) format("the input must have one fraction");
  return several;
}
