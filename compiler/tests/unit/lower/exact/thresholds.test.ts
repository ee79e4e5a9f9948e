// The search for thresholds against every integer of a range: chains that never fall, levels of every rounding.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { QuantRounding } from "../../../../graph/imported.ts";
import {
  affine,
  type Chain,
  directionOf,
  followedBy,
  functionOf,
  normStep,
} from "../../../../lower/exact/chain.ts";
import { quantizerLevels, rounded, roundingBoundary } from "../../../../lower/exact/levels.ts";
import { levelAt, thresholdsOf } from "../../../../lower/exact/search.ts";
import { ratio, rationalOf } from "../../../../support/rational.ts";
import { compareReals } from "../../../../support/real.ts";
import { compareSurds, inverseRoot, product, sum } from "../../../../support/surd.ts";
import { ROUNDINGS } from "./random-imported.ts";

const float = fc.float({ noNaN: true, noDefaultInfinity: true, min: -8, max: 8 }).map(Math.fround);
const positive = fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(0.01), max: 4 });
const rounding = fc.constantFrom<QuantRounding>(...ROUNDINGS);

const step = fc.oneof(
  fc
    .record({ gain: positive, offset: float })
    .map(({ gain, offset }): Chain => [affine([rationalOf(gain)], [rationalOf(offset)])]),
  fc
    .record({ scale: positive, bias: float, mean: float, variance: positive })
    .map(({ scale, bias, mean, variance }): Chain => {
      const one = (x: number): Float64Array => Float64Array.of(x);
      return [
        normStep({
          scale: one(scale),
          bias: one(bias),
          mean: one(mean),
          variance: one(variance),
          epsilon: 1e-5,
        }),
      ];
    }),
  fc.constant<Chain>([{ kind: "clamp", least: ratio(0), most: null }]),
  fc.constant<Chain>([{ kind: "clamp", least: ratio(-1), most: ratio(6) }]),
  positive.map((slope): Chain => [{ kind: "leaky", slope: rationalOf(slope) }]),
);

test("thresholds are the least integers that reach each level", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 4 }),
      fc.record({ scale: positive, zero: fc.integer({ min: -3, max: 3 }), rounding }),
      fc.integer({ min: -60, max: 20 }),
      fc.integer({ min: 0, max: 50 }),
      (steps, { scale, zero, rounding: mode }, min, size) => {
        const chain = steps.flat().reduce<Chain>(followedBy, [affine([ratio(1, 7)], [ratio(0)])]);
        expect(directionOf(chain, 0)).toBe(1);
        const f = functionOf(chain, 0);
        const levels = quantizerLevels({
          kind: "int",
          scale: Float64Array.of(scale),
          zeroPoint: Float64Array.of(zero),
          least: -4,
          greatest: 3,
          rounding: mode,
        });
        const range = { min, max: min + size };
        const thresholds = thresholdsOf(f, levels.count, (k) => levels.boundary(0, k), range);
        for (let x = range.min; x <= range.max; x++) {
          // Without the doubles that the search looks at first.
          const real = f.evaluate(ratio(x));
          let plain = 0;
          for (let k = 1; k <= levels.count; k++) {
            const { value, strict } = levels.boundary(0, k);
            const order = compareReals(real, value);
            if (order > 0 || (order === 0 && !strict)) plain = k;
          }
          expect(thresholds.filter((t) => x >= t).length).toBe(plain);
          expect(levelAt(f, x, levels.count, (k) => levels.boundary(0, k))).toBe(plain);
        }
        for (const t of thresholds) expect(t >= range.min && t <= range.max + 1).toBe(true);
      },
    ),
    { numRuns: 60, seed: 5 },
  );
});

test("doubles never decide what they cannot", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 5 }),
      fc.integer({ min: -(2 ** 30), max: 2 ** 30 }),
      (steps, x) => {
        const chain = steps.flat().reduce<Chain>(followedBy, [affine([rationalOf(0.1)], [ratio(0)])]);
        const f = functionOf(chain, 0);
        const { value, error } = f.estimate(x);
        if (!Number.isFinite(error)) return;
        const exact = f.evaluate(ratio(x));
        expect(compareReals(exact, rationalOf(value - error))).toBeGreaterThanOrEqual(0);
        expect(compareReals(exact, rationalOf(value + error))).toBeLessThanOrEqual(0);
      },
    ),
    { numRuns: 300, seed: 6 },
  );
});

test("a rounding's boundary is where the rounding changes", () => {
  for (const mode of ROUNDINGS)
    for (let quarter = -24; quarter <= 24; quarter++) {
      const x = ratio(quarter, 4);
      const m = rounded(x, mode);
      const reached = (level: bigint): boolean => {
        const { value, strict } = roundingBoundary(mode, level);
        const order = compareSurds(x, value);
        return order > 0 || (order === 0 && !strict);
      };
      expect([reached(m), reached(m + 1n)], `${mode} of ${quarter}/4`).toEqual([true, false]);
    }
});

test("roots are compared as real numbers", () => {
  // 1/sqrt(2) * 1/sqrt(8) = 1/4, and 1/sqrt(2) + 1/sqrt(3) is the root of 5/6 + 2/sqrt(6).
  const [half, eighth, third] = [2, 8, 3].map((n) => inverseRoot(ratio(n)));
  expect(compareSurds(product(half!, eighth!), ratio(1, 4))).toBe(0);
  const both = sum(half!, third!);
  const square = sum(ratio(5, 6), product(ratio(2), inverseRoot(ratio(6))));
  expect(compareSurds(product(both, both), square)).toBe(0);
  expect(compareSurds(both, ratio(12844570503761n, 10n ** 13n))).toBe(1);
  expect(compareSurds(both, ratio(12844570503762n, 10n ** 13n))).toBe(-1);
  expect(inverseRoot(ratio(9, 4))).toEqual(ratio(2, 3));
});
