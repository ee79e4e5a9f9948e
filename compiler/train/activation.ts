// What is done to the tensor that enters a layer, and its gradient: the activation and its quantizer in one pass over
// the values. In: the sums before, what the phase makes of them. Out: the entering tensor; gradients.
import type { Surrogate } from "../graph/project.ts";
import type { FrozenFormat } from "../graph/trained-graph.ts";
import { integerRange } from "../support/fixed-point.ts";
import { fractionOf, roundValues } from "./formats.ts";
import type { Activation } from "./network.ts";
import {
  type NoisyQuantizer,
  type QuantizerGradient,
  quantize,
  quantizeGradient,
} from "./noise-quantizer.ts";
import { surrogateGradient } from "./regularization.ts";
import type { DiscreteFunction } from "./regularization-slopes.ts";
import { floats } from "./scratch.ts";

/** How a phase sees an entering tensor. */
export type ActivationPass = {
  readonly activation: Activation;
  /** Gradient through what is discrete; null: straight through. */
  readonly surrogate: Surrogate | null;
  /** Size of the argument around the threshold of step and sign, in which a gradient passes. */
  readonly window: number;
} & (
  | { readonly kind: "float" }
  | { readonly kind: "noise"; readonly quantizer: NoisyQuantizer; readonly noise: Float32Array }
  | { readonly kind: "rounding"; readonly format: FrozenFormat }
);

/** The value that step and sign give, whatever the phase. */
function discrete(x: Float32Array, low: number): Float32Array {
  const out = floats(x.length);
  for (let i = 0; i < x.length; i++) out[i] = x[i]! >= 0 ? 1 : low;
  return out;
}

/** ReLU of finite values without a branch: half of them would be guessed wrong. */
function positive(x: Float32Array): Float32Array {
  const out = floats(x.length);
  for (let i = 0; i < x.length; i++) out[i] = 0.5 * (x[i]! + Math.abs(x[i]!));
  return out;
}

function clamped(x: Float32Array, low: number, high: number): Float32Array {
  const out = floats(x.length);
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    out[i] = value < low ? low : value > high ? high : value;
  }
  return out;
}

/** The entering tensor as the phase sees it. */
export function activate(x: Float32Array, pass: ActivationPass): Float32Array {
  if (pass.activation === "sign") return discrete(x, -1);
  if (pass.activation === "step") return discrete(x, 0);
  switch (pass.kind) {
    case "float":
      if (pass.activation === "relu") return positive(x);
      return pass.activation === "hardtanh" ? clamped(x, -1, 1) : x;
    case "noise":
      return quantize(x, pass.noise, pass.quantizer);
    case "rounding":
      return roundValues(x, pass.format);
  }
}

/** dy where low < x < high, else 0, of finite dy; without a branch, too. */
function inside(x: Float32Array, dy: Float32Array, low: number, high: number): Float32Array {
  const dx = floats(x.length);
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    dx[i] = dy[i]! * (Number(value > low) & Number(value < high));
  }
  return dx;
}

/** The discrete function that a pass computes, for its surrogate; undefined where nothing is discrete. */
function discreteOf(pass: ActivationPass): DiscreteFunction | undefined {
  if (pass.activation === "sign" || pass.activation === "step")
    return { kind: pass.activation, window: pass.window };
  if (pass.kind === "rounding") {
    const { min, max } = integerRange(pass.format.width, pass.format.signed);
    return { kind: "rounding", step: 2 ** -fractionOf(pass.format), min, max };
  }
  if (pass.kind === "float" && pass.activation === "relu") return { kind: "relu", window: pass.window };
  if (pass.kind === "float" && pass.activation === "hardtanh") return { kind: "hardtanh" };
  return undefined;
}

/** Gradient for the sums before, and for the quantizer in a noise pass. `wantsInput` false: only the latter. */
export function activationGradient(
  x: Float32Array,
  dy: Float32Array,
  pass: ActivationPass,
  wantsInput: boolean,
): { readonly dx: Float32Array; readonly quantizer: QuantizerGradient | undefined } {
  const found = discreteOf(pass);
  const isThreshold = pass.activation === "sign" || pass.activation === "step";
  if (found && (isThreshold || (pass.surrogate && pass.surrogate.kind !== "straight-through"))) {
    const surrogate = pass.surrogate ?? { kind: "straight-through" };
    return { dx: surrogateGradient(x, dy, found, surrogate), quantizer: undefined };
  }
  switch (pass.kind) {
    case "float":
      if (pass.activation === "relu")
        return { dx: inside(x, dy, 0, Number.POSITIVE_INFINITY), quantizer: undefined };
      if (pass.activation === "hardtanh") return { dx: inside(x, dy, -1, 1), quantizer: undefined };
      return { dx: dy, quantizer: undefined };
    case "noise": {
      const dx = floats(wantsInput ? x.length : 0);
      const quantizer = quantizeGradient(x, pass.noise, dy, pass.quantizer, wantsInput ? dx : undefined);
      return { dx, quantizer };
    }
    case "rounding": {
      const { min, max } = integerRange(pass.format.width, pass.format.signed);
      const step = 2 ** -fractionOf(pass.format);
      // Unsigned formats follow a ReLU, whose slope is 0 from 0 downwards.
      const low = pass.format.signed ? (min - 0.5) * step : 0;
      return { dx: inside(x, dy, low, (max + 0.5) * step), quantizer: undefined };
    }
  }
}
