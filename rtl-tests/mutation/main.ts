// Mutants of the examples, or of compiled designs. In: names and options. Out: a line for each mutant on standard error, a summary,
// and the results in build/mutate, from which a run goes on that was broken off.
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Manifest } from "../../compiler/program/manifest.ts";
import { readProgram } from "../../compiler/program/read.ts";
import { sha256Of } from "../../compiler/support/digest.ts";
import { openWasm } from "../../compiler/tests/unit/train/small-data.ts";
import { designOf } from "../../compiler/tests/unit/verify/designs.ts";
import { exampleNames, reducedExample } from "../../compiler/tests/unit/verify/reduced-examples.ts";
import { createBuildCache } from "../../compiler/tools/build-cache.ts";
import { createCRunner } from "../../compiler/tools/c-compiler.ts";
import { createVerilatorRunner } from "../../compiler/tools/verilator.ts";
import type { Design } from "../../compiler/verify/verify.ts";
import {
  type Backend,
  drawFaults,
  judgeFault,
  judgeOriginal,
  type MutantResult,
  subjectOf,
} from "./campaign.ts";
import type { Fault } from "./fault.ts";
import { type ExampleResults, killRate, summaryText } from "./summary.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = join(ROOT, "build/mutate");
/** Status of a program that Ctrl-C ended. */
const INTERRUPTED = 130;
/** What the verdicts depend on besides the design: they are not taken over from an older gate. */
const GATE = ["compiler/verify", "compiler/tools", "compiler/sim", "templates/harness", "rtl-tests/mutation"];

export interface MutateOptions {
  /** Examples, or folders of compiled designs; all examples by default. */
  readonly names: readonly string[];
  readonly mutants: number;
  readonly seed: number;
  readonly jobs?: number;
  readonly backends?: readonly Backend[];
  readonly kinds?: readonly string[];
  /** File for the summary. */
  readonly summary?: string;
}

/** Runs the campaigns. Gives the exit status: 1 when a mutant survived. */
export async function mutate(options: MutateOptions): Promise<number> {
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const unknown = options.names.filter((name) => !exampleNames().includes(name) && !isBuild(name));
  if (unknown.length > 0) {
    say(`no example and no build directory: ${unknown.join(", ")}; there are ${exampleNames().join(", ")}`);
    return 2;
  }
  process.on("SIGINT", () => {
    say("\nstopped; the same command goes on from here");
    process.exit(INTERRUPTED);
  });
  const gate = digestOf(GATE);
  const done: ExampleResults[] = [];
  for (const name of options.names.length > 0 ? options.names : exampleNames()) {
    say(`\n${name}`);
    done.push(await mutateOne(name, options, gate, say));
    const { results } = done[done.length - 1]!;
    say(`${name}: ${killRate(results).toFixed(1)} % of ${results.length} mutants killed`);
  }
  const text = summaryText(done);
  process.stdout.write(`${text}\n`);
  if (options.summary !== undefined) {
    mkdirSync(dirname(resolve(options.summary)), { recursive: true });
    writeFileSync(options.summary, `${preface(options)}\n${text}`);
  }
  return done.some(({ results }) =>
    results.some(({ verdict }) => verdict === "survived" || verdict === "invalid"),
  )
    ? 1
    : 0;
}

function preface({ mutants, seed }: MutateOptions): string {
  return [
    "# Mutation: what the exactness gate finds",
    "",
    `Made by \`make mutate MUTANTS=${mutants} SEED=${seed} SUMMARY=...\`; [rtl-tests/README.md](../rtl-tests/README.md) says how.`,
    "The rate is killed / (mutants - proven equivalents).",
    "",
  ].join("\n");
}

const isBuild = (name: string): boolean => existsSync(join(name, "design/manifest.json"));

/** Of all files below folders, by path. */
function digestOf(folders: readonly string[]): string {
  const parts = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => `${path.slice(ROOT.length)}\n${sha256Of(readFileSync(path))}\n`),
  );
  return sha256Of(parts.join(""));
}

