import { zipSync } from "fflate/browser";
import { describe, expect, it } from "vitest";
import { readInputArray } from "../../../data/inputs.ts";
import { loadDataSet, loadSamples } from "../../../data/load.ts";
import { encodeNpy } from "../../../data/npy.ts";
import { sampleSetOf, splitValidation } from "../../../data/select-samples.ts";
import type { DataFile } from "../../../graph/project.ts";
import type { SampleSet } from "../../../graph/samples.ts";
import { createSourceFile } from "../../../support/source-file.ts";
import { encodeUtf8 } from "../../../support/text.ts";
import { codesOf, diagnosticsOf, messagesOf } from "./diagnostics-of.ts";

const text = createSourceFile("m.floor", "train: npy(...)");
const span = { file: text, start: 0, end: 5 };
const u8 = { signed: false, width: 8, fraction: 8 };

function readerOf(files: Readonly<Record<string, Uint8Array | string>>) {
  return {
    read: (path: string) => {
      const content = files[path];
      return typeof content === "string" ? encodeUtf8(content) : content;
    },
  };
}

const npy = (path: string, labels?: string): DataFile => ({
  format: "npy",
  path,
  span,
  ...(labels === undefined ? {} : { labels }),
});
const csv = (path: string): DataFile => ({ format: "csv", path, labelKey: "class", span });
const flat = (elements: number, classes = 2) => ({
  shape: [elements],
  stored: u8,
  outputs: { kind: "classes", count: classes } as const,
});

