// Folded thresholds against the definition of every level, in exact arithmetic over all sums of a range.
import { describe, expect, test } from "vitest";
import type { FrozenFormat } from "../../../graph/trained-graph.ts";
import { integerRange } from "../../../support/fixed-point.ts";
import { createRandom } from "../../../support/random.ts";
import { biasConstants, foldThresholds, type NormConstants } from "../../../train/thresholds.ts";

/** The double as numerator / 2^1100: wide enough for every float32 and for products of two of them. */
const UNIT = 1100n;
function exactly(value: number): bigint {
  let exponent = 0;
  let x = value;
  while (!Number.isInteger(x)) {
    x *= 2;
    exponent++;
  }
  return BigInt(x) << (UNIT - BigInt(exponent));
}

/** floor(y * 2^F + 1/2) saturated, or y >= 0, by exact evaluation of the batch-norm. */
function plainLevel(
  sum: number,
  u: number,
  fraction: number,
  norm: NormConstants,
  format: FrozenFormat,
  sign: boolean,
): number {
  const value = exactly(sum * 2 ** -fraction);
  const slope = exactly(norm.gain[u]! * norm.inverse[u]!);
  const y = ((slope * (value - exactly(norm.mean[u]!))) >> UNIT) + exactly(norm.shift[u]!);
  if (sign) return y >= 0n ? 1 : 0;
  const one = 1n << UNIT;
  const f = format.fraction as number;
  const scaled = (f >= 0 ? y << BigInt(f) : y >> BigInt(-f)) + one / 2n;
  // BigInt shifts round downwards, which is the floor.
  const rounded = Number(scaled >> UNIT);
  const { min, max } = integerRange(format.width, format.signed);
  return Math.max(min, Math.min(max, rounded));
}

const random = createRandom("thresholds");
const floats = (count: number, make: () => number): Float32Array =>
  Float32Array.from({ length: count }, make);

function randomNorm(units: number, size: number): NormConstants {
  return {
    gain: floats(units, () => 2 ** (random.normal() * 2)),
    inverse: floats(units, () => 2 ** random.normal() / size),
    mean: floats(units, () => random.normal() * size),
    shift: floats(units, () => random.normal()),
  };
}

const int = (signed: boolean, width: number, fraction: number): FrozenFormat => ({
  kind: "int",
  signed,
  width,
  fraction,
});
const BIPOLAR: FrozenFormat = { kind: "bipolar", signed: false, width: 1, fraction: 0 };

function expectExact(
  norm: NormConstants,
  fraction: number | readonly number[],
  format: FrozenFormat,
  decision: "rounding" | "sign",
  reach: number,
): void {
  const entry = foldThresholds({ norm, fraction, format, decision });
  const units = norm.gain.length;
  expect(entry.thresholds.length).toBe(units * entry.levels);
  for (let u = 0; u < units; u++) {
    const own = entry.thresholds.slice(u * entry.levels, (u + 1) * entry.levels);
    expect(own).toEqual(own.toSorted((a, b) => a - b));
    const f = typeof fraction === "number" ? fraction : fraction[u]!;
    // Everywhere in reach, and next to each threshold.
    const sums = new Set(own.flatMap((t) => [t - 1, t, t + 1]));
    for (let sum = -reach; sum <= reach; sum++) sums.add(sum);
    for (const sum of sums) {
      const level = entry.base + own.filter((t) => sum >= t).length;
      if (level !== plainLevel(sum, u, f, norm, format, decision === "sign"))
        expect.fail(`unit ${u}, sum ${sum}: ${level}`);
    }
  }
}

