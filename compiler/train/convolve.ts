// The three products of a convolution, each as a plain convolution that TensorFlow has a fast kernel for: every tensor is
// put into images that are padded and spread already. In: the entering tensor, weights, gradients for the sums. Out: sums;
// gradients for the weights and for the entering tensor.
import { type Tensor, type TensorFlow, valuesOfTensor, withTensors } from "../support/tensorflow.ts";
import { EXCHANGE_BLOCK, floats, zeros } from "./scratch.ts";
import type { Axis } from "./windows.ts";

/** Height and width. */
type Plane = readonly [number, number];

/** Sizes of a convolution with one group: an axis alone is a row of height 1. */
export interface Convolution {
  readonly input: Plane;
  readonly result: Plane;
  readonly kernel: Plane;
  readonly strides: Plane;
  readonly dilations: Plane;
  readonly before: Plane;
  /** Zeros that a transposed convolution puts between the elements, plus 1. */
  readonly spread: Plane;
}

/**
 * The sizes along one or two axes. Along the height of a row strides and the like have no effect; they are those of its
 * length, since some kernels want both to be the same.
 */
export function convolutionOf(axes: readonly Axis[]): Convolution {
  const last = axes.at(-1)!;
  const row: Axis = { ...last, input: 1, result: 1, size: 1, before: 0 };
  const [y, x] = axes.length === 1 ? [row, last] : [axes[0]!, last];
  const both = (of: (axis: Axis) => number): Plane => [of(y), of(x)];
  return {
    input: both((a) => a.input),
    result: both((a) => a.result),
    kernel: both((a) => a.size),
    strides: both((a) => a.stride),
    dilations: both((a) => a.dilation),
    before: both((a) => a.before),
    spread: both((a) => a.spread),
  };
}

/** A stretch of the channels of a tensor [count, positions, channels]. */
export interface Channels {
  readonly all: number;
  readonly from: number;
  readonly size: number;
}

/** Whole images, and where in them the elements of a tensor stand: at offset + i * every along each axis. */
interface Placement {
  readonly size: Plane;
  readonly offset: Plane;
  readonly every: Plane;
}

const perAxis = (of: (axis: 0 | 1) => number): Plane => [of(0), of(1)];

/** The entering tensor with its padding and spreading, and nothing that no window reads. */
function enteringPlacement({ result, kernel, strides, dilations, before, spread }: Convolution): Placement {
  return {
    size: perAxis((a) => (result[a] - 1) * strides[a] + (kernel[a] - 1) * dilations[a] + 1),
    offset: before,
    every: spread,
  };
}

/** Gradients for the sums so that windows of the flipped kernel, `spread` apart, have those that each element was part of. */
function gradientPlacement({ input, kernel, strides, dilations, before, spread }: Convolution): Placement {
  return {
    size: perAxis((a) => (input[a] - 1) * spread[a] + (kernel[a] - 1) * dilations[a] + 1),
    offset: perAxis((a) => (kernel[a] - 1) * dilations[a] - before[a]),
    every: strides,
  };
}

/** Of each position of a plane that stands in the images: which one it is, and where it stands. */
function standing([height, width]: Plane, { size, offset, every }: Placement): Int32Array {
  const pairs: number[] = [];
  for (let y = 0; y < height; y++) {
    const row = offset[0] + y * every[0];
    if (row < 0 || row >= size[0]) continue;
    for (let x = 0; x < width; x++) {
      const column = offset[1] + x * every[1];
      if (column >= 0 && column < size[1]) pairs.push(y * width + x, row * size[1] + column);
    }
  }
  return Int32Array.from(pairs);
}

/** Images [count, height, width, channels] of a tensor, with `outside` wherever none of its elements stands. */
function placed(
  values: Float32Array,
  count: number,
  plane: Plane,
  { all, from: first, size }: Channels,
  placement: Placement,
  outside = 0,
): Float32Array {
  const positions = plane[0] * plane[1];
  const places = placement.size[0] * placement.size[1];
  const isWhole = ([0, 1] as const).every(
    (a) =>
      placement.offset[a] === 0 &&
      placement.size[a] === plane[a] &&
      (placement.every[a] === 1 || plane[a] === 1),
  );
  if (isWhole && size === all) return values;
  const out = floats(count * places * size).fill(outside);
  const pairs = standing(plane, placement);
  for (let n = 0; n < count; n++)
    for (let i = 0; i < pairs.length; i += 2) {
      const read = (n * positions + pairs[i]!) * all + first;
      const write = (n * places + pairs[i + 1]!) * size;
      for (let c = 0; c < size; c++) out[write + c] = values[read + c]!;
    }
  return out;
}

