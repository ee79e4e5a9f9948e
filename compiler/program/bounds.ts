// Proved ranges of accumulators, from the actual weights. In: a dense instruction's operands. Out: a range that
// every partial sum in every order keeps, and the width that holds it together with the rounding that follows.
import { compilerAssert } from "../support/assert.ts";
import { MAX_ACCUMULATOR_WIDTH, type Range, widthOfRange } from "../support/fixed-point.ts";
import {
  type Constant,
  channelsOf,
  constantNamed,
  type DenseInstruction,
  type Format,
  fractionOf,
  type Instruction,
  mantissaRange,
  operandRange,
  type Program,
  type Value,
  valueNamed,
} from "./program.ts";

/** The integers that arithmetic sees for stored mantissas: themselves, or -1 and +1 for bipolar bits. */
export function operandOf(format: Format, mantissa: number): number {
  return format.kind === "int" ? mantissa : 2 * mantissa - 1;
}

/**
 * Range of every partial sum of one output channel, the bias anywhere in the order:
 * lo = min(0, b) + sum of min(0, w*amin, w*amax), hi likewise.
 */
export function channelBounds(
  weights: Constant,
  bias: Constant | null,
  channel: number,
  input: Format,
): Range {
  const inputs = weights.shape[1]!;
  const { min: amin, max: amax } = operandRange(input);
  const b = bias ? bias.data[channel]! : 0;
  let lo = Math.min(0, b);
  let hi = Math.max(0, b);
  for (let i = 0; i < inputs; i++) {
    const w = operandOf(weights.format, weights.data[channel * inputs + i]!);
    lo += Math.min(0, w * amin, w * amax);
    hi += Math.max(0, w * amin, w * amax);
  }
  return { min: lo === 0 ? 0 : lo, max: hi };
}

/** Range over all channels of a dense instruction. */
export function denseBounds(program: Program, instruction: DenseInstruction): Range {
  const weights = constantNamed(program, instruction.weights);
  const bias = instruction.bias === null ? null : constantNamed(program, instruction.bias);
  return boundsOfDense(weights, bias, valueNamed(program, instruction.input).format);
}

/** Range over all channels of weights [out, in] applied to inputs of a format. */
export function boundsOfDense(weights: Constant, bias: Constant | null, input: Format): Range {
  let min = 0;
  let max = 0;
  for (let c = 0; c < weights.shape[0]!; c++) {
    const range = channelBounds(weights, bias, c, input);
    min = Math.min(min, range.min);
    max = Math.max(max, range.max);
  }
  return { min, max };
}

/** Name of the value whose elements a value holds, all or some of them: back over flatten and select, which only copy. */
export function originOf(instructions: readonly Instruction[], name: string): string {
  const maker = instructions.find((i) => i.result === name);
  return maker?.op === "flatten" || maker?.op === "select" ? originOf(instructions, maker.input) : name;
}

/** Range of the mantissas that a value can hold: proved for sums and indices, else that of its format. */
export function provedRange(program: Program, name: string): Range {
  const origin = originOf(program.instructions, name);
  const maker = program.instructions.find((i) => i.result === origin);
  if (maker?.op === "dense") return denseBounds(program, maker);
  if (maker?.op === "argmax") return { min: 0, max: channelsOf(valueNamed(program, maker.input)) - 1 };
  return mantissaRange(valueNamed(program, origin).format);
}

/** Fraction of the selected elements of a flat tensor: its own, or those of the selected channels. */
export function selectedFraction(format: Format, indices: readonly number[]): number | readonly number[] {
  return typeof format.fraction === "number" ? format.fraction : indices.map((i) => fractionOf(format, i));
}

/**
 * What a requantization adds before or multiplies during its shift: the range of all its intermediate results when the
 * operand lies in `range`. A right shift adds half (2^(s-1)), a left shift multiplies by 2^-s.
 */
export function requantizeIntermediate(range: Range, shift: number): Range {
  if (shift > 0) return { min: range.min, max: range.max + 2 ** Math.min(shift - 1, MAX_ACCUMULATOR_WIDTH) };
  return { min: range.min * 2 ** -shift, max: range.max * 2 ** -shift };
}

/** Shift of channel `c` of a requantization: fraction(input) - fraction(result). Positive shifts right. */
export function shiftOf(input: Value, result: Value, c: number): number {
  return fractionOf(input.format, c) - fractionOf(result.format, c);
}

/** All shifts of a requantization, one per channel of the input. */
export function shiftsOf(input: Value, result: Value): readonly number[] {
  return Array.from({ length: channelsOf(input) }, (_, c) => shiftOf(input, result, c));
}

/** Signed width that holds a range, or undefined above the widest accumulator. */
export function accumulatorWidth(range: Range): number | undefined {
  const width = widthOfRange(range, true);
  return width <= MAX_ACCUMULATOR_WIDTH ? width : undefined;
}

/** Fraction of a dense result: input fraction + weight fraction, per channel when the weights' is. */
export function accumulatorFraction(weights: Format, input: Format): number | readonly number[] {
  compilerAssert(typeof input.fraction === "number", "a dense input has one fraction");
  const inputFraction = input.fraction;
  if (typeof weights.fraction === "number") return weights.fraction + inputFraction;
  return weights.fraction.map((f) => f + inputFraction);
}

/** Whether two shapes are the same. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}
