// What cannot be taken over is refused with its name, all at once; hostile files are refused quickly.
import { unzipSync, zipSync } from "fflate/browser";
import { describe, expect, it } from "vitest";
import { readKeras } from "../../../import/keras/read-keras.ts";
import type { Diagnostic } from "../../../support/diagnostics.ts";
import { encodeUtf8 } from "../../../support/text.ts";
import { diagnosticsOf } from "../data/diagnostics-of.ts";
import {
  archiveWeightsFile,
  keras2Config,
  keras3Config,
  kerasArchive,
  kerasHdf5,
  type TestLayer,
  type TestModel,
} from "./keras-files.ts";
import { createDraws, inputLayer, tensorOf } from "./random-keras.ts";
import { writeHdf5 } from "./write-hdf5.ts";

const draws = createDraws(3);

/** Diagnostics of reading; fails when it takes two seconds of a processor, or when one has no hint. */
function refusals(bytes: Uint8Array, name = "m.keras"): readonly Diagnostic[] {
  const started = process.cpuUsage();
  const diagnostics = diagnosticsOf(() => readKeras({ bytes, name }));
  expect(process.cpuUsage(started).user).toBeLessThan(2_000_000);
  for (const { hint, message } of diagnostics) {
    expect(hint, message).toBeTruthy();
    expect(message.length).toBeLessThan(3000);
  }
  return diagnostics;
}

const textsOf = (bytes: Uint8Array): readonly string[] =>
  refusals(bytes).map(({ code, message }) => `${code}: ${message}`);

const dense = (name: string, from: string, config: object = {}): TestLayer => ({
  type: "Dense",
  name,
  config: { units: 2, use_bias: false, ...config },
  uses: [[from]],
  weights: [tensorOf(draws, "kernel", [2, 2])],
});
const small: TestModel = { layers: [inputLayer([2]), dense("d", "image")], outputs: ["d"] };

const behind = (
  shape: readonly number[],
  type: string,
  config: object,
  weights: TestLayer["weights"] = [],
): TestModel => ({
  layers: [inputLayer(shape), { type, name: "odd", config: { ...config }, uses: [["image"]], weights }],
  outputs: ["odd"],
});

describe("a model with layers that are not supported", () => {
  const model: TestModel = {
    layers: [
      inputLayer([2]),
      { type: "Embedding", name: "words", uses: [["image"]] },
      { type: "LSTM", name: "memory", uses: [["words"]] },
      dense("wide", "memory", { units: -3 }),
      dense("bent", "wide", { activation: "gelu" }),
      { type: "Custom>Attention", name: "looks", uses: [["bent"]] },
      { type: "constructor", name: "proto", uses: [["looks"]] },
    ],
    outputs: ["proto"],
  };

  it.each([kerasArchive(model), kerasHdf5(model)])("is told of all of them at once (%#)", (bytes) => {
    expect(textsOf(bytes)).toEqual([
      'import/keras-unsupported: layer "words" (Embedding) is not supported',
      'import/keras-unsupported: layer "memory" (LSTM) is not supported',
      'import/keras-option: layer "wide" (Dense): units is -3; it has to be a whole number from 1 to 1048576',
      'import/keras-activation: layer "bent" (Dense): the activation gelu is not supported',
      'import/keras-unsupported: layer "looks" (Attention) is not supported',
      'import/keras-unsupported: layer "proto" (constructor) is not supported',
    ]);
    expect(refusals(bytes)[0]!.hint).toContain("DepthwiseConv2D");
  });
});

