// dense alone, on signed inputs without bias and on unsigned ones with bias, with bipolar inputs, weights and both;
// folds with tails on both sides.
import { describe, expect, test } from "vitest";
import { createProgramBuilder, intFormat } from "../../../compiler/program/builder.ts";
import { type Format, mantissaRange, type Program } from "../../../compiler/program/program.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { verdict } from "../../harness/programs.ts";

const BITS: Format = { kind: "bipolar", fraction: 0 };

function program(
  inputs: number,
  units: number,
  format: Format,
  weightFormat: Format,
  bias: boolean,
): Program {
  const random = randomFor("dense program", inputs, units);
  const builder = createProgramBuilder("dense");
  const x = builder.input({ name: "x", shape: [inputs], format });
  const { min, max } = mantissaRange(weightFormat);
  const data = Array.from({ length: units * inputs }, () => random.integer(min, max));
  const y = builder.dense({
    layer: "fc",
    name: "y",
    input: x,
    weights: { units, data, format: weightFormat },
    ...(bias ? { bias: integers(random, units, 10, true) } : {}),
  });
  builder.output("y", y, "value");
  return builder.build();
}

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("dense", () => {
  test.each([
    ["integers", 7, 5, intFormat(true, 5, 2), intFormat(true, 4, 3), false, 2, 3],
    ["one product", 1, 1, intFormat(false, 5, 2), intFormat(true, 4, 3), true, 1, 1],
    ["bits by bits", 7, 5, BITS, BITS, true, 2, 3],
    ["bits by bits without bias", 8, 3, BITS, BITS, false, 3, 8],
    ["integers by bits", 7, 5, intFormat(true, 5, 2), BITS, false, 2, 3],
    ["bits by integers", 7, 5, BITS, intFormat(true, 4, 3), true, 2, 3],
  ] as const)("%s: %i inputs, %i units", async (_, inputs, units, x, w, bias, pe, simd) => {
    const design = designOf(program(inputs, units, x, w, bias), { folding: { fc: { pe, simd } } });
    expect(await verdict(design)).toEqual({ c: "passed", rtl: "passed" });
  });
});
