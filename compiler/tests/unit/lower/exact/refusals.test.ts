// What has no exact integers is refused: all of it at once, with the node's name and what to do.
import { describe, expect, test } from "vitest";
import type { ImportedModel, Quantizer } from "../../../../graph/imported.ts";
import { lowerImported } from "../../../../lower/exact/lower-imported.ts";
import { type Diagnostic, DiagnosticError } from "../../../../support/diagnostics.ts";
import { modelOf, type NodeParts, numbers } from "./random-imported.ts";

const f = Math.fround;
const int = (scale: readonly number[], least: number, greatest: number, zero = 0): Quantizer => ({
  kind: "int",
  scale: numbers(...scale),
  zeroPoint: numbers(zero),
  least,
  greatest,
  rounding: "ROUND",
});
const S: readonly number[] = [3];
const x: NodeParts = { kind: "input", name: "x", shape: S, stored: null };
const q = (name: string, input: string, quantizer: Quantizer, shape = S): NodeParts => ({
  kind: "quantize",
  name,
  input,
  shape,
  quantizer,
});
/** Nobody knows whether such numbers can be ties. */
const twoCurves: readonly NodeParts[] = [
  { kind: "sigmoid", name: "sigmoid", input: "first", shape: S },
  { kind: "tanh", name: "tanh", input: "sigmoid", shape: S },
];
const first = q("first", "x", int([0.5], -4, 3));
const dense: NodeParts = { kind: "dense", name: "dense", input: "first", shape: S, units: 3 };
const weights = { weights: numbers(1, 2, 3, -1, 0, 1, 2, 2, -3) };

function refusalsOf(model: ImportedModel): readonly Diagnostic[] {
  try {
    lowerImported(model);
    return [];
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return error.diagnostics;
  }
}

const image: NodeParts = { kind: "input", name: "x", shape: [3, 3, 2], stored: null };
const pool = (name: string, input: string): NodeParts => ({
  kind: "pool",
  name,
  input,
  shape: [1, 1, 2],
  pooling: "max",
  window: [3, 3],
  strides: [3, 3],
  padding: { before: [0, 0], after: [0, 0] },
});

const CASES: readonly (readonly [string, string, ImportedModel])[] = [
  [
    // Integers -4 to 3 are no places.
    "import/exact-lookup",
    "table",
    modelOf([
      x,
      q("first", "x", int([1], -4, 3)),
      { kind: "lookup", name: "table", input: "first", shape: S, entries: numbers(1, 2, 3, 4) },
      q("q", "table", int([1], 0, 7)),
    ]),
  ],
  ["import/exact-input", "dense", modelOf([x, { ...dense, input: "x" } as NodeParts], { dense: weights })],
  [
    "import/exact-input",
    "z",
    modelOf(
      [
        x,
        first,
        { kind: "input", name: "y", shape: S, stored: null },
        q("o", "y", int([1], 0, 1)),
        { kind: "input", name: "z", shape: S, stored: null },
      ],
      {},
      ["first", "o", "z"],
    ),
  ],
  [
    "import/exact-input-grids",
    "second",
    modelOf([x, first, q("second", "x", int([0.25], -4, 3))], {}, ["first", "second"]),
  ],
  [
    "import/exact-unquantized",
    "again",
    modelOf(
      [
        x,
        first,
        dense,
        { kind: "relu", name: "relu", input: "dense", shape: S },
        { ...dense, name: "again", input: "relu" } as NodeParts,
      ],
      { dense: weights, again: weights },
    ),
  ],
  [
    "import/exact-weights",
    "dense",
    modelOf([x, first, dense], {
      dense: { weights: Float64Array.from({ length: 9 }, (_, i) => f(0.1 * (i + 1) + 1e-6 * i)) },
    }),
  ],
  ["import/exact-quantizer", "first", modelOf([x, q("first", "x", int([0], -4, 3))])],
  ["import/exact-quantizer", "first", modelOf([x, q("first", "x", int([1, 2], -4, 3))])],
  [
    "import/exact-zero-point",
    "dense",
    modelOf([x, first, dense], { dense: { ...weights, weightQuantizer: int([1], -4, 3, 0.5) } }),
  ],
  [
    "import/exact-levels",
    "wide",
    modelOf([x, first, dense, q("wide", "dense", int([f(0.01)], -4096, 4095))], { dense: weights }),
  ],
  [
    "import/exact-too-wide",
    "wide",
    modelOf([x, first, dense, q("wide", "dense", int([f(0.01)], 0, 2 ** 20))], { dense: weights }),
  ],
  ["import/exact-no-operator", "tanh", modelOf([x, first, ...twoCurves, q("o", "tanh", int([0.5], -2, 1))])],
  [
    "import/exact-not-monotone",
    "o",
    modelOf(
      [
        x,
        first,
        dense,
        { kind: "hardswish", name: "swish", input: "dense", shape: S },
        q("o", "swish", int([0.5], -2, 1)),
      ],
      { dense: weights },
    ),
  ],
  [
    "import/exact-residual",
    "sum",
    modelOf(
      [
        x,
        first,
        dense,
        q("other", "dense", int([f(0.3)], -4, 3)),
        { kind: "add", name: "sum", inputs: ["first", "other"], shape: S },
      ],
      { dense: weights },
    ),
  ],
  [
    "import/exact-channel-scales",
    "dense",
    modelOf([x, q("first", "x", int([f(0.1), f(0.2), f(0.37)], -4, 3)), dense], { dense: weights }),
  ],
  [
    "import/exact-concat",
    "both",
    modelOf([
      image,
      q("first", "x", int([f(0.5)], -4, 3), [3, 3, 2]),
      q("other", "first", int([f(0.3)], -4, 3), [3, 3, 2]),
      { kind: "concat", name: "both", inputs: ["first", "other"], axis: 0, shape: [6, 3, 2] },
    ]),
  ],
  [
    "import/exact-padding",
    "pad",
    modelOf([
      x,
      first,
      {
        kind: "pad",
        name: "pad",
        input: "first",
        shape: [5],
        padding: { before: [1], after: [1] },
        value: 0.3,
      },
    ]),
  ],
  [
    "import/exact-falling-pool",
    "pool",
    modelOf([
      image,
      q("first", "x", int([f(0.5)], -4, 3), [3, 3, 2]),
      {
        kind: "affine",
        name: "down",
        input: "first",
        shape: [3, 3, 2],
        gain: numbers(-1),
        offset: numbers(0),
      },
      pool("pool", "down"),
    ]),
  ],
  [
    "import/exact-output",
    "relu",
    modelOf([x, first, dense, { kind: "relu", name: "relu", input: "dense", shape: S }], { dense: weights }),
  ],
  [
    "import/exact-argmax",
    "class",
    modelOf(
      [
        x,
        first,
        dense,
        {
          kind: "norm",
          name: "norm",
          input: "dense",
          shape: S,
          scale: numbers(1),
          bias: numbers(0),
          mean: numbers(0),
          variance: numbers(2, 3, 5),
          epsilon: 0,
        },
        { kind: "argmax", name: "class", input: "norm", shape: [1] },
      ],
      { dense: weights },
    ),
  ],
  [
    "import/exact-weights-wide",
    "dense",
    modelOf([x, first, dense], {
      dense: { weights: numbers(1, 2, 3, 4, 5, 6, 7, 8, -60000), weightQuantizer: int([1], -60000, 60000) },
    }),
  ],
];

