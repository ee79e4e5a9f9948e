// From trained steps and ranges to integer formats. In: steps and ranges of quantizers. Out: formats whose steps are
// the nearest powers of two and whose widths hold the ranges, within the widths that the layer allows.
import type { TrainingSpec, WidthRange } from "../graph/project.ts";
import type { FrozenFormat } from "../graph/trained-graph.ts";
import { type Formats, MAX_WIDTH, meanSize, rmsOf, type WeightFormat } from "./formats.ts";
import type { Network } from "./network.ts";
import type { NoisyQuantizer } from "./noise-quantizer.ts";
import { fixedSignal, knownReaders, signalWidths } from "./settings.ts";
import { silentSteps } from "./silence.ts";

/** Quantizers of a network while they are trained; undefined where one bit is all there is: its sign. */
export interface Quantizers {
  readonly weights: readonly (NoisyQuantizer | undefined)[];
  readonly signals: readonly (NoisyQuantizer | undefined)[];
}

/**
 * Two's complement has one level more than the symmetric range that was trained: 2^b - 1 levels are log2(2^b - 1)
 * continuous bits, 1.58 for 2-bit weights and 2.81 for 3-bit ones. This brings both to the nearest integer.
 */
const SIGNED_ROUNDING = 0.2;

/** Bits of a quantizer: log2(1 + levels), 0 when nothing is left. */
export function continuousBits(range: number, step: number, signed: boolean): number {
  return Math.log2(1 + (signed ? 2 : 1) * (range / step));
}

/** The largest step that still has a format of this width. */
export function stepOfWidth(range: number, width: number, signed: boolean): number {
  return signed ? (2 * range) / (2 ** width - 2) : range / (2 ** width - 1);
}

/** The integer format of a trained quantizer. A width above the largest gives up its finest steps, not its range. */
export function frozenFormat(range: number, step: number, signed: boolean, widths: WidthRange): FrozenFormat {
  const exponent = Math.round(Math.log2(step));
  const bits = continuousBits(range, 2 ** exponent, signed) + (signed ? SIGNED_ROUNDING : 0);
  const least = Math.max(widths.min, signed ? 2 : 1);
  const width = Math.round(bits);
  const excess = Math.max(0, width - widths.max);
  // Too narrow for the layer's wish: finer steps.
  const lack = Math.max(0, least - width);
  // -0 would be printed and compared as another fraction.
  const fraction = 0 - (exponent + excess - lack);
  return { kind: "int", signed, width: Math.max(least, Math.min(width, widths.max)), fraction };
}

/** The bipolar format whose size is nearest to the weights' mean size. */
export function bipolarFormat(weights: Float32Array): WeightFormat {
  const size = meanSize(weights);
  const fraction = size > 0 ? 0 - Math.round(Math.log2(size)) : 0;
  return { kind: "bipolar", signed: false, width: 1, fraction, groups: null };
}

/**
 * Formats of one tensor's steps, brought to the width of the widest: the narrower ones get room, not finer steps. Those
 * of silent weights, which will go, take no part.
 */
export function formatsBySteps(
  q: NoisyQuantizer,
  widths: WidthRange,
): { readonly width: number; readonly fractions: readonly number[] } {
  const formats = Array.from({ length: q.map.count }, (_, k) =>
    frozenFormat(q.ranges[k]!, q.steps[k]!, q.signed, widths),
  );
  const silent = silentSteps(q);
  const loud = formats.filter((_, k) => !silent[k]);
  const coarsest = Math.min(...loud.map((f) => f.fraction as number));
  return {
    width: Math.max(...loud.map((f) => f.width)),
    fractions: formats.map((f, k) => (silent[k] ? coarsest : (f.fraction as number))),
  };
}

/** The one format that holds the ranges of all of a tensor's steps; above the largest width the finest steps go. */
function sharedFormat(
  q: NoisyQuantizer,
  widths: WidthRange,
): { readonly width: number; readonly fraction: number } {
  const { width, fractions } = formatsBySteps(q, widths);
  const coarsest = Math.min(...fractions);
  const shared = Math.min(widths.max, MAX_WIDTH, width + Math.max(...fractions) - coarsest);
  return { width: shared, fraction: coarsest + (shared - width) };
}

