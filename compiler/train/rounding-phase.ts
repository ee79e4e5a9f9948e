// The phase with real rounding in frozen formats: the network's values are exactly those of the integers. In: a frozen
// network. Out: layer passes, gradients for the latent values, updates in place; and networks that lost inputs or units.
import type { Surrogate, TrainingSpec } from "../graph/project.ts";
import type { Statistics } from "./batch-norm.ts";
import type { Chain } from "./chain.ts";
import { SIGN_SURROGATE, surrogateOf } from "./float-model.ts";
import {
  BIPOLAR_CLIP,
  fractionOf,
  type LayerFormats,
  projectWeights,
  rmsOf,
  roundWeights,
  unitFraction,
  type WeightFormat,
  weightSteps,
} from "./formats.ts";
import type { Frozen } from "./limits.ts";
import type { BatchResult, LayerPass } from "./network.ts";
import { plainGradients } from "./noise-phase.ts";
import type { ParameterSet } from "./optimizers.ts";
import { batchNormOf, copyParameters, optionalVariable, variableName, variableOf } from "./parameters.ts";
import { surrogateGradient } from "./regularization.ts";

/** Fraction of the bias of unit `u`: the accumulator's, or a coarser one that was trained. */
export function biasFraction(
  { weight, activation }: LayerFormats,
  biasLogStep: Float32Array | undefined,
  u: number,
): number {
  const accumulator = unitFraction(weight, u) + fractionOf(activation);
  if (!biasLogStep) return accumulator;
  return Math.min(accumulator, 0 - Math.round(biasLogStep[biasLogStep.length === 1 ? 0 : u]!));
}

function roundedBias(frozen: Frozen, layer: number): Float32Array | null {
  const bias = optionalVariable(frozen.parameters, layer, "bias");
  if (!bias) return null;
  const steps = optionalVariable(frozen.parameters, layer, "biasLogStep");
  return bias.map((b, u) => {
    const fraction = biasFraction(frozen.formats[layer]!, steps, u);
    return Math.floor(b * 2 ** fraction + 0.5) * 2 ** -fraction;
  });
}

/** The layers with real rounding. `statistics` are those that batch-norms take. */
export function roundedPasses(frozen: Frozen, training: TrainingSpec, statistics: Statistics): LayerPass[] {
  const { chain, parameters, formats } = frozen;
  return chain.layers.map((layer, i) => ({
    units: layer.units,
    inputs: layer.inputs,
    weights: roundWeights(
      variableOf(parameters, i, "weights"),
      layer.units,
      layer.inputs,
      formats[i]!.weight,
    ),
    bias: roundedBias(frozen, i),
    norm: batchNormOf(parameters, i, statistics),
    activation: {
      kind: "rounding",
      ...surrogateOf(layer, training, "rounding"),
      format: formats[i]!.activation,
    },
  }));
}

/** The same passes for a batch whose inputs are rounded already. */
export function onRoundedInput(passes: readonly LayerPass[]): LayerPass[] {
  const [first, ...others] = passes;
  const activation = { ...first!.activation, kind: "float", activation: "none" } as LayerPass["activation"];
  return [{ ...first!, activation }, ...others];
}

