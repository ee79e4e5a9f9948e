// Random trained graphs of every kind that training can hand on, from a seed: requantized and thresholded entries,
// bipolar tensors, fractions per unit, left-out inputs and units, classes and plain sums. Their numbers mean nothing.
import type { Graph, Node, Origin, StoredType, UnaryNode } from "../../../graph/graph.ts";
import type { SampleSet } from "../../../graph/samples.ts";
import {
  type Entry,
  type FrozenFormat,
  type TensorNoise,
  TRAINED_SCHEMA,
  type TrainedGraph,
  type TrainedLayer,
  type TrainedSignal,
} from "../../../graph/trained-graph.ts";
import { integerRange } from "../../../support/fixed-point.ts";
import { createRandom, type RandomStream } from "../../../support/random.ts";

const origin: Origin = { file: "random.floor", line: 1, column: 1 };
const noise: TensorNoise = { alpha: 1, rms: 1, std: 1, snrBits: 0, varyingSnrBits: 0, residueRms: 1 };

/** A trained graph of these layers and signals, with accounts that say nothing. */
export function trainedOf(
  graph: Graph,
  layers: readonly TrainedLayer[],
  signals: readonly TrainedSignal[],
  keptInputs: readonly number[] | null = null,
): TrainedGraph {
  const score = { accuracy: null, loss: 0 };
  return {
    schema: TRAINED_SCHEMA,
    removed: [],
    graph,
    keptInputs: [keptInputs],
    layers,
    signals,
    ledger: [],
    outcome: { objective: "budget", bound: "none", limits: [], difference: null },
    seed: 1,
    backend: "none",
    bitOperations: 0,
    validation: { float: score, quantized: score },
  };
}

type Unary = Exclude<UnaryNode["kind"], "flatten" | "argmax">;

/** What can stand before a dense layer; each list is a chain of nodes. */
const BEFORE: readonly (readonly Unary[])[] = [
  [],
  ["relu"],
  ["hardtanh"],
  ["sign"],
  ["step"],
  ["batchnorm", "relu"],
  ["batchnorm", "hardtanh"],
  ["batchnorm", "sign"],
  ["batchnorm", "step"],
];

function pick<T>(random: RandomStream, from: readonly T[]): T {
  return from[random.integer(0, from.length - 1)]!;
}

function chance(random: RandomStream, probability: number): boolean {
  return random.uniform() < probability;
}

/** Ascending indices, at least one, of `count`; null for all of them. */
function randomKept(random: RandomStream, count: number): readonly number[] | null {
  if (chance(random, 0.5)) return null;
  const kept = Array.from({ length: count }, (_, i) => i).filter(() => chance(random, 0.6));
  return kept.length > 0 ? kept : [count - 1];
}

interface Tensor {
  readonly format: FrozenFormat;
  readonly thresholded: boolean;
}

/** Format of the tensor behind these nodes, and whether thresholds make it. */
function randomTensor(random: RandomStream, before: readonly Unary[]): Tensor {
  const fraction = random.integer(-3, 6);
  const int = (signed: boolean, width: number, f = fraction): FrozenFormat => ({
    kind: "int",
    signed,
    width,
    fraction: f,
  });
  const thresholded = before.includes("batchnorm") || chance(random, 0.25);
  const widest = thresholded ? 4 : 8;
  switch (before.at(-1)) {
    case "sign":
      return { format: { kind: "bipolar", signed: false, width: 1, fraction }, thresholded: true };
    case "step":
      return { format: int(false, 1, 0), thresholded: true };
    case "hardtanh": {
      const width = random.integer(2, widest);
      return { format: int(true, width, width - 1 + random.integer(0, 1)), thresholded };
    }
    case "relu":
      return { format: int(chance(random, 0.2), random.integer(2, widest)), thresholded };
    default:
      return { format: int(chance(random, 0.6), random.integer(2, widest)), thresholded };
  }
}

/** Largest magnitude of the integers that arithmetic sees. */
function magnitude(format: FrozenFormat): number {
  const { min, max } = integerRange(format.width, format.signed);
  return format.kind === "bipolar" ? 1 : Math.max(-min, max);
}

/** Thresholds for integers of about this size: ascending, some equal, a few out of every reach. */
function randomThresholds(
  random: RandomStream,
  { format }: Tensor,
  channels: number,
  size: number,
): Extract<Entry, { kind: "threshold" }> {
  const sign = format.kind === "bipolar";
  const { min, max } = integerRange(format.width, format.signed);
  const levels = sign ? 1 : max - min;
  const one = (): number => {
    if (chance(random, 0.03)) return pick(random, [2 ** 47 - 1, -(2 ** 47), 2 ** 24 + 3, -(2 ** 25)]);
    return Math.round(random.normal() * size) + 0;
  };
  const thresholds = Array.from({ length: channels }, () =>
    Array.from({ length: levels }, one).sort((a, b) => a - b),
  ).flat();
  return { kind: "threshold", base: sign ? 0 : min, levels, thresholds };
}

function entryOf(
  random: RandomStream,
  tensor: Tensor,
  before: readonly Unary[],
  channels: number,
  size: number,
): Entry {
  if (tensor.thresholded) return randomThresholds(random, tensor, channels, size);
  return { kind: "requantize", relu: before.includes("relu") };
}

export interface RandomTrainedOptions {
  /** Elements of the input are at most this. */
  readonly elements?: number;
  readonly layers?: number;
  /** Weights of at least so many bits that are not bipolar. */
  readonly wide?: boolean;
}

