// Exact latency and interval of a schedule: the handshakes of every stage, cycle by cycle, without data. The units
// that stand for the fixed modules are under units/.
import { compilerAssert } from "../support/assert.ts";
import { beatsOfPool, keptPerBeat, type Stage, type StageGraph } from "./stages.ts";
import { createCrop, createPad } from "./units/boxes.ts";
import { createConcat, createFork, createJoin, createMeet, createPair } from "./units/branches.ts";
import { createAdapter, createInput, createSelect } from "./units/lanes.ts";
import { createLineWindow } from "./units/line-window.ts";
import { createNetwork, type Link, type Network } from "./units/network.ts";
import { createPipeline, createRegister } from "./units/pipeline.ts";
import { createFifo, createWindow } from "./units/storage.ts";
import type { Unit } from "./units/unit.ts";

export interface Cycles {
  /** Clock edges from the first accepted input beat to the first packet's last accepted output beat, of all ports. */
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

/**
 * Registers that move together hold as many beats as they are long when these come without gaps, and only the last one's
 * when they come one by one. `built` counts what is there; `least` the last one's alone, with which nothing passes that
 * would not pass however the ports stall.
 */
export type Room = "built" | "least";

function createUnit(stage: Stage, room: Room, watch: (stored: number) => void): Unit {
  const registers = (built: number): number => (room === "built" ? built : 0);
  switch (stage.kind) {
    case "input":
      return createInput(stage.beats, stage.wordLanes / stage.lanes);
    case "window":
      return createWindow(stage.words, stage.replays);
    case "meet":
      return createMeet(stage.streams.map(({ words }) => words));
    case "requantize":
      return stage.shifts.length === 1 ? createRegister() : createPipeline(registers(1), 1);
    case "limit":
      return createRegister();
    case "threshold":
    case "table":
    case "scale":
      return createPipeline(registers(1), 1);
    case "select":
      return createSelect(keptPerBeat(stage), stage.wordLanes, registers(1));
    case "line-window":
      return createLineWindow(stage.geometry, stage.capacity, registers(1));
    case "dense":
      return createPipeline(registers(2 + Math.ceil(Math.log2(stage.simd))), stage.inFolds);
    case "pool":
      return createPipeline(
        registers((stage.instruction.kind === "average" ? 2 : 0) + (stage.side > 1 ? 1 : 0)),
        beatsOfPool(stage),
        stage.whole ? stage.words : 1,
      );
    case "fork":
      return createFork(stage.count);
    case "fifo":
      return createFifo(stage.depth, watch);
    case "join":
      return createJoin(registers(1));
    case "concat":
      return createConcat(...stage.beats);
    case "merge":
      return createJoin(0);
    case "crop":
      return createCrop(stage.size, stage.first, stage.box);
    case "pad":
      return createPad(stage.size, stage.outSize, stage.first);
    case "adapter":
      return createAdapter(stage.elements, stage.sLanes, stage.mLanes, stage.group);
    case "argmax":
      return createPipeline(registers(1), stage.beats);
    case "output":
      return createRegister();
  }
}

/** The stages as units and the links between them; an output of two parts is one unit with the argmax before it. */
export function unitsOf(
  { stages, sources }: StageGraph,
  room: Room,
  watch: FifoWatch,
): { readonly units: readonly Unit[]; readonly links: readonly Link[] } {
  const units: Unit[] = [];
  const links: Link[] = [];
  const unitOf: number[] = [];
  for (const [index, stage] of stages.entries()) {
    if (stage.kind === "output" && stage.second) {
      const argmax = unitOf[sources[index]![0]!.stage]!;
      units[argmax] = createPair(units[argmax]!, stage.beats);
      continue;
    }
    unitOf[index] = units.length;
    for (const [port, source] of sources[index]!.entries())
      links.push({
        from: { unit: unitOf[source.stage]!, port: source.output },
        to: { unit: units.length, port },
      });
    units.push(createUnit(stage, room, (stored) => watch(index, stored)));
  }
  return { units, links };
}

/** Steps of single units in one run that are spent on waiting for a state to come back. */
const MOST_STEPS = 20_000_000;
/** Packets that are always watched, however slow. */
const LEAST_PACKETS = 8;

/** Steps of single units that may still be spent. A run goes to its end all the same; it says what it took. */
export interface StepBudget {
  left: number;
}

export interface CycleOptions {
  readonly watch?: FifoWatch;
  /** A sender waits where more packets would be under way. Default: it never does. */
  readonly inFlight?: number;
  /** Default: as built. */
  readonly room?: Room;
  readonly budget?: StepBudget;
}

/**
 * Runs the stages with ever-willing senders and receivers until their common state repeats; null when they come to
 * stand still for good.
 *
 * Every stage reads and writes its streams in an order that no timing changes and only ever waits for a beat or for
 * room, so that where a run ends does not depend on when its ports stall (Kahn 1974; for streams of limited room, Parks
 * 1995). What does is how many beats a row of registers holds: a run with the `least` room that never stands still is
 * therefore the proof that the design never does, whatever its ports do.
 */
export function predictCycles(
  graph: StageGraph,
  { watch = () => {}, inFlight = Number.POSITIVE_INFINITY, room = "built", budget }: CycleOptions = {},
): Cycles | null {
  const { units, links } = unitsOf(graph, room, watch);
  const network = createNetwork(units, links);
  const cycles = runNetwork(graph, network, inFlight);
  if (budget) budget.left -= network.steps();
  return cycles;
}

function runNetwork({ stages }: StageGraph, network: Network, inFlight: number): Cycles | null {
  const inputs = stages.filter((s) => s.kind === "input");
  const outputs = stages.filter((s) => s.kind === "output");
  compilerAssert(inputs.length > 0 && outputs.length > 0, "a design has inputs and outputs");
  const packetBeats = outputs.map((output) => output.beats + (output.second ? 1 : 0));
  const willing = outputs.map(() => true);
  const offered = inputs.map(() => true);
  const take: boolean[] = [];
  const give: boolean[] = [];

  const ends: number[] = [];
  const seen = new Map<string, number>();
  // Beats of each port.
  const received = outputs.map(() => 0);
  const sent = inputs.map(() => 0);
  /** Beats that a port takes before no more are offered to it. */
  const limit = (i: number): number => (ends.length + inFlight) * inputs[i]!.beats;
  /** Edges that are like the last one, up to the next at which a port stops or a packet ends. */
  const alike = (): number => {
    let edges = network.quiet();
    for (let i = 0; i < inputs.length; i++) if (take[i]) edges = Math.min(edges, limit(i) - sent[i]!);
    for (let o = 0; o < outputs.length; o++)
      if (give[o]) edges = Math.min(edges, packetBeats[o]! - 1 - (received[o]! % packetBeats[o]!));
    return edges;
  };
  const count = (edges: number): void => {
    for (let i = 0; i < inputs.length; i++) if (take[i]) sent[i]! += edges;
    for (let o = 0; o < outputs.length; o++) if (give[o]) received[o]! += edges;
  };
  for (let cycle = 0; ; cycle++) {
    let offersChange = cycle === 0;
    for (let i = 0; i < inputs.length; i++) {
      const offers = sent[i]! < limit(i);
      if (offers !== offered[i]) offersChange = true;
      offered[i] = offers;
    }
    if (!offersChange) {
      const edges = alike();
      if (edges === Number.POSITIVE_INFINITY) return null;
      if (edges > 0) {
        network.skip(edges);
        count(edges);
        cycle += edges - 1;
        continue;
      }
    }
    network.step(offered, willing, take, give);
    count(1);
    let complete = Number.POSITIVE_INFINITY;
    for (let o = 0; o < outputs.length; o++)
      complete = Math.min(complete, Math.floor(received[o]! / packetBeats[o]!));
    if (complete === ends.length) continue;
    ends.push(cycle);
    // How far each port is ahead of the slowest one counts too.
    const ahead = received.map((beats, o) => beats - complete * packetBeats[o]!);
    const state = `${ahead};${network.state()}`;
    const before = seen.get(state);
    if (before !== undefined) return settled(ends, before);
    seen.set(state, ends.length - 1);
    if (ends.length >= LEAST_PACKETS && network.steps() > MOST_STEPS) return settled(ends, ends.length - 2);
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
