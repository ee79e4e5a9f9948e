// The arithmetic that simulator and training share, against hand-written tables: an error here would fool the
// comparison between back ends.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { integerRange, quantize, saturate, shiftRound, widthOfRange } from "../../../support/fixed-point.ts";

describe("shiftRound", () => {
  it.each([
    [5, 1, 3, 2, 2],
    [-5, 1, -2, -3, -2],
    [7, 2, 2, 1, 2],
    [6, 2, 2, 1, 2],
    [-6, 2, -1, -2, -2],
    [2, 2, 1, 0, 0],
    [-2, 2, 0, -1, 0],
    [-3, 2, -1, -1, -1],
    [1, 60, 0, 0, 0],
    [-1, 60, 0, -1, 0],
    [3, -2, 12, 12, 12],
    [0, 3, 0, 0, 0],
  ])("%i by %i", (value, shift, halfUp, truncate, halfEven) => {
    expect(shiftRound(value, shift, "half-up")).toBe(halfUp);
    expect(shiftRound(value, shift, "truncate")).toBe(truncate);
    expect(shiftRound(value, shift, "half-even")).toBe(halfEven);
  });
  it("equals (x + half) >> shift in BigInt over 48 bits", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(1n << 47n), max: (1n << 47n) - 1n }),
        fc.integer({ min: 1, max: 60 }),
        (x, s) => {
          const expected = (x + (1n << BigInt(s - 1))) >> BigInt(s);
          expect(shiftRound(Number(x), s)).toBe(Number(expected));
        },
      ),
    );
  });
});

describe("ranges", () => {
  it.each([
    [8, true, -128, 127],
    [1, true, -1, 0],
    [1, false, 0, 1],
    [16, false, 0, 65535],
  ])("of %i bits, signed %s", (width, signed, min, max) => {
    expect(integerRange(width, signed)).toEqual({ min, max });
    expect(widthOfRange({ min, max }, signed)).toBe(width);
    expect(saturate(max + 1, { min, max })).toBe(max);
    expect(saturate(min - 1, { min, max })).toBe(min);
  });
});

describe("quantize", () => {
  it("rounds half up and saturates", () => {
    const range = integerRange(4, true);
    expect([0.5, -0.5, 1.49, -1.5, 100, -100].map((v) => quantize(v, 0, range))).toEqual([
      1, 0, 1, -1, 7, -8,
    ]);
    expect(quantize(0.3, 3, range)).toBe(2);
  });
});
