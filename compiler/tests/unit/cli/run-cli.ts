// Runs the built command line as a child process, on tiny projects in temporary folders.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { initCommand } from "../../../cli/commands/init.ts";

export const packageRoot = fileURLToPath(new URL("../../../..", import.meta.url));
export const script = join(packageRoot, "bin/noisefloor.js");

export interface CliResult {
  /** Exit code; null after a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Called with all of stderr so far whenever some arrives, and a way to send a signal. */
  readonly onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
  /** Sends SIGKILL after so many milliseconds. */
  readonly killAfter?: number;
  /** Node script to run in place of the command line. */
  readonly script?: string;
}

/** Runs `noisefloor ARGUMENTS`; never rejects because of the exit code. */
export function runCli(arguments_: readonly string[], options: CliOptions): Promise<CliResult> {
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, [options.script ?? script, ...arguments_], {
      cwd: options.cwd,
      env: { ...process.env, NO_COLOR: "1", ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      options.onStderr?.(stderr, (signal) => child.kill(signal));
    });
    const timer =
      options.killAfter === undefined
        ? undefined
        : setTimeout(() => child.kill("SIGKILL"), options.killAfter);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      done({ code, stdout, stderr });
    });
  });
}

/** What --json prints. */
export interface CliJson {
  readonly schema: string;
  readonly command: string;
  readonly ok: boolean;
  readonly exitCode: number;
  readonly diagnostics: readonly {
    readonly code: string;
    readonly severity: string;
    readonly message: string;
    readonly hint?: string;
    readonly line?: number;
  }[];
  readonly result: unknown;
}

/** Runs with --json; throws unless stdout is exactly one line with one object that agrees with the exit code. */
export async function runJson(
  arguments_: readonly string[],
  options: CliOptions,
): Promise<CliJson & CliResult> {
  const result = await runCli([...arguments_, "--json"], options);
  const lines = result.stdout.split("\n");
  if (lines.length !== 2 || lines[1] !== "")
    throw new Error(`stdout is not one line: ${result.stdout}\nstderr: ${result.stderr}`);
  const json = JSON.parse(lines[0]!) as CliJson;
  const keys = Object.keys(json).join(" ");
  if (keys !== "schema command ok exitCode diagnostics result") throw new Error(`keys are ${keys}`);
  if (json.schema !== "noisefloor.cli/1" || json.exitCode !== result.code || json.ok !== (result.code === 0))
    throw new Error(`object and exit code ${result.code} differ: ${lines[0]}`);
  return { ...json, ...result };
}

export interface TestFolder {
  readonly path: string;
  inside(...names: string[]): string;
  remove(): void;
}

export function createTestFolder(name: string): TestFolder {
  const path = mkdtempSync(join(tmpdir(), `noisefloor-${name}-`));
  return {
    path,
    inside: (...names) => join(path, ...names),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Epochs of the tiny project's three phases. */
export interface TinySettings {
  readonly epochs?: number;
  readonly interval?: number;
  readonly seed?: number;
}

/** The model text of `noisefloor init` with fewer epochs. */
export function tinyModel(text: string, { epochs = 3, interval = 16, seed = 1 }: TinySettings = {}): string {
  const phases = ["float", "noise", "rounding"].map((phase) => `  ${phase}: ${epochs} epochs\n`).join("");
  return text
    .replace(/^ *(float|noise|rounding): .*\n/gm, "")
    .replace("train {\n", `train {\n${phases}`)
    .replace(/interval: \d+ cycles/, `interval: ${interval} cycles`)
    .replace(/seed: \d+/, `seed: ${seed}`);
}

/** Makes the project of `noisefloor init` in a folder, with few epochs. Returns the path of the model file. */
export async function makeTinyProject(folder: string, settings?: TinySettings): Promise<string> {
  mkdirSync(folder, { recursive: true });
  await initCommand(folder, {});
  const path = join(folder, "condition.floor");
  writeFileSync(path, tinyModel(readFileSync(path, "utf8"), settings));
  return path;
}
