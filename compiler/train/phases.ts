// How each phase sees the network, what it does with the gradients, and how one phase hands over to the next. In:
// the variables and formats of a run. Out: layer passes, updates in place, first values of the next phase.
import type { SampleSet } from "../graph/samples.ts";
import type { FrozenFormat } from "../graph/trained-graph.ts";
import { fail } from "../support/diagnostics.ts";
import { createRandom, permutation } from "../support/random.ts";
import type { TensorFlow } from "../support/tensorflow.ts";
import type { ParameterSet } from "./adam.ts";
import { pickSamples, valuesOf } from "./batches.ts";
import { costGradients, type LayerFormats, MAX_WIDTH, type TrainedQuantizers } from "./bit-operations.ts";
import type { Chain } from "./chain.ts";
import { floatPasses } from "./float-model.ts";
import { type BatchResult, enteringTensors, type LayerPass } from "./network.ts";
import type { NoisePool } from "./noise.ts";
import { variableName, variableOf } from "./parameters.ts";
import {
  addNoise,
  clampInPlace,
  type NoisyQuantizer,
  noiseGradient,
  projectInto,
  rmsOf,
  roundValues,
} from "./quantizers.ts";

/** Weights are clamped to this many times their root mean square: learned clamps under a bit penalty collapse. */
const WEIGHT_CLAMP = 2;
/** Samples that the ranges of the activations are calibrated on, and which part of the values is inside. */
const CALIBRATION_SAMPLES = 2048;
const CALIBRATION_PART = 0.9995;

/** Steps and ranges as the variables say now. */
export function quantizersOf(chain: Chain, parameters: ParameterSet): TrainedQuantizers[] {
  return chain.layers.map((_, i) => ({
    weight: {
      range: WEIGHT_CLAMP * rmsOf(variableOf(parameters, i, "weights")),
      step: 2 ** variableOf(parameters, i, "weightLogStep")[0]!,
    },
    activation: {
      range: 2 ** variableOf(parameters, i, "activationLogRange")[0]!,
      step: 2 ** variableOf(parameters, i, "activationLogStep")[0]!,
    },
  }));
}

/** The noise of one step: samples for the weights and for the entering tensor of every layer. */
interface StepNoise {
  readonly weights: readonly Float32Array[];
  readonly activations: readonly Float32Array[];
}

export interface NoisyPasses {
  readonly passes: readonly LayerPass[];
  readonly quantizers: readonly TrainedQuantizers[];
  readonly noise: StepNoise;
}

function weightQuantizer(quantizers: TrainedQuantizers): NoisyQuantizer {
  return { signed: true, ...quantizers.weight };
}

/** The network under noise of the trained amplitudes, with the samples of (epoch, step). */
export function noisyPasses(
  chain: Chain,
  parameters: ParameterSet,
  pool: NoisePool,
  rows: number,
  epoch: number,
  step: number,
): NoisyPasses {
  const quantizers = quantizersOf(chain, parameters);
  const noise: StepNoise = {
    weights: chain.layers.map((l, i) => pool.samples(l.units * l.inputs, "weights", i, epoch, step)),
    activations: chain.layers.map((l, i) => pool.samples(rows * l.inputs, "activations", i, epoch, step)),
  };
  const passes = chain.layers.map(
    (layer, i): LayerPass => ({
      units: layer.units,
      inputs: layer.inputs,
      weights: addNoise(
        variableOf(parameters, i, "weights"),
        noise.weights[i]!,
        weightQuantizer(quantizers[i]!),
      ),
      bias: variableOf(parameters, i, "bias"),
      activation: {
        kind: "noise",
        quantizer: { signed: layer.signed, ...quantizers[i]!.activation },
        noise: noise.activations[i]!,
      },
    }),
  );
  return { passes, quantizers, noise };
}

/** Gradients of a noise step for every variable: of the loss, and of `penalty` times the cost's logarithm. */
export function noisyGradients(
  chain: Chain,
  parameters: ParameterSet,
  { quantizers, noise }: NoisyPasses,
  result: BatchResult,
  penalty: number,
): ParameterSet {
  const gradients = plainGradients(result);
  const cost = costGradients(chain, quantizers);
  result.layers.forEach((layer, i) => {
    const weights = variableOf(parameters, i, "weights");
    const weight = noiseGradient(weights, noise.weights[i]!, layer.weights, weightQuantizer(quantizers[i]!));
    const set = (name: "weightLogStep" | "activationLogStep" | "activationLogRange", value: number): void => {
      gradients[variableName(i, name)] = Float32Array.of(value);
    };
    set("weightLogStep", weight.logStep + penalty * cost[i]!.weight);
    set("activationLogStep", layer.quantizer!.logStep + penalty * cost[i]!.activation);
    // No penalty on the range: with one it collapses, and what it clips is worth more than the bit.
    set("activationLogRange", layer.quantizer!.logRange);
  });
  return gradients;
}

