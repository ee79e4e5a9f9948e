// The network without quantization: its passes, its weights as plain data, and its score. In: weights and samples.
// Out: accuracy and loss.
import type { FirstWeights } from "../graph/first-weights.ts";
import type { Graph } from "../graph/graph.ts";
import type { Surrogate, TrainingSpec } from "../graph/project.ts";
import type { SampleSet } from "../graph/samples.ts";
import type { Score } from "../graph/trained-graph.ts";
import type { TensorFlow } from "../support/tensorflow.ts";
import type { Statistics } from "./batch-norm.ts";
import { type Batch, inputsAsTargets, partOf, valuesOf } from "./batches.ts";
import {
  type Activation,
  type Network,
  networkOf,
  outputElements,
  type Signal,
  samplesAtOnce,
} from "./network.ts";
import type { ParameterSet } from "./optimizers.ts";
import { judgedLosses, scoreOutputs, weightedSum } from "./output-losses.ts";
import {
  batchNormOf,
  copyParameters,
  givenParameters,
  isQuantizerVariable,
  optionalVariable,
  outsideOf,
  variableOf,
} from "./parameters.ts";
import { type NetworkPass, outputsOf } from "./passes.ts";

/** Trained float weights, plain data. */
export interface FloatModel {
  /** Of each input: value = stored integer * 2^-fraction enters the layers that read it. */
  readonly inputFractions: readonly number[];
  /** The network's variables without those of quantizers. */
  readonly parameters: ParameterSet;
}

const BATCH = 1000;
/** Half the width in which a gradient passes step and sign. Batch-norms make sums of this size. */
const WINDOW = 1;

/**
 * What measured best through a sign: the slope of its stochastic regularization. It falls off with the distance from
 * the threshold, so that values that are sure of their sign stay.
 */
export const SIGN_SURROGATE: Surrogate = { kind: "regularized", noise: "normal", sigma: 0.5 };

/** How gradients pass what is discrete before a quantizer. */
export function surrogateOf(
  { node, activation }: Signal,
  training: TrainingSpec,
  phase: "float" | "noise" | "rounding",
): { readonly activation: Activation; readonly surrogate: Surrogate | null; readonly window: number } {
  const own = training.surrogates[node];
  const discrete = activation === "step" || activation === "sign";
  const measured = discrete ? SIGN_SURROGATE : null;
  const shared = discrete || phase === "rounding" ? (training.gradient ?? measured) : null;
  return { activation, surrogate: own ?? shared, window: WINDOW };
}

/** The pass without quantization. `statistics` are those that batch-norms take. */
export function floatPass(
  network: Network,
  training: TrainingSpec,
  parameters: ParameterSet,
  statistics: Statistics,
): NetworkPass {
  return {
    network,
    layers: network.layers.map((_, i) => ({
      weights: variableOf(parameters, i, "weights"),
      bias: optionalVariable(parameters, i, "bias") ?? null,
      norm: batchNormOf(parameters, i, statistics),
      outside: outsideOf(parameters, i),
    })),
    signals: network.signals.map((signal) => ({
      kind: "float",
      ...surrogateOf(signal, training, "float"),
    })),
    fractions: null,
  };
}

/** The float model of a network's variables. */
export function floatModelOf(parameters: ParameterSet, inputFractions: readonly number[]): FloatModel {
  const kept = Object.entries(parameters).filter(([name]) => !isQuantizerVariable(name));
  return { inputFractions, parameters: copyParameters(Object.fromEntries(kept)) };
}

/** Samples as values, compared with their data or with themselves. */
export function batchOfAll(
  samples: SampleSet,
  inputFractions: readonly number[],
  target: TrainingSpec["target"],
): Batch {
  const compared = target === "input" ? inputsAsTargets(samples, inputFractions) : samples;
  return valuesOf(compared, inputFractions, 0, samples.count);
}

/** The outputs of samples given as values, each row-major [count, elements]. */
export function outputsOfAll(tf: TensorFlow, pass: NetworkPass, batch: Batch): Float32Array[] {
  const sizes = outputElements(pass.network);
  const outputs = sizes.map((size) => new Float32Array(batch.count * size));
  const most = samplesAtOnce(pass.network, BATCH);
  for (let from = 0; from < batch.count; from += most) {
    const part = partOf(batch, from, Math.min(batch.count, from + most));
    outputsOf(tf, part.count, part.inputs, pass).forEach((found, i) => {
      outputs[i]!.set(found, from * sizes[i]!);
    });
  }
  return outputs;
}

type Losses = TrainingSpec["losses"];

/** What a network with given weights makes of samples: a copy of them with its outputs as targets. */
export function withFloatTargets(
  tf: TensorFlow,
  graph: Graph,
  training: TrainingSpec,
  weights: FirstWeights,
  samples: SampleSet,
): SampleSet {
  const network = networkOf(graph);
  const unscaled = samples.inputs.map(() => 0);
  const pass = floatPass(network, training, givenParameters(network, weights, unscaled), "running");
  const fractions = samples.inputs.map(({ stored }) => stored.fraction);
  const outputs = outputsOfAll(tf, pass, batchOfAll(samples, fractions, training.target));
  return { ...samples, answers: outputs.map((values) => ({ labels: new Int32Array(0), values })) };
}

/** Mean judged loss of a pass over samples given as values: what decisions of training are made by. */
export function judgePass(tf: TensorFlow, pass: NetworkPass, batch: Batch, losses: Losses): number {
  return weightedSum(losses, judgeOutputs(tf, pass, batch, losses));
}

/** The same of each output, not weighted. */
export function judgeOutputs(tf: TensorFlow, pass: NetworkPass, batch: Batch, losses: Losses): number[] {
  return judgedLosses(losses, outputsOfAll(tf, pass, batch), batch.answers, batch.count);
}

/** Score and mean judged loss of one pass. */
export function scoreAndJudge(
  tf: TensorFlow,
  pass: NetworkPass,
  batch: Batch,
  losses: Losses,
): { readonly score: Score; readonly judged: number } {
  const outputs = outputsOfAll(tf, pass, batch);
  const { answers, count } = batch;
  const names = pass.network.graph.outputs.map((output) => output.name);
  const score = scoreOutputs(losses, names, outputs, answers, count);
  return { score, judged: weightedSum(losses, judgedLosses(losses, outputs, answers, count)) };
}

/** Mean scored loss and accuracy of a pass over samples given as values. */
export function scorePass(tf: TensorFlow, pass: NetworkPass, batch: Batch, losses: Losses): Score {
  return scoreAndJudge(tf, pass, batch, losses).score;
}

/** Score of the float network on samples of the stored types that it was trained on. */
export function scoreFloat(
  tf: TensorFlow,
  graph: Graph,
  training: TrainingSpec,
  model: FloatModel,
  samples: SampleSet,
): Score {
  const pass = floatPass(networkOf(graph), training, model.parameters, "running");
  return scorePass(tf, pass, batchOfAll(samples, model.inputFractions, training.target), training.losses);
}
