// Shrinking: with a fault in the Verilog or the C of every design, a random program that shows it comes down to a few
// instructions, is kept in a file, and fails again from there for as long as the fault is there.
import { describe, expect, it } from "vitest";
import { generateC } from "../../compiler/c/generate.ts";
import { elementsOf } from "../../compiler/program/program.ts";
import { verifyProgram } from "../../compiler/program/verify.ts";
import { createRandom } from "../../compiler/support/random.ts";
import { hasTool } from "../../compiler/tests/tools-present.ts";
import { CC, compareRuns } from "../../compiler/tests/unit/c/c-runner.ts";
import { complaintsOfIcarus } from "../../compiler/tests/unit/verilog/random-design.ts";
import type { RandomCase } from "../../compiler/tests/unit/verilog/random-program.ts";
import { caseOfNumber } from "./blocks.ts";
import { drawCase } from "./draw.ts";
import { built, type Complaint, JUDGES, type JudgeName } from "./judges.ts";
import { REDUCTIONS } from "./reductions.ts";
import { caseText, readRegression, regressionText } from "./regression.ts";
import { shrink } from "./shrink.ts";

const SEED = 7;
/** A program has to be worth shrinking. */
const LEAST = 8;
const TRIES = 300;
const BOUNDS = { judgements: 400, seconds: 200 };
const TIMEOUT = 300_000;

type Ask = (one: RandomCase) => Complaint | null;

/** Icarus with a line of a fixed module changed. */
const faultyVerilog =
  (path: string, from: string, to: string): Ask =>
  (one) => {
    const made = built(one);
    if (!("design" in made)) return null;
    const text = made.design.files.get(path);
    if (typeof text !== "string" || !text.includes(from)) return null;
    const files = new Map([...made.design.files, [path, text.replace(from, to)]]);
    const said = complaintsOfIcarus({ ...made.design, files });
    return said.includes("FAIL") ? { kind: "wrong", text: said } : null;
  };

/** C with a line of a kernel changed. */
const faultyC =
  (path: string, from: string, to: string): Ask =>
  ({ program, inputs, packets }) => {
    const generate: typeof generateC = (...given) => {
      const made = generateC(...given);
      const text = made.files.get(path);
      if (typeof text !== "string") return made;
      return { ...made, files: new Map([...made.files, [path, text.replace(from, to)]]) };
    };
    const found = compareRuns([{ program, inputs, count: packets }], ["-O0"], generate);
    return found.length > 0 ? { kind: "wrong", text: JSON.stringify(found[0]) } : null;
  };

/** The first larger program with an instruction that shows a fault. */
function findCase(ask: Ask, op: string): { one: RandomCase; complaint: Complaint; number: number } {
  for (let number = 0; number < TRIES; number++) {
    const one = drawCase(SEED, number, 0);
    const { instructions } = one.program;
    if (instructions.length < LEAST || !instructions.some((step) => step.op === op)) continue;
    const complaint = ask(one);
    if (complaint) return { one, complaint, number };
  }
  throw new Error("no program shows the fault");
}

const FAULTS: readonly (readonly [string, JudgeName, Ask, string])[] = [
  [
    "a rounding constant of the Verilog",
    "icarus",
    faultyVerilog("rtl/nf_requantize.v", "(ONE << RIGHT) >> 1", "((ONE << RIGHT) >> 1) - ONE"),
    "requantize",
  ],
  [
    "the comparison of a pool in the Verilog",
    "icarus",
    faultyVerilog("rtl/nf_pool.v", "assign part = second ?", "assign part = !second ?"),
    "pool",
  ],
  [
    "a rounding constant of the C",
    "c",
    faultyC("c/nf_requantize_i32.h", "(x >> (shift - 1)) & 1", "((x - 1) >> (shift - 1)) & 1"),
    "requantize",
  ],
];

describe("shrinking", () => {
  for (const [what, judge, ask, op] of FAULTS)
    it.skipIf(!hasTool(judge === "c" ? CC : "iverilog"))(
      `leaves few instructions of what shows ${what}, and a file that replays`,
      async () => {
        const { one, complaint, number } = findCase(ask, op);
        const small = await shrink(one, complaint, async (smaller) => ask(smaller), BOUNDS);
        const { instructions, values } = small.one.program;
        expect(instructions.length).toBeLessThanOrEqual(2);
        expect(instructions.map((step) => step.op)).toContain(op);
        expect(small.one.packets).toBe(1);
        expect(Math.max(...values.map(({ shape }) => elementsOf(shape)))).toBeLessThanOrEqual(16);

        const found = { seed: SEED, number, judge, complaint: small.complaint.text };
        const back = readRegression(regressionText({ found, one: small.one }));
        expect(caseText(back.one)).toBe(caseText(small.one));
        expect(ask(back.one)).not.toBeNull();
        expect(await JUDGES[judge].judge([back.one])).toEqual([null]);
      },
      TIMEOUT,
    );
});

describe("the reductions", () => {
  it("leave verified programs with inputs that fit, and each of them is made now and then", () => {
    const made = REDUCTIONS.map(() => 0);
    for (let number = 0; number < 12; number++) {
      let one = caseOfNumber(SEED, number);
      const random = createRandom(SEED, "walk", number);
      for (let step = 0; step < 12; step++) {
        const k = random.integer(0, REDUCTIONS.length - 1);
        const candidates = [...REDUCTIONS[k]!(one)];
        if (candidates.length === 0) continue;
        let smaller: RandomCase;
        try {
          smaller = candidates[random.integer(0, candidates.length - 1)]!();
        } catch {
          continue;
        }
        verifyProgram(smaller.program);
        expect(smaller.program.instructions.length).toBeLessThanOrEqual(one.program.instructions.length);
        expect([...smaller.inputs.keys()].sort()).toEqual([...smaller.program.inputs].sort());
        expect("fault" in built(smaller)).toBe(false);
        made[k]!++;
        one = smaller;
      }
    }
    expect(made.every((count) => count > 0)).toBe(true);
  });
});
