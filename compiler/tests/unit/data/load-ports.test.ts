// Samples with a file, an array or columns for each input and output: all of them fit together, and what does not is said
// with the name of the input or output.
import { zipSync } from "fflate/browser";
import { describe, expect, it } from "vitest";
import { loadPorts, type PortTargets } from "../../../data/load-ports.ts";
import { encodeNpy } from "../../../data/npy.ts";
import type { DataFile, PortFile } from "../../../graph/project.ts";
import { createSourceFile } from "../../../support/source-file.ts";
import { encodeUtf8 } from "../../../support/text.ts";
import { codesOf, diagnosticsOf, messagesOf } from "./diagnostics-of.ts";

const span = { file: createSourceFile("m.floor", "train: { }"), start: 0, end: 5 };
const TARGETS: PortTargets = {
  inputs: [
    { name: "sight", shape: [1, 2, 1], stored: { signed: false, width: 8, fraction: 8 } },
    { name: "touch", shape: [2], stored: { signed: true, width: 8, fraction: 7 } },
  ],
  outputs: [
    { name: "thing", compared: { kind: "classes", count: 2 } },
    { name: "place", compared: { kind: "values", count: 2 } },
  ],
};
const port = (
  name: string,
  format: DataFile["format"],
  path: string,
  keys?: readonly string[],
): PortFile => ({
  port: name,
  file: { format, path, span, ...(keys ? { inputKeys: keys } : {}) },
});
const readerOf = (files: Readonly<Record<string, Uint8Array | string>>) => ({
  read: (path: string) => {
    const found = files[path];
    return typeof found === "string" ? encodeUtf8(found) : found;
  },
});

const SIGHT = encodeNpy([2, 1, 2], "uint8", [1, 2, 3, 4]);
const CSV = "t0,kind,t1,x,y\n0.5,pen,-1,0,0.25\n0.25,cup,0.125,1,-2\n";
const FROM_CSV = [
  port("sight", "npy", "sight.npy"),
  port("touch", "csv", "s.csv", ["t1", "t0"]),
  port("thing", "csv", "s.csv", ["kind"]),
  port("place", "csv", "s.csv", ["x", "y"]),
];
const NAMES = ["sight", "touch", "thing", "place"];

describe("samples by their inputs and outputs", () => {
  it("come from array files and columns, whatever is between them", () => {
    const files = { "sight.npy": SIGHT, "s.csv": CSV };
    const { train, test } = loadPorts({ train: FROM_CSV, test: FROM_CSV }, TARGETS, readerOf(files));
    expect(test).toEqual(train);
    expect(train.count).toBe(2);
    expect(train.inputs.map(({ mantissas }) => [...mantissas])).toEqual([
      [1, 2, 3, 4],
      [-128, 64, 16, 32],
    ]);
    const [thing, place] = train.answers;
    expect([...thing!.labels]).toEqual([1, 0]);
    expect([thing!.values, place!.labels.length]).toEqual([null, 0]);
    expect([...place!.values!]).toEqual([0, 0.25, 1, -2]);
  });

  it("come from arrays of one NPZ, and fields of one JSON", () => {
    const arrays = {
      sight: SIGHT,
      touch: encodeNpy([2, 2], "float32", [-1, 0.5, 0.125, 0.25]),
      thing: encodeNpy([2], "int64", [1, 0]),
      place: encodeNpy([2, 2], "float64", [0, 0.25, 1, -2]),
    };
    const z = zipSync(
      Object.fromEntries(Object.entries(arrays).map(([name, bytes]) => [`${name}.npy`, bytes])),
    );
    const j = JSON.stringify({
      sight: [[[1, 2]], [[3, 4]]],
      touch: [
        [-1, 0.5],
        [0.125, 0.25],
      ],
      thing: [1, 0],
      place: [
        [0, 0.25],
        [1, -2],
      ],
    });
    const reader = readerOf({ z, j });
    const npz = NAMES.map((name) => port(name, "npz", "z", [name]));
    const json = NAMES.map((name) => port(name, "json", "j", [name]));
    const { train, test } = loadPorts({ train: npz, test: json }, TARGETS, reader);
    expect(test).toEqual(train);
    expect([...train.inputs[1]!.mantissas]).toEqual([-128, 64, 16, 32]);
    expect([...train.answers[0]!.labels]).toEqual([1, 0]);
  });

  it("number the class names of the test data as in the training data", () => {
    const test = FROM_CSV.map(({ port: name, file }) => ({
      port: name,
      file: { ...file, path: file.path.replace("s.csv", "t.csv") },
    }));
    const files = { "sight.npy": SIGHT, "s.csv": CSV, "t.csv": CSV.replaceAll("cup", "pen") };
    const found = loadPorts({ train: FROM_CSV, test }, TARGETS, readerOf(files));
    expect([...found.test.answers[0]!.labels]).toEqual([1, 1]);
    const unknown = { ...files, "t.csv": CSV.replaceAll("cup", "box") };
    expect(messagesOf(() => loadPorts({ train: FROM_CSV, test }, TARGETS, readerOf(unknown)))).toMatch(
      /^thing: t\.csv, row 3: the class "box" does not occur/,
    );
  });

  it("have no answers where the network reproduces its inputs", () => {
    const targets: PortTargets = {
      ...TARGETS,
      outputs: TARGETS.outputs.map(({ name }) => ({ name, compared: { kind: "input" } })),
    };
    const both = FROM_CSV.slice(0, 2);
    const files = readerOf({ "sight.npy": SIGHT, "s.csv": CSV });
    const { train } = loadPorts({ train: both, test: both }, targets, files);
    expect(train.answers).toEqual([1, 2].map(() => ({ labels: new Int32Array(0), values: null })));
  });
});

