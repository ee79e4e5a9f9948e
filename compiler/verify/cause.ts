// Why a stage may differ. In: what one instruction was given, what it should have made of it, what it made. Out: a
// sentence. A guess from patterns: it is printed as "likely cause" and decides nothing.
import {
  channelsOf,
  constantNamed,
  type DenseInstruction,
  fractionOf,
  type Instruction,
  type Program,
  type RequantizeInstruction,
  valueNamed,
} from "../program/program.ts";
import { integerRange, saturate, shiftRound } from "../support/fixed-point.ts";

export interface Suspect {
  readonly program: Program;
  readonly instruction: Instruction;
  /** Runs of the instruction. */
  readonly count: number;
  /** count x elements of the input, of the right result, of the result that came. */
  readonly input: Float64Array;
  readonly expected: Float64Array;
  readonly got: Float64Array;
  /** First element that differs, within a run, and the first one of its channel row. */
  readonly position: number;
  readonly start: number;
}

export function likelyCause(suspect: Suspect): string {
  const { instruction } = suspect;
  switch (instruction.op) {
    case "dense":
      return denseCause(suspect, instruction) ?? commonCause(suspect);
    case "requantize":
      return requantizeCause(suspect, instruction) ?? commonCause(suspect);
    case "argmax":
      return argmaxCause(suspect) ?? commonCause(suspect);
    case "threshold":
      return (
        orderCause(suspect) ??
        `a threshold of channel ${suspect.position - suspect.start}, or the width of the comparison`
      );
    case "conv":
    case "pool":
    case "table":
    case "scale":
    case "add":
    case "subtract":
    case "multiply":
    case "concat":
    case "reshape":
    case "select":
    case "slice":
    case "pad":
    case "transpose":
    case "upsample":
      return commonCause(suspect);
  }
}

/** got - expected of one position, run by run. */
function differences({ expected, got, count }: Suspect, position: number): Float64Array {
  const elements = expected.length / count;
  return Float64Array.from(
    { length: count },
    (_, n) => got[n * elements + position]! - expected[n * elements + position]!,
  );
}

function denseCause(suspect: Suspect, instruction: DenseInstruction): string | undefined {
  const { program, input, count, position, start } = suspect;
  const weights = constantNamed(program, instruction.weights);
  const size = weights.shape[1]!;
  const o = position - start;
  const d = differences(suspect, position);
  const constant = d[0]!;
  if (constant !== 0 && d.every((x) => x === constant) && count > 1)
    return `the bias of neuron ${o}, or a constant added to it: every sum is off by ${signed(constant)}`;
  // One weight that acts as another integer: the difference follows one input element exactly.
  const bipolar = valueNamed(program, instruction.input).format.kind === "bipolar";
  const row = input.length / count;
  const units = suspect.expected.length / count / (row / size);
  const at = Math.floor(position / units) * size;
  const operand = (n: number, i: number): number => {
    const x = input[n * row + at + i]!;
    return bipolar ? 2 * x - 1 : x;
  };
  const wrong = d.findIndex((x) => x !== 0);
  const followers: { i: number; by: number }[] = [];
  for (let i = 0; i < size; i++) {
    const by = d[wrong]! / operand(wrong, i);
    if (!Number.isInteger(by) || by === 0) continue;
    if (d.every((x, n) => x === by * operand(n, i))) followers.push({ i, by });
  }
  const follower = followers[0];
  if (follower) {
    const stored = weights.data[o * size + follower.i]!;
    const others =
      followers.length > 1 ? ` (or one of ${followers.length - 1} inputs that look the same)` : "";
    return (
      `the weight of neuron ${o} for input ${follower.i}${others}: ` +
      `the program has ${stored}, the design computes with ${stored + follower.by * (weights.format.kind === "bipolar" ? 0.5 : 1)}`
    );
  }
  return (
    orderCause(suspect) ??
    wrapCause(d) ??
    `weights or inputs of neuron ${o}: the difference varies with the vector`
  );
}

