// Real numbers that a curve makes of surds, scaled and moved. In: a surd that enters the curve. Out: such a number, and which
// side of a rational it is on, always decided: e^x of an algebraic x other than 0 is transcendental (Hermite and Lindemann), so
// that it never is the number that it is compared with, and digits enough tell them apart.
import { type Rational, ratio, ZERO } from "./rational.ts";
import { compareSurds, type Enclosure, enclosed, opposite, product, type Surd, signOf, sum } from "./surd.ts";

/** sigmoid: 1 / (1 + e^-x). elu: x where x >= 0, else e^x - 1. Both rise everywhere. */
export type Curve = "sigmoid" | "elu";

/** gain * curve(argument) + offset, where the curve's value is transcendental; the gain is not 0. */
interface CurvePoint {
  readonly curve: Curve;
  readonly argument: Surd;
  readonly gain: Surd;
  readonly offset: Surd;
}

export type Real = Surd | CurvePoint;

/** Whether no curve is left. */
export function isSurd(value: Real): value is Surd {
  return !("curve" in value);
}

const ONE_HALF = ratio(1, 2);
/** What transcendental values of a curve lie between, and never are. */
const ENDS: Readonly<Record<Curve, readonly [Rational, Rational]>> = {
  sigmoid: [ZERO, ratio(1)],
  elu: [ratio(-1), ZERO],
};

/** The curve's value. */
export function curveAt(curve: Curve, argument: Surd): Real {
  const sign = signOf(argument);
  if (curve === "sigmoid" && sign === 0) return ONE_HALF;
  if (curve === "elu" && sign >= 0) return argument;
  return { curve, argument, gain: ratio(1), offset: ZERO };
}

/** value * gain + offset */
export function scaled(value: Real, gain: Surd, offset: Surd): Real {
  if (isSurd(value)) return sum(product(value, gain), offset);
  if (signOf(gain) === 0) return offset;
  return { ...value, gain: product(value.gain, gain), offset: sum(product(value.offset, gain), offset) };
}

/** Enough to decide nearly all comparisons that doubles leave open. */
const FIRST_BITS = 96;

/** Below 0, 0 or above it as the value is below, equal to or above `bound`. */
export function compareReals(value: Real, bound: Rational): number {
  if (isSurd(value)) return compareSurds(value, bound);
  const { curve, argument, gain } = value;
  const offset = sum(value.offset, opposite(bound));
  const signAt = (of: Rational): number => signOf(sum(product(gain, of), offset));
  // Where the line through both ends has one sign, or is 0 at one of them, it has that sign everywhere between them.
  const between = (low: Rational, high: Rational): number => Math.sign(signAt(low) + signAt(high));
  const [least, most] = ENDS[curve];
  let sign = between(least, most);
  for (let bits = FIRST_BITS; sign === 0; bits *= 2) {
    const { low, high } = curveEnclosure(curve, argument, bits);
    const unit = 1n << BigInt(bits);
    sign = between(ratio(low, unit), ratio(high, unit));
  }
  return sign;
}

/** What a curve's value lies between, in units of 2^-bits. */
function curveEnclosure(curve: Curve, argument: Surd, bits: number): Enclosure {
  const isBelow = signOf(argument) < 0;
  const decay = exponentialDecay(isBelow ? opposite(argument) : argument, bits);
  const one = 1n << BigInt(bits);
  if (curve === "elu") return { low: decay.low - one, high: decay.high - one };
  const square = one * one;
  const low = square / (one + decay.high);
  const high = square / (one + decay.low) + 1n;
  return isBelow ? { low: one - high, high: one - low } : { low, high };
}

/** Bits beyond those asked for, so that an enclosure is a few units wide. */
const SPARE_BITS = 16;

/** e^-x of a number above 0, in units of 2^-bits. */
function exponentialDecay(x: Surd, bits: number): Enclosure {
  const precision = bits + SPARE_BITS;
  const argument = enclosed(x, precision);
  // e^-bits is less than a unit.
  if (argument.low >> BigInt(precision) >= BigInt(bits)) return { low: 0n, high: 1n };
  const length = (argument.high >> BigInt(precision)).toString(2).length;
  // e^-x = (e^-(x / 2^halvings))^(2^halvings), and the inner argument is at most 1/2.
  const halvings = length + 1;
  const working = BigInt(precision + 2 * halvings);
  const finer = working - BigInt(precision) - BigInt(halvings);
  let low = seriesOf(argument.high << finer, working).low;
  let high = seriesOf(argument.low << finer, working).high;
  for (let i = 0; i < halvings; i++) {
    low = (low * low) >> working;
    high = ((high * high) >> working) + 1n;
  }
  const drop = working - BigInt(bits);
  return { low: low >> drop, high: (high >> drop) + 1n };
}

/** e^-r by its alternating series, r from 0 to 1/2, both in units of 2^-bits: partial sums lie on both sides of it. */
function seriesOf(r: bigint, bits: bigint): Enclosure {
  const one = 1n << bits;
  // Terms r^n / n! and partial sums, rounded down and up.
  let term: Enclosure = { low: one, high: one };
  let sums: Enclosure = { low: one, high: one };
  let low = 0n;
  for (let n = 1n; ; n++) {
    term = { low: ((term.low * r) >> bits) / n, high: (((term.high * r) >> bits) + 1n) / n + 1n };
    if (n % 2n === 1n) {
      sums = { low: sums.low - term.high, high: sums.high - term.low };
      low = sums.low;
    } else {
      sums = { low: sums.low + term.low, high: sums.high + term.high };
      if (term.high <= 2n) return { low, high: sums.high };
    }
  }
}
