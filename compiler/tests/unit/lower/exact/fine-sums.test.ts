// Sums of tensors whose scales have nothing in common, behind a quantizer: every pair of integers that can come, against the
// formulas; then the same programs in C.
import { describe, expect, test } from "vitest";
import type { ImportedModel, Quantizer, QuantRounding } from "../../../../graph/imported.ts";
import { lowerImported } from "../../../../lower/exact/lower-imported.ts";
import { widthOf } from "../../../../program/program.ts";
import { hasTool } from "../../../tools-present.ts";
import { compareWithSimulator, SANITIZERS } from "../../c/c-runner.ts";
import { compareWithFormulas } from "./compare.ts";
import { modelOf, type NodeParts, numbers } from "./random-imported.ts";

const f = Math.fround;
const S: readonly number[] = [1];

interface Case {
  readonly kind: "add" | "subtract";
  readonly bits: readonly [number, number];
  readonly scales: readonly [number, number];
  readonly zeros?: readonly [number, number];
  readonly steps?: readonly NodeParts[];
  readonly out: { readonly scale: number; readonly zero?: number; readonly rounding?: QuantRounding };
  /** -127 in the place of -128. */
  readonly narrow?: boolean;
}

const signed = (bits: number, scale: number, zero = 0, narrow = false): Quantizer => ({
  kind: "int",
  scale: numbers(scale),
  zeroPoint: numbers(zero),
  least: -(2 ** (bits - 1)) + (narrow ? 1 : 0),
  greatest: 2 ** (bits - 1) - 1,
  rounding: "ROUND",
});

const quantize = (name: string, input: string, quantizer: Quantizer): NodeParts => ({
  kind: "quantize",
  name,
  input,
  shape: S,
  quantizer,
});

function modelFor({ kind, bits, scales, zeros, steps = [], out, narrow }: Case): ImportedModel {
  const chained = steps.map((node, i) => ({ ...node, input: i === 0 ? "sum" : steps[i - 1]!.name }));
  return modelOf([
    { kind: "input", name: "x", shape: S, stored: null },
    { kind: "input", name: "y", shape: S, stored: null },
    quantize("a", "x", signed(bits[0], scales[0], zeros?.[0])),
    quantize("b", "y", signed(bits[1], scales[1], zeros?.[1])),
    { kind, name: "sum", inputs: ["a", "b"], shape: S },
    ...(chained as NodeParts[]),
    quantize("q", steps.at(-1)?.name ?? "sum", {
      ...signed(8, out.scale, out.zero, narrow),
      rounding: out.rounding ?? "ROUND",
    } as Quantizer),
  ]);
}

/** The real inputs of every pair of integers. */
function everyPair({ bits, scales, zeros = [0, 0] }: Case): Map<string, number[]>[] {
  const integers = (width: number): number[] =>
    Array.from({ length: 2 ** width }, (_, i) => i - 2 ** (width - 1));
  return integers(bits[0]).flatMap((a) =>
    integers(bits[1]).map(
      (b) =>
        new Map([
          ["x", [(a - zeros[0]!) * scales[0]]],
          ["y", [(b - zeros[1]!) * scales[1]]],
        ]),
    ),
  );
}

const relu: NodeParts = { kind: "relu", name: "relu", input: "", shape: S };
const CASES: readonly (readonly [string, Case])[] = [
  ["a residual", { kind: "add", bits: [7, 7], scales: [f(0.02), f(0.0173)], out: { scale: f(0.031) } }],
  [
    "a difference behind zero points",
    {
      kind: "subtract",
      bits: [6, 6],
      scales: [f(0.11), f(0.07)],
      zeros: [5, -7],
      out: { scale: f(0.093), zero: 3 },
    },
  ],
  ["a relu", { kind: "add", bits: [6, 5], scales: [f(0.3), f(0.7)], steps: [relu], out: { scale: f(0.37) } }],
  [
    "a falling gain, rounded down",
    {
      kind: "add",
      bits: [5, 6],
      scales: [f(0.3), f(0.11)],
      steps: [
        {
          kind: "affine",
          name: "gain",
          input: "",
          shape: S,
          gain: numbers(f(-0.7)),
          offset: numbers(f(0.2)),
        },
      ],
      out: { scale: f(0.13), rounding: "FLOOR" },
    },
  ],
  [
    "an end that saturates",
    {
      kind: "add",
      bits: [6, 6],
      scales: [f(0.9), f(0.77)],
      out: { scale: f(0.1) },
      narrow: true,
    },
  ],
];

describe.each(CASES)("%s", (_, one) => {
  const model = modelFor(one);

  test("has the level of every pair of integers", () => {
    const { lowered, differences, compared } = compareWithFormulas(model, everyPair(one));
    expect(differences).toEqual([]);
    expect(compared).toBe(2 ** (one.bits[0] + one.bits[1]));
    const { instructions, values } = lowered.program;
    const ops = ["scale", "scale", "add", "requantize"];
    expect(instructions.map(({ op }) => op)).toEqual(one.narrow ? [...ops, "table"] : ops);
    expect(Math.max(...values.map(({ format }) => widthOf(format)))).toBeLessThan(48);
  });

  test.skipIf(!hasTool("cc"))("in C as well", () => {
    const options = { flags: ["-O0", ...SANITIZERS], count: 64 };
    expect(compareWithSimulator([lowerImported(model).program], options)).toEqual([]);
  });
});

test("is refused where something else than a quantizer reads it, or there are too many pairs", () => {
  const [, residual] = CASES[0]!;
  const summed = { ...modelFor(residual), outputs: [{ name: "o", node: "sum" }] };
  const wide = modelFor({ ...residual, bits: [12, 12] });
  for (const model of [summed, wide]) expect(() => lowerImported(model)).toThrow(/no unit of few bits/);
});
