// What accepted data sections mean: files, labels, targets and values, of one input and output or of several.
import { describe, expect, test } from "vitest";
import type { DataFile, DataSpec, PortFile, Project } from "../../../graph/project.ts";
import { fileWith, projectOf, type Sections } from "./model-text.ts";

describe("data", () => {
  const fileOf = (train: string, sections: Sections) => {
    const data = `data { train: ${train}\n test: ${train}\n validation: 9 samples }`;
    const { train: written } = projectOf(fileWith({ ...sections, data })).data as DataSpec;
    const { span: _, ...file } = written as DataFile;
    return file;
  };
  const dataOf = (train: string) => fileOf(train, {});
  const regression = (units: number, train: string): Sections => ({
    model: `model m { input x: 6 as u8 output y = x -> dense(${units}) }`,
    train: `train { ${train} }`,
  });
  test.each([
    ['idx("a", labels: "b")', { format: "idx", path: "a", labels: "b" }],
    ['idx(labels: "b", path: "a")', { format: "idx", path: "a", labels: "b" }],
    ['npy("a.npy", labels: "b.npy")', { format: "npy", path: "a.npy", labels: "b.npy" }],
    ['npz("a.npz")', { format: "npz", path: "a.npz", inputKeys: ["x"], labelKey: "y" }],
    [
      'npz("a.npz", inputs: "u", labels: "v")',
      { format: "npz", path: "a.npz", inputKeys: ["u"], labelKey: "v" },
    ],
    ['csv("a.csv", label: "k")', { format: "csv", path: "a.csv", labelKey: "k" }],
    [
      'csv("a.csv", label: "k", features: ["p", "q"])',
      { format: "csv", path: "a.csv", labelKey: "k", inputKeys: ["p", "q"] },
    ],
    ['json("a.json")', { format: "json", path: "a.json", inputKeys: ["inputs"], labelKey: "labels" }],
    [
      'idx("npm:@scope/name/data/x", labels: "npm:name/y")',
      { format: "idx", path: "npm:@scope/name/data/x", labels: "npm:name/y" },
    ],
    [
      'json("a.json", inputs: "data", skip_malformed: on, first: 6000 samples)',
      {
        format: "json",
        path: "a.json",
        inputKeys: ["data"],
        labelKey: "labels",
        skipMalformed: true,
        part: { from: "first", perClass: 6000 },
      },
    ],
    [
      'json("a/{class}.json", inputs: "data", last: 5)',
      { format: "json", path: "a/{class}.json", inputKeys: ["data"], part: { from: "last", perClass: 5 } },
    ],
    ['npy("{class}.npy")', { format: "npy", path: "{class}.npy" }],
    [
      'json("a.json", skip_malformed: off, last: 1000)',
      {
        format: "json",
        path: "a.json",
        inputKeys: ["inputs"],
        labelKey: "labels",
        part: { from: "last", perClass: 1000 },
      },
    ],
  ])("%s", (written, file) => expect(dataOf(written)).toEqual(file));

  test.each([
    ['csv("a.csv", targets: ["p", "q"])', { format: "csv", path: "a.csv", targetKeys: ["p", "q"] }],
    ['npy("a.npy", targets: "b.npy")', { format: "npy", path: "a.npy", targets: "b.npy" }],
    ['npz("a.npz")', { format: "npz", path: "a.npz", inputKeys: ["x"], targetKeys: ["y"] }],
    ['npz("a.npz", targets: "t")', { format: "npz", path: "a.npz", inputKeys: ["x"], targetKeys: ["t"] }],
    ['json("a.json")', { format: "json", path: "a.json", inputKeys: ["inputs"], targetKeys: ["targets"] }],
    [
      'json("a.json", targets: ["p", "q"])',
      { format: "json", path: "a.json", inputKeys: ["inputs"], targetKeys: ["p", "q"] },
    ],
  ])("%s of a regression", (written, file) => {
    expect(fileOf(written, regression(2, "loss: huber(1)"))).toEqual(file);
  });

  test.each([
    ['csv("a.csv")', { format: "csv", path: "a.csv" }],
    ['idx("a")', { format: "idx", path: "a" }],
    ['npy("a.npy")', { format: "npy", path: "a.npy" }],
    ['npz("a.npz")', { format: "npz", path: "a.npz", inputKeys: ["x"] }],
    ['json("a.json", inputs: "u")', { format: "json", path: "a.json", inputKeys: ["u"] }],
  ])("%s of an autoencoder", (written, file) => {
    expect(fileOf(written, regression(6, "loss: mse, target: input"))).toEqual(file);
  });

  test("each path is looked for once", async () => {
    const { compileSource } = await import("../../../dsl/compile-source.ts");
    const { createSourceFile } = await import("../../../support/source-file.ts");
    const asked: string[] = [];
    const exists = (path: string) => {
      asked.push(path);
      return "found" as const;
    };
    const data = 'data { train: csv("a.csv", label: "k"), test: csv("a.csv", label: "k"), validation: 3 }';
    compileSource(createSourceFile("test.floor", fileWith({ data })), { exists });
    expect(asked).toEqual(["a.csv"]);
    const classes = 'data { train: npy("{class}.npy"), test: npy("{class}.npy"), validation: 3 }';
    compileSource(createSourceFile("test.floor", fileWith({ data: classes })), { exists });
    expect(asked).toEqual(["a.csv", "0.npy"]);
  });
});