describe("a setting that cannot be honoured", () => {
  const kernel = (...shape: readonly number[]) => [tensorOf(draws, "kernel", shape)];
  const conv = { filters: 2, kernel_size: 3, use_bias: false };
  it.each([
    [
      "dtype is",
      behind(
        [2],
        "Dense",
        { units: 2, dtype: { class_name: "QuantizedDTypePolicy", config: { mode: "int8" } } },
        kernel(2, 2),
      ),
    ],
    [
      "channels_first",
      behind([3, 4, 4], "Conv2D", { ...conv, data_format: "channels_first" }, kernel(3, 3, 4, 2)),
    ],
    ['padding is "full"', behind([4, 4, 1], "Conv2D", { ...conv, padding: "full" }, kernel(3, 3, 1, 2))],
    ["kernel_size is [3]", behind([4, 4, 1], "Conv2D", { ...conv, kernel_size: [3] }, kernel(3, 3, 1, 2))],
    ["an image (rows, columns, channels)", behind([4, 4], "Conv2D", conv, kernel(3, 3, 4, 2))],
    ["reaches over 3x3 positions", behind([2, 2, 1], "Conv2D", conv, kernel(3, 3, 1, 2))],
    [
      "3 groups do not divide",
      behind([4, 4, 4], "Conv2D", { ...conv, filters: 3, groups: 3 }, kernel(3, 3, 1, 3)),
    ],
    [
      "output_padding is 1",
      behind([4, 4, 1], "Conv2DTranspose", { ...conv, output_padding: 1 }, kernel(3, 3, 2, 1)),
    ],
    ["means of fewer elements", behind([5, 5, 1], "AveragePooling2D", { padding: "same" })],
    ['interpolation is "bilinear"', behind([4, 4, 1], "UpSampling2D", { interpolation: "bilinear" })],
    [
      "axis 1 is not the last",
      behind(
        [4, 4, 2],
        "BatchNormalization",
        { axis: 1, center: false, scale: false },
        ["moving_mean", "moving_variance"].map((n) => tensorOf(draws, n, [4])),
      ),
    ],
    ["max_value is 3", behind([4], "ReLU", { max_value: 3 })],
    ["threshold is 1", behind([4], "ReLU", { threshold: 1 })],
    ["whole size for -1", behind([5], "Reshape", { target_shape: [2, -1] })],
    ["target_shape is [0]", behind([5], "Reshape", { target_shape: [0] })],
    ["cannot become 7", behind([5], "Reshape", { target_shape: [7] })],
    ["does not name each of the 3 axes", behind([2, 3, 4], "Permute", { dims: [1, 2] })],
    ["leaves nothing of", behind([3, 2], "Cropping1D", { cropping: [2, 1] })],
    ["padding is -1", behind([3, 2], "ZeroPadding1D", { padding: -1 })],
    [
      "place is missing",
      { layers: [...behind([4], "Softmax", {}).layers, dense("d", "odd")], outputs: ["d"] },
    ],
    [
      "its axis 4 is none",
      {
        layers: [
          inputLayer([2]),
          { type: "Concatenate", name: "c", config: { axis: 4 }, uses: [["image", "image"]] },
        ],
        outputs: ["c"],
      },
    ],
    [
      "two values of one shape",
      {
        layers: [inputLayer([2]), inputLayer([3], "b"), { type: "Add", name: "c", uses: [["image", "b"]] }],
        outputs: ["c"],
      },
    ],
    [
      "fixed sizes behind the batch",
      {
        layers: [
          { type: "InputLayer", name: "i", config: { batch_shape: [null, null, 3] } },
          { type: "Flatten", name: "f", uses: [["i"]] },
        ],
        outputs: ["f"],
      },
    ],
    [
      "fixed sizes behind the batch",
      {
        layers: [
          { type: "InputLayer", name: "i", config: { batch_shape: [null, -4] } },
          { type: "Flatten", name: "f", uses: [["i"]] },
        ],
        outputs: ["f"],
      },
    ],
    ["1000000000 has 1000000000 elements", behind([1e9], "BatchNormalization", { axis: -1, scale: false })],
    ["a sequence (positions, channels)", behind([8], "ZeroPadding1D", { padding: 5 })],
  ] as const)("is named: %s", (text, model) => {
    expect(textsOf(kerasArchive(model as TestModel)).join("\n")).toContain(text);
  });
});

