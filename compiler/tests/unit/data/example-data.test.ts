// The generators of the examples' data: the committed rows are theirs, and reduced sets load as the examples say.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadDataSet, type SplitFiles } from "../../../data/load.ts";
import type { ComparedWith, SampleTarget } from "../../../data/whole-file.ts";
import { portTargetsOf } from "../../../driver/project-data.ts";
import { compileSource } from "../../../dsl/compile-source.ts";
import type { DataFile } from "../../../graph/project.ts";
import { createSourceFile } from "../../../support/source-file.ts";

/** Writes the files of an example with so many samples each. */
type MakeData = (folder: string, counts: Readonly<Record<string, number>>) => void;

const examples = new URL("../../../../examples/", import.meta.url);
const regression = (await import(new URL("regression/make-data.mjs", examples).href)) as {
  makeCsv(seed: number, rows: number): string;
};
const autoencoder = (await import(new URL("autoencoder/make-data.mjs", examples).href)) as {
  makeData: MakeData;
};
const scores = (await import(new URL("autoencoder/score.mjs", examples).href)) as {
  reconstructionErrors(
    inputs: ArrayLike<number>,
    output: { mantissas: ArrayLike<number>; fraction: number },
    count: number,
  ): number[];
  areaUnderCurve(normal: readonly number[], defects: readonly number[]): number;
};

const unet = (await import(new URL("unet/make-data.mjs", examples).href)) as { makeData: MakeData };
const conv1d = (await import(new URL("conv1d/make-data.mjs", examples).href)) as { makeData: MakeData };

const span = { file: createSourceFile("m.floor", ""), start: 0, end: 0 };
const stored = { signed: false, width: 8, fraction: 8 };

function reader(folder: URL | string) {
  const at = (path: string) => (typeof folder === "string" ? join(folder, path) : new URL(path, folder));
  return { read: (path: string) => new Uint8Array(readFileSync(at(path))) };
}

/** Root mean square error on the test rows of each target's best straight line through the training rows. */
function straightLineError(
  train: { x: number[][]; y: number[] },
  test: { x: number[][]; y: number[] },
): number {
  const rows = train.x.map((x) => [1, ...x]);
  const size = rows[0]!.length;
  const m = Array.from({ length: size }, (_, i) => [
    ...Array.from({ length: size }, (_, j) => rows.reduce((s, r) => s + r[i]! * r[j]!, 0)),
    rows.reduce((s, r, n) => s + r[i]! * train.y[n]!, 0),
  ]);
  for (let i = 0; i < size; i++)
    for (let k = 0; k < size; k++) {
      if (k === i) continue;
      const factor = m[k]![i]! / m[i]![i]!;
      for (let j = i; j <= size; j++) m[k]![j]! -= factor * m[i]![j]!;
    }
  const weights = m.map((row, i) => row[size]! / row[i]!);
  const squares = test.x.map(
    (x, n) => ([1, ...x].reduce((s, v, i) => s + v * weights[i]!, 0) - test.y[n]!) ** 2,
  );
  return Math.sqrt(squares.reduce((a, b) => a + b, 0) / squares.length);
}

