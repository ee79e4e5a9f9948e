// The phase in which steps are found. In: the variables of a run. Out: layer passes under quantization with trained
// steps, gradients of loss and cost for every variable, updates in place, first values of steps and ranges.
import type { Limit, TrainingSpec } from "../graph/project.ts";
import { fail } from "../support/diagnostics.ts";
import type { Chain, ChainLayer } from "./chain.ts";
import { surrogateOf } from "./float-model.ts";
import { clampInPlace, MAX_WIDTH, meanSize, rmsOf } from "./formats.ts";
import {
  continuousBits,
  fixedActivation,
  type LayerQuantizers,
  mostActivationBits,
  stepOfWidth,
} from "./freeze.ts";
import { costSlopes, type LayerBits, leastActivationBits } from "./limits.ts";
import type { BatchResult, LayerPass } from "./network.ts";
import type { NoisePool } from "./noise.ts";
import { type NoisyQuantizer, quantize, quantizeGradient } from "./noise-quantizer.ts";
import type { ParameterSet } from "./optimizers.ts";
import { batchNormOf, optionalVariable, readVariableName, variableName, variableOf } from "./parameters.ts";
import { mayBeSilent, SILENT_BITS, WEIGHT_CLAMP } from "./silence.ts";
import { byStretch, oneStep, rmsBySteps, type StepMap, stepPerGroup, stepPerRow } from "./step-map.ts";

/** Which part of the activations' values their range holds at first. */
const CALIBRATION_PART = 0.9995;
/** Widths that a search begins with. */
const FIRST_WIDTH = MAX_WIDTH;
/** Biases below this size get the step of one of this size. */
const LEAST_BIAS = 2 ** -6;
/** Below these a tensor keeps its width: ternary when signed, one bit when not. */
const FLOOR_BITS = { signed: Math.log2(3), unsigned: 1 };

/** Which weights of a layer share a step. */
export function weightMap(layer: ChainLayer, training: TrainingSpec): StepMap {
  const { granularity } = training.layers[layer.node]!.weights;
  switch (granularity.kind) {
    case "layer":
      return oneStep(layer.units, layer.inputs);
    case "channel":
      return stepPerRow(layer.units, layer.inputs);
    case "group":
      return stepPerGroup(layer.units, layer.inputs, granularity.size);
  }
}

/** A hard-tanh has one range, so that its channels cannot be scaled apart. */
function hasChannelSteps(layer: ChainLayer, training: TrainingSpec): boolean {
  return training.layers[layer.node]!.input.granularity === "channel" && layer.activation !== "hardtanh";
}

function activationMap(layer: ChainLayer, training: TrainingSpec, rows: number): StepMap {
  return hasChannelSteps(layer, training) ? stepPerGroup(rows, layer.inputs, 1) : oneStep(rows, layer.inputs);
}

/** Whether the layer's weights can only be bipolar. */
export function isBipolar(layer: ChainLayer, training: TrainingSpec): boolean {
  return training.layers[layer.node]!.weights.bits.max === 1;
}

/** Whether nothing is left to be found: every width is given. */
export function widthsAreGiven(chain: Chain, training: TrainingSpec): boolean {
  return chain.layers.every((layer) => {
    const { weights, input } = training.layers[layer.node]!;
    const least = leastActivationBits(layer, input.bits.min);
    const fixed = fixedActivation(layer) !== undefined || least >= mostActivationBits(layer, input.bits.max);
    return fixed && weights.bits.min === weights.bits.max;
  });
}

/** Steps and ranges as the variables say now, for entering tensors of `rows` samples. */
export function quantizersOf(
  chain: Chain,
  training: TrainingSpec,
  parameters: ParameterSet,
  rows: number,
): LayerQuantizers[] {
  const forward = training.search;
  return chain.layers.map((layer, i) => {
    const map = weightMap(layer, training);
    const weights = variableOf(parameters, i, "weights");
    const weight: NoisyQuantizer | undefined = isBipolar(layer, training)
      ? undefined
      : {
          signed: true,
          forward,
          map,
          canBeSilent: mayBeSilent(chain, training, i),
          ranges: rmsBySteps(weights, map).map((rms) => WEIGHT_CLAMP * rms),
          steps: variableOf(parameters, i, "weightLogStep").map((t) => 2 ** t),
        };
    const activation: NoisyQuantizer | undefined = fixedActivation(layer)
      ? undefined
      : {
          signed: layer.signed,
          forward,
          map: activationMap(layer, training, rows),
          ranges: variableOf(parameters, i, "activationLogRange").map((t) => 2 ** t),
          steps: variableOf(parameters, i, "activationLogStep").map((t) => 2 ** t),
        };
    return { weight, activation };
  });
}

