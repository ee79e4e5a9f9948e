// The exact interpreter of the integer program: the plainest reading of program/SEMANTICS.md. In: a program and
// mantissas of its inputs. Out: mantissas of every value. It shares no code with the generators that it judges.

import {
  constantNamed,
  type DenseInstruction,
  elementsOf,
  type Format,
  fractionOf,
  type Program,
  type RequantizeInstruction,
  type SelectInstruction,
  type ThresholdInstruction,
  type Value,
  valueNamed,
} from "../program/program.ts";
import { assertNever, compilerAssert } from "../support/assert.ts";
import { integerRange, saturate, shiftRound } from "../support/fixed-point.ts";

export interface Simulation {
  /** Mantissas of every value of the program: count x elements, row-major. */
  readonly values: ReadonlyMap<string, Float64Array>;
}

/**
 * Runs `count` inferences. `inputs` gives, for every input of the program, count x elements mantissas within the
 * input's range. Doubles hold every integer that can occur (accumulators have at most 48 bits), so nothing rounds.
 */
export function simulate(
  program: Program,
  inputs: ReadonlyMap<string, ArrayLike<number>>,
  count: number,
): Simulation {
  const values = new Map<string, Float64Array>();
  for (const name of program.inputs) {
    const given = inputs.get(name);
    const size = count * elementsOf(valueNamed(program, name).shape);
    compilerAssert(given && given.length === size, `simulate: input ${name} needs ${size} elements`);
    values.set(name, Float64Array.from(given));
  }
  for (const instruction of program.instructions) {
    const source = valueNamed(program, instruction.input);
    const result = valueNamed(program, instruction.result);
    const x = values.get(source.name)!;
    switch (instruction.op) {
      case "requantize":
        values.set(result.name, requantize(instruction, source, result, x));
        break;
      case "dense":
        values.set(result.name, dense(program, instruction, source, x, count));
        break;
      case "threshold":
        values.set(result.name, threshold(program, instruction, x));
        break;
      case "flatten":
        values.set(result.name, x);
        break;
      case "select":
        values.set(result.name, select(instruction, x, count));
        break;
      case "argmax":
        values.set(result.name, argmax(source, x));
        break;
      default:
        assertNever(instruction, "simulate");
    }
  }
  return { values };
}

function requantize(
  { activation, rounding }: RequantizeInstruction,
  source: Value,
  result: Value,
  x: Float64Array,
): Float64Array {
  const { format } = result;
  compilerAssert(format.kind === "int", "requantize gives an int tensor");
  const range = integerRange(format.width, format.signed);
  const channels = source.shape[source.shape.length - 1]!;
  const shifts = Array.from(
    { length: channels },
    (_, c) => fractionOf(source.format, c) - fractionOf(format, c),
  );
  const y = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const rounded = shiftRound(x[i]!, shifts[i % channels]!, rounding);
    const activated = activation === "relu" && rounded < 0 ? 0 : rounded;
    y[i] = saturate(activated, range);
  }
  return y;
}

/** Bipolar bits count as -1 and +1, other mantissas as themselves. */
function operands(format: Format, mantissas: ArrayLike<number>): Float64Array {
  const all = Float64Array.from(mantissas);
  return format.kind === "bipolar" ? all.map((b) => 2 * b - 1) : all;
}

function dense(
  program: Program,
  instruction: DenseInstruction,
  source: Value,
  x: Float64Array,
  count: number,
): Float64Array {
  const weights = constantNamed(program, instruction.weights);
  const outputs = weights.shape[0]!;
  const size = weights.shape[1]!;
  const w = operands(weights.format, weights.data);
  const a = operands(source.format, x);
  const bias =
    instruction.bias === null ? new Float64Array(outputs) : constantNamed(program, instruction.bias).data;
  const y = new Float64Array(count * outputs);
  for (let n = 0; n < count; n++) {
    for (let o = 0; o < outputs; o++) {
      let sum = bias[o]!;
      for (let i = 0; i < size; i++) sum += w[o * size + i]! * a[n * size + i]!;
      y[n * outputs + o] = sum === 0 ? 0 : sum;
    }
  }
  return y;
}

function threshold(
  program: Program,
  { thresholds, base }: ThresholdInstruction,
  x: Float64Array,
): Float64Array {
  const table = constantNamed(program, thresholds);
  const [channels, levels] = table.shape as [number, number];
  const y = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const c = i % channels;
    let passed = 0;
    for (let k = 0; k < levels; k++) if (x[i]! >= table.data[c * levels + k]!) passed++;
    y[i] = base + passed;
  }
  return y;
}

function select({ indices }: SelectInstruction, x: Float64Array, count: number): Float64Array {
  const size = x.length / count;
  const y = new Float64Array(count * indices.length);
  for (let n = 0; n < count; n++)
    for (let j = 0; j < indices.length; j++) y[n * indices.length + j] = x[n * size + indices[j]!]!;
  return y;
}

function argmax(source: Value, x: Float64Array): Float64Array {
  const channels = source.shape[source.shape.length - 1]!;
  const y = new Float64Array(x.length / channels);
  for (let n = 0; n < y.length; n++) {
    let best = 0;
    for (let c = 1; c < channels; c++) if (x[n * channels + c]! > x[n * channels + best]!) best = c;
    y[n] = best;
  }
  return y;
}
