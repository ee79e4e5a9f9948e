// Pruning: what carries no signal above its noise goes. In: a frozen network, samples, and which weights are below their
// own noise. Out: the network without the inputs and units whose SNR bits, or those of their weights, are not above 0.
import type { TrainingSpec } from "../graph/project.ts";
import { fail } from "../support/diagnostics.ts";
import { integerRange } from "../support/fixed-point.ts";
import type { TensorFlow } from "../support/tensorflow.ts";
import { activate } from "./activation.ts";
import type { Batch } from "./batches.ts";
import { fractionOf, roundWeights } from "./formats.ts";
import type { Frozen } from "./limits.ts";
import type { Network, Reader } from "./network.ts";
import { variableOf } from "./parameters.ts";
import { rawSignals } from "./passes.ts";
import { roundedPass, withoutChannels } from "./rounding-phase.ts";
import { prunableReaders } from "./settings.ts";
import { groupedSignal, madeBy, type Silence } from "./silence.ts";

/** What is known of each channel of a signal. */
export interface SignalMoments {
  /** Standard deviation over the samples, before rounding. */
  readonly deviation: Float64Array;
  /**
   * Amplitude of the residue over the samples: alpha where every value is rounded. Exact zeros and clamped values have
   * no residue, so that an element with a part p of others has alpha sqrt(p).
   */
  readonly noise: Float64Array;
  /** Mean of the rounded values: what takes the element's place. */
  readonly mean: Float64Array;
}

/** Of each input of a network, the elements that are kept of what its signals have; null: all. */
export function keptElements(
  { inputs }: Network,
  kept: Frozen["kept"],
): readonly (readonly number[] | null)[] {
  return inputs.map(({ signal }) => kept[signal]!);
}

/** Elements of `batch` that a frozen network still has. */
export function keptInputs({ network, kept }: Frozen, { count, inputs }: Batch): readonly Float32Array[] {
  return keptElements(network, kept).map((indices, i) => {
    const values = inputs[i]!;
    if (!indices) return values;
    const elements = values.length / count;
    const columns = Int32Array.from(indices);
    const out = new Float32Array(count * columns.length);
    for (let r = 0; r < count; r++)
      for (let k = 0; k < columns.length; k++)
        out[r * columns.length + k] = values[r * elements + columns[k]!]!;
    return out;
  });
}

/** Moments of every signal on samples with all elements. */
export function momentsOf(
  tf: TensorFlow,
  frozen: Frozen,
  training: TrainingSpec,
  batch: Batch,
): SignalMoments[] {
  const pass = roundedPass(frozen, training, "running");
  const inputs = keptInputs(frozen, batch);
  return rawSignals(tf, batch.count, inputs, pass).map((raw, s) => {
    const rounded = activate(raw, pass.signals[s]!);
    const { activation, channels } = frozen.network.signals[s]!;
    const format = frozen.formats.signals[s]!;
    // Signs and steps are given as they are: nothing of them is rounded.
    if (activation === "sign" || activation === "step")
      return channelMoments(rounded, rounded, channels, ALL, NONE);
    const { min, max } = integerRange(format.width, format.signed);
    const step = 2 ** -fractionOf(format);
    const alpha = step / Math.sqrt(12);
    const residue = { low: min * step, high: max * step, alpha };
    return channelMoments(raw, rounded, channels, CUTS[activation], residue);
  });
}

/** What an activation lets through. */
const ALL = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
const CUTS = { none: ALL, relu: { low: 0, high: Number.POSITIVE_INFINITY }, hardtanh: { low: -1, high: 1 } };
/** Where values are rounded, and how much residue that leaves. */
const NONE = { low: 0, high: 0, alpha: 0 };

function channelMoments(
  x: Float32Array,
  rounded: Float32Array,
  columns: number,
  cut: { readonly low: number; readonly high: number },
  residue: { readonly low: number; readonly high: number; readonly alpha: number },
): SignalMoments {
  const rows = x.length / columns;
  const sum = new Float64Array(columns);
  const square = new Float64Array(columns);
  const mean = new Float64Array(columns);
  const touched = new Float64Array(columns);
  for (let at = 0; at < x.length; at += columns) {
    for (let c = 0; c < columns; c++) {
      const value = Math.min(cut.high, Math.max(cut.low, x[at + c]!));
      sum[c]! += value;
      square[c]! += value * value;
      mean[c]! += rounded[at + c]! / rows;
      if (value !== 0 && value > residue.low && value < residue.high) touched[c]! += 1;
    }
  }
  return {
    deviation: square.map((s, c) => Math.sqrt(Math.max(0, s / rows - (sum[c]! / rows) ** 2))),
    noise: touched.map((n) => residue.alpha * Math.sqrt(n / rows)),
    mean,
  };
}

/** Indices of the elements whose SNR bits log2(deviation / noise) are above 0. */
export function audible({ deviation, noise }: SignalMoments): number[] {
  return [...deviation.keys()].filter((k) => deviation[k]! > noise[k]!);
}

/**
 * Of every signal of an unpruned network, the channels that stay where the settings let others go: those above their
 * noise, read by groups of weights above theirs, and made by such channels.
 */
