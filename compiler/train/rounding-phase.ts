// The phase with real rounding in frozen formats: the network's values are exactly those of the integers. In: a frozen
// network. Out: layer passes, gradients for the latent values, updates in place; and networks that lost inputs or units.
import type { Surrogate, TrainingSpec } from "../graph/project.ts";
import type { FrozenFormat } from "../graph/trained-graph.ts";
import { integerRange, quantize } from "../support/fixed-point.ts";
import type { Statistics } from "./batch-norm.ts";
import { SIGN_SURROGATE, surrogateOf } from "./float-model.ts";
import {
  BIPOLAR_CLIP,
  fractionOf,
  projectWeights,
  rmsOf,
  roundWeights,
  unitFraction,
  type WeightFormat,
  weightSteps,
} from "./formats.ts";
import type { Frozen } from "./limits.ts";
import { inputOfSignal, type Kept, type Network, networkOf, type Reader } from "./network.ts";
import { plainGradients } from "./noise-phase.ts";
import type { ParameterSet } from "./optimizers.ts";
import {
  batchNormOf,
  copyParameters,
  optionalVariable,
  outsideOf,
  variableName,
  variableOf,
} from "./parameters.ts";
import type { BatchResult, NetworkPass } from "./passes.ts";
import { surrogateGradient } from "./regularization.ts";
import { knownReaders } from "./settings.ts";
import { valueFormats } from "./value-formats.ts";

/** Format of the tensor that enters a layer. */
export function enteringFormat({ network, formats }: Frozen, layer: number): FrozenFormat {
  return valueFormats(network, formats.signals)[network.layers[layer]!.reads]!;
}

/** Fraction of the bias of unit `u`: the accumulator's, or a coarser one that was trained. */
function biasFraction(accumulator: number, biasLogStep: Float32Array | undefined, u: number): number {
  if (!biasLogStep) return accumulator;
  return Math.min(accumulator, 0 - Math.round(biasLogStep[biasLogStep.length === 1 ? 0 : u]!));
}

function roundedBias(frozen: Frozen, layer: number): Float32Array | null {
  const bias = optionalVariable(frozen.parameters, layer, "bias");
  if (!bias) return null;
  const steps = optionalVariable(frozen.parameters, layer, "biasLogStep");
  const weight = frozen.formats.weights[layer]!;
  const entering = fractionOf(enteringFormat(frozen, layer));
  return bias.map((b, u) => {
    const fraction = biasFraction(unitFraction(weight, u) + entering, steps, u);
    return Math.floor(b * 2 ** fraction + 0.5) * 2 ** -fraction;
  });
}

/** Mantissa of what a layer's convolution reads outside of its input, in the format that the input has now. */
export function padMantissaOf(frozen: Frozen, layer: number): number {
  const outside = outsideOf(frozen.parameters, layer);
  if (outside === 0) return 0;
  const format = enteringFormat(frozen, layer);
  return quantize(outside, fractionOf(format), integerRange(format.width, format.signed));
}

function roundedOutside(frozen: Frozen, layer: number): number {
  const mantissa = padMantissaOf(frozen, layer);
  return mantissa === 0 ? 0 : mantissa * 2 ** -fractionOf(enteringFormat(frozen, layer));
}

/** The network with real rounding. `statistics` are those that batch-norms take. */
export function roundedPass(frozen: Frozen, training: TrainingSpec, statistics: Statistics): NetworkPass {
  const { network, parameters, formats } = frozen;
  return {
    network,
    layers: network.layers.map(({ units, inputs }, i) => ({
      weights: roundWeights(variableOf(parameters, i, "weights"), units, inputs, formats.weights[i]!),
      bias: roundedBias(frozen, i),
      norm: batchNormOf(parameters, i, statistics),
      outside: roundedOutside(frozen, i),
    })),
    signals: network.signals.map((signal, s) => ({
      kind: "rounding",
      ...surrogateOf(signal, training, "rounding"),
      format: formats.signals[s]!,
    })),
    fractions: valueFormats(network, formats.signals).map((f) => f && fractionOf(f)),
  };
}

/** The same pass for a batch whose inputs are rounded already. */
export function onRoundedInputs(pass: NetworkPass): NetworkPass {
  const ofInputs = new Set(pass.network.inputs.map(({ signal }) => signal));
  const signals = pass.signals.map((signal, s): NetworkPass["signals"][number] =>
    ofInputs.has(s) ? { ...signal, kind: "float", activation: "none" } : signal,
  );
  return { ...pass, signals };
}

