// A model with two inputs and two outputs through all of the command line: trained, resumed, compiled, verified, simulated.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeNpy, encodeNpy } from "../../../data/npy.ts";
import { reportSchema } from "../../../report/results.ts";
import { createRandom } from "../../../support/random.ts";
import { hasTool } from "../../tools-present.ts";
import { createTestFolder, runCli, runJson, type TestFolder } from "./run-cli.ts";

const without = ["c", "rtl"].filter((name) => !hasTool(name === "c" ? "cc" : "verilator")).join(",");
const gate = ["--rtl-vectors", "10", ...(without === "" ? [] : ["--without", without])];

const MODEL = `floor 1
data {
  train: {
    sight: npy("train.npy"), touch: csv("train.csv", columns: ["t0", "t1", "t2"])
    thing: csv("train.csv", columns: "kind"), place: csv("train.csv", columns: ["row", "column"])
  }
  test: {
    sight: npy("test.npy"), touch: csv("test.csv", columns: ["t0", "t1", "t2"])
    thing: csv("test.csv", columns: "kind"), place: csv("test.csv", columns: ["row", "column"])
  }
  validation: 60 samples
}
model fused {
  input sight: 5x4x1 as u8
  input touch: 3 as s8
  seen = sight -> c1: conv(3, kernel: 2) -> relu -> flatten -> f1: dense(8)
  felt = touch -> f2: dense(8)
  scene = add(seen, felt) -> relu
  output thing = scene -> f3: dense(3) -> argmax
  output place = scene -> f4: dense(2)
}
train {
  objective: budget(30 kbitops)
  loss: { thing: cross_entropy, place: huber(0.5, weight: 2) }
  noise: 3, rounding: 3, batch: 32, learning_rate: 0.01
}
hardware { interval: 128 cycles }
`;

let folder: TestFolder;
const run = (...arguments_: string[]) => runCli(arguments_, { cwd: folder.path });
const npy = (path: string) => decodeNpy(readFileSync(folder.inside(path)), { path });

/** A bright pixel says the place, one of the touches the kind. */
function writeData(split: string, count: number): void {
  const random = createRandom("several ports", split);
  const sight = new Uint8Array(count * 20);
  const rows = ["t0,t1,t2,kind,row,column"];
  for (let i = 0; i < count; i++) {
    const [row, column, kind] = [random.integer(0, 4), random.integer(0, 3), i % 3];
    for (let k = 0; k < 20; k++) sight[i * 20 + k] = random.integer(0, 60);
    sight[i * 20 + row * 4 + column] = random.integer(190, 250);
    const touch = [0, 1, 2].map((k) => ((k === kind ? 0.6 : 0) + random.normal() * 0.1).toFixed(3));
    rows.push([...touch, ["cup", "pen", "box"][kind], row / 5, column / 5].join(","));
  }
  writeFileSync(folder.inside(`${split}.npy`), encodeNpy([count, 5, 4], "uint8", sight));
  writeFileSync(folder.inside(`${split}.csv`), `${rows.join("\n")}\n`);
}

