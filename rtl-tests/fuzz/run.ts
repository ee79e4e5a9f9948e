// Runs the fuzzer over all cores. In: how many programs, a seed, shares of the strict judges. Out: regression files for what
// fails, a summary; progress on standard error. A run that was stopped or killed goes on where it was.
import { type ChildProcess, fork } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { BlockResult, Plan } from "./blocks.ts";
import { JUDGE_NAMES, JUDGES, type JudgeName } from "./judges.ts";
import { blocksOf, keepResult, readResults, resultsPath } from "./results.ts";
import { type Summary, summaryMarkdown, summaryOf } from "./summary.ts";
import type { BlockAnswer, BlockRequest } from "./worker.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const REGRESSIONS = join(root, "rtl-tests/regressions");

export interface FuzzOptions {
  readonly plan: Plan;
  readonly programs: number;
  readonly processes: number;
  /** A file for the summary: JSON where its name ends so, else Markdown. */
  readonly summary: string | undefined;
}

const DEFAULTS = { PROGRAMS: 300, SEED: 1, BENCH: 8, GATE: 96, NETLIST: 40 };

/** Options from variables such as PROGRAMS=1000; a word that says what is wrong. */
export function readOptions(given: Readonly<Record<string, string | undefined>>): FuzzOptions | string {
  const wrong: string[] = [];
  const whole = (name: string, usual: number): number => {
    const text = given[name];
    if (text === undefined || text === "") return usual;
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) wrong.push(`${name}=${text} is no whole number`);
    return value;
  };
  const programs = whole("PROGRAMS", DEFAULTS.PROGRAMS);
  const processes = Math.max(1, whole("PROCESSES", availableParallelism()));
  const plan = {
    seed: whole("SEED", DEFAULTS.SEED),
    bench: whole("BENCH", DEFAULTS.BENCH),
    gate: whole("GATE", DEFAULTS.GATE),
    netlist: whole("NETLIST", DEFAULTS.NETLIST),
  };
  return wrong.length > 0
    ? wrong.join(", ")
    : { plan, programs, processes, summary: given.SUMMARY || undefined };
}

/** Status of a run that was ended by a signal. */
const ENDED = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Runs to the end; the status is 1 where a program failed. `entry` is the script that a worker is started with. */
export async function main(entry: string): Promise<void> {
  const options = readOptions(process.env);
  if (typeof options === "string") {
    console.error(`fuzz: ${options}`);
    process.exit(2);
  }
  const { plan, programs, summary } = options;
  const judges = JUDGE_NAMES.filter((name) => JUDGES[name].isPresent());
  const path = resultsPath(plan);
  const done = new Map(readResults(path, programs));
  const todo = blocksOf(programs).filter((block) => !done.has(block));
  if (done.size > 0) say(`goes on: ${done.size} of ${done.size + todo.length} blocks are there`);
  await runWorkers(entry, options, judges, todo, (result) => {
    keepResult(path, result);
    done.set(result.block, result);
    saveFailures(plan, result);
    return done;
  });
  const all = [...done.values()];
  for (const result of all) saveFailures(plan, result);
  const absent = JUDGE_NAMES.filter((name) => !judges.includes(name));
  const end = summaryOf(plan, all, absent);
  console.log(summaryMarkdown(end));
  console.log(secondsText(all));
  if (summary !== undefined) writeSummary(resolve(summary), end);
  process.exit(end.failures.length === 0 ? 0 : 1);
}

const say = (text: string): void => console.error(`fuzz: ${text}`);

const SCRATCH = "tmp-";
const DAY_MILLISECONDS = 24 * 60 * 60 * 1000;

/** What a run left that was killed without a word; other runs may be going on. */
function removeStale(home: string): void {
  for (const name of readdirSync(home).filter((entry) => entry.startsWith(SCRATCH))) {
    const path = join(home, name);
    if (Date.now() - statSync(path).mtimeMs > DAY_MILLISECONDS)
      rmSync(path, { recursive: true, force: true });
  }
}

