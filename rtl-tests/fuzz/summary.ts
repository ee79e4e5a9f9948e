// The end of a run of the fuzzer in words. In: a plan and the results of its blocks. Out: Markdown or JSON: what was run, what
// failed, what the programs had in them.
import { OPCODES } from "../../compiler/tests/unit/program/random-branching.ts";
import type { BlockResult, Failure, Plan } from "./blocks.ts";
import { type Coverage, medianInstructions, merged } from "./coverage.ts";
import { JUDGES, type JudgeName } from "./judges.ts";

export interface Summary {
  readonly plan: Plan;
  readonly programs: number;
  /** By judge, how many programs it was given. */
  readonly judged: Readonly<Record<string, number>>;
  /** Judges whose tools are missing. */
  readonly absent: readonly JudgeName[];
  readonly failures: readonly Omit<Failure, "file">[];
  /** Draws that the Verilog back end does not build, by code. */
  readonly redrawn: Readonly<Record<string, number>>;
  readonly medianInstructions: number;
  /** Parts of the programs, in [0, 1]. */
  readonly withBranch: number;
  readonly coverage: Coverage;
}

const addUp = (all: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> =>
  merged(all.map((counts) => ({ counts }))).counts ?? {};

/** Adds the blocks up. */
export function summaryOf(
  plan: Plan,
  results: readonly BlockResult[],
  absent: readonly JudgeName[],
): Summary {
  const programs = results.reduce((sum, result) => sum + result.programs, 0);
  const coverage = merged(results.map((result) => result.coverage));
  return {
    plan,
    programs,
    judged: addUp(
      results.map(({ judged }) =>
        Object.fromEntries(Object.entries(judged).map(([name, { programs: count }]) => [name, count])),
      ),
    ),
    absent,
    failures: results
      .flatMap((result) => result.failures)
      .map(({ number, judge, complaint }) => ({ number, judge, complaint }))
      .toSorted((a, b) => a.number - b.number),
    redrawn: addUp(results.map(({ redrawn }) => redrawn)),
    medianInstructions: medianInstructions(coverage),
    withBranch: programs === 0 ? 0 : (coverage.programs?.["with a branch"] ?? 0) / programs,
    coverage,
  };
}

const KINDS = ["signed", "unsigned", "bipolar"] as const;
/** Groups that stand as lists of counts, in this order. */
const LISTS: readonly (readonly [string, string])[] = [
  ["programs", "Programs"],
  ["hardware", "Hardware wishes"],
  ["values", "Formats of values"],
  ["weights", "Formats of weights"],
  ["convs", "Convolutions"],
  ["pools", "Pools"],
  ["requantizations", "Requantizations"],
  ["joins", "Sums, differences and products of two values"],
];

const number = (n: number): string => n.toLocaleString("en-US");

/** The summary as a page. */
export function summaryMarkdown(summary: Summary): string {
  const { plan, programs, judged, absent, failures, redrawn, coverage } = summary;
  const shares = `BENCH=${plan.bench} GATE=${plan.gate} NETLIST=${plan.netlist}`;
  const failed = failures.length === 0 ? "none failed" : `${failures.length} FAILED`;
  return [
    "# Random programs",
    "",
    `\`make fuzz PROGRAMS=${programs} SEED=${plan.seed} ${shares}\`: ${number(programs)} programs, ${failed}.`,
    "",
    `Median ${summary.medianInstructions} instructions; ${(100 * summary.withBranch).toFixed(0)} % with a branch.`,
    "",
    "| judged by | programs |",
    "|---|---|",
    ...Object.entries(judged).map(([name, count]) => `| ${titleOf(name)} | ${number(count)} |`),
    ...absent.map((name) => `| ${titleOf(name)} | its tools are not here |`),
    "",
    ...(failures.length > 0
      ? ["| failed | judge | complaint |", "|---|---|---|", ...failures.map(failureRow), ""]
      : []),
    "Instructions by what they read (one that reads two kinds counts for both):",
    "",
    "| instruction | signed | unsigned | bipolar |",
    "|---|---|---|---|",
    ...OPCODES.map((op) => {
      const counts = KINDS.map((kind) => coverage.operands?.[`${op} ${kind}`] ?? 0);
      return `| ${op} | ${counts.map((count) => (count > 0 ? number(count) : "-")).join(" | ")} |`;
    }),
    "",
    ...LISTS.flatMap(([group, title]) => [`${title}: ${listOf(coverage[group] ?? {})}.`, ""]),
    "Branches of what decides, that bounds allow and that the packets of a program take:",
    "",
    "| branch | possible | taken |",
    "|---|---|---|",
    ...branchRows(coverage),
    "",
    `Bits of values: ${listOf(byNumber(coverage.widths ?? {}))}.`,
    "",
    `Drawn again because the Verilog back end does not build them: ${listOf(redrawn)}.`,
    "",
  ].join("\n");
}

/** All branches by kind of instruction; those of requantizations each, by the instructions that have them. */
function* branchRows({ branches = {}, requantizers = {} }: Coverage): Iterable<string> {
  const row = (name: string, possible: number, taken: number): string =>
    `| ${name} | ${number(possible)} | ${number(taken)} |`;
  const rest = ", where it is possible";
  for (const [kind, possible] of Object.entries(requantizers)) {
    if (!kind.endsWith(rest)) continue;
    const name = kind.slice(0, -rest.length);
    yield row(`requantize: ${name}`, possible, requantizers[name] ?? 0);
  }
  for (const op of ["requantize", "threshold", "table", "argmax"])
    yield row(`${op}: all`, branches[`${op} possible`] ?? 0, branches[`${op} taken`] ?? 0);
}

const titleOf = (name: string): string =>
  Object.hasOwn(JUDGES, name) ? JUDGES[name as JudgeName].title : name;

function failureRow({ number: of, judge, complaint }: Omit<Failure, "file">): string {
  const [line = ""] = complaint.split("\n");
  return `| ${of} | ${judge} | ${line.replaceAll("|", "\\|").slice(0, 200)} |`;
}

function listOf(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts);
  return entries.length === 0
    ? "none"
    : entries.map(([kind, count]) => `${kind} ${number(count)}`).join("; ");
}

const byNumber = (counts: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(counts).sort(([a], [b]) => Number(a) - Number(b)));
