// Bipolar operands and thresholds to bits, against tables made by hand: results, fractions and proved ranges.
import { describe, expect, it } from "vitest";
import { channelBounds } from "../../../program/bounds.ts";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { constantNamed, type Format, type Program, valueNamed } from "../../../program/program.ts";
import { verifyProgram } from "../../../program/verify.ts";
import { simulate } from "../../../sim/simulate.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";

const bits = (fraction: number | readonly number[] = 0): Format => ({ kind: "bipolar", fraction });

interface Layer {
  readonly input: Format;
  readonly weights: Format;
  readonly data: readonly number[];
  readonly bias?: readonly number[];
}

function dense({ input, weights, data, bias }: Layer): Program {
  const b = createProgramBuilder("dense");
  const x = b.input({ name: "x", shape: [3], format: input });
  const layer = { units: data.length / 3, data, format: weights };
  b.output(
    "y",
    b.dense({ layer: "y", name: "y", input: x, weights: layer, ...(bias ? { bias } : {}) }),
    "value",
  );
  return b.build();
}

function run(program: Program, x: readonly number[]): number[] {
  return [...simulate(program, new Map([["x", x]]), x.length / 3).values.get("y")!];
}

describe("a dense layer with bipolar operands", () => {
  it("multiplies bipolar by bipolar", () => {
    // Weights +1 +1 -1 and -1 -1 -1; inputs +1 -1 -1, then -1 -1 -1.
    const program = dense({ input: bits(), weights: bits(), data: [1, 1, 0, 0, 0, 0] });
    expect(run(program, [1, 0, 0, 0, 0, 0])).toEqual([1 - 1 + 1, -1 + 1 + 1, -1 - 1 + 1, 3]);
  });

  it("adds a bias, and a fraction for each channel of the weights", () => {
    const program = dense({
      input: bits(1),
      weights: bits([2, -3]),
      data: [1, 1, 0, 0, 0, 0],
      bias: [10, -20],
    });
    expect(run(program, [1, 0, 0])).toEqual([11, -19]);
    // -3 is among the proved partial sums of both, so the bias decides the other end: 13 and -23 need 6 bits.
    expect(valueNamed(program, "y").format).toEqual(intFormat(true, 6, [3, -2]));
  });

  it("multiplies bipolar weights by unsigned and by signed integers", () => {
    const data = [1, 0, 1];
    expect(run(dense({ input: intFormat(false, 4, 0), weights: bits(), data }), [15, 4, 1])).toEqual([12]);
    expect(run(dense({ input: intFormat(true, 4, 0), weights: bits(), data }), [-8, 7, -1])).toEqual([-16]);
    expect(run(dense({ input: intFormat(false, 1, 0), weights: bits(), data }), [1, 1, 0])).toEqual([0]);
  });

  it("multiplies integer weights by bipolar elements", () => {
    const program = dense({
      input: bits(),
      weights: intFormat(true, 4, 0),
      data: [-8, 7, 3, 0, 0, 1],
      bias: [1, 0],
    });
    expect(run(program, [0, 1, 0, 1, 1, 1])).toEqual([8 + 7 - 3 + 1, -1, -8 + 7 + 3 + 1, 1]);
  });

  const ranges: [string, Layer, { min: number; max: number }][] = [
    ["bipolar by bipolar", { input: bits(), weights: bits(), data: [1, 0, 1] }, { min: -3, max: 3 }],
    [
      "bipolar by unsigned integers",
      // +1 -1 +1 by 0..7.
      { input: intFormat(false, 3, 0), weights: bits(), data: [1, 0, 1] },
      { min: -7, max: 14 },
    ],
    [
      "bipolar by signed integers, with bias",
      // Each product lies in -4..4: -1 by -4 is 4.
      { input: intFormat(true, 3, 0), weights: bits(), data: [1, 0, 1], bias: [-5] },
      { min: -5 - 4 - 4 - 3, max: 3 + 4 + 3 },
    ],
    [
      "integers by bipolar elements",
      { input: bits(), weights: intFormat(true, 4, 0), data: [-8, 0, 3], bias: [2] },
      { min: -11, max: 13 },
    ],
  ];
  it.each(ranges)("has exact bounds: %s", (_, layer, range) => {
    const program = dense(layer);
    const bias = layer.bias ? constantNamed(program, "y.bias") : null;
    expect(channelBounds(constantNamed(program, "y.weights"), bias, 0, layer.input)).toEqual(range);
  });
});

describe("a threshold to bits", () => {
  function oneLevel(thresholds: readonly number[], input: Format, format: Format = bits()): Program {
    const b = createProgramBuilder("threshold");
    const x = b.input({ name: "x", shape: [3], format: input });
    b.output(
      "y",
      b.threshold({ layer: "y", name: "y", input: x, thresholds, levels: 1, base: 0, format }),
      "value",
    );
    return b.build();
  }

  it("is 1 where the element reaches its channel's threshold", () => {
    const program = oneLevel([0, -5, 100], intFormat(true, 8, 3));
    expect(run(program, [0, -5, 100, -1, -6, 99, 1, 127, -128])).toEqual([1, 1, 1, 0, 0, 0, 1, 1, 0]);
  });

  it("is constant where the threshold is out of reach", () => {
    const program = oneLevel([-200, 200, 128], intFormat(true, 8, 0));
    expect(run(program, [-128, 127, 127])).toEqual([1, 0, 0]);
  });

  it("compares the bits of a bipolar input", () => {
    expect(run(oneLevel([0, 1, 2], bits(3)), [0, 0, 0, 1, 1, 1])).toEqual([1, 0, 0, 1, 1, 0]);
  });

  it("feeds a bipolar layer", () => {
    const b = createProgramBuilder("chain");
    const x = b.input({ name: "x", shape: [3], format: intFormat(true, 8, 0) });
    const t = b.threshold({
      layer: "t",
      name: "t",
      input: x,
      thresholds: [1, 2, 3],
      levels: 1,
      base: 0,
      format: bits(),
    });
    const weights = { units: 1, data: [1, 1, 0], format: bits() };
    b.output("y", b.dense({ layer: "y", name: "y", input: t, weights }), "value");
    // Bits 1 0 1 are +1 -1 +1; by +1 +1 -1 that is 1 - 1 - 1.
    expect(run(b.build(), [1, 1, 3])).toEqual([-1]);
  });

  it("has exactly one level and base 0", () => {
    const program = oneLevel([0, 0, 0], intFormat(true, 8, 0));
    const threshold = program.instructions[0]!;
    const refused = [
      { ...program, instructions: [{ ...threshold, base: 1 }] },
      { ...program, instructions: [{ ...threshold, base: -1 }] },
      {
        ...program,
        constants: program.constants.map((c) => ({ ...c, shape: [3, 2], data: [0, 1, 0, 1, 0, 1] })),
      },
    ] as Program[];
    for (const broken of refused) expect(() => verifyProgram(broken)).toThrow(DiagnosticError);
    expect(() => verifyProgram(program)).not.toThrow();
  });

  it("is the only way between bits and integers", () => {
    const b = createProgramBuilder("bits");
    const x = b.input({ name: "x", shape: [3], format: bits() });
    b.output("y", b.requantize({ layer: "y", name: "y", input: x, format: intFormat(true, 2, 0) }), "value");
    expect(() => b.build()).toThrow(/takes and gives int tensors/);
  });
});
