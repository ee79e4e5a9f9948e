// Real numbers that sums, products and square roots make of rationals. In: rationals. Out: such a number and its sign,
// which is always decided exactly: no digits are computed, so no number is too close to 0.
import {
  ceilingOf,
  compare,
  equal,
  floorOf,
  negated,
  plus,
  powerOfTwo,
  type Rational,
  ratio,
  times,
  toNumber,
  ZERO,
} from "./rational.ts";

/**
 * A rational, or rational + root * sqrt(radicand) with numbers that hold only roots of smaller radicands. A radicand is
 * above 0 and no square of a rational.
 */
export type Surd = Rational | { readonly radicand: Rational; readonly rational: Surd; readonly root: Surd };

type Rooted = Exclude<Surd, Rational>;

/** Whether no root is left. */
export function isRational(value: Surd): value is Rational {
  return !("radicand" in value);
}

function isZero(value: Surd): boolean {
  return isRational(value) && value.numerator === 0n;
}

function rooted(radicand: Rational, rational: Surd, root: Surd): Surd {
  return isZero(root) ? rational : { radicand, rational, root };
}

/** Both numbers over the larger of their radicands; null where neither has a root. */
function aligned(a: Surd, b: Surd): readonly [Rooted, Rooted] | null {
  if (isRational(a) && isRational(b)) return null;
  const larger =
    isRational(b) || (!isRational(a) && compare(a.radicand, b.radicand) >= 0) ? (a as Rooted) : (b as Rooted);
  const { radicand } = larger;
  const over = (value: Surd): Rooted =>
    !isRational(value) && equal(value.radicand, radicand) ? value : { radicand, rational: value, root: ZERO };
  return [over(a), over(b)];
}

export function sum(a: Surd, b: Surd): Surd {
  const both = aligned(a, b);
  if (!both) return plus(a as Rational, b as Rational);
  const [x, y] = both;
  return rooted(x.radicand, sum(x.rational, y.rational), sum(x.root, y.root));
}

export function product(a: Surd, b: Surd): Surd {
  const both = aligned(a, b);
  if (!both) return times(a as Rational, b as Rational);
  const [x, y] = both;
  const { radicand } = x;
  return rooted(
    radicand,
    sum(product(x.rational, y.rational), product(product(x.root, y.root), radicand)),
    sum(product(x.rational, y.root), product(x.root, y.rational)),
  );
}

export function opposite(value: Surd): Surd {
  if (isRational(value)) return negated(value);
  return { radicand: value.radicand, rational: opposite(value.rational), root: opposite(value.root) };
}

/** -1, 0 or 1. */
export function signOf(value: Surd): number {
  if (isRational(value)) return value.numerator < 0n ? -1 : value.numerator > 0n ? 1 : 0;
  const { radicand, rational, root } = value;
  const [own, rooted] = [signOf(rational), signOf(root)];
  if (own === 0) return rooted;
  if (rooted === 0 || own === rooted) return own;
  // They pull against each other: the larger square wins.
  const squares = sum(product(rational, rational), opposite(product(product(root, root), radicand)));
  const larger = signOf(squares);
  return larger === 0 ? 0 : own * larger;
}

/** Below 0, 0 or above it as a is below, equal to or above b. */
export function compareSurds(a: Surd, b: Surd): number {
  if (isRational(a) && isRational(b)) return compare(a, b);
  return signOf(sum(a, opposite(b)));
}

/** 1 / sqrt(value), exactly; the value is above 0. */
export function inverseRoot(value: Rational): Surd {
  const { numerator, denominator } = value;
  const square = numerator * denominator;
  const whole = integerRoot(square);
  // sqrt(d / n) = sqrt(n * d) / n
  if (whole * whole === square) return ratio(whole, numerator);
  return { radicand: ratio(square), rational: ZERO, root: ratio(1n, numerator) };
}

/** floor(sqrt(value)) by Newton's method from above. */
function integerRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt(Math.ceil(value.toString(2).length / 2));
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** A double near the number: for guesses and reports. */
export function approximately(value: Surd): number {
  if (isRational(value)) return toNumber(value);
  const { numerator, denominator } = value.radicand;
  // A radicand may be beyond the doubles; its root is not.
  const digits = numerator.toString(2).length - denominator.toString(2).length;
  const half = Math.trunc(digits / 2);
  const shift = BigInt(Math.abs(2 * half));
  const near = half >= 0 ? ratio(numerator, denominator << shift) : ratio(numerator << shift, denominator);
  const root = Math.sqrt(toNumber(near)) * 2 ** half;
  return approximately(value.rational) + approximately(value.root) * root;
}

/** Integers that a number lies between, ends included. */
export interface Enclosure {
  readonly low: bigint;
  readonly high: bigint;
}

/** The number in units of 2^-bits. */
export function enclosed(value: Surd, bits: number): Enclosure {
  if (isRational(value)) {
    const scaled = times(value, powerOfTwo(bits));
    return { low: floorOf(scaled), high: ceilingOf(scaled) };
  }
  const [rational, root] = [enclosed(value.rational, bits), enclosed(value.root, bits)];
  const least = integerRoot(floorOf(times(value.radicand, powerOfTwo(2 * bits))));
  const products = [root.low, root.high].flatMap((r) => [r * least, r * (least + 1n)]);
  const shift = BigInt(bits);
  return {
    low: rational.low + (products.reduce((a, b) => (a < b ? a : b)) >> shift),
    high: rational.high + (products.reduce((a, b) => (a > b ? a : b)) >> shift) + 1n,
  };
}
