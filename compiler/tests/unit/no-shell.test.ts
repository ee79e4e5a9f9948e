// Nothing is run by a shell: every process is started from a program and a list of arguments, in one place of the compiler.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Sources below a folder, by their paths from the root. */
function sourcesUnder(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((name) => /\.(ts|mjs|js)$/.test(name) && !/node_modules|\.generated\./.test(name));
}

const textOf = (path: string): string => readFileSync(join(root, path), "utf8");
const compiler = sourcesUnder("compiler").filter((path) => !path.startsWith(join("compiler", "tests")));
const others = ["scripts", "bench", "bin", "examples", "rtl-tests"].flatMap(sourcesUnder);

describe("processes", () => {
  it("are started in one file of the compiler", () => {
    const starting = compiler.filter((path) =>
      /["'](node:)?(child_process|cluster)["']|["']execa["']/.test(textOf(path)),
    );
    expect(starting).toEqual([join("compiler", "tools", "processes.ts")]);
  });

  it("get a list of arguments there, and no shell", () => {
    const text = textOf("compiler/tools/processes.ts");
    expect(text).toContain('import { execa } from "execa";');
    expect(text.match(/\bexeca\s*[(`]/g)).toHaveLength(1);
    expect(text).toContain("execa(command, [...args], {");
    expect(text).not.toMatch(/\bshell\b/);
  });

  it("are started without a shell by scripts and benches too", () => {
    for (const path of [...compiler, ...others]) {
      const text = textOf(path);
      expect(text, path).not.toMatch(/\bshell\s*:/);
      expect(text, path).not.toMatch(/(?<![.\w])eval\s*\(|new Function\s*\(/);
      // execFile, spawn and fork take a list; exec and execSync take a line for a shell.
      for (const [, names] of text.matchAll(/import\s*\{([^}]*)\}\s*from\s*["'](?:node:)?child_process["']/g))
        for (const name of names!.split(",").map((one) => one.trim().split(/\s/)[0]!))
          expect(
            ["spawn", "spawnSync", "execFile", "execFileSync", "fork", "type", ""],
            `${path}: ${name}`,
          ).toContain(name);
    }
  });
});
