// The model files of examples/: all of them compile, their graphs hold the shape rules, and they are as large as their
// texts say.
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Graph, Node } from "../../../graph/graph.ts";
import { product, spatialOf, weightsPerUnit } from "../../../graph/shapes.ts";
import { graphProblems } from "../../../graph/verify.ts";
import { compileText } from "./model-text.ts";

const root = new URL("../../../../", import.meta.url);
const examples = readdirSync(new URL("examples/", root), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".floor"))
  .map((path) => `examples/${path.replaceAll("\\", "/")}`);

test.each(examples)("%s compiles", (path) => {
  const { project, diagnostics } = compileText(readFileSync(new URL(path, root), "utf8"));
  expect(diagnostics).toEqual([]);
  expect(graphProblems(project!.graph)).toEqual([]);
});

/** Multiplications of one inference, and weights, by layer. */
function costsOf({ nodes }: Graph): { readonly macs: number; readonly weights: number }[] {
  const shapes = new Map(nodes.map(({ name, shape }) => [name, shape]));
  return nodes.flatMap((node: Node) => {
    if (node.kind !== "dense" && node.kind !== "conv") return [];
    const from = shapes.get(node.input)!;
    const perUnit = node.kind === "dense" ? product(from) : weightsPerUnit(node, from.at(-1)!);
    const weights = perUnit * node.units;
    return [{ weights, macs: weights * product(spatialOf(node.shape)) }];
  });
}

test.each([
  ["lenet/lenet", 416_520, 61_470],
  ["resnet8/resnet8", 645_216, 19_464],
  ["dscnn/dscnn", 533_208, 8_328],
  ["unet/unet", 1_447_936, 5_890],
  ["conv1d/conv1d", 128_192, 12_944],
])("examples/%s has %i multiplications and %i weights", (name, macs, weights) => {
  const { project } = compileText(readFileSync(new URL(`examples/${name}.floor`, root), "utf8"));
  const costs = costsOf(project!.graph);
  expect(costs.reduce((sum, cost) => sum + cost.macs, 0)).toBe(macs);
  expect(costs.reduce((sum, cost) => sum + cost.weights, 0)).toBe(weights);
  const { objective } = project!.training;
  if (objective.kind !== "budget") return;
  // About four bits on either side of a multiplication.
  expect(Math.abs(objective.limits.bitOperations! / (16 * macs) - 1)).toBeLessThan(0.05);
});

test("examples/unet has a class at each pixel of its image", () => {
  const { project } = compileText(readFileSync(new URL("examples/unet/unet.floor", root), "utf8"));
  const { nodes, outputs } = project!.graph;
  const shapeOf = (name: string) => nodes.find((n) => n.name === name)!.shape;
  expect(shapeOf(outputs[0]!.node)).toEqual([32, 32, 1]);
  expect(shapeOf("classes")).toEqual([32, 32, 4]);
  expect(project!.training.augment.flip).toBe("horizontal");
});

test("examples/mnist is the network that its figures are compared with", () => {
  const { project } = compileText(readFileSync(new URL("examples/mnist/mnist.floor", root), "utf8"));
  expect(project?.graph.nodes.flatMap((n) => (n.kind === "dense" ? [n.units] : []))).toEqual([
    64, 64, 64, 10,
  ]);
  expect(project?.training.objective).toEqual({ kind: "budget", limits: { bitOperations: 210_000 } });
  expect(project?.hardware.intervalCycles).toBe(784);
});

test.each([
  ["mnist/binary", [64, 64, 64, 10], { bitOperations: 118_016, weightBits: 60_000 }, 2],
  ["mnist/binary-59k", [64, 64, 64, 10], { bitOperations: 59_008 }, 1],
])(
  "examples/%s has one-bit weights, and its limits are reached by its widths",
  (name, units, limits, bits) => {
    const { project } = compileText(readFileSync(new URL(`examples/${name}.floor`, root), "utf8"));
    const { graph, training } = project!;
    const dense = graph.nodes.flatMap((n) => (n.kind === "dense" ? [n] : []));
    expect(dense.map((n) => n.units)).toEqual(units);
    expect(training.objective).toEqual({ kind: "budget", limits });
    for (const { weights, input } of Object.values(training.layers)) {
      expect(weights.bits).toEqual({ min: 1, max: 1 });
      expect(input.bits).toEqual({ min: bits, max: bits });
    }
    const sizes = [784, ...units];
    const multiplications = units.reduce((sum, n, i) => sum + n * sizes[i]!, 0);
    expect(multiplications * bits).toBe(limits.bitOperations);
  },
);

test("examples/autoencoder has the shape that its text names", () => {
  const { project } = compileText(
    readFileSync(new URL("examples/autoencoder/autoencoder.floor", root), "utf8"),
  );
  const units = project?.graph.nodes.flatMap((n) => (n.kind === "dense" ? [n.units] : []));
  expect(units).toEqual([128, 128, 128, 128, 8, 128, 128, 128, 128, 640]);
});
