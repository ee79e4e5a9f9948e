// Many random programs with branches and several ports: simulator = C = Verilog, predicted cycles = measured ones. Every
// fiftieth of them passes the whole gate, stage by stage, in Verilator.
import { describe, expect, it } from "vitest";
import { casesOf } from "../../../compiler/tests/nightly.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { CC, compareWithSimulator } from "../../../compiler/tests/unit/c/c-runner.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { randomDataflow } from "../../../compiler/tests/unit/verilog/random-dataflow.ts";
import { complaintsOfIcarus, randomDesign } from "../../../compiler/tests/unit/verilog/random-design.ts";
import { verdict } from "../../harness/programs.ts";

const COUNT = casesOf(200, 2000);
/** Seeds of other tests are below. */
const FIRST = 1000;
const BLOCK = 25;
const PACKETS = 4;
/** What once did not pass the gate: the results of a pool, which the forced bits did not replace. */
const FOUND = [2800];
const GATE = 50;
const TIMEOUT = 600_000;
const blocks = Array.from({ length: Math.ceil(COUNT / BLOCK) }, (_, b): [number, number] => [
  FIRST + b * BLOCK,
  FIRST + Math.min(COUNT, (b + 1) * BLOCK) - 1,
]);
const seedsOf = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("random programs", () => {
  it.skipIf(!hasTool("iverilog")).each(blocks)(
    "agree in Verilog, seeds %i to %i",
    (from, to) => {
      for (const seed of seedsOf(from, to))
        expect(complaintsOfIcarus(randomDesign(seed, PACKETS, true)), `seed ${seed}`).toBe("");
    },
    TIMEOUT,
  );

  it.skipIf(!hasTool(CC)).each(blocks)(
    "agree in C, seeds %i to %i",
    (from, to) => {
      const programs = seedsOf(from, to).map((seed) => randomDataflow(seed).program);
      expect(compareWithSimulator(programs, { flags: ["-O1"], count: PACKETS })).toEqual([]);
    },
    TIMEOUT,
  );

  it
    .skipIf(!hasTool("verilator") || !hasTool(CC))
    .each([...new Set([...seedsOf(FIRST, FIRST + COUNT - 1).filter((seed) => seed % GATE === 0), ...FOUND])])(
    "pass the gate at every stage, seed %i",
    async (seed) => {
      const { program, options } = randomDataflow(seed);
      expect(await verdict(designOf(program, options))).toEqual({ c: "passed", rtl: "passed" });
    },
    TIMEOUT,
  );
});
