// table, slice and upsample alone in the gate.
import { describe, expect, test } from "vitest";
import { createProgramBuilder, intFormat, type ProgramBuilder } from "../../../compiler/program/builder.ts";
import type { Program } from "../../../compiler/program/program.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { verdict } from "../../harness/programs.ts";

const CASES: readonly (readonly [string, (b: ProgramBuilder, input: string) => string])[] = [
  [
    "a table of squares",
    (b, input) =>
      b.table({
        layer: "square",
        name: "y",
        input,
        table: Array.from({ length: 16 }, (_, m) => m ** 2),
        format: intFormat(false, 8, 4),
      }),
  ],
  [
    "a box of an image",
    (b, input) => b.slice({ layer: "box", name: "y", input, begin: [1, 0, 1], size: [2, 3, 1] }),
  ],
  ["each position 3 x 2 times", (b, input) => b.upsample({ layer: "up", name: "y", input, factors: [3, 2] })],
];

/** Positions of which no output needs the last rows: they are computed after the packet is over. */
function tailedProgram(): Program {
  const b = createProgramBuilder("tailed");
  const x = b.input({ name: "x", shape: [24, 8, 1], format: intFormat(false, 4, 2) });
  const weights = {
    units: 2,
    kernel: [3, 3],
    data: Array.from({ length: 18 }, (_, i) => (i % 7) - 3),
    format: intFormat(true, 3, 0),
  };
  const sums = b.conv({
    layer: "conv",
    name: "sums",
    input: x,
    weights,
    padding: { before: [1, 1], after: [1, 1] },
  });
  b.output(
    "y",
    b.slice({ layer: "box", name: "y", input: sums, begin: [0, 0, 0], size: [2, 8, 2] }),
    "value",
  );
  return b.build();
}

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("alone", () => {
  test.each(CASES)("%s", async (_, layer) => {
    const builder = createProgramBuilder("alone");
    const x = builder.input({ name: "x", shape: [3, 4, 2], format: intFormat(false, 4, 2) });
    builder.output("y", layer(builder, x), "value");
    const design = designOf(builder.build(), { intervalCycles: 200 });
    expect(await verdict(design)).toEqual({ c: "passed", rtl: "passed" });
  });

  test("a box of the first rows, behind sums that go on", async () => {
    const design = designOf(tailedProgram(), { intervalCycles: 4000 });
    expect(await verdict(design)).toEqual({ c: "passed", rtl: "passed" });
  });
});
