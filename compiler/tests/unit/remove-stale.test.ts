// scripts/remove-stale.mjs on a small tree: what has no source goes, what has one or is not the compiler's stays.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));

it("leaves in dist/ what the sources make, and the bundled library", () => {
  const folder = mkdtempSync(join(tmpdir(), "noisefloor-stale-"));
  try {
    const write = (path: string): void => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), path);
    };
    const stays = [
      "dist/index.js",
      "dist/index.d.ts",
      "dist/train/train.js",
      "dist/vendor/tensorflow/tensorflow.cjs",
      "dist/vendor/tensorflow/stamp",
    ];
    const goes = [
      "dist/old.js",
      "dist/train/old.js",
      "dist/train/old.d.ts",
      "dist/gone/deep/a.js",
      "dist/tests/unit/a.test.js",
      "dist/notes.txt",
    ];
    for (const path of [
      ...stays,
      ...goes,
      "compiler/index.ts",
      "compiler/train/train.ts",
      "compiler/tests/unit/a.test.ts",
    ])
      write(path);
    const script = join(folder, "scripts/remove-stale.mjs");
    mkdirSync(dirname(script));
    cpSync(join(root, "scripts/remove-stale.mjs"), script);
    execFileSync(process.execPath, [script]);
    expect(stays.filter((path) => !existsSync(join(folder, path)))).toEqual([]);
    expect(goes.filter((path) => existsSync(join(folder, path)))).toEqual([]);
    expect(existsSync(join(folder, "dist/gone"))).toBe(false);
    // A tree that was never built is none to clean.
    rmSync(join(folder, "dist"), { recursive: true });
    execFileSync(process.execPath, [script]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it("is part of the build", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  expect(scripts["clean-dist"]).toBe("node scripts/remove-stale.mjs");
  expect(scripts.build).toMatch(/tsc -p tsconfig\.json && npm run clean-dist$/);
});
