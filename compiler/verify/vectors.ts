// Which inputs the gate runs. In: a program, real samples, a seed. Out: rows of mantissas with names: the samples,
// random ones, corners of the range, inputs that drive chosen accumulators to their extremes, and inputs that take branches
// which none of these take.
import { elementsOf, mantissaRange, type Program, type Value, valueNamed } from "../program/program.ts";
import { fail } from "../support/diagnostics.ts";
import type { Range } from "../support/fixed-point.ts";
import { createRandom } from "../support/random.ts";
import { huntBranches } from "./hunt.ts";
import { leaningSums } from "./slopes.ts";

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
  /** Its place among all vectors of the run. */
  numberOf(vector: number): number;
}

/** Of which the later ones make room for those that take missing branches. */
const RANDOM_VECTORS = 64;
const FIXED_RANDOM_VECTORS = 32;

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
    numberOf: (vector) => vector,
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
    numberOf: (vector) => set.numberOf(chosen[vector]!),
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
  const addRandom = (n: number): void => {
    const random = createRandom(seed, "verify vector", n);
    const kind = n % 4;
    const elements = inputs.reduce((sum, input) => sum + elementsOf(input.shape), 0);
    const hot = random.integer(0, elements - 1);
    if (kind === 0 || kind === 1) add(`random ${n}`, ({ min, max }) => random.integer(min, max));
    else if (kind === 2) add(`random extremes ${n}`, ({ min, max }) => (random.uniform() < 0.5 ? min : max));
    else if (n % 8 === 3)
      add(`random sparse ${n}`, ({ min, max }) =>
        random.uniform() < 0.125 ? random.integer(min, max) : Math.max(0, min),
      );
    else {
      let at = -1;
      add(`one hot ${n}`, ({ min, max }) => (++at === hot ? max : Math.max(0, min)));
    }
  };
  for (let n = 0; n < FIXED_RANDOM_VECTORS; n++) addRandom(n);
  for (const { name, slopes } of leaningSums(program)) {
    for (const direction of [1, -1]) {
      const rows = inputs.map((input) => {
        const { min, max } = mantissaRange(input.format);
        const own = slopes.get(input.name);
        return Int32Array.from({ length: elementsOf(input.shape) }, (_, i) => {
          const toward = (own?.[i] ?? 0) * direction;
          return toward > 0 ? max : toward < 0 ? min : Math.max(0, min);
        });
      });
      vectors.push({ name: `${direction > 0 ? "largest" : "smallest"} sum of ${name}`, rows });
    }
  }
  const rest = RANDOM_VECTORS - FIXED_RANDOM_VECTORS;
  const given = vectors.map(({ rows }) => rows);
  const hunted = huntBranches(program, inputs, given, seed, rest);
  vectors.push(...hunted);
  for (let n = FIXED_RANDOM_VECTORS; n < RANDOM_VECTORS - hunted.length; n++) addRandom(n);
  return vectors;
}
