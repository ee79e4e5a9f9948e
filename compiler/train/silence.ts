// Weights that do not stand above their own noise. In: a quantizer of weights with a step for each group or channel.
// Out: which of these carry nothing, and how far their bits may fall on the way there.
import type { TrainingSpec } from "../graph/project.ts";
import type { Quantizers } from "./freeze.ts";
import type { Network } from "./network.ts";
import type { NoisyQuantizer } from "./noise-quantizer.ts";
import { prunableReaders } from "./settings.ts";

/** Weights are clamped to this many times their root mean square: learned clamps under a bit penalty collapse. */
export const WEIGHT_CLAMP = 2;

/** rms / alpha of weights with this range and step; what takes their place is 0, so that their rms is their deviation. */
function signalToNoise(range: number, step: number): number {
  return ((range / WEIGHT_CLAMP) * Math.sqrt(12)) / step;
}

/** SNR bits at which the cost stops to push: below 0, so that the noise of training does not bring back what went. */
const LEAST_SNR_BITS = -1;

/** Continuous bits of weights at LEAST_SNR_BITS: log2(1 + 2 range / step). */
export const SILENT_BITS = Math.log2(1 + (2 * WEIGHT_CLAMP * 2 ** LEAST_SNR_BITS) / Math.sqrt(12));

/**
 * Whether groups or channels of a layer's weights may go: a group takes its inputs from the layer, a channel its unit
 * from the next ones, where the settings of these layers let them. The outputs of the network stay.
 */
export function mayBeSilent(network: Network, training: TrainingSpec, index: number): boolean {
  const layer = network.layers[index]!;
  const { weights, prune } = training.layers[layer.node]!;
  if (weights.granularity.kind === "layer" || !prune) return false;
  const signal =
    weights.granularity.kind === "group" ? groupedSignal(network, index) : madeBy(network, index);
  return signal !== null && prunableReaders(network, training, signal) !== null;
}

/** The signal that a layer makes, if it makes one; null for the outputs. */
export function madeBy({ signals }: Network, layer: number): number | null {
  const found = signals.findIndex((s) => s.maker === layer);
  return found < 0 ? null : found;
}

/** The signal of which each input of a dense layer reads one channel, in their order; null where there is none. */
export function groupedSignal(network: Network, layer: number): number | null {
  const { windows, reads, inputs } = network.layers[layer]!;
  const { signals } = network.values[reads]!;
  const [signal] = signals;
  if (windows || signals.length !== 1 || network.signals[signal!]!.channels !== inputs) return null;
  return signal!;
}

/** The same for every layer; null where nothing may go. */
export function silenceOf({ weights }: Pick<Quantizers, "weights">): Silence {
  return weights.map((q) => (q?.canBeSilent ? silentSteps(q) : null));
}

/** Of each layer, which of its weights' steps are silent. */
export type Silence = readonly (readonly boolean[] | null)[];

/** Of each step, whether its weights' SNR bits log2(rms / alpha) are not above 0. The loudest of a layer stays. */
export function silentSteps({ canBeSilent, map, ranges, steps }: NoisyQuantizer): boolean[] {
  if (!canBeSilent) return new Array<boolean>(map.count).fill(false);
  const ratios = Array.from({ length: map.count }, (_, k) => signalToNoise(ranges[k]!, steps[k]!));
  const loudest = ratios.indexOf(Math.max(...ratios));
  return ratios.map((ratio, k) => ratio <= 1 && k !== loudest);
}
