// Depths of the FIFOs where branches meet. In: the stages with FIFOs that have no end. Out: the stages with depths that
// keep the full rate and never make the design stand still, and their cycles; null when depths that were given do.
import type { MeetingStep } from "./build-branches.ts";
import { type CycleOptions, type Cycles, predictCycles, type StepBudget } from "./cycles.ts";
import { busyCycles, type FifoStage, type Stage, type StageEnd, type StageGraph } from "./stages.ts";

/** Beats that a FIFO before an operand of a step holds; 0 for none, infinite where it is to be found. */
export type FifoDepth = (step: MeetingStep, operand: number) => number;

export interface FittedStages {
  readonly graph: StageGraph;
  readonly cycles: Cycles;
}

/** Stages with room in plenty. */
export interface RoomyStages extends FittedStages {
  /** The same interval with less room. */
  shrink(): FittedStages;
}

/** Packets under way while FIFOs have no end: without a limit a fast sender would fill them for ever. */
const PACKETS_UNDER_WAY = [1, 2, 3, 4, 6, 8];
const DOUBLINGS = 4;
/** A depth this close to the least one will do, as a part of it. */
const CLOSE = 16;
/** A FIFO that holds no more beats is likely not needed. */
const FEW = 8;

const keyOf = ({ instruction: { result }, operand }: FifoStage): string => `${operand} ${result}`;

/**
 * Runs the stages with FIFOs that are never full, with as few packets under way as keep the full rate, and notes the
 * most beats that each FIFO holds. Asked to shrink, it makes one after the other as small as the same interval allows,
 * running all stages with what is left: at full rate for the interval, and with the least room for the proof that no
 * stalls of the ports can make them stand still. The budget is of all runs together; where it ends, FIFOs stay as they are.
 */
export function fitFifos(endless: StageGraph, budget: StepBudget): RoomyStages | null {
  const predict = (depths: Depths): FittedStages | null => {
    const graph = withDepths(endless, depths);
    const cycles = predictCycles(graph, { budget });
    return cycles && { graph, cycles };
  };
  if (!endless.stages.some(isEndless)) {
    const only = predict(new Map());
    return only && neverStands(only.graph, budget) ? { ...only, shrink: () => only } : null;
  }
  let held = heldBeats(endless, budget);
  let first = held && predict(held);
  // Intervals that take turns come from branches that hold each other up: more room ends that.
  for (let times = 0; times < DOUBLINGS && first && held && !first.cycles.even; times++) {
    held = new Map([...held].map(([key, beats]) => [key, 2 * beats]));
    first = predict(held);
  }
  if (!first || !held) return null;
  const [roomy, most] = [first, held];
  return { ...roomy, shrink: () => shrink(roomy, most, predict, budget) };
}

type Depths = ReadonlyMap<string, number>;

/** The stages with these depths for FIFOs without an end; without those FIFOs that have none. */
function withDepths({ stages, sources, renamed }: StageGraph, depths: Depths): StageGraph {
  const kept: Stage[] = [];
  const read: (readonly StageEnd[])[] = [];
  /** Where the first output of each stage is now. */
  const places: StageEnd[] = [];
  const moved = ({ stage, output }: StageEnd): StageEnd => {
    const place = places[stage]!;
    return output === 0 ? place : { ...place, output };
  };
  for (const [index, stage] of stages.entries()) {
    const ends = sources[index]!.map(moved);
    const depth = isEndless(stage) ? depths.get(keyOf(stage))! : null;
    places.push(depth === 0 ? ends[0]! : { stage: kept.length, output: 0 });
    if (depth === 0) continue;
    kept.push(depth === null ? stage : { ...(stage as FifoStage), depth });
    read.push(ends);
  }
  return {
    stages: kept,
    sources: read,
    renamed: renamed.map((one) => ({ ...one, end: moved(one.end) })),
  };
}

/**
 * Whether no stalls of the ports make the stages stand still. Without a fork every beat has one way only, and no way waits
 * for another. Else a run says so, and as its end does not depend on stalls either, one in which each packet waits until
 * the one before it has left.
 */
