// Networks with convolutions, pools, curves and branches: gradients against numeric differences, and the program's integers
// against those of training.
import { beforeAll, describe, expect, test } from "vitest";
import { compileSource } from "../../../dsl/compile-source.ts";
import type { Graph } from "../../../graph/graph.ts";
import type { TrainedGraph } from "../../../graph/trained-graph.ts";
import { lower } from "../../../lower/lower.ts";
import { simulate } from "../../../sim/simulate.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { createRandom } from "../../../support/random.ts";
import { createSourceFile } from "../../../support/source-file.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { floatPass } from "../../../train/float-model.ts";
import { evaluateFrozen } from "../../../train/frozen.ts";
import { networkOf, outputElements } from "../../../train/network.ts";
import { plainGradients } from "../../../train/noise-phase.ts";
import type { ParameterSet } from "../../../train/optimizers.ts";
import { copyParameters, initialParameters } from "../../../train/parameters.ts";
import { gradientsOf, type LossOf, outputsOf } from "../../../train/passes.ts";
import { train } from "../../../train/train.ts";
import { networkText, projectOf } from "../dsl/model-text.ts";
import {
  chainGraph,
  clouds,
  onePort,
  openWasm,
  request,
  SIGNED,
  type SpecChanges,
  spec,
  tensorsHeld,
} from "./small-data.ts";

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

/** The graph of a model's text; what stands before is called x: an image of 6x5 with 2 channels, or a sequence of as many. */
function graphOf(body: string, shape = body.includes("sequence") ? "30x2" : "6x5x2"): Graph {
  const text = `floor 1\nmodel small {\n  input x: ${shape} as s8\n${body}\n}\n`;
  const { project, diagnostics } = compileSource(createSourceFile("small.floor", `${text}${REST}`), {
    exists: () => true,
  } as never);
  if (!project) throw new Error(JSON.stringify(diagnostics.map((d) => d.message ?? d.code)));
  return project.graph;
}

const REST = `
data {
  train: npy("a.npy", labels: "b.npy")
  test: npy("a.npy", labels: "b.npy")
  validation: 10 samples
}
train { objective: budget(100 kbitops) }
`;

