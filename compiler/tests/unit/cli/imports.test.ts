// Model files on the command line: calibrated and fine-tuned, with and without data. The models are made here; a file holds
// the seed of one.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { buildCommand } from "../../../cli/commands/build.ts";
import { type CompileOptions, compileCommand } from "../../../cli/commands/compile.ts";
import { trainCommand } from "../../../cli/commands/train.ts";
import type { CommandOutcome, Context } from "../../../cli/context.ts";
import { encodeNpy } from "../../../data/npy.ts";
import type { ImportedModel } from "../../../graph/imported.ts";
import type { ModelImport } from "../../../import/model-import.ts";
import { openImport } from "../../../import/open.ts";
import { type Report, reportSchema } from "../../../report/results.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { createRandom } from "../../../support/random.ts";
import { decodeUtf8 } from "../../../support/text.ts";
import { TrainingStopped } from "../../../train/request.ts";
import { evaluate, modelBuilder } from "../import/float-models.ts";
import { createTestFolder, type TestFolder } from "./run-cli.ts";

vi.mock("../../../tools/read-model-file.ts", () => ({
  readModelFile: async (path: string) => {
    const bytes = readFileSync(path);
    return openImport(bytes, { path }, { read: () => importOf(modelOfSeed(Number(decodeUtf8(bytes)))) });
  },
}));

const importOf = (made: ImportedModel): ModelImport => ({
  model: made,
  inputs: [],
  outputs: [],
  warnings: [],
});

/** Six inputs, a hidden layer with a batch-norm, three scores; three values of a negative seed. */
function modelOfSeed(seed: number): ImportedModel {
  const b = modelBuilder(Math.abs(seed));
  const hidden = b.op(b.norm(b.dense(b.affine(b.input([6])), 16, "fc1")), { kind: "relu" });
  const scores = b.dense(hidden, 3, "fc2");
  return b.model(seed < 0 ? scores : b.op(scores, { kind: "argmax" }), "made of numbers");
}

let folder: TestFolder;
let model: string;
beforeAll(() => {
  folder = createTestFolder("imports");
  model = folder.inside("net.onnx");
  writeFileSync(model, "4");
});
afterAll(() => folder.remove());

/** A context that stops after so many looks at it. */
function contextOf(looks = Number.POSITIVE_INFINITY): Context & { readonly lines: string[] } {
  const lines: string[] = [];
  const closers: (() => void)[] = [];
  let left = looks;
  return {
    lines,
    json: false,
    progress: { line: (text) => lines.push(text), update: () => {}, pause: () => {} },
    interrupt: {
      get stopped() {
        return left-- <= 0;
      },
      exitCode: 130,
      gracefully: (work) => work(),
      end: () => {},
    },
    onExit: (close) => closers.push(close),
    closeAll: () => {
      for (const close of closers.splice(0)) close();
    },
  };
}

async function running(
  run: (context: Context) => Promise<CommandOutcome>,
  looks?: number,
): Promise<CommandOutcome & { readonly lines: readonly string[] }> {
  const context = contextOf(looks);
  try {
    return { ...(await run(context)), lines: context.lines };
  } finally {
    context.closeAll();
  }
}

const compile = (path: string, options: CompileOptions) => running((c) => compileCommand(c, path, options));
const reportOf = (directory: string): Report =>
  reportSchema.parse(JSON.parse(readFileSync(join(directory, "report.json"), "utf8")));

async function codesOf(run: Promise<unknown>): Promise<string[]> {
  try {
    await run;
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return error.diagnostics.map((d) => `${d.code}: ${d.message}`);
  }
  return [];
}

/** Samples of the stored integers, labelled by the float network. */
function writeData(count: number): {
  readonly inputs: string;
  readonly labels: string;
  readonly values: string;
} {
  const float = modelOfSeed(4);
  const scores = { ...float, outputs: [{ name: "y", node: "fc2" }] };
  const random = createRandom("import data", count);
  const inputs = Int8Array.from({ length: count * 6 }, () => random.integer(-128, 127));
  const values = new Float32Array(count * 3);
  const labels = Uint8Array.from({ length: count }, (_, i) => {
    const row = evaluate(
      scores,
      Array.from(inputs.subarray(i * 6, i * 6 + 6), (m) => m / 128),
    );
    values.set(row, i * 3);
    return row.indexOf(Math.max(...row));
  });
  const paths = { inputs: "x.npy", labels: "labels.npy", values: "values.npy" };
  writeFileSync(folder.inside(paths.inputs), encodeNpy([count, 6], "int8", inputs));
  writeFileSync(folder.inside(paths.labels), encodeNpy([count], "uint8", labels));
  writeFileSync(folder.inside(paths.values), encodeNpy([count, 3], "float32", values));
  return {
    inputs: folder.inside(paths.inputs),
    labels: folder.inside(paths.labels),
    values: folder.inside(paths.values),
  };
}

