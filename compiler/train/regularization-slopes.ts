// Stochastic regularization of discrete functions: f1(x) = c * integral from 0 to x of E[(f0(t+n) - f0(t)) / n], closed
// forms for normal and uniform noise n. c = 1 throughout: the kernel has mass 1, so f1 rises by what f0 rises.
// In: a function and the table of a kind of noise. Out: the slope of f1, which training uses.
import type { KernelTable } from "./regularization-kernel.ts";

/**
 * step: 1 where x >= 0, else 0. sign: 1 where x >= 0, else -1. relu: max(0, x). `window` is the size of x that counts
 * as 1. hardtanh: x clamped to [-1, 1]. rounding: step * clamp(floor(x / step + 1/2), min, max), the clamp included
 * that a ReLU (min = 0) or a hardtanh is. Channels with steps of their own: pass x / step and the step 1, the
 * gradient is the same.
 */
export type DiscreteFunction =
  | { readonly kind: "step" | "sign" | "relu"; readonly window: number }
  | { readonly kind: "hardtanh" }
  | { readonly kind: "rounding"; readonly step: number; readonly min: number; readonly max: number };

/**
 * f1'(x) as a function of x * scale, for noise whose standard deviation is `sigma` steps (rounding), windows, or 1
 * (hardtanh). By tables: off by less than 1e-4 max(1, 1 / sigma) of a rise by 1.
 */
export function regularizedSlope(
  f: DiscreteFunction,
  table: KernelTable,
  sigma: number,
): { readonly scale: number; readonly slope: (u: number) => number } {
  switch (f.kind) {
    case "rounding":
      return { scale: 1 / f.step, slope: staircaseSlope(table, sigma, f.min, f.max) };
    case "relu":
      return { scale: 1 / (f.window * sigma), slope: table.cumulative };
    case "hardtanh": {
      const edge = 1 / sigma;
      return { scale: edge, slope: (u) => table.cumulative(u + edge) - table.cumulative(u - edge) };
    }
    case "step":
    case "sign": {
      const scale = 1 / (f.window * sigma);
      const rise = f.kind === "sign" ? 2 * scale : scale;
      return { scale, slope: (u) => rise * table.density(u) };
    }
  }
}

/**
 * Slope of clamp(floor(v + 1/2), low, high) under noise of standard deviation sigma, both in steps; `low` and `high`
 * are integers. It is the sum of the steps between them and dies out on both sides. Takes time in proportion to sigma
 * once that is more than about a step.
 */
function staircaseSlope(table: KernelTable, sigma: number, low: number, high: number): (v: number) => number {
  const { density } = table;
  const scale = 1 / sigma;
  const reach = table.reach * sigma;
  return (v) => {
    const first = Math.max(low, Math.ceil(v - reach - 0.5));
    const last = Math.min(high - 1, Math.floor(v + reach - 0.5));
    let sum = 0;
    for (let j = first; j <= last; j++) sum += density((v - j - 0.5) * scale);
    return sum * scale;
  };
}