export function staying(
  frozen: Frozen,
  training: TrainingSpec,
  moments: readonly SignalMoments[],
  silence: Silence,
): number[][] {
  const { network } = frozen;
  const readers = network.signals.map((_, s) => prunableReaders(network, training, s));
  const stays = network.signals.map(({ channels }, s) =>
    readers[s] ? audible(moments[s]!) : [...new Array(channels).keys()],
  );
  network.layers.forEach(({ node }, i) => {
    const silent = silence[i];
    if (!silent) return;
    const { granularity } = training.layers[node]!.weights;
    const isGrouped = granularity.kind === "group";
    const signal = isGrouped ? groupedSignal(network, i)! : madeBy(network, i)!;
    stays[signal] = stays[signal]!.filter((c) => !silent[isGrouped ? Math.floor(c / granularity.size) : c]);
  });
  while (dropZeros(frozen, training, readers, stays));
  return stays;
}

/**
 * Takes channels that only zero weights read, and units with zero weights only, from what stays, in place; true when some
 * went. One alpha for a layer is no statement on single channels and units: there, training may bring them back.
 */
function dropZeros(
  { network, formats, parameters }: Frozen,
  training: TrainingSpec,
  readers: readonly (readonly Reader[] | null)[],
  stays: number[][],
): boolean {
  let dropped = false;
  const isFine = (layer: number): boolean => {
    const { weights, prune: prunes } = training.layers[network.layers[layer]!.node]!;
    return prunes && weights.granularity.kind !== "layer";
  };
  const weightsOf = (layer: number): Float32Array => {
    const { units, inputs } = network.layers[layer]!;
    return roundWeights(variableOf(parameters, layer, "weights"), units, inputs, formats.weights[layer]!);
  };
  const keep = (signal: number, left: number[]): void => {
    if (left.length < stays[signal]!.length) dropped = true;
    stays[signal] = left;
  };
  network.signals.forEach(({ channels, maker }, s) => {
    const all = readers[s];
    if (!all) return;
    if (all.every(({ layer }) => isFine(layer))) {
      const isRead = new Uint8Array(channels);
      for (const { layer, channels: columns } of all) {
        const rows = unitsLeft(network, layer, stays);
        const rounded = weightsOf(layer);
        columns.forEach((c, k) => {
          if (!isRead[c] && rows.some((u) => rounded[u * columns.length + k] !== 0)) isRead[c] = 1;
        });
      }
      keep(
        s,
        stays[s]!.filter((c) => isRead[c]),
      );
    }
    if (maker === null || !isFine(maker)) return;
    const rounded = weightsOf(maker);
    const columns = columnsLeft(network, maker, readers, stays);
    const { inputs } = network.layers[maker]!;
    keep(
      s,
      stays[s]!.filter((u) => columns.some((k) => rounded[u * inputs + k] !== 0)),
    );
  });
  return dropped;
}

/** Units of a layer that stay. */
function unitsLeft(
  network: Frozen["network"],
  layer: number,
  stays: readonly (readonly number[])[],
): readonly number[] {
  const made = madeBy(network, layer);
  return made === null ? [...new Array(network.layers[layer]!.units).keys()] : stays[made]!;
}

/** Columns of a layer's weights whose channels stay. */
function columnsLeft(
  network: Frozen["network"],
  layer: number,
  readers: readonly (readonly Reader[] | null)[],
  stays: readonly (readonly number[])[],
): readonly number[] {
  const all = [...new Array(network.layers[layer]!.inputs).keys()];
  const [signal, ...others] = network.values[network.layers[layer]!.reads]!.signals;
  const found = others.length === 0 && readers[signal!]?.find((r) => r.layer === layer);
  if (!found) return all;
  const stay = new Set(stays[signal!]);
  return all.filter((k) => stay.has(found.channels[k]!));
}

/**
 * The network without what is not above its noise, signal by signal where the settings allow it. A signal of which nothing
 * stays leaves a constant network: an error that says so. In a lossless search a signal that does vary stays whole then: the
 * noise went too far, and the rounds give bits back.
 */
export function prune(
  tf: TensorFlow,
  frozen: Frozen,
  training: TrainingSpec,
  batch: Batch,
  silence: Silence = [],
): Frozen {
  const moments = momentsOf(tf, frozen, training, batch);
  const stays = staying(frozen, training, moments, silence);
  let left = frozen;
  frozen.network.signals.forEach(({ channels }, s) => {
    const kept = stays[s]!;
    if (kept.length === 0) {
      const varies = moments[s]!.deviation.some((deviation) => deviation > 0);
      if (training.objective.kind === "lossless" && varies) return;
      const [reader] = prunableReaders(frozen.network, training, s)!;
      const { node } = frozen.network.layers[reader!.layer]!;
      fail("train/pruned-away", { layer: node, inputs: channels });
    }
    if (kept.length < channels) left = withoutChannels(left, s, kept, moments[s]!.mean);
  });
  return left;
}

/** Elements that never change over the samples. */
export function constantElements(inputs: ArrayLike<number>, count: number): number[] {
  const elements = inputs.length / count;
  const same = new Uint8Array(elements).fill(1);
  for (let r = 1; r < count; r++)
    for (let k = 0; k < elements; k++) if (inputs[r * elements + k] !== inputs[k]) same[k] = 0;
  return [...same.keys()].filter((k) => same[k] === 1);
}