/** The same with channels and samples exchanged: [channels, height, width, count]. */
function placedByChannel(
  values: Float32Array,
  count: number,
  plane: Plane,
  { all, from: first, size }: Channels,
  placement: Placement,
  outside: number,
): Float32Array {
  const sample = plane[0] * plane[1] * all;
  const image = placement.size[0] * placement.size[1] * count;
  const out = floats(image * size).fill(outside);
  const pairs = standing(plane, placement);
  for (let i = 0; i < pairs.length; i += 2)
    for (let n = 0; n < count; n += EXCHANGE_BLOCK) {
      const read = n * sample + pairs[i]! * all + first;
      const write = pairs[i + 1]! * count + n;
      const block = Math.min(EXCHANGE_BLOCK, count - n);
      for (let c = 0; c < size; c++)
        for (let k = 0; k < block; k++) out[c * image + write + k] = values[k * sample + read + c]!;
    }
  return out;
}

/** Whether units sum up all channels, or each channel has units of its own. */
export type Kind = "conv2d" | "depthwiseConv2d";

interface Filter {
  readonly values: Float32Array;
  /** Height, width, channels and units, or units for each channel where each has a kernel of its own. */
  readonly shape: readonly [number, number, number, number];
}

/** A convolution without padding; the kernel itself is spread where strides and dilations meet. */
function convolve(
  tf: TensorFlow,
  kind: Kind,
  images: Tensor,
  filter: Filter,
  strides: Plane,
  dilations: Plane,
): Float32Array {
  const [height, width, channels, units] = filter.shape;
  const isOne = ([y, x]: Plane): boolean => y === 1 && x === 1;
  const meet = !isOne(strides) && !isOne(dilations);
  const spreadSize = perAxis((a) => (filter.shape[a] - 1) * dilations[a] + 1);
  const placement = { size: spreadSize, offset: [0, 0], every: dilations } as const;
  const depth = channels * units;
  const whole = { all: depth, from: 0, size: depth };
  const values = meet ? placed(filter.values, 1, [height, width], whole, placement) : filter.values;
  const kernel = tf.tensor(values, [...(meet ? spreadSize : [height, width]), channels, units]);
  const steps: [number, number] = [...(meet ? ([1, 1] as const) : dilations)];
  return valuesOfTensor(tf[kind](images, kernel, [...strides], "valid", "NHWC", steps));
}

/** Weights [units, taps, depth] as a filter: [taps, depth, units], or [flipped taps, units, depth] for the way back. */
function filterOf(weights: Float32Array, units: number, taps: number, isFlipped: boolean): Float32Array {
  const depth = weights.length / units / taps;
  const out = new Float32Array(weights.length);
  for (let u = 0, at = 0; u < units; u++)
    for (let k = 0; k < taps; k++)
      for (let c = 0; c < depth; c++, at++)
        out[isFlipped ? ((taps - 1 - k) * units + u) * depth + c : (k * depth + c) * units + u] =
          weights[at]!;
  return out;
}

const tapsOf = ({ kernel }: Convolution): number => kernel[0] * kernel[1];

/** A tensor and where its elements stand in images. */
interface Placed {
  readonly values: Float32Array;
  readonly count: number;
  readonly plane: Plane;
  readonly channels: Channels;
  readonly placement: Placement;
  readonly outside: number;
}

function convolvePlaced(
  tf: TensorFlow,
  kind: Kind,
  { values, count, plane, channels, placement, outside }: Placed,
  filter: Filter,
  strides: Plane,
  dilations: Plane,
): Float32Array {
  return withTensors(tf, () => {
    const images = placed(values, count, plane, channels, placement, outside);
    const shape = [count, ...placement.size, channels.size];
    return convolve(tf, kind, tf.tensor(images, shape), filter, strides, dilations);
  });
}

/**
 * Sums [count, positions, units] by weights [units, taps, depth]; of a depthwise layer the depth is 1. `outside` is what
 * windows read around the tensor.
 */
export function convolutionSums(
  tf: TensorFlow,
  kind: Kind,
  conv: Convolution,
  count: number,
  x: Float32Array,
  outside: number,
  channels: Channels,
  weights: Float32Array,
): Float32Array {
  const each = weights.length / tapsOf(conv) / channels.size;
  const units = kind === "conv2d" ? each : each * channels.size;
  const placement = enteringPlacement(conv);
  return convolvePlaced(
    tf,
    kind,
    { values: x, count, plane: conv.input, channels, placement, outside },
    {
      values: filterOf(weights, units, tapsOf(conv), false),
      shape: [...conv.kernel, channels.size, each],
    },
    conv.strides,
    conv.dilations,
  );
}

/**
 * Gradient [units, taps, depth] for the weights: the entering tensor, its samples taken for channels, by the gradients for
 * the sums. Strides and dilations exchange their parts.
 */
