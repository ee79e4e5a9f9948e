import { describe, expect, it } from "vitest";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import type { Program } from "../../../program/program.ts";
import { type Schedule, type ScheduleOptions, scheduleProgram } from "../../../schedule/schedule.ts";
import { busyCycles, type DenseStage } from "../../../schedule/stages.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { randomCase } from "../verilog/random-program.ts";

const OPTIONS: ScheduleOptions = { clockMHz: 100, intervalCycles: 784, folding: {}, outputs: "both" };

/** A classifier with ReLU layers of the given sizes, the input's first. */
function classifier(sizes: readonly number[]): Program {
  const builder = createProgramBuilder("classifier");
  let x = builder.input({ name: "image", shape: [sizes[0]!], format: intFormat(false, 8, 8) });
  x = builder.requantize({ layer: "image", name: "image.q", input: x, format: intFormat(false, 4, 4) });
  for (let i = 1; i < sizes.length; i++) {
    const data = Array.from({ length: sizes[i]! * sizes[i - 1]! }, (_, k) => (k % 7) - 3);
    const weights = { units: sizes[i]!, data, format: intFormat(true, 3, 2) };
    x = builder.dense({ layer: `fc${i}`, name: `fc${i}.acc`, input: x, weights });
    const format = intFormat(false, 3, 1);
    if (i < sizes.length - 1)
      x = builder.requantize({ layer: `fc${i}`, name: `fc${i}`, input: x, format, activation: "relu" });
  }
  builder.output("logits", x, "logits");
  builder.output("class", builder.argmax({ layer: "digit", name: "digit", input: x }), "class");
  return builder.build();
}

const schedule = (program: Program, options: Partial<ScheduleOptions> = {}): Schedule =>
  scheduleProgram(program, { ...OPTIONS, ...options });
const dense = ({ stages }: Schedule): DenseStage[] =>
  stages.filter((s): s is DenseStage => s.kind === "dense");

function codes(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics.map((d) => d.code);
    throw error;
  }
  return [];
}

/** The longest of what bounds the interval. */
function bound({ stages }: Schedule): number {
  const counted = stages.filter((s) => s.kind === "input" || s.kind === "output" || s.kind === "dense");
  return Math.max(...counted.map(busyCycles));
}

