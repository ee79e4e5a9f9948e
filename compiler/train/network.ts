// Forward and backward pass of a chain of dense layers. TensorFlow multiplies the matrices; quantizers, batch-norm and
// the loss are plain loops. In: a batch and, per layer, the weights as the pass sees them and what is done to the
// entering tensor. Out: outputs, or loss and gradients.
import { type Tensor, type TensorFlow, valuesOfTensor, withTensors } from "../support/tensorflow.ts";
import { type ActivationPass, activate, activationGradient } from "./activation.ts";
import { type BatchNorm, type NormGradient, type NormTape, normalize, normalizeGradient } from "./batch-norm.ts";
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
  readonly weights: Tensor;
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
    const weights = tf.tensor(layer.weights, [layer.units, layer.inputs]);
    // The WASM backend has a fast kernel for a plain product only: its transposing flags are ten times slower.
    const product = tf.matMul(activations, tf.transpose(weights));
    const sums = layer.bias ? tf.add(product, tf.tensor(layer.bias, [1, layer.units])) : product;
    let values = valuesOfTensor(sums);
    let norm: NormTape | undefined;
    if (layer.norm) {
      values = values.slice();
      norm = normalize(values, count, layer.norm);
    }
    const record = { entering, activations, weights, norm };
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
      const { entering, activations, weights, norm } = tape[index]!;
      const normGradient = norm && normalizeGradient(dy, count, layer.norm!, norm);
      const upstream = tf.tensor(dy, [count, layer.units]);
      const weightGradient = valuesOfTensor(tf.matMul(tf.transpose(upstream), activations));
      const biasGradient = layer.bias && columnSums(dy, layer.units);
      let quantizer: QuantizerGradient | undefined;
      // Nothing before the first layer is trained except the step and the range of its quantizer.
      if (index > 0 || layer.activation.kind === "noise") {
        const da = valuesOfTensor(tf.matMul(upstream, weights));
        const back = activationGradient(entering, da, layer.activation, index > 0);
        dy = back.dx as Float32Array<ArrayBuffer>;
        quantizer = back.quantizer;
      }
      gradients.unshift({ weights: weightGradient, bias: biasGradient, norm: normGradient, quantizer });
    }
    return { loss: total / count, hits, layers: gradients };
  });
}
