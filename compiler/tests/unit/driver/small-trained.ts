// Trained graphs made by hand: a pruned classifier, and a regression whose outputs have steps of their own.
import type { TestVectors } from "../../../driver/compile-design.ts";
import type { HardwareSpec } from "../../../graph/project.ts";
import {
  type FrozenFormat,
  type LayerLedger,
  TRAINED_SCHEMA,
  type TrainedGraph,
  type TrainedLayer,
  type TrainedSignal,
} from "../../../graph/trained-graph.ts";
import { createRandom } from "../../../support/random.ts";

const origin = { file: "t.floor", line: 1, column: 1 };
const noise = { alpha: 0.1, rms: 0.4, std: 0.2, snrBits: 2, varyingSnrBits: 1, residueRms: 0.09 };

function layer(node: string, units: number, inputs: number, first: boolean): TrainedLayer {
  const random = createRandom(7, node);
  return {
    node,
    units,
    inputs,
    positions: 1,
    keptUnits: null,
    weights: Array.from({ length: units * inputs }, () => random.integer(-4, 3)),
    weightFormat: { kind: "int", signed: true, width: 3, fraction: 3 },
    weightNoise: noise,
    bias: Array.from({ length: units }, () => random.integer(-20, 20)),
    activationFormat: activationFormat(first),
    activationNoise: noise,
  };
}

function activationFormat(first: boolean): FrozenFormat {
  return { kind: "int", signed: false, width: first ? 2 : 4, fraction: first ? 2 : 1 };
}

/** What enters a layer, made of the value of a node. */
function signal(node: string, reader: string, first: boolean): TrainedSignal {
  return { node, reader, entry: { kind: "requantize", relu: !first }, format: activationFormat(first) };
}

const NOTHING_PRUNED: LayerLedger["pruned"] = {
  inputs: 0,
  constantInputs: 0,
  allocatedInputs: 0,
  units: 0,
  allocatedUnits: 0,
  weights: 0,
  bitOperations: 0,
  constantBitOperations: 0,
  allocatedBitOperations: 0,
};

function ledgerOf(node: string, pruned: Partial<LayerLedger["pruned"]> = {}): LayerLedger {
  const price = { width: 4, decibels: 6.02, loss: -0.002, bitOperations: 40 };
  return {
    node,
    weights: { more: price, less: { ...price, width: 2, decibels: -6.02, loss: 0.03, bitOperations: -40 } },
    activations: { more: null, less: null },
    pruned: { ...NOTHING_PRUNED, ...pruned },
  };
}

/** 2x3 bytes, of which four are kept, to 5 units to 3 classes. */
export const classifier: TrainedGraph = {
  schema: TRAINED_SCHEMA,
  removed: [],
  graph: {
    name: "tiny",
    nodes: [
      {
        kind: "input",
        name: "x",
        shape: [2, 3, 1],
        stored: { signed: false, width: 8, fraction: 8 },
        origin,
      },
      { kind: "flatten", name: "flat", input: "x", shape: [6], origin },
      { kind: "dense", name: "fc1", input: "flat", units: 5, shape: [5], origin },
      { kind: "relu", name: "relu", input: "fc1", shape: [5], origin },
      { kind: "dense", name: "fc2", input: "relu", units: 3, shape: [3], origin },
      { kind: "argmax", name: "best", input: "fc2", shape: [1], origin },
    ],
    outputs: [{ name: "best of three", node: "best" }],
  },
  keptInputs: [[0, 2, 3, 5]],
  layers: [layer("fc1", 5, 4, true), layer("fc2", 3, 5, false)],
  signals: [signal("flat", "fc1", true), signal("relu", "fc2", false)],
  ledger: [
    ledgerOf("fc1", {
      inputs: 2,
      constantInputs: 1,
      weights: 10,
      bitOperations: 60,
      constantBitOperations: 30,
    }),
    ledgerOf("fc2"),
  ],
  outcome: {
    objective: "lossless",
    bound: "the loss",
    limits: [],
    difference: { mean: 0.004, standardError: 0.001, upper: 0.0056, epsilon: 0.01, holds: true },
  },
  seed: 1,
  backend: "none",
  bitOperations: 5 * 4 * 3 * 2 + 3 * 5 * 3 * 4,
  validation: { float: { accuracy: 1, loss: 0 }, quantized: { accuracy: 1, loss: 0 } },
};

