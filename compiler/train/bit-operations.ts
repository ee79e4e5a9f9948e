// The cost of a chain: bit operations, exact on frozen formats and continuous on trained steps and ranges, with the
// gradient of the latter. Floors: 2-bit weights, 1-bit unsigned and 2-bit signed activations.
import type { FrozenFormat } from "../graph/trained-graph.ts";
import { type Chain, type ChainLayer, macsOf } from "./chain.ts";

/** Formats of a layer's weights and of the tensor that enters it. */
export interface LayerFormats {
  readonly weight: FrozenFormat;
  readonly activation: FrozenFormat;
}

/** Widest format that training chooses. */
export const MAX_WIDTH = 8;

/** Narrowest format that training chooses. */
export function minWidth(signed: boolean): number {
  return signed ? 2 : 1;
}

/** Sum over the multiplications of weight width x activation width. */
export function bitOperationsOf(chain: Chain, formats: readonly LayerFormats[]): number {
  return chain.layers.reduce(
    (sum, layer, i) => sum + macsOf(layer) * formats[i]!.weight.width * formats[i]!.activation.width,
    0,
  );
}

/** The least bit operations that any choice of formats can reach. */
export function leastBitOperations(chain: Chain): number {
  return chain.layers.reduce(
    (sum, layer) => sum + macsOf(layer) * minWidth(true) * minWidth(layer.signed),
    0,
  );
}

/** Mean width of the weights, bits. */
export function meanWeightBits(chain: Chain, formats: readonly LayerFormats[]): number {
  const weights = chain.layers.reduce((sum, layer) => sum + macsOf(layer), 0);
  return chain.layers.reduce((sum, layer, i) => sum + macsOf(layer) * formats[i]!.weight.width, 0) / weights;
}

/** Bits of a trained quantizer: log2(1 + levels), 0 when nothing is left. */
export function continuousBits(range: number, step: number, signed: boolean): number {
  return Math.log2(1 + levelsOf(range, step, signed));
}

function levelsOf(range: number, step: number, signed: boolean): number {
  return (signed ? 2 : 1) * (range / step);
}

/** Steps and ranges of a layer while they are trained. */
export interface TrainedQuantizers {
  readonly weight: { readonly range: number; readonly step: number };
  readonly activation: { readonly range: number; readonly step: number };
}

/** Gradients of log2(bit operations) for the base-2 logarithms of the steps. */
export interface StepGradients {
  readonly weight: number;
  readonly activation: number;
}

/** Below this a tensor keeps its width: ternary when signed, one bit when not. */
function floorBits(signed: boolean): number {
  return signed ? Math.log2(3) : 1;
}

/** d log2(sum MACs x weight bits x activation bits) / d log2(step), per layer. A tensor at its floor gets 0. */
export function costGradients(chain: Chain, quantizers: readonly TrainedQuantizers[]): StepGradients[] {
  const bits = chain.layers.map((layer: ChainLayer, i) => {
    const { weight, activation } = quantizers[i]!;
    return {
      weight: continuousBits(weight.range, weight.step, true),
      activation: continuousBits(activation.range, activation.step, layer.signed),
    };
  });
  const total = chain.layers.reduce(
    (s, layer, i) => s + macsOf(layer) * bits[i]!.weight * bits[i]!.activation,
    0,
  );
  return chain.layers.map((layer, i) => {
    const { weight, activation } = quantizers[i]!;
    const slope = (b: number, signed: boolean, range: number, step: number): number => {
      if (b < floorBits(signed)) return 0;
      const levels = levelsOf(range, step, signed);
      return -levels / (1 + levels);
    };
    const share = macsOf(layer) / (total * Math.LN2);
    return {
      weight: share * bits[i]!.activation * slope(bits[i]!.weight, true, weight.range, weight.step),
      activation:
        share * bits[i]!.weight * slope(bits[i]!.activation, layer.signed, activation.range, activation.step),
    };
  });
}
