// Random Keras models for tests. In: a seed. Out: layers whose sizes fit each other, with weights that a float32 holds.
import type { TestLayer, TestModel, TestTensor } from "./keras-files.ts";

export interface Draws {
  /** From 0 to below `count`. */
  below(count: number): number;
  /** One of a list. */
  of<T>(list: readonly T[]): T;
  /** From -1 to 1, with few digits: sums of them are exact in a double. */
  number(): number;
}

/** The same draws for the same seed. */
export function createDraws(seed: number): Draws {
  let state = (seed * 2654435761 + 1) >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  for (let i = 0; i < 4; i++) next();
  const below = (count: number): number => Math.floor(next() * count);
  return { below, of: (list) => list[below(list.length)]!, number: () => (below(257) - 128) / 128 };
}

export const tensorOf = (draws: Draws, name: string, shape: readonly number[]): TestTensor => ({
  name,
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
    name.endsWith("variance") ? 0.25 + Math.abs(draws.number()) : draws.number(),
  ),
});

export const inputLayer = (shape: readonly number[], name = "image"): TestLayer => ({
  type: "InputLayer",
  name,
  config: { batch_shape: [null, ...shape] },
});

const ACTIVATIONS = ["linear", "relu", "relu6", "sigmoid", "tanh", "hard_sigmoid"];

interface Weighted {
  readonly config: Readonly<Record<string, unknown>>;
  readonly weights: readonly TestTensor[];
}

