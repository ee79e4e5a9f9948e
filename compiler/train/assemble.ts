// The end of training: mantissas, formats and noise figures as the trained graph. In: float variables and frozen
// formats. Out: plain data that holds integers, and the score of those integers on the validation samples.
import { withoutOperands } from "../graph/branches.ts";
import type { SampleSet } from "../graph/samples.ts";
import {
  type Entry,
  type FrozenFormat,
  type Outcome,
  type TensorNoise,
  TRAINED_SCHEMA,
  type TrainedGraph,
  type TrainedLayer,
  type TrainedSignal,
} from "../graph/trained-graph.ts";
import { compilerAssert } from "../support/assert.ts";
import { integerRange, type Range } from "../support/fixed-point.ts";
import { type ActivationPass, activate } from "./activation.ts";
import { inverseDeviation } from "./batch-norm.ts";
import { inputsAsTargets } from "./batches.ts";
import { fractionOf, groupShift, meanSize, unitFraction } from "./formats.ts";
import { evaluateFrozen } from "./frozen.ts";
import { ledgerOf } from "./ledger.ts";
import { bitOperationsOf, type Frozen, widthsOf } from "./limits.ts";
import type { Layer, Network, Signal } from "./network.ts";
import { noiseFigures } from "./noise-figures.ts";
import { optionalVariable, variableOf } from "./parameters.ts";
import { type NetworkPass, rawSignals } from "./passes.ts";
import { keptElements } from "./prune.ts";
import { enteringFormat, padMantissaOf, roundedPass } from "./rounding-phase.ts";
import { enteringOf, frozenOf, type Run } from "./run.ts";
import { firstReader, fixedSignal, hasThresholds, knownReaders } from "./settings.ts";
import { madeBy } from "./silence.ts";
import { curveOf } from "./tensor-steps.ts";
import { biasConstants, foldThresholds, type NormConstants } from "./thresholds.ts";
import { valueFormats } from "./value-formats.ts";

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
  const weight = frozen.formats.weights[layer]!;
  const activation = enteringFormat(frozen, layer);
  const { inputs, units } = frozen.network.layers[layer]!;
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

/** Fraction of the mantissas that a signal is made of; one for each channel of a layer's sums. */
function rawFractions(frozen: Frozen, { maker, reads, channels }: Signal): number[] {
  const { network, formats } = frozen;
  if (maker !== null) {
    const entering = fractionOf(enteringFormat(frozen, maker));
    return Array.from({ length: channels }, (_, u) => unitFraction(formats.weights[maker]!, u) + entering);
  }
  return new Array<number>(channels).fill(fractionOfValue(frozen, network, reads));
}

/** Fraction of a value that no layer makes. */
function fractionOfValue(frozen: Frozen, network: Network, value: number): number {
  const known = valueFormats(network, frozen.formats.signals);
  const found = known[value];
  if (found) return fractionOf(found);
  const step = network.steps.find((s) => s.writes === value);
  if (step?.kind !== "join")
    return network.inputs.find((input) => input.values.includes(value))!.node.stored.fraction;
  const [a, b] = step.operands.map((v) => fractionOf(known[v]!));
  return step.operator === "multiply" ? a! + b! : Math.max(a!, b!);
}

/** How a signal is made of what is before it. */
function entryOf(frozen: Frozen, pass: NetworkPass, index: number): Entry {
  const { network, formats } = frozen;
  const signal = network.signals[index]!;
  const step = network.steps.find((s) => s.writes === signal.reads);
  if (step?.kind === "curve") {
    const entering = valueFormats(network, formats.signals)[step.reads]!;
    return tableOf(entering, curveOf(step.curve).value, pass.signals[index]!, formats.signals[index]!);
  }
  if (!hasThresholds(signal)) return { kind: "requantize", relu: signal.activation === "relu" };
  const { maker, channels } = signal;
  const decision = fixedSignal(signal) ? "sign" : "rounding";
  const request = {
    fraction: rawFractions(frozen, signal),
    decision,
    format: formats.signals[index]!,
  } as const;
  if (maker === null) return foldThresholds({ ...request, norm: biasConstants(new Float32Array(channels)) });
  const before = pass.layers[maker]!;
  return foldThresholds({
    ...request,
    norm: constantsOf(frozen, maker, before.bias),
    range: sumsOf(frozen, maker, before.weights),
  });
}

/** A curve, and the activation and rounding behind it, of every mantissa of a format. */
function tableOf(
  entering: FrozenFormat,
  curve: (x: number) => number,
  pass: ActivationPass,
  format: FrozenFormat,
): Entry {
  const { min, max } = integerRange(entering.width, entering.signed);
  const values = Float32Array.from({ length: max - min + 1 }, (_, i) =>
    curve((min + i) * 2 ** -fractionOf(entering)),
  );
  return { kind: "table", table: mantissas(activate(values, pass), format, () => fractionOf(format)) };
}

/** Values of every signal before and after its quantizer; what it is to carry, and what it does. */
interface Carried {
  readonly signal: Float32Array;
  readonly rounded: Float32Array;
  readonly step: number;
}

function carriedBy(run: Run, frozen: Frozen, pass: NetworkPass): Carried[] {
  const { count, inputs } = enteringOf(frozen, run.measured);
  return rawSignals(run.tf, count, inputs, pass).map((raw, s) => {
    const format = frozen.formats.signals[s]!;
    const of = pass.signals[s]!;
    return {
      signal: activate(raw, { ...of, kind: "float" }),
      rounded: activate(raw, of),
      step: stepOf(format, fractionOf(format)),
    };
  });
}

