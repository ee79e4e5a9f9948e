// Compiles and runs generated C, and measures it. In: a job, or the C files of a design. Out: what the program wrote;
// bytes of code, constants and stack with the compiler's name.
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CManifest } from "../program/manifest.ts";
import type { FileSet } from "../support/file-set.ts";
import type { CJob, CRunner, RunOutcome, ToolProbe } from "../verify/runners.ts";
import {
  type BuildCache,
  buildKey,
  createBuildCache,
  withTemporaryFolder,
  writeFiles,
} from "./build-cache.ts";
import { runProcess } from "./processes.ts";
import { firstLines, missingTool, requireEnd, requireTool, toolFailed } from "./tool-failure.ts";

export interface CCompilerOptions {
  /** Command; default $CC, then cc, gcc, clang. */
  readonly cc?: string;
  readonly cache?: BuildCache;
}

const STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror"];
const SANITIZE = [
  "-g",
  "-fsanitize=address,undefined",
  "-fno-sanitize-recover=all",
  "-fno-omit-frame-pointer",
];

interface Compiler {
  readonly probe: ToolProbe;
  readonly cc: string;
  readonly version: string;
}

async function findCompiler(cc: string | undefined): Promise<Compiler> {
  const configured = cc ?? process.env.CC;
  for (const candidate of configured ? [configured] : ["cc", "gcc", "clang"]) {
    const result = await runProcess(candidate, ["--version"], { timeoutSeconds: 60 });
    const version = new TextDecoder().decode(result.stdout).split("\n")[0]?.trim() ?? "";
    // Every C compiler says what it is.
    if (!result.started || result.exitCode !== 0 || version === "") continue;
    return { probe: { found: true, tool: candidate, version }, cc: candidate, version };
  }
  return {
    probe: { found: false, tool: "C compiler", diagnostic: missingTool("C compiler") },
    cc: "",
    version: "",
  };
}

/** Makes a runner; nothing is looked for before the first call. */
export function createCRunner(options: CCompilerOptions = {}): CRunner {
  const cache = options.cache ?? createBuildCache();
  let compiler: Promise<Compiler> | undefined;
  const find = (): Promise<Compiler> => {
    compiler ??= findCompiler(options.cc);
    return compiler;
  };
  return {
    probe: async () => (await find()).probe,
    run: async (job) => {
      const found = await find();
      requireTool(found.probe);
      const program = await buildProgram(cache, found, job);
      return typeof program === "string" ? runProgram(program, job) : program;
    },
  };
}

class Rejected extends Error {}

async function buildProgram(
  cache: BuildCache,
  { cc, version }: Compiler,
  job: CJob,
): Promise<string | RunOutcome> {
  const flags = [
    ...STRICT,
    "-O2",
    ...(job.sanitize ? SANITIZE : []),
    ...job.defines.map((name) => `-D${name}`),
    "-I.",
  ];
  const key = buildKey([cc, version, ...flags, ...job.sources], job.files);
  try {
    const folder = await cache.get("c", key, async (building) => {
      await withTemporaryFolder(job.files, async (source) => {
        const output = join(building, "program");
        const result = await runProcess(cc, [...flags, ...job.sources, "-o", output], {
          cwd: source,
          timeoutSeconds: 600,
        });
        requireEnd(cc, result);
        if (result.exitCode === 0 && !existsSync(output)) toolFailed(cc, "it made no program");
        if (result.exitCode === 0) return;
        if (job.sanitize && /lib[au]{1,2}b?san/.test(result.stderr))
          toolFailed(cc, `it cannot link its sanitizers\n${result.stderr}`);
        throw new Rejected(result.stderr);
      });
    });
    return join(folder, "program");
  } catch (error) {
    if (error instanceof Rejected) return { status: "rejected", log: firstLines(error.message, 20) };
    throw error;
  }
}

async function runProgram(program: string, job: CJob): Promise<RunOutcome> {
  const result = await runProcess(program, [], {
    input: job.request,
    timeoutSeconds: job.timeoutSeconds,
    // Leak detection needs ptrace, which containers forbid; the model has no heap to leak.
    env: { ASAN_OPTIONS: "detect_leaks=0", UBSAN_OPTIONS: "print_stacktrace=0" },
  });
  if (result.exitCode === 0) return { status: "done", output: result.stdout };
  // Nothing in the program ends it so: what does is the machine.
  if (!result.started || (result.signal === "SIGKILL" && !result.timedOut))
    requireEnd("the built C program", result);
  const why = result.timedOut
    ? `no end after ${job.timeoutSeconds} s`
    : `ended with ${result.signal ?? `exit code ${result.exitCode}`}`;
  return { status: "crashed", log: `${why}\n${firstLines(result.stderr, 20)}`.trim() };
}

