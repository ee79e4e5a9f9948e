// dense alone, on signed inputs without bias and on unsigned ones with bias; folds with tails on both sides.
import { describe, expect, test } from "vitest";
import { createProgramBuilder, intFormat } from "../../../compiler/program/builder.ts";
import type { Program } from "../../../compiler/program/program.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { verdict } from "../../harness/programs.ts";

function program(inputs: number, units: number, signed: boolean, bias: boolean): Program {
  const random = randomFor("dense program", inputs, units);
  const builder = createProgramBuilder("dense");
  const x = builder.input({ name: "x", shape: [inputs], format: intFormat(signed, 5, 2) });
  const y = builder.dense({
    layer: "fc",
    name: "y",
    input: x,
    weights: { units, data: integers(random, units * inputs, 4, true), format: intFormat(true, 4, 3) },
    ...(bias ? { bias: integers(random, units, 10, true) } : {}),
  });
  builder.output("y", y, "value");
  return builder.build();
}

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("dense", () => {
  test.each([
    [7, 5, true, false, 2, 3],
    [1, 1, false, true, 1, 1],
  ])("%i inputs, %i units, signed %s, bias %s, %i x %i", async (inputs, units, signed, bias, pe, simd) => {
    const design = designOf(program(inputs, units, signed, bias), { folding: { fc: { pe, simd } } });
    expect(await verdict(design)).toEqual({ c: "passed", rtl: "passed" });
  });
});
