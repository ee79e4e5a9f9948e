// Thresholds of one channel. In: the exact function from its integers to reals, the levels of a quantizer, and the
// integers that can occur. Out: the least integer that reaches each level, ties decided.
import type { Range } from "../../support/fixed-point.ts";
import { rationalOf, toNumber } from "../../support/rational.ts";
import { compareReals } from "../../support/real.ts";
import type { ChannelFunction } from "./chain.ts";
import type { Boundary } from "./levels.ts";

/** Whether the function of a number reaches a boundary: by doubles where they leave no doubt, else exactly. */
export function reaches(f: ChannelFunction, x: number, { value, strict }: Boundary): boolean {
  const { value: near, error } = f.estimate(x);
  const bound = toNumber(value);
  const distance = near - bound;
  if (Math.abs(distance) > error + Math.abs(bound) * 2 ** -40) return distance > 0;
  const order = compareReals(f.evaluate(rationalOf(x)), value);
  return order > 0 || (order === 0 && !strict);
}

/** The least integer of min..max where a test holds that goes on to hold from there; max + 1 where it never does. */
export function firstWhere({ min, max }: Range, holds: (integer: number) => boolean): number {
  let low = min;
  let high = max + 1;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Thresholds for `count` boundaries that ascend, of a function that never falls: the least integers of the range that
 * reach each of them, one above the range where none does.
 */
export function thresholdsOf(
  f: ChannelFunction,
  count: number,
  boundary: (k: number) => Boundary,
  range: Range,
): number[] {
  const thresholds: number[] = [];
  let min = range.min;
  for (let k = 1; k <= count; k++) {
    const bound = boundary(k);
    min = firstWhere({ min, max: range.max }, (integer) => reaches(f, integer, bound));
    thresholds.push(min);
  }
  return thresholds;
}

/** How many of the ascending boundaries a function reaches at a number; it may rise and fall. */
export function levelAt(
  f: ChannelFunction,
  x: number,
  count: number,
  boundary: (k: number) => Boundary,
): number {
  return firstWhere({ min: 1, max: count }, (k) => !reaches(f, x, boundary(k))) - 1;
}
