// What a campaign came to. In: results by example. Out: tables as Markdown, which read well on a terminal too.
import type { CauseClass } from "../../compiler/verify/result.ts";
import type { Backend, MutantResult } from "./campaign.ts";
import { type FaultKind, KINDS, NOT_IN } from "./fault.ts";

export interface ExampleResults {
  readonly name: string;
  readonly results: readonly MutantResult[];
  readonly without: readonly { readonly backend: Backend; readonly kind: FaultKind }[];
}

/** Classes of cause that say rightly what a kind of fault is. */
export const RIGHT_CLASSES: Readonly<Record<FaultKind, readonly CauseClass[]>> = {
  "weight bit": ["constant"],
  bias: ["constant"],
  "other constant": ["constant"],
  shift: ["rounding"],
  "rounding constant": ["rounding"],
  "saturation bound": ["wrap"],
  "sign extension": ["wrap"],
  "accumulator width - 1": ["wrap"],
  "off-by-one address": ["address", "order"],
  comparison: ["order"],
  "lost stall": ["handshake"],
  "dropped tlast": ["handshake"],
  framing: ["handshake"],
  "stale line buffer": ["order", "address", "handshake"],
  "missing reset": ["handshake", "order"],
};

interface Count {
  readonly mutants: number;
  readonly killed: number;
  readonly equivalent: number;
  readonly survived: number;
  readonly invalid: number;
}

function countOf(results: readonly MutantResult[]): Count {
  const of = (verdict: MutantResult["verdict"]): number =>
    results.filter((result) => result.verdict === verdict).length;
  return {
    mutants: results.length,
    killed: of("killed"),
    equivalent: of("equivalent"),
    survived: of("survived"),
    invalid: of("invalid"),
  };
}

/** killed / (mutants - proven equivalents), in percent. */
export function killRate(results: readonly MutantResult[]): number {
  const { mutants, killed, equivalent } = countOf(results);
  return mutants === equivalent ? 100 : (100 * killed) / (mutants - equivalent);
}

const percent = (x: number): string => (Number.isInteger(x) ? `${x} %` : `${x.toFixed(1)} %`);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, k) => Math.max(cell.length, ...rows.map((row) => row[k]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, k) => (k === 0 ? cell.padEnd(widths[k]!) : cell.padStart(widths[k]!))).join(" | ")} |`;
  const rule = widths.map((width, k) => (k === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(head), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}

function row(name: string, results: readonly MutantResult[]): readonly string[] {
  const { mutants, killed, equivalent, survived } = countOf(results);
  return [name, `${mutants}`, `${killed}`, `${equivalent}`, `${survived}`, percent(killRate(results))];
}

/** Tables by example and by kind, survivors, equivalents with their proofs, kinds without a place. */
export function summaryText(examples: readonly ExampleResults[]): string {
  const all = examples.flatMap(({ results }) => results);
  const head = ["mutants", "killed", "proven equivalent", "survived", "rate"];
  const kinds = Object.keys(KINDS) as FaultKind[];
  const byKind = kinds.flatMap((kind) =>
    (["rtl", "c"] as const).flatMap((backend) => {
      const own = all.filter((result) => result.kind === kind && result.backend === backend);
      const name = `${kind}, ${backend === "rtl" ? "Verilog" : "C"}`;
      if (NOT_IN[backend].includes(kind)) return [];
      return own.length === 0 ? [] : [[...row(name, own), ...classColumns(kind, own)]];
    }),
  );
  const seconds = all.reduce((sum, result) => sum + result.seconds, 0);
  const named = (verdict: MutantResult["verdict"]): readonly string[] =>
    examples.flatMap(({ name, results }) =>
      results
        .filter((result) => result.verdict === verdict)
        .map(
          ({ kind, place, what, reason }) =>
            `- ${name}: ${kind}, ${place}: ${what}${reason === "" ? "" : ` (${reason.split("\n")[0]})`}`,
        ),
    );
  const missing = examples.flatMap(({ name, without }) => {
    const of = (backend: Backend): readonly string[] =>
      without.filter((w) => w.backend === backend).map((w) => w.kind);
    const lists = [
      ["Verilog", of("rtl")],
      ["C", of("c")],
    ] as const;
    return lists.flatMap(([language, list]) =>
      list.length > 0 ? [`- ${name}, ${language}: ${list.join(", ")}`] : [],
    );
  });
  const section = (title: string, lines: readonly string[]): readonly string[] =>
    lines.length === 0 ? [] : [`## ${title}`, "", ...lines, ""];
  return [
    "## By example",
    "",
    table(
      ["example", ...head],
      [...examples.map(({ name, results }) => row(name, results)), row("all", all)],
    ),
    "",
    `${(seconds / Math.max(1, all.length)).toFixed(1)} s for a mutant on average, the building of the simulators apart.`,
    "",
    "## By kind",
    "",
    table(["kind", ...head, "class told", "right"], byKind),
    "",
    ...section("Survived", named("survived")),
    ...section("Invalid", named("invalid")),
    ...section("Proven equivalent", named("equivalent")),
    ...section("Kinds without a place", missing),
  ].join("\n");
}

/** How many of the killed were given a class at all, and what share of these is right. */
function classColumns(kind: FaultKind, results: readonly MutantResult[]): readonly string[] {
  const told = results.filter(({ causeClass }) => causeClass !== undefined);
  const right = told.filter(({ causeClass }) => RIGHT_CLASSES[kind].includes(causeClass!));
  return [`${told.length}`, told.length === 0 ? "" : percent((100 * right.length) / told.length)];
}
