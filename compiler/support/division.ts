// Division by a constant as a multiplication and a shift. In: a range of integers and a divisor. Out: constants that
// give the rounded quotient of every integer of the range, proved.
import { compilerAssert } from "./assert.ts";
import type { Range } from "./fixed-point.ts";

/** floor((x * multiplier + offset) / 2^shift + 1/2) */
export interface ExactDivision {
  readonly multiplier: number;
  readonly shift: number;
  readonly offset: number;
}

/**
 * The smallest shift, and constants for it, with which floor((x * multiplier + offset) / 2^shift + 1/2) is
 * floor(x / divisor + 1/2) for every integer x of the range. The divisor is a positive integer, range and divisor
 * are below 2^48 in magnitude.
 *
 * The integers with the quotient q are those from q*divisor - floor(divisor/2) on, `divisor` many. What is computed
 * never falls with x, so that the first and the last of every such block decide; how far these are from their limits
 * is linear in q, so that the blocks at both ends of the range decide for all, those that the range cuts on their own.
 */
export function exactDivision({ min, max }: Range, divisor: number): ExactDivision {
  compilerAssert(Number.isSafeInteger(divisor) && divisor >= 1, "a divisor is a positive integer");
  compilerAssert(Number.isSafeInteger(min) && Number.isSafeInteger(max) && min <= max, "a range of integers");
  const n = BigInt(divisor);
  const blocks = endBlocks(BigInt(min), BigInt(max), n);
  for (let shift = 0; ; shift++) {
    const unit = 1n << BigInt(shift);
    const half = unit >> 1n;
    const below = unit / n;
    for (const multiplier of below * n === unit ? [below] : [below, below + 1n]) {
      if (multiplier === 0n) continue;
      // q * unit <= x * multiplier + offset + half < (q + 1) * unit at the ends of the blocks.
      let least: bigint | null = null;
      let most: bigint | null = null;
      for (const { quotient, first, last } of blocks) {
        const low = quotient * unit - half - first * multiplier;
        const high = (quotient + 1n) * unit - half - 1n - last * multiplier;
        if (least === null || low > least) least = low;
        if (most === null || high < most) most = high;
      }
      if (least! > most!) continue;
      const offset = least! > 0n ? least! : most! < 0n ? most! : 0n;
      return { multiplier: Number(multiplier), shift, offset: Number(offset) };
    }
  }
}

interface Block {
  readonly quotient: bigint;
  readonly first: bigint;
  readonly last: bigint;
}

/** The two lowest and the two highest blocks of equal quotients, cut to the range. */
function endBlocks(min: bigint, max: bigint, n: bigint): readonly Block[] {
  const quotientOf = (x: bigint): bigint => {
    const shifted = x + n / 2n;
    return shifted >= 0n ? shifted / n : -((-shifted + n - 1n) / n);
  };
  const [low, high] = [quotientOf(min), quotientOf(max)];
  return [low, low + 1n, high - 1n, high]
    .filter((q) => q >= low && q <= high)
    .map((quotient) => {
      const first = quotient * n - n / 2n;
      const last = first + n - 1n;
      return { quotient, first: first < min ? min : first, last: last > max ? max : last };
    });
}
