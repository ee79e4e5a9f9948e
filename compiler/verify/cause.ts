// Why a stage may differ. In: what one instruction was given, what it should have made of it, what it made. Out: a class and a
// sentence. A guess from patterns: it is printed as "likely cause" and decides nothing.

import { constantNamed, type DenseInstruction, operandsOf, valueNamed } from "../program/program.ts";
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
        orderCause(suspect) ??
        wrapCause(suspect) ??
        biasCause(suspect) ??
        movedInput(suspect) ??
        nearOneUnit(suspect) ??
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
  const { program, operands, count, position, start } = suspect;
  const input = operands[0]!;
  const weights = constantNamed(program, instruction.weights);
  const size = weights.shape[1]!;
  const o = position - start;
  const d = differences(suspect, position);
  const bias = biasCause(suspect);
  if (bias) return bias;
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
    movedWeights(suspect, instruction, (n, i) => operand(n, i)) ??
    movedInput(suspect) ??
    because("unknown", `weights or inputs of neuron ${o}: the difference varies with the vector`)
  );
}

/** Sums that are off by the same integer in every run and at every position: of one channel, or as another one's bias. */
function biasCause(suspect: Suspect): Cause | undefined {
  const { program, instruction, count, expected, got, position } = suspect;
  if (instruction.op !== "dense" && instruction.op !== "conv") return undefined;
  const { shape } = valueNamed(program, instruction.result);
  const channels = shape[shape.length - 1]!;
  const off = new Map<number, number>();
  for (let i = 0; i < got.length; i++) {
    const by = got[i]! - expected[i]!;
    const known = off.get(i % channels);
    if (known !== undefined && known !== by) return undefined;
    off.set(i % channels, by);
  }
  const wrong = [...off].filter(([, by]) => by !== 0);
  if (count < 2 || wrong.length === 0) return undefined;
  const bias = instruction.bias === null ? null : constantNamed(program, instruction.bias).data;
  if (bias && wrong.length > 1)
    for (let step = 1; step < channels; step++)
      for (const move of [step, channels - step])
        if ([...off].every(([c, by]) => by === bias[(c + move) % channels]! - bias[c]!))
          return because("address", `every neuron has the bias of the one ${move} further`);
  const o = position % channels;
  return because(
    "constant",
    `the bias of neuron ${o}, or a constant added to it: every sum is off by ${signed(off.get(o)!)}`,
  );
}

/** Runs that a guess about addresses has to agree in. */
const TRIED_RUNS = 4;

/** Sums of the first wrong neuron with weights that stand some places further in the memory. */
function movedWeights(
  suspect: Suspect,
  instruction: DenseInstruction,
  operand: (n: number, i: number) => number,
): Cause | undefined {
  const { program, got, count, expected, position, start } = suspect;
  const { shape, data } = constantNamed(program, instruction.weights);
  const [units, size] = shape as [number, number];
  const bias = instruction.bias === null ? null : constantNamed(program, instruction.bias).data;
  const o = position - start;
  const elements = expected.length / count;
  const runs = Array.from({ length: count }, (_, n) => n)
    .filter((n) => got[n * elements + position] !== expected[n * elements + position])
    .slice(0, TRIED_RUNS);
  if (runs.length < 2) return undefined;
  for (let step = 1; step <= size; step++)
    for (let rows = 1; rows <= Math.min(units, 16); rows++)
      for (const way of [1, -1]) {
        const weight = (i: number): number => {
          const at = i + way * step;
          // Past the end of a row those of the next group of neurons follow.
          if (at >= 0 && at < size) return data[o * size + at]!;
          const row = (o + way * rows + units) % units;
          return data[row * size + ((at + size) % size)]!;
        };
        const explains = runs.every((n) => {
          let sum = bias?.[o] ?? 0;
          for (let i = 0; i < size; i++) sum += weight(i) * operand(n, i);
          return sum === got[n * elements + position];
        });
        if (explains)
          return because(
            "address",
            `neuron ${o} has the weights that stand ${step} inputs ${way > 0 ? "further" : "before"}`,
          );
      }
  return undefined;
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
  if (ties) return because("order", "ties: a threshold that is reached exactly does not count");
  if (negative && wrongChannels(suspect).length > 1)
    return because("wrap", "only negative integers differ: the sign is lost");
  return because("constant", `a threshold of channel ${position - start}, or the width of the comparison`);
}

/** Of a convolution: one channel alone is wrong. */
function nearOneUnit(suspect: Suspect): Cause | undefined {
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
