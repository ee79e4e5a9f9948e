// The end of training: mantissas, formats and noise figures as the trained graph. In: float variables and frozen
// formats. Out: plain data that holds integers, and the score of those integers on the validation samples.
import type { SampleSet } from "../graph/samples.ts";
import {
  type Entry,
  type FrozenFormat,
  type Outcome,
  type TensorNoise,
  TRAINED_SCHEMA,
  type TrainedDense,
  type TrainedGraph,
} from "../graph/trained-graph.ts";
import { activate } from "./activation.ts";
import { inputsAsTargets } from "./batches.ts";
import { inverseDeviation } from "./batch-norm.ts";
import type { Activation } from "./chain.ts";
import { fractionOf, unitFraction } from "./formats.ts";
import { evaluateFrozen } from "./frozen.ts";
import { ledgerOf } from "./ledger.ts";
import { bitOperationsOf, type Frozen, widthsOf } from "./limits.ts";
import { enteringTensors } from "./network.ts";
import { noiseFigures } from "./noise-figures.ts";
import { optionalVariable, variableOf } from "./parameters.ts";
import { keptInputs } from "./prune.ts";
import { roundedPasses } from "./rounding-phase.ts";
import { frozenOf, type Run } from "./run.ts";
import { biasConstants, foldThresholds, type NormConstants } from "./thresholds.ts";

/** Values of a mean square between these need no scaling. */
const USUAL_RMS = { least: 2 ** -3, most: 2 ** 2 };

/**
 * Power of two by which the inputs are divided for training, so that one learning rate suits any unit of the data.
 * It only moves binary points: the first layer's formats take it back.
 */
export function inputScaleOf(samples: SampleSet): number {
  const scale = 2 ** -samples.stored.fraction;
  let squares = 0;
  for (let i = 0; i < samples.inputs.length; i++) squares += samples.inputs[i]! * samples.inputs[i]!;
  const rms = Math.sqrt(squares / samples.inputs.length) * scale;
  return rms === 0 || (rms >= USUAL_RMS.least && rms <= USUAL_RMS.most) ? 0 : Math.round(Math.log2(rms));
}

function mantissas(values: Float32Array, format: FrozenFormat, fractionAt: (index: number) => number): number[] {
  if (format.kind === "bipolar") return Array.from(values, (x) => (x >= 0 ? 1 : 0));
  // The sum turns -0 into 0.
  return Array.from(values, (x, i) => x * 2 ** fractionAt(i) + 0);
}

function scaledFormat(format: FrozenFormat, shift: number): FrozenFormat {
  const { kind, signed, width, fraction } = format;
  return {
    kind,
    signed,
    width,
    fraction: typeof fraction === "number" ? fraction + shift : fraction.map((f) => f + shift),
  };
}

function scaledNoise(noise: TensorNoise, shift: number): TensorNoise {
  const k = 2 ** -shift;
  return {
    ...noise,
    alpha: noise.alpha * k,
    rms: noise.rms * k,
    std: noise.std * k,
    residueRms: noise.residueRms * k,
  };
}

/** Batch-norm of a layer as the constants that thresholds are folded from; a layer without one has its bias. */
function constantsOf({ parameters }: Frozen, layer: number, bias: Float32Array | null): NormConstants {
  const gain = optionalVariable(parameters, layer, "gain");
  if (!gain) return biasConstants(bias!);
  return {
    gain,
    inverse: variableOf(parameters, layer, "variance").map(inverseDeviation),
    mean: variableOf(parameters, layer, "mean"),
    shift: variableOf(parameters, layer, "shift"),
  };
}

/** How the entering tensor of a layer is made of the sums before it. */
function entryOf(frozen: Frozen, layer: number, biasBefore: Float32Array | null): Entry {
  const { activation, enteringNormalized } = frozen.chain.layers[layer]!;
  const discrete = activation === "sign" || activation === "step";
  if (!discrete && !enteringNormalized) return { kind: "requantize", relu: activation === "relu" };
  const before = frozen.formats[layer - 1]!;
  const units = frozen.chain.layers[layer - 1]!.units;
  const sums = (u: number): number => unitFraction(before.weight, u) + fractionOf(before.activation);
  return foldThresholds({
    fraction: Array.from({ length: units }, (_, u) => sums(u)),
    norm: constantsOf(frozen, layer - 1, biasBefore),
    decision: discrete ? "sign" : "rounding",
    format: frozen.formats[layer]!.activation,
  });
}

