// flatten between an image and a dense layer: row-major, channels last, nothing moves.
import { describe, expect, test } from "vitest";
import { createProgramBuilder, intFormat } from "../../../compiler/program/builder.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { verdict } from "../../harness/programs.ts";

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("flatten", () => {
  test("keeps the order of a 2 x 3 x 2 tensor", async () => {
    const builder = createProgramBuilder("flatten");
    const x = builder.input({ name: "x", shape: [2, 3, 2], format: intFormat(false, 8, 8) });
    const small = builder.requantize({
      layer: "in",
      name: "small",
      input: x,
      format: intFormat(false, 4, 4),
    });
    const flat = builder.flatten({ layer: "flat", name: "flat", input: small });
    // Powers of three: every element has a weight of its own.
    const data = Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? 1 : -1) * 3 ** (i % 8));
    const y = builder.dense({
      layer: "fc",
      name: "y",
      input: flat,
      weights: { units: 1, data, format: intFormat(true, 13, 0) },
    });
    builder.output("y", y, "value");
    const design = designOf(builder.build(), { folding: { fc: { pe: 1, simd: 5 } } });
    expect(await verdict(design)).toEqual({ c: "passed", rtl: "passed" });
  });

  test("is another name of the stream at a port", async () => {
    const builder = createProgramBuilder("renamed");
    const x = builder.input({ name: "x", shape: [2, 3, 2], format: intFormat(false, 4, 4) });
    const pooled = builder.pool({ layer: "p", name: "p", input: x, kind: "max", window: [2, 1] });
    builder.output("y", builder.flatten({ layer: "flat", name: "flat", input: pooled }), "value");
    expect(await verdict(designOf(builder.build()))).toEqual({ c: "passed", rtl: "passed" });
  });

  test("gives every element thresholds of its own", async () => {
    const builder = createProgramBuilder("thresholds");
    const x = builder.input({ name: "x", shape: [2, 2, 1], format: intFormat(false, 4, 4) });
    const flat = builder.flatten({ layer: "flat", name: "flat", input: x });
    const format = intFormat(false, 1, 0);
    const step = {
      layer: "bits",
      name: "y",
      input: flat,
      thresholds: [2, 5, 9, 14],
      levels: 1,
      base: 0,
      format,
    };
    builder.output("y", builder.threshold(step), "value");
    expect(await verdict(designOf(builder.build()))).toEqual({ c: "passed", rtl: "passed" });
  });
});
