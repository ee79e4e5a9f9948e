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
import { enteringTensors } from "./network.ts";
import { variableOf } from "./parameters.ts";
import { roundedPasses, withoutInputs } from "./rounding-phase.ts";
import type { Silence } from "./silence.ts";

/** What is known of each element of an entering tensor. */
export interface Signal {
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

/** Elements of `batch` that a frozen network still has. */
export function keptInputs(batch: Batch, kept: readonly number[] | null, elements: number): Float32Array {
  if (!kept) return batch.inputs;
  const columns = Int32Array.from(kept);
  const out = new Float32Array(batch.count * columns.length);
  for (let r = 0; r < batch.count; r++)
    for (let k = 0; k < columns.length; k++)
      out[r * columns.length + k] = batch.inputs[r * elements + columns[k]!]!;
  return out;
}

/** Signals of every layer's entering tensor on samples with all elements. */
export function signalsOf(tf: TensorFlow, frozen: Frozen, training: TrainingSpec, batch: Batch): Signal[] {
  const passes = roundedPasses(frozen, training, "running");
  const inputs = keptInputs(batch, frozen.kept[0]!, frozen.chain.elements);
  return enteringTensors(tf, batch.count, inputs, passes).map((entering, i) => {
    const rounded = activate(entering, passes[i]!.activation);
    const { activation, inputs: columns } = frozen.chain.layers[i]!;
    const { activation: format } = frozen.formats[i]!;
    // Signs and steps are given as they are: nothing of them is rounded.
    if (activation === "sign" || activation === "step")
      return momentsOf(rounded, rounded, columns, ALL, NONE);
    const { min, max } = integerRange(format.width, format.signed);
    const step = 2 ** -fractionOf(format);
    const alpha = step / Math.sqrt(12);
    return momentsOf(entering, rounded, columns, CUTS[activation], {
      low: min * step,
      high: max * step,
      alpha,
    });
  });
}

/** What an activation lets through. */
const ALL = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
const CUTS = { none: ALL, relu: { low: 0, high: Number.POSITIVE_INFINITY }, hardtanh: { low: -1, high: 1 } };
/** Where values are rounded, and how much residue that leaves. */
const NONE = { low: 0, high: 0, alpha: 0 };

function momentsOf(
  x: Float32Array,
  rounded: Float32Array,
  columns: number,
  cut: { readonly low: number; readonly high: number },
  residue: { readonly low: number; readonly high: number; readonly alpha: number },
): Signal {
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
export function audible({ deviation, noise }: Signal): number[] {
  return [...deviation.keys()].filter((k) => deviation[k]! > noise[k]!);
}

/**
 * Of every layer of an unpruned network, the elements of its entering tensor that stay where the settings let others
 * go: those above their noise, read by groups of weights above theirs, and made by such channels.
 */
export function staying(
  frozen: Frozen,
  training: TrainingSpec,
  signals: readonly Signal[],
  silence: Silence,
): number[][] {
  const { layers } = frozen.chain;
  const stays = layers.map((layer, i) =>
    training.layers[layer.node]!.prune ? audible(signals[i]!) : [...new Array(layer.inputs).keys()],
  );
  layers.forEach((layer, i) => {
    const silent = silence[i];
    if (!silent) return;
    const { granularity } = training.layers[layer.node]!.weights;
    if (granularity.kind === "group")
      stays[i] = stays[i]!.filter((k) => !silent[Math.floor(k / granularity.size)]);
    else stays[i + 1] = stays[i + 1]!.filter((u) => !silent[u]);
  });
  while (dropZeros(frozen, training, stays));
  return stays;
}

/**
 * Takes inputs that only zero weights read, and units with zero weights only, from what stays, in place; true when some
 * went. One alpha for a layer is no statement on single inputs and units: there, training may bring them back.
 */
function dropZeros(
  { chain, formats, parameters }: Frozen,
  training: TrainingSpec,
  stays: number[][],
): boolean {
  let dropped = false;
  chain.layers.forEach(({ node, inputs, units }, i) => {
    const { weights, prune: prunes } = training.layers[node]!;
    if (!prunes || weights.granularity.kind === "layer") return;
    const next = chain.layers[i + 1];
    const rounded = roundWeights(variableOf(parameters, i, "weights"), units, inputs, formats[i]!.weight);
    const rows = stays[i + 1] ?? [...new Array(units).keys()];
    const columns = stays[i]!.filter((k) => rows.some((u) => rounded[u * inputs + k] !== 0));
    if (columns.length < stays[i]!.length) dropped = true;
    stays[i] = columns;
    if (!next || !training.layers[next.node]!.prune) return;
    const left = rows.filter((u) => columns.some((k) => rounded[u * inputs + k] !== 0));
    if (left.length < rows.length) dropped = true;
    stays[i + 1] = left;
  });
  return dropped;
}

/**
 * The network without what is not above its noise, layer by layer where the layer's settings allow it. A layer whose
 * inputs all go leaves a constant network: an error that says so.
 */
export function prune(
  tf: TensorFlow,
  frozen: Frozen,
  training: TrainingSpec,
  batch: Batch,
  silence: Silence = [],
): Frozen {
  const signals = signalsOf(tf, frozen, training, batch);
  const stays = staying(frozen, training, signals, silence);
  let left = frozen;
  frozen.chain.layers.forEach((layer, i) => {
    const kept = stays[i]!;
    if (kept.length === 0) fail("train/pruned-away", { layer: layer.node, inputs: layer.inputs });
    if (kept.length < layer.inputs) left = withoutInputs(left, i, kept, signals[i]!.mean);
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
