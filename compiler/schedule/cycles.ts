// Exact latency and interval of a schedule: the handshakes of every stage, cycle by cycle, without data. Each
// unit below is the control logic of the fixed module of the same name under templates/verilog/lib.
import { compilerAssert } from "../support/assert.ts";
import { keptPerBeat, type Stage } from "./stages.ts";

/** One stage between two streams; outputs are registered, `ready` may depend on the receiver's. */
interface Unit {
  valid(): boolean;
  ready(receiver: boolean): boolean;
  /** A clock edge at which a beat came in (`take`) and one went out (`give`). */
  step(take: boolean, give: boolean): void;
  /** Everything that decides what happens next. */
  state(): string;
}

export interface Cycles {
  /** Clock edges from the first accepted input beat to the first packet's last accepted output beat. */
  readonly latencyCycles: number;
  /** Clock edges between the last output beats of consecutive packets once that repeats. */
  readonly intervalCycles: number;
  /** Packets after which the interval is constant. */
  readonly settledAfter: number;
}

function createInput(beats: number, slots: number): Unit {
  let beat = 0;
  let slot = 0;
  let valid = false;
  return {
    valid: () => valid,
    ready: (receiver) => !valid || receiver,
    step: (take, give) => {
      if (give) valid = false;
      if (!take) return;
      const lastBeat = beat === beats - 1;
      const lastSlot = slot === slots - 1;
      valid = lastBeat || lastSlot;
      beat = lastBeat ? 0 : beat + 1;
      slot = lastBeat || lastSlot ? 0 : slot + 1;
    },
    state: () => `${beat},${slot},${valid}`,
  };
}

function createWindow(words: number, replays: number): Unit {
  let filled = 0;
  let written = 0;
  let word = 0;
  let replay = 0;
  let valid = false;
  return {
    valid: () => valid,
    ready: () => filled !== 2,
    step: (take, give) => {
      const read = (!valid || give) && filled !== 0;
      if (!valid || give) valid = filled !== 0;
      if (take) {
        written = written === words - 1 ? 0 : written + 1;
        if (written === 0) filled++;
      }
      if (read) {
        word = word === words - 1 ? 0 : word + 1;
        if (word === 0) {
          replay = replay === replays - 1 ? 0 : replay + 1;
          if (replay === 0) filled--;
        }
      }
    },
    state: () => `${filled},${written},${word},${replay},${valid}`,
  };
}

function createRegister(): Unit {
  let valid = false;
  return {
    valid: () => valid,
    ready: (receiver) => !valid || receiver,
    step: (take, give) => {
      if (!valid || give) valid = take;
    },
    state: () => `${valid}`,
  };
}

/** `depth` stages before the result register; one result per `fold` beats. */
function createPipeline(depth: number, fold: number): Unit {
  // Per stage: 0 empty, 1 a beat, 2 the last beat of a result. A ring, so that a step moves no elements.
  const stages = new Uint8Array(depth);
  let head = 0;
  let beat = 0;
  let done = false;
  return {
    valid: () => done,
    ready: (receiver) => !done || receiver,
    step: (take, give) => {
      if (done && !give) return;
      done = stages[head] === 2;
      stages[head] = take ? (beat === fold - 1 ? 2 : 1) : 0;
      head = head === depth - 1 ? 0 : head + 1;
      if (take) beat = beat === fold - 1 ? 0 : beat + 1;
    },
    state: () => {
      const inOrder = [...stages.subarray(head), ...stages.subarray(0, head)];
      return `${inOrder.join("")},${beat},${done}`;
    },
  };
}