/** The weights' format. An output's units share one fraction: their sums are compared. */
function weightFormat(q: NoisyQuantizer, widths: WidthRange, isShared: boolean): WeightFormat {
  const { width, fractions } = formatsBySteps(q, widths);
  const base = { kind: "int", signed: true } as const;
  if (fractions.length === 1) return { ...base, width, fraction: fractions[0]!, groups: null };
  if (q.map.perRow && !isShared) return { ...base, width, fraction: fractions, groups: null };
  const shared = sharedFormat(q, widths);
  if (q.map.perRow) return { ...base, ...shared, groups: null };
  const shifts = fractions.map((f) => Math.max(0, shared.fraction - f));
  const size = q.map.column.filter((k) => k === 0).length;
  return { ...base, ...shared, groups: { size, shifts } };
}

/**
 * A signal's format: one fraction, the finest where channels differ (see `equalize`). Channels that cannot be scaled have
 * the one that holds them all. A hard-tanh's range is [-1, 1).
 */
function signalFormat(
  q: NoisyQuantizer,
  isHardTanh: boolean,
  widths: WidthRange,
  isFixed: boolean,
): FrozenFormat {
  const { width, fractions } = formatsBySteps(q, widths);
  if (isHardTanh) return { kind: "int", signed: true, width, fraction: width - 1 };
  if (isFixed) return { kind: "int", signed: q.signed, ...sharedFormat(q, widths) };
  return { kind: "int", signed: q.signed, width, fraction: Math.max(...fractions) };
}

/**
 * Whether the channels of a signal can be scaled where they are made and back where they are read: by layers whose
 * weights have sizes.
 */
export function canScale(network: Network, { weights }: Quantizers, signal: number): boolean {
  const { maker } = network.signals[signal]!;
  const readers = knownReaders(network, signal);
  if (maker === null || readers === null) return false;
  return readers.every(({ layer }) => weights[layer] !== undefined);
}

/** Formats of a network. `weightsOf` gives the latent ones, for the sizes of bipolar weights. */
export function freeze(
  network: Network,
  training: TrainingSpec,
  quantizers: Quantizers,
  weightsOf: (layer: number) => Float32Array,
): Formats {
  return {
    weights: network.layers.map((layer, i) => {
      const { bits } = training.layers[layer.node]!.weights;
      const q = quantizers.weights[i];
      if (!q) return bipolarFormat(weightsOf(i));
      const isOutput = network.outputs.includes(layer.writes);
      return weightFormat(q, { ...bits, min: Math.max(2, bits.min) }, isOutput);
    }),
    signals: network.signals.map((signal, s) => {
      const widths = signalWidths(network, training, s);
      const isFixed = !canScale(network, quantizers, s);
      const isHardTanh = signal.activation === "hardtanh";
      return fixedSignal(signal) ?? signalFormat(quantizers.signals[s]!, isHardTanh, widths, isFixed);
    }),
  };
}

/** Format of this width with the least mean square error on the values. */
export function bestFormat(values: Float32Array, width: number, signed: boolean): FrozenFormat {
  const rms = rmsOf(values);
  const middle = rms > 0 ? Math.round(Math.log2((2 * rms) / 2 ** (width - (signed ? 1 : 0)))) : 0;
  const low = signed ? -(2 ** (width - 1)) : 0;
  const high = 2 ** (width - (signed ? 1 : 0)) - 1;
  let best = { error: Number.POSITIVE_INFINITY, exponent: middle };
  for (let exponent = middle - 3; exponent <= middle + 3; exponent++) {
    const step = 2 ** exponent;
    let error = 0;
    for (let i = 0; i < values.length; i++) {
      const m = Math.floor(values[i]! / step + 0.5);
      error += (values[i]! - step * (m < low ? low : m > high ? high : m)) ** 2;
    }
    if (error < best.error) best = { error, exponent };
  }
  return { kind: "int", signed, width, fraction: 0 - best.exponent };
}
