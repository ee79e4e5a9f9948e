// select alone and before a dense layer: one element, all of them, gaps at both ends; one lane and several.
import { describe, expect, test } from "vitest";
import { createProgramBuilder, intFormat } from "../../../compiler/program/builder.ts";
import type { Program } from "../../../compiler/program/program.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { verdict } from "../../harness/programs.ts";

function program(elements: number, indices: readonly number[], units: number): Program {
  const builder = createProgramBuilder("select");
  const x = builder.input({ name: "x", shape: [elements], format: intFormat(true, 5, 2) });
  let y = builder.select({ layer: "keep", name: "kept", input: x, indices });
  if (units > 0) {
    const data = integers(randomFor("select program"), units * indices.length, 4, true);
    const weights = { units, data, format: intFormat(true, 4, 3) };
    y = builder.dense({ layer: "fc", name: "y", input: y, weights });
  }
  builder.output("y", y, "value");
  return builder.build();
}

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("select", () => {
  test.each([
    ["one element on one lane", program(6, [3], 0), { intervalCycles: 6 }],
    ["gaps on three lanes", program(11, [1, 2, 5, 6, 7, 9], 0), { intervalCycles: 4 }],
    [
      "words wider than SIMD",
      program(11, [0, 1, 4, 8, 9, 10], 3),
      { intervalCycles: 3, folding: { fc: { pe: 2, simd: 3 } } },
    ],
    [
      "words narrower than SIMD",
      program(9, [0, 2, 3, 4, 7], 3),
      { intervalCycles: 9, folding: { fc: { pe: 1, simd: 4 } } },
    ],
  ] as const)("%s", async (_, of, wishes) => {
    expect(await verdict(designOf(of, wishes))).toEqual({ c: "passed", rtl: "passed" });
  });
});
