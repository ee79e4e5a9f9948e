// Batches of training samples in a seeded order: shifted, mirrored, with noise. In: a sample set. Out: float values
// with labels or targets of one step; they depend on (seed, purpose, epoch, step) alone.
import type { Augmentation, TrainingSpec } from "../graph/project.ts";
import {
  type Answers,
  type InputSamples,
  labelsPerSample,
  type Mantissas,
  type SampleSet,
  valuesPerSample,
} from "../graph/samples.ts";
import type { FrozenFormat } from "../graph/trained-graph.ts";
import { compilerAssert } from "../support/assert.ts";
import { integerRange, saturate, shiftRound } from "../support/fixed-point.ts";
import { createRandom, permutation } from "../support/random.ts";
import { createLabelSources, createSources } from "./image-sources.ts";

export interface Batch {
  readonly count: number;
  /** Of each input count x elements values, row-major; only the kept elements where some were left out. */
  readonly inputs: readonly Float32Array[];
  /** Of each output. */
  readonly answers: readonly Answers[];
}

export interface BatchSettings {
  readonly seed: number;
  readonly batch: number;
  /** Of each input: value = mantissa * 2^-fraction. */
  readonly fractions: readonly number[];
  /**
   * The noise is in units of the batch's values. Images are shifted and mirrored, all of a sample alike, and other inputs
   * are not. Mirrored images are turned before they are shifted. Labels at the pixels of an image are mirrored with it;
   * such samples are not shifted, since what comes in from outside has no class.
   */
  readonly augment: Augmentation;
  /** `input`: the targets of an output are all elements of the augmented input in its place, before noise is added. */
  readonly target: TrainingSpec["target"];
  /** Of each input, indices of the elements that the batch holds; null: all. */
  readonly kept: readonly (readonly number[] | null)[];
}

/** Fewest steps of an epoch: a small data set is passed over several times. */
const MIN_STEPS = 60;

export interface Batches {
  readonly stepsPerEpoch: number;
  /** The batch of a step; its arrays are used again for the next one. Not `augmented`: the samples as they are. */
  batch(purpose: string, epoch: number, step: number, augmented?: boolean): Batch;
}

/** Elements of one sample of an input. */
export function elementsOf({ mantissas }: InputSamples, count: number): number {
  return mantissas.length / count;
}

function partOfAnswers(answers: Answers, count: number, from: number, to: number): Answers {
  const perSample = labelsPerSample(answers, count);
  const elements = valuesPerSample(answers, count);
  return {
    labels: answers.labels.subarray(from * perSample, to * perSample),
    values: answers.values?.subarray(from * elements, to * elements) ?? null,
  };
}

/** Samples `from` to `to` of a batch; views of its arrays. */
export function partOf({ count, inputs, answers }: Batch, from: number, to: number): Batch {
  return {
    count: to - from,
    inputs: inputs.map((x) => x.subarray((from * x.length) / count, (to * x.length) / count)),
    answers: answers.map((a) => partOfAnswers(a, count, from, to)),
  };
}

/** Values of samples `from` to `to`, not augmented and in the order of the set. */
export function valuesOf(samples: SampleSet, fractions: readonly number[], from: number, to: number): Batch {
  const { count } = samples;
  return {
    count: to - from,
    inputs: samples.inputs.map((input, k) => {
      const elements = elementsOf(input, count);
      const scale = 2 ** -fractions[k]!;
      const values = new Float32Array((to - from) * elements);
      const stored = input.mantissas.subarray(from * elements, to * elements);
      for (let i = 0; i < values.length; i++) values[i] = stored[i]! * scale;
      return values;
    }),
    answers: samples.answers.map((a) => partOfAnswers(a, count, from, to)),
  };
}

/**
 * An input whose stored integers are already those of a format with one fraction; `fraction` is that of the values they
 * came from. A bipolar format takes the sign: its two values are stored as the integers -1 and 1.
 */