/** Each has every kind of step that its name says, and ends in three classes. */
const MODELS: Readonly<Record<string, string>> = {
  "a convolution with stride and dilation": `
  output y = x -> c: conv(4, kernel: 3x2, stride: 2x1, dilation: 1x2, padding: same) -> relu -> flatten -> d: dense(3) -> argmax`,
  "groups and a depthwise convolution": `
  output y = x -> a: conv(4, kernel: 3x3, groups: 2) -> relu -> b: depthwise(kernel: 2x2) -> relu -> flatten -> d: dense(3) -> argmax`,
  "a transposed convolution": `
  output y = x -> t: conv_transpose(3, kernel: 3x3, stride: 2x2) -> relu -> avgpool(global) -> flatten -> d: dense(3) -> argmax`,
  pools: `
  output y = x -> c: conv(4, kernel: 3x3, padding: same) -> relu -> maxpool(2x2) -> e: conv(5, kernel: 1x1) -> relu -> avgpool(2x2, stride: 1x1) -> flatten -> d: dense(3) -> argmax`,
  "a residual block with batch-norms": `
  s = x -> a: conv(4, kernel: 3x3, padding: same) -> batchnorm -> relu
  l = s -> b: conv(4, kernel: 3x3, padding: same) -> batchnorm
  j = add(l, s) -> relu
  output y = j -> avgpool(global) -> flatten -> d: dense(3) -> argmax`,
  "a gate, a difference and a concat": `
  s = x -> a: conv(4, kernel: 3x3, padding: same) -> relu
  g = s -> avgpool(global) -> b: conv(4, kernel: 1x1) -> sigmoid
  m = multiply(s, g)
  r = subtract(m, s)
  k = concat(r, s)
  output y = k -> c: conv(3, kernel: 3x3) -> relu -> flatten -> d: dense(3) -> argmax`,
  "upsampling, slices, padding and transposition": `
  s = x -> a: conv(4, kernel: 3x3, padding: same) -> relu -> maxpool(2x2)
  u = s -> upsample(2x2)
  p = u -> slice(rows: 1..5, columns: 0..3) -> pad(rows: [1, 0], columns: 1) -> transpose([columns, rows, channels])
  output y = p -> c: conv(3, kernel: 2x2) -> relu -> flatten -> d: dense(3) -> argmax`,
  curves: `
  s = x -> a: conv(4, kernel: 3x3) -> hardswish
  t = s -> b: conv(4, kernel: 1x1) -> tanh
  u = t -> c: conv(4, kernel: 1x1) -> leaky_relu(0.2)
  v = u -> f: conv(4, kernel: 1x1) -> curve("x * sigmoid(1.702 * x)")
  w = v -> g: conv(4, kernel: 1x1) -> curve("1 / (1 + x^2)")
  output y = w -> e: conv(4, kernel: 1x1) -> relu6 -> flatten -> d: dense(3) -> argmax`,
  "a hard gate and a depthwise convolution with several units a channel": `
  s = x -> a: conv(3, kernel: 3x3, padding: [1, 0, 0, 2]) -> relu
  g = s -> avgpool(global) -> b: conv(3, kernel: 1x1) -> hardsigmoid
  output y = multiply(s, g) -> c: depthwise(kernel: 2x2, multiplier: 2) -> relu -> flatten -> d: dense(3) -> argmax`,
  "a sequence": `
  # sequence
  s = x -> a: conv(4, kernel: 5, stride: 2, dilation: 2, padding: same) -> relu -> maxpool(3, stride: 2, padding: 1)
  t = s -> b: conv_transpose(4, kernel: 4, stride: 2, groups: 2) -> relu
  output y = t -> c: conv(5, kernel: 3) -> relu -> avgpool(global) -> flatten -> d: dense(3) -> argmax`,
  "padded pools, a reshape and rows below each other": `
  s = x -> a: conv(4, kernel: 3x3, padding: same) -> relu
  p = s -> maxpool(3x3, stride: 2x2, padding: 1)
  q = s -> avgpool(3x3, stride: 2x2, padding: 1)
  output y = concat(p, q, axis: rows) -> reshape(3x6x4) -> c: conv(4, kernel: 2x2) -> relu -> flatten -> d: dense(3) -> argmax`,
  "means of maps as classes": `
  output y = x -> a: conv(4, kernel: 3x3) -> relu -> b: conv(3, kernel: 1x1) -> avgpool(global) -> flatten -> argmax`,
  "classes of two layers side by side": `
  h = x -> flatten -> a: dense(6) -> relu
  u = h -> b: dense(2)
  v = h -> c: dense(1) -> relu
  output y = concat(u, v) -> argmax`,
  "a convolution of the whole image as classes": `
  output y = x -> a: conv(4, kernel: 3x3) -> relu -> b: conv(3, kernel: 4x3) -> flatten -> argmax`,
};

const ROWS = 6;
const normals = (seed: string, count: number): Float32Array => {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => random.normal());
};

/** Numeric slopes of a loss; NaN where two distances or both sides disagree: a maximum or a clamp changes between them. */
function slopes(parameters: ParameterSet, name: string, lossOf: (p: ParameterSet) => number): number[] {
  const middle = lossOf(parameters);
  return Array.from(parameters[name]!, (_, i) => {
    const at = (d: number): number => {
      const moved = copyParameters(parameters);
      moved[name]![i] = moved[name]![i]! + d;
      return lossOf(moved);
    };
    const sides = (h: number): readonly [number, number] => [(at(h) - middle) / h, (middle - at(-h)) / h];
    const [wide, near] = [sides(2 ** -7), sides(2 ** -9)];
    const slope = (near[0] + near[1]) / 2;
    const agree = (a: number, b: number): boolean => Math.abs(a - b) < 0.05 * Math.abs(a) + 2e-3;
    return agree((wide[0] + wide[1]) / 2, slope) && agree(near[0], near[1]) ? slope : Number.NaN;
  });
}

