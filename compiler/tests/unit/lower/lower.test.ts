// Lowering: small trained graphs made by hand, the programs they become, and their numbers worked out by hand.
import { describe, expect, it } from "vitest";
import type { Graph, Node, Origin } from "../../../graph/graph.ts";
import type { TensorNoise, TrainedDense, TrainedGraph } from "../../../graph/trained-graph.ts";
import { lower } from "../../../lower/lower.ts";
import { constantNamed, type Program, valueNamed } from "../../../program/program.ts";
import { simulate } from "../../../sim/simulate.ts";

const origin: Origin = { file: "hand.floor", line: 1, column: 1 };
const stored = { signed: false, width: 8, fraction: 8 };
const noise: TensorNoise = { alpha: 1, rms: 1, std: 1, snrBits: 0, varyingSnrBits: 0, residueRms: 1 };
const score = { accuracy: 1, loss: 0 };

type Layer = Omit<TrainedDense, "weightNoise" | "activationNoise">;

function trained(nodes: readonly Node[], outputs: Graph["outputs"], layers: readonly Layer[]): TrainedGraph {
  return {
    schema: "noisefloor.trained/1",
    graph: { name: "hand", nodes, outputs },
    layers: layers.map((layer) => ({ ...layer, weightNoise: noise, activationNoise: noise })),
    seed: 1,
    backend: "none",
    bitOperations: 0,
    validation: { float: score, quantized: score },
  };
}

const dense = (name: string, input: string, units: number): Node => ({
  kind: "dense",
  name,
  input,
  units,
  shape: [units],
  origin,
});

/** Three layers: the second carries the name that lowering would give to the first one's input, the third follows a dense directly. */
function threeLayers(): TrainedGraph {
  return trained(
    [
      { kind: "input", name: "image", shape: [2, 2], stored, origin },
      { kind: "flatten", name: "flat", input: "image", shape: [4], origin },
      dense("fc1", "flat", 2),
      { kind: "relu", name: "relu", input: "fc1", shape: [2], origin },
      dense("fc1.input", "relu", 2),
      dense("fc3", "fc1.input", 2),
      { kind: "argmax", name: "digit.logits", input: "fc3", shape: [1], origin },
    ],
    [{ name: "digit", node: "digit.logits" }],
    [
      {
        node: "fc1",
        units: 2,
        inputs: 4,
        weights: [1, -2, 3, 0, -1, 0, -2, 1],
        weightFormat: { signed: true, width: 3, fraction: 1 },
        bias: [1, 2],
        activationFormat: { signed: false, width: 2, fraction: 2 },
      },
      {
        node: "fc1.input",
        units: 2,
        inputs: 2,
        weights: [1, -1, -2, 1],
        weightFormat: { signed: true, width: 2, fraction: 0 },
        bias: [0, 1],
        activationFormat: { signed: false, width: 3, fraction: 1 },
      },
      {
        node: "fc3",
        units: 2,
        inputs: 2,
        weights: [1, 1, 0, -1],
        weightFormat: { signed: true, width: 2, fraction: 2 },
        bias: [2, 2],
        activationFormat: { signed: true, width: 3, fraction: 0 },
      },
    ],
  );
}

const steps = (program: Program) =>
  program.instructions.map((i) => `${i.layer}: ${i.op} ${i.input} -> ${i.result}`);

describe("a program of three layers", () => {
  const program = lower(threeLayers());

  it("has one requantization and one product for each layer, under names that collide with none of the user's", () => {
    expect(steps(program)).toEqual([
      "flat: flatten image -> flat",
      "fc1: requantize flat -> fc1.input'",
      "fc1: dense fc1.input' -> fc1",
      "fc1.input: requantize fc1 -> fc1.input.input",
      "fc1.input: dense fc1.input.input -> fc1.input",
      "fc3: requantize fc1.input -> fc3.input",
      "fc3: dense fc3.input -> fc3",
      "digit.logits: argmax fc3 -> digit.logits",
    ]);
  });

  it("clamps where a ReLU came before, and nowhere else", () => {
    const activations = program.instructions.flatMap((i) => (i.op === "requantize" ? [i.activation] : []));
    expect(activations).toEqual(["none", "relu", "none"]);
  });

  it("takes the data's stored integers and gives sums and class", () => {
    expect(program.inputs).toEqual(["image"]);
    expect(valueNamed(program, "image").format).toEqual({ kind: "int", ...stored });
    expect(program.outputs).toEqual([
      { name: "digit.logits'", value: "fc3", role: "logits" },
      { name: "digit", value: "digit.logits", role: "class" },
    ]);
  });

  it("copies mantissas and formats", () => {
    for (const layer of threeLayers().layers) {
      const instruction = program.instructions.find((i) => i.op === "dense" && i.result === layer.node);
      if (instruction?.op !== "dense") throw new Error(`no product for ${layer.node}`);
      const weights = constantNamed(program, instruction.weights);
      expect(weights).toMatchObject({ shape: [layer.units, layer.inputs], data: layer.weights });
      expect(weights.format).toEqual({ kind: "int", ...layer.weightFormat });
      expect(constantNamed(program, instruction.bias!).data).toEqual(layer.bias);
      expect(valueNamed(program, instruction.input).format).toEqual({
        kind: "int",
        ...layer.activationFormat,
      });
      expect(valueNamed(program, layer.node).format.fraction).toBe(
        layer.weightFormat.fraction + layer.activationFormat.fraction,
      );
    }
  });

  it("computes what a pencil does", () => {
    const { values } = simulate(program, new Map([["image", [0, 128, 255, 64, 255, 0, 0, 0]]]), 2);
    const byHand: Readonly<Record<string, readonly number[]>> = {
      // /64 rounded, at most 3
      "fc1.input'": [0, 2, 3, 1, 3, 0, 0, 0],
      // 1 - 4 + 9, 2 - 6 + 1; 1 + 3, 2 - 3
      fc1: [6, -3, 4, -1],
      // negative ones to 0, then /4 rounded half up: 1.5 is 2
      "fc1.input.input": [2, 0, 1, 0],
      // 2, -4 + 1; 1, -2 + 1
      "fc1.input": [2, -3, 1, -1],
      // /2 rounded half up, signs kept: -1.5 is -1, 0.5 is 1, -0.5 is 0
      "fc3.input": [1, -1, 1, 0],
      // 1 - 1 + 2, 1 + 2; 1 + 2, 2
      fc3: [2, 3, 3, 2],
      "digit.logits": [1, 0],
    };
    for (const [name, expected] of Object.entries(byHand))
      expect([...values.get(name)!], name).toEqual(expected);
  });
});

describe("a layer named like another layer's constants", () => {
  it("is kept apart from them", () => {
    const layer = (node: string): Layer => ({
      node,
      units: 1,
      inputs: 1,
      weights: [1],
      weightFormat: { signed: true, width: 2, fraction: 0 },
      bias: [0],
      activationFormat: { signed: false, width: 2, fraction: 2 },
    });
    const program = lower(
      trained(
        [
          { kind: "input", name: "x", shape: [1], stored, origin },
          dense("fc", "x", 1),
          dense("fc.weights", "fc", 1),
          dense("fc.bias", "fc.weights", 1),
        ],
        [{ name: "y", node: "fc.bias" }],
        [layer("fc"), layer("fc.weights"), layer("fc.bias")],
      ),
    );
    const { values } = simulate(program, new Map([["x", [128]]]), 1);
    expect([...values.get("fc.bias")!]).toEqual([2]);
    expect(program.outputs).toEqual([{ name: "y", value: "fc.bias", role: "value" }]);
  });
});
