// Runs that cannot come to a good end, told early and with the layer's name. In: what a step or an epoch left.
// Out: nothing, or a `train/diverged` diagnostic.
import { fail } from "../support/diagnostics.ts";
import { rmsOf } from "./formats.ts";
import type { Network } from "./network.ts";
import type { ParameterSet } from "./optimizers.ts";
import { optionalVariable, variableOf } from "./parameters.ts";
import type { BatchResult } from "./passes.ts";

/** Sizes of a network's variables, to be compared with what they were when the float warm-up ended. */
export interface Sizes {
  /** Root mean square of the weights of each layer. */
  readonly weights: readonly number[];
  /** Clamps of each signal, one or one a channel; null before the noise phase. */
  readonly ranges: readonly (readonly number[] | null)[];
}

/** Something that is on its way to ruin a layer. */
export interface Alarm {
  readonly layer: string;
  readonly what: string;
}

/** From where on a ratio is told, and from where on the run ends. */
interface Bounds {
  readonly alarm: number;
  readonly end: number;
}

/**
 * A variable that shrinks below such a part of its first size: what it holds soon carries nothing. The bits of a layer
 * follow its scale, so that the cost pulls on it: collapses to 1/200 were seen where clamps were learned under it.
 */
const COLLAPSE: Bounds = { alarm: 1 / 30, end: 1e-3 };
/** Growth over the first size: runs whose scale escaped to lower the cost had 3 to 8 times of it. */
const ESCAPE: Bounds = { alarm: 4, end: 32 };
/** Largest weight over their rms: the format's range is spent on few weights. Clamps keep it near 2 while all is well. */
const PEAK: Bounds = { alarm: 8, end: 64 };

/** Sizes of a network's variables. */
export function sizesOf({ layers, signals }: Network, parameters: ParameterSet): Sizes {
  return {
    weights: layers.map((_, i) => rmsOf(variableOf(parameters, i, "weights"))),
    ranges: signals.map((_, s) => {
      const ranges = optionalVariable(parameters, s, "activationLogRange");
      return ranges ? Array.from(ranges, (log) => 2 ** log) : null;
    }),
  };
}

function allFinite(values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i]!)) return false;
  return true;
}

/** Checks the loss and gradients of one step. Names the last layer whose gradient is broken, else the last layer. */
export function checkStep({ layers }: Network, parameters: ParameterSet, result: BatchResult): void {
  if (Number.isFinite(result.loss)) return;
  const broken = layers.findIndex((_, i) => !allFinite(variableOf(parameters, i, "weights")));
  const overflowing = result.layers.findIndex((g) => !allFinite(g.weights));
  const index = broken >= 0 ? broken : overflowing >= 0 ? overflowing : layers.length - 1;
  fail("train/diverged", { layer: layers[index]!.node, what: "the loss is not a number" });
}

/**
 * Checks the variables after an epoch against their sizes at the end of the warm-up: what is too far gone ends the run,
 * the rest is given back. `quantized`: whether clamps hold the weights together, so that single large ones are a sign.
 */
export function checkSizes(
  network: Network,
  parameters: ParameterSet,
  first: Sizes,
  quantized: boolean,
): Alarm[] {
  const now = sizesOf(network, parameters);
  const alarms: Alarm[] = [];
  const diverged = (layer: string, what: string): never => fail("train/diverged", { layer, what });
  const below = (layer: string, ratio: number, { alarm, end }: Bounds, what: string): void => {
    if (!(ratio > end)) diverged(layer, what);
    if (ratio < alarm) alarms.push({ layer, what });
  };
  const above = (layer: string, ratio: number, { alarm, end }: Bounds, what: string): void => {
    if (ratio > end) diverged(layer, what);
    if (ratio > alarm) alarms.push({ layer, what });
  };
  network.layers.forEach(({ node }, i) => {
    const weights = variableOf(parameters, i, "weights");
    if (!allFinite(weights)) diverged(node, "a weight is not a number");
    const rms = now.weights[i]!;
    const growth = rms / first.weights[i]!;
    below(node, growth, COLLAPSE, "its weights collapse to zero");
    above(node, growth, ESCAPE, "the scale of its weights escapes");
    const peak = weights.reduce((most, w) => Math.max(most, Math.abs(w)), 0) / rms;
    above(node, peak, quantized ? PEAK : { ...PEAK, alarm: PEAK.end }, "a few weights outgrow all others");
  });
  network.signals.forEach(({ node }, s) => {
    const firstRanges = first.ranges[s];
    const ranges = now.ranges[s];
    if (!firstRanges || !ranges) return;
    const growths = ranges.map((range, c) => range / firstRanges[c]!);
    below(node, Math.min(...growths), COLLAPSE, "the range of its value collapses");
    above(node, Math.max(...growths), ESCAPE, "the range of its value escapes");
  });
  return alarms;
}
