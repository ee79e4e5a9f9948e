// Whole networks with windows and branches, and what each of their words becomes in the graph.
import { describe, expect, test } from "vitest";
import { inputsOf, type Node } from "../../../graph/graph.ts";
import { graphProblems } from "../../../graph/verify.ts";
import { diagnose, fileWith, modelWith, projectOf } from "./model-text.ts";

const nodesOf = (body: string): readonly Node[] => {
  const { graph } = projectOf(modelWith(body));
  expect(graphProblems(graph)).toEqual([]);
  return graph.nodes;
};
/** "name: kind shape <- inputs" of every node. */
const layersOf = (body: string): string[] =>
  nodesOf(body).map((n) => [`${n.name}: ${n.kind} ${n.shape.join("x")}`, ...inputsOf(n)].join(" < "));
const IMAGE = "input x: 8x6x4 as u8\n";
const SEQUENCE = "input x: 256x3 as s12\n";
/** The node of one stage on an input, without its name and place. */
const stageOf = (stage: string, input = IMAGE): object => {
  const nodes = nodesOf(`${input}output y = x -> s: ${stage} -> flatten -> dense(2)`);
  const { name: _, origin: __, ...node } = nodes[1]!;
  return node;
};

describe("each stage becomes an operator with all attributes", () => {
  const conv = {
    kind: "conv",
    input: "x",
    transposed: false,
    strides: [1, 1],
    dilations: [1, 1],
    groups: 1,
    padding: { before: [0, 0], after: [0, 0] },
  };
  test.each([
    ["conv(5, 3x2)", { ...conv, units: 5, kernel: [3, 2], shape: [6, 5, 5] }],
    [
      "conv(units: 5, kernel: 3, padding: same)",
      { ...conv, units: 5, kernel: [3, 3], padding: { before: [1, 1], after: [1, 1] }, shape: [8, 6, 5] },
    ],
    [
      "conv(6, kernel: 3, stride: 2, padding: same, groups: 2)",
      {
        ...conv,
        units: 6,
        kernel: [3, 3],
        strides: [2, 2],
        groups: 2,
        padding: { before: [0, 0], after: [1, 1] },
        shape: [4, 3, 6],
      },
    ],
    [
      "conv(5, kernel: 2, dilation: 2x3, padding: [1, 0, 2, 3])",
      {
        ...conv,
        units: 5,
        kernel: [2, 2],
        dilations: [2, 3],
        padding: { before: [1, 2], after: [0, 3] },
        shape: [7, 8, 5],
      },
    ],
    [
      "depthwise(kernel: 3, multiplier: 2, padding: 1)",
      {
        ...conv,
        units: 8,
        kernel: [3, 3],
        groups: 4,
        padding: { before: [1, 1], after: [1, 1] },
        shape: [8, 6, 8],
      },
    ],
    [
      "conv_transpose(5, kernel: 2, stride: 2)",
      { ...conv, transposed: true, units: 5, kernel: [2, 2], strides: [2, 2], shape: [16, 12, 5] },
    ],
    [
      "conv_transpose(5, kernel: 1x3, stride: 2x1, padding: same)",
      {
        ...conv,
        transposed: true,
        units: 5,
        kernel: [1, 3],
        strides: [2, 1],
        padding: { before: [0, 1], after: [-1, 1] },
        shape: [16, 6, 5],
      },
    ],
  ])("%s", (stage, node) => {
    expect(stageOf(stage)).toEqual(node);
  });

  const pool = { kind: "pool", input: "x", padding: { before: [0, 0], after: [0, 0] } };
  test.each([
    ["maxpool(2x2)", { ...pool, pooling: "max", window: [2, 2], strides: [2, 2], shape: [4, 3, 4] }],
    ["maxpool(3, stride: 1)", { ...pool, pooling: "max", window: [3, 3], strides: [1, 1], shape: [6, 4, 4] }],
    [
      "avgpool(3x3, stride: 2, padding: same)",
      {
        kind: "pool",
        input: "x",
        pooling: "average",
        window: [3, 3],
        strides: [2, 2],
        padding: { before: [0, 0], after: [1, 1] },
        shape: [4, 3, 4],
      },
    ],
    ["avgpool(global)", { ...pool, pooling: "average", window: [8, 6], strides: [8, 6], shape: [1, 1, 4] }],
    [
      "slice(rows: 2..4, channels: 3)",
      { kind: "slice", input: "x", begin: [2, 0, 3], sizes: [3, 6, 1], shape: [3, 6, 1] },
    ],
    [
      "pad(rows: 1, channels: [0, 2], value: 0.5)",
      {
        kind: "pad",
        input: "x",
        padding: { before: [1, 0, 0], after: [1, 0, 2] },
        value: 0.5,
        shape: [10, 6, 6],
      },
    ],
    ["reshape(4x48)", { kind: "reshape", input: "x", sizes: [4, 48], shape: [4, 48] }],
    [
      "transpose([channels, rows, columns])",
      { kind: "transpose", input: "x", permutation: [2, 0, 1], shape: [4, 8, 6] },
    ],
    ["upsample(2x3)", { kind: "upsample", input: "x", factors: [2, 3], shape: [16, 18, 4] }],
  ])("%s", (stage, node) => {
    expect(stageOf(stage)).toEqual(node);
  });

  test.each([
    ["conv(5, kernel: 9, stride: 2, padding: same)", [128, 5]],
    ["conv(5, kernel: 9, padding: [8, 0])", [256, 5]],
    ["depthwise(9)", [248, 3]],
    ["conv_transpose(2, kernel: 4, stride: 4)", [1024, 2]],
    ["maxpool(global)", [1, 3]],
    ["slice(positions: 10..19)", [10, 3]],
    ["upsample(2)", [512, 3]],
  ])("%s on a sequence", (stage, shape) => {
    expect(stageOf(stage, SEQUENCE)).toMatchObject({ shape });
  });

  test.each(["relu6", "hardsigmoid", "hardswish", "sigmoid", "tanh", "leaky_relu(0.1)", "leaky_relu"])(
    "%s",
    (written) => {
      const nodes = nodesOf(`input x: 6 as u8\noutput y = x -> a: dense(4) -> ${written} -> dense(2)`);
      const [kind, slope] = written.replace(")", "").split("(");
      expect(nodes[2]).toMatchObject({ kind, name: `a.${kind}`, shape: [4], input: "a" });
      if (kind === "leaky_relu") expect(nodes[2]).toMatchObject({ slope: slope ? 0.1 : 0.01 });
    },
  );

  test("a curve of a formula", () => {
    const nodes = nodesOf('input x: 6 as u8\noutput y = x -> a: dense(4) -> curve("2^-x") -> dense(2)');
    const minus = { kind: "call", name: "subtract", args: [{ kind: "number", value: 0 }, { kind: "x" }] };
    const body = { kind: "call", name: "power", args: [{ kind: "number", value: 2 }, minus] };
    expect(nodes[2]).toMatchObject({ kind: "curve", name: "a.curve", shape: [4], formula: "2^-x", body });
  });

  test("joins, with labels and chains as operands", () => {
    const body = `${IMAGE}a = x -> a1: conv(4, kernel: 1)
      b = both: concat(a, sum: add(a -> relu, x), subtract(x, a), axis: rows)
      output y = multiply(b, b -> avgpool(global) -> g: conv(4, kernel: 1)) -> f: flatten -> d: dense(2)`;
    expect(layersOf(body)).toEqual([
      "x: input 8x6x4",
      "a1: conv 8x6x4 < x",
      "a1.relu: relu 8x6x4 < a1",
      "sum: add 8x6x4 < a1.relu < x",
      "b.subtract: subtract 8x6x4 < x < a1",
      "both: concat 24x6x4 < a1 < sum < b.subtract",
      "y.avgpool: pool 1x1x4 < both",
      "g: conv 1x1x4 < y.avgpool",
      "y.multiply: multiply 24x6x4 < both < g",
      "f: flatten 576 < y.multiply",
      "d: dense 2 < f",
    ]);
  });
});