describe("loadSamples", () => {
  const labels = encodeNpy([2], "int64", [1, 0]);

  it("copies integers as they are", () => {
    const files = readerOf({ x: encodeNpy([2, 3], "uint8", [0, 1, 2, 253, 254, 255]), y: labels });
    const set = loadSamples(npy("x", "y"), flat(3), files);
    expect(set).toMatchObject({ count: 2, shape: [3], stored: u8, numbers: "stored" });
    expect(set.inputs).toEqual(Uint8Array.of(0, 1, 2, 253, 254, 255));
    expect(set.labels).toEqual(Int32Array.of(1, 0));
  });

  it("quantizes floats by floor(x * 2^F + 1/2) with saturation", () => {
    const values = [0, 0.5 / 256, 0.49 / 256, 0.999, 2, -1];
    const files = readerOf({ x: encodeNpy([2, 3], "float64", values), y: labels });
    const set = loadSamples(npy("x", "y"), flat(3), files);
    expect([...set.inputs]).toEqual([0, 1, 0, 255, 255, 0]);
    const signed = {
      shape: [3],
      stored: { signed: true, width: 10, fraction: 2 },
      outputs: { kind: "classes", count: 2 } as const,
    };
    const other = loadSamples(npy("x", "y"), signed, files);
    expect(other.inputs).toEqual(Int16Array.of(0, 0, 0, 4, 8, -4));
  });

  it("picks the array by width and sign", () => {
    const files = readerOf({ x: encodeNpy([2, 1], "int8", [1, 2]), y: labels });
    const stored = (width: number, signed: boolean) =>
      loadSamples(
        npy("x", "y"),
        {
          shape: [1],
          stored: { width, signed, fraction: 0 },
          outputs: { kind: "classes", count: 2 } as const,
        },
        files,
      ).inputs;
    expect(stored(8, true)).toBeInstanceOf(Int8Array);
    expect(stored(9, false)).toBeInstanceOf(Uint16Array);
    expect(stored(16, true)).toBeInstanceOf(Int16Array);
  });

  it("checks integers against the stored type and names the element", () => {
    const x = encodeNpy([2, 2, 2], "int16", [0, 1, 2, 16, 4, 5, -1, 7]);
    const target = {
      shape: [2, 2],
      stored: { signed: false, width: 4, fraction: 0 },
      outputs: { kind: "classes", count: 2 } as const,
    };
    const run = () => loadSamples(npy("x", "y"), target, readerOf({ x, y: labels }));
    expect(messagesOf(run)).toBe(
      "x, sample 0, element [1, 1]: 16 is outside u4, which holds 0 to 15\n" +
        "x, sample 1, element [1, 0]: -1 is outside u4, which holds 0 to 15",
    );
    expect(diagnosticsOf(run)[0]!.span).toBe(span);
  });

  it("refuses NaN and infinities with their place", () => {
    const x = encodeNpy([2, 2], "float32", [0, Number.NaN, 1, Number.NEGATIVE_INFINITY]);
    const run = () => loadSamples(npy("x", "y"), flat(2), readerOf({ x, y: labels }));
    expect(codesOf(run)).toEqual(["data/non-finite", "data/non-finite"]);
    expect(messagesOf(run)).toContain("x, sample 0, element [1]: NaN");
  });

  it("lets a single channel be left out, and nothing else", () => {
    const load = (data: readonly number[], input: readonly number[]) => () => {
      const x = encodeNpy(data, "uint8", new Uint8Array(data.reduce((a, b) => a * b, 1)));
      return loadSamples(
        npy("x", "y"),
        { shape: input, stored: u8, outputs: { kind: "classes", count: 2 } as const },
        readerOf({ x, y: labels }),
      );
    };
    expect(load([2, 4, 3], [4, 3, 1])().shape).toEqual([4, 3, 1]);
    expect(load([2, 4, 3, 1], [4, 3])().count).toBe(2);
    expect(messagesOf(load([2, 3, 4], [4, 3, 1]))).toBe(
      "x: a sample has the shape 3x4, but the model's input is 4x3x1",
    );
    for (const shape of [[2, 12], [2, 1, 4, 3], [2, 4, 3, 1, 1], [2]])
      expect(codesOf(load(shape, [4, 3, 1]))).toEqual(["data/shape"]);
  });

  it("checks the labels: count, range, whole numbers, shape", () => {
    const x = encodeNpy([2, 1], "uint8", [1, 2]);
    const run = (y: Uint8Array) => () => loadSamples(npy("x", "y"), flat(1), readerOf({ x, y }));
    expect(messagesOf(run(encodeNpy([3], "uint8", [0, 0, 1])))).toBe("y: 3 labels for 2 samples");
    expect(messagesOf(run(encodeNpy([2], "uint8", [0, 2])))).toBe(
      "y, sample 1: the label 2 is no class from 0 to 1",
    );
    expect(codesOf(run(encodeNpy([2], "int8", [-1, -2])))).toEqual(["data/label-range", "data/label-range"]);
    expect(codesOf(run(encodeNpy([2], "float32", [0, 0.5])))).toEqual(["data/label-value"]);
    expect(codesOf(run(encodeNpy([2], "float32", [0, Number.NaN])))).toEqual(["data/label-value"]);
    expect(codesOf(run(encodeNpy([2, 10], "uint8", new Uint8Array(20))))).toEqual(["data/label-value"]);
    expect(run(encodeNpy([2, 1], "float32", [0, 1]))().labels).toEqual(Int32Array.of(0, 1));
  });

  it("refuses missing files, missing labels and no samples", () => {
    const files = readerOf({ x: encodeNpy([0, 1], "uint8", []), y: encodeNpy([0], "uint8", []) });
    expect(codesOf(() => loadSamples(npy("none", "y"), flat(1), files))).toEqual(["data/missing-file"]);
    expect(messagesOf(() => loadSamples(npy("x", "no labels"), flat(1), files))).toContain("no labels");
    expect(codesOf(() => loadSamples(npy("x"), flat(1), files))).toEqual(["data/labels-missing"]);
    expect(codesOf(() => loadSamples(npy("x", "y"), flat(1), files))).toEqual(["data/empty"]);
    expect(codesOf(() => loadSamples(csv("c"), flat(1), readerOf({ c: "a,class\n" })))).toEqual([
      "data/empty",
    ]);
    const json: DataFile = { format: "json", path: "j", span };
    const empty = readerOf({ j: '{"inputs": [], "labels": []}' });
    expect(codesOf(() => loadSamples(json, flat(1), empty))).toEqual(["data/empty"]);
  });

  it("reads NPZ and JSON by the names given", () => {
    const z = zipSync({
      "images.npy": encodeNpy([1, 2], "uint8", [3, 4]),
      "y.npy": encodeNpy([1], "uint8", [1]),
    });
    const npz: DataFile = { format: "npz", path: "z", inputKeys: ["images"], labelKey: "y", span };
    expect([...loadSamples(npz, flat(2), readerOf({ z })).inputs]).toEqual([3, 4]);
    const both = { ...npz, inputKeys: ["images", "y"] };
    expect(codesOf(() => loadSamples(both, flat(2), readerOf({ z })))).toEqual(["data/several-arrays"]);
    const json: DataFile = { format: "json", path: "j", span };
    const j = '{"inputs": [[0.5, 0.25]], "labels": [1]}';
    expect([...loadSamples(json, flat(2), readerOf({ j })).inputs]).toEqual([128, 64]);
  });

  it("gives a CSV row the shape of the input, and names row and column of what does not fit", () => {
    const c = "a,b,c,d,class\n1,2,3,4,0\n5,6,7,300,1\n";
    const target = { shape: [2, 2, 1], stored: u8, outputs: { kind: "classes", count: 2 } as const };
    const run = () => loadSamples(csv("c"), target, readerOf({ c }));
    expect(messagesOf(run)).toBe('c, row 3, column "d": 300 is outside u8, which holds 0 to 255');
    const good = loadSamples(csv("c"), target, readerOf({ c: c.replace("300", "8") }));
    expect(good).toMatchObject({ shape: [2, 2, 1], count: 2 });
    expect(codesOf(() => loadSamples(csv("c"), flat(3), readerOf({ c })))).toEqual(["data/shape"]);
  });
});

