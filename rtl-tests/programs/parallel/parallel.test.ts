// Networks that take less cycles than an image has positions: several of them stand side by side, in every stage.
import { describe, expect, test } from "vitest";
import { createProgramBuilder, intFormat, type ProgramBuilder } from "../../../compiler/program/builder.ts";
import { channelsOf, type Program, valueNamed } from "../../../compiler/program/program.ts";
import { type Schedule, scheduleProgram } from "../../../compiler/schedule/schedule.ts";
import type { Stage } from "../../../compiler/schedule/stages.ts";
import { casesOf } from "../../../compiler/tests/nightly.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { runBench } from "../../harness/bench.ts";
import { caseOfProgram } from "../../harness/designs.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { verdict } from "../../harness/programs.ts";

const BYTE = intFormat(false, 8, 8);
const ACTIVATION = intFormat(false, 4, 3);
const WEIGHT = intFormat(true, 3, 2);
const NONE = { before: [0, 0], after: [0, 0] };
const SAME = { before: [1, 1], after: [1, 1] };

/** Layers by their names, with weights that depend on them alone. */
function network(name: string) {
  const b: ProgramBuilder = createProgramBuilder(name);
  const channels = (value: string): number => {
    const found = b.values().find((v) => v.name === value)!;
    return found.shape.at(-1)!;
  };
  const weightsOf = (layer: string, count: number): number[] =>
    integers(randomFor("parallel", name, layer), count, 3, true);
  const activated = (layer: string, input: string): string =>
    b.requantize({ layer, name: layer, input, format: ACTIVATION, activation: "relu" });
  return {
    b,
    conv(
      layer: string,
      input: string,
      units: number,
      kernel: readonly number[],
      more: Partial<Parameters<ProgramBuilder["conv"]>[0]> = {},
    ): string {
      const inputs = (kernel.reduce((n, k) => n * k, 1) * channels(input)) / (more.groups ?? 1);
      const data = weightsOf(layer, units * inputs);
      const weights = { units, kernel, data, format: WEIGHT };
      const bias = integers(randomFor("bias", layer), units, 6, true);
      return activated(layer, b.conv({ layer, name: `${layer}_sums`, input, weights, bias, ...more }));
    },
    logits(input: string, units: number): void {
      const flat = b.flatten({ layer: "flat", name: "flat", input });
      const count = units * channels(flat);
      const weights = { units, data: weightsOf("fc", count), format: WEIGHT };
      const sums = b.dense({ layer: "fc", name: "fc", input: flat, weights });
      b.output("logits", sums, "logits");
      b.output("class", b.argmax({ layer: "class", name: "class", input: sums }), "class");
    },
  };
}

function chain(): Program {
  const { b, conv, logits } = network("chain");
  const image = b.input({ name: "image", shape: [14, 12, 1], format: BYTE });
  const first = conv("c1", image, 4, [3, 3], { padding: SAME });
  const pooled = b.pool({
    layer: "p1",
    name: "p1",
    input: first,
    kind: "max",
    window: [2, 2],
    strides: [2, 2],
  });
  const second = conv("c2", pooled, 6, [3, 3], { padding: NONE });
  const whole = b.pool({ layer: "p2", name: "p2", input: second, kind: "average", window: [5, 4] });
  logits(whole, 5);
  return b.build();
}

function residual(): Program {
  const { b, conv, logits } = network("residual");
  const image = b.input({ name: "image", shape: [8, 12, 2], format: BYTE });
  const first = conv("c1", image, 4, [3, 3], { padding: SAME });
  const branch = conv("d1", first, 4, [3, 3], { padding: SAME, groups: 4 });
  const mixed = conv("m1", branch, 4, [1, 1]);
  const sums = b.add({ layer: "sum", name: "sum", inputs: [mixed, first] });
  const joined = b.requantize({
    layer: "sum",
    name: "joined",
    input: sums,
    format: ACTIVATION,
    activation: "relu",
  });
  const strided = conv("c2", joined, 5, [3, 3], { padding: SAME, strides: [2, 2] });
  // A gate for each channel.
  const squeezed = b.pool({ layer: "gate", name: "gate", input: strided, kind: "average", window: [4, 6] });
  const gated = b.multiply({ layer: "gated", name: "gated_sums", inputs: [strided, squeezed] });
  const scaled = b.requantize({ layer: "gated", name: "gated", input: gated, format: ACTIVATION });
  logits(scaled, 3);
  return b.build();
}

function hourglass(): Program {
  const { b, conv } = network("hourglass");
  const image = b.input({ name: "image", shape: [8, 8, 1], format: BYTE });
  const fine = conv("e1", image, 3, [3, 3], { padding: SAME });
  const pooled = b.pool({ layer: "p", name: "p", input: fine, kind: "max", window: [2, 2], strides: [2, 2] });
  const coarse = conv("e2", pooled, 4, [3, 3], { padding: SAME });
  const up = b.upsample({ layer: "up", name: "up", input: coarse, factors: [2, 2] });
  const merged = b.concat({ layer: "cat", name: "cat", inputs: [fine, up, fine], axis: 2 });
  const decoded = conv("d1", merged, 3, [3, 3], { padding: SAME });
  const box = b.slice({ layer: "box", name: "box", input: decoded, begin: [1, 4, 0], size: [6, 4, 3] });
  const framed = b.pad({ layer: "pad", name: "pad", input: box, before: [0, 4, 0], after: [1, 0, 0] });
  b.output("mask", b.argmax({ layer: "mask", name: "mask", input: framed }), "value");
  return b.build();
}

