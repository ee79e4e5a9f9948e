// Convolutions, pools and arithmetic in generated C against the simulator, at what changes their code: packed lanes,
// depthwise filters, groups, windows whose elements lie side by side, what stands outside, and the widest sums.
import { describe, expect, it } from "vitest";
import { generateC } from "../../../c/generate.ts";
import { createProgramBuilder, intFormat, type ProgramBuilder } from "../../../program/builder.ts";
import { elementsOf, type Format, mantissaRange, type Program } from "../../../program/program.ts";
import { createRandom } from "../../../support/random.ts";
import { hasTool } from "../../tools-present.ts";
import { CC, compareWithSimulator, SANITIZERS } from "./c-runner.ts";

/** Milliseconds: one build is long on a machine that does much else. */
const TIMEOUT = 400_000;
const BUILDS: readonly (readonly string[])[] = [["-O1", ...SANITIZERS], ["-O3"]];
const BIPOLAR: Format = { kind: "bipolar", fraction: 0 };
const byte = intFormat(false, 8, 4);

/** One instruction on an input; the builder's call makes the result `y`. */
function single(
  name: string,
  shape: readonly number[],
  format: Format,
  make: (builder: ProgramBuilder) => void,
): Program {
  const builder = createProgramBuilder(name);
  builder.input({ name: "x", shape, format });
  make(builder);
  builder.output("y", "y", "value");
  return builder.build();
}

interface ConvCase {
  readonly input: readonly number[];
  readonly format: Format;
  readonly units: number;
  readonly kernel: readonly number[];
  readonly weights: Format;
  readonly bias?: number;
  readonly groups?: number;
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  readonly spread?: readonly number[];
  readonly padding?: { before: readonly number[]; after: readonly number[] };
  readonly padMantissa?: number;
}

/** A conv whose first channels have the smallest and the largest weights alone. */
function conv(name: string, { input, format, units, kernel, weights, bias, ...rest }: ConvCase): Program {
  const random = createRandom(29, name);
  const { min, max } = mantissaRange(weights);
  const row = (elementsOf(kernel) * input.at(-1)!) / (rest.groups ?? 1);
  const data = Array.from({ length: units * row }, (_, i) => {
    const unit = Math.floor(i / row);
    return unit === 0 ? min : unit === 1 ? max : random.integer(min, max);
  });
  return single(name, input, format, (builder) =>
    builder.conv({
      layer: "conv",
      name: "y",
      input: "x",
      weights: { units, kernel, data, format: weights },
      ...(bias === undefined
        ? {}
        : { bias: Array.from({ length: units }, () => random.integer(-bias, bias)) }),
      ...rest,
    }),
  );
}

const same = (n: number): { before: number[]; after: number[] } => ({ before: [n, n], after: [n, n] });
const image = { input: [5, 6, 3], format: byte, units: 4, kernel: [3, 3], weights: intFormat(true, 8, 3) };

const convs: readonly Program[] = [
  conv("plain", { ...image, bias: 500 }),
  conv("padded", { ...image, padding: same(1), padMantissa: 9 }),
  conv("strided", { ...image, padding: same(2), strides: [2, 3], dilations: [2, 1] }),
  conv("transposed", { ...image, spread: [2, 3], padding: { before: [1, 2], after: [2, 0] } }),
  conv("between", {
    ...image,
    format: intFormat(true, 5, 0),
    spread: [3, 2],
    padding: same(1),
    padMantissa: -7,
  }),
  conv("packed", { ...image, input: [4, 4, 33], weights: intFormat(true, 3, 3), padding: same(1) }),
  conv("grouped", {
    ...image,
    input: [4, 5, 6],
    groups: 3,
    units: 6,
    padding: same(1),
    weights: intFormat(false, 5, 0),
  }),
  conv("point", { ...image, kernel: [1, 1], strides: [2, 1] }),
  conv("pointgroups", { ...image, input: [3, 4, 6], kernel: [1, 1], groups: 2, bias: 3 }),
  conv("whole", { ...image, kernel: [5, 6], bias: 9 }),
  conv("rows", { ...image, kernel: [2, 6], strides: [3, 1] }),
  conv("wide", { ...image, format: intFormat(true, 16, 0), weights: intFormat(true, 16, 0), bias: 2 ** 40 }),
  conv("sequence", { ...image, input: [40, 2], kernel: [5], strides: [3] }),
  conv("causal", {
    ...image,
    input: [9, 3],
    kernel: [3],
    dilations: [2],
    padding: { before: [4], after: [0] },
  }),
  // What is outside does not fit the input's own type, or its sign.
  single("outside", [4, 4, 2], byte, (builder) => {
    const table = Array.from({ length: 256 }, (_, i) => i % 100);
    builder.table({ layer: "t", name: "t", input: "x", table, format: intFormat(true, 10, 2) });
    const data = Array.from({ length: 3 * 9 * 2 }, (_, i) => (i % 7) - 3);
    builder.conv({
      layer: "c",
      name: "y",
      input: "t",
      weights: { units: 3, kernel: [3, 3], data, format: intFormat(true, 3, 0) },
      padding: same(1),
      padMantissa: -500,
    });
  }),
];

