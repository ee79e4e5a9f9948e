// Layers with kernels: dense, convolutions, and QKeras' versions of them. In: a layer's settings and tensors. Out: a dense
// or conv with its constants, and the activation. Keras stores kernels as (positions..., inputs, units); ours are
// [units, positions..., inputs of the group].
import type { ConvOperator, Padding, Sizes } from "../../graph/graph.ts";
import type { ImportedConstants } from "../../graph/imported.ts";
import { product, reachOf, samePadding, spatialOf } from "../../graph/shapes.ts";
import type { Apply } from "./activation-quantizers.ts";
import { readActivation } from "./activations.ts";
import { type Bias, constantsOf, NOTHING, quantizersOf } from "./layer-constants.ts";
import type { LayerReader } from "./layer-reader.ts";
import type { LayerBuilder, Value } from "./node-builder.ts";
import type { QuantizerSpec } from "./quantizer-spec.ts";
import type { StoredTensor } from "./tensors.ts";

/** Adds a layer's nodes. */
export type Emit = (build: LayerBuilder, inputs: readonly Value[]) => Value;

const MAX_SIZE = 2 ** 20;

/** The only input of a layer. */
export function single(build: LayerBuilder, inputs: readonly Value[]): Value {
  if (inputs.length === 1) return inputs[0]!;
  return build.misfit(`it has ${inputs.length} inputs, not one`, "give the layer one input");
}

const asIs = (steps: Float64Array): Float64Array => steps;

/** Tensors of a layer with `kernels` and, where it says so, a bias. */
function readTensors(layer: LayerReader, kernels: readonly string[]): readonly StoredTensor[] | undefined {
  const names = layer.boolean("use_bias", true) ? [...kernels, "bias"] : kernels;
  return layer.tensors(names);
}

/** Dense on the last axis; with positions before it, a convolution of one position. */
export function readDense(layer: LayerReader): Emit {
  const units = layer.integer("units", { least: 1, most: MAX_SIZE });
  const quantizer = quantizersOf(layer);
  const kernelQuantizer = quantizer("kernel_quantizer");
  const biasQuantizer = quantizer("bias_quantizer");
  const activation = readActivation(layer);
  const tensors = readTensors(layer, ["kernel"]);
  return (build, inputs) => {
    const input = single(build, inputs);
    const channels = input.shape.at(-1)!;
    const [kernel, bias] = tensors ?? [];
    const axes = input.shape.length - 1;
    const ones = Array.from({ length: axes }, () => 1);
    const constants = (): ImportedConstants =>
      (kernel &&
        constantsOf(
          layer,
          {
            tensor: kernel,
            shape: [channels, units],
            permutation: [1, 0],
            quantizer: kernelQuantizer,
            unitSteps: asIs,
          },
          bias && { tensor: bias, quantizer: biasQuantizer },
          units,
        )) ??
      NOTHING;
    const operator =
      axes === 0
        ? ({ kind: "dense", units } as const)
        : convOperator(units, ones, ones, ones, { before: ones.map(() => 0), after: ones.map(() => 0) }, 1);
    return finish(build, build.weighted(input, operator, constants()), activation, layer);
  };
}

const convOperator = (
  units: number,
  kernel: Sizes,
  strides: Sizes,
  dilations: Sizes,
  padding: Padding,
  groups: number,
  transposed = false,
): ConvOperator => ({ kind: "conv", transposed, units, kernel, strides, dilations, padding, groups });

/** The activation as a part of the layer; of a layer without one, the value itself. */
function finish(build: LayerBuilder, value: Value, activation: Apply, layer: LayerReader): Value {
  const name = layer.option("activation");
  const part = typeof name === "string" && /^\w+$/.test(name) ? name : "activation";
  return activation(build, value, part);
}

interface WindowOptions {
  readonly kernel: Sizes;
  readonly strides: Sizes;
  readonly dilations: Sizes;
  readonly paddingOf: (sizes: Sizes) => Padding;
}