/** Gradients for the latent variables. */
export function roundedGradients(frozen: Frozen, training: TrainingSpec, result: BatchResult): ParameterSet {
  const gradients = plainGradients(result);
  frozen.network.layers.forEach((layer, i) => {
    const name = variableName(i, "weights");
    const latent = variableOf(frozen.parameters, i, "weights");
    const weight = frozen.formats.weights[i]!;
    const found = gradients[name]!;
    const surrogate = training.surrogates[layer.node] ?? training.gradient;
    gradients[name] = weightGradient(latent, found, layer.units, layer.inputs, weight, surrogate);
    // Nothing beyond the clip is rounded to anything else.
    if (weight.kind !== "bipolar") return;
    const out = gradients[name]!;
    for (let k = 0; k < out.length; k++)
      if (Math.abs(latent[k]!) >= BIPOLAR_CLIP && latent[k]! * out[k]! < 0) out[k] = 0;
  });
  return gradients;
}

function weightGradient(
  latent: Float32Array,
  dy: Float32Array,
  units: number,
  inputs: number,
  format: WeightFormat,
  surrogate: Surrogate | null,
): Float32Array {
  if (format.kind === "bipolar")
    return surrogateGradient(latent, dy, { kind: "sign", window: BIPOLAR_CLIP }, surrogate ?? SIGN_SURROGATE);
  if (surrogate === null || surrogate.kind === "straight-through") return dy;
  const steps = weightSteps(units, inputs, format);
  const scaled = latent.map((w, k) => w / steps[k]!);
  const most = 2 ** (format.width - 1);
  return surrogateGradient(scaled, dy, { kind: "rounding", step: 1, min: -most, max: most - 1 }, surrogate);
}

/** Keeps latent values inside their formats after an update. */
export function projectRounded({ network, parameters, formats }: Frozen): void {
  network.layers.forEach((layer, i) => {
    projectWeights(variableOf(parameters, i, "weights"), layer.units, layer.inputs, formats.weights[i]!);
  });
}

/** Root mean square of bipolar latents when they begin, of their clip. */
const BIPOLAR_RMS = 0.3;

/** Scales the latents of a layer whose weights turn bipolar: they only carry signs from here on. */
export function startBipolar(parameters: ParameterSet, layer: number): void {
  const weights = variableOf(parameters, layer, "weights");
  const rms = rmsOf(weights);
  const scale = rms > 0 ? BIPOLAR_RMS / rms : 1;
  for (let k = 0; k < weights.length; k++) weights[k] = weights[k]! * scale;
}

/** A copy that can be trained on without changing the original. */
export function copyFrozen(frozen: Frozen): Frozen {
  return { ...frozen, parameters: copyParameters(frozen.parameters) };
}

/** What is left of a graph: units of the layers that make the signals, and elements of the inputs. */
function keptOf(network: Network, kept: Frozen["kept"]): Kept {
  const units = new Map<string, number>();
  const inputs = new Map<string, number>();
  kept.forEach((channels, s) => {
    if (!channels) return;
    const { maker } = network.signals[s]!;
    if (maker === null) inputs.set(network.inputs[inputOfSignal(network, s)]!.node.name, channels.length);
    else units.set(network.layers[maker]!.node, channels.length);
  });
  return { units, inputs };
}

/** The network of a graph's `whole` one with what is left of it; batch-norms that were folded stay so. */
export function leftOf(whole: Network, kept: Frozen["kept"]): Network {
  if (kept.every((channels) => channels === null)) return whole;
  return withNorms(networkOf(whole.graph, keptOf(whole, kept)), whole);
}

/** The network with batch-norms where another one has them, of the same graph or of one with more branches. */
export function withNorms(network: Network, like: Network): Network {
  const normed = new Set(like.layers.filter((layer) => layer.batchNorm).map((layer) => layer.node));
  const layers = network.layers.map((layer) => ({ ...layer, batchNorm: normed.has(layer.node) }));
  return {
    ...network,
    layers,
    signals: network.signals.map((signal) => ({
      ...signal,
      normalized: signal.maker !== null && layers[signal.maker]!.batchNorm,
    })),
  };
}

/**
 * The network without some channels of a signal that layers alone read. Each is replaced by its constant, which moves
 * into the layers' biases (or into the running means of their batch-norms); the units that made them are gone too.
 * `constants` has one value for each channel. Where a convolution pads, the constant is taken to go on.
 */
export function withoutChannels(
  frozen: Frozen,
  signal: number,
  stays: readonly number[],
  constants: ArrayLike<number>,
): Frozen {
  const { network } = frozen;
  const parameters = copyParameters(frozen.parameters);
  const isKept = new Uint8Array(network.signals[signal]!.channels);
  for (const c of stays) isKept[c] = 1;
  const readers = knownReaders(network, signal)!;
  const weights = [...frozen.formats.weights];
  for (const reader of readers) {
    removeColumns(frozen, reader, isKept, constants, parameters);
    weights[reader.layer] = keepColumns(weights[reader.layer]!, reader, isKept);
  }
  const { maker } = network.signals[signal]!;
  if (maker !== null) {
    weights[maker] = keepUnits(weights[maker]!, stays);
    removeUnits(network, maker, stays, parameters);
  }
  const earlier = frozen.kept[signal];
  const origins = earlier ? stays.map((c) => earlier[c]!) : stays;
  const kept = frozen.kept.with(signal, origins);
  return { network: leftOf(network, kept), parameters, formats: { ...frozen.formats, weights }, kept };
}

