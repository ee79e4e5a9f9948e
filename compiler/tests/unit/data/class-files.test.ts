// A file for each class, malformed rows, and fixed parts of files that have no split of their own.
import { describe, expect, it } from "vitest";
import { loadDataSet, loadSamples } from "../../../data/load.ts";
import { encodeNpy } from "../../../data/npy.ts";
import type { ComparedWith } from "../../../data/whole-file.ts";
import type { DataFile } from "../../../graph/project.ts";
import { createSourceFile } from "../../../support/source-file.ts";
import { encodeUtf8 } from "../../../support/text.ts";
import { codesOf, messagesOf } from "./diagnostics-of.ts";

const span = { file: createSourceFile("m.floor", ""), start: 0, end: 0 };
const target = {
  shape: [2, 1],
  stored: { signed: false, width: 8, fraction: 8 },
  outputs: { kind: "classes", count: 2 } as ComparedWith,
};

function readerOf(files: Readonly<Record<string, Uint8Array | string>>) {
  const asked: string[] = [];
  return {
    asked,
    read: (path: string) => {
      asked.push(path);
      const content = files[path];
      return typeof content === "string" ? encodeUtf8(content) : content;
    },
  };
}

const json = (rest: Partial<DataFile> = {}): DataFile => ({
  format: "json",
  path: "c{class}.json",
  inputKeys: ["data"],
  span,
  ...rest,
});
const data = (rows: readonly unknown[]) => JSON.stringify({ data: rows });
const good = {
  "c0.json": data([
    [1, 2],
    [3, 4],
    [5, 6],
  ]),
  "c1.json": data([
    [101, 102],
    [103, 104],
  ]),
};
const damaged = { ...good, "c0.json": data([[], [1, 2], [3, 4], "no", [5, 6], [7, null], [8, 9, 10]]) };

describe("a file for each class", () => {
  it("gives the label, and one sample of every class after the other", () => {
    const set = loadSamples(json(), target, readerOf(good));
    expect([...set.labels]).toEqual([0, 1, 0, 1, 0]);
    expect([...set.inputs]).toEqual([1, 2, 101, 102, 3, 4, 103, 104, 5, 6]);
    expect(set).toMatchObject({ count: 5, targets: null, shape: [2, 1], warnings: [] });
  });

  it("may have any format", () => {
    const npy: DataFile = { format: "npy", path: "{class}/x{class}.npy", span };
    const files = readerOf({
      "0/x0.npy": encodeNpy([1, 2], "uint8", [1, 2]),
      "1/x1.npy": encodeNpy([2, 2], "uint8", [3, 4, 5, 6]),
    });
    expect([...loadSamples(npy, target, files).labels]).toEqual([0, 1, 1]);
    const csv: DataFile = { format: "csv", path: "{class}", span };
    expect([...loadSamples(csv, target, readerOf({ 0: "a,b\n1,2\n", 1: "a,b\n3,4\n" })).inputs]).toEqual([
      1, 2, 3, 4,
    ]);
  });

  it("is missed by its name", () => {
    const files = readerOf({ "c0.json": good["c0.json"] });
    expect(messagesOf(() => loadSamples(json(), target, files))).toBe("no such data file: c1.json");
  });

  it("goes with classes and without labels", () => {
    expect(codesOf(() => loadSamples(json({ labelKey: "y" }), target, readerOf(good)))).toEqual([
      "data/class-path",
    ]);
    for (const outputs of [{ kind: "input" }, { kind: "values", count: 2 }] as const)
      expect(codesOf(() => loadSamples(json(), { ...target, outputs }, readerOf(good)))).toEqual([
        "data/class-path",
      ]);
  });

  it("is stored integers in every file, or in none", () => {
    const files = readerOf({ ...good, "c1.json": data([[0.5, 1]]) });
    expect(messagesOf(() => loadSamples(json(), target, files))).toBe(
      "c0.json holds whole numbers (stored integers), but c1.json holds numbers with a fraction (values)",
    );
  });
});