export function roundInput(input: InputSamples, fraction: number, format: FrozenFormat): InputSamples {
  const bipolar = format.kind === "bipolar";
  compilerAssert(typeof format.fraction === "number", "an input has one fraction");
  const stored = bipolar
    ? { signed: true, width: 2, fraction: format.fraction }
    : { signed: format.signed, width: format.width, fraction: format.fraction };
  const range = integerRange(stored.width, stored.signed);
  const from = integerRange(input.stored.width, input.stored.signed);
  const shift = fraction - stored.fraction;
  // There are fewer stored integers than samples of them.
  const table = Int32Array.from({ length: from.max - from.min + 1 }, (_, i) => {
    const mantissa = from.min + i;
    if (bipolar) return mantissa >= 0 ? 1 : -1;
    return saturate(shiftRound(mantissa, shift), range);
  });
  const before = input.mantissas;
  const mantissas = createIntegers(stored, before.length);
  for (let i = 0; i < mantissas.length; i++) mantissas[i] = table[before[i]! - from.min]!;
  return { ...input, stored, mantissas };
}

function createIntegers(
  { signed, width }: { readonly signed: boolean; readonly width: number },
  length: number,
): Mantissas {
  compilerAssert(width <= 16, "an input has at most 16 bits");
  if (width <= 8) return signed ? new Int8Array(length) : new Uint8Array(length);
  return signed ? new Int16Array(length) : new Uint16Array(length);
}

/** An input with these elements alone, flat. */
export function selectElements(input: InputSamples, count: number, indices: readonly number[]): InputSamples {
  const elements = elementsOf(input, count);
  const from = Int32Array.from(indices);
  const size = from.length;
  const before = input.mantissas;
  const mantissas = createIntegers(input.stored, count * size);
  for (let n = 0; n < count; n++)
    for (let j = 0; j < size; j++) mantissas[n * size + j] = before[n * elements + from[j]!]!;
  return { ...input, shape: [size], mantissas };
}

/** The samples of a network that reproduces its inputs: the targets of each output are the values of an input. */
export function inputsAsTargets(samples: SampleSet, fractions: readonly number[]): SampleSet {
  const answers = samples.inputs.map(({ mantissas }, i): Answers => {
    const scale = 2 ** -fractions[i]!;
    return { labels: new Int32Array(0), values: Float32Array.from(mantissas, (m) => m * scale) };
  });
  return { ...samples, answers };
}

/** Makes the batches of a sample set of at least one sample. */
export function createBatches(samples: SampleSet, settings: BatchSettings): Batches {
  const { seed, augment, target } = settings;
  const { count } = samples;
  const size = Math.min(settings.batch, count);
  const stepsPerEpoch = Math.max(Math.ceil(count / size), MIN_STEPS);
  const shift = augment.shiftPixels;
  const indexAt = createOrder(count, seed);
  const addNoise = augment.noise > 0 ? createInputNoise(seed, augment.noise) : null;
  const readers = samples.inputs.map((input, i) => createInputReader(input, count, size, settings, i));
  const inputs = readers.map((reader) => reader.values);
  const answerers = samples.answers.map((answers) => createAnswerReader(answers, samples, size, augment));
  const answers =
    target === "input"
      ? readers.map((reader) => ({ labels: new Int32Array(0), values: reader.all }))
      : answerers.map((reader) => reader.answers);
  return {
    stepsPerEpoch,
    batch: (purpose, epoch, step, augmented = true) => {
      const shifts = createRandom(seed, "shift", purpose, epoch, step);
      const flips = createRandom(seed, "flip", purpose, epoch, step);
      for (let row = 0; row < size; row++) {
        const index = indexAt(purpose, epoch, step * size + row);
        const dx = augmented && shift > 0 ? shifts.integer(-shift, shift) : 0;
        const dy = augmented && shift > 0 ? shifts.integer(-shift, shift) : 0;
        const mirrored = augmented && augment.flip !== "none" && flips.uniform() < 0.5;
        for (const reader of readers) reader.read(index, row, dx, dy, mirrored);
        if (target !== "input") for (const reader of answerers) reader.read(index, row, mirrored);
      }
      if (augmented) addNoise?.(inputs, purpose, epoch, step);
      return { count: size, inputs, answers };
    },
  };
}

/** Copies samples of one input into the rows of a batch. */
interface InputReader {
  /** The kept elements of the batch. */
  readonly values: Float32Array;
  /** All of them, where the network reproduces its inputs. */
  readonly all: Float32Array | null;
  read(index: number, row: number, dx: number, dy: number, mirrored: boolean): void;
}

