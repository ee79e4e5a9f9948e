// Whatever the bytes are, and whatever the settings say, a reader gives a model or throws a DiagnosticError, in time.
// NOISEFLOOR_FUZZ sets the number of inputs of each kind; the nightly run takes 100,000 in all.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { ImportResult } from "../../../import/keras/build-model.ts";
import { readKeras } from "../../../import/keras/read-keras.ts";
import { readTfjs } from "../../../import/tfjs/read-tfjs.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { encodeUtf8 } from "../../../support/text.ts";
import { casesOf } from "../../nightly.ts";
import {
  archiveWeightsFile,
  keras2Config,
  keras3Config,
  kerasArchive,
  kerasHdf5,
  type TestModel,
  tfjsFiles,
} from "./keras-files.ts";
import { evaluateKeras } from "./keras-reference.ts";
import { createDraws, type Draws, randomChain } from "./random-keras.ts";

const count = Number(process.env.NOISEFLOOR_FUZZ ?? casesOf(250, 25_000));
/** Microseconds of a processor. */
const LONGEST = 2_000_000;

// jsfive tells the console of attributes that it does not know.
beforeAll(() => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterAll(() => {
  vi.restoreAllMocks();
});

interface Outcome {
  models: number;
  refusals: number;
}

/** Runs a reader; anything but a well-formed model or diagnostics with hints fails. */
function check(read: () => ImportResult, outcome: Outcome, label: string): void {
  const started = process.cpuUsage();
  try {
    const { model } = read();
    const known = new Map<string, number>();
    for (const node of model.nodes) {
      const elements = node.shape.reduce((a, b) => a * b, 1);
      expect(Number.isSafeInteger(elements) && elements > 0, `${label}: ${node.name} ${node.shape}`).toBe(
        true,
      );
      const inputs = node.kind === "input" ? [] : "inputs" in node ? node.inputs : [node.input];
      for (const input of inputs)
        expect(known.has(input), `${label}: ${node.name} reads ${input}`).toBe(true);
      expect(known.has(node.name), `${label}: two nodes ${node.name}`).toBe(false);
      known.set(node.name, elements);
    }
    for (const output of model.outputs) expect(known.has(output.node), label).toBe(true);
    outcome.models++;
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw new Error(`${label}: ${String(error)}`, { cause: error });
    for (const { code, message, hint } of error.diagnostics) {
      expect(code, label).toMatch(/^(import|data)\//);
      expect(message.length, label).toBeLessThan(3000);
      expect(hint, `${label}: ${message}`).toBeTruthy();
    }
    outcome.refusals++;
  }
  expect(process.cpuUsage(started).user, label).toBeLessThan(LONGEST);
}

const shapeOf = (model: TestModel): readonly number[] => {
  const shape = (model.layers[0]!.config!.batch_shape as number[]).slice(1);
  const image = new Float64Array(shape.reduce((a, b) => a * b, 1));
  return evaluateKeras(model, { image }, 2)[0]!.shape;
};
const sound = Array.from({ length: 12 }, (_, seed) => {
  const model = randomChain(seed + 100, 5, shapeOf);
  return { model, weights: archiveWeightsFile(model, true), files: tfjsFiles(model, 256) };
});

/** Flips, overwrites, removes, repeats and inserts pieces. */
function damaged(bytes: Uint8Array, draws: Draws): Uint8Array {
  let out = bytes.slice();
  for (let edit = draws.below(4); edit >= 0; edit--) {
    const at = draws.below(out.length);
    const length = 1 + draws.below(8);
    const value = draws.of([0, 1, 2, 0x7f, 0x80, 0xff, draws.below(256)]);
    const piece = out.slice(at, at + length);
    const joined = (...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => {
      const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
      parts.reduce((start, part) => {
        whole.set(part, start);
        return start + part.length;
      }, 0);
      return whole;
    };
    switch (draws.of(["set", "set", "flip", "flip", "remove", "repeat", "cut"])) {
      case "set":
        out.fill(value, at, at + length);
        break;
      case "flip":
        out[at]! ^= 1 << draws.below(8);
        break;
      case "remove":
        out = joined(out.subarray(0, at), out.subarray(at + length));
        break;
      case "repeat":
        out = joined(out.subarray(0, at), piece, out.subarray(at));
        break;
      default:
        if (draws.below(4) === 0) out = out.slice(0, at);
    }
    if (out.length === 0) return out;
  }
  return out;
}

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
];

/** Replaces, removes or moves values somewhere in a JSON value. */
function mutated(json: unknown, draws: Draws): unknown {
  const copy = JSON.parse(JSON.stringify(json)) as unknown;
  for (let edit = draws.below(3); edit >= 0; edit--) {
    let at = copy as Record<string, unknown>;
    for (let depth = 2 + draws.below(8); depth > 0; depth--) {
      const inside = Object.keys(at).filter((key) => typeof at[key] === "object" && at[key] !== null);
      if (inside.length === 0) break;
      at = at[draws.of(inside)] as Record<string, unknown>;
    }
    const keys = Object.keys(at);
    if (keys.length === 0) continue;
    const key = draws.of(keys);
    const kind = draws.below(5);
    if (kind === 0) delete at[key];
    else if (kind === 1) at[key] = structuredClone(at[draws.of(keys)]);
    else at[key] = structuredClone(draws.of(STRANGE));
  }
  return copy;
}

describe("fuzzed files", () => {
  it("of damaged bytes are read or refused", () => {
    const outcome = { models: 0, refusals: 0 };
    const files = sound.flatMap(({ model }) => [
      kerasArchive(model),
      kerasHdf5(model),
      kerasArchive(model, { named: false }),
    ]);
    // That one has an attribute of more strings without a byte than fit into memory.
    for (const seed of [9579, ...Array.from({ length: count }, (_, i) => i + 1)]) {
      const draws = createDraws(seed);
      const bytes = damaged(draws.of(files), draws);
      check(() => readKeras({ bytes, name: "fuzz" }), outcome, `bytes, seed ${seed}`);
    }
    expect(outcome.models).toBeGreaterThan(0);
    expect(outcome.refusals).toBeGreaterThan(0);
  });

  it("of damaged weights in a sound archive are read or refused", () => {
    const outcome = { models: 0, refusals: 0 };
    for (let seed = 1; seed <= count; seed++) {
      const draws = createDraws(seed + 1e6);
      const { model, weights } = draws.of(sound);
      const archive = kerasArchive(model, { weights: damaged(weights, draws) });
      check(() => readKeras({ bytes: archive, name: "fuzz" }), outcome, `weights, seed ${seed}`);
    }
    expect(outcome.refusals).toBeGreaterThan(0);
  });

  it("of strange settings are read or refused", () => {
    const outcome = { models: 0, refusals: 0 };
    for (let seed = 1; seed <= count; seed++) {
      const draws = createDraws(seed + 2e6);
      const { model, weights } = draws.of(sound);
      const config = mutated(
        draws.below(2) === 0 ? keras2Config(model) : keras3Config(model),
        draws,
      ) as object;
      const bytes =
        draws.below(4) === 0 ? kerasHdf5(model, { config }) : kerasArchive(model, { config, weights });
      check(() => readKeras({ bytes, name: "fuzz" }), outcome, `settings, seed ${seed}`);
    }
    expect(outcome.models).toBeGreaterThan(0);
    expect(outcome.refusals).toBeGreaterThan(0);
  });

  it("of TensorFlow.js are read or refused", () => {
    const outcome = { models: 0, refusals: 0 };
    for (let seed = 1; seed <= count; seed++) {
      const draws = createDraws(seed + 3e6);
      const { files } = draws.of(sound);
      const text = new TextDecoder().decode(files.modelJson);
      const modelJson =
        draws.below(2) === 0
          ? damaged(files.modelJson, draws)
          : encodeUtf8(JSON.stringify(mutated(JSON.parse(text), draws)));
      check(() => readTfjs({ ...files, modelJson, name: "model.json" }), outcome, `tfjs, seed ${seed}`);
    }
    expect(outcome.models).toBeGreaterThan(0);
    expect(outcome.refusals).toBeGreaterThan(0);
  });
});