describe("scheduleProgram", () => {
  it("folds a digit classifier as wished", () => {
    const result = schedule(classifier([784, 64, 64, 64, 10]));
    expect(dense(result).map((s) => s.pe * s.simd)).toEqual([64, 6, 6, 1]);
    expect(dense(result).map(busyCycles)).toEqual([784, 704, 704, 640]);
    expect(result.intervalCycles).toBe(784);
    expect(result.stages[0]).toMatchObject({ kind: "input", lanes: 1, beats: 784 });
    expect(result.diagnostics).toEqual([]);
  });

  it.each([
    [14, 980],
    [14, 1960],
    [16, 1536],
  ])(
    "keeps the interval where line buffers fill between layers (%i rows, %i cycles)",
    (rows, intervalCycles) => {
      const builder = createProgramBuilder("lines");
      const format = intFormat(false, 4, 4);
      const conv = (
        input: string,
        layer: string,
        channels: number,
        units: number,
        around: number,
      ): string => {
        const data = Array.from({ length: units * 25 * channels }, (_, k) => (k % 7) - 3);
        const weights = { units, data, format: intFormat(true, 3, 2), kernel: [5, 5] };
        const padding = { before: [around, around], after: [around, around] };
        const sums = builder.conv({ layer, name: `${layer}.acc`, input, weights, padding });
        return builder.requantize({ layer, name: layer, input: sums, format });
      };
      const image = builder.input({ name: "image", shape: [rows, rows, 1], format });
      const first = conv(image, "c1", 1, 6, 2);
      const pooled = builder.pool({ layer: "p", name: "p", input: first, kind: "max", window: [2, 2] });
      builder.output("y", conv(pooled, "c2", 6, 16, 0), "value");
      const program = builder.build();
      const { diagnostics, intervalCycles: found } = schedule(program, { intervalCycles });
      expect(diagnostics).toEqual([]);
      expect(found).toBeLessThanOrEqual(intervalCycles);
    },
  );

  it("takes the fewest multipliers of all foldings", () => {
    for (const [inputs, outputs, interval] of [
      [10, 7, 9],
      [13, 5, 4],
      [6, 6, 36],
      [9, 4, 1],
      [16, 3, 20],
    ] as const) {
      let least = Number.POSITIVE_INFINITY;
      for (let pe = 1; pe <= outputs; pe++)
        for (let simd = 1; simd <= inputs; simd++)
          if (Math.ceil(outputs / pe) * Math.ceil(inputs / simd) <= interval)
            least = Math.min(least, pe * simd);
      const options = { intervalCycles: interval, outputs: "class" } as const;
      const [stage] = dense(schedule(classifier([inputs, outputs]), options));
      expect(stage!.pe * stage!.simd).toBe(least);
      expect(busyCycles(stage!)).toBeLessThanOrEqual(interval);
    }
  });

  it("prefers lanes that divide those of the layer before", () => {
    const stages = dense(schedule(classifier([784, 64, 64, 64, 10])));
    for (let i = 1; i < stages.length; i++) {
      const [a, b] = [stages[i - 1]!.pe, stages[i]!.simd];
      expect(a % b === 0 || b % a === 0).toBe(true);
    }
  });

  it("lets a layer's own folding win and says that it misses the interval", () => {
    const result = schedule(classifier([12, 8, 4]), {
      intervalCycles: 10,
      folding: { fc1: { pe: 3, simd: 5 }, fc2: { pe: 1, simd: 1 } },
    });
    expect(dense(result).map((s) => [s.pe, s.simd])).toEqual([
      [3, 5],
      [1, 1],
    ]);
    expect(result.diagnostics.map((d) => [d.code, d.severity])).toEqual([
      ["verilog/interval-missed", "warning"],
    ]);
    expect(result.intervalCycles).toBe(32);
  });

  it("reports all bad wishes at once", () => {
    const program = classifier([12, 8, 4]);
    const folding = { fc1: { pe: 9, simd: 13 }, fc2: { pe: 0, simd: 1.5 }, fc9: { pe: 1, simd: 1 } };
    expect(codes(() => schedule(program, { folding, clockMHz: 0, intervalCycles: 0 })).toSorted()).toEqual([
      "verilog/bad-wish",
      "verilog/bad-wish",
      "verilog/bad-wish",
      "verilog/bad-wish",
      "verilog/folding-too-large",
      "verilog/folding-too-large",
      "verilog/folding-unknown-layer",
    ]);
  });

  it("refuses an interval shorter than a packet of logits and class", () => {
    expect(codes(() => schedule(classifier([2, 2]), { intervalCycles: 1 }))).toEqual([
      "verilog/interval-impossible",
    ]);
    expect(schedule(classifier([2, 2]), { intervalCycles: 1, outputs: "class" }).intervalCycles).toBe(1);
  });

  it("keeps the wished interval with a packet of logits and class", () => {
    const missed: string[] = [];
    for (const sizes of [
      [4, 64, 3],
      [12, 10],
      [9, 16, 7],
      [2, 2],
    ])
      for (let wished = 3; wished <= 70; wished++) {
        const result = schedule(classifier(sizes), { intervalCycles: wished });
        if (result.intervalCycles > wished || result.diagnostics.length > 0)
          missed.push(`${sizes.join("-")}: ${result.intervalCycles} for ${wished}`);
      }
    expect(missed).toEqual([]);
  });

  it("says by how much a packet of logits and class misses an interval of 2", () => {
    const result = schedule(classifier([4, 64, 3]), { intervalCycles: 2 });
    expect(result.intervalCycles).toBe(3);
    expect(result.diagnostics.map((d) => [d.code, d.severity])).toEqual([
      ["verilog/interval-missed", "warning"],
    ]);
    expect(result.diagnostics[0]!.message).toMatch(/every 3 cycles, more than the interval of 2/);
    expect(schedule(classifier([4, 64, 3]), { intervalCycles: 2, outputs: "class" }).diagnostics).toEqual([]);
  });

  it("names the layers that no folding makes faster, or the busiest where none is too slow", () => {
    const builder = createProgramBuilder("pooled");
    const format = intFormat(false, 4, 4);
    const image = builder.input({ name: "image", shape: [8, 8, 2], format });
    const pooled = builder.pool({
      layer: "p",
      name: "p",
      input: image,
      kind: "max",
      window: [2, 1],
      strides: [1, 1],
    });
    builder.output("y", pooled, "value");
    const [missed] = schedule(builder.build(), { intervalCycles: 4 }).diagnostics;
    expect(missed!.code).toBe("verilog/interval-missed");
    expect(missed!.message).toMatch(/busiest: .*layer p with 8/);
    expect(missed!.hint).toMatch(/has all the lanes, PE and SIMD that it can have/);
    const [held] = schedule(classifier([4, 64, 3]), { intervalCycles: 2 }).diagnostics;
    expect(held!.hint).toMatch(/ask for an interval of 3 cycles/);
  });

  it("blames a layer's own folding only where another one is faster", () => {
    const b = createProgramBuilder("conv");
    const input = b.input({ name: "x", shape: [8, 6, 1], format: intFormat(false, 4, 4) });
    const weights = {
      units: 1,
      kernel: [3, 3],
      data: Array<number>(9).fill(1),
      format: intFormat(true, 2, 0),
    };
    const padding = { before: [1, 1], after: [1, 1] };
    b.output("y", b.conv({ layer: "c", name: "y", input, weights, padding }), "value");
    const program = b.build();
    const said = (simd: number) =>
      schedule(program, { intervalCycles: 6, folding: { c: { pe: 1, simd } } }).diagnostics.map(
        (d) => d.message,
      );
    // A line in each cycle is the most; nine products are all that a position has.
    expect(said(9)).toEqual([expect.stringMatching(/the design takes a packet every \d+ cycles/)]);
    expect(said(3)).toEqual([expect.stringMatching(/layer c takes 144 cycles with the PE and SIMD given/)]);
  });

  it("keeps the wished interval or says that it does not on random programs", () => {
    for (let seed = 0; seed < 500; seed++) {
      const { program, options } = randomCase(seed, 1);
      const { intervalCycles, wishedInterval, diagnostics } = scheduleProgram(program, options);
      const said = diagnostics.some((d) => d.code === "verilog/interval-missed");
      expect(said, `seed ${seed}`).toBe(intervalCycles > wishedInterval);
    }
  });

  it("keeps the interval within the bound on random programs", () => {
    for (let seed = 0; seed < 500; seed++) {
      const { program, options } = randomCase(seed, 1);
      const result = scheduleProgram(program, options);
      expect(result.intervalCycles, `seed ${seed}`).toBeLessThanOrEqual(bound(result) + 2);
      expect(result.intervalCycles, `seed ${seed}`).toBeGreaterThanOrEqual(bound(result));
    }
  });
});

