// A machine that fails: full disks, folders that cannot be written, tools that are killed, missing, too old or out of memory, two
// runs at once, kills. Each time a message, the right exit code, nothing half-written, and a plain re-run that succeeds.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasTool } from "../../tools-present.ts";
import {
  type CliJson,
  createTestFolder,
  makeTinyProject,
  packageRoot,
  runCli,
  runJson,
  script,
  type TestFolder,
} from "./run-cli.ts";

let folder: TestFolder;
let model: string;
let built: string;

beforeAll(async () => {
  folder = createTestFolder("faults");
  model = await makeTinyProject(folder.path, { epochs: 1 });
  built = folder.inside("built");
  const result = await run("compile", model, "-o", built);
  expect(result.code, result.stderr).toBe(0);
});
afterAll(() => folder.remove());

const run = (...arguments_: readonly string[]) => runCli(arguments_, { cwd: folder.path });
const codesOf = ({ diagnostics }: Pick<CliJson, "diagnostics">) => diagnostics.map(({ code }) => code);
const filesIn = (path: string): readonly string[] =>
  readdirSync(path, { recursive: true, encoding: "utf8" }).filter((name) => !name.endsWith("timing.json"));
const halves = (path: string) => filesIn(path).filter((name) => /\.(tmp|next|previous)$|\.lock$/.test(name));

/** Whether a program can be started at all. */
const isThere = (program: string): boolean => spawnSync(program, ["--version"]).error === undefined;

describe.skipIf(!isThere("prlimit"))("a file system that takes no more", () => {
  /** Runs the command line where no file may be larger. */
  function limited(bytes: number, ...arguments_: readonly string[]) {
    const all = [`--fsize=${bytes}`, process.execPath, script, ...arguments_, "--json"];
    const { status, stdout } = spawnSync("prlimit", all, { cwd: folder.path, encoding: "utf8" });
    return { code: status, ...(JSON.parse(stdout) as CliJson) };
  }

  it("ends each command with 69, and leaves what was whole", async () => {
    const copy = folder.inside("limited");
    for (const bytes of [10, 3000]) {
      rmSync(copy, { recursive: true, force: true });
      const result = limited(bytes, "compile", model, "-o", copy);
      expect([result.code, ...codesOf(result)], `${bytes} bytes`).toEqual([69, "cli/file-system"]);
      if (existsSync(copy)) expect(halves(copy)).toEqual([]);
      const again = await run("compile", model, "-o", copy);
      expect(again.code, again.stderr).toBe(0);
      expect(filesIn(copy)).toEqual(filesIn(built));
    }
    const before = filesIn(copy);
    for (const arguments_ of [
      ["compile", copy],
      ["export", copy, "-o", folder.inside("exported")],
      [
        "simulate",
        copy,
        "--input",
        join(copy, "design/vectors/inputs.npy"),
        "--output",
        folder.inside("o.npy"),
      ],
      ["init", folder.inside("new")],
    ]) {
      const result = limited(100, ...arguments_);
      expect([result.code, ...codesOf(result)], arguments_.join(" ")).toEqual([69, "cli/file-system"]);
      expect((await run(...arguments_)).code, arguments_.join(" ")).toBe(0);
    }
    expect(filesIn(copy)).toEqual(before);
    expect(readdirSync(folder.path).filter((name) => name.includes("noisefloor-"))).toEqual([]);
  });
});

/** Mounts a small file system at a path, where the system lets us; else undefined. */
function mounted(path: string, options: string): boolean {
  mkdirSync(path, { recursive: true });
  return spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path]).status === 0;
}

