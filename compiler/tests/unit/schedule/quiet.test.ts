// Edges that the model skips: each unit and whole networks do in one skip what they would do step by step.
import { describe, expect, it } from "vitest";
import { unitsOf } from "../../../schedule/cycles.ts";
import { scheduleProgram } from "../../../schedule/schedule.ts";
import { createCrop, createPad } from "../../../schedule/units/boxes.ts";
import {
  createConcat,
  createFork,
  createJoin,
  createMeet,
  createPair,
} from "../../../schedule/units/branches.ts";
import { createAdapter, createInput, createSelect } from "../../../schedule/units/lanes.ts";
import { createLineWindow, type WindowGeometry } from "../../../schedule/units/line-window.ts";
import { createNetwork, type Link } from "../../../schedule/units/network.ts";
import { createPipeline } from "../../../schedule/units/pipeline.ts";
import { createFifo, createWindow } from "../../../schedule/units/storage.ts";
import type { Unit } from "../../../schedule/units/unit.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { createRandom, type RandomStream } from "../../../support/random.ts";
import { randomDataflow } from "../verilog/random-dataflow.ts";

const CASES = 25;
const CYCLES = 800;

function randomWindow(random: RandomStream): Unit {
  const pair = (least: number, most: number): [number, number] => [
    random.integer(least, most),
    random.integer(least, most),
  ];
  const [size, kernel, strides, words] = [pair(4, 7), pair(1, 3), pair(1, 2), random.integer(1, 3)];
  const geometry: WindowGeometry = {
    size,
    words,
    outSize: [0, 1].map((a) => Math.floor((size[a]! - kernel[a]!) / strides[a]!) + 1) as [number, number],
    kernel,
    strides,
    dilations: [1, 1],
    spread: [1, 1],
    before: [0, 0],
    repeat: false,
    outer: 1,
    replays: random.integer(1, 3),
    taps: words === 1 ? random.integer(1, 3) : 1,
    columns: words === 1 && size[1] % 2 === 0 ? random.integer(1, 2) : 1,
  };
  const capacity = (size[0] + kernel[0]) * size[1] * words;
  return createLineWindow(geometry, capacity, random.integer(0, 1));
}

function randomBox(random: RandomStream, isCrop: boolean): Unit {
  const first = [0, 0, 0].map(() => random.integer(0, 2)) as [number, number, number];
  const box = first.map(() => random.integer(1, 4)) as [number, number, number];
  const size = box.map((n, a) => first[a]! + n + random.integer(0, 2)) as [number, number, number];
  return isCrop ? createCrop(size, first, box) : createPad(box, size, first);
}

const UNITS: Readonly<Record<string, (random: RandomStream) => Unit>> = {
  input: (r) => createInput(r.integer(1, 12), r.integer(1, 4)),
  select: (r) =>
    createSelect(
      Array.from({ length: r.integer(1, 9) }, () => r.integer(0, 2)),
      r.integer(2, 4),
      r.integer(0, 1),
    ),
  adapter: (r) => {
    const [s, m] = [
      [1, 4],
      [4, 1],
      [2, 3],
      [6, 2],
      [3, 5],
    ][r.integer(0, 4)]!;
    const elements = r.integer(6, 50);
    return createAdapter(elements, s!, m!, Math.min(s! * m!, elements));
  },
  pipeline: (r) => createPipeline(r.integer(0, 6), r.integer(1, 9)),
  window: (r) => createWindow(r.integer(1, 8), r.integer(1, 4)),
  fifo: (r) => createFifo(r.integer(1, 20)),
  fork: (r) => createFork(r.integer(2, 3)),
  join: (r) => createJoin(r.integer(0, 1)),
  concat: (r) => createConcat(r.integer(1, 9), r.integer(1, 9)),
  meet: (r) => createMeet(Array.from({ length: r.integer(2, 3) }, () => r.integer(1, 9))),
  pair: (r) => {
    const beats = r.integer(1, 6);
    return createPair(createPipeline(r.integer(0, 1), beats), beats);
  },
  crop: (r) => randomBox(r, true),
  pad: (r) => randomBox(r, false),
  "line window": randomWindow,
};

/** What can be seen of a unit: which outputs are valid, and its readiness whatever its neighbours do. */
function seen(unit: Unit, offered: readonly boolean[]): string {
  const bits = (count: number, code: number): boolean[] =>
    Array.from({ length: count }, (_, k) => ((code >> k) & 1) === 1);
  const valid = Array.from({ length: unit.outputs }, (_, o) => unit.valid(o));
  const ready: boolean[] = [];
  for (let code = 0; code < 2 ** unit.outputs; code++)
    for (let i = 0; i < unit.inputs; i++) ready.push(unit.ready(bits(unit.outputs, code), offered, i));
  return `${valid} ${ready}`;
}

/** Neighbours that keep to what they do for some cycles; those that hold on take nothing back before it has moved. */
function neighbours(random: RandomStream, count: number, holdOn: boolean) {
  const states = new Array<boolean>(count).fill(false);
  const left = new Array<number>(count).fill(0);
  return (moved: readonly boolean[]): readonly boolean[] => {
    for (let k = 0; k < count; k++) {
      if (left[k]!-- > 0 || (holdOn && states[k] && !moved[k])) continue;
      left[k] = [0, 3, 40][random.integer(0, 2)]!;
      states[k] = random.uniform() < 0.7;
    }
    return states;
  };
}