describe("without data", () => {
  it("is calibrated on made samples, verified, and says that its accuracy is unknown", async () => {
    const output = folder.inside("made");
    const { diagnostics, text, lines } = await running((c) =>
      buildCommand(c, model, { output, without: "rtl" }),
    );
    expect(diagnostics!.map((d) => `${d.severity} ${d.code}`)).toEqual(["warning import/no-data"]);
    expect(text).toMatch(/^accuracy +unknown: nothing to compare with; mean square distance/m);
    expect(lines.join("\n")).toMatch(/1,000 training, 250 validation, 250 test samples/);
    const report = reportOf(output);
    expect(report).toMatchObject({ model: "made of numbers", accuracy: "unknown" });
    expect(report.float).toEqual({ accuracy: null, loss: 0 });
    expect(report.quantized!.accuracy).toBeNull();
    expect(report.quantized!.loss).toBeGreaterThan(0);
    expect(report.quantized!.loss).toBeLessThan(0.01);
    expect(report.verify!.c).toMatchObject({ status: "passed", mismatches: 0 });
    expect(report.layers!.map((l) => [l.name, l.weights.width, l.activations.width])).toEqual([
      ["fc1", 8, 8],
      ["fc2", 8, 8],
    ]);
    expect(report.layers!.map((l) => l.pruned!.inputs + l.pruned!.outputs)).toEqual([0, 0]);
    expect(readFileSync(join(output, "train/model.floor"), "utf8")).toBe(
      'floor 1\n\nmodel "made of numbers" from "net.onnx" {\n  input "x" as s8\n}\n',
    );
  }, 120_000);

  it("compiles again from what training left, without the file", async () => {
    const output = folder.inside("left");
    await compile(model, { output, inputType: "u8", inputScale: "1/255" });
    const program = readFileSync(join(output, "design/program.json"), "utf8");
    writeFileSync(model, "");
    try {
      await compile(output, {});
    } finally {
      writeFileSync(model, "4");
    }
    expect(readFileSync(join(output, "design/program.json"), "utf8")).toBe(program);
    expect(JSON.parse(program)).toMatchObject({ schema: expect.anything() });
  });

  it("gives the same bytes on every run, other ones for another seed", async () => {
    const read = (name: string) => readFileSync(folder.inside(name, "train/trained.json"), "utf8");
    await compile(model, { output: folder.inside("one") });
    await compile(model, { output: folder.inside("two") });
    await compile(model, { output: folder.inside("three"), seed: 9 });
    expect(read("two")).toBe(read("one"));
    expect(read("three")).not.toBe(read("one"));
  });
});

describe("with data", () => {
  it("is calibrated within epsilon, and scored by its labels", async () => {
    const { inputs, labels } = writeData(900);
    const output = folder.inside("labelled");
    await compile(model, { output, data: [inputs, labels] });
    const report = reportOf(output);
    expect(report.accuracy).toBeUndefined();
    expect(report.float!.accuracy).toBe(1);
    expect(report.quantized!.accuracy).toBeGreaterThan(0.9);
    expect(report.outcome).toMatchObject({ objective: "lossless", difference: { holds: true } });
    expect(report.totals!.bitOperations).toBeLessThan((6 * 16 + 16 * 3) * 64);
  });

  it("compares with real values, or with the float network where nothing is given", async () => {
    const { inputs, values } = writeData(600);
    const targets = folder.inside("targets");
    const regressor = folder.inside("values.onnx");
    writeFileSync(regressor, "-4");
    await compile(regressor, { output: targets, data: [inputs, values] });
    const regression = reportOf(targets);
    expect(regression.accuracy).toBeUndefined();
    expect(regression.float!.accuracy).toBeNull();
    const plain = folder.inside("plain");
    await compile(model, { output: plain, data: [inputs] });
    expect(reportOf(plain)).toMatchObject({ accuracy: "unknown", float: { loss: 0 } });
    expect(reportOf(plain).outcome!.difference!.holds).toBe(true);
  });

  it("is fine-tuned to a budget, and goes on after a stop with the same bytes", async () => {
    const { inputs, labels } = writeData(900);
    const text = `floor 1
model net from "net.onnx" { fc1 { weight_alpha: channel } }
data { train: npy("x.npy", labels: "labels.npy"), test: 20 %, validation: 20 % }
train { objective: budget(900 bitops), noise: 2 epochs, rounding: 3 epochs, learning_rate: 0.01, batch: 64 }
`;
    expect([inputs, labels]).toEqual([folder.inside("x.npy"), folder.inside("labels.npy")]);
    const tuned = folder.inside("tuned.floor");
    const calibrated = folder.inside("calibrated.floor");
    writeFileSync(tuned, text);
    writeFileSync(calibrated, text.replace("noise: 2 epochs, rounding: 3 epochs, ", ""));
    const train = (path: string, output: string, looks?: number) =>
      running((c) => trainCommand(c, path, { output }), looks);
    const [whole, stopped, without] = ["whole", "stopped", "without"].map((name) => folder.inside(name));
    await train(tuned, whole!);
    await expect(train(tuned, stopped!, 250)).rejects.toBeInstanceOf(TrainingStopped);
    const { lines } = await train(tuned, stopped!);
    expect(lines.join("\n")).toMatch(/going on after \d+ epochs/);
    for (const file of ["train/trained.json", "train/test-outputs.npy", "train/imported.json"])
      expect(readFileSync(join(stopped!, file))).toEqual(readFileSync(join(whole!, file)));
    await train(calibrated, without!);
    const [after, before] = [reportOf(whole!), reportOf(without!)];
    expect(after.outcome!.limits[0]!.reached).toBeLessThanOrEqual(900);
    expect(before.outcome!.limits[0]!.reached).toBeLessThanOrEqual(900);
    expect(after.quantized!.loss).toBeLessThan(before.quantized!.loss);
    expect(after.float).toEqual(before.float);
  }, 120_000);

  it("is of one model file", async () => {
    const output = folder.inside("changed");
    await compile(model, { output });
    writeFileSync(model, "5");
    try {
      expect(await codesOf(compile(model, { output }))).toEqual([
        expect.stringMatching(/^build\/checkpoint-of-another-run: .*model file/),
      ]);
    } finally {
      writeFileSync(model, "4");
    }
  });
});

