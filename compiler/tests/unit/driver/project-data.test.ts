// What the loss of a project asks of its data, on the models of the examples.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadProjectData, portTargetsOf } from "../../../driver/project-data.ts";
import { compileSource } from "../../../dsl/compile-source.ts";
import type { Project } from "../../../graph/project.ts";
import { createSourceFile } from "../../../support/source-file.ts";
import { encodeUtf8 } from "../../../support/text.ts";

const examples = new URL("../../../../examples/", import.meta.url);

function projectOf(path: string): Project {
  const source = createSourceFile(path, readFileSync(new URL(path, examples), "utf8"));
  const { project, diagnostics } = compileSource(source, { exists: () => "found" });
  expect(diagnostics).toEqual([]);
  return project!;
}

describe("portTargetsOf", () => {
  it("asks for the labels of as many classes as there are logits", () => {
    for (const path of ["mnist/mnist.floor", "fashion-mnist/lossless.floor"])
      expect(portTargetsOf(projectOf(path))).toEqual({
        inputs: [{ name: "image", shape: [28, 28, 1], stored: { signed: false, width: 8, fraction: 8 } }],
        outputs: [{ name: expect.any(String), compared: { kind: "classes", count: 10 } }],
      });
  });

  it("asks for a real value for each output of a regression", () => {
    const { outputs } = portTargetsOf(projectOf("regression/regression.floor"));
    expect(outputs.map(({ compared }) => compared)).toEqual([{ kind: "values", count: 2 }]);
  });

  it("asks for nothing beside the input that a network reproduces", () => {
    const { outputs } = portTargetsOf(projectOf("autoencoder/autoencoder.floor"));
    expect(outputs.map(({ compared }) => compared)).toEqual([{ kind: "input" }]);
  });
});

describe("loadProjectData", () => {
  const project = projectOf("regression/regression.floor");
  const textOf = (path: string) => readFileSync(new URL(`regression/${path}`, examples), "utf8");
  const load = (edit: (text: string) => string) =>
    loadProjectData(project, { read: (path) => encodeUtf8(edit(textOf(path))) });

  it("reads a regression and holds back validation samples with their targets", () => {
    const { training, validation, test, warnings } = load((text) => text);
    expect([training.count, validation.count, test.count]).toEqual([1700, 300, 500]);
    for (const set of [training, validation, test]) {
      const [{ labels, values } = { labels: null, values: null }] = set.answers;
      expect(values).toHaveLength(2 * set.count);
      expect(labels).toHaveLength(0);
    }
    expect(warnings).toEqual([]);
  });

  it("gives another digest when nothing but a target changes", () => {
    const { digest } = load((text) => text);
    expect(load((text) => text).digest).toBe(digest);
    expect(load((text) => text.replace(/\d\n$/, (end) => (end === "1\n" ? "2\n" : "1\n"))).digest).not.toBe(
      digest,
    );
  });
});
