// Writes a design to a scratch folder and runs tools there.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { FileSet } from "../../../support/file-set.ts";

/** Runs `body` with a folder that holds the files, and removes it. */
export function inFolder<T>(files: FileSet, body: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "noisefloor-"));
  try {
    for (const [path, content] of files) {
      const full = join(folder, path);
      mkdirSync(dirname(full), { recursive: true });
      writeFileSync(full, content);
    }
    return body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface ToolOutput {
  readonly status: number | null;
  readonly stdout: string;
  /** What the tool said beside its results: empty for clean input. */
  readonly stderr: string;
}

export function run(folder: string, tool: string, args: readonly string[], input = ""): ToolOutput {
  const { status, stdout, stderr, error } = spawnSync(tool, args, {
    cwd: folder,
    encoding: "utf8",
    input,
    timeout: 100_000,
    maxBuffer: 1 << 28,
  });
  if (error) throw error;
  return { status, stdout, stderr };
}
