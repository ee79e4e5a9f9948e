// train --sweep: a killed sweep goes on at the point where it was, and ends with the same points.
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sweepSchema } from "../../../report/sweep-result.ts";
import { createTestFolder, makeTinyProject, runCli, runJson, type TestFolder } from "./run-cli.ts";

let folder: TestFolder;
let model: string;

const sweepIn = (directory: string): string => readFileSync(join(directory, "sweep/sweep.json"), "utf8");
const sweep = (directory: string, ...more: string[]) => [
  "train",
  model,
  "--sweep",
  "3",
  "--from",
  "0.2",
  "--to",
  "0.8",
  "-o",
  directory,
  ...more,
];
const run = (arguments_: readonly string[], options = {}) =>
  runCli(arguments_, { cwd: folder.path, ...options });

beforeAll(async () => {
  folder = createTestFolder("sweep");
  model = await makeTinyProject(folder.path, { epochs: 2 });
  const result = await runJson(sweep("whole"), { cwd: folder.path });
  expect(result.code, result.stderr).toBe(0);
  expect(result.result).toMatchObject({ directory: "whole", sweep: { schema: "noisefloor.sweep/1" } });
});
afterAll(() => folder.remove());

describe("train --sweep", () => {
  it("keeps every point with its scores, and marks the front", async () => {
    const found = sweepSchema.parse(JSON.parse(sweepIn(folder.inside("whole"))));
    expect(found.budgets).toEqual([200, 400, 800]);
    expect(found.points.map((p) => p.budget)).toEqual(found.budgets);
    for (const p of found.points) {
      expect(p.bitOperations).toBeLessThanOrEqual(p.budget);
      const counted = p.formats.reduce(
        (sum, l) => sum + l.inputs * l.units * l.weights.width * l.activations.width,
        0,
      );
      expect(p.bitOperations).toBe(counted);
      expect(existsSync(folder.inside("whole", "sweep", `${p.budget}.jsonl`))).toBe(true);
    }
    expect(found.points.some((p) => p.nonDominated)).toBe(true);
    const again = await run(sweep("whole"));
    expect(again.stderr).toContain("whole is swept already");
    for (const word of ["budget", "validation", "test", "float", "800"]) expect(again.stdout).toContain(word);
  });

  it("goes on after a kill, with the same bytes in the end", async () => {
    for (const [name, when] of [
      ["in the float phase", /point 1: baseline/],
      ["in a later point", /point 2: noise/],
      ["between points", /point 3 of 3/],
    ] as const) {
      const directory = folder.inside(name);
      const killed = await run(sweep(directory), {
        onStderr: (text: string, kill: (signal: NodeJS.Signals) => void) => {
          if (when.test(text)) kill("SIGKILL");
        },
      });
      expect(killed.code, killed.stderr).toBeNull();
      const last = await run(sweep(directory));
      expect(last.code, last.stderr).toBe(0);
      expect(sweepIn(directory), name).toBe(sweepIn(folder.inside("whole")));
      for (const budget of [200, 400, 800]) {
        const log = (of: string) => readFileSync(join(of, `sweep/${budget}.jsonl`), "utf8");
        expect(log(directory), name).toBe(log(folder.inside("whole")));
      }
    }
  });

  it("is refused into a directory of another sweep, unless --fresh", async () => {
    const directory = folder.inside("other");
    cpSync(folder.inside("whole"), directory, { recursive: true });
    const arguments_ = ["train", model, "--sweep", "2", "--from", "0.2", "-o", directory];
    const refused = await runJson(arguments_, { cwd: folder.path });
    expect(refused.diagnostics.map((d) => d.code)).toEqual(["build/checkpoint-of-another-run"]);
    expect(sweepIn(directory)).toBe(sweepIn(folder.inside("whole")));
    const fresh = await run([...arguments_, "--fresh"]);
    expect(fresh.code, fresh.stderr).toBe(0);
    expect(JSON.parse(sweepIn(directory)).points).toHaveLength(2);
    expect(existsSync(join(directory, "sweep/400.jsonl"))).toBe(false);
  });

  it("says what is wrong with its options", async () => {
    for (const [wish, code] of [
      [["--sweep", "1"], "cli/bad-option"],
      [["--sweep", "33"], "cli/bad-option"],
      [["--from", "2"], "cli/bad-option"],
      [["--sweep", "3", "--from", "2", "--to", "1"], "cli/bad-option"],
      [["--sweep", "3", "--from", "nothing"], "cli/usage"],
    ] as const) {
      const result = await runJson(["train", model, ...wish, "-o", "nowhere"], { cwd: folder.path });
      expect([result.code, result.diagnostics[0]!.code], wish.join(" ")).toEqual([2, code]);
    }
    // Where a layer is pruned, no budget is out of reach before training.
    const unpruned = join(dirname(model), "unpruned.floor");
    writeFileSync(unpruned, readFileSync(model, "utf8").replace(/dense\(\d+\)/g, "$& { prune: off }"));
    const low = await runJson(["train", unpruned, "--sweep", "2", "--from", "0.01", "-o", "nowhere"], {
      cwd: folder.path,
    });
    expect([low.code, low.diagnostics[0]!.code]).toEqual([1, "train/budget-too-small"]);
    expect(existsSync(folder.inside("nowhere", "sweep"))).toBe(false);
  });
});
