// Exact rationals against hand-made values and the algebra of fractions.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ceilingOf,
  commonUnit,
  compare,
  exponentOf,
  floorOf,
  minus,
  over,
  plus,
  powerOfTwo,
  ratio,
  rationalOf,
  rationalText,
  times,
  toNumber,
} from "../../../support/rational.ts";
import { approximately, inverseRoot, product, signOf, sum } from "../../../support/surd.ts";

const doubles = fc.double({ noNaN: true, noDefaultInfinity: true });

describe("rationals", () => {
  test("are doubles, exactly, and back", () => {
    for (const value of [
      0,
      1,
      -1,
      0.1,
      -0.1,
      1e300,
      5e-324,
      -1.7976931348623157e308,
      2 ** -1074,
      2 ** 60 + 2 ** 20,
    ])
      expect(toNumber(rationalOf(value))).toBe(value);
    fc.assert(
      fc.property(doubles, (value) => {
        expect(toNumber(rationalOf(value))).toBe(value === 0 ? 0 : value);
      }),
      { numRuns: 300, seed: 1 },
    );
    expect(rationalOf(0.75)).toEqual(ratio(3, 4));
    expect(() => rationalOf(Number.NaN)).toThrow("finite");
  });

  test("add, multiply, divide and compare", () => {
    expect(plus(ratio(1, 6), ratio(1, 10))).toEqual(ratio(4, 15));
    expect(minus(ratio(1, 6), ratio(1, 6))).toEqual(ratio(0));
    expect(times(ratio(-2, 3), ratio(9, 4))).toEqual(ratio(-3, 2));
    expect(over(ratio(1, 3), ratio(-2, 3))).toEqual(ratio(-1, 2));
    expect([compare(ratio(1, 3), ratio(2, 6)), compare(ratio(-1, 2), ratio(1, 3))]).toEqual([0, -1]);
  });

  test("have floors and ceilings on both sides of 0", () => {
    const halves = [-3, -2, -1, 0, 1, 2, 3].map((n) => ratio(n, 2));
    expect(halves.map((h) => Number(floorOf(h)))).toEqual([-2, -1, -1, 0, 0, 1, 1]);
    expect(halves.map((h) => Number(ceilingOf(h)))).toEqual([-1, -1, 0, 0, 1, 1, 2]);
  });

  test("know powers of two and common units", () => {
    for (const e of [-70, -1, 0, 1, 70]) expect(exponentOf(powerOfTwo(e))).toBe(e);
    expect([ratio(3), ratio(-2), ratio(0), ratio(1, 6)].map(exponentOf)).toEqual([null, null, null, null]);
    expect(commonUnit(ratio(3, 4), ratio(-1, 2))).toEqual(ratio(1, 4));
    expect(commonUnit(ratio(0), ratio(-2, 3))).toEqual(ratio(2, 3));
    expect([rationalText(ratio(-3, 2)), rationalText(ratio(5)), rationalText(rationalOf(0.1))]).toEqual([
      "-3/2",
      "5",
      "0.1",
    ]);
  });
});

describe("roots", () => {
  test("are near the doubles', and have the sign of what is left of them", () => {
    const positive = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(positive, positive, fc.integer({ min: -9, max: 9 }), (a, b, n) => {
        const [x, y] = [inverseRoot(rationalOf(a)), inverseRoot(rationalOf(b))];
        expect(approximately(x) * Math.sqrt(a)).toBeCloseTo(1, 12);
        const all = sum(product(x, y), sum(x, product(y, ratio(n))));
        const near = approximately(x) * approximately(y) + approximately(x) + n * approximately(y);
        const size = approximately(x) * approximately(y) + approximately(x) + 9 * approximately(y);
        if (Math.abs(near) > size * 1e-9) expect(signOf(all)).toBe(Math.sign(near));
        // The root times itself is the number's inverse: nothing is lost.
        expect(signOf(sum(times1(x, a), ratio(-1)))).toBe(0);
      }),
      { numRuns: 100, seed: 2 },
    );
  });
});

/** x * x * a, which is 1. */
function times1(x: ReturnType<typeof inverseRoot>, a: number): ReturnType<typeof inverseRoot> {
  return product(product(x, x), rationalOf(a));
}
