// table, slice and upsample alone in the gate.
import { describe, expect, test } from "vitest";
import { createProgramBuilder, intFormat, type ProgramBuilder } from "../../../compiler/program/builder.ts";
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

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("alone", () => {
  test.each(CASES)("%s", async (_, layer) => {
    const builder = createProgramBuilder("alone");
    const x = builder.input({ name: "x", shape: [3, 4, 2], format: intFormat(false, 4, 2) });
    builder.output("y", layer(builder, x), "value");
    const design = designOf(builder.build(), { intervalCycles: 200 });
    expect(await verdict(design)).toEqual({ c: "passed", rtl: "passed" });
  });
});
