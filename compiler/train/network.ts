// Forward and backward pass of a chain of dense layers. TensorFlow multiplies the matrices; quantizers, batch-norm and
// the loss are plain loops. In: a batch and, per layer, the weights as the pass sees them and what is done to the
// entering tensor. Out: outputs, or loss and gradients.
import { type Tensor, type TensorFlow, valuesOfTensor, withTensors } from "../support/tensorflow.ts";
import { type ActivationPass, activate, activationGradient } from "./activation.ts";
import {
  type BatchNorm,
  type NormGradient,
  type NormTape,
  normalize,
  normalizeGradient,
} from "./batch-norm.ts";
import type { QuantizerGradient } from "./noise-quantizer.ts";

/** A dense layer as one pass sees it. */
export interface LayerPass {
  readonly units: number;
  readonly inputs: number;
  /** Row-major [units, inputs], already quantized. */
  readonly weights: Float32Array;
  /** Null where a batch-norm follows. */
  readonly bias: Float32Array | null;
  readonly norm: BatchNorm | undefined;
  readonly activation: ActivationPass;
}

export interface LayerGradient {
  /** For the quantized weights, row-major [units, inputs]. */
  readonly weights: Float32Array;
  readonly bias: Float32Array | null;
  readonly norm: NormGradient | undefined;
  /** For the quantizer of the entering tensor; only of a noise pass. */
  readonly quantizer: QuantizerGradient | undefined;
}

/** Writes d(mean loss)/d(output) to the gradient; gives the sum of the samples' losses and the hits. */
export type LossOf = (
  outputs: Float32Array,
  gradient: Float32Array,
) => { readonly total: number; readonly hits: number };

export interface BatchResult {
  /** Mean over the samples. */
  readonly loss: number;
  readonly hits: number;
  readonly layers: readonly LayerGradient[];
}

/** Rows and columns that are copied together: as many as stay in the nearest cache. */
const BLOCK = 16;

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

function columnSums(values: Float32Array, columns: number): Float32Array {
  const sums = new Float32Array(columns);
  for (let at = 0; at < values.length; at += columns)
    for (let k = 0; k < columns; k++) sums[k] = sums[k]! + values[at + k]!;
  return sums;
}

interface ForwardLayer {
  /** The tensor that enters the layer before its activation and quantizer. */
  readonly entering: Float32Array;
  readonly activations: Tensor;
  readonly norm: NormTape | undefined;
}

function forward(
  tf: TensorFlow,
  count: number,
  inputs: Float32Array,
  layers: readonly LayerPass[],
): { readonly outputs: Float32Array; readonly tape: readonly ForwardLayer[] } {
  let entering = inputs;
  const tape = layers.map((layer) => {
    const activations = tf.tensor(activate(entering, layer.activation), [count, layer.inputs]);
    // The WASM backend has a fast kernel for a plain product only: its transposing flags are ten times slower.
    const columns = transposed(layer.weights, layer.units, layer.inputs);
    const product = tf.matMul(activations, tf.tensor(columns, [layer.inputs, layer.units]));
    const sums = layer.bias ? tf.add(product, tf.tensor(layer.bias, [1, layer.units])) : product;
    let values = valuesOfTensor(sums);
    let norm: NormTape | undefined;
    if (layer.norm) {
      values = values.slice();
      norm = normalize(values, count, layer.norm);
    }
    const record = { entering, activations, norm };
    entering = values;
    return record;
  });
  return { outputs: entering, tape };
}

/** The outputs of a batch, row-major [count, outputs]. */
export function outputsOf(
  tf: TensorFlow,
  count: number,
  inputs: Float32Array,
  layers: readonly LayerPass[],
): Float32Array {
  return withTensors(tf, () => forward(tf, count, inputs, layers).outputs);
}

/** Every tensor that enters a layer, before its activation and quantizer. */
export function enteringTensors(
  tf: TensorFlow,
  count: number,
  inputs: Float32Array,
  layers: readonly LayerPass[],
): Float32Array[] {
  return withTensors(tf, () => forward(tf, count, inputs, layers).tape.map((t) => t.entering));
}

/** Gradient for the tensor that enters a layer. */
function backwards(tf: TensorFlow, dy: Float32Array, count: number, layer: LayerPass): Float32Array {
  const weights = tf.tensor(layer.weights, [layer.units, layer.inputs]);
  return valuesOfTensor(tf.matMul(tf.tensor(dy, [count, layer.units]), weights));
}

/** Part of a batch on which the input's quantizer is looked at: its gradient sums up far more values than it needs. */
const INPUT_PART = 8;

/** Gradient for the quantizer of the network's input, the only thing before the first layer that is trained. */
function inputQuantizerGradient(
  tf: TensorFlow,
  entering: Float32Array,
  dy: Float32Array,
  count: number,
  layer: LayerPass,
): QuantizerGradient | undefined {
  if (layer.activation.kind !== "noise") return undefined;
  const rows = Math.max(1, Math.floor(count / INPUT_PART));
  const da = backwards(tf, dy.subarray(0, rows * layer.units), rows, layer);
  const { quantizer: q } = layer.activation;
  const pass = { ...layer.activation, quantizer: { ...q, map: { ...q.map, rows } } };
  const { quantizer } = activationGradient(entering.subarray(0, rows * layer.inputs), da, pass, false);
  const scale = (values: Float32Array): Float32Array => values.map((g) => (g * count) / rows);
  return quantizer && { logSteps: scale(quantizer.logSteps), logRanges: scale(quantizer.logRanges) };
}

/** Loss and gradients of a batch. */
export function gradientsOf(
  tf: TensorFlow,
  batch: { readonly count: number; readonly inputs: Float32Array },
  layers: readonly LayerPass[],
  lossOf: LossOf,
): BatchResult {
  return withTensors(tf, () => {
    const { count } = batch;
    const { outputs, tape } = forward(tf, count, batch.inputs, layers);
    let dy = new Float32Array(outputs.length);
    const { total, hits } = lossOf(outputs, dy);
    const gradients: LayerGradient[] = [];
    for (let index = layers.length - 1; index >= 0; index--) {
      const layer = layers[index]!;
      const { entering, activations, norm } = tape[index]!;
      const normGradient = norm && normalizeGradient(dy, count, layer.norm!, norm);
      const rows = tf.tensor(transposed(dy, count, layer.units), [layer.units, count]);
      const weightGradient = valuesOfTensor(tf.matMul(rows, activations));
      const biasGradient = layer.bias && columnSums(dy, layer.units);
      let quantizer: QuantizerGradient | undefined;
      if (index > 0) {
        const back = activationGradient(entering, backwards(tf, dy, count, layer), layer.activation, true);
        dy = back.dx as Float32Array<ArrayBuffer>;
        quantizer = back.quantizer;
      } else quantizer = inputQuantizerGradient(tf, entering, dy, count, layer);
      gradients.unshift({ weights: weightGradient, bias: biasGradient, norm: normGradient, quantizer });
    }
    return { loss: total / count, hits, layers: gradients };
  });
}