describe("networks", () => {
  test("LeNet-5", () => {
    expect(
      layersOf(`input image: 28x28x1 as u8
        features = image -> c1: conv(6, kernel: 5x5, padding: same) -> relu -> maxpool(2x2)
          -> c2: conv(16, kernel: 5x5) -> relu -> maxpool(2x2)
        output digit = features -> flatten -> f1: dense(120) -> relu -> f2: dense(84) -> relu -> f3: dense(10) -> argmax`),
    ).toEqual([
      "image: input 28x28x1",
      "c1: conv 28x28x6 < image",
      "c1.relu: relu 28x28x6 < c1",
      "features.maxpool: pool 14x14x6 < c1.relu",
      "c2: conv 10x10x16 < features.maxpool",
      "c2.relu: relu 10x10x16 < c2",
      "features.maxpool2: pool 5x5x16 < c2.relu",
      "digit.flatten: flatten 400 < features.maxpool2",
      "f1: dense 120 < digit.flatten",
      "f1.relu: relu 120 < f1",
      "f2: dense 84 < f1.relu",
      "f2.relu: relu 84 < f2",
      "f3: dense 10 < f2.relu",
      "digit.argmax: argmax 1 < f3",
    ]);
  });

  test("a residual block", () => {
    expect(
      layersOf(`input image: 32x32x3 as u8
        stem = image -> conv1: conv(16, kernel: 3x3, stride: 1, padding: same) -> batchnorm -> relu
        left = stem -> conv2: conv(16, kernel: 3x3, padding: same) -> batchnorm
        body = add(left, stem) -> relu -> maxpool(2x2) -> avgpool(global)
        output kind = body -> flatten -> fc: dense(10) -> argmax`),
    ).toEqual([
      "image: input 32x32x3",
      "conv1: conv 32x32x16 < image",
      "conv1.batchnorm: batchnorm 32x32x16 < conv1",
      "conv1.relu: relu 32x32x16 < conv1.batchnorm",
      "conv2: conv 32x32x16 < conv1.relu",
      "conv2.batchnorm: batchnorm 32x32x16 < conv2",
      "body.add: add 32x32x16 < conv2.batchnorm < conv1.relu",
      "body.relu: relu 32x32x16 < body.add",
      "body.maxpool: pool 16x16x16 < body.relu",
      "body.avgpool: pool 1x1x16 < body.maxpool",
      "kind.flatten: flatten 16 < body.avgpool",
      "fc: dense 10 < kind.flatten",
      "kind.argmax: argmax 1 < fc",
    ]);
  });

  test("a depthwise-separable block", () => {
    const nodes = nodesOf(`input image: 16x16x8 as u8
      block = image -> d1: depthwise(kernel: 3x3, stride: 2, padding: same) -> batchnorm -> relu6
        -> p1: conv(24, kernel: 1) -> batchnorm -> hardswish
      output kind = block -> avgpool(global) -> flatten -> dense(4)`);
    expect(nodes[1]).toMatchObject({ name: "d1", groups: 8, units: 8, shape: [8, 8, 8] });
    expect(nodes[4]).toMatchObject({ name: "p1", groups: 1, units: 24, shape: [8, 8, 24] });
  });

  test("a small U-Net gives a class at each position", () => {
    expect(
      layersOf(`input image: 16x16x3 as u8
        top = image -> c1: conv(8, kernel: 3, padding: same) -> relu
        deep = top -> maxpool(2) -> c2: conv(16, kernel: 3, padding: same) -> relu
        both = concat(top, deep -> upsample(2x2)) -> c3: conv(8, kernel: 3, padding: same) -> relu
        output mask = both -> c4: conv(4, kernel: 1) -> argmax`).slice(4),
    ).toEqual([
      "c2: conv 8x8x16 < deep.maxpool",
      "c2.relu: relu 8x8x16 < c2",
      "both.upsample: upsample 16x16x16 < c2.relu",
      "both.concat: concat 16x16x24 < c1.relu < both.upsample",
      "c3: conv 16x16x8 < both.concat",
      "c3.relu: relu 16x16x8 < c3",
      "c4: conv 16x16x4 < c3.relu",
      "mask.argmax: argmax 16x16x1 < c4",
    ]);
  });

  test("convolutions of a sequence", () => {
    const nodes = nodesOf(`${SEQUENCE}heard = x -> conv(16, kernel: 9, stride: 2) -> relu -> maxpool(4)
      output word = heard -> conv(8, kernel: 3, dilation: 2) -> avgpool(global) -> flatten -> argmax`);
    expect(nodes.map((n) => n.shape.join("x"))).toEqual("256x3 124x16 124x16 31x16 27x8 1x8 8 1".split(" "));
  });

  test("several inputs and outputs, in the order of the text", () => {
    const { graph } = projectOf(
      fileWith({
        model: `model m {
        input a: 8x8x1 as u8
        left = a -> flatten -> dense(4)
        input b: 6 as s8
        output kind = add(left, b -> dense(4)) -> relu -> dense(3) -> argmax
        output place = left -> dense(2)
        output again = left
        }`,
        data: 'data { train: npz("train.npz"), test: npz("test.npz"), validation: 9 }',
      }),
    );
    expect(graph.nodes.slice(0, 2).map((n) => n.name)).toEqual(["a", "b"]);
    expect(graph.outputs.map(({ name }) => name)).toEqual(["kind", "place", "again"]);
    expect(graphProblems(graph)).toEqual([]);
  });

  test("a value that is joined with itself many times over is checked in reasonable time", () => {
    const sums = Array.from(
      { length: 300 },
      (_, i) => `v${i + 1} = concat(v${i}, v${i}) -> slice(channels: 0..3)`,
    );
    const body = `input x: 6 as u8\nv0 = x -> dense(4)\n${sums.join("\n")}\noutput y = v300 -> relu -> dense(2)`;
    expect(nodesOf(body)).toHaveLength(604);
  });
});

