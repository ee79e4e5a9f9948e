// How far a run is and how long it will still take. In: the training settings and a clock. Out: fraction and seconds.
import type { TrainingSpec } from "../graph/project.ts";
import { epochsOf, FINISHING_ROUND, PHASES, type Phase } from "./schedule.ts";

/** Time of a step in each phase relative to a float one, measured on the WASM backend. */
const STEP_COST: Readonly<Record<Phase, number>> = { baseline: 1, float: 1, noise: 1.6, rounding: 1 };

export interface Pace {
  readonly fraction: number;
  readonly etaSeconds: number | null;
}

/**
 * A function from (phase, round, finished steps) to the pace. Time counts from its first call. A search for lossless
 * formats is taken to need all its rounds.
 */
export function createPace(
  training: TrainingSpec,
  stepsPerEpoch: number,
  widthsAreGiven: boolean,
  now?: () => number,
): (phase: Phase, round: number, step: number) => Pace {
  const rounds = training.objective.kind === "lossless" && !widthsAreGiven ? FINISHING_ROUND + 1 : 1;
  const plan = PHASES.flatMap((phase) =>
    Array.from({ length: phase === "rounding" ? rounds : 1 }, (_, round) => ({
      phase,
      round,
      cost: epochsOf(training, phase, round, widthsAreGiven) * stepsPerEpoch * STEP_COST[phase],
    })),
  );
  const total = plan.reduce((sum, p) => sum + p.cost, 0);
  let first: { time: number; done: number } | undefined;
  return (phase, round, step) => {
    const at = plan.findIndex((p) => p.phase === phase && p.round === Math.min(round, rounds - 1));
    const before = plan.slice(0, at).reduce((sum, p) => sum + p.cost, 0);
    const done = Math.min(total, before + step * STEP_COST[phase]);
    const fraction = done / total;
    if (!now) return { fraction, etaSeconds: null };
    const time = now();
    first ??= { time, done };
    if (done === first.done) return { fraction, etaSeconds: null };
    return { fraction, etaSeconds: ((time - first.time) / 1000 / (done - first.done)) * (total - done) };
  };
}