/** Whether the sums of a layer go into thresholds that hold its bias. */
function biasIsFolded(frozen: Frozen, layer: number): boolean {
  const next = frozen.chain.layers[layer + 1];
  return next !== undefined && (next.enteringNormalized || next.activation === "sign" || next.activation === "step");
}

/** Makes the trained graph of a run that is over. */
export function assembleTrained(run: Run, outcome: Outcome): TrainedGraph {
  const { tf, request, training, measured, inputFraction, state, chain } = run;
  const frozen = frozenOf(run);
  const passes = roundedPasses(frozen, training, false);
  const entering = enteringTensors(
    tf,
    measured.count,
    keptInputs(measured, frozen.kept[0]!, chain.elements),
    passes,
  );
  const inputScale = inputFraction - request.samples.stored.fraction;
  const layers = frozen.chain.layers.map((layer, i): TrainedDense => {
    const { weight, activation } = frozen.formats[i]!;
    // The scaling of the inputs moves the first layer's binary points, in opposite directions.
    const shift = i === 0 ? inputScale : 0;
    const pass = passes[i]!;
    const signal = signalOf(entering[i]!, layer.activation);
    const unitOf = (index: number): number => Math.floor(index / layer.inputs);
    return {
      node: layer.node,
      units: layer.units,
      inputs: layer.inputs,
      keptInputs: frozen.kept[i]!,
      keptUnits: frozen.kept[i + 1] ?? null,
      entry: entryOf(frozen, i, i > 0 ? passes[i - 1]!.bias : null),
      weights: mantissas(pass.weights, weight, (k) => unitFraction(weight, unitOf(k))),
      weightFormat: scaledFormat(weight, shift),
      weightNoise: scaledNoise(
        noiseFigures(latentOf(frozen, i), pass.weights, (k) => stepOf(weight, unitFraction(weight, unitOf(k)))),
        shift,
      ),
      bias:
        pass.bias && !biasIsFolded(frozen, i)
          ? Array.from(pass.bias, (b, u) => b * 2 ** (unitFraction(weight, u) + fractionOf(activation)) + 0)
          : null,
      activationFormat: scaledFormat(activation, -shift),
      activationNoise: scaledNoise(
        noiseFigures(signal, activate(entering[i]!, pass.activation), () => stepOf(activation, fractionOf(activation))),
        -shift,
      ),
    };
  });
  const unscored: TrainedGraph = {
    schema: TRAINED_SCHEMA,
    graph: request.graph,
    layers,
    ledger: ledgerOf(run, frozen),
    outcome,
    seed: training.seed,
    backend: request.backend,
    bitOperations: bitOperationsOf(frozen.chain, widthsOf(frozen.formats)),
    validation: { float: state.baseline!.validation, quantized: { accuracy: null, loss: 0 } },
  };
  const { score } = evaluateFrozen(tf, unscored, comparedWith(run, request.validation), training.loss);
  return { ...unscored, validation: { ...unscored.validation, quantized: score } };
}

/** The samples with what their outputs are compared with. */
function comparedWith({ training }: Run, samples: SampleSet): SampleSet {
  return training.target === "input" ? inputsAsTargets(samples, samples.stored.fraction) : samples;
}

/** Distance of neighbouring values. */
function stepOf(format: FrozenFormat, fraction: number): number {
  return (format.kind === "bipolar" ? 2 : 1) * 2 ** -fraction;
}

/** Latent weights in the units of the rounded ones: bipolar latents have a size of their own. */
function latentOf(frozen: Frozen, layer: number): Float32Array {
  const latent = variableOf(frozen.parameters, layer, "weights");
  const { weight } = frozen.formats[layer]!;
  if (weight.kind !== "bipolar") return latent;
  const mean = latent.reduce((sum, w) => sum + Math.abs(w), 0) / latent.length;
  const scale = mean > 0 ? 2 ** -unitFraction(weight, 0) / mean : 1;
  return latent.map((w) => w * scale);
}

/** The part of the sums that a quantizer is to carry. */
function signalOf(entering: Float32Array, activation: Activation): Float32Array {
  switch (activation) {
    case "none":
      return entering;
    case "relu":
      return entering.map((x) => Math.max(0, x));
    case "hardtanh":
      return entering.map((x) => Math.max(-1, Math.min(1, x)));
    case "step":
      return entering.map((x) => (x >= 0 ? 1 : 0));
    case "sign":
      return entering.map((x) => (x >= 0 ? 1 : -1));
  }
}
