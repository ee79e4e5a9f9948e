// The verifier of graphs: a sound graph passes, and each rule that is broken is named.
import { expect, test } from "vitest";
import { type Graph, inputsOf, type Node } from "../../../graph/graph.ts";
import { graphProblems, verifiedGraph } from "../../../graph/verify.ts";
import { InternalError } from "../../../support/assert.ts";

const origin = { file: "test.floor", line: 1, column: 1 };
const stored = { signed: false, width: 8, fraction: 8 };
const x: Node = { kind: "input", name: "x", shape: [4], stored, origin };
const a: Node = { kind: "dense", name: "a", shape: [3], units: 3, input: "x", origin };
const sum: Node = { kind: "add", name: "sum", shape: [3], inputs: ["a", "a"], origin };
const graph = (nodes: readonly Node[], ...outputs: readonly string[]): Graph => ({
  name: "g",
  nodes,
  outputs: outputs.map((node) => ({ name: `out.${node}`, node })),
});

test("a sound graph is given back", () => {
  const sound = graph([x, a, sum], "sum", "a");
  expect(graphProblems(sound)).toEqual([]);
  expect(verifiedGraph(sound)).toBe(sound);
  expect(sound.nodes.map(inputsOf)).toEqual([[], ["x"], ["a", "a"]]);
});

test.each<[RegExp, Graph]>([
  [/"a" \(dense\): reads "x", which does not come before it/, graph([a, x], "a", "x")],
  [/"a" \(dense\): is a name that is taken/, graph([x, a, a], "a")],
  [/has no name/, graph([x, { ...a, name: "" }], "")],
  [/has the shape 4, but makes 3/, graph([x, { ...a, shape: [4] }], "a")],
  [/add takes two values of one shape/, graph([x, a, { ...sum, inputs: ["x", "a"] } as Node], "sum")],
  [/nothing reads "a"/, graph([x, a], "x")],
  [/there is no input/, graph([])],
  [/there is no output/, graph([x])],
  [/the output "out.b" is no node/, graph([x, a], "a", "b")],
  [/the output name "out.a" is taken/, graph([x, a], "a", "a")],
  [/has the shape 0/, graph([{ ...x, shape: [0] }], "x")],
  [
    /reads a class index/,
    graph(
      [
        x,
        { kind: "argmax", name: "i", shape: [1], input: "x", origin },
        { kind: "relu", name: "r", shape: [1], input: "i", origin },
      ],
      "r",
    ),
  ],
])("%s", (problem, broken) => {
  expect(graphProblems(broken).join("; ")).toMatch(problem);
  expect(() => verifiedGraph(broken)).toThrow(InternalError);
});
