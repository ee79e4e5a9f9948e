// `noisefloor inspect` and the worker behind it: what a model is, what does not fit, and files that would do harm.
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Inspection } from "../../../driver/inspect.ts";
import { encodeMessage } from "../../../import/onnx/encode.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { type ReadLimits, readModelFile } from "../../../tools/read-model-file.ts";
import { createOnnx, type OnnxBuilder } from "../import/build-onnx.ts";
import { createTestFolder, makeTinyProject, runCli, runJson, type TestFolder } from "./run-cli.ts";

let folder: TestFolder;
beforeAll(() => {
  folder = createTestFolder("inspect");
});
afterAll(() => folder.remove());

function write(name: string, make: (b: OnnxBuilder) => string, opset = 13): string {
  const b = createOnnx();
  writeFileSync(folder.inside(name), b.finish([make(b)], opset));
  return name;
}

const inspect = (name: string) => runJson(["inspect", name], { cwd: folder.path });

const small = (b: OnnxBuilder): string => {
  const settings = { signed: 1, narrow: 0, rounding_mode: "ROUND" };
  const quant = (x: string, scale: string, bits: number): string =>
    b.node("qonnx.custom_op.general:Quant", [x, scale, b.weights([], [0]), b.weights([], [bits])], settings);
  const scale = b.weights([], [0.125]);
  const image = quant(b.input("image", [null, 3, 8, 6]), scale, 8);
  const w = quant(b.weights([4, 3, 3, 3]), b.positive([4, 1, 1, 1]), 3);
  const x = quant(b.node("Relu", [b.node("Conv", [image, w, b.weights([4])])]), scale, 5);
  const matrix = quant(b.weights([96, 5]), scale, 4);
  return b.node("Softmax", [b.node("Gemm", [b.node("Flatten", [x]), matrix, b.weights([5])])], { axis: 1 });
};

describe("noisefloor inspect", () => {
  it("says what an ONNX file is", async () => {
    const name = write("small.onnx", small);
    const { code, result, diagnostics } = await inspect(name);
    expect(code).toBe(0);
    expect(diagnostics.map((d) => d.code)).toEqual(["import/softmax-dropped"]);
    const found = result as Inspection & { supported: boolean };
    expect(found).toMatchObject({ supported: true, name: "small", format: "onnx 13" });
    expect(found.inputs).toEqual([
      { name: "image", shape: [8, 6, 3], fileShape: [null, 3, 8, 6], fileAxes: [2, 3, 1] },
    ]);
    const conv = found.layers.find(({ operator }) => operator.startsWith("conv"))!;
    expect(conv).toMatchObject({
      operator: "conv 3x3",
      shape: [6, 4, 4],
      macs: 6 * 4 * 108,
      parameters: 112,
    });
    expect(conv.formats).toEqual(["weights 3 bits signed, 4 scales"]);
    expect(found.totals).toEqual({ macs: 6 * 4 * 108 + 480, parameters: 112 + 485 });
    const text = await runCli(["inspect", name], { cwd: folder.path });
    expect(text.stdout).toContain("image 8x6x3 (in the file ?x3x8x6; here channels last)");
    expect(text.stdout).toContain("supported    yes");
  });

  it("says all that does not fit, and fails", async () => {
    const name = write("unfit.onnx", (b) => b.node("Mish", [b.node("Sign", [b.input("x", [1, 4])])]));
    const { code, result, diagnostics } = await inspect(name);
    expect(code).toBe(1);
    expect(result).toEqual({ supported: false, path: name });
    expect(diagnostics.map((d) => d.code)).toEqual([
      "import/unsupported-operator",
      "import/unsupported-form",
    ]);
    const text = await runCli(["inspect", name], { cwd: folder.path });
    expect(text.stdout).toBe("unfit.onnx\nsupported    no: 2 reasons\n");
  });

  it("says what has no exact integers of a model that states its quantizers, beside what it is", async () => {
    const b = createOnnx();
    const scalar = (value: number): string => b.weights([], [value]);
    const quant = (x: string, bits: number): string => {
      const settings = { signed: 1, narrow: 0, rounding_mode: "ROUND" };
      return b.node("qonnx.custom_op.general:Quant", [x, scalar(0.1), scalar(0), scalar(bits)], settings);
    };
    const hidden = b.node("MatMul", [quant(b.input("x", [null, 4]), 6), quant(b.weights([4, 2]), 4)]);
    writeFileSync(folder.inside("inexact.onnx"), b.finish([quant(hidden, 14)], 13));
    const { exitCode, result, diagnostics } = await runJson(["inspect", "inexact.onnx"], {
      cwd: folder.path,
    });
    expect(exitCode).toBe(1);
    expect(result).toMatchObject({ supported: false, totals: { macs: 8 } });
    expect(diagnostics.map((d) => d.code)).toEqual(["import/exact-levels"]);
  });

  it("says what a model of ours is", async () => {
    const model = await makeTinyProject(folder.inside("tiny"));
    const { code, result } = await inspect(model);
    expect(code).toBe(0);
    expect(result).toMatchObject({ supported: true, format: "floor" });
    const { layers, totals } = result as Inspection;
    const dense = layers.filter(({ operator }) => operator === "dense");
    expect(totals.macs).toBe(dense.reduce((sum, { macs }) => sum + macs, 0));
    expect(dense[0]!.formats[0]).toMatch(/^weights .* bits$/);
  });

  it("refuses what it does not know, damaged files, and ones that are missing", async () => {
    writeFileSync(folder.inside("model.pb"), "x");
    writeFileSync(folder.inside("damaged.onnx"), "this is no model");
    for (const [name, code] of [
      ["model.pb", "import/unknown-format"],
      ["damaged.onnx", "import/damaged"],
      ["absent.onnx", "cli/missing-file"],
    ] as const) {
      const result = await inspect(name);
      expect(result.code, name).toBe(1);
      expect(result.diagnostics.map((d) => d.code)).toEqual([code]);
    }
  });
});

