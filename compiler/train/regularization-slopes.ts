// Stochastic regularization of discrete nonlinearities: f1(x) = c * integral from 0 to x of E[(f0(t+n) - f0(t)) / n],
// closed forms for normal and uniform noise n. c = 1 throughout: the kernel has mass 1, so f1 rises by what f0 rises.
// In: a nonlinearity and noise. Out: slopes and values of f1, of numbers and of arrays.
import { compilerAssert } from "../support/assert.ts";
import {
  createKernel,
  DEFAULT_CAP,
  type Kernel,
  type KernelTable,
  kernelTable,
  type NoiseKind,
} from "./regularization-kernel.ts";

/**
 * step: 1 where t >= 0, else 0. sign: 1 where t >= 0, else -1. hardtanh: t clamped to [-1, 1]. relu: max(0, t).
 * staircase: floor(t + 1/2), a unit step at every integer + 1/2.
 */
export type Nonlinearity = "step" | "sign" | "hardtanh" | "relu" | "staircase";

/** f1 of one nonlinearity and one noise. */
export interface Regularization {
  /** f1'(t), by the closed form. */
  slope(t: number): number;
  /**
   * f1(x), by the closed form and without the cap. With it, step, sign and staircase rise by P(|n| >= cap) of their
   * rise: 0.960 (normal) or 0.971 (uniform) at the default cap.
   */
  value(x: number): number;
  /** out = dy * f1'(x), by tables: slopes are off by less than 1e-4 max(1, 1 / sigma). `out` may be `dy` or `x`. */
  applySlope(x: Float32Array, dy: Float32Array, out: Float32Array): void;
}

/** Noise of standard deviation `sigma`, in the units of the argument; `cap` in standard deviations, 0.001 to 1. */
export function createRegularization(
  f0: Nonlinearity,
  noise: NoiseKind,
  { sigma, cap = DEFAULT_CAP }: { readonly sigma: number; readonly cap?: number },
): Regularization {
  const kernel = createKernel(noise, sigma);
  const capped = (t: number): number => kernel.density(Math.max(Math.abs(t), cap * sigma));
  const applied = fastSlope(f0, kernelTable(noise, cap), sigma);
  return {
    slope: slopeOf(f0, kernel, capped),
    value: integralOf(f0, kernel),
    applySlope: (x, dy, out) => {
      compilerAssert(x.length === dy.length && x.length === out.length, "arrays of one length");
      for (let i = 0; i < x.length; i++) out[i] = dy[i]! * applied(x[i]!);
    },
  };
}

function slopeOf(f0: Nonlinearity, kernel: Kernel, capped: (t: number) => number): (t: number) => number {
  const { reach, cumulative } = kernel;
  switch (f0) {
    case "step":
      return capped;
    case "sign":
      return (t) => 2 * capped(t);
    case "relu":
      return cumulative;
    case "hardtanh":
      return (t) => cumulative(t + 1) - cumulative(t - 1);
    case "staircase":
      return (t) => periodicSum(t, reach, capped);
  }
}

function integralOf(f0: Nonlinearity, { reach, cumulative, integral }: Kernel): (x: number) => number {
  switch (f0) {
    case "step":
      return (x) => cumulative(x) - 0.5;
    case "sign":
      return (x) => 2 * cumulative(x) - 1;
    case "relu":
      return integral;
    case "hardtanh": {
      const atZero = integral(1) - integral(-1);
      return (x) => integral(x + 1) - integral(x - 1) - atZero;
    }
    case "staircase":
      return (x) => {
        // It rises by 1 in each period.
        const turns = Math.floor(x);
        const rest = x - turns;
        return turns + periodicSum(rest, reach + 1, (t) => cumulative(t) - cumulative(t - rest));
      };
  }
}

/** The slope from the tables. */
function fastSlope(f0: Nonlinearity, table: KernelTable, sigma: number): (t: number) => number {
  const { density, cumulative } = table;
  const scale = 1 / sigma;
  switch (f0) {
    case "step":
      return (t) => density(t * scale) * scale;
    case "sign":
      return (t) => 2 * density(t * scale) * scale;
    case "relu":
      return (t) => cumulative(t * scale);
    case "hardtanh":
      return (t) => cumulative((t + 1) * scale) - cumulative((t - 1) * scale);
    case "staircase": {
      const reach = table.reach * sigma;
      const at = (t: number): number => density(t * scale);
      return (t) => scale * periodicSum(t, reach, at);
    }
  }
}

/**
 * Slope of clamp(floor(v + 1/2), low, high) under noise of standard deviation sigma, both in steps; `low` and `high`
 * are integers. It is the sum of the steps between them and dies out on both sides. Takes time in proportion to
 * sigma once that is more than about a step.
 */
export function createStaircaseSlope(
  table: KernelTable,
  sigma: number,
  low: number,
  high: number,
): (v: number) => number {
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

/** Sum of at(t - threshold) over all thresholds j + 1/2 within the reach of t. */
function periodicSum(t: number, reach: number, at: (t: number) => number): number {
  const phase = t - Math.floor(t) - 0.5;
  const last = Math.floor(phase + reach);
  let sum = 0;
  for (let j = Math.ceil(phase - reach); j <= last; j++) sum += at(phase - j);
  return sum;
}