/** The graph of a seed. Its magnitudes fit the widths, so that few tensors are all zero or all saturated. */
export function randomTrained(seed: number, options: RandomTrainedOptions = {}): TrainedGraph {
  const random = createRandom(seed, "random trained");
  const { wide = false } = options;
  const count = options.layers ?? random.integer(1, 4);
  const image = chance(random, 0.5);
  const most = options.elements ?? 24;
  const shape = image ? [2, random.integer(1, Math.floor(most / 4)), 2] : [random.integer(3, most)];
  const elements = shape.reduce((a, b) => a * b, 1);
  const signed = chance(random, 0.4);
  const stored: StoredType = { signed, width: random.integer(2, 12), fraction: random.integer(-2, 9) };

  const nodes: Node[] = [{ kind: "input", name: "x", shape, stored, origin }];
  const add = (kind: UnaryNode["kind"], name: string, size: readonly number[]): void => {
    nodes.push({ kind, name, input: nodes.at(-1)!.name, shape: size, origin });
  };
  if (image) add("flatten", "flat", [elements]);

  const layers: TrainedLayer[] = [];
  const signals: TrainedSignal[] = [];
  const keptInputs = randomKept(random, elements);
  // The input's nodes are few: an activation follows a dense layer.
  let before = pick(random, chance(random, 0.7) ? [[]] : BEFORE.slice(0, 4));
  let tensor = randomTensor(random, before);
  for (const kind of before) add(kind, `x.${kind}`, [elements]);
  let inputs = keptInputs?.length ?? elements;
  let entry = entryOf(random, tensor, before, inputs, 2 ** (stored.width - 2));
  /** The node whose value is quantized next. */
  let quantized = nodes.at(-1)!.name;
  for (let index = 0; index < count; index++) {
    const ends = index === count - 1;
    const name = `fc${index}`;
    const graphUnits = random.integer(2, 9);
    const keptUnits = ends ? null : randomKept(random, graphUnits);
    const units = keptUnits?.length ?? graphUnits;
    nodes.push({
      kind: "dense",
      name,
      input: nodes.at(-1)!.name,
      units: graphUnits,
      shape: [graphUnits],
      origin,
    });
    before = ends ? [] : pick(random, BEFORE);
    const next = randomTensor(random, before);

    const bipolar = !wide && chance(random, 0.3);
    const width = bipolar ? 1 : wide ? 8 : random.integer(2, 8);
    const range = integerRange(width, !bipolar);
    const size =
      (Math.sqrt(inputs) * magnitude(tensor.format) * (bipolar ? 1 : range.max + 1)) / (bipolar ? 1.5 : 3);
    // The shift into the next tensor takes a sum to about the next format's largest.
    const shift = Math.max(-2, Math.round(Math.log2(size / magnitude(next.format))) + random.integer(-1, 1));
    const fractionOf = (s: number): number =>
      (next.format.fraction as number) + s - (tensor.format.fraction as number);
    const perUnit = !ends && chance(random, 0.4);
    const fraction = perUnit
      ? Array.from({ length: units }, () => fractionOf(Math.max(-2, shift + random.integer(-2, 2))))
      : fractionOf(shift);
    signals.push({ node: quantized, reader: name, entry, format: tensor.format });
    layers.push({
      node: name,
      units,
      inputs,
      positions: 1,
      keptUnits,
      weights: Array.from({ length: units * inputs }, () => random.integer(range.min, range.max)),
      weightFormat: { kind: bipolar ? "bipolar" : "int", signed: !bipolar, width, fraction },
      weightNoise: noise,
      bias:
        next.thresholded && chance(random, 0.7)
          ? null
          : Array.from({ length: units }, () => Math.round(random.normal() * size) + 0),
      activationFormat: tensor.format,
      activationNoise: noise,
    });
    for (const kind of before) add(kind, `${name}.${kind}`, [graphUnits]);
    quantized = nodes.at(-1)!.name;
    if (!ends && chance(random, 0.2)) add("flatten", `${name}.flat`, [graphUnits]);
    tensor = next;
    inputs = units;
    entry = entryOf(random, tensor, before, units, size);
  }
  if (chance(random, 0.6)) add("argmax", "class", [1]);
  const graph: Graph = { name: "random", nodes, outputs: [{ name: "y", node: nodes.at(-1)!.name }] };
  return trainedOf(graph, layers, signals, keptInputs);
}

/** Stored integers over the whole range, with labels or targets for the last layer. */
export function randomSamples(trained: TrainedGraph, count: number, seed: number): SampleSet {
  const random = createRandom(seed, "random samples");
  const input = trained.graph.nodes[0]!;
  if (input.kind !== "input") throw new Error("the first node is the input");
  const { stored, shape } = input;
  const elements = shape.reduce((a, b) => a * b, 1);
  const { min, max } = integerRange(stored.width, stored.signed);
  const inputs = new (stored.signed ? Int16Array : Uint16Array)(count * elements);
  for (let i = 0; i < inputs.length; i++) inputs[i] = random.integer(min, max);
  const { units } = trained.layers.at(-1)!;
  const labels = Int32Array.from({ length: count }, () => random.integer(0, units - 1));
  const targets = Float32Array.from({ length: count * units }, () => random.normal());
  return { count, inputs: [{ shape, stored, mantissas: inputs }], answers: [{ labels, values: targets }] };
}
