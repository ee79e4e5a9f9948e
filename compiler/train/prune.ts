// Pruning: what carries no signal above its noise goes. In: a frozen network and samples. Out: the network without the
// inputs and units whose SNR bits, by standard deviation, are not above 0.
import type { TrainingSpec } from "../graph/project.ts";
import { fail } from "../support/diagnostics.ts";
import type { TensorFlow } from "../support/tensorflow.ts";
import { activate } from "./activation.ts";
import type { Batch } from "./batches.ts";
import { fractionOf } from "./formats.ts";
import type { Frozen } from "./limits.ts";
import { enteringTensors } from "./network.ts";
import { roundedPasses, withoutInputs } from "./rounding-phase.ts";

/** What is known of each element of an entering tensor. */
export interface Signal {
  /** Standard deviation over the samples, before rounding. */
  readonly deviation: Float64Array;
  /** Mean of the rounded values: what takes the element's place. */
  readonly mean: Float64Array;
  /** alpha of the tensor's format. */
  readonly alpha: number;
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
    const { activation } = frozen.formats[i]!;
    const rounded = activate(entering, passes[i]!.activation);
    const unclamped = frozen.chain.layers[i]!.activation === "none" || activation.kind === "bipolar";
    // What a ReLU or hardtanh cuts is no signal; a discrete activation is its own.
    const low = unclamped ? Number.NEGATIVE_INFINITY : frozen.chain.layers[i]!.signed ? -1 : 0;
    const high = frozen.chain.layers[i]!.activation === "hardtanh" ? 1 : Number.POSITIVE_INFINITY;
    const discrete =
      frozen.chain.layers[i]!.activation === "sign" || frozen.chain.layers[i]!.activation === "step";
    return {
      ...momentsOf(discrete ? rounded : entering, rounded, frozen.chain.layers[i]!.inputs, low, high),
      alpha: stepOf(activation) / Math.sqrt(12),
    };
  });
}

/** Distance of neighbouring values of a format. */
function stepOf(format: Frozen["formats"][number]["activation"]): number {
  return (format.kind === "bipolar" ? 2 : 1) * 2 ** -fractionOf(format);
}

function momentsOf(
  x: Float32Array,
  rounded: Float32Array,
  columns: number,
  low: number,
  high: number,
): { readonly deviation: Float64Array; readonly mean: Float64Array } {
  const rows = x.length / columns;
  const sum = new Float64Array(columns);
  const square = new Float64Array(columns);
  const mean = new Float64Array(columns);
  for (let at = 0; at < x.length; at += columns) {
    for (let c = 0; c < columns; c++) {
      const value = Math.min(high, Math.max(low, x[at + c]!));
      sum[c]! += value;
      square[c]! += value * value;
      mean[c]! += rounded[at + c]! / rows;
    }
  }
  const deviation = square.map((s, c) => Math.sqrt(Math.max(0, s / rows - (sum[c]! / rows) ** 2)));
  return { deviation, mean };
}

/** What an element must be above to be kept: its noise, or no change at all. */
export type Silence = "noise" | "constant";

/** Indices of the elements whose SNR bits log2(deviation / alpha) are above 0, or of those that change. */
export function audible({ deviation, alpha }: Signal, silence: Silence = "noise"): number[] {
  const least = silence === "noise" ? alpha : 0;
  return [...deviation.keys()].filter((k) => deviation[k]! > least);
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
  silence: Silence = "noise",
): Frozen {
  const signals = signalsOf(tf, frozen, training, batch);
  let left = frozen;
  frozen.chain.layers.forEach((layer, i) => {
    if (!training.layers[layer.node]!.prune) return;
    const kept = audible(signals[i]!, silence);
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