/** The longest skip of a unit. */
function longestSkip(name: string, seed: number): number {
  const make = (): Unit => UNITS[name]!(createRandom(seed, name));
  const [steps, skips] = [make(), make()];
  const random = createRandom(seed, "neighbours");
  const senders = neighbours(random, steps.inputs, true);
  const receivers = neighbours(random, steps.outputs, false);
  let take: boolean[] = [];
  let longest = 0;
  let asleep = { edges: 0, most: 0, key: "", seen: "" };
  let give: boolean[] = [];
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const offered = [...senders(take)];
    const open = [...receivers(give)];
    const moves = {
      take: offered.map((stands, i) => stands && steps.ready(open, offered, i)),
      give: open.map((is, o) => is && steps.valid(o)),
    };
    const key = `${moves.take} ${moves.give} ${offered}`;
    if (asleep.edges > 0 && (asleep.key !== key || asleep.edges >= asleep.most)) {
      skips.skip!(take, give, asleep.edges);
      longest = Math.max(longest, asleep.edges);
      asleep = { edges: 0, most: 0, key: "", seen: "" };
      if (skips.state() !== steps.state())
        expect(skips.state(), `${name} ${seed} in cycle ${cycle}`).toBe(steps.state());
    }
    ({ take, give } = moves);
    if (asleep.edges === 0) {
      asleep = { edges: 0, most: 0, key, seen: seen(skips, offered) };
      // What the unit was last asked for is what is so now.
      for (let i = 0; i < skips.inputs; i++) skips.ready(open, offered, i);
      asleep.most = skips.quiet?.(take, give) ?? 0;
    }
    steps.step(take, give);
    if (asleep.most > 0) {
      asleep.edges++;
      if (seen(steps, offered) !== asleep.seen)
        expect(seen(steps, offered), `${name} ${seed} in cycle ${cycle}`).toBe(asleep.seen);
    } else skips.step(take, give);
  }
  return longest;
}

describe("a unit that skips edges", () => {
  it.each(Object.keys(UNITS))("is the one that steps: %s", (name) => {
    let longest = 0;
    for (let seed = 0; seed < CASES; seed++) longest = Math.max(longest, longestSkip(name, seed));
    expect(longest).toBeGreaterThan(2);
  });
});

/** All units at every edge: readiness from the end to the start, then each one steps. */
function plainNetwork(units: readonly Unit[], links: readonly Link[]) {
  const valid = units.map((u) => new Array<boolean>(u.inputs).fill(false));
  const open = units.map((u) => new Array<boolean>(u.outputs).fill(false));
  const ready = units.map((u) => new Array<boolean>(u.inputs).fill(false));
  const isLinked = (unit: number, port: number, side: "from" | "to"): boolean =>
    links.some((l) => l[side].unit === unit && l[side].port === port);
  const ends = (side: "from" | "to", count: (u: Unit) => number) =>
    units.flatMap((u, unit) =>
      Array.from({ length: count(u) }, (_, port) => ({ unit, port })).filter(
        (end) => !isLinked(end.unit, end.port, side),
      ),
    );
  const [first, last] = [ends("to", (u) => u.inputs), ends("from", (u) => u.outputs)];
  return (offered: readonly boolean[], receivers: readonly boolean[]): string => {
    for (const [i, { unit, port }] of first.entries()) valid[unit]![port] = offered[i]!;
    for (const [o, { unit, port }] of last.entries()) open[unit]![port] = receivers[o]!;
    for (const { from, to } of links) valid[to.unit]![to.port] = units[from.unit]!.valid(from.port);
    for (let u = units.length - 1; u >= 0; u--) {
      for (const { from, to } of links) if (from.unit === u) open[u]![from.port] = ready[to.unit]![to.port]!;
      for (let i = 0; i < units[u]!.inputs; i++) ready[u]![i] = units[u]!.ready(open[u]!, valid[u]!, i);
    }
    const take = units.map((_, u) => valid[u]!.map((is, i) => is && ready[u]![i]!));
    const give = units.map((unit, u) => open[u]!.map((is, o) => is && unit.valid(o)));
    for (const [u, unit] of units.entries()) unit.step(take[u]!, give[u]!);
    const moved = (moves: readonly boolean[][], at: typeof first) =>
      at.map(({ unit, port }) => Number(moves[unit]![port]!)).join("");
    return `${moved(take, first)} ${moved(give, last)}`;
  };
}

describe("a network that skips edges", () => {
  it("moves the same beats in the same cycles, however its ports stall", () => {
    let compared = 0;
    for (let seed = 0; seed < 12; seed++) {
      const { program, options } = randomDataflow(seed);
      let graph: Parameters<typeof unitsOf>[0];
      try {
        graph = scheduleProgram(program, options);
      } catch (error) {
        if (!(error instanceof DiagnosticError)) throw error;
        continue;
      }
      const room = seed % 3 === 0 ? "least" : "built";
      const one = unitsOf(graph, room, () => {});
      const other = unitsOf(graph, room, () => {});
      const network = createNetwork(one.units, one.links);
      const plain = plainNetwork(other.units, other.links);
      const random = createRandom(seed, "ports");
      const senders = neighbours(random, network.inputs, true);
      const receivers = neighbours(random, network.outputs, false);
      const take: boolean[] = [];
      const give: boolean[] = [];
      let last = "";
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        const offered = senders(take);
        const open = receivers(give);
        const ports = `${offered} ${open}`;
        if (ports === last && network.quiet() > 0) network.skip(1);
        else network.step(offered, open, take, give);
        last = ports;
        const moved = `${take.map(Number).join("")} ${give.map(Number).join("")}`;
        const expected = plain(offered, open);
        if (moved !== expected) expect(moved, `seed ${seed} in cycle ${cycle}`).toBe(expected);
      }
      const states = other.units.map((u) => u.state()).join(";");
      expect(network.state(), `seed ${seed}`).toBe(states);
      compared++;
    }
    expect(compared).toBeGreaterThan(7);
  });
});
