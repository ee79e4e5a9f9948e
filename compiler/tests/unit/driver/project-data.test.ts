// What the loss of a project asks of its data, on the models of the examples.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadProjectData, sampleTargetOf } from "../../../driver/project-data.ts";
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

describe("sampleTargetOf", () => {
  it("asks for the labels of as many classes as there are logits", () => {
    for (const path of ["mnist/mnist.floor", "fashion-mnist/lossless.floor"])
      expect(sampleTargetOf(projectOf(path))).toEqual({
        shape: [28, 28, 1],
        stored: { signed: false, width: 8, fraction: 8 },
        outputs: { kind: "classes", count: 10 },
      });
  });

  it("asks for a real value for each output of a regression", () => {
    expect(sampleTargetOf(projectOf("regression/regression.floor")).outputs).toEqual({
      kind: "values",
      count: 2,
    });
  });

  it("asks for nothing beside the input that a network reproduces", () => {
    expect(sampleTargetOf(projectOf("autoencoder/autoencoder.floor")).outputs).toEqual({ kind: "input" });
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
      expect(set.targets).toHaveLength(2 * set.count);
      expect(set.labels).toHaveLength(0);
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
