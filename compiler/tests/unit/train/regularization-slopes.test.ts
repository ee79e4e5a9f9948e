import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createKernel,
  createKernelTable,
  kernelTable,
  type NoiseKind,
} from "../../../train/regularization-kernel.ts";
import { type DiscreteFunction, regularizedSlope } from "../../../train/regularization-slopes.ts";
import { exponentialIntegral, normalCumulative } from "../../../train/regularization-special.ts";
import {
  BREAKS,
  densityOf,
  FUNCTIONS,
  integrate,
  integrateOver,
  meanSlope,
  type Nonlinearity,
} from "./regularization-integration.ts";

/** The functions as training has them; no argument here comes near the ends of the staircase. */
const TRAINED: Readonly<Record<Nonlinearity, DiscreteFunction>> = {
  step: { kind: "step", window: 1 },
  sign: { kind: "sign", window: 1 },
  relu: { kind: "relu", window: 1 },
  hardtanh: { kind: "hardtanh" },
  staircase: { kind: "rounding", step: 1, min: -60, max: 60 },
};

/** The slope that training multiplies by. */
function slopeOf(f0: Nonlinearity, noise: NoiseKind, sigma: number, cap?: number): (t: number) => number {
  const { scale, slope } = regularizedSlope(TRAINED[f0], kernelTable(noise, cap), sigma);
  return (t) => slope(t * scale);
}

/** What the tables may be off by: 2e-5 / sigma a step, of which about 2 + 12 sigma are in reach, or 1e-4 of a rise. */
const tolerance = (sigma: number): number => 3e-4 * Math.max(1, 1 / sigma);

const NAMES = Object.keys(FUNCTIONS) as Nonlinearity[];
const NOISES = ["normal", "uniform"] as const;
const CASES = NAMES.flatMap((f0) => NOISES.map((noise) => ({ f0, noise })));
const CAPPED: readonly Nonlinearity[] = ["step", "sign", "staircase"];
const runs = { seed: 7, numRuns: 60 };
const sigmas = fc.double({ min: 0.05, max: 3, noNaN: true });
const arguments_ = fc.double({ min: -6, max: 6, noNaN: true });

describe("special functions", () => {
  test.each([
    [0.5, 0.5597735947761608],
    [1, 0.2193839343955203],
    [2, 0.04890051070806112],
    [10, 4.156968929685324e-6],
  ])("E1(%d) is the table's", (x, value) => {
    expect(exponentialIntegral(x) / value).toBeCloseTo(1, 13);
  });

  test("E1 is the integral that it stands for", () => {
    for (const x of [1e-8, 0.001, 0.3, 1.49, 1.51, 3, 12]) {
      // u = x + v / (1 - v) maps the half line to [0, 1].
      const numeric = integrate((v) => Math.exp(-x - v / (1 - v)) / (x + v / (1 - v)) / (1 - v) ** 2, 0, 1);
      expect(exponentialIntegral(x) / numeric).toBeCloseTo(1, 10);
    }
  });
  test("E1 at the ends of its range", () => {
    expect(exponentialIntegral(0)).toBe(Number.POSITIVE_INFINITY);
    expect(exponentialIntegral(Number.POSITIVE_INFINITY)).toBe(0);
    expect(exponentialIntegral(-1)).toBeNaN();
  });
  test.each([
    [0, 0.5],
    [1, 0.8413447460685429],
    [1.96, 0.9750021048517795],
    [-3, 0.0013498980316300946],
    [-6, 9.86587645037698e-10],
  ])("the normal distribution at %d is the table's", (z, value) => {
    expect(normalCumulative(z) / value).toBeCloseTo(1, 12);
  });
  test("the normal distribution integrates its density, on both sides of the change of method", () => {
    for (const z of [0.1, 2.82, 2.83, 4])
      expect(normalCumulative(z)).toBeCloseTo(0.5 + integrate(densityOf("normal", 1).p, 0, z), 13);
  });
});

