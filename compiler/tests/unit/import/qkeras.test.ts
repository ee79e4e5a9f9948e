// QKeras: its quantizers make the numbers that QKeras itself makes (recorded in qkeras-golden.ts), layers carry them as
// exact grids, and what has no exact form is refused.
import { describe, expect, it } from "vitest";
import type { ImportedModel } from "../../../graph/imported.ts";
import { valuesOf } from "../../../import/keras/layer-constants.ts";
import { readQuantizerSpec } from "../../../import/keras/quantizer-spec.ts";
import { readKeras } from "../../../import/keras/read-keras.ts";
import { quantizeTensor } from "../../../import/keras/tensor-quantizers.ts";
import { diagnosticsOf, messagesOf } from "../data/diagnostics-of.ts";
import { evaluateImported, outputsOfImported, quantize } from "./evaluate-imported.ts";
import { kerasArchive, kerasHdf5, type TestLayer, type TestModel } from "./keras-files.ts";
import { evaluateKeras } from "./keras-reference.ts";
import {
  ACTIVATIONS,
  KERNEL,
  QUANTIZED_ACTIVATIONS,
  QUANTIZED_KERNELS,
  QUANTIZED_PARAMETERS,
} from "./qkeras-golden.ts";
import { createDraws, inputLayer, tensorOf } from "./random-keras.ts";

const draws = createDraws(5);
const read = (model: TestModel): ImportedModel => readKeras({ bytes: kerasHdf5(model), name: "m.h5" }).model;

const behind = (shape: readonly number[], layer: Omit<TestLayer, "name" | "uses">): TestModel => ({
  layers: [inputLayer(shape), { ...layer, name: "q", uses: [["image"]] }],
  outputs: ["q"],
});

/** The object form of "name(a=1, b=2)". */
function objectForm(text: string): object {
  const spec = readQuantizerSpec(text)!;
  return {
    module: "qkeras.quantizers",
    class_name: spec.name,
    config: spec.settings,
    registered_name: spec.name,
  };
}

describe("a quantizer of weights", () => {
  const kernel = Float64Array.from(KERNEL);

  it.each(QUANTIZED_KERNELS)("%s makes what QKeras makes", (text, wanted) => {
    const tensor = quantizeTensor(kernel, [4, 3], readQuantizerSpec(text)!, false);
    const isAuto = text.includes('"auto"');
    valuesOf(tensor).forEach((value, i) => {
      // Sums in float32 are the only difference there may be.
      expect(Math.abs(value - wanted[i]!)).toBeLessThanOrEqual(isAuto ? 2e-7 * Math.abs(wanted[i]!) : 0);
    });
    for (const mantissa of tensor.mantissas) {
      expect(Number.isInteger(mantissa)).toBe(true);
      expect(mantissa).toBeGreaterThanOrEqual(tensor.least);
      expect(mantissa).toBeLessThanOrEqual(tensor.greatest);
      if (tensor.bipolar) expect(Math.abs(mantissa)).toBe(1);
    }
  });

  it.each(QUANTIZED_KERNELS)("%s reaches a layer as a grid that changes nothing more", (text) => {
    const model = behind([4], {
      type: "QDense",
      config: { units: 3, use_bias: false, kernel_quantizer: objectForm(text) },
      weights: [{ name: "kernel", shape: [4, 3], data: Float32Array.from(KERNEL) }],
    });
    const { weights, weightQuantizer } = read(model).constants.get("q")!;
    const values = valuesOf(quantizeTensor(kernel, [4, 3], readQuantizerSpec(text)!, true));
    weights.forEach((value, i) => {
      const [unit, input] = [Math.floor(i / 4), i % 4];
      expect(value).toBe(values[input * 3 + unit]);
      expect(quantize(value, weightQuantizer!, unit) + 0).toBe(value + 0);
    });
  });

  it.each(QUANTIZED_PARAMETERS)("%s makes what QKeras makes of a vector", (text, wanted) => {
    const vector = Float64Array.from([1.3, -0.2, 0.75], Math.fround);
    const tensor = quantizeTensor(vector, [3], readQuantizerSpec(text)!, true);
    expect([...valuesOf(tensor)]).toEqual(wanted);
  });

  it("without an alpha is scaled in a kernel, and not in a bias", () => {
    const weights = [
      { name: "kernel", shape: [4, 3], data: Float32Array.from(KERNEL) },
      { name: "bias", shape: [3], data: Float32Array.of(0.3, -0.9, 0.1) },
    ];
    const config = {
      units: 3,
      kernel_quantizer: "quantized_bits(4,1,1)",
      bias_quantizer: "quantized_bits(4,0)",
    };
    const { weightQuantizer, bias, biasQuantizer } = read(
      behind([4], { type: "QDense", config, weights }),
    ).constants.get("q")!;
    expect([...weightQuantizer!.scale]).toEqual([0.25, 0.125, 0.03125]);
    expect([...bias!]).toEqual([0.25, -0.875, 0.125]);
    expect([...biasQuantizer!.scale]).toEqual([0.125]);
  });
});

