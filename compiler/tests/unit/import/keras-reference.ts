// What Keras computes, from settings and kernels in Keras' own layout, by plain loops in doubles. It shares nothing with
// the importer. In: a model of keras-files.ts and its inputs. Out: the outputs.
import { refOf, type TestLayer, type TestModel } from "./keras-files.ts";

export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

type Config = Readonly<Record<string, unknown>>;

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
const tensor = (shape: readonly number[]): Tensor => ({ shape, data: new Float64Array(product(shape)) });

/** Rows, columns, channels: a sequence is an image of one row. */
const asImage = ({ shape, data }: Tensor): Tensor => ({
  shape: shape.length === 2 ? [1, ...shape] : shape,
  data,
});
const pair = (value: unknown, isSequence: boolean, fallback: number): readonly [number, number] => {
  const list =
    value === undefined ? [fallback] : Array.isArray(value) ? (value as number[]) : [value as number];
  return isSequence ? [1, list[0]!] : [list[0]!, list[1] ?? list[0]!];
};

function begin(
  padding: unknown,
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
): [number, number] {
  const reach = (kernel - 1) * dilation + 1;
  if (padding === "same") {
    const count = Math.ceil(size / stride);
    return [Math.floor(Math.max((count - 1) * stride + reach - size, 0) / 2), count];
  }
  const before = padding === "causal" ? reach - 1 : 0;
  return [before, Math.floor((size + before - reach) / stride) + 1];
}

interface Kernel {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** kernel: (rows, columns, inputs of the group, units); depthwise: (rows, columns, channels, multiplier). */
function convolve(
  input: Tensor,
  kernel: Kernel,
  config: Config,
  depthwise: boolean,
  isSequence: boolean,
): Tensor {
  const x = asImage(input);
  const [height, width, channels] = x.shape as [number, number, number];
  const [kh, kw, inner, last] = kernel.shape.slice(-4).length === 4 ? kernel.shape : [1, ...kernel.shape];
  const strides = pair(config.strides, isSequence, 1);
  const dilation = pair(config.dilation_rate, isSequence, 1);
  const padding = config.padding ?? "valid";
  const [top, rows] = begin(isSequence ? "valid" : padding, height, kh!, strides[0], dilation[0]);
  const [left, columns] = begin(padding, width, kw!, strides[1], dilation[1]);
  const units = depthwise ? channels * last! : last!;
  const out = tensor([rows, columns, units]);
  const groups = depthwise ? channels : channels / inner!;
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++)
      for (let u = 0; u < units; u++) {
        let sum = 0;
        for (let i = 0; i < kh!; i++)
          for (let j = 0; j < kw!; j++) {
            const [y, z] = [r * strides[0] + i * dilation[0] - top, c * strides[1] + j * dilation[1] - left];
            if (y < 0 || y >= height || z < 0 || z >= width) continue;
            const at = (y * width + z) * channels;
            if (depthwise) {
              const channel = Math.floor(u / last!);
              sum +=
                x.data[at + channel]! *
                kernel.data[((i * kw! + j) * channels + channel) * last! + (u % last!)]!;
            } else {
              const group = Math.floor(u / (units / groups));
              for (let k = 0; k < inner!; k++)
                sum +=
                  x.data[at + group * inner! + k]! * kernel.data[((i * kw! + j) * inner! + k) * last! + u]!;
            }
          }
        out.data[(r * columns + c) * units + u] = sum;
      }
  return isSequence ? { shape: out.shape.slice(1), data: out.data } : out;
}

