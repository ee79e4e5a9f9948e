// Training that is stopped, by a kill or by Ctrl-C, ends with the same bytes as training that is not.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestFolder, makeTinyProject, runCli, runJson, type TestFolder, tinyModel } from "./run-cli.ts";

// Long enough to be hit in each phase, short enough to run often.
const EPOCHS = 12;

let folder: TestFolder;
let model: string;
let whole: string;

const results = ["train/trained.json", "train/test-outputs.npy", "train/result.json"] as const;
const bytesIn = (directory: string) => results.map((name) => readFileSync(join(directory, name), "hex"));
const epochsIn = (directory: string): number => {
  const log = join(directory, "train/log.jsonl");
  return existsSync(log) ? (readFileSync(log, "utf8").match(/"event":"epoch"/g) ?? []).length : 0;
};
const run = (arguments_: readonly string[], options = {}) =>
  runCli(arguments_, { cwd: folder.path, ...options });

beforeAll(async () => {
  folder = createTestFolder("resume");
  model = await makeTinyProject(folder.path, { epochs: EPOCHS });
  whole = folder.inside("whole");
  const result = await run(["train", model, "-o", whole]);
  expect(result.code, result.stderr).toBe(0);
});
afterAll(() => folder.remove());

describe("training", () => {
  it("ends with the same bytes after SIGKILL at random moments", async () => {
    const random = xoroshiro128plus(7);
    const directory = folder.inside("killed");
    // One kill in each third of the run, that is in different phases, each some milliseconds into an epoch.
    const total = epochsIn(whole);
    let before = 0;
    for (let third = 0; third < 3; third++) {
      const epoch = Math.floor(((third + ((random.next() >>> 0) % 700) / 1000) * total) / 3) + 1;
      const wait = (random.next() >>> 0) % 15;
      let armed = false;
      const killed = await run(["train", model, "-o", directory], {
        onStderr(_: string, kill: (signal: NodeJS.Signals) => void) {
          if (armed) return;
          armed = true;
          const poll = setInterval(() => {
            if (epochsIn(directory) < epoch) return;
            clearInterval(poll);
            setTimeout(() => kill("SIGKILL"), wait);
          }, 3);
        },
      });
      expect(killed.code, killed.stderr).toBeNull();
      console.info(`killed ${wait} ms after epoch ${epoch} of ${total}: ${epochsIn(directory)} saved`);
      expect(epochsIn(directory)).toBeGreaterThan(before);
      before = epochsIn(directory);
      expect(existsSync(join(directory, "train/result.json"))).toBe(false);
    }
    expect(before).toBeGreaterThan(0);
    const last = await run(["train", model, "-o", directory]);
    expect(last.code, last.stderr).toBe(0);
    expect(last.stderr).toMatch(/going on after \d+ epochs/);
    expect(bytesIn(directory)).toEqual(bytesIn(whole));
    // Nothing twice, nothing missing: neither epochs nor what the trainer said.
    const log = (of: string) => readFileSync(join(of, "train/log.jsonl"), "utf8");
    expect(log(directory)).toBe(log(whole));
  });

  it("stops at the next step on Ctrl-C and says how to go on", async () => {
    const directory = folder.inside("two words");
    const stopped = await run(["train", model, "-o", directory, "--fresh"], {
      onStderr(text: string, kill: (signal: NodeJS.Signals) => void) {
        if (text.includes("epoch") && !text.includes("stopping")) kill("SIGINT");
      },
    });
    expect(stopped.code, stopped.stderr).toBe(130);
    expect(stopped.stderr).toContain("stopping at the next step");
    const command = /To go on: noisefloor (.*)$/m.exec(stopped.stderr)?.[1];
    expect(command).toBe(`train ${model} -o '${directory}'`);
    expect(existsSync(join(directory, ".lock"))).toBe(false);
    expect(epochsIn(directory)).toBeGreaterThan(0);
    const resumed = await run(["train", model, "-o", directory]);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(resumed.stderr).toMatch(/going on after \d+ epochs/);
    expect(bytesIn(directory)).toEqual(bytesIn(whole));
  });

  it("ends with 143 and the JSON object on SIGTERM", async () => {
    let sent = false;
    const stopped = await runJson(["train", model, "-o", folder.inside("terminated")], {
      cwd: folder.path,
      onStderr(text, kill) {
        if (sent || !text.includes("epoch")) return;
        sent = true;
        kill("SIGTERM");
      },
    });
    expect(stopped.exitCode).toBe(143);
    const resume = `noisefloor train ${model} -o ${folder.inside("terminated")} --json`;
    expect(stopped.result).toEqual({ resume });
    expect(stopped.diagnostics).toMatchObject([{ code: "cli/stopped", severity: "error", hint: resume }]);
  });
});

describe("a directory of another run", () => {
  const changed = (settings: Parameters<typeof tinyModel>[1]): string => {
    const path = folder.inside(`changed-${Object.keys(settings!).join("-")}.floor`);
    writeFileSync(path, tinyModel(readFileSync(model, "utf8"), { epochs: EPOCHS, ...settings }));
    return path;
  };

  it("is refused by the name of what changed, trained or not", async () => {
    const before = bytesIn(whole);
    for (const directory of [whole, folder.inside("terminated")]) {
      const epochs = await runJson(["train", changed({ epochs: 4 }), "-o", directory], { cwd: folder.path });
      expect(epochs.exitCode).toBe(1);
      expect(epochs.diagnostics.map((d) => d.code)).toEqual(["build/checkpoint-of-another-run"]);
      expect(epochs.diagnostics[0]!.message).toMatch(/: training settings changed/);
      expect(epochs.diagnostics[0]!.hint).toContain("--fresh");
    }
    const seed = await runJson(["train", model, "-o", whole, "--seed", "2"], { cwd: folder.path });
    expect(seed.exitCode).toBe(1);
    expect(seed.diagnostics[0]!.message).toMatch(/: seed changed/);
    expect(bytesIn(whole)).toEqual(before);
  });

  it("is not one when only the hardware changed", async () => {
    const before = bytesIn(whole);
    const result = await run(["compile", changed({ interval: 40 }), "-o", whole]);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stderr).toContain("is trained already");
    expect(bytesIn(whole)).toEqual(before);
    const manifest = JSON.parse(readFileSync(join(whole, "design/manifest.json"), "utf8"));
    expect(manifest.rtl.intervalCycles).toBeGreaterThan(16);
    expect(manifest.rtl.intervalCycles).toBeLessThanOrEqual(40);
  });

  it("is started again by --fresh", async () => {
    const directory = folder.inside("terminated");
    const result = await run(["train", changed({ epochs: 2 }), "-o", directory, "--fresh"]);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stderr).not.toContain("going on");
    expect(epochsIn(directory)).toBeLessThan(epochsIn(whole));
    expect(bytesIn(directory)).not.toEqual(bytesIn(whole));
  });
});
