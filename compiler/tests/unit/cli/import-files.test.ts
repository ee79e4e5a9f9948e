// Model files of other tools on the command line: read by the worker, compiled and verified, or refused by name.
import { readFileSync, writeFileSync } from "node:fs";
import { zipSync } from "fflate/browser";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { capacityLines } from "../../../cli/tables.ts";
import { encodeNpy } from "../../../data/npy.ts";
import { valueNamed } from "../../../program/program.ts";
import { readProgram } from "../../../program/read.ts";
import { type Report, reportSchema } from "../../../report/results.ts";
import { createRandom } from "../../../support/random.ts";
import { createOnnx, type OnnxBuilder } from "../import/build-onnx.ts";
import { kerasArchive, type TestModel, tfjsFiles } from "../import/keras-files.ts";
import { createDraws, inputLayer, tensorOf } from "../import/random-keras.ts";
import { type CliJson, createTestFolder, runJson, type TestFolder } from "./run-cli.ts";

let folder: TestFolder;
beforeAll(() => {
  folder = createTestFolder("import-files");
});
afterAll(() => folder.remove());

function writeOnnx(name: string, make: (b: OnnxBuilder) => readonly string[]): string {
  const b = createOnnx();
  writeFileSync(folder.inside(name), b.finish(make(b), 13));
  return name;
}

/** Builds without Verilog, which needs a simulator. */
const build = (name: string, ...options: readonly string[]): Promise<CliJson> =>
  runJson(["build", name, "--without", "rtl", ...options], { cwd: folder.path });

const dense = (b: OnnxBuilder, x: string, inputs: number, units: number): string =>
  b.node("Gemm", [x, b.weights([inputs, units]), b.weights([units])]);

const draws = createDraws(3);

/** An NPY file of seeded values between -1 and 1. */
function npyOf(count: number, each: number): Uint8Array {
  const random = createRandom(count * each, "samples");
  return encodeNpy(
    [count, each],
    "float64",
    Float64Array.from({ length: count * each }, () => 2 * random.uniform() - 1),
  );
}
const layers: TestModel = {
  layers: [
    inputLayer([5]),
    {
      type: "Dense",
      name: "only",
      config: { units: 3 },
      uses: [["image"]],
      weights: [tensorOf(draws, "kernel", [5, 3]), tensorOf(draws, "bias", [3])],
    },
  ],
  outputs: ["only"],
};

function verified({ exitCode, result, diagnostics }: CliJson): Report {
  expect(diagnostics.filter((d) => d.severity === "error").map((d) => d.message)).toEqual([]);
  expect(exitCode).toBe(0);
  const report = reportSchema.parse((result as { readonly report: unknown }).report);
  expect(report.verify!.c).toMatchObject({ status: "passed", mismatches: 0 });
  return report;
}

describe("noisefloor build of a model file", () => {
  it("reads ONNX, and hands on what the reader warns of", async () => {
    const name = writeOnnx("net.onnx", (b) => {
      const hidden = b.node("Elu", [dense(b, b.input("x", [null, 6]), 6, 8)]);
      return [b.node("Softmax", [dense(b, hidden, 8, 3)], { axis: 1 })];
    });
    const built = await build(name);
    expect(built.diagnostics.map((d) => d.code)).toEqual(["import/softmax-dropped", "import/no-data"]);
    const report = verified(built);
    expect(capacityLines(report)).not.toMatch(/hold/);
    expect(report).toMatchObject({ model: "net", accuracy: "unknown" });
    expect(report.quantized!.loss).toBeLessThan(0.01);
  });

  it("calibrates every output of several", async () => {
    const name = writeOnnx("two.onnx", (b) => {
      const hidden = b.node("Relu", [dense(b, b.input("x", [null, 6]), 6, 8)]);
      return [dense(b, hidden, 8, 3), dense(b, hidden, 8, 2)];
    });
    const report = verified(await build(name));
    expect(report.quantized!.outputs!.map(({ loss }) => loss > 0 && loss < 0.01)).toEqual([true, true]);
  });

  it("reads Keras and TensorFlow.js", async () => {
    writeFileSync(folder.inside("layers.keras"), kerasArchive(layers));
    const keras = verified(await build("layers.keras"));
    const { modelJson, weightFiles } = tfjsFiles(layers);
    writeFileSync(folder.inside("model.json"), modelJson);
    for (const [path, bytes] of weightFiles) writeFileSync(folder.inside(path), bytes);
    const tfjs = verified(await build("model.json"));
    expect(tfjs.quantized).toEqual(keras.quantized);
  });

  it("calibrates a float model of several inputs, each with its own integers", async () => {
    writeOnnx("sum.onnx", (b) => {
      const [x, y] = [b.input("x", [null, 4]), b.input("y", [null, 3])];
      return [dense(b, b.node("Relu", [b.node("Add", [dense(b, x, 4, 5), dense(b, y, 3, 5)])]), 5, 2)];
    });
    expect(verified(await build("sum.onnx")).quantized!.loss).toBeLessThan(0.01);

    const [x, y] = [npyOf(40, 4), npyOf(40, 3)];
    writeFileSync(folder.inside("both.npz"), zipSync({ "x.npy": x, "y.npy": y }));
    const text = `floor 1
model both from "sum.onnx" {
  input x as s10 { range: [-1, 1] }
  input y as u8 { scale: 0.00392156862745098 }
}
data { train: npz("both.npz"), test: 10 samples, validation: 10 samples }
train { target: float }
`;
    writeFileSync(folder.inside("both.floor"), text);
    verified(await build("both.floor"));
    const program = readProgram(readFileSync(folder.inside("build/both/design/program.json"), "utf8"));
    expect(program.inputs.map((name) => valueNamed(program, name).format.fraction)).toEqual([9, 8]);
    // Arrays of an archive go by the names of the inputs.
    verified(await build("sum.onnx", "--data", "both.npz", "--fresh"));
    writeFileSync(folder.inside("one.npz"), zipSync({ "x.npy": x }));
    const { exitCode, diagnostics } = await build("sum.onnx", "--data", "one.npz", "--fresh");
    expect([exitCode, diagnostics.map((d) => d.code)]).toEqual([1, ["data/npz-array"]]);
  });

  it("refuses quantizers of which some are missing", async () => {
    const quantized = writeOnnx("quantized.onnx", (b) => {
      const quant = { signed: 1, narrow: 0, rounding_mode: "ROUND" };
      const scale = b.weights([], [0.125]);
      const w = b.node(
        "qonnx.custom_op.general:Quant",
        [b.weights([4, 2]), scale, b.weights([], [0]), b.weights([], [4])],
        quant,
      );
      return [dense(b, b.node("MatMul", [b.input("x", [null, 4]), w]), 2, 3)];
    });
    const { exitCode, diagnostics } = await build(quantized);
    expect([exitCode, diagnostics.map((d) => d.code)]).toEqual([1, ["import/exact-weights"]]);
  });
});
