// Gradient estimators of the discrete functions of a network: straight-through, element-wise scaled (EWGS) and
// regularized. In: arguments, the gradient of the loss for the function's values, the function. Out: the gradient of
// the loss for the arguments.
import type { Surrogate } from "../graph/project.ts";
import { compilerAssert } from "../support/assert.ts";
import { kernelTable } from "./regularization-kernel.ts";
import { type DiscreteFunction, regularizedSlope } from "./regularization-slopes.ts";

/**
 * Gradient for x: dy times an estimate of the function's slope. Arrays of one length; `out` may be dy.
 *
 * straight-through: the slope without the rounding. rounding: 1 inside of the clamp, half a step wider than its
 * outermost values but not below 0 where min is 0. sign: the slope of x / window clamped to [-1, 1]. step is
 * (1 + sign) / 2, so half of that.
 *
 * ewgs: that, times 1 + delta * sign(dy) * residue, residue = x / step - rounded, in steps: arXiv:2104.00903 with x_n
 * in steps instead of ranges. For step and sign, the residue of the clamped value in units of the distance between
 * the two levels; it is in [-1/2, 1/2] everywhere. relu and hardtanh have no residue.
 *
 * regularized: the slope of the stochastic regularization. sigma counts steps (rounding), windows, or 1 (hardtanh).
 * It has no window: rounding has the sum of its steps, which dies out behind the outermost thresholds.
 */
export function surrogateGradient(
  x: Float32Array,
  dy: Float32Array,
  f: DiscreteFunction,
  surrogate: Surrogate,
  out: Float32Array = new Float32Array(x.length),
): Float32Array {
  compilerAssert(x.length === dy.length && x.length === out.length, "arrays of one length");
  if (surrogate.kind === "regularized") regularizedGradient(x, dy, f, surrogate, out);
  else windowedGradient(x, dy, f, surrogate.kind === "ewgs" ? surrogate.delta : 0, out);
  return out;
}

/** Straight-through is EWGS with delta 0. */
function windowedGradient(
  x: Float32Array,
  dy: Float32Array,
  f: DiscreteFunction,
  delta: number,
  out: Float32Array,
): void {
  switch (f.kind) {
    case "relu":
      for (let i = 0; i < x.length; i++) out[i] = x[i]! > 0 ? dy[i]! : 0;
      return;
    case "hardtanh":
      for (let i = 0; i < x.length; i++) out[i] = Math.abs(x[i]!) < 1 ? dy[i]! : 0;
      return;
    case "step":
    case "sign":
      thresholdGradient(x, dy, f.kind, f.window, delta, out);
      return;
    case "rounding":
      roundingGradient(x, dy, f, delta, out);
  }
}

function thresholdGradient(
  x: Float32Array,
  dy: Float32Array,
  kind: "step" | "sign",
  window: number,
  delta: number,
  out: Float32Array,
): void {
  const scale = 1 / window;
  const slope = kind === "sign" ? scale : 0.5 * scale;
  for (let i = 0; i < x.length; i++) {
    const v = x[i]! * scale;
    const g = dy[i]! * slope;
    if (v >= -1 && v <= 1) out[i] = g + delta * Math.abs(g) * 0.5 * (v >= 0 ? v - 1 : v + 1);
    else out[i] = 0;
  }
}

function roundingGradient(
  x: Float32Array,
  dy: Float32Array,
  { step, min, max }: Extract<DiscreteFunction, { kind: "rounding" }>,
  delta: number,
  out: Float32Array,
): void {
  const from = min === 0 ? 0 : min - 0.5;
  const to = max + 0.5;
  const scale = 1 / step;
  for (let i = 0; i < x.length; i++) {
    const v = x[i]! * scale;
    const g = dy[i]!;
    // Inside of the window every rounded value is a mantissa of the range.
    if (v > from && v < to) out[i] = g + delta * Math.abs(g) * (v - Math.floor(v + 0.5));
    else out[i] = 0;
  }
}

function regularizedGradient(
  x: Float32Array,
  dy: Float32Array,
  f: DiscreteFunction,
  { noise, sigma }: Extract<Surrogate, { kind: "regularized" }>,
  out: Float32Array,
): void {
  const { scale, slope } = regularizedSlope(f, kernelTable(noise), sigma);
  for (let i = 0; i < x.length; i++) out[i] = dy[i]! * slope(x[i]! * scale);
}
