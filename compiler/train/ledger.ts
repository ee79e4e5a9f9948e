// The accounts of a finished network: what one more or one less bit of each tensor would change, and what was pruned. In:
// a frozen network and samples. Out: one entry for each layer.
import type { BitPrice, FrozenFormat, LayerLedger } from "../graph/trained-graph.ts";
import { MAX_WIDTH, withWeights as replaced, withBits, withSignal } from "./formats.ts";
import { bitOperationsOf, type Frozen, widthsOf } from "./limits.ts";
import { fromBipolar, toBipolar } from "./moves.ts";
import { inputOfSignal, macsOf, type Network, weightsOf } from "./network.ts";
import { constantElements } from "./prune.ts";
import { leftOf } from "./rounding-phase.ts";
import { giveWay, type Run, scoreFrozen } from "./run.ts";
import { fixedSignal } from "./settings.ts";

/** 20 log10(2): what a bit is worth. */
const DECIBELS_PER_BIT = 20 * Math.log10(2);

/** Narrowest weights that are no signs. */
const LEAST_INT_WIDTH = 2;

/** The format with one bit more or less; undefined where there is none. */
function neighbour<F extends FrozenFormat>(format: F, bits: 1 | -1, least: number): F | undefined {
  const width = format.width + bits;
  return format.kind === "bipolar" || width < least || width > MAX_WIDTH ? undefined : withBits(format, bits);
}

/** The network with weights of one bit more or less; below two bits, and above one, are the steps of allocation. */
function withWeights(frozen: Frozen, layer: number, bits: 1 | -1): Frozen | undefined {
  const weight = frozen.formats.weights[layer]!;
  if (weight.kind === "bipolar") return bits === 1 ? fromBipolar(frozen, layer) : undefined;
  if (bits === -1 && weight.width === LEAST_INT_WIDTH) return toBipolar(frozen, layer);
  const format = neighbour(weight, bits, LEAST_INT_WIDTH);
  return format && { ...frozen, formats: replaced(frozen.formats, layer, format) };
}

/** The one signal that a layer reads; null where several are put together. */
function enteringSignal({ layers, values }: Network, layer: number): number | null {
  const { signals } = values[layers[layer]!.reads]!;
  return signals.length === 1 ? signals[0]! : null;
}

function withEntering(frozen: Frozen, layer: number, bits: 1 | -1): Frozen | undefined {
  const s = enteringSignal(frozen.network, layer);
  if (s === null) return undefined;
  const signal = frozen.network.signals[s]!;
  if (fixedSignal(signal)) return undefined;
  const format = neighbour(frozen.formats.signals[s]!, bits, signal.signed ? 2 : 1);
  return format && { ...frozen, formats: withSignal(frozen.formats, s, format) };
}

/** Accounts of every layer of the graph's network. Throws TrainingStopped when the user asked to stop. */
export async function ledgerOf(run: Run, frozen: Frozen): Promise<LayerLedger[]> {
  const { folded, request } = run;
  const pruned = leftOf(folded, run.state.leftByPruning ?? frozen.kept);
  /** Of an input, the elements that went and were constant over the training samples. */
  const constantInputs = request.samples.inputs.map(({ mantissas }, i) => {
    const left = frozen.kept[frozen.network.inputs[i]!.signal];
    const kept = left && new Set(left);
    const constant = constantElements(mantissas, request.samples.count);
    return kept ? constant.filter((k) => !kept.has(k)).length : 0;
  });
  const widths = widthsOf(frozen);
  const base = scoreFrozen(run, frozen).loss;
  const ledger: LayerLedger[] = [];
  for (const [i, layer] of frozen.network.layers.entries()) {
    const whole = folded.layers[i]!;
    const left = pruned.layers[i]!;
    const { weight, activation } = widths[i]!;
    const cost = weight * activation;
    const entering = enteringSignal(frozen.network, i);
    const constants = entering === null ? 0 : (constantInputs[inputOfSignal(frozen.network, entering)] ?? 0);
    const price = (tensor: "weight" | "activation", bits: 1 | -1): Promise<BitPrice | null> =>
      priceOf(run, { frozen, base }, i, tensor, bits);
    ledger.push({
      node: layer.node,
      weights: { more: await price("weight", 1), less: await price("weight", -1) },
      activations: { more: await price("activation", 1), less: await price("activation", -1) },
      pruned: {
        inputs: whole.inputs - layer.inputs,
        constantInputs: constants,
        allocatedInputs: left.inputs - layer.inputs,
        units: whole.units - layer.units,
        allocatedUnits: left.units - layer.units,
        weights: weightsOf(whole) - weightsOf(layer),
        bitOperations: (macsOf(whole) - macsOf(layer)) * cost,
        constantBitOperations: constants * whole.units * cost,
        allocatedBitOperations: (macsOf(left) - macsOf(layer)) * cost,
      },
    });
  }
  return ledger;
}

/**
 * What one more or one less bit of a tensor would change; null where there is none. `base` is the loss without. Not trained
 * again: the loss is an upper bound.
 */
async function priceOf(
  run: Run,
  { frozen, base }: { readonly frozen: Frozen; readonly base: number },
  layer: number,
  tensor: "weight" | "activation",
  bits: 1 | -1,
): Promise<BitPrice | null> {
  const other = tensor === "weight" ? withWeights(frozen, layer, bits) : withEntering(frozen, layer, bits);
  if (!other) return null;
  await giveWay(run);
  const formatOf = ({ network, formats }: Frozen): FrozenFormat =>
    tensor === "weight" ? formats.weights[layer]! : formats.signals[enteringSignal(network, layer)!]!;
  const [old, format] = [formatOf(frozen), formatOf(other)];
  const cost = (f: Frozen): number => bitOperationsOf(f.network, widthsOf(f));
  return {
    width: format.width,
    decibels: format.kind === old.kind ? (format.width - old.width) * DECIBELS_PER_BIT : null,
    loss: scoreFrozen(run, other).loss - base,
    bitOperations: cost(other) - cost(frozen),
  };
}