describe("a disk", () => {
  it("that is full is said to be, and the same command goes on when it is not", async (test) => {
    const disk = folder.inside("disk");
    if (!mounted(disk, "size=100k")) return test.skip("no file system can be mounted here");
    try {
      const full = await runJson(["compile", model, "-o", join(disk, "b")], { cwd: folder.path });
      expect([full.code, ...codesOf(full)]).toEqual([69, "cli/file-system"]);
      expect(full.diagnostics[0]!.message).toMatch(/ENOSPC/);
      expect(halves(disk)).toEqual([]);
      execFileSync("mount", ["-o", "remount,size=20m", disk]);
      expect((await run("compile", model, "-o", join(disk, "b"))).code).toBe(0);
      expect(filesIn(join(disk, "b"))).toEqual(filesIn(built));
      execFileSync("mount", ["-o", "remount,ro", disk]);
      for (const arguments_ of [
        ["compile", join(disk, "b")],
        ["train", model, "-o", join(disk, "c")],
        ["export", join(disk, "b"), "-o", join(disk, "out")],
        ["init", join(disk, "new")],
      ]) {
        const result = await runJson(arguments_, { cwd: folder.path });
        expect([result.code, ...codesOf(result)], arguments_.join(" ")).toEqual([69, "cli/file-system"]);
      }
      expect((await run("explain", join(disk, "b"))).code).toBe(0);
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  it.skipIf(process.getuid?.() === 0)("that may not be written is said to be", async () => {
    const copy = folder.inside("not ours to write");
    cpSync(built, copy, { recursive: true });
    chmodSync(copy, 0o555);
    try {
      const result = await runJson(["compile", copy], { cwd: folder.path });
      expect([result.code, ...codesOf(result)]).toEqual([69, "cli/file-system"]);
    } finally {
      chmodSync(copy, 0o755);
    }
  });
});

describe("a tool", () => {
  /** A program of a few lines, by its path. */
  function program(name: string, lines: string): string {
    const path = folder.inside(name);
    writeFileSync(
      path,
      `#!/bin/sh\ncase "$1" in --version) echo "${name} 12.2.0"; exit 0;; esac\n${lines}\n`,
    );
    chmodSync(path, 0o755);
    return path;
  }

  it.each([
    ["killed", "kill -9 $$", /was ended by SIGKILL/],
    ["short-of-memory", "echo 'cc1: out of memory allocating 65536 bytes' >&2; exit 1", /out of memory/],
    [
      "killed-inside",
      "echo 'gcc: fatal error: Killed signal terminated program cc1' >&2; exit 1",
      /Killed signal/,
    ],
    ["full-disk", "echo 'as: a.o: No space left on device' >&2; exit 1", /No space left/],
    ["lazy", "exit 0", /made no program/],
  ])("that is %s is the machine's matter", async (name, lines, message) => {
    const env = { CC: program(name, lines), XDG_CACHE_HOME: folder.inside("cache") };
    const input = join(built, "design/vectors/inputs.npy");
    for (const command of [
      ["simulate", built, "--input", input, "--backend", "c"],
      ["verify", built, "--without", "rtl"],
    ]) {
      const result = await runJson(command, { cwd: folder.path, env });
      expect([result.code, ...codesOf(result)], result.stderr).toEqual([69, "verify/tool-failed"]);
      expect(result.diagnostics[0]!.message).toMatch(message);
    }
    expect(existsSync(join(built, "verify"))).toBe(false);
    // Nothing of it is kept for the next.
    expect(readdirSync(folder.inside("cache/noisefloor/c"))).toEqual([]);
  });

  it("that is missing, or is none, is asked for", async () => {
    for (const [variable, command, left] of [
      ["CC", "/nowhere/cc", "rtl"],
      ["VERILATOR", "/nowhere/verilator", "c"],
      ["VERILATOR", "/bin/echo", "c"],
    ] as const) {
      const env = { [variable]: command };
      const result = await runJson(["verify", built, "--without", left], { cwd: folder.path, env });
      expect([result.code, ...codesOf(result)], command).toEqual([69, "cli/missing-tool"]);
    }
  });

  it.skipIf(!hasTool("g++"))("that is too old is blamed, not the design", async () => {
    const old = folder.inside("old-verilator");
    writeFileSync(
      old,
      '#!/bin/sh\ncase "$1" in --version) echo "Verilator 4.038 2020-07-11"; exit 0;; --getenv) echo /x; exit 0;; esac\necho "%Error: unsupported" >&2; exit 1\n',
    );
    chmodSync(old, 0o755);
    const env = { VERILATOR: old, XDG_CACHE_HOME: folder.inside("cache") };
    const result = await runJson(["verify", built, "--without", "c"], { cwd: folder.path, env });
    expect([result.code, ...codesOf(result)]).toEqual([69, "verify/tool-failed"]);
    expect(result.diagnostics[0]!.message).toMatch(/Verilator 4\.038.*older than 5\.0/);
  });
});

describe("two runs at once", () => {
  it("in one new directory end with one of them, and the other says why", async () => {
    const together = folder.inside("together");
    const all = await Promise.all(
      [1, 2, 3].map(() => runJson(["train", model, "-o", together], { cwd: folder.path })),
    );
    const ended = all.map((result) => [result.code, ...codesOf(result)].join(" ")).sort();
    for (const end of ended) expect(["0", "1 build/locked"]).toContain(end);
    expect(ended[0]).toBe("0");
    expect(halves(together)).toEqual([]);
    expect((await run("compile", together)).code).toBe(0);
    expect(filesIn(together)).toEqual(filesIn(built));
  });

  it("see the lock of a process that is gone, and one of them takes it over", async () => {
    const copy = folder.inside("left locked");
    cpSync(built, copy, { recursive: true });
    const gone = spawn(process.execPath, ["-e", ""]);
    await new Promise((done) => gone.on("close", done));
    writeFileSync(join(copy, ".lock"), `${gone.pid}\n`);
    const all = await Promise.all([1, 2, 3].map(() => runJson(["compile", copy], { cwd: folder.path })));
    const ended = all.map((result) => [result.code, ...codesOf(result)].join(" ")).sort();
    for (const end of ended) expect(["0", "1 build/locked"]).toContain(end);
    expect(ended[0]).toBe("0");
    expect(halves(copy)).toEqual([]);
  });
});

describe("init", () => {
  it("that was killed is finished, and touches nothing of the user's", async () => {
    const project = folder.inside("project");
    expect((await run("init", project)).code).toBe(0);
    const text = readFileSync(join(project, "condition.floor"), "utf8");
    expect((await run("init", project)).code).toBe(1);
    rmSync(join(project, "README.md"));
    expect((await run("init", project)).code).toBe(0);
    expect(existsSync(join(project, "README.md"))).toBe(true);
    rmSync(join(project, "README.md"));
    writeFileSync(join(project, "condition.floor"), `${text}# mine\n`);
    const refused = await runJson(["init", project], { cwd: folder.path });
    expect(codesOf(refused)).toContain("cli/file-exists");
    expect(readFileSync(join(project, "condition.floor"), "utf8")).toMatch(/# mine/);
  });
});

describe.skipIf(!existsSync("/proc/self/environ"))("kills at random moments", () => {
  it("leave no corrupted directory and no process; `make kills` has more of them", () => {
    const kills = join(packageRoot, "scripts/kills.mjs");
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [kills, "6", "3", "train", "compile", "export"],
      {
        encoding: "utf8",
      },
    );
    expect(status, stdout + stderr).toBe(0);
    expect(stdout).toContain("6 kills of seed 3, 0 problems");
  });
});
