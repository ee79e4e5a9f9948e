// The program of an example at a reduced size: what its model file says, trained for a moment on a few made-up samples.
import { readFileSync } from "node:fs";
import type { TrainingSpec } from "../../../graph/project.ts";
import type { SampleSet } from "../../../graph/samples.ts";
import { product } from "../../../graph/shapes.ts";
import { lower } from "../../../lower/lower.ts";
import type { Program } from "../../../program/program.ts";
import { integerRange } from "../../../support/fixed-point.ts";
import { createRandom } from "../../../support/random.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { train } from "../../../train/train.ts";
import { compileText } from "../dsl/model-text.ts";
import { request } from "../train/small-data.ts";

/** Model file under examples/, labels of a sample, and classes; 0: real targets. */
export type Example = readonly [file: string, labelsEach: number, classes: number];

export const DENSE_EXAMPLES: readonly Example[] = [
  ["regression/regression", 1, 0],
  ["mnist/mnist", 1, 10],
  ["mnist/binary", 1, 10],
  ["fashion-mnist/lossless", 1, 10],
  ["autoencoder/autoencoder", 1, 0],
];

export const SPATIAL_EXAMPLES: readonly Example[] = [
  ["lenet/lenet", 1, 10],
  ["conv1d/conv1d", 1, 6],
  ["dscnn/dscnn", 1, 10],
  ["resnet8/resnet8", 1, 10],
  ["unet/unet", 32 * 32, 4],
];

const SAMPLES = 3;
const BITS = { min: 4, max: 4 };

/** Four bits each but where the file says one, and a single epoch. */
function shortTraining({ layers, ...rest }: TrainingSpec): TrainingSpec {
  return {
    ...rest,
    epochs: { float: 0, noise: 0, rounding: 1 },
    batch: SAMPLES,
    objective: { kind: "budget", limits: { bitOperations: 1e12 } },
    layers: Object.fromEntries(
      Object.entries(layers).map(([name, layer]) => {
        const weights = layer.weights.bits?.max === 1 ? layer.weights : { ...layer.weights, bits: BITS };
        return [name, { ...layer, weights, input: { ...layer.input, bits: BITS } }];
      }),
    ),
  };
}

export async function exampleProgram(tf: TensorFlow, [file, labelsEach, classes]: Example): Promise<Program> {
  const path = new URL(`../../../../examples/${file}.floor`, import.meta.url);
  const { project } = compileText(readFileSync(path, "utf8"));
  const { graph, training } = project!;
  const input = graph.nodes.find((node) => node.kind === "input")!;
  const { shape, stored } = input;
  const { min, max } = integerRange(stored.width, stored.signed);
  const targets = product(graph.nodes.find(({ name }) => name === graph.outputs[0]!.node)!.shape);
  const random = createRandom(1, file);
  const draw = (count: number, low: number, high: number): number[] =>
    Array.from({ length: count }, () => random.integer(low, high));
  const mantissas = draw(SAMPLES * product(shape), min, max);
  const narrow = stored.signed ? Int8Array.from(mantissas) : Uint8Array.from(mantissas);
  const wide = stored.signed ? Int16Array.from(mantissas) : Uint16Array.from(mantissas);
  const samples: SampleSet = {
    count: SAMPLES,
    inputs: [{ shape, stored, mantissas: stored.width > 8 ? wide : narrow }],
    answers: [
      classes > 0
        ? { labels: Int32Array.from(draw(SAMPLES * labelsEach, 0, classes - 1)), values: null }
        : {
            labels: new Int32Array(0),
            values: Float32Array.from({ length: SAMPLES * targets }, () => random.uniform()),
          },
    ],
  };
  const asked = request({ graph, samples, validation: samples });
  const { trained } = await train(tf, { ...asked, training: shortTraining(training) });
  return lower(trained);
}
