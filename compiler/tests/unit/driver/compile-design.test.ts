// Compiling a trained graph: the same bytes every time, hashes that fit, and figures that follow from the program.
import { describe, expect, it } from "vitest";
import { compileDesign, type TestVectors } from "../../../driver/compile-design.ts";
import { explainDesign, printExplanations } from "../../../driver/explain.ts";
import type { HardwareSpec } from "../../../graph/project.ts";
import { TRAINED_SCHEMA, type TrainedDense, type TrainedGraph } from "../../../graph/trained-graph.ts";
import { readProgram } from "../../../program/read.ts";
import { designResultSchema } from "../../../report/results.ts";
import { sha256Of } from "../../../support/digest.ts";
import { createRandom } from "../../../support/random.ts";

const origin = { file: "t.floor", line: 1, column: 1 };
const noise = { alpha: 0.1, rms: 0.4, std: 0.4, snrBits: 2, varyingSnrBits: 2, residueRms: 0.1 };

function layer(node: string, units: number, inputs: number, first: boolean): TrainedDense {
  const random = createRandom(7, node);
  return {
    node,
    units,
    inputs,
    weights: Array.from({ length: units * inputs }, () => random.integer(-4, 3)),
    weightFormat: { signed: true, width: 3, fraction: 3 },
    weightNoise: noise,
    bias: Array.from({ length: units }, () => random.integer(-20, 20)),
    activationFormat: { signed: false, width: first ? 2 : 4, fraction: first ? 2 : 1 },
    activationNoise: noise,
  };
}

const trained: TrainedGraph = {
  schema: TRAINED_SCHEMA,
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
  layers: [layer("fc1", 5, 6, true), layer("fc2", 3, 5, false)],
  seed: 1,
  backend: "none",
  bitOperations: 5 * 6 * 3 * 2 + 3 * 5 * 3 * 4,
  validation: { float: { accuracy: 1, loss: 0 }, quantized: { accuracy: 1, loss: 0 } },
};

const hardware: HardwareSpec = { clockMHz: 50, intervalCycles: 12, folding: {}, outputs: "both" };
const snr = { fc1: { weights: 2, activations: 2 }, fc2: { weights: 2, activations: 2 } };
const random = createRandom(3, "test");
const test: TestVectors = {
  count: 20,
  inputs: Uint8Array.from({ length: 120 }, () => random.integer(0, 255)),
  labels: Int32Array.from({ length: 20 }, () => random.integer(0, 2)),
  logits: new Float64Array(60),
};
const compile = () => compileDesign(trained, snr, hardware, test);

describe("compileDesign", () => {
  it("gives the same bytes every time", () => {
    expect([...compile().files]).toEqual([...compile().files]);
  });

  it("hashes every file but the manifest, and reads its program back", () => {
    const { files, manifest, program } = compile();
    const listed = Object.entries(manifest.files);
    expect(listed.length).toBe(files.size - 1);
    for (const [path, hash] of listed) expect(sha256Of(files.get(`design/${path}`)!)).toBe(hash);
    expect(readProgram(files.get("design/program.json") as string)).toEqual(program);
  });

  it("counts what the layers cost", () => {
    const { result } = compile();
    expect(designResultSchema.parse(result)).toEqual(result);
    expect(result.totals.bitOperations).toBe(trained.bitOperations);
    expect(result.totals.weightBits).toBe((30 + 15) * 3);
    expect(result.totals.parameters).toBe(30 + 5 + 15 + 3);
    expect(result.layers.map((l) => [l.name, l.macs, l.weights.width, l.activations.width])).toEqual([
      ["fc1", 30, 3, 2],
      ["fc2", 15, 3, 4],
    ]);
    expect(result.hardware.intervalCycles).toBeLessThanOrEqual(14);
  });

  it("explains every layer", () => {
    const { program, manifest } = compile();
    const text = printExplanations(explainDesign(program, manifest, trained));
    for (const words of ["fc1", "fc2", "SNR bits", "accumulator", "PE ", "30 MACs x 3 x 2 bits"])
      expect(text).toContain(words);
  });
});
