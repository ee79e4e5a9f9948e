// Multiply-and-shift against the levels of every integer of a range.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { affine, functionOf } from "../../../../lower/exact/chain.ts";
import { quantizerLevels } from "../../../../lower/exact/levels.ts";
import { multiplyShift, multiplyShifts } from "../../../../lower/exact/multipliers.ts";
import { thresholdsOf } from "../../../../lower/exact/search.ts";
import { ratio, rationalOf } from "../../../../support/rational.ts";

interface Case {
  readonly gain: number;
  readonly offset: number;
  readonly bits: number;
  readonly min: number;
  readonly size: number;
}

function rowOf({ gain, offset, bits, min, size }: Case) {
  const levels = quantizerLevels({
    kind: "int",
    scale: Float64Array.of(1),
    zeroPoint: Float64Array.of(0),
    least: -(2 ** (bits - 1)),
    greatest: 2 ** (bits - 1) - 1,
    rounding: "ROUND",
  });
  const f = functionOf([affine([rationalOf(gain)], [rationalOf(offset)])], 0);
  const range = { min, max: min + size };
  const thresholds = thresholdsOf(f, levels.count, (k) => levels.boundary(0, k), range);
  return { levels, range, thresholds };
}

const cases = fc.record({
  gain: fc.float({ min: Math.fround(0.001), max: 4, noNaN: true }),
  offset: fc.float({ min: -20, max: 20, noNaN: true }),
  bits: fc.integer({ min: 5, max: 8 }),
  min: fc.integer({ min: -4000, max: 500 }),
  size: fc.integer({ min: 0, max: 4000 }),
});

describe("multiply and shift", () => {
  test("give the level of every integer of the range", () => {
    let found = 0;
    fc.assert(
      fc.property(cases, (one) => {
        const { levels, range, thresholds } = rowOf(one);
        const constants = multiplyShift(thresholds, levels.least, one.gain, range);
        if (!constants) return;
        found++;
        const { multiplier, offset, shift } = constants;
        let reached = 0;
        for (let x = range.min; x <= range.max; x++) {
          while (reached < thresholds.length && thresholds[reached]! <= x) reached++;
          const value = Number((BigInt(x) * BigInt(multiplier) + BigInt(offset)) >> BigInt(shift));
          const clamped = Math.min(levels.least + levels.count, Math.max(levels.least, value));
          if (clamped !== levels.least + reached) expect([x, clamped]).toEqual([x, levels.least + reached]);
        }
      }),
      { numRuns: 120, seed: 3 },
    );
    // Random floats make no ties, and then there are constants.
    expect(found).toBeGreaterThan(115);
  });

  test("are not found where ties go both ways", () => {
    // n/2 to even: 1 to 0, but 3 to 2.
    const { levels, thresholds, range } = rowOf({ gain: 0.5, offset: 0, bits: 6, min: -50, size: 100 });
    expect(multiplyShift(thresholds, levels.least, 0.5, range)).toBeNull();
  });

  test("share a shift where they can", () => {
    const gains = [0.013, 0.4, 1.7];
    const rows = gains.map((gain) => rowOf({ gain, offset: 0.3, bits: 8, min: -2000, size: 4000 }));
    const found = multiplyShifts(
      (c) => rows[c]!.thresholds,
      -128,
      gains,
      rows.map((row) => row.range),
    )!;
    expect(new Set(found.map(({ shift }) => shift)).size).toBe(1);
  });

  test("of a constant channel are the constant", () => {
    const thresholds = [-9, -9, 10, 10];
    const found = multiplyShift(thresholds, 0, 0, { min: -9, max: 9 });
    expect(found).toEqual({ multiplier: 0, offset: 2, shift: 0 });
    expect(rationalOf(0.5)).toEqual(ratio(1, 2));
  });
});
