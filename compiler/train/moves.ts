// Steps of bit allocation: networks that differ from a frozen one by one bit of one tensor, by signs instead of two-bit
// weights, or by a few inputs or units less. In: a frozen network. Out: its neighbours.
import type { TrainingSpec } from "../graph/project.ts";
import type { FrozenFormat } from "../graph/trained-graph.ts";
import { meanSize, unitFraction, withBits, withSignal, withWeights } from "./formats.ts";
import { bipolarFormat } from "./freeze.ts";
import type { Frozen } from "./limits.ts";
import { variableName, variableOf } from "./parameters.ts";
import type { SignalMoments } from "./prune.ts";
import { copyFrozen, startBipolar, withoutChannels } from "./rounding-phase.ts";
import { fixedSignal, prunableReaders, signalWidths } from "./settings.ts";

export interface Move {
  /** Which step it is: the same one of another network has the same key. */
  readonly key: string;
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
function resized<F extends FrozenFormat>(format: F, bits: 1 | -1): (readonly [way: string, format: F])[] {
  return [
    ["step", withBits(format, bits)],
    ["range", { ...format, width: format.width + bits }],
  ];
}

/** Weight formats one bit away, within what the layer allows. */
function weightMoves(frozen: Frozen, training: TrainingSpec, i: number, bits: 1 | -1): Move[] {
  const weight = frozen.formats.weights[i]!;
  const { min, max } = training.layers[frozen.network.layers[i]!.node]!.weights.bits;
  const moves: Move[] = [];
  if (weight.kind === "bipolar") {
    if (bits === 1 && max >= 2)
      moves.push({ key: `weights ${i} wider`, frozen: fromBipolar(frozen, i), needsTraining: true });
    return moves;
  }
  const width = weight.width + bits;
  if (width >= Math.max(2, min) && width <= max)
    // One bit more is a finer step: the range follows the weights' size already.
    for (const [way, format] of bits === 1
      ? [["step", withBits(weight, bits)] as const]
      : resized(weight, bits)) {
      const formats = withWeights(frozen.formats, i, format);
      moves.push({ key: `weights ${i} ${way}`, frozen: { ...frozen, formats }, needsTraining: false });
    }
  if (bits === -1 && min === 1 && weight.width <= WIDEST_BEFORE_BIPOLAR)
    moves.push({ key: `weights ${i} bipolar`, frozen: toBipolar(frozen, i), needsTraining: true });
  return moves;
}

/** Signs instead of the weights of a layer, at their mean size. */
export function toBipolar(frozen: Frozen, layer: number): Frozen {
  const copy = copyFrozen(frozen);
  const weight = bipolarFormat(variableOf(copy.parameters, layer, "weights"));
  startBipolar(copy.parameters, layer);
  return { ...copy, formats: withWeights(copy.formats, layer, weight) };
}

/** Two bits whose outer values are the bipolar ones. */
export function fromBipolar(frozen: Frozen, layer: number): Frozen {
  const copy = copyFrozen(frozen);
  const weight = frozen.formats.weights[layer]!;
  const size = 2 ** -unitFraction(weight, 0);
  const latent = variableOf(copy.parameters, layer, "weights");
  const mean = Math.max(meanSize(latent), 1e-9);
  copy.parameters[variableName(layer, "weights")] = latent.map((w) => (w * size) / mean);
  const format = { kind: "int", signed: true, width: 2, fraction: weight.fraction, groups: null } as const;
  return { ...copy, formats: withWeights(copy.formats, layer, format) };
}

function signalMoves(frozen: Frozen, training: TrainingSpec, s: number, bits: 1 | -1): Move[] {
  const { network, formats } = frozen;
  const signal = network.signals[s]!;
  if (fixedSignal(signal)) return [];
  const format = formats.signals[s]!;
  const { min, max } = signalWidths(network, training, s);
  const width = format.width + bits;
  if (width < min || width > max) return [];
  // A hard-tanh's range is given; only its step may change.
  const ways = resized(format, bits).slice(0, signal.activation === "hardtanh" ? 1 : 2);
  return ways.map(([way, f]) => ({
    key: `signal ${s} ${way}`,
    frozen: { ...frozen, formats: withSignal(formats, s, f) },
    needsTraining: bits === 1 && format.width <= FEW_BITS,
  }));
}

/** The network without the weakest channels of a signal. */
function pruneMoves(
  frozen: Frozen,
  training: TrainingSpec,
  s: number,
  { deviation, mean }: SignalMoments,
): Move[] {
  if (!prunableReaders(frozen.network, training, s)) return [];
  const { channels } = frozen.network.signals[s]!;
  const drop = Math.max(1, Math.floor(channels * PRUNED_PART));
  if (channels - drop < 1) return [];
  const order = [...deviation.keys()].sort((a, b) => deviation[a]! - deviation[b]! || a - b);
  const kept = order.slice(drop).sort((a, b) => a - b);
  return [{ key: `signal ${s} prune`, frozen: withoutChannels(frozen, s, kept, mean), needsTraining: false }];
}

/** Moves of every tensor: each signal's behind those of the first layer that reads it. */
function byTensor(
  { network }: Frozen,
  ofLayer: (layer: number) => readonly Move[],
  ofSignal: (signal: number) => readonly Move[],
): Move[] {
  const moves: Move[] = [];
  const seen = new Set<number>();
  const visit = (s: number): void => {
    if (seen.has(s)) return;
    seen.add(s);
    moves.push(...ofSignal(s));
  };
  network.layers.forEach(({ reads }, i) => {
    moves.push(...ofLayer(i));
    network.values[reads]!.signals.forEach(visit);
  });
  network.signals.forEach((_, s) => {
    visit(s);
  });
  return moves;
}

/** Networks with less capacity. `moments` are those of the frozen network. */
export function smaller(frozen: Frozen, training: TrainingSpec, moments: readonly SignalMoments[]): Move[] {
  return byTensor(
    frozen,
    (i) => weightMoves(frozen, training, i, -1),
    (s) => [...signalMoves(frozen, training, s, -1), ...pruneMoves(frozen, training, s, moments[s]!)],
  );
}

/** Networks with one bit more. */
export function larger(frozen: Frozen, training: TrainingSpec): Move[] {
  return byTensor(
    frozen,
    (i) => weightMoves(frozen, training, i, 1),
    (s) => signalMoves(frozen, training, s, 1),
  );
}