/** An image of which few pixels count, to `bits` or to one bipolar bit, and one layer. */
function pruned(pixels: number, kept: number, units: number, bipolar = false): Program {
  const builder = createProgramBuilder("pruned");
  let x = builder.input({ name: "image", shape: [pixels, 1], format: intFormat(false, 8, 8) });
  const layer = "image";
  if (bipolar)
    x = builder.threshold({
      layer,
      name: "image.q",
      input: x,
      thresholds: [128],
      levels: 1,
      base: 0,
      format: { kind: "bipolar", fraction: 0 },
    });
  else x = builder.requantize({ layer, name: "image.q", input: x, format: intFormat(false, 2, 2) });
  x = builder.flatten({ layer, name: "flat", input: x });
  const indices = Array.from({ length: kept }, (_, i) => Math.floor(((i + 0.5) * pixels) / kept));
  x = builder.select({ layer, name: "kept", input: x, indices });
  const data = Array.from({ length: units * kept }, (_, i) => i % 2);
  const format = { kind: "bipolar", fraction: 0 } as const;
  x = builder.dense({ layer: "fc", name: "sums", input: x, weights: { units, data, format } });
  builder.output("logits", x, "logits");
  builder.output("class", builder.argmax({ layer: "digit", name: "digit", input: x }), "class");
  return builder.build();
}