describe.each(CASES)("$f0 under $noise noise", ({ f0, noise }) => {
  const f = FUNCTIONS[f0];
  const breaks = BREAKS[f0];
  const isCapped = CAPPED.includes(f0);

  test("the slope is the mean of the difference quotient", () => {
    fc.assert(
      fc.property(sigmas, arguments_, (sigma, t) => {
        // Away from the cap, where the slope is the definition itself.
        fc.pre(!isCapped || breaks.every((b) => Math.abs(t - b) > 0.05 * sigma));
        const expected = meanSlope(f, breaks, densityOf(noise, sigma), t);
        expect(Math.abs(slopeOf(f0, noise, sigma)(t) - expected)).toBeLessThan(tolerance(sigma));
      }),
      runs,
    );
  });

  test("the integral of the slope is f0 smoothed by the kernel, less its value at 0", () => {
    fc.assert(
      fc.property(sigmas, arguments_, (sigma, x) => {
        const { density, reach } = createKernel(noise, sigma);
        const smoothed = (z: number): number => density(z) * (f(x + z) - f(z));
        const expected = integrateOver(smoothed, -reach, reach, [0, ...breaks, ...breaks.map((b) => b - x)]);
        const cap = 0.001;
        const splits = breaks.flatMap((b) => [-reach, -cap * sigma, 0, cap * sigma, reach].map((z) => b + z));
        const slope = slopeOf(f0, noise, sigma, cap);
        const numeric = Math.sign(x) * integrateOver(slope, Math.min(0, x), Math.max(0, x), splits);
        // The cap takes less than 0.001 of every step that is passed.
        const steps = isCapped ? 0.001 * (2 + Math.abs(x)) : 0;
        expect(Math.abs(numeric - expected)).toBeLessThan(steps + tolerance(sigma) * Math.abs(x) + 1e-7);
      }),
      { seed: 7, numRuns: 20 },
    );
  });

  test("the slope becomes that of f0 when the noise goes away", () => {
    const slope = slopeOf(f0, noise, 1e-4);
    for (const x of [-3.2, -1.7, -0.8, -0.2, 0.1, 0.45, 0.9, 1.3, 4])
      expect(slope(x)).toBeCloseTo((f(x + 0.01) - f(x - 0.01)) / 0.02, 6);
  });

  test("the slope is never negative, and symmetric", () => {
    fc.assert(
      fc.property(sigmas, arguments_, (sigma, t) => {
        const slope = slopeOf(f0, noise, sigma);
        expect(slope(t)).toBeGreaterThanOrEqual(0);
        // ReLU: the slopes of t and -t make 1.
        expect(slope(-t)).toBeCloseTo(f0 === "relu" ? 1 - slope(t) : slope(t), 9);
      }),
      runs,
    );
  });

  test("an argument that is no number, or infinite, ends", () => {
    const slope = slopeOf(f0, noise, 0.5);
    for (const t of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]) slope(t);
    for (const t of [1e300, -1e300, 5e-324, 0]) expect(slope(t)).toBeGreaterThanOrEqual(0);
  });
});

