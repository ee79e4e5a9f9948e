// Small networks made by hand, one for each thing that files do: bytes before a quantizer, zero points, classes, sums
// without a quantizer, Trunc, inputs that are shared.
import { describe, expect, test } from "vitest";
import type { ImportedModel, Quantizer } from "../../../../graph/imported.ts";
import { lowerImported } from "../../../../lower/exact/lower-imported.ts";
import { type Program, valueNamed } from "../../../../program/program.ts";
import { simulate } from "../../../../sim/simulate.ts";
import { createRandom } from "../../../../support/random.ts";
import { ratio } from "../../../../support/rational.ts";
import { compareWithFormulas } from "./compare.ts";
import { evaluate, FRACTIONS } from "./evaluate.ts";
import { modelOf, type NodeParts, numbers } from "./random-imported.ts";

const f = Math.fround;
const int = (scale: number | readonly number[], least: number, greatest: number, zero = 0): Quantizer => ({
  kind: "int",
  scale: typeof scale === "number" ? numbers(scale) : numbers(...scale),
  zeroPoint: numbers(zero),
  least,
  greatest,
  rounding: "ROUND",
});
const input = (shape: readonly number[], name = "x"): NodeParts => ({
  kind: "input",
  name,
  shape,
  stored: null,
});
const quantize = (name: string, of: string, shape: readonly number[], quantizer: Quantizer): NodeParts => ({
  kind: "quantize",
  name,
  input: of,
  shape,
  quantizer,
});
const dense = (name: string, of: string, units: number): NodeParts => ({
  kind: "dense",
  name,
  input: of,
  shape: [units],
  units,
});
const ops = (program: Program): readonly string[] => program.instructions.map(({ op }) => op);

const random = createRandom("networks");
const normals = (count: number): Float64Array =>
  Float64Array.from({ length: count }, () => f(random.normal()));
const samplesOf = (shape: readonly number[], count = 40): Map<string, number[]>[] =>
  Array.from(
    { length: count },
    () => new Map([["x", [...normals(shape.reduce((a, b) => a * b, 1))].map((v) => v * 1.5)]]),
  );

function expectFormulas(model: ImportedModel, samples: readonly Map<string, number[]>[]): Program {
  const { lowered, differences, compared } = compareWithFormulas(model, samples);
  expect(differences).toEqual([]);
  expect(compared).toBeGreaterThan(0);
  return lowered.program;
}