/** Bits of every layer while they are real numbers: means over a tensor's steps. */
export function continuousBitsOf(quantizers: readonly LayerQuantizers[]): LayerBits[] {
  const mean = (q: NoisyQuantizer | undefined): number => {
    if (!q) return 1;
    let sum = 0;
    for (let k = 0; k < q.map.count; k++) sum += continuousBits(q.ranges[k]!, q.steps[k]!, q.signed);
    return sum / q.map.count;
  };
  return quantizers.map(({ weight, activation }) => ({ weight: mean(weight), activation: mean(activation) }));
}

export interface NoisyPasses {
  readonly passes: readonly LayerPass[];
  readonly quantizers: readonly LayerQuantizers[];
  /** Samples for weights and biases of every layer. */
  readonly weightNoise: readonly Float32Array[];
  readonly biasNoise: readonly (Float32Array | undefined)[];
}

/** Weights of a layer that has signs only: their mean size with each sign. */
function signWeights(weights: Float32Array): Float32Array {
  const size = meanSize(weights);
  return weights.map((w) => (w >= 0 ? size : -size));
}

/** The network under quantization with trained steps, with the samples of (epoch, step). */
export function noisyPasses(
  chain: Chain,
  training: TrainingSpec,
  parameters: ParameterSet,
  pool: NoisePool,
  rows: number,
  epoch: number,
  step: number,
): NoisyPasses {
  const quantizers = quantizersOf(chain, training, parameters, rows);
  const weightNoise = chain.layers.map((l, i) => pool.samples(l.units * l.inputs, "weights", i, epoch, step));
  const biasNoise = chain.layers.map((l, i) =>
    optionalVariable(parameters, i, "biasLogStep")
      ? pool.samples(l.units, "bias", i, epoch, step)
      : undefined,
  );
  const passes = chain.layers.map((layer, i): LayerPass => {
    const { weight, activation } = quantizers[i]!;
    const weights = variableOf(parameters, i, "weights");
    return {
      units: layer.units,
      inputs: layer.inputs,
      weights: weight ? quantize(weights, weightNoise[i]!, weight) : signWeights(weights),
      bias: noisyBias(parameters, i, biasNoise[i]),
      norm: batchNormOf(parameters, i, "batch"),
      activation: {
        ...surrogateOf(layer, training, "noise"),
        ...(activation
          ? {
              kind: "noise" as const,
              quantizer: activation,
              noise: pool.samples(rows * layer.inputs, "activations", i, epoch, step),
            }
          : { kind: "float" as const }),
      },
    };
  });
  return { passes, quantizers, weightNoise, biasNoise };
}

function noisyBias(
  parameters: ParameterSet,
  layer: number,
  noise: Float32Array | undefined,
): Float32Array | null {
  const bias = optionalVariable(parameters, layer, "bias");
  if (!bias) return null;
  if (!noise) return bias;
  const steps = variableOf(parameters, layer, "biasLogStep");
  return bias.map((b, u) => b + 2 ** steps[steps.length === 1 ? 0 : u]! * noise[u]!);
}

/** Nats that are paid per halving of each cost. */
export type Penalties = Readonly<Partial<Record<Limit, number>>>;

/** Gradients of a step for every variable: of the loss, and of each penalty times its cost's logarithm. */
export function noisyGradients(
  chain: Chain,
  parameters: ParameterSet,
  { quantizers, weightNoise, biasNoise }: NoisyPasses,
  result: BatchResult,
  penalties: Penalties,
  interval: number,
): ParameterSet {
  const gradients = plainGradients(result);
  const bits = continuousBitsOf(quantizers);
  const slopes = chain.layers.map(() => ({ weight: 0, activation: 0 }));
  for (const [limit, penalty] of Object.entries(penalties) as [Limit, number][]) {
    costSlopes(limit, chain, bits, interval).forEach((slope, i) => {
      slopes[i]!.weight += penalty * slope.weight;
      slopes[i]!.activation += penalty * slope.activation;
    });
  }
  result.layers.forEach((layer, i) => {
    const { weight, activation } = quantizers[i]!;
    if (weight) {
      const found = quantizeGradient(
        variableOf(parameters, i, "weights"),
        weightNoise[i]!,
        layer.weights,
        weight,
      );
      gradients[variableName(i, "weightLogStep")] = addCost(found.logSteps, weight, slopes[i]!.weight);
    }
    if (activation) {
      const found = layer.quantizer!;
      gradients[variableName(i, "activationLogStep")] = addCost(
        found.logSteps,
        activation,
        slopes[i]!.activation,
      );
      // No penalty on the range: with one it collapses, and what it clips is worth more than the bit.
      if (chain.layers[i]!.activation !== "hardtanh")
        gradients[variableName(i, "activationLogRange")] = found.logRanges;
    }
    const noise = biasNoise[i];
    if (noise)
      gradients[variableName(i, "biasLogStep")] = biasStepGradient(
        parameters,
        i,
        noise,
        layer.bias!,
        slopes[i]!.weight,
        chain,
      );
  });
  return gradients;
}

