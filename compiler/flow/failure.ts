// What a tool that failed said, and what that means. In: the tool and its log. Out: a diagnostic, thrown.
import { fail } from "../support/diagnostics.ts";
import type { FlowTool } from "./runners.ts";

interface KnownMessage {
  readonly pattern: RegExp;
  readonly meaning: string;
}

/** The design is at fault, or is too much for the part. */
const OF_DESIGN: readonly KnownMessage[] = [
  {
    pattern: /can ?not open file|can't open|could not open|failed to open/i,
    meaning: "a file of the design is not there",
  },
  {
    pattern: /syntax error|parse error/i,
    meaning: "the Verilog was changed by hand, or the tool is too old for it",
  },
  {
    pattern: /is not part of the design|not found in|unknown module|is referenced in module/i,
    meaning: "a module of the design is missing",
  },
  {
    pattern:
      /unable to place|failed to place|no bels? (remaining|available)|not enough|unable to find legal/i,
    meaning: "the part is too full; fold the network more (a longer interval), or take a larger part",
  },
  {
    pattern: /failed to route|unroutable|routing failed/i,
    meaning: "the wires do not fit; another --seed may do, else fold the network more or take a larger part",
  },
];

/** The machine is. */
const OF_MACHINE: readonly KnownMessage[] = [
  {
    pattern: /was ended by SIG/,
    meaning: "something ended the tool: often the system, when memory runs out",
  },
  {
    pattern: /no space left on device|disk quota exceeded|file size limit exceeded|ENOSPC|EFBIG/i,
    meaning: "the disk is full; TMPDIR names another folder for temporary files",
  },
  {
    pattern: /out of memory|cannot enlarge memory|allocation failed|bad_alloc/i,
    meaning: "the tool needs more memory than there is",
  },
  {
    pattern: /RuntimeError|segmentation fault|assertion .*failed/i,
    meaning: "the tool itself crashed: a fault of its own, or too little memory",
  },
  {
    pattern: /licen[cs]e/i,
    meaning: "the tool has no licence for this part",
  },
];

/** A tool's own complaints: the lines that say so, else the last ones. */
function complaintsOf(log: string): readonly string[] {
  const lines = log
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const errors = lines.filter((line) => /\berror\b/i.test(line) && !/\b0 errors?\b/i.test(line));
  return errors.length > 0 ? errors.slice(0, 6) : lines.slice(-6);
}

/** The file that a complaint is about, as tools write it: `rtl/a.v:12: ERROR: ...`, or in quotes. */
function fileOf(complaint: string): string | undefined {
  return (
    /([\w./-]+\.\w+):\d+/.exec(complaint)?.[1] ??
    /[`'"]([\w./-]+\.(?:s?v|mem|json|tcl|asc))['"]/.exec(complaint)?.[1]
  );
}

/**
 * Throws what the tool said, the file that it speaks of, and what it means where that is known: flow/refused where the design
 * is at fault, else flow/tool-failed. A tool that said nothing did not end by itself: flow/tool-died.
 */
export function toolFailed({ name, version }: FlowTool, step: string, log: string): never {
  const tool = `${name} ${version}`;
  const complaints = complaintsOf(log);
  const said = complaints.join("\n  ");
  if (said === "") return fail("flow/tool-died", { tool, step });
  const meaningOf = (known: readonly KnownMessage[]): string | undefined =>
    known.find(({ pattern }) => pattern.test(said))?.meaning;
  const file = complaints.map(fileOf).find((found) => found !== undefined);
  const meaning = meaningOf(OF_MACHINE);
  const refusal = meaningOf(OF_DESIGN);
  if (meaning === undefined && refusal !== undefined)
    return fail("flow/refused", { tool, step, said, file, meaning: refusal });
  return fail("flow/tool-failed", { tool, step, said, file, meaning });
}
