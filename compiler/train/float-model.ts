// The network without quantization: its passes, its weights as plain data, and its score. In: weights and samples.
// Out: accuracy and loss.
import type { FirstWeights } from "../graph/first-weights.ts";
import type { Graph } from "../graph/graph.ts";
import type { LossSpec, Surrogate, TrainingSpec } from "../graph/project.ts";
import type { SampleSet } from "../graph/samples.ts";
import type { Score } from "../graph/trained-graph.ts";
import type { TensorFlow } from "../support/tensorflow.ts";
import type { Statistics } from "./batch-norm.ts";
import { type Batch, inputsAsTargets, partOf, valuesOf } from "./batches.ts";
import { createLoss, judgedLoss, scoreOf } from "./losses.ts";
import {
  type Activation,
  type Network,
  networkOf,
  outputElements,
  type Signal,
  samplesAtOnce,
} from "./network.ts";
import type { ParameterSet } from "./optimizers.ts";
import {
  batchNormOf,
  copyParameters,
  givenParameters,
  isQuantizerVariable,
  optionalVariable,
  variableOf,
} from "./parameters.ts";
import { type NetworkPass, outputsOf } from "./passes.ts";

/** Trained float weights, plain data. */
export interface FloatModel {
  /** value = stored integer * 2^-inputFraction enters the first layer. */
  readonly inputFraction: number;
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
    })),
    signals: network.signals.map((signal) => ({
      kind: "float",
      ...surrogateOf(signal, training, "float"),
    })),
    fractions: null,
  };
}

/** The float model of a network's variables. */
export function floatModelOf(parameters: ParameterSet, inputFraction: number): FloatModel {
  const kept = Object.entries(parameters).filter(([name]) => !isQuantizerVariable(name));
  return { inputFraction, parameters: copyParameters(Object.fromEntries(kept)) };
}

/** Samples as values, compared with their data or with themselves. */
export function batchOfAll(samples: SampleSet, inputFraction: number, target: TrainingSpec["target"]): Batch {
  const compared = target === "input" ? inputsAsTargets(samples, inputFraction) : samples;
  return valuesOf(compared, inputFraction, 0, samples.count);
}

/** The outputs of samples given as values, row-major [count, outputs]. */
export function outputsOfAll(tf: TensorFlow, pass: NetworkPass, batch: Batch): Float32Array {
  const size = outputElements(pass.network);
  const outputs = new Float32Array(batch.count * size);
  const most = samplesAtOnce(pass.network, BATCH);
  for (let from = 0; from < batch.count; from += most) {
    const part = partOf(batch, from, Math.min(batch.count, from + most));
    outputs.set(outputsOf(tf, part.count, part.inputs, pass), from * size);
  }
  return outputs;
}

/** What a network with given weights makes of samples: a copy of them with its outputs as targets. */
export function withFloatTargets(
  tf: TensorFlow,
  graph: Graph,
  training: TrainingSpec,
  weights: FirstWeights,
  samples: SampleSet,
): SampleSet {
  const network = networkOf(graph);
  const pass = floatPass(network, training, givenParameters(network, weights, 0), "running");
  const batch = batchOfAll(samples, samples.stored.fraction, training.target);
  return { ...samples, targets: outputsOfAll(tf, pass, batch) };
}

/** Mean judged loss of a pass over samples given as values: what decisions of training are made by. */
export function judgePass(tf: TensorFlow, pass: NetworkPass, batch: Batch, spec: LossSpec): number {
  return judgeOutputs(outputsOfAll(tf, pass, batch), batch, spec);
}

function judgeOutputs(outputs: Float32Array, { count, labels, targets }: Batch, spec: LossSpec): number {
  const loss = createLoss(judgedLoss(spec), outputs.length / count);
  return loss.evaluate({ outputs, count, targets: { labels, values: targets } }).total / count;
}

/** Score and mean judged loss of one pass. */
export function scoreAndJudge(
  tf: TensorFlow,
  pass: NetworkPass,
  batch: Batch,
  spec: LossSpec,
): { readonly score: Score; readonly judged: number } {
  const outputs = outputsOfAll(tf, pass, batch);
  const { labels, targets: values } = batch;
  const score = scoreOf(spec, outputs, outputElements(pass.network), { labels, values });
  return { score, judged: judgeOutputs(outputs, batch, spec) };
}

/** Mean scored loss and accuracy of a pass over samples given as values. */
export function scorePass(tf: TensorFlow, pass: NetworkPass, batch: Batch, spec: LossSpec): Score {
  return scoreAndJudge(tf, pass, batch, spec).score;
}

/** Score of the float network on samples of the stored type that it was trained on. */
export function scoreFloat(
  tf: TensorFlow,
  graph: Graph,
  training: TrainingSpec,
  model: FloatModel,
  samples: SampleSet,
): Score {
  const pass = floatPass(networkOf(graph), training, model.parameters, "running");
  return scorePass(tf, pass, batchOfAll(samples, model.inputFraction, training.target), training.loss);
}
