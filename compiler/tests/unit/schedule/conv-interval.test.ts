// The steady interval of single convolutions, the most of their beats in, beats out and folds and next to nothing above, and
// the rows that they store for it.
import { expect, it } from "vitest";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { elementsOf, type Program, valueNamed } from "../../../program/program.ts";
import { type Schedule, scheduleProgram } from "../../../schedule/schedule.ts";
import { createRandom } from "../../../support/random.ts";

const CASES = 160;
/** What line ends, padding and packets may cost together, as a part of the interval. */
const SLACK = 1.02;

/** Numbers for each axis: rows and columns, or the places of a sequence. */
interface Shape {
  readonly size: readonly number[];
  readonly channels: number;
  readonly units: number;
  readonly groups: number;
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Above 1: transposed. */
  readonly spread: readonly number[];
}

function randomShape(seed: number): Shape {
  const random = createRandom(seed, "convolutions");
  const isSequence = random.integer(0, 4) === 0;
  const axes = (one: () => number): number[] => Array.from({ length: isSequence ? 1 : 2 }, one);
  const kernel = axes(() => random.integer(1, 5));
  const dilations = kernel.map((k) => (k < 4 ? random.integer(1, 2) : 1));
  const isTransposed = random.integer(0, 4) === 0;
  const margins = (): number[] =>
    kernel.map((k, a) => random.integer(0, Math.min((k - 1) * dilations[a]!, 4)));
  const each = [1, 2, 4, 6][random.integer(0, 3)]!;
  // All channels, two groups, depthwise, depthwise with several results for each channel.
  const kind = random.integer(0, 3);
  const groups = kind === 0 ? 1 : kind === 1 ? 2 : each;
  return {
    size: axes(() => (isSequence ? random.integer(20, 80) : random.integer(8, 18))),
    channels: kind === 1 ? 2 * each : each,
    units: kind === 2 ? each : groups * random.integer(1, 4),
    groups,
    kernel,
    // Also longer than the kernel.
    strides: axes(() => random.integer(1, 3)),
    dilations,
    before: margins(),
    after: margins(),
    spread: axes(() => (isTransposed ? random.integer(1, 3) : 1)),
  };
}

const product = (numbers: readonly number[]): number => numbers.reduce((a, b) => a * b, 1);

function programOf(shape: Shape): Program {
  const { channels, units, groups, kernel, strides, dilations, before, after, spread } = shape;
  const b = createProgramBuilder("alone");
  const x = b.input({ name: "x", shape: [...shape.size, channels], format: intFormat(false, 4, 2) });
  const count = units * product(kernel) * (channels / groups);
  const data = Array.from({ length: count }, (_, i) => (i % 7) - 3);
  const weights = { units, kernel, data, format: intFormat(true, 3, 2) };
  const padding = { before, after };
  const moves = { groups, strides, dilations, spread, padding };
  const sums = b.conv({ layer: "conv", name: "sums", input: x, weights, ...moves });
  const y = b.requantize({ layer: "conv", name: "y", input: sums, format: intFormat(false, 4, 2) });
  b.output("y", y, "value");
  return b.build();
}

/** What the folding and the ports ask for. */
function leastInterval({ channels, units, groups, kernel }: Shape, { stages }: Schedule): number {
  const input = stages.find((s) => s.kind === "input")!;
  const output = stages.find((s) => s.kind === "output")!;
  const { pe, simd, positions } = stages.find((s) => s.kind === "dense")!;
  const taps = product(kernel);
  const isDepthwise = groups > 1 && groups === channels && groups === units;
  const folds = isDepthwise
    ? taps * (channels / pe)
    : Math.ceil(units / groups / pe) * Math.ceil((taps * channels) / groups / simd) * groups;
  return Math.max(input.words, input.beats, output.beats, positions * folds);
}

/** The words that a square image's plain window may store: a window, the rows above it and those that it moves on by. */
function mostWords(shape: Shape, row: number, words: number): number {
  const extent = (shape.kernel[0]! - 1) * shape.dilations[0]!;
  const beside = (shape.kernel[1]! - 1) * shape.dilations[1]! + 1;
  const one = extent * row + beside * words;
  // Without padding the next packet's first window too.
  const isPadded = [shape.before, shape.after].every((margin) =>
    margin.every((m, a) => 2 * m >= (shape.kernel[a]! - 1) * shape.dilations[a]!),
  );
  return (isPadded ? 1 : 2) * one + shape.strides[0]! * row;
}

it("is what the folding and the ports ask for, within 2 %", () => {
  const kinds = new Set<string>();
  for (let seed = 0; seed < CASES; seed++) {
    const shape = randomShape(seed);
    const program = programOf(shape);
    const positions = elementsOf(valueNamed(program, "sums").shape) / shape.units;
    const macs = positions * shape.units * product(shape.kernel) * (shape.channels / shape.groups);
    const wished = Math.ceil(macs / createRandom(seed, "lanes").integer(1, 40));
    const options = { clockMHz: 100, intervalCycles: wished, folding: {}, outputs: "both" } as const;
    // As wished, and the same lanes, asked for all that they can.
    const first = scheduleProgram(program, options);
    const least = leastInterval(shape, first);
    const { pe, simd } = first.stages.find((s) => s.kind === "dense")!;
    const asked = { ...options, intervalCycles: least, folding: { conv: { pe, simd } } };
    for (const { stages, intervalCycles, even } of [first, scheduleProgram(program, asked)]) {
      const said = `seed ${seed}: ${JSON.stringify(shape)}, least ${least}`;
      expect(even, said).toBe(true);
      expect(intervalCycles, said).toBeLessThanOrEqual(SLACK * least);
      const window = stages.find((s) => s.kind === "line-window")!;
      const { size, words } = window.geometry;
      if (size[0] > 1 && shape.spread.every((s) => s === 1))
        expect(window.capacity, said).toBeLessThanOrEqual(mostWords(shape, size[1] * words, words));
    }
    if (shape.spread.some((s) => s > 1)) kinds.add("transposed");
    if (shape.size.length === 1) kinds.add("sequence");
    if (shape.strides.some((s, a) => s > shape.kernel[a]!)) kinds.add("stride above the kernel");
    if (shape.groups > 1 && shape.groups === shape.channels && shape.units > shape.groups)
      kinds.add("depthwise multiplier");
    if (shape.before.some((m, a) => 2 * m > (shape.kernel[a]! - 1) * shape.dilations[a]!))
      kinds.add("padding above half");
  }
  expect(kinds.size).toBe(5);
});
