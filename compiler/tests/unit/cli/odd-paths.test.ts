// Paths at which something else is than a command expects: pipes and devices, whose end never comes, folders named like
// models, and places where the system makes no folder. Every command ends, and says why.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createOnnx } from "../import/build-onnx.ts";
import { createTestFolder, makeTinyProject, runCli, runJson, type TestFolder } from "./run-cli.ts";

let folder: TestFolder;
beforeAll(() => {
  folder = createTestFolder("odd-paths");
  const b = createOnnx();
  const bytes = b.finish([b.node("Gemm", [b.input("x", [1, 4]), b.weights([4, 2])])], 13);
  writeFileSync(folder.inside("sound.onnx"), bytes);
});
afterAll(() => folder.remove());

const isUnix = process.platform !== "win32";
/** What a command that hangs gets. */
const KILL_MS = 60_000;

function pipe(name: string): string {
  execFileSync("mkfifo", [folder.inside(name)]);
  return name;
}

const run = (...arguments_: readonly string[]) =>
  runJson(arguments_, { cwd: folder.path, killAfter: KILL_MS });

async function refusal(...arguments_: readonly string[]): Promise<readonly [string, string]> {
  const { code, diagnostics } = await run(...arguments_);
  expect(code, arguments_.join(" ")).toBe(1);
  expect(diagnostics).toHaveLength(1);
  return [diagnostics[0]!.code, diagnostics[0]!.message];
}

describe.runIf(isUnix)("a pipe that nobody writes to", () => {
  it("is no model, in no format", async () => {
    for (const name of ["pipe.onnx", "pipe.keras", "pipe.floor"]) {
      pipe(name);
      expect(await refusal("inspect", name)).toEqual(["cli/no-file", `${name} is a pipe, not a file`]);
    }
    expect(await refusal("build", "pipe.onnx")).toEqual(["cli/no-file", "pipe.onnx is a pipe, not a file"]);
  });

  it("is no file that a text names", async () => {
    pipe("named.onnx");
    writeFileSync(folder.inside("named.floor"), 'floor 1\nmodel named from "named.onnx" {\n}\n');
    expect((await refusal("inspect", "named.floor"))[0]).toBe("data/missing-file");
  });

  it("is no data and no input, and no part of a build directory", async () => {
    const data = pipe("data.npy");
    const built = await run("compile", "sound.onnx");
    expect(built.code).toBe(0);
    expect((await refusal("build", "sound.onnx", "--fresh", "--data", data))[0]).toBe("cli/no-file");
    expect(await refusal("simulate", "build/sound", "--input", data)).toEqual([
      "cli/no-file",
      "data.npy is a pipe, not a file",
    ]);
    const part = folder.inside("build/sound/train/trained.json");
    rmSync(part);
    execFileSync("mkfifo", [part]);
    expect((await refusal("compile", "build/sound"))[0]).toBe("cli/no-file");
  });
});

describe.runIf(existsSync("/dev/zero"))("a device", () => {
  it("is no model, by a link neither", async () => {
    symlinkSync("/dev/zero", folder.inside("endless.onnx"));
    symlinkSync("/dev/zero", folder.inside("endless.npy"));
    expect(await refusal("inspect", "endless.onnx")).toEqual([
      "cli/no-file",
      "endless.onnx is a device, not a file",
    ]);
    expect((await refusal("build", "sound.onnx", "--data", "endless.npy"))[0]).toBe("cli/no-file");
  });
});

describe("a folder", () => {
  it("that is named like a model is said to be a folder", async () => {
    for (const name of ["folder.onnx", "folder.h5", "folder.floor"]) {
      mkdirSync(folder.inside(name));
      expect(await refusal("inspect", name)).toEqual(["cli/no-file", `${name} is a folder, not a file`]);
    }
    mkdirSync(folder.inside("folder"));
    expect((await refusal("inspect", "folder"))[0]).toBe("cli/ambiguous-model");
  });

  it("is made with those above it", async () => {
    const project = await makeTinyProject(folder.inside("far/away/tiny"));
    expect(existsSync(project)).toBe(true);
    const { code } = await run("compile", "sound.onnx", "-o", "deep/er/still");
    expect(code).toBe(0);
    expect(readdirSync(folder.inside("deep/er/still"))).toContain("design");
  });

  it.runIf(existsSync("/proc/self"))(
    "that the system does not make is an error, not an endless try",
    async () => {
      const options = { cwd: folder.path, killAfter: KILL_MS };
      expect((await run("compile", "sound.onnx", "-o", "exported")).code).toBe(0);
      for (const command of [
        ["build", "sound.onnx", "-o", "/proc/noisefloor"],
        ["build", "sound.onnx", "-o", "/proc/noisefloor/deeper"],
        ["export", "exported", "-o", "/proc/noisefloor"],
        ["init", "/proc/noisefloor"],
      ]) {
        const { code, stderr } = await runCli(command, options);
        expect([code, stderr]).toEqual([69, expect.stringContaining("cli/file-system: ENOENT")]);
      }
    },
  );
});
