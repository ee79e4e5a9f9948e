// The definition of stochastic regularization, computed without any closed form: numeric integration, split where the
// integrand is not smooth.

/**
 * step: 1 where t >= 0, else 0. sign: 1 where t >= 0, else -1. hardtanh: t clamped to [-1, 1]. relu: max(0, t).
 * staircase: floor(t + 1/2), a unit step at every integer + 1/2.
 */
export type Nonlinearity = "step" | "sign" | "hardtanh" | "relu" | "staircase";

/**
 * Integral over [a, b] by the double exponential rule, which does not mind a logarithm at the ends: nodes crowd
 * there, and what is not finite lies within one rounding of an end.
 */
export function integrate(f: (x: number) => number, a: number, b: number): number {
  const h = 1 / 64;
  const middle = (a + b) / 2;
  const half = (b - a) / 2;
  let sum = 0;
  for (let k = -4 * 64; k <= 4 * 64; k++) {
    const u = (Math.PI / 2) * Math.sinh(k * h);
    const weight = ((Math.PI / 2) * Math.cosh(k * h)) / Math.cosh(u) ** 2;
    const value = f(middle + half * Math.tanh(u));
    if (Number.isFinite(value)) sum += weight * value;
  }
  return sum * h * half;
}

/** Integral over [points[0], points.at(-1)], split at each point between. */
export function integrateOver(
  f: (x: number) => number,
  from: number,
  to: number,
  splits: readonly number[],
): number {
  const inner = splits.filter((x) => x > from && x < to).sort((a, b) => a - b);
  const points = [from, ...inner, to];
  return points.slice(1).reduce((sum, end, i) => sum + integrate(f, points[i]!, end), 0);
}

export const FUNCTIONS: Readonly<Record<Nonlinearity, (t: number) => number>> = {
  step: (t) => (t >= 0 ? 1 : 0),
  sign: (t) => (t >= 0 ? 1 : -1),
  hardtanh: (t) => Math.max(-1, Math.min(1, t)),
  relu: (t) => Math.max(0, t),
  staircase: (t) => Math.floor(t + 0.5),
};

/** Where a function jumps or bends. */
export const BREAKS: Readonly<Record<Nonlinearity, readonly number[]>> = {
  step: [0],
  sign: [0],
  hardtanh: [-1, 1],
  relu: [0],
  staircase: Array.from({ length: 120 }, (_, j) => j - 60 + 0.5),
};

export type Density = { readonly p: (n: number) => number; readonly reach: number };

export function densityOf(noise: "normal" | "uniform", sigma: number): Density {
  const a = Math.sqrt(3) * sigma;
  return noise === "uniform"
    ? { p: () => 1 / (2 * a), reach: a }
    : {
        p: (n) => Math.exp(-0.5 * (n / sigma) ** 2) / (Math.sqrt(2 * Math.PI) * sigma),
        reach: 12 * sigma,
      };
}

/** E[(f(t + n) - f(t)) / n] over the noise; `least` leaves out noise that is smaller. */
export function meanSlope(
  f: (t: number) => number,
  breaks: readonly number[],
  { p, reach }: Density,
  t: number,
  least = 0,
): number {
  const quotient = (n: number): number => (p(n) * (f(t + n) - f(t))) / n;
  // The breaks in terms of n, and a few more points so that no piece is long against the noise.
  const splits = [...breaks.map((x) => x - t), -reach / 4, reach / 4];
  return integrateOver(quotient, -reach, -least, splits) + integrateOver(quotient, least, reach, splits);
}