describe("examples/regression", () => {
  const folder = new URL("regression/", examples);
  const csv = (path: string): DataFile => ({ format: "csv", path, targetKeys: ["heat", "power"], span });
  const target = { shape: [8], stored, outputs: { kind: "values", count: 2 } as ComparedWith };
  const { train, test } = loadDataSet(
    { train: csv("train.csv"), test: csv("test.csv") },
    target,
    reader(folder),
  );

  it("has the rows that its generator makes, in less than 300 kB", () => {
    const files = { train: regression.makeCsv(1, 2000), test: regression.makeCsv(2, 500) };
    for (const [name, text] of Object.entries(files))
      expect(readFileSync(new URL(`${name}.csv`, folder), "utf8") === text, name).toBe(true);
    expect(files.train.length + files.test.length).toBeLessThan(300_000);
  });

  it("loads as eight readings and two real values", () => {
    expect([train.count, test.count]).toEqual([2000, 500]);
    expect(train.numbers).toBe("values");
    expect(train.targets).toHaveLength(4000);
    expect(test.targets!.every((v) => v > 0 && v < 1.5)).toBe(true);
  });

  it("asks for more than a straight line", () => {
    const part = (set: typeof train, output: number) => ({
      x: Array.from({ length: set.count }, (_, i) =>
        [...set.inputs.subarray(8 * i, 8 * i + 8)].map((v) => v / 256),
      ),
      y: Array.from({ length: set.count }, (_, i) => set.targets![2 * i + output]!),
    });
    // The measurement noise is 0.008 and 0.003.
    expect(straightLineError(part(train, 0), part(test, 0))).toBeGreaterThan(0.03);
    expect(straightLineError(part(train, 1), part(test, 1))).toBeGreaterThan(0.008);
  });
});