/** Every kind of operand, in a window and where its elements lie side by side. */
const oneBit: readonly Program[] = [BIPOLAR, intFormat(true, 3, 0)].flatMap((format, f) =>
  [BIPOLAR, intFormat(true, 2, 0)].flatMap((weights, w) =>
    [
      { kernel: [3, 2], input: [4, 5, 7] },
      { kernel: [2, 5], input: [4, 5, 7] },
      { kernel: [2, 2], input: [3, 3, 6], groups: 2 },
      { kernel: [2, 2], input: [3, 3, 4], groups: 4 },
    ].map((given, n) =>
      conv(`bits${f}${w}${n}`, { ...given, format, weights, units: 4, ...(n === 1 ? {} : { bias: 20 }) }),
    ),
  ),
);

/** Packed rows in full, partial and single lanes, plain ones, several filters for a channel. */
const depthwise: readonly Program[] = [
  ...[1, 2, 3, 5, 7, 8, 12].flatMap((width) =>
    [3, 37, 139].map((channels) =>
      conv(`dw${width}x${channels}`, {
        input: [3, 4, channels],
        format: intFormat(width % 2 === 0, 6, 0),
        units: channels,
        kernel: [2, 3],
        groups: channels,
        weights: intFormat(width !== 5, width, 0),
        ...(channels === 37 ? { bias: 90 } : { padding: same(1), padMantissa: 5 }),
      }),
    ),
  ),
  ...[2, 3].map((filters) =>
    conv(`filters${filters}`, {
      input: [5, 9],
      format: byte,
      units: 9 * filters,
      kernel: [3],
      groups: 9,
      weights: intFormat(true, filters + 1, 0),
      bias: 70,
    }),
  ),
  conv("dwwide", {
    input: [4, 3],
    format: intFormat(false, 16, 0),
    units: 3,
    kernel: [3],
    groups: 3,
    weights: intFormat(true, 16, 0),
    bias: 2 ** 35,
    padding: { before: [1], after: [1] },
  }),
];

/** Windows of many sizes; means whose sums and products need more than 32 bits. */
const pools: readonly Program[] = (["max", "average"] as const).flatMap((kind) =>
  [
    { shape: [6, 7, 5], window: [2, 2] },
    { shape: [6, 7, 5], window: [3, 3], strides: [2, 1], padding: same(1) },
    { shape: [7, 7, 3], window: [7, 7] },
    { shape: [9, 4], window: [3], strides: [2] },
    { shape: [5, 5, 1], window: [5, 3], strides: [1, 2], padding: { before: [4, 0], after: [3, 2] } },
    { shape: [200, 300, 2], window: [200, 300] },
    { shape: [4, 1], window: [1] },
  ].flatMap((given, n) =>
    [intFormat(n % 2 === 0, 8, 1), intFormat(true, 16, 0), intFormat(false, 16, 0)].map((format, f) =>
      single(`${kind}${n}${f}`, given.shape, format, (builder) =>
        builder.pool({ layer: "p", name: "y", input: "x", kind, ...given }),
      ),
    ),
  ),
);