function sequence(): Program {
  const { b, conv } = network("sequence");
  const series = b.input({ name: "series", shape: [48, 2], format: BYTE });
  const first = conv("c1", series, 4, [5], { padding: { before: [2], after: [2] } });
  const pooled = b.pool({
    layer: "p",
    name: "p",
    input: first,
    kind: "average",
    window: [3],
    strides: [2],
    padding: { before: [1], after: [1] },
  });
  const second = conv("c2", pooled, 3, [3], { dilations: [2], padding: { before: [2], after: [2] } });
  const up = b.upsample({ layer: "up", name: "up", input: second, factors: [3] });
  b.output("y", up, "value");
  return b.build();
}

/** Transposed convolutions: one, two and three phases along a line that they divide or not, whole groups, taps that meet nothing. */
function decoder(): Program {
  const { b, conv } = network("decoder");
  const image = b.input({ name: "image", shape: [4, 6, 2], format: BYTE });
  const padding = { before: [1, 1], after: [1, 1] };
  const first = conv("t1", image, 4, [3, 3], { spread: [2, 2], padding: { before: [1, 1], after: [2, 2] } });
  const each = conv("t2", first, 4, [4, 4], {
    spread: [2, 2],
    groups: 4,
    padding: { before: [2, 2], after: [2, 2] },
  });
  const uneven = conv("t3", image, 3, [2, 5], { spread: [1, 3], padding: { before: [0, 2], after: [1, 2] } });
  const coarse = conv("t4", image, 3, [3, 2], { spread: [3, 1], padding });
  b.output("fine", each, "value");
  b.output("uneven", uneven, "value");
  b.output("coarse", coarse, "value");
  return b.build();
}

/** The same along a sequence, of which the second has weights of one bit. */
function sequenceDecoder(): Program {
  const { b, conv } = network("sequence_decoder");
  const series = b.input({ name: "series", shape: [12, 2], format: BYTE });
  const first = conv("t1", series, 3, [5], { spread: [2], padding: { before: [2], after: [3] } });
  const second = conv("t2", first, 2, [3], { spread: [3], padding: { before: [2], after: [2] } });
  b.output("y", second, "value");
  return b.build();
}

const NETWORKS: readonly (readonly [Program, readonly number[]])[] = [
  [chain(), [84, 14, 42]],
  [residual(), [60, 48, 8, 24]],
  [hourglass(), [40, 32, 24, 18]],
  [sequence(), [40, 24, 6, 12]],
  [decoder(), [200, 96, 48, 16, 24]],
  [sequenceDecoder(), [70, 36, 6, 12]],
];
/** Of each network the intervals that are simulated: a build of all takes minutes. */
const SIMULATED = casesOf(1, 4);
const CASES = NETWORKS.flatMap(([program, intervals]) =>
  intervals.map((interval) => ({ program, interval })),
);
const optionsOf = (intervalCycles: number) =>
  ({ clockMHz: 100, intervalCycles, folding: {}, outputs: "both" }) as const;

const cyclesOf = ({ latencyCycles, intervalCycles }: Schedule) => ({ latencyCycles, intervalCycles });

/** Positions that stand side by side in the beats of a stage's result. */
const sideBySide = (stage: Stage): number =>
  stage.kind === "dense" || stage.kind === "pool" ? stage.windows : 1;

describe("a network with fewer cycles than positions", () => {
  test.each(CASES)("keeps the interval: $program.name in $interval cycles", ({ program, interval }) => {
    const schedule: Schedule = scheduleProgram(program, optionsOf(interval));
    expect(schedule.diagnostics).toEqual([]);
    expect(schedule.intervalCycles).toBeLessThanOrEqual(interval);
    expect(Math.max(...schedule.stages.map(sideBySide))).toBeGreaterThan(1);
    // No stream has a part of a position in its beats beside whole ones.
    for (const { lanes, value } of schedule.stages.filter((s) => s.kind === "fork"))
      expect(
        lanes % channelsOf(valueNamed(program, value.name)) === 0 || channelsOf(value) % lanes === 0,
      ).toBe(true);
  });

  test.skipIf(!hasTool("verilator"))(
    "is the simulator's at every stage, in the predicted cycles",
    async () => {
      const cases = NETWORKS.flatMap(([program, intervals]) =>
        intervals.slice(-SIMULATED).map((interval) => ({ program, interval })),
      ).map(({ program, interval }) =>
        caseOfProgram(program, optionsOf(interval), `${program.name}_${interval}`, interval),
      );
      expect(await runBench(cases)).toEqual([]);
    },
    600_000,
  );

  test.skipIf(!hasTool("verilator"))(
    "shares multipliers without a difference in values or cycles",
    async () => {
      const shared = NETWORKS.map(([program, [interval]]) => {
        const options = optionsOf(interval!);
        const [alone, together] = [options, { ...options, multiplier: [25, 18] as const }];
        const { stages, latencyCycles, intervalCycles } = scheduleProgram(program, together);
        expect({ latencyCycles, intervalCycles }).toMatchObject(cyclesOf(scheduleProgram(program, alone)));
        const count = stages.filter((s) => s.kind === "dense" && s.sharing !== null).length;
        return { case: caseOfProgram(program, together, `${program.name}_shared`, interval!), count };
      });
      expect(shared.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(5);
      expect(await runBench(shared.slice(0, SIMULATED * 2).map((s) => s.case))).toEqual([]);
    },
    600_000,
  );

  test.skipIf(!hasTool("verilator") || !hasTool("cc"))(
    "passes the gate",
    async () => {
      const { clockMHz: _, ...wishes } = optionsOf(42);
      const design = designOf(chain(), { ...wishes, multiplier: [25, 18] });
      expect(await verdict(design)).toEqual({ c: "passed", rtl: "passed" });
    },
    600_000,
  );
});