describe("data in other files", () => {
  const external = (name: string, location: string): string => {
    const b = createOnnx();
    const w = b.constant({
      dims: [4, 1],
      dataType: 1,
      dataLocation: 1,
      externalData: [{ key: "location", value: location }],
    });
    writeFileSync(folder.inside(name), b.finish([b.node("MatMul", [b.input("x", [1, 4]), w])], 13));
    return name;
  };
  const floats = new Uint8Array(Float32Array.of(2, 3, 4, 5).buffer);

  it("is read from the model's folder, and never from outside of it, by links neither", async () => {
    mkdirSync(folder.inside("models/data"), { recursive: true });
    writeFileSync(folder.inside("models/data/w.bin"), floats);
    writeFileSync(folder.inside("secret.bin"), floats);
    symlinkSync(folder.inside("secret.bin"), folder.inside("models/link.bin"));
    expect((await inspect(external("models/sound.onnx", "data/w.bin"))).code).toBe(0);
    for (const location of ["../secret.bin", folder.inside("secret.bin"), "link.bin", "data", "absent.bin"]) {
      const { code, diagnostics } = await inspect(external("models/hostile.onnx", location));
      expect(code, location).toBe(1);
      expect(diagnostics.map((d) => d.code)).toEqual(["import/external-data"]);
    }
  });
});

describe("the worker's limits", () => {
  const codesOf = async (path: string, limits: ReadLimits): Promise<readonly string[]> => {
    try {
      await readModelFile(path, limits);
      return [];
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      return error.diagnostics.map(({ code }) => code);
    }
  };

  it("end it, and what is said is a diagnostic", async () => {
    const count = 4_000_000;
    const list = { name: "w", dims: [count], dataType: 1, floatData: new Array(count).fill(0.5) };
    const path = folder.inside("heavy.onnx");
    writeFileSync(
      path,
      encodeMessage("ModelProto", { opsetImport: [{ version: 13 }], graph: { initializer: [list] } }),
    );
    expect(await codesOf(path, { seconds: 0.001, megabytes: 200 })).toEqual(["import/too-slow"]);
    expect(await codesOf(path, { seconds: 60, megabytes: 24 })).toEqual(["import/out-of-memory"]);
    expect(await codesOf(path, { seconds: 60, megabytes: 200 })).toEqual(["import/no-network"]);
  });

  it("are of the processor's time: waiting does not count at once", async () => {
    const name = write("waiting.onnx", small);
    const reading = readModelFile(folder.inside(name), { seconds: 2, megabytes: 200 });
    // This thread sleeps for longer than the limit.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500);
    expect((await reading).model.name).toBe("waiting");
  });

  it("stop a file that is too large before it is read", async () => {
    const path = folder.inside("large.onnx");
    writeFileSync(path, "");

    truncateSync(path, 2 ** 31);
    expect(await codesOf(path, { seconds: 60, megabytes: 200 })).toEqual(["import/too-large"]);
  });
});
