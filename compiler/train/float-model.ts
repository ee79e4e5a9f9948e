// The network without quantization: its weights as plain data, and its score. In: weights and samples. Out: accuracy
// and loss.
import type { Graph } from "../graph/graph.ts";
import type { SampleSet } from "../graph/samples.ts";
import type { Score } from "../graph/trained-graph.ts";
import type { TensorFlow } from "../support/tensorflow.ts";
import type { ParameterSet } from "./adam.ts";
import { valuesOf } from "./batches.ts";
import { type Chain, chainOf } from "./chain.ts";
import { crossEntropy } from "./cross-entropy.ts";
import { type LayerPass, logitsOf } from "./network.ts";
import { variableOf } from "./parameters.ts";

/** Trained float weights, plain data. */
export interface FloatModel {
  /** The stored inputs are divided by 2^inputFraction before the first layer. */
  readonly inputFraction: number;
  readonly layers: readonly {
    readonly node: string;
    /** Row-major [units, inputs]. */
    readonly weights: Float32Array;
    readonly bias: Float32Array;
  }[];
}

const BATCH = 1000;

/** The layers of a pass without quantization. */
export function floatPasses(chain: Chain, parameters: ParameterSet): LayerPass[] {
  return chain.layers.map((layer, i) => ({
    units: layer.units,
    inputs: layer.inputs,
    weights: variableOf(parameters, i, "weights"),
    bias: variableOf(parameters, i, "bias"),
    activation: { kind: "float", rectified: layer.rectified },
  }));
}

/** Score of a pass over all samples, in their order. */
export function scorePasses(
  tf: TensorFlow,
  passes: readonly LayerPass[],
  samples: SampleSet,
  inputFraction: number,
): Score {
  const classes = passes.at(-1)!.units;
  let loss = 0;
  let right = 0;
  for (let from = 0; from < samples.count; from += BATCH) {
    const batch = valuesOf(samples, inputFraction, from, Math.min(samples.count, from + BATCH));
    const { total, hits } = crossEntropy(
      logitsOf(tf, batch.count, batch.inputs, passes),
      batch.labels,
      classes,
    );
    loss += total;
    right += hits;
  }
  return { accuracy: right / samples.count, loss: loss / samples.count };
}

/** Score of the float network on samples of the stored type that it was trained on. */
export function scoreFloat(tf: TensorFlow, graph: Graph, model: FloatModel, samples: SampleSet): Score {
  const passes = chainOf(graph).layers.map((layer, i): LayerPass => {
    const { weights, bias } = model.layers[i]!;
    return {
      units: layer.units,
      inputs: layer.inputs,
      weights,
      bias,
      activation: { kind: "float", rectified: layer.rectified },
    };
  });
  return scorePasses(tf, passes, samples, model.inputFraction);
}
