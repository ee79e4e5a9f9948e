// Model files that state their quantizers on the command line: built as they are, without training and without TensorFlow.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeNpy, encodeNpy } from "../../../data/npy.ts";
import { type Report, reportSchema } from "../../../report/results.ts";
import { createRandom } from "../../../support/random.ts";
import { hasTool } from "../../tools-present.ts";
import { createOnnx, type OnnxBuilder } from "../import/build-onnx.ts";
import {
  type CliJson,
  createTestFolder,
  makeTinyProject,
  runCli,
  runJson,
  type TestFolder,
} from "./run-cli.ts";

const without = ["c", "rtl"].filter((name) => !hasTool(name === "c" ? "cc" : "verilator"));
const gate = ["--rtl-vectors", "5", ...(without.length === 0 ? [] : ["--without", without.join(",")])];

let folder: TestFolder;
let noTensorFlow: Readonly<Record<string, string>>;
const json = (...words: string[]) => runJson(words, { cwd: folder.path, env: noTensorFlow });
const run = (...words: string[]) => runCli(words, { cwd: folder.path, env: noTensorFlow });
/** Verilog takes its time to be compiled: it is simulated where something is asked of it. */
const build = (...words: string[]) =>
  json("build", ...words, "--without", without.includes("c") ? "c,rtl" : "rtl");
const read = (...names: string[]): string => readFileSync(folder.inside(...names), "utf8");

beforeAll(() => {
  folder = createTestFolder("stated");
  const hook = folder.inside("hook.cjs");
  writeFileSync(
    hook,
    `const { Module } = require("node:module");
const load = Module._load;
Module._load = function (name, ...rest) {
  if (/tensorflow/.test(name)) throw new Error("TensorFlow is loaded");
  return load.call(this, name, ...rest);
};
`,
  );
  noTensorFlow = { NODE_OPTIONS: `--require ${hook}` };
});
afterAll(() => folder.remove());

const SIGNED = { signed: 1, narrow: 0, rounding_mode: "ROUND" };
const quant = (b: OnnxBuilder, x: string, scale: number, bits: number): string =>
  b.node(
    "qonnx.custom_op.general:Quant",
    [x, b.weights([], [scale]), b.weights([], [0]), b.weights([], [bits])],
    SIGNED,
  );
const dense = (b: OnnxBuilder, x: string, inputs: number, units: number): string =>
  b.node("MatMul", [x, quant(b, b.weights([inputs, units]), 0.25, 4)]);

function writeOnnx(name: string, make: (b: OnnxBuilder) => readonly string[]): string {
  const b = createOnnx();
  writeFileSync(folder.inside(name), b.finish(make(b), 13));
  return name;
}

/** Six inputs in sixteenths, a hidden layer, three scores in quarters of 2^-4. */
function writeNet(name = "net.onnx"): string {
  return writeOnnx(name, (b) => {
    const hidden = b.node("Relu", [dense(b, quant(b, b.input("x", [null, 6]), 0.0625, 8), 6, 8)]);
    return [dense(b, quant(b, hidden, 0.3, 4), 8, 3)];
  });
}

function reportOf({ exitCode, result, diagnostics }: CliJson): Report {
  expect(diagnostics.filter((d) => d.severity === "error").map((d) => d.message)).toEqual([]);
  expect(exitCode).toBe(0);
  const report = reportSchema.parse((result as { readonly report: unknown }).report);
  expect(report.verify!.c!.status).toBe(without.includes("c") ? "skipped" : "passed");
  return report;
}

const codesOf = ({ exitCode, diagnostics }: CliJson): [number, ...string[]] => [
  exitCode,
  ...diagnostics.map((d) => d.code),
];