describe("gradients for every variable", () => {
  test.each(Object.keys(MODELS))("of %s", (name) => {
    const graph = graphOf(MODELS[name]!);
    const network = networkOf(graph);
    const training = spec(graph);
    const parameters = initialParameters(network, 3);
    // Sums of zeros would stand where a ReLU has no slope.
    for (const [variable, values] of Object.entries(parameters))
      if (variable.endsWith("bias")) values.set(normals(variable, values.length).map((x) => 0.2 * x));
    const inputs = normals(name, ROWS * 60);
    const wish = normals("wish", ROWS * outputElements(network)[0]!);
    const lossOf: LossOf = ([outputs], [gradient]) => {
      let total = 0;
      outputs!.forEach((y, i) => {
        total += y * wish[i]!;
        gradient![i] = wish[i]! / ROWS;
      });
      return { total, hits: 0 };
    };
    const passOf = (p: ParameterSet) => floatPass(network, training, copyParameters(p), "batch");
    const result = gradientsOf(tf, { count: ROWS, inputs: [inputs] }, passOf(parameters), lossOf);
    const loss = (p: ParameterSet): number => {
      const [outputs] = outputsOf(tf, ROWS, [inputs], passOf(p));
      return outputs!.reduce((sum, y, i) => sum + y * wish[i]!, 0) / ROWS;
    };
    for (const [variable, found] of Object.entries(plainGradients(result))) {
      const expected = slopes(parameters, variable, loss);
      const compared = [...expected.keys()].filter((i) => !Number.isNaN(expected[i]));
      expect(compared.length, variable).toBeGreaterThan(expected.length * 0.4);
      let [error, size] = [0, 0];
      for (const i of compared) {
        error += (found[i]! - expected[i]!) ** 2;
        size += expected[i]! ** 2;
      }
      expect(Math.sqrt(error / Math.max(size, 1e-4 * compared.length)), variable).toBeLessThan(0.05);
    }
  });
});

/**
 * Trains for a moment and compares the program with training's own evaluation of the integers. `change` alters each of the
 * stored inputs, by its index in a sample.
 */
async function expectExact(
  graph: Graph,
  changes: SpecChanges = {},
  change?: (value: number, index: number) => number,
): Promise<TrainedGraph> {
  const { shape, stored } = networkOf(graph).inputs[0]!.node;
  const elements = shape.reduce((a, b) => a * b, 1);
  const sets = [1, 2].map((seed) => {
    const found = clouds(seed === 1 ? 120 : 40, shape, 3, stored, seed);
    const { inputs: x } = onePort(found);
    if (change) x.set(x.map((v, i) => change(v, i % elements)));
    return found;
  });
  const training: SpecChanges = {
    limits: { bitOperations: 10_000_000 },
    epochs: { float: 1, noise: 1, rounding: 1 },
    weights: { bits: { min: 4, max: 4 } },
    input: { bits: { min: 4, max: 4 } },
    ...changes,
  };
  const asked = request({ graph, samples: sets[0]!, validation: sets[1]!, training });
  const held = tensorsHeld(tf);
  const { trained } = await train(tf, asked);
  expect(tensorsHeld(tf)).toBe(held);
  const test = sets[1]!;
  const program = lower(trained);
  const [found] = evaluateFrozen(tf, trained, test, asked.training.losses).outputs;
  const outputs = found!.sums;
  const simulated = simulate(program, new Map([[program.inputs[0]!, onePort(test).inputs]]), test.count);
  const logits = program.outputs.find((o) => o.role === "logits")!;
  expect(Array.from(simulated.values.get(logits.value)!)).toEqual(Array.from(outputs));
  expect(new Set(outputs).size).toBeGreaterThan(5);
  return trained;
}

describe("the program has the integers of training", () => {
  test.each(Object.keys(MODELS))("of %s", async (name) => {
    await expectExact(graphOf(MODELS[name]!));
  });

  test.each(["pools", "a residual block with batch-norms", "a gate, a difference and a concat"])(
    "of %s, with an alpha for each channel that is looked for",
    async (name) => {
      await expectExact(graphOf(MODELS[name]!), {
        weights: { granularity: { kind: "channel" }, bits: { min: 2, max: 6 } },
        input: { granularity: "channel", bits: { min: 2, max: 6 } },
        limits: { bitOperations: 60_000 },
      });
    },
  );

  test("with one-bit weights, whose batch-norms become thresholds", async () => {
    const bits = { min: 1, max: 1 };
    const narrow = { weights: { bits }, input: { bits: { min: 2, max: 4 } } };
    await expectExact(graphOf(MODELS["a residual block with batch-norms"]!), narrow);
    await expectExact(
      graphOf(`
  output y = x -> a: conv(6, kernel: 3x3) -> batchnorm -> sign -> b: conv(6, kernel: 2x2) -> batchnorm -> sign
    -> flatten -> d: dense(3) -> argmax`),
      { weights: { bits }, input: { bits: { min: 1, max: 8 } } },
    );
  });

  test("without the channels that a small budget takes", async () => {
    const graph = graphOf(MODELS.pools!);
    await expectExact(graph, {
      weights: { bits: { min: 2, max: 8 } },
      input: { bits: { min: 1, max: 8 } },
      limits: { bitOperations: 20_000 },
    });
  });
});

