// One-bit arithmetic in generated C against the simulator: every pair of operand formats, sizes around the borders of
// words and blocks, sums of both types, and what the interface says of bits.
import { describe, expect, it } from "vitest";
import { generateC } from "../../../c/generate.ts";
import { provedRange } from "../../../program/bounds.ts";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { type Format, mantissaRange, operandsOf, type Program } from "../../../program/program.ts";
import { createRandom } from "../../../support/random.ts";
import { hasTool } from "../../tools-present.ts";
import { CC, compareWithSimulator, SANITIZERS } from "./c-runner.ts";
import { oneBitProgram } from "./programs.ts";
import { randomProgram } from "./random-programs.ts";

/** Random programs. */
const CHAINS = 60;
const BIPOLAR: Format = { kind: "bipolar", fraction: 0 };
const BUILDS: readonly (readonly string[])[] = [["-O1", ...SANITIZERS], ["-O3"]];

function expectExact(programs: readonly Program[], count: number): void {
  for (const flags of BUILDS)
    expect(compareWithSimulator(programs, { flags, count }), flags.join(" ")).toEqual([]);
}

/** One dense layer; the first rows of weights are all at their smallest and all at their largest. */
function layer(
  name: string,
  given: { inputs: number; input: Format; weights: Format; bias?: number },
): Program {
  const random = createRandom(23, name);
  const units = 4;
  const { min, max } = mantissaRange(given.weights);
  const data = Array.from({ length: units * given.inputs }, (_, i) => {
    const unit = Math.floor(i / given.inputs);
    return unit === 0 ? min : unit === 1 ? max : random.integer(min, max);
  });
  const builder = createProgramBuilder(name);
  const input = builder.input({ name: "x", shape: [given.inputs], format: given.input });
  const { bias } = given;
  const y = builder.dense({
    layer: "fc",
    name: "y",
    input,
    weights: { units, data, format: given.weights },
    ...(bias === undefined ? {} : { bias: [bias, -bias, 1, 0] }),
  });
  builder.output("y", y, "value");
  return builder.build();
}

describe.skipIf(!hasTool(CC))("one-bit layers compute what the simulator computes", () => {
  it("bipolar by bipolar: part of a word, whole words, more than a block of 31 words", () => {
    const sizes = [1, 2, 31, 32, 33, 63, 64, 65, 100, 31 * 32 - 1, 31 * 32, 31 * 32 + 1, 2500];
    expectExact(
      sizes.map((inputs) => layer(`xnor${inputs}`, { inputs, input: BIPOLAR, weights: BIPOLAR, bias: 7 })),
      8,
    );
  });

  it("bipolar weights by integers of every width and both signs", () => {
    const programs: Program[] = [];
    for (let width = 1; width <= 16; width++)
      for (const signed of [true, false])
        for (const inputs of [1, 33 + width, ...(width > 7 ? [] : [1024])])
          programs.push(
            layer(`planes${width}${signed ? "s" : "u"}${inputs}`, {
              inputs,
              input: intFormat(signed, width, 3),
              weights: BIPOLAR,
              ...(inputs === 1 ? {} : { bias: -100 }),
            }),
          );
    expectExact(programs, 5);
  });

  it("integer weights by bipolar elements, packed and plain", () => {
    const programs: Program[] = [];
    for (const width of [1, 2, 3, 5, 7, 8, 9, 16])
      for (const signed of [true, false])
        for (const inputs of [1, 45])
          programs.push(
            layer(`signs${width}${signed ? "s" : "u"}${inputs}`, {
              inputs,
              input: BIPOLAR,
              weights: intFormat(signed, width, 0),
              bias: 3,
            }),
          );
    expectExact(programs, 5);
  });

  it("sums beside biases at the ends of int32_t and beyond", () => {
    const programs = [2 ** 31 - 41, 2 ** 31 - 40, 2 ** 31 - 1, 2 ** 31, 2 ** 46].flatMap((bias) => [
      layer(`xnor${bias}`, { inputs: 40, input: BIPOLAR, weights: BIPOLAR, bias }),
      layer(`planes${bias}`, { inputs: 40, input: intFormat(false, 1, 0), weights: BIPOLAR, bias }),
      layer(`signs${bias}`, { inputs: 40, input: BIPOLAR, weights: intFormat(false, 1, 0), bias }),
    ]);
    // 65535 inputs of 16 bits: the sum of the inputs alone nearly fills the accumulator.
    for (const signed of [true, false])
      programs.push(
        layer(`large${signed}`, { inputs: 32768, input: intFormat(signed, 16, 0), weights: BIPOLAR }),
        layer(`larger${signed}`, { inputs: 65537, input: intFormat(signed, 16, 0), weights: BIPOLAR }),
      );
    expectExact(programs, 3);
  });

  it("sums of inputs and planes of signs that leave int32_t although no sum of products does", () => {
    const edge = (name: string, inputs: number, signed: boolean, bit: (i: number) => number): Program => {
      const builder = createProgramBuilder(name);
      const input = builder.input({ name: "x", shape: [inputs], format: intFormat(signed, 16, 0) });
      const weights = { units: 1, data: Array.from({ length: inputs }, (_, i) => bit(i)), format: BIPOLAR };
      builder.output("y", builder.dense({ layer: "fc", name: "y", input, weights }), "value");
      return builder.build();
    };
    const half = (i: number): number => i % 2;
    const cases = [
      [edge("total fits", 32768, false, half), "int32_t"],
      [edge("total leaves", 32769, false, half), "int64_t"],
      [edge("sign fits", 65535, true, () => 1), "int32_t"],
      [edge("sign leaves", 65536, true, () => 1), "int64_t"],
    ] as const;
    for (const [program, type] of cases) {
      const { min, max } = provedRange(program, "y");
      expect([min >= -(2 ** 31), max < 2 ** 31], program.name).toEqual([true, true]);
      const { layers } = generateC(program, { version: "1" }).manifest;
      expect(layers[0]?.accumulatorCType, program.name).toBe(type);
    }
    expectExact(
      cases.map(([program]) => program),
      3,
    );
  });

  it("a whole network", () => {
    expectExact([oneBitProgram("one bit")], 20);
  });

  it("random chains of instructions", () => {
    const programs = Array.from({ length: CHAINS }, (_, seed) => randomProgram(seed));
    expectExact(programs, 6);
  });
});

