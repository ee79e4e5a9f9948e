// Which inputs the gate runs. In: a program, real samples, a seed. Out: rows of mantissas with names: the samples,
// random ones, corners of the range, and inputs that drive chosen accumulators to their extremes.
import {
  constantNamed,
  elementsOf,
  mantissaRange,
  operandsOf,
  type Program,
  type Value,
  valueNamed,
} from "../program/program.ts";
import { fail } from "../support/diagnostics.ts";
import type { Range } from "../support/fixed-point.ts";
import { createRandom } from "../support/random.ts";

/** Real data: count x elements mantissas, row-major; a map by input name when the program has several inputs. */
export interface Samples {
  readonly count: number;
  readonly inputs: ArrayLike<number> | ReadonlyMap<string, ArrayLike<number>>;
  /** Known mantissas of program outputs, by the output's value name: count x elements. */
  readonly expected?: ReadonlyMap<string, ArrayLike<number>>;
}

export interface VectorSet {
  readonly count: number;
  /** Of `count`, the first ones are the samples. */
  readonly samples: number;
  /** By input: count x elements mantissas. */
  readonly inputs: ReadonlyMap<string, Int32Array>;
  nameOf(vector: number): string;
}

const RANDOM_VECTORS = 64;
/** Neurons of a first layer, and of each later one, whose sums are driven to both extremes. */
const EXTREME_NEURONS_FIRST = 64;
const EXTREME_NEURONS_LATER = 8;

/**
 * Makes the vectors: the samples first, then the synthetic ones, always the same for the same seed. Throws
 * DiagnosticError verify/bad-samples when samples do not fit the program's inputs.
 */
export function makeVectors(program: Program, samples: Samples | undefined, seed: number): VectorSet {
  const inputs = program.inputs.map((name) => valueNamed(program, name));
  const synthetic = syntheticVectors(program, inputs, seed);
  const sampleCount = samples?.count ?? 0;
  const count = sampleCount + synthetic.length;
  const all = new Map<string, Int32Array>();
  for (const [k, input] of inputs.entries()) {
    const elements = elementsOf(input.shape);
    const rows = new Int32Array(count * elements);
    if (samples) rows.set(checkedSamples(input, samples, inputs.length));
    for (const [n, vector] of synthetic.entries()) rows.set(vector.rows[k]!, (sampleCount + n) * elements);
    all.set(input.name, rows);
  }
  return {
    count,
    samples: sampleCount,
    inputs: all,
    nameOf: (vector) => (vector < sampleCount ? `sample ${vector}` : synthetic[vector - sampleCount]!.name),
  };
}

/** The given vectors in the given order. */
export function selectVectors(set: VectorSet, chosen: readonly number[]): VectorSet {
  const inputs = new Map<string, Int32Array>();
  for (const [name, rows] of set.inputs) {
    const elements = rows.length / set.count;
    const selected = new Int32Array(chosen.length * elements);
    for (const [n, vector] of chosen.entries())
      selected.set(rows.subarray(vector * elements, (vector + 1) * elements), n * elements);
    inputs.set(name, selected);
  }
  const samples = chosen.findIndex((vector) => vector >= set.samples);
  return {
    count: chosen.length,
    samples: samples < 0 ? chosen.length : samples,
    inputs,
    nameOf: (vector) => set.nameOf(chosen[vector]!),
  };
}

/** Rows `start` to `start + count - 1` of every input. */
export function sliceInputs(set: VectorSet, start: number, count: number): Map<string, Int32Array> {
  const slice = new Map<string, Int32Array>();
  for (const [name, rows] of set.inputs) {
    const elements = rows.length / set.count;
    slice.set(name, rows.subarray(start * elements, (start + count) * elements));
  }
  return slice;
}

function checkedSamples(input: Value, samples: Samples, inputs: number): ArrayLike<number> {
  const single = samples.inputs as ArrayLike<number>;
  const given =
    samples.inputs instanceof Map ? samples.inputs.get(input.name) : inputs === 1 ? single : undefined;
  if (given === undefined)
    return fail("verify/bad-samples", { detail: `there are none for input ${input.name}` });
  const elements = elementsOf(input.shape);
  if (given.length !== samples.count * elements)
    return fail("verify/bad-samples", {
      detail: `input ${input.name} takes ${elements} integers per sample, ${samples.count} samples have ${given.length} in all`,
    });
  const { min, max } = mantissaRange(input.format);
  for (let i = 0; i < given.length; i++) {
    const x = given[i]!;
    if (!(x >= min && x <= max) || !Number.isInteger(x))
      return fail("verify/bad-samples", {
        detail: `sample ${Math.floor(i / elements)} of input ${input.name} holds ${x}, the range is ${min} to ${max}`,
      });
  }
  return given;
}

interface SyntheticVector {
  readonly name: string;
  /** One row per input of the program. */
  readonly rows: readonly Int32Array[];
}

