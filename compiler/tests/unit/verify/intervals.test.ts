// The second reckoning of what sums reach: it holds what the simulator gives, lies within what the compiler proves, its ends are
// reached, and a bit less than it needs is noticed, in the gate too.
import { describe, expect, it } from "vitest";
import { provedRanges } from "../../../program/bounds.ts";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { isSum, type Program, valueNamed } from "../../../program/program.ts";
import { simulate } from "../../../sim/simulate.ts";
import { intervalsOf, overflowText } from "../../../verify/intervals.ts";
import { verifyDesign } from "../../../verify/verify.ts";
import { casesOf } from "../../nightly.ts";
import { randomInputs } from "../program/random-branching.ts";
import { randomDataflow } from "../verilog/random-dataflow.ts";
import { classifier, designOf } from "./designs.ts";

const SEEDS = Array.from({ length: casesOf(60, 600) }, (_, seed) => seed);

/** Least width of a signed format that holds an interval. */
function widthFor({ low, high }: { readonly low: bigint; readonly high: bigint }): number {
  let width = 1;
  while (low < -(1n << BigInt(width - 1)) || high >= 1n << BigInt(width - 1)) width++;
  return width;
}

function withWidth(program: Program, name: string, width: number): Program {
  return {
    ...program,
    values: program.values.map((v) =>
      v.name === name && v.format.kind === "int" ? { ...v, format: { ...v.format, width } } : v,
    ),
  };
}

describe("what values reach", () => {
  it("holds what the simulator gives, and lies within what the compiler proves", () => {
    for (const seed of SEEDS) {
      const { program } = randomDataflow(seed);
      const { values, overflows } = intervalsOf(program);
      expect(overflows.map(overflowText), `seed ${seed}`).toEqual([]);
      const proved = provedRanges(program);
      const seen = simulate(program, randomInputs(program, 6, seed), 6).values;
      for (const [name, { low, high }] of values) {
        const { min, max } = proved.get(name)!;
        expect(low >= BigInt(min) && high <= BigInt(max), `seed ${seed}, ${name}`).toBe(true);
        for (const x of seen.get(name) ?? [])
          if (x < Number(low) || x > Number(high)) expect.fail(`seed ${seed}, ${name}: ${x}`);
      }
    }
  });

  it("is reached at both ends of every sum of inputs", () => {
    const data = [3, -4, 0, 7, -8, 1, 2, -1, -2, 5, 6, -7];
    const b = createProgramBuilder("ends");
    const x = b.input({ name: "x", shape: [4], format: intFormat(true, 5, 0) });
    const weights = { units: 3, data, format: intFormat(true, 4, 0) };
    b.output("y", b.dense({ layer: "fc", name: "y", input: x, weights, bias: [9, -70, 40] }), "value");
    const program = b.build();
    // Inputs that bring each unit to its least and largest sum.
    const rows = [0, 1, 2].flatMap((o) =>
      [-1, 1].map((side) => data.slice(4 * o, 4 * o + 4).map((w) => (w * side > 0 ? 15 : -16))),
    );
    const sums = [...simulate(program, new Map([["x", rows.flat()]]), rows.length).values.get("y")!];
    const { low, high } = intervalsOf(program).values.get("y")!;
    expect([low, high]).toEqual([BigInt(Math.min(...sums)), BigInt(Math.max(...sums))]);
  });

  it("needs every bit: one less is noticed in each sum of each program", () => {
    let sums = 0;
    for (const seed of SEEDS) {
      const { program } = randomDataflow(seed);
      for (const { result, layer } of program.instructions.filter(isSum)) {
        const width = widthFor(intervalsOf(program).sums.get(result)!);
        const says = (w: number) =>
          intervalsOf(withWidth(program, result, w)).overflows.filter((o) => o.value === result);
        expect(says(width), `seed ${seed}, ${result}`).toEqual([]);
        if (width > 1) expect(says(width - 1), `seed ${seed}, ${result}`).toMatchObject([{ layer }]);
        const { format } = valueNamed(program, result);
        expect(format.kind === "int" && format.width >= width).toBe(true);
        sums++;
      }
    }
    expect(sums).toBeGreaterThan(SEEDS.length);
  });

  it("fails the gate where it does not fit", async () => {
    const design = designOf(classifier("narrow", [6, 4, 3]));
    const program = withWidth(design.program, "fc1.sum", 4);
    const result = await verifyDesign({ ...design, program }, undefined, { seed: 1 }, {});
    expect(result).toMatchObject({
      status: "failed",
      sim: {
        status: "failed",
        reason: expect.stringMatching(/^fc1: sums of fc1\.sum reach -?\d+ to \d+, and/),
      },
    });
  });
});
