// How far a run is and how long it will still take. In: the steps of each phase and a clock. Out: fraction and seconds.
import type { Phase } from "./schedule.ts";

/** Time of a step in each phase relative to a float one, measured on the WASM backend. */
const STEP_COST: Readonly<Record<Phase, number>> = { baseline: 1, float: 1, noise: 2, rounding: 1.2 };

export interface Pace {
  readonly fraction: number;
  readonly etaSeconds: number | null;
}

/** A function from (phase, finished steps of the phase) to the pace. Time counts from its first call. */
export function createPace(
  plan: readonly { readonly phase: Phase; readonly steps: number }[],
  now?: () => number,
): (phase: Phase, step: number) => Pace {
  const costOf = (p: { phase: Phase; steps: number }): number => p.steps * STEP_COST[p.phase];
  const total = plan.reduce((sum, p) => sum + costOf(p), 0);
  let first: { time: number; done: number } | undefined;
  return (phase, step) => {
    const at = plan.findIndex((p) => p.phase === phase);
    const done = plan.slice(0, at).reduce((sum, p) => sum + costOf(p), 0) + step * STEP_COST[phase];
    const fraction = done / total;
    if (!now) return { fraction, etaSeconds: null };
    const time = now();
    first ??= { time, done };
    if (done === first.done) return { fraction, etaSeconds: null };
    return { fraction, etaSeconds: ((time - first.time) / 1000 / (done - first.done)) * (total - done) };
  };
}
