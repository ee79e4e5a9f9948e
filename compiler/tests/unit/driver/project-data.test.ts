// What the loss of a project asks of its data, on the models of the examples.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadProjectData, portTargetsOf } from "../../../driver/project-data.ts";
import { compileSource } from "../../../dsl/compile-source.ts";
import type { DataSpec, Project } from "../../../graph/project.ts";
import type { SampleSet } from "../../../graph/samples.ts";
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

  it("takes test and validation samples out of one file, a part or a count, each sample once", () => {
    const whole = load((text) => text);
    const all = whole.training.count + whole.validation.count;
    const { train } = project.data as DataSpec;
    const split = loadProjectData(
      { ...project, data: { train, test: { share: 0.2 }, validation: 100 } },
      { read: (path) => encodeUtf8(textOf(path)) },
    );
    const counts = [split.training, split.validation, split.test].map((set) => set.count);
    expect(counts).toEqual([all - 400 - 100, 100, 400]);
    const rowsOf = ({ count, inputs, answers }: SampleSet): string[] => {
      const [{ mantissas }, { values }] = [inputs[0]!, answers[0]!];
      const [size, outputs] = [mantissas.length / count, values!.length / count];
      return Array.from({ length: count }, (_, i) => {
        const row = mantissas.subarray(i * size, (i + 1) * size);
        return `${row} ${values!.subarray(i * outputs, (i + 1) * outputs)}`;
      });
    };
    const sorted = (...sets: SampleSet[]): string[] => sets.flatMap(rowsOf).sort();
    expect(sorted(split.training, split.validation, split.test)).toEqual(
      sorted(whole.training, whole.validation),
    );
  });

  it("makes stored integers of a range where there are none, other ones for each purpose and seed", () => {
    const made = { ...project, data: { made: [{ least: 3, greatest: 17 }] } };
    const withoutTargets = { ...made, training: { ...made.training, target: "float" as const } };
    const never = { read: () => undefined };
    const { training, validation, test, digest } = loadProjectData(withoutTargets, never);
    expect([training.count, validation.count, test.count]).toEqual([1000, 250, 250]);
    for (const { inputs } of [training, validation, test]) {
      const { mantissas } = inputs[0]!;
      expect([Math.min(...mantissas), Math.max(...mantissas)]).toEqual([3, 17]);
    }
    expect(test.inputs).not.toEqual(validation.inputs);
    expect(loadProjectData(withoutTargets, never).digest).toBe(digest);
    const other = { ...withoutTargets, training: { ...withoutTargets.training, seed: 99 } };
    expect(loadProjectData(other, never).digest).not.toBe(digest);
  });
});
