// Proved ranges of values, from the actual weights. In: a program, or the instructions that a builder has so far.
// Out: for sums a range that every partial sum in every order keeps, for other values one that holds every element;
// and what a requantization needs beside it.
import { compilerAssert } from "../support/assert.ts";
import { MAX_ACCUMULATOR_WIDTH, type Range, widthOfRange } from "../support/fixed-point.ts";
import {
  type ArithmeticInstruction,
  type Constant,
  type ConvInstruction,
  channelsOf,
  constantNamed,
  type DenseInstruction,
  type Format,
  fractionOf,
  type Instruction,
  isSum,
  mantissaRange,
  operandRange,
  type Program,
  type ScaleInstruction,
  type Value,
  valueNamed,
} from "./program.ts";

/** The integers that arithmetic sees for stored mantissas: themselves, or -1 and +1 for bipolar bits. */
export function operandOf(format: Format, mantissa: number): number {
  return format.kind === "int" ? mantissa : 2 * mantissa - 1;
}

/** No negative zero. */
function range(min: number, max: number): Range {
  return { min: min === 0 ? 0 : min, max: max === 0 ? 0 : max };
}

/** Of one range at least; there may be one for each of very many channels. */
function hull([first, ...more]: readonly Range[]): Range {
  let { min, max } = first!;
  for (const other of more) {
    min = Math.min(min, other.min);
    max = Math.max(max, other.max);
  }
  return range(min, max);
}

/**
 * Range of every partial sum of one output channel (index of axis 0 of the weights), the bias anywhere in the order:
 * lo = min(0, b) + sum of min(0, w*amin, w*amax), hi likewise. A conv's padMantissa, and the zeros between spread
 * elements, lie in the input's range.
 */
export function channelBounds(
  weights: Constant,
  bias: Constant | null,
  channel: number,
  input: Format,
): Range {
  const row = weights.data.length / weights.shape[0]!;
  const { min: amin, max: amax } = operandRange(input);
  const b = bias ? bias.data[channel]! : 0;
  let lo = Math.min(0, b);
  let hi = Math.max(0, b);
  for (let i = channel * row; i < (channel + 1) * row; i++) {
    const w = operandOf(weights.format, weights.data[i]!);
    lo += Math.min(0, w * amin, w * amax);
    hi += Math.max(0, w * amin, w * amax);
  }
  return range(lo, hi);
}

/** Range over all channels of weights [out, ...] applied to inputs of a format. */
export function boundsOfWeights(weights: Constant, bias: Constant | null, input: Format): Range {
  let min = 0;
  let max = 0;
  for (let c = 0; c < weights.shape[0]!; c++) {
    const bounds = channelBounds(weights, bias, c, input);
    min = Math.min(min, bounds.min);
    max = Math.max(max, bounds.max);
  }
  return { min, max };
}

/** Range over all channels of a dense or conv. */
export function productBounds(program: Program, instruction: DenseInstruction | ConvInstruction): Range {
  const bias = instruction.bias === null ? null : constantNamed(program, instruction.bias);
  const { format } = valueNamed(program, instruction.input);
  return boundsOfWeights(constantNamed(program, instruction.weights), bias, format);
}

/** Left shift of each operand of a sum or difference that brings it to the fraction of the result. */
export function alignmentOf(result: Format, operand: Format): number {
  return fractionOf(result, 0) - fractionOf(operand, 0);
}

/** Range of a sum, difference or product: products of the ends; of sums also every partial sum, the operands' parts alone. */
function arithmeticRange(op: ArithmeticInstruction["op"], a: Range, b: Range): Range {
  switch (op) {
    case "add":
      return range(Math.min(0, a.min) + Math.min(0, b.min), Math.max(0, a.max) + Math.max(0, b.max));
    case "subtract":
      return range(Math.min(0, a.min) - Math.max(0, b.max), Math.max(0, a.max) - Math.min(0, b.min));
    case "multiply": {
      const ends = [a.min * b.min, a.min * b.max, a.max * b.min, a.max * b.max];
      return range(Math.min(...ends), Math.max(...ends));
    }
  }
}