function neverStands(graph: StageGraph, budget: StepBudget): boolean {
  const isForked = graph.stages.some((s) => s.kind === "fork");
  return !isForked || predictCycles(graph, { room: "least", inFlight: 1, budget }) !== null;
}

function isEndless(stage: Stage): stage is FifoStage {
  return stage.kind === "fifo" && stage.depth === Number.POSITIVE_INFINITY;
}

/** The most beats that each FIFO without an end holds in a run; null when the stages stand still. */
function watched(endless: StageGraph, options: CycleOptions) {
  const held = new Map<string, number>();
  const watch = (index: number, stored: number): void => {
    const stage = endless.stages[index]!;
    if (!isEndless(stage)) return;
    const key = keyOf(stage);
    held.set(key, Math.max(held.get(key) ?? 0, stored));
  };
  const cycles = predictCycles(endless, { ...options, watch });
  return cycles && { cycles, held };
}

/**
 * Beats that each FIFO has to hold at the full rate and, a packet at a time, with the least room elsewhere; as the latter is
 * the run of `neverStands`, with these depths they never do.
 */
function heldBeats(endless: StageGraph, budget: StepBudget): Depths | null {
  const alone = watched(endless, { inFlight: 1, room: "least", budget });
  if (!alone) return null;
  const busiest = Math.max(...endless.stages.map(busyCycles));
  let best: ReturnType<typeof watched> = null;
  // With fewer packets under way one would have to be over sooner.
  const enough = PACKETS_UNDER_WAY.filter((packets) => packets * busiest >= alone.cycles.latencyCycles);
  for (const inFlight of enough.length > 0 ? enough : PACKETS_UNDER_WAY.slice(-1)) {
    const now = watched(endless, { inFlight, budget });
    if (!now) return null;
    if (!best || now.cycles.intervalCycles < best.cycles.intervalCycles) best = now;
    if (best.cycles.intervalCycles <= busiest) break;
  }
  return new Map([...best!.held].map(([key, beats]) => [key, Math.max(beats, alone.held.get(key) ?? 0)]));
}

/**
 * At first without all FIFOs that hold next to nothing at once; then one after the other: without it, else nearly the least
 * depth, by halving. What keeps the rate is seldom too little for all stalls, so that is looked at in the end; where it is,
 * everything again with a look at each step.
 */
function shrink(
  first: FittedStages,
  held: Depths,
  predict: (depths: Depths) => FittedStages | null,
  budget: StepBudget,
): FittedStages {
  const { intervalCycles: interval, even } = first.cycles;
  const shrunk = (isSafe: (tried: FittedStages) => boolean): FittedStages => {
    let depths = held;
    let best = first;
    /** Whether these depths will do; then they are taken. */
    const takes = (next: Depths): boolean => {
      const tried = predict(next);
      if (!tried || tried.cycles.intervalCycles > interval || tried.cycles.even !== even) return false;
      if (!isSafe(tried)) return false;
      [best, depths] = [tried, next];
      return true;
    };
    const small = [...held].filter(([, most]) => most <= FEW);
    if (small.length > 1) takes(new Map([...held, ...small.map(([key]) => [key, 0] as const)]));
    for (const [key, most] of held) {
      if (budget.left < 0 || depths.get(key) === 0 || takes(new Map(depths).set(key, 0))) continue;
      let tooFew = 0;
      let enough = most;
      while (budget.left > 0 && enough - tooFew > Math.max(1, enough / CLOSE)) {
        const middle = Math.floor((tooFew + enough) / 2);
        if (takes(new Map(depths).set(key, middle))) enough = middle;
        else tooFew = middle;
      }
    }
    return best;
  };
  const neverStill = ({ graph }: FittedStages): boolean => neverStands(graph, budget);
  const fast = shrunk(() => true);
  return fast === first || neverStill(fast) ? fast : shrunk(neverStill);
}
