// Every layer class, and random chains of them, as Keras 3, Keras 2 and TensorFlow.js write them: the imported model
// computes what plain loops over Keras' own settings and kernels compute.
import { describe, expect, it } from "vitest";
import type { ImportedModel } from "../../../graph/imported.ts";
import { LAYERS } from "../../../import/keras/layer-table.ts";
import { readKeras } from "../../../import/keras/read-keras.ts";
import { readTfjs } from "../../../import/tfjs/read-tfjs.ts";
import { casesOf } from "../../nightly.ts";
import { outputsOfImported } from "./evaluate-imported.ts";
import {
  kerasArchive,
  kerasHdf5,
  sequentialConfig,
  type TestLayer,
  type TestModel,
  tfjsFiles,
} from "./keras-files.ts";
import { evaluateKeras } from "./keras-reference.ts";
import { createDraws, inputLayer, randomChain, tensorOf } from "./random-keras.ts";

interface Written {
  readonly format: string;
  readonly version: number;
  readonly read: () => ImportedModel;
}

function formatsOf(model: TestModel): readonly Written[] {
  const keras = (bytes: Uint8Array, name: string): ImportedModel => readKeras({ bytes, name }).model;
  return [
    { format: "keras 3", version: 3, read: () => keras(kerasArchive(model), "m.keras") },
    { format: "keras 3", version: 3, read: () => keras(kerasArchive(model, { named: false }), "m.keras") },
    { format: "keras 2", version: 2, read: () => keras(kerasHdf5(model), "m.h5") },
    {
      format: "tfjs layers",
      version: 2,
      read: () => readTfjs({ name: "model.json", ...tfjsFiles(model, 64) }).model,
    },
  ];
}

const inputsOf = (model: TestModel, seed: number): Record<string, Float64Array> => {
  const draws = createDraws(seed);
  const inputs = model.layers.filter((layer) => layer.type === "InputLayer");
  return Object.fromEntries(
    inputs.map(({ name, config }) => {
      const count = (config!.batch_shape as number[]).slice(1).reduce((a, b) => a * b, 1);
      return [name, Float64Array.from({ length: count }, () => 4 * draws.number())];
    }),
  );
};

/** Largest difference of the outputs, relative to their size; Infinity where shapes differ. */
function difference(model: TestModel, imported: ImportedModel, version: number, seed: number): number {
  const inputs = inputsOf(model, seed);
  const wanted = evaluateKeras(model, inputs, version);
  const found = outputsOfImported(imported, inputs);
  if (found.length !== wanted.length) return Infinity;
  return Math.max(
    ...wanted.map(({ data, shape }, k) => {
      const node = imported.nodes.find((n) => n.name === imported.outputs[k]!.node)!;
      if (node.shape.join() !== shape.join()) return Infinity;
      return Math.max(...data.map((value, i) => Math.abs(value - found[k]![i]!) / (1 + Math.abs(value))));
    }),
  );
}

function check(model: TestModel, label: string): void {
  for (const { format, version, read } of formatsOf(model)) {
    const imported = read();
    expect(imported.format).toBe(format);
    for (const seed of [1, 2]) expect(difference(model, imported, version, seed), label).toBeLessThan(1e-12);
  }
}

const draws = createDraws(7);
const chain = (shape: readonly number[], ...layers: readonly Omit<TestLayer, "uses">[]): TestModel => ({
  layers: [
    inputLayer(shape),
    ...layers.map((layer, i) => ({ ...layer, uses: [[i === 0 ? "image" : layers[i - 1]!.name]] })),
  ],
  outputs: [layers.at(-1)!.name],
});
const one = (shape: readonly number[], type: string, config: object = {}, tensors: object = {}): TestModel =>
  chain(shape, {
    type,
    name: "layer",
    config: { ...config },
    weights: Object.entries(tensors).map(([name, size]) => tensorOf(draws, name, size as number[])),
  });