/** Where `resultRange` finds what an instruction names. */
export interface RangeLookup {
  value(name: string): Value;
  constant(name: string): Constant;
  /** Proved range of an operand. */
  range(name: string): Range;
}

/** Range of the mantissas that an instruction gives. */
export function resultRange(instruction: Instruction, at: RangeLookup): Range {
  switch (instruction.op) {
    case "dense":
    case "conv": {
      const bias = instruction.bias === null ? null : at.constant(instruction.bias);
      return boundsOfWeights(at.constant(instruction.weights), bias, at.value(instruction.input).format);
    }
    case "scale":
      return scaleRange(instruction, at);
    case "add":
    case "subtract":
    case "multiply": {
      const { format } = at.value(instruction.result);
      const [a, b] = instruction.inputs.map((name) => {
        const operand = at.range(name);
        const scale = instruction.op === "multiply" ? 1 : 2 ** alignmentOf(format, at.value(name).format);
        return range(operand.min * scale, operand.max * scale);
      });
      return arithmeticRange(instruction.op, a!, b!);
    }
    case "requantize": {
      const { min, max } = mantissaRange(at.value(instruction.result).format);
      return { min, max: instruction.limit ?? max };
    }
    case "threshold":
      return mantissaRange(at.value(instruction.result).format);
    case "argmax":
      return { min: 0, max: channelsOf(at.value(instruction.input)) - 1 };
    case "table": {
      const { data } = at.constant(instruction.table);
      // A sum that does not fit its format is refused where it is made; there is no entry for what it reaches beyond.
      const { min: first, max: last } = mantissaRange(at.value(instruction.input).format);
      const proved = at.range(instruction.input);
      const reached = { min: Math.max(first, proved.min), max: Math.min(last, proved.max) };
      let min = Number.POSITIVE_INFINITY;
      let max = Number.NEGATIVE_INFINITY;
      for (let x = reached.min; x <= reached.max; x++) {
        min = Math.min(min, data[x - first]!);
        max = Math.max(max, data[x - first]!);
      }
      return range(min, max);
    }
    case "pool": {
      const input = at.range(instruction.input);
      const { before, after } = instruction.padding;
      const padded = [...before, ...after].some((n) => n > 0);
      return instruction.kind === "average" && padded ? hull([input, { min: 0, max: 0 }]) : input;
    }
    case "pad":
      return hull([at.range(instruction.input), { min: instruction.mantissa, max: instruction.mantissa }]);
    case "concat":
      return hull(instruction.inputs.map((name) => at.range(name)));
    case "reshape":
    case "select":
    case "slice":
    case "transpose":
    case "upsample":
      return at.range(instruction.input);
  }
}

/** Range of the products of a scale, with their offsets and without. */
function scaleRange({ input, multipliers, offsets }: ScaleInstruction, at: RangeLookup): Range {
  const { min, max } = at.range(input);
  const { data } = at.constant(multipliers);
  const added = offsets === null ? null : at.constant(offsets).data;
  return hull(
    data.map((m, c) => {
      const b = added?.[c] ?? 0;
      return range(
        Math.min(0, b) + Math.min(0, m * min, m * max),
        Math.max(0, b) + Math.max(0, m * min, m * max),
      );
    }),
  );
}

/** Range of the mantissas that a value can hold: proved back to sums, requantizations and inputs. */
export function provedRange(program: Program, name: string): Range {
  // Branches meet again: without a memory the ways back would be walked once for each path.
  const known = new Map<string, Range>();
  const lookup: RangeLookup = {
    value: (value) => valueNamed(program, value),
    constant: (constant) => constantNamed(program, constant),
    range(value) {
      let found = known.get(value);
      if (!found) {
        const maker = program.instructions.find((i) => i.result === value);
        found = maker ? resultRange(maker, lookup) : mantissaRange(valueNamed(program, value).format);
        known.set(value, found);
      }
      return found;
    },
  };
  return lookup.range(name);
}

