// `noisefloor export`: what it writes where, and what it refuses before anything is written.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ExportCommandOptions, exportCommand } from "../../../cli/commands/export.ts";
import { createContext } from "../../../cli/context.ts";
import { readOnnx } from "../../../import/onnx/read.ts";
import { lowerImported } from "../../../lower/exact/lower-imported.ts";
import { printProgram } from "../../../program/print.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { sha256Of } from "../../../support/digest.ts";
import { createTestFolder, makeTinyProject, runJson, type TestFolder } from "./run-cli.ts";

let folder: TestFolder;
const context = createContext("export", true);
const inside = (...parts: string[]) => join(folder.path, ...parts);
const run = (...arguments_: string[]) => runJson(["export", ...arguments_], { cwd: folder.path });

/** Codes of what the command refuses, in this process; none where it does its work. */
async function codesOf(name: string, options: Partial<ExportCommandOptions> = {}): Promise<string[]> {
  const { output } = options;
  const paths = output === undefined ? {} : { output: inside(output) };
  try {
    await exportCommand(context, inside(name), { samples: 4, ...options, ...paths });
    return [];
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return error.diagnostics.map(({ code }) => code);
  } finally {
    context.closeAll();
  }
}

const filesIn = (path: string): string[] =>
  readdirSync(inside(path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(inside(path).length + 1))
    .sort();

beforeAll(async () => {
  folder = createTestFolder("export");
  const model = await makeTinyProject(folder.path, { epochs: 1 });
  expect((await runJson(["compile", model, "-o", "a"], { cwd: folder.path })).code).toBe(0);
  cpSync(inside("a"), inside("trained"), { recursive: true });
  rmSync(inside("trained/design"), { recursive: true });
});
afterAll(() => {
  context.interrupt.end();
  folder.remove();
});

describe("noisefloor export", () => {
  it("writes all formats into the build directory, the same bytes each time", async () => {
    const { code, result } = await run("a", "--samples", "5");
    expect(code).toBe(0);
    expect(result).toMatchObject({ folder: "a/export", samples: 5 });
    const files = filesIn("a/export");
    const before = files.map((file) => readFileSync(inside("a/export", file)));
    expect(files).toEqual(
      expect.arrayContaining([
        "export.json",
        "parameters.npz",
        "parameters.safetensors",
        "vectors/index.json",
      ]),
    );
    const account = JSON.parse(readFileSync(inside("a/export/export.json"), "utf8"));
    expect(Object.keys(account.files).sort()).toEqual(files.filter((file) => file !== "export.json"));
    for (const [file, hash] of Object.entries(account.files))
      expect(sha256Of(readFileSync(inside("a/export", file)))).toBe(hash);
    expect(await codesOf("a", { samples: 5 })).toEqual([]);
    expect(filesIn("a/export").map((file) => readFileSync(inside("a/export", file)))).toEqual(before);
    const onnx = files.find((file) => file.endsWith(".onnx"))!;
    const back = lowerImported(readOnnx(readFileSync(inside("a/export", onnx)), { path: onnx }).model);
    expect(printProgram(back.program)).toBe(readFileSync(inside("a/design/program.json"), "utf8"));
  });

  it("writes the formats that are asked for into another folder, and replaces only a folder of its own", async () => {
    expect(await codesOf("a", { format: "npz", output: "out/b" })).toEqual([]);
    expect(filesIn("out/b")).toEqual(["export.json", "parameters.npz"]);
    expect(await codesOf("a", { format: "safetensors", output: "out/b" })).toEqual([]);
    expect(filesIn("out/b")).toEqual(["export.json", "parameters.safetensors"]);
    expect(readdirSync(inside("out"))).toEqual(["b"]);
    mkdirSync(inside("mine"));
    expect(await codesOf("a", { format: "npz", output: "mine" })).toEqual([]);
    mkdirSync(inside("theirs"));
    writeFileSync(inside("theirs/notes.txt"), "mine");
    expect(await codesOf("a", { output: "theirs" })).toEqual(["export/not-ours"]);
    expect(await codesOf("a", { output: "a" })).toEqual(["export/not-ours"]);
    expect(filesIn("theirs")).toEqual(["notes.txt"]);
    expect(await codesOf("a", { output: "theirs/notes.txt" })).toEqual(["cli/bad-path"]);
  });

  it("refuses what is not compiled, damaged, or no option", async () => {
    expect(await codesOf("nowhere")).toEqual(["build/missing"]);
    expect(await codesOf("trained")).toEqual(["build/not-compiled"]);
    expect(existsSync(inside("trained/export"))).toBe(false);
    expect(await codesOf("theirs")).toEqual(["build/not-ours"]);
    expect(await codesOf("a", { samples: 0 })).toEqual(["cli/bad-option"]);
    expect(await run("a", "--format", "onnx")).toMatchObject({
      code: 2,
      diagnostics: [{ code: "cli/bad-option" }],
    });
    const program = readFileSync(inside("a/design/program.json"), "utf8");
    writeFileSync(inside("a/design/program.json"), program.replace('"name"', '"name" '));
    expect(await codesOf("a")).toEqual(["build/modified"]);
    writeFileSync(inside("a/design/program.json"), "{");
    expect(await codesOf("a")).not.toEqual([]);
    writeFileSync(inside("a/design/program.json"), program);
  });

  it("goes away with the design that it is of", async () => {
    expect(await codesOf("a", { format: "npz" })).toEqual([]);
    expect((await runJson(["compile", "a"], { cwd: folder.path })).code).toBe(0);
    expect(existsSync(inside("a/export"))).toBe(false);
  });
});