const cases: readonly TestModel[] = [
  one([5], "Dense", { units: 3 }, { kernel: [5, 3], bias: [3] }),
  one([4, 5], "Dense", { units: 3, activation: "tanh" }, { kernel: [5, 3], bias: [3] }),
  one([2, 3, 5], "Dense", { units: 2, use_bias: false }, { kernel: [5, 2] }),
  one(
    [7, 3],
    "Conv1D",
    { filters: 4, kernel_size: [3], padding: "causal", dilation_rate: [2] },
    { kernel: [3, 3, 4], bias: [4] },
  ),
  one(
    [7, 3],
    "Conv1D",
    { filters: 4, kernel_size: 3, strides: 2, padding: "same" },
    { kernel: [3, 3, 4], bias: [4] },
  ),
  one(
    [6, 5, 4],
    "Conv2D",
    { filters: 6, kernel_size: [3, 2], groups: 2, strides: [2, 1], padding: "same" },
    { kernel: [3, 2, 2, 6], bias: [6] },
  ),
  one(
    [6, 5, 2],
    "Conv2D",
    { filters: 3, kernel_size: 2, dilation_rate: [2, 3], activation: "relu6" },
    { kernel: [2, 2, 2, 3], bias: [3] },
  ),
  one(
    [6, 3],
    "DepthwiseConv1D",
    { kernel_size: 2, depth_multiplier: 2 },
    { depthwise_kernel: [2, 3, 2], bias: [6] },
  ),
  one(
    [6, 5, 3],
    "DepthwiseConv2D",
    { kernel_size: [3, 2], strides: [2, 2], depth_multiplier: 2, padding: "same" },
    { depthwise_kernel: [3, 2, 3, 2], bias: [6] },
  ),
  one(
    [6, 3],
    "SeparableConv1D",
    { filters: 2, kernel_size: 3, padding: "causal" },
    { depthwise_kernel: [3, 3, 1], pointwise_kernel: [1, 3, 2], bias: [2] },
  ),
  one(
    [6, 5, 3],
    "SeparableConv2D",
    { filters: 4, kernel_size: 3, depth_multiplier: 2, padding: "same", activation: "relu" },
    { depthwise_kernel: [3, 3, 3, 2], pointwise_kernel: [1, 1, 6, 4], bias: [4] },
  ),
  ...[1, 2, 3, 4, 5].flatMap((k) =>
    [1, 2, 3].flatMap((strides) =>
      ["same", "valid"].flatMap((padding) => [
        one(
          [3, 2],
          "Conv1DTranspose",
          { filters: 3, kernel_size: k, strides, padding },
          { kernel: [k, 3, 2], bias: [3] },
        ),
        one(
          [3, 4, 2],
          "Conv2DTranspose",
          { filters: 3, kernel_size: [k, 2], strides: [strides, 3], padding },
          { kernel: [k, 2, 3, 2], bias: [3] },
        ),
      ]),
    ),
  ),
  one([7, 2], "MaxPooling1D", { pool_size: [3], strides: [2], padding: "same" }),
  one([7, 6, 2], "MaxPooling2D", { pool_size: [3, 2], strides: [2, 1], padding: "same" }),
  one([7, 6, 2], "MaxPooling2D", {}),
  one([7, 2], "AveragePooling1D", { pool_size: 2, strides: 1, padding: "valid" }),
  one([8, 6, 2], "AveragePooling2D", { pool_size: [2, 3], padding: "same" }),
  ...["GlobalMaxPooling", "GlobalAveragePooling"].flatMap((type) =>
    [true, false].flatMap((keepdims) => [
      one([5, 3], `${type}1D`, { keepdims }),
      one([5, 4, 3], `${type}2D`, { keepdims }),
    ]),
  ),
  one(
    [3, 4],
    "BatchNormalization",
    { axis: [2], epsilon: 0.01, center: false },
    { gamma: [4], moving_mean: [4], moving_variance: [4] },
  ),
  one(
    [4],
    "BatchNormalization",
    { axis: -1, epsilon: 0.01, scale: false },
    { beta: [4], moving_mean: [4], moving_variance: [4] },
  ),
  one([2, 3, 4], "Rescaling", { scale: 1 / 255, offset: -0.5 }),
  one([2, 3, 4], "Normalization", { axis: [-1] }, { mean: [4], variance: [4], count: [] }),
  ...[
    "linear",
    "relu",
    "relu6",
    "sigmoid",
    "tanh",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "softmax",
  ].map((activation) => one([3, 4], "Activation", { activation })),
  ...[null, 6, 1, 4, 0.25].map((max) =>
    one([5], "ReLU", { max_value: max, negative_slope: 0, threshold: 0 }),
  ),
  one([5], "ReLU", { max_value: null, negative_slope: 0.25 }),
  one([5], "LeakyReLU", { negative_slope: 0.3 }),
  one([5], "LeakyReLU", { alpha: 0.2 }),
  one([5], "Softmax", { axis: -1 }),
  one([2, 3, 4], "Flatten", { data_format: "channels_last" }),
  one([2, 3, 4], "Reshape", { target_shape: [4, -1] }),
  one([2, 3, 4], "Permute", { dims: [3, 1, 2] }),
  one([3, 4], "ZeroPadding1D", { padding: [1, 2] }),
  ...[
    2,
    [1, 2],
    [
      [1, 0],
      [2, 3],
    ],
  ].map((padding) => one([2, 3, 4], "ZeroPadding2D", { padding })),
  one([5, 4], "Cropping1D", { cropping: [1, 2] }),
  ...[
    1,
    [1, 2],
    [
      [1, 0],
      [2, 1],
    ],
  ].map((cropping) => one([4, 5, 2], "Cropping2D", { cropping })),
  one([3, 2], "UpSampling1D", { size: 3 }),
  one([3, 2, 2], "UpSampling2D", { size: [2, 3], interpolation: "nearest" }),
  ...["Dropout", "GaussianNoise", "SpatialDropout2D"].map((type) =>
    chain([2, 2, 3], { type, name: "nothing", config: { rate: 0.5 } }, { type: "Flatten", name: "flat" }),
  ),
];

