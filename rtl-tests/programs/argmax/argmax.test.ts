// argmax alone: class only, logits only and both, at one position and at many, and read by another layer; ties are what
// all-equal vectors bring.
import { describe, expect, test } from "vitest";
import { createProgramBuilder, intFormat } from "../../../compiler/program/builder.ts";
import type { Program } from "../../../compiler/program/program.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { verdict } from "../../harness/programs.ts";

function program(...shape: readonly number[]): Program {
  const builder = createProgramBuilder("argmax");
  const x = builder.input({ name: "x", shape, format: intFormat(true, 6, 2) });
  const q = builder.requantize({ layer: "q", name: "q", input: x, format: intFormat(true, 3, 0) });
  builder.output("logits", q, "logits");
  builder.output("class", builder.argmax({ layer: "top", name: "class", input: q }), "class");
  return builder.build();
}

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("argmax", () => {
  test.each([
    ["both", 7],
    ["class", 10],
    ["logits", 5],
  ] as const)("streams %s of %i elements", async (outputs, elements) => {
    const design = designOf(program(elements), { outputs, intervalCycles: 4 });
    expect(await verdict(design)).toEqual({ c: "passed", rtl: "passed" });
  });

  test.each([
    ["both", [3, 2, 6], 10],
    ["class", [9, 5], 20],
    ["class", [2, 3, 4], 100],
  ] as const)("streams %s at the positions of %j", async (outputs, shape, intervalCycles) => {
    const design = designOf(program(...shape), { outputs, intervalCycles });
    expect(design.manifest.rtl?.outputs.length).toBe(outputs === "both" ? 2 : 1);
    expect(await verdict(design)).toEqual({ c: "passed", rtl: "passed" });
  });

  test("is read by another layer", async () => {
    const builder = createProgramBuilder("argmax");
    const x = builder.input({ name: "x", shape: [4, 3], format: intFormat(true, 4, 0) });
    const index = builder.argmax({ layer: "top", name: "index", input: x });
    const format = intFormat(true, 4, 1);
    builder.output("twice", builder.requantize({ layer: "q", name: "twice", input: index, format }), "value");
    builder.output("index", index, "class");
    builder.output("x", x, "logits");
    expect(await verdict(designOf(builder.build()))).toEqual({ c: "passed", rtl: "passed" });
  });
});