describe("loadDataSet", () => {
  const target = flat(1, 3);
  const load = (train: string, test: string, of = target) =>
    loadDataSet({ train: csv("train"), test: csv("test") }, of, readerOf({ train, test }));

  it("numbers class names in ascending order, in the test data as in the training data", () => {
    const { train, test } = load("a,class\n1,wolf\n2,ant\n3,cat\n", "a,class\n4,wolf\n5,cat\n");
    expect(train.classNames).toEqual(["ant", "cat", "wolf"]);
    expect([...train.labels]).toEqual([2, 0, 1]);
    expect([...test.labels]).toEqual([2, 1]);
    expect(test.classNames).toEqual(train.classNames);
  });

  it("takes numbers of the test data for names when the training data has names", () => {
    const { test } = load("a,class\n1,1\n2,2\n3,other\n", "a,class\n4,2\n");
    expect([...test.labels]).toEqual([1]);
  });

  it("refuses unknown names, and names where there were numbers", () => {
    const names = "a,class\n1,wolf\n2,ant\n3,cat\n";
    expect(codesOf(() => load(names, "a,class\n1,dog\n"))).toEqual(["data/unknown-class"]);
    expect(messagesOf(() => load("a,class\n1,0\n", "a,class\n1,dog\n"))).toContain("are numbers");
    expect(messagesOf(() => load("a,class\n1,x\n1,y\n", "a,class\n1,x\n"))).toContain(
      'name 2 different classes ("x", "y"), but the model has 3 outputs',
    );
  });

  it("reports what is wrong with both files", () => {
    expect(codesOf(() => load("a,class\nx,0\n", "a,class\n1\n"))).toEqual([
      "data/csv-cell",
      "data/csv-ragged",
    ]);
  });

  it("refuses stored integers in one file and values in the other", () => {
    expect(codesOf(() => load("a,class\n1,0\n", "a,class\n0.5,0\n"))).toEqual(["data/mixed-numbers"]);
  });
});

describe("splitValidation", () => {
  const count = 100;
  const set = sampleSetOf({
    count,
    shape: [2],
    stored: u8,
    inputs: Uint8Array.from({ length: 2 * count }, (_, i) => i),
    labels: Int32Array.from({ length: count }, (_, i) => i),
    targets: null,
  });
  const labelsOf = ({ answers }: SampleSet): Int32Array => answers[0]!.labels;

  it("parts the samples by the seed and keeps each with its label", () => {
    const { train, validation } = splitValidation(set, 30, 1);
    expect([train.count, validation.count]).toEqual([70, 30]);
    expect([...labelsOf(train), ...labelsOf(validation)].sort((a, b) => a - b)).toEqual([...labelsOf(set)]);
    for (const part of [train, validation])
      for (let i = 0; i < part.count; i++)
        expect([...part.inputs[0]!.mantissas.subarray(2 * i, 2 * i + 2)]).toEqual([
          2 * labelsOf(part)[i]!,
          2 * labelsOf(part)[i]! + 1,
        ]);
    expect(splitValidation(set, 30, 1)).toEqual({ train, validation });
    expect(labelsOf(splitValidation(set, 30, 2).validation)).not.toEqual(labelsOf(validation));
  });

  it("allows none and refuses all", () => {
    expect(splitValidation(set, 0, 1).train.count).toBe(count);
    expect(codesOf(() => splitValidation(set, count, 1))).toEqual(["data/validation-count"]);
  });
});

describe("readInputArray", () => {
  const source = { path: "x.npy" };
  it("takes one sample or many, integers as mantissas and floats as values", () => {
    const one = encodeNpy([2, 2], "uint8", [1, 2, 3, 4]);
    expect(readInputArray(one, source, u8, [2, 2, 1])).toEqual({
      count: 1,
      inputs: Uint8Array.of(1, 2, 3, 4),
    });
    const many = encodeNpy([2, 2], "float32", [0, 0.25, 0.5, 1]);
    expect(readInputArray(many, source, u8, [2])).toEqual({
      count: 2,
      inputs: Uint8Array.of(0, 64, 128, 255),
    });
  });

  it("refuses other shapes, values and no samples", () => {
    const run = (shape: readonly number[], data: readonly number[]) => () =>
      readInputArray(encodeNpy(shape, "int16", data), source, u8, [2]);
    expect(codesOf(run([3], [1, 2, 3]))).toEqual(["data/shape"]);
    expect(codesOf(run([], [1]))).toEqual(["data/shape"]);
    expect(codesOf(run([0, 2], []))).toEqual(["data/empty"]);
    expect(codesOf(run([2], [1, 256]))).toEqual(["data/out-of-range"]);
  });
});
