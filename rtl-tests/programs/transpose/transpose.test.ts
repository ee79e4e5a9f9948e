// transpose that moves axes of size 1 only: another name for a stream, before the window and behind it, once a fork.
import { describe, expect, test } from "vitest";
import { createProgramBuilder, intFormat } from "../../../compiler/program/builder.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { verdict } from "../../harness/programs.ts";

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("transpose", () => {
  test("keeps the order of elements", async () => {
    const b = createProgramBuilder("transpose");
    const x = b.input({ name: "x", shape: [4, 1, 3], format: intFormat(true, 6, 2) });
    const row = b.transpose({ layer: "row", name: "row", input: x, permutation: [1, 0, 2] });
    const format = intFormat(true, 4, 0);
    const small = b.requantize({ layer: "small", name: "small", input: row, format });
    const column = b.transpose({ layer: "column", name: "column", input: small, permutation: [1, 0, 2] });
    const pooled = b.pool({ layer: "pool", name: "pooled", input: column, kind: "max", window: [2, 1] });
    const back = b.transpose({ layer: "back", name: "back", input: small, permutation: [1, 2, 0] });
    b.output("pooled", pooled, "value");
    b.output("back", back, "value");
    const design = designOf(b.build());
    expect(design.manifest.rtl?.taps.map(({ value }) => value).sort()).toEqual(
      ["back", "column", "pooled", "row", "small"].sort(),
    );
    expect(await verdict(design)).toEqual({ c: "passed", rtl: "passed" });
  });
});
