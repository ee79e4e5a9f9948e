// The products of a layer with weights, forward and backward: plain matrices and plain convolutions, for which every
// backend of TensorFlow has a fast kernel. In: the entering tensor, weights, gradients for the sums. Out: sums; gradients
// for the weights and for the entering tensor.
import { compilerAssert } from "../support/assert.ts";
import { type Tensor, type TensorFlow, valuesOfTensor } from "../support/tensorflow.ts";
import {
  type Channels,
  convolutionEnteringGradient,
  convolutionOf,
  convolutionSums,
  convolutionWeightGradient,
  depthwiseWeightGradient,
  type Kind,
} from "./convolve.ts";
import type { Layer } from "./network.ts";
import { EXCHANGE_BLOCK, floats } from "./scratch.ts";
import { isSpread } from "./windows.ts";

/** A layer's numbers as one pass has them. */
export interface ProductOperands {
  readonly layer: Layer;
  /** Row-major [units, inputs]. */
  readonly weights: Float32Array;
  readonly bias: Float32Array | null;
  /** Of the entering tensor. */
  readonly channels: number;
  /** What a convolution reads outside of it. */
  readonly outside: number;
}

/** The transpose of [rows, columns] values. The WASM backend's kernel takes several times longer. */
function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = floats(values.length);
  for (let r = 0; r < rows; r += EXCHANGE_BLOCK) {
    const lastRow = Math.min(rows, r + EXCHANGE_BLOCK);
    for (let c = 0; c < columns; c += EXCHANGE_BLOCK) {
      const lastColumn = Math.min(columns, c + EXCHANGE_BLOCK);
      for (let k = c; k < lastColumn; k++)
        for (let i = r; i < lastRow; i++) out[k * rows + i] = values[i * columns + k]!;
    }
  }
  return out;
}

/** Sums of the columns of [rows, columns] values. */
export function columnSums(values: Float32Array, columns: number): Float32Array {
  const sums = new Float32Array(columns);
  for (let at = 0; at < values.length; at += columns)
    for (let k = 0; k < columns; k++) sums[k] = sums[k]! + values[at + k]!;
  return sums;
}

/** Sums of a batch, row-major [count, positions, units], and the dense tensor that entered, for the way back. */
export function productSums(
  tf: TensorFlow,
  count: number,
  x: Float32Array,
  operands: ProductOperands,
): { readonly sums: Float32Array; readonly entering: Tensor | null } {
  const { layer, weights, bias, channels, outside } = operands;
  const { inputs, units, windows } = layer;
  if (!windows) {
    const entering = tf.tensor(x, [count, inputs]);
    // The WASM backend has a fast kernel for a plain product only: its transposing flags are ten times slower.
    const columns = transposed(weights, units, inputs);
    const product = tf.matMul(entering, tf.tensor(columns, [inputs, units]));
    const sums = bias ? tf.add(product, tf.tensor(bias, [1, units])) : product;
    return { sums: valuesOfTensor(sums), entering };
  }
  compilerAssert(outside === 0 || !isSpread(windows), "zeros between inputs have other values around them");
  const conv = convolutionOf(windows.axes);
  const { kind, groups } = partsOf(layer, channels);
  const sums = joined(
    groups.map((group) => {
      const part = unitsOf(weights, inputs, group.units);
      return {
        values: convolutionSums(tf, kind, conv, count, x, outside, group.channels, part),
        channels: group.units,
      };
    }),
  );
  if (bias)
    for (let at = 0; at < sums.length; at += units) for (let u = 0; u < units; u++) sums[at + u]! += bias[u]!;
  return { sums, entering: null };
}

/** Gradient for the weights, row-major [units, inputs]. `entering` is the tensor of the way forward. */
export function weightGradientOf(
  tf: TensorFlow,
  count: number,
  x: Float32Array,
  entering: Tensor | null,
  dy: Float32Array,
  operands: ProductOperands,
): Float32Array {
  const { layer, weights, channels, outside } = operands;
  const { inputs, units, windows } = layer;
  if (!windows) {
    const rows = tf.tensor(transposed(dy, count, units), [units, count]);
    return valuesOfTensor(tf.matMul(rows, entering ?? tf.tensor(x, [count, inputs])));
  }
  const conv = convolutionOf(windows.axes);
  const { kind, groups } = partsOf(layer, channels);
  if (kind === "depthwiseConv2d")
    return depthwiseWeightGradient(conv, count, x, outside, channels, dy, units);
  const out = new Float32Array(weights.length);
  for (const group of groups)
    out.set(
      convolutionWeightGradient(tf, conv, count, x, outside, group.channels, dy, group.units),
      group.units.from * inputs,
    );
  return out;
}

/** Gradient for the entering tensor of `count` samples. */
export function enteringGradientOf(
  tf: TensorFlow,
  count: number,
  dy: Float32Array,
  operands: ProductOperands,
): Float32Array {
  const { layer, weights, channels } = operands;
  const { inputs, units, windows } = layer;
  if (!windows) {
    const right = tf.tensor(weights, [units, inputs]);
    return valuesOfTensor(tf.matMul(tf.tensor(dy, [count, units]), right));
  }
  const conv = convolutionOf(windows.axes);
  const { kind, groups } = partsOf(layer, channels);
  return joined(
    groups.map((group) => {
      const part = unitsOf(weights, inputs, group.units);
      return {
        values: convolutionEnteringGradient(tf, kind, conv, count, dy, group.units, group.channels, part),
        channels: group.channels,
      };
    }),
  );
}

/** Channels and units that are convolved together: those of a group; all where each group has one channel. */
function partsOf(
  { groups, units }: Layer,
  channels: number,
): { readonly kind: Kind; readonly groups: readonly { channels: Channels; units: Channels }[] } {
  const isDepthwise = groups === channels && channels > 1;
  const count = isDepthwise ? 1 : groups;
  const part = (all: number, g: number): Channels => ({ all, from: (g * all) / count, size: all / count });
  return {
    kind: isDepthwise ? "depthwiseConv2d" : "conv2d",
    groups: Array.from({ length: count }, (_, g) => ({ channels: part(channels, g), units: part(units, g) })),
  };
}

/** Weights of some units. */
function unitsOf(weights: Float32Array, inputs: number, { from, size }: Channels): Float32Array {
  return weights.subarray(from * inputs, (from + size) * inputs);
}

/** A tensor [count, positions, channels] of stretches of its channels. */
function joined(
  parts: readonly { readonly values: Float32Array; readonly channels: Channels }[],
): Float32Array {
  if (parts.length === 1) return parts[0]!.values;
  const { all, size } = parts[0]!.channels;
  const out = floats((parts[0]!.values.length / size) * all);
  for (const { values, channels } of parts)
    for (let from = 0, to = channels.from; from < values.length; from += size, to += all)
      for (let c = 0; c < size; c++) out[to + c] = values[from + c]!;
  return out;
}