/** Keeps weights inside their clamp and no quantizer finer than the widest format, after an update of a noise step. */
export function projectNoisy(chain: Chain, parameters: ParameterSet): void {
  chain.layers.forEach((layer, i) => {
    const weights = variableOf(parameters, i, "weights");
    const clamp = WEIGHT_CLAMP * rmsOf(weights);
    clampInPlace(weights, -clamp, clamp);
    const keepStep = (name: "weightLogStep" | "activationLogStep", range: number): void => {
      const step = variableOf(parameters, i, name);
      step[0] = Math.max(step[0]!, Math.log2(range) - MAX_WIDTH);
    };
    const signedRange = layer.signed ? 2 : 1;
    keepStep("weightLogStep", 2 * clamp);
    keepStep("activationLogStep", signedRange * 2 ** variableOf(parameters, i, "activationLogRange")[0]!);
  });
}

/** Gradients of weights and biases alone. */
export function plainGradients(result: BatchResult): ParameterSet {
  const gradients: ParameterSet = {};
  result.layers.forEach((layer, i) => {
    gradients[variableName(i, "weights")] = layer.weights;
    gradients[variableName(i, "bias")] = layer.bias;
  });
  return gradients;
}

/** The format of a layer's bias: wide enough for any, with the fraction of the accumulator. */
function biasFormat({ weight, activation }: LayerFormats): FrozenFormat {
  return { signed: true, width: 32, fraction: weight.fraction + activation.fraction };
}

/** The network with real rounding in frozen formats: its values are exactly those of the integers. */
export function roundedPasses(
  chain: Chain,
  parameters: ParameterSet,
  formats: readonly LayerFormats[],
): LayerPass[] {
  return chain.layers.map((layer, i) => ({
    units: layer.units,
    inputs: layer.inputs,
    weights: roundValues(variableOf(parameters, i, "weights"), formats[i]!.weight),
    bias: roundValues(variableOf(parameters, i, "bias"), biasFormat(formats[i]!)),
    activation: { kind: "rounding", format: formats[i]!.activation },
  }));
}

/** Keeps weights inside their formats after an update of a rounding step. */
export function projectRounded(
  chain: Chain,
  parameters: ParameterSet,
  formats: readonly LayerFormats[],
): void {
  chain.layers.forEach((_, i) => {
    projectInto(variableOf(parameters, i, "weights"), formats[i]!.weight);
  });
}

/** `count` samples of the training data, the same ones for the same purpose. */
export function someSamples(samples: SampleSet, count: number, seed: number, purpose: string): SampleSet {
  const order = permutation(samples.count, createRandom(seed, purpose));
  return pickSamples(samples, order.subarray(0, Math.min(count, samples.count)));
}

function percentile(values: Float32Array, signed: boolean, part: number): number {
  const sizes = values.map((x) => (signed ? Math.abs(x) : Math.max(0, x))).sort();
  const at = sizes[Math.min(sizes.length - 1, Math.floor(part * sizes.length))]!;
  // A signal that is nearly always 0 still has the range of the rest.
  return at > 0 ? at : sizes.at(-1)!;
}

/** Adds the quantizers' variables to those of the warmed-up network: ranges from samples, steps of 8 bits. */
export function startNoise(
  tf: TensorFlow,
  chain: Chain,
  parameters: ParameterSet,
  samples: SampleSet,
  seed: number,
  inputFraction: number,
): void {
  const some = someSamples(samples, CALIBRATION_SAMPLES, seed, "calibration");
  const { count, inputs } = valuesOf(some, inputFraction, 0, some.count);
  const entering = enteringTensors(tf, count, inputs, floatPasses(chain, parameters));
  chain.layers.forEach((layer, i) => {
    const weights = variableOf(parameters, i, "weights");
    const weightRange = WEIGHT_CLAMP * rmsOf(weights);
    const range = percentile(entering[i]!, layer.signed, CALIBRATION_PART);
    if (!(weightRange > 0) || !(range > 0)) {
      const before = chain.layers[i - 1];
      if (weightRange > 0 && before && layer.rectified) fail("train/dead-layer", { layer: before.node });
      const what = range > 0 ? "its weights are all zero" : "its input is zero for every sample";
      fail("train/diverged", { layer: layer.node, what });
    }
    clampInPlace(weights, -weightRange, weightRange);
    const set = (name: Parameters<typeof variableName>[1], value: number): void => {
      parameters[variableName(i, name)] = Float32Array.of(value);
    };
    set("weightLogStep", Math.log2(2 * weightRange) - MAX_WIDTH);
    set("activationLogRange", Math.log2(range));
    set("activationLogStep", Math.log2((layer.signed ? 2 : 1) * range) - MAX_WIDTH);
  });
}
