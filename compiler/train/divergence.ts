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
  /** Clamp of each signal, the largest of its channels; null before the noise phase. */
  readonly ranges: readonly (number | null)[];
}

/** A variable that shrinks below this part of its first size carries nothing any more. */
const COLLAPSE = 1e-3;
/** Growth that no useful run showed; the step follows such a scale and the bits stay. */
const ESCAPE = 32;
/** Largest weight over their rms: beyond it nearly all of the format's range is spent on a few weights. */
const PEAK = 64;

/** Sizes of a network's variables. */
export function sizesOf({ layers, signals }: Network, parameters: ParameterSet): Sizes {
  return {
    weights: layers.map((_, i) => rmsOf(variableOf(parameters, i, "weights"))),
    ranges: signals.map((_, s) => {
      const ranges = optionalVariable(parameters, s, "activationLogRange");
      return ranges ? 2 ** ranges.reduce((a, b) => Math.max(a, b)) : null;
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

/** Checks the variables after an epoch against their sizes at the end of the warm-up. */
export function checkSizes(network: Network, parameters: ParameterSet, first: Sizes): void {
  const now = sizesOf(network, parameters);
  network.layers.forEach(({ node }, i) => {
    const diverged = (what: string): never => fail("train/diverged", { layer: node, what });
    const weights = variableOf(parameters, i, "weights");
    const [rms, firstRms] = [now.weights[i]!, first.weights[i]!];
    if (!allFinite(weights)) diverged("a weight is not a number");
    if (rms < firstRms * COLLAPSE) diverged("its weights collapsed to zero");
    if (rms > firstRms * ESCAPE) diverged("the scale of its weights escapes");
    const peak = weights.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
    if (peak > PEAK * rms) diverged("a few weights outgrow all others");
  });
  network.signals.forEach(({ node }, s) => {
    const [range, firstRange] = [now.ranges[s] ?? null, first.ranges[s] ?? null];
    if (range === null || firstRange === null) return;
    const diverged = (what: string): never => fail("train/diverged", { layer: node, what });
    if (!(range > firstRange * COLLAPSE)) diverged("the range of its value collapsed");
    if (range > firstRange * ESCAPE) diverged("the range of its value escapes");
  });
}