describe("layers", () => {
  const training = (body: string) => projectOf(modelWith(body));

  test("the options and the folding of a conv", () => {
    const project = training(`${IMAGE}output y = x
      -> c: conv(6, kernel: 3x3, groups: 2) { weight_alpha: group(18), weight_bits: 2..4, pe: 6, simd: 18 } -> relu
      -> d: depthwise(2) { prune: off, input_bits: 3 } -> flatten -> dense(2)`);
    expect(project.training.layers.c).toEqual({
      weights: { granularity: { kind: "group", size: 18 }, bits: { min: 2, max: 4 } },
      input: { granularity: "layer", bits: { min: 1, max: 8 } },
      bias: "accumulator",
      prune: true,
    });
    expect(project.training.layers.d).toMatchObject({ prune: false, input: { bits: { min: 3, max: 3 } } });
    expect(project.hardware.folding).toEqual({ c: { pe: 6, simd: 18 } });
  });

  test.each([
    ["relu -> maxpool(2)", 1, 8],
    ["batchnorm -> relu6 -> avgpool(2)", 1, 8],
    ["tanh -> upsample(2)", 2, 8],
    ["sigmoid", 1, 8],
    ["sign -> maxpool(2)", 1, 1],
    ["step -> pad(rows: 1)", 1, 1],
  ])("a value behind conv -> %s is entered with %i to %i bits", (stages, min, max) => {
    const body = `${IMAGE}a = x -> c: conv(4, kernel: 1) -> ${stages}\noutput y = a -> z: conv(2, kernel: 1)`;
    const { layers } = training(body).training;
    expect(layers.z?.input.bits).toEqual({ min, max });
  });

  test("the parts of a concat have bits that all of them can have", () => {
    const { layers } = training(`${IMAGE}a = x -> conv(4, kernel: 1) -> tanh
      b = x -> conv(4, kernel: 1) { weight_bits: 1 } -> batchnorm -> relu
      output y = concat(a, b) -> z: conv(2, kernel: 1)`).training;
    expect(layers.z?.input.bits).toEqual({ min: 2, max: 4 });
  });

  test("the gradient of an activation behind a join", () => {
    const { surrogates } = training(`${IMAGE}a = x -> conv(4, kernel: 1)
      output y = add(a, x) -> s: relu { gradient: ewgs(0.1) } -> flatten -> dense(2)`).training;
    expect(surrogates).toEqual({ s: { kind: "ewgs", delta: 0.1 } });
  });

  test("the loss compares the channels of a classifier and all values of a regression", () => {
    const model = (units: number) =>
      `model m {\ninput x: 4x4x2 as u8\noutput y = x -> conv(${units}, kernel: 1)\n}`;
    const data = 'data { train: npy("a.npy"), test: npy("b.npy"), validation: 5 }';
    const train = "train { loss: mse, target: input }";
    expect(diagnose(fileWith({ model: model(2), data, train }))).toEqual([]);
    expect(diagnose(fileWith({ model: model(3), data, train }))).toEqual([
      "4:17 language/units-unlike-input",
    ]);
    expect(diagnose(fileWith({ model: model(1) }))).toEqual(["4:17 language/too-few-classes"]);
  });
});
