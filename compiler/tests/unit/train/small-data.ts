// Small networks and data for the tests of training, and the bundled backend. Everything is made from seeds.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Graph, Node, StoredType } from "../../../graph/graph.ts";
import type { LayerQuantization, Limits, LossSpec, TrainingSpec } from "../../../graph/project.ts";
import type { Mantissas, SampleSet } from "../../../graph/samples.ts";
import { integerRange, quantize } from "../../../support/fixed-point.ts";
import { createRandom } from "../../../support/random.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { openTensorFlow } from "../../../tools/tensorflow.ts";
import { type Checkpoint, encodeCheckpoint } from "../../../train/checkpoint.ts";
import { networkOf, outputElements } from "../../../train/network.ts";
import type { ProgressRecord, TrainingResult, TrainRequest } from "../../../train/request.ts";
import { train } from "../../../train/train.ts";

const root = fileURLToPath(new URL("../../../..", import.meta.url));

/** Makes the bundle when it is missing or old. */
export function bundle(): void {
  execFileSync(process.execPath, ["scripts/bundle-tensorflow.mjs"], { cwd: root });
}

export async function openWasm(): Promise<TensorFlow> {
  bundle();
  return (await openTensorFlow({ projectFolder: root })).tf;
}

/** Tensors that the library holds: not part of what training uses of it. */
export function tensorsHeld(tf: TensorFlow): number {
  return (tf as TensorFlow & { memory(): { readonly numTensors: number } }).memory().numTensors;
}

const origin = { file: "small.floor", line: 1, column: 1 };

export type LayerWord = number | "relu" | "hardtanh" | "step" | "sign" | "batchnorm" | "flatten" | "argmax";

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

/** Samples of one input, with labels or targets of one output. */
export interface OnePort {
  readonly count: number;
  readonly shape: readonly number[];
  readonly stored: StoredType;
  readonly inputs: Mantissas;
  readonly labels?: Int32Array;
  readonly targets?: Float32Array | null;
}

export function sampleSet({ count, shape, stored, inputs, labels, targets }: OnePort): SampleSet {
  return {
    count,
    inputs: [{ shape, stored, mantissas: inputs }],
    answers: [{ labels: labels ?? new Int32Array(0), values: targets ?? null }],
  };
}

/** The parts of a set with one input and one output. */
export function onePort({ count, inputs, answers }: SampleSet): Required<OnePort> {
  const [{ shape, stored, mantissas }, { labels, values }] = [inputs[0]!, answers[0]!];
  return { count, shape, stored, inputs: mantissas, labels, targets: values };
}

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
  return sampleSet({ count, shape, stored, inputs, labels });
}

/** Inputs everywhere in their range; the targets are two smooth functions of the first three. */
export function curves(count: number, elements: number, stored: StoredType, seed: number): SampleSet {
  const random = createRandom("curves", seed);
  const range = integerRange(stored.width, stored.signed);
  const inputs = stored.signed ? new Int8Array(count * elements) : new Uint8Array(count * elements);
  const targets = new Float32Array(count * 2);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < elements; k++) inputs[i * elements + k] = random.integer(range.min, range.max);
    const [a, b, c] = [0, 1, 2].map((k) => inputs[i * elements + k]! / range.max);
    targets[2 * i] = 0.6 * a! - 0.4 * b! + 0.1;
    targets[2 * i + 1] = Math.abs(b! - 0.5) + 0.3 * c!;
  }
  return sampleSet({ count, shape: [elements], stored, inputs, targets });
}

/** What a test changes of the settings: widths and the like of every layer, or of one by its name. */
export type SpecChanges = Partial<Omit<TrainingSpec, "layers">> & {
  readonly limits?: Limits;
  /** Of every output. */
  readonly loss?: LossSpec;
  readonly weights?: Partial<LayerQuantization["weights"]>;
  readonly input?: Partial<LayerQuantization["input"]>;
  readonly bias?: LayerQuantization["bias"];
  readonly prune?: boolean;
  readonly layers?: Readonly<Record<string, Partial<LayerQuantization>>>;
};