describe("inputs", () => {
  // What a network for images does: x in 0..1 becomes 2x - 1, then two bits.
  const model = modelOf([
    input([256]),
    { kind: "affine", name: "scaled", input: "x", shape: [256], gain: numbers(2), offset: numbers(-1) },
    quantize("bits", "scaled", [256], int(1, -1, 1)),
  ]);

  test("bytes of value byte/255 become thresholds on bytes", () => {
    const inputs = new Map([["x", { signed: false, width: 8, scale: ratio(1, 255) }]]);
    const lowered = lowerImported(model, { inputs });
    expect(ops(lowered.program)).toEqual(["threshold"]);
    const bytes = Array.from({ length: 256 }, (_, i) => i);
    const got = simulate(lowered.program, new Map([["x", bytes]]), 1).values.get("bits")!;
    // As fractions: 255 * (2 * byte/255 - 1) and the rounding of its 255th part.
    for (const byte of bytes) {
      const y = 2 * byte - 255;
      const expected = 2 * y < -255 ? -1 : 2 * y > 255 ? 1 : 0;
      expect(got[byte], `byte ${byte}`).toBe(expected);
    }
    expect(lowered.inputs[0]!.scale[0]).toBeCloseTo(1 / 255, 15);
    expect([0, 0.5, 0.501, 1, 7].map((x) => lowered.inputs[0]!.mantissaOf(x, 0))).toEqual([
      0, 128, 128, 255, 255,
    ]);
  });

  test("the first quantizer's integers are those of the port otherwise", () => {
    const { program, inputs } = lowerImported(model);
    expect(program.instructions).toEqual([]);
    expect(valueNamed(program, "x").format).toMatchObject({ kind: "int", signed: true, width: 2 });
    // x = (m + 1) / 2
    expect([inputs[0]!.scale[0], inputs[0]!.offset[0]]).toEqual([0.5, 0.5]);
    expect([-3, 0, 0.25, 0.2501, 0.75, 0.76, 9].map((x) => inputs[0]!.mantissaOf(x, 0))).toEqual([
      -1, -1, 0, 0, 0, 1, 1,
    ]);
  });

  test("a table where a byte has more levels than comparisons are worth", () => {
    const fine = modelOf([input([4]), quantize("q", "x", [4], int(f(0.011), 0, 90))]);
    const { program } = lowerImported(fine, {
      inputs: new Map([["x", { signed: false, width: 8, scale: ratio(1, 255) }]]),
    });
    expect(ops(program)).toEqual(["table"]);
  });

  test("a stored type of the file", () => {
    const stored = modelOf([
      { kind: "input", name: "x", shape: [3], stored: { signed: false, width: 8, fraction: 8 } },
      quantize("q", "x", [3], int(1 / 16, 0, 15)),
    ]);
    const { program } = lowerImported(stored);
    expect(program.instructions).toMatchObject([{ op: "requantize", rounding: "half-even" }]);
    expectFormulas(stored, [new Map([["x", [0.03125, 0.09375, 0.99609375]]])]);
  });

  test("one port for two readers that quantize alike, in the file's order", () => {
    const q = int(f(0.1), -8, 7);
    const two = modelOf(
      [
        input([2], "a"),
        input([2], "b"),
        quantize("second", "b", [2], q),
        quantize("first", "a", [2], q),
        quantize("again", "a", [2], q),
        { kind: "add", name: "sum", inputs: ["first", "again"], shape: [2] },
        { kind: "add", name: "all", inputs: ["sum", "second"], shape: [2] },
      ],
      {},
      ["all"],
    );
    const { program } = lowerImported(two);
    expect(program.inputs).toEqual(["a", "b"]);
    expect(program.values.slice(0, 2).map((v) => v.name)).toEqual(["a", "b"]);
    expectFormulas(two, [
      new Map([
        ["a", [0.31, -0.7]],
        ["b", [0.2, 5]],
      ]),
    ]);
  });
});

describe("zero points", () => {
  test("of bytes, in a convolution with padding and a mean", () => {
    const shape = [4, 4, 2];
    const windows = {
      kernel: [3, 3],
      strides: [1, 1],
      dilations: [1, 1],
      padding: { before: [1, 1], after: [1, 1] },
      groups: 1,
      transposed: false,
    };
    const model = modelOf(
      [
        input(shape),
        quantize("q", "x", shape, int(f(0.02), 0, 255, 128)),
        { kind: "conv", name: "conv", input: "q", shape: [4, 4, 3], units: 3, ...windows },
        quantize("r", "conv", [4, 4, 3], int([f(0.4), f(0.7), f(0.3)], 0, 15, 7)),
        {
          kind: "pool",
          name: "mean",
          input: "r",
          shape: [1, 1, 3],
          pooling: "average",
          window: [4, 4],
          strides: [4, 4],
          padding: { before: [0, 0], after: [0, 0] },
        },
        quantize("s", "mean", [1, 1, 3], int(f(0.21), -8, 7)),
      ],
      {
        conv: {
          weights: normals(3 * 9 * 2),
          weightQuantizer: int([f(0.4), f(0.3), f(0.5)], -8, 7, 2),
          bias: normals(3),
        },
      },
      ["q", "r", "s"],
    );
    const program = expectFormulas(model, samplesOf(shape));
    expect(program.instructions[0]).toMatchObject({ op: "conv", padMantissa: 128 });
  });
});