function readWindow(layer: LayerReader, axes: number, paddings: readonly string[]): WindowOptions {
  layer.checkDataFormat();
  const kernel = layer.sizes("kernel_size", axes, null);
  const ones = kernel.map(() => 1);
  const strides = layer.sizes("strides", axes, ones);
  const dilations = layer.sizes("dilation_rate", axes, ones);
  const padding = layer.word("padding", paddings);
  const paddingOf = (sizes: Sizes): Padding => {
    if (padding === "same") return samePadding(sizes, kernel, strides, dilations);
    const before = kernel.map((size, i) => (padding === "causal" ? reachOf(size, dilations[i]!) - 1 : 0));
    return { before, after: ones.map(() => 0) };
  };
  return { kernel, strides, dilations, paddingOf };
}

/** Throws unless the tensor has `axes` axes of positions. */
function checkAxes(build: LayerBuilder, input: Value, axes: number): void {
  if (input.shape.length === axes + 1) return;
  const wanted = axes === 1 ? "a sequence (positions, channels)" : "an image (rows, columns, channels)";
  build.misfit(`it takes ${wanted}, not ${input.shape.join("x")}`, "reshape what enters it");
}

/** Conv1D and Conv2D. */
export const readConv =
  (axes: number) =>
  (layer: LayerReader): Emit => {
    const window = readWindow(layer, axes, axes === 1 ? ["valid", "same", "causal"] : ["valid", "same"]);
    const units = layer.integer("filters", { least: 1, most: MAX_SIZE });
    const groups = layer.integer("groups", { least: 1, most: MAX_SIZE }, 1);
    if (layer.option("mask") !== undefined) layer.refuse("mask", "null");
    const quantizer = quantizersOf(layer);
    const kernelQuantizer = quantizer("kernel_quantizer");
    const biasQuantizer = quantizer("bias_quantizer");
    const activation = readActivation(layer);
    const tensors = readTensors(layer, ["kernel"]);
    return (build, inputs) => {
      const input = single(build, inputs);
      checkAxes(build, input, axes);
      const { kernel, strides, dilations } = window;
      const padding = window.paddingOf(spatialOf(input.shape));
      const operator = convOperator(units, kernel, strides, dilations, padding, groups);
      const [tensor, bias] = tensors ?? [];
      const shape = [...kernel, input.shape.at(-1)! / groups, units];
      const constants =
        tensor &&
        constantsOf(
          layer,
          {
            tensor,
            shape,
            permutation: [axes + 1, ...shape.slice(0, -1).keys()],
            quantizer: kernelQuantizer,
            unitSteps: asIs,
          },
          bias && { tensor: bias, quantizer: biasQuantizer },
          units,
        );
      return finish(build, build.weighted(input, operator, constants ?? NOTHING), activation, layer);
    };
  };

/** The depthwise part of a layer: every channel has `multiplier` kernels of its own. */
function depthwise(
  layer: LayerReader,
  window: WindowOptions,
  multiplier: number,
  quantizer: QuantizerSpec | undefined,
) {
  return (input: Value, tensor: StoredTensor | undefined, bias: Bias | undefined) => {
    const { kernel, strides, dilations } = window;
    const axes = kernel.length;
    const channels = input.shape.at(-1)!;
    const units = channels * multiplier;
    const padding = window.paddingOf(spatialOf(input.shape));
    const operator = convOperator(units, kernel, strides, dilations, padding, channels);
    const constants =
      tensor &&
      constantsOf(
        layer,
        {
          tensor,
          shape: [...kernel, channels, multiplier],
          permutation: [axes, axes + 1, ...kernel.keys()],
          quantizer,
          // Scales belong to the last axis, which all channels share.
          unitSteps: (steps) => Float64Array.from({ length: units }, (_, unit) => steps[unit % multiplier]!),
        },
        bias,
        units,
      );
    return { operator, constants: constants ?? NOTHING };
  };
}