/**
 * Adds d cost / d log2(step), through bits = log2(1 + levels). A step at its floor gets none that would coarsen it; a
 * negative slope, of a penalty that asks for bits, always counts.
 */
function addCost(gradient: Float32Array, q: NoisyQuantizer, slope: number): Float32Array {
  const floor = q.canBeSilent ? SILENT_BITS : q.signed ? FLOOR_BITS.signed : FLOOR_BITS.unsigned;
  for (let k = 0; k < q.map.count; k++) {
    if (slope >= 0 && continuousBits(q.ranges[k]!, q.steps[k]!, q.signed) < floor) continue;
    const levels = (q.signed ? 2 : 1) * (q.ranges[k]! / q.steps[k]!);
    gradient[k] = gradient[k]! - (slope * levels) / (1 + levels) / q.map.count;
  }
  return gradient;
}

/** A bias is one more input: its bits cost what a weight's do, for as many as there are. */
function biasStepGradient(
  parameters: ParameterSet,
  layer: number,
  noise: Float32Array,
  dy: Float32Array,
  slope: number,
  chain: Chain,
): Float32Array {
  const steps = variableOf(parameters, layer, "biasLogStep");
  const out = new Float32Array(steps.length);
  for (let u = 0; u < dy.length; u++) {
    const k = steps.length === 1 ? 0 : u;
    out[k]! += dy[u]! * noise[u]! * 2 ** steps[k]! * Math.LN2;
  }
  return out.map((g) => g - slope / chain.layers[layer]!.inputs / steps.length);
}

/** Keeps weights inside their clamp and every quantizer within its layer's widths, after an update. */
export function projectNoisy(chain: Chain, training: TrainingSpec, parameters: ParameterSet): void {
  chain.layers.forEach((layer, i) => {
    const { weights: w, input } = training.layers[layer.node]!;
    const weights = variableOf(parameters, i, "weights");
    const map = weightMap(layer, training);
    const ranges = rmsBySteps(weights, map).map((rms) => WEIGHT_CLAMP * rms);
    byStretch(map, (from, to, k) => clampInPlace(weights, from, to, -ranges[k]!, ranges[k]!));
    const keep = (
      steps: Float32Array | undefined,
      rangeOf: (k: number) => number,
      least: number,
      most: number,
      signed: boolean,
    ): void => {
      if (!steps) return;
      for (let k = 0; k < steps.length; k++) {
        const range = rangeOf(k);
        const finest = Math.log2(stepOfWidth(range, Math.min(most, MAX_WIDTH), signed));
        const coarsest =
          least > (signed ? 2 : 1) ? Math.log2(stepOfWidth(range, least, signed)) : Number.POSITIVE_INFINITY;
        steps[k] = Math.max(finest, Math.min(coarsest, steps[k]!));
      }
    };
    keep(optionalVariable(parameters, i, "weightLogStep"), (k) => ranges[k]!, w.bits.min, w.bits.max, true);
    const logRange = optionalVariable(parameters, i, "activationLogRange");
    keep(
      optionalVariable(parameters, i, "activationLogStep"),
      (k) => 2 ** logRange![k]!,
      input.bits.min,
      mostActivationBits(layer, input.bits.max),
      layer.signed,
    );
  });
}

/** Gradients of what every phase trains: weights, biases, batch-norms. */
export function plainGradients(result: BatchResult): ParameterSet {
  const gradients: ParameterSet = {};
  result.layers.forEach((layer, i) => {
    gradients[variableName(i, "weights")] = layer.weights;
    if (layer.bias) gradients[variableName(i, "bias")] = layer.bias;
    if (layer.norm) {
      gradients[variableName(i, "gain")] = layer.norm.gain;
      gradients[variableName(i, "shift")] = layer.norm.shift;
    }
  });
  return gradients;
}