/** Noise of the tensor that enters a layer: that of its signals. */
function enteringNoise(network: Network, layer: Layer, carried: readonly Carried[]): TensorNoise {
  const found = network.values[layer.reads]!.signals.map((s) => carried[s]!);
  const [first, ...others] = found;
  if (others.length === 0) return noiseFigures(first!.signal, first!.rounded, () => first!.step);
  const joined = (of: (c: Carried) => Float32Array) =>
    Float32Array.from(found.flatMap((c) => Array.from(of(c))));
  const steps = found.flatMap((c) => new Array<number>(c.signal.length).fill(c.step));
  return noiseFigures(
    joined((c) => c.signal),
    joined((c) => c.rounded),
    (k) => steps[k]!,
  );
}

/** The mantissa around normalised inputs; nothing where there is none, or where it is 0. */
function padOf(frozen: Frozen, layer: number): Pick<TrainedLayer, "padMantissa"> {
  const padMantissa = padMantissaOf(frozen, layer);
  return padMantissa === 0 ? {} : { padMantissa };
}

/** Makes the trained graph of a run that is over. Throws TrainingStopped when the user asked to stop. */
export async function assembleTrained(run: Run, outcome: Outcome): Promise<TrainedGraph> {
  const { tf, request, training, inputFractions, state } = run;
  const frozen = frozenOf(run);
  const { network, formats } = frozen;
  const pass = roundedPass(frozen, training, "running");
  const carried = carriedBy(run, frozen, pass);
  // The scaling of the inputs moves binary points: of what is read, and of the weights that read it, in opposite directions.
  const scales = network.signals.map(() => 0);
  network.inputs.forEach(({ node, signal }, i) => {
    scales[signal] = inputFractions[i]! - node.stored.fraction;
    compilerAssert(
      scales[signal] === 0 || knownReaders(network, signal),
      "a scaled input is read by layers alone",
    );
  });
  // Of scaled signals a layer reads one.
  const scaleOf = (layer: Layer): number =>
    network.values[layer.reads]!.signals.reduce((sum, s) => sum + scales[s]!, 0);
  const madeWithThresholds = new Set(network.signals.filter(hasThresholds).map((s) => s.maker));
  const layers = network.layers.map((layer, i): TrainedLayer => {
    const weight = formats.weights[i]!;
    const activation = enteringFormat(frozen, i);
    const shift = scaleOf(layer);
    const { weights, bias } = pass.layers[i]!;
    const unitOf = (index: number): number => Math.floor(index / layer.inputs);
    const made = madeBy(network, i);
    return {
      node: layer.node,
      units: layer.units,
      inputs: layer.inputs,
      positions: layer.positions,
      keptUnits: made === null ? null : frozen.kept[made]!,
      weights: mantissas(weights, weight, (k) => unitFraction(weight, unitOf(k))),
      weightFormat: scaledFormat(weight, shift),
      weightNoise: scaledNoise(
        noiseFigures(latentOf(frozen, i), weights, (k) =>
          stepOf(weight, unitFraction(weight, unitOf(k)) - groupShift(weight, k % layer.inputs)),
        ),
        shift,
      ),
      bias:
        bias && !madeWithThresholds.has(i)
          ? Array.from(bias, (b, u) => b * 2 ** (unitFraction(weight, u) + fractionOf(activation)) + 0)
          : null,
      ...padOf(frozen, i),
      activationFormat: scaledFormat(activation, -shift),
      activationNoise: scaledNoise(enteringNoise(network, layer, carried), -shift),
    };
  });
  const signals = network.signals.map((signal, s): TrainedSignal => {
    return {
      node: signal.node,
      reader: firstReader(network, s),
      entry: entryOf(frozen, pass, s),
      format: scaledFormat(formats.signals[s]!, -scales[s]!),
    };
  });
  const unscored: TrainedGraph = {
    schema: TRAINED_SCHEMA,
    graph: withoutOperands(request.graph, state.branches.operands),
    removed: state.branches.layers,
    keptInputs: keptElements(network, frozen.kept),
    layers,
    signals,
    ledger: await ledgerOf(run, frozen),
    outcome,
    seed: training.seed,
    backend: request.backend,
    bitOperations: bitOperationsOf(network, widthsOf(frozen)),
    validation: { float: state.baseline!.validation, quantized: { accuracy: null, loss: 0 } },
  };
  const { score } = evaluateFrozen(tf, unscored, comparedWith(run, request.validation), training.losses);
  return { ...unscored, validation: { ...unscored.validation, quantized: score } };
}

/** The samples with what their outputs are compared with. */
function comparedWith({ training }: Run, samples: SampleSet): SampleSet {
  if (training.target !== "input") return samples;
  const fractions = samples.inputs.map(({ stored }) => stored.fraction);
  return inputsAsTargets(samples, fractions);
}

/** Distance of neighbouring values. */
function stepOf(format: FrozenFormat, fraction: number): number {
  return (format.kind === "bipolar" ? 2 : 1) * 2 ** -fraction;
}

/** Latent weights in the units of the rounded ones: bipolar latents have a size of their own. */
function latentOf(frozen: Frozen, layer: number): Float32Array {
  const latent = variableOf(frozen.parameters, layer, "weights");
  const weight = frozen.formats.weights[layer]!;
  if (weight.kind !== "bipolar") return latent;
  const mean = meanSize(latent);
  const scale = mean > 0 ? 2 ** -unitFraction(weight, 0) / mean : 1;
  return latent.map((w) => w * scale);
}
