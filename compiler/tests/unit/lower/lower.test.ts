// Lowering: small trained graphs made by hand, the programs they become, and their numbers worked out by hand.
import { describe, expect, it } from "vitest";
import type { Graph, Node, Origin, UnaryNode } from "../../../graph/graph.ts";
import type {
  Entry,
  FrozenFormat,
  TensorNoise,
  TrainedGraph,
  TrainedLayer,
} from "../../../graph/trained-graph.ts";
import { lower } from "../../../lower/lower.ts";
import { constantNamed, operandsOf, type Program, valueNamed } from "../../../program/program.ts";
import { simulate } from "../../../sim/simulate.ts";
import { randomSamples, randomTrained, trainedOf } from "./random-trained.ts";

const origin: Origin = { file: "hand.floor", line: 1, column: 1 };
const stored = { signed: false, width: 8, fraction: 8 };
const noise: TensorNoise = { alpha: 1, rms: 1, std: 1, snrBits: 0, varyingSnrBits: 0, residueRms: 1 };

/** A layer, and how what enters it comes from the value of a node. */
type Layer = Omit<TrainedLayer, "positions" | "weightNoise" | "activationNoise"> & {
  readonly entry: Entry;
  readonly from: string;
};

function trained(
  nodes: readonly Node[],
  outputs: Graph["outputs"],
  layers: readonly Layer[],
  keptInputs: readonly number[] | null = null,
): TrainedGraph {
  return trainedOf(
    { name: "hand", nodes, outputs },
    layers.map(({ entry: _entry, from: _from, ...layer }) => ({
      ...layer,
      positions: 1,
      weightNoise: noise,
      activationNoise: noise,
    })),
    layers.map(({ entry, from, node, activationFormat }) => ({
      node: from,
      reader: node,
      entry,
      format: activationFormat,
    })),
    keptInputs,
  );
}

const int = (signed: boolean, width: number, fraction: number | readonly number[]): FrozenFormat => ({
  kind: "int",
  signed,
  width,
  fraction,
});
const bipolar = (fraction: number): FrozenFormat => ({ kind: "bipolar", signed: false, width: 1, fraction });
const ROUNDED: Entry = { kind: "requantize", relu: false };
const RECTIFIED: Entry = { kind: "requantize", relu: true };
const ALL = { keptUnits: null };

const unary = (kind: UnaryNode["kind"], name: string, input: string, size: number): Node => ({
  kind,
  name,
  input,
  shape: [size],
  origin,
});

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
        ...ALL,
        from: "flat",
        entry: ROUNDED,
        node: "fc1",
        units: 2,
        inputs: 4,
        weights: [1, -2, 3, 0, -1, 0, -2, 1],
        weightFormat: int(true, 3, 1),
        bias: [1, 2],
        activationFormat: int(false, 2, 2),
      },
      {
        ...ALL,
        from: "relu",
        entry: RECTIFIED,
        node: "fc1.input",
        units: 2,
        inputs: 2,
        weights: [1, -1, -2, 1],
        weightFormat: int(true, 2, 0),
        bias: [0, 1],
        activationFormat: int(false, 3, 1),
      },
      {
        ...ALL,
        from: "fc1.input",
        entry: ROUNDED,
        node: "fc3",
        units: 2,
        inputs: 2,
        weights: [1, 1, 0, -1],
        weightFormat: int(true, 2, 2),
        bias: [2, 2],
        activationFormat: int(true, 3, 0),
      },
    ],
  );
}

const steps = (program: Program) =>
  program.instructions.map((i) => `${i.layer}: ${i.op} ${operandsOf(i).join(", ")} -> ${i.result}`);