export function convolutionWeightGradient(
  tf: TensorFlow,
  conv: Convolution,
  count: number,
  x: Float32Array,
  outside: number,
  channels: Channels,
  dy: Float32Array,
  units: Channels,
): Float32Array {
  const placement = enteringPlacement(conv);
  const positions = conv.result[0] * conv.result[1];
  const filter = floats(positions * count * units.size);
  for (let n = 0; n < count; n++)
    for (let p = 0; p < positions; p++) {
      const read = (n * positions + p) * units.all + units.from;
      const write = (p * count + n) * units.size;
      for (let u = 0; u < units.size; u++) filter[write + u] = dy[read + u]!;
    }
  const taps = tapsOf(conv);
  const found = withTensors(tf, () => {
    const images = tf.tensor(placedByChannel(x, count, conv.input, channels, placement, outside), [
      channels.size,
      ...placement.size,
      count,
    ]);
    const shape = [...conv.result, count, units.size] as const;
    return convolve(tf, "conv2d", images, { values: filter, shape }, conv.dilations, conv.strides);
  });
  const out = new Float32Array(found.length);
  const depth = channels.size;
  for (let c = 0, at = 0; c < depth; c++)
    for (let k = 0; k < taps; k++)
      for (let u = 0; u < units.size; u++, at++) out[(u * taps + k) * depth + c] = found[at]!;
  return out;
}

/** Gradient [count, positions, channels] for the entering tensor: each channel's, over all units that it is part of. */
export function convolutionEnteringGradient(
  tf: TensorFlow,
  kind: Kind,
  conv: Convolution,
  count: number,
  dy: Float32Array,
  units: Channels,
  channels: Channels,
  weights: Float32Array,
): Float32Array {
  const depth = weights.length / tapsOf(conv) / units.size;
  const placement = gradientPlacement(conv);
  const found = convolvePlaced(
    tf,
    kind,
    { values: dy, count, plane: conv.result, channels: units, placement, outside: 0 },
    {
      values: filterOf(weights, units.size, tapsOf(conv), true),
      shape: [...conv.kernel, units.size, depth],
    },
    conv.spread,
    conv.dilations,
  );
  // A depthwise layer has the gradient of each unit apart: those of a channel stand side by side.
  const multiplier = kind === "conv2d" ? 1 : units.size / channels.size;
  if (multiplier === 1) return found;
  const out = zeros(found.length / multiplier);
  for (let at = 0; at < found.length; at++) {
    const to = Math.floor(at / multiplier);
    out[to] = out[to]! + found[at]!;
  }
  return out;
}

/** Taps that are summed together: their sums stay in registers. */
const TAPS = 3;

/** Gradient [units, taps] for the weights of a depthwise layer: `units / channels` units for each channel in their order. */
export function depthwiseWeightGradient(
  conv: Convolution,
  count: number,
  x: Float32Array,
  outside: number,
  channels: number,
  dy: Float32Array,
  units: number,
): Float32Array {
  const placement = enteringPlacement(conv);
  const all = { all: channels, from: 0, size: channels };
  const images = placed(x, count, conv.input, all, placement, outside);
  const [height, width] = placement.size;
  const [rows, columns] = conv.result;
  const [kernelRows, kernelColumns] = conv.kernel;
  const multiplier = units / channels;
  const next = conv.dilations[1] * channels;
  const stride = conv.strides[1] * channels;
  const out = new Float32Array(units * tapsOf(conv));
  for (let n = 0; n < count; n++)
    for (let u = 0; u < units; u++)
      for (let ky = 0; ky < kernelRows; ky++)
        for (let kx = 0; kx < kernelColumns; kx += TAPS) {
          // Beyond the kernel's end the last tap is summed again, for nothing.
          const second = Math.min(1, kernelColumns - 1 - kx) * next;
          const third = Math.min(2, kernelColumns - 1 - kx) * next;
          let [a, b, c] = [0, 0, 0];
          for (let y = 0; y < rows; y++) {
            const row = (n * height + y * conv.strides[0] + ky * conv.dilations[0]) * width;
            let at = row * channels + kx * next + Math.floor(u / multiplier);
            let from = (n * rows + y) * columns * units + u;
            for (let i = 0; i < columns; i++, at += stride, from += units) {
              const g = dy[from]!;
              a += images[at]! * g;
              b += images[at + second]! * g;
              c += images[at + third]! * g;
            }
          }
          const to = (u * kernelRows + ky) * kernelColumns + kx;
          out[to] = out[to]! + a;
          if (second > 0) out[to + 1] = out[to + 1]! + b;
          if (third > second) out[to + 2] = out[to + 2]! + c;
        }
  return out;
}
