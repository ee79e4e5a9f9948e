// argmax alone: class only, logits only and both; ties are what all-equal vectors bring.
import { describe, expect, test } from "vitest";
import { createProgramBuilder, intFormat } from "../../../compiler/program/builder.ts";
import type { Program } from "../../../compiler/program/program.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { verdict } from "../../harness/programs.ts";

function program(elements: number): Program {
  const builder = createProgramBuilder("argmax");
  const x = builder.input({ name: "x", shape: [elements], format: intFormat(true, 6, 2) });
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
});
