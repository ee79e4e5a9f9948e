// Runs Verilog designs in Verilator. In: a job (sources, C++ driver, memory images, request). Out: what the
// simulation wrote. Runtime, driver and finished simulators are kept in the build cache.
import { copyFile, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FileSet } from "../support/file-set.ts";
import type { RtlJob, RtlRunner, RunOutcome, ToolProbe } from "../verify/runners.ts";
import {
  type BuildCache,
  buildKey,
  createBuildCache,
  withTemporaryFolder,
  writeFiles,
} from "./build-cache.ts";
import { runProcess } from "./processes.ts";
import { firstLines, missingTool, requireEnd, requireTool, toolFailed } from "./tool-failure.ts";

export interface VerilatorOptions {
  /** Command; default $VERILATOR, then `verilator`. */
  readonly verilator?: string;
  /** Command; default $CXX, then g++, clang++, c++. */
  readonly cxx?: string;
  readonly cache?: BuildCache;
  /** For a design that is simulated for a moment, whose compilation takes longer: default false. */
  readonly shortRuns?: boolean;
}

/**
 * What the tool says of style is the lint's matter, not the gate's. Registers start with seeded random bits, so that
 * a missing reset shows.
 */
const VERILATE = ["--cc", "-O3", "--assert", "--x-assign", "unique", "--x-initial", "unique"];
const QUIET = ["-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-DECLFILENAME"];
/** The modules around the design and its own wires; a cycle takes 10 ns, so that cycle n begins at 10 n ns. */
const TRACE = [
  "--trace",
  "--trace-depth",
  "3",
  "--trace-max-width",
  "65536",
  "--timescale-override",
  "1ns/1ns",
];
/** Written by a traced simulator, in its working directory; the window is read from there. */
const WAVE_FILE = "nf_wave.vcd";
const WINDOW_FILE = "nf_wave.txt";
const COMPILE = ["-std=gnu++17", "-w"];
/** -O2 is the fastest simulation here; -O3 and -march=native are slower, -O0 is 18 times slower. */
const OPTIMIZED = "-O2";
/** Compiles in a fraction of the time. */
const HASTY = "-O0";

/** Makes a runner; nothing is looked for before the first call. */
export function createVerilatorRunner(options: VerilatorOptions = {}): RtlRunner {
  const verilator = options.verilator ?? process.env.VERILATOR ?? "verilator";
  const cache = options.cache ?? createBuildCache();
  let tools: Promise<Tools> | undefined;
  const find = (): Promise<Tools> => {
    tools ??= findTools(verilator, options.cxx);
    return tools;
  };
  return {
    probe: async () => (await find()).probe,
    run: async (job) => {
      const found = await find();
      requireTool(found.probe);
      const simulator = await buildSimulator(cache, found, job, options.shortRuns ? HASTY : OPTIMIZED);
      if (typeof simulator !== "string") return simulator;
      return runSimulator(simulator, job);
    },
  };
}

/** Major version. A design that an older one does not take may well be right. */
const OLDEST = 5;

function isOld(version: string): boolean {
  return Number(/(\d+)\.\d+/.exec(version)?.[1] ?? 0) < OLDEST;
}

interface Tools {
  readonly probe: ToolProbe;
  readonly verilator: string;
  readonly version: string;
  readonly cxx: string;
  readonly cxxVersion: string;
  /** Verilator's own C++ headers and sources. */
  readonly include: string;
}

async function versionOf(command: string): Promise<string | undefined> {
  const result = await runProcess(command, ["--version"], { timeoutSeconds: 60 });
  if (!result.started || result.exitCode !== 0) return undefined;
  return new TextDecoder().decode(result.stdout).split("\n")[0]?.trim();
}

async function findTools(verilator: string, cxx: string | undefined): Promise<Tools> {
  const none = { verilator, version: "", cxx: "", cxxVersion: "", include: "" };
  const version = await versionOf(verilator);
  if (version === undefined || !/^verilator\b/i.test(version))
    return {
      ...none,
      probe: { found: false, tool: "verilator", diagnostic: missingTool("verilator") },
    };
  const configured = cxx ?? process.env.CXX;
  for (const candidate of configured ? [configured] : ["g++", "clang++", "c++"]) {
    const cxxVersion = await versionOf(candidate);
    if (cxxVersion === undefined) continue;
    const root = await runProcess(verilator, ["--getenv", "VERILATOR_ROOT"], { timeoutSeconds: 60 });
    const include = join(new TextDecoder().decode(root.stdout).trim(), "include");
    return {
      probe: { found: true, tool: "verilator", version },
      verilator,
      version,
      cxx: candidate,
      cxxVersion,
      include,
    };
  }
  return {
    ...none,
    probe: { found: false, tool: "C++ compiler", diagnostic: missingTool("C++ compiler") },
  };
}

function compileFlags(tools: Tools, traced: boolean): string[] {
  const trace = traced ? 1 : 0;
  return [
    ...COMPILE,
    "-DVM_COVERAGE=0",
    "-DVM_SC=0",
    `-DVM_TRACE=${trace}`,
    "-DVM_TRACE_FST=0",
    `-DVM_TRACE_VCD=${trace}`,
    "-DVL_THREADED=1",
    `-I${tools.include}`,
    `-I${join(tools.include, "vltstd")}`,
  ];
}

async function compile(tools: Tools, folder: string, args: readonly string[]): Promise<void> {
  const result = await runProcess(tools.cxx, args, { cwd: folder, timeoutSeconds: 600 });
  requireEnd(tools.cxx, result);
  if (result.exitCode !== 0) toolFailed(tools.cxx, result.stderr);
}

