// Regressions and networks that reproduce their input: what stands where the labels of a classifier do.
import { zipSync } from "fflate/browser";
import { describe, expect, it } from "vitest";
import { loadDataSet, loadSamples } from "../../../data/load.ts";
import { encodeNpy } from "../../../data/npy.ts";
import { sampleSetOf, splitValidation } from "../../../data/select-samples.ts";
import type { ComparedWith } from "../../../data/whole-file.ts";
import type { DataFile } from "../../../graph/project.ts";
import { createSourceFile } from "../../../support/source-file.ts";
import { encodeUtf8 } from "../../../support/text.ts";
import { codesOf, diagnosticsOf, messagesOf } from "./diagnostics-of.ts";

const span = { file: createSourceFile("m.floor", "train: csv(...)"), start: 0, end: 5 };
const u8 = { signed: false, width: 8, fraction: 8 };
const values = (elements: number, count: number) => ({
  shape: [elements],
  stored: u8,
  outputs: { kind: "values", count } as ComparedWith,
});
const itself = (elements: number) => ({
  shape: [elements],
  stored: u8,
  outputs: { kind: "input" } as ComparedWith,
});

function readerOf(files: Readonly<Record<string, Uint8Array | string>>) {
  return {
    read: (path: string) => {
      const content = files[path];
      return typeof content === "string" ? encodeUtf8(content) : content;
    },
  };
}

const file = (format: DataFile["format"], rest: Partial<DataFile> = {}): DataFile => ({
  format,
  path: "f",
  span,
  ...rest,
});

describe("targets of a CSV", () => {
  const csv = file("csv", { targetKeys: ["heat", "power"] });
  const text = "a,heat,b,power\n0.5,1.25,0.25,-3\n0,2,1e-2,1e3\n";

  it("are read in the order asked for and are no features", () => {
    const set = loadSamples(csv, values(2, 2), readerOf({ f: text }));
    expect([...set.inputs]).toEqual([128, 64, 0, 3]);
    expect(set.targets).toEqual(Float32Array.of(1.25, -3, 2, 1000));
    expect(set.labels).toEqual(new Int32Array(0));
    expect(set.count).toBe(2);
    const turned = { ...csv, targetKeys: ["power", "heat"], inputKeys: ["b"] };
    expect(loadSamples(turned, values(1, 2), readerOf({ f: text })).targets).toEqual(
      Float32Array.of(-3, 1.25, 1000, 2),
    );
  });

  it("may be fractions beside stored integers", () => {
    const set = loadSamples(csv, values(2, 2), readerOf({ f: "a,b,heat,power\n7,255,0.5,0.25\n" }));
    expect(set.numbers).toBe("stored");
    expect([...set.inputs]).toEqual([7, 255]);
  });

  it("are refused by row and column when they are no finite float32", () => {
    const run = (bad: string) => () =>
      loadSamples(csv, values(2, 2), readerOf({ f: `${text}0,${bad},0,1\n0,1,0,${bad}\n` }));
    expect(messagesOf(run("NaN"))).toBe(
      'f, row 4, column "heat": the number is not finite: "NaN"\n' +
        'f, row 5, column "power": the number is not finite: "NaN"',
    );
    expect(messagesOf(run("1e39"))).toBe(
      'f, row 4, column "heat": the target 1e+39 is too large for a float32\n' +
        'f, row 5, column "power": the target 1e+39 is too large for a float32',
    );
    expect(codesOf(run(""))).toEqual(["data/csv-cell", "data/csv-cell"]);
    expect(codesOf(run("warm"))).toEqual(["data/csv-cell", "data/csv-cell"]);
  });

  it("have to be as many as the outputs, known, and named once", () => {
    const run =
      (targetKeys: readonly string[], count: number, rest: Partial<DataFile> = {}) =>
      () =>
        loadSamples({ ...csv, targetKeys, ...rest }, values(2, count), readerOf({ f: text }));
    expect(messagesOf(run(["heat", "power"], 3))).toBe(
      "f: the targets of a sample have the shape 2, but the model has 3 outputs",
    );
    expect(codesOf(run(["heat", "cold"], 2))).toEqual(["data/unknown-column"]);
    expect(messagesOf(run(["heat", "heat"], 2))).toBe('f: the column "heat" is named twice as a target');
    expect(messagesOf(run(["heat"], 1, { inputKeys: ["a", "heat"] }))).toBe(
      'f: the column "heat" is named both as a feature and as a target',
    );
  });
});

