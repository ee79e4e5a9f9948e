// Graphs that were saved are read as they were: those of all examples, and formulas of every function and operator.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readSavedGraph } from "../../../graph/read-trained.ts";
import { compileText } from "../dsl/model-text.ts";

const examples = new URL("../../../../examples/", import.meta.url);
const EXAMPLES = readdirSync(examples).flatMap((folder) =>
  folder.includes(".")
    ? []
    : readdirSync(new URL(`${folder}/`, examples))
        .filter((file) => file.endsWith(".floor"))
        .map((file) => `${folder}/${file}`),
);

const FORMULAS = [
  "1 / (1 + x^2) - 2 * x",
  "min(x, 1) + max(x, -1) * abs(x)",
  "exp(-sqrt(x^2 + 1)) + log(x^2 + 2)",
  "sin(x) + cos(x) + tanh(x) + sigmoid(x) + softplus(x)",
];

function curveModel(formula: string): string {
  return readFileSync(new URL("regression/regression.floor", examples), "utf8").replace(
    "-> relu",
    `-> curve("${formula}")`,
  );
}

/** As a file brings it back. */
function readBack(text: string): void {
  const { project } = compileText(text);
  const saved = { graph: project!.graph, layers: [], digest: "0" };
  expect(readSavedGraph(JSON.parse(JSON.stringify(saved)))).toEqual({ data: saved });
}

describe("a saved graph", () => {
  it.each(EXAMPLES)("of examples/%s is read as it was", (file) => {
    readBack(readFileSync(new URL(file, examples), "utf8"));
  });

  it.each(FORMULAS)("with the formula %s is read as it was", (formula) => {
    const text = curveModel(formula);
    expect(text).toContain("curve(");
    readBack(text);
  });

  it("with a formula of a wrong number of arguments is refused", () => {
    const { graph } = compileText(curveModel("x * 2")).project!;
    const text = JSON.stringify({ graph, layers: [], digest: "0" });
    const spoiled = text.replace('"args":[{"kind":"x"},', '"args":[');
    expect(spoiled).not.toBe(text);
    expect(readSavedGraph(JSON.parse(spoiled))).toMatchObject({
      problem: expect.stringContaining("formula"),
    });
  });
});
