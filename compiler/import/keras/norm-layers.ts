// Layers that scale channels. In: a layer's settings and tensors. Out: a norm, or an affine of constants.

import { refuseQuantizer } from "./activations.ts";
import { shown } from "./json-text.ts";
import { valuesOf } from "./layer-constants.ts";
import type { LayerReader } from "./layer-reader.ts";
import type { LayerBuilder, Value } from "./node-builder.ts";
import { QuantizerProblem, readQuantizerSpec } from "./quantizer-spec.ts";
import { quantizeTensor } from "./tensor-quantizers.ts";
import type { StoredTensor } from "./tensors.ts";
import { type Emit, single } from "./weighted-layers.ts";

/** What Keras puts below a root of a variance in Normalization. */
const SMALLEST_DEVIATION = Math.fround(1e-7);

/** The last axis, as a number or a list of one; counted with the batch. */
function checkLastAxis(build: LayerBuilder, input: Value, axis: unknown): void {
  const only = Array.isArray(axis) && axis.length === 1 ? axis[0] : axis;
  if (only === -1 || only === input.shape.length) return;
  build.misfit(
    `its axis ${shown(axis)} is not the last of ${input.shape.join("x")}`,
    "normalize the channels, which come last",
  );
}

interface Parameter {
  readonly name: string;
  readonly option: string;
  readonly trainable: boolean;
  /** Where the layer has none. */
  readonly otherwise: number;
}

const PARAMETERS: readonly Parameter[] = [
  { name: "gamma", option: "gamma_quantizer", trainable: true, otherwise: 1 },
  { name: "beta", option: "beta_quantizer", trainable: false, otherwise: 0 },
  { name: "moving_mean", option: "mean_quantizer", trainable: false, otherwise: 0 },
  { name: "moving_variance", option: "variance_quantizer", trainable: true, otherwise: 1 },
];

/** BatchNormalization, and QBatchNormalization with its parameters quantized by themselves. */
export function readBatchNorm(layer: LayerReader): Emit {
  const scales = layer.boolean("scale", true);
  const centers = layer.boolean("center", true);
  const epsilon = layer.number("epsilon", { least: 0, most: 1e6 }, 1e-3);
  const axis = layer.option("axis") ?? -1;
  if (layer.option("renorm") === true) layer.refuse("renorm", "false");
  if (layer.option("inverse_quantizer") !== undefined) layer.refuse("inverse_quantizer", "null");
  const has = (name: string): boolean => (name === "gamma" ? scales : name === "beta" ? centers : true);
  const present = PARAMETERS.filter(({ name }) => has(name));
  const tensors = layer.tensors(present.map(({ name }) => name));
  const isQuantized = layer.type.startsWith("Q");
  const specs = new Map(
    isQuantized ? PARAMETERS.map(({ name, option }) => [name, readQuantizerSpec(layer.option(option))]) : [],
  );
  for (const { name, option } of isQuantized ? present : [])
    if (layer.option(option) !== undefined && !specs.get(name))
      layer.refuse(option, "a quantizer of QKeras, or null");

  const numbers = (
    parameter: Parameter,
    tensor: StoredTensor | undefined,
    channels: number,
  ): Float64Array => {
    if (!tensor) return new Float64Array(channels).fill(parameter.otherwise);
    if (tensor.shape.length !== 1 || tensor.shape[0] !== channels) {
      layer.refuseWeights(
        `its ${parameter.name} in the file is ${tensor.shape.join("x") || "one number"}, not ${channels}`,
      );
      return new Float64Array(channels).fill(1);
    }
    layer.settings.spend(channels);
    const values = tensor.read();
    const spec = specs.get(parameter.name);
    if (!spec) return values;
    try {
      return valuesOf(quantizeTensor(values, [channels], spec, parameter.trainable));
    } catch (error) {
      if (!(error instanceof QuantizerProblem)) throw error;
      refuseQuantizer(layer, spec, error);
      return values;
    }
  };
  return (build, inputs) => {
    const input = single(build, inputs);
    checkLastAxis(build, input, axis);
    const channels = input.shape.at(-1)!;
    const [scale, bias, mean, variance] = PARAMETERS.map((parameter) =>
      numbers(parameter, tensors?.[present.indexOf(parameter)], channels),
    );
    if (variance!.some((value) => !(value + epsilon > 0)))
      layer.refuseWeights("its moving_variance is not positive");
    return build.norm(input, { scale: scale!, bias: bias!, mean: mean!, variance: variance!, epsilon });
  };
}

