// Batch-norm between a dense layer and its activation, as plain loops. In: sums [count, units] and the layer's
// variables. Out: normalised sums, gradients, running statistics. The sums have no bias of their own.

/** Added to the variance before the root is taken. */
export const VARIANCE_FLOOR = 1e-5;
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
  return Math.fround(1 / Math.sqrt(variance + VARIANCE_FLOOR));
}

/** y = gain * (x - mean) / deviation + shift, in place. */
export function normalize(x: Float32Array, count: number, norm: BatchNorm): NormTape {
  const units = norm.gain.length;
  const mean = new Float64Array(units);
  const square = new Float64Array(units);
  if (norm.statistics !== "running") {
    const momentum = norm.statistics === "measured" ? 1 : MOMENTUM;
    for (let at = 0; at < x.length; at += units) for (let u = 0; u < units; u++) mean[u]! += x[at + u]!;
    for (let u = 0; u < units; u++) mean[u]! /= count;
    for (let at = 0; at < x.length; at += units)
      for (let u = 0; u < units; u++) square[u]! += (x[at + u]! - mean[u]!) ** 2;
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
  const normalized = new Float32Array(x.length);
  for (let at = 0; at < x.length; at += units) {
    for (let u = 0; u < units; u++) {
      const n = (x[at + u]! - mean[u]!) * inverse[u]!;
      normalized[at + u] = n;
      x[at + u] = norm.gain[u]! * n + norm.shift[u]!;
    }
  }
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
  for (let at = 0; at < dy.length; at += units) {
    for (let u = 0; u < units; u++) {
      gain[u]! += dy[at + u]! * normalized[at + u]!;
      shift[u]! += dy[at + u]!;
    }
  }
  // Batch statistics depend on every sample; running ones on none.
  const through = norm.statistics === "running" ? 0 : 1 / count;
  for (let at = 0; at < dy.length; at += units)
    for (let u = 0; u < units; u++)
      dy[at + u] =
        norm.gain[u]! * inverse[u]! * (dy[at + u]! - through * (shift[u]! + normalized[at + u]! * gain[u]!));
  return { gain, shift };
}