describe("refused", () => {
  test.each(CASES)("%s at %s", (code, node, model) => {
    const found = refusalsOf(model);
    expect(found.map((d) => d.code)).toEqual([code]);
    expect(found[0]!.message).toContain(JSON.stringify(node));
    expect(found[0]!.hint).toMatch(/\w/);
    expect(found[0]!.file).toBe("random.onnx");
  });

  test("everything at once, but not what only follows from it", () => {
    const model = modelOf(
      [
        x,
        first,
        ...twoCurves,
        q("behind", "tanh", int([0.5], -2, 1)),
        dense,
        q("other", "dense", int([f(0.3)], -4, 3)),
        { kind: "add", name: "sum", inputs: ["first", "other"], shape: S },
        q("wide", "dense", int([f(0.01)], -4096, 4095)),
      ],
      { dense: weights },
      ["behind", "sum", "wide"],
    );
    expect(refusalsOf(model).map((d) => d.code)).toEqual([
      "import/exact-no-operator",
      "import/exact-levels",
      "import/exact-residual",
    ]);
  });

  test("what stands behind a refused quantizer as well: it gives what it states", () => {
    const wide = int([f(0.01)], -4096, 4095);
    const model = modelOf(
      [
        x,
        first,
        dense,
        q("one", "dense", wide),
        { ...dense, name: "next", input: "one" },
        q("two", "next", int([f(0.3)], -4, 3)),
        { kind: "sigmoid", name: "curve", input: "two", shape: S },
        { kind: "tanh", name: "again", input: "curve", shape: S },
        q("three", "again", wide),
      ],
      { dense: weights, next: weights },
    );
    expect(refusalsOf(model).map((d) => [d.code, /"(\w+)"/.exec(d.message)![1]])).toEqual([
      ["import/exact-levels", "one"],
      ["import/exact-no-operator", "again"],
    ]);
  });

  test("an input of more bits than a tensor has, by its quantizer's name", () => {
    const [refusal] = refusalsOf(modelOf([x, q("first", "x", int([f(0.01)], 0, 2 ** 20))]));
    expect(refusal).toMatchObject({ code: "import/exact-too-wide" });
    expect(refusal!.message).toContain('"first"');
  });
});
