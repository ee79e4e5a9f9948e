// threshold alone, in C; the Verilog back end refuses it by name.
import { describe, expect, test } from "vitest";
import { generateC } from "../../../compiler/c/generate.ts";
import { createProgramBuilder, intFormat } from "../../../compiler/program/builder.ts";
import { MANIFEST_SCHEMA } from "../../../compiler/program/manifest.ts";
import type { Program } from "../../../compiler/program/program.ts";
import { scheduleProgram } from "../../../compiler/schedule/schedule.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { WISHES } from "../../../compiler/tests/unit/verify/designs.ts";
import { verdict } from "../../harness/programs.ts";

function program(): Program {
  const builder = createProgramBuilder("threshold");
  const x = builder.input({ name: "x", shape: [2, 3], format: intFormat(true, 8, 0) });
  const y = builder.threshold({
    layer: "t",
    name: "y",
    input: x,
    thresholds: [-100, 0, 50, -1, -1, 1, -128, 126, 127],
    levels: 3,
    base: -2,
    format: intFormat(true, 3, 0),
  });
  builder.output("y", y, "value");
  return builder.build();
}

describe("threshold", () => {
  test.skipIf(!hasTool("cc"))("counts in C as in the simulator", async () => {
    const c = generateC(program(), { version: "0.0.0" });
    const design = {
      program: program(),
      manifest: {
        schema: MANIFEST_SCHEMA,
        generator: { name: "noisefloor", version: "0.0.0" },
        model: "threshold",
        c: c.manifest,
        files: {},
      },
      files: c.files,
    } as const;
    expect(await verdict(design)).toEqual({ c: "passed", rtl: "skipped" });
  });

  test("is refused by the Verilog back end", () => {
    expect(() => scheduleProgram(program(), WISHES)).toThrow(/verilog\/unsupported.*threshold/);
  });
});
