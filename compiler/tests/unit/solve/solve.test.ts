// The folding solver against all foldings of small networks, and what it says where none fits.
import { describe, expect, it } from "vitest";
import type { Program } from "../../../program/program.ts";
import { dataflowOf } from "../../../schedule/dataflow.ts";
import type { Folding, StorageStyle } from "../../../schedule/folding.ts";
import { scheduleProgram } from "../../../schedule/schedule.ts";
import { allFoldings, candidateFoldings, cyclesOf } from "../../../solve/candidates.ts";
import { costOf, overOf } from "../../../solve/cost.ts";
import {
  createJudge,
  partOptions,
  productLayers,
  storagesOf,
  storingLayers,
  stylesOf,
} from "../../../solve/search.ts";
import { type Goal, type Solution, solveFolding } from "../../../solve/solve.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import type { Target } from "../../../targets/target.ts";
import { targetNamed } from "../../../targets/targets.ts";
import { generateVerilog } from "../../../verilog/generate.ts";
import { smallConv, twoLayers } from "./networks.ts";

const hx8k = targetNamed("ice40-hx8k")!;

function solve(program: Program, target: Target, goal: Goal): Solution {
  return solveFolding({ program, target, goal, clockMHz: 50, outputs: "class" });
}

/** The least cost of all legal choices whose layers keep an interval. */
function leastCost(program: Program, target: Target, interval: number): number {
  const flow = dataflowOf(program, "class");
  const wishes = { clockMHz: 50, intervalCycles: interval, folding: {}, outputs: "class" } as const;
  const options = { ...wishes, ...partOptions(target) };
  const task = { program, flow, target, options };
  const judge = createJudge(task);
  let choices: Readonly<Record<string, Folding>>[] = [{}];
  for (const layer of productLayers(flow)) {
    const legal = allFoldings(program, layer).filter(
      (f) => cyclesOf(program, layer, f, interval) <= interval,
    );
    const styled = legal.flatMap((f) => stylesOf(target).map((style) => ({ ...f, ...style })));
    choices = choices.flatMap((before) => styled.map((f) => ({ ...before, [layer.layer]: f })));
  }
  const storages = storingLayers(task, { folding: choices[0]!, storage: {} }).reduce<
    Readonly<Record<string, StorageStyle>>[]
  >(
    (all, layer) =>
      all.flatMap((before) => storagesOf(target).map((style) => ({ ...before, [layer]: style }))),
    [{}],
  );
  let least = Number.POSITIVE_INFINITY;
  for (const folding of choices)
    for (const storage of storages) least = Math.min(least, judge({ folding, storage }).cost);
  return least;
}

const messageOf = (work: () => unknown): { code: string; message: string; hint: string } => {
  try {
    work();
  } catch (error) {
    if (error instanceof DiagnosticError) {
      const { code, message, hint } = error.diagnostics[0]!;
      return { code, message, hint: hint ?? "" };
    }
    throw error;
  }
  throw new Error("nothing was thrown");
};