const joined = (type: string, shapes: readonly (readonly number[])[], config: object = {}): TestModel => ({
  layers: [
    ...shapes.map((shape, i) => inputLayer(shape, `in${i}`)),
    { type, name: "joined", config: { ...config }, uses: [shapes.map((_, i) => `in${i}`)] },
  ],
  outputs: ["joined"],
});

describe("a layer", () => {
  it.each(
    cases.map(
      (model) =>
        [`${model.layers.at(-1)!.type} ${JSON.stringify(model.layers.at(-1)!.config)}`, model] as const,
    ),
  )("%s computes what Keras computes", (label, model) => check(model, label));

  it.each([
    joined("Add", [
      [3, 4],
      [3, 4],
      [3, 4],
    ]),
    joined("Add", [
      [2, 3, 4],
      [1, 1, 4],
    ]),
    joined("Multiply", [
      [1, 1, 4],
      [2, 3, 4],
    ]),
    joined("Multiply", [[5], [5], [5]]),
    joined("Subtract", [
      [3, 4],
      [3, 4],
    ]),
    joined(
      "Concatenate",
      [
        [2, 3, 4],
        [2, 3, 1],
        [2, 3, 2],
      ],
      { axis: -1 },
    ),
    joined(
      "Concatenate",
      [
        [2, 3, 4],
        [5, 3, 4],
      ],
      { axis: 1 },
    ),
  ])("that joins values computes what Keras computes (%#)", (model) =>
    check(model, model.layers.at(-1)!.type),
  );

  it("of every class in the table is tried here or with the quantized ones", () => {
    const tried = new Set([
      ...cases.flatMap((model) => model.layers.map((layer) => layer.type)),
      ...[
        "Add",
        "Multiply",
        "Subtract",
        "Concatenate",
        "SpatialDropout1D",
        "AlphaDropout",
        "GaussianDropout",
      ],
      ...["ActivityRegularization", "Identity", "BatchNormalizationV1", "BatchNormalizationV2"],
    ]);
    expect([...LAYERS.keys()].filter((type) => !tried.has(type) && !/^Q[A-Z]/.test(type))).toEqual([]);
  });
});

