// Depths of the FIFOs where branches meet. In: a way to build the stages for any depths. Out: the stages with depths that
// keep the full rate, and their cycles; null when depths that were given make the design stand still for good.
import type { MeetingStep } from "./build-branches.ts";
import { type Cycles, predictCycles } from "./cycles.ts";
import { busyCycles, type StageGraph } from "./stages.ts";

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
 * stages with what is left for ever sending and receiving ports.
 */
export function fitFifos(
  build: (depth: FifoDepth) => StageGraph,
  given: (step: MeetingStep, operand: number) => number | null,
): FittedStages | null {
  const run = (depths: ReadonlyMap<string, number>): FittedStages | null => {
    const graph = build((step, operand) => given(step, operand) ?? depths.get(keyOf(step, operand)) ?? 0);
    const cycles = predictCycles(graph);
    return cycles && { graph, cycles };
  };
  const endless = build((step, operand) => given(step, operand) ?? Number.POSITIVE_INFINITY);
  if (!endless.stages.some((s) => s.kind === "fifo" && s.depth === Number.POSITIVE_INFINITY))
    return run(new Map());
  let held = heldBeats(endless);
  let first = held && run(held);
  // Intervals that take turns come from branches that hold each other up: more room ends that.
  for (let times = 0; times < DOUBLINGS && first && held && !first.cycles.even; times++) {
    held = new Map([...held].map(([key, beats]) => [key, 2 * beats]));
    first = run(held);
  }
  return first && held && shrink(first, held, run);
}

/** The most beats that each FIFO without an end holds at the full rate; null when the stages stand still. */
function heldBeats(endless: StageGraph): ReadonlyMap<string, number> | null {
  const busiest = Math.max(...endless.stages.map(busyCycles));
  let best: { readonly interval: number; readonly held: ReadonlyMap<string, number> } | null = null;
  for (const packets of PACKETS_UNDER_WAY) {
    const held = new Map<string, number>();
    const watch = (index: number, stored: number): void => {
      const stage = endless.stages[index]!;
      if (stage.kind !== "fifo" || stage.depth !== Number.POSITIVE_INFINITY) return;
      const key = keyOf(stage.instruction, stage.operand);
      held.set(key, Math.max(held.get(key) ?? 0, stored));
    };
    const cycles = predictCycles(endless, watch, packets);
    if (!cycles) return null;
    if (!best || cycles.intervalCycles < best.interval) best = { interval: cycles.intervalCycles, held };
    if (best.interval <= busiest) break;
  }
  return best?.held ?? null;
}

/** One FIFO after the other: without it, else nearly the least depth, by halving. */
function shrink(
  first: FittedStages,
  held: ReadonlyMap<string, number>,
  run: (depths: ReadonlyMap<string, number>) => FittedStages | null,
): FittedStages {
  const depths = new Map(held);
  const interval = first.cycles.intervalCycles;
  const each = first.graph.stages.length * (first.cycles.latencyCycles + 4 * interval);
  let left = SEARCH_BUDGET;
  let best = first;
  const keeps = (key: string, depth: number): boolean => {
    left -= each;
    const tried = run(new Map(depths).set(key, depth));
    if (!tried || tried.cycles.intervalCycles > interval || tried.cycles.even !== first.cycles.even)
      return false;
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
