// Commands that are stopped outside of training, and commands that only read a build directory.
import { chmodSync, cpSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestFolder, makeTinyProject, runCli, runJson, script, type TestFolder } from "./run-cli.ts";

let folder: TestFolder;
let built: string;

const run = (...arguments_: string[]) => runCli(arguments_, { cwd: folder.path });

beforeAll(async () => {
  folder = createTestFolder("signals");
  built = folder.inside("built");
  const result = await run("compile", await makeTinyProject(folder.path, { epochs: 1 }), "-o", built);
  expect(result.code, result.stderr).toBe(0);
});
afterAll(() => folder.remove());

describe("a signal outside of training", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s ends with %i and the JSON object", async (signal, code) => {
    // A compiler that says that it runs, and goes on for long.
    const path = folder.inside(`slow-${signal}`);
    mkdirSync(path);
    const started = join(path, "started");
    writeFileSync(join(path, "cc"), `#!/bin/sh\n: > '${started}'\nexec /bin/sleep 5\n`);
    chmodSync(join(path, "cc"), 0o755);
    const input = join(built, "design/vectors/inputs.npy");
    const watch = `
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
const child = spawn(process.execPath, [${JSON.stringify(script)}, ...process.argv.slice(2)], { stdio: "inherit" });
const poll = setInterval(() => existsSync(${JSON.stringify(started)}) && (clearInterval(poll), child.kill("${signal}")), 5);
child.on("close", (code) => (clearInterval(poll), (process.exitCode = code ?? 1)));
`;
    const watcher = join(path, "watch.mjs");
    writeFileSync(watcher, watch);
    const result = await runJson(["simulate", built, "--input", input, "--backend", "c"], {
      cwd: folder.path,
      script: watcher,
      env: { PATH: path, CC: "" },
    });
    expect(result.code, result.stderr).toBe(code);
    expect(result.diagnostics.map((d) => d.code)).toEqual(["cli/interrupted"]);
    expect(result.diagnostics[0]).toMatchObject({ severity: "error", hint: expect.any(String) });
    expect(result.result).toBeNull();
  });
});

describe("a build directory that is only read", () => {
  it("needs neither the lock nor the right to write, and changes nothing", async () => {
    const copy = folder.inside("read-only");
    cpSync(built, copy, { recursive: true });
    // The parent of this process runs as long as the test does.
    writeFileSync(join(copy, ".lock"), `${process.ppid}\n`);
    mkdirSync(join(copy, "other.tmp"));
    renameSync(join(copy, "design"), join(copy, "design.next"));
    const before = readdirSync(copy, { recursive: true }).sort();
    chmodSync(copy, 0o555);
    const input = join(built, "design/vectors/inputs.npy");
    try {
      const explained = await run("explain", copy);
      expect(explained).toEqual(await run("explain", built));
      expect(explained.code, explained.stderr).toBe(0);
      const simulated = await run("simulate", copy, "--input", input);
      expect(simulated.code, simulated.stderr).toBe(0);
      expect(simulated).toEqual(await run("simulate", built, "--input", input));
    } finally {
      chmodSync(copy, 0o755);
    }
    expect(readdirSync(copy, { recursive: true }).sort()).toEqual(before);
  });
});