describe("the solver", () => {
  it.each([
    ["ice40-hx8k", 18, 6, 3],
    ["ice40-hx8k", 6, 6, 3],
    // Where there are more styles there are more choices.
    ["xc7", 12, 4, 2],
  ] as const)(
    "on %s, with a packet every %i cycles, comes within 10 % of the best of all choices",
    (name, interval, inputs, hidden) => {
      const target = targetNamed(name)!;
      const program = twoLayers(inputs, hidden);
      const { estimate, schedule } = solve(program, target, { kind: "interval", cycles: interval });
      expect(schedule.intervalCycles).toBeLessThanOrEqual(interval);
      expect(costOf(estimate.total, target)).toBeLessThanOrEqual(1.1 * leastCost(program, target, interval));
    },
  );

  it("keeps the interval with legal foldings, of convolutions too", () => {
    for (const cycles of [2000, 400, 150]) {
      const { options, schedule, layers } = solve(smallConv(), hx8k, { kind: "interval", cycles });
      expect(schedule.intervalCycles).toBeLessThanOrEqual(cycles);
      expect(layers.map(({ layer }) => layer)).toEqual(["conv", "fc"]);
      // What it gives is what the schedule takes, to the same cycles.
      expect(scheduleProgram(smallConv(), options).intervalCycles).toBe(schedule.intervalCycles);
    }
  });

  it("takes less for less", () => {
    const cost = (cycles: number): number =>
      costOf(solve(twoLayers(), hx8k, { kind: "interval", cycles }).estimate.total, hx8k);
    expect(cost(96)).toBeLessThanOrEqual(cost(24));
    expect(cost(24)).toBeLessThanOrEqual(cost(6));
  });

  it("finds the fastest that fits: what is half as long does not", () => {
    const small: Target = { ...hx8k, has: { ...hx8k.has, lut: 900 } };
    const program = twoLayers(24, 12);
    const { schedule, estimate } = solve(program, small, { kind: "fastest" });
    expect(overOf(estimate.total, small)).toEqual([]);
    const half = Math.floor(schedule.intervalCycles / 2);
    expect(messageOf(() => solve(program, small, { kind: "interval", cycles: half })).code).toBe(
      "solve/too-large",
    );
  });

  it("gives a packet in each cycle where the part has room for that", () => {
    expect(solve(twoLayers(), hx8k, { kind: "fastest" }).schedule.intervalCycles).toBe(1);
    const { latencyCycles } = solve(twoLayers(), hx8k, { kind: "interval", cycles: 1 }).schedule;
    const { schedule } = solve(twoLayers(), hx8k, { kind: "latency", cycles: latencyCycles });
    expect(schedule.latencyCycles).toBeLessThanOrEqual(latencyCycles);
  });

  it("answers within a latency", () => {
    const { schedule } = solve(twoLayers(), hx8k, { kind: "latency", cycles: 60 });
    expect(schedule.latencyCycles).toBeLessThanOrEqual(60);
    expect(messageOf(() => solve(twoLayers(), hx8k, { kind: "latency", cycles: 4 })).code).toBe(
      "solve/too-slow",
    );
  });

  it("keeps PE and SIMD that are given", () => {
    const folding = { fc1: { pe: 2, simd: 3 } };
    const goal = { kind: "interval", cycles: 40 } as const;
    const { layers } = solveFolding({
      program: twoLayers(),
      target: hx8k,
      goal,
      clockMHz: 50,
      outputs: "class",
      folding,
    });
    expect(layers[0]).toMatchObject({ layer: "fc1", pe: 2, simd: 3 });
  });

  it("lets products share blocks where they are short", () => {
    const xc7 = targetNamed("xc7")!;
    const program = twoLayers(24, 12, 8);
    const goal = { kind: "interval", cycles: 12 } as const;
    const few: Target = { ...xc7, has: { ...xc7.has, lut: 1600, dsp: 14 } };
    const { layers, estimate, options, schedule } = solve(program, few, goal);
    expect(overOf(estimate.total, few)).toEqual([]);
    expect(Math.max(...layers.map(({ shared }) => shared))).toBeGreaterThan(1);
    const top = generateVerilog(program, schedule, { version: "0" }).files.get("rtl/two.v") as string;
    expect(top).toMatch(/\.SHARED_PE\s*\(\d\)/);
    expect(scheduleProgram(program, options).stages).toEqual(schedule.stages);
  });

  it("writes its styles into the Verilog", () => {
    const program = twoLayers();
    const folding: Record<string, Folding> = {
      fc1: { pe: 1, simd: 2, memory: "block", multiply: "logic" },
      fc2: { pe: 1, simd: 1, memory: "logic" },
    };
    const schedule = scheduleProgram(program, {
      clockMHz: 50,
      intervalCycles: 64,
      folding,
      storage: { fc2: "registers" },
      outputs: "class",
    });
    const top = generateVerilog(program, schedule, { version: "0" }).files.get("rtl/two.v") as string;
    const styles = [...top.matchAll(/\.ROM_STYLE\s*\(("\w+")\)/g)].map(([, style]) => style);
    expect(styles).toEqual(['"block"', '"logic"']);
    expect(top.match(/\.IN_LOGIC\s*\(1\)/g)).toHaveLength(1);
    expect(top.match(/nf_window #\([^;]*?RAM_STYLE\s*\("registers"\)/g)).toHaveLength(1);
    expect(top.match(/RAM_STYLE/g)).toHaveLength(1);
  });

  it("stores streams where there is room: in blocks, or not where those are short", () => {
    const storages = (part: Partial<Target["has"]>) => {
      const target: Target = { ...hx8k, has: { ...hx8k.has, ...part } };
      const { buffers, estimate } = solve(smallConv(), target, { kind: "interval", cycles: 800 });
      expect(overOf(estimate.total, target)).toEqual([]);
      expect(buffers.map(({ layer }) => layer)).toEqual(["conv", "fc"]);
      return new Map(buffers.map((buffer) => [buffer.layer, buffer]));
    };
    const short = storages({ bram: 0 });
    expect([...short.values()].map(({ bram }) => bram)).toEqual([0, 0]);
    const ample = storages({ bram: 200, lut: 900 });
    expect([...ample.values()].some(({ bram }) => bram > 0)).toBe(true);
  });
});

describe("what does not fit", () => {
  it("names the resource, the layer, and a rate, bits and parts that would do", () => {
    const tiny: Target = { ...hx8k, has: { ...hx8k.has, lut: 600 } };
    const { code, message, hint } = messageOf(() =>
      solve(twoLayers(24, 12), tiny, { kind: "interval", cycles: 16 }),
    );
    expect(code).toBe("solve/too-large");
    expect(message).toMatch(
      /^a packet every 16 cycles takes \d+ LUT of the 600 of Lattice iCE40 HX8K at least; layer fc1 takes \d+/,
    );
    expect(hint).toMatch(/at this rate it fits .*ecp5/);
  });

  it("says which rate fits a part that is large enough for one", () => {
    const small: Target = { ...hx8k, has: { ...hx8k.has, lut: 900 } };
    const { hint } = messageOf(() => solve(twoLayers(24, 12), small, { kind: "interval", cycles: 8 }));
    const interval = Number(/--interval (\d+)/.exec(hint)![1]);
    expect(
      overOf(solve(twoLayers(24, 12), small, { kind: "interval", cycles: interval }).estimate.total, small),
    ).toEqual([]);
  });

  it("says how few bits of weights would fit", () => {
    const tight: Target = { ...hx8k, has: { ...hx8k.has, lut: 1500 } };
    const { hint } = messageOf(() => solve(twoLayers(24, 12, 8), tight, { kind: "interval", cycles: 24 }));
    expect(hint).toMatch(
      /weights of (at most \d bits|1 bit) fit at this rate: train with objective: budget\(weights: \d+ bits\)/,
    );
  });
});

it("candidates keep the interval, and no PE needs fewer products", () => {
  const program = twoLayers(24, 12);
  const [layer] = productLayers(dataflowOf(program, "class"));
  for (const interval of [1, 5, 24, 100, 288]) {
    const found = candidateFoldings(program, layer!, interval);
    expect(found.every((f) => cyclesOf(program, layer!, f, interval) <= interval)).toBe(true);
    const fewest = Math.min(
      ...allFoldings(program, layer!)
        .filter((f) => cyclesOf(program, layer!, f, interval) <= interval)
        .map(({ pe, simd }) => pe * simd),
    );
    expect(Math.min(...found.map(({ pe, simd }) => pe * simd))).toBe(fewest);
  }
  expect(candidateFoldings(program, layer!, 0)).toEqual([]);
});
