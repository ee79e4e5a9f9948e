// The accounts of a finished network: what one more or one less bit of each tensor would change, and what was pruned. In:
// a frozen network and samples. Out: one entry for each layer.
import type { BitPrice, FrozenFormat, LayerLedger } from "../graph/trained-graph.ts";
import { macsOf } from "./chain.ts";
import { type LayerFormats, MAX_WIDTH, withBits } from "./formats.ts";
import { fixedActivation } from "./freeze.ts";
import { bitOperationsOf, type Frozen, leastActivationBits, widthsOf } from "./limits.ts";
import { fromBipolar, toBipolar } from "./moves.ts";
import { constantElements } from "./prune.ts";
import { leftOf, type Run, scoreFrozen } from "./run.ts";

/** 20 log10(2): what a bit is worth. */
const DECIBELS_PER_BIT = 20 * Math.log10(2);

/** Narrowest weights that are no signs. */
const LEAST_INT_WIDTH = 2;

/** The format with one bit more or less; undefined where there is none. */
function neighbour<F extends FrozenFormat>(format: F, bits: 1 | -1, least: number): F | undefined {
  const width = format.width + bits;
  return format.kind === "bipolar" || width < least || width > MAX_WIDTH ? undefined : withBits(format, bits);
}

function withFormat(frozen: Frozen, layer: number, change: Partial<LayerFormats>): Frozen {
  return { ...frozen, formats: frozen.formats.with(layer, { ...frozen.formats[layer]!, ...change }) };
}

/** The network with weights of one bit more or less; below two bits, and above one, are the steps of allocation. */
function withWeights(frozen: Frozen, layer: number, bits: 1 | -1): Frozen | undefined {
  const { weight } = frozen.formats[layer]!;
  if (weight.kind === "bipolar") return bits === 1 ? fromBipolar(frozen, layer) : undefined;
  if (bits === -1 && weight.width === LEAST_INT_WIDTH) return toBipolar(frozen, layer);
  const format = neighbour(weight, bits, LEAST_INT_WIDTH);
  return format && withFormat(frozen, layer, { weight: format });
}

function withActivation(frozen: Frozen, layer: number, bits: 1 | -1): Frozen | undefined {
  const at = frozen.chain.layers[layer]!;
  if (fixedActivation(at)) return undefined;
  const format = neighbour(frozen.formats[layer]!.activation, bits, leastActivationBits(at, 1));
  return format && withFormat(frozen, layer, { activation: format });
}

/** Accounts of every layer of the graph's chain. */
export function ledgerOf(run: Run, frozen: Frozen): LayerLedger[] {
  const { chain, request } = run;
  const pruned = leftOf(chain, run.state.leftByPruning ?? frozen.kept);
  const constant = new Set(constantElements(request.samples.inputs, request.samples.count));
  return frozen.chain.layers.map((layer, i) => {
    const whole = chain.layers[i]!;
    const left = pruned.layers[i]!;
    const { weight, activation } = frozen.formats[i]!;
    const kept = new Set(frozen.kept[i] ?? Array.from({ length: whole.inputs }, (_, k) => k));
    const constantInputs = i > 0 ? 0 : [...constant].filter((k) => !kept.has(k)).length;
    const cost = weight.width * activation.width;
    return {
      node: layer.node,
      weights: {
        more: priceOf(run, frozen, i, "weight", withWeights(frozen, i, 1)),
        less: priceOf(run, frozen, i, "weight", withWeights(frozen, i, -1)),
      },
      activations: {
        more: priceOf(run, frozen, i, "activation", withActivation(frozen, i, 1)),
        less: priceOf(run, frozen, i, "activation", withActivation(frozen, i, -1)),
      },
      pruned: {
        inputs: whole.inputs - layer.inputs,
        constantInputs,
        allocatedInputs: left.inputs - layer.inputs,
        units: whole.units - layer.units,
        allocatedUnits: left.units - layer.units,
        weights: macsOf(whole) - macsOf(layer),
        bitOperations: (macsOf(whole) - macsOf(layer)) * cost,
        constantBitOperations: constantInputs * whole.units * cost,
        allocatedBitOperations: (macsOf(left) - macsOf(layer)) * cost,
      },
    };
  });
}

/** What another network would change; null where there is none. Not trained again: the loss is an upper bound. */
function priceOf(
  run: Run,
  frozen: Frozen,
  layer: number,
  tensor: keyof LayerFormats,
  other: Frozen | undefined,
): BitPrice | null {
  if (!other) return null;
  const old = frozen.formats[layer]![tensor];
  const format = other.formats[layer]![tensor];
  const cost = (f: Frozen): number => bitOperationsOf(f.chain, widthsOf(f.formats));
  return {
    width: format.width,
    decibels: format.kind === old.kind ? (format.width - old.width) * DECIBELS_PER_BIT : null,
    loss: scoreFrozen(run, other).loss - scoreFrozen(run, frozen).loss,
    bitOperations: cost(other) - cost(frozen),
  };
}