describe("several inputs and outputs", () => {
  const model = `model m {
  input a: 4 as u8
  input "b c": 2 as s8
  both = concat(a, "b c")
  output kind = both -> dense(3) -> argmax
  output place = both -> dense(2)
}`;
  const projectWith = (data: string, train = "loss: { place: mse(weight: 0.5), kind: cross_entropy }") =>
    projectOf(fileWith({ model, data: `data { ${data}, validation: 9 }`, train: `train { ${train} }` }));
  const filesOf = ({ data }: Project) => data as DataSpec;
  const plain = (files: unknown) =>
    (files as readonly PortFile[]).map(({ port, file: { span: _, ...file } }) => [port, file]);

  test("have samples by their names, in the model's order", () => {
    const project = projectWith(`train: {
      kind: csv("s.csv", columns: "k") place: csv("s.csv", ["x", "y"])
      "b c": csv("s.csv"), a: npy("a.npy") }
      test: { a: idx("a.idx"), "b c": json("s.json"), kind: npz("s.npz"), place: npz("s.npz", array: "p") }`);
    const data = filesOf(project);
    expect(plain(data.train)).toEqual([
      ["a", { format: "npy", path: "a.npy" }],
      ["b c", { format: "csv", path: "s.csv", inputKeys: ["b c"] }],
      ["kind", { format: "csv", path: "s.csv", inputKeys: ["k"] }],
      ["place", { format: "csv", path: "s.csv", inputKeys: ["x", "y"] }],
    ]);
    expect(plain(data.test)).toEqual([
      ["a", { format: "idx", path: "a.idx" }],
      ["b c", { format: "json", path: "s.json", inputKeys: ["b c"] }],
      ["kind", { format: "npz", path: "s.npz", inputKeys: ["kind"] }],
      ["place", { format: "npz", path: "s.npz", inputKeys: ["p"] }],
    ]);
  });

  test("have arrays of their names where a file is named alone, and none of outputs that are inputs", () => {
    const npz = (path: string, names: readonly string[]) =>
      names.map((name) => [name, { format: "npz", path, inputKeys: [name] }]);
    const data = filesOf(projectWith('train: npz("a.npz"), test: npz("b.npz")'));
    expect(plain(data.train)).toEqual(npz("a.npz", ["a", "b c", "kind", "place"]));
    expect(plain(data.test)).toEqual(npz("b.npz", ["a", "b c", "kind", "place"]));
    const copies = model.replace("dense(3) -> argmax", "dense(4)");
    const files = 'data { train: npz("a.npz"), test: npz("b.npz"), validation: 9 }';
    const train = "train { loss: huber, target: input }";
    const copied = projectOf(fileWith({ model: copies, data: files, train }));
    expect(plain(filesOf(copied).train)).toEqual(npz("a.npz", ["a", "b c"]));
  });

  test("have the losses that are theirs, in the model's order, or one for all", () => {
    const files = 'train: npz("a.npz"), test: npz("b.npz")';
    const entropy = { kind: "cross-entropy", smoothing: 0, weights: null };
    expect(projectWith(files).training.losses).toEqual([
      { loss: entropy, weight: 1 },
      { loss: { kind: "mse", weights: null }, weight: 0.5 },
    ]);
    expect(projectWith(files, "").training.losses).toEqual([
      { loss: entropy, weight: 1 },
      { loss: entropy, weight: 1 },
    ]);
  });
});
