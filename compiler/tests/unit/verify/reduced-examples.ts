// Examples at a reduced size: a moment of training on made-up samples. In: the name of an example. Out: its integer program
// and the hardware that its file asks for. Widths that the file does not state are four bits, so that the hardware is about
// as large as after the real training.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { HardwareSpec, Project, TrainingSpec, WidthRange } from "../../../graph/project.ts";
import type { Mantissas, SampleSet } from "../../../graph/samples.ts";
import { product } from "../../../graph/shapes.ts";
import { lower } from "../../../lower/lower.ts";
import type { Program } from "../../../program/program.ts";
import { createRandom } from "../../../support/random.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { train } from "../../../train/train.ts";
import { compileText } from "../dsl/model-text.ts";
import { request } from "../train/small-data.ts";

const FOLDER = fileURLToPath(new URL("../../../../examples/", import.meta.url));
const BITS = { min: 4, max: 4 };

/** Folders of examples/. */
export function exampleNames(): readonly string[] {
  return readdirSync(FOLDER, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

/** The model file of an example: the one of its name, or its first. */
export function exampleText(name: string): string {
  const files = readdirSync(`${FOLDER}${name}`).filter((file) => file.endsWith(".floor"));
  const file = files.includes(`${name}.floor`) ? `${name}.floor` : files.sort()[0]!;
  return readFileSync(`${FOLDER}${name}/${file}`, "utf8");
}

/** Random stored integers with random answers, as the network's output asks for them. */
function samplesOf({ graph, data }: Project, count: number): SampleSet {
  const input = graph.nodes.find((n) => n.kind === "input")!;
  const output = graph.nodes.find((n) => n.name === graph.outputs[0]!.node)!;
  const { shape, stored } = input;
  const { signed, width } = stored;
  const [least, greatest] = signed ? [-(2 ** (width - 1)), 2 ** (width - 1) - 1] : [0, 2 ** width - 1];
  const random = createRandom(count, "images");
  const values = Array.from({ length: count * product(shape) }, () => random.integer(least, greatest));
  const narrow = width <= 8;
  const mantissas: Mantissas = signed
    ? narrow
      ? Int8Array.from(values)
      : Int16Array.from(values)
    : narrow
      ? Uint8Array.from(values)
      : Uint16Array.from(values);
  const labels = new Int32Array(0);
  const inputs = [{ shape, stored, mantissas }];
  if (output.kind !== "argmax") {
    const asksForValues = "train" in data && JSON.stringify(data.train).includes("target");
    const targets = asksForValues
      ? Float32Array.from({ length: count * product(output.shape) }, () => random.uniform())
      : null;
    return { count, inputs, answers: [{ labels, values: targets }] };
  }
  const scores = graph.nodes.find((n) => n.name === output.input)!;
  const classes = scores.shape[scores.shape.length - 1]!;
  const each = count * product(scores.shape.slice(0, -1));
  return {
    count,
    inputs,
    answers: [
      { labels: Int32Array.from({ length: each }, () => random.integer(0, classes - 1)), values: null },
    ],
  };
}

function shortTraining({ layers, ...rest }: TrainingSpec): TrainingSpec {
  const stated = (bits: WidthRange): WidthRange => (bits.min === bits.max ? bits : BITS);
  return {
    ...rest,
    epochs: { float: 1, noise: 1, rounding: 1 },
    batch: 16,
    objective: { kind: "budget", limits: { bitOperations: 1e12 } },
    layers: Object.fromEntries(
      Object.entries(layers).map(([name, layer]) => [
        name,
        {
          ...layer,
          weights: { ...layer.weights, bits: stated(layer.weights.bits) },
          input: { ...layer.input, bits: stated(layer.input.bits) },
        },
      ]),
    ),
  };
}

/** Trains for three epochs of 32 samples and lowers; always the same. */
export async function reducedExample(
  tf: TensorFlow,
  name: string,
): Promise<{ readonly program: Program; readonly hardware: HardwareSpec }> {
  const { project } = compileText(exampleText(name));
  const { graph, training, hardware } = project!;
  const [samples, validation] = [32, 16].map((count) => samplesOf(project!, count));
  const asked = request({ graph, samples: samples!, validation: validation! });
  const { trained } = await train(tf, { ...asked, training: shortTraining(training) });
  return { program: lower(trained), hardware };
}