/** Gives blocks to worker processes until all are done; ends the process on a signal. */
async function runWorkers(
  entry: string,
  { plan, programs, processes }: FuzzOptions,
  judges: readonly JudgeName[],
  todo: readonly number[],
  keep: (result: BlockResult) => ReadonlyMap<number, BlockResult>,
): Promise<void> {
  if (todo.length === 0) return;
  // A folder for what tools write, so that nothing is left of a worker that is stopped.
  const home = join(root, ".cache/fuzz");
  mkdirSync(home, { recursive: true });
  removeStale(home);
  const scratch = mkdtempSync(join(home, SCRATCH));
  const workers: ChildProcess[] = [];
  const count = Math.min(processes, todo.length);
  say(`${programs} programs, seed ${plan.seed}, ${count} processes, judged by ${judges.join(", ")}`);
  const stop = (): void => {
    for (const { pid } of workers)
      try {
        // Tools of a worker are in its group.
        if (pid !== undefined) process.kill(-pid, "SIGTERM");
      } catch {
        // It is gone.
      }
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  };
  for (const [signal, status] of Object.entries(ENDED))
    process.on(signal, () => {
      stop();
      say("stopped; the same command goes on from here");
      process.exit(status);
    });
  const begin = performance.now();
  const left = [...todo];
  let finished = 0;
  const next = (worker: ChildProcess): void => {
    const block = left.shift();
    if (block === undefined) worker.disconnect();
    else worker.send({ plan, block, count: programs, judges } satisfies BlockRequest);
  };
  const run = (): Promise<void> =>
    new Promise((ended, failed) => {
      const worker = fork(entry, ["--worker"], {
        detached: true,
        env: { ...process.env, TMPDIR: scratch },
        stdio: ["ignore", "inherit", "inherit", "ipc"],
      });
      workers.push(worker);
      worker.on("message", (answer: BlockAnswer | "ready") => {
        if (answer === "ready") return next(worker);
        if ("broken" in answer) return failed(new Error(answer.broken));
        const done = [...keep(answer.result).values()];
        finished += answer.result.programs;
        sayProgress(done, programs, (performance.now() - begin) / 1000, finished);
        next(worker);
      });
      worker.on("exit", (code, signal) => {
        if (code === 0) ended();
        else failed(new Error(`a worker ended with ${signal ?? `status ${code}`}`));
      });
    });
  try {
    await Promise.all(Array.from({ length: count }, run));
  } catch (error) {
    stop();
    say((error as Error).stack ?? `${error}`);
    process.exit(70);
  }
  stop();
}

function sayProgress(
  done: readonly BlockResult[],
  programs: number,
  seconds: number,
  finished: number,
): void {
  const all = done.reduce((sum, result) => sum + result.numbers, 0);
  const failed = done.reduce((sum, result) => sum + result.failures.length, 0);
  const left = finished === 0 ? 0 : ((programs - all) * seconds) / finished;
  say(
    `${all} of ${programs} programs, ${failed} failed, ${(seconds / Math.max(1, finished)).toFixed(2)} s each, ` +
      `${Math.ceil(left / 60)} min left`,
  );
}

/** Writes the regression files of a block. */
function saveFailures({ seed }: Plan, { failures }: BlockResult): void {
  for (const { number, judge, complaint, file } of failures) {
    const [line] = complaint.split("\n");
    if (file === null) {
      say(`FAILED: number ${number}, ${judge}: ${line}`);
      continue;
    }
    mkdirSync(REGRESSIONS, { recursive: true });
    const path = join(REGRESSIONS, `${judge}-${seed}-${number}.json`);
    writeFileSync(path, file);
    say(`FAILED: number ${number}, ${judge}: ${line}; kept in ${path.slice(root.length)}`);
  }
}

/** What a program took of one core, by judge. */
function secondsText(all: readonly BlockResult[]): string {
  const programs = all.reduce((sum, result) => sum + result.programs, 0);
  const names = new Set(all.flatMap(({ judged }) => Object.keys(judged)));
  const parts = [...names].map((name) => {
    const own = all.flatMap(({ judged }) => (judged[name] ? [judged[name]] : []));
    const [seconds, count] = [
      own.reduce((sum, part) => sum + part.seconds, 0),
      own.reduce((sum, part) => sum + part.programs, 0),
    ];
    return `${name} ${(seconds / count).toFixed(2)} s for each of ${count}`;
  });
  const seconds = all.reduce((sum, result) => sum + result.seconds, 0);
  return `Seconds of one process: ${(seconds / Math.max(1, programs)).toFixed(2)} a program; ${parts.join(", ")}.`;
}

function writeSummary(path: string, summary: Summary): void {
  mkdirSync(dirname(path), { recursive: true });
  const text = path.endsWith(".json") ? `${JSON.stringify(summary, null, 2)}\n` : summaryMarkdown(summary);
  writeFileSync(path, text);
}