describe("a program of three layers", () => {
  const program = lower(threeLayers());

  it("has one requantization and one product for each layer, under names that collide with none of the user's", () => {
    expect(steps(program)).toEqual([
      "flat: reshape image -> flat",
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
      expect(weights.format).toEqual(layer.weightFormat);
      expect(constantNamed(program, instruction.bias!).data).toEqual(layer.bias);
      expect(valueNamed(program, instruction.input).format).toEqual(layer.activationFormat);
      expect(valueNamed(program, layer.node).format.fraction).toBe(
        (layer.weightFormat.fraction as number) + (layer.activationFormat.fraction as number),
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
    const layer = (node: string, from: string): Layer => ({
      ...ALL,
      from,
      entry: ROUNDED,
      node,
      units: 1,
      inputs: 1,
      weights: [1],
      weightFormat: int(true, 2, 0),
      bias: [0],
      activationFormat: int(false, 2, 2),
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
        [layer("fc", "x"), layer("fc.weights", "fc"), layer("fc.bias", "fc.weights")],
      ),
    );
    const { values } = simulate(program, new Map([["x", [128]]]), 1);
    expect([...values.get("fc.bias")!]).toEqual([2]);
    expect(program.outputs).toEqual([{ name: "y", value: "fc.bias", role: "value" }]);
  });
});

describe("what training left out", () => {
  /** Of an image of four pixels and of three units; fc1 keeps two of each, fc2 reads what is there. */
  const program = lower(
    trained(
      [
        { kind: "input", name: "image", shape: [2, 2], stored, origin },
        unary("flatten", "flat", "image", 4),
        dense("fc1", "flat", 3),
        unary("relu", "relu", "fc1", 3),
        dense("fc2", "relu", 2),
      ],
      [{ name: "y", node: "fc2" }],
      [
        {
          node: "fc1",
          units: 2,
          inputs: 2,
          keptUnits: [0, 2],
          from: "flat",
          entry: ROUNDED,
          weights: [1, 2, -1, 1],
          weightFormat: int(true, 3, 0),
          bias: [0, 1],
          activationFormat: int(false, 8, 8),
        },
        {
          node: "fc2",
          units: 2,
          inputs: 2,
          keptUnits: null,
          from: "relu",
          entry: RECTIFIED,
          weights: [1, 0, 1, 1],
          weightFormat: int(true, 2, 1),
          bias: [3, 4],
          activationFormat: int(false, 8, 7),
        },
      ],
      [1, 3],
    ),
  );
  it("is selected once, before the first layer", () => {
    expect(steps(program)).toEqual([
      "flat: reshape image -> flat",
      "fc1: select flat -> fc1.kept",
      "fc1: requantize fc1.kept -> fc1.input",
      "fc1: dense fc1.input -> fc1",
      "fc2: requantize fc1 -> fc2.input",
      "fc2: dense fc2.input -> fc2",
    ]);
    expect(program.instructions[1]).toMatchObject({ op: "select", indices: [1, 3] });
    expect(valueNamed(program, "fc1").shape).toEqual([2]);
  });
  it("and the sums of a regression are values of what is kept", () => {
    expect(program.outputs).toEqual([{ name: "y", value: "fc2", role: "value" }]);
    const { values } = simulate(program, new Map([["image", [99, 10, 99, 20]]]), 1);
    // 10 + 40, -10 + 20 + 1; halved, ties upwards: 25, 6.
    expect([...values.get("fc2")!]).toEqual([28, 35]);
  });
});

describe("activations and batch-norm", () => {
  const two = (between: readonly UnaryNode["kind"][], entry: Entry, format: FrozenFormat): Program => {
    const nodes: Node[] = [
      { kind: "input", name: "x", shape: [2], stored: { signed: true, width: 8, fraction: 0 }, origin },
      dense("fc1", "x", 2),
    ];
    for (const kind of between) nodes.push(unary(kind, kind, nodes.at(-1)!.name, 2));
    nodes.push(dense("fc2", nodes.at(-1)!.name, 1));
    return lower(
      trained(
        nodes,
        [{ name: "y", node: "fc2" }],
        [
          {
            ...ALL,
            node: "fc1",
            units: 2,
            inputs: 2,
            from: "x",
            entry: ROUNDED,
            weights: [1, 0, 0, 1],
            weightFormat: int(true, 2, [2, 3]),
            bias: entry.kind === "threshold" ? null : [0, 0],
            activationFormat: int(true, 8, 0),
          },
          {
            ...ALL,
            node: "fc2",
            units: 1,
            inputs: 2,
            from: nodes.at(-2)!.name,
            entry,
            weights: [1, 0],
            weightFormat: bipolar(0),
            bias: null,
            activationFormat: format,
          },
        ],
      ),
    );
  };
  const enteringOf = (program: Program, x: readonly number[]): number[] => {
    const { values } = simulate(program, new Map([["x", x]]), x.length / 2);
    return Array.from(values.get("fc2.input")!);
  };
  const thresholds = (base: number, levels: number, ...all: readonly number[]): Entry => ({
    kind: "threshold",
    base,
    levels,
    thresholds: all,
  });

  it("become thresholds on sums without a bias", () => {
    const program = two(["batchnorm", "relu"], thresholds(0, 3, -5, 0, 7, 1, 1, 2), int(false, 2, 0));
    expect(steps(program)[2]).toBe("fc2: threshold fc1 -> fc2.input");
    expect(program.constants.map((c) => c.name)).not.toContain("fc1.bias");
    expect(enteringOf(program, [-6, 0, -5, 1, 6, 2, 7, 3])).toEqual([0, 0, 1, 2, 2, 3, 3, 3]);
  });
  it("become signs, which the next layer takes for -1 and 1", () => {
    const program = two(["batchnorm", "sign"], thresholds(0, 1, 3, -2), bipolar(1));
    expect(valueNamed(program, "fc2.input").format).toEqual({ kind: "bipolar", fraction: 1 });
    expect(enteringOf(program, [2, -3, 3, -2])).toEqual([0, 0, 1, 1]);
    const { values } = simulate(program, new Map([["x", [2, -3, 3, -3]]]), 2);
    // Weights 1 and -1.
    expect([...values.get("fc2")!]).toEqual([0, 2]);
  });
  it("start from the least mantissa of a signed format", () => {
    const program = two(["batchnorm", "hardtanh"], thresholds(-2, 3, -1, 0, 1, -2, 0, 2), int(true, 2, 1));
    expect(enteringOf(program, [-2, -2, 0, 1, 1, 2])).toEqual([-2, -1, 0, 0, 1, 1]);
  });
  it("a hardtanh is the saturation of a format within [-1, 1), each channel with its own shift", () => {
    const program = two(["hardtanh"], ROUNDED, int(true, 4, 3));
    // Shifts of -1 and 0.
    expect(enteringOf(program, [3, 3, 4, 8, -5, -9])).toEqual([6, 3, 7, 7, -8, -8]);
    expect(() => two(["hardtanh"], ROUNDED, int(true, 4, 2))).toThrow(/saturation/);
  });
  it("leave a rounding where weights and bias took the batch-norm over", () => {
    const program = two(["batchnorm", "relu"], RECTIFIED, int(false, 2, 0));
    expect(steps(program)[2]).toBe("fc2: requantize fc1 -> fc2.input");
    // A bias of zeros is none.
    expect(program.constants.map((c) => c.name)).not.toContain("fc1.bias");
    // Sums with fractions 2 and 3.
    expect(enteringOf(program, [-6, -9, 5, 12, 6, 20, 30, 99])).toEqual([0, 0, 1, 2, 2, 3, 3, 3]);
  });
  it("are refused where the entry does not compute them", () => {
    expect(() => two(["batchnorm", "sign"], ROUNDED, int(true, 4, 2))).toThrow(/sign before fc2/);
    expect(() => two(["batchnorm", "relu"], ROUNDED, int(true, 4, 2))).toThrow(/entry of fc2/);
    expect(() => two(["sign"], ROUNDED, int(true, 4, 2))).toThrow(/sign before fc2/);
    expect(() => two(["relu"], ROUNDED, int(true, 4, 2))).toThrow(/entry of fc2/);
    expect(() => two([], RECTIFIED, int(true, 4, 2))).toThrow(/entry of fc2/);
  });
});

it("random trained graphs of every kind are legal programs", () => {
  for (let seed = 0; seed < 200; seed++) {
    const graph = randomTrained(seed);
    const program = lower(graph);
    const { inputs, count } = randomSamples(graph, 2, seed);
    expect(simulate(program, new Map([["x", inputs[0]!.mantissas]]), count).values.size).toBe(
      program.values.length,
    );
  }
});