/** Sizes of the C model as one compiler makes it. */
export interface CMeasurement {
  /** Name and version of the compiler, and the flags that matter. */
  readonly compiler: string;
  /** Machine instructions, bytes. */
  readonly codeBytes: number;
  /** Constant arrays in the object files, bytes; the same as the manifest says. */
  readonly flashBytes: number;
  /** Static writable data, bytes. */
  readonly staticBytes: number;
  /** Deepest stack of the model's functions, callees included, bytes. */
  readonly stackBytes: number;
  /** Symbols that the model takes from elsewhere, sorted. */
  readonly undefinedSymbols: readonly string[];
}

/**
 * Compiles the shipped C at -O2 without a harness and measures it. `files` holds the design (paths under c/).
 * Throws DiagnosticError (environment) when there is no C compiler or binutils.
 */
export async function measureC(
  files: FileSet,
  manifest: CManifest,
  options: CCompilerOptions = {},
): Promise<CMeasurement> {
  const { probe, cc, version } = await findCompiler(options.cc);
  requireTool(probe);
  const sources = manifest.sources.filter((path) => path.endsWith(".c"));
  const own = new Map([...files].filter(([path]) => path.startsWith("c/")).map(([p, c]) => [p.slice(2), c]));
  return withTemporaryFolder(new Map(), async (folder) => {
    await writeFiles(folder, own);
    const result = await runProcess(cc, [...STRICT, "-O2", "-fstack-usage", "-I.", "-c", ...sources], {
      cwd: folder,
      timeoutSeconds: 600,
    });
    if (result.exitCode !== 0) toolFailed(cc, result.stderr);
    const objects = (await readdir(folder)).filter((name) => name.endsWith(".o")).sort();
    const sections = await run("size", ["-A", "-d", ...objects], folder);
    const symbols = await run("nm", ["-S", ...objects], folder);
    return {
      compiler: `${version}, -O2`,
      ...readSections(sections),
      flashBytes: readConstants(symbols),
      stackBytes: await readStack(folder),
      undefinedSymbols: readUndefined(symbols),
    };
  });
}

async function run(tool: string, args: readonly string[], cwd: string): Promise<string> {
  const result = await runProcess(tool, args, { cwd, timeoutSeconds: 60 });
  if (result.exitCode !== 0) toolFailed(tool, result.started ? result.stderr : "it was not found");
  return new TextDecoder().decode(result.stdout);
}

/** Sums of `size -A` by what the section holds. */
function readSections(text: string): { codeBytes: number; staticBytes: number } {
  let codeBytes = 0;
  let staticBytes = 0;
  for (const [, name, size] of text.matchAll(/^(\.[\w.]+)\s+(\d+)\s+\d+\s*$/gm)) {
    if (/^\.text/.test(name!)) codeBytes += Number(size);
    else if (/^\.(data|bss)/.test(name!)) staticBytes += Number(size);
  }
  return { codeBytes, staticBytes };
}

/** Bytes of the constants in the listing of `nm -S`: their own sizes, without what aligns them. */
function readConstants(text: string): number {
  let bytes = 0;
  for (const [, size] of text.matchAll(/^[0-9a-f]+\s+([0-9a-f]+)\s+[rR]\s+\S+$/gm))
    bytes += Number.parseInt(size!, 16);
  return bytes;
}

/** Symbols undefined in one object and defined in none. */
function readUndefined(text: string): string[] {
  const wanted = new Set([...text.matchAll(/^\s+U\s+(\S+)$/gm)].map((m) => m[1]!));
  for (const [, name] of text.matchAll(/^[0-9a-f]+\s+(?:[0-9a-f]+\s+)?[A-TV-Z]\s+(\S+)$/gm))
    wanted.delete(name!);
  return [...wanted].sort();
}

/** Deepest chain: the entry point plus its largest callee; the model's calls are one level of kernels deep. */
async function readStack(folder: string): Promise<number> {
  const frames: number[] = [];
  for (const name of (await readdir(folder)).filter((file) => file.endsWith(".su"))) {
    const text = await readFile(join(folder, name), "utf8");
    for (const [, bytes] of text.matchAll(/\t(\d+)\t/g)) frames.push(Number(bytes));
  }
  frames.sort((a, b) => b - a);
  return (frames[0] ?? 0) + (frames[1] ?? 0);
}