describe("random chains", () => {
  it("hold every combination of operands, and what is special about sizes and channels", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < CHAINS; seed++) {
      const program = randomProgram(seed);
      const formatOf = new Map([...program.values, ...program.constants].map((v) => [v.name, v.format]));
      for (const instruction of program.instructions) {
        const input = formatOf.get(operandsOf(instruction)[0]!)!;
        const result = formatOf.get(instruction.result)!;
        if (instruction.op === "dense")
          seen.add(`${formatOf.get(instruction.weights)!.kind} weights by ${input.kind}`);
        if (instruction.op === "threshold") seen.add(`threshold to ${result.kind}`);
        if (instruction.op === "select") seen.add(`select of ${input.kind}`);
        if (typeof result.fraction !== "number") seen.add(`${instruction.op} with fractions`);
      }
    }
    for (const weights of ["bipolar", "int"])
      for (const input of ["bipolar", "int"]) expect(seen).toContain(`${weights} weights by ${input}`);
    for (const what of ["threshold to bipolar", "threshold to int", "select of bipolar", "select of int"])
      expect(seen).toContain(what);
    for (const op of ["dense", "requantize", "select", "threshold", "reshape"])
      expect(seen).toContain(`${op} with fractions`);
  });
});

describe("one-bit layers in the text", () => {
  it("store a bit for a weight, in rows of whole words", () => {
    const flash = (inputs: number): number =>
      generateC(layer("flash", { inputs, input: BIPOLAR, weights: BIPOLAR }), { version: "1" }).manifest
        .flashBytes;
    expect([1, 32, 33, 784].map(flash)).toEqual([4 * 4, 4 * 4, 4 * 8, 4 * 100]);
  });

  it("say in the header how bits stand for numbers", () => {
    const builder = createProgramBuilder("bits");
    const x = builder.input({ name: "x", shape: [3], format: { kind: "bipolar", fraction: 2 } });
    const thresholds = [1, 0, 1];
    const y = builder.threshold({
      layer: "t",
      name: "y",
      input: x,
      thresholds,
      levels: 1,
      base: 0,
      format: BIPOLAR,
    });
    builder.output("y", y, "value");
    const text = `${generateC(builder.build(), { version: "1" }).files.get("c/bits.h")}`;
    expect(text).toContain("const uint8_t x_in[3]");
    expect(text).toContain("each byte holds one bit: 0 stands for -1, 1 for +1;");
    expect(text).toContain("the real value is (2 * x_in[i] - 1) / 2^2.");
    expect(text).toContain("the real value is 2 * y_out[i] - 1.");
  });
});
