// A build directory survives kills and never touches what is not its own.
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readDesign } from "../../../driver/load-build.ts";
import { openBuildDirectory, openForReading } from "../../../host/node/build-directory.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { createTestFolder, makeTinyProject, packageRoot, runCli, type TestFolder } from "./run-cli.ts";

let folder: TestFolder;
let build: string;

beforeAll(() => {
  folder = createTestFolder("directory");
});
afterAll(() => folder.remove());

function codesOf(work: () => unknown): readonly string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics.map((d) => d.code);
    throw error;
  }
  return [];
}

const open = (create = true) => openBuildDirectory(build, { create });

describe("opening", () => {
  beforeEach(() => {
    build = folder.inside("open");
    rmSync(build, { recursive: true, force: true });
  });

  it("marks a new directory as its own and opens it again", () => {
    const directory = open();
    directory.writeFiles(new Map([["train/a.txt", "a"]]));
    directory.close();
    expect(JSON.parse(readFileSync(join(build, "noisefloor.json"), "utf8"))).toEqual({
      schema: "noisefloor.build/1",
    });
    const again = open(false);
    expect(again.readText("train/a.txt")).toBe("a");
    expect(again.readText("train/b.txt")).toBeUndefined();
    expect(again.list("train")).toEqual(["train/a.txt"]);
    again.close();
    expect(readdirSync(build).sort()).toEqual(["noisefloor.json", "train"]);
  });

  it("takes an empty directory", () => {
    mkdirSync(build);
    open().close();
    expect(existsSync(join(build, "noisefloor.json"))).toBe(true);
  });

  it("refuses a directory of somebody else and leaves it alone", () => {
    mkdirSync(build);
    writeFileSync(join(build, "thesis.txt"), "text");
    expect(codesOf(open)).toEqual(["build/not-ours"]);
    expect(readdirSync(build)).toEqual(["thesis.txt"]);
  });

  it("refuses a file, and a missing directory that is only to be read", () => {
    expect(codesOf(() => open(false))).toEqual(["build/missing"]);
    writeFileSync(build, "text");
    expect(codesOf(open)).toEqual(["build/no-directory"]);
    expect(readFileSync(build, "utf8")).toBe("text");
  });

  it("refuses while another process works in it, and names the process", () => {
    open().close();
    // The parent of this process runs as long as the test does.
    writeFileSync(join(build, ".lock"), `${process.ppid}\n`);
    expect(codesOf(open)).toEqual(["build/locked"]);
    expect(() => open()).toThrow(new RegExp(`process ${process.ppid}`));
    expect(readFileSync(join(build, ".lock"), "utf8")).toBe(`${process.ppid}\n`);
  });

  it("takes over the lock of a process that is gone", async () => {
    open().close();
    const child = spawn(process.execPath, ["-e", ""]);
    await new Promise((done) => child.on("close", done));
    for (const left of [`${child.pid}\n`, "", "damaged"]) {
      writeFileSync(join(build, ".lock"), left);
      const directory = open();
      expect(readFileSync(join(build, ".lock"), "utf8")).toBe(`${process.pid}\n`);
      directory.close();
      expect(existsSync(join(build, ".lock"))).toBe(false);
    }
  });
});

