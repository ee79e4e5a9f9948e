// The rules of a graph. In: a graph that a front end made. Out: what is wrong with it; nothing of a sound one. Users'
// mistakes are found before, at the user's own text: what is found here is a bug of the front end.
import { compilerAssert } from "../support/assert.ts";
import { createDiagnostic } from "../support/diagnostics.ts";
import { type Graph, inputsOf, type Node, type Operator } from "./graph.ts";
import { inferShape, product, type Shape } from "./shapes.ts";

/** One sentence for each rule that the graph breaks. */
export function graphProblems(graph: Graph): string[] {
  const problems: string[] = [];
  const shapes = new Map<string, Shape>();
  const kinds = new Map<string, Node["kind"]>();
  const read = new Set(graph.outputs.map(({ node }) => node));
  for (const node of graph.nodes) {
    const problem = (text: string): void => {
      problems.push(`${JSON.stringify(node.name)} (${node.kind}): ${text}`);
    };
    if (node.name === "") problem("has no name");
    if (shapes.has(node.name)) problem("is a name that is taken");
    const inputs = inputsOf(node);
    for (const name of inputs) {
      read.add(name);
      if (!shapes.has(name)) problem(`reads ${JSON.stringify(name)}, which does not come before it`);
      if (kinds.get(name) === "argmax") problem("reads a class index");
    }
    if (inputs.every((name) => shapes.has(name))) {
      for (const text of shapeProblems(
        node,
        inputs.map((name) => shapes.get(name)!),
      ))
        problem(text);
    }
    shapes.set(node.name, node.shape);
    kinds.set(node.name, node.kind);
  }
  for (const { name } of graph.nodes)
    if (!read.has(name)) problems.push(`nothing reads ${JSON.stringify(name)}`);
  if (!graph.nodes.some((node) => node.kind === "input")) problems.push("there is no input");
  if (graph.outputs.length === 0) problems.push("there is no output");
  const outputs = new Set<string>();
  for (const { name, node } of graph.outputs) {
    if (name === "" || outputs.has(name)) problems.push(`the output name ${JSON.stringify(name)} is taken`);
    outputs.add(name);
    if (!shapes.has(node)) problems.push(`the output ${JSON.stringify(name)} is no node`);
  }
  return problems;
}

function shapeProblems(node: Node, inputs: readonly Shape[]): readonly string[] {
  if (node.kind === "input") {
    const sizes =
      node.shape.length > 0 && node.shape.every((size) => Number.isSafeInteger(size) && size >= 1);
    return sizes && Number.isSafeInteger(product(node.shape))
      ? []
      : [`has the shape ${node.shape.join("x")}`];
  }
  const result = inferShape(node satisfies Operator, inputs);
  if ("problems" in result)
    return result.problems.map(({ code, parameters }) => createDiagnostic(code, parameters as never).message);
  const same = result.shape.join("x") === node.shape.join("x");
  return same ? [] : [`has the shape ${node.shape.join("x")}, but makes ${result.shape.join("x")}`];
}

/** The graph itself. Every front end calls it at its end; a broken rule is an InternalError. */
export function verifiedGraph(graph: Graph): Graph {
  const problems = graphProblems(graph);
  compilerAssert(problems.length === 0, `the graph ${JSON.stringify(graph.name)}: ${problems.join("; ")}`);
  return graph;
}
