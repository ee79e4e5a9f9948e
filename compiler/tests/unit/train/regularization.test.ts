import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Surrogate } from "../../../graph/project.ts";
import { surrogateGradient } from "../../../train/regularization.ts";
import type { DiscreteFunction } from "../../../train/regularization-slopes.ts";
import { densityOf, integrateOver, meanSlope } from "./regularization-integration.ts";

const STRAIGHT: Surrogate = { kind: "straight-through" };
const ewgs = (delta: number): Surrogate => ({ kind: "ewgs", delta });
const NOISES = ["normal", "uniform"] as const;
const runs = { seed: 5, numRuns: 60 };

/** Slope at each x: the gradient for dy = 1. */
function slopes(f: DiscreteFunction, surrogate: Surrogate, ...x: number[]): number[] {
  const arguments_ = Float32Array.from(x);
  return [...surrogateGradient(arguments_, new Float32Array(x.length).fill(1), f, surrogate)];
}

describe("straight-through", () => {
  test.each<[string, DiscreteFunction, number[], number[]]>([
    [
      "behind a ReLU",
      { kind: "rounding", step: 0.25, min: 0, max: 7 },
      [-3, -0.1, 0, 0.1, 0.9, 1.8, 1.9, 5],
      [0, 0, 0, 1, 1, 1, 0, 0],
    ],
    [
      "of a signed tensor",
      { kind: "rounding", step: 0.25, min: -8, max: 7 },
      [-3, -2.1, -0.1, 0, 0.1, 1.8, 1.9, 5],
      [0, 1, 1, 1, 1, 1, 0, 0],
    ],
    [
      "of a sign",
      { kind: "sign", window: 0.5 },
      [-0.6, -0.5, -0.1, 0, 0.2, 0.5, 0.51],
      [0, 2, 2, 2, 2, 2, 0],
    ],
    ["of a step", { kind: "step", window: 0.5 }, [-0.6, -0.5, 0, 0.5, 0.51], [0, 1, 1, 1, 0]],
    ["of a ReLU", { kind: "relu", window: 3 }, [-1, 0, 0.001, 9], [0, 0, 1, 1]],
    ["of a hardtanh", { kind: "hardtanh" }, [-2, -1, -0.9, 0, 0.9, 1, 2], [0, 0, 1, 1, 1, 0, 0]],
  ])("%s passes inside of the clamp", (_, f, x, expected) => {
    expect(slopes(f, STRAIGHT, ...x)).toEqual(expected);
    // EWGS without its delta is the same.
    expect(slopes(f, ewgs(0), ...x)).toEqual(expected);
  });
});

