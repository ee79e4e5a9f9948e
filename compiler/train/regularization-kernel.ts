// The kernel of stochastic regularization. Since (f(t+n) - f(t)) / n is the mean of f' over the way from t to t+n,
// E[(f(t+n) - f(t)) / n] is f' convolved with the density of U n, U uniform in [0, 1] (docs/theory.md).
// In: the kind of noise and its standard deviation. Out: that density and its integral.
import type { Surrogate } from "../graph/project.ts";
import { compilerAssert } from "../support/assert.ts";
import { exponentialIntegral, normalCumulative } from "./regularization-special.ts";

export type NoiseKind = Extract<Surrogate, { kind: "regularized" }>["noise"];

/** In standard deviations of the noise: slopes that are infinite in a threshold keep their value from here inwards. */
export const DEFAULT_CAP = 0.05;

/** Normal noise is followed so far, in standard deviations: the density of the kernel is 2e-10 / sigma there. */
const NORMAL_REACH = 6;

/** Times sigma; further out, the normal distribution and the kernel are 0 and 1 in double precision. */
const FAR = 40;
/** Of the noise; closer to 0, squares underflow and t k(t) is below any rounding. */
const NOTHING = 1e-150;

/** Distribution of U n for symmetric noise n. All of it is even around 0, in the units of the noise. */
export interface Kernel {
  /** Nothing to speak of lies further from 0: 6 sigma of normal noise, sqrt(3) sigma (exactly) of uniform. */
  readonly reach: number;
  /** k(t) = integral over m > |t| of p(m) / m; infinite at 0, where it grows like p(0) log(1 / |t|). */
  density(t: number): number;
  /** Integral of the density from -infinity to t. */
  cumulative(t: number): number;
}

/** Exact kernel of noise with standard deviation `sigma` > 0. */
export function createKernel(noise: NoiseKind, sigma: number): Kernel {
  compilerAssert(sigma > 0 && Number.isFinite(sigma), "noise has a positive deviation");
  return noise === "normal" ? normalKernel(sigma) : uniformKernel(Math.sqrt(3) * sigma);
}

function normalKernel(sigma: number): Kernel {
  const density = (t: number): number =>
    exponentialIntegral(0.5 * (t / sigma) ** 2) / (2 * Math.sqrt(2 * Math.PI) * sigma);
  return {
    reach: NORMAL_REACH * sigma,
    density,
    cumulative: (t) => {
      const z = t / sigma;
      if (Math.abs(z) > FAR) return z < 0 ? 0 : 1;
      return Math.abs(z) < NOTHING ? 0.5 : normalCumulative(z) + t * density(t);
    },
  };
}

/** Noise uniform in [-a, a]. */
function uniformKernel(a: number): Kernel {
  return {
    reach: a,
    density: (t) => (Math.abs(t) < a ? Math.log(a / Math.abs(t)) / (2 * a) : 0),
    cumulative: (t) => {
      const size = Math.abs(t);
      if (size >= a) return t < 0 ? 0 : 1;
      return size < a * NOTHING ? 0.5 : 0.5 + (t * (1 + Math.log(a / size))) / (2 * a);
    },
  };
}

/** The kernel of noise with standard deviation 1, by linear interpolation; k(t) of sigma is k(t / sigma) / sigma. */
export interface KernelTable {
  readonly reach: number;
  /** Density at the larger of |u| and the cap. Absolute error below 2e-5. */
  density(u: number): number;
  /** Absolute error below 1e-4, next to 0; no cap. */
  cumulative(u: number): number;
}

/**
 * Cells from 0 to the cap. The second derivative of the density is p(0) / cap^2 there and falls behind, so that the
 * error is at most p(0) / 8 / 64^2 whatever the cap is.
 */
const CELLS_TO_CAP = 64;
/** Cells of `cumulative` to sigma. Its slope is infinite in 0, which costs p(0) / e of a cell. */
const CELLS_TO_SIGMA = 2048;

/** Makes the tables; takes a few milliseconds. `cap` in standard deviations, 0.001 to 1. */
export function createKernelTable(noise: NoiseKind, cap: number): KernelTable {
  compilerAssert(cap >= 0.001 && cap <= 1, "the cap is between 0.001 and 1 standard deviations");
  const { reach, density, cumulative } = createKernel(noise, 1);
  const densities = tabulate(density, cap, reach, cap / CELLS_TO_CAP);
  const sums = tabulate(cumulative, 0, reach, 1 / CELLS_TO_SIGMA);
  const densityScale = (densities.length - 2) / (reach - cap);
  const sumScale = (sums.length - 2) / reach;
  return {
    reach,
    density: (u) => {
      const size = u < 0 ? -u : u;
      if (size <= cap) return densities[0]!;
      if (!(size < reach)) return 0;
      const at = (size - cap) * densityScale;
      const cell = Math.floor(at);
      const value = densities[cell]!;
      return value + (densities[cell + 1]! - value) * (at - cell);
    },
    cumulative: (u) => {
      const size = u < 0 ? -u : u;
      let sum = 1;
      if (size < reach) {
        const at = size * sumScale;
        const cell = Math.floor(at);
        const value = sums[cell]!;
        sum = value + (sums[cell + 1]! - value) * (at - cell);
      }
      return u < 0 ? 1 - sum : sum;
    },
  };
}

/** Values on an even grid from `from` to `to` with cells of at most `cell`, the last one twice. */
function tabulate(f: (t: number) => number, from: number, to: number, cell: number): Float64Array {
  const cells = Math.ceil((to - from) / cell);
  const width = (to - from) / cells;
  // An argument just below `to` may land on the last point: the value behind it has the weight 0 there.
  return Float64Array.from({ length: cells + 2 }, (_, i) => f(from + Math.min(i, cells) * width));
}

const tables = new Map<string, KernelTable>();

/** The table of a kind of noise: constants, so they are made once. */
export function kernelTable(noise: NoiseKind, cap: number = DEFAULT_CAP): KernelTable {
  const key = `${noise} ${cap}`;
  let table = tables.get(key);
  if (!table) {
    table = createKernelTable(noise, cap);
    tables.set(key, table);
  }
  return table;
}
