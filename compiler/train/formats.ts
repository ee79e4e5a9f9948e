// Frozen formats of weights and of the tensors between layers. In: latent values, a format. Out: the values that the
// format holds.
import type { FrozenFormat } from "../graph/trained-graph.ts";
import { integerRange } from "../support/fixed-point.ts";
import { floats } from "./scratch.ts";

export interface WeightFormat extends FrozenFormat {
  /** Groups of adjacent inputs with coarser steps: mantissas of group k are multiples of 2^shifts[k]. */
  readonly groups: { readonly size: number; readonly shifts: readonly number[] } | null;
}

/** Formats of a network: of the weights of each layer, and of each signal, whose fraction is one number. */
export interface Formats {
  readonly weights: readonly WeightFormat[];
  readonly signals: readonly FrozenFormat[];
}

/** The formats with another one of one layer's weights. */
export function withWeights(formats: Formats, layer: number, format: WeightFormat): Formats {
  return { ...formats, weights: formats.weights.with(layer, format) };
}

/** The formats with another one of one signal. */
export function withSignal(formats: Formats, signal: number, format: FrozenFormat): Formats {
  return { ...formats, signals: formats.signals.with(signal, format) };
}

export { MAX_TRAINED_WIDTH as MAX_WIDTH } from "../graph/project.ts";

/** Bipolar latents are kept in [-1, 1]. */
export const BIPOLAR_CLIP = 1;

/** The format's one fraction. */
export function fractionOf(format: FrozenFormat): number {
  return format.fraction as number;
}

/** Fraction of the weights of unit `u`. */
export function unitFraction(format: FrozenFormat, u: number): number {
  return typeof format.fraction === "number" ? format.fraction : format.fraction[u]!;
}

/** How many bits coarser than the format's grid the one of an input's group is. */
export function groupShift({ groups }: WeightFormat, input: number): number {
  return groups ? groups.shifts[Math.floor(input / groups.size)]! : 0;
}

/** Values of a tensor in a format with one fraction: floor(x * 2^fraction + 1/2), saturated; bipolar by sign. */
export function roundValues(x: Float32Array, format: FrozenFormat): Float32Array {
  const out = floats(x.length);
  roundStretch(x, out, 0, x.length, format, fractionOf(format), 0);
  return out;
}

/** Rounds x[from..to) to multiples of 2^(shift - fraction) within the format. */
function roundStretch(
  x: Float32Array,
  out: Float32Array,
  from: number,
  to: number,
  format: FrozenFormat,
  fraction: number,
  shift: number,
): void {
  if (format.kind === "bipolar") {
    const size = 2 ** -fraction;
    for (let i = from; i < to; i++) out[i] = x[i]! >= 0 ? size : -size;
    return;
  }
  const range = integerRange(format.width, format.signed);
  // Multiples within the range.
  const min = Math.ceil(range.min / 2 ** shift);
  const max = Math.floor(range.max / 2 ** shift);
  const scale = 2 ** (fraction - shift);
  const step = 2 ** (shift - fraction);
  for (let i = from; i < to; i++) {
    const m = Math.floor(x[i]! * scale + 0.5);
    out[i] = (m < min ? min : m > max ? max : m) * step;
  }
}

/** Calls `run` for stretches of [units, inputs] weights with one step. */
function byWeightStretch(
  units: number,
  inputs: number,
  format: WeightFormat,
  run: (from: number, to: number, fraction: number, shift: number) => void,
): void {
  const { groups } = format;
  if (typeof format.fraction === "number" && !groups) {
    run(0, units * inputs, format.fraction, 0);
    return;
  }
  for (let u = 0; u < units; u++) {
    const fraction = unitFraction(format, u);
    if (!groups) run(u * inputs, (u + 1) * inputs, fraction, 0);
    else
      groups.shifts.forEach((shift, k) => {
        const from = k * groups.size;
        run(u * inputs + from, u * inputs + Math.min(inputs, from + groups.size), fraction, shift);
      });
  }
}

/** Values of the weights [units, inputs] in their format. */
export function roundWeights(
  x: Float32Array,
  units: number,
  inputs: number,
  format: WeightFormat,
): Float32Array {
  const out = new Float32Array(x.length);
  byWeightStretch(units, inputs, format, (from, to, fraction, shift) =>
    roundStretch(x, out, from, to, format, fraction, shift),
  );
  return out;
}

/** Moves latent weights into what the format holds, in place. */
export function projectWeights(x: Float32Array, units: number, inputs: number, format: WeightFormat): void {
  if (format.kind === "bipolar") {
    clampInPlace(x, 0, x.length, -BIPOLAR_CLIP, BIPOLAR_CLIP);
    return;
  }
  const { min, max } = integerRange(format.width, true);
  byWeightStretch(units, inputs, format, (from, to, fraction) =>
    clampInPlace(x, from, to, min * 2 ** -fraction, max * 2 ** -fraction),
  );
}

/** Step of each element's rounding, for gradients that look at the distance from the rounded value. */
export function weightSteps(units: number, inputs: number, format: WeightFormat): Float32Array {
  const out = new Float32Array(units * inputs);
  byWeightStretch(units, inputs, format, (from, to, fraction, shift) =>
    out.fill(2 ** (shift - fraction), from, to),
  );
  return out;
}

/** Clamps x[from..to) to [low, high], in place. */
export function clampInPlace(x: Float32Array, from: number, to: number, low: number, high: number): void {
  for (let i = from; i < to; i++) {
    const value = x[i]!;
    if (value < low) x[i] = low;
    else if (value > high) x[i] = high;
  }
}

/** The same range with one bit more or less: a step half or twice as large. */
export function withBits<F extends FrozenFormat>(format: F, bits: 1 | -1): F {
  const { fraction } = format;
  return {
    ...format,
    width: format.width + bits,
    fraction: typeof fraction === "number" ? fraction + bits : fraction.map((f) => f + bits),
  };
}

/** Mean of |x|. */
export function meanSize(x: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += Math.abs(x[i]!);
  return sum / Math.max(1, x.length);
}

/** Root of the mean square. */
export function rmsOf(x: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * x[i]!;
  return Math.sqrt(sum / Math.max(1, x.length));
}