describe("malformed rows", () => {
  it("are refused by file and row, all in one run", () => {
    const from = { ...damaged, "c0.json": data([[1, 2], [], [3, "4"], 5]) };
    expect(messagesOf(() => loadSamples(json(), target, readerOf(from)))).toBe(
      "c0.json, data[1]: an array of 2 is expected as in other samples, not an array of 0\n" +
        'c0.json, data[2][1]: a number is expected, not the string "4"\n' +
        "c0.json, data[3]: an array of 2 is expected as in other samples, not the number 5",
    );
  });

  it("are skipped, counted and told where the model says so, even as the first one", () => {
    const set = loadSamples(json({ skipMalformed: true }), target, readerOf(damaged));
    expect([...set.inputs]).toEqual([1, 2, 101, 102, 3, 4, 103, 104, 5, 6]);
    expect(set.warnings).toHaveLength(1);
    expect(set.warnings[0]).toMatchObject({ code: "data/rows-skipped", severity: "warning" });
    expect(set.warnings[0]!.message).toBe(
      "c0.json: 4 malformed rows skipped: data[0]: an array of 2 is expected as in other samples, not an array of 0; " +
        'data[3]: an array of 2 is expected as in other samples, not the string "no"; ' +
        "data[5][1]: a number is expected, not null; and 1 more",
    );
  });

  it("leave out labels and targets of the row, and keep its number for other messages", () => {
    const one = json({ path: "j", skipMalformed: true, labelKey: "y" });
    const j = '{"data": [[1, 2], [], [5, 6]], "y": [1, 1, 0], "t": [0.5, 1, [2]]}';
    expect([...loadSamples(one, target, readerOf({ j })).labels]).toEqual([1, 0]);
    expect(messagesOf(() => loadSamples(one, target, readerOf({ j: j.replace("6", "600") })))).toContain(
      "j, sample 2, element [1]: 600 is outside u8",
    );
    expect(codesOf(() => loadSamples(one, target, readerOf({ j: j.replace("1, 1, 0", "1, 0") })))).toEqual([
      "data/label-count",
    ]);
    const regression = { ...target, outputs: { kind: "values", count: 1 } as const };
    const set = loadSamples(
      json({ path: "j", skipMalformed: true, targetKeys: ["t"] }),
      regression,
      readerOf({ j }),
    );
    expect(set.targets).toEqual(Float32Array.of(0.5));
    expect([...set.inputs]).toEqual([1, 2]);
  });

  it("are no samples when there is nothing else", () => {
    const none = { ...good, "c1.json": data([[], [1]]) };
    expect(codesOf(() => loadSamples(json({ skipMalformed: true }), target, readerOf(none)))).toEqual([
      "data/shape",
    ]);
    const bad = { ...good, "c1.json": data([[1, null]]) };
    expect(codesOf(() => loadSamples(json({ skipMalformed: true }), target, readerOf(bad)))).toEqual([
      "data/empty",
    ]);
  });
});

describe("parts of a file", () => {
  const first = (perClass: number) => json({ part: { from: "first", perClass } });
  const last = (perClass: number) => json({ part: { from: "last", perClass } });

  it("take as many of every class, and read a file that serves both once", () => {
    const files = readerOf(good);
    const { train, test } = loadDataSet({ train: first(1), test: last(1) }, target, files);
    expect([...train.inputs]).toEqual([1, 2, 101, 102]);
    expect([...test.inputs]).toEqual([103, 104, 5, 6]);
    expect([...test.labels]).toEqual([1, 0]);
    expect(files.asked).toEqual(["c0.json", "c1.json"]);
  });

  it("count valid rows only, and tell of the others once", () => {
    const skip = (file: DataFile) => ({ ...file, skipMalformed: true });
    const set = loadDataSet({ train: skip(first(1)), test: skip(last(1)) }, target, readerOf(damaged));
    expect([...set.train.inputs]).toEqual([1, 2, 101, 102]);
    expect(set.warnings).toHaveLength(1);
    expect(codesOf(() => loadDataSet({ train: first(1), test: last(1) }, target, readerOf(damaged)))).toEqual(
      new Array(4).fill("data/json-value"),
    );
  });

  it("are refused when a class has not as many", () => {
    expect(messagesOf(() => loadSamples(first(3), target, readerOf(good)))).toBe(
      "c{class}.json: the first 3 samples of class 1 are asked for, but there are only 2",
    );
  });

  it("are refused when training and test share a sample", () => {
    const run = (train: DataFile, test: DataFile) => () =>
      loadDataSet({ train, test }, target, readerOf(good));
    expect(messagesOf(run(first(2), last(1)))).toContain("1 sample is both in the training and in the test");
    expect(messagesOf(run(first(2), last(2)))).toContain("3 samples are both");
    expect(codesOf(run(first(1), json()))).toEqual(["data/parts-overlap"]);
    expect(codesOf(run(first(1), last(1)))).toEqual([]);
  });

  it("part labelled files and files without labels too", () => {
    const c = "a,b,label\n1,2,x\n3,4,y\n5,6,x\n7,8,y\n9,10,y\n";
    const csv = (from: "first" | "last", perClass: number): DataFile => ({
      format: "csv",
      path: "c",
      part: { from, perClass },
      span,
    });
    const { train, test } = loadDataSet(
      { train: csv("first", 1), test: csv("last", 1) },
      target,
      readerOf({ c }),
    );
    expect([[...train.inputs], [...test.inputs]]).toEqual([
      [1, 2, 3, 4],
      [5, 6, 9, 10],
    ]);
    expect(test.classNames).toEqual(["x", "y"]);
    const itself = { ...target, shape: [3], outputs: { kind: "input" } as const };
    const plain = c.replaceAll("x", "0").replaceAll("y", "1");
    expect([...loadSamples(csv("last", 2), itself, readerOf({ c: plain })).inputs]).toEqual([
      7, 8, 1, 9, 10, 1,
    ]);
    expect(messagesOf(() => loadSamples(csv("first", 6), itself, readerOf({ c: plain })))).toBe(
      "c: the first 6 samples are asked for, but there are only 5",
    );
  });
});
