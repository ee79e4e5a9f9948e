// Small networks and data for the tests of training, and the bundled backend. Everything is made from seeds.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Graph, Node, StoredType } from "../../../graph/graph.ts";
import type { TrainingSpec } from "../../../graph/project.ts";
import type { SampleSet } from "../../../graph/samples.ts";
import { integerRange, quantize } from "../../../support/fixed-point.ts";
import { createRandom } from "../../../support/random.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { openTensorFlow } from "../../../tools/tensorflow.ts";
import type { TrainRequest } from "../../../train/request.ts";

const root = fileURLToPath(new URL("../../../..", import.meta.url));

/** Makes the bundle when it is missing or old. */
export function bundle(): void {
  execFileSync(process.execPath, ["scripts/bundle-tensorflow.mjs"], { cwd: root });
}

export async function openWasm(): Promise<TensorFlow> {
  bundle();
  return (await openTensorFlow({ projectFolder: root })).tf;
}

const origin = { file: "small.floor", line: 1, column: 1 };

export type LayerWord = number | "relu" | "flatten" | "argmax";

/** A chain: numbers are dense layers with so many units. */
export function chainGraph(shape: readonly number[], stored: StoredType, words: readonly LayerWord[]): Graph {
  const nodes: Node[] = [{ kind: "input", name: "x", shape, stored, origin }];
  for (const [i, word] of words.entries()) {
    const last = nodes.at(-1)!;
    const base = { name: `n${i}`, input: last.name, origin };
    if (typeof word === "number") nodes.push({ ...base, kind: "dense", units: word, shape: [word] });
    else {
      const elements = last.shape.reduce((a, b) => a * b, 1);
      const result = word === "argmax" ? [1] : word === "flatten" ? [elements] : last.shape;
      nodes.push({ ...base, kind: word, shape: result });
    }
  }
  return { name: "small", nodes, outputs: [{ name: "y", node: nodes.at(-1)!.name }] };
}

export const UNSIGNED: StoredType = { signed: false, width: 8, fraction: 8 };
export const SIGNED: StoredType = { signed: true, width: 8, fraction: 5 };

/** Normal clouds around seeded centres, one for each class. */
export function clouds(
  count: number,
  shape: readonly number[],
  classes: number,
  stored: StoredType,
  seed: number,
): SampleSet {
  const elements = shape.reduce((a, b) => a * b, 1);
  const range = integerRange(stored.width, stored.signed);
  const size = range.max * 2 ** -stored.fraction;
  const low = stored.signed ? -0.6 : 0.15;
  const place = createRandom("centres", classes, elements);
  const centres = Array.from(
    { length: classes * elements },
    () => (low + place.uniform() * (0.75 - low)) * size,
  );
  const random = createRandom("clouds", seed);
  const inputs = stored.signed ? new Int8Array(count * elements) : new Uint8Array(count * elements);
  const labels = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const label = i % classes;
    labels[i] = label;
    for (let k = 0; k < elements; k++) {
      const value = centres[label * elements + k]! + random.normal() * 0.1 * size;
      inputs[i * elements + k] = quantize(value, stored.fraction, range);
    }
  }
  return { count, shape, stored, inputs, labels };
}

export function spec(overrides: Partial<TrainingSpec> & { budget?: number } = {}): TrainingSpec {
  const { budget, ...rest } = overrides;
  return {
    objective: { kind: "budget", bitOperations: budget ?? 2000 },
    epochs: { float: 2, noise: 3, rounding: 3 },
    batch: 32,
    learningRate: 0.004,
    seed: 1,
    shiftPixels: 0,
    ...rest,
  };
}

/** A request for a network of four inputs and three classes, to be changed in places. */
export function request(overrides: Partial<TrainRequest> = {}): TrainRequest {
  return {
    graph: chainGraph([4], UNSIGNED, [16, "relu", 3, "argmax"]),
    training: spec(),
    samples: clouds(240, [4], 3, UNSIGNED, 1),
    validation: clouds(60, [4], 3, UNSIGNED, 2),
    events: { progress: () => {}, checkpoint: () => {}, log: () => {} },
    stop: { stopped: false },
    yieldToHost: async () => {},
    backend: "wasm",
    ...overrides,
  };
}