describe("a quantizer of activations", () => {
  it.each(QUANTIZED_ACTIVATIONS)("%s makes what QKeras makes", (text, wanted) => {
    const shape = [ACTIVATIONS.length];
    for (const activation of [text, objectForm(text)]) {
      const model = read(behind(shape, { type: "QActivation", config: { activation } }));
      const found = outputsOfImported(model, { image: Float64Array.from(ACTIVATIONS) })[0]!;
      expect([...found].map((value) => value + 0)).toEqual(wanted);
      expect(model.nodes.at(-1)!.name).toBe("q");
    }
  });

  it("is named within its layer", () => {
    const config = { units: 3, use_bias: false, activation: objectForm("quantized_relu(4)") };
    const weights = [tensorOf(draws, "kernel", [4, 3])];
    const model = read(behind([4], { type: "QDense", config, weights }));
    expect(model.nodes.map((node) => `${node.name} ${node.kind}`)).toEqual([
      "image input",
      "q dense",
      "q/activation quantize",
    ]);
  });
});

describe("a layer of QKeras", () => {
  const quantizers = {
    kernel_quantizer: "quantized_bits(5,0,1,alpha='auto')",
    bias_quantizer: "quantized_bits(6,1,alpha=1)",
  };
  const cases: readonly TestModel[] = [
    behind([5], {
      type: "QDense",
      config: { units: 3, ...quantizers },
      weights: [tensorOf(draws, "kernel", [5, 3]), tensorOf(draws, "bias", [3])],
    }),
    behind([6, 2], {
      type: "QConv1D",
      config: { filters: 3, kernel_size: 2, padding: "causal", ...quantizers },
      weights: [tensorOf(draws, "kernel", [2, 2, 3]), tensorOf(draws, "bias", [3])],
    }),
    behind([5, 4, 2], {
      type: "QConv2D",
      config: { filters: 3, kernel_size: [2, 3], strides: [2, 1], padding: "same", ...quantizers },
      weights: [tensorOf(draws, "kernel", [2, 3, 2, 3]), tensorOf(draws, "bias", [3])],
    }),
    behind([5, 4, 3], {
      type: "QDepthwiseConv2D",
      config: {
        kernel_size: 2,
        depth_multiplier: 2,
        depthwise_quantizer: "ternary(alpha='auto_po2')",
        bias_quantizer: quantizers.bias_quantizer,
      },
      weights: [tensorOf(draws, "depthwise_kernel", [2, 2, 3, 2]), tensorOf(draws, "bias", [6])],
    }),
  ];

  it.each(cases.map((model) => [model.layers[1]!.type, model] as const))(
    "%s computes with quantized kernels",
    (type, model) => {
      const layer = model.layers[1]!;
      const config = layer.config as Readonly<Record<string, string>>;
      // The plain layer of the same kind on kernels that are quantized beforehand.
      const plain: TestModel = {
        ...model,
        layers: [
          model.layers[0]!,
          {
            ...layer,
            type: type.slice(1),
            weights: layer.weights!.map((tensor) => {
              const text =
                tensor.name === "bias"
                  ? config.bias_quantizer
                  : (config.kernel_quantizer ?? config.depthwise_quantizer);
              const values = valuesOf(
                quantizeTensor(Float64Array.from(tensor.data), tensor.shape, readQuantizerSpec(text)!, true),
              );
              return { ...tensor, data: values as unknown as Float32Array };
            }),
          },
        ],
      };
      const shape = model.layers[0]!.config!.batch_shape as number[];
      const image = Float64Array.from({ length: shape.slice(1).reduce((a, b) => a * b, 1) }, () =>
        draws.number(),
      );
      const wanted = evaluateKeras(plain, { image }, 2)[0]!.data;
      for (const bytes of [kerasHdf5(model), kerasArchive(model)]) {
        const found = outputsOfImported(readKeras({ bytes, name: "m" }).model, { image })[0]!;
        wanted.forEach((value, i) => {
          expect(Math.abs(value - found[i]!)).toBeLessThan(1e-12);
        });
      }
    },
  );

  it("QBatchNormalization quantizes each of its parameters", () => {
    const weights = ["gamma", "beta", "moving_mean", "moving_variance"].map((name, i) => ({
      name,
      shape: [2],
      data: Float32Array.of(0.7 + i, 0.3),
    }));
    const config = {
      axis: [2],
      epsilon: 0.001,
      gamma_quantizer: "quantized_relu_po2(6, 2048)",
      beta_quantizer: objectForm("quantized_po2(5)"),
      mean_quantizer: null,
      variance_quantizer: "quantized_relu_po2(6, quadratic_approximation=True)",
      inverse_quantizer: null,
    };
    const model = read(behind([3, 2], { type: "QBatchNormalization", config, weights }));
    const node = model.nodes.at(-1)!;
    expect(node).toMatchObject({
      kind: "norm",
      scale: Float64Array.of(0.5, 0.25),
      bias: Float64Array.of(2, 0.25),
      mean: Float64Array.from([2.7, 0.3], Math.fround),
      variance: Float64Array.of(4, 0.25),
    });
    expect(evaluateImported(model, new Map([["image", new Float64Array(6)]])).get("q")!.length).toBe(6);
  });
});

