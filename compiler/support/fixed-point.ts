// Exact integer arithmetic on JavaScript numbers. Every operand and result is an integer below 2^53 in
// magnitude, so nothing rounds; program/SEMANTICS.md says what each operation means.
import { compilerAssert } from "./assert.ts";

/** An inclusive range of integers. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Widest accumulator of the integer program, bits. */
export const MAX_ACCUMULATOR_WIDTH = 48;

/** Range of a two's complement (signed) or plain binary (unsigned) integer of `width` bits. */
export function integerRange(width: number, signed: boolean): Range {
  return signed ? { min: -(2 ** (width - 1)), max: 2 ** (width - 1) - 1 } : { min: 0, max: 2 ** width - 1 };
}

/** Fewest bits that hold every integer of the range; at least 1. */
export function widthOfRange({ min, max }: Range, signed: boolean): number {
  compilerAssert(Number.isFinite(min) && Number.isFinite(max), "a range has finite ends");
  compilerAssert(signed || min >= 0, "an unsigned width cannot hold a negative number");
  let width = 1;
  for (;;) {
    const range = integerRange(width, signed);
    if (range.min <= min && max <= range.max) return width;
    width++;
  }
}

/** Nearest integer of the range. */
export function saturate(value: number, { min, max }: Range): number {
  return value < min ? min : value > max ? max : value;
}

export type Rounding = "half-up" | "truncate" | "half-even";

/**
 * value / 2^shift as an integer. half-up is floor(x + 1/2), truncate is floor(x), half-even rounds ties to even.
 * A negative shift multiplies by 2^-shift, exactly.
 */
export function shiftRound(value: number, shift: number, rounding: Rounding = "half-up"): number {
  if (shift <= 0) {
    const result = value * 2 ** -shift;
    compilerAssert(Number.isSafeInteger(result), `left shift by ${-shift} leaves the exact integers`);
    return result === 0 ? 0 : result;
  }
  // Powers of two scale a double exactly, so the quotient is exact as long as it is no subnormal; beyond 2^60
  // every safe integer rounds like its sign.
  const quotient = value / 2 ** Math.min(shift, 60);
  const floor = Math.floor(quotient);
  const fraction = quotient - floor;
  switch (rounding) {
    case "truncate":
      return floor === 0 ? 0 : floor;
    case "half-up": {
      const result = fraction >= 0.5 ? floor + 1 : floor;
      return result === 0 ? 0 : result;
    }
    case "half-even": {
      const up = fraction > 0.5 || (fraction === 0.5 && floor % 2 !== 0);
      const result = up ? floor + 1 : floor;
      return result === 0 ? 0 : result;
    }
  }
}

/** The one quantizer of real values: floor(value * 2^fraction + 1/2), saturated. NaN is the caller's error. */
export function quantize(value: number, fraction: number, range: Range): number {
  const scaled = Math.floor(value * 2 ** fraction + 0.5);
  const result = saturate(scaled, range);
  return result === 0 ? 0 : result;
}

/** Digits from the highest to the lowest one of |m|, both counted; 0 for 0. 12 = 1100b spans 2. */
export function digitSpan(mantissa: number): number {
  let m = Math.abs(mantissa);
  if (m === 0) return 0;
  while (m % 2 === 0) m /= 2;
  return Math.floor(Math.log2(m)) + 1;
}
