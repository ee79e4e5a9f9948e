// requantize alone: every rounding mode, both shift directions, with and without ReLU, one shift or one per channel.
import { describe, expect, test } from "vitest";
import { createProgramBuilder, intFormat } from "../../../compiler/program/builder.ts";
import type { Program } from "../../../compiler/program/program.ts";
import type { Rounding } from "../../../compiler/support/fixed-point.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { verdict } from "../../harness/programs.ts";

function program(
  rounding: Rounding,
  activation: "none" | "relu",
  fraction: number | readonly number[],
  width: number,
  signed: boolean,
): Program {
  const builder = createProgramBuilder(`requantize ${rounding}`);
  const x = builder.input({ name: "x", shape: [6], format: intFormat(true, 8, 4) });
  const format = intFormat(signed, width, fraction);
  const y = builder.requantize({ layer: "q", name: "y", input: x, format, activation, rounding });
  builder.output("y", y, "value");
  return builder.build();
}

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("requantize", () => {
  test.each([
    ["half-up", "none", 1, 5, true],
    ["truncate", "relu", 2, 4, false],
    ["half-even", "none", 1, 6, true],
    ["half-up", "none", 7, 12, true],
    ["half-up", "relu", [1, 4, 7, 2, 0, -1], 4, false],
    ["half-even", "none", [2, 3, 1, 2, 3, 1], 6, true],
  ] as const)("%s, %s, from fraction 4 to %j", async (rounding, activation, fraction, width, signed) => {
    const design = designOf(program(rounding, activation, fraction, width, signed));
    expect(await verdict(design)).toEqual({ c: "passed", rtl: "passed" });
  });
});
