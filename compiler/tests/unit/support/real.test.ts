// Values of curves against digits of their own: comparisons right next to the number, at its limits, and behind roots.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  minus,
  plus,
  powerOfTwo,
  type Rational,
  ratio,
  rationalOf,
  ZERO,
} from "../../../support/rational.ts";
import { type Curve, compareReals, curveAt, isSurd, scaled } from "../../../support/real.ts";
import { inverseRoot, product } from "../../../support/surd.ts";

/** 60 digits of each. */
const E_INVERSE = ratio(367879441171442321595523770161460867445811131031767834507836n, 10n ** 60n);
const SIGMOID_OF_ONE = ratio(731058578630004879251159241821836274365144640165056519276365n, 10n ** 60n);
const DIGIT = ratio(1n, 10n ** 58n);

const between = (curve: Curve, x: Rational, near: Rational): readonly number[] => {
  const value = curveAt(curve, x);
  return [compareReals(value, minus(near, DIGIT)), compareReals(value, plus(near, DIGIT))];
};

describe("a curve's value", () => {
  test("lies where its digits say", () => {
    expect(between("elu", ratio(-1), minus(E_INVERSE, ratio(1)))).toEqual([1, -1]);
    expect(between("sigmoid", ratio(1), SIGMOID_OF_ONE)).toEqual([1, -1]);
    expect(between("sigmoid", ratio(-1), minus(ratio(1), SIGMOID_OF_ONE))).toEqual([1, -1]);
  });

  test("is a rational at 0, and of an elu above it", () => {
    expect(curveAt("sigmoid", ZERO)).toEqual(ratio(1, 2));
    expect(curveAt("elu", ratio(5, 3))).toEqual(ratio(5, 3));
    expect(isSurd(curveAt("elu", ratio(-5, 3)))).toBe(false);
  });

  test("never is the limit that it comes near to", () => {
    for (const x of [50, 1e6, 1e12].map(rationalOf)) {
      expect(compareReals(curveAt("sigmoid", x), ratio(1))).toBe(-1);
      expect(compareReals(curveAt("sigmoid", minus(ZERO, x)), ZERO)).toBe(1);
      expect(compareReals(curveAt("elu", minus(ZERO, x)), ratio(-1))).toBe(1);
      expect(compareReals(scaled(curveAt("sigmoid", x), ratio(-3), ratio(2)), ratio(-1))).toBe(1);
    }
    expect(compareReals(curveAt("sigmoid", ratio(50)), minus(ratio(1), powerOfTwo(-60)))).toBe(1);
    expect(compareReals(curveAt("sigmoid", ratio(40)), minus(ratio(1), powerOfTwo(-60)))).toBe(-1);
  });

  test("agrees with doubles where these are far from the bound", () => {
    const small = fc.double({ noNaN: true, min: -30, max: 30 });
    fc.assert(
      fc.property(small, small, fc.constantFrom<Curve>("sigmoid", "elu"), fc.nat(), (x, gain, curve, n) => {
        // A root in the argument and in the gain.
        const root = inverseRoot(ratio(1 + (n % 7), 3));
        const size = Math.sqrt(3 / (1 + (n % 7)));
        const value = scaled(
          curveAt(curve, product(root, rationalOf(x))),
          product(root, rationalOf(gain)),
          ratio(1, 7),
        );
        const of = x * size;
        const plain = curve === "sigmoid" ? 1 / (1 + Math.exp(-of)) : of < 0 ? Math.expm1(of) : of;
        const near = plain * gain * size + 1 / 7;
        const distance = 1e-9 * Math.max(1, Math.abs(near));
        expect(compareReals(value, rationalOf(near - distance))).toBe(1);
        expect(compareReals(value, rationalOf(near + distance))).toBe(-1);
      }),
      { numRuns: 300, seed: 4 },
    );
  });
});