/** kernel: (rows, columns, units, channels). */
function convolveTransposed(input: Tensor, kernel: Kernel, config: Config, isSequence: boolean): Tensor {
  const x = asImage(input);
  const [height, width, channels] = x.shape as [number, number, number];
  const [kh, kw, units] = kernel.shape.length === 4 ? kernel.shape : [1, ...kernel.shape];
  const strides = pair(config.strides, isSequence, 1);
  const same = config.padding === "same";
  const size = (n: number, k: number, s: number): number => n * s + (same ? 0 : Math.max(k - s, 0));
  const cut = (k: number, s: number): number => (same ? Math.floor(Math.max(k - s, 0) / 2) : 0);
  const [rows, columns] = [size(height, kh!, strides[0]), size(width, kw!, strides[1])];
  const out = tensor([rows, columns, units!]);
  for (let y = 0; y < height; y++)
    for (let z = 0; z < width; z++)
      for (let i = 0; i < kh!; i++)
        for (let j = 0; j < kw!; j++) {
          const [r, c] = [
            y * strides[0] + i - cut(kh!, strides[0]),
            z * strides[1] + j - cut(kw!, strides[1]),
          ];
          if (r < 0 || r >= rows || c < 0 || c >= columns) continue;
          for (let u = 0; u < units!; u++)
            for (let k = 0; k < channels; k++)
              out.data[(r * columns + c) * units! + u]! +=
                x.data[(y * width + z) * channels + k]! *
                kernel.data[((i * kw! + j) * units! + u) * channels + k]!;
        }
  return isSequence ? { shape: out.shape.slice(1), data: out.data } : out;
}

function pool(input: Tensor, config: Config, isMax: boolean, isSequence: boolean): Tensor {
  const x = asImage(input);
  const [height, width, channels] = x.shape as [number, number, number];
  const window = pair(config.pool_size, isSequence, 2);
  const strides = config.strides ? pair(config.strides, isSequence, 2) : window;
  const [top, rows] = begin(isSequence ? "valid" : config.padding, height, window[0], strides[0], 1);
  const [left, columns] = begin(config.padding, width, window[1], strides[1], 1);
  const out = tensor([rows, columns, channels]);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++)
      for (let k = 0; k < channels; k++) {
        const seen: number[] = [];
        for (let i = 0; i < window[0]; i++)
          for (let j = 0; j < window[1]; j++) {
            const [y, z] = [r * strides[0] + i - top, c * strides[1] + j - left];
            if (y >= 0 && y < height && z >= 0 && z < width)
              seen.push(x.data[(y * width + z) * channels + k]!);
          }
        out.data[(r * columns + c) * channels + k] = isMax
          ? Math.max(...seen)
          : seen.reduce((a, b) => a + b, 0) / seen.length;
      }
  return isSequence ? { shape: out.shape.slice(1), data: out.data } : out;
}

function globalPool(x: Tensor, config: Config, isMax: boolean): Tensor {
  const channels = x.shape.at(-1)!;
  const out = tensor(config.keepdims ? [...x.shape.slice(0, -1).map(() => 1), channels] : [channels]);
  const count = x.data.length / channels;
  for (let k = 0; k < channels; k++) {
    const column = x.data.filter((_, i) => i % channels === k);
    out.data[k] = isMax ? Math.max(...column) : column.reduce((a, b) => a + b, 0) / count;
  }
  return out;
}

const clip = (x: number, least: number, most: number): number => Math.min(most, Math.max(least, x));

/** Element by element. */
export function activate(name: string, x: number, version: number): number {
  switch (name) {
    case "linear":
    case "softmax":
      return x;
    case "relu":
      return Math.max(0, x);
    case "relu6":
      return clip(x, 0, 6);
    case "sigmoid":
      return 1 / (1 + Math.exp(-x));
    case "tanh":
      return Math.tanh(x);
    case "hard_sigmoid":
      return version < 3 ? clip(Math.fround(0.2) * x + 0.5, 0, 1) : clip(x / 6 + 0.5, 0, 1);
    case "hard_silu":
    case "hard_swish":
      return x * clip(x / 6 + 0.5, 0, 1);
    case "hard_tanh":
      return clip(x, -1, 1);
    case "leaky_relu":
      return x >= 0 ? x : Math.fround(0.2) * x;
    default:
      throw new Error(`no reference for ${name}`);
  }
}

const each = ({ shape, data }: Tensor, f: (x: number, channel: number) => number): Tensor => ({
  shape,
  data: data.map((x, i) => f(x, i % shape.at(-1)!)),
});