describe("a model", () => {
  const branching: TestModel = {
    layers: [
      inputLayer([4, 4, 2], "left"),
      inputLayer([4, 4, 3], "right"),
      {
        type: "Conv2D",
        name: "shared",
        config: { filters: 2, kernel_size: 1 },
        uses: [["left"], ["sum"]],
        weights: [tensorOf(draws, "kernel", [1, 1, 2, 2]), tensorOf(draws, "bias", [2])],
      },
      {
        type: "Conv2D",
        name: "narrow",
        config: { filters: 2, kernel_size: 3, padding: "same", use_bias: false },
        uses: [["right"]],
        weights: [tensorOf(draws, "kernel", [3, 3, 3, 2])],
      },
      { type: "Add", name: "sum", uses: [["shared", "narrow"]] },
      { type: "Concatenate", name: "both", config: { axis: -1 }, uses: [["shared@1", "sum"]] },
      { type: "GlobalAveragePooling2D", name: "mean", uses: [["both"]] },
      {
        type: "Dense",
        name: "class",
        config: { units: 3, activation: "softmax" },
        uses: [["mean"]],
        weights: [tensorOf(draws, "kernel", [4, 3]), tensorOf(draws, "bias", [3])],
      },
      { type: "Flatten", name: "rest", uses: [["sum"]] },
      { type: "Dense", name: "never", config: { units: 3, activation: "gelu" }, uses: [["mean"]] },
    ],
    outputs: ["class", "rest"],
  };

  it("with branches, a shared layer, two inputs and two outputs computes what Keras computes", () => {
    check(branching, "branching");
    const { model, warnings } = readKeras({ bytes: kerasArchive(branching), name: "m.keras" });
    expect(model.nodes.filter((n) => n.kind === "input").map((n) => n.name)).toEqual(["left", "right"]);
    expect(model.outputs.map((o) => o.name)).toEqual(["class", "rest"]);
    expect(model.nodes.map((n) => n.name)).toContain("shared/use2");
    expect(warnings.map((w) => w.code)).toEqual(["import/keras-softmax-dropped"]);
  });

  it("that is Sequential computes what Keras computes, whichever way it says its input", () => {
    const model = chain(
      [4, 4, 2],
      {
        type: "Conv2D",
        name: "a",
        config: { filters: 2, kernel_size: 3 },
        weights: [tensorOf(draws, "kernel", [3, 3, 2, 2]), tensorOf(draws, "bias", [2])],
      },
      { type: "Flatten", name: "b" },
      {
        type: "Dense",
        name: "c",
        config: { units: 2 },
        weights: [tensorOf(draws, "kernel", [8, 2]), tensorOf(draws, "bias", [2])],
      },
    );
    for (const asInput of [true, false]) {
      const config = sequentialConfig(model, asInput);
      for (const bytes of [kerasArchive(model, { config }), kerasHdf5(model, { config })]) {
        const imported = readKeras({ bytes, name: "m" }).model;
        const input = imported.nodes[0]!.name;
        const wanted = evaluateKeras(model, inputsOf(model, 3), 3)[0]!.data;
        const found = outputsOfImported(imported, { [input]: inputsOf(model, 3).image! })[0]!;
        expect(Math.max(...wanted.map((v, i) => Math.abs(v - found[i]!)))).toBeLessThan(1e-12);
      }
    }
  });

  it("keeps every number of the file exactly", () => {
    const model = one([2], "Dense", { units: 2 }, { kernel: [2, 2], bias: [2] });
    const { weights, bias } = readKeras({ bytes: kerasHdf5(model), name: "m.h5" }).model.constants.get(
      "layer",
    )!;
    const [kernel, offsets] = model.layers[1]!.weights!.map((t) => [...t.data]);
    expect([...weights]).toEqual([kernel![0], kernel![2], kernel![1], kernel![3]]);
    expect([...bias!]).toEqual(offsets);
  });

  it("of random layers computes what Keras computes", () => {
    const shapeOf = (model: TestModel): readonly number[] =>
      evaluateKeras(model, inputsOf(model, 1), 2)[0]!.shape;
    for (let seed = 1; seed <= casesOf(40, 2000); seed++) {
      const model = randomChain(seed, 6, shapeOf);
      check(model, `seed ${seed}: ${model.layers.map((layer) => layer.type).join(" ")}`);
    }
  });
});