/** DepthwiseConv1D and DepthwiseConv2D. */
export const readDepthwise =
  (axes: number) =>
  (layer: LayerReader): Emit => {
    const window = readWindow(layer, axes, ["valid", "same"]);
    const multiplier = layer.integer("depth_multiplier", { least: 1, most: MAX_SIZE }, 1);
    const quantizer = quantizersOf(layer);
    const part = depthwise(layer, window, multiplier, quantizer("depthwise_quantizer"));
    const biasQuantizer = quantizer("bias_quantizer");
    const activation = readActivation(layer);
    const tensors = readTensors(layer, ["depthwise_kernel|kernel"]);
    return (build, inputs) => {
      const input = single(build, inputs);
      checkAxes(build, input, axes);
      const [kernel, bias] = tensors ?? [];
      const { operator, constants } = part(input, kernel, bias && { tensor: bias, quantizer: biasQuantizer });
      return finish(build, build.weighted(input, operator, constants), activation, layer);
    };
  };

/** SeparableConv1D and SeparableConv2D: a depthwise convolution, then one of single positions. */
export const readSeparable =
  (axes: number) =>
  (layer: LayerReader): Emit => {
    const window = readWindow(layer, axes, axes === 1 ? ["valid", "same", "causal"] : ["valid", "same"]);
    const units = layer.integer("filters", { least: 1, most: MAX_SIZE });
    const multiplier = layer.integer("depth_multiplier", { least: 1, most: MAX_SIZE }, 1);
    const part = depthwise(layer, window, multiplier, undefined);
    const activation = readActivation(layer);
    const tensors = readTensors(layer, ["depthwise_kernel", "pointwise_kernel"]);
    const ones = window.kernel.map(() => 1);
    const none = { before: ones.map(() => 0), after: ones.map(() => 0) };
    return (build, inputs) => {
      const input = single(build, inputs);
      checkAxes(build, input, axes);
      const [kernel, points, bias] = tensors ?? [];
      const first = part(input, kernel, undefined);
      const middle = build.weighted(input, first.operator, first.constants, "depthwise");
      const shape = [...ones, middle.shape.at(-1)!, units];
      const constants =
        points &&
        constantsOf(
          layer,
          {
            tensor: points,
            shape,
            permutation: [axes + 1, ...shape.slice(0, -1).keys()],
            quantizer: undefined,
            unitSteps: asIs,
          },
          bias && { tensor: bias, quantizer: undefined },
          units,
        );
      const value = build.weighted(
        middle,
        convOperator(units, ones, ones, ones, none, 1),
        constants ?? NOTHING,
      );
      return finish(build, value, activation, layer);
    };
  };

/** Conv1DTranspose and Conv2DTranspose; their kernels are (positions..., units, inputs). */
export const readTransposed =
  (axes: number) =>
  (layer: LayerReader): Emit => {
    layer.checkDataFormat();
    const units = layer.integer("filters", { least: 1, most: MAX_SIZE });
    const kernel = layer.sizes("kernel_size", axes, null);
    const ones = kernel.map(() => 1);
    const strides = layer.sizes("strides", axes, ones);
    if (product(layer.sizes("dilation_rate", axes, ones)) !== 1) layer.refuse("dilation_rate", "1");
    if (layer.option("output_padding") !== undefined) layer.refuse("output_padding", "null");
    const isSame = layer.word("padding", ["valid", "same"]) === "same";
    const activation = readActivation(layer);
    const tensors = readTensors(layer, ["kernel"]);
    return (build, inputs) => {
      const input = single(build, inputs);
      checkAxes(build, input, axes);
      // valid: size * stride positions, or those that the last window reaches.
      const valid = {
        before: ones.map(() => 0),
        after: kernel.map((size, i) => Math.min(0, size - strides[i]!)),
      };
      const padding = isSame ? samePadding(spatialOf(input.shape), kernel, strides, ones, true) : valid;
      const operator = convOperator(units, kernel, strides, ones, padding, 1, true);
      const [tensor, bias] = tensors ?? [];
      const shape = [...kernel, units, input.shape.at(-1)!];
      const constants =
        tensor &&
        constantsOf(
          layer,
          {
            tensor,
            shape,
            permutation: [axes, ...kernel.keys(), axes + 1],
            quantizer: undefined,
            unitSteps: asIs,
          },
          bias && { tensor: bias, quantizer: undefined },
          units,
        );
      return finish(build, build.weighted(input, operator, constants ?? NOTHING), activation, layer);
    };
  };
