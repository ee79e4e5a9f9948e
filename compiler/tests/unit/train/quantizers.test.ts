import { describe, expect, test } from "vitest";
import { quantize } from "../../../support/fixed-point.ts";
import { createRandom } from "../../../support/random.ts";
import { continuousBits, costGradients } from "../../../train/bit-operations.ts";
import { chainOf } from "../../../train/chain.ts";
import {
  addNoise,
  noiseGradient,
  projectInto,
  roundingGradient,
  roundValues,
} from "../../../train/quantizers.ts";
import { chainGraph, UNSIGNED } from "./small-data.ts";

const random = createRandom("quantizers");
const COUNT = 400;
/** Values inside and outside of the range, exact zeros, none near an edge where a difference would jump. */
const values = Float32Array.from({ length: COUNT }, (_, i) => {
  if (i % 7 === 0) return 0;
  const x = random.normal();
  return Math.abs(Math.abs(x) - 1.25) < 0.02 || Math.abs(x) < 0.02 ? 0.5 : x;
});
const noise = Float32Array.from({ length: COUNT }, () => random.uniform() - 0.5);
const upstream = Float32Array.from({ length: COUNT }, () => random.normal());

function inner(y: Float32Array): number {
  return y.reduce((sum, v, i) => sum + v * upstream[i]!, 0);
}

describe.each([true, false])("the noise pass, signed: %s", (signed) => {
  const logStep = -2.3;
  const logRange = Math.log2(1.25);
  const output = (dStep: number, dRange: number, x: Float32Array = values): number =>
    inner(addNoise(x, noise, { signed, step: 2 ** (logStep + dStep), range: 2 ** (logRange + dRange) }));
  const dx = new Float32Array(COUNT);
  const gradient = noiseGradient(
    values,
    noise,
    upstream,
    { signed, step: 2 ** logStep, range: 2 ** logRange },
    dx,
  );
  const h = 1e-3;

  test("has the gradient of its numeric differences for the step", () => {
    expect(gradient.logStep).toBeCloseTo((output(h, 0) - output(-h, 0)) / (2 * h), 2);
  });
  test("has the gradient of its numeric differences for the range", () => {
    expect(gradient.logRange).toBeCloseTo((output(0, h) - output(0, -h)) / (2 * h), 2);
  });
  test("has the gradient of its numeric differences for the values", () => {
    for (let i = 0; i < COUNT; i++) {
      // A zero gets no noise, so it has no difference to compare.
      if (values[i] === 0) continue;
      const moved = (d: number): Float32Array => values.with(i, values[i]! + d);
      expect(dx[i]!).toBeCloseTo((output(0, 0, moved(0.01)) - output(0, 0, moved(-0.01))) / 0.02, 2);
    }
  });
  test("leaves zeros and clamped values without noise", () => {
    const y = addNoise(values, noise, { signed, step: 0.25, range: 1.25 });
    for (let i = 0; i < COUNT; i++) {
      const x = values[i]!;
      if (x === 0) expect(y[i]).toBe(0);
      else if (x >= 1.25) expect(y[i]).toBe(1.25);
      else if (x < 0 && !signed) expect(y[i]).toBe(0);
      else if (x <= -1.25) expect(y[i]).toBe(-1.25);
      else expect(Math.abs(y[i]! - x)).toBeLessThanOrEqual(0.125 + 1e-6);
    }
  });
});

describe("the rounding pass", () => {
  const formats = [
    { signed: true, width: 2, fraction: 0 },
    { signed: true, width: 4, fraction: 2 },
    { signed: false, width: 1, fraction: 0 },
    { signed: false, width: 3, fraction: 2 },
    { signed: false, width: 5, fraction: -1 },
  ];
  test.each(formats)("rounds like the one quantizer of real values: %o", (format) => {
    const { signed, width } = format;
    const range = signed
      ? { min: -(2 ** (width - 1)), max: 2 ** (width - 1) - 1 }
      : { min: 0, max: 2 ** width - 1 };
    // Ties are in it: a half-even rounding would go the other way on every second one.
    const x = Float32Array.from({ length: 161 }, (_, i) => (i - 80) / 16);
    const y = roundValues(x, format);
    x.forEach((v, i) => {
      expect(y[i]! * 2 ** format.fraction + 0).toBe(quantize(v, format.fraction, range));
    });
  });
  test("passes the gradient inside of what the format holds, and nowhere else", () => {
    const x = Float32Array.of(-3, -0.1, 0, 0.1, 0.9, 1.8, 1.9, 5);
    const dy = new Float32Array(8).fill(2);
    expect([...roundingGradient(x, dy, { signed: false, width: 3, fraction: 2 })]).toEqual([
      0, 0, 0, 2, 2, 2, 0, 0,
    ]);
    expect([...roundingGradient(x, dy, { signed: true, width: 4, fraction: 2 })]).toEqual([
      0, 2, 2, 2, 2, 2, 0, 0,
    ]);
  });
  test("projection ends inside of the format", () => {
    const x = Float32Array.of(-9, -2, -1.99, 1.5, 1.76, 8);
    projectInto(x, { signed: true, width: 4, fraction: 2 });
    expect([...x]).toEqual([-2, -2, Math.fround(-1.99), 1.5, 1.75, 1.75]);
  });
});

test("the cost has the gradient of its numeric differences, and none at the floor", () => {
  const chain = chainOf(chainGraph([6], UNSIGNED, [5, "relu", 4, 3]));
  const steps = [-4, -5, -3.3, -2, 1, -4.1];
  const at = (logs: readonly number[]) =>
    chain.layers.map((_, i) => ({
      weight: { range: 1, step: 2 ** logs[2 * i]! },
      activation: { range: 1, step: 2 ** logs[2 * i + 1]! },
    }));
  const cost = (logs: readonly number[]): number =>
    Math.log2(
      at(logs).reduce((sum, q, i) => {
        const layer = chain.layers[i]!;
        const bits =
          continuousBits(1, q.weight.step, true) * continuousBits(1, q.activation.step, layer.signed);
        return sum + layer.inputs * layer.units * bits;
      }, 0),
    );
  const gradients = costGradients(chain, at(steps)).flatMap((g) => [g.weight, g.activation]);
  for (let i = 0; i < 6; i++) {
    const moved = (d: number): number => cost(steps.with(i, steps[i]! + d));
    // The fifth step is twice the range: that tensor is at its floor.
    if (i === 4) expect(gradients[i]).toBe(0);
    else expect(gradients[i]).toBeCloseTo((moved(1e-4) - moved(-1e-4)) / 2e-4, 6);
  }
});
