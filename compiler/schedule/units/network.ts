// How joined units step together. In: units and the streams between them. Out: which streams move at each clock edge, and
// for how long nothing changes.
import { compilerAssert } from "../../support/assert.ts";
import type { Unit } from "./unit.ts";

/** One end of a stream: a unit by its index, and one of its inputs or outputs. */
interface End {
  readonly unit: number;
  readonly port: number;
}

/** A stream between two units, from an output to an input. */
export interface Link {
  readonly from: End;
  readonly to: End;
}

/** Units that step together; inputs and outputs without a link are those of the whole, by unit and port. */
export interface Network {
  readonly inputs: number;
  readonly outputs: number;
  /**
   * One clock edge. `offered`: the inputs at which a beat stands, `receivers`: the outputs at which one would be
   * taken. Fills `take` and `give` with the inputs and outputs at which one moved.
   */
  step(offered: readonly boolean[], receivers: readonly boolean[], take: boolean[], give: boolean[]): void;
  /** How many coming edges do the same as the last one as long as the ports do; infinite if nothing will ever change. */
  quiet(): number;
  /** That many such edges at once. */
  skip(edges: number): void;
  /** Single steps of units so far: what the model costs. */
  steps(): number;
  state(): string;
}

/**
 * Joins units. A link leads from a unit to one with a higher index, so that there is no loop.
 *
 * A unit is stepped at an edge only where what moves at it has changed or where it has said that it may change; all other
 * edges are made up for by a single skip before its next step. So a network costs what happens in it, however
 * many cycles that takes.
 */
export function createNetwork(units: readonly Unit[], links: readonly Link[]): Network {
  const { into, out, senders, receivers } = numberStreams(units, links);
  const streams = senders.length;
  const first = into.flat().filter((stream) => senders[stream] === null);
  const last = out.flat().filter((stream) => receivers[stream] === null);
  // By stream: the unit at each end, -1 outside, and its port; whether a beat stands, would be taken, moves.
  const unitOf = (end: End | null): number => end?.unit ?? -1;
  const portOf = (end: End | null): number => end?.port ?? 0;
  const [fromUnit, fromPort] = [Int32Array.from(senders, unitOf), Int32Array.from(senders, portOf)];
  const [toUnit, toPort] = [Int32Array.from(receivers, unitOf), Int32Array.from(receivers, portOf)];
  const valid = new Uint8Array(streams);
  const ready = new Uint8Array(streams);
  const moves = new Uint8Array(streams);
  // What each unit sees and what moves at it, by port.
  const portsOf = (count: (unit: Unit) => number): boolean[][] =>
    units.map((unit) => new Array<boolean>(count(unit)).fill(false));
  const seenIn = portsOf((u) => u.inputs);
  const seenOut = portsOf((u) => u.outputs);
  const movesIn = portsOf((u) => u.inputs);
  const movesOut = portsOf((u) => u.outputs);

  /** Edges done. */
  let now = 0;
  let steps = 0;
  /** Edges that each unit has done, and the number of those before the one at which it has to step. */
  const done = new Float64Array(units.length);
  const due = new Float64Array(units.length).fill(Number.POSITIVE_INFINITY);
  /** No unit that sleeps has to step before. */
  let firstDue = Number.POSITIVE_INFINITY;
  // Units to look at: whether they are ready, and whether they step.
  const asked = createIndexSet(units.length);
  const woken = createIndexSet(units.length);
  /** Units that have stepped at the last edge; at first all of them show something new. */
  const stepped = Int32Array.from(units.keys());
  let howManyStepped = units.length;
  /** Streams of which a side has changed, each at most once for each side. */
  const changed = new Int32Array(2 * streams);
  let howManyChanged = 0;

  /** Makes up for the edges that a unit has slept through. */
  const catchUp = (u: number): void => {
    const edges = now - done[u]!;
    if (edges === 0) return;
    units[u]!.skip!(movesIn[u]!, movesOut[u]!, edges);
    done[u] = now;
  };
  const setValid = (stream: number, is: boolean): void => {
    if ((valid[stream] === 1) === is) return;
    valid[stream] = is ? 1 : 0;
    changed[howManyChanged++] = stream;
    const to = toUnit[stream]!;
    if (to < 0) return;
    catchUp(to);
    seenIn[to]![toPort[stream]!] = is;
    asked.add(to);
    woken.add(to);
  };
  const setReady = (stream: number, is: boolean): void => {
    if ((ready[stream] === 1) === is) return;
    ready[stream] = is ? 1 : 0;
    changed[howManyChanged++] = stream;
    const from = fromUnit[stream]!;
    if (from < 0) return;
    seenOut[from]![fromPort[stream]!] = is;
    asked.add(from);
  };
  const setMoves = (stream: number, is: boolean): void => {
    if ((moves[stream] === 1) === is) return;
    moves[stream] = is ? 1 : 0;
    const [from, to] = [fromUnit[stream]!, toUnit[stream]!];
    if (from >= 0) {
      catchUp(from);
      movesOut[from]![fromPort[stream]!] = is;
      woken.add(from);
    }
    if (to >= 0) {
      catchUp(to);
      movesIn[to]![toPort[stream]!] = is;
      woken.add(to);
    }
  };
  /** What those that have stepped show now, and who has to step of itself. */
  const look = (): void => {
    for (let k = 0; k < howManyStepped; k++) {
      const u = stepped[k]!;
      const streamsOut = out[u]!;
      for (let o = 0; o < streamsOut.length; o++) setValid(streamsOut[o]!, units[u]!.valid(o));
      asked.add(u);
      woken.add(u);
    }
    howManyStepped = 0;
    if (now < firstDue) return;
    firstDue = Number.POSITIVE_INFINITY;
    for (let u = 0; u < due.length; u++) {
      if (due[u]! <= now) woken.add(u);
      else if (due[u]! < firstDue) firstDue = due[u]!;
    }
  };
  /** From the end to the start, as readiness spreads. */
  const ask = (): void => {
    for (let u = asked.takeLast(); u >= 0; u = asked.takeLast()) {
      const streamsIn = into[u]!;
      for (let i = 0; i < streamsIn.length; i++)
        setReady(streamsIn[i]!, units[u]!.ready(seenOut[u]!, seenIn[u]!, i));
    }
  };
  /** An edge of a unit, unless it may sleep. */
  const act = (u: number): void => {
    const unit = units[u]!;
    catchUp(u);
    const quiet = unit.quiet ? unit.quiet(movesIn[u]!, movesOut[u]!) : 0;
    if (quiet > 0) {
      due[u] = now + quiet;
      if (due[u]! < firstDue) firstDue = due[u]!;
      return;
    }
    unit.step(movesIn[u]!, movesOut[u]!);
    done[u] = now + 1;
    due[u] = Number.POSITIVE_INFINITY;
    stepped[howManyStepped++] = u;
  };

  return {
    inputs: first.length,
    outputs: last.length,
    step(offered, receivers, take, give) {
      for (let i = 0; i < first.length; i++) setValid(first[i]!, offered[i]!);
      for (let o = 0; o < last.length; o++) setReady(last[o]!, receivers[o]!);
      look();
      ask();
      for (let k = 0; k < howManyChanged; k++) {
        const stream = changed[k]!;
        setMoves(stream, valid[stream]! + ready[stream]! === 2);
      }
      howManyChanged = 0;
      for (let u = woken.takeLast(); u >= 0; u = woken.takeLast()) act(u);
      steps += howManyStepped;
      now++;
      for (let i = 0; i < first.length; i++) take[i] = moves[first[i]!] === 1;
      for (let o = 0; o < last.length; o++) give[o] = moves[last[o]!] === 1;
    },
    quiet: () => (howManyStepped > 0 ? 0 : Math.max(0, firstDue - now)),
    skip(edges) {
      now += edges;
    },
    steps: () => steps,
    state: () => {
      for (let u = 0; u < units.length; u++) catchUp(u);
      return units.map((u) => u.state()).join(";");
    },
  };
}

