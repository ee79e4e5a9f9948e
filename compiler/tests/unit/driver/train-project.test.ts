// The driver's training step: the test split reaches scores only, never the trainer.
import { describe, expect, it } from "vitest";
import { makeSampleCsv } from "../../../data/sample-data.ts";
import { identityDifferences, identityOf, loadProjectData } from "../../../driver/project-data.ts";
import { trainProject } from "../../../driver/train-project.ts";
import { compileSource } from "../../../dsl/compile-source.ts";
import { createSourceFile } from "../../../support/source-file.ts";
import { encodeUtf8 } from "../../../support/text.ts";
import { openTensorFlow } from "../../../tools/tensorflow.ts";

const TEXT = `floor 1
data {
  train: csv("train.csv", label: "condition")
  test: csv("test.csv", label: "condition")
  validation: 100 samples
}
model tiny {
  input sensors: 4 as u8
  output state = sensors -> fc1: dense(6) -> relu -> fc2: dense(3) -> argmax
}
train { objective: budget(600 bitops), float: 1, noise: 2, rounding: 1, batch: 64, seed: 3 }
`;

function project(text = TEXT) {
  const { project, diagnostics } = compileSource(createSourceFile("tiny.floor", text), {
    exists: () => "found",
  });
  expect(diagnostics).toEqual([]);
  return project!;
}

const csv = makeSampleCsv(1);

function dataWithTest(test: string) {
  const files: Record<string, string> = { "train.csv": csv.train, "test.csv": test };
  return loadProjectData(project(), { read: (path) => encodeUtf8(files[path]!) });
}

async function run(test: string) {
  const { tf } = await openTensorFlow({ projectFolder: process.cwd() });
  return trainProject({
    tf,
    backend: "wasm",
    project: project(),
    data: dataWithTest(test),
    identity: {},
    events: { log: () => {}, progress: () => {}, checkpoint: () => {} },
    stop: { stopped: false },
    yieldToHost: async () => {},
    now: () => 0,
  });
}

describe("trainProject", () => {
  it("trains the same network whatever the test split is", async () => {
    const [head, ...rows] = csv.test.trimEnd().split("\n");
    const relabelled = rows.map((row) => row.replace(/[a-z]+$/, "worn"));
    const first = await run(csv.test);
    const second = await run([head, ...relabelled].join("\n"));
    expect(second.files.get("train/trained.json")).toBe(first.files.get("train/trained.json"));
    expect(second.result.quantized.accuracy).not.toBe(first.result.quantized.accuracy);
  });
});

describe("identityOf", () => {
  it("names what changed, and ignores the hardware", () => {
    const digest = dataWithTest(csv.test).digest;
    const base = identityOf(project(), digest, "wasm");
    const changed = (from: string, to: string) =>
      identityDifferences(base, identityOf(project(TEXT.replace(from, to)), digest, "wasm"));
    expect(changed("noise: 2", "noise: 3")).toEqual(["training settings"]);
    expect(changed("seed: 3", "seed: 4")).toEqual(["seed"]);
    expect(changed("dense(6)", "dense(7)")).toEqual(["network"]);
    expect(changed("train {", "hardware { interval: 99 cycles }\ntrain {")).toEqual([]);
    expect(identityDifferences(base, identityOf(project(), dataWithTest(csv.train).digest, "wasm"))).toEqual([
      "data",
    ]);
  });
});