describe("a file that states its quantizers", () => {
  beforeAll(async () => {
    writeNet();
    const text = await run("build", "net.onnx", "-o", "net", ...gate);
    expect(text.code, text.stderr).toBe(0);
    expect(text.stdout).toMatch(/^layer +weight width +input width +accumulator +bit operations$/m);
    expect(text.stdout).toMatch(/^model file +onnx 13$/m);
    expect(text.stdout).toMatch(/^input +x 6: s8, scale 0\.0625, zero point 0 \(as the file states\)$/m);
    expect(text.stdout).toMatch(/^output +\S+ 3: scale 0\.075, offset 0$/m);
    expect(text.stdout).toMatch(/^accuracy +unknown: there are no labels or targets/m);
    expect(text.stdout).not.toMatch(/SNR|objective|one bit more/);
    expect(text.stderr).toMatch(/nothing is trained; 1,000 random samples, seed 1/);
  });

  it("is built without training, and the report has what came in", () => {
    const report = reportSchema.parse(JSON.parse(read("net", "report.json")));
    expect(report).toMatchObject({
      model: "net",
      seed: 1,
      accuracy: "unknown",
      imported: {
        format: "onnx 13",
        inputs: [
          { name: "x", shape: [6], signed: true, width: 8, scale: 0.0625, zeroPoint: 0, statedBy: "file" },
        ],
        samples: { count: 1000, from: "random" },
      },
      layers: [{ weights: { width: 4 } }, { activations: { width: 4 } }],
    });
    for (const absent of ["backend", "float", "quantized", "ledger", "outcome"])
      expect(report).not.toHaveProperty(absent);
    expect(existsSync(folder.inside("net", "train"))).toBe(false);
  });

  it("is exported on its integers, with what they mean in the file beside them", async () => {
    expect((await json("export", "net", "-o", "exported", "--format", "qonnx")).exitCode).toBe(0);
    const { scales } = JSON.parse(read("exported", "export.json"));
    const [[name, scale]] = Object.entries(scales.outputs) as [[string, unknown]];
    expect(scales.inputs).toEqual({ x: { scale: 0.0625, offset: 0 } });
    expect((scale as { readonly scale: number }).scale).toBeCloseTo(0.075, 6);
    const model = read("exported", "net.onnx");
    expect(model).toContain("noisefloor.scales");
    expect(model).toContain(JSON.stringify(name));
  });

  it("is exported without a QONNX model that has no words for it, with a warning unless it is asked for", async () => {
    const limited = writeOnnx("limited.onnx", (b) => {
      const x = quant(b, b.input("x", [null, 6]), 0.0625, 8);
      const sums = b.node("Clip", [dense(b, x, 6, 3), b.weights([], [0]), b.weights([], [6])]);
      return [quant(b, sums, 2 ** -6, 10)];
    });
    reportOf(await build(limited, "-o", "limited"));
    const all = await json("export", "limited", "-o", "some");
    expect([all.exitCode, all.diagnostics.map((d) => d.severity)]).toEqual([0, ["warning"]]);
    expect(all.result).toMatchObject({ formats: ["npz", "safetensors", "vectors"] });
    expect(codesOf(await json("export", "limited", "-o", "some", "--format", "qonnx"))[0]).toBe(1);
  });

  it("built again is the same design; of another model it is that one's", async () => {
    const manifest = read("net", "design/manifest.json");
    reportOf(await build("net.onnx", "-o", "net"));
    expect(read("net", "design/manifest.json")).toBe(manifest);
    const other = writeOnnx("other.onnx", (b) => [dense(b, quant(b, b.input("x", [null, 4]), 0.5, 4), 4, 2)]);
    const changed = reportOf(await build(other, "-o", "changed"));
    expect(changed.layers).toHaveLength(1);
    expect(reportOf(await build("net.onnx", "-o", "changed")).layers).toHaveLength(2);
    expect(read("changed", "design/manifest.json")).toBe(manifest);
  });

  it("is compiled again from its directory, without the file", async () => {
    const manifest = read("net", "design/manifest.json");
    writeFileSync(folder.inside("net.onnx"), "");
    try {
      expect(codesOf(await json("compile", "net"))).toEqual([0]);
      expect(codesOf(await json("compile", "net", "-o", "copy"))).toEqual([0]);
    } finally {
      writeNet();
    }
    for (const name of ["net", "copy"]) expect(read(name, "design/manifest.json")).toBe(manifest);
    appendFileSync(folder.inside("copy", "import/program.json"), " ");
    expect(codesOf(await json("compile", "copy"))).toEqual([1, "build/modified-training"]);
  });

  it("keeps a design that was edited", async () => {
    reportOf(await build("net.onnx", "-o", "edited"));
    appendFileSync(folder.inside("edited", "design/c/net.c"), "\n");
    expect(codesOf(await build("net.onnx", "-o", "edited"))).toEqual([1, "build/modified"]);
    reportOf(await build("net.onnx", "-o", "edited", "--force"));
  });

  it("is explained and simulated in its own units", async () => {
    const text = (await run("explain", "net")).stdout;
    expect(text).toMatch(/4 bits, integers -8\.\.7\n +as the model's file states it/);
    expect(text).not.toMatch(/step 2\^|no training/);
    const values = Float32Array.of(0.5, -0.25, 0.1, 0, 7, -9);
    writeFileSync(folder.inside("values.npy"), encodeNpy([6], "float32", values));
    const integers = Int8Array.of(8, -4, 2, 0, 112, -128);
    writeFileSync(folder.inside("integers.npy"), encodeNpy([6], "int8", integers));
    const [real, whole] = [
      await run("simulate", "net", "--input", "values.npy", "--output", "out.npy"),
      await run("simulate", "net", "--input", "integers.npy"),
    ];
    expect([real.code, real.stderr]).toEqual([0, ""]);
    expect(whole.stdout).toBe(real.stdout);
    const { data } = decodeNpy(readFileSync(folder.inside("out.npy")), { path: "out.npy" });
    const shown = real.stdout.split("\n")[1]!.split(" ").map(Number);
    expect(shown.map((x) => Math.round(x / 0.075))).toEqual([...data]);
  });

  it("takes what a text says of its input, its layers and the hardware", async () => {
    writeFileSync(
      folder.inside("bytes.floor"),
      `floor 1
model bytes from "net.onnx" {
  input x as u8 { scale: 0.00392156862745098 }
  "MatMul_2" { pe: 4, simd: 3 }
}
hardware { interval: 64 cycles, clock: 25 MHz }
`,
    );
    const report = reportOf(await build("bytes.floor", "-o", "bytes"));
    expect(report).toMatchObject({
      model: "bytes",
      hardware: { clockMHz: 25 },
      imported: { inputs: [{ signed: false, width: 8, scale: 1 / 255, statedBy: "user" }] },
    });
    const manifest = JSON.parse(read("bytes", "design/manifest.json"));
    const stage = manifest.rtl.stages.find(
      ({ layer, op }: { layer: string; op: string }) => layer === "MatMul_2" && op === "dense",
    );
    expect(stage).toMatchObject({ pe: 4, simd: 3 });
    expect(report.hardware!.intervalCycles).toBeLessThanOrEqual(64);
    // The same by options.
    const { hardware: _, ...options } = reportOf(
      await build("net.onnx", "-o", "by-options", "--input-type", "u8", "--input-scale", "1/255"),
    );
    expect(options.imported!.inputs).toEqual(report.imported!.inputs);
  });

  it("is measured by samples: all of them", async () => {
    const random = createRandom("stated");
    const inputs = Int8Array.from({ length: 300 }, () => random.integer(-128, 127));
    writeFileSync(folder.inside("x.npy"), encodeNpy([50, 6], "int8", inputs));
    const simulated = await json("simulate", "net", "--input", "x.npy");
    const [{ mantissas }] = (simulated.result as { outputs: [{ mantissas: number[] }] }).outputs;
    const best = Uint8Array.from({ length: 50 }, (_, n) => {
      const row = mantissas.slice(n * 3, n * 3 + 3);
      return row.indexOf(Math.max(...row));
    });
    // One of ten is said to be another class.
    const labels = best.map((label, n) => (n % 10 === 0 ? (label + 1) % 3 : label));
    writeFileSync(folder.inside("y.npy"), encodeNpy([50], "uint8", labels));
    const report = reportOf(await build("net.onnx", "-o", "measured", "--data", "x.npy", "y.npy"));
    expect(report.quantized!.accuracy).toBeCloseTo(0.9, 12);
    expect(report.accuracy).toBeUndefined();
    expect(report.imported!.samples).toEqual({ count: 50, from: "data" });
    expect(read("measured", "import/model.floor")).toBe(
      'floor 1\n\nmodel "net" from "net.onnx" {\n}\n\ndata {\n  test: npy("x.npy", labels: "y.npy")\n}\n',
    );
  });

  it("has any number of inputs and outputs", async () => {
    const two = writeOnnx("two.onnx", (b) => {
      const [x, y] = ["x", "y"].map((name) => quant(b, b.input(name, [null, 4]), 0.125, 6));
      const sum = b.node("Add", [x!, y!]);
      return [dense(b, quant(b, sum, 0.25, 6), 4, 3), b.node("Sub", [x!, y!])];
    });
    const report = reportOf(await json("build", two, "-o", "two", ...gate));
    expect(report.verify!.rtl!.status).toBe(without.includes("rtl") ? "skipped" : "passed");
    expect(report.imported!.inputs.map(({ name }) => name)).toEqual(["x", "y"]);
    expect(report.imported!.outputs).toHaveLength(2);
    expect(JSON.parse(read("two", "design/manifest.json")).rtl.inputs).toHaveLength(2);
  });
});

describe("what is not done with such a file", () => {
  beforeAll(() => {
    writeNet();
  });

  it.each([
    ["train", "net.onnx"],
    ["train", "net.onnx", "--sweep", "3"],
    ["build", "net.onnx", "--epochs", "3"],
  ])("there is nothing to train: %s", async (...words) => {
    const result = await json(...words, "-o", "none");
    expect(codesOf(result)).toEqual([1, "import/nothing-to-train"]);
    expect(existsSync(folder.inside("none"))).toBe(false);
  });

  it("what has no exact integers is refused, all of it at once, before anything is made", async () => {
    const bad = writeOnnx("bad.onnx", (b) => {
      const x = quant(b, b.input("x", [null, 4]), 0.125, 6);
      const first = b.node("Sigmoid", [dense(b, x, 4, 3)]);
      return [dense(b, first, 3, 2), b.node("Tanh", [b.node("Sigmoid", [x])])];
    });
    const { exitCode, diagnostics } = await build(bad, "-o", "bad");
    expect(exitCode).toBe(1);
    expect(diagnostics.map((d) => d.code)).toEqual(["import/exact-no-operator", "import/exact-unquantized"]);
    expect(existsSync(folder.inside("bad", "design"))).toBe(false);
  });

  it("a training of another model is kept, unless it is to be discarded", async () => {
    const path = await makeTinyProject(folder.inside("project"), { epochs: 1 });
    const trained = await runJson(["train", path, "-o", "shared"], { cwd: folder.path });
    expect(codesOf(trained)[0]).toBe(0);
    expect(codesOf(await build("net.onnx", "-o", "shared"))).toEqual([1, "build/checkpoint-of-another-run"]);
    reportOf(await build("net.onnx", "-o", "shared", "--fresh"));
    expect(existsSync(folder.inside("shared", "train"))).toBe(false);
    // And the other way round: an import takes no training, so that nothing is lost with it.
    expect(codesOf(await runJson(["train", path, "-o", "shared"], { cwd: folder.path }))[0]).toBe(0);
    expect(existsSync(folder.inside("shared", "import"))).toBe(false);
  });
});
