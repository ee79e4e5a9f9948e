// Steps of bit allocation: networks that differ from a frozen one by one bit of one tensor, by signs instead of two-bit
// weights, or by a few inputs or units less. In: a frozen network. Out: its neighbours.
import type { TrainingSpec } from "../graph/project.ts";
import type { FrozenFormat } from "../graph/trained-graph.ts";
import type { ChainLayer } from "./chain.ts";
import { type LayerFormats, meanSize, unitFraction, withBits } from "./formats.ts";
import { bipolarFormat, fixedActivation, mostActivationBits } from "./freeze.ts";
import { type Frozen, leastActivationBits } from "./limits.ts";
import { variableName, variableOf } from "./parameters.ts";
import type { Signal } from "./prune.ts";
import { copyFrozen, startBipolar, withoutInputs } from "./rounding-phase.ts";

export interface Move {
  readonly frozen: Frozen;
  /** Whether the loss before training says nothing: a change that the weights have to learn first. */
  readonly needsTraining: boolean;
}

/** Part of a tensor's elements that one pruning step removes. */
const PRUNED_PART = 1 / 16;
/** Activations that are this narrow have thresholds that the weights were trained for: one bit more moves them all. */
const FEW_BITS = 2;
/** Widest weights that turn bipolar in one step. */
const WIDEST_BEFORE_BIPOLAR = 3;

/** The same range with another step, and the same step with another range. */
function resized<F extends FrozenFormat>(format: F, bits: 1 | -1): F[] {
  return [withBits(format, bits), { ...format, width: format.width + bits }];
}

function withFormat(frozen: Frozen, layer: number, change: Partial<LayerFormats>): Frozen {
  return { ...frozen, formats: frozen.formats.with(layer, { ...frozen.formats[layer]!, ...change }) };
}

/** Weight formats one bit away, within what the layer allows. */
function weightMoves(
  frozen: Frozen,
  training: TrainingSpec,
  layer: ChainLayer,
  i: number,
  bits: 1 | -1,
): Move[] {
  const { weight } = frozen.formats[i]!;
  const { min, max } = training.layers[layer.node]!.weights.bits;
  const moves: Move[] = [];
  if (weight.kind === "bipolar") {
    if (bits === 1 && max >= 2) moves.push({ frozen: fromBipolar(frozen, i), needsTraining: true });
    return moves;
  }
  const width = weight.width + bits;
  if (width >= Math.max(2, min) && width <= max)
    // One bit more is a finer step: the range follows the weights' size already.
    for (const format of bits === 1 ? [withBits(weight, bits)] : resized(weight, bits))
      moves.push({ frozen: withFormat(frozen, i, { weight: format }), needsTraining: false });
  if (bits === -1 && min === 1 && weight.width <= WIDEST_BEFORE_BIPOLAR)
    moves.push({ frozen: toBipolar(frozen, i), needsTraining: true });
  return moves;
}

/** Signs instead of the weights of a layer, at their mean size. */
export function toBipolar(frozen: Frozen, layer: number): Frozen {
  const copy = copyFrozen(frozen);
  const weight = bipolarFormat(variableOf(copy.parameters, layer, "weights"));
  startBipolar(copy.parameters, layer);
  return withFormat(copy, layer, { weight });
}

/** Two bits whose outer values are the bipolar ones. */
export function fromBipolar(frozen: Frozen, layer: number): Frozen {
  const copy = copyFrozen(frozen);
  const { weight } = frozen.formats[layer]!;
  const size = 2 ** -unitFraction(weight, 0);
  const latent = variableOf(copy.parameters, layer, "weights");
  const mean = Math.max(meanSize(latent), 1e-9);
  copy.parameters[variableName(layer, "weights")] = latent.map((w) => (w * size) / mean);
  return withFormat(copy, layer, {
    weight: { kind: "int", signed: true, width: 2, fraction: weight.fraction, groups: null },
  });
}

function activationMoves(
  frozen: Frozen,
  training: TrainingSpec,
  layer: ChainLayer,
  i: number,
  bits: 1 | -1,
): Move[] {
  const { activation } = frozen.formats[i]!;
  const { min, max } = training.layers[layer.node]!.input.bits;
  const width = activation.width + bits;
  if (fixedActivation(layer)) return [];
  if (width < leastActivationBits(layer, min) || width > mostActivationBits(layer, max)) return [];
  // A hard-tanh's range is given; only its step may change.
  const formats = layer.activation === "hardtanh" ? [withBits(activation, bits)] : resized(activation, bits);
  return formats.map((format) => ({
    frozen: withFormat(frozen, i, { activation: format }),
    needsTraining: bits === 1 && activation.width <= FEW_BITS,
  }));
}

/** The network without the weakest elements of a layer's entering tensor. */
function pruneMoves(
  frozen: Frozen,
  training: TrainingSpec,
  layer: ChainLayer,
  i: number,
  signal: Signal,
): Move[] {
  if (!training.layers[layer.node]!.prune) return [];
  const drop = Math.max(1, Math.floor(layer.inputs * PRUNED_PART));
  if (layer.inputs - drop < 1) return [];
  const order = [...signal.deviation.keys()].sort(
    (a, b) => signal.deviation[a]! - signal.deviation[b]! || a - b,
  );
  const kept = order.slice(drop).sort((a, b) => a - b);
  return [{ frozen: withoutInputs(frozen, i, kept, signal.mean), needsTraining: false }];
}

/** Networks with less capacity. `signals` are those of the frozen network. */
export function smaller(frozen: Frozen, training: TrainingSpec, signals: readonly Signal[]): Move[] {
  return frozen.chain.layers.flatMap((layer, i) => [
    ...weightMoves(frozen, training, layer, i, -1),
    ...activationMoves(frozen, training, layer, i, -1),
    ...pruneMoves(frozen, training, layer, i, signals[i]!),
  ]);
}

/** Networks with one bit more. */
export function larger(frozen: Frozen, training: TrainingSpec): Move[] {
  return frozen.chain.layers.flatMap((layer, i) => [
    ...weightMoves(frozen, training, layer, i, 1),
    ...activationMoves(frozen, training, layer, i, 1),
  ]);
}
