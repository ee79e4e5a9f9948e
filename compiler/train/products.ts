// The products of a layer with weights, forward and backward. TensorFlow multiplies plain matrices, for which every backend
// has a fast kernel; a convolution's windows are copied into the rows of one. In: the entering tensor, weights, gradients
// for the sums. Out: sums; gradients for the weights and for the entering tensor.
import { type Tensor, type TensorFlow, valuesOfTensor, withTensors } from "../support/tensorflow.ts";
import type { Layer } from "./network.ts";
import type { Windows } from "./windows.ts";

/** A layer's numbers as one pass has them. */
export interface ProductOperands {
  readonly layer: Layer;
  /** Row-major [units, inputs]. */
  readonly weights: Float32Array;
  readonly bias: Float32Array | null;
  /** Of the entering tensor. */
  readonly channels: number;
}

/** Rows and columns that are copied together: as many as stay in the nearest cache. */
const BLOCK = 16;
/** Values of windows that are copied out at a time: 4 MB. */
const WINDOW_VALUES = 2 ** 20;

/** The transpose of [rows, columns] values. The WASM backend's kernel takes several times longer. */
function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let r = 0; r < rows; r += BLOCK) {
    const lastRow = Math.min(rows, r + BLOCK);
    for (let c = 0; c < columns; c += BLOCK) {
      const lastColumn = Math.min(columns, c + BLOCK);
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
  const { layer, weights, bias, channels } = operands;
  const { inputs, units, windows } = layer;
  if (!windows) {
    const entering = tf.tensor(x, [count, inputs]);
    // The WASM backend has a fast kernel for a plain product only: its transposing flags are ten times slower.
    const columns = transposed(weights, units, inputs);
    const product = tf.matMul(entering, tf.tensor(columns, [inputs, units]));
    const sums = bias ? tf.add(product, tf.tensor(bias, [1, units])) : product;
    return { sums: valuesOfTensor(sums), entering };
  }
  const sums = new Float32Array(count * layer.positions * units);
  if (isDepthwise(operands)) sumWindows(count, x, windows, operands, sums);
  else
    byPart(count, operands, (part) => {
      const columns = copyWindows(x, windows, channels, part);
      const size = part.units;
      const rows = columns.length / inputs;
      const group = transposed(unitsOf(weights, inputs, part), size, inputs);
      const product = withTensors(tf, () =>
        valuesOfTensor(tf.matMul(tf.tensor(columns, [rows, inputs]), tf.tensor(group, [inputs, size]))),
      );
      const first = part.from * layer.positions;
      if (size === units) sums.set(product, first * units);
      else
        for (let r = 0; r < rows; r++)
          sums.set(product.subarray(r * size, (r + 1) * size), (first + r) * units + part.unit);
    });
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
  const { layer, weights, channels } = operands;
  const { inputs, units, windows, positions } = layer;
  if (!windows) {
    const rows = tf.tensor(transposed(dy, count, units), [units, count]);
    return valuesOfTensor(tf.matMul(rows, entering ?? tf.tensor(x, [count, inputs])));
  }
  const out = new Float32Array(weights.length);
  if (isDepthwise(operands)) {
    gradientOfWindows(count, x, dy, windows, operands, out);
    return out;
  }
  byPart(count, operands, (part) => {
    const columns = copyWindows(x, windows, channels, part);
    const rows = (part.to - part.from) * positions;
    const size = part.units;
    const left = transposed(rowsOf(dy, part, layer), rows, size);
    const product = withTensors(tf, () =>
      valuesOfTensor(tf.matMul(tf.tensor(left, [size, rows]), tf.tensor(columns, [rows, inputs]))),
    );
    const at = part.unit * inputs;
    for (let k = 0; k < product.length; k++) out[at + k]! += product[k]!;
  });
  return out;
}

/** Gradient for the entering tensor of `count` samples; `size` is that of one. */
export function enteringGradientOf(
  tf: TensorFlow,
  count: number,
  dy: Float32Array,
  size: number,
  operands: ProductOperands,
): Float32Array {
  const { layer, weights, channels } = operands;
  const { inputs, units, windows, positions } = layer;
  if (!windows) {
    const right = tf.tensor(weights, [units, inputs]);
    return valuesOfTensor(tf.matMul(tf.tensor(dy, [count, units]), right));
  }
  const out = new Float32Array(count * size);
  if (isDepthwise(operands)) spreadOverWindows(count, dy, windows, operands, out);
  else
    byPart(count, operands, (part) => {
      const rows = (part.to - part.from) * positions;
      const right = unitsOf(weights, inputs, part);
      const left = rowsOf(dy, part, layer);
      const columns = withTensors(tf, () =>
        valuesOfTensor(
          tf.matMul(tf.tensor(left, [rows, part.units]), tf.tensor(right, [part.units, inputs])),
        ),
      );
      addWindows(columns, windows, channels, part, out);
    });
  return out;
}

/** Samples and a group of channels and units that are multiplied at a time. */
interface Part {
  readonly from: number;
  readonly to: number;
  readonly channel: number;
  readonly depth: number;
  readonly unit: number;
  readonly units: number;
}

function byPart(count: number, { layer, channels }: ProductOperands, run: (part: Part) => void): void {
  const { groups, units, inputs, positions } = layer;
  const samples = Math.max(1, Math.floor(WINDOW_VALUES / (positions * inputs)));
  const depth = channels / groups;
  for (let from = 0; from < count; from += samples)
    for (let g = 0; g < groups; g++)
      run({
        from,
        to: Math.min(count, from + samples),
        channel: g * depth,
        depth,
        unit: (g * units) / groups,
        units: units / groups,
      });
}

/** Weights of a part's units. */
function unitsOf(weights: Float32Array, inputs: number, { unit, units }: Part): Float32Array {
  return weights.subarray(unit * inputs, (unit + units) * inputs);
}

/** Of gradients [count, positions, units], those of a part. */
function rowsOf(dy: Float32Array, { from, to, unit, units }: Part, layer: Layer): Float32Array {
  const all = layer.units;
  const rows = dy.subarray(from * layer.positions * all, to * layer.positions * all);
  if (units === all) return rows;
  const out = new Float32Array((rows.length / all) * units);
  for (let r = 0; r * all < rows.length; r++)
    out.set(rows.subarray(r * all + unit, r * all + unit + units), r * units);
  return out;
}

/** Rows of windows on their way to a tensor, which copies them: one array for all, since new ones are slow to come and go. */
let rowsOfWindows = new Float32Array(0);

/** The windows of a part as rows [samples * positions, taps * depth], until the next call; 0 outside of the tensor. */
function copyWindows(
  x: Float32Array,
  { positions, taps, sources, inputPositions }: Windows,
  channels: number,
  { from, to, channel, depth }: Part,
): Float32Array {
  const places = positions * taps;
  const size = (to - from) * places * depth;
  if (rowsOfWindows.length < size) rowsOfWindows = new Float32Array(size);
  const out = rowsOfWindows.subarray(0, size);
  let at = 0;
  for (let n = from; n < to; n++) {
    const sample = n * inputPositions * channels + channel;
    for (let p = 0; p < places; p++) {
      const source = sources[p]!;
      const read = sample + source * channels;
      if (source < 0) for (let c = 0; c < depth; c++) out[at + c] = 0;
      else for (let c = 0; c < depth; c++) out[at + c] = x[read + c]!;
      at += depth;
    }
  }
  return out;
}

/** Adds the rows of a part's windows to the elements that they were copied from. */
function addWindows(
  columns: Float32Array,
  { positions, taps, sources, inputPositions }: Windows,
  channels: number,
  { from, to, channel, depth }: Part,
  out: Float32Array,
): void {
  const places = positions * taps;
  let at = 0;
  for (let n = from; n < to; n++) {
    const sample = n * inputPositions * channels + channel;
    for (let p = 0; p < places; p++) {
      const source = sources[p]!;
      if (source >= 0) {
        const write = sample + source * channels;
        for (let c = 0; c < depth; c++) out[write + c]! += columns[at + c]!;
      }
      at += depth;
    }
  }
}

/** Whether each group has one channel: its few products are summed where they are. */
function isDepthwise({ layer, channels }: ProductOperands): boolean {
  return layer.groups === channels && channels > 1;
}

const knownTaps = new WeakMap<Windows, Int32Array>();

/** Every tap that lies within the tensor, as three numbers: position that it reads, position of the sum, tap. */
function tapsWithin(windows: Windows): Int32Array {
  let list = knownTaps.get(windows);
  if (!list) {
    const { positions, taps, sources } = windows;
    const found: number[] = [];
    for (let p = 0; p < positions; p++)
      for (let k = 0; k < taps; k++) {
        const source = sources[p * taps + k]!;
        if (source >= 0) found.push(source, p, k);
      }
    list = Int32Array.from(found);
    knownTaps.set(windows, list);
  }
  return list;
}

/** The channel that each unit of a depthwise layer reads. */
function channelOfUnits({ layer, channels }: ProductOperands): Int32Array {
  const each = layer.units / channels;
  return Int32Array.from({ length: layer.units }, (_, u) => Math.floor(u / each));
}

// The three products of a depthwise layer. Their loops stand in full: an innermost one that is handed to a function which
// walks the taps is called for every tap.

function sumWindows(
  count: number,
  x: Float32Array,
  windows: Windows,
  operands: ProductOperands,
  out: Float32Array,
): void {
  const { layer, weights, channels } = operands;
  const { units, positions } = layer;
  const within = tapsWithin(windows);
  const channelOf = channelOfUnits(operands);
  const byTaps = transposed(weights, units, windows.taps);
  for (let n = 0; n < count; n++)
    for (let i = 0; i < within.length; i += 3) {
      const from = (n * windows.inputPositions + within[i]!) * channels;
      const to = (n * positions + within[i + 1]!) * units;
      const at = within[i + 2]! * units;
      for (let u = 0; u < units; u++) out[to + u] = out[to + u]! + x[from + channelOf[u]!]! * byTaps[at + u]!;
    }
}

function gradientOfWindows(
  count: number,
  x: Float32Array,
  dy: Float32Array,
  windows: Windows,
  operands: ProductOperands,
  out: Float32Array,
): void {
  const { units, positions } = operands.layer;
  const { channels } = operands;
  const within = tapsWithin(windows);
  const channelOf = channelOfUnits(operands);
  const byTaps = new Float32Array(windows.taps * units);
  for (let n = 0; n < count; n++)
    for (let i = 0; i < within.length; i += 3) {
      const from = (n * windows.inputPositions + within[i]!) * channels;
      const to = (n * positions + within[i + 1]!) * units;
      const at = within[i + 2]! * units;
      for (let u = 0; u < units; u++)
        byTaps[at + u] = byTaps[at + u]! + x[from + channelOf[u]!]! * dy[to + u]!;
    }
  out.set(transposed(byTaps, windows.taps, units));
}

function spreadOverWindows(
  count: number,
  dy: Float32Array,
  windows: Windows,
  operands: ProductOperands,
  out: Float32Array,
): void {
  const { layer, weights, channels } = operands;
  const { units, positions } = layer;
  const within = tapsWithin(windows);
  const channelOf = channelOfUnits(operands);
  const byTaps = transposed(weights, units, windows.taps);
  for (let n = 0; n < count; n++)
    for (let i = 0; i < within.length; i += 3) {
      const from = (n * windows.inputPositions + within[i]!) * channels;
      const to = (n * positions + within[i + 1]!) * units;
      const at = within[i + 2]! * units;
      for (let u = 0; u < units; u++) {
        const place = from + channelOf[u]!;
        out[place] = out[place]! + dy[to + u]! * byTaps[at + u]!;
      }
    }
}
