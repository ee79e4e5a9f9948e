// Exponential integral E1 and the normal distribution function in double precision, from their series and
// continued fractions (numbers are those of Abramowitz & Stegun). In: a real number. Out: the value, relative
// error below 1e-13.

const EULER_GAMMA = 0.5772156649015329;
/** e^-x is 0 in double precision from here on. */
const VANISHED = 750;
/** Changes of a continued fraction below this are rounding. */
const SETTLED = 4e-16;

/**
 * Gamma(a, x) * e^x * x^-a for x >= 1: even part of the continued fraction 6.5.31, taken from the front by the
 * modified Lentz method. a = 0 gives E1 (5.1.22), a = 1/2 gives erfc (7.1.14).
 */
function upperGammaFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = Number.POSITIVE_INFINITY;
  let d = 1 / b;
  let value = d;
  for (let n = 1; n < 500; n++) {
    const numerator = -n * (n - a);
    b += 2;
    d = 1 / (numerator * d + b);
    c = b + numerator / c;
    value *= c * d;
    if (Math.abs(c * d - 1) < SETTLED) break;
  }
  return value;
}

/** E1(x) = integral from x to infinity of e^-u / u, for x >= 0; infinite at 0, NaN below. */
export function exponentialIntegral(x: number): number {
  if (x < 0) return Number.NaN;
  if (x > VANISHED) return 0;
  if (x > 1.5) return Math.exp(-x) * upperGammaFraction(0, x);
  // 5.1.11; alternating, but no term is above 2 here.
  let sum = -EULER_GAMMA - Math.log(x);
  let power = 1;
  for (let n = 1; n < 50; n++) {
    power *= -x / n;
    const term = power / n;
    sum -= term;
    if (Math.abs(term) < 1e-18) break;
  }
  return sum;
}

/** 1 - erf(z) for z >= 0. */
function complementaryError(z: number): number {
  const square = z * z;
  if (square > VANISHED) return 0;
  if (z > 2) return (Math.exp(-square) * upperGammaFraction(0.5, square) * z) / Math.sqrt(Math.PI);
  // 7.1.6: every term is positive, so nothing cancels.
  let term = z;
  let sum = z;
  for (let n = 1; term > 1e-18 * sum; n++) {
    term *= (2 * square) / (2 * n + 1);
    sum += term;
  }
  return 1 - (2 / Math.sqrt(Math.PI)) * Math.exp(-square) * sum;
}

/** Probability that a standard normal variable is at most z. */
export function normalCumulative(z: number): number {
  const half = complementaryError(Math.abs(z) * Math.SQRT1_2) / 2;
  return z < 0 ? half : 1 - half;
}
