// Batches of training samples in a seeded order: shifted, mirrored, with noise. In: a sample set. Out: float values
// with labels or targets of one step; they depend on (seed, purpose, epoch, step) alone.
import type { Augmentation, TrainingSpec } from "../graph/project.ts";
import { labelsPerSample, type SampleSet } from "../graph/samples.ts";
import type { FrozenFormat } from "../graph/trained-graph.ts";
import { compilerAssert } from "../support/assert.ts";
import { integerRange, saturate, shiftRound } from "../support/fixed-point.ts";
import { createRandom, permutation } from "../support/random.ts";
import { createLabelSources, createSources } from "./image-sources.ts";

export interface Batch {
  readonly count: number;
  /** count x elements values, row-major; only the kept elements where some were left out. */
  readonly inputs: Float32Array;
  /** count x positions class indices; empty where the samples have none. */
  readonly labels: Int32Array;
  /** count x outputs values of a regression. */
  readonly targets: Float32Array | null;
}

export interface BatchSettings {
  readonly seed: number;
  readonly batch: number;
  /** value = mantissa * 2^-fraction. */
  readonly fraction: number;
  /**
   * The noise is in units of the batch's values. Mirrored images are turned before they are shifted. Labels at the pixels
   * of an image are mirrored with it; such samples are not shifted, since what comes in from outside has no class.
   */
  readonly augment: Augmentation;
  /** `input`: the targets are all elements of the augmented inputs, before noise is added. */
  readonly target: TrainingSpec["target"];
  /** Indices of the elements that the batch holds; null: all. */
  readonly kept: readonly number[] | null;
}

/** Fewest steps of an epoch: a small data set is passed over several times. */
const MIN_STEPS = 60;

export interface Batches {
  readonly stepsPerEpoch: number;
  /** The batch of a step; its arrays are used again for the next one. Not `augmented`: the samples as they are. */
  batch(purpose: string, epoch: number, step: number, augmented?: boolean): Batch;
}

function elementsOf(samples: SampleSet): number {
  return samples.inputs.length / samples.count;
}

/** Values of a regression's targets for one sample; 0 where there are none. */
function targetsPerSample(samples: SampleSet): number {
  return samples.targets ? samples.targets.length / samples.count : 0;
}

/** Samples `from` to `to` of a batch; views of its arrays. */
export function partOf({ count, inputs, labels, targets }: Batch, from: number, to: number): Batch {
  const elements = inputs.length / count;
  const perSample = labelsPerSample({ count, labels });
  const outputs = targets ? targets.length / count : 0;
  return {
    count: to - from,
    inputs: inputs.subarray(from * elements, to * elements),
    labels: labels.subarray(from * perSample, to * perSample),
    targets: targets?.subarray(from * outputs, to * outputs) ?? null,
  };
}

/** Values of samples `from` to `to`, not augmented and in the order of the set. */
export function valuesOf(samples: SampleSet, fraction: number, from: number, to: number): Batch {
  const elements = elementsOf(samples);
  const scale = 2 ** -fraction;
  const inputs = new Float32Array((to - from) * elements);
  const stored = samples.inputs.subarray(from * elements, to * elements);
  for (let i = 0; i < inputs.length; i++) inputs[i] = stored[i]! * scale;
  const outputs = targetsPerSample(samples);
  const perSample = labelsPerSample(samples);
  return {
    count: to - from,
    inputs,
    labels: samples.labels.subarray(from * perSample, to * perSample),
    targets: samples.targets ? samples.targets.subarray(from * outputs, to * outputs) : null,
  };
}

/**
 * Samples whose stored integers are already those of a format with one fraction; `fraction` is that of the values they
 * came from. A bipolar format takes the sign: its two values are stored as the integers -1 and 1.
 */
export function roundSamples(samples: SampleSet, fraction: number, format: FrozenFormat): SampleSet {
  const bipolar = format.kind === "bipolar";
  compilerAssert(typeof format.fraction === "number", "an input has one fraction");
  const stored = bipolar
    ? { signed: true, width: 2, fraction: format.fraction }
    : { signed: format.signed, width: format.width, fraction: format.fraction };
  const range = integerRange(stored.width, stored.signed);
  const from = integerRange(samples.stored.width, samples.stored.signed);
  const shift = fraction - stored.fraction;
  // There are fewer stored integers than samples of them.
  const table = Int32Array.from({ length: from.max - from.min + 1 }, (_, i) => {
    const mantissa = from.min + i;
    if (bipolar) return mantissa >= 0 ? 1 : -1;
    return saturate(shiftRound(mantissa, shift), range);
  });
  const mantissas = samples.inputs;
  const inputs = createIntegers(stored, mantissas.length);
  for (let i = 0; i < inputs.length; i++) inputs[i] = table[mantissas[i]! - from.min]!;
  return { ...samples, stored, inputs };
}

function createIntegers(
  { signed, width }: { readonly signed: boolean; readonly width: number },
  length: number,
): SampleSet["inputs"] {
  compilerAssert(width <= 16, "an input has at most 16 bits");
  if (width <= 8) return signed ? new Int8Array(length) : new Uint8Array(length);
  return signed ? new Int16Array(length) : new Uint16Array(length);
}