/** Gradients for the latent variables. */
export function roundedGradients(frozen: Frozen, training: TrainingSpec, result: BatchResult): ParameterSet {
  const gradients = plainGradients(result);
  frozen.chain.layers.forEach((layer, i) => {
    const name = variableName(i, "weights");
    const latent = variableOf(frozen.parameters, i, "weights");
    const { weight } = frozen.formats[i]!;
    const found = gradients[name]!;
    gradients[name] = weightGradient(latent, found, layer.units, layer.inputs, weight, training.gradient);
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
export function projectRounded({ chain, parameters, formats }: Frozen): void {
  chain.layers.forEach((layer, i) => {
    projectWeights(variableOf(parameters, i, "weights"), layer.units, layer.inputs, formats[i]!.weight);
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

/** Rows or entries of units [units, width] that are kept. */
function keepRows(values: Float32Array, width: number, kept: readonly number[]): Float32Array {
  const out = new Float32Array(kept.length * width);
  kept.forEach((u, k) => {
    out.set(values.subarray(u * width, (u + 1) * width), k * width);
  });
  return out;
}

/**
 * The network without some elements of the tensor that enters a layer. Each is replaced by its constant, which moves
 * into the layer's bias (or into the running mean of its batch-norm); the units before that made them are gone too.
 * `constants` has one value for each element that entered.
 */
export function withoutInputs(
  frozen: Frozen,
  layer: number,
  kept: readonly number[],
  constants: ArrayLike<number>,
): Frozen {
  const parameters = copyParameters(frozen.parameters);
  const at = frozen.chain.layers[layer]!;
  const isKept = new Uint8Array(at.inputs);
  for (const k of kept) isKept[k] = 1;
  const weights = variableOf(parameters, layer, "weights");
  // The constants' part of the sums, by the weights as the hardware has them.
  const rounded = roundWeights(weights, at.units, at.inputs, frozen.formats[layer]!.weight);
  const bias = optionalVariable(parameters, layer, "bias");
  const mean = optionalVariable(parameters, layer, "mean");
  const left = new Float32Array(at.units * kept.length);
  for (let u = 0; u < at.units; u++) {
    let constant = 0;
    for (let k = 0; k < at.inputs; k++)
      if (!isKept[k]) constant += rounded[u * at.inputs + k]! * constants[k]!;
    if (bias) bias[u] = bias[u]! + constant;
    if (mean) mean[u] = mean[u]! - constant;
    kept.forEach((k, j) => {
      left[u * kept.length + j] = weights[u * at.inputs + k]!;
    });
  }
  parameters[variableName(layer, "weights")] = left;
  const layers = frozen.chain.layers.map((l, i) =>
    i === layer ? { ...l, inputs: kept.length } : i === layer - 1 ? { ...l, units: kept.length } : l,
  );
  const formats = frozen.formats.map((f, i) =>
    i === layer ? keepColumns(f, at.inputs, kept) : i === layer - 1 ? keepUnits(f, kept) : f,
  );
  if (layer > 0) {
    const before = frozen.chain.layers[layer - 1]!;
    const cut = (name: Parameters<typeof variableName>[1], width: number): void => {
      const values = optionalVariable(parameters, layer - 1, name);
      if (values && values.length === before.units * width)
        parameters[variableName(layer - 1, name)] = keepRows(values, width, kept);
    };
    cut("weights", before.inputs);
    for (const name of ["bias", "gain", "shift", "mean", "variance"] as const) cut(name, 1);
    const steps = optionalVariable(parameters, layer - 1, "biasLogStep");
    if (steps && steps.length > 1) cut("biasLogStep", 1);
  }
  const earlier = frozen.kept[layer];
  const origins = earlier ? kept.map((k) => earlier[k]!) : kept;
  return { chain: { ...frozen.chain, layers }, parameters, formats, kept: frozen.kept.with(layer, origins) };
}

/** Of groups, those that still have an input keep their shift; one input a group is what is left of uneven ones. */
function keepColumns(formats: LayerFormats, inputs: number, kept: readonly number[]): LayerFormats {
  const { groups } = formats.weight;
  if (!groups) return formats;
  const shifts = kept.map((k) => groups.shifts[Math.floor(k / groups.size)]!);
  const even = kept.length === inputs;
  return { ...formats, weight: { ...formats.weight, groups: even ? groups : { size: 1, shifts } } };
}

function keepUnits(formats: LayerFormats, kept: readonly number[]): LayerFormats {
  const { fraction } = formats.weight;
  if (typeof fraction === "number") return formats;
  return { ...formats, weight: { ...formats.weight, fraction: kept.map((u) => fraction[u]!) } };
}

/**
 * Brings channels of an entering tensor with steps of their own to one fraction: channel c is scaled by 2^-shifts[c]
 * where it is made and back where it is read, which a ReLU lets through. In place.
 */
export function equalize(
  chain: Chain,
  parameters: ParameterSet,
  layer: number,
  shifts: readonly number[],
): void {
  const at = chain.layers[layer]!;
  const before = chain.layers[layer - 1]!;
  const weights = variableOf(parameters, layer, "weights");
  // A bias step moves with its bias: one for all of them becomes one for each.
  const shared = optionalVariable(parameters, layer - 1, "biasLogStep");
  const biasSteps =
    shared && (shared.length === 1 ? new Float32Array(before.units).fill(shared[0]!) : shared);
  if (biasSteps) parameters[variableName(layer - 1, "biasLogStep")] = biasSteps;
  shifts.forEach((shift, c) => {
    for (let u = 0; u < at.units; u++) weights[u * at.inputs + c]! *= 2 ** shift;
    const scale = 2 ** -shift;
    if (before.batchNorm) {
      variableOf(parameters, layer - 1, "gain")[c]! *= scale;
      variableOf(parameters, layer - 1, "shift")[c]! *= scale;
      return;
    }
    variableOf(parameters, layer - 1, "bias")[c]! *= scale;
    if (biasSteps) biasSteps[c]! -= shift;
    const rows = variableOf(parameters, layer - 1, "weights");
    for (let k = 0; k < before.inputs; k++) rows[c * before.inputs + k]! *= scale;
  });
}
