// What the settings of layers mean for the tensors between them: a tensor takes those of the layers that read it. In: a
// network and its training settings. Out: widths, granularity and what may be taken away.
import {
  type LayerQuantization,
  MAX_THRESHOLD_BITS,
  type TrainingSpec,
  type WidthRange,
} from "../graph/project.ts";
import type { FrozenFormat } from "../graph/trained-graph.ts";
import { MAX_WIDTH } from "./formats.ts";
import { type Layer, type Network, type Reader, readersOf, type Signal } from "./network.ts";

const SIGN: FrozenFormat = { kind: "bipolar", signed: false, width: 1, fraction: 0 };
const STEP: FrozenFormat = { kind: "int", signed: false, width: 1, fraction: 0 };

/** Format of a signal whose activation leaves no choice. */
export function fixedSignal({ activation }: Pick<Signal, "activation">): FrozenFormat | undefined {
  if (activation === "sign") return SIGN;
  return activation === "step" ? STEP : undefined;
}

/** Whether thresholds make a signal, of the sums before it with their bias or batch-norm. */
export function hasThresholds(signal: Signal): boolean {
  return signal.normalized || fixedSignal(signal) !== undefined;
}

/** Node of the first layer that reads a signal, whole or rearranged; null where sums and products alone do. */
export function firstReader({ layers, values }: Network, signal: number): string | null {
  return layers.find(({ reads }) => values[reads]!.signals.includes(signal))?.node ?? null;
}

/** Layers that read a signal, whole or in part; where sums and products alone do, those behind them. */
function readingLayers({ layers, values, signals, steps }: Network, signal: number): readonly Layer[] {
  const direct = layers.filter((layer) => values[layer.reads]!.signals.includes(signal));
  if (direct.length > 0) return direct;
  const reached = new Set([signals[signal]!.writes]);
  const behind: Layer[] = [];
  for (const step of steps) {
    const operands = "operands" in step ? step.operands : [step.reads];
    if (!operands.some((v) => reached.has(v))) continue;
    if (step.kind === "layer") behind.push(layers[step.layer]!);
    else reached.add(step.writes);
  }
  return behind;
}

/** Settings of the layers that read a signal. */
function settingsOf(network: Network, training: TrainingSpec, signal: number): LayerQuantization[] {
  return readingLayers(network, signal).map((layer) => training.layers[layer.node]!);
}

/**
 * Widths that a signal may have: all of its readers' wishes, 1 bit or 2 when it is signed at least, what thresholds can
 * make at most. An output has all bits.
 */
export function signalWidths(network: Network, training: TrainingSpec, signal: number): WidthRange {
  const at = network.signals[signal]!;
  if (fixedSignal(at)) return { min: 1, max: 1 };
  const wishes = settingsOf(network, training, signal).map((s) => s.input.bits);
  // What no layer reads is an output: its bits cost no products.
  const wished = wishes.length > 0 ? Math.max(...wishes.map((w) => w.min)) : MAX_WIDTH;
  const floor = at.signed ? 2 : 1;
  const most = at.normalized ? MAX_THRESHOLD_BITS : MAX_WIDTH;
  const max = Math.max(floor, Math.min(most, ...wishes.map((w) => w.max)));
  return { min: Math.min(max, Math.max(floor, wished)), max };
}

const known = new WeakMap<Network, (readonly Reader[] | null | undefined)[]>();

/** `readersOf`, computed once for each signal of a network. */
export function knownReaders(network: Network, signal: number): readonly Reader[] | null {
  let list = known.get(network);
  if (!list) {
    list = [];
    known.set(network, list);
  }
  if (list[signal] === undefined) list[signal] = readersOf(network, signal);
  return list[signal];
}

/** Whether each channel of a signal has a step of its own. A hard-tanh has one range, so that its channels cannot be scaled apart. */
export function hasChannelSteps(network: Network, training: TrainingSpec, signal: number): boolean {
  const settings = settingsOf(network, training, signal);
  const wished = settings.length > 0 && settings.every((s) => s.input.granularity === "channel");
  return wished && network.signals[signal]!.activation !== "hardtanh";
}

/** Whether the layers that read a signal, or what is made of it, let parts of it go. */
export function readersPrune(network: Network, training: TrainingSpec, signal: number): boolean {
  return settingsOf(network, training, signal).every((s) => s.prune);
}

/**
 * The layers that read a signal of which channels may be taken away; null where the settings or the network keep them.
 * Of the input, elements are taken away: only where it is flat.
 */
export function prunableReaders(
  network: Network,
  training: TrainingSpec,
  signal: number,
): readonly Reader[] | null {
  if (!readersPrune(network, training, signal)) return null;
  const { maker, reads } = network.signals[signal]!;
  const { isInput, shape } = network.values[reads]!;
  // Groups tie the units of a layer to its channels.
  const canGo = maker === null ? isInput && shape.length === 1 : network.layers[maker]!.groups === 1;
  if (!canGo) return null;
  return knownReaders(network, signal);
}

/** The layer that reads an input, by its index, where nothing else does; null where that is not so. */
export function inputReader(network: Network, input: number): number | null {
  const { signal } = network.inputs[input]!;
  const [only, ...others] = knownReaders(network, signal) ?? [];
  if (!only || others.length > 0 || network.signals[signal]!.activation !== "none") return null;
  return only.layer;
}
