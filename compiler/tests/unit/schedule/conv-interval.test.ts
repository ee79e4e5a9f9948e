// The steady interval of single convolutions, the most of their beats in, beats out and folds and next to nothing above, and
// what they store for it.
import { expect, it } from "vitest";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { elementsOf, type Program, valueNamed } from "../../../program/program.ts";
import { scheduleProgram } from "../../../schedule/schedule.ts";
import type { StageGraph } from "../../../schedule/stages.ts";
import { intervalAlone, leastCapacity } from "../../../schedule/units/line-window.ts";
import { createRandom } from "../../../support/random.ts";

const CASES = 160;
/** What line ends, padding and packets may cost together, as a part of the interval. */
const SLACK = 1.02;

interface Shape {
  readonly size: readonly number[];
  readonly channels: number;
  readonly units: number;
  readonly groups: number;
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly spread: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Images and sequences; groups, depthwise with and without a multiplier; padding on one side, beyond the half; transposed. */
function randomShape(seed: number): Shape {
  const random = createRandom(seed, "convolutions");
  const sequence = random.integer(0, 5) === 0;
  const axes = sequence ? 1 : 2;
  const each = <T>(of: () => T): T[] => Array.from({ length: axes }, of);
  const transposed = random.integer(0, 5) === 0;
  const kernel = each(() => random.integer(transposed ? 2 : 1, 5));
  const dilations = kernel.map((taps) => (taps < 4 && !transposed ? random.integer(1, 2) : 1));
  const spread = each(() => (transposed ? random.integer(1, 2) : 1));
  const strides = kernel.map(() => (transposed ? 1 : random.integer(1, 3)));
  const extent = kernel.map((taps, a) => (taps - 1) * dilations[a]!);
  const channels = [2, 4, 6][random.integer(0, 2)]!;
  const kind = random.integer(0, 3);
  const groups = kind === 0 ? 1 : kind === 1 ? 2 : channels;
  const lone = random.integer(0, 1) === 0;
  return {
    size: sequence ? [random.integer(40, 90)] : each(() => random.integer(10, 20)),
    channels: kind === 1 ? 2 * channels : channels,
    units: groups * (kind === 2 ? 1 : random.integer(1, 4)),
    groups,
    kernel,
    dilations,
    strides,
    spread,
    before: extent.map((most) =>
      transposed ? random.integer(0, most) : random.integer(0, lone ? most : most >> 1),
    ),
    after: extent.map((most) => random.integer(0, lone && !transposed ? most >> 1 : most)),
  };
}

function programOf({ size, channels, units, groups, kernel, before, after, ...shape }: Shape): Program {
  const b = createProgramBuilder("alone");
  const x = b.input({ name: "x", shape: [...size, channels], format: intFormat(false, 4, 2) });
  const count = units * elementsOf(kernel) * (channels / groups);
  const data = Array.from({ length: count }, (_, i) => (i % 7) - 3);
  const sums = b.conv({
    layer: "conv",
    name: "sums",
    input: x,
    weights: { units, kernel, data, format: intFormat(true, 3, 2) },
    groups,
    padding: { before, after },
    ...shape,
  });
  const y = b.requantize({ layer: "conv", name: "y", input: sums, format: intFormat(false, 4, 2) });
  b.output("y", y, "value");
  return b.build();
}

/** The most of beats in, beats out and folds: PE is of one group, SIMD of one output, and groups may stand side by side. */
function leastInterval(shape: Shape, program: Program, { stages }: StageGraph): number {
  const input = stages.find((s) => s.kind === "input")!;
  const output = stages.find((s) => s.kind === "output")!;
  const { pe, simd } = stages.find((s) => s.kind === "dense")!;
  const { channels, units, groups, kernel } = shape;
  const positions = elementsOf(valueNamed(program, "sums").shape) / units;
  const outputs = units / groups;
  const aside = Math.max(1, pe / outputs);
  const folds =
    Math.ceil(outputs / Math.min(pe, outputs)) *
    Math.ceil((elementsOf(kernel) * channels) / groups / simd) *
    (groups / aside);
  return Math.max(input.words, input.beats, output.beats, positions * folds);
}

it("is what the folding and the ports ask for, within 2 %, and stores no more than that takes", () => {
  let [tight, all] = [0, 0];
  for (let seed = 0; seed < CASES; seed++) {
    const shape = randomShape(seed);
    const program = programOf(shape);
    const { channels, units, groups, kernel } = shape;
    const positions = elementsOf(valueNamed(program, "sums").shape) / units;
    const macs = positions * units * elementsOf(kernel) * (channels / groups);
    const wished = Math.ceil(macs / createRandom(seed, "lanes").integer(1, 90));
    const options = { clockMHz: 100, intervalCycles: wished, folding: {}, outputs: "both" } as const;
    const what = `seed ${seed}: ${JSON.stringify(shape)}, wished ${wished}`;
    const schedule = scheduleProgram(program, options);
    const { stages, intervalCycles, even } = schedule;
    const least = leastInterval(shape, program, schedule);
    expect(even, what).toBe(true);
    expect(intervalCycles, what).toBeLessThanOrEqual(SLACK * least);
    const window = stages.find((s) => s.kind === "line-window")!;
    const { geometry, capacity, stored } = window;
    // The lines above a window's last one, the window, and a line of slack.
    const line = geometry.size[1] * geometry.words;
    const bound = leastCapacity(geometry) + line;
    const taps = geometry.kernel[0] * geometry.kernel[1] * geometry.words;
    all++;
    if (stored <= bound + (geometry.taps > 1 ? taps : 0)) {
      tight++;
      continue;
    }
    // More only where a line less is too slow.
    expect(intervalAlone(geometry, capacity - line, 3), what).toBeGreaterThan(
      SLACK * Math.max(line * geometry.size[0], elementsOf(geometry.outSize) * geometry.replays),
    );
  }
  // Rows of windows that move on by three lines, or images without padding, take more.
  expect(tight / all).toBeGreaterThan(0.6);
});

it.each([
  ["depthwise", { size: [12, 10], channels: 8, units: 8, groups: 8, kernel: [3, 3] }, 120],
  [
    "depthwise with two sums of each channel",
    { size: [8, 8], channels: 6, units: 12, groups: 6, kernel: [3, 3] },
    64,
  ],
  ["in groups", { size: [9, 9], channels: 8, units: 12, groups: 4, kernel: [3, 3] }, 81],
  ["plain", { size: [9, 9], channels: 3, units: 5, groups: 1, kernel: [3, 3] }, 81],
  ["transposed", { size: [8, 8], channels: 4, units: 4, groups: 1, kernel: [2, 2], spread: [2, 2] }, 256],
] as const)("reaches one position in each cycle, %s", (_, shape, positions) => {
  const margin = [1, 1];
  const program = programOf({
    strides: [1, 1],
    dilations: [1, 1],
    spread: [1, 1],
    before: margin,
    after: margin,
    ...shape,
  });
  const { intervalCycles } = scheduleProgram(program, {
    clockMHz: 100,
    intervalCycles: positions,
    folding: {},
    outputs: "both",
  });
  expect(intervalCycles).toBeLessThanOrEqual(positions);
});
