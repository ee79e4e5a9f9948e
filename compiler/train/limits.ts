// What formats cost, in every unit that a budget may be given in: exact on frozen formats, continuous on bits that are
// still trained, with the gradient of the latter. In: a network and formats or bits. Out: costs.
import type { Limit, Limits, TrainingSpec, WidthRange } from "../graph/project.ts";
import { digitSpan } from "../support/fixed-point.ts";
import { type Formats, MAX_WIDTH, roundWeights, unitFraction } from "./formats.ts";
import { type Layer, macsOf, type Network, weightsOf } from "./network.ts";
import type { ParameterSet } from "./optimizers.ts";
import { variableOf } from "./parameters.ts";
import { signalWidths } from "./settings.ts";
import { valueFormats } from "./value-formats.ts";

/** A frozen network: layers as they are kept, latent weights, formats. */
export interface Frozen {
  readonly network: Network;
  readonly parameters: ParameterSet;
  readonly formats: Formats;
  /** Of each signal, the channels in the graph that are left, ascending; null: all. */
  readonly kept: readonly (readonly number[] | null)[];
}

/** Bits of a layer's weights and of the tensor that enters it; real numbers while they are trained. */
export interface LayerBits {
  readonly weight: number;
  readonly activation: number;
}

/** Sum over the multiplications of weight width x activation width. */
export function bitOperationsOf({ layers }: Network, bits: readonly LayerBits[]): number {
  return layers.reduce((sum, layer, i) => sum + macsOf(layer) * bits[i]!.weight * bits[i]!.activation, 0);
}

/** Widths of frozen formats, by layer: of its weights, and of the tensor that enters it. */
export function widthsOf({ network, formats }: Pick<Frozen, "network" | "formats">): LayerBits[] {
  const values = valueFormats(network, formats.signals);
  return network.layers.map((layer, i) => ({
    weight: formats.weights[i]!.width,
    activation: values[layer.reads]!.width,
  }));
}

/** Bits of all weights. */
export function weightBitsOf({ layers }: Network, bits: readonly LayerBits[]): number {
  return layers.reduce((sum, layer, i) => sum + weightsOf(layer) * bits[i]!.weight, 0);
}

/** Mean width of the weights, bits. */
export function meanWeightBits(network: Network, bits: readonly LayerBits[]): number {
  return weightBitsOf(network, bits) / network.layers.reduce((sum, layer) => sum + weightsOf(layer), 0);
}

/** Multipliers that work at a time when every layer has `interval` cycles. */
function lanesOf(layer: Layer, interval: number): number {
  return Math.ceil(macsOf(layer) / interval);
}

/**
 * Estimated look-up tables of the MAC arrays of folded layers, one result every `interval` cycles: of each lane the
 * partial products of the multiplier, weight width x activation width, and an adder of their widths and of what the
 * sum over the inputs adds.
 */
export function lutsOf({ layers }: Network, bits: readonly LayerBits[], interval: number): number {
  return layers.reduce((sum, layer, i) => {
    const { weight, activation } = bits[i]!;
    const adder = weight + activation + Math.ceil(Math.log2(layer.inputs));
    return sum + lanesOf(layer, interval) * (weight * activation + adder);
  }, 0);
}

/** Spans of non-zero binary digits of the weights' mantissas x activation width (arXiv:2405.00645). */
export function ebopsOf(frozen: Frozen): number {
  const { network, parameters, formats } = frozen;
  const bits = widthsOf(frozen);
  return network.layers.reduce((sum, layer, i) => {
    const weight = formats.weights[i]!;
    const width = bits[i]!.activation;
    if (weight.kind === "bipolar") return sum + macsOf(layer) * width;
    const rounded = roundWeights(variableOf(parameters, i, "weights"), layer.units, layer.inputs, weight);
    let digits = 0;
    for (let u = 0; u < layer.units; u++) {
      const scale = 2 ** unitFraction(weight, u);
      for (let k = u * layer.inputs; k < (u + 1) * layer.inputs; k++)
        digits += digitSpan(rounded[k]! * scale);
    }
    return sum + digits * layer.positions * width;
  }, 0);
}

/** A frozen network's cost in the unit of a limit. */
export function measure(limit: Limit, frozen: Frozen, interval: number): number {
  const { network } = frozen;
  const bits = widthsOf(frozen);
  switch (limit) {
    case "bitOperations":
      return bitOperationsOf(network, bits);
    case "weightBits":
      return weightBitsOf(network, bits);
    case "meanWeightBits":
      return meanWeightBits(network, bits);
    case "luts":
      return lutsOf(network, bits, interval);
    case "ebops":
      return ebopsOf(frozen);
  }
}

/** The limits that are given, in a fixed order. */
export function limitsGiven(limits: Limits): { readonly limit: Limit; readonly asked: number }[] {
  const order: readonly Limit[] = ["bitOperations", "ebops", "weightBits", "luts", "meanWeightBits"];
  return order.flatMap((limit) => (limits[limit] === undefined ? [] : [{ limit, asked: limits[limit]! }]));
}

/** Largest ratio of cost to limit: at most 1 when all are met. */
export function fillOf(limits: Limits, frozen: Frozen, interval: number): number {
  return limitsGiven(limits).reduce(
    (most, { limit, asked }) => Math.max(most, measure(limit, frozen, interval) / asked),
    0,
  );
}

function boundBits(network: Network, training: TrainingSpec, end: keyof WidthRange): LayerBits[] {
  return network.layers.map(({ node, reads }) => ({
    weight: Math.min(MAX_WIDTH, training.layers[node]!.weights.bits[end]),
    activation: Math.max(
      ...network.values[reads]!.signals.map((s) => signalWidths(network, training, s)[end]),
    ),
  }));
}

/** The narrowest widths that the settings and signals of a network allow, by layer. */
export function leastBits(network: Network, training: TrainingSpec): LayerBits[] {
  return boundBits(network, training, "min");
}

/** The widest ones. */
export function mostBits(network: Network, training: TrainingSpec): LayerBits[] {
  return boundBits(network, training, "max");
}

/** Whether a layer may lose inputs: then no budget is out of reach because of the widths alone. */
export function mayPrune({ layers }: Network, training: TrainingSpec): boolean {
  return layers.some((layer) => training.layers[layer.node]!.prune);
}

/** Derivatives of log2(cost) for the bits of each layer, while bits are real numbers. */
export function costSlopes(
  limit: Limit,
  network: Network,
  bits: readonly LayerBits[],
  interval: number,
): LayerBits[] {
  switch (limit) {
    case "bitOperations":
    case "ebops": {
      // The digits of a mantissa grow with its width: one slope serves both.
      const total = bitOperationsOf(network, bits) * Math.LN2;
      return network.layers.map((layer, i) => ({
        weight: (macsOf(layer) * bits[i]!.activation) / total,
        activation: (macsOf(layer) * bits[i]!.weight) / total,
      }));
    }
    case "weightBits":
    case "meanWeightBits": {
      const total = weightBitsOf(network, bits) * Math.LN2;
      return network.layers.map((layer) => ({ weight: weightsOf(layer) / total, activation: 0 }));
    }
    case "luts": {
      const total = lutsOf(network, bits, interval) * Math.LN2;
      return network.layers.map((layer, i) => ({
        weight: (lanesOf(layer, interval) * (bits[i]!.activation + 1)) / total,
        activation: (lanesOf(layer, interval) * (bits[i]!.weight + 1)) / total,
      }));
    }
  }
}
