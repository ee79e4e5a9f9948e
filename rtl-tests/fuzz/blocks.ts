// One block of the fuzzer's programs: draws them, has them judged, makes what fails small. In: a plan and the number of a block.
// Out: counts, seconds, coverage, and regression files for what failed.
import type { RandomCase } from "../../compiler/tests/unit/verilog/random-program.ts";
import { type Coverage, coverageOf, merged } from "./coverage.ts";
import { drawCase } from "./draw.ts";
import { built, type Complaint, JUDGES, type JudgeName } from "./judges.ts";
import { regressionText } from "./regression.ts";
import { shrink } from "./shrink.ts";

/** Programs that are judged together: they share one binary of C, and where they are simulated in Verilator one build. */
export const BLOCK = 24;

/** What a run is: results of other plans are other results. */
export interface Plan {
  readonly seed: number;
  /** Every so many blocks are simulated in Verilator, every so many programs pass the gate, every so many blocks have a netlist; 0: none. */
  readonly bench: number;
  readonly gate: number;
  readonly netlist: number;
}

/** A program that failed, as small as it became. */
export interface Failure {
  readonly number: number;
  readonly judge: JudgeName | "drawing";
  readonly complaint: string;
  /** Text of its regression file; null where there is no program. */
  readonly file: string | null;
}

export interface BlockResult {
  readonly block: number;
  /** Numbers that were drawn; the last block of a run may have fewer. */
  readonly numbers: number;
  readonly programs: number;
  /** Drawn, but not built by the Verilog back end: by the code that it says, how many. */
  readonly redrawn: Readonly<Record<string, number>>;
  /** By judge: programs and seconds. */
  readonly judged: Readonly<Record<string, { readonly programs: number; readonly seconds: number }>>;
  readonly seconds: number;
  readonly coverage: Coverage;
  readonly failures: readonly Failure[];
}

interface Numbered {
  readonly number: number;
  readonly one: RandomCase;
}

/** Draws that may be passed over for one number. */
const ATTEMPTS = 50;

/** The case of a number: the first one that the back end builds. */
export function caseOfNumber(seed: number, number: number, redrawn: Record<string, number> = {}): RandomCase {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const one = drawCase(seed, number, attempt);
    const made = built(one);
    if (!("not" in made)) return one;
    for (const code of new Set(made.not)) redrawn[code] = (redrawn[code] ?? 0) + 1;
  }
  throw new Error(`seed ${seed}, number ${number}: ${ATTEMPTS} draws are not built`);
}

/** Programs of a block, of `count` in all. */
export function numbersOf(block: number, count: number): readonly number[] {
  const first = block * BLOCK;
  return Array.from({ length: Math.max(0, Math.min(BLOCK, count - first)) }, (_, k) => first + k);
}

/** Which programs of a block a judge gets. */
function chosenFor(
  name: JudgeName,
  plan: Plan,
  block: number,
  all: readonly Numbered[],
): readonly Numbered[] {
  const every = (n: number): boolean => n > 0 && block % n === 0;
  switch (name) {
    case "c":
    case "icarus":
      return all;
    case "bench":
      return every(plan.bench) ? all : [];
    case "gate":
      return plan.gate > 0 ? all.filter(({ number }) => number % plan.gate === 0) : [];
    case "netlist":
      return every(plan.netlist) ? smallest(all) : [];
  }
}

/** Yosys takes minutes for large designs: of those with several instructions the one with the least of its own Verilog. */
function smallest(all: readonly Numbered[]): readonly Numbered[] {
  const size = ({ one }: Numbered): number => {
    const made = built(one);
    if (!("design" in made) || one.program.instructions.length < 5) return Number.POSITIVE_INFINITY;
    const { files, manifest } = made.design;
    return [...manifest.sources, ...manifest.memories].reduce(
      (sum, path) => sum + files.get(path)!.length,
      0,
    );
  };
  return all.toSorted((a, b) => size(a) - size(b)).slice(0, 1);
}

/** Runs a block of a run of `count` programs. A judge does not get what one before it complained of. */
export async function runBlock(
  plan: Plan,
  block: number,
  count: number,
  judges: readonly JudgeName[],
): Promise<BlockResult> {
  const begin = performance.now();
  const redrawn: Record<string, number> = {};
  const failures: Failure[] = [];
  const all: Numbered[] = [];
  for (const number of numbersOf(block, count)) {
    try {
      all.push({ number, one: caseOfNumber(plan.seed, number, redrawn) });
    } catch (error) {
      failures.push({ number, judge: "drawing", complaint: (error as Error).stack ?? "", file: null });
    }
  }
  const judged: Record<string, { programs: number; seconds: number }> = {};
  for (const name of judges) {
    const failed = new Set(failures.map(({ number }) => number));
    const chosen = chosenFor(name, plan, block, all).filter(({ number }) => !failed.has(number));
    if (chosen.length === 0) continue;
    const from = performance.now();
    const found = await JUDGES[name].judge(chosen.map(({ one }) => one));
    judged[name] = { programs: chosen.length, seconds: (performance.now() - from) / 1000 };
    for (const [k, complaint] of found.entries())
      if (complaint) failures.push(await failureOf(plan, chosen[k]!, name, complaint));
  }
  return {
    block,
    numbers: numbersOf(block, count).length,
    programs: all.length,
    redrawn,
    judged,
    seconds: (performance.now() - begin) / 1000,
    coverage: merged(
      all.flatMap(({ one }) => {
        const made = built(one);
        return "design" in made ? [coverageOf(made.design)] : [];
      }),
    ),
    failures,
  };
}

async function failureOf(
  { seed }: Plan,
  { number, one }: Numbered,
  judge: JudgeName,
  first: Complaint,
): Promise<Failure> {
  const { one: small, complaint } = await shrink(one, first, async (smaller) => {
    const [found] = await JUDGES[judge].judge([smaller]);
    return found ?? null;
  });
  const file = regressionText({ found: { seed, number, judge, complaint: complaint.text }, one: small });
  return { number, judge, complaint: complaint.text, file };
}
