// pad alone: images, sequences and flat values, around and on one side, by 0 and by another mantissa.
import { describe, expect, test } from "vitest";
import { createProgramBuilder, intFormat } from "../../../compiler/program/builder.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { verdict } from "../../harness/programs.ts";

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("pad", () => {
  test.each([
    ["around an image", [3, 2, 4], [1, 2, 0], [1, 0, 2], 0, 30],
    ["before a sequence", [5, 2], [3, 0], [0, 0], -8, 100],
    ["after elements", [6], [0], [3], 5, 3],
  ] as const)("%s", async (_, shape, before, after, mantissa, intervalCycles) => {
    const builder = createProgramBuilder("pad");
    const x = builder.input({ name: "x", shape, format: intFormat(true, 4, 1) });
    builder.output("y", builder.pad({ layer: "pad", name: "y", input: x, before, after, mantissa }), "value");
    const design = designOf(builder.build(), { intervalCycles });
    expect(await verdict(design)).toEqual({ c: "passed", rtl: "passed" });
  });
});
