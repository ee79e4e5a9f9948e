// The driver's training step: the test split reaches scores only, never the trainer.
import { describe, expect, it } from "vitest";
import { decodeNpy } from "../../../data/npy.ts";
import { makeSampleCsv } from "../../../data/sample-data.ts";
import { identityDifferences, identityOf, loadProjectData } from "../../../driver/project-data.ts";
import { trainProject } from "../../../driver/train-project.ts";
import { compileSource } from "../../../dsl/compile-source.ts";
import type { TrainedGraph } from "../../../graph/trained-graph.ts";
import { trainResultSchema } from "../../../report/results.ts";
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

function dataWithTest(test: string, text = TEXT) {
  const files: Record<string, string> = { "train.csv": csv.train, "test.csv": test };
  return loadProjectData(project(text), { read: (path) => encodeUtf8(files[path]!) });
}

async function run(test: string, text = TEXT) {
  const { tf } = await openTensorFlow({ projectFolder: process.cwd() });
  return trainProject({
    tf,
    backend: "wasm",
    project: project(text),
    data: dataWithTest(test, text),
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

describe("a network without classes", () => {
  const decode = (files: ReadonlyMap<string, string | Uint8Array>, path: string) =>
    decodeNpy(files.get(path) as Uint8Array, { path });
  /** Mean square of outputs of one fraction against targets. */
  const squares = (outputs: ArrayLike<number>, fraction: number, targets: ArrayLike<number>): number => {
    let sum = 0;
    for (let i = 0; i < targets.length; i++) sum += (outputs[i]! * 2 ** -fraction - targets[i]!) ** 2;
    return sum / targets.length;
  };
  const lastFraction = ({ layers }: TrainedGraph): number => {
    const { weightFormat, activationFormat } = layers.at(-1)!;
    return (weightFormat.fraction as number) + (activationFormat.fraction as number);
  };

  it("leaves the targets of a regression and scores by its loss", async () => {
    const text = TEXT.replace('csv("train.csv", label: "condition")', 'csv("train.csv", targets: ["speed"])')
      .replace('csv("test.csv", label: "condition")', 'csv("test.csv", targets: ["speed"])')
      .replace("sensors: 4", "sensors: 3")
      .replace("dense(3) -> argmax", "dense(1)")
      .replace("budget(600 bitops)", "budget(900 bitops), loss: mse");
    const withoutClass = (all: string): string => all.replace(/,[^,\n]*$/gm, "");
    const files: Record<string, string> = {
      "train.csv": withoutClass(csv.train),
      "test.csv": withoutClass(csv.test),
    };
    const { tf } = await openTensorFlow({ projectFolder: process.cwd() });
    const data = loadProjectData(project(text), { read: (path) => encodeUtf8(files[path]!) });
    const trained = await trainProject({
      tf,
      backend: "wasm",
      project: project(text),
      data,
      identity: {},
      events: { log: () => {}, progress: () => {}, checkpoint: () => {} },
      stop: { stopped: false },
      yieldToHost: async () => {},
      now: () => 0,
    });
    const { result } = trained;
    expect(result.float.accuracy).toBeNull();
    expect(trained.files.has("train/test-labels.npy")).toBe(false);
    const targets = decode(trained.files, "train/test-targets.npy").data;
    expect(targets).toEqual(data.test.answers[0]!.values);
    const outputs = decode(trained.files, "train/test-outputs.npy").data as Float64Array;
    expect(result.quantized).toEqual({
      accuracy: null,
      loss: expect.closeTo(squares(outputs, lastFraction(trained.trained), targets as Float32Array), 9),
    });
    expect(result.outcome.limits[0]).toMatchObject({ limit: "bitOperations", asked: 900 });
    expect(trainResultSchema.parse(result)).toEqual(result);
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
    const luts = TEXT.replace("budget(600 bitops)", "budget(luts: 900 luts)");
    const interval = (cycles: number) =>
      identityOf(project(`${luts}hardware { interval: ${cycles} cycles }\n`), digest, "wasm");
    expect(identityDifferences(interval(20), interval(30))).toEqual(["interval"]);
    expect(changed("train {", "hardware { interval: 99 cycles }\ntrain {")).toEqual([]);
    expect(identityDifferences(base, identityOf(project(), dataWithTest(csv.train).digest, "wasm"))).toEqual([
      "data",
    ]);
  });
});
