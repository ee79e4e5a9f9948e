// threshold alone: channels that repeat and a row for each element, integers and bits, thresholds out of reach.
import { describe, expect, test } from "vitest";
import { createProgramBuilder, intFormat } from "../../../compiler/program/builder.ts";
import type { Format, Program } from "../../../compiler/program/program.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { verdict } from "../../harness/programs.ts";

const BITS: Format = { kind: "bipolar", fraction: 0 };

function program(
  shape: readonly number[],
  thresholds: readonly number[],
  levels: number,
  base: number,
  format: Format,
): Program {
  const builder = createProgramBuilder("threshold");
  const x = builder.input({ name: "x", shape, format: intFormat(true, 8, 0) });
  const y = builder.threshold({ layer: "t", name: "y", input: x, thresholds, levels, base, format });
  builder.output("y", y, "value");
  return builder.build();
}

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("threshold", () => {
  test.each([
    [
      "three levels",
      program([2, 3], [-100, 0, 50, -1, -1, 1, -128, 126, 127], 3, -2, intFormat(true, 3, 0)),
      4,
    ],
    ["a bit for each element", program([5], [-128, 127, 0, 200, -300], 1, 0, BITS), 2],
  ] as const)("%s", async (_, of, intervalCycles) => {
    expect(await verdict(designOf(of, { intervalCycles }))).toEqual({ c: "passed", rtl: "passed" });
  });
});