/** Settings for a graph: every width from 1 (weights from 2) to 8, one alpha a tensor. */
export function spec(graph: Graph, changes: SpecChanges = {}): TrainingSpec {
  const { limits, loss, weights, input, bias, prune, layers, ...rest } = changes;
  const every: LayerQuantization = {
    weights: { granularity: { kind: "layer" }, bits: { min: 2, max: 8 }, ...weights },
    input: { granularity: "layer", bits: { min: 1, max: 8 }, ...input },
    bias: bias ?? "accumulator",
    prune: prune ?? true,
  };
  const weighted = graph.nodes.filter((node) => node.kind === "dense" || node.kind === "conv");
  return {
    objective: { kind: "budget", limits: limits ?? { bitOperations: 2000 } },
    losses: graph.outputs.map(() => ({
      loss: loss ?? { kind: "cross-entropy", smoothing: 0, weights: null },
      weight: 1,
    })),
    target: "data",
    epochs: { float: 2, noise: 2, rounding: 2 },
    batch: 32,
    optimizer: { kind: "adam" },
    weightDecay: 0,
    learningRate: 0.01,
    schedule: { kind: "cosine" },
    patience: null,
    augmentUntil: 1,
    seed: 1,
    augment: { shiftPixels: 0, flip: "none", noise: 0 },
    normalize: "none",
    search: "noise",
    gradient: { kind: "straight-through" },
    distillation: null,
    surrogates: {},
    layers: Object.fromEntries(weighted.map((node) => [node.name, { ...every, ...layers?.[node.name] }])),
    ...rest,
  };
}

/** Changes to a request; those to the settings by themselves. */
export type RequestChanges = Partial<Omit<TrainRequest, "training">> & { readonly training?: SpecChanges };

/** A request for a network of four inputs and three classes, to be changed in places. */
export function request({ training, ...changes }: RequestChanges = {}): TrainRequest {
  const graph = changes.graph ?? chainGraph([4], UNSIGNED, [16, "relu", 3, "argmax"]);
  return {
    graph,
    samples: clouds(240, [4], 3, UNSIGNED, 1),
    validation: clouds(90, [4], 3, UNSIGNED, 2),
    intervalCycles: 16,
    events: { progress: () => {}, checkpoint: () => {}, log: () => {} },
    stop: { stopped: false },
    yieldToHost: async () => {},
    backend: "wasm",
    ...changes,
    training: spec(graph, training),
  };
}

/** A request for this chain on clouds that suit it. */
export function cloudRequest(
  words: readonly LayerWord[],
  training: SpecChanges = {},
  stored: StoredType = UNSIGNED,
  shape: readonly number[] = [4],
): TrainRequest {
  const graph = chainGraph(shape, stored, words);
  const [outputs = 0] = outputElements(networkOf(graph));
  const samples = clouds(240, shape, outputs, stored, 1);
  return request({ graph, samples, validation: clouds(90, shape, outputs, stored, 2), training });
}

/** What a run told on its way. */
export interface Recording {
  readonly result: TrainingResult;
  /** Checkpoints as bytes. */
  readonly saved: Uint8Array[];
  readonly progress: ProgressRecord[];
  readonly log: string[];
}

/** Trains to the end and keeps every checkpoint. */
export async function record(tf: TensorFlow, asked: TrainRequest): Promise<Recording> {
  const saved: Uint8Array[] = [];
  const progress: ProgressRecord[] = [];
  const log: string[] = [];
  const result = await train(tf, {
    ...asked,
    events: {
      progress: (step) => progress.push(step),
      checkpoint: (checkpoint: Checkpoint) => saved.push(encodeCheckpoint(checkpoint)),
      log: (line) => log.push(line),
    },
  });
  return { result, saved, progress, log };
}