/** Object files that do not depend on the design: the runtime's sources or a driver. */
async function objects(
  cache: BuildCache,
  tools: Tools,
  kind: string,
  files: FileSet,
  sources: readonly string[],
  traced: boolean,
): Promise<string[]> {
  const flags = [...compileFlags(tools, traced), OPTIMIZED];
  const key = buildKey([tools.version, tools.cxx, tools.cxxVersion, ...flags, ...sources], files);
  const folder = await cache.get(kind, key, async (building) => {
    await writeFiles(building, files);
    await compile(tools, building, [...flags, "-c", ...sources]);
  });
  return (await readdir(folder))
    .filter((name) => name.endsWith(".o"))
    .sort()
    .map((name) => join(folder, name));
}

class Rejected extends Error {}

async function buildSimulator(
  cache: BuildCache,
  tools: Tools,
  job: RtlJob,
  optimization: string,
): Promise<string | RunOutcome> {
  const traced = job.wave !== undefined;
  const key = buildKey(
    [
      tools.version,
      tools.cxx,
      tools.cxxVersion,
      ...VERILATE,
      ...(traced ? TRACE : []),
      ...COMPILE,
      optimization,
      job.top,
      ...job.verilog,
      job.binding.text,
    ],
    new Map([...job.files, ...job.driver]),
  );
  try {
    const folder = await cache.get("verilator", key, async (building) => {
      const source = join(building, "source");
      await writeFiles(source, job.files);
      const verilate = await runProcess(
        tools.verilator,
        [
          ...VERILATE,
          ...(traced ? TRACE : []),
          ...QUIET,
          "--prefix",
          "Vdut",
          "--top-module",
          job.top,
          "--Mdir",
          "../model",
          ...job.verilog,
        ],
        { cwd: source, timeoutSeconds: 600 },
      );
      requireEnd(tools.verilator, verilate);
      if (verilate.exitCode !== 0 && isOld(tools.version))
        toolFailed(
          tools.version,
          `it is older than ${OLDEST}.0, which designs are tested with\n${verilate.stderr}`,
        );
      if (verilate.exitCode !== 0) throw new Rejected(verilate.stderr);
      const model = join(building, "model");
      const made = (await readdir(model)).filter((name) => name.endsWith(".cpp")).sort();
      // One translation unit compiles several times faster than many small ones.
      const includes = [...made.map((name) => `#include "${name}"`), `#include "${job.binding.path}"`];
      await writeFile(join(model, job.binding.path), job.binding.text);
      await writeFile(join(model, "all.cpp"), `${includes.join("\n")}\n`);
      await writeFiles(model, job.driver);
      const runtime = await objects(
        cache,
        tools,
        "verilator-runtime",
        new Map(),
        await runtimeSources(tools, model),
        traced,
      );
      const driver = await objects(
        cache,
        tools,
        "verilator-driver",
        job.driver,
        [...job.driver.keys()].filter((name) => name.endsWith(".cpp")),
        traced,
      );
      await compile(tools, model, [
        ...compileFlags(tools, traced),
        ...(traced ? [`-DNF_WAVE_FILE="${WAVE_FILE}"`, `-DNF_WINDOW_FILE="${WINDOW_FILE}"`] : []),
        optimization,
        "all.cpp",
        ...driver,
        ...runtime,
        "-o",
        "simulator",
        "-pthread",
        ...(process.platform === "linux" ? ["-latomic"] : []),
      ]);
      await rename(join(model, "simulator"), join(building, "simulator"));
      await rm(source, { recursive: true, force: true });
      await rm(model, { recursive: true, force: true });
    });
    return join(folder, "simulator");
  } catch (error) {
    if (error instanceof Rejected) return { status: "rejected", log: firstLines(error.message, 20) };
    throw error;
  }
}

/** Runtime sources that this Verilator's own makefile names for the design. */
async function runtimeSources(tools: Tools, model: string): Promise<string[]> {
  const makefile = await readFile(join(model, "Vdut_classes.mk"), "utf8");
  const names = [...makefile.matchAll(/^\s*(verilated\w*)\s*\\?$/gm)].map((match) => match[1]!);
  return [...new Set(names)].sort().map((name) => join(tools.include, `${name}.cpp`));
}

async function runSimulator(simulator: string, job: RtlJob): Promise<RunOutcome> {
  const { wave } = job;
  const data = new Map(job.data);
  if (wave) data.set(WINDOW_FILE, `${wave.from} ${wave.to}\n`);
  return withTemporaryFolder(data, async (folder) => {
    // A private name: the cache may drop the file while we run.
    const own = join(folder, "simulator");
    await copyFile(simulator, own);
    const result = await runProcess(own, [], {
      cwd: folder,
      input: job.request,
      timeoutSeconds: job.timeoutSeconds,
    });
    if (result.exitCode === 0)
      return {
        status: "done",
        output: result.stdout,
        ...(wave ? { wave: await readFile(join(folder, WAVE_FILE)) } : {}),
      };
    // Nothing in the simulation ends it so: what does is the machine.
    if (!result.started || (result.signal === "SIGKILL" && !result.timedOut))
      requireEnd("the built simulator", result);
    const why = result.timedOut
      ? `no end after ${job.timeoutSeconds} s`
      : `ended with ${result.signal ?? `exit code ${result.exitCode}`}`;
    return { status: "crashed", log: `${why}\n${firstLines(result.stderr, 20)}`.trim() };
  });
}
