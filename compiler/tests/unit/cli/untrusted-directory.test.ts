// Build directories that somebody else made: nothing in them leads out of them, and what they say is checked before it is used.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { explainCommand } from "../../../cli/commands/explain.ts";
import { foldCommand } from "../../../cli/commands/fold.ts";
import { simulateCommand } from "../../../cli/commands/simulate.ts";
import { savedModel } from "../../../cli/project.ts";
import { compileStep, reportStep } from "../../../cli/steps.ts";
import { modifiedFlowFiles, readDesign } from "../../../driver/load-build.ts";
import { openBuildDirectory, openForReading } from "../../../host/node/build-directory.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { sha256Of } from "../../../support/digest.ts";
import { createTestFolder, makeTinyProject, runCli, runJson, type TestFolder } from "./run-cli.ts";

let folder: TestFolder;
let built: string;
let build: string;
const SECRET = "somebody's own";

beforeAll(async () => {
  folder = createTestFolder("untrusted");
  built = folder.inside("built");
  const model = await makeTinyProject(folder.path, { epochs: 1 });
  const result = await runCli(["compile", model, "-o", built], { cwd: folder.path });
  expect(result.code, result.stderr).toBe(0);
});
afterAll(() => folder.remove());
beforeEach(() => {
  build = folder.inside("from elsewhere");
  rmSync(build, { recursive: true, force: true });
  cpSync(built, build, { recursive: true });
  rmSync(folder.inside("outside"), { recursive: true, force: true });
  mkdirSync(folder.inside("outside"));
  writeFileSync(folder.inside("outside/secret.txt"), SECRET);
  writeFileSync(folder.inside("outside/old.tmp"), SECRET);
});

/** What the commands do with a directory, without their processes: what they say, and everything but diagnostics is thrown. */
async function saidOf(work: () => unknown): Promise<readonly string[]> {
  try {
    await work();
    return [];
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics.map(({ code }) => code);
    throw error;
  }
}
const input = () => join(built, "design/vectors/inputs.npy");

const READING: Readonly<Record<string, () => unknown>> = {
  explain: () => explainCommand(build, undefined),
  fold: () => foldCommand(build, { target: "xc7" }),
  simulate: () => simulateCommand(build, { input: [input()], backend: "sim" }),
};
const WRITING: Readonly<Record<string, () => unknown>> = {
  compile: () => {
    const directory = openBuildDirectory(build, { create: false });
    try {
      compileStep(directory, savedModel(directory), true);
      return reportStep(directory);
    } finally {
      directory.close();
    }
  },
};
const COMMANDS = Object.entries({ ...READING, ...WRITING });

// biome-ignore lint/suspicious/noExplicitAny: what is changed is of no type of ours.
type Json = any;
const jsonAt = (path: string): Json => JSON.parse(readFileSync(join(build, path), "utf8"));
function change(path: string, edit: (json: Json) => void): void {
  const json = jsonAt(path);
  edit(json);
  writeFileSync(join(build, path), JSON.stringify(json));
}
/** As somebody would who knows that hashes are compared. */
function signTraining(): void {
  const text = readFileSync(join(build, "train/trained.json"), "utf8");
  change("train/result.json", (json) => {
    json.files["train/trained.json"] = sha256Of(text);
  });
}

describe("a symbolic link", () => {
  const outside = () => readFileSync(folder.inside("outside/secret.txt"), "utf8");

  it.each([
    "design",
    "train",
    "report.json",
    "design/manifest.json",
    "design/rtl",
    "train/model.floor",
    "verify",
    "flow",
  ])("in the place of %s is refused, read or written", async (path) => {
    const at = join(build, path);
    const kept = folder.inside("outside/kept");
    if (existsSync(at)) renameSync(at, kept);
    else mkdirSync(kept);
    mkdirSync(dirname(at), { recursive: true });
    symlinkSync(kept, at);
    const codes = await Promise.all(COMMANDS.map(([, command]) => saidOf(command)));
    expect(codes.flat()).toContain("build/link");
    for (const code of codes.flat()) expect(code).toBe("build/link");
    expect(outside()).toBe(SECRET);
    expect(existsSync(folder.inside("outside/old.tmp"))).toBe(true);
  });

  it("that waits where something is written is replaced, and what it leads to left alone", async () => {
    for (const name of ["report.json.tmp", "timing.json.tmp", "design.tmp", "design.next.tmp"])
      symlinkSync(folder.inside("outside/secret.txt"), join(build, name));
    symlinkSync(folder.inside("outside"), join(build, "verify.tmp"));
    expect(await saidOf(WRITING.compile!)).toEqual([]);
    expect(outside()).toBe(SECRET);
    expect(existsSync(folder.inside("outside/old.tmp"))).toBe(true);
    const directory = openBuildDirectory(build, { create: false });
    symlinkSync(folder.inside("outside/secret.txt"), join(build, "report.json.tmp"));
    directory.writeFiles(new Map([["report.json", "{}"]]));
    directory.close();
    expect(outside()).toBe(SECRET);
  });

  it("may be the directory itself, which the user names", async () => {
    const link = folder.inside("link");
    rmSync(link, { force: true });
    symlinkSync(build, link);
    const result = await runCli(["explain", link], { cwd: folder.path });
    expect(result.code, result.stderr).toBe(0);
  });
});