/** The element of the result at an index is that of the input at another; outside of it 0. */
function gather(x: Tensor, shape: readonly number[], from: (index: number[]) => number[]): Tensor {
  const out = tensor(shape);
  for (let i = 0; i < out.data.length; i++) {
    const index: number[] = [];
    let rest = i;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    const source = from(index);
    if (source.every((at, axis) => at >= 0 && at < x.shape[axis]!))
      out.data[i] = x.data[source.reduce((sum, at, axis) => sum * x.shape[axis]! + at, 0)]!;
  }
  return out;
}

/** Margins of an option: pairs for each axis of positions. */
function margins(value: unknown, axes: number): readonly (readonly [number, number])[] {
  if (typeof value === "number") return Array.from({ length: axes }, () => [value, value]);
  const list = value as readonly (number | readonly [number, number])[];
  if (axes === 1 && typeof list[0] === "number") return [list as unknown as [number, number]];
  return list.map((item) => (typeof item === "number" ? [item, item] : item));
}

function join(type: string, inputs: readonly Tensor[], config: Config): Tensor {
  if (type === "Concatenate") {
    const rank = inputs[0]!.shape.length;
    const axis = (config.axis as number) < 0 ? rank + (config.axis as number) : (config.axis as number) - 1;
    const before = product(inputs[0]!.shape.slice(0, axis));
    const parts: number[] = [];
    for (let row = 0; row < before; row++)
      for (const { data } of inputs)
        parts.push(...data.slice((row * data.length) / before, ((row + 1) * data.length) / before));
    const size = inputs.reduce((sum, input) => sum + input.shape[axis]!, 0);
    return { shape: inputs[0]!.shape.with(axis, size), data: Float64Array.from(parts) };
  }
  return inputs.slice(1).reduce((left, right) => {
    const [wide, small] = left.data.length >= right.data.length ? [left, right] : [right, left];
    const at = (t: Tensor, i: number): number =>
      t.data[t === wide || t.data.length === wide.data.length ? i : i % small.data.length]!;
    return {
      shape: wide.shape,
      data: wide.data.map((_, i) => {
        const [a, b] = [at(left, i), at(right, i)];
        return type === "Add" ? a + b : type === "Subtract" ? a - b : a * b;
      }),
    };
  }, inputs[0]!);
}

