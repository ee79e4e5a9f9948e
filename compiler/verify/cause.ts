// Why a stage may differ. In: what one instruction was given, what it should have made of it, what it made. Out: a class and a
// sentence. A guess from patterns: it is printed as "likely cause" and decides nothing.

import { operandOf } from "../program/bounds.ts";
import {
  type ConvInstruction,
  constantNamed,
  type DenseInstruction,
  operandsOf,
  valueNamed,
  widthOf,
} from "../program/program.ts";
import {
  because,
  differences,
  orderCause,
  type Suspect,
  signed,
  wrapCause,
  wrongChannels,
} from "./cause-patterns.ts";
import { runAlone } from "./instruction-alone.ts";
import { requantizeCause } from "./requantize-cause.ts";
import type { Cause } from "./result.ts";
import { indexOf } from "./slopes.ts";

export function likelyCause(suspect: Suspect): Cause {
  const { instruction } = suspect;
  switch (instruction.op) {
    case "dense":
      return denseCause(suspect, instruction) ?? commonCause(suspect);
    case "requantize":
      return requantizeCause(suspect, instruction) ?? commonCause(suspect);
    case "argmax":
      return argmaxCause(suspect) ?? commonCause(suspect);
    case "threshold":
      return orderCause(suspect) ?? thresholdCause(suspect);
    case "conv":
      return (
        biasCause(suspect) ??
        orderCause(suspect) ??
        wrapCause(suspect) ??
        goingOnCause(suspect) ??
        oneUnit(suspect) ??
        movedWeights(suspect, instruction) ??
        movedInput(suspect) ??
        because("unknown", "weights, or the window that they met")
      );
    case "scale":
    case "table":
      return (
        orderCause(suspect) ??
        wrapCause(suspect) ??
        because("constant", "a constant of the stage, or its address")
      );
    case "pool":
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

function denseCause(suspect: Suspect, instruction: DenseInstruction): Cause | undefined {
  const { program, count, position, start } = suspect;
  const weights = constantNamed(program, instruction.weights);
  const size = weights.shape[1]!;
  const o = position - start;
  const d = differences(suspect, position);
  const bias = biasCause(suspect);
  if (bias) return bias;
  // One weight that acts as another integer: the difference follows one input element exactly.
  const rows = Array.from({ length: count }, (_, n) => operandsAt(suspect, instruction, n));
  const operand = (n: number, i: number): number => rows[n]![i]!;
  const wrong = d.findIndex((x) => x !== 0);
  const followers: { i: number; by: number }[] = [];
  for (let i = 0; i < size; i++) {
    const by = d[wrong]! / operand(wrong, i);
    if (!Number.isInteger(by) || by === 0) continue;
    if (d.every((x, n) => x === by * operand(n, i))) followers.push({ i, by });
  }
  const follower = followers[0];
  if (follower && wrongChannels(suspect).length === 1) {
    const stored = weights.data[o * size + follower.i]!;
    const others =
      followers.length > 1 ? ` (or one of ${followers.length - 1} inputs that look the same)` : "";
    return because(
      "constant",
      `the weight of neuron ${o} for input ${follower.i}${others}: ` +
        `the program has ${stored}, the design computes with ${stored + follower.by * (weights.format.kind === "bipolar" ? 0.5 : 1)}`,
    );
  }
  return (
    orderCause(suspect) ??
    wrapCause(suspect) ??
    goingOnCause(suspect) ??
    movedWeights(suspect, instruction) ??
    movedInput(suspect) ??
    because("unknown", `weights or inputs of neuron ${o}: the difference varies with the vector`)
  );
}

/** Sums that are off by the same integer in every run and at every position, but for a wrap: of one channel, or as another one's bias. */
function biasCause(suspect: Suspect): Cause | undefined {
  const { program, instruction, count, expected, got, position } = suspect;
  if (instruction.op !== "dense" && instruction.op !== "conv") return undefined;
  const { shape, format } = valueNamed(program, instruction.result);
  const channels = shape[shape.length - 1]!;
  const span = 2 ** widthOf(format);
  const off = new Map<number, number>();
  for (let i = 0; i < got.length; i++) {
    const by = (((got[i]! - expected[i]!) % span) + span) % span;
    const known = off.get(i % channels);
    if (known !== undefined && known !== by) return undefined;
    off.set(i % channels, by);
  }
  const wrong = [...off].filter(([, by]) => by !== 0);
  if (count < 2 || wrong.length === 0) return undefined;
  const bias = instruction.bias === null ? null : constantNamed(program, instruction.bias).data;
  if (bias && wrong.length > 1)
    for (let move = 1; move < channels; move++)
      if ([...off].every(([c, by]) => (bias[(c + move) % channels]! - bias[c]! - by) % span === 0))
        return because("address", `every neuron has the bias of the one ${move} further`);
  const o = position % channels;
  const by = off.get(o)!;
  return because(
    "constant",
    `the bias of neuron ${o}, or a constant added to it: every sum is off by ${signed(by < span / 2 ? by : by - span)}`,
  );
}

/** Sums that a guess about what they start from has to explain. */
const EXPLAINED_SUMS = 4;

/** Every wrong sum goes on from one before it, with or without the bias between. */
function goingOnCause({ program, instruction, expected, got }: Suspect): Cause | undefined {
  if (instruction.op !== "dense" && instruction.op !== "conv") return undefined;
  const { shape, format } = valueNamed(program, instruction.result);
  const channels = shape[shape.length - 1]!;
  const span = 2 ** widthOf(format);
  const bias = instruction.bias === null ? null : constantNamed(program, instruction.bias).data;
  const wrong: number[] = [];
  for (let i = 0; i < got.length && wrong.length < 64; i++) if (got[i] !== expected[i]) wrong.push(i);
  for (let lag = 1; lag <= channels; lag++)
    for (const restart of [0, 1]) {
      const later = wrong.filter((i) => i >= lag);
      const explains = later.every(
        (i) => (got[i]! - expected[i]! - got[i - lag]! + restart * (bias?.[i % channels] ?? 0)) % span === 0,
      );
      if (explains && later.length >= EXPLAINED_SUMS)
        return because("handshake", `every sum goes on from the one ${lag} before: it is not started anew`);
    }
  return undefined;
}

/** Runs that a guess about addresses has to agree in. */
const TRIED_RUNS = 4;

/** Sums of the first wrong neuron with weights that stand some places further in the memory. */
function movedWeights(suspect: Suspect, instruction: DenseInstruction | ConvInstruction): Cause | undefined {
  const { program, got, count, expected, position, start } = suspect;
  const { shape, data, format } = constantNamed(program, instruction.weights);
  const units = shape[0]!;
  const size = data.length / units;
  const bias = instruction.bias === null ? null : constantNamed(program, instruction.bias).data;
  const o = position - start;
  const elements = expected.length / count;
  const span = 2 ** widthOf(valueNamed(program, instruction.result).format);
  const runs = Array.from({ length: count }, (_, n) => n)
    .filter((n) => got[n * elements + position] !== expected[n * elements + position])
    .slice(0, TRIED_RUNS);
  if (runs.length < 2) return undefined;
  const operands = runs.map((n) => operandsAt(suspect, instruction, n));
  for (let step = 1; step <= size; step++)
    for (let rows = 1; rows <= Math.min(units, 16); rows++)
      for (const way of [1, -1]) {
        const weight = (i: number): number => {
          const at = i + way * step;
          // Past the end of a row those of the next group of neurons follow.
          if (at >= 0 && at < size) return operandOf(format, data[o * size + at]!);
          const row = (o + way * rows + units) % units;
          return operandOf(format, data[row * size + ((at + size) % size)]!);
        };
        const explains = runs.every((n, k) => {
          let sum = bias?.[o] ?? 0;
          for (let i = 0; i < size; i++) sum += weight(i) * operands[k]![i]!;
          return (sum - got[n * elements + position]!) % span === 0;
        });
        if (explains)
          return because(
            "address",
            `neuron ${o} has the weights that stand ${step} inputs ${way > 0 ? "further" : "before"}`,
          );
      }
  return undefined;
}

/** What the weights of the first wrong neuron meet in run n. */
function operandsAt(
  { program, operands, count, position, start }: Suspect,
  instruction: DenseInstruction | ConvInstruction,
  n: number,
): Float64Array {
  const source = valueNamed(program, instruction.input);
  const weights = constantNamed(program, instruction.weights);
  const size = weights.data.length / weights.shape[0]!;
  const row = operands[0]!.subarray(
    (n * operands[0]!.length) / count,
    ((n + 1) * operands[0]!.length) / count,
  );
  const result = valueNamed(program, instruction.result);
  const units = result.shape[result.shape.length - 1]!;
  if (instruction.op === "dense") {
    const at = Math.floor(start / units) * size;
    return Float64Array.from({ length: size }, (_, i) => operandOf(source.format, row[at + i]!));
  }
  const { strides, dilations, padding, spread, padMantissa, groups } = instruction;
  const kernel = weights.shape.slice(1, -1);
  const perGroup = weights.shape[weights.shape.length - 1]!;
  const group = Math.floor(((position - start) * groups) / units);
  const at = indexOf(start / units, result.shape.slice(0, -1));
  return Float64Array.from({ length: size }, (_, i) => {
    const tap = indexOf(Math.floor(i / perGroup), kernel);
    let offset = 0;
    for (const [axis, k] of tap.entries()) {
      const place = at[axis]! * strides[axis]! + k * dilations[axis]! - padding.before[axis]!;
      if (place < 0 || place > (source.shape[axis]! - 1) * spread[axis]!) return padMantissa;
      if (place % spread[axis]! !== 0) return 0;
      offset = offset * source.shape[axis]! + place / spread[axis]!;
    }
    const channels = source.shape[source.shape.length - 1]!;
    return operandOf(source.format, row[offset * channels + group * perGroup + (i % perGroup)]!);
  });
}

/** Elements of the input that a reader may be off by, at most. */
const MOST_MOVED = 24;

/** The stage computed with its input some elements further or before, wherever it differs. */
function movedInput({ program, instruction, operands, expected, got, count }: Suspect): Cause | undefined {
  if (operandsOf(instruction).length !== 1) return undefined;
  const input = operands[0]!;
  const row = input.length / count;
  const runs = Math.min(count, 2);
  const elements = expected.length / count;
  const { shape } = valueNamed(program, operandsOf(instruction)[0]!);
  const channels = shape[shape.length - 1]!;
  const moves = new Set(
    Array.from({ length: MOST_MOVED }, (_, k) => k + 1)
      .concat([channels, 2 * channels])
      .flatMap((k) => [k, -k]),
  );
  const wrong: number[] = [];
  for (let i = 0; i < runs * elements; i++) if (got[i] !== expected[i]) wrong.push(i);
  if (wrong.length < 3) return undefined;
  for (const move of moves) {
    const moved = Float64Array.from({ length: runs * row }, (_, i) => {
      const at = (i % row) + move;
      return input[i - (i % row) + ((at + row) % row)]!;
    });
    const made = runAlone(program, instruction, [moved], runs);
    const agreeing = wrong.filter((i) => made[i] === got[i]).length;
    // At the ends of the input what is read there is not known.
    if (agreeing >= 3 && agreeing > 0.75 * wrong.length)
      return because(
        "address",
        `computed with its input ${Math.abs(move)} elements ${move > 0 ? "further" : "before"}`,
      );
  }
  return undefined;
}

function argmaxCause({ operands, expected, got, count }: Suspect): Cause | undefined {
  const input = operands[0]!;
  const channels = input.length / expected.length;
  let ties = true;
  for (let n = 0; n < expected.length; n++) {
    if (got[n] === expected[n]) continue;
    if (input[n * channels + got[n]!] !== input[n * channels + expected[n]!]) ties = false;
  }
  if (ties && count > 0) return because("order", "ties: the design does not take the lowest index");
  let unsigned = true;
  for (let n = 0; n < expected.length; n++)
    if (got[n] !== expected[n] && !(input[n * channels + got[n]!]! < 0)) unsigned = false;
  return unsigned ? because("wrap", "negative integers count as large ones: the sign is lost") : undefined;
}

function thresholdCause(suspect: Suspect): Cause {
  const { program, instruction, operands, expected, got, position, start } = suspect;
  const input = operands[0]!;
  const { shape, data } = constantNamed(program, (instruction as { thresholds: string }).thresholds);
  const [channels, levels] = shape as [number, number];
  let ties = true;
  let negative = true;
  for (let i = 0; i < got.length; i++) {
    if (got[i] === expected[i]) continue;
    const c = i % channels;
    if (!data.slice(c * levels, (c + 1) * levels).includes(input[i]!)) ties = false;
    if (input[i]! >= 0) negative = false;
  }
  if (ties && wrongChannels(suspect).length > 1)
    return because("order", "ties: a threshold that is reached exactly does not count");
  if (negative && wrongChannels(suspect).length > 1)
    return because("wrap", "only negative integers differ: the sign is lost");
  return because("constant", `a threshold of channel ${position - start}, or the width of the comparison`);
}

/** Of a convolution: one channel alone is wrong. */
function oneUnit(suspect: Suspect): Cause | undefined {
  const wrong = wrongChannels(suspect);
  return wrong.length === 1
    ? because("constant", `a weight of channel ${wrong[0]}: all other channels are right`)
    : undefined;
}

function commonCause(suspect: Suspect): Cause {
  return (
    orderCause(suspect) ??
    wrapCause(suspect) ??
    movedInput(suspect) ??
    because("unknown", "no simple pattern")
  );
}