async function designNamed(name: string): Promise<Design> {
  if (isBuild(name)) {
    const folder = join(name, "design");
    const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as Manifest;
    const program = readProgram(readFileSync(join(folder, "program.json"), "utf8"));
    const files = new Map<string, string>();
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      const relative = path.slice(folder.length + 1);
      if (entry.isFile() && /^(rtl|tb|c)\//.test(relative)) files.set(relative, readFileSync(path, "utf8"));
    }
    return { program, manifest, files };
  }
  const { program, hardware } = await reducedExample(await openWasm(), name);
  return designOf(program, hardware);
}

async function mutateOne(
  name: string,
  { mutants, seed, backends, kinds, jobs }: MutateOptions,
  gate: string,
  say: (text: string) => void,
): Promise<ExampleResults> {
  const design = await designNamed(name);
  const subject = subjectOf(design, seed, backends);
  const wanted = kinds
    ? { ...subject, faults: subject.faults.filter(({ kind }) => kinds.includes(kind)) }
    : subject;
  const faults = drawFaults(wanted, mutants, seed);
  const folder = join(FOLDER, name.replace(/\W+/g, "-"));
  mkdirSync(folder, { recursive: true });
  const cache = createBuildCache(join(FOLDER, "cache"));
  const runners = { c: createCRunner({ cache }), rtl: createVerilatorRunner({ cache }) };
  const key = sha256Of(`${gate} ${seed} ${sha256Of([...subject.rtl.files].flat().join("\n"))}`);
  const kept = resultsIn(join(folder, "results.jsonl"), key);
  const keep = (result: MutantResult): void =>
    appendFileSync(join(folder, "results.jsonl"), `${JSON.stringify({ key, ...result })}\n`);

  if (!existsSync(join(folder, `passed-${key}`))) {
    const start = performance.now();
    const reason = await judgeOriginal(subject, runners, seed);
    if (reason !== undefined) throw new Error(`${name} fails without any fault: ${reason}`);
    writeFileSync(join(folder, `passed-${key}`), "");
    say(
      `passes without a fault, ${Math.round((performance.now() - start) / 1000)} s with the simulators built`,
    );
  }
  const results: MutantResult[] = [];
  const queue = [...faults];
  const work = async (): Promise<void> => {
    for (let fault = queue.shift(); fault; fault = queue.shift()) {
      const result = kept.get(fault.id) ?? (await judgeFault(subject, fault, runners, seed));
      if (!kept.has(fault.id)) keep(result);
      results.push(result);
      say(lineOf(result, results.length, faults.length));
    }
  };
  await Promise.all(Array.from({ length: jobs ?? availableParallelism() }, work));
  const places = new Map(faults.map((fault: Fault, k) => [fault.id, k]));
  results.sort((a, b) => places.get(a.id)! - places.get(b.id)!);
  return { name, results, without: subject.without };
}

/** Results of an earlier run of the same design and gate, by fault. */
function resultsIn(path: string, key: string): ReadonlyMap<string, MutantResult> {
  if (!existsSync(path)) return new Map();
  const found = new Map<string, MutantResult>();
  for (const line of readFileSync(path, "utf8").split("\n")) {
    // The last line of a run that was killed may be half a line.
    if (!line.startsWith(`{"key":"${key}"`) || !line.endsWith("}")) continue;
    const { key: _, ...result } = JSON.parse(line) as MutantResult & { key: string };
    found.set(result.id, result);
  }
  return found;
}

function lineOf(
  { backend, kind, place, what, verdict, reason, causeClass, seconds }: MutantResult,
  n: number,
  of: number,
): string {
  const word = verdict === "killed" ? "killed" : verdict.toUpperCase();
  const language = backend === "rtl" ? "Verilog" : "C";
  const first = reason.split("\n")[0]!;
  const detail = verdict === "killed" ? (causeClass ?? "") : first.slice(0, 160);
  return `[${n}/${of}] ${word.padEnd(8)} ${seconds.toFixed(1)} s  ${language} ${kind}: ${place} ${what}  ${detail}`;
}