describe("a model with two inputs and two outputs", () => {
  beforeAll(async () => {
    folder = createTestFolder("several");
    writeData("train", 240);
    writeData("test", 60);
    writeFileSync(folder.inside("fused.floor"), MODEL);
    const built = await run("build", "fused.floor", "-o", "b", ...gate);
    expect(built.code, built.stderr).toBe(0);
    expect(built.stderr).toMatch(/validation loss [\d.]+ \(thing [\d.]+ %, place loss [\d.]+\)/);
    expect(built.stdout).toMatch(/^loss +[\d.]+ integers, [\d.]+ float \(test set\)$/m);
    expect(built.stdout).toMatch(/^output +thing: accuracy [\d.]+ % integers, [\d.]+ % float$/m);
    expect(built.stdout).toMatch(/^output +place: loss [\d.]+ integers, [\d.]+ float$/m);
  });
  afterAll(() => folder.remove());

  it("is proved exact, and the report has the figures of each output", () => {
    const text = readFileSync(join(folder.inside("b"), "report.json"), "utf8");
    const { quantized, float, verify } = reportSchema.parse(JSON.parse(text));
    for (const score of [quantized!, float!]) {
      const [thing, place] = score.outputs!;
      expect(thing).toMatchObject({ name: "thing", accuracy: expect.any(Number) });
      expect(place).toMatchObject({ name: "place", accuracy: null });
      expect(score.accuracy).toBeNull();
      expect(score.loss).toBeCloseTo(thing!.loss + 2 * place!.loss, 9);
    }
    expect(quantized!.outputs![0]!.accuracy).toBeGreaterThan(0.6);
    expect(verify!.sim).toMatchObject({ status: "passed" });
    if (without === "")
      for (const backend of [verify!.c, verify!.rtl])
        expect(backend).toMatchObject({ status: "passed", mismatches: 0 });
  });

  it("has vectors of every input and output, in which the gate finds what training did not give", async () => {
    expect(npy("b/design/vectors/inputs-2.npy").shape).toEqual([60, 3]);
    expect(npy("b/design/vectors/targets-2.npy").shape).toEqual([60, 2]);
    const path = folder.inside("b/design/vectors/training-outputs-2.npy");
    const bytes = readFileSync(path);
    const { shape, data } = npy("b/design/vectors/training-outputs-2.npy");
    const wrong = Float64Array.from(data, (x, i) => (i === 7 ? x + 1 : x));
    writeFileSync(path, encodeNpy(shape, "int64", wrong));
    const { code, stderr } = await run("verify", "b", "--without", "c,rtl");
    writeFileSync(path, bytes);
    expect(code).toBe(1);
    expect(stderr).toMatch(/layer f4, .* simulator against the known outputs/);
    expect((await run("verify", "b", "--without", "c,rtl")).code).toBe(0);
  });

  it("is simulated on a file for each input", async () => {
    const { mantissas } = { mantissas: npy("b/train/test-inputs-2.npy") };
    writeFileSync(folder.inside("touch.npy"), encodeNpy(mantissas.shape, "int8", mantissas.data));
    const inputs = ["--input", "sight=test.npy", "--input", "touch=touch.npy"];
    const outputs = ["--output", "place=p.npy", "--output", "thing=t.npy"];
    const { code, stdout, stderr } = await run("simulate", "b", ...inputs, ...outputs);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^thing, 60 samples, sim:$/m);
    expect(stdout).toMatch(/^place \(values\), 60 samples, sim:$/m);
    expect([...npy("p.npy").data]).toEqual([...npy("b/train/test-outputs-2.npy").data]);
    const logits = npy("b/train/test-outputs.npy").data;
    const best = (n: number): number =>
      [0, 1, 2].reduce((b, k) => (logits[3 * n + k]! > logits[3 * n + b]! ? k : b), 0);
    expect([...npy("t.npy").data]).toEqual(Array.from({ length: 60 }, (_, n) => best(n)));
    const { result } = await runJson(["simulate", "b", ...inputs], { cwd: folder.path });
    const { outputs: all } = result as { outputs: { name: string }[] };
    expect(all.map(({ name }) => name)).toEqual(["thing.logits", "thing", "place"]);
  });

  it.each([
    [["sight=test.npy"], /--input: there is no file for touch/],
    [["test.npy"], /"test\.npy" is no NAME=FILE; the names are sight, touch/],
    [["sight=test.npy", "sight=test.npy"], /sight is given twice/],
    [["sight=train.npy", "touch=touch.npy"], /touch has 60 samples, but sight has 240/],
  ])("simulate refuses %j", async (inputs, message) => {
    const { code, stderr } = await run("simulate", "b", ...inputs.flatMap((file) => ["--input", file]));
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it("says which input or output has other samples, before it trains", async () => {
    const rows = readFileSync(folder.inside("train.csv"), "utf8").trimEnd().split("\n");
    writeFileSync(folder.inside("short.csv"), `${rows.slice(0, -1).join("\n")}\n`);
    const text = MODEL.replace('thing: csv("train.csv"', 'thing: csv("short.csv"');
    writeFileSync(folder.inside("short.floor"), text);
    const { code, stderr } = await run("train", "short.floor");
    expect(code).toBe(1);
    expect(stderr).toMatch(/data\/port-count: thing has 239 samples, but sight has 240/);
  });

  it("goes on after a kill and ends with the same network", async () => {
    let killed = false;
    const first = await runCli(["train", "fused.floor", "-o", "r"], {
      cwd: folder.path,
      onStderr: (text, kill) => {
        if (killed || !/noise +epoch/.test(text)) return;
        killed = true;
        kill("SIGKILL");
      },
    });
    expect(first.code).toBeNull();
    const { code, stderr } = await run("train", "fused.floor", "-o", "r");
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/going on after \d+ epochs/);
    const trained = (build: string) => readFileSync(folder.inside(`${build}/train/trained.json`), "utf8");
    expect(trained("r")).toBe(trained("b"));
  });
});
