// The simulator against a second reading of SEMANTICS.md on random branching programs; proved ranges and the text form
// on the same programs; a worst input that drives a sum to its ends; and the speed of a conv.
import { describe, expect, it } from "vitest";
import { provedRange, provedRanges } from "../../../program/bounds.ts";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { printProgram } from "../../../program/print.ts";
import {
  elementsOf,
  mantissaRange,
  operandsOf,
  type Program,
  valueNamed,
  widthOf,
} from "../../../program/program.ts";
import { readProgram } from "../../../program/read.ts";
import { simulate } from "../../../sim/simulate.ts";
import { randomBranchingProgram, randomInputs } from "../program/random-branching.ts";
import { readingOf } from "./readings.ts";

const COUNT = 4;
const SEEDS = 120;
const SMALL = { elements: 150, size: 5, channels: 4 };

const programs = Array.from({ length: SEEDS }, (_, seed) => ({
  seed,
  program: randomBranchingProgram(seed, { ...SMALL, width: seed % 5 === 0 ? 16 : 6 }),
}));

describe("random branching programs", () => {
  it("have every instruction, and values that several instructions read", () => {
    const ops = new Set(programs.flatMap(({ program }) => program.instructions.map((i) => i.op)));
    expect(ops.size).toBe(18);
    const forks = programs.filter(({ program }) =>
      program.values.some(
        ({ name }) => program.instructions.filter((i) => operandsOf(i).includes(name)).length > 1,
      ),
    );
    expect(forks.length).toBeGreaterThan(SEEDS / 2);
    expect(printProgram(randomBranchingProgram(7))).toBe(printProgram(randomBranchingProgram(7)));
  });

  it("are computed as SEMANTICS.md says, instruction by instruction", () => {
    for (const { program, seed } of programs) {
      const { values } = simulate(program, randomInputs(program, COUNT, seed), COUNT);
      const row = (name: string, n: number): Float64Array => {
        const size = elementsOf(valueNamed(program, name).shape);
        return values.get(name)!.subarray(n * size, (n + 1) * size);
      };
      for (const instruction of program.instructions)
        for (let n = 0; n < COUNT; n++) {
          const inputs = operandsOf(instruction).map((name) => row(name, n));
          expect(
            [...row(instruction.result, n)],
            `${instruction.result} of seed ${seed}, inference ${n}`,
          ).toEqual(readingOf(program, instruction, inputs));
        }
    }
  });

  it("stay within their proved ranges, which the formats hold", () => {
    for (const { program, seed } of programs) {
      const { values } = simulate(program, randomInputs(program, 20, seed + 1), 20);
      for (const [name, { min, max }] of provedRanges(program)) {
        expect(provedRange(program, name)).toEqual({ min, max });
        const format = mantissaRange(valueNamed(program, name).format);
        expect(format.min <= min && max <= format.max, `${name} of seed ${seed}`).toBe(true);
        expect(
          values.get(name)!.every((m) => min <= m && m <= max && !Object.is(m, -0)),
          `${name} of seed ${seed}`,
        ).toBe(true);
      }
    }
  });

  it("come back from their text", () => {
    for (const { program } of programs) expect(readProgram(printProgram(program))).toEqual(program);
  });
});

describe("proved sums", () => {
  it("are met exactly by a conv without padding on a window of the worst input", () => {
    const format = intFormat(true, 5, 0);
    const data = [3, -16, 15, 0, -1, 7, 8, -9, 15, -16, 1, 2];
    const b = createProgramBuilder("worst");
    const x = b.input({ name: "x", shape: [2, 3, 2], format: intFormat(true, 4, 0) });
    const weights = { units: 1, kernel: [2, 3], data, format };
    b.output("y", b.conv({ layer: "c", name: "y", input: x, weights, bias: [21] }), "value");
    const program = b.build();
    const { min, max } = provedRange(program, "y");
    const worst = (sign: number): number[] => data.map((w) => (w * sign > 0 ? 7 : w === 0 ? 0 : -8));
    const { values } = simulate(program, new Map([["x", [...worst(1), ...worst(-1)]]]), 2);
    expect([...values.get("y")!]).toEqual([max, min + 21]);
    // 21 + 7 * 51 + 8 * 42 = 714: eleven bits with the sign.
    expect(widthOf(valueNamed(program, "y").format)).toBe(11);
  });
});

describe("a conv", () => {
  it("of a million products takes no time to speak of", () => {
    const b = createProgramBuilder("large");
    const x = b.input({ name: "x", shape: [16, 16, 16], format: intFormat(false, 8, 8) });
    const format = intFormat(true, 8, 7);
    const data = Array.from({ length: 28 * 9 * 16 }, (_, i) => ((i * 37) % 255) - 127);
    const padding = { before: [1, 1], after: [1, 1] };
    const weights = { units: 28, kernel: [3, 3], data, format };
    b.output("y", b.conv({ layer: "c", name: "y", input: x, weights, padding }), "value");
    const program: Program = b.build();
    const count = 20;
    const inputs = Float64Array.from({ length: count * 4096 }, (_, i) => (i * 73) % 256);
    const before = process.cpuUsage();
    const { values } = simulate(program, new Map([["x", inputs]]), count);
    // 20 million products, in microseconds of this process: more would mean a closure or an allocation for each product.
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
    expect(values.get("y")!.some((sum) => sum !== 0)).toBe(true);
  });
});
