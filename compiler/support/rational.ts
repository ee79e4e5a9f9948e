// Exact rational numbers on bigints, and real numbers that are made of them by square roots. In: doubles, which are
// rationals themselves, and integers. Out: sums, products, comparisons and floors of which nothing is ever rounded.
import { compilerAssert } from "./assert.ts";

/** numerator / denominator, denominator above 0, in lowest terms. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export const ZERO: Rational = { numerator: 0n, denominator: 1n };
export const ONE: Rational = { numerator: 1n, denominator: 1n };

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y > 0n) [x, y] = [y, x % y];
  return x;
}

/** numerator / denominator in lowest terms; the denominator is not 0. */
export function ratio(numerator: bigint | number, denominator: bigint | number = 1n): Rational {
  const [n, d] = [BigInt(numerator), BigInt(denominator)];
  compilerAssert(d !== 0n, "a denominator is not 0");
  if (d === 1n) return { numerator: n, denominator: d };
  const common = greatestCommonDivisor(n, d);
  const divisor = d < 0n ? -common : common;
  return { numerator: n / divisor, denominator: d / divisor };
}

const bits = new DataView(new ArrayBuffer(8));

/** A finite double, exactly. */
export function rationalOf(value: number): Rational {
  compilerAssert(Number.isFinite(value), `${value} is no finite number`);
  if (Number.isSafeInteger(value)) return { numerator: BigInt(value), denominator: 1n };
  bits.setFloat64(0, value);
  const high = bits.getUint32(0);
  const biased = (high >>> 20) & 0x7ff;
  const digits = (BigInt(high & 0xfffff) << 32n) | BigInt(bits.getUint32(4));
  const magnitude = biased > 0 ? digits | (1n << 52n) : digits;
  const exponent = Math.max(biased, 1) - 1075;
  const mantissa = value < 0 ? -magnitude : magnitude;
  return exponent >= 0 ? ratio(mantissa << BigInt(exponent)) : ratio(mantissa, 1n << BigInt(-exponent));
}

/** 2^exponent. */
export function powerOfTwo(exponent: number): Rational {
  return exponent >= 0 ? ratio(1n << BigInt(exponent)) : ratio(1n, 1n << BigInt(-exponent));
}

/** The exponent of a power of two, or null of another number. */
export function exponentOf({ numerator, denominator }: Rational): number | null {
  if (numerator <= 0n) return null;
  const [top, bottom] = [numerator.toString(2), denominator.toString(2)];
  if (top.lastIndexOf("1") > 0 || bottom.lastIndexOf("1") > 0) return null;
  return top.length - bottom.length;
}

export function plus(a: Rational, b: Rational): Rational {
  if (a.denominator === b.denominator) return ratio(a.numerator + b.numerator, a.denominator);
  return ratio(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator);
}

export function negated({ numerator, denominator }: Rational): Rational {
  return { numerator: -numerator, denominator };
}

export function minus(a: Rational, b: Rational): Rational {
  return plus(a, negated(b));
}

export function times(a: Rational, b: Rational): Rational {
  return ratio(a.numerator * b.numerator, a.denominator * b.denominator);
}

/** a / b; b is not 0. */
export function over(a: Rational, b: Rational): Rational {
  return ratio(a.numerator * b.denominator, a.denominator * b.numerator);
}

/** Below 0, 0 or above it as a is below, equal to or above b. */
export function compare(a: Rational, b: Rational): number {
  const difference = a.numerator * b.denominator - b.numerator * a.denominator;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export function equal(a: Rational, b: Rational): boolean {
  return a.numerator === b.numerator && a.denominator === b.denominator;
}

export function isInteger({ denominator }: Rational): boolean {
  return denominator === 1n;
}

/** The largest integer that is at most the number. */
export function floorOf({ numerator, denominator }: Rational): bigint {
  const quotient = numerator / denominator;
  // Division of bigints goes towards 0: below 0 that is upwards.
  return numerator < 0n && quotient * denominator !== numerator ? quotient - 1n : quotient;
}

/** The least integer that is at least the number. */
export function ceilingOf(value: Rational): bigint {
  return -floorOf(negated(value));
}

/** The largest number of which both are whole multiples; of 0 and another number that one, without its sign. */
export function commonUnit(a: Rational, b: Rational): Rational {
  return ratio(
    greatestCommonDivisor(a.numerator * b.denominator, b.numerator * a.denominator),
    a.denominator * b.denominator,
  );
}

/** The double that is nearest, or next to that. */
export function toNumber({ numerator, denominator }: Rational): number {
  if (numerator === 0n) return 0;
  const lengthOf = (value: bigint): number => value.toString(16).replace("-", "").length * 4;
  // 72 digits or more of the quotient, in both directions.
  const shift = lengthOf(denominator) - lengthOf(numerator) + 72;
  const scaled =
    shift >= 0 ? (numerator << BigInt(shift)) / denominator : numerator / (denominator << BigInt(-shift));
  // In two steps: 2^-shift alone may be no double.
  const half = Math.trunc(shift / 2);
  return Number(scaled) * 2 ** -half * 2 ** -(shift - half);
}

/** Text for messages: a fraction where that is short, else a decimal number. */
export function rationalText(value: Rational): string {
  const { numerator, denominator } = value;
  if (numerator < 10_000n && numerator > -10_000n && denominator < 10_000n)
    return denominator === 1n ? `${numerator}` : `${numerator}/${denominator}`;
  return `${Number(toNumber(value).toPrecision(9))}`;
}