const outputs = layer("fc", 2, 3, true);

/** 3 bytes to 2 values with fractions 5 and 4. */
export const regression: TrainedGraph = {
  schema: TRAINED_SCHEMA,
  removed: [],
  graph: {
    name: "line",
    nodes: [
      { kind: "input", name: "x", shape: [3], stored: { signed: false, width: 8, fraction: 8 }, origin },
      { kind: "dense", name: "fc", input: "x", units: 2, shape: [2], origin },
    ],
    outputs: [{ name: "y", node: "fc" }],
  },
  keptInputs: [null],
  layers: [{ ...outputs, weightFormat: { ...outputs.weightFormat, fraction: [3, 2] } }],
  signals: [signal("x", "fc", true)],
  ledger: [ledgerOf("fc")],
  outcome: {
    objective: "budget",
    bound: "bitOperations: 99.0 % of the limit is used",
    limits: [{ limit: "bitOperations", asked: 37, reached: 36 }],
    difference: null,
  },
  seed: 1,
  backend: "none",
  bitOperations: 3 * 2 * 3 * 2,
  validation: { float: { accuracy: null, loss: 0 }, quantized: { accuracy: null, loss: 0 } },
};

const kernels = layer("c", 2, 9, true);

/** 4x4 bytes to 2x2 positions with two values each. */
export const convolution: TrainedGraph = {
  ...regression,
  graph: {
    name: "edges",
    nodes: [
      {
        kind: "input",
        name: "x",
        shape: [4, 4, 1],
        stored: { signed: false, width: 8, fraction: 8 },
        origin,
      },
      {
        kind: "conv",
        name: "c",
        input: "x",
        units: 2,
        kernel: [3, 3],
        strides: [1, 1],
        dilations: [1, 1],
        padding: { before: [0, 0], after: [0, 0] },
        groups: 1,
        transposed: false,
        shape: [2, 2, 2],
        origin,
      },
    ],
    outputs: [{ name: "y", node: "c" }],
  },
  layers: [{ ...kernels, positions: 4 }],
  signals: [signal("x", "c", true)],
  ledger: [ledgerOf("c")],
  bitOperations: 4 * 18 * 3 * 2,
};

export const hardware: HardwareSpec = { clockMHz: 50, intervalCycles: 12, folding: {}, outputs: "both" };

/** Random bytes, with labels of three classes or with targets. */
export function vectorsOf({ graph }: TrainedGraph, targets: readonly number[] | null): TestVectors {
  const random = createRandom(3, "test");
  const [input] = graph.nodes;
  if (input?.kind !== "input") throw new Error("no input");
  const { shape, stored } = input;
  const size = shape.reduce((a, b) => a * b, 1);
  const values = graph.nodes.find((n) => n.name === graph.outputs[0]!.node)!.shape.reduce((a, b) => a * b, 1);
  const count = 20;
  const mantissas = Uint8Array.from({ length: count * size }, () => random.integer(0, 255));
  const answers = {
    labels: targets ? new Int32Array(0) : Int32Array.from({ length: count }, () => random.integer(0, 2)),
    values: targets && Float32Array.from({ length: count * values }, (_, i) => targets[i % targets.length]!),
  };
  return {
    samples: { count, inputs: [{ shape, stored, mantissas }], answers: [answers] },
    outputs: [new Float64Array(count * (targets ? 2 : 3))],
  };
}
