// Runs that cannot come to a good end, told early and with the layer's name. In: what a step or an epoch left.
// Out: nothing, or a `train/diverged` diagnostic.
import { fail } from "../support/diagnostics.ts";
import type { Chain } from "./chain.ts";
import { rmsOf } from "./formats.ts";
import type { BatchResult } from "./network.ts";
import type { ParameterSet } from "./optimizers.ts";
import { optionalVariable, variableOf } from "./parameters.ts";

/** Size of a layer's variables, to be compared with what they were when the float warm-up ended. */
export interface LayerSize {
  /** Root mean square of the weights. */
  readonly weightRms: number;
  /** Clamp of the entering tensor, the largest of its channels; absent before the noise phase. */
  readonly activationRange?: number;
}

/** A variable that shrinks below this part of its first size carries nothing any more. */
const COLLAPSE = 1e-3;
/** Growth that no useful run showed; the step follows such a scale and the bits stay. */
const ESCAPE = 32;
/** Largest weight over their rms: beyond it nearly all of the format's range is spent on a few weights. */
const PEAK = 64;

/** Sizes of every layer's variables. */
export function sizesOf(chain: Chain, parameters: ParameterSet): LayerSize[] {
  return chain.layers.map((_, i) => {
    const ranges = optionalVariable(parameters, i, "activationLogRange");
    return {
      weightRms: rmsOf(variableOf(parameters, i, "weights")),
      ...(ranges ? { activationRange: 2 ** ranges.reduce((a, b) => Math.max(a, b)) } : {}),
    };
  });
}

function allFinite(values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i]!)) return false;
  return true;
}

/** Checks the loss and gradients of one step. Names the last layer whose gradient is broken, else the last layer. */
export function checkStep(chain: Chain, parameters: ParameterSet, result: BatchResult): void {
  if (Number.isFinite(result.loss)) return;
  const broken = chain.layers.findIndex((_, i) => !allFinite(variableOf(parameters, i, "weights")));
  const overflowing = result.layers.findIndex((g) => !allFinite(g.weights));
  const index = broken >= 0 ? broken : overflowing >= 0 ? overflowing : chain.layers.length - 1;
  fail("train/diverged", { layer: chain.layers[index]!.node, what: "the loss is not a number" });
}

/** Checks the variables after an epoch against their sizes at the end of the warm-up. */
export function checkSizes(chain: Chain, parameters: ParameterSet, first: readonly LayerSize[]): void {
  const now = sizesOf(chain, parameters);
  chain.layers.forEach((layer, i) => {
    const diverged = (what: string): never => fail("train/diverged", { layer: layer.node, what });
    const weights = variableOf(parameters, i, "weights");
    const { weightRms, activationRange } = now[i]!;
    if (!allFinite(weights)) diverged("a weight is not a number");
    if (weightRms < first[i]!.weightRms * COLLAPSE) diverged("its weights collapsed to zero");
    if (weightRms > first[i]!.weightRms * ESCAPE) diverged("the scale of its weights escapes");
    const peak = weights.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
    if (peak > PEAK * weightRms) diverged("a few weights outgrow all others");
    const firstRange = first[i]!.activationRange;
    if (activationRange === undefined || firstRange === undefined) return;
    if (!(activationRange > firstRange * COLLAPSE)) diverged("the range of its input collapsed");
    if (activationRange > firstRange * ESCAPE) diverged("the range of its input escapes");
  });
}
