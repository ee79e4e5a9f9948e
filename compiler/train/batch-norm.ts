// Batch-norm between a dense layer and its activation, as plain loops. In: sums [count, units] and the layer's
// variables. Out: normalised sums, gradients, running statistics. The sums have no bias of their own.
import { NORM_FLOOR } from "../graph/first-weights.ts";
import { floats } from "./scratch.ts";

/** Part of a batch's statistics in the running ones, while a network is trained. */
const MOMENTUM = 0.02;
/** Gains stay above this: a threshold needs a direction. Signs are the weights' business. */
export const LEAST_GAIN = 1e-3;

/** Of a layer with `units` units. */
export interface BatchNorm {
  readonly gain: Float32Array;
  readonly shift: Float32Array;
  /** Running mean and variance of the sums. */
  readonly mean: Float32Array;
  readonly variance: Float32Array;
  /**
   * batch: the batch's own statistics in the forward pass, which also move the running ones. measured: they replace
   * them. running: these as they are.
   */
  readonly statistics: Statistics;
}

export type Statistics = "batch" | "measured" | "running";

export interface NormTape {
  /** (x - mean) / deviation. */
  readonly normalized: Float32Array;
  /** 1 / deviation of each unit. */
  readonly inverse: Float32Array;
}

/** 1 / sqrt(variance + floor) as float32: the constant that thresholds are folded from. */
export function inverseDeviation(variance: number): number {
  return Math.fround(1 / Math.sqrt(variance + NORM_FLOOR));
}

/** Elements that are walked unit by unit together: as many as stay in the nearest cache. */
const BLOCK = 4096;

/**
 * Calls `run` for the elements `from`, `from + units`, ... below `to` of each unit in turn, so that what a unit needs stays
 * in registers. `size` elements, row-major [size / units, units].
 */
function byUnit(size: number, units: number, run: (u: number, from: number, to: number) => void): void {
  const stretch = Math.max(1, Math.floor(BLOCK / units)) * units;
  for (let from = 0; from < size; from += stretch) {
    const to = Math.min(size, from + stretch);
    for (let u = 0; u < units; u++) run(u, from + u, to);
  }
}

/** y = gain * (x - mean) / deviation + shift, in place. */
export function normalize(x: Float32Array, count: number, norm: BatchNorm): NormTape {
  const units = norm.gain.length;
  const mean = new Float64Array(units);
  const square = new Float64Array(units);
  if (norm.statistics !== "running") {
    const momentum = norm.statistics === "measured" ? 1 : MOMENTUM;
    byUnit(x.length, units, (u, from, to) => {
      let sum = 0;
      for (let i = from; i < to; i += units) sum += x[i]!;
      mean[u]! += sum;
    });
    for (let u = 0; u < units; u++) mean[u]! /= count;
    byUnit(x.length, units, (u, from, to) => {
      const center = mean[u]!;
      let sum = 0;
      for (let i = from; i < to; i += units) sum += (x[i]! - center) ** 2;
      square[u]! += sum;
    });
    for (let u = 0; u < units; u++) {
      square[u]! /= count;
      norm.mean[u] = norm.mean[u]! + momentum * (mean[u]! - norm.mean[u]!);
      norm.variance[u] = norm.variance[u]! + momentum * (square[u]! - norm.variance[u]!);
    }
  } else {
    mean.set(norm.mean);
    square.set(norm.variance);
  }
  const inverse = Float32Array.from(square, inverseDeviation);
  const normalized = floats(x.length);
  byUnit(x.length, units, (u, from, to) => {
    const center = mean[u]!;
    const scale = inverse[u]!;
    const gain = norm.gain[u]!;
    const shift = norm.shift[u]!;
    for (let i = from; i < to; i += units) {
      const n = (x[i]! - center) * scale;
      normalized[i] = n;
      x[i] = gain * n + shift;
    }
  });
  return { normalized, inverse };
}

export interface NormGradient {
  readonly gain: Float32Array;
  readonly shift: Float32Array;
}

/** Turns dy into the gradient for the sums, in place. */
export function normalizeGradient(
  dy: Float32Array,
  count: number,
  norm: BatchNorm,
  tape: NormTape,
): NormGradient {
  const units = norm.gain.length;
  const gain = new Float32Array(units);
  const shift = new Float32Array(units);
  const { normalized, inverse } = tape;
  byUnit(dy.length, units, (u, from, to) => {
    let along = 0;
    let sum = 0;
    for (let i = from; i < to; i += units) {
      along += dy[i]! * normalized[i]!;
      sum += dy[i]!;
    }
    gain[u]! += along;
    shift[u]! += sum;
  });
  // Batch statistics depend on every sample; running ones on none.
  const through = norm.statistics === "running" ? 0 : 1 / count;
  byUnit(dy.length, units, (u, from, to) => {
    const scale = norm.gain[u]! * inverse[u]!;
    const sum = through * shift[u]!;
    const along = through * gain[u]!;
    for (let i = from; i < to; i += units) dy[i] = scale * (dy[i]! - sum - normalized[i]! * along);
  });
  return { gain, shift };
}