describe("a branch with nothing above its noise", () => {
  const searched: SpecChanges = {
    weights: { bits: { min: 3, max: 4 } },
    input: { bits: { min: 4, max: 4 } },
  };
  /** The second channel of the image says nothing. */
  const oneChannel = (value: number, index: number): number => (index % 2 === 0 ? value : 40);
  const layersOf = ({ layers }: TrainedGraph): string[] => layers.map((layer) => layer.node);

  test("goes with its layers, and its constant moves into the bias of the other one", async () => {
    const graph = graphOf(`
  q = x -> slice(channels: 1..1)
  l = q -> a: conv(4, kernel: 3x3) -> relu -> b: conv(4, kernel: 1x1)
  r = x -> c: conv(4, kernel: 3x3)
  j = add(l, r) -> relu
  output y = j -> flatten -> d: dense(3) -> argmax`);
    const trained = await expectExact(graph, searched, oneChannel);
    expect(layersOf(trained)).toEqual(["c", "d"]);
    expect(trained.removed.map((layer) => layer.node)).toEqual(["a", "b"]);
    for (const layer of trained.removed) expect(layer.bitOperations).toBeGreaterThan(layer.macs);
    expect(lower(trained).instructions.some((i) => i.op === "add")).toBe(false);
    // Where no part of it may be pruned, it stays.
    const kept = await expectExact(graph, { ...searched, prune: false }, oneChannel);
    expect(layersOf(kept)).toEqual(["a", "b", "c", "d"]);
    expect(kept.removed).toEqual([]);
  });

  test("goes from what it was subtracted from, but not what it is subtracted from", async () => {
    const graph = (operands: string) =>
      graphOf(`
  q = x -> slice(channels: 1..1)
  l = q -> b: conv(4, kernel: 3x3)
  r = x -> c: conv(4, kernel: 3x3)
  j = subtract(${operands})
  output y = j -> flatten -> d: dense(3) -> argmax`);
    expect(layersOf(await expectExact(graph("r, l"), searched, oneChannel))).toEqual(["c", "d"]);
    expect(layersOf(await expectExact(graph("l, r"), searched, oneChannel))).toEqual(["b", "c", "d"]);
  });

  test("stays where it carries something", async () => {
    const trained = await expectExact(graphOf(MODELS["a residual block with batch-norms"]!), searched);
    expect(layersOf(trained)).toEqual(["a", "b", "d"]);
  });
});

describe("what cannot be trained is refused by name", () => {
  const refused = (graph: Graph): string => {
    try {
      networkOf(graph);
    } catch (error) {
      if (error instanceof DiagnosticError) return error.diagnostics.map((d) => d.message).join();
      throw error;
    }
    return "";
  };

  test("outputs that have no integers of their own", () => {
    expect(refused(chainGraph([4], SIGNED, [3, "batchnorm"]))).toContain("a batchnorm before an output");
    expect(refused(chainGraph([4], SIGNED, [3, "sign"]))).toContain("signs as an output");
  });

  test("an output that something else reads", () => {
    const { graph } = projectOf(
      networkText(`
  input x: 6 as u8
  h = x -> a: dense(4)
  output y = h
  output z = h -> relu -> e: dense(3) -> argmax`),
    );
    expect(refused(graph)).toContain("an output that something else reads too");
  });

  test("an average of signs", () => {
    const graph = graphOf(
      "  output y = x -> c: conv(4, kernel: 3x3) -> relu -> avgpool(2x2) -> flatten -> d: dense(3) -> argmax",
    );
    const nodes = graph.nodes.map((node) =>
      node.kind === "relu" ? { ...node, kind: "sign" as const } : node,
    );
    expect(refused({ ...graph, nodes })).toContain("average of signs");
  });
});
