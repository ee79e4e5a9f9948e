// The gate on one-bit layers and selects in C: bits as vectors, a clean pass, and each kind of constant changed by one.
import { describe, expect, test } from "vitest";
import { generateC } from "../../../c/generate.ts";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { MANIFEST_SCHEMA } from "../../../program/manifest.ts";
import type { Format, Program } from "../../../program/program.ts";
import { createRandom } from "../../../support/random.ts";
import { createCRunner } from "../../../tools/c-compiler.ts";
import type { BackendResult } from "../../../verify/result.ts";
import { makeVectors } from "../../../verify/vectors.ts";
import { type Design, verifyDesign } from "../../../verify/verify.ts";
import { hasTool } from "../../tools-present.ts";
import { edited } from "./faults.ts";

const BITS: Format = { kind: "bipolar", fraction: 0 };
const INPUTS = 41;
/** All but every fifth. */
const INDICES = Array.from({ length: INPUTS }, (_, i) => i).filter((i) => i % 5 !== 2);

/** Bits, of which some are selected; two one-bit layers, the second one on small integers; integer weights on bits. */
function program(): Program {
  const random = createRandom(1, "one bit");
  const builder = createProgramBuilder("onebit");
  const bits = (count: number): number[] => Array.from({ length: count }, () => random.integer(0, 1));
  const x = builder.input({ name: "x", shape: [INPUTS], format: BITS });
  const kept = builder.select({ layer: "pick", name: "kept", input: x, indices: INDICES });
  const n = INDICES.length;
  const xnor = builder.dense({
    layer: "xnor",
    name: "xnor.sum",
    input: kept,
    weights: { units: 7, data: bits(7 * n), format: BITS },
  });
  const levels = builder.threshold({
    layer: "xnor",
    name: "levels",
    input: xnor,
    thresholds: [...Array(7)].flatMap((_, c) => [c - 6, c - 2, c + 3]),
    levels: 3,
    base: 0,
    format: intFormat(false, 2, 0),
  });
  const planes = builder.dense({
    layer: "planes",
    name: "planes.sum",
    input: levels,
    weights: { units: 6, data: bits(6 * 7), format: BITS },
  });
  const signs = builder.threshold({
    layer: "planes",
    name: "signs",
    input: planes,
    thresholds: [-2, -1, 0, 1, 2, 3],
    levels: 1,
    base: 0,
    format: BITS,
  });
  const data = Array.from({ length: 4 * 6 }, () => random.integer(-50, 50));
  const head = builder.dense({
    layer: "head",
    name: "head.sum",
    input: signs,
    weights: { units: 4, data, format: intFormat(true, 8, 0) },
  });
  builder.output("logits", head, "logits");
  builder.output("class", builder.argmax({ layer: "class", name: "class", input: head }), "class");
  return builder.build();
}

function designC(): Design {
  const c = generateC(program(), { version: "0.0.0" });
  return {
    program: program(),
    manifest: {
      schema: MANIFEST_SCHEMA,
      generator: { name: "noisefloor", version: "0.0.0" },
      model: "onebit",
      c: c.manifest,
      files: {},
    },
    files: c.files,
  };
}

async function verifyC(design: Design): Promise<BackendResult> {
  return (await verifyDesign(design, undefined, { seed: 1, without: ["rtl"] }, { c: createCRunner() })).c!;
}

/** Changes number `at` of a constant of the C. */
function changed(array: string, at: number, change: (value: number) => number): Design {
  const design = designC();
  const text = `${design.files.get("c/onebit.c")}`;
  const found = new RegExp(`onebit_${array}\\[\\d+\\] = \\{([^}]*)\\}`).exec(text)!;
  const numbers = found[1]!.split(",").map(Number);
  numbers[at] = change(numbers[at]!);
  return edited(design, "c/onebit.c", found[1]!, `\n    ${numbers.join(", ")}\n`);
}

describe("vectors of a bipolar input", () => {
  const set = makeVectors(program(), undefined, 1);
  const rows = set.inputs.get("x")!;

  test("are bits, with corners, random ones and the extremes of chosen sums", () => {
    expect(new Set(rows)).toEqual(new Set([0, 1]));
    const names = Array.from({ length: set.count }, (_, n) => set.nameOf(n));
    for (const name of [
      "all-min",
      "all-max",
      "random 0",
      "largest sum of xnor[0]",
      "smallest sum of xnor[6]",
    ])
      expect(names).toContain(name);
  });

  test("reach the largest sum through the select", () => {
    const { data } = program().constants.find((c) => c.name === "xnor.sum.weights")!;
    for (let o = 0; o < 7; o++) {
      const n = Array.from({ length: set.count }, (_, k) => k).find(
        (k) => set.nameOf(k) === `largest sum of xnor[${o}]`,
      )!;
      for (const [j, i] of INDICES.entries()) expect(rows[n * INPUTS + i]).toBe(data[o * INDICES.length + j]);
    }
  });

  test.each([2, -1])("do not hold %i", (value) => {
    const inputs = Array.from({ length: INPUTS }, (_, i) => (i === 3 ? value : 1));
    expect(() => makeVectors(program(), { count: 1, inputs }, 1)).toThrow(/range is 0 to 1/);
  });
});

describe.skipIf(!hasTool("cc"))("C of one-bit layers", () => {
  test("passes when nothing is changed", async () => {
    expect(await verifyC(designC())).toMatchObject({ status: "passed", mismatches: 0 });
  });

  test.each([
    // Rows of xnor have two words, those of planes one.
    ["bipolar by bipolar", "xnor", 3 * 2, 9, 3, 9],
    ["bipolar by bipolar, the last element", "xnor", 5 * 2 + 1, 0, 5, 32],
    ["bipolar by integers", "planes", 4, 6, 4, 6],
  ])("one bit of the weights is found at its place: %s", async (_, layer, word, bit, neuron, input) => {
    const design = changed(`${layer}_weights`, word, (value) => (value ^ (1 << bit)) >>> 0);
    const result = await verifyC(design);
    expect(result.status).toBe("failed");
    expect(result.divergence).toMatchObject({
      layer,
      value: `${layer}.sum`,
      kind: "accumulator",
      channel: neuron,
    });
    expect(result.divergence!.cause).toContain(`the weight of neuron ${neuron} for input ${input}`);
    const { data } = program().constants.find((c) => c.name === `${layer}.sum.weights`)!;
    const stored = data[(neuron * data.length) / (layer === "xnor" ? 7 : 6) + input]!;
    expect(result.divergence!.cause).toContain(
      `the program has ${stored}, the design computes with ${1 - stored}`,
    );
  });

  test("a bit behind the last weight is found", async () => {
    const result = await verifyC(changed("xnor_weights", 2 * 2 + 1, (value) => (value ^ 0x80000000) >>> 0));
    expect(result.divergence).toMatchObject({ layer: "xnor", channel: 2 });
  });

  test("a threshold that is off by one is found in its channel", async () => {
    const result = await verifyC(changed("planes_thresholds", 3, (value) => value + 1));
    expect(result.divergence).toMatchObject({ layer: "planes", value: "signs", channel: 3 });
  });

  test("an index that is off by one is found at its place", async () => {
    const result = await verifyC(changed("pick_indices", 10, (value) => value + 1));
    expect(result.divergence).toMatchObject({ layer: "pick", value: "kept", channel: 10 });
  });
});