describe("what does not fit", () => {
  const load = (files: Readonly<Record<string, Uint8Array | string>>, train = FROM_CSV) =>
    loadPorts({ train, test: train }, TARGETS, readerOf({ "sight.npy": SIGHT, "s.csv": CSV, ...files }));

  it("is another number of samples", () => {
    const longer = `${CSV}0,cup,0,0,0\n`;
    expect(messagesOf(() => load({ "s.csv": longer })).split("\n")).toContain(
      "touch has 3 samples, but sight has 2",
    );
    expect(new Set(codesOf(() => load({ "s.csv": longer })))).toEqual(new Set(["data/port-count"]));
  });

  it("is said of every input and output in one run", () => {
    const bad = "t0,kind,t1,x,y\n0.5,pen,-1,0,0.25\n0.25,,0.125,one,-2\n";
    const sight = encodeNpy([2, 3], "uint8", [1, 2, 3, 4, 5, 6]);
    const said = diagnosticsOf(() => load({ "s.csv": bad, "sight.npy": sight }));
    expect(new Set(said.map(({ code, message }) => `${code} ${message.split(":")[0]}`))).toEqual(
      new Set(["data/shape sight", "data/csv-cell thing", "data/csv-cell place"]),
    );
    for (const { span: place } of said) expect(place).toBe(span);
  });

  it.each([
    ["data/missing-port", FROM_CSV.slice(0, 3), "place: train has no samples of place"],
    ["data/missing-file", FROM_CSV.with(0, port("sight", "npy", "none.npy")), "sight: no such data file"],
    ["data/target-shape", FROM_CSV.with(3, port("place", "csv", "s.csv", ["x"])), "place: s.csv"],
    ["data/several-arrays", FROM_CSV.with(2, port("thing", "csv", "s.csv", ["x", "y"])), "thing: s.csv"],
    ["data/unknown-column", FROM_CSV.with(1, port("touch", "csv", "s.csv", ["t0", "t9"])), "touch: s.csv"],
    ["data/label-range", FROM_CSV.with(2, port("thing", "npy", "l.npy")), "thing: l.npy"],
  ] as const)("is %s", (code, train, message) => {
    const files = { "l.npy": encodeNpy([2], "int8", [0, 3]) };
    expect(codesOf(() => load(files, [...train]))).toContain(code);
    expect(messagesOf(() => load(files, [...train]))).toContain(message);
  });

  it("is a test file whose numbers are of another kind", () => {
    const test = FROM_CSV.with(0, port("sight", "npy", "values.npy"));
    const files = {
      "sight.npy": SIGHT,
      "s.csv": CSV,
      "values.npy": encodeNpy([2, 1, 2], "float32", [0, 0, 0, 0]),
    };
    expect(messagesOf(() => loadPorts({ train: FROM_CSV, test }, TARGETS, readerOf(files)))).toMatch(
      /^sight: sight\.npy holds whole numbers/,
    );
  });
});
