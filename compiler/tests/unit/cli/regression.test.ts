// A regression and an autoencoder through all of the command line: losses in place of accuracies, and the same integers.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeNpy, encodeNpy } from "../../../data/npy.ts";
import { reportSchema } from "../../../report/results.ts";
import { createRandom } from "../../../support/random.ts";
import { hasTool } from "../../tools-present.ts";
import { createTestFolder, packageRoot, runCli, runJson, type TestFolder } from "./run-cli.ts";

const without = ["c", "rtl"].filter((name) => !hasTool(name === "c" ? "cc" : "verilator")).join(",");
const gate = ["--rtl-vectors", "10", ...(without === "" ? [] : ["--without", without])];

let folder: TestFolder;

const run = (...arguments_: string[]) => runCli(arguments_, { cwd: folder.path });
const reportIn = (directory: string) =>
  reportSchema.parse(JSON.parse(readFileSync(join(directory, "report.json"), "utf8")));

beforeAll(() => {
  folder = createTestFolder("regression");
});
afterAll(() => folder.remove());

describe("examples/regression with few epochs", () => {
  beforeAll(async () => {
    const example = join(packageRoot, "examples/regression");
    for (const file of ["train.csv", "test.csv"])
      writeFileSync(folder.inside(file), readFileSync(join(example, file)));
    const text = readFileSync(join(example, "regression.floor"), "utf8")
      .replace(/objective: .*/, "objective: budget(12 kbitops)")
      .replace("float: 30", "float: 2")
      .replace("noise: 60", "noise: 4")
      .replace("rounding: 60", "rounding: 3");
    writeFileSync(folder.inside("regression.floor"), text);
    const built = await run("build", "regression.floor", "-o", "r", ...gate);
    expect(built.code, built.stderr).toBe(0);
    expect(built.stdout).toMatch(/^loss +\d.*integers, .*float \(test set\)$/m);
    expect(built.stdout).not.toContain("accuracy");
    expect(built.stderr).toMatch(
      /rounding 1 +epoch +3: loss [\d.e-]+, validation loss [\d.e-]+, [\d.]+ bits/,
    );
    expect(built.stderr).not.toContain("accuracy");
  });

  it("is proved exact, and the report holds losses, ledger and outcome", () => {
    const report = reportIn(folder.inside("r"));
    expect(report.quantized).toMatchObject({ accuracy: null, loss: expect.any(Number) });
    expect(report.float).toMatchObject({ accuracy: null, loss: expect.any(Number) });
    expect(report.verify!.sim).toMatchObject({ status: "passed" });
    if (without === "")
      for (const backend of [report.verify!.c, report.verify!.rtl])
        expect(backend).toMatchObject({ status: "passed", mismatches: 0 });
    const { ledger, layers, outcome, totals } = report;
    expect(outcome).toMatchObject({
      objective: "budget",
      limits: [{ limit: "bitOperations", asked: 12_000 }],
    });
    expect(totals!.bitOperations).toBe(outcome!.limits[0]!.reached);
    expect(ledger!.map((l) => l.bitOperations)).toEqual(
      layers!.map((l) => l.macs * l.weights.width * l.activations.width),
    );
    expect(ledger!.reduce((sum, l) => sum + l.share, 0)).toBeCloseTo(1, 9);
    const { inputs, outputs, weights } = ledger![0]!.pruned;
    expect(layers![0]!.pruned).toEqual({ inputs, outputs, weights });
  });

  it("ends its training with what bound it and what a bit is worth", async () => {
    const { stdout } = await run("train", "regression.floor", "-o", "r");
    expect(stdout).toMatch(/^objective +budget \(bound by /m);
    expect(stdout).toMatch(/^limit +[\d,]+ of 12,000 bit operations/m);
    expect(stdout).toMatch(/^layer +tensor +SNR bits +width +\+1 bit: dB/m);
    for (const layer of ["fc1", "fc2", "fc3"]) expect(stdout).toMatch(new RegExp(`^${layer} +weights`, "m"));
  });

  it("explains the network at the end", async () => {
    const { stdout } = await run("explain", "r");
    const network = stdout.slice(stdout.indexOf("\nnetwork\n"));
    expect(network).toMatch(/objective +budget/);
    const { result } = await runJson(["explain", "r", "fc2"], { cwd: folder.path });
    expect(Object.keys(result as object)).toEqual(["layers"]);
  });

  it("simulates to values", async () => {
    const test = join(folder.path, "r/design/vectors/inputs.npy");
    const shown = await run("simulate", "r", "--input", test);
    const [head, first] = shown.stdout.split("\n");
    expect(head).toBe("megawatts (values), 500 samples, sim:");
    const { result } = await runJson(["simulate", "r", "--input", test], { cwd: folder.path });
    const [output] = (result as { outputs: { fraction: number; mantissas: number[] }[] }).outputs;
    expect(first!.split(" ").map(Number)).toEqual(
      output!.mantissas.slice(0, 2).map((m) => m * 2 ** -output!.fraction),
    );
    const outputs = decodeNpy(readFileSync(folder.inside("r/design/vectors/training-outputs.npy")), {
      path: "training-outputs.npy",
    });
    expect(output!.mantissas).toEqual(Array.from(outputs.data as Float64Array));
  });
});

describe("an autoencoder", () => {
  it("is compared with its input, from training to the report", { timeout: 120_000 }, async () => {
    mkdirSync(folder.inside("copy"));
    const random = createRandom(5, "frames");
    const frames = (count: number) =>
      encodeNpy(
        [count, 6],
        "uint8",
        // Two signals in six readings: a code of three can hold them.
        Uint8Array.from({ length: count }, () => random.integer(20, 230)).reduce(
          (all, a, n) => {
            const b = random.integer(20, 230);
            all.set([a, b, (a + b) >> 1, 255 - a, 255 - b, a], n * 6);
            return all;
          },
          new Uint8Array(count * 6),
        ),
      );
    writeFileSync(folder.inside("copy/train.npy"), frames(400));
    writeFileSync(folder.inside("copy/test.npy"), frames(60));
    writeFileSync(
      folder.inside("copy/copy.floor"),
      `floor 1
data {
  train: npy("train.npy")
  test: npy("test.npy")
  validation: 50 samples
}
model copy {
  input frames: 6 as u8
  output again = frames -> fc1: dense(4) -> batchnorm -> relu -> fc2: dense(6)
}
train {
  objective: budget(2 kbitops)
  loss: mse
  target: input
  float: 4 epochs
  noise: 4 epochs
  rounding: 4 epochs
  batch: 32 samples
}
hardware { interval: 64 cycles }
`,
    );
    const built = await run("build", "copy/copy.floor", "-o", "a", ...gate);
    expect(built.code, built.stderr).toBe(0);
    const report = reportIn(folder.inside("a"));
    expect(report.verify!.sim).toMatchObject({ status: "passed", mismatches: 0 });
    expect(report.quantized!.accuracy).toBeNull();
    // By hand, from what the program gave.
    const read = (path: string) => decodeNpy(readFileSync(folder.inside("a", path)), { path });
    const inputs = read("design/vectors/inputs.npy").data as Uint8Array;
    const outputs = read("design/vectors/training-outputs.npy").data as Float64Array;
    const program = JSON.parse(readFileSync(folder.inside("a/design/program.json"), "utf8"));
    const value = program.values.find((v: { name: string }) => v.name === program.outputs[0].value);
    const loss = inputs.reduce(
      (sum, m, i) => sum + (outputs[i]! * 2 ** -value.format.fraction - m / 256) ** 2 / inputs.length,
      0,
    );
    expect(report.quantized!.loss).toBeCloseTo(loss, 9);
  });
});
