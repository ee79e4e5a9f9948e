import { describe, expect, test } from "vitest";
import { createNoisePool } from "../../../train/noise.ts";
import { nextPenalty, quantizerRate } from "../../../train/schedule.ts";

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
  });
});

describe("the schedule", () => {
  test("lets the steps travel as far in few updates as in many", () => {
    expect(quantizerRate(200) * 200).toBeGreaterThanOrEqual(10);
    expect(quantizerRate(100_000)).toBe(0.01);
  });
  test("raises the price of bits above the budget and lowers it below", () => {
    expect(nextPenalty(0.1, 300, 200, 100)).toBeGreaterThan(0.1);
    expect(nextPenalty(0.1, 150, 200, 100)).toBeLessThan(0.1);
    expect(nextPenalty(10, 300, 200, 100)).toBe(10);
  });
});
