// The steady interval of single convolutions, the most of their beats in, beats out and folds and next to nothing above, and
// what they store for it.
import { expect, it } from "vitest";
import { elementsOf, type Program, valueNamed } from "../../../program/program.ts";
import { isBanked } from "../../../schedule/banks.ts";
import { scheduleProgram } from "../../../schedule/schedule.ts";
import { type StageGraph, wordsOfImage } from "../../../schedule/stages.ts";
import { beatsOfWindow, intervalAlone, leastCapacity } from "../../../schedule/units/line-window.ts";
import { createRandom } from "../../../support/random.ts";
import { type ConvShape, convOf, randomConv } from "./random-conv.ts";

const CASES = 160;
/** What line ends, padding and packets may cost together, as a part of the interval. */
const SLACK = 1.02;

/**
 * The most of beats in, beats out and folds: PE is of one group, SIMD of one output; groups may stand side by side, and
 * positions.
 */
function leastInterval(shape: ConvShape, program: Program, { stages }: StageGraph): number {
  const input = stages.find((s) => s.kind === "input")!;
  const output = stages.find((s) => s.kind === "output")!;
  const { pe, simd, windows } = stages.find((s) => s.kind === "dense")!;
  const { channels, units, groups, kernel } = shape;
  const positions = elementsOf(valueNamed(program, "sums").shape) / units;
  const outputs = units / groups;
  const aside = Math.max(1, pe / outputs);
  const folds =
    Math.ceil(outputs / Math.min(pe, outputs)) *
    Math.ceil((elementsOf(kernel) * channels) / groups / simd) *
    (groups / aside);
  return Math.max(input.words, input.beats, output.beats, (positions / windows) * folds);
}

it("is what the folding and the ports ask for, within 2 %, and stores no more than that takes", () => {
  let [tight, all] = [0, 0];
  for (let seed = 0; seed < CASES; seed++) {
    const shape = randomConv(createRandom(seed, "convolutions"), [10, 20]);
    const program = convOf(shape);
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
    const window = stages.find((s) => s.kind === "line-window");
    // Positions side by side that a kernel of one element reads as they come.
    if (!window) continue;
    const { geometry, capacity, banks, stored } = window;
    // The lines above a window's last one, the window, and a line of slack.
    const line = geometry.size[1] * geometry.words;
    const bound = leastCapacity(geometry) + line;
    const taps = geometry.kernel[0] * geometry.kernel[1] * geometry.words;
    // Positions that come at once take whole lines.
    if (geometry.columns === 1) all++;
    // Memories have as many columns each: lines are rounded up to that.
    if (isBanked(geometry))
      expect((stored - capacity) * geometry.size[1], what).toBeLessThan(banks[1] * capacity);
    else expect(stored, what).toBe(capacity);
    if (capacity <= bound + (isBanked(geometry) ? taps : 0)) {
      if (geometry.columns === 1) tight++;
      continue;
    }
    // Never with as many windows as positions: then every row of windows waits for one line.
    const isPlain =
      [...shape.strides, ...shape.spread].every((n) => n === 1) &&
      kernel.every((n, a) => shape.before[a]! + shape.after[a]! === (n - 1) * shape.dilations[a]!);
    expect(isPlain, what).toBe(false);
    // More only where less is too slow, whether words come at once or as slowly as the interval lets them.
    const image = wordsOfImage(geometry);
    const busy = Math.max(image, elementsOf(geometry.outSize) * beatsOfWindow(geometry));
    const slow = Math.max(busy, wished);
    const less = capacity - (isBanked(geometry) ? line : geometry.words);
    expect(
      intervalAlone(geometry, less, 3) > SLACK * busy ||
        intervalAlone(geometry, less, 6, slow / image) > slow + 1,
      what,
    ).toBe(true);
  }
  // Rows of windows that are several lines apart, or images without padding, take more.
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
  ["plain, four at a time", { size: [9, 8], channels: 3, units: 5, groups: 1, kernel: [3, 3] }, 18],
  ["plain, a line at a time", { size: [9, 7], channels: 2, units: 3, groups: 1, kernel: [3, 3] }, 9],
  ["depthwise, two at a time", { size: [12, 10], channels: 8, units: 8, groups: 8, kernel: [3, 3] }, 60],
  ["transposed", { size: [8, 8], channels: 4, units: 4, groups: 1, kernel: [2, 2], spread: [2, 2] }, 256],
] as const)("reaches one position in each cycle, %s", (_, shape, positions) => {
  const margin = [1, 1];
  const program = convOf({
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