describe("EWGS", () => {
  test("makes the gradient larger where the step goes away from the rounded value", () => {
    const f: DiscreteFunction = { kind: "rounding", step: 0.5, min: -4, max: 3 };
    const x = Float32Array.of(0.6, 0.6, 0.4, 0.4, 0.5, 1.7);
    const dy = Float32Array.of(2, -2, 2, -2, 2, 2);
    // Residues in steps: 0.2, -0.2 and 0; the last is 0.4 above the largest mantissa and still inside of the window.
    const expected = [2 * 1.02, -2 * 0.98, 2 * 0.98, -2 * 1.02, 2, 2 * 1.04];
    [...surrogateGradient(x, dy, f, ewgs(0.1))].forEach((g, i) => {
      expect(g).toBeCloseTo(expected[i]!, 6);
    });
  });

  test("is the published formula wherever a gradient passes", () => {
    const cases = fc.record({
      step: fc.constantFrom(0.125, 0.3, 1, 4),
      min: fc.constantFrom(-8, -1, 0),
      max: fc.constantFrom(1, 7),
      v: fc.double({ min: -10, max: 10, noNaN: true }),
      g: fc.double({ min: -3, max: 3, noNaN: true }),
      delta: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(cases, ({ step, min, max, v, g, delta }) => {
        const x = Float32Array.of(v * step);
        const f: DiscreteFunction = { kind: "rounding", step, min, max };
        const xn = x[0]! / step;
        // Next to an edge or a tie, the two ways to divide may fall to different sides.
        fc.pre(Math.abs(xn * 2 - Math.round(xn * 2)) > 1e-6);
        const xq = Math.max(min, Math.min(max, Math.floor(xn + 0.5)));
        const passes = slopes(f, STRAIGHT, x[0]!)[0]!;
        const [dx] = surrogateGradient(x, Float32Array.of(g), f, ewgs(delta));
        expect(dx).toBeCloseTo(passes * g * (1 + delta * Math.sign(g) * (xn - xq)), 5);
      }),
      runs,
    );
  });

  test("of step and sign uses the distance from the level, in units of the levels' distance", () => {
    const x = Float32Array.of(0.2, -0.2, 2, -2, 0);
    const dy = new Float32Array(5).fill(1);
    // x / window = 0.1: 0.9 below the level 1, of a distance of 2.
    expect([...surrogateGradient(x, dy, { kind: "sign", window: 2 }, ewgs(0.2))]).toEqual(
      [0.5 * 0.91, 0.5 * 1.09, 0.5, 0.5, 0.5 * 0.9].map(Math.fround),
    );
    expect([...surrogateGradient(x, dy, { kind: "step", window: 2 }, ewgs(0.2))]).toEqual(
      [0.25 * 0.91, 0.25 * 1.09, 0.25, 0.25, 0.25 * 0.9].map(Math.fround),
    );
  });
});

describe.each(NOISES)("regularized by %s noise", (noise) => {
  const regularized = (sigma: number): Surrogate => ({ kind: "regularized", noise, sigma });

  test("rounding inside of a clamp has the mean difference quotient of the very quantizer", () => {
    const cases = fc.record({
      step: fc.constantFrom(0.125, 0.3, 1, 4),
      min: fc.constantFrom(-4, -1, 0),
      max: fc.constantFrom(1, 3),
      sigma: fc.double({ min: 0.1, max: 2, noNaN: true }),
      v: fc.double({ min: -8, max: 8, noNaN: true }),
    });
    fc.assert(
      fc.property(cases, ({ step, min, max, sigma, v }) => {
        const quantize = (x: number): number =>
          step * Math.max(min, Math.min(max, Math.floor(x / step + 0.5)));
        const thresholds = Array.from({ length: max - min }, (_, j) => (min + j + 0.5) * step);
        const x = Math.fround(v * step);
        fc.pre(thresholds.every((t) => Math.abs(x - t) > 0.051 * sigma * step));
        const expected = meanSlope(quantize, thresholds, densityOf(noise, sigma * step), x);
        const [slope] = slopes({ kind: "rounding", step, min, max }, regularized(sigma), x);
        expect(Math.abs(slope! - expected)).toBeLessThan((2e-5 * (2 + 12 * sigma)) / sigma);
      }),
      runs,
    );
  });

  test.each<[string, DiscreteFunction, (x: number) => number, number[], number]>([
    ["step", { kind: "step", window: 0.7 }, (x) => (x >= 0 ? 1 : 0), [0], 0.7],
    ["sign", { kind: "sign", window: 0.7 }, (x) => (x >= 0 ? 1 : -1), [0], 0.7],
    ["relu", { kind: "relu", window: 0.7 }, (x) => Math.max(0, x), [0], 0.7],
    ["hardtanh", { kind: "hardtanh" }, (x) => Math.max(-1, Math.min(1, x)), [-1, 1], 1],
  ])("%s has the mean difference quotient of the function, sigma in windows", (_, f, f0, breaks, unit) => {
    for (const sigma of [0.2, 1])
      for (const x of [-2.1, -0.9, -0.3, -0.06, 0.05, 0.31, 0.99, 1.5].map(Math.fround)) {
        const expected = meanSlope(f0, breaks, densityOf(noise, sigma * unit), x);
        const [slope] = slopes(f, regularized(sigma), x);
        expect(Math.abs(slope! - expected)).toBeLessThan(2e-4 / sigma);
      }
  });

  test("passes what the quantizer rises by, but for the cap, and nothing far outside", () => {
    const [sigma, step, min, max] = [0.5, 0.25, -2, 5];
    const f: DiscreteFunction = { kind: "rounding", step, min, max };
    const slope = (x: number): number => slopes(f, regularized(sigma), x)[0]!;
    const splits = Array.from({ length: max - min }, (_, j) => (min + j + 0.5) * step).flatMap((t) =>
      [-1, -0.05, 0.05, 1].map((z) => t + z * sigma * step),
    );
    const rise = integrateOver(slope, (min - 4) * step, (max + 4) * step, splits);
    expect(rise / ((max - min) * step)).toBeCloseTo(noise === "normal" ? 0.9601 : 0.9711, 3);
    expect(slope((min - 3) * step)).toBe(0);
    expect(slope((max + 3) * step)).toBe(0);
  });

  test("is finite at the thresholds, and the same from both sides", () => {
    const f: DiscreteFunction = { kind: "rounding", step: 1, min: 0, max: 3 };
    const [below, at, above] = slopes(f, regularized(0.3), 1.49, 1.5, 1.51);
    expect(at).toBeLessThan(10);
    expect(at).toBeCloseTo(below!, 4);
    expect(at).toBeCloseTo(above!, 4);
  });
});

test("the result may be written over the gradient that came", () => {
  const x = Float32Array.of(-0.3, 0.1, 0.8, 7);
  for (const surrogate of [
    STRAIGHT,
    ewgs(0.3),
    { kind: "regularized", noise: "normal", sigma: 0.5 } as const,
  ])
    for (const f of [
      { kind: "rounding", step: 0.5, min: 0, max: 3 } as const,
      { kind: "sign", window: 1 } as const,
      { kind: "relu", window: 1 } as const,
    ]) {
      const dy = Float32Array.of(1, -2, 3, 4);
      const expected = surrogateGradient(x, dy, f, surrogate);
      expect(surrogateGradient(x, dy, f, surrogate, dy)).toBe(dy);
      expect(dy).toEqual(expected);
    }
});

test("channels with steps of their own: arguments in steps give the same gradient", () => {
  const x = Float32Array.of(-0.3, 0.1, 0.8, 7);
  const dy = Float32Array.of(1, -2, 3, 4);
  for (const surrogate of [
    STRAIGHT,
    ewgs(0.3),
    { kind: "regularized", noise: "uniform", sigma: 0.5 } as const,
  ])
    expect(
      surrogateGradient(
        x.map((v) => v * 4),
        dy,
        { kind: "rounding", step: 1, min: -8, max: 7 },
        surrogate,
      ),
    ).toEqual(surrogateGradient(x, dy, { kind: "rounding", step: 0.25, min: -8, max: 7 }, surrogate));
});