/** The samples at the given indices. */
export function pickSamples(samples: SampleSet, indices: ArrayLike<number>): SampleSet {
  const elements = elementsOf(samples);
  const outputs = targetsPerSample(samples);
  const inputs = samples.inputs.slice(0, indices.length * elements);
  const perSample = labelsPerSample(samples);
  const labels = new Int32Array(indices.length * perSample);
  const targets = samples.targets ? new Float32Array(indices.length * outputs) : null;
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!;
    inputs.set(samples.inputs.subarray(index * elements, (index + 1) * elements), i * elements);
    labels.set(samples.labels.subarray(index * perSample, (index + 1) * perSample), i * perSample);
    targets?.set(samples.targets!.subarray(index * outputs, (index + 1) * outputs), i * outputs);
  }
  return { ...samples, count: indices.length, inputs, labels, targets };
}

/** The samples with these elements alone, as flat ones. Labels and targets stay. */
export function selectElements(samples: SampleSet, indices: readonly number[]): SampleSet {
  const elements = elementsOf(samples);
  const from = Int32Array.from(indices);
  const size = from.length;
  const stored = samples.inputs;
  const inputs = createIntegers(samples.stored, samples.count * size);
  for (let n = 0; n < samples.count; n++)
    for (let j = 0; j < size; j++) inputs[n * size + j] = stored[n * elements + from[j]!]!;
  return { ...samples, shape: [size], inputs };
}

/** The samples of a network that reproduces its input: their targets are their own values. */
export function inputsAsTargets(samples: SampleSet, fraction: number): SampleSet {
  const scale = 2 ** -fraction;
  const targets = Float32Array.from(samples.inputs, (m) => m * scale);
  return { ...samples, labels: new Int32Array(0), targets };
}

/** Makes the batches of a sample set of at least one sample. */
export function createBatches(samples: SampleSet, settings: BatchSettings): Batches {
  const { seed, augment, fraction } = settings;
  const { count } = samples;
  const size = Math.min(settings.batch, count);
  const elements = elementsOf(samples);
  const all = Int32Array.from({ length: elements }, (_, i) => i);
  const kept = settings.kept ? Int32Array.from(settings.kept) : all;
  const stepsPerEpoch = Math.max(Math.ceil(count / size), MIN_STEPS);
  const shift = augment.shiftPixels;
  const indexAt = createOrder(count, seed);
  const keptSources = createSources(samples, augment, kept);
  const allSources = kept === all ? keptSources : createSources(samples, augment, all);
  const addNoise = augment.noise > 0 ? createInputNoise(seed, augment.noise) : null;

  // Held in variables: reading the properties for every element takes longer than the copy.
  const stored = samples.inputs;
  const scale = 2 ** -fraction;
  const copy = (runs: Int32Array, from: number, out: Float32Array, to: number): void => {
    let target = to;
    for (let r = 0; r < runs.length; r += 2) {
      const end = target + runs[r + 1]!;
      if (runs[r]! < 0) for (; target < end; target++) out[target] = 0;
      else for (let source = from + runs[r]!; target < end; target++) out[target] = stored[source++]! * scale;
    }
  };

  const inputs = new Float32Array(size * kept.length);
  const perSample = labelsPerSample(samples);
  const labels = new Int32Array(size * perSample);
  const labelSources = perSample > 1 ? createLabelSources(samples, augment) : null;
  const copyLabels = (index: number, mirrored: boolean, row: number): void => {
    const from = index * perSample;
    const to = row * perSample;
    const stored = samples.labels.subarray(from, from + perSample);
    labels.set(labelSources && mirrored ? labelSources.map((source) => stored[source]!) : stored, to);
  };
  const outputs = settings.target === "input" ? elements : targetsPerSample(samples);
  const targets = outputs > 0 ? new Float32Array(size * outputs) : null;
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
        copy(keptSources(dx, dy, mirrored), index * elements, inputs, row * kept.length);
        if (perSample > 0) copyLabels(index, mirrored, row);
        if (targets && settings.target === "input")
          copy(allSources(dx, dy, mirrored), index * elements, targets, row * outputs);
        else if (targets)
          targets.set(samples.targets!.subarray(index * outputs, (index + 1) * outputs), row * outputs);
      }
      if (augmented) addNoise?.(inputs, purpose, epoch, step);
      return { count: size, inputs, labels, targets };
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
): (values: Float32Array, purpose: string, epoch: number, step: number) => void {
  const random = createRandom(seed, "input-noise");
  const pool = Float32Array.from({ length: NOISE_POOL }, () => random.normal() * deviation);
  return (values, purpose, epoch, step) => {
    const offsets = createRandom(seed, "input-noise", purpose, epoch, step);
    for (let from = 0; from < values.length; from += NOISE_STRETCH) {
      const length = Math.min(NOISE_STRETCH, values.length - from);
      const offset = offsets.integer(0, NOISE_POOL - length);
      for (let i = 0; i < length; i++) values[from + i] = values[from + i]! + pool[offset + i]!;
    }
  };
}
