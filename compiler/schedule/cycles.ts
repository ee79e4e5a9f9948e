// Exact latency and interval of a schedule: the handshakes of every stage, cycle by cycle, without data. The units
// that stand for the fixed modules are under units/.
import { compilerAssert } from "../support/assert.ts";
import { keptPerBeat, type Stage, type StageGraph } from "./stages.ts";
import { createCrop } from "./units/boxes.ts";
import { createConcat, createFork, createJoin, createPair } from "./units/branches.ts";
import { createAdapter, createInput, createSelect } from "./units/lanes.ts";
import { createLineWindow } from "./units/line-window.ts";
import { createPipeline, createRegister } from "./units/pipeline.ts";
import { createFifo, createWindow } from "./units/storage.ts";
import { createNetwork, type Link, type Network, type Unit } from "./units/unit.ts";

export interface Cycles {
  /** Clock edges from the first accepted input beat to the first packet's last accepted output beat. */
  readonly latencyCycles: number;
  /** Clock edges between the last output beats of consecutive packets once that repeats. */
  readonly intervalCycles: number;
  /** Whether that is one interval; else several take turns, and it is their mean. */
  readonly even: boolean;
  /** Packets after which the interval is constant. */
  readonly settledAfter: number;
}

/** Is told with every beat that a FIFO takes how many are in its memory then. */
export type FifoWatch = (stage: number, stored: number) => void;

function createUnit(stage: Stage, watch: (stored: number) => void): Unit {
  switch (stage.kind) {
    case "input":
      return createInput(stage.beats, stage.wordLanes / stage.lanes);
    case "window":
      return createWindow(stage.words, stage.replays);
    case "requantize":
      return stage.shifts.length === 1 ? createRegister() : createPipeline(1, 1);
    case "limit":
      return createRegister();
    case "threshold":
    case "table":
      return createPipeline(1, 1);
    case "select":
      return createSelect(keptPerBeat(stage), stage.wordLanes);
    case "line-window":
      return createLineWindow(stage.geometry, stage.capacity);
    case "dense":
      return createPipeline(2 + Math.ceil(Math.log2(stage.simd)), stage.inFolds);
    case "pool":
      return createPipeline(stage.instruction.kind === "average" ? 2 : 0, stage.taps);
    case "fork":
      return createFork(stage.count);
    case "fifo":
      return createFifo(stage.depth, watch);
    case "join":
      return createJoin();
    case "concat":
      return createConcat(...stage.beats);
    case "crop":
      return createCrop(stage.size, stage.first, stage.box);
    case "adapter":
      return createAdapter(stage.elements, stage.sLanes, stage.mLanes, stage.group);
    case "argmax":
      return createPipeline(1, stage.beats);
    case "output":
      return createRegister();
  }
}

/** The stages as units; the output of two parts is one unit with the argmax before it. */
function networkOf({ stages, sources }: StageGraph, watch: FifoWatch): Network {
  const units: Unit[] = [];
  const links: Link[] = [];
  stages.forEach((stage, index) => {
    if (stage.kind === "output" && stage.second) {
      units.push(createPair(units.pop()!, stage.beats));
      return;
    }
    for (const [port, source] of sources[index]!.entries())
      links.push({ from: { unit: source.stage, port: source.output }, to: { unit: units.length, port } });
    units.push(createUnit(stage, (stored) => watch(index, stored)));
  });
  return createNetwork(units, links);
}

/** Steps of single units that are spent on waiting for a state to come back. */
const STEP_BUDGET = 60_000_000;
/** Packets that are always watched, however slow. */
const LEAST_PACKETS = 8;

/** Cycles without a beat in or out after which the stages are looked at for a standstill. */
const QUIET = 1000;

/**
 * Runs the stages with an ever-willing sender and receiver until their common state repeats; null when they come to
 * stand still for good. The sender waits where more than `inFlight` packets would be under way.
 */
export function predictCycles(
  graph: StageGraph,
  watch: FifoWatch = () => {},
  inFlight = Number.POSITIVE_INFINITY,
): Cycles | null {
  const { stages } = graph;
  const input = stages[0];
  compilerAssert(input?.kind === "input", "the first stage is the input");
  const output = stages[stages.length - 1];
  compilerAssert(output?.kind === "output", "the last stage is the output");
  const packetBeats = output.beats + (output.second ? 1 : 0);
  const network = networkOf(graph, watch);
  const willing = [true];
  const offered = [true];
  const take = [false];
  const give = [false];

  const ends: number[] = [];
  const seen = new Map<string, number>();
  let beats = 0;
  let sent = 0;
  let quiet = 0;
  let stood = "";
  for (let cycle = 0; ; cycle++) {
    offered[0] = sent < (ends.length + inFlight) * input.beats;
    network.step(offered, willing, take, give);
    if (take[0]) sent++;
    quiet = take[0] || give[0] ? 0 : quiet + 1;
    // What does not change in a cycle without a beat in or out never will.
    if (quiet > 0 && quiet % QUIET === 0) stood = network.state();
    if (quiet > QUIET && quiet % QUIET === 1 && network.state() === stood) return null;
    if (!give[0] || ++beats < packetBeats) continue;
    beats = 0;
    ends.push(cycle);
    const state = network.state();
    const before = seen.get(state);
    if (before !== undefined) return settled(ends, before);
    seen.set(state, ends.length - 1);
    if (ends.length >= LEAST_PACKETS && cycle * stages.length > STEP_BUDGET)
      return settled(ends, ends.length - 2);
  }
}

/** `ends[from]` and the last entry are ends of packets in the same state. */
function settled(ends: readonly number[], from: number): Cycles {
  const intervals = ends.slice(1).map((end, i) => end - ends[i]!);
  const repeating = intervals.slice(from);
  const even = repeating.every((i) => i === repeating[0]);
  const mean = repeating.reduce((sum, i) => sum + i, 0) / repeating.length;
  let settledAfter = intervals.length;
  while (settledAfter > 0 && intervals[settledAfter - 1] === repeating[0]) settledAfter--;
  return { latencyCycles: ends[0]!, intervalCycles: mean, even, settledAfter };
}