function requantizeCause(suspect: Suspect, instruction: RequantizeInstruction): string | undefined {
  const { program, input, got, expected } = suspect;
  const source = valueNamed(program, instruction.input);
  const result = valueNamed(program, instruction.result);
  if (result.format.kind !== "int") return undefined;
  const { width, signed: isSigned } = result.format;
  const range = integerRange(width, isSigned);
  const channels = channelsOf(source);
  const shift = (i: number): number =>
    fractionOf(source.format, i % channels) - fractionOf(result.format, i % channels);
  const explains = (make: (x: number, s: number) => number): boolean => {
    let differs = false;
    for (let i = 0; i < got.length; i++) {
      if (got[i] !== expected[i]) differs = true;
      if (make(input[i]!, shift(i)) !== got[i]) return false;
    }
    return differs;
  };
  const activate = (x: number): number => (instruction.activation === "relu" && x < 0 ? 0 : x);
  for (const rounding of ["truncate", "half-up", "half-even"] as const)
    if (
      rounding !== instruction.rounding &&
      explains((x, s) => saturate(activate(shiftRound(x, s, rounding)), range))
    )
      return `rounding: the design rounds as ${rounding}, the program says ${instruction.rounding}`;
  if (
    explains((x, s) => saturate(shiftRound(x, s, instruction.rounding), range)) &&
    instruction.activation === "relu"
  )
    return "the ReLU is missing";
  if (explains((x, s) => saturate(Math.max(0, shiftRound(x, s, instruction.rounding)), range)))
    return "a ReLU that the program does not have";
  const wrap = (x: number): number => {
    const span = 2 ** width;
    const low = ((x % span) + span) % span;
    return low > range.max ? low - span : low;
  };
  if (explains((x, s) => wrap(activate(shiftRound(x, s, instruction.rounding)))))
    return `saturation: the design wraps at ${width} bits`;
  for (const by of [-2, -1, 1, 2])
    if (explains((x, s) => saturate(activate(shiftRound(x, s + by, instruction.rounding)), range)))
      return `the shift: the design shifts by ${signed(by)} bits too far`;
  // Addends other than the half: all integers that a half of this shift could be turned into by one flipped bit.
  const s = shift(suspect.position);
  if (s > 0 && s <= 40 && instruction.rounding === "half-up") {
    const half = 2 ** (s - 1);
    for (let bit = 0; bit <= s; bit++)
      for (const addend of [half - 2 ** bit, half + 2 ** bit])
        if (explains((x, t) => saturate(activate(Math.floor((x + addend) / 2 ** t)), range)))
          return `the rounding constant: the design adds ${addend}, the program says ${half}`;
  }
  const order = orderCause(suspect);
  if (order) return order;
  let small = true;
  for (let i = 0; i < got.length; i++) if (Math.abs(got[i]! - expected[i]!) > 1) small = false;
  return small ? "the rounding constant: every difference is one unit" : undefined;
}

function argmaxCause({ input, expected, got, count }: Suspect): string | undefined {
  const channels = input.length / expected.length;
  let ties = true;
  for (let n = 0; n < expected.length; n++) {
    if (got[n] === expected[n]) continue;
    if (input[n * channels + got[n]!] !== input[n * channels + expected[n]!]) ties = false;
  }
  return ties && count > 0 ? "ties: the design does not take the lowest index" : undefined;
}

/** Another position's or another run's value at this position, in every run that differs. */
function orderCause({ expected, got, count, position }: Suspect): string | undefined {
  const elements = expected.length / count;
  const wrong: number[] = [];
  for (let n = 0; n < count; n++)
    if (got[n * elements + position] !== expected[n * elements + position]) wrong.push(n);
  if (wrong.length < 2) return undefined;
  const varies = new Set(wrong.map((n) => got[n * elements + position])).size > 1;
  if (!varies) return undefined;
  for (let p = 0; p < elements; p++)
    if (p !== position && wrong.every((n) => got[n * elements + position] === expected[n * elements + p]))
      return `order: position ${position} carries the value of position ${p}`;
  if (wrong.every((n) => n > 0 && got[n * elements + position] === expected[(n - 1) * elements + position]))
    return "the value of the vector before: late by one packet";
  return undefined;
}

/** Differences that are all the same power of two, up to the sign: a sum that lost its top bits. */
function wrapCause(d: Float64Array): string | undefined {
  const sizes = new Set([...d].filter((x) => x !== 0).map(Math.abs));
  for (let width = 4; width <= 52; width++)
    if (sizes.size > 0 && [...sizes].every((x) => x % 2 ** width === 0) && sizes.has(2 ** width))
      return `the sum wraps at ${width} bits: every difference is a multiple of ${2 ** width}`;
  return undefined;
}

function commonCause(suspect: Suspect): string {
  const d = differences(suspect, suspect.position);
  return orderCause(suspect) ?? wrapCause(d) ?? "no simple pattern";
}

function signed(x: number): string {
  return x > 0 ? `+${x}` : `${x}`;
}