describe("refusals", () => {
  it.each([
    [{ inputType: "i8" }, "--input-type"],
    [{ inputScale: "0" }, "--input-scale"],
    [{ inputScale: "1/0" }, "--input-scale"],
    [{ inputRange: "1..-1" }, "--input-range"],
    [{ data: ["a", "b", "c"] }, "--data"],
  ])("%j", async (options, named) => {
    expect(await codesOf(compile(model, { output: folder.inside("none"), ...options }))).toEqual([
      expect.stringMatching(new RegExp(`^cli/bad-option: ${named}`)),
    ]);
  });

  it("a table has no known column of labels", async () => {
    const path = folder.inside("x.csv");
    writeFileSync(path, "a,b\n1,2\n");
    expect(await codesOf(compile(model, { output: folder.inside("none"), data: [path] }))).toEqual([
      expect.stringMatching(/x\.csv is no .npy, .npz or .json file/),
    ]);
  });

  it("a missing file of samples", async () => {
    const path = folder.inside("absent.npy");
    expect(await codesOf(compile(model, { output: folder.inside("none"), data: [path] }))).toEqual([
      expect.stringMatching(/^cli\/missing-file: --data/),
    ]);
  });

  it("options of an import beside a text", async () => {
    const path = folder.inside("plain.floor");
    writeFileSync(path, "floor 1\n");
    expect(await codesOf(compile(path, { inputType: "u8" }))).toEqual([
      expect.stringMatching(/^cli\/bad-option: --input-type/),
    ]);
  });

  it("a text that names a file of no known kind, or none", async () => {
    const path = folder.inside("odd.floor");
    writeFileSync(path, 'floor 1\nmodel m from "plain.floor" { }\n');
    expect(await codesOf(compile(path, {}))).toEqual([expect.stringMatching(/^import\/unknown-format/)]);
    writeFileSync(path, 'floor 1\nmodel m from "absent.onnx" { }\n');
    expect(await codesOf(compile(path, {}))).toEqual([expect.stringMatching(/^data\/missing-file/)]);
  });

  it("a model in a folder of its own, and other files beside it make another digest", async () => {
    const inner = folder.inside("inner");
    mkdirSync(inner);
    writeFileSync(join(inner, "net.onnx"), "4");
    writeFileSync(folder.inside("inner.floor"), 'floor 1\nmodel m from "inner/net.onnx" { }\n');
    const output = folder.inside("from-inner");
    await compile(folder.inside("inner.floor"), { output });
    expect(reportOf(output).model).toBe("m");
    rmSync(inner, { recursive: true });
    const digestWith = (names: readonly string[]): string =>
      openImport(
        new Uint8Array(1),
        { path: "a.test", readExternal: () => new Uint8Array(2) },
        {
          read: (_, { readExternal }) => {
            for (const name of names) readExternal!(name, 0, 2);
            return importOf(modelOfSeed(4));
          },
        },
      ).digest;
    expect(digestWith([])).not.toBe(digestWith(["weights"]));
  });
});
