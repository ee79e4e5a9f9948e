// The pool of noise samples, how fast steps and prices move, and how far a run says it is.
import { describe, expect, test } from "vitest";
import { createNoisePool } from "../../../train/noise.ts";
import { createPace } from "../../../train/pace.ts";
import { epochsOf, FINISHING_ROUND, nextPenalty, quantizerRate } from "../../../train/schedule.ts";
import { chainGraph, spec, UNSIGNED } from "./small-data.ts";

/** Element by element, as far as the first goes: a matcher takes seconds for a million. */
const sameValues = (a: Float32Array, b: Float32Array): boolean => a.every((x, i) => x === b[i]);

describe("the noise pool", () => {
  const pool = createNoisePool(7);
  test("is uniform in [-1/2, 1/2): mean 0, variance 1/12, no correlation of neighbours", () => {
    const u = pool.samples(500_000, "any");
    let mean = 0;
    let variance = 0;
    let correlation = 0;
    let least = 1;
    let most = -1;
    u.forEach((x, i) => {
      mean += x / u.length;
      variance += (x * x) / u.length;
      correlation += (x * (u[i + 1] ?? 0)) / u.length;
      least = Math.min(least, x);
      most = Math.max(most, x);
    });
    expect(mean).toBeCloseTo(0, 2);
    expect(variance * 12).toBeCloseTo(1, 2);
    expect(correlation * 12).toBeCloseTo(0, 2);
    expect(least).toBeGreaterThanOrEqual(-0.5);
    expect(most).toBeLessThan(0.5);
  });
  test("depends on seed and purpose alone", () => {
    const again = createNoisePool(7);
    expect(again.samples(64, "w", 3, 4)).toEqual(pool.samples(64, "w", 3, 4));
    expect(again.samples(64, "w", 3, 5)).not.toEqual(pool.samples(64, "w", 3, 4));
    expect(createNoisePool(8).samples(64, "w", 3, 4)).not.toEqual(pool.samples(64, "w", 3, 4));
  });
  test("serves tensors that are larger than itself", () => {
    const u = pool.samples(5_000_000, "large");
    expect(u.length).toBe(5_000_000);
    expect(u.subarray(4_990_000).some((x) => x !== 0)).toBe(true);
    expect(sameValues(u.subarray(1 << 21, 1 << 22), u)).toBe(true);
  });
  test("has no end for a tensor that is smaller: it goes on with its beginning", () => {
    const whole = pool.samples(1 << 22, "all");
    for (let k = 0; k < 4; k++) {
      const part = pool.samples(1 << 20, "part", k);
      let at = whole.indexOf(part[0]!);
      while (at >= 0 && !sameValues(part, whole.subarray(at))) at = whole.indexOf(part[0]!, at + 1);
      expect(at).toBeGreaterThanOrEqual(0);
    }
  });
});

describe("the schedule", () => {
  test("lets the steps travel as far in few updates as in many", () => {
    expect(quantizerRate(200) * 200).toBeGreaterThanOrEqual(10);
    expect(quantizerRate(100_000)).toBe(0.01);
  });
  test("raises the price of bits above a limit and lowers it below", () => {
    expect(nextPenalty(0.1, 0.6, 100)).toBeGreaterThan(0.1);
    expect(nextPenalty(0.1, -0.4, 100)).toBeLessThan(0.1);
    expect(nextPenalty(0.1, 0, 100)).toBeCloseTo(0.1, 12);
    // An excess counts as 1 at most, and the price stays in its range.
    expect(nextPenalty(0.1, 50, 100)).toBe(nextPenalty(0.1, 1, 100));
    let price = 0.1;
    for (let i = 0; i < 1000; i++) price = nextPenalty(price, 1, 10);
    expect(price).toBe(10);
  });
  const training = spec(chainGraph([4], UNSIGNED, [3]), { epochs: { float: 5, noise: 7, rounding: 10 } });
  test("gives the noise phase's epochs to the rounding phase when every width is given", () => {
    expect([epochsOf(training, "noise", 0, true), epochsOf(training, "rounding", 0, true)]).toEqual([0, 17]);
    expect([epochsOf(training, "noise", 0, false), epochsOf(training, "rounding", 0, false)]).toEqual([
      7, 10,
    ]);
  });
  test("gives the baseline as many epochs as the quantized network, and a search no more in all its rounds", () => {
    expect(epochsOf(training, "baseline", 0, false)).toBe(22);
    const search = { ...training, objective: { kind: "lossless", epsilon: null } } as const;
    const rounds = Array.from({ length: FINISHING_ROUND + 1 }, (_, round) =>
      epochsOf(search, "rounding", round, false),
    );
    expect(rounds).toEqual([2, 1, 1, 6]);
    const long = { ...search, epochs: { float: 5, noise: 7, rounding: 100 } };
    expect([0, 1, 2, 3].map((round) => epochsOf(long, "rounding", round, false))).toEqual([20, 10, 10, 60]);
  });
});

describe("the pace", () => {
  const training = spec(chainGraph([4], UNSIGNED, [3]), { epochs: { float: 2, noise: 2, rounding: 2 } });
  test("goes from 0 to 1 over all phases, and time left is what steps took so far", () => {
    let time = 0;
    const pace = createPace(training, 10, false, () => time);
    expect(pace("baseline", 0, 0)).toEqual({ fraction: 0, etaSeconds: null });
    time = 6000;
    const half = pace("baseline", 0, 60);
    expect(half.etaSeconds! / 6).toBeCloseTo((1 - half.fraction) / half.fraction, 6);
    const fractions = [pace("float", 0, 20), pace("noise", 0, 20), pace("rounding", 0, 19)].map(
      (p) => p.fraction,
    );
    expect(fractions.toSorted((a, b) => a - b)).toEqual(fractions);
    expect(pace("rounding", 0, 20)).toEqual({ fraction: 1, etaSeconds: 0 });
    expect(createPace(training, 10, false)("noise", 0, 3).etaSeconds).toBeNull();
  });
  test("of a search counts all its rounds", () => {
    const search = { ...training, objective: { kind: "lossless", epsilon: null } } as const;
    const pace = createPace(search, 10, false);
    expect(pace("rounding", 0, 10).fraction).toBeLessThan(0.95);
    expect(pace("rounding", FINISHING_ROUND, 10).fraction).toBe(1);
  });
});