/** Takes a reader's columns away; what they would add is in its bias. */
function removeColumns(
  { network, formats, parameters: before }: Frozen,
  { layer, channels }: Reader,
  isKept: Uint8Array,
  constants: ArrayLike<number>,
  parameters: ParameterSet,
): void {
  const { units, inputs } = network.layers[layer]!;
  const weights = variableOf(before, layer, "weights");
  // The constants' part of the sums, by the weights as the hardware has them.
  const rounded = roundWeights(weights, units, inputs, formats.weights[layer]!);
  const bias = optionalVariable(parameters, layer, "bias");
  const mean = optionalVariable(parameters, layer, "mean");
  const columns = [...channels.keys()].filter((k) => isKept[channels[k]!]);
  const left = new Float32Array(units * columns.length);
  for (let u = 0; u < units; u++) {
    let constant = 0;
    for (let k = 0; k < inputs; k++)
      if (!isKept[channels[k]!]) constant += rounded[u * inputs + k]! * constants[channels[k]!]!;
    if (bias) bias[u] = bias[u]! + constant;
    if (mean) mean[u] = mean[u]! - constant;
    columns.forEach((k, j) => {
      left[u * columns.length + j] = weights[u * inputs + k]!;
    });
  }
  parameters[variableName(layer, "weights")] = left;
}

/** Of groups, those that still have an input keep their shift; one input a group is what is left of uneven ones. */
function keepColumns(format: WeightFormat, { channels }: Reader, isKept: Uint8Array): WeightFormat {
  const { groups } = format;
  if (!groups) return format;
  const columns = [...channels.keys()].filter((k) => isKept[channels[k]!]);
  if (columns.length === channels.length) return format;
  const shifts = columns.map((k) => groups.shifts[Math.floor(k / groups.size)]!);
  return { ...format, groups: { size: 1, shifts } };
}

/** Takes units of a layer away, with all that each has. */
function removeUnits(
  network: Network,
  layer: number,
  kept: readonly number[],
  parameters: ParameterSet,
): void {
  const { units, inputs } = network.layers[layer]!;
  const cut = (name: Parameters<typeof variableName>[1], width: number): void => {
    const values = optionalVariable(parameters, layer, name);
    if (values && values.length === units * width)
      parameters[variableName(layer, name)] = keepRows(values, width, kept);
  };
  cut("weights", inputs);
  for (const name of ["bias", "gain", "shift", "mean", "variance"] as const) cut(name, 1);
  const steps = optionalVariable(parameters, layer, "biasLogStep");
  if (steps && steps.length > 1) cut("biasLogStep", 1);
}

/** Rows or entries of units [units, width] that are kept. */
function keepRows(values: Float32Array, width: number, kept: readonly number[]): Float32Array {
  const out = new Float32Array(kept.length * width);
  kept.forEach((u, k) => {
    out.set(values.subarray(u * width, (u + 1) * width), k * width);
  });
  return out;
}

function keepUnits(format: WeightFormat, kept: readonly number[]): WeightFormat {
  const { fraction } = format;
  if (typeof fraction === "number") return format;
  return { ...format, fraction: kept.map((u) => fraction[u]!) };
}

/**
 * Brings channels of a signal with steps of their own to one fraction: channel c is scaled by 2^-shifts[c] where it is
 * made and back where it is read, which a ReLU lets through. In place.
 */
export function equalize(
  network: Network,
  parameters: ParameterSet,
  signal: number,
  shifts: readonly number[],
): void {
  const maker = network.signals[signal]!.maker!;
  const { units, inputs, batchNorm } = network.layers[maker]!;
  for (const { layer, channels } of knownReaders(network, signal)!) {
    const weights = variableOf(parameters, layer, "weights");
    const columns = channels.length;
    for (let i = 0; i < weights.length; i++) weights[i]! *= 2 ** shifts[channels[i % columns]!]!;
  }
  // A bias step moves with its bias: one for all of them becomes one for each.
  const shared = optionalVariable(parameters, maker, "biasLogStep");
  const biasSteps = shared && (shared.length === 1 ? new Float32Array(units).fill(shared[0]!) : shared);
  if (biasSteps) parameters[variableName(maker, "biasLogStep")] = biasSteps;
  shifts.forEach((shift, c) => {
    const scale = 2 ** -shift;
    if (batchNorm) {
      variableOf(parameters, maker, "gain")[c]! *= scale;
      variableOf(parameters, maker, "shift")[c]! *= scale;
      return;
    }
    variableOf(parameters, maker, "bias")[c]! *= scale;
    if (biasSteps) biasSteps[c]! -= shift;
    const rows = variableOf(parameters, maker, "weights");
    for (let k = 0; k < inputs; k++) rows[c * inputs + k]! *= scale;
  });
}
