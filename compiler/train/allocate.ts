// Bit allocation: takes capacity away where the measured loss suffers least until a bound is met, then spends what is
// left of it. In: a frozen network, a bound, and tools that measure. Out: a frozen network that meets the bound.
import type { TrainingSpec } from "../graph/project.ts";
import type { Frozen } from "./limits.ts";
import { larger, type Move, smaller } from "./moves.ts";
import type { SignalMoments } from "./prune.ts";

export interface AllocationTools {
  /** Mean training loss on some samples, without training. */
  loss(frozen: Frozen): Promise<number>;
  /**
   * The same after a short training with real rounding, and the network that came out; the given one is kept. `patience`
   * is how many times longer than usual it is.
   */
  trained(frozen: Frozen, patience?: number): Promise<{ readonly frozen: Frozen; readonly loss: number }>;
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

interface Judged {
  readonly frozen: Frozen;
  readonly loss: number;
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
  let loss = await tools.loss(frozen);
  while (fill(frozen) > 1) {
    const before = fill(frozen);
    const moves = smaller(frozen, training, tools.moments(frozen));
    const best = await bestOf(frozen, loss, moves, (f) => Math.log2(before / fill(f)), tools);
    if (!best) break;
    ({ frozen, loss } = best);
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
  let loss = await tools.loss(frozen);
  for (;;) {
    const before = fill(frozen);
    if (before >= WELL_FILLED) return frozen;
    const fitting = larger(frozen, training).filter((m) => fill(m.frozen) <= 1);
    const best = await bestOf(frozen, loss, fitting, (f) => Math.log2(fill(f) / before), tools);
    // Training moves what a limit counts of the weights.
    if (!best || fill(best.frozen) > 1) return frozen;
    ({ frozen, loss } = best);
    tools.settled?.(frozen, fill(frozen));
  }
}

/**
 * The neighbour that loses least, or gains most, for what `worth` says that it saves or spends: the best of those that can
 * be judged without training, and all others, each after a short training. Undefined when no neighbour is worth anything.
 */
async function bestOf(
  frozen: Frozen,
  loss: number,
  moves: readonly Move[],
  worth: (frozen: Frozen) => number,
  tools: AllocationTools,
): Promise<Judged | undefined> {
  const worthy = moves.filter((m) => worth(m.frozen) > LEAST_WORTH);
  const plain = await judge(
    worthy.filter((m) => !m.needsTraining),
    loss,
    worth,
    tools,
  );
  const tried = [
    ...plain.slice(0, SHORT_LIST).map((j) => j.frozen),
    ...worthy.filter((m) => m.needsTraining).map((m) => m.frozen),
  ];
  // Training alone lowers the loss: what a step costs is what it loses against the same training without it.
  const still = tried.length > 1 ? await tools.trained(frozen) : undefined;
  let best: Judged | undefined;
  for (const candidate of tried) {
    const after = await tools.trained(candidate);
    const slope = (after.loss - (still?.loss ?? loss)) / worth(candidate);
    if (!best || slope < best.slope) best = { ...after, slope };
  }
  return best;
}

/** Moves by what they lose for what they are worth, the best first. */
async function judge(
  moves: readonly Move[],
  loss: number,
  worth: (frozen: Frozen) => number,
  tools: AllocationTools,
): Promise<Judged[]> {
  const judged: Judged[] = [];
  for (const { frozen } of moves) {
    const after = await tools.loss(frozen);
    judged.push({ frozen, loss: after, slope: (after - loss) / worth(frozen) });
  }
  return judged.sort((a, b) => a.slope - b.slope);
}
