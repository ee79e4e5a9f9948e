// Exact latency and interval of a schedule: the handshakes of every stage, cycle by cycle, without data. The units
// that stand for the fixed modules are under units/.
import { compilerAssert } from "../support/assert.ts";
import { keptPerBeat, type Stage } from "./stages.ts";
import { createPair } from "./units/branches.ts";
import { createAdapter, createInput, createSelect } from "./units/lanes.ts";
import { createPipeline, createRegister } from "./units/pipeline.ts";
import { createWindow } from "./units/storage.ts";
import { chainLinks, createNetwork, type Unit } from "./units/unit.ts";

export interface Cycles {
  /** Clock edges from the first accepted input beat to the first packet's last accepted output beat. */
  readonly latencyCycles: number;
  /** Clock edges between the last output beats of consecutive packets once that repeats. */
  readonly intervalCycles: number;
  /** Packets after which the interval is constant. */
  readonly settledAfter: number;
}

function createUnit(stage: Stage): Unit {
  switch (stage.kind) {
    case "input":
      return createInput(stage.beats, stage.wordLanes / stage.lanes);
    case "window":
      return createWindow(stage.words, stage.replays);
    case "requantize":
      return stage.shifts.length === 1 ? createRegister() : createPipeline(1, 1);
    case "threshold":
      return createPipeline(1, 1);
    case "select":
      return createSelect(keptPerBeat(stage), stage.wordLanes);
    case "dense":
      return createPipeline(2 + Math.ceil(Math.log2(stage.simd)), stage.inFolds);
    case "adapter":
      return createAdapter(stage.elements, stage.sLanes, stage.mLanes, stage.group);
    case "argmax":
      return createPipeline(1, stage.beats);
    case "output":
      return createRegister();
  }
}

/** The units in stream order; the output of two parts is one unit with the argmax before it. */
function createUnits(stages: readonly Stage[]): Unit[] {
  const units: Unit[] = [];
  for (const stage of stages) {
    if (stage.kind === "output" && stage.second)
      units[units.length - 1] = createPair(units[units.length - 1]!, stage.beats);
    else units.push(createUnit(stage));
  }
  return units;
}

/** Steps of single units that are spent on waiting for a state to come back. */
const STEP_BUDGET = 60_000_000;
/** Packets that are always watched, however slow. */
const LEAST_PACKETS = 8;

/** Runs the stages with an ever-willing sender and receiver until their common state repeats. */
export function predictCycles(stages: readonly Stage[]): Cycles {
  const output = stages[stages.length - 1];
  compilerAssert(output?.kind === "output", "the last stage is the output");
  const packetBeats = output.beats + (output.second ? 1 : 0);
  const units = createUnits(stages);
  const network = createNetwork(units, chainLinks(units.length));
  const willing = [true];
  const take = [false];
  const give = [false];

  const ends: number[] = [];
  const seen = new Map<string, number>();
  let beats = 0;
  for (let cycle = 0; ; cycle++) {
    network.step(willing, willing, take, give);
    if (!give[0] || ++beats < packetBeats) continue;
    beats = 0;
    ends.push(cycle);
    const state = network.state();
    const before = seen.get(state);
    if (before !== undefined) return settled(ends, before);
    seen.set(state, ends.length - 1);
    if (ends.length >= LEAST_PACKETS && cycle * units.length > STEP_BUDGET)
      return settled(ends, ends.length - 2);
  }
}

/** `ends[from]` and the last entry are ends of packets in the same state. */
function settled(ends: readonly number[], from: number): Cycles {
  const intervals = ends.slice(1).map((end, i) => end - ends[i]!);
  const repeating = intervals.slice(from);
  // A period of several packets has the mean of its intervals; the stages' own cycles make it one packet long.
  compilerAssert(
    repeating.every((i) => i === repeating[0]),
    `the interval alternates: ${repeating.join(", ")}`,
  );
  let settledAfter = intervals.length;
  while (settledAfter > 0 && intervals[settledAfter - 1] === repeating[0]) settledAfter--;
  return { latencyCycles: ends[0]!, intervalCycles: repeating[0]!, settledAfter };
}