/** Proved ranges of all values, each worked out once. */
export function provedRanges(program: Program): ReadonlyMap<string, Range> {
  const values = new Map(program.values.map((v) => [v.name, v]));
  const constants = new Map(program.constants.map((c) => [c.name, c]));
  const ranges = new Map<string, Range>();
  for (const name of program.inputs) ranges.set(name, mantissaRange(values.get(name)!.format));
  for (const instruction of program.instructions) {
    const lookup: RangeLookup = {
      value: (name) => values.get(name)!,
      constant: (name) => constants.get(name)!,
      range: (name) => ranges.get(name)!,
    };
    ranges.set(instruction.result, resultRange(instruction, lookup));
  }
  return ranges;
}

/** Which instruction makes a value, by lists of instructions that only grow. */
const makers = new WeakMap<readonly Instruction[], Map<string, Instruction>>();

function makerOf(instructions: readonly Instruction[], name: string): Instruction | undefined {
  let known = makers.get(instructions);
  if (!known) {
    known = new Map();
    makers.set(instructions, known);
  }
  for (let i = known.size; i < instructions.length; i++) known.set(instructions[i]!.result, instructions[i]!);
  return known.get(name);
}

/** Name of the value whose elements a value holds, all or some of them: back over what only copies and may be as wide as a sum. */
export function originOf(instructions: readonly Instruction[], name: string): string {
  for (let at = name; ; ) {
    const maker = makerOf(instructions, at);
    if (maker?.op !== "reshape" && maker?.op !== "select" && maker?.op !== "slice") return at;
    at = maker.input;
  }
}

/** Whether a value is an accumulator, or a copy of parts of one. */
export function isAccumulator(instructions: readonly Instruction[], name: string): boolean {
  const maker = makerOf(instructions, originOf(instructions, name));
  return maker !== undefined && isSum(maker);
}

/** Fraction of the selected channels: the tensor's own, or one for each of them. */
export function selectedFraction(format: Format, channels: readonly number[]): number | readonly number[] {
  return typeof format.fraction === "number" ? format.fraction : channels.map((c) => fractionOf(format, c));
}

/**
 * What a requantization adds before or multiplies during its shift: the range of all its intermediate results when the
 * operand lies in `range`. A right shift adds half (2^(s-1)), a left shift multiplies by 2^-s.
 */
export function requantizeIntermediate({ min, max }: Range, shift: number): Range {
  if (shift > 0) return { min, max: max + 2 ** Math.min(shift - 1, MAX_ACCUMULATOR_WIDTH) };
  return { min: min * 2 ** -shift, max: max * 2 ** -shift };
}

/** Shift of channel `c` of a requantization: fraction(input) - fraction(result). Positive shifts right. */
export function shiftOf(input: Value, result: Value, c: number): number {
  return fractionOf(input.format, c) - fractionOf(result.format, c);
}

/** All shifts of a requantization, one per channel of the input. */
export function shiftsOf(input: Value, result: Value): readonly number[] {
  return Array.from({ length: channelsOf(input) }, (_, c) => shiftOf(input, result, c));
}

/** Signed width that holds a range, or undefined above the widest accumulator; a range beyond all doubles is not finite. */
export function accumulatorWidth(bounds: Range): number | undefined {
  if (!Number.isFinite(bounds.min) || !Number.isFinite(bounds.max)) return undefined;
  const width = widthOfRange(bounds, true);
  return width <= MAX_ACCUMULATOR_WIDTH ? width : undefined;
}

/** Fraction of a dense or conv result: input fraction + weight fraction, per channel when the weights' is. */
export function accumulatorFraction(weights: Format, input: Format): number | readonly number[] {
  compilerAssert(typeof input.fraction === "number", "weights are applied to inputs of one fraction");
  const inputFraction = input.fraction;
  if (typeof weights.fraction === "number") return weights.fraction + inputFraction;
  return weights.fraction.map((f) => f + inputFraction);
}

/** Fraction of a sum, difference or product. */
export function arithmeticFraction(op: ArithmeticInstruction["op"], a: Format, b: Format): number {
  compilerAssert(
    typeof a.fraction === "number" && typeof b.fraction === "number",
    "operands of one fraction each",
  );
  return op === "multiply" ? a.fraction + b.fraction : Math.max(a.fraction, b.fraction);
}