describe("classes", () => {
  const model = (gains: readonly number[], offsets: readonly number[], bias = true): ImportedModel =>
    modelOf(
      [
        input([6]),
        quantize("q", "x", [6], int(f(0.3), -8, 7)),
        dense("dense", "q", 4),
        {
          kind: "affine",
          name: "scaled",
          input: "dense",
          shape: [4],
          gain: numbers(...gains),
          offset: numbers(...offsets),
        },
        { kind: "argmax", name: "class", input: "scaled", shape: [1] },
      ],
      {
        dense: {
          weights: normals(24),
          weightQuantizer: int(0.5, -3, 3),
          bias: bias ? Float64Array.from([0.1, -0.2, 0.30000001, 0.1], f) : null,
        },
      },
      ["class"],
    );

  test.each([
    ["one scale", [0.3], [1.5], false],
    ["one scale that falls", [-0.3], [1.5], false],
    ["biases between integers", [1], [0], true],
    ["scales that are multiples", [1, 2, 3, 0.5], [0], true],
    ["scales of any sign", [1, -2, 1.5, -0.5], [0.25, 0, 0, 1], false],
  ] as const)("%s", (_, gains, offsets, bias) => {
    const one = model(gains, offsets, bias);
    const samples = samplesOf([6], 400);
    const { lowered, differences } = compareWithFormulas(one, samples);
    expect(differences).toEqual([]);
    expect(lowered.outputs.map((o) => o.role)).toEqual(["logits", "class"]);
  });

  test("scales of floats by channel, as sums of up to 48 bits", () => {
    const quantizer = { ...int(1, -3, 3), scale: numbers(f(0.31), f(0.27), f(0.44), f(0.19)) };
    const floats = modelOf(
      [
        input([6]),
        quantize("q", "x", [6], int(f(0.3), -8, 7)),
        dense("dense", "q", 4),
        { kind: "argmax", name: "class", input: "dense", shape: [1] },
      ],
      { dense: { weights: normals(24), weightQuantizer: quantizer } },
    );
    const { lowered, differences } = compareWithFormulas(floats, samplesOf([6], 400));
    expect(differences).toEqual([]);
    expect(ops(lowered.program)).toEqual(["dense", "scale", "argmax"]);
  });

  test("equal logits go to the lowest index", () => {
    const equal = modelOf(
      [
        input([1]),
        quantize("q", "x", [1], int(1, -8, 7)),
        dense("dense", "q", 2),
        { kind: "argmax", name: "class", input: "dense", shape: [1] },
      ],
      { dense: { weights: numbers(1, 2), bias: numbers(0.5, -1.5) } },
    );
    const { program } = lowerImported(equal);
    // x + 0.5 and 2x - 1.5 are equal at 2.
    const { values } = simulate(program, new Map([["x", [1, 2, 3]]]), 3);
    expect([...values.get("class")!]).toEqual([0, 0, 1]);
  });
});

describe("outputs without a quantizer", () => {
  test("are sums with their scale, whole biases in them", () => {
    const model = modelOf([input([5]), quantize("q", "x", [5], int(0.25, -8, 7)), dense("dense", "q", 2)], {
      dense: { weights: normals(10), weightQuantizer: int([0.5, 0.125], -3, 3), bias: numbers(0.5, -0.25) },
    });
    const { outputs, program } = lowerImported(model);
    expect(outputs[0]).toMatchObject({
      role: "value",
      scale: Float64Array.of(0.125, 0.03125),
      offset: Float64Array.of(0),
    });
    expect(program.instructions[0]).toMatchObject({ op: "dense", bias: "dense.bias" });
    expectFormulas(model, samplesOf([5]));
  });

  test("say the offset of a bias between integers, and the gain of a norm", () => {
    const model = modelOf(
      [
        input([5]),
        quantize("q", "x", [5], int(f(0.3), -8, 7)),
        dense("dense", "q", 2),
        {
          kind: "norm",
          name: "norm",
          input: "dense",
          shape: [2],
          scale: numbers(f(0.7), f(-0.7)),
          bias: numbers(f(0.1)),
          mean: numbers(f(0.2)),
          variance: numbers(f(1.7)),
          epsilon: 1e-5,
        },
      ],
      { dense: { weights: normals(10), weightQuantizer: int(f(0.4), -3, 3) } },
    );
    expectFormulas(model, samplesOf([5]));
  });
});