describe("stages before the first window", () => {
  it("work once on every element, at few bits, and leave the pruned ones out", () => {
    const { stages } = schedule(pruned(784, 100, 10, true));
    expect(stages.slice(0, 5).map((s) => s.kind)).toEqual([
      "input",
      "threshold",
      "select",
      "window",
      "dense",
    ]);
    expect(stages[0]).toMatchObject({ lanes: 1, wordLanes: 1, beats: 784 });
    const [stage] = dense({ stages } as Schedule);
    expect(stage).toMatchObject({ inputs: 100, inFolds: Math.ceil(100 / stage!.simd) });
    expect(stages[3]).toMatchObject({ lanes: stage!.simd, words: stage!.inFolds, replays: stage!.outFolds });
  });

  it("keep the wished interval with up to 16 lanes, however few elements are kept", () => {
    for (const kept of [1, 5, 100, 783, 784])
      for (const interval of [784, 392, 261, 100, 49]) {
        const result = schedule(pruned(784, kept, 10), { intervalCycles: interval });
        const lanes = Math.ceil(784 / interval);
        expect(result.stages[0], `${kept} in ${interval}`).toMatchObject({ lanes });
        expect(result.intervalCycles, `${kept} in ${interval}`).toBeLessThanOrEqual(interval);
        expect(result.diagnostics).toEqual([]);
      }
  });

  it("hand a word that is wider than the layer's SIMD over in pieces", () => {
    const folding = { fc: { pe: 2, simd: 3 } };
    const { stages } = schedule(pruned(784, 20, 10), { intervalCycles: 98, folding });
    expect(stages.slice(2, 6)).toMatchObject([
      { kind: "select", lanes: 8, wordLanes: 9 },
      { kind: "window", lanes: 9, words: 3, replays: 5 },
      { kind: "adapter", sLanes: 9, mLanes: 3, passes: 5 },
      { kind: "dense", simd: 3, inFolds: 7 },
    ]);
  });

  it("shift all channels alike where they are alike", () => {
    const shifts = (fraction: number | readonly number[]): readonly number[] => {
      const builder = createProgramBuilder("m");
      const x = builder.input({ name: "x", shape: [2], format: intFormat(false, 4, 0) });
      const weights = { units: 2, data: [1, 2, 3, 4], format: intFormat(true, 4, fraction) };
      const y = builder.dense({ layer: "fc", name: "y", input: x, weights });
      const z = builder.requantize({ layer: "fc", name: "z", input: y, format: intFormat(true, 8, 0) });
      builder.output("z", z, "value");
      const stage = schedule(builder.build()).stages.find((s) => s.kind === "requantize");
      return stage?.kind === "requantize" ? stage.shifts : [];
    };
    expect(shifts(1)).toEqual([1]);
    expect(shifts([1, 1])).toEqual([1]);
    expect(shifts([0, 3])).toEqual([0, 3]);
  });
});

describe("what cannot be built", () => {
  const input = { name: "x", shape: [2], format: intFormat(false, 4, 0) };
  const wide = intFormat(true, 8, 0);

  it("names an input that nothing reads", () => {
    const builder = createProgramBuilder("m");
    const x = builder.input(input);
    builder.input({ ...input, name: "x2" });
    builder.output("y", builder.requantize({ layer: "q", name: "y", input: x, format: wide }), "value");
    expect(codes(() => schedule(builder.build()))).toEqual(["verilog/unsupported"]);
  });

  it("names a transpose that changes the order of elements, and no other", () => {
    const turned = (shape: readonly number[], permutation: readonly number[]) => {
      const builder = createProgramBuilder("m");
      const x = builder.input({ ...input, shape });
      builder.output("y", builder.transpose({ layer: "t", name: "y", input: x, permutation }), "value");
      return codes(() => schedule(builder.build()));
    };
    expect(turned([2, 3, 4], [1, 0, 2])).toEqual(["verilog/transpose"]);
    expect(turned([1, 3, 4], [1, 0, 2])).toEqual([]);
    expect(turned([3, 1, 4], [2, 0, 1])).toEqual(["verilog/transpose"]);
    expect(turned([3, 4, 1], [0, 2, 1])).toEqual([]);
  });

  it("names an output that the model does not have", () => {
    const builder = createProgramBuilder("m");
    const x = builder.input(input);
    builder.output("y", builder.requantize({ layer: "q", name: "y", input: x, format: wide }), "logits");
    expect(codes(() => schedule(builder.build(), { outputs: "class" }))).toEqual(["verilog/no-such-output"]);
    expect(codes(() => schedule(builder.build(), { outputs: "logits" }))).toEqual([]);
  });
});