/** Numbers of an option: one, or a flat list; nests of single lists are opened. */
function readNumbers(layer: LayerReader, key: string): readonly number[] | undefined {
  let value = layer.option(key);
  while (Array.isArray(value) && value.length === 1 && Array.isArray(value[0])) value = value[0];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.every((item) => typeof item === "number" && Number.isFinite(item))) return list as number[];
  layer.refuse(key, "a number, or one for each channel");
  return undefined;
}

/** Every element of `values`, or its only one, for each of `count` channels. */
function spread(
  build: LayerBuilder,
  values: readonly number[],
  channels: number,
  what: string,
): readonly number[] {
  if (values.length === 1 || values.length === channels) return values;
  return build.misfit(
    `its ${what} has ${values.length} numbers for ${channels} channels`,
    "give one number, or one for each channel",
  );
}

/** Rescaling: scale * x + offset. */
export function readRescaling(layer: LayerReader): Emit {
  const scale = readNumbers(layer, "scale") ?? [1];
  const offset = layer.option("offset") === undefined ? [0] : (readNumbers(layer, "offset") ?? [0]);
  return (build, inputs) => {
    const input = single(build, inputs);
    const channels = input.shape.at(-1)!;
    const gain = spread(build, scale, channels, "scale").map(Math.fround);
    return build.affine(input, gain, spread(build, offset, channels, "offset").map(Math.fround));
  };
}

/** Normalization: (x - mean) / max(sqrt(variance), 1e-7); with invert, mean + x max(sqrt(variance), 1e-7). */
export function readNormalization(layer: LayerReader): Emit {
  const inverts = layer.boolean("invert", false);
  const axis = layer.option("axis");
  const isGiven = layer.option("mean") !== undefined;
  const given = isGiven ? [readNumbers(layer, "mean"), readNumbers(layer, "variance")] : [];
  const tensors = isGiven ? undefined : layer.tensors(["mean", "variance"], ["count"]);
  const stored = (tensor: StoredTensor): readonly number[] => {
    const count = tensor.shape.reduce((a, b) => a * b, 1);
    layer.settings.spend(count);
    return [...tensor.read()];
  };
  return (build, inputs) => {
    const input = single(build, inputs);
    if (axis !== undefined && !(Array.isArray(axis) && axis.length === 0)) checkLastAxis(build, input, axis);
    const channels = input.shape.at(-1)!;
    const [means = [0], variances = [1]] = isGiven ? given : (tensors ?? []).map(stored);
    const mean = spread(build, means, channels, "mean").map(Math.fround);
    const deviation = spread(build, variances, channels, "variance").map((value) =>
      Math.max(Math.sqrt(Math.max(0, Math.fround(value))), SMALLEST_DEVIATION),
    );
    const at = <T>(list: readonly T[], i: number): T => list[list.length === 1 ? 0 : i]!;
    const count = Math.max(mean.length, deviation.length);
    const gain = Array.from({ length: count }, (_, i) => at(deviation, i));
    const center = Array.from({ length: count }, (_, i) => at(mean, i));
    return inverts
      ? build.affine(input, gain, center)
      : build.affine(
          input,
          gain.map((value) => 1 / value),
          center.map((value, i) => -value / gain[i]!),
        );
  };
}
