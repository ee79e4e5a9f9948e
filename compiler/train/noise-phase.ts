// The phase in which steps are found. In: the variables of a run. Out: layer passes under quantization with trained
// steps, gradients of loss and cost for every variable, updates in place, first values of steps and ranges.
import type { Limit, TrainingSpec, WidthRange } from "../graph/project.ts";
import { fail } from "../support/diagnostics.ts";
import { surrogateOf } from "./float-model.ts";
import { clampInPlace, MAX_WIDTH, meanSize, rmsOf } from "./formats.ts";
import { continuousBits, type Quantizers, stepOfWidth } from "./freeze.ts";
import { costSlopes, type LayerBits } from "./limits.ts";
import type { Layer, Network, Signal } from "./network.ts";
import type { NoisePool } from "./noise.ts";
import { type NoisyQuantizer, quantize, stepGradient } from "./noise-quantizer.ts";
import { outsideInSteps } from "./normalize.ts";
import type { ParameterSet } from "./optimizers.ts";
import { batchNormOf, optionalVariable, outsideOf, variableName, variableOf } from "./parameters.ts";
import type { BatchResult, NetworkPass } from "./passes.ts";
import { fixedSignal, hasChannelSteps, signalWidths } from "./settings.ts";
import { mayBeSilent, SILENT_BITS, WEIGHT_CLAMP } from "./silence.ts";
import { clampBySteps, oneStep, rmsBySteps, type StepMap, stepPerGroup, stepPerRow } from "./step-map.ts";

/** Which part of the activations' values their range holds at first. */
const CALIBRATION_PART = 0.9995;
/** Widths that a search begins with. */
const FIRST_WIDTH = MAX_WIDTH;
/** Biases below this size get the step of one of this size. */
const LEAST_BIAS = 2 ** -6;
/** Below these a tensor keeps its width: ternary when signed, one bit when not. */
const FLOOR_BITS = { signed: Math.log2(3), unsigned: 1 };

