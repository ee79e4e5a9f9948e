import { describe, expect, test } from "vitest";
import { adamUpdate, createAdam } from "../../../train/adam.ts";
import { createBatches, roundSamples } from "../../../train/batches.ts";
import { crossEntropy } from "../../../train/cross-entropy.ts";
import { createNoisePool } from "../../../train/noise.ts";
import { nextPenalty, quantizerRate, weightRate } from "../../../train/schedule.ts";
import { clouds, SIGNED, UNSIGNED } from "./small-data.ts";

test("Adam follows the published recurrence", () => {
  const p = { a: Float32Array.of(1, -2, 0.5), b: Float32Array.of(3) };
  const state = createAdam(p);
  const reference = [1, -2, 0.5].map((x) => ({ x, m: 0, v: 0 }));
  for (let t = 1; t <= 50; t++) {
    const g = reference.map((_, i) => Math.sin(t * (i + 1)) + 0.1 * i);
    adamUpdate(p, { a: Float32Array.from(g) }, state, () => 0.01);
    reference.forEach((r, i) => {
      r.m = 0.9 * r.m + 0.1 * g[i]!;
      r.v = 0.999 * r.v + 0.001 * g[i]! ** 2;
      r.x -= (0.01 * (r.m / (1 - 0.9 ** t))) / (Math.sqrt(r.v / (1 - 0.999 ** t)) + 1e-8);
    });
  }
  reference.forEach((r, i) => {
    expect(p.a[i]).toBeCloseTo(r.x, 4);
  });
  expect([...p.b], "no gradient, no update").toEqual([3]);
});

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

describe("batches", () => {
  const samples = clouds(50, [3, 2, 2], 5, UNSIGNED, 3);
  const settings = { seed: 1, batch: 10, shiftPixels: 0, fraction: 8 };
  test("visit every sample once in each pass over the data, in another order each epoch", () => {
    const batches = createBatches(samples, settings);
    const rowsOf = (epoch: number): string[] =>
      [0, 1, 2, 3, 4].flatMap((step) => {
        const { count, inputs } = batches.batch("noise", epoch, step);
        return Array.from({ length: count }, (_, r) => inputs.slice(r * 12, r * 12 + 12).join());
      });
    const all = Array.from({ length: 50 }, (_, r) =>
      Float32Array.from(samples.inputs.subarray(r * 12, r * 12 + 12), (m) => m / 256).join(),
    );
    expect(rowsOf(0).toSorted()).toEqual(all.toSorted());
    expect(rowsOf(1).toSorted()).toEqual(all.toSorted());
    expect(rowsOf(1)).not.toEqual(rowsOf(0));
  });
  test("shift images by whole pixels, channels together, and fill with zeros", () => {
    const one = {
      ...samples,
      count: 1,
      inputs: samples.inputs.slice(0, 12).fill(0),
      labels: Int32Array.of(0),
    };
    // One bright pixel, in the middle row and left column: channel values 10 and 20.
    one.inputs.set([10, 20], 2 * 2);
    const batches = createBatches(one, { ...settings, batch: 1, shiftPixels: 1, fraction: 0 });
    const seen = new Set<string>();
    for (let step = 0; step < 200; step++) seen.add(batches.batch("float", 0, step).inputs.join());
    const expected = new Set<string>();
    for (let y = 0; y < 3; y++)
      for (const x of [-1, 0, 1]) {
        const image = new Float32Array(12);
        if (x >= 0) image.set([10, 20], (y * 2 + x) * 2);
        expected.add(image.join());
      }
    expect(seen).toEqual(expected);
  });
  test("of a small set are enough for an epoch", () => {
    expect(createBatches(clouds(5, [4], 3, UNSIGNED, 1), settings).stepsPerEpoch).toBeGreaterThanOrEqual(20);
  });
  test("can be rounded beforehand", () => {
    const set = clouds(40, [4], 3, SIGNED, 1);
    const format = { signed: true, width: 3, fraction: 1 };
    const rounded = roundSamples(set, 5, format);
    set.inputs.forEach((m, i) => {
      expect(rounded.inputs[i]).toBe(Math.max(-4, Math.min(3, Math.floor(m / 16 + 0.5))));
    });
  });
});

test("cross entropy has the gradient of its numeric differences, and ties go to the first class", () => {
  const logits = [0.3, -1, 2, 0.5, 0.5, 0.1];
  const labels = Int32Array.of(2, 1);
  const gradient = new Float32Array(6);
  const { hits } = crossEntropy(logits, labels, 3, 1, gradient);
  expect(hits).toBe(1);
  for (let i = 0; i < 6; i++) {
    const moved = (d: number): number => crossEntropy(logits.with(i, logits[i]! + d), labels, 3).total / 2;
    expect(gradient[i]).toBeCloseTo((moved(1e-4) - moved(-1e-4)) / 2e-4, 5);
  }
});

describe("the schedule", () => {
  test("ends every phase slowly", () => {
    expect(weightRate("rounding", 1e-3, 99, 100)).toBeLessThan(5e-5);
    expect(weightRate("baseline", 1e-3, 99, 100)).toBeLessThan(5e-5);
    expect(weightRate("noise", 1e-3, 0, 100)).toBe(1e-3);
  });
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
