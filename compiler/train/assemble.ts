// The end of training: mantissas, formats and noise figures as the trained graph. In: float variables and frozen
// formats. Out: plain data that holds integers, and the score of those integers on the validation samples.
import type { Graph } from "../graph/graph.ts";
import type { SampleSet } from "../graph/samples.ts";
import {
  type FrozenFormat,
  type Score,
  type TensorNoise,
  TRAINED_SCHEMA,
  type TrainedDense,
  type TrainedGraph,
} from "../graph/trained-graph.ts";
import type { TensorFlow } from "../support/tensorflow.ts";
import type { ParameterSet } from "./adam.ts";
import { valuesOf } from "./batches.ts";
import { bitOperationsOf, type LayerFormats } from "./bit-operations.ts";
import type { Chain } from "./chain.ts";
import { evaluateFrozen } from "./frozen.ts";
import { enteringTensors } from "./network.ts";
import { noiseFigures } from "./noise-figures.ts";
import { variableOf } from "./parameters.ts";
import { roundedPasses } from "./phases.ts";
import { roundValues } from "./quantizers.ts";

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

function mantissas(values: Float32Array, fraction: number): number[] {
  // The sum turns -0 into 0.
  return Array.from(values, (x) => x * 2 ** fraction + 0);
}

function scaledFormat(format: FrozenFormat, shift: number): FrozenFormat {
  return { ...format, fraction: format.fraction + shift };
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

export interface Assembly {
  readonly graph: Graph;
  readonly chain: Chain;
  readonly parameters: ParameterSet;
  readonly formats: readonly LayerFormats[];
  readonly seed: number;
  readonly backend: string;
  /** The baseline's score on the validation samples. */
  readonly float: Score;
  /** Training samples that the figures of the activations are measured on. */
  readonly samples: SampleSet;
  readonly validation: SampleSet;
  readonly inputFraction: number;
}

/** Makes the trained graph. */
export function assembleTrained(tf: TensorFlow, assembly: Assembly): TrainedGraph {
  const { graph, chain, parameters, formats, samples, inputFraction } = assembly;
  const passes = roundedPasses(chain, parameters, formats);
  const { count, inputs } = valuesOf(samples, inputFraction, 0, samples.count);
  const entering = enteringTensors(tf, count, inputs, passes);
  const inputScale = inputFraction - samples.stored.fraction;

  const layers = chain.layers.map((layer, i): TrainedDense => {
    const { weight, activation } = formats[i]!;
    // The scaling of the inputs moves the first layer's binary points, in opposite directions.
    const shift = i === 0 ? inputScale : 0;
    const signal = layer.signed ? entering[i]! : entering[i]!.map((x) => Math.max(0, x));
    return {
      node: layer.node,
      units: layer.units,
      inputs: layer.inputs,
      weights: mantissas(passes[i]!.weights, weight.fraction),
      weightFormat: scaledFormat(weight, shift),
      weightNoise: scaledNoise(
        noiseFigures(variableOf(parameters, i, "weights"), passes[i]!.weights, weight),
        shift,
      ),
      bias: mantissas(passes[i]!.bias, weight.fraction + activation.fraction),
      activationFormat: scaledFormat(activation, -shift),
      activationNoise: scaledNoise(noiseFigures(signal, roundValues(signal, activation), activation), -shift),
    };
  });
  const unscored: TrainedGraph = {
    schema: TRAINED_SCHEMA,
    graph,
    layers,
    seed: assembly.seed,
    backend: assembly.backend,
    bitOperations: bitOperationsOf(chain, formats),
    validation: { float: assembly.float, quantized: { accuracy: 0, loss: 0 } },
  };
  const { score } = evaluateFrozen(tf, unscored, assembly.validation);
  return { ...unscored, validation: { float: assembly.float, quantized: score } };
}
