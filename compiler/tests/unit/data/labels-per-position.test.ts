// Labels at each position of the output, from the files to the build directory: shapes, checks, splits, and that one
// label for each sample stays what it was.
import { zipSync } from "fflate/browser";
import { describe, expect, it } from "vitest";
import { loadDataSet, loadSamples } from "../../../data/load.ts";
import { decodeNpy, encodeNpy } from "../../../data/npy.ts";
import { sampleSetOf, splitValidation } from "../../../data/select-samples.ts";
import type { SampleTarget } from "../../../data/whole-file.ts";
import { portTargetsOf } from "../../../driver/project-data.ts";
import { answerFiles } from "../../../driver/sample-files.ts";
import type { DataFile } from "../../../graph/project.ts";
import { labelsPerSample } from "../../../graph/samples.ts";
import { createSourceFile } from "../../../support/source-file.ts";
import { encodeUtf8 } from "../../../support/text.ts";
import { fileWith, projectOf } from "../dsl/model-text.ts";
import { codesOf, messagesOf } from "./diagnostics-of.ts";

const span = { file: createSourceFile("m.floor", "train: npy(...)"), start: 0, end: 5 };
const stored = { signed: false, width: 8, fraction: 8 };
const npy: DataFile = { format: "npy", path: "x", labels: "y", span };
/** Images of 2 x 3 pixels with one of four classes at each. */
const target: SampleTarget = {
  shape: [2, 3, 1],
  stored,
  outputs: { kind: "classes", count: 4, positions: [2, 3] },
};
const readerOf = (files: Readonly<Record<string, Uint8Array>>) => ({ read: (path: string) => files[path] });
const x = encodeNpy([2, 2, 3], "uint8", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
const classes = [0, 1, 2, 3, 0, 1, 3, 3, 3, 2, 2, 2];
const load = (shape: readonly number[], labels: readonly number[] = classes, of = target) =>
  loadSamples(npy, of, readerOf({ x, y: encodeNpy(shape, "int8", labels) }));

describe("a class at each position", () => {
  it.each([[[2, 2, 3]], [[2, 6]], [[2, 2, 3, 1]]])("comes from an array of %j", (shape) => {
    const set = load(shape);
    expect(set).toMatchObject({ count: 2, shape: [2, 3, 1], targets: null });
    expect(set.labels).toEqual(Int32Array.from(classes));
    expect(labelsPerSample({ labels: set.labels, values: null }, 2)).toBe(6);
  });

  it("comes from an NPZ and an IDX too", () => {
    const y = encodeNpy([2, 2, 3], "uint8", classes);
    const z = zipSync({ "x.npy": x, "mask.npy": y });
    const npz: DataFile = { format: "npz", path: "z", labelKey: "mask", span };
    expect([...loadSamples(npz, target, readerOf({ z })).labels]).toEqual(classes);
    const idx = (values: readonly number[]) =>
      Uint8Array.of(0, 0, 8, 3, ...[2, 2, 3].flatMap((size) => [0, 0, 0, size]), ...values);
    const pair: DataFile = { ...npy, format: "idx" };
    const files = readerOf({ x: idx([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]), y: idx(classes) });
    expect([...loadSamples(pair, target, files).labels]).toEqual(classes);
  });

  it("of a sequence, and of an output of one position", () => {
    const sequence: SampleTarget = { ...target, outputs: { kind: "classes", count: 4, positions: [6] } };
    for (const shape of [
      [2, 6],
      [2, 6, 1],
    ])
      expect(load(shape, classes, sequence).labels).toHaveLength(12);
    const one: SampleTarget = { ...target, outputs: { kind: "classes", count: 4, positions: [1, 1] } };
    for (const shape of [[2], [2, 1], [2, 1, 1]])
      expect([...load(shape, [3, 1], one).labels]).toEqual([3, 1]);
  });

  it("is checked: shape, count, range, whole numbers, with the place in the file", () => {
    for (const [shape, wrong] of [
      [[2, 3, 2], "2x3x2"],
      [[2, 2, 3, 1, 1], "2x2x3x1x1"],
      [[12], "12"],
    ] as const)
      expect(messagesOf(() => load(shape))).toBe(
        `y, sample 0: the labels have the shape ${wrong}; one at each of 2x3 positions is expected`,
      );
    expect(messagesOf(() => load([2], [0, 1]))).toContain("one at each of 2x3 positions");
    expect(messagesOf(() => load([1, 2, 3], classes.slice(6)))).toBe("y: 1 labels for 2 samples");
    expect(messagesOf(() => load([2, 2, 3], classes.with(10, 4)))).toBe(
      "y, sample 1, element [1, 1]: the label 4 is no class from 0 to 3",
    );
    expect(codesOf(() => load([2, 6], new Array(12).fill(-1)))).toEqual(
      new Array(8).fill("data/label-range"),
    );
    const y = encodeNpy([2, 6], "float32", classes.with(3, 0.5));
    expect(codesOf(() => loadSamples(npy, target, readerOf({ x, y })))).toEqual(["data/label-value"]);
  });

  it("is refused where the model has one class for a sample, and the other way round", () => {
    const single: SampleTarget = { ...target, outputs: { kind: "classes", count: 4 } };
    expect(messagesOf(() => load([2, 2, 3], classes, single))).toContain("one class index for each sample");
    const c = encodeUtf8("a,b,c,d,e,f,label\n1,2,3,4,5,6,0\n1,2,3,4,5,6,1\n");
    const csv: DataFile = { format: "csv", path: "c", span };
    expect(codesOf(() => loadSamples(csv, target, readerOf({ c })))).toEqual(["data/label-value"]);
    const ofClasses: DataFile = { format: "npy", path: "{class}", span };
    expect(messagesOf(() => loadSamples(ofClasses, target, readerOf({})))).toContain(
      "the model has a class at each of 2x3 positions",
    );
  });

  it("stays with its sample in a split and in parts of a file", () => {
    const { train, validation } = splitValidation(sampleSetOf(load([2, 2, 3])), 1, 1);
    const rows = [train, validation].map(({ inputs, answers }) => [
      ...inputs[0]!.mantissas,
      ...answers[0]!.labels,
    ]);
    expect(rows.toSorted((a, b) => a[0]! - b[0]!)).toEqual([
      [1, 2, 3, 4, 5, 6, ...classes.slice(0, 6)],
      [7, 8, 9, 10, 11, 12, ...classes.slice(6)],
    ]);
    // Samples with several classes are no samples of a class: all rows count as one.
    const part = (from: "first" | "last"): DataFile => ({ ...npy, part: { from, perClass: 1 } });
    const files = readerOf({ x, y: encodeNpy([2, 6], "int64", classes) });
    const parts = loadDataSet({ train: part("first"), test: part("last") }, target, files);
    expect([...parts.train.labels]).toEqual(classes.slice(0, 6));
    expect([...parts.test.labels]).toEqual(classes.slice(6));
  });
});

describe("a model with an argmax at each position", () => {
  const model = (body: string, train = "train { }") =>
    projectOf(
      fileWith({
        model: `model m {\ninput x: 8x6x2 as u8\n${body}\n}`,
        data: 'data { train: npy("a", labels: "b"), test: npy("c", labels: "d"), validation: 5 }',
        train,
      }),
    );

  it("asks for a class at each of them", () => {
    const asked = (body: string) => portTargetsOf(model(body)).outputs[0]!.compared;
    expect(asked("output y = x -> conv(3, 1) -> argmax")).toEqual({
      kind: "classes",
      count: 3,
      positions: [8, 6],
    });
    expect(asked("output y = x -> maxpool(2) -> conv(5, 1)")).toMatchObject({ count: 5, positions: [4, 3] });
    expect(asked("output y = x -> conv(3, 1) -> flatten -> dense(7) -> argmax")).toEqual({
      kind: "classes",
      count: 7,
    });
  });

  it("may mirror its images, and weighs classes", () => {
    const train =
      "train { augment: [flip(horizontal), noise(0.1)], loss: cross_entropy(weights: [1, 2, 3]) }";
    expect(model("output y = x -> conv(3, 1) -> argmax", train).training.augment.flip).toBe("horizontal");
  });
});

describe("the file of the labels in a build directory", () => {
  const paths = { labels: "y.npy", targets: "t.npy" };
  const fileOf = (set: Parameters<typeof answerFiles>[0]) => {
    const [[path, bytes]] = answerFiles(set, paths) as [[string, Uint8Array]];
    expect(path).toBe("y.npy");
    return decodeNpy(bytes, { path });
  };
  it("has one axis for one label a sample, and one more for several", () => {
    const set = sampleSetOf(load([2, 2, 3]));
    const withLabels = (...labels: number[]) => ({
      ...set,
      answers: [{ labels: Int32Array.from(labels), values: null }],
    });
    expect(fileOf(set)).toEqual({ shape: [2, 6], dtype: "int32", data: Int32Array.from(classes) });
    expect(fileOf(withLabels(3, 1))).toMatchObject({ shape: [2] });
    expect(answerFiles(withLabels(), paths)).toEqual([]);
  });
});