describe("weights that do not belong to the layers", () => {
  const withWeights = (weights: TestLayer["weights"]): TestModel => ({
    ...small,
    layers: [small.layers[0]!, { ...small.layers[1]!, weights: weights! }],
  });
  it.each([
    ["holds no weights of it", kerasArchive(small, {}, { "model.weights.h5": writeHdf5({}) })],
    ["the file holds 0", kerasArchive(withWeights([]))],
    [
      "the file holds 2",
      kerasArchive(withWeights(["kernel", "scale"].map((n) => tensorOf(draws, n, [2, 2])))),
    ],
    [
      "the kernel in the file is 3x2, not 2x2",
      kerasArchive(withWeights([tensorOf(draws, "kernel", [3, 2])])),
    ],
    ["no kernel of it, but cornel", kerasHdf5(withWeights([tensorOf(draws, "cornel", [2, 2])]))],
    ["also holds lora", kerasHdf5(withWeights(["kernel", "lora"].map((n) => tensorOf(draws, n, [2, 2]))))],
    [
      "no finite number",
      kerasHdf5(withWeights([{ name: "kernel", shape: [2, 2], data: Float32Array.of(1, Infinity, 0, 0) }])),
    ],
  ])("are refused: %s", (text, bytes) => {
    expect(textsOf(bytes).join("\n")).toContain(text);
  });

  it("are refused where a variance is negative", () => {
    const weights = ["moving_mean", "moving_variance"].map((name) => ({
      name,
      shape: [2],
      data: Float32Array.of(1, -4),
    }));
    const model = behind([2], "BatchNormalization", { axis: -1, scale: false, center: false }, weights);
    expect(textsOf(kerasHdf5(model)).join("\n")).toContain("not positive");
  });
});

describe("a description that is no model", () => {
  const config = (
    change: (layers: Record<string, unknown>[], model: Record<string, unknown>) => void,
  ): Uint8Array => {
    const json = JSON.parse(JSON.stringify(keras2Config(small))) as { config: Record<string, unknown> };
    change(json.config.layers as Record<string, unknown>[], json.config);
    return kerasHdf5(small, { config: json });
  };
  it.each([
    [
      "depends on itself",
      config((layers) => {
        layers[1]!.inbound_nodes = [[["d", 0, 0, {}]]];
      }),
    ],
    [
      'reads "gone"',
      config((layers) => {
        layers[1]!.inbound_nodes = [[["gone", 0, 0, {}]]];
      }),
    ],
    [
      "has no tensor 0, 1",
      config((layers) => {
        layers[1]!.inbound_nodes = [[["image", 0, 1, {}]]];
      }),
    ],
    [
      "two layers are named",
      config((layers) => {
        layers.push(layers[1]!);
      }),
    ],
    [
      "no outputs",
      config((_layers, model) => {
        model.output_layers = [];
      }),
    ],
    [
      "no list of layers",
      config((_layers, model) => {
        model.layers = {};
      }),
    ],
    [
      "a layer without class",
      config((layers) => {
        layers[0] = {};
      }),
    ],
    [
      "is a model in the model",
      config((layers) => {
        layers[1]!.class_name = "Sequential";
      }),
    ],
    [
      "no output depends on the input",
      config((layers, model) => {
        layers.push({
          class_name: "InputLayer",
          name: "b",
          config: { name: "b", batch_input_shape: [null, 2] },
          inbound_nodes: [],
        });
        model.input_layers = [
          ["image", 0, 0],
          ["b", 0, 0],
        ];
      }),
    ],
    [
      "has 2 inputs, not one",
      config((layers) => {
        layers[1]!.inbound_nodes = [
          [
            ["image", 0, 0],
            ["image", 0, 0],
          ],
        ];
      }),
    ],
    [
      "an argument of its call",
      config((layers) => {
        layers[1]!.inbound_nodes = [[["image", 0, 0, { scale: 2 }]]];
      }),
    ],
    [
      "above the limit of 4096",
      config((layers) => {
        for (let i = 0; i < 5000; i++) layers.push({ ...layers[1]!, name: `x${i}` });
      }),
    ],
    [
      "no Sequential or functional model",
      kerasHdf5(small, { config: { class_name: "MyModel", config: {} } }),
    ],
    ["no Sequential or functional model", kerasHdf5(small, { config: [] })],
    [
      "does not say the shape",
      kerasHdf5(small, {
        config: {
          class_name: "Sequential",
          config: { layers: [{ class_name: "Flatten", config: { name: "f" } }] },
        },
      }),
    ],
    ["no attribute model_config", writeHdf5({ attributes: { keras_version: "2.1" } })],
  ])("is refused: %s", (text, bytes) => {
    expect(textsOf(bytes).join("\n")).toContain(text);
  });
});