/** Which part of the sizes of `values` lies below the result. */
export function percentile(values: Float32Array, signed: boolean, part: number): number {
  const sizes = values.map((x) => (signed ? Math.abs(x) : Math.max(0, x))).sort();
  const at = sizes[Math.min(sizes.length - 1, Math.floor(part * sizes.length))]!;
  // A signal that is nearly always 0 still has the range of the rest.
  return at > 0 ? at : sizes.at(-1)!;
}

/**
 * Steps of biases that have their own where no phase trains them: FIRST_WIDTH bits for the size of the layer's biases,
 * or for that of each. In place.
 */
export function setBiasSteps(chain: Chain, training: TrainingSpec, parameters: ParameterSet): void {
  chain.layers.forEach((layer, i) => {
    const { bias } = training.layers[layer.node]!;
    if (bias === "accumulator" || layer.batchNorm) return;
    const values = variableOf(parameters, i, "bias");
    const sizes = bias === "layer" ? Float32Array.of(rmsOf(values)) : values.map(Math.abs);
    parameters[variableName(i, "biasLogStep")] = sizes.map(firstBiasStep);
  });
}

function firstBiasStep(size: number): number {
  return Math.log2(Math.max(size, LEAST_BIAS)) - FIRST_WIDTH;
}

/** Adds the quantizers' variables to those of the warmed-up network: ranges from samples, steps of the widest formats. */
export function startNoise(
  chain: Chain,
  training: TrainingSpec,
  parameters: ParameterSet,
  entering: readonly Float32Array[],
): void {
  chain.layers.forEach((layer, i) => {
    const weights = variableOf(parameters, i, "weights");
    const map = weightMap(layer, training);
    const { bias } = training.layers[layer.node]!;
    if (!(rmsOf(weights) > 0))
      fail("train/diverged", { layer: layer.node, what: "its weights are all zero" });
    const set = (name: Parameters<typeof variableName>[1], values: Float32Array): void => {
      parameters[variableName(i, name)] = values;
    };
    if (!isBipolar(layer, training)) {
      const ranges = rmsBySteps(weights, map).map((rms) => WEIGHT_CLAMP * Math.max(rms, Number.MIN_VALUE));
      set(
        "weightLogStep",
        Float32Array.from(ranges, (range) => Math.log2(stepOfWidth(range, FIRST_WIDTH, true))),
      );
    }
    if (bias !== "accumulator" && !layer.batchNorm) {
      const values = variableOf(parameters, i, "bias");
      const first = firstBiasStep(rmsOf(values));
      set("biasLogStep", new Float32Array(bias === "layer" ? 1 : layer.units).fill(first));
    }
    if (fixedActivation(layer)) return;
    const whole =
      layer.activation === "hardtanh" ? 1 : percentile(entering[i]!, layer.signed, CALIBRATION_PART);
    if (!(whole > 0)) {
      const before = chain.layers[i - 1];
      if (before && layer.activation === "relu") fail("train/dead-layer", { layer: before.node });
      fail("train/diverged", { layer: layer.node, what: "its input is zero for every sample" });
    }
    const ranges = hasChannelSteps(layer, training)
      ? channelRanges(entering[i]!, layer, whole)
      : Float64Array.of(whole);
    set("activationLogRange", Float32Array.from(ranges, Math.log2));
    set(
      "activationLogStep",
      Float32Array.from(ranges, (r) => Math.log2(stepOfWidth(r, FIRST_WIDTH, layer.signed))),
    );
  });
  for (const name of Object.keys(parameters)) {
    const { layer, variable } = readVariableName(name);
    if (variable !== "weightLogStep") continue;
    const weights = variableOf(parameters, layer, "weights");
    const clamp = WEIGHT_CLAMP * rmsOf(weights);
    clampInPlace(weights, 0, weights.length, -clamp, clamp);
  }
  projectNoisy(chain, training, parameters);
}

/** A range for each channel; one without signal gets the whole tensor's. */
function channelRanges(values: Float32Array, layer: ChainLayer, whole: number): Float64Array {
  const rows = values.length / layer.inputs;
  return Float64Array.from({ length: layer.inputs }, (_, c) => {
    const column = Float32Array.from({ length: rows }, (_, r) => values[r * layer.inputs + c]!);
    const range = percentile(column, layer.signed, CALIBRATION_PART);
    return range > 0 ? range : whole;
  });
}
