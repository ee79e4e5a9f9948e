// What of a graph is trained: a chain of dense layers, each with the kind of signal that enters it. In: a graph.
// Out: the chain, or a diagnostic for every node that does not fit one.
import type { Graph, InputNode, Node } from "../graph/graph.ts";
import { createCollector } from "../support/diagnostics.ts";

/** A dense layer of the chain together with the tensor that enters it, which gets a quantizer of its own. */
export interface ChainLayer {
  readonly node: string;
  readonly inputs: number;
  readonly units: number;
  /** Whether the entering tensor may be negative: no ReLU since the last layer or since a signed input. */
  readonly signed: boolean;
  /** Whether a ReLU cuts the entering tensor; its quantizer does so anyway. */
  readonly rectified: boolean;
}

export interface Chain {
  readonly input: InputNode;
  readonly elements: number;
  readonly layers: readonly ChainLayer[];
  /** Units of the last layer. */
  readonly classes: number;
}

/** Multiplications of one inference in a layer. */
export function macsOf(layer: ChainLayer): number {
  return layer.inputs * layer.units;
}

/** The chain of a graph. Throws `train/unsupported` for every node that is in the way of one. */
export function chainOf(graph: Graph): Chain {
  const problems = createCollector();
  const refuse = (node: Node, feature: string): void =>
    problems.add(
      "train/unsupported",
      { node: node.name, feature, ...node.origin },
      { file: node.origin.file },
    );

  let input: InputNode | undefined;
  let last: Node | undefined;
  let signed = false;
  let rectified = false;
  let ended = false;
  const layers: ChainLayer[] = [];
  let lastDense: Node | undefined;
  let reluSinceDense = false;
  for (const node of graph.nodes) {
    if (node.kind === "input") {
      if (input) refuse(node, "more than one input");
      input ??= node;
      last = node;
      signed = node.stored.signed;
      continue;
    }
    if (node.input !== last?.name) refuse(node, "a value that is used twice, or a branch");
    if (ended) refuse(node, "a layer after argmax");
    switch (node.kind) {
      case "dense": {
        const before = graph.nodes.find((n) => n.name === node.input);
        const shape = before?.shape ?? [];
        if (shape.length !== 1) refuse(node, `dense on a ${shape.join("x")} tensor; flatten it first`);
        layers.push({ node: node.name, inputs: shape[0] ?? 1, units: node.units, signed, rectified });
        signed = true;
        rectified = false;
        lastDense = node;
        reluSinceDense = false;
        break;
      }
      case "relu":
        signed = false;
        rectified = true;
        reluSinceDense = true;
        break;
      case "argmax":
        ended = true;
        break;
      case "flatten":
        break;
    }
    last = node;
  }
  if (lastDense && reluSinceDense) refuse(lastDense, "relu after the last dense layer");
  const place = graph.nodes[0];
  if (!input || !lastDense) {
    problems.add("train/nothing-to-train", { model: graph.name }, place ? { file: place.origin.file } : {});
  }
  for (const output of graph.outputs) {
    const at = graph.nodes.findIndex((n) => n.name === output.node);
    const from = lastDense ? graph.nodes.indexOf(lastDense) : -1;
    const node = graph.nodes[at];
    if (node && at < from) refuse(node, "an output before the last dense layer");
  }
  problems.throwIfErrors();
  return {
    input: input!,
    elements: input!.shape.reduce((a, b) => a * b, 1),
    layers,
    classes: layers.at(-1)!.units,
  };
}
