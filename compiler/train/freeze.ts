// From trained steps and ranges to integer formats. In: range and step of a quantizer. Out: the format whose step is
// the nearest power of two and whose width holds the range.
import type { FrozenFormat } from "../graph/trained-graph.ts";
import {
  continuousBits,
  type LayerFormats,
  MAX_WIDTH,
  minWidth,
  type TrainedQuantizers,
} from "./bit-operations.ts";
import type { Chain } from "./chain.ts";

/**
 * Two's complement has one level more than the symmetric range that was trained: 2^b - 1 levels are log2(2^b - 1)
 * continuous bits, 1.58 for 2-bit weights and 2.81 for 3-bit ones. This brings both to the nearest integer.
 */
const SIGNED_ROUNDING = 0.2;

/** The integer format of a trained quantizer. A width above the largest gives up its finest steps, not its range. */
export function frozenFormat(range: number, step: number, signed: boolean): FrozenFormat {
  const exponent = Math.round(Math.log2(step));
  const bits = continuousBits(range, 2 ** exponent, signed) + (signed ? SIGNED_ROUNDING : 0);
  const width = Math.round(bits);
  const excess = Math.max(0, width - MAX_WIDTH);
  // -0 would be printed and compared as another fraction.
  const fraction = 0 - (exponent + excess);
  return { signed, width: Math.max(minWidth(signed), Math.min(width, MAX_WIDTH)), fraction };
}

/** Formats of every layer. */
export function freeze(chain: Chain, quantizers: readonly TrainedQuantizers[]): LayerFormats[] {
  return chain.layers.map((layer, i) => {
    const { weight, activation } = quantizers[i]!;
    return {
      weight: frozenFormat(weight.range, weight.step, true),
      activation: frozenFormat(activation.range, activation.step, layer.signed),
    };
  });
}
