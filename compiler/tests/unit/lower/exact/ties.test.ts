// Numbers that lie on the border of two integers, made so by hand: every rounding, sign and zero point, for all integers of
// an input, against fractions in which nothing is rounded.
import { describe, expect, test } from "vitest";
import type { ImportedModel, QuantRounding } from "../../../../graph/imported.ts";
import { lowerImported } from "../../../../lower/exact/lower-imported.ts";
import { mantissaRange, type Opcode, valueNamed } from "../../../../program/program.ts";
import { simulate } from "../../../../sim/simulate.ts";
import { DOUBLES, evaluate, FRACTIONS, roundOne } from "./evaluate.ts";
import { modelOf, type NodeParts, numbers, ROUNDINGS } from "./random-imported.ts";

/** An input of one number with its integers from -128 on, steps behind it, and a quantizer. */
interface Case {
  readonly scale: number;
  readonly zero?: number;
  readonly steps: readonly NodeParts[];
  readonly weight?: number;
  readonly bias?: number;
  readonly outScale: number;
  readonly outZero?: number;
  readonly range?: readonly [number, number];
}

function modelFor(one: Case, rounding: QuantRounding): ImportedModel {
  const [least, greatest] = one.range ?? [-40, 40];
  const quantizer = {
    kind: "int",
    scale: numbers(one.scale),
    zeroPoint: numbers(one.zero ?? 0),
    least: -128,
    greatest: 127,
    rounding: "ROUND",
  } as const;
  const layer: readonly NodeParts[] =
    one.weight === undefined ? [] : [{ kind: "dense", name: "layer", input: "first", shape: [1], units: 1 }];
  const before = [...layer, ...one.steps];
  const chained = before.map((node, i) => ({ ...node, input: i === 0 ? "first" : before[i - 1]!.name }));
  return modelOf(
    [
      { kind: "input", name: "x", shape: [1], stored: null },
      { kind: "quantize", name: "first", input: "x", shape: [1], quantizer },
      ...(chained as NodeParts[]),
      {
        kind: "quantize",
        name: "last",
        input: before.at(-1)?.name ?? "first",
        shape: [1],
        quantizer: {
          kind: "int",
          scale: numbers(one.outScale),
          zeroPoint: numbers(one.outZero ?? 0),
          least,
          greatest,
          rounding,
        },
      },
    ],
    {
      layer: {
        weights: numbers(one.weight ?? 0),
        bias: one.bias === undefined ? null : numbers(one.bias),
      },
    },
  );
}

const f = Math.fround;
const affine = (gain: number, offset: number): NodeParts => ({
  kind: "affine",
  name: `affine ${gain}`,
  input: "",
  shape: [1],
  gain: numbers(gain),
  offset: numbers(offset),
});
/** A variance that is a square, so that fractions can take its root. */
const norm = (scale: number, mean: number, deviation: number, bias: number): NodeParts => ({
  kind: "norm",
  name: "norm",
  input: "",
  shape: [1],
  scale: numbers(scale),
  mean: numbers(mean),
  variance: numbers(deviation ** 2),
  bias: numbers(bias),
  epsilon: 0,
});

