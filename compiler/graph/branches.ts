// Graphs without a branch. In: a graph and operands of sums or differences that add nothing. Out: the graph without these
// sums, and without what nothing reads any more.
import { type Graph, inputsOf, type Node } from "./graph.ts";

/** An operand of an `add`, or the second one of a `subtract`, by the name of that node. */
export interface JoinOperand {
  readonly join: string;
  readonly operand: 0 | 1;
}

/** Every reader of these joins reads the other operand instead, which has the join's shape. */
export function withoutOperands(graph: Graph, dropped: readonly JoinOperand[]): Graph {
  if (dropped.length === 0) return graph;
  const instead = new Map<string, string>();
  /** What stands for a node now: joins may follow each other. */
  const standsFor = (name: string): string => {
    const found = instead.get(name);
    return found === undefined ? name : standsFor(found);
  };
  for (const { join, operand } of dropped) {
    const node = graph.nodes.find((n) => n.name === join)!;
    instead.set(join, inputsOf(node)[1 - operand]!);
  }
  const outputs = graph.outputs.map((output) => ({ ...output, node: standsFor(output.node) }));
  const read = new Set(outputs.map((output) => output.node));
  const nodes: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (instead.has(node.name) || (node.kind !== "input" && !read.has(node.name))) continue;
    for (const name of inputsOf(node)) read.add(standsFor(name));
    nodes.unshift(withInputs(node, standsFor));
  }
  return { ...graph, nodes, outputs };
}

function withInputs(node: Node, rename: (name: string) => string): Node {
  if (node.kind === "input") return node;
  if ("inputs" in node) return { ...node, inputs: node.inputs.map(rename) } as Node;
  return { ...node, input: rename(node.input) };
}