describe.each(NOISES)("the kernel of %s noise", (noise) => {
  test("has the mass 1 and a third of the variance", () => {
    for (const sigma of [0.2, 1, 7]) {
      const { density, reach } = createKernel(noise, sigma);
      expect(2 * integrate(density, 0, reach)).toBeCloseTo(1, 9);
      expect((2 * integrate((z) => z * z * density(z), 0, reach)) / sigma ** 2).toBeCloseTo(1 / 3, 7);
    }
  });

  test("is the mean slope of a step, and its integral that of a ReLU", () => {
    for (const sigma of [0.05, 0.4, 3])
      for (const t of [-6, -1.7, -0.3, -0.01, 0.02, 0.5, 1.1, 4]) {
        const { density, cumulative } = createKernel(noise, sigma);
        const drawn = densityOf(noise, sigma);
        expect(density(t)).toBeCloseTo(meanSlope(FUNCTIONS.step, [0], drawn, t), 8);
        expect(cumulative(t)).toBeCloseTo(meanSlope(FUNCTIONS.relu, [0], drawn, t), 8);
      }
  });

  test("is tabulated within 2e-5 of the density and 1e-4 of its integral, whatever the cap", () => {
    const { density, cumulative } = createKernel(noise, 1);
    for (const cap of [0.001, 0.05, 0.7, 1]) {
      const table = createKernelTable(noise, cap);
      let worst = 0;
      let worstSum = 0;
      for (let i = 1; i <= 20_000; i++) {
        // Many points in each of the widest-off cells behind the cap and behind 0, then all of the reach.
        const u = i < 10_000 ? cap * (1 + i / 6400) : i < 11_000 ? (i - 9999) * 1e-6 : (i - 11_000) * 8e-4;
        worst = Math.max(worst, Math.abs(table.density(-u) - density(Math.max(cap, u))));
        worstSum = Math.max(worstSum, Math.abs(table.cumulative(-u) - cumulative(-u)));
      }
      expect(worst).toBeLessThan(2e-5);
      expect(worstSum).toBeLessThan(1e-4);
    }
  });

  test("capped, gives what noise gives that is not smaller than the cap", () => {
    const sigma = 0.7;
    for (const cap of [0.05, 0.3]) {
      const slope = slopeOf("step", noise, sigma, cap);
      const inside = [0, 0.1, -0.4, 0.999].map((z) => slope(z * cap * sigma));
      expect(new Set(inside).size).toBe(1);
      for (const t of [0.01, 0.1, 0.5, -0.02])
        expect(slope(t)).toBeCloseTo(
          meanSlope(FUNCTIONS.step, [0], densityOf(noise, sigma), t, cap * sigma),
          4,
        );
      const { p, reach } = densityOf(noise, sigma);
      const kept = 2 * integrate(p, cap * sigma, reach);
      const splits = [-cap * sigma, 0, cap * sigma];
      expect(integrateOver(slope, -reach, reach, splits)).toBeCloseTo(kept, 4);
    }
  });

  test("the default cap keeps the documented part of a rise", () => {
    const { p, reach } = densityOf(noise, 1);
    expect(2 * integrate(p, 0.05, reach)).toBeCloseTo(noise === "normal" ? 0.96 : 0.971, 3);
  });
});

test("the kernel of standard normal noise sums up to noise is Phi(t) + t E1(t^2/2) / (2 sqrt(2 pi)), 1/2 at 0", () => {
  const { cumulative } = createKernel("normal", 1);
  expect(cumulative(0)).toBe(0.5);
  expect(cumulative(1e-200)).toBeCloseTo(0.5, 15);
  for (const t of [-2, -0.3, 1e-6, 0.7, 3]) {
    const formula =
      normalCumulative(t) + (t * exponentialIntegral(t * t * 0.5)) / (2 * Math.sqrt(2 * Math.PI));
    expect(cumulative(t)).toBeCloseTo(formula, 14);
  }
});

test("the staircase is the sum of shifted steps", () => {
  fc.assert(
    fc.property(fc.constantFrom(...NOISES), sigmas, arguments_, (noise, sigma, t) => {
      const step = slopeOf("step", noise, sigma);
      const staircase = slopeOf("staircase", noise, sigma);
      let sum = 0;
      for (let j = -40; j < 40; j++) sum += step(t - j - 0.5);
      expect(staircase(t)).toBeCloseTo(sum, 7);
      expect(staircase(t + 3)).toBeCloseTo(staircase(t), 7);
    }),
    runs,
  );
});

test("Laplace noise has the kernel E1(|t| / b) / 2b", () => {
  const b = 0.8;
  const laplace = { p: (n: number): number => Math.exp(-Math.abs(n) / b) / (2 * b), reach: 40 * b };
  for (const t of [-1.5, -0.1, 0.01, 0.6, 4])
    expect(meanSlope(FUNCTIONS.step, [0], laplace, t)).toBeCloseTo(
      exponentialIntegral(Math.abs(t) / b) / (2 * b),
      9,
    );
});

test("noise of plus or minus half a step makes the staircase's slope 1: the straight-through estimator", () => {
  fc.assert(
    fc.property(arguments_, (t) => {
      fc.pre(Math.abs(t * 2 - Math.round(t * 2)) > 1e-9);
      const f = FUNCTIONS.staircase;
      const quotient = (n: number): number => (f(t + n) - f(t)) / n;
      expect((quotient(0.5) + quotient(-0.5)) / 2).toBe(1);
    }),
    runs,
  );
});
