// What formats cost, in every unit that a budget may be given in: exact on frozen formats, continuous on bits that are
// still trained, with the gradient of the latter. In: a chain and formats or bits. Out: costs.
import type { Limit, Limits, TrainingSpec } from "../graph/project.ts";
import { digitSpan } from "../support/fixed-point.ts";
import { type Chain, type ChainLayer, macsOf } from "./chain.ts";
import { type LayerFormats, roundWeights, unitFraction } from "./formats.ts";
import type { ParameterSet } from "./optimizers.ts";
import { variableOf } from "./parameters.ts";

/** A frozen network: layers as they are kept, latent weights, formats. */
export interface Frozen {
  readonly chain: Chain;
  readonly parameters: ParameterSet;
  readonly formats: readonly LayerFormats[];
  /** Of each layer, the elements of its entering tensor in the graph that are left, ascending; null: all. */
  readonly kept: readonly (readonly number[] | null)[];
}

/** Bits of a layer's weights and of the tensor that enters it; real numbers while they are trained. */
export interface LayerBits {
  readonly weight: number;
  readonly activation: number;
}

/** Sum over the multiplications of weight width x activation width. */
export function bitOperationsOf(chain: Chain, bits: readonly LayerBits[]): number {
  return chain.layers.reduce(
    (sum, layer, i) => sum + macsOf(layer) * bits[i]!.weight * bits[i]!.activation,
    0,
  );
}

/** Widths of frozen formats. */
export function widthsOf(formats: readonly LayerFormats[]): LayerBits[] {
  return formats.map((f) => ({ weight: f.weight.width, activation: f.activation.width }));
}

/** Bits of all weights. */
export function weightBitsOf(chain: Chain, bits: readonly LayerBits[]): number {
  return chain.layers.reduce((sum, layer, i) => sum + macsOf(layer) * bits[i]!.weight, 0);
}

/** Mean width of the weights, bits. */
export function meanWeightBits(chain: Chain, bits: readonly LayerBits[]): number {
  return weightBitsOf(chain, bits) / chain.layers.reduce((sum, layer) => sum + macsOf(layer), 0);
}

/** Multipliers that work at a time when every layer has `interval` cycles. */
function lanesOf(layer: ChainLayer, interval: number): number {
  return Math.ceil(macsOf(layer) / interval);
}

/**
 * Estimated look-up tables of the MAC arrays of folded layers, one result every `interval` cycles: of each lane the
 * partial products of the multiplier, weight width x activation width, and an adder of their widths and of what the
 * sum over the inputs adds.
 */
export function lutsOf(chain: Chain, bits: readonly LayerBits[], interval: number): number {
  return chain.layers.reduce((sum, layer, i) => {
    const { weight, activation } = bits[i]!;
    const adder = weight + activation + Math.ceil(Math.log2(layer.inputs));
    return sum + lanesOf(layer, interval) * (weight * activation + adder);
  }, 0);
}

/** Spans of non-zero binary digits of the weights' mantissas x activation width (arXiv:2405.00645). */
export function ebopsOf({ chain, parameters, formats }: Frozen): number {
  return chain.layers.reduce((sum, layer, i) => {
    const { weight, activation } = formats[i]!;
    if (weight.kind === "bipolar") return sum + macsOf(layer) * activation.width;
    const rounded = roundWeights(variableOf(parameters, i, "weights"), layer.units, layer.inputs, weight);
    let digits = 0;
    for (let u = 0; u < layer.units; u++) {
      const scale = 2 ** unitFraction(weight, u);
      for (let k = u * layer.inputs; k < (u + 1) * layer.inputs; k++)
        digits += digitSpan(rounded[k]! * scale);
    }
    return sum + digits * activation.width;
  }, 0);
}

/** A frozen network's cost in the unit of a limit. */
export function measure(limit: Limit, frozen: Frozen, interval: number): number {
  const bits = widthsOf(frozen.formats);
  switch (limit) {
    case "bitOperations":
      return bitOperationsOf(frozen.chain, bits);
    case "weightBits":
      return weightBitsOf(frozen.chain, bits);
    case "meanWeightBits":
      return meanWeightBits(frozen.chain, bits);
    case "luts":
      return lutsOf(frozen.chain, bits, interval);
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

/** The narrowest widths that the layer's settings and signals allow. */
export function leastBits(layer: ChainLayer, training: TrainingSpec): LayerBits {
  const { weights, input } = training.layers[layer.node]!;
  return { weight: weights.bits.min, activation: leastActivationBits(layer, input.bits.min) };
}

/** Whether a layer may lose inputs: then no budget is out of reach because of the widths alone. */
export function mayPrune(chain: Chain, training: TrainingSpec): boolean {
  return chain.layers.some((layer) => training.layers[layer.node]!.prune);
}

/** Narrowest entering tensor: 1 bit, 2 when it is signed and no sign. */
export function leastActivationBits(layer: ChainLayer, wished: number): number {
  const discrete = layer.activation === "sign" || layer.activation === "step";
  return discrete ? 1 : Math.max(wished, layer.signed ? 2 : 1);
}

/** Derivatives of log2(cost) for the bits of each layer, while bits are real numbers. */
export function costSlopes(
  limit: Limit,
  chain: Chain,
  bits: readonly LayerBits[],
  interval: number,
): LayerBits[] {
  switch (limit) {
    case "bitOperations":
    case "ebops": {
      // The digits of a mantissa grow with its width: one slope serves both.
      const total = bitOperationsOf(chain, bits) * Math.LN2;
      return chain.layers.map((layer, i) => ({
        weight: (macsOf(layer) * bits[i]!.activation) / total,
        activation: (macsOf(layer) * bits[i]!.weight) / total,
      }));
    }
    case "weightBits":
    case "meanWeightBits": {
      const total = weightBitsOf(chain, bits) * Math.LN2;
      return chain.layers.map((layer) => ({ weight: macsOf(layer) / total, activation: 0 }));
    }
    case "luts": {
      const total = lutsOf(chain, bits, interval) * Math.LN2;
      return chain.layers.map((layer, i) => ({
        weight: (lanesOf(layer, interval) * (bits[i]!.activation + 1)) / total,
        activation: (lanesOf(layer, interval) * (bits[i]!.weight + 1)) / total,
      }));
    }
  }
}
