// The gate on the C of programs with branches: it passes what is right, finds one changed number or operand in every
// kind of stage, and its vectors drive the sums of convolutions to their extremes.
import { describe, expect, test } from "vitest";
import { generateC } from "../../../c/generate.ts";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { MANIFEST_SCHEMA } from "../../../program/manifest.ts";
import { elementsOf, type Program, valueNamed } from "../../../program/program.ts";
import { simulate } from "../../../sim/simulate.ts";
import { createRandom } from "../../../support/random.ts";
import { createCRunner } from "../../../tools/c-compiler.ts";
import type { BackendResult } from "../../../verify/result.ts";
import { makeVectors, sliceInputs } from "../../../verify/vectors.ts";
import { type Design, verifyDesign } from "../../../verify/verify.ts";
import { hasTool } from "../../tools-present.ts";
import { randomBranchingProgram } from "../program/random-branching.ts";
import { edited } from "./faults.ts";

/** Two inputs; a padded conv, a depthwise one, a residual difference, a gate of channels, a mean and a table. */
function network(): Program {
  const random = createRandom(3, "branching gate");
  const integers = (count: number, reach: number): number[] =>
    Array.from({ length: count }, () => random.integer(-reach, reach));
  const b = createProgramBuilder("residual");
  const byte = intFormat(false, 8, 8);
  const weights = intFormat(true, 4, 3);
  const image = b.input({ name: "image", shape: [5, 6, 2], format: byte });
  const other = b.input({ name: "other", shape: [4], format: byte });
  const padding = { before: [1, 1], after: [1, 1] };
  const sum = b.conv({
    layer: "conv",
    name: "conv.sum",
    input: image,
    weights: { units: 4, kernel: [3, 3], data: integers(4 * 9 * 2, 7), format: weights },
    bias: integers(4, 300),
    padding,
    padMantissa: 11,
  });
  const narrow = intFormat(true, 8, 4);
  const a = b.requantize({ layer: "conv", name: "conv.out", input: sum, format: narrow });
  const deep = b.conv({
    layer: "depthwise",
    name: "depthwise.sum",
    input: a,
    weights: { units: 4, kernel: [3, 3], data: integers(4 * 9, 7), format: weights },
    groups: 4,
    padding,
  });
  const d = b.requantize({ layer: "depthwise", name: "depthwise.out", input: deep, format: narrow });
  const rest = b.subtract({ layer: "residual", name: "residual.sum", inputs: [a, d] });
  const r = b.requantize({ layer: "residual", name: "residual.out", input: rest, format: narrow, limit: 90 });
  const row = b.reshape({ layer: "gate", name: "row", input: other, shape: [1, 1, 4] });
  const gated = b.multiply({ layer: "gate", name: "gate.product", inputs: [r, row] });
  const g = b.requantize({ layer: "gate", name: "gate.out", input: gated, format: intFormat(true, 6, 2) });
  const mean = b.pool({ layer: "mean", name: "mean", input: g, kind: "average", window: [5, 3] });
  const table = Array.from({ length: 64 }, (_, i) => Math.floor(i ** 2 / 32));
  const t = b.table({ layer: "square", name: "square", input: mean, table, format: intFormat(false, 7, 4) });
  b.output("out", t, "value");
  b.output("gated", gated, "value");
  return b.build();
}

function designOf(program: Program): Design {
  const c = generateC(program, { version: "0.0.0" });
  const generator = { name: "noisefloor", version: "0.0.0" } as const;
  return {
    program,
    manifest: { schema: MANIFEST_SCHEMA, generator, model: program.name, c: c.manifest, files: {} },
    files: c.files,
  };
}

const runner = createCRunner();
const verify = async (design: Design): Promise<BackendResult> =>
  (await verifyDesign(design, undefined, { seed: 1 }, { c: runner })).c!;

const design = designOf(network());

describe.skipIf(!hasTool("cc"))("the gate on C with branches", () => {
  test("passes when nothing is changed", async () => {
    expect(await verify(design)).toMatchObject({ status: "passed", mismatches: 0 });
  });

  test("passes a program of every instruction", async () => {
    const program = randomBranchingProgram(44, { instructions: 40, inputs: 2 });
    expect(await verify(designOf(program))).toMatchObject({ status: "passed", mismatches: 0 });
  });

  const source = "c/residual.c";
  test.each([
    ["what stands outside a conv", source, "11, patch);", "12, patch);", "conv"],
    ["a tap of a depthwise conv", source, "&patch[k * 4]", "&patch[(8 - k) * 4]", "depthwise"],
    [
      "the operands of a difference",
      source,
      "(int32_t)a[i] - (int32_t)b[i]",
      "(int32_t)b[i] - (int32_t)a[i]",
      "residual",
    ],
    ["the limit of a requantization", source, "-128, 90)", "-128, 91)", "residual"],
    ["the channel of a gate", source, "(int32_t)b[c]", "(int32_t)b[c ^ 1]", "gate"],
    ["the multiplier of a mean", source, /(sums\[c\], \d+), /, "$1 - 1, ", "mean"],
    ["an entry of a table", source, /(?<before>entries\[64\][^}]* )28,/, "$<before>27,", "square"],
  ])("%s that is wrong is found at its layer", async (_, path, from, to, layer) => {
    const result = await verify(edited(design, path, from, to));
    expect(result).toMatchObject({ status: "failed", divergence: { layer } });
  });
});

test("vectors drive the middle sums of a conv to their extremes", () => {
  const program = network();
  const set = makeVectors(program, undefined, 1);
  const names = Array.from({ length: set.count }, (_, n) => set.nameOf(n));
  const values = simulate(program, sliceInputs(set, 0, set.count), set.count).values;
  const check = (value: string, layer: string): void => {
    const { shape } = valueNamed(program, value);
    const [, columns, channels] = shape as [number, number, number];
    const size = elementsOf(shape);
    for (let o = 0; o < channels; o++) {
      const at = (2 * columns + 3) * channels + o;
      const sums = names.map((_, n) => values.get(value)![n * size + at]!);
      expect(sums[names.indexOf(`largest sum of ${layer}[${o}]`)]).toBe(Math.max(...sums));
      expect(sums[names.indexOf(`smallest sum of ${layer}[${o}]`)]).toBe(Math.min(...sums));
    }
  };
  check("conv.sum", "conv");
});
