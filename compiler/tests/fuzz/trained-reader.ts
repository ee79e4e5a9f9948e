// trained.json under the fuzzer, as of a build directory from elsewhere. A training that is read is also lowered, which takes what
// was checked for granted.

import { ofTraining } from "../../driver/load-build.ts";
import { type Checked, readTrainedGraph } from "../../graph/read-trained.ts";
import type { TrainedGraph } from "../../graph/trained-graph.ts";
import { lower } from "../../lower/lower.ts";
import { fail } from "../../support/diagnostics.ts";
import type { RandomStream } from "../../support/random.ts";
import { encodeUtf8 } from "../../support/text.ts";
import { classifier, convolution, regression } from "../unit/driver/small-trained.ts";
import { randomTrained } from "../unit/lower/random-trained.ts";
import { changedJson, damagedBytes, jsonText, STRANGE_NAMES, STRANGE_NUMBERS } from "./damage.ts";
import { type FuzzReader, once, pick } from "./fuzz-reader.ts";

const TRAININGS = 40;
const VALUES: readonly unknown[] = [
  ...["dense", "conv", "relu", "sign", "input", "threshold", "requantize", "table", "int", "bipolar"],
  ...STRANGE_NAMES,
  ...STRANGE_NUMBERS,
  ...[null, true, [], {}, [1], [1, 1]],
  { kind: "int", signed: true, width: 4, fraction: 0 },
  { kind: "requantize", relu: true },
];

/** Where the training would be. */
const DIRECTORY = { name: "fuzz", read: () => undefined, readText: () => undefined, list: () => [] };

/** JSON of a file of ours, as the commands parse it. */
function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    return fail("build/bad-file", { path: "fuzz.json", problem: (error as Error).message });
  }
}

function dataOf<T>(found: Checked<T>): T {
  return "data" in found ? found.data : fail("build/bad-file", { path: "fuzz.json", problem: found.problem });
}

export const TRAINED_READER: FuzzReader = {
  name: "trained.json",
  share: 50,
  prepare: once(() => {
    const trained: readonly TrainedGraph[] = [
      classifier,
      regression,
      convolution,
      ...Array.from({ length: TRAININGS }, (_, seed) => randomTrained(seed)),
    ];
    const sound = trained.map((one) => encodeUtf8(JSON.stringify(one)));
    const changed = (random: RandomStream): Uint8Array =>
      encodeUtf8(jsonText(changedJson(pick(random, trained), VALUES, random)));
    return { sound, kinds: [(random) => damagedBytes(pick(random, sound), random), changed, changed] };
  }),
  read(bytes) {
    const trained = dataOf(readTrainedGraph(parsed(bytes)));
    ofTraining(DIRECTORY, () => lower(trained));
  },
};