describe("what is dropped", () => {
  test.each(["FLOOR", "ROUND", "CEIL"] as const)("the low bits of a sum of windows, %s", (rounding) => {
    const shape = [4, 4, 2];
    const model = modelOf(
      [
        input(shape),
        quantize("q", "x", shape, int(f(0.1), 0, 15)),
        {
          kind: "pool",
          name: "mean",
          input: "q",
          shape: [2, 2, 2],
          pooling: "average",
          window: [2, 2],
          strides: [2, 2],
          padding: { before: [0, 0], after: [0, 0] },
        },
        {
          kind: "affine",
          name: "sum",
          input: "mean",
          shape: [2, 2, 2],
          gain: numbers(4),
          offset: numbers(0),
        },
        {
          kind: "trunc",
          name: "trunc",
          input: "sum",
          shape: [2, 2, 2],
          scale: numbers(f(0.1)),
          zeroPoint: numbers(0),
          inputWidth: 6,
          outputWidth: 4,
          rounding,
        },
      ],
      {},
      ["q", "trunc"],
    );
    // In fractions: the sums are on the grid of the Trunc, where doubles may miss it.
    const { program, outputs } = lowerImported(model);
    const integers = Array.from({ length: 32 }, () => random.integer(0, 15));
    const values = simulate(program, new Map([["x", integers]]), 1).values.get(outputs[1]!.value)!;
    const reals = new Map([["x", integers.map((m) => m * f(0.1))]]);
    const expected = evaluate(model, reals, FRACTIONS).get("trunc")!;
    for (const [i, value] of expected.entries())
      expect(values[i]! * outputs[1]!.scale[0]!).toBeCloseTo(FRACTIONS.toNumber(value), 9);
  });
});

describe("eight bits behind float scales", () => {
  test("are a multiplication and a shift", () => {
    const shape = [3, 3, 2];
    const windows = {
      kernel: [3, 3],
      strides: [1, 1],
      dilations: [1, 1],
      padding: { before: [1, 1], after: [1, 1] },
      groups: 1,
      transposed: false,
    };
    const model = modelOf(
      [
        input(shape),
        quantize("q", "x", shape, int(f(0.02), -128, 127)),
        { kind: "conv", name: "conv", input: "q", shape: [3, 3, 4], units: 4, ...windows },
        {
          kind: "norm",
          name: "norm",
          input: "conv",
          shape: [3, 3, 4],
          scale: numbers(f(0.7), f(-0.9), 0, f(1.3)),
          bias: numbers(f(0.1)),
          mean: numbers(f(0.2), f(-0.1), f(0.7), 0),
          variance: numbers(f(1.7), f(0.3), 1, f(2.9)),
          epsilon: 1e-5,
        },
        { kind: "relu", name: "relu", input: "norm", shape: [3, 3, 4] },
        quantize("r", "relu", [3, 3, 4], int(f(0.031), 0, 255)),
      ],
      {
        conv: {
          weights: normals(4 * 9 * 2),
          weightQuantizer: int([f(0.02), f(0.03), f(0.01), f(0.025)], -127, 127),
        },
      },
      ["q", "r"],
    );
    const program = expectFormulas(model, samplesOf(shape));
    expect(ops(program)).toEqual(["conv", "scale", "requantize"]);
  });
});

describe("sums", () => {
  test("that rise in one place and fall in another are made twice", () => {
    const q = int(f(0.2), -2, 1);
    const model = modelOf(
      [
        input([4]),
        quantize("q", "x", [4], int(f(0.3), -8, 7)),
        dense("dense", "q", 3),
        { kind: "affine", name: "down", input: "dense", shape: [3], gain: numbers(-1), offset: numbers(0) },
        quantize("rises", "dense", [3], q),
        quantize("falls", "down", [3], q),
      ],
      { dense: { weights: normals(12), weightQuantizer: int(f(0.4), -3, 3) } },
      ["rises", "falls"],
    );
    expect(ops(expectFormulas(model, samplesOf([4])))).toEqual(["dense", "threshold", "dense", "threshold"]);
  });

  test("of tensors behind a batch-norm of any sign", () => {
    const shape = [3, 3, 2];
    const model = modelOf(
      [
        input(shape),
        quantize("q", "x", shape, int(0.5, -4, 3)),
        { kind: "relu", name: "relu", input: "q", shape },
        quantize("r", "relu", shape, int(0.25, 0, 7)),
        { kind: "add", name: "sum", inputs: ["q", "r"], shape },
        {
          kind: "norm",
          name: "norm",
          input: "sum",
          shape,
          scale: numbers(f(0.7), f(-0.9)),
          bias: numbers(f(0.1)),
          mean: numbers(f(0.2), f(-0.1)),
          variance: numbers(f(1.7), f(0.3)),
          epsilon: 1e-5,
        },
        quantize("s", "norm", shape, int(f(0.3), -4, 3)),
      ],
      {},
      ["q", "r", "s"],
    );
    expectFormulas(model, samplesOf(shape));
  });
});