/** A random layer that can stand behind a tensor of `shape`, and the shape that it makes. */
function layerBehind(shape: readonly number[], draws: Draws): readonly [string, Weighted] {
  const axes = shape.length - 1;
  const channels = shape.at(-1)!;
  const d = `${axes}D`;
  const each = (f: (size: number) => number): number[] => shape.slice(0, -1).map(f);
  const window = each((size) => 1 + draws.below(Math.min(3, size)));
  const padding = draws.of(["same", "valid"]);
  const strides = each(() => 1 + draws.below(2));
  const units = 1 + draws.below(3);
  const useBias = draws.of([true, false]);
  const bias = (count: number): readonly TestTensor[] => (useBias ? [tensorOf(draws, "bias", [count])] : []);
  const common = { use_bias: useBias, activation: draws.of(ACTIVATIONS) };
  const plain = (config: Readonly<Record<string, unknown>>): Weighted => ({ config, weights: [] });
  const anywhere = ["Dense", "BatchNormalization", "Activation", "ReLU", "LeakyReLU", "Dropout", "Rescaling"];
  const windows = ["Conv", "DepthwiseConv", "SeparableConv", "ConvTranspose", "MaxPooling", "AveragePooling"];
  const moves = ["ZeroPadding", "UpSampling", "Permute", "Cropping"];
  const type = draws.of(axes === 0 ? anywhere : [...anywhere, ...windows, ...moves]);
  switch (type) {
    case "Dense":
      return [
        type,
        {
          config: { units, ...common },
          weights: [tensorOf(draws, "kernel", [channels, units]), ...bias(units)],
        },
      ];
    case "Conv": {
      const groups = channels % 2 === 0 ? draws.of([1, 2]) : 1;
      const filters = groups * units;
      const dilated = strides.every((s) => s === 1) && padding === "same" ? draws.of([1, 2]) : 1;
      const config = {
        filters,
        groups,
        kernel_size: window,
        strides,
        padding,
        dilation_rate: each(() => dilated),
        ...common,
      };
      const kernel = tensorOf(draws, "kernel", [...window, channels / groups, filters]);
      return [`Conv${d}`, { config, weights: [kernel, ...bias(filters)] }];
    }
    case "DepthwiseConv": {
      const config = {
        kernel_size: window,
        strides: each(() => strides[0]!),
        padding,
        depth_multiplier: units,
        ...common,
      };
      const kernel = tensorOf(draws, "depthwise_kernel", [...window, channels, units]);
      return [`DepthwiseConv${d}`, { config, weights: [kernel, ...bias(channels * units)] }];
    }
    case "SeparableConv": {
      const multiplier = 1 + draws.below(2);
      const config = {
        filters: units,
        kernel_size: window,
        padding,
        depth_multiplier: multiplier,
        ...common,
      };
      const kernels = [
        tensorOf(draws, "depthwise_kernel", [...window, channels, multiplier]),
        tensorOf(draws, "pointwise_kernel", [...window.map(() => 1), channels * multiplier, units]),
      ];
      return [`SeparableConv${d}`, { config, weights: [...kernels, ...bias(units)] }];
    }
    case "ConvTranspose": {
      const config = { filters: units, kernel_size: window, strides, padding, ...common };
      const kernel = tensorOf(draws, "kernel", [...window, units, channels]);
      return [`Conv${d}Transpose`, { config, weights: [kernel, ...bias(units)] }];
    }
    case "MaxPooling":
      return [`MaxPooling${d}`, plain({ pool_size: window, strides, padding })];
    case "AveragePooling":
      return [`AveragePooling${d}`, plain({ pool_size: window, strides: null, padding: "valid" })];
    case "BatchNormalization": {
      const [scale, center] = [draws.of([true, false]), draws.of([true, false])];
      const names = [
        ...(scale ? ["gamma"] : []),
        ...(center ? ["beta"] : []),
        "moving_mean",
        "moving_variance",
      ];
      const config = { axis: draws.of([-1, shape.length]), epsilon: 0.001, scale, center };
      return [type, { config, weights: names.map((name) => tensorOf(draws, name, [channels])) }];
    }
    case "Activation":
      return [type, plain({ activation: draws.of(ACTIVATIONS) })];
    case "ReLU":
      return [type, plain({ max_value: draws.of([null, 6, 1, 2, 0.5]), negative_slope: 0, threshold: 0 })];
    case "LeakyReLU":
      return [type, plain({ alpha: draws.of([0.125, 0.3]) })];
    case "Rescaling":
      return [type, plain({ scale: 0.5, offset: draws.of([0, -0.25]) })];
    case "ZeroPadding":
      return [
        `ZeroPadding${d}`,
        plain({
          padding:
            axes === 1
              ? draws.of([1, [2, 1]])
              : draws.of([
                  1,
                  [1, 2],
                  [
                    [1, 0],
                    [0, 2],
                  ],
                ]),
        }),
      ];
    case "Cropping": {
      const cuts = each((size) => (size > 1 ? 1 : 0)).map((cut) => [cut, 0]);
      return [`Cropping${d}`, plain({ cropping: axes === 1 ? cuts[0] : cuts })];
    }
    case "UpSampling":
      return [
        `UpSampling${d}`,
        plain({ size: axes === 1 ? 2 : [1, 2], ...(axes === 2 ? { interpolation: "nearest" } : {}) }),
      ];
    case "Permute":
      return [
        type,
        plain({
          dims:
            axes === 1
              ? [2, 1]
              : draws.of([
                  [2, 1, 3],
                  [3, 1, 2],
                ]),
        }),
      ];
    default:
      return [type, plain({ rate: 0.5 })];
  }
}

/** Shape of the result, from the settings: the reference evaluator has the last word on it. */
export type ShapeOf = (model: TestModel) => readonly number[];

/** A chain of `count` layers behind an input; `shapeOf` tells what a model's last layer makes. */
export function randomChain(seed: number, count: number, shapeOf: ShapeOf): TestModel {
  const draws = createDraws(seed);
  const size = (): number => 2 + draws.below(4);
  const shape = draws.of([[size()], [size(), size()], [size(), size(), 1 + draws.below(4)]]);
  let model: TestModel = { layers: [inputLayer(shape)], outputs: ["image"] };
  for (let i = 0; i < count; i++) {
    const current = shapeOf(model);
    if (current.reduce((a, b) => a * b, 1) > 600) break;
    const before = model.layers.at(-1)!.name;
    const [type, layer] = layerBehind(current, draws);
    const name = `layer_${i}`;
    model = { layers: [...model.layers, { type, name, uses: [[before]], ...layer }], outputs: [name] };
  }
  return model;
}
