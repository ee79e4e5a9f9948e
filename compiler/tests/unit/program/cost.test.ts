// What a program costs, against numbers worked out by hand.
import { describe, expect, it } from "vitest";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { layerCosts } from "../../../program/cost.ts";
import type { Format, Program } from "../../../program/program.ts";
import { digitSpan } from "../../../support/fixed-point.ts";

function oneLayer(weights: { data: readonly number[]; format: Format }, bias?: readonly number[]): Program {
  const b = createProgramBuilder("costs");
  const x = b.input({ name: "x", shape: [3], format: intFormat(false, 8, 8) });
  const a = b.requantize({ layer: "fc", name: "fc.input", input: x, format: intFormat(false, 4, 4) });
  const fc = b.dense({
    layer: "fc",
    name: "fc",
    input: a,
    weights: { units: weights.data.length / 3, ...weights },
    ...(bias ? { bias } : {}),
  });
  b.output("y", fc, "value");
  return b.build();
}

describe("the span of digits", () => {
  it("counts from the highest to the lowest non-zero digit of |m|", () => {
    const byHand: [mantissa: number, span: number][] = [
      [0, 0],
      [1, 1], // 1
      [-1, 1],
      [2, 1], // 10
      [3, 2], // 11
      [5, 3], // 101
      [-6, 2], // 110
      [12, 2], // 1100
      [-8, 1], // 1000
      [127, 7],
      [-128, 1],
      [32767, 15],
      [-32768, 1],
    ];
    for (const [mantissa, span] of byHand) expect(digitSpan(mantissa), `of ${mantissa}`).toBe(span);
  });
});

describe("costs of a dense layer", () => {
  it("are those of the worked example", () => {
    // 2 units x 3 inputs, weights of 5 bits, inputs of 4 bits.
    const weights = { data: [3, -6, 5, 0, 1, -8], format: intFormat(true, 5, 3) };
    const [cost, ...others] = layerCosts(oneLayer(weights, [100, -3]));
    expect(others).toEqual([]);
    expect(cost).toMatchObject({
      layer: "fc",
      macs: 6,
      parameters: 8,
      weightBits: 6 * 5,
      // 100 needs 8 bits with its sign.
      biasBits: 2 * 8,
      bitOperations: 6 * 5 * 4,
      // Spans 2 + 2 + 3 + 0 + 1 + 1 = 9 digits, each times 4 bits of input.
      ebops: 36,
      weightWidth: 5,
      activationWidth: 4,
    });
  });

  it("count a weight of zero as a bit operation of the array, though it has no digits", () => {
    const [cost] = layerCosts(oneLayer({ data: [0, 0, 0], format: intFormat(true, 2, 0) }));
    expect(cost).toMatchObject({ bitOperations: 3 * 2 * 4, ebops: 0, parameters: 3, biasBits: 0 });
  });

  it("count one digit and one bit for a bipolar weight", () => {
    const [cost] = layerCosts(oneLayer({ data: [0, 1, 1], format: { kind: "bipolar", fraction: 0 } }));
    expect(cost).toMatchObject({ weightBits: 3, bitOperations: 3 * 1 * 4, ebops: 3 * 4, weightWidth: 1 });
  });

  it("hold every partial sum in the accumulator's width", () => {
    // The largest sum is 15 * (3 + 5) = 120, the smallest 15 * -6 = -90: 8 bits.
    const [cost] = layerCosts(oneLayer({ data: [3, -6, 5], format: intFormat(true, 5, 3) }));
    expect(cost!.accumulatorWidth).toBe(8);
  });
});