/** Which weights of a layer share a step. */
export function weightMap(layer: Layer, training: TrainingSpec): StepMap {
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

/** Which elements of a signal share a step; channels, where they have steps of their own, are columns. */
function signalMap(network: Network, training: TrainingSpec, signal: number, rows: number): StepMap {
  const { channels, elements } = network.signals[signal]!;
  return hasChannelSteps(network, training, signal)
    ? stepPerGroup((rows * elements) / channels, channels, 1)
    : oneStep(rows, elements);
}

/** Whether the layer's weights can only be bipolar. */
export function isBipolar(layer: Layer, training: TrainingSpec): boolean {
  return training.layers[layer.node]!.weights.bits.max === 1;
}

/** Whether nothing is left to be found: every width is given. */
export function widthsAreGiven(network: Network, training: TrainingSpec): boolean {
  const weights = network.layers.every(({ node }) => {
    const { min, max } = training.layers[node]!.weights.bits;
    return min === max;
  });
  return (
    weights &&
    network.signals.every((_, s) => {
      const { min, max } = signalWidths(network, training, s);
      return min === max;
    })
  );
}

/**
 * Steps and ranges as the variables say now, for signals of `rows` samples. `sizes`: what the last `projectNoisy` gave, of the
 * same weights.
 */
export function quantizersOf(
  network: Network,
  training: TrainingSpec,
  parameters: ParameterSet,
  rows: number,
  sizes: WeightSizes | null = null,
): Quantizers {
  const forward = training.search;
  return {
    weights: network.layers.map((layer, i): NoisyQuantizer | undefined => {
      if (isBipolar(layer, training)) return undefined;
      const map = weightMap(layer, training);
      return {
        signed: true,
        forward,
        map,
        canBeSilent: mayBeSilent(network, training, i),
        ranges: (sizes?.[i] ?? rmsBySteps(variableOf(parameters, i, "weights"), map)).map(
          (rms) => WEIGHT_CLAMP * rms,
        ),
        steps: variableOf(parameters, i, "weightLogStep").map((t) => 2 ** t),
      };
    }),
    signals: network.signals.map((signal, s): NoisyQuantizer | undefined => {
      if (fixedSignal(signal)) return undefined;
      return {
        signed: signal.signed,
        forward,
        map: signalMap(network, training, s, rows),
        ranges: variableOf(parameters, s, "activationLogRange").map((t) => 2 ** t),
        steps: variableOf(parameters, s, "activationLogStep").map((t) => 2 ** t),
      };
    }),
  };
}

/** Mean bits of a tensor's steps while they are real numbers; 1 where there is nothing but a sign. */
function meanBits(q: NoisyQuantizer | undefined): number {
  if (!q) return 1;
  let sum = 0;
  for (let k = 0; k < q.map.count; k++) sum += continuousBits(q.ranges[k]!, q.steps[k]!, q.signed);
  return sum / q.map.count;
}

/** Bits of every layer while they are real numbers; of a tensor that several signals make, their mean. */
export function continuousBitsOf(network: Network, { weights, signals }: Quantizers): LayerBits[] {
  const bits = signals.map(meanBits);
  return network.layers.map(({ reads }, i) => {
    const from = network.values[reads]!.signals;
    return {
      weight: meanBits(weights[i]),
      activation: from.reduce((sum, s) => sum + bits[s]!, 0) / from.length,
    };
  });
}

export interface NoisyPass {
  readonly pass: NetworkPass;
  readonly quantizers: Quantizers;
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
export function noisyPass(
  network: Network,
  training: TrainingSpec,
  parameters: ParameterSet,
  pool: NoisePool,
  rows: number,
  epoch: number,
  step: number,
  sizes: WeightSizes | null = null,
): NoisyPass {
  const quantizers = quantizersOf(network, training, parameters, rows, sizes);
  const weightNoise = network.layers.map((l, i) =>
    pool.samples(l.units * l.inputs, "weights", i, epoch, step),
  );
  const biasNoise = network.layers.map((l, i) =>
    optionalVariable(parameters, i, "biasLogStep")
      ? pool.samples(l.units, "bias", i, epoch, step)
      : undefined,
  );
  const layers = network.layers.map(({ reads }, i) => {
    const quantizer = quantizers.weights[i];
    const weights = variableOf(parameters, i, "weights");
    const entering = quantizers.signals[network.values[reads]!.signals[0]!];
    return {
      weights: quantizer ? quantize(weights, weightNoise[i]!, quantizer) : signWeights(weights),
      bias: noisyBias(parameters, i, biasNoise[i]),
      norm: batchNormOf(parameters, i, "batch"),
      outside: outsideInSteps(outsideOf(parameters, i), entering),
    };
  });
  const signals = network.signals.map((signal, s) => {
    const quantizer = quantizers.signals[s];
    const surrogate = surrogateOf(signal, training, "noise");
    if (!quantizer) return { ...surrogate, kind: "float" as const };
    const noise = pool.samples(rows * signal.elements, "activations", s, epoch, step);
    return { ...surrogate, kind: "noise" as const, quantizer, noise };
  });
  return { pass: { network, layers, signals, fractions: null }, quantizers, weightNoise, biasNoise };
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
  network: Network,
  parameters: ParameterSet,
  { quantizers, weightNoise, biasNoise }: NoisyPass,
  result: BatchResult,
  penalties: Penalties,
  interval: number,
): ParameterSet {
  const gradients = plainGradients(result);
  const bits = continuousBitsOf(network, quantizers);
  const weightSlopes = network.layers.map(() => 0);
  const signalSlopes = network.signals.map(() => 0);
  for (const [limit, penalty] of Object.entries(penalties) as [Limit, number][]) {
    costSlopes(limit, network, bits, interval).forEach((slope, i) => {
      weightSlopes[i]! += penalty * slope.weight;
      const from = network.values[network.layers[i]!.reads]!.signals;
      for (const s of from) signalSlopes[s]! += (penalty * slope.activation) / from.length;
    });
  }
  result.layers.forEach((layer, i) => {
    const q = quantizers.weights[i];
    if (q) {
      const weights = variableOf(parameters, i, "weights");
      const logSteps = stepGradient(weights, weightNoise[i]!, layer.weights, q);
      gradients[variableName(i, "weightLogStep")] = addCost(logSteps, q, weightSlopes[i]!);
    }
    const noise = biasNoise[i];
    if (!noise) return;
    const slope = weightSlopes[i]! / network.layers[i]!.inputs;
    gradients[variableName(i, "biasLogStep")] = biasStepGradient(parameters, i, noise, layer.bias!, slope);
  });
  network.signals.forEach(({ activation }, s) => {
    const q = quantizers.signals[s];
    if (!q) return;
    // What nothing of the loss depends on has no gradient.
    const count = q.map.count;
    const found = result.signals[s] ?? {
      logSteps: new Float32Array(count),
      logRanges: new Float32Array(count),
    };
    gradients[variableName(s, "activationLogStep")] = addCost(found.logSteps, q, signalSlopes[s]!);
    // No penalty on the range: with one it collapses, and what it clips is worth more than the bit.
    if (activation !== "hardtanh") gradients[variableName(s, "activationLogRange")] = found.logRanges;
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
): Float32Array {
  const steps = variableOf(parameters, layer, "biasLogStep");
  const out = new Float32Array(steps.length);
  for (let u = 0; u < dy.length; u++) {
    const k = steps.length === 1 ? 0 : u;
    out[k]! += dy[u]! * noise[u]! * 2 ** steps[k]! * Math.LN2;
  }
  return out.map((g) => g - slope / steps.length);
}

/** Keeps steps where the widths of their ranges lie within the allowed ones, in place. */
function keepWidths(
  steps: Float32Array | undefined,
  rangeOf: (k: number) => number,
  widths: WidthRange,
  signed: boolean,
): void {
  if (!steps) return;
  const { min, max } = widths;
  for (let k = 0; k < steps.length; k++) {
    const range = rangeOf(k);
    const finest = Math.log2(stepOfWidth(range, Math.min(max, MAX_WIDTH), signed));
    const coarsest =
      min > (signed ? 2 : 1) ? Math.log2(stepOfWidth(range, min, signed)) : Number.POSITIVE_INFINITY;
    steps[k] = Math.max(finest, Math.min(coarsest, steps[k]!));
  }
}

/** Root mean squares of the weights of every layer, by step. */
export type WeightSizes = readonly Float64Array[];

/** Keeps weights inside their clamp and every quantizer within its widths, after an update; gives the sizes that are left. */
export function projectNoisy(
  network: Network,
  training: TrainingSpec,
  parameters: ParameterSet,
): WeightSizes {
  const sizes = network.layers.map((layer, i) => {
    const { bits } = training.layers[layer.node]!.weights;
    const weights = variableOf(parameters, i, "weights");
    const map = weightMap(layer, training);
    const ranges = rmsBySteps(weights, map).map((rms) => WEIGHT_CLAMP * rms);
    keepWidths(optionalVariable(parameters, i, "weightLogStep"), (k) => ranges[k]!, bits, true);
    return clampBySteps(weights, map, ranges);
  });
  network.signals.forEach(({ signed }, s) => {
    const logRange = optionalVariable(parameters, s, "activationLogRange");
    const steps = optionalVariable(parameters, s, "activationLogStep");
    keepWidths(steps, (k) => 2 ** logRange![k]!, signalWidths(network, training, s), signed);
  });
  return sizes;
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
export function setBiasSteps(network: Network, training: TrainingSpec, parameters: ParameterSet): void {
  network.layers.forEach((layer, i) => {
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

/**
 * Adds the quantizers' variables to those of the warmed-up network: ranges from samples, steps of the widest formats.
 * `raw` are the signals before their activations.
 */
export function startNoise(
  network: Network,
  training: TrainingSpec,
  parameters: ParameterSet,
  raw: readonly Float32Array[],
): void {
  network.layers.forEach((layer, i) => {
    startWeights(layer, i, training, parameters);
  });
  network.signals.forEach((_, s) => {
    startSignal(network, s, training, parameters, raw[s]!);
  });
  projectNoisy(network, training, parameters);
}

function startWeights(layer: Layer, i: number, training: TrainingSpec, parameters: ParameterSet): void {
  const weights = variableOf(parameters, i, "weights");
  const { bias } = training.layers[layer.node]!;
  const all = rmsOf(weights);
  if (!(all > 0)) fail("train/diverged", { layer: layer.node, what: "its weights are all zero" });
  if (!isBipolar(layer, training)) {
    const map = weightMap(layer, training);
    const ranges = rmsBySteps(weights, map).map((rms) => WEIGHT_CLAMP * Math.max(rms, Number.MIN_VALUE));
    parameters[variableName(i, "weightLogStep")] = Float32Array.from(ranges, (range) =>
      Math.log2(stepOfWidth(range, FIRST_WIDTH, true)),
    );
    const clamp = WEIGHT_CLAMP * (map.count === 1 ? all : Number.POSITIVE_INFINITY);
    clampInPlace(weights, 0, weights.length, -clamp, clamp);
  }
  if (bias === "accumulator" || layer.batchNorm) return;
  const first = firstBiasStep(rmsOf(variableOf(parameters, i, "bias")));
  const count = bias === "layer" ? 1 : layer.units;
  parameters[variableName(i, "biasLogStep")] = new Float32Array(count).fill(first);
}

function startSignal(
  network: Network,
  s: number,
  training: TrainingSpec,
  parameters: ParameterSet,
  values: Float32Array,
): void {
  const signal = network.signals[s]!;
  if (fixedSignal(signal)) return;
  const whole = signal.activation === "hardtanh" ? 1 : percentile(values, signal.signed, CALIBRATION_PART);
  if (!(whole > 0)) {
    const maker = signal.maker === null ? undefined : network.layers[signal.maker];
    if (maker && signal.activation === "relu") fail("train/dead-layer", { layer: maker.node });
    fail("train/diverged", { layer: signal.node, what: "its value is zero for every sample" });
  }
  const ranges = hasChannelSteps(network, training, s)
    ? channelRanges(values, signal, whole)
    : Float64Array.of(whole);
  parameters[variableName(s, "activationLogRange")] = Float32Array.from(ranges, Math.log2);
  parameters[variableName(s, "activationLogStep")] = Float32Array.from(ranges, (r) =>
    Math.log2(stepOfWidth(r, FIRST_WIDTH, signal.signed)),
  );
}

/** A range for each channel; one without signal gets the whole tensor's. */
function channelRanges(values: Float32Array, { channels, signed }: Signal, whole: number): Float64Array {
  const rows = values.length / channels;
  return Float64Array.from({ length: channels }, (_, c) => {
    const column = Float32Array.from({ length: rows }, (_, r) => values[r * channels + c]!);
    const range = percentile(column, signed, CALIBRATION_PART);
    return range > 0 ? range : whole;
  });
}
