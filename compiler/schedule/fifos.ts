// Depths of the FIFOs where branches meet. In: a way to build the stages for any depths. Out: the stages with depths that
// keep the full rate and never make the design stand still, and their cycles; null when depths that were given do.
import type { MeetingStep } from "./build-branches.ts";
import { type CycleOptions, type Cycles, predictCycles } from "./cycles.ts";
import { busyCycles, type FifoStage, type Stage, type StageGraph } from "./stages.ts";

export type FifoDepth = (step: MeetingStep, operand: number) => number;

export interface FittedStages {
  readonly graph: StageGraph;
  readonly cycles: Cycles;
}

/** Packets under way while FIFOs have no end: without a limit a fast sender would fill them for ever. */
const PACKETS_UNDER_WAY = [1, 2, 3, 4, 6, 8];
const DOUBLINGS = 4;
/** A depth this close to the least one will do, as a part of it. */
const CLOSE = 16;
/** Steps of single stages that are spent on making FIFOs smaller. */
const SEARCH_BUDGET = 150_000_000;

const keyOf = ({ result }: MeetingStep, operand: number): string => `${operand} ${result}`;

/**
 * Runs the stages with FIFOs that are never full, with as few packets under way as keep the full rate, and notes the
 * most beats that each FIFO holds. Then makes one after the other as small as the same interval allows, running all
 * stages with what is left: at full rate for the interval, and with the least room for the proof that no stalls of the
 * ports can make them stand still.
 */
export function fitFifos(
  build: (depth: FifoDepth) => StageGraph,
  given: (step: MeetingStep, operand: number) => number | null,
): FittedStages | null {
  const run: Run = (depths, accepts = () => true) => {
    const graph = build((step, operand) => given(step, operand) ?? depths.get(keyOf(step, operand)) ?? 0);
    const cycles = predictCycles(graph);
    return cycles && accepts(cycles) && neverStands(graph) ? { graph, cycles } : null;
  };
  const endless = build((step, operand) => given(step, operand) ?? Number.POSITIVE_INFINITY);
  if (!endless.stages.some(isEndless)) return run(new Map());
  let held = heldBeats(endless);
  let first = held && run(held);
  // Intervals that take turns come from branches that hold each other up: more room ends that.
  for (let times = 0; times < DOUBLINGS && first && held && !first.cycles.even; times++) {
    held = new Map([...held].map(([key, beats]) => [key, 2 * beats]));
    first = run(held);
  }
  return first && held && shrink(first, held, run);
}

/** The stages with these depths; null when they stand still, or their cycles are not accepted. */
type Run = (
  depths: ReadonlyMap<string, number>,
  accepts?: (cycles: Cycles) => boolean,
) => FittedStages | null;

/** Without a fork every beat has one way only, and no way waits for another. */
function neverStands(graph: StageGraph): boolean {
  return !graph.stages.some((s) => s.kind === "fork") || predictCycles(graph, { room: "least" }) !== null;
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
    const key = keyOf(stage.instruction, stage.operand);
    held.set(key, Math.max(held.get(key) ?? 0, stored));
  };
  const cycles = predictCycles(endless, { ...options, watch });
  return cycles && { cycles, held };
}

/** Beats that each FIFO has to hold at the full rate and, a packet at a time, with the least room elsewhere. */
function heldBeats(endless: StageGraph): ReadonlyMap<string, number> | null {
  const alone = watched(endless, { inFlight: 1, room: "least" });
  if (!alone) return null;
  const busiest = Math.max(...endless.stages.map(busyCycles));
  let best: ReturnType<typeof watched> = null;
  for (const inFlight of PACKETS_UNDER_WAY) {
    const now = watched(endless, { inFlight });
    if (!now) return null;
    if (!best || now.cycles.intervalCycles < best.cycles.intervalCycles) best = now;
    if (best.cycles.intervalCycles <= busiest) break;
  }
  return new Map([...best!.held].map(([key, beats]) => [key, Math.max(beats, alone.held.get(key) ?? 0)]));
}

/** One FIFO after the other: without it, else nearly the least depth, by halving. */
function shrink(first: FittedStages, held: ReadonlyMap<string, number>, run: Run): FittedStages {
  const depths = new Map(held);
  const { intervalCycles: interval, latencyCycles: latency, even } = first.cycles;
  const each = 2 * first.graph.stages.length * (latency + 4 * interval);
  let left = SEARCH_BUDGET;
  let best = first;
  const keeps = (key: string, depth: number): boolean => {
    left -= each;
    const tried = run(
      new Map(depths).set(key, depth),
      (cycles) => cycles.intervalCycles <= interval && cycles.even === even,
    );
    if (!tried) return false;
    depths.set(key, depth);
    best = tried;
    return true;
  };
  for (const [key, most] of held) {
    if (left < 0 || keeps(key, 0)) continue;
    let tooFew = 0;
    let enough = most;
    while (left > 0 && enough - tooFew > Math.max(1, enough / CLOSE)) {
      const middle = Math.floor((tooFew + enough) / 2);
      if (keeps(key, middle)) enough = middle;
      else tooFew = middle;
    }
  }
  return best;
}
