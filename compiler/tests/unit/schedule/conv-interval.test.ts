// The steady interval of single convolutions, the most of their beats in, beats out and folds and next to nothing above, and
// the rows that they store for it.
import { expect, it } from "vitest";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { elementsOf, type Program, valueNamed } from "../../../program/program.ts";
import { scheduleProgram } from "../../../schedule/schedule.ts";
import { createRandom } from "../../../support/random.ts";

const CASES = 120;
/** What line ends, padding and packets may cost together, as a part of the interval. */
const SLACK = 1.02;

interface Shape {
  readonly size: number;
  readonly channels: number;
  readonly units: number;
  readonly groups: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: number;
}

function randomShape(seed: number): Shape {
  const random = createRandom(seed, "convolutions");
  const kernel = random.integer(1, 5);
  const dilation = kernel < 4 ? random.integer(1, 2) : 1;
  const each = [2, 4, 6][random.integer(0, 2)]!;
  const kind = random.integer(0, 2);
  const groups = kind === 0 ? 1 : kind === 1 ? 2 : each;
  return {
    size: random.integer(12, 20),
    channels: kind === 1 ? 2 * each : each,
    units: kind === 2 ? each : groups * random.integer(1, 4),
    groups,
    kernel,
    dilation,
    stride: random.integer(1, Math.min(3, kernel)),
    padding: random.integer(0, Math.floor(((kernel - 1) * dilation) / 2)),
  };
}

function programOf({ size, channels, units, groups, kernel, stride, dilation, padding }: Shape): Program {
  const b = createProgramBuilder("alone");
  const x = b.input({ name: "x", shape: [size, size, channels], format: intFormat(false, 4, 2) });
  const count = units * kernel * kernel * (channels / groups);
  const data = Array.from({ length: count }, (_, i) => (i % 7) - 3);
  const weights = { units, kernel: [kernel, kernel], data, format: intFormat(true, 3, 2) };
  const margin = [padding, padding];
  const sums = b.conv({
    layer: "conv",
    name: "sums",
    input: x,
    weights,
    groups,
    strides: [stride, stride],
    dilations: [dilation, dilation],
    padding: { before: margin, after: margin },
  });
  const y = b.requantize({ layer: "conv", name: "y", input: sums, format: intFormat(false, 4, 2) });
  b.output("y", y, "value");
  return b.build();
}

it("is what the folding and the ports ask for, within 2 %", () => {
  for (let seed = 0; seed < CASES; seed++) {
    const shape = randomShape(seed);
    const program = programOf(shape);
    const positions = elementsOf(valueNamed(program, "sums").shape) / shape.units;
    const macs = positions * shape.units * shape.kernel ** 2 * (shape.channels / shape.groups);
    const wished = Math.ceil(macs / createRandom(seed, "lanes").integer(1, 40));
    const options = { clockMHz: 100, intervalCycles: wished, folding: {}, outputs: "both" } as const;
    const first = scheduleProgram(program, options).stages;
    const input = first.find((s) => s.kind === "input")!;
    const output = first.find((s) => s.kind === "output")!;
    const { pe, simd } = first.find((s) => s.kind === "dense")!;
    const { channels, units, groups, kernel } = shape;
    const isDepthwise = groups === channels && groups === units;
    const folds = isDepthwise
      ? kernel ** 2 * (channels / pe)
      : Math.ceil(units / groups / pe) * Math.ceil((kernel ** 2 * channels) / groups / simd) * groups;
    const least = Math.max(input.words, input.beats, output.beats, positions * folds);
    // The same lanes, asked for all that they can.
    const asked = { ...options, intervalCycles: least, folding: { conv: { pe, simd } } };
    const { stages, intervalCycles, even } = scheduleProgram(program, asked);
    const window = stages.find((s) => s.kind === "line-window");
    if (window) {
      const { size, words } = window.geometry;
      const extent = (kernel - 1) * shape.dilation;
      // A window, the rows above it and those that it moves on by; without padding the next packet's first window too.
      const one = extent * size[1] * words + (extent + 1) * words;
      const windows = shape.padding === extent / 2 ? 1 : 2;
      const most = windows * one + shape.stride * size[1] * words;
      expect(window.capacity, `seed ${seed}`).toBeLessThanOrEqual(most);
    }
    expect(even, `seed ${seed}`).toBe(true);
    expect(intervalCycles, `seed ${seed}: ${JSON.stringify(shape)}, least ${least}`).toBeLessThanOrEqual(
      SLACK * least,
    );
  }
});
