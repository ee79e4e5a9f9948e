// The two forward passes of a quantizer and their gradients, as plain loops over float32 values: noise of the
// trained amplitude, and real rounding with the gradient straight through. In: values, format or step and range,
// the gradient of the loss for the quantized values. Out: quantized values, gradients.
import type { FrozenFormat } from "../graph/trained-graph.ts";
import { integerRange } from "../support/fixed-point.ts";

/** A quantizer that is still being trained. Its residue has the amplitude alpha = step / sqrt(12). */
export interface NoisyQuantizer {
  /** Values are clamped to [-range, range], or to [0, range] when unsigned. */
  readonly signed: boolean;
  readonly range: number;
  readonly step: number;
}

/** Gradients for the base-2 logarithms of step and range. */
export interface QuantizerGradient {
  readonly logStep: number;
  readonly logRange: number;
}

/**
 * clamp(x) + step * u for x strictly inside the range and not 0. An exact zero and a clamped value have no rounding
 * error, so they get no noise. `noise` holds at least x.length samples of a uniform u in [-1/2, 1/2).
 */
export function addNoise(x: Float32Array, noise: Float32Array, q: NoisyQuantizer): Float32Array {
  const out = new Float32Array(x.length);
  const { range, step } = q;
  const low = q.signed ? -range : 0;
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    if (value <= low) out[i] = low;
    else if (value >= range) out[i] = range;
    else if (value !== 0) out[i] = value + step * noise[i]!;
  }
  return out;
}

/**
 * Gradient of `addNoise` for the sample of noise that it used. Writes the gradient for x into `dx` when given;
 * clamped values get none.
 */
export function noiseGradient(
  x: Float32Array,
  noise: Float32Array,
  dy: Float32Array,
  q: NoisyQuantizer,
  dx?: Float32Array,
): QuantizerGradient {
  const { range, step } = q;
  const low = q.signed ? -range : 0;
  let residue = 0;
  let clamped = 0;
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    const g = dy[i]!;
    if (value >= range) clamped += g;
    else if (value > low) {
      if (value !== 0) residue += g * noise[i]!;
      if (dx) dx[i] = g;
    } else if (q.signed) clamped -= g;
  }
  return { logStep: residue * step * Math.LN2, logRange: clamped * range * Math.LN2 };
}

/** Values that a format holds exactly, nearest to x: floor(x * 2^fraction + 1/2), saturated, times 2^-fraction. */
export function roundValues(x: Float32Array, format: FrozenFormat): Float32Array {
  const out = new Float32Array(x.length);
  const { min, max } = integerRange(format.width, format.signed);
  const scale = 2 ** format.fraction;
  const step = 2 ** -format.fraction;
  for (let i = 0; i < x.length; i++) {
    const m = Math.floor(x[i]! * scale + 0.5);
    out[i] = (m < min ? min : m > max ? max : m) * step;
  }
  return out;
}

/** Straight-through gradient of `roundValues` on activations: dy where x is inside what the format holds, else 0. */
export function roundingGradient(x: Float32Array, dy: Float32Array, format: FrozenFormat): Float32Array {
  const dx = new Float32Array(x.length);
  const { min, max } = integerRange(format.width, format.signed);
  const step = 2 ** -format.fraction;
  // Unsigned formats follow a ReLU, whose slope is 0 from 0 downwards.
  const low = format.signed ? (min - 0.5) * step : 0;
  const high = (max + 0.5) * step;
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    if (value > low && value < high) dx[i] = dy[i]!;
  }
  return dx;
}

/** Moves every value into what the format holds, in place. */
export function projectInto(x: Float32Array, format: FrozenFormat): void {
  const { min, max } = integerRange(format.width, format.signed);
  clampInPlace(x, min * 2 ** -format.fraction, max * 2 ** -format.fraction);
}

/** Clamps every value to [low, high], in place. */
export function clampInPlace(x: Float32Array, low: number, high: number): void {
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    if (value < low) x[i] = low;
    else if (value > high) x[i] = high;
  }
}

/** Root of the mean square. */
export function rmsOf(x: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * x[i]!;
  return Math.sqrt(sum / Math.max(1, x.length));
}
