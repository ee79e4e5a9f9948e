// Input normalisation that the hardware never sees: training works with (x - mean) / deviation, and the weights and bias of
// the layer that reads the input take both over before anything is quantized; a convolution that pads does so with the mean.
// In: samples. Out: moments; folded weights and gradients.
import type { InputSamples } from "../graph/samples.ts";
import { product } from "../graph/shapes.ts";
import type { Layer } from "./network.ts";
import type { NoisyQuantizer } from "./noise-quantizer.ts";
import type { ParameterSet } from "./optimizers.ts";
import { variableName } from "./parameters.ts";
import type { NetworkPass } from "./passes.ts";
import { readsOutside } from "./windows.ts";

/** Mean and 1 / deviation of each input that the first layer tells apart: of each element, or of each channel. */
export interface Moments {
  readonly mean: Float32Array;
  readonly inverse: Float32Array;
  /** Mean of the whole tensor: what a convolution reads outside of it, in every channel. */
  readonly outside: number;
}

/** Whether the layer that reads the inputs is a convolution that also reads what is outside of them. */
export function isPadded({ windows }: Pick<Layer, "windows">): boolean {
  return windows !== null && readsOutside(windows);
}

/** What of the first layer says which input each of its weights reads: channel innermost, as in a window. */
export interface FirstLayer {
  readonly units: number;
  /** As of a convolution; 1 of a dense. */
  readonly groups: number;
}

/**
 * Moments of an input's values, of the whole tensor or of each of the `inputs` that the first layer tells apart: all
 * elements (by default), or the channels where it is a convolution. One that is constant keeps its size.
 */
export function momentsOf(
  { mantissas, shape }: InputSamples,
  fraction: number,
  mode: "tensor" | "element",
  inputs: number = product(shape),
): Moments {
  const groups = mode === "tensor" ? 1 : inputs;
  const sum = new Float64Array(groups);
  const square = new Float64Array(groups);
  for (let i = 0; i < mantissas.length; i++) {
    const k = groups === 1 ? 0 : i % inputs;
    const x = mantissas[i]!;
    sum[k]! += x;
    square[k]! += x * x;
  }
  const count = mantissas.length / groups;
  const at = (k: number): number => (groups === 1 ? 0 : k);
  const scale = 2 ** -fraction;
  const total = sum.reduce((a, b) => a + b, 0);
  return {
    outside: Math.fround((total / mantissas.length) * scale),
    mean: Float32Array.from({ length: inputs }, (_, k) => (sum[at(k)]! / count) * scale),
    inverse: Float32Array.from({ length: inputs }, (_, k) => {
      const mean = sum[at(k)]! / count;
      const deviation = Math.sqrt(Math.max(0, square[at(k)]! / count - mean * mean)) * scale;
      return deviation > 0 ? 1 / deviation : 1;
    }),
  };
}

/**
 * W (x - mean) / deviation + b = (W / deviation) x + (b - W mean / deviation). Of row-major [units, weights of one]; outside
 * of its input a convolution reads `outside`, so that this holds at the rim too.
 */
export function foldWeights(
  weights: Float32Array,
  bias: Float32Array | null,
  moments: Moments,
  layer: FirstLayer = denseLayer(weights, moments),
): { readonly weights: Float32Array; readonly bias: Float32Array | null } {
  const { mean, inverse } = moments;
  const size = weights.length / layer.units;
  const folded = new Float32Array(weights.length);
  const shifted = bias?.slice() ?? null;
  for (let at = 0, u = 0; at < weights.length; at += size, u++) {
    const { from, span } = inputsOf(u, layer, moments);
    let offset = 0;
    for (let k = 0; k < size; k++) {
      const input = from + (k % span);
      const w = weights[at + k]! * inverse[input]!;
      folded[at + k] = w;
      offset += w * mean[input]!;
    }
    if (shifted) shifted[u] = shifted[u]! - offset;
  }
  return { weights: folded, bias: shifted };
}

/** A layer with a weight for every input. */
function denseLayer(weights: Float32Array, { mean }: Moments): FirstLayer {
  return { units: weights.length / mean.length, groups: 1 };
}

/** The inputs that a unit's weights read over and over: `span` of them from `from` on, those of its group. */
function inputsOf(unit: number, { units, groups }: FirstLayer, { mean }: Moments) {
  const span = mean.length / groups;
  return { from: Math.floor((unit * groups) / units) * span, span };
}

/** The pass with a layer of this index that sees normalised inputs; behind a batch-norm the mean needs no place. */
export function normalizedPass(pass: NetworkPass, layer: number, moments: Moments): NetworkPass {
  const found = pass.layers[layer]!;
  const folded = foldWeights(found.weights, found.bias, moments, pass.network.layers[layer]!);
  return { ...pass, layers: pass.layers.with(layer, { ...found, ...folded, outside: moments.outside }) };
}

/** What stands outside of normalised inputs, rounded to the steps of their quantizer as they are now. */
export function outsideInSteps(outside: number, quantizer: NoisyQuantizer | undefined): number {
  if (outside === 0 || !quantizer) return 0;
  const { ranges, steps, signed } = quantizer;
  // Channels with steps of their own get the finest of them at the freeze.
  const step = Math.min(...Array.from(steps));
  const range = Math.max(...Array.from(ranges));
  return Math.max(signed ? -range : 0, Math.min(range, step * Math.floor(outside / step + 0.5)));
}

/** Turns the gradient for the folded weights of a layer, by its index, into that for the weights on normalised inputs. */
export function unfoldGradient(
  gradients: ParameterSet,
  index: number,
  moments: Moments,
  layer: FirstLayer,
): void {
  const { mean, inverse } = moments;
  const weights = gradients[variableName(index, "weights")]!.slice();
  const size = weights.length / layer.units;
  gradients[variableName(index, "weights")] = weights;
  const bias = gradients[variableName(index, "bias")];
  for (let at = 0, u = 0; at < weights.length; at += size, u++) {
    const { from, span } = inputsOf(u, layer, moments);
    for (let k = 0; k < size; k++) {
      const input = from + (k % span);
      weights[at + k] = (weights[at + k]! - (bias ? bias[u]! * mean[input]! : 0)) * inverse[input]!;
    }
  }
}
