// Bit allocation: takes capacity away where the measured loss suffers least until a bound is met, then spends what is
// left of it. In: a frozen network, a bound, and tools that measure. Out: a frozen network that meets the bound.
import type { TrainingSpec } from "../graph/project.ts";
import type { Frozen } from "./limits.ts";
import { larger, type Move, smaller } from "./moves.ts";
import type { Signal } from "./prune.ts";

export interface AllocationTools {
  /** Mean training loss on some samples, without training. */
  loss(frozen: Frozen): Promise<number>;
  /**
   * The same after a short training with real rounding, and the network that came out; the given one is kept. `patience`
   * is how many times longer than usual it is.
   */
  trained(frozen: Frozen, patience?: number): Promise<{ readonly frozen: Frozen; readonly loss: number }>;
  /** Signals of every entering tensor. */
  signals(frozen: Frozen): readonly Signal[];
  /** After each settled step. */
  settled?(frozen: Frozen, fill: number): void;
}

/** Cost of a network as a part of what it may cost: at most 1 when the bound is met. */
export type Fill = (frozen: Frozen) => number;

/** Steps that are tried by training, of those that can be judged without. */
const SHORT_LIST = 3;
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
    const best = await cheapest(frozen, loss, training, fill, tools);
    if (!best) break;
    ({ frozen, loss } = best);
    tools.settled?.(frozen, fill(frozen));
  }
  return spend(frozen, training, fill, tools);
}

/** The smaller network that loses least for what it saves. */
async function cheapest(
  frozen: Frozen,
  loss: number,
  training: TrainingSpec,
  fill: Fill,
  tools: AllocationTools,
): Promise<Judged | undefined> {
  const cost = Math.log2(fill(frozen));
  const saved = (f: Frozen): number => cost - Math.log2(fill(f));
  const moves = smaller(frozen, training, tools.signals(frozen)).filter((m) => saved(m.frozen) > 1e-9);
  const plain = await judge(
    moves.filter((m) => !m.needsTraining),
    loss,
    saved,
    tools,
  );
  const tried = [
    ...plain.slice(0, SHORT_LIST).map((j) => j.frozen),
    ...moves.filter((m) => m.needsTraining).map((m) => m.frozen),
  ];
  // Training alone lowers the loss: what a step costs is what it loses against the same training without it.
  const still = tried.length > 1 ? await tools.trained(frozen) : undefined;
  let best: Judged | undefined;
  for (const candidate of tried) {
    const after = await tools.trained(candidate);
    const slope = (after.loss - (still?.loss ?? loss)) / saved(candidate);
    if (!best || slope < best.slope) best = { ...after, slope };
  }
  return best;
}

/** Moves by what they lose for what they save, the best first. */
async function judge(
  moves: readonly Move[],
  loss: number,
  saved: (frozen: Frozen) => number,
  tools: AllocationTools,
): Promise<Judged[]> {
  const judged: Judged[] = [];
  for (const { frozen } of moves) {
    const after = await tools.loss(frozen);
    judged.push({ frozen, loss: after, slope: (after - loss) / saved(frozen) });
  }
  return judged.sort((a, b) => a.slope - b.slope);
}

/** Adds bits while they fit: where they help most, and, until the bound is well filled, where they harm least. */
async function spend(
  start: Frozen,
  training: TrainingSpec,
  fill: Fill,
  tools: AllocationTools,
): Promise<Frozen> {
  let frozen = start;
  for (;;) {
    const before = fill(frozen);
    if (before >= WELL_FILLED) return frozen;
    const cost = Math.log2(before);
    const fitting = larger(frozen, training).filter((m) => {
      const after = fill(m.frozen);
      return after <= 1 && after > before;
    });
    if (fitting.length === 0) return frozen;
    const loss = await tools.loss(frozen);
    const judged = await judge(fitting, loss, (f) => Math.log2(fill(f)) - cost, tools);
    frozen = judged[0]!.frozen;
    tools.settled?.(frozen, fill(frozen));
  }
}