describe("an interrupted replacement", () => {
  const filesOf = (version: string) =>
    new Map(["one.txt", "sub/two.txt"].map((name) => [`design/${name}`, version]));
  const put = (name: string, version: string): void => {
    const at = join(build, name);
    mkdirSync(join(at, "sub"), { recursive: true });
    writeFileSync(join(at, "one.txt"), version);
    writeFileSync(join(at, "sub/two.txt"), version);
  };

  // What stands on disk after a kill at each point, in the order of the steps.
  const cases: readonly [string, Readonly<Record<string, string>>, string | undefined][] = [
    ["before anything is written", { design: "old" }, "old"],
    ["while the first is written", { "design.tmp": "part" }, undefined],
    ["while the new one is written", { design: "old", "design.tmp": "part" }, "old"],
    ["when the first is complete", { "design.next": "new" }, "new"],
    ["when the new one is complete", { design: "old", "design.next": "new" }, "new"],
    ["between the two renames", { "design.next": "new", "design.previous": "old" }, "new"],
    ["before the old one is removed", { design: "new", "design.previous": "old" }, "new"],
    ["with the old one only", { "design.previous": "old" }, "old"],
    [
      "with leftovers of two kills",
      { design: "old", "design.tmp": "part", "design.next": "new", "design.previous": "older" },
      "new",
    ],
  ];
  it.each(
    ["design", "flow/xc7"].flatMap((at) =>
      cases.map(([what, left, expected]) => ({ at, what, left, expected })),
    ),
  )("$what, $at ends in one whole folder", ({ at, left, expected }) => {
    build = folder.inside("swap");
    rmSync(build, { recursive: true, force: true });
    open().close();
    const renamed = (name: string): string => name.replace("design", at);
    for (const [name, version] of Object.entries(left)) put(renamed(name), version);
    if ("design.tmp" in left) rmSync(join(build, renamed("design.tmp/sub")), { recursive: true });
    const before = readdirSync(build, { recursive: true }).sort();
    const reader = openForReading(build);
    expect(reader.readText(`${at}/one.txt`)).toBe(expected);
    expect(reader.list(at)).toEqual(expected ? [`${at}/one.txt`, `${at}/sub/two.txt`] : []);
    expect(readdirSync(build, { recursive: true }).sort()).toEqual(before);
    const directory = open();
    expect(directory.readText(`${at}/one.txt`)).toBe(expected);
    expect(directory.readText(`${at}/sub/two.txt`)).toBe(expected);
    const leftovers = readdirSync(build, { recursive: true, encoding: "utf8" });
    expect(leftovers.filter((name) => /\.(tmp|next|previous)$/.test(name))).toEqual([]);
    // And the directory works on, beside what else stands there.
    directory.replaceFolder("flow/other", new Map([["flow/other/one.txt", "other"]]));
    directory.replaceFolder(at, new Map([...filesOf("newest")].map(([path, text]) => [renamed(path), text])));
    expect(directory.readText(`${at}/sub/two.txt`)).toBe("newest");
    expect(directory.readText("flow/other/one.txt")).toBe("other");
    directory.close();
  });

  it("leaves nothing of the files that the new folder lacks", () => {
    build = folder.inside("replace");
    const directory = open();
    directory.replaceFolder("design", filesOf("old"));
    directory.replaceFolder("design", new Map([["design/other.txt", "new"]]));
    expect(directory.list("design")).toEqual(["design/other.txt"]);
    directory.remove("design");
    directory.remove("design");
    expect(directory.list("design")).toEqual([]);
    directory.close();
  });
});

// Compiles into the build directory again and again, alternating between two hardware wishes.
const COMPILE_FOREVER = `
import { pathToFileURL } from "node:url";
const [root, directoryName] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(root + "/dist/" + path).href);
const { openBuildDirectory } = await load("host/node/build-directory.js");
const { compileStep } = await load("cli/steps.js");
const { savedModel } = await load("cli/project.js");
const directory = openBuildDirectory(directoryName, { create: false });
const project = savedModel(directory);
const wishes = [project, { ...project, hardware: { ...project.hardware, intervalCycles: 40 } }];
for (let n = 0; ; n++) {
  compileStep(directory, wishes[n % 2], true);
  if (n < 2) process.stderr.write("compiled " + directory.readText("design/manifest.json").match(/"intervalCycles": (\\d+)/)[1] + "\\n");
}
`;

describe("SIGKILL while compiling", () => {
  it("leaves one whole design at any moment", async () => {
    build = folder.inside("kill/build");
    const model = await makeTinyProject(folder.inside("kill"), { epochs: 1 });
    const trained = await runCli(["compile", model, "-o", build], { cwd: folder.inside("kill") });
    expect(trained.stderr).not.toContain("error");
    expect(trained.code).toBe(0);
    const script = folder.inside("compile-forever.mjs");
    writeFileSync(script, COMPILE_FOREVER);
    const random = xoroshiro128plus(20);
    const moments = Array.from({ length: 8 }, () => (random.next() >>> 0) % 120);
    console.info(`kills after ${moments.join(", ")} ms`);
    const intervals = new Set<number>();
    const left = new Set<string>();
    for (const moment of moments) {
      let armed = false;
      const killed = await runCli([packageRoot, build], {
        cwd: folder.path,
        script,
        onStderr(text, kill) {
          if (armed || (text.match(/compiled/g) ?? []).length < 2) return;
          armed = true;
          for (const [, interval] of text.matchAll(/compiled (\d+)/g)) intervals.add(Number(interval));
          setTimeout(() => kill("SIGKILL"), moment);
        },
      });
      expect(killed.code, killed.stderr).toBeNull();
      for (const name of readdirSync(build)) if (name.startsWith("design")) left.add(name);
      const directory = open(false);
      const { manifest, modified, files } = readDesign(directory);
      directory.close();
      expect(modified).toEqual([]);
      expect(Object.keys(manifest.files).length).toBe(files.size - 1);
      expect(intervals.has(manifest.rtl!.intervalCycles)).toBe(true);
      // A verdict on another design is never left beside this one.
      expect(existsSync(join(build, "verify"))).toBe(false);
    }
    expect(intervals.size).toBe(2);
    console.info(`kills left ${[...left].join(", ")}`);
    const after = await runCli(["compile", build], { cwd: folder.path });
    expect(after.code, after.stderr).toBe(0);
    // A copy is a build directory too.
    cpSync(build, folder.inside("copy"), { recursive: true });
    expect((await runCli(["explain", folder.inside("copy")], { cwd: folder.path })).code).toBe(0);
  });
});
