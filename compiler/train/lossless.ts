// The criterion of lossless quantization. In: losses of every validation sample by the float model and by the integers.
// Out: whether the integers stay within epsilon, with the sampling error.
import type { LossSpec, OutputLoss } from "../graph/project.ts";
import type { Answers } from "../graph/samples.ts";
import type { Outcome } from "../graph/trained-graph.ts";
import { rmsOf } from "./formats.ts";
import { createLoss, judgedLoss } from "./losses.ts";
import { weightedSum } from "./output-losses.ts";

/** One-sided 95 % quantile of the normal distribution. */
const QUANTILE = 1.6448536269514722;
/**
 * Nats that integers may lose, the part of the float loss that a regression may, and the part of their mean square that
 * outputs may differ by.
 */
const EPSILON = { nats: 0.01, part: 0.05, outputs: 1e-3 };

/**
 * Epsilon in units of the loss; `floatLosses` are those of each output, not weighted. `outputs` are those of the float
 * network where integers are compared with them.
 */
export function epsilonOf(
  asked: number | null,
  losses: readonly OutputLoss[],
  floatLosses: readonly number[],
  outputs: readonly Float32Array[] | null = null,
): number {
  if (asked !== null) return asked;
  return weightedSum(
    losses,
    losses.map(({ loss }, i) => {
      if (outputs) return EPSILON.outputs * rmsOf(outputs[i]!) ** 2;
      return loss.kind === "cross-entropy" ? EPSILON.nats : EPSILON.part * floatLosses[i]!;
    }),
  );
}

/**
 * Powers of two between which the scale of the logits is looked for, and how exactly. Logits are never sharpened: where
 * every sample is classified right, the loss of ever larger ones goes to 0 whatever their margin is.
 */
const SCALES = { least: -6, most: 0, exact: 1e-3 };
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Judged loss of every sample for one output [count, units]. Cross entropy is taken at the temperature of the softmax, at
 * least 1, that suits all samples best (arXiv:1706.04599): what a network loses by over-confidence alone does not count.
 */
export function lossesOf(
  spec: LossSpec,
  outputs: Float32Array,
  units: number,
  targets: Answers,
): Float64Array {
  const count = outputs.length / units;
  const perSample = new Float64Array(count);
  const loss = createLoss(judgedLoss(spec), units);
  const at = (log: number): number =>
    loss.evaluate({ outputs, count, targets, scale: 2 ** log, perSample }).total;
  // The loss is convex in the scale, so that it has one minimum along its logarithm.
  let [least, most] = spec.kind === "cross-entropy" ? [SCALES.least, SCALES.most] : [0, 0];
  while (most - least > SCALES.exact) {
    const width = GOLDEN * (most - least);
    if (at(most - width) <= at(least + width)) most = least + width;
    else least = most - width;
  }
  const found = (least + most) / 2;
  at(at(SCALES.most) <= at(found) ? SCALES.most : found);
  return perSample;
}

/** Mean of the differences of two paired lists, and its standard error: infinite from one pair. */
export function pairedDifference(
  first: Float64Array,
  second: Float64Array,
): { readonly mean: number; readonly standardError: number } {
  const count = first.length;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += first[i]! - second[i]!;
  const mean = sum / count;
  let squares = 0;
  for (let i = 0; i < count; i++) squares += (first[i]! - second[i]! - mean) ** 2;
  const standardError = count > 1 ? Math.sqrt(squares / (count - 1) / count) : Number.POSITIVE_INFINITY;
  return { mean, standardError };
}

/** Mean difference of two paired lists of losses, and its upper one-sided 95 % bound against epsilon. */
export function differenceOf(
  integers: Float64Array,
  float: Float64Array,
  epsilon: number,
): NonNullable<Outcome["difference"]> {
  const { mean, standardError } = pairedDifference(integers, float);
  const upper = mean + QUANTILE * standardError;
  return { mean, standardError, upper, epsilon, holds: upper <= epsilon };
}

/** Part of its capacity that a network gives up after a round that holds. */
const FALL = 0.7;
/** What it gains after one that does not, at least and at most. */
const RISE = { least: 1.35, most: 4 };
/** Costs closer than this are not told apart any more. */
const CLOSE = 1.08;

/** What the rounds of a search have seen: the smallest cost that held, the largest below it that did not. */
export interface Bracket {
  readonly holds: number | null;
  readonly fails: number | null;
}

/** The bracket after a round at `cost`. */
export function narrowed({ holds, fails }: Bracket, cost: number, held: boolean): Bracket {
  if (held) return { holds: holds === null ? cost : Math.min(holds, cost), fails };
  return { holds, fails: fails === null ? cost : Math.max(fails, cost) };
}

/**
 * Factor on the bit operations that would bring `excess`, the bound of a round over epsilon, to 1: noise costs a quarter
 * with every bit, so that log4(excess) bits are missing everywhere, and a product of two operands of `bits` costs bits^2.
 */
export function riseOf(excess: number, bits: number): number {
  const missing = Math.max(0, Math.log2(excess) / 2);
  return Math.max(RISE.least, Math.min(RISE.most, ((bits + missing) / bits) ** 2));
}

/** The cost of the next round, `rise` times the last one's while none held; null when there is nothing left to look for. */
export function nextCost({ holds, fails }: Bracket, rise: number): number | null {
  if (holds === null) return fails === null ? null : fails * rise;
  if (fails === null) return holds * FALL;
  return holds / fails < CLOSE ? null : Math.sqrt(holds * fails);
}
