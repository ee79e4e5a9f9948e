// Graphs without some operands of their sums.
import { describe, expect, test } from "vitest";
import { withoutOperands } from "../../../graph/branches.ts";
import { inputsOf } from "../../../graph/graph.ts";
import { compileText, modelWith } from "../dsl/model-text.ts";

function graphOf(body: string) {
  const { project, diagnostics } = compileText(modelWith(body));
  if (!project) throw new Error(JSON.stringify(diagnostics));
  return project.graph;
}
describe("a graph without an operand", () => {
  const body = `
  input x: 4 as u8
  a = x -> fc1: dense(4)
  b = x -> fc2: dense(4) -> relu -> fc3: dense(4)
  c = x -> fc4: dense(4)
  j = add(a, b)
  k = add(j, c) -> relu
  output y = k -> fc5: dense(3) -> argmax`;

  test("has neither the sum nor what led to it alone", () => {
    const graph = graphOf(body);
    const [inner] = graph.nodes.filter((n) => n.kind === "add").map((n) => n.name);
    const left = withoutOperands(graph, [{ join: inner!, operand: 1 }]);
    expect(left.nodes.map((n) => n.name)).toEqual(
      graph.nodes.map((n) => n.name).filter((name) => !["fc2", "fc3", "fc2.relu", inner].includes(name)),
    );
    const sum = left.nodes.find((n) => n.kind === "add")!;
    expect(inputsOf(sum)).toEqual(["fc1", "fc4"]);
    expect(withoutOperands(graph, [])).toBe(graph);
  });

  test("has the last operand where sums follow each other", () => {
    const graph = graphOf(body);
    const [, inner, outer] = ["", ...graph.nodes.filter((n) => n.kind === "add").map((n) => n.name)];
    const left = withoutOperands(graph, [
      { join: inner!, operand: 0 },
      { join: outer!, operand: 1 },
    ]);
    expect(left.nodes.some((n) => n.kind === "add")).toBe(false);
    const relu = left.nodes.filter((n) => n.kind === "relu").at(-1)!;
    expect(inputsOf(relu)).toEqual(["fc3"]);
  });
});