function createInputReader(
  input: InputSamples,
  count: number,
  rows: number,
  { fractions, augment, target, kept: keptElements }: BatchSettings,
  at: number,
): InputReader {
  const elements = elementsOf(input, count);
  const every = Int32Array.from({ length: elements }, (_, i) => i);
  const indices = keptElements[at];
  const kept = indices ? Int32Array.from(indices) : every;
  const keptSources = createSources(input, elements, augment, kept);
  const allSources = kept === every ? keptSources : createSources(input, elements, augment, every);
  // Held in variables: reading the properties for every element takes longer than the copy.
  const stored = input.mantissas;
  const scale = 2 ** -fractions[at]!;
  const copy = (runs: Int32Array, from: number, out: Float32Array, to: number): void => {
    let target = to;
    for (let r = 0; r < runs.length; r += 2) {
      const end = target + runs[r + 1]!;
      if (runs[r]! < 0) for (; target < end; target++) out[target] = 0;
      else for (let source = from + runs[r]!; target < end; target++) out[target] = stored[source++]! * scale;
    }
  };
  const values = new Float32Array(rows * kept.length);
  const all = target === "input" ? new Float32Array(rows * elements) : null;
  return {
    values,
    all,
    read(index, row, dx, dy, mirrored) {
      copy(keptSources(dx, dy, mirrored), index * elements, values, row * kept.length);
      if (all) copy(allSources(dx, dy, mirrored), index * elements, all, row * elements);
    },
  };
}

/** Copies what one output is compared with into the rows of a batch. */
interface AnswerReader {
  readonly answers: Answers;
  read(index: number, row: number, mirrored: boolean): void;
}

function createAnswerReader(
  all: Answers,
  { count, inputs }: SampleSet,
  rows: number,
  augment: Augmentation,
): AnswerReader {
  const perSample = labelsPerSample(all, count);
  const elements = valuesPerSample(all, count);
  const labels = new Int32Array(rows * perSample);
  const values = all.values && new Float32Array(rows * elements);
  const sources = perSample > 1 ? createLabelSources(inputs, perSample, augment) : null;
  return {
    answers: { labels, values },
    read(index, row, mirrored) {
      const stored = all.labels.subarray(index * perSample, (index + 1) * perSample);
      labels.set(sources && mirrored ? sources.map((source) => stored[source]!) : stored, row * perSample);
      values?.set(all.values!.subarray(index * elements, (index + 1) * elements), row * elements);
    },
  };
}

/** Index of the sample at a position of an epoch: every pass over the data has an order of its own. */
function createOrder(
  count: number,
  seed: number,
): (purpose: string, epoch: number, position: number) => number {
  let orderKey = "";
  let order: Int32Array = new Int32Array(0);
  return (purpose, epoch, position) => {
    const pass = Math.floor(position / count);
    const key = `${purpose} ${epoch} ${pass}`;
    if (key !== orderKey) {
      order = permutation(count, createRandom(seed, "order", purpose, epoch, pass));
      orderKey = key;
    }
    return order[position - pass * count]!;
  };
}

/** Normal samples that are made once; every step reads them from another place, which is faster than new ones. */
const NOISE_POOL = 1 << 19;
/** Samples that are read from one place: short enough that two steps share few neighbours. */
const NOISE_STRETCH = 1024;

function createInputNoise(
  seed: number,
  deviation: number,
): (inputs: readonly Float32Array[], purpose: string, epoch: number, step: number) => void {
  const random = createRandom(seed, "input-noise");
  const pool = Float32Array.from({ length: NOISE_POOL }, () => random.normal() * deviation);
  return (inputs, purpose, epoch, step) => {
    const offsets = createRandom(seed, "input-noise", purpose, epoch, step);
    for (const values of inputs)
      for (let from = 0; from < values.length; from += NOISE_STRETCH) {
        const length = Math.min(NOISE_STRETCH, values.length - from);
        const offset = offsets.integer(0, NOISE_POOL - length);
        for (let i = 0; i < length; i++) values[from + i] = values[from + i]! + pool[offset + i]!;
      }
  };
}
