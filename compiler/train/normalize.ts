// Input normalisation that the hardware never sees: training works with (x - mean) / deviation, and the weights and bias of
// the dense layer that reads the input take both over before anything is quantized. In: samples. Out: moments; folded weights and gradients.
import type { SampleSet } from "../graph/samples.ts";
import type { ParameterSet } from "./optimizers.ts";
import { variableName } from "./parameters.ts";
import type { NetworkPass } from "./passes.ts";

/** Mean and 1 / deviation of each element. */
export interface Moments {
  readonly mean: Float32Array;
  readonly inverse: Float32Array;
}

/** Moments of the samples' values, of the whole tensor or of each element; an element that is constant keeps its size. */
export function momentsOf(samples: SampleSet, fraction: number, mode: "tensor" | "element"): Moments {
  const elements = samples.inputs.length / samples.count;
  const groups = mode === "tensor" ? 1 : elements;
  const sum = new Float64Array(groups);
  const square = new Float64Array(groups);
  for (let i = 0; i < samples.inputs.length; i++) {
    const k = groups === 1 ? 0 : i % elements;
    const x = samples.inputs[i]!;
    sum[k]! += x;
    square[k]! += x * x;
  }
  const count = samples.inputs.length / groups;
  const at = (k: number): number => (groups === 1 ? 0 : k);
  const scale = 2 ** -fraction;
  return {
    mean: Float32Array.from({ length: elements }, (_, k) => (sum[at(k)]! / count) * scale),
    inverse: Float32Array.from({ length: elements }, (_, k) => {
      const mean = sum[at(k)]! / count;
      const deviation = Math.sqrt(Math.max(0, square[at(k)]! / count - mean * mean)) * scale;
      return deviation > 0 ? 1 / deviation : 1;
    }),
  };
}

/** W (x - mean) / deviation + b = (W / deviation) x + (b - W mean / deviation). Of [units, elements] weights. */
export function foldWeights(
  weights: Float32Array,
  bias: Float32Array | null,
  { mean, inverse }: Moments,
): { readonly weights: Float32Array; readonly bias: Float32Array | null } {
  const elements = mean.length;
  const folded = new Float32Array(weights.length);
  const shifted = bias?.slice() ?? null;
  for (let at = 0, u = 0; at < weights.length; at += elements, u++) {
    let offset = 0;
    for (let k = 0; k < elements; k++) {
      const w = weights[at + k]! * inverse[k]!;
      folded[at + k] = w;
      offset += w * mean[k]!;
    }
    if (shifted) shifted[u] = shifted[u]! - offset;
  }
  return { weights: folded, bias: shifted };
}

/** The pass with a `layer` that sees normalised inputs; behind a batch-norm the mean needs no place. */
export function normalizedPass(pass: NetworkPass, layer: number, moments: Moments): NetworkPass {
  const found = pass.layers[layer]!;
  const folded = { ...found, ...foldWeights(found.weights, found.bias, moments) };
  return { ...pass, layers: pass.layers.with(layer, folded) };
}

/** Turns the layer's gradient for folded weights into that for the weights on normalised inputs. */
export function unfoldGradient(gradients: ParameterSet, layer: number, { mean, inverse }: Moments): void {
  const weights = gradients[variableName(layer, "weights")]!.slice();
  gradients[variableName(layer, "weights")] = weights;
  const bias = gradients[variableName(layer, "bias")];
  const elements = mean.length;
  for (let at = 0, u = 0; at < weights.length; at += elements, u++)
    for (let k = 0; k < elements; k++)
      weights[at + k] = (weights[at + k]! - (bias ? bias[u]! * mean[k]! : 0)) * inverse[k]!;
}