/** `kept[beat]` elements of each beat, gathered into words of `wordLanes`. */
function createSelect(kept: readonly number[], wordLanes: number): Unit {
  let beat = 0;
  // The beat in the first register, -1 for none.
  let inside = -1;
  let pending = 0;
  let flush = false;
  let valid = false;
  return {
    valid: () => valid,
    ready: (receiver) => !valid || receiver,
    step: (take, give) => {
      if (valid && !give) return;
      const end = inside === kept.length - 1;
      const count = (flush ? 0 : pending) + (inside < 0 ? 0 : kept[inside]!);
      const more = count > wordLanes;
      valid = flush || (inside >= 0 && (end || more));
      if (inside >= 0 || flush) pending = inside < 0 || (end && !more) ? 0 : more ? count - wordLanes : count;
      flush = inside >= 0 && end && more;
      inside = take ? beat : -1;
      if (take) beat = beat === kept.length - 1 ? 0 : beat + 1;
    },
    state: () => `${beat},${inside},${pending},${flush},${valid}`,
  };
}

function createAdapter(elements: number, sLanes: number, mLanes: number, group: number): Unit {
  const sBeats = Math.ceil(elements / sLanes);
  const mBeats = Math.ceil(elements / mLanes);
  const sSlots = Math.ceil(group / sLanes);
  const mSlots = Math.ceil(group / mLanes);
  let ahead = 0;
  let writeBeat = 0;
  let writeSlot = 0;
  let readBeat = 0;
  let readSlot = 0;
  return {
    valid: () => ahead !== 0 || writeSlot * sLanes >= (readSlot + 1) * mLanes,
    ready: () => ahead !== 2,
    step: (take, give) => {
      if (take) {
        const end = writeBeat === sBeats - 1;
        const groupEnd = end || writeSlot === sSlots - 1;
        writeBeat = end ? 0 : writeBeat + 1;
        writeSlot = groupEnd ? 0 : writeSlot + 1;
        if (groupEnd) ahead++;
      }
      if (give) {
        const end = readBeat === mBeats - 1;
        const groupEnd = end || readSlot === mSlots - 1;
        readBeat = end ? 0 : readBeat + 1;
        readSlot = groupEnd ? 0 : readSlot + 1;
        if (groupEnd) ahead--;
      }
    },
    state: () => `${ahead},${writeBeat},${writeSlot},${readBeat},${readSlot}`,
  };
}

/** nf_fork, nf_argmax and nf_output_pair together: logits of `beats` beats, then the class. */
function createPair(argmax: Unit, beats: number): Unit {
  let beat = 0;
  let held = false;
  const free = (receiver: boolean): boolean => !held || receiver;
  return {
    valid: () => held,
    ready: (receiver) => {
      const second = beat === beats;
      return free(receiver) && !second && argmax.ready(false);
    },
    step: (take, give) => {
      const second = beat === beats;
      const open = !held || give;
      const giveClass = argmax.valid() && open && second;
      const moved = second ? giveClass : take;
      argmax.step(take, giveClass);
      if (!open) return;
      held = moved;
      if (moved) beat = second ? 0 : beat + 1;
    },
    state: () => `${argmax.state()},${beat},${held}`,
  };
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
  const count = units.length;
  const ready = new Array<boolean>(count + 1).fill(true);
  const moves = new Array<boolean>(count + 1).fill(false);

  const ends: number[] = [];
  const seen = new Map<string, number>();
  let beats = 0;
  for (let cycle = 0; ; cycle++) {
    for (let u = count - 1; u >= 0; u--) ready[u] = units[u]!.ready(ready[u + 1]!);
    moves[0] = ready[0]!;
    for (let u = 0; u < count; u++) moves[u + 1] = units[u]!.valid() && ready[u + 1]!;
    for (let u = 0; u < count; u++) units[u]!.step(moves[u]!, moves[u + 1]!);
    if (!moves[count] || ++beats < packetBeats) continue;
    beats = 0;
    ends.push(cycle);
    const state = units.map((u) => u.state()).join(";");
    const before = seen.get(state);
    if (before !== undefined) return settled(ends, before);
    seen.set(state, ends.length - 1);
    if (ends.length >= LEAST_PACKETS && cycle * count > STEP_BUDGET) return settled(ends, ends.length - 2);
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