describe("folded thresholds decide as the definition does", () => {
  test.each([1, 2, 3, 4])("for unsigned formats of %i bits", (width) => {
    for (const [fraction, out] of [
      [4, width],
      [0, 0],
      [-2, 1],
      [9, -1],
    ] as const)
      expectExact(randomNorm(8, 2 ** (6 - fraction)), fraction, int(false, width, out), "rounding", 200);
  });
  test.each([2, 3, 4])("for signed formats of %i bits, whose base is the least mantissa", (width) => {
    const format = int(true, width, width - 1);
    expectExact(randomNorm(8, 8), 4, format, "rounding", 300);
    const entry = foldThresholds({ norm: randomNorm(1, 1), fraction: 0, format, decision: "rounding" });
    expect(entry).toMatchObject({ base: -(2 ** (width - 1)), levels: 2 ** width - 1 });
  });
  test("for sign and step", () => {
    expectExact(randomNorm(12, 8), 4, BIPOLAR, "sign", 300);
    expectExact(randomNorm(12, 8), 4, int(false, 1, 0), "sign", 300);
  });
  test("with a fraction for each unit", () => {
    expectExact(randomNorm(4, 8), [4, 2, 0, 5], int(false, 3, 2), "rounding", 300);
  });
  test("on ties: constants for which many sums lie exactly on a bound", () => {
    const norm: NormConstants = {
      gain: Float32Array.of(0.5, 3, 1, 0.75),
      inverse: Float32Array.of(1, 0.5, 2, 2 / 3),
      mean: Float32Array.of(0.25, -3, 0, 1),
      shift: Float32Array.of(0.125, 0.5, -0.5, 0),
    };
    expectExact(norm, 3, int(false, 4, 3), "rounding", 400);
    expectExact(norm, 3, int(true, 4, 3), "rounding", 400);
    expectExact(norm, 3, BIPOLAR, "sign", 400);
  });
});

describe("by hand", () => {
  test("sums that have a bias alone", () => {
    // y = sum / 4 + 1: levels from 1/2, 3/2, 5/2.
    const norm = biasConstants(Float32Array.of(1));
    const fold = (format: FrozenFormat, decision: "rounding" | "sign") =>
      foldThresholds({ norm, fraction: 2, format, decision });
    expect(fold(int(false, 2, 0), "rounding")).toEqual({
      kind: "threshold",
      base: 0,
      levels: 3,
      thresholds: [-2, 2, 6],
    });
    expect(fold(BIPOLAR, "sign")).toMatchObject({ base: 0, levels: 1, thresholds: [-4] });
    // From -3/2, -1/2, 1/2.
    expect(fold(int(true, 2, 0), "rounding")).toMatchObject({
      base: -2,
      levels: 3,
      thresholds: [-10, -6, -2],
    });
  });
  test("a unit that is off for every sum has thresholds out of reach, within 48 bits or the range that is given", () => {
    const norm: NormConstants = {
      gain: Float32Array.of(2 ** -100, 2 ** -100),
      inverse: Float32Array.of(1, 1),
      mean: Float32Array.of(0, 0),
      shift: Float32Array.of(-1, 1),
    };
    const request = { norm, fraction: 0, format: BIPOLAR, decision: "sign" } as const;
    expect(foldThresholds(request).thresholds).toEqual([2 ** 47 - 1, -(2 ** 47)]);
    expect(foldThresholds({ ...request, range: { min: -40, max: 51 } }).thresholds).toEqual([51, -40]);
  });
  test("constants that are as small as float32 has them stay exact", () => {
    const least = 2 ** -149;
    const norm: NormConstants = {
      gain: Float32Array.of(1),
      inverse: Float32Array.of(1),
      mean: Float32Array.of(least),
      shift: Float32Array.of(0),
    };
    // Just above 0: the sum 0 is not enough.
    const sign = { fraction: 0, format: BIPOLAR, decision: "sign" } as const;
    expect(foldThresholds({ ...sign, norm }).thresholds).toEqual([1]);
    // 2^-125 / (3 * 2^-149) is 2^24 / 3 = 5592405.33.
    const slow = { ...norm, gain: Float32Array.of(3 * least), shift: Float32Array.of(-(2 ** -125)) };
    expect(foldThresholds({ ...sign, norm: { ...slow, mean: norm.shift } }).thresholds).toEqual([5592406]);
  });
  test("a gain of 0 has no threshold", () => {
    const norm = { ...biasConstants(Float32Array.of(1)), gain: Float32Array.of(0) };
    expect(() => foldThresholds({ norm, fraction: 0, format: BIPOLAR, decision: "sign" })).toThrow(/gain/);
  });
});