/** A set of indices that gives them back from the last on. */
function createIndexSet(size: number) {
  const words = new Int32Array(Math.ceil(size / 32));
  let highest = -1;
  return {
    add(index: number): void {
      const word = index >> 5;
      words[word]! |= 1 << (index & 31);
      if (word > highest) highest = word;
    },
    /** The last one, which leaves; -1 if there is none. */
    takeLast(): number {
      for (; highest >= 0; highest--) {
        const word = words[highest]!;
        if (word === 0) continue;
        const bit = 31 - Math.clz32(word);
        words[highest] = word & ~(1 << bit);
        return 32 * highest + bit;
      }
      return -1;
    },
  };
}

/** A number for every stream, those of each unit by port; and the ends of each, null where it leaves the whole. */
function numberStreams(units: readonly Unit[], links: readonly Link[]) {
  const into = units.map((u) => new Array<number>(u.inputs).fill(-1));
  const out = units.map((u) => new Array<number>(u.outputs).fill(-1));
  const senders: (End | null)[] = [];
  const receivers: (End | null)[] = [];
  for (const { from, to } of links) {
    compilerAssert(from.unit < to.unit, `a link leads back from unit ${from.unit} to ${to.unit}`);
    compilerAssert(out[from.unit]?.[from.port] === -1, `output ${from.port} of unit ${from.unit} is free`);
    compilerAssert(into[to.unit]?.[to.port] === -1, `input ${to.port} of unit ${to.unit} is free`);
    out[from.unit]![from.port] = senders.length;
    into[to.unit]![to.port] = senders.length;
    senders.push(from);
    receivers.push(to);
  }
  const open = (ends: number[][], own: (End | null)[], other: (End | null)[]): void => {
    for (const [unit, ports] of ends.entries())
      for (const [port, stream] of ports.entries()) {
        if (stream !== -1) continue;
        ports[port] = own.length;
        own.push({ unit, port });
        other.push(null);
      }
  };
  open(into, receivers, senders);
  open(out, senders, receivers);
  return { into, out, senders, receivers };
}
