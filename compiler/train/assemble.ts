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
import { compilerAssert } from "../support/assert.ts";
import { integerRange, type Range } from "../support/fixed-point.ts";
import { activate } from "./activation.ts";
import { inverseDeviation } from "./batch-norm.ts";
import { inputsAsTargets } from "./batches.ts";
import { fractionOf, meanSize, unitFraction } from "./formats.ts";
import { evaluateFrozen } from "./frozen.ts";
import { ledgerOf } from "./ledger.ts";
import { bitOperationsOf, type Frozen, widthsOf } from "./limits.ts";
import { enteringTensors, type LayerPass } from "./network.ts";
import { noiseFigures } from "./noise-figures.ts";
import { optionalVariable, variableOf } from "./parameters.ts";
import { keptInputs } from "./prune.ts";
import { roundedPasses } from "./rounding-phase.ts";
import { frozenOf, type Run } from "./run.ts";
import { biasConstants, foldThresholds, type NormConstants } from "./thresholds.ts";

function mantissas(
  values: Float32Array,
  format: FrozenFormat,
  fractionAt: (index: number) => number,
): number[] {
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

/** From the least sum that a layer's weights can make to one above the largest, in units of the sums. */
function sumsOf(frozen: Frozen, layer: number, weights: Float32Array): Range {
  const { weight, activation } = frozen.formats[layer]!;
  const { inputs, units } = frozen.chain.layers[layer]!;
  const entering =
    activation.kind === "bipolar" ? { min: -1, max: 1 } : integerRange(activation.width, activation.signed);
  const range = { min: 0, max: 0 };
  for (let u = 0; u < units; u++) {
    const scale = 2 ** unitFraction(weight, u);
    let low = 0;
    let high = 0;
    for (let k = u * inputs; k < (u + 1) * inputs; k++) {
      const m = weights[k]! * scale;
      low += Math.min(m * entering.min, m * entering.max);
      high += Math.max(m * entering.min, m * entering.max);
    }
    range.min = Math.min(range.min, low);
    range.max = Math.max(range.max, high + 1);
  }
  return range;
}

/** How the entering tensor of a layer is made of the sums before it. `before` is the pass of the layer that makes them. */
function entryOf(frozen: Frozen, layer: number, before: LayerPass | undefined): Entry {
  const { activation, enteringNormalized } = frozen.chain.layers[layer]!;
  const discrete = activation === "sign" || activation === "step";
  if (!discrete && !enteringNormalized) return { kind: "requantize", relu: activation === "relu" };
  compilerAssert(before, "what thresholds make has sums before it");
  const { weight, activation: entering } = frozen.formats[layer - 1]!;
  return foldThresholds({
    fraction: Array.from({ length: before.units }, (_, u) => unitFraction(weight, u) + fractionOf(entering)),
    norm: constantsOf(frozen, layer - 1, before.bias),
    decision: discrete ? "sign" : "rounding",
    format: frozen.formats[layer]!.activation,
    range: sumsOf(frozen, layer - 1, before.weights),
  });
}

/** Whether the sums of a layer go into thresholds that hold its bias. */
function biasIsFolded(frozen: Frozen, layer: number): boolean {
  const next = frozen.chain.layers[layer + 1];
  return (
    next !== undefined &&
    (next.enteringNormalized || next.activation === "sign" || next.activation === "step")
  );
}

/** Makes the trained graph of a run that is over. */
export function assembleTrained(run: Run, outcome: Outcome): TrainedGraph {
  const { tf, request, training, measured, inputFraction, state, chain } = run;
  const frozen = frozenOf(run);
  const passes = roundedPasses(frozen, training, "running");
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
    // The part of the sums that the quantizer is to carry.
    const signal = activate(entering[i]!, { ...pass.activation, kind: "float" });
    const unitOf = (index: number): number => Math.floor(index / layer.inputs);
    return {
      node: layer.node,
      units: layer.units,
      inputs: layer.inputs,
      keptInputs: frozen.kept[i]!,
      keptUnits: frozen.kept[i + 1] ?? null,
      entry: entryOf(frozen, i, passes[i - 1]),
      weights: mantissas(pass.weights, weight, (k) => unitFraction(weight, unitOf(k))),
      weightFormat: scaledFormat(weight, shift),
      weightNoise: scaledNoise(
        noiseFigures(latentOf(frozen, i), pass.weights, (k) =>
          stepOf(weight, unitFraction(weight, unitOf(k))),
        ),
        shift,
      ),
      bias:
        pass.bias && !biasIsFolded(frozen, i)
          ? Array.from(pass.bias, (b, u) => b * 2 ** (unitFraction(weight, u) + fractionOf(activation)) + 0)
          : null,
      activationFormat: scaledFormat(activation, -shift),
      activationNoise: scaledNoise(
        noiseFigures(signal, activate(entering[i]!, pass.activation), () =>
          stepOf(activation, fractionOf(activation)),
        ),
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
  const mean = meanSize(latent);
  const scale = mean > 0 ? 2 ** -unitFraction(weight, 0) / mean : 1;
  return latent.map((w) => w * scale);
}