describe("a path that leads out of the directory", () => {
  const odd = ["../outside/secret.txt", "/etc/passwd", "a/../../outside/secret.txt", "./x", "a//b", "..", ""];
  it.each(odd)("%j is no path of it", async (path) => {
    const directory = openBuildDirectory(build, { create: false });
    try {
      for (const work of [
        () => directory.read(path),
        () => directory.writeFiles(new Map([[path, "x"]])),
        () => directory.appendLine(path, "x"),
        () => directory.replaceFolder(path, new Map()),
        () => directory.remove(path),
      ])
        expect(await saidOf(work)).toEqual(["build/bad-file"]);
    } finally {
      directory.close();
    }
    // A list of hashes would tell what a file outside holds.
    change("train/result.json", (json) => {
      json.files[path] = sha256Of(SECRET);
    });
    expect(await saidOf(WRITING.compile!)).toEqual(["build/bad-file"]);
  });

  it("is none of a target's folder either", async () => {
    const files = { "../../../outside/secret.txt": sha256Of(SECRET) };
    const result = {
      schema: "noisefloor.synth-result/1",
      target: "xc7",
      part: "x",
      seed: 1,
      used: { lut: 1, ff: 1, dsp: 0, bram: 0 },
      has: { lut: 1, ff: 1, dsp: 0, bram: 0 },
      countedBy: "x",
      cells: {},
      clockMHz: 1,
      fmaxMHz: null,
      steps: [],
      files,
    };
    mkdirSync(join(build, "flow/xc7"), { recursive: true });
    writeFileSync(join(build, "flow/xc7/result.json"), JSON.stringify(result));
    expect(await saidOf(() => modifiedFlowFiles(openForReading(build), "xc7"))).toEqual(["build/bad-file"]);
  });
});

describe("a manifest", () => {
  it.each([
    ["an option as a source", (rtl: Json) => (rtl.sources[0] = "--exe")],
    ["a source outside", (rtl: Json) => (rtl.sources[0] = "../../x.v")],
    ["a source of another root", (rtl: Json) => (rtl.sources[0] = "/etc/passwd")],
    ["a memory outside", (rtl: Json) => (rtl.memories[0] = "a/../../x.mem")],
    ["a module that is code", (rtl: Json) => (rtl.top = "x; $system(1)")],
    ["a value that is not there", (rtl: Json) => (rtl.taps[0]!.value = "__proto__")],
    ["other sizes", (rtl: Json) => (rtl.taps[0]!.elements = 2 ** 40)],
  ])("with %s is refused by every command", async (_, edit) => {
    change("design/manifest.json", (json) => edit(json.rtl!));
    for (const [name, command] of Object.entries(READING))
      expect(await saidOf(command), name).toEqual(["build/bad-file"]);
  });

  it("cannot say by an inherited name that a file is its own", () => {
    writeFileSync(join(build, "design/constructor"), "x");
    expect(readDesign(openForReading(build)).modified.map(({ message }) => message)).toEqual([
      expect.stringMatching(/design\/constructor was added/),
    ]);
  });
});

describe("a file of the directory", () => {
  const FILES = [
    "design/program.json",
    "design/manifest.json",
    "design/result.json",
    "train/trained.json",
    "train/result.json",
  ];
  const texts: Readonly<Record<string, string>> = {
    nothing: "",
    "no JSON": "{",
    "another kind of JSON": "[]",
    null: "null",
    "a number": "1e999",
    "deep lists": `${"[".repeat(200_000)}${"]".repeat(200_000)}`,
    "an object of prototypes": '{"__proto__": {"schema": "noisefloor.program/1"}, "constructor": 1}',
  };
  it.each(FILES.flatMap((path) => Object.keys(texts).map((what) => [path, what] as const)))(
    "%s that holds %s is refused with a message",
    async (path, what) => {
      writeFileSync(join(build, path), texts[what]!);
      if (path === "train/trained.json") signTraining();
      const codes: string[] = [];
      for (const [, command] of COMMANDS) codes.push(...(await saidOf(command)));
      expect(codes.length).toBeGreaterThan(0);
      for (const code of codes)
        expect(code).toMatch(
          /^(build\/(bad-file|modified|modified-training|not-trained|not-compiled)|program\/.*)$/,
        );
    },
  );

  it("that is larger than any of ours is refused before it is read", async () => {
    truncateSync(join(build, "design/program.json"), 1.5 * 2 ** 30);
    const { code, diagnostics } = await runJson(["explain", build], { cwd: folder.path });
    expect([code, diagnostics.map((d) => d.code)]).toEqual([1, ["cli/file-too-large"]]);
  });

  it("does not fit the others, and is named", async () => {
    change("train/trained.json", (json) => {
      json.layers[0]!.weights.pop();
    });
    signTraining();
    expect(await saidOf(WRITING.compile!)).toEqual(["build/bad-file"]);
    cpSync(join(built, "train"), join(build, "train"), { recursive: true });
    change("train/trained.json", (json) => {
      json.signals.length = 0;
    });
    signTraining();
    expect(await saidOf(WRITING.compile!)).toEqual(["build/bad-file"]);
  });
});