describe("a hostile archive", () => {
  const file = (name: string, content: Uint8Array | string): Record<string, Uint8Array> => ({
    [name]: typeof content === "string" ? encodeUtf8(content) : content,
  });
  const good = kerasArchive(small);
  const changed = (change: (view: DataView, at: number) => void, signature = 0x02014b50): Uint8Array => {
    const bytes = good.slice();
    const view = new DataView(bytes.buffer);
    for (let at = 0; at + 4 <= bytes.length; at++)
      if (view.getUint32(at, true) === signature) change(view, at);
    return bytes;
  };
  const deep = "[".repeat(1_000_000);
  it.each([
    ["outside of the archive", kerasArchive(small, {}, file("../evil.txt", "x"))],
    ["outside of the archive", kerasArchive(small, {}, file("/etc/evil", "x"))],
    ["outside of the archive", kerasArchive(small, {}, file("a\\..\\..\\b", "x"))],
    ["outside of the archive", kerasArchive(small, {}, file("C:evil", "x"))],
    ["has no config.json", zipSync({ "metadata.json": encodeUtf8("{}") })],
    ["has no model.weights.h5", zipSync({ "config.json": encodeUtf8(JSON.stringify(keras3Config(small))) })],
    ["above the limit", changed((view, at) => view.setUint32(at + 24, 0xfffffff0, true))],
    [
      "more bytes than its content can hold",
      changed((view, at) => {
        view.setUint16(at + 10, 8, true);
        view.setUint32(at + 24, 4_000_000, true);
      }),
    ],
    ["checksum", changed((view, at) => view.setUint32(at + 16, 1, true))],
    ["encrypted", changed((view, at) => view.setUint16(at + 8, 1, true))],
    ["no end of a zip archive", good.slice(0, -30)],
    ["nesting of JSON", kerasArchive(small, {}, file("config.json", deep))],
    ["bytes of config.json", kerasArchive(small, {}, file("config.json", new Uint8Array(2 ** 23)))],
    ["no valid JSON at character 1", kerasArchive(small, {}, file("config.json", "{nonsense"))],
    ["no UTF-8", kerasArchive(small, {}, file("config.json", Uint8Array.of(0x22, 0xff, 0x22)))],
    ["does not start as an HDF5 file does", kerasArchive(small, {}, file("model.weights.h5", "no"))],
    [
      "no HDF5 file that can be read",
      kerasArchive(small, {}, file("model.weights.h5", archiveWeightsFile(small, true).slice(0, 200))),
    ],
  ])("is refused in time: %s", (text, bytes) => {
    expect(textsOf(bytes).join("\n")).toContain(text);
  });

  it("that unpacks to very much is refused by the sizes it declares", () => {
    const zeros = new Uint8Array(2 ** 23);
    const bomb = zipSync({ "config.json": zeros, "model.weights.h5": zeros }, { level: 1 });
    expect(bomb.length).toBeLessThan(2 ** 18);
    expect(textsOf(bomb)).toEqual([
      `import/keras-too-large: m.keras: bytes of config.json: ${2 ** 23} is above the limit of ${2 ** 22}`,
    ]);
    const weights = kerasArchive(small, {}, file("model.weights.h5", zeros));
    const packed = zipSync(unzipSync(weights), { level: 9 });
    expect(textsOf(weights)[0]).toContain("import/keras-hdf5");
    expect(textsOf(packed)[0]).toMatch(
      /^import\/keras-too-large: m.keras: bytes of model.weights.h5: 8388608 is/,
    );
  });

  it("may not name fields of every object", () => {
    const json = JSON.stringify(keras3Config(small)).replace('"units":2', '"__proto__":{"units":2}');
    expect(textsOf(kerasArchive(small, {}, file("config.json", json)))).toEqual([
      'import/keras-option: layer "d" (Dense): units is missing; it has to be a whole number from 1 to 1048576',
      'import/keras-weights: layer "d" (Dense): the kernel in the file is 2x2, not 2x1',
    ]);
  });
});