describe("a quantizer that has no exact form", () => {
  const dense = (kernelQuantizer: unknown): TestModel =>
    behind([2], {
      type: "QDense",
      config: { units: 1, use_bias: false, kernel_quantizer: kernelQuantizer },
      weights: [{ name: "kernel", shape: [2, 1], data: Float32Array.of(1, 0) }],
    });
  const activation = (value: unknown): TestModel =>
    behind([2], { type: "QActivation", config: { activation: value } });
  it.each([
    ["draws at random", dense("bernoulli()")],
    ["draws at random", activation("bernoulli()")],
    ["is not supported", dense("quantized_linear")],
    ["is not supported", activation("quantized_hswish")],
    ["is not known", dense("fancy(3)")],
    ["is not known", dense({ class_name: "fancy", config: {} })],
    ["is not supported", activation("quantized_bits(print(1))")],
    ["follows from each input", activation("quantized_bits(4,0,1,alpha='auto')")],
    ["powers of two as its values", activation("quantized_po2(4)")],
    ["lie too far apart", dense("quantized_po2(7)")],
    ["has a bits of 99", dense("quantized_bits(99,alpha=1)")],
    ['has a bits of "4"', activation("quantized_bits('4')")],
    ["has a alpha of -1", dense("quantized_bits(4,alpha=-1)")],
    ["has a alpha of [1]", dense({ class_name: "quantized_bits", config: { alpha: [1] } })],
    ["two bits or more", dense("quantized_bits(1,0,1,alpha='auto')")],
    ["sets scale_axis", dense("quantized_bits(4,scale_axis=0)")],
    [
      "sets post_training_scale",
      dense({ class_name: "quantized_bits", config: { alpha: "auto", post_training_scale: [1] } }),
    ],
    ["has a qnoise_factor", activation("quantized_relu(4,qnoise_factor=0.5)")],
    ["has the unknown setting colour", dense({ class_name: "binary", config: { colour: 1 } })],
    ["takes no threshold", dense("ternary(alpha='auto', threshold=0.5)")],
    ["has use_sigmoid", activation("quantized_relu(4,0,1)")],
    ["has a negative_slope of 0.3", activation("quantized_relu(4,0,negative_slope=0.3)")],
    [
      "has a relu_upper_bound of 0.3",
      activation({
        class_name: "quantized_relu",
        config: { bits: 4, is_quantized_clip: false, relu_upper_bound: 0.3 },
      }),
    ],
    [
      "mask is [[1]]",
      behind([2, 2, 1], {
        type: "QConv2D",
        config: { filters: 1, kernel_size: 1, use_bias: false, mask: [[1]] },
        weights: [tensorOf(draws, "kernel", [1, 1, 1, 1])],
      }),
    ],
    ["(QSeparableConv2D) is not supported", behind([2, 2, 1], { type: "QSeparableConv2D", config: {} })],
  ])("is refused: %s", (text, model) => {
    const bytes = kerasHdf5(model);
    expect(messagesOf(() => readKeras({ bytes, name: "m.h5" }))).toContain(text);
    for (const { hint, message } of diagnosticsOf(() => readKeras({ bytes, name: "m.h5" }))) {
      expect(hint).toBeTruthy();
      expect(message).toContain('layer "q"');
    }
  });
});