describe("targets of array files", () => {
  const x = encodeNpy([2, 1], "uint8", [1, 2]);
  const npy = file("npy", { targets: "t" });

  it("come from a second NPY file, with one axis where there is one output", () => {
    const load = (t: Uint8Array, count: number) => loadSamples(npy, values(1, count), readerOf({ f: x, t }));
    expect(load(encodeNpy([2], "float64", [0.1, -7]), 1).targets).toEqual(Float32Array.of(0.1, -7));
    expect(load(encodeNpy([2, 1], "int16", [-300, 7]), 1).targets).toEqual(Float32Array.of(-300, 7));
    expect(load(encodeNpy([2, 2], "float32", [1, 2, 3, 4]), 2).targets).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  it("name the element that is not finite, and the file", () => {
    const t = encodeNpy([2, 2], "float32", [0, Number.NaN, Number.NEGATIVE_INFINITY, 1]);
    const run = () => loadSamples(npy, values(1, 2), readerOf({ f: x, t }));
    expect(messagesOf(run)).toBe(
      "t, sample 0, element [1]: NaN is no finite number\nt, sample 1, element [0]: -Infinity is no finite number",
    );
    expect(diagnosticsOf(run)[0]!.span).toBe(span);
    const one = encodeNpy([2], "float32", [0, Number.NaN]);
    expect(messagesOf(() => loadSamples(npy, values(1, 1), readerOf({ f: x, t: one })))).toBe(
      "t, sample 1: NaN is no finite number",
    );
  });

  it("stop after some errors", () => {
    const many = encodeNpy([100, 1], "uint8", new Uint8Array(100));
    const t = encodeNpy([100], "float32", new Float32Array(100).fill(Number.NaN));
    expect(codesOf(() => loadSamples(npy, values(1, 1), readerOf({ f: many, t })))).toHaveLength(8);
  });

  it("need the count of the inputs and the number of the outputs", () => {
    const run = (shape: readonly number[], count: number) => () => {
      const t = encodeNpy(shape, "uint8", new Uint8Array(shape.reduce((a, b) => a * b, 1)));
      return loadSamples(npy, values(1, count), readerOf({ f: x, t }));
    };
    expect(messagesOf(run([3, 1], 1))).toBe("t: targets of 3 samples for 2 samples");
    expect(codesOf(run([2], 2))).toEqual(["data/target-shape"]);
    expect(messagesOf(run([2, 2, 2], 4))).toContain("have the shape 2x2");
    expect(codesOf(run([], 1))).toEqual(["data/target-count"]);
  });

  it("are arrays of an NPZ, or several, one after the other", () => {
    const f = zipSync({
      "x.npy": x,
      "y.npy": encodeNpy([2], "float32", [5, 6]),
      "z.npy": encodeNpy([2, 2], "float32", [1, 2, 3, Number.NaN]),
      "short.npy": encodeNpy([1], "float32", [1]),
    });
    const load = (count: number, targetKeys?: readonly string[]) => () =>
      loadSamples(file("npz", targetKeys ? { targetKeys } : {}), values(1, count), readerOf({ f }));
    expect(load(1)().targets).toEqual(Float32Array.of(5, 6));
    expect(load(2, ["y", "y"])().targets).toEqual(Float32Array.of(5, 5, 6, 6));
    expect(messagesOf(load(3, ["y", "z"]))).toBe("f, sample 1, element [1]: NaN is no finite number");
    expect(codesOf(load(2, ["y", "short"]))).toEqual(["data/target-count"]);
    expect(codesOf(load(1, ["none"]))).toEqual(["data/npz-array"]);
  });

  it("are fields of a JSON", () => {
    const f =
      '{"inputs": [[1], [2]], "targets": [[1.5, 2], [3, 4]], "more": [7, 8], "ragged": [[1], [2, 3]]}';
    const load = (count: number, targetKeys?: readonly string[]) => () =>
      loadSamples(file("json", targetKeys ? { targetKeys } : {}), values(1, count), readerOf({ f }));
    expect(load(2)().targets).toEqual(Float32Array.of(1.5, 2, 3, 4));
    expect(load(3, ["more", "targets"])().targets).toEqual(Float32Array.of(7, 1.5, 2, 8, 3, 4));
    expect(messagesOf(load(1, ["ragged"]))).toContain("f, ragged[1]: an array of 1 is expected");
    expect(codesOf(load(1, ["none"]))).toEqual(["data/json-field"]);
  });
});

describe("what a file gives beside its inputs", () => {
  const files = readerOf({ f: "a,label\n1,0\n2,1\n", x: encodeNpy([1, 1], "uint8", [1]) });
  const classes = { shape: [1], stored: u8, outputs: { kind: "classes", count: 2 } as ComparedWith };

  it("is named as missing or unwanted", () => {
    const npy = { ...file("npy"), path: "x" };
    expect(messagesOf(() => loadSamples(npy, values(1, 1), files))).toContain("no targets are named");
    expect(messagesOf(() => loadSamples({ ...npy, labels: "y" }, values(1, 1), files))).toContain(
      "labels are named instead of targets",
    );
    expect(codesOf(() => loadSamples(file("csv"), values(1, 1), files))).toEqual(["data/targets-missing"]);
    expect(codesOf(() => loadSamples({ ...npy, targets: "y" }, classes, files))).toEqual([
      "data/unwanted-targets",
    ]);
    expect(codesOf(() => loadSamples(file("csv", { targetKeys: ["label"] }), classes, files))).toEqual([
      "data/unwanted-targets",
    ]);
    expect(loadSamples(file("csv"), classes, files).targets).toBeNull();
  });

  it("may be nothing where the network reproduces its input", () => {
    const npy = loadSamples({ ...file("npy"), path: "x" }, itself(1), files);
    expect(npy).toMatchObject({ count: 1, targets: null, labels: new Int32Array(0) });
    const all = loadSamples(file("csv"), itself(2), files);
    expect([...all.inputs]).toEqual([1, 0, 2, 1]);
    const named = loadSamples(file("csv", { labelKey: "label" }), itself(1), files);
    expect([...named.inputs]).toEqual([1, 2]);
    expect(named.labels).toHaveLength(0);
    const bare = readerOf({ f: '{"inputs": [[1], [2]]}' });
    expect(loadSamples(file("json"), itself(1), bare).count).toBe(2);
    const zip = readerOf({ f: zipSync({ "x.npy": encodeNpy([1, 1], "uint8", [1]) }) });
    expect(loadSamples(file("npz"), itself(1), zip).count).toBe(1);
  });
});

describe("validation samples of a regression", () => {
  const rows = Array.from({ length: 50 }, (_, i) => `${i},${i + 0.5},${i - 9}`);
  const f = ["a,t,u", ...rows].join("\n");
  const csv = file("csv", { targetKeys: ["t", "u"] });
  const { train } = loadDataSet({ train: csv, test: csv }, values(1, 2), readerOf({ f }));

  it("keep their targets and are picked by the seed", () => {
    const { train: rest, validation } = splitValidation(sampleSetOf(train), 20, 1);
    expect([rest.count, validation.count]).toEqual([30, 20]);
    for (const part of [rest, validation]) {
      const { labels, values } = part.answers[0]!;
      const { mantissas } = part.inputs[0]!;
      expect(labels).toHaveLength(0);
      for (let i = 0; i < part.count; i++)
        expect([...values!.subarray(2 * i, 2 * i + 2)]).toEqual([mantissas[i]! + 0.5, mantissas[i]! - 9]);
    }
    expect(splitValidation(sampleSetOf(train), 20, 1).validation).toEqual(validation);
    expect(splitValidation(sampleSetOf(train), 20, 2).validation.answers).not.toEqual(validation.answers);
  });

  it("exist without labels and targets too", () => {
    const set = loadSamples(csv, itself(1), readerOf({ f }));
    const { validation } = splitValidation(sampleSetOf(set), 5, 1);
    expect(validation).toMatchObject({
      count: 5,
      answers: [{ values: null, labels: new Int32Array(0) }],
    });
  });
});
