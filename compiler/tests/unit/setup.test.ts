// scripts/setup.sh on machines that lack things: it installs where it may, and else prints the exact command. Every
// program that it calls is a stand-in that writes down how it was called.
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const REAL = [
  "bash",
  "sh",
  "cat",
  "sed",
  "cksum",
  "find",
  "sort",
  "xargs",
  "dirname",
  "env",
  "mkdir",
  "node",
];

let folder = "";
let bin = "";

function standIn(name: string, text: string): void {
  writeFileSync(join(bin, name), `#!/usr/bin/env bash\n${text}\n`);
  chmodSync(join(bin, name), 0o755);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "noisefloor-setup-"));
  bin = join(folder, "bin");
  mkdirSync(bin);
  for (const name of REAL)
    symlinkSync(
      execFileSync("bash", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim(),
      join(bin, name),
    );
  for (const part of ["scripts", "compiler", "templates"])
    mkdirSync(join(folder, "clone", part), { recursive: true });
  cpSync(join(root, "scripts/setup.sh"), join(folder, "clone/scripts/setup.sh"));
  for (const file of ["package.json", "package-lock.json", "tsconfig.json"])
    cpSync(join(root, file), join(folder, "clone", file));
  standIn("npm", `echo "npm $*" >> ${folder}/calls; mkdir -p node_modules dist/cli; : > dist/cli/main.js`);
  for (const tool of ["iverilog", "yosys", "g++", "gcc"]) standIn(tool, "exit 0");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function setup(): { code: number | null; stderr: string; calls: string } {
  const run = spawnSync("bash", [join(folder, "clone/scripts/setup.sh")], {
    env: { PATH: bin, HOME: folder },
    encoding: "utf8",
  });
  const calls = join(folder, "calls");
  return {
    code: run.status,
    stderr: run.stderr,
    calls: existsSync(calls) ? readFileSync(calls, "utf8") : "",
  };
}

describe("setup", () => {
  it("prints the exact command where it may not install", () => {
    standIn("id", "echo 1000");
    standIn("apt-get", `echo "apt-get $*" >> ${folder}/calls`);
    const { code, stderr, calls } = setup();
    expect(code).toBe(0);
    expect(stderr).toContain("sudo apt-get install verilator libc6-dev make");
    expect(calls).toContain("npm ci");
    expect(calls).not.toContain("apt-get install");
  });

  it("installs as root, and says what it runs", () => {
    standIn("id", "echo 0");
    standIn("apt-get", `echo "apt-get $*" >> ${folder}/calls`);
    const { code, stderr, calls } = setup();
    expect(code).toBe(0);
    expect(calls).toMatch(/apt-get update.*\n.*apt-get install -y .*verilator/);
    expect(stderr).toContain("apt-get install");
  });

  it("asks sudo only when that needs no password", () => {
    standIn("id", "echo 1000");
    standIn("apt-get", `echo "apt-get $*" >> ${folder}/calls`);
    standIn("sudo", `shift; echo "sudo $*" >> ${folder}/calls; [ "$1" = true ] || "$@"`);
    expect(setup().calls).toMatch(/sudo env .*apt-get install -y .*verilator/);
  });

  it("uses brew where that is", () => {
    standIn("brew", `echo "brew $*" >> ${folder}/calls`);
    expect(setup().calls).toContain("brew install verilator");
  });

  it("does nothing the second time", () => {
    standIn("verilator", "exit 0");
    setup();
    rmSync(join(folder, "calls"));
    expect(setup()).toEqual({ code: 0, stderr: "", calls: "" });
  });
});