function layerOf(layer: TestLayer, inputs: readonly Tensor[], version: number): Tensor {
  const { type, config = {}, weights = [] } = layer;
  const x = inputs[0]!;
  const named = (name: string): Kernel | undefined => weights.find((w) => w.name === name);
  const finish = (value: Tensor): Tensor => {
    const bias = named("bias");
    const name = (config.activation ?? "linear") as string;
    return each(value, (v, channel) => activate(name, v + (bias?.data[channel] ?? 0), version));
  };
  const isSequence = type.includes("1D");
  const axes = isSequence ? 1 : 2;
  switch (type) {
    case "Dense": {
      const { data, shape } = named("kernel")!;
      const [inner, units] = shape as [number, number];
      const out = tensor([...x.shape.slice(0, -1), units]);
      return finish({
        shape: out.shape,
        data: out.data.map((_, i) => {
          const row = Math.floor(i / units) * inner;
          let sum = 0;
          for (let k = 0; k < inner; k++) sum += x.data[row + k]! * data[k * units + (i % units)]!;
          return sum;
        }),
      });
    }
    case "Conv1D":
    case "Conv2D":
      return finish(convolve(x, named("kernel")!, config, false, isSequence));
    case "DepthwiseConv1D":
    case "DepthwiseConv2D":
      return finish(convolve(x, named("depthwise_kernel")!, config, true, isSequence));
    case "SeparableConv1D":
    case "SeparableConv2D": {
      const middle = convolve(x, named("depthwise_kernel")!, config, true, isSequence);
      return finish(convolve(middle, named("pointwise_kernel")!, {}, false, isSequence));
    }
    case "Conv1DTranspose":
    case "Conv2DTranspose":
      return finish(convolveTransposed(x, named("kernel")!, config, isSequence));
    case "MaxPooling1D":
    case "MaxPooling2D":
      return pool(x, config, true, isSequence);
    case "AveragePooling1D":
    case "AveragePooling2D":
      return pool(x, config, false, isSequence);
    case "GlobalMaxPooling1D":
    case "GlobalMaxPooling2D":
      return globalPool(x, config, true);
    case "GlobalAveragePooling1D":
    case "GlobalAveragePooling2D":
      return globalPool(x, config, false);
    case "BatchNormalization": {
      const at = (name: string, channel: number, otherwise: number): number =>
        named(name)?.data[channel] ?? otherwise;
      return each(x, (v, c) => {
        const centred =
          (v - at("moving_mean", c, 0)) / Math.sqrt(at("moving_variance", c, 1) + (config.epsilon as number));
        return centred * at("gamma", c, 1) + at("beta", c, 0);
      });
    }
    case "Rescaling":
      return each(x, (v) => v * Math.fround(config.scale as number) + Math.fround(config.offset as number));
    case "Normalization":
      return each(
        x,
        (v, c) => (v - named("mean")!.data[c]!) / Math.max(Math.sqrt(named("variance")!.data[c]!), 1e-7),
      );
    case "Activation":
      return each(x, (v) => activate(config.activation as string, v, version));
    case "ReLU": {
      const most = (config.max_value ?? Infinity) as number;
      return each(x, (v) => (v >= 0 ? Math.min(v, most) : v * ((config.negative_slope ?? 0) as number)));
    }
    case "LeakyReLU":
      return each(x, (v) =>
        v >= 0 ? v : v * Math.fround((config.negative_slope ?? config.alpha) as number),
      );
    case "Flatten":
      return { shape: [x.data.length], data: x.data };
    case "Reshape": {
      const sizes = config.target_shape as number[];
      const rest = -x.data.length / product(sizes);
      return { shape: sizes.map((size) => (size === -1 ? rest : size)), data: x.data };
    }
    case "Permute": {
      const dims = config.dims as number[];
      return gather(
        x,
        dims.map((axis) => x.shape[axis - 1]!),
        (index) => x.shape.map((_, axis) => index[dims.indexOf(axis + 1)]!),
      );
    }
    case "ZeroPadding1D":
    case "ZeroPadding2D": {
      const pads = margins(config.padding, axes);
      const shape = x.shape.map((size, i) => size + (pads[i]?.[0] ?? 0) + (pads[i]?.[1] ?? 0));
      return gather(x, shape, (index) => index.map((at, i) => at - (pads[i]?.[0] ?? 0)));
    }
    case "Cropping1D":
    case "Cropping2D": {
      const cuts = margins(config.cropping, axes);
      const shape = x.shape.map((size, i) => size - (cuts[i]?.[0] ?? 0) - (cuts[i]?.[1] ?? 0));
      return gather(x, shape, (index) => index.map((at, i) => at + (cuts[i]?.[0] ?? 0)));
    }
    case "UpSampling1D":
    case "UpSampling2D": {
      const size = config.size as number | number[];
      const factors = Array.isArray(size) ? size : Array.from({ length: axes }, () => size);
      const shape = x.shape.map((n, i) => n * (factors[i] ?? 1));
      return gather(x, shape, (index) => index.map((at, i) => Math.floor(at / (factors[i] ?? 1))));
    }
    case "Add":
    case "Subtract":
    case "Multiply":
    case "Concatenate":
      return join(type, inputs, config);
    case "Dropout":
    case "GaussianNoise":
    case "SpatialDropout2D":
    case "Softmax":
      return x;
    default:
      throw new Error(`no reference for ${type}`);
  }
}

/** Outputs of a model; of a softmax at the end, what enters it. What no output needs is not looked at. */
export function evaluateKeras(
  model: TestModel,
  inputs: Readonly<Record<string, Float64Array>>,
  version: number,
): readonly Tensor[] {
  const values = new Map<string, Tensor>();
  const tensorAt = (text: string): Tensor => {
    const [name, use] = refOf(text);
    const known = values.get(`${name}@${use}`);
    if (known) return known;
    const layer = model.layers.find((l) => l.name === name)!;
    const shape = (layer.config?.batch_shape as number[] | undefined)?.slice(1);
    const value =
      layer.type === "InputLayer"
        ? { shape: shape!, data: inputs[name]! }
        : layerOf(layer, layer.uses![use]!.map(tensorAt), version);
    values.set(`${name}@${use}`, value);
    return value;
  };
  return model.outputs.map(tensorAt);
}
