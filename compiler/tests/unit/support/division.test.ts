// Constants of divisions against the quotient, integer by integer.
import { describe, expect, it } from "vitest";
import { exactDivision } from "../../../support/division.ts";
import { type Range, shiftRound } from "../../../support/fixed-point.ts";

/** floor(x / n + 1/2) on integers. */
const rounded = (x: number, n: number): number => {
  const doubled = 2 * x + n;
  return (doubled - (((doubled % (2 * n)) + 2 * n) % (2 * n))) / (2 * n);
};

function firstWrong(range: Range, divisor: number): number | null {
  const { multiplier, shift, offset } = exactDivision(range, divisor);
  for (let x = range.min; x <= range.max; x++)
    if (shiftRound(x * multiplier + offset, shift) !== rounded(x, divisor)) return x;
  return null;
}

describe("exactDivision", () => {
  it("is exact for every sum of small elements, divisors 1 to 1024", () => {
    for (let n = 1; n <= 1024; n++)
      for (const range of [
        { min: 0, max: 3 * n },
        { min: -4 * n, max: 3 * n },
      ])
        expect(firstWrong(range, n), `${range.min} to ${range.max} by ${n}`).toBeNull();
  });

  it("is exact for ranges of any place", () => {
    for (const n of [1, 2, 3, 5, 7, 9, 12, 16, 25, 49, 100, 121])
      for (const [min, max] of [
        [0, 0],
        [-1, 0],
        [5, 6],
        [-1000, -990],
        [997, 5003],
        [-8000, 8000],
        [-3, 255 * n],
      ] as const)
        expect(firstWrong({ min, max }, n), `${min} to ${max} by ${n}`).toBeNull();
  });

  it("is a shift alone for powers of two", () => {
    for (let shift = 0; shift <= 10; shift++)
      expect(exactDivision({ min: -(2 ** 20), max: 2 ** 20 }, 2 ** shift)).toEqual({
        multiplier: 1,
        shift,
        offset: 0,
      });
  });

  it("holds at the ends of the quotients of wide sums", () => {
    for (const n of [3, 49, 12544, 50175]) {
      const range = { min: -32768 * n, max: 32767 * n };
      const { multiplier, shift, offset } = exactDivision(range, n);
      const quotient = (x: bigint): bigint =>
        (x * BigInt(multiplier) + BigInt(offset) + (1n << BigInt(shift - 1))) >> BigInt(shift);
      let wrong = 0;
      for (let q = -32767; q <= 32766; q += 13) {
        const first = BigInt(q) * BigInt(n) - BigInt(n) / 2n;
        if (quotient(first) !== BigInt(q) || quotient(first - 1n) !== BigInt(q) - 1n) wrong++;
      }
      expect(wrong).toBe(0);
    }
  });
});
