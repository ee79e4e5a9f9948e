// Batches of training samples in a seeded order, shifted at random. In: a sample set. Out: float values and labels
// of one step; they depend on (seed, purpose, epoch, step) alone.
import type { SampleSet } from "../graph/samples.ts";
import type { FrozenFormat } from "../graph/trained-graph.ts";
import { compilerAssert } from "../support/assert.ts";
import { integerRange, saturate, shiftRound } from "../support/fixed-point.ts";
import { createRandom, permutation } from "../support/random.ts";

export interface Batch {
  readonly count: number;
  /** count x elements values, row-major. */
  readonly inputs: Float32Array;
  readonly labels: Int32Array;
}

export interface BatchSettings {
  readonly seed: number;
  readonly batch: number;
  /** Largest random shift in pixels, in both directions of an image. */
  readonly shiftPixels: number;
  /** value = mantissa * 2^-fraction. */
  readonly fraction: number;
}

/** Fewest steps of an epoch: a small data set is passed over several times. */
const MIN_STEPS = 60;

export interface Batches {
  readonly stepsPerEpoch: number;
  /** The batch of a step; its arrays are used again for the next one. */
  batch(purpose: string, epoch: number, step: number): Batch;
}

/** Values of samples `from` to `to`, unshifted and in the order of the set. */
export function valuesOf(samples: SampleSet, fraction: number, from: number, to: number): Batch {
  const elements = samples.inputs.length / samples.count;
  const scale = 2 ** -fraction;
  const inputs = new Float32Array((to - from) * elements);
  const stored = samples.inputs.subarray(from * elements, to * elements);
  for (let i = 0; i < inputs.length; i++) inputs[i] = stored[i]! * scale;
  return { count: to - from, inputs, labels: samples.labels.subarray(from, to) };
}

/** Samples whose stored integers are already those of a format; `fraction` is that of the values they came from. */
export function roundSamples(samples: SampleSet, fraction: number, format: FrozenFormat): SampleSet {
  compilerAssert(format.width <= 8, "training chooses at most 8 bits");
  const range = integerRange(format.width, format.signed);
  const from = integerRange(samples.stored.width, samples.stored.signed);
  const shift = fraction - format.fraction;
  // There are fewer stored integers than samples of them.
  const table = Int16Array.from({ length: from.max - from.min + 1 }, (_, i) =>
    saturate(shiftRound(from.min + i, shift), range),
  );
  const stored = samples.inputs;
  const inputs = format.signed ? new Int8Array(samples.inputs.length) : new Uint8Array(samples.inputs.length);
  for (let i = 0; i < inputs.length; i++) inputs[i] = table[stored[i]! - from.min]!;
  return { ...samples, stored: format, inputs };
}

/** The samples at the given indices. */
export function pickSamples(samples: SampleSet, indices: ArrayLike<number>): SampleSet {
  const elements = samples.inputs.length / samples.count;
  const inputs = samples.inputs.slice(0, indices.length * elements);
  const labels = new Int32Array(indices.length);
  for (let i = 0; i < indices.length; i++) {
    const at = indices[i]! * elements;
    inputs.set(samples.inputs.subarray(at, at + elements), i * elements);
    labels[i] = samples.labels[indices[i]!]!;
  }
  return { ...samples, count: indices.length, inputs, labels };
}

/** Makes the batches of a sample set of at least one sample. */
export function createBatches(samples: SampleSet, settings: BatchSettings): Batches {
  const { count } = samples;
  const size = Math.min(settings.batch, count);
  const elements = samples.inputs.length / count;
  const stepsPerEpoch = Math.max(Math.ceil(count / size), MIN_STEPS);
  const scale = 2 ** -settings.fraction;
  const shift = settings.shiftPixels;
  // Anything that is no image is one row of one column.
  const [height, width] = samples.shape.length < 2 ? [1, 1] : [samples.shape[0]!, samples.shape[1]!];
  const channels = elements / (height * width);

  let orderKey = "";
  let order: Int32Array = new Int32Array(0);
  const indexAt = (purpose: string, epoch: number, position: number): number => {
    const pass = Math.floor(position / count);
    const key = `${purpose} ${epoch} ${pass}`;
    if (key !== orderKey) {
      order = permutation(count, createRandom(settings.seed, "order", purpose, epoch, pass));
      orderKey = key;
    }
    return order[position - pass * count]!;
  };

  // Held in variables: reading the properties for every element takes longer than the copy.
  const stored = samples.inputs;
  const copyShifted = (index: number, dx: number, dy: number, out: Float32Array, to: number): void => {
    const firstColumn = Math.max(0, dx);
    const columns = Math.min(width, width + dx) - firstColumn;
    const lastRow = Math.min(height, height + dy);
    for (let y = Math.max(0, dy); y < lastRow; y++) {
      const target = to + (y * width + firstColumn) * channels;
      const source = index * elements + ((y - dy) * width + firstColumn - dx) * channels;
      for (let i = 0; i < columns * channels; i++) out[target + i] = stored[source + i]! * scale;
    }
  };

  const inputs = new Float32Array(size * elements);
  const labels = new Int32Array(size);
  return {
    stepsPerEpoch,
    batch: (purpose, epoch, step) => {
      if (shift > 0) inputs.fill(0);
      const random = createRandom(settings.seed, "shift", purpose, epoch, step);
      for (let row = 0; row < size; row++) {
        const index = indexAt(purpose, epoch, step * size + row);
        labels[row] = samples.labels[index]!;
        const dx = shift > 0 ? random.integer(-shift, shift) : 0;
        const dy = shift > 0 ? random.integer(-shift, shift) : 0;
        copyShifted(index, dx, dy, inputs, row * elements);
      }
      return { count: size, inputs, labels };
    },
  };
}