/** Operands up to 24 bits, shifted towards each other by up to 20 bits, and gates. */
const arithmetic: readonly Program[] = (["add", "subtract", "multiply"] as const).flatMap((op) =>
  [
    { width: 8, fractions: [0, 0], gate: false },
    { width: 8, fractions: [3, -2], gate: true },
    { width: 16, fractions: [-8, 7], gate: false },
    { width: 16, fractions: [16, 0], gate: true },
    { width: 24, fractions: [0, 0], gate: false },
    { width: 24, fractions: [0, 20], gate: true },
  ].map(({ width, fractions, gate }, n) => {
    const builder = createProgramBuilder(`${op}${n}`);
    const operand = (name: string, shape: readonly number[], fraction: number, signed: boolean): string => {
      const format = intFormat(signed, Math.min(width, 16), fraction);
      const input = builder.input({ name, shape, format });
      if (width <= 16) return input;
      // Sums of a weight of 8 bits: as wide as an operand may be.
      const weights = {
        units: 3,
        kernel: [1, 1],
        data: [127, 0, 0, 0, -127, 0, 0, 0, 127],
        format: intFormat(true, 8, 0),
      };
      return builder.conv({ layer: name, name: `${name} wide`, input, weights });
    };
    const a = operand("a", [2, 3, 3], fractions[0]!, true);
    const b = operand("b", gate ? [1, 1, 3] : [2, 3, 3], fractions[1]!, n % 2 === 0);
    builder.output("y", builder[op]({ layer: "y", name: "y", inputs: [a, b] }), "value");
    builder.output("twice", builder[op]({ layer: "twice", name: "twice", inputs: [a, a] }), "value");
    return builder.build();
  }),
);

/** A sum with an operand that is always 0, shifted further than any integer is wide. */
const nothing: Program = single("nothing", [3], intFormat(true, 8, 60), (builder) => {
  const format = intFormat(false, 4, -40);
  builder.table({ layer: "zero", name: "zero", input: "x", table: new Array<number>(256).fill(0), format });
  builder.subtract({ layer: "y", name: "y", inputs: ["x", "zero"] });
});

const ALL = [...convs, ...oneBit, ...depthwise, ...pools, ...arithmetic, nothing];

describe.skipIf(!hasTool(CC))("spatial instructions compute what the simulator computes", () => {
  it.each(BUILDS)(
    "built with %s",
    (...flags) => {
      expect(compareWithSimulator(ALL, { flags, count: 3 })).toEqual([]);
    },
    TIMEOUT,
  );
});

describe("the text of spatial instructions", () => {
  const textOf = (program: Program): string => {
    const { files, manifest } = generateC(program, { version: "1" });
    return `${files.get(`c/${manifest.prefix}.c`)}`;
  };
  const named = (name: string): Program => ALL.find((program) => program.name === name)!;

  it("collects what the kernel sees only where it does not lie side by side", () => {
    for (const name of ["point", "pointgroups", "whole", "rows", "sequence"])
      expect(textOf(named(name)), name).not.toContain("patch");
    for (const name of ["plain", "causal", "grouped"]) expect(textOf(named(name)), name).toContain("patch");
  });

  it("divides by no number and knows no floating point", () => {
    for (const program of pools) {
      const { files } = generateC(program, { version: "1" });
      const text = textOf(program).replace(/\/\*[\s\S]*?\*\//g, "");
      expect(text).not.toMatch(/ \/ |\bfloat\b|\bdouble\b/);
      for (const [path, content] of files)
        if (/window_(max|sum)|divide/.test(path))
          expect(`${content}`.replace(/\/\*[\s\S]*?\*\//g, "")).not.toMatch(/ \/ /);
    }
  });

  it("packs the weights of every tap of a depthwise convolution", () => {
    const flash = (name: string): number => generateC(named(name), { version: "1" }).manifest.flashBytes;
    // 6 taps of 139 channels: 18 bytes for a bit of all, one byte for each weight of 8 bits, two beyond.
    expect([1, 2, 3, 5, 7, 8, 12].map((width) => flash(`dw${width}x139`))).toEqual(
      [1, 2, 3, 5, 7].map((bits) => 6 * 18 * bits).concat([6 * 139, 2 * 6 * 139]),
    );
  });
});
