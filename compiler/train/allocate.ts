// Bit allocation: takes capacity away where the measured loss suffers least until a bound is met, then spends what is
// left of it. In: a frozen network, a bound, and tools that measure. Out: a frozen network that meets the bound.
import type { TrainingSpec } from "../graph/project.ts";
import type { Frozen } from "./limits.ts";
import { pairedDifference } from "./lossless.ts";
import { larger, type Move, smaller } from "./moves.ts";
import type { SignalMoments } from "./prune.ts";

/** A network and the losses of the samples that it is judged by. */
export interface Measured {
  readonly frozen: Frozen;
  readonly losses: Float64Array;
}

export interface AllocationTools {
  /** Training loss of some samples, always the same ones, without training. */
  losses(frozen: Frozen): Promise<Float64Array>;
  /**
   * The same after a short training with real rounding, and the network that came out; the given one is kept. `patience`
   * is how many times longer than usual it is. Absent where nothing is trained.
   */
  trained?(frozen: Frozen, patience?: number): Promise<Measured>;
  /** Moments of every signal. */
  moments(frozen: Frozen): readonly SignalMoments[];
  /** After each settled step. */
  settled?(frozen: Frozen, fill: number): void;
}

/** Cost of a network as a part of what it may cost: at most 1 when the bound is met. */
export type Fill = (frozen: Frozen) => number;

/** Steps that are tried by training, of those that can be judged without. */
const SHORT_LIST = 3;
/** Of a cost, on a scale of octaves, below which nothing counts as changed. */
const LEAST_WORTH = 1e-9;
/** From here on what is left of a bound is not looked for any more. */
export const WELL_FILLED = 0.97;

interface Judged extends Measured {
  readonly slope: number;
}

/** Meets the bound from below. A bound under the least possible ends with the smallest network that was found. */
export async function allocate(
  start: Frozen,
  training: TrainingSpec,
  fill: Fill,
  tools: AllocationTools,
): Promise<Frozen> {
  let frozen = start;
  let losses = await tools.losses(frozen);
  const known: Slopes = new Map();
  while (fill(frozen) > 1) {
    const before = fill(frozen);
    const moves = smaller(frozen, training, tools.moments(frozen));
    const best = await bestOf({ frozen, losses }, moves, (f) => Math.log2(before / fill(f)), known, tools);
    if (!best) break;
    ({ frozen, losses } = best);
    tools.settled?.(frozen, fill(frozen));
  }
  return spend(frozen, training, fill, tools);
}

/** Adds bits while they fit and until the bound is well filled: where they help most, or harm least. */
async function spend(
  start: Frozen,
  training: TrainingSpec,
  fill: Fill,
  tools: AllocationTools,
): Promise<Frozen> {
  let frozen = start;
  let losses = await tools.losses(frozen);
  const known: Slopes = new Map();
  for (;;) {
    const before = fill(frozen);
    if (before >= WELL_FILLED) return frozen;
    const fitting = larger(frozen, training).filter((m) => fill(m.frozen) <= 1);
    const best = await bestOf({ frozen, losses }, fitting, (f) => Math.log2(fill(f) / before), known, tools);
    // Training moves what a limit counts of the weights.
    if (!best || fill(best.frozen) > 1) return frozen;
    ({ frozen, losses } = best);
    tools.settled?.(frozen, fill(frozen));
  }
}

/** What each kind of step lost for its worth when it was looked at last, before and after training apart. */
type Slopes = Map<string, number>;

/**
 * The neighbour that loses least, or gains most, for what `worth` says that it saves or spends: the best of those that can
 * be judged without training, and all others, each after a short training; without training all alike. Undefined when no
 * neighbour is worth anything.
 *
 * A step loses more the less capacity is left, so that what is `known` of earlier networks is taken for a lower bound:
 * whatever was worse than the best that was found now is not looked at again (the lazy greedy algorithm, Minoux 1978).
 * It is no strict one, since steps also change what the others are worth.
 */
async function bestOf(
  now: Measured,
  moves: readonly Move[],
  worth: (frozen: Frozen) => number,
  known: Slopes,
  tools: AllocationTools,
): Promise<Judged | undefined> {
  // Training may move what a network costs: a step is worth what it was taken for.
  const judge = (key: string, step: Frozen, after: Measured, before: Measured): Judged => {
    const slope = lostAtMost(after.losses, before.losses) / worth(step);
    known.set(key, slope);
    return { ...after, slope };
  };
  const { trained } = tools;
  const isTried = ({ needsTraining }: Move): boolean => trained !== undefined && needsTraining;
  const keyOf = (move: Move): string => (isTried(move) ? trainedKey(move.key) : move.key);
  const byKnown = (byTraining: boolean): Move[] =>
    moves
      .filter((m) => isTried(m) === byTraining && worth(m.frozen) > LEAST_WORTH)
      .sort((a, b) => slopeOf(known, keyOf(a)) - slopeOf(known, keyOf(b)));

  const plain: (Judged & { readonly key: string })[] = [];
  for (const { key, frozen } of byKnown(false)) {
    const worst = plain[trained ? SHORT_LIST - 1 : 0];
    if (worst && worst.slope <= slopeOf(known, key)) break;
    plain.push({ key, ...judge(key, frozen, { frozen, losses: await tools.losses(frozen) }, now) });
    plain.sort((a, b) => a.slope - b.slope);
  }
  if (!trained) return plain[0];
  const tried = [
    ...plain.slice(0, SHORT_LIST).map(({ key, frozen }) => ({ key: trainedKey(key), frozen })),
    ...byKnown(true).map(({ key, frozen }) => ({ key: trainedKey(key), frozen })),
  ];
  // Training alone lowers the loss: what a step costs is what it loses against the same training without it.
  const still = tried.length > 1 ? await trained(now.frozen) : now;
  let best: Judged | undefined;
  for (const { key, frozen } of tried) {
    if (best && best.slope <= slopeOf(known, key)) continue;
    const judged = judge(key, frozen, await trained(frozen), still);
    if (!best || judged.slope < best.slope) best = judged;
  }
  return best;
}

const trainedKey = (key: string): string => `${key}, trained`;

function slopeOf(known: Slopes, key: string): number {
  return known.get(key) ?? Number.NEGATIVE_INFINITY;
}

/**
 * Mean loss that a change adds, at the upper end of its standard error: a step that is worth little has to gain more than
 * chance does before its slope looks steep.
 */
function lostAtMost(after: Float64Array, before: Float64Array): number {
  const { mean, standardError } = pairedDifference(after, before);
  return mean + standardError;
}
