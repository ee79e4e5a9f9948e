// Batches of training samples in a seeded order, shifted at random. In: a sample set. Out: float values and labels
// of one step; they depend on (seed, purpose, epoch, step) alone.
import type { SampleSet } from "../graph/samples.ts";
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
const MIN_STEPS = 40;

export interface Batches {
  readonly stepsPerEpoch: number;
  batch(purpose: string, epoch: number, step: number): Batch;
}

/** Values of samples `from` to `to`, unshifted and in the order of the set. */
export function valuesOf(samples: SampleSet, fraction: number, from: number, to: number): Batch {
  const elements = samples.inputs.length / samples.count;
  const scale = 2 ** -fraction;
  const inputs = new Float32Array((to - from) * elements);
  for (let i = 0, at = from * elements; i < inputs.length; i++, at++) inputs[i] = samples.inputs[at]! * scale;
  return { count: to - from, inputs, labels: samples.labels.subarray(from, to) };
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
  const height = samples.shape[0] ?? 1;
  const width = samples.shape[1] ?? 1;
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

  const copyShifted = (index: number, dx: number, dy: number, out: Float32Array, to: number): void => {
    const from = index * elements;
    const firstColumn = Math.max(0, dx);
    const lastColumn = Math.min(width, width + dx);
    for (let y = Math.max(0, dy); y < Math.min(height, height + dy); y++) {
      const end = (y * width + lastColumn) * channels;
      const back = (dy * width + dx) * channels;
      for (let i = (y * width + firstColumn) * channels; i < end; i++) {
        out[to + i] = samples.inputs[from + i - back]! * scale;
      }
    }
  };

  return {
    stepsPerEpoch,
    batch: (purpose, epoch, step) => {
      const inputs = new Float32Array(size * elements);
      const labels = new Int32Array(size);
      const random = createRandom(settings.seed, "shift", purpose, epoch, step);
      for (let row = 0; row < size; row++) {
        const index = indexAt(purpose, epoch, step * size + row);
        labels[row] = samples.labels[index]!;
        const dx = shift > 0 ? random.integer(-shift, shift) : 0;
        const dy = shift > 0 ? random.integer(-shift, shift) : 0;
        if (shift > 0) copyShifted(index, dx, dy, inputs, row * elements);
        else {
          const from = index * elements;
          for (let i = 0; i < elements; i++) inputs[row * elements + i] = samples.inputs[from + i]! * scale;
        }
      }
      return { count: size, inputs, labels };
    },
  };
}
