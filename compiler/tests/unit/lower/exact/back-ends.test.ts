// Programs of imported models in the gate: simulator = C = Verilog.
import { describe, expect, test } from "vitest";
import { verdict } from "../../../../../rtl-tests/harness/programs.ts";
import { lowerImported } from "../../../../lower/exact/lower-imported.ts";
import type { Program } from "../../../../program/program.ts";
import { casesOf } from "../../../nightly.ts";
import { hasTool } from "../../../tools-present.ts";
import { compareWithSimulator, SANITIZERS } from "../../c/c-runner.ts";
import { designOf } from "../../verify/designs.ts";
import { randomImported } from "./random-imported.ts";

/** The first programs of random networks that are not refused and pass a test. */
function programsFrom(first: number, count: number, fits: (program: Program) => boolean): Program[] {
  const found: Program[] = [];
  for (let seed = first; found.length < count; seed++) {
    const { model } = randomImported(seed);
    let program: Program;
    try {
      program = lowerImported({ ...model, name: `imported${seed}` }).program;
    } catch {
      // Refused: random.test.ts says what may be.
      continue;
    }
    if (program.instructions.length > 0 && fits(program)) found.push(program);
  }
  return found;
}

const isScaled = ({ instructions }: Program): boolean => instructions.some(({ op }) => op === "scale");

const ofVerilog = ({ instructions }: Program): boolean =>
  // Elements that change their order are for C alone.
  !instructions.some(({ op }) => op === "transpose");

describe.skipIf(!hasTool("cc"))("C of imported networks", () => {
  test("gives what the simulator gives", () => {
    const programs = [
      ...programsFrom(0, casesOf(10, 200), () => true),
      ...programsFrom(500, casesOf(4, 50), isScaled),
    ];
    const options = { flags: ["-O0", ...SANITIZERS], count: 6 };
    expect(compareWithSimulator(programs, options)).toEqual([]);
  }, 300_000);
});

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("Verilog of imported networks", () => {
  const programs = [
    ...programsFrom(1000, casesOf(1, 30), ofVerilog),
    ...programsFrom(2000, casesOf(1, 10), (program) => ofVerilog(program) && isScaled(program)),
  ];

  test.each(programs.map((program) => [program.name, program] as const))("%s", async (_, program) => {
    expect(await verdict(designOf(program))).toEqual({ c: "passed", rtl: "passed" });
  });
});