const CASES: readonly (readonly [string, Case])[] = [
  ["a half of a float scale", { scale: f(0.1), steps: [], outScale: f(0.1) * 2 }],
  ["a quarter, behind a zero point", { scale: f(0.3), zero: 5, steps: [], outScale: f(0.3) * 4 }],
  ["an odd zero point", { scale: f(0.1), steps: [], outScale: f(0.1) * 2, outZero: 3 }],
  ["an even zero point", { scale: f(0.1), steps: [], outScale: f(0.1) * 2, outZero: -4 }],
  ["halves of powers of two", { scale: 0.25, steps: [], outScale: 0.5 }],
  ["a falling gain", { scale: f(0.7), steps: [affine(-1, 0)], outScale: f(0.7) * 2 }],
  ["a falling gain of sums", { scale: f(0.7), weight: 3, steps: [affine(-1, 0)], outScale: f(0.7) * 6 }],
  [
    "a division by three",
    {
      scale: 0.75,
      steps: [
        {
          kind: "affine",
          name: "div",
          input: "",
          shape: [1],
          gain: numbers(1 / 3),
          divisor: numbers(3),
          offset: numbers(0),
        },
      ],
      outScale: 0.5,
    },
  ],
  ["two thirds of a scale", { scale: f(0.2), weight: 2, steps: [], outScale: f(0.2) * 3 * 4 }],
  ["a bias on the border", { scale: f(0.1), weight: 1, bias: f(0.1), steps: [], outScale: f(0.1) * 2 }],
  ["a bias between integers", { scale: 0.5, weight: 1, bias: 0.25, steps: [], outScale: 1.5 }],
  ["a bias finer than a shift", { scale: 0.5, weight: 1, bias: 0.125, steps: [], outScale: 2 }],
  ["a norm with a root", { scale: f(0.1), weight: 1, steps: [norm(-3, f(0.1), 4, 0)], outScale: f(0.1) * 3 }],
  [
    "a norm behind a ReLU",
    {
      scale: 0.5,
      weight: -1,
      steps: [{ kind: "relu", name: "relu", input: "", shape: [1] }, norm(2, 1, 3, 1)],
      outScale: 2,
    },
  ],
  [
    "a ReLU before a signed quantizer",
    { scale: 0.5, weight: 1, steps: [{ kind: "relu", name: "relu", input: "", shape: [1] }], outScale: 1 },
  ],
  [
    "a clamp on the border",
    { scale: 0.25, weight: 1, steps: [{ kind: "relu6", name: "relu6", input: "", shape: [1] }], outScale: 4 },
  ],
  [
    "a slope",
    {
      scale: 0.5,
      weight: 1,
      steps: [{ kind: "leaky_relu", name: "leaky", input: "", shape: [1], slope: 0.25 }],
      outScale: 1,
    },
  ],
  [
    "a curve that turns",
    { scale: 0.25, steps: [{ kind: "hardswish", name: "swish", input: "", shape: [1] }], outScale: f(1 / 3) },
  ],
  ["few levels", { scale: f(0.1), steps: [], outScale: f(0.1) * 2, range: [-2, 1] }],
  ["levels above 0", { scale: f(0.1), steps: [], outScale: f(0.1) * 2, range: [3, 9] }],
  ["one level", { scale: f(0.1), steps: [], outScale: f(0.1) * 2, range: [2, 2] }],
  ["eight bits", { scale: 0.25, weight: 1, steps: [], outScale: 0.5, range: [-128, 127] }],
  ["a finer grid", { scale: 0.5, weight: 1, steps: [], outScale: 0.125, range: [-8, 7] }],
];

const used = new Set<Opcode>();

describe.each(CASES)("%s", (_, one) => {
  test.each(ROUNDINGS)("%s", (rounding) => {
    const model = modelFor(one, rounding);
    const { program, outputs } = lowerImported(model);
    for (const { op } of program.instructions) used.add(op);
    const { format } = valueNamed(program, "x");
    const { min, max } = mantissaRange(format);
    const integers = Array.from({ length: max - min + 1 }, (_, i) => min + i);
    const { values } = simulate(program, new Map([["x", integers]]), integers.length);
    const { value, scale, offset } = outputs[0]!;
    const got = [...values.get(value)!].map((m) => m * scale[0]! + offset[0]!);
    const expected = integers.map((m) => {
      const x = new Map([["x", [(m - (one.zero ?? 0)) * one.scale]]]);
      return FRACTIONS.toNumber(evaluate(model, x, FRACTIONS).get("last")![0]!);
    });
    for (const [i, real] of got.entries())
      expect(real, `integer ${integers[i]}`).toBeCloseTo(expected[i]!, 9);
  });
});

test("shifts, tables and thresholds have decided them", () => {
  expect([...used].sort()).toEqual(expect.arrayContaining(["dense", "requantize", "table", "threshold"]));
});

test("the roundings are those of the QONNX table", () => {
  const rows: readonly (readonly [number, readonly number[]])[] = [
    [5.5, [6, 6, 5, 6, 5, 6, 5]],
    [2.5, [2, 3, 2, 3, 2, 3, 2]],
    [1.1, [1, 2, 1, 2, 1, 1, 1]],
    [1, [1, 1, 1, 1, 1, 1, 1]],
    [-1.1, [-1, -1, -2, -2, -1, -1, -1]],
    [-2.5, [-2, -2, -3, -3, -2, -3, -2]],
    [-5.5, [-6, -5, -6, -6, -5, -6, -5]],
  ];
  const modes = ["ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN"] as const;
  for (const [x, wanted] of rows) {
    const found = modes.map((mode) => roundOne(x, mode, DOUBLES));
    expect(
      found.map((y) => (y === 0 ? 0 : y)),
      `${x}`,
    ).toEqual(wanted);
  }
});
