// build --fit: a network that is too large for a part is trained again with fewer bits of weights, until it fits.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createRandom } from "../../../support/random.ts";
import { createTestFolder, runCli, runJson, type TestFolder } from "./run-cli.ts";

let folder: TestFolder;

const MODEL = `floor 1
data {
  train: csv("train.csv", label: "label")
  test: csv("test.csv", label: "label")
  validation: 60 samples
}
model m {
  input x: 16 as u8
  output label = x
    -> fc1: dense(32) { weight_bits: 2..8, prune: off } -> relu
    -> fc2: dense(4) { weight_bits: 2..8, prune: off } -> argmax
}
train {
  objective: budget(40000 bitops)
  float: 1 epoch
  noise: 1 epoch
  rounding: 2 epochs
}
hardware { clock: 20 MHz, interval: 16 cycles }
`;

/** Of 16 numbers the largest sum of four neighbours. */
function csvOf(count: number): string {
  const random = createRandom("fit", count);
  const rows = Array.from({ length: count }, () => {
    const x = Array.from({ length: 16 }, () => random.integer(0, 255));
    const sums = [0, 4, 8, 12].map((at) => x.slice(at, at + 4).reduce((sum, n) => sum + n, 0));
    return `${x.join(",")},${"abcd"[sums.indexOf(Math.max(...sums))]}`;
  });
  return `${[`${x16()},label`, ...rows].join("\n")}\n`;
}

const x16 = (): string => Array.from({ length: 16 }, (_, i) => `x${i}`).join(",");

/** A rate for which 8 bits are too many. */
const WISH = ["--target", "ice40-up5k", "--interval", "12"];
const build = (...more: string[]): string[] => ["build", "m.floor", "-o", "b", "--without", "c,rtl", ...more];
const run = (arguments_: readonly string[]) => runCli(arguments_, { cwd: folder.path });

beforeAll(() => {
  folder = createTestFolder("fit");
  writeFileSync(folder.inside("m.floor"), MODEL);
  writeFileSync(folder.inside("train.csv"), csvOf(300));
  writeFileSync(folder.inside("test.csv"), csvOf(60));
});
afterAll(() => folder.remove());

it("trains again until the part has room, and goes on with what it found", async () => {
  const alone = await run(build(...WISH));
  expect(alone.code).toBe(1);
  expect(alone.stderr).toMatch(/solve\/too-large: a packet every 12 cycles takes \d+ LUT of the 5280/);

  const fitted = await runJson(build(...WISH, "--fit"), { cwd: folder.path });
  expect(fitted.code, fitted.stderr).toBe(0);
  expect(fitted.stderr).toMatch(/does not fit ice40-up5k: training again for at most [\d,]+ bits of weights/);
  const { weightBits } = JSON.parse(readFileSync(folder.inside("b", "fit.json"), "utf8"));
  const report = JSON.parse(readFileSync(folder.inside("b", "report.json"), "utf8"));
  expect(report.totals.weightBits).toBeLessThanOrEqual(weightBits);
  // The model's own limit holds as well.
  expect(report.totals.bitOperations).toBeLessThanOrEqual(40_000);

  const again = await run(build(...WISH, "--fit"));
  expect(again.code, again.stderr).toBe(0);
  expect(again.stderr).toContain("b is trained already");
}, 120_000);

it("refuses what it cannot go on from, and what it does not go with", async () => {
  expect((await run(build("--fit"))).stderr).toContain("--fit: it belongs to --target");
  writeFileSync(folder.inside("b", "fit.json"), "{}");
  expect((await run(build(...WISH, "--fit"))).stderr).toContain("b/fit.json cannot be read");
  rmSync(folder.inside("b", "fit.json"));
  expect((await run(build(...WISH, "--fit"))).stderr).toContain("build/checkpoint-of-another-run");
  expect(existsSync(folder.inside("b", "train", "trained.json"))).toBe(true);
}, 60_000);
