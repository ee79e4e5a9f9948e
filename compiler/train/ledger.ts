// The accounts of a finished network: what one more or one less bit of each tensor would change, and what was pruned. In:
// a frozen network and samples. Out: one entry for each layer.
import type { BitPrice, FrozenFormat, LayerLedger, TensorLedger } from "../graph/trained-graph.ts";
import { macsOf } from "./chain.ts";
import { type LayerFormats, MAX_WIDTH, withBits } from "./formats.ts";
import { fixedActivation } from "./freeze.ts";
import { bitOperationsOf, type Frozen, leastActivationBits, widthsOf } from "./limits.ts";
import { constantElements } from "./prune.ts";
import { type Run, scoreFrozen } from "./run.ts";

/** 20 log10(2): what a bit is worth. */
const DECIBELS_PER_BIT = 20 * Math.log10(2);

/** The neighbouring width; undefined where there is no such format. */
function neighbour<F extends FrozenFormat>(format: F, bits: 1 | -1, least: number): F | undefined {
  const width = format.width + bits;
  return format.kind === "bipolar" || width < least || width > MAX_WIDTH ? undefined : withBits(format, bits);
}

/** Accounts of every layer of the graph's chain. */
export function ledgerOf(run: Run, frozen: Frozen): LayerLedger[] {
  const { chain, request } = run;
  const constant = new Set(constantElements(request.samples.inputs, request.samples.count));
  return frozen.chain.layers.map((layer, i) => {
    const whole = chain.layers[i]!;
    const { weight, activation } = frozen.formats[i]!;
    const kept = new Set(frozen.kept[i] ?? Array.from({ length: whole.inputs }, (_, k) => k));
    const constantInputs = i > 0 ? 0 : [...constant].filter((k) => !kept.has(k)).length;
    const cost = weight.width * activation.width;
    const least = { weight: 2, activation: leastActivationBits(layer, 1) };
    return {
      node: layer.node,
      weights: {
        more: priceOf(run, frozen, i, "weight", neighbour(weight, 1, least.weight)),
        less: priceOf(run, frozen, i, "weight", neighbour(weight, -1, least.weight)),
      },
      activations: fixedActivation(layer)
        ? NO_CHOICE
        : {
            more: priceOf(run, frozen, i, "activation", neighbour(activation, 1, least.activation)),
            less: priceOf(run, frozen, i, "activation", neighbour(activation, -1, least.activation)),
          },
      pruned: {
        inputs: whole.inputs - layer.inputs,
        constantInputs,
        units: whole.units - layer.units,
        weights: macsOf(whole) - macsOf(layer),
        bitOperations: (macsOf(whole) - macsOf(layer)) * cost,
        constantBitOperations: constantInputs * whole.units * cost,
      },
    };
  });
}

const NO_CHOICE: TensorLedger = { more: null, less: null };

/** What another format would change; null where there is none. Not trained again: the loss is an upper bound. */
function priceOf<K extends keyof LayerFormats>(
  run: Run,
  frozen: Frozen,
  layer: number,
  tensor: K,
  format: LayerFormats[K] | undefined,
): BitPrice | null {
  if (!format) return null;
  const old = frozen.formats[layer]!;
  const other: Frozen = { ...frozen, formats: frozen.formats.with(layer, { ...old, [tensor]: format }) };
  const cost = (f: Frozen): number => bitOperationsOf(f.chain, widthsOf(f.formats));
  return {
    width: format.width,
    decibels: (format.width - old[tensor].width) * DECIBELS_PER_BIT,
    loss: scoreFrozen(run, other).loss - scoreFrozen(run, frozen).loss,
    bitOperations: cost(other) - cost(frozen),
  };
}
