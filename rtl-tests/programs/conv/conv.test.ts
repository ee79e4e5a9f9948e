// conv alone: padding, strides, groups, taps side by side, depthwise, sequences, bipolar operands; folds of several words.
import { describe, expect, test } from "vitest";
import { createProgramBuilder, intFormat } from "../../../compiler/program/builder.ts";
import { elementsOf, type Format, mantissaRange, type Program } from "../../../compiler/program/program.ts";
import type { Folding } from "../../../compiler/schedule/folding.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { verdict } from "../../harness/programs.ts";

interface Parameters {
  readonly shape: readonly number[];
  readonly units: number;
  readonly kernel: readonly number[];
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  readonly spread?: readonly number[];
  readonly padding?: number;
  readonly pad?: number;
  readonly groups?: number;
  readonly x?: Format;
  readonly weights?: Format;
  readonly bias?: boolean;
  readonly folding?: Folding;
  readonly interval?: number;
}

const BITS: Format = { kind: "bipolar", fraction: 0 };

function program(p: Parameters): Program {
  const random = randomFor("conv program", JSON.stringify(p));
  const builder = createProgramBuilder("conv");
  const x = builder.input({ name: "x", shape: p.shape, format: p.x ?? intFormat(false, 4, 2) });
  const format = p.weights ?? intFormat(true, 4, 3);
  const { min, max } = mantissaRange(format);
  const groups = p.groups ?? 1;
  const count = p.units * elementsOf(p.kernel) * (p.shape.at(-1)! / groups);
  const around = p.kernel.map(() => p.padding ?? 0);
  const y = builder.conv({
    layer: "conv",
    name: "y",
    input: x,
    weights: {
      units: p.units,
      kernel: p.kernel,
      data: Array.from({ length: count }, () => random.integer(min, max)),
      format,
    },
    ...(p.bias ? { bias: integers(random, p.units, 8, true) } : {}),
    ...(p.strides ? { strides: p.strides } : {}),
    ...(p.dilations ? { dilations: p.dilations } : {}),
    ...(p.spread ? { spread: p.spread } : {}),
    padding: { before: around, after: around },
    groups,
    padMantissa: p.pad ?? 0,
  });
  builder.output("y", y, "value");
  return builder.build();
}

const CASES: readonly (readonly [string, Parameters])[] = [
  [
    "3 x 3 with padding",
    {
      shape: [5, 6, 4],
      units: 6,
      kernel: [3, 3],
      padding: 1,
      pad: 3,
      bias: true,
      folding: { pe: 3, simd: 2 },
    },
  ],
  [
    "taps side by side",
    { shape: [6, 5, 1], units: 4, kernel: [3, 3], strides: [2, 1], padding: 1, folding: { pe: 2, simd: 4 } },
  ],
  [
    "groups",
    { shape: [4, 4, 6], units: 4, kernel: [2, 2], groups: 2, bias: true, folding: { pe: 1, simd: 3 } },
  ],
  [
    "depthwise",
    {
      shape: [5, 5, 6],
      units: 6,
      kernel: [3, 3],
      groups: 6,
      padding: 1,
      bias: true,
      folding: { pe: 2, simd: 1 },
    },
  ],
  ["two sums of each channel", { shape: [4, 4, 2], units: 4, kernel: [3, 2], groups: 2, interval: 30 }],
  [
    "a dilated sequence of bits",
    { shape: [12, 4], units: 3, kernel: [3], dilations: [2], x: BITS, weights: BITS, bias: true },
  ],
  ["transposed", { shape: [3, 3, 2], units: 2, kernel: [3, 3], spread: [2, 2], padding: 1, interval: 60 }],
  [
    "depthwise with all taps side by side",
    { shape: [5, 6, 4], units: 4, kernel: [3, 3], groups: 4, padding: 1, folding: { pe: 4, simd: 9 } },
  ],
  [
    "depthwise with some taps, two sums of each channel, in turns",
    {
      shape: [6, 5, 4],
      units: 8,
      kernel: [3, 3],
      groups: 4,
      strides: [2, 1],
      padding: 1,
      pad: 2,
      bias: true,
      folding: { pe: 4, simd: 5 },
    },
  ],
  [
    "groups side by side",
    {
      shape: [4, 5, 8],
      units: 12,
      kernel: [2, 3],
      groups: 4,
      dilations: [1, 2],
      padding: 1,
      bias: true,
      folding: { pe: 6, simd: 4 },
    },
  ],
  [
    "a part of a group's outputs with taps side by side",
    {
      shape: [4, 4, 6],
      units: 8,
      kernel: [3, 3],
      groups: 2,
      x: BITS,
      weights: BITS,
      folding: { pe: 2, simd: 12 },
    },
  ],
  [
    "a sequence with taps side by side",
    {
      shape: [17, 2],
      units: 3,
      kernel: [7],
      strides: [2],
      padding: 3,
      bias: true,
      folding: { pe: 3, simd: 6 },
    },
  ],
  [
    "transposed, all taps side by side",
    { shape: [4, 3, 2], units: 3, kernel: [4, 4], spread: [2, 2], padding: 2, folding: { pe: 3, simd: 8 } },
  ],
  [
    "transposed with fewer taps than phases along one axis",
    {
      shape: [3, 4, 2],
      units: 4,
      kernel: [1, 3],
      spread: [3, 2],
      groups: 2,
      bias: true,
      folding: { pe: 4, simd: 2 },
    },
  ],
  [
    "transposed depthwise sequence",
    { shape: [9, 3], units: 3, kernel: [5], spread: [3], padding: 3, groups: 3, folding: { pe: 1, simd: 2 } },
  ],
  [
    "transposed with steps between taps",
    {
      shape: [3, 3, 2],
      units: 2,
      kernel: [2, 2],
      spread: [2, 1],
      dilations: [3, 2],
      padding: 2,
      interval: 400,
    },
  ],
  [
    "transposed signs",
    { shape: [3, 3, 4], units: 2, kernel: [2, 2], spread: [2, 2], padding: 1, weights: BITS, interval: 80 },
  ],
  [
    "transposed signs with a tap that a phase lacks, padded with 3",
    {
      shape: [3, 3, 1],
      units: 2,
      kernel: [3, 2],
      spread: [2, 2],
      padding: 1,
      pad: 3,
      weights: BITS,
      interval: 400,
    },
  ],
  ["1 x 1", { shape: [3, 4, 4], units: 4, kernel: [1, 1], folding: { pe: 4, simd: 4 } }],
];

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("conv", () => {
  test.each(CASES)("%s", async (_, parameters) => {
    const { folding, interval = 1000 } = parameters;
    const wishes = { intervalCycles: interval, folding: folding ? { conv: folding } : {} };
    expect(await verdict(designOf(program(parameters), wishes))).toEqual({ c: "passed", rtl: "passed" });
  });
});
