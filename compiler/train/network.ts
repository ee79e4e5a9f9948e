// Forward and backward pass of a chain of dense layers. TensorFlow multiplies the matrices; quantizers and the loss
// are plain loops. In: a batch and, per layer, the weights as the pass sees them and what is done to the entering
// tensor. Out: logits, or loss and gradients.
import type { FrozenFormat } from "../graph/trained-graph.ts";
import { type Tensor, type TensorFlow, valuesOfTensor, withTensors } from "../support/tensorflow.ts";
import type { Batch } from "./batches.ts";
import { crossEntropy } from "./cross-entropy.ts";
import {
  addNoise,
  type NoisyQuantizer,
  noiseGradient,
  type QuantizerGradient,
  roundingGradient,
  roundValues,
} from "./quantizers.ts";

/** What is done to the tensor that enters a layer. */
export type ActivationPass =
  | { readonly kind: "float"; readonly rectified: boolean }
  | { readonly kind: "noise"; readonly quantizer: NoisyQuantizer; readonly noise: Float32Array }
  | { readonly kind: "rounding"; readonly format: FrozenFormat };

/** A dense layer as one pass sees it. */
export interface LayerPass {
  readonly units: number;
  readonly inputs: number;
  /** Row-major [units, inputs], already quantized. */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
  readonly activation: ActivationPass;
}

export interface LayerGradient {
  /** For the quantized weights, row-major [units, inputs]. */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
  /** For the quantizer of the entering tensor; only of a noise pass. */
  readonly quantizer: QuantizerGradient | undefined;
}

export interface BatchResult {
  /** Mean cross entropy, nats. */
  readonly loss: number;
  readonly hits: number;
  readonly layers: readonly LayerGradient[];
}

function activate(x: Float32Array, pass: ActivationPass): Float32Array {
  switch (pass.kind) {
    case "float": {
      if (!pass.rectified) return x;
      const out = new Float32Array(x.length);
      for (let i = 0; i < x.length; i++) if (x[i]! > 0) out[i] = x[i]!;
      return out;
    }
    case "noise":
      return addNoise(x, pass.noise, pass.quantizer);
    case "rounding":
      return roundValues(x, pass.format);
  }
}

/** Gradient for the entering tensor, written to `dx`, and for its quantizer. */
function activationGradient(
  x: Float32Array,
  dy: Float32Array,
  pass: ActivationPass,
  wantsInput: boolean,
): { readonly dx: Float32Array; readonly quantizer: QuantizerGradient | undefined } {
  switch (pass.kind) {
    case "float": {
      if (!pass.rectified) return { dx: dy, quantizer: undefined };
      const dx = new Float32Array(x.length);
      for (let i = 0; i < x.length; i++) if (x[i]! > 0) dx[i] = dy[i]!;
      return { dx, quantizer: undefined };
    }
    case "noise": {
      const dx = new Float32Array(wantsInput ? x.length : 0);
      const quantizer = noiseGradient(x, pass.noise, dy, pass.quantizer, wantsInput ? dx : undefined);
      return { dx, quantizer };
    }
    case "rounding":
      return { dx: roundingGradient(x, dy, pass.format), quantizer: undefined };
  }
}

function columnSums(values: Float32Array, columns: number): Float32Array {
  const sums = new Float32Array(columns);
  for (let at = 0; at < values.length; at += columns)
    for (let k = 0; k < columns; k++) sums[k] = sums[k]! + values[at + k]!;
  return sums;
}

interface ForwardLayer {
  /** The tensor that enters the layer before its quantizer. */
  readonly entering: Float32Array;
  readonly activations: Tensor;
  readonly weights: Tensor;
}

function forward(
  tf: TensorFlow,
  count: number,
  inputs: Float32Array,
  layers: readonly LayerPass[],
): { readonly logits: Float32Array; readonly tape: readonly ForwardLayer[] } {
  let entering = inputs;
  const tape = layers.map((layer) => {
    const activations = tf.tensor(activate(entering, layer.activation), [count, layer.inputs]);
    const weights = tf.tensor(layer.weights, [layer.units, layer.inputs]);
    // The WASM backend has a fast kernel for a plain product only: its transposing flags are ten times slower.
    const product = tf.matMul(activations, tf.transpose(weights));
    const record = { entering, activations, weights };
    entering = valuesOfTensor(tf.add(product, tf.tensor(layer.bias, [1, layer.units])));
    return record;
  });
  return { logits: entering, tape };
}

/** The logits of a batch, row-major [count, classes]. */
export function logitsOf(
  tf: TensorFlow,
  count: number,
  inputs: Float32Array,
  layers: readonly LayerPass[],
): Float32Array {
  return withTensors(tf, () => forward(tf, count, inputs, layers).logits);
}

/** Every tensor that enters a layer, before its quantizer. */
export function enteringTensors(
  tf: TensorFlow,
  count: number,
  inputs: Float32Array,
  layers: readonly LayerPass[],
): Float32Array[] {
  return withTensors(tf, () => forward(tf, count, inputs, layers).tape.map((t) => t.entering));
}

/** Loss and gradients of a batch. */
export function gradientsOf(tf: TensorFlow, batch: Batch, layers: readonly LayerPass[]): BatchResult {
  return withTensors(tf, () => {
    const { logits, tape } = forward(tf, batch.count, batch.inputs, layers);
    const classes = layers.at(-1)!.units;
    let dy = new Float32Array(logits.length);
    const { total, hits } = crossEntropy(logits, batch.labels, classes, 1, dy);
    const gradients: LayerGradient[] = [];
    for (let index = layers.length - 1; index >= 0; index--) {
      const layer = layers[index]!;
      const { entering, activations, weights } = tape[index]!;
      const upstream = tf.tensor(dy, [batch.count, layer.units]);
      const weightGradient = valuesOfTensor(tf.matMul(tf.transpose(upstream), activations));
      const biasGradient = columnSums(dy, layer.units);
      let quantizer: QuantizerGradient | undefined;
      // Nothing before the first layer is trained except the step and the range of its quantizer.
      if (index > 0 || layer.activation.kind === "noise") {
        const da = valuesOfTensor(tf.matMul(upstream, weights));
        const back = activationGradient(entering, da, layer.activation, index > 0);
        dy = back.dx as Float32Array<ArrayBuffer>;
        quantizer = back.quantizer;
      }
      gradients.unshift({ weights: weightGradient, bias: biasGradient, quantizer });
    }
    return { loss: total / batch.count, hits, layers: gradients };
  });
}
