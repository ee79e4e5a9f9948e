// Keras and TensorFlow.js models under the fuzzer: archives, HDF5 files, weights in sound archives, and their settings.
import { unzipSync, zipSync } from "fflate/browser";
import { importProblems } from "../../driver/import-problems.ts";
import type { ImportResult } from "../../import/keras/build-model.ts";
import { readKeras } from "../../import/keras/read-keras.ts";
import { readTfjs } from "../../import/tfjs/read-tfjs.ts";
import { fail } from "../../support/diagnostics.ts";
import type { RandomStream } from "../../support/random.ts";
import { encodeUtf8 } from "../../support/text.ts";
import { importedProblems } from "../unit/import/check-imported.ts";
import {
  archiveWeightsFile,
  keras2Config,
  keras3Config,
  kerasArchive,
  kerasHdf5,
  type TestModel,
  type TfjsFiles,
  tfjsFiles,
} from "../unit/import/keras-files.ts";
import { evaluateKeras } from "../unit/import/keras-reference.ts";
import { randomChain } from "../unit/import/random-keras.ts";
import { changedJson, damagedBytes, jsonText, madeUpBytes, STRANGE_NAMES } from "./damage.ts";
import { type FuzzReader, holds, once, pick } from "./fuzz-reader.ts";

const STRANGE: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1,
  2,
  3,
  0.5,
  1e9,
  2 ** 53,
  1e308,
  "",
  "same",
  "relu",
  "softmax",
  "Dense",
  "Conv2D",
  "channels_first",
  [],
  [2],
  [-1, 2],
  [1, 1, 1],
  [
    [1, 2],
    [3, 4],
  ],
  {},
  { class_name: "quantized_bits", config: { bits: 4 } },
  "quantized_relu(4)",
  ...STRANGE_NAMES,
];

const shapeOf = (model: TestModel): readonly number[] => {
  const shape = (model.layers[0]!.config!.batch_shape as number[]).slice(1);
  const image = new Float64Array(shape.reduce((a, b) => a * b, 1));
  return evaluateKeras(model, { image }, 2)[0]!.shape;
};
const soundModels = once(() =>
  Array.from({ length: 12 }, (_, seed) => {
    const model = randomChain(seed + 100, 5, shapeOf);
    return { model, weights: archiveWeightsFile(model, true), files: tfjsFiles(model, 256) };
  }),
);

function check({ model }: ImportResult): void {
  const problems = importedProblems(model);
  holds(problems.length === 0, () => problems.join("\n"));
  importProblems(model);
}

const changed = (config: object, random: RandomStream): string =>
  jsonText(changedJson(config, STRANGE, random));

/** An archive with other settings. */
const withConfig = (model: TestModel, weights: Uint8Array, config: string): Uint8Array =>
  kerasArchive(model, { weights }, { "config.json": encodeUtf8(config) });

export const KERAS_READER: FuzzReader = {
  name: "Keras",
  share: 90,
  prepare: once(() => {
    const models = soundModels();
    const archives = models.flatMap(({ model }) => [
      kerasArchive(model),
      kerasArchive(model, { named: false }),
    ]);
    const whole = models.map(({ model }) => kerasHdf5(model));
    return {
      sound: [...archives, ...whole],
      kinds: [
        (random) => damagedBytes(pick(random, archives), random),
        (random) => damagedBytes(pick(random, whole), random),
        (random) => madeUpBytes(pick(random, [...archives, ...whole]), random),
        (random) => {
          const { model, weights } = pick(random, models);
          return kerasArchive(model, { weights: damagedBytes(weights, random) });
        },
        (random) => {
          const { model, weights } = pick(random, models);
          return withConfig(model, weights, changed(keras3Config(model), random));
        },
        (random) => {
          const { model, weights } = pick(random, models);
          return withConfig(model, weights, changed(keras2Config(model), random));
        },
        (random) => {
          const { model } = pick(random, models);
          const config = changedJson(keras2Config(model), STRANGE, random);
          return kerasHdf5(model, { config: JSON.parse(jsonText(config, 100)) as object });
        },
      ],
    };
  }),
  read: (bytes) => check(readKeras({ bytes, name: "fuzz" })),
};

/** The files of a TensorFlow.js model as one input: an archive without compression. */
function packed({ modelJson, weightFiles }: TfjsFiles): Uint8Array {
  return zipSync({ "model.json": modelJson, ...Object.fromEntries(weightFiles) }, { level: 0 });
}

/** An input that is no such archive is no input of this reader. */
function unpacked(bytes: Uint8Array): TfjsFiles {
  const { "model.json": modelJson, ...weights } = unzipSync(bytes);
  return modelJson
    ? { modelJson, weightFiles: new Map(Object.entries(weights)) }
    : fail("data/missing-file", { path: "model.json" });
}

export const TFJS_READER: FuzzReader = {
  name: "TensorFlow.js",
  share: 60,
  prepare: once(() => {
    const models = soundModels().map(({ files }) => files);
    return {
      sound: models.map(packed),
      kinds: [
        (random) => {
          const files = pick(random, models);
          return packed({ ...files, modelJson: damagedBytes(files.modelJson, random) });
        },
        ...[1, 2].map(() => (random: RandomStream) => {
          const files = pick(random, models);
          const json: unknown = JSON.parse(new TextDecoder().decode(files.modelJson));
          return packed({ ...files, modelJson: encodeUtf8(jsonText(changedJson(json, STRANGE, random))) });
        }),
        (random) => {
          const { modelJson, weightFiles } = pick(random, models);
          const [name, content] = pick(random, [...weightFiles]);
          return packed({
            modelJson,
            weightFiles: new Map(weightFiles).set(name, damagedBytes(content, random)),
          });
        },
      ],
    };
  }),
  read: (bytes) => check(readTfjs({ ...unpacked(bytes), name: "model.json" })),
};