function syntheticVectors(program: Program, inputs: readonly Value[], seed: number): SyntheticVector[] {
  const vectors: SyntheticVector[] = [];
  const add = (name: string, element: (range: Range, i: number, channel: number) => number): void => {
    const rows = inputs.map((input) => {
      const range = mantissaRange(input.format);
      const channels = input.shape[input.shape.length - 1] ?? 1;
      return Int32Array.from({ length: elementsOf(input.shape) }, (_, i) => element(range, i, i % channels));
    });
    vectors.push({ name, rows });
  };
  add("all-min", ({ min }) => min);
  add("all-max", ({ max }) => max);
  add("all-zero", () => 0);
  add("all-one", ({ max }) => Math.min(1, max));
  add("middle", ({ min, max }) => Math.ceil((min + max) / 2));
  for (const phase of [0, 1]) {
    add(`checkerboard ${phase}`, ({ min, max }, i) => (i % 2 === phase ? max : min));
    add(`stripes of channels ${phase}`, ({ min, max }, _, channel) => (channel % 2 === phase ? max : min));
    add(`halves ${phase}`, ({ min, max }, i) => ((i >> 3) % 2 === phase ? max : min));
  }
  add("ramp", ({ min, max }, i) => min + (i % (max - min + 1)));
  for (let n = 0; n < RANDOM_VECTORS; n++) {
    const random = createRandom(seed, "verify vector", n);
    const kind = n % 4;
    if (kind === 0 || kind === 1) add(`random ${n}`, ({ min, max }) => random.integer(min, max));
    else if (kind === 2) add(`random extremes ${n}`, ({ min, max }) => (random.uniform() < 0.5 ? min : max));
    else
      add(`random sparse ${n}`, ({ min, max }) =>
        random.uniform() < 0.125 ? random.integer(min, max) : Math.max(0, min),
      );
  }
  for (const { name, gain } of extremes(program)) {
    const at = new Map(inputs.map((input) => [input.name, gain.get(input.name)]));
    for (const direction of [1, -1]) {
      const rows = inputs.map((input) => {
        const { min, max } = mantissaRange(input.format);
        const slope = at.get(input.name);
        return Int32Array.from({ length: elementsOf(input.shape) }, (_, i) => {
          const toward = (slope?.[i] ?? 0) * direction;
          return toward > 0 ? max : toward < 0 ? min : Math.max(0, min);
        });
      });
      vectors.push({ name: `${direction > 0 ? "largest" : "smallest"} sum of ${name}`, rows });
    }
  }
  return vectors;
}

/** For every element of a value, its slope along every element of one input. */
interface Slopes {
  readonly input: string;
  readonly width: number;
  /** Undefined for an input itself: the identity. */
  readonly rows?: Float64Array;
  /** Behind a dense layer. */
  readonly later: boolean;
}

/** Slopes of the elements that a select keeps. */
function selectedSlopes({ rows, width, ...from }: Slopes, indices: readonly number[]): Slopes {
  const kept = new Float64Array(indices.length * width);
  for (const [j, index] of indices.entries())
    if (rows) kept.set(rows.subarray(index * width, (index + 1) * width), j * width);
    else kept[j * width + index] = 1;
  return { ...from, width, rows: kept };
}

/** For chosen neurons of every dense layer: the slope of their sum along each input element, activations left out. */
function extremes(program: Program): { name: string; gain: Map<string, Float64Array> }[] {
  const slopes = new Map<string, Slopes>();
  for (const name of program.inputs)
    slopes.set(name, { input: name, width: elementsOf(valueNamed(program, name).shape), later: false });
  const chosen: { name: string; gain: Map<string, Float64Array> }[] = [];
  for (const instruction of program.instructions) {
    const from = slopes.get(operandsOf(instruction)[0]!);
    if (!from) continue;
    if (instruction.op === "select")
      slopes.set(instruction.result, selectedSlopes(from, instruction.indices));
    // Element by element: the slopes stay. What mixes elements in other ways than a dense layer has none.
    if (instruction.op === "requantize" || instruction.op === "threshold" || instruction.op === "reshape")
      slopes.set(instruction.result, from);
    if (instruction.op !== "dense") continue;
    const weights = constantNamed(program, instruction.weights);
    const [units, size] = weights.shape as [number, number];
    const bipolar = weights.format.kind === "bipolar";
    const elements = elementsOf(valueNamed(program, instruction.input).shape);
    // A dense layer on several positions has no single input row per neuron: one position is as good as another.
    if (elements !== size) continue;
    const rows = new Float64Array(units * from.width);
    for (let o = 0; o < units; o++) {
      for (let i = 0; i < size; i++) {
        const mantissa = weights.data[o * size + i]!;
        const w = bipolar ? 2 * mantissa - 1 : mantissa;
        if (!from.rows) rows[o * from.width + i] = w;
        else if (w !== 0)
          for (let k = 0; k < from.width; k++)
            rows[o * from.width + k] = rows[o * from.width + k]! + w * from.rows[i * from.width + k]!;
      }
    }
    const limit = from.later ? EXTREME_NEURONS_LATER : EXTREME_NEURONS_FIRST;
    const strength = Array.from({ length: units }, (_, o) => ({
      o,
      sum: rows.subarray(o * from.width, (o + 1) * from.width).reduce((sum, g) => sum + Math.abs(g), 0),
    })).sort((a, b) => b.sum - a.sum || a.o - b.o);
    for (const { o } of strength.slice(0, limit))
      chosen.push({
        name: `${instruction.layer}[${o}]`,
        gain: new Map([[from.input, rows.slice(o * from.width, (o + 1) * from.width)]]),
      });
    slopes.set(instruction.result, { input: from.input, width: from.width, rows, later: true });
  }
  return chosen;
}
