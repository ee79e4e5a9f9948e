// The options that ask for a part: which one, and a rate, an interval or a latency on it. In: the command line's words. Out: what
// the folding solver is asked, checked.
import type { PartWish } from "../graph/project.ts";
import { fail } from "../support/diagnostics.ts";

export interface PartOptions {
  readonly target?: string;
  readonly rate?: string;
  readonly interval?: number;
  readonly latency?: number;
}

/** As in the section `hardware`. */
const MOST_CYCLES = 1e9;
const DECIMAL = /^\d+(\.\d+)?(e\d+)?$/;

const GOALS = ["rate", "interval", "latency"] as const;

const bad = (option: string, problem: string): never =>
  fail("cli/bad-option", { option: `--${option}`, problem });

/** What is asked of the part; undefined without --target. `interval` is what the model asks for where no option does. */
export function partWishOf(options: PartOptions, clockMHz: number, interval: number): PartWish | undefined {
  const given = GOALS.filter((name) => options[name] !== undefined);
  if (given.length > 1) bad(given[1]!, `it goes against --${given[0]}`);
  const { target } = options;
  if (target === undefined) return given.length > 0 ? bad(given[0]!, "it belongs to --target") : undefined;
  if (options.rate === "max") return { target, goal: { kind: "fastest" } };
  if (options.latency !== undefined)
    return { target, goal: { kind: "latency", cycles: whole("latency", options.latency) } };
  if (options.interval !== undefined)
    return { target, goal: { kind: "interval", cycles: whole("interval", options.interval) } };
  if (options.rate === undefined) return { target, goal: { kind: "interval", cycles: interval } };
  const rate = DECIMAL.test(options.rate) ? Number(options.rate) : 0;
  if (rate <= 0) return bad("rate", "neither a number of inferences per second nor max");
  const cycles = Math.floor((clockMHz * 1e6) / rate);
  if (cycles < 1) bad("rate", `more than one inference in each cycle of ${clockMHz} MHz`);
  if (cycles > MOST_CYCLES)
    bad("rate", `an inference takes more than ${MOST_CYCLES} cycles of ${clockMHz} MHz`);
  return { target, goal: { kind: "interval", cycles } };
}

function whole(option: string, cycles: number): number {
  return cycles >= 1 && cycles <= MOST_CYCLES ? cycles : bad(option, `between 1 and ${MOST_CYCLES} cycles`);
}