describe("examples/autoencoder", () => {
  const folder = mkdtempSync(join(tmpdir(), "noisefloor-sounds-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  autoencoder.makeData(folder, { train: 400, test: 100, anomalies: 100 });
  const npy = (path: string): DataFile => ({ format: "npy", path, span });
  const target = { shape: [640], stored, outputs: { kind: "input" } as ComparedWith };
  const load = (test: string) =>
    loadDataSet({ train: npy("train.npy"), test: npy(test) }, target, reader(folder));

  it("makes frames that load without labels, the same every time", () => {
    const { train, test } = load("test.npy");
    expect([train.count, test.count]).toEqual([400, 100]);
    expect(train).toMatchObject({ targets: null, labels: new Int32Array(0), numbers: "stored" });
    const before = readFileSync(join(folder, "train.npy"));
    autoencoder.makeData(folder, { train: 400, test: 100, anomalies: 100 });
    expect(readFileSync(join(folder, "train.npy")).equals(before)).toBe(true);
  });

  it("makes sounds that stay away from the ends of a byte", () => {
    const { inputs } = load("test.npy").train;
    expect(Math.min(...inputs.subarray(0, 64_000))).toBeGreaterThan(0);
    expect(Math.max(...inputs.subarray(0, 64_000))).toBeLessThan(255);
  });

  it("makes defects that the mean of the good sounds reproduces worse than other good sounds", () => {
    const { train, test } = load("test.npy");
    const { test: anomalies } = load("anomalies.npy");
    const mean = Array.from({ length: 640 }, (_, i) => {
      let sum = 0;
      for (let n = 0; n < train.count; n++) sum += train.inputs[640 * n + i]!;
      return sum / train.count;
    });
    const errors = (set: typeof test) => {
      const mantissas = Array.from({ length: set.inputs.length }, (_, i) => mean[i % 640]!);
      return scores.reconstructionErrors(set.inputs, { mantissas, fraction: 8 }, set.count);
    };
    const area = scores.areaUnderCurve(errors(test), errors(anomalies));
    expect(area).toBeGreaterThan(0.6);
    expect(area).toBeLessThan(0.95);
  });

  it("scores by hand-made errors", () => {
    expect(scores.reconstructionErrors([128, 0, 0, 64], { mantissas: [1, 0, 0, 0], fraction: 1 }, 2)).toEqual(
      [0, 0.03125],
    );
    expect(scores.areaUnderCurve([1, 2], [3, 4])).toBe(1);
    expect(scores.areaUnderCurve([1, 3], [2, 3])).toBe(0.625);
  });
});

/** The bytes of all files that a generator writes, and of a second run. */
function makeTwice(makeData: MakeData, folder: string, counts: Readonly<Record<string, number>>) {
  const run = (): Map<string, string> => {
    makeData(folder, counts);
    const names = readdirSync(folder).toSorted();
    return new Map(names.map((name) => [name, readFileSync(join(folder, name)).toString("base64")]));
  };
  return [run(), run()] as const;
}

/** Part of the labels that the best answer for each value of `seen` gets right. */
function bestGuess(seen: ArrayLike<number>, labels: Int32Array, classes: number): number {
  const found = new Map<number, Int32Array>();
  labels.forEach((label, i) => {
    const counts = found.get(seen[i]!) ?? new Int32Array(classes);
    counts[label]!++;
    found.set(seen[i]!, counts);
  });
  return [...found.values()].reduce((sum, counts) => sum + Math.max(...counts), 0) / labels.length;
}

const made: readonly {
  readonly name: string;
  readonly makeData: MakeData;
  readonly answers: string;
  readonly target: SampleTarget;
}[] = [
  {
    name: "unet",
    makeData: unet.makeData,
    answers: "images masks",
    target: { shape: [32, 32, 1], stored, outputs: { kind: "classes", count: 4, positions: [32, 32] } },
  },
  {
    name: "conv1d",
    makeData: conv1d.makeData,
    answers: "motions gestures",
    target: {
      shape: [128, 3],
      stored: { signed: true, width: 8, fraction: 7 },
      outputs: { kind: "classes", count: 6 },
    },
  },
];

describe.each(made)("examples/$name", ({ name, makeData, answers, target }) => {
  const folder = mkdtempSync(join(tmpdir(), `noisefloor-${name}-`));
  afterAll(() => rmSync(folder, { recursive: true }));
  const counts = { train: 300, test: 100 };
  const [first, second] = makeTwice(makeData, folder, counts);
  const [inputs, labels] = answers.split(" ");
  const npy = (split: string): DataFile => ({
    format: "npy",
    path: `${split}-${inputs}.npy`,
    labels: `${split}-${labels}.npy`,
    span,
  });
  const { train, test } = loadDataSet({ train: npy("train"), test: npy("test") }, target, reader(folder));

  it("makes the same files every time, with other samples for the test", () => {
    expect(first.size).toBe(4);
    expect(second).toEqual(first);
    expect([train.count, test.count]).toEqual([300, 100]);
    expect(train.inputs.subarray(0, test.inputs.length)).not.toEqual(test.inputs);
  });

  it("is what its model reads", () => {
    const source = createSourceFile(name, readFileSync(new URL(`${name}/${name}.floor`, examples), "utf8"));
    const { project } = compileSource(source, { exists: () => "found" });
    const { inputs: asked, outputs } = portTargetsOf(project!);
    const { outputs: compared, ...input } = target;
    expect(asked).toMatchObject([input]);
    expect(outputs).toMatchObject([{ compared }]);
    const { train, test } = project!.data as SplitFiles;
    for (const [split, { path, labels: beside }] of Object.entries({ train, test }))
      expect([path, beside]).toEqual([`data/${split}-${inputs}.npy`, `data/${split}-${labels}.npy`]);
  });

  it("has all classes, and a single number does not tell them", () => {
    const classes = target.outputs.kind === "classes" ? target.outputs.count : 0;
    const shares = Array.from(
      { length: classes },
      (_, k) => train.labels.filter((label) => label === k).length / train.labels.length,
    );
    expect(Math.min(...shares)).toBeGreaterThan(0.05);
    const size = train.inputs.length / train.labels.length;
    // A pixel's brightness; of a motion how far its strongest reading is out.
    const seen = Array.from({ length: train.labels.length }, (_, i) => {
      const part = train.inputs.subarray(i * size, (i + 1) * size);
      return size === 1 ? part[0]! : Math.floor(Math.max(...part.map(Math.abs)) / 8);
    });
    const guess = bestGuess(seen, train.labels, classes);
    expect(guess).toBeGreaterThanOrEqual(Math.max(...shares));
    expect(guess).toBeLessThan(Math.max(...shares) + 0.2);
  });
});
