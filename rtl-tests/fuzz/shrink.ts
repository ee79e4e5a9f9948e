// Makes a failing case small. In: a case, what stands against it, and the judge that says so. Out: a case with fewer and plainer
// parts that the same judge still complains of in the same way.
import type { RandomCase } from "../../compiler/tests/unit/verilog/random-program.ts";
import type { Complaint } from "./judges.ts";
import { REDUCTIONS } from "./reductions.ts";
import { caseText } from "./regression.ts";

export interface ShrinkBounds {
  /** Judgements that shrinking may take. */
  readonly judgements: number;
  readonly seconds: number;
}

export interface Shrunk {
  readonly one: RandomCase;
  readonly complaint: Complaint;
  /** Judgements that it took. */
  readonly judgements: number;
}

const BOUNDS: ShrinkBounds = { judgements: 600, seconds: 600 };

/**
 * Tries every reduction again and again until none is left that the judge still complains of, or the bounds are reached. What a
 * reduction leaves is a verified program.
 */
export async function shrink(
  given: RandomCase,
  first: Complaint,
  judge: (one: RandomCase) => Promise<Complaint | null>,
  bounds: ShrinkBounds = BOUNDS,
): Promise<Shrunk> {
  const end = performance.now() + 1000 * bounds.seconds;
  const tried = new Set([caseText(given)]);
  let [one, complaint, judgements] = [given, first, 0];
  const isOver = (): boolean => judgements >= bounds.judgements || performance.now() >= end;

  /** The first of the smaller cases that still fails. */
  const step = async (reduce: (typeof REDUCTIONS)[number]): Promise<boolean> => {
    for (const make of reduce(one)) {
      if (isOver()) return false;
      const smaller = made(make);
      if (!smaller) continue;
      const text = caseText(smaller);
      if (tried.has(text)) continue;
      tried.add(text);
      judgements++;
      const found = await judge(smaller);
      if (found?.kind !== complaint.kind) continue;
      [one, complaint] = [smaller, found];
      return true;
    }
    return false;
  };

  for (let before = ""; before !== caseText(one) && !isOver(); ) {
    before = caseText(one);
    for (const reduce of REDUCTIONS) while (await step(reduce));
  }
  return { one, complaint, judgements };
}

/** Not every edit leaves a program. */
function made(make: () => RandomCase): RandomCase | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
