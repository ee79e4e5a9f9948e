// The native runners: missing tools are the machine's matter, folders may have blanks, children never outlive us.
import { spawn } from "node:child_process";
import { copyFile, mkdtemp, open, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { createBuildCache } from "../../../tools/build-cache.ts";
import { createCRunner, measureC } from "../../../tools/c-compiler.ts";
import { runProcess } from "../../../tools/processes.ts";
import { createVerilatorRunner } from "../../../tools/verilator.ts";
import { verifyDesign } from "../../../verify/verify.ts";
import { hasTool } from "../../tools-present.ts";
import { classifier, designOf } from "../verify/designs.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "noisefloor test with blanks "));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const design = designOf(classifier("tools", [8, 4, 3]));

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe("processes", () => {
  test("a command that does not exist is a result", async () => {
    expect(await runProcess("noisefloor-no-such-tool", [])).toMatchObject({ started: false });
  });

  test("a program that is still open for writing is waited for", async () => {
    const program = join(folder, "true");
    await copyFile("/bin/true", program);
    const held = await open(program, "r+");
    const running = runProcess(program, []);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await held.close();
    expect(await running).toMatchObject({ started: true, exitCode: 0 });
  });

  test("time out kills grandchildren too", async () => {
    const result = await runProcess("sh", ["-c", "sleep 60 & echo $!; wait"], { timeoutSeconds: 0.5 });
    expect(result.timedOut).toBe(true);
    const grandchild = Number(new TextDecoder().decode(result.stdout));
    await expect.poll(() => alive(grandchild), { timeout: 5000 }).toBe(false);
  });

  test("an interrupted parent takes its children along", async () => {
    // Plain node runs no TypeScript, so the module is bundled for it.
    const entry = join(folder, "parent.ts");
    const script = join(folder, "parent.mjs");
    const module = fileURLToPath(new URL("../../../tools/processes.ts", import.meta.url));
    await writeFile(
      entry,
      `import { runProcess } from ${JSON.stringify(module)};\n` +
        `runProcess("sh", ["-c", "sleep 60 & echo $! > pid; wait"], { cwd: ${JSON.stringify(folder)} });\n`,
    );
    await build({
      input: entry,
      platform: "node",
      output: { file: script, format: "esm" },
      logLevel: "silent",
    });
    const parent = spawn(process.execPath, [script], { stdio: "ignore" });
    const pid = async (): Promise<number> => {
      const result = await runProcess("cat", ["pid"], { cwd: folder });
      return Number(new TextDecoder().decode(result.stdout));
    };
    await expect.poll(pid, { timeout: 20_000 }).toBeGreaterThan(0);
    parent.kill("SIGINT");
    const child = await pid();
    await expect.poll(() => alive(child), { timeout: 5000 }).toBe(false);
  });
});

describe("missing tools", () => {
  test("all of them are named at once, as the machine's matter, before any work", async () => {
    const runners = {
      c: createCRunner({ cc: "noisefloor-no-cc" }),
      rtl: createVerilatorRunner({ verilator: "noisefloor-no-verilator" }),
    };
    const error = await verifyDesign(design, undefined, { seed: 1 }, runners).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DiagnosticError);
    const { diagnostics } = error as DiagnosticError;
    expect(diagnostics.map((d) => d.code)).toEqual(["cli/missing-tool", "cli/missing-tool"]);
    expect(diagnostics.every((d) => d.category === "environment")).toBe(true);
    expect(diagnostics.map((d) => d.hint).join()).toMatch(/gcc.*verilator/s);
  });

  test("what is left out is not asked for", async () => {
    const runners = { rtl: createVerilatorRunner({ verilator: "noisefloor-no-verilator" }) };
    const result = await verifyDesign(design, undefined, { seed: 1, without: ["c", "rtl"] }, runners);
    expect(result).toMatchObject({ status: "passed", c: { status: "skipped" }, rtl: { status: "skipped" } });
    expect(result.rtl!.reason).toContain("--without rtl");
  });
});

describe.skipIf(!hasTool("cc"))("C compiler", () => {
  test("works with blanks in the cache folder, and builds once", async () => {
    const cache = createBuildCache(join(folder, "the cache"));
    const run = () =>
      verifyDesign(design, undefined, { seed: 1, without: ["rtl"] }, { c: createCRunner({ cache }) });
    const results = await Promise.all([run(), run()]);
    expect(results.map((r) => r.c!.status)).toEqual(["passed", "passed"]);
    const builds = await readdir(join(folder, "the cache", "c"));
    expect(builds).toHaveLength(2);
    expect(builds.filter((name) => name.startsWith("tmp-"))).toEqual([]);
  });

  test("measures constants exactly and finds no foreign symbols", async () => {
    const c = design.manifest.c!;
    const measured = await measureC(design.files, c);
    expect(measured.flashBytes).toBe(c.flashBytes);
    expect(measured.staticBytes).toBe(0);
    expect(measured.codeBytes).toBeGreaterThan(100);
    expect(measured.stackBytes).toBeGreaterThan(0);
    for (const symbol of measured.undefinedSymbols)
      expect(["memcpy", "memmove", "memset", "memcmp"]).toContain(symbol);
  });
});
