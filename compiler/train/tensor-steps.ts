// The steps of a pass without weights: pools, rearrangements, sums and products of two tensors, curves. In: tensors of a
// batch. Out: the result, and gradients for what entered.

import { slopeAt, valueAt } from "../graph/expression.ts";
import type { ArithmeticOperator } from "../graph/graph.ts";
import { assertNever } from "../support/assert.ts";
import type { Curve, Value } from "./network.ts";
import { floats, zeros } from "./scratch.ts";
import type { Windows } from "./windows.ts";

/** Index of the element that gave each largest value. */
export type Largest = Int32Array;

/** The largest element of each window and channel, [count, positions, channels]; the first one of equals. */
export function maxPool(
  x: Float32Array,
  count: number,
  channels: number,
  { positions, taps, sources, inputPositions }: Windows,
): { readonly result: Float32Array; readonly largest: Largest } {
  const result = zeros(count * positions * channels);
  const largest = new Int32Array(result.length);
  for (let n = 0, at = 0; n < count; n++)
    for (let p = 0; p < positions; p++, at += channels)
      for (let k = 0, found = false; k < taps; k++) {
        const source = sources[p * taps + k]!;
        if (source < 0) continue;
        const from = (n * inputPositions + source) * channels;
        for (let c = 0; c < channels; c++)
          if (!found || x[from + c]! > result[at + c]!) {
            result[at + c] = x[from + c]!;
            largest[at + c] = from + c;
          }
        found = true;
      }
  return { result, largest };
}

/** Gradient for what entered a largest-value pool. */
export function maxPoolGradient(dy: Float32Array, largest: Largest, size: number): Float32Array {
  const dx = zeros(size);
  for (let i = 0; i < dy.length; i++) dx[largest[i]!]! += dy[i]!;
  return dx;
}

/**
 * Means of windows, what is outside counting as 0; on a grid of 2^-fraction, as floor(x + 1/2), where one is given:
 * what the integers make of the mean of their mantissas.
 */
export function averagePool(
  x: Float32Array,
  count: number,
  channels: number,
  { positions, taps, sources, inputPositions }: Windows,
  fraction: number | null,
): Float32Array {
  const result = floats(count * positions * channels);
  const sums = new Float64Array(channels);
  const scale = fraction === null ? 1 : 2 ** fraction;
  for (let n = 0, at = 0; n < count; n++)
    for (let p = 0; p < positions; p++, at += channels) {
      sums.fill(0);
      for (let k = 0; k < taps; k++) {
        const source = sources[p * taps + k]!;
        if (source < 0) continue;
        const from = (n * inputPositions + source) * channels;
        for (let c = 0; c < channels; c++) sums[c]! += x[from + c]!;
      }
      for (let c = 0; c < channels; c++)
        result[at + c] =
          fraction === null ? sums[c]! / taps : Math.floor((sums[c]! * scale) / taps + 0.5) / scale;
    }
  return result;
}

/** Gradient for what entered an average; straight through its rounding. */
export function averagePoolGradient(
  dy: Float32Array,
  count: number,
  channels: number,
  { positions, taps, sources, inputPositions }: Windows,
): Float32Array {
  const dx = zeros(count * inputPositions * channels);
  for (let n = 0, at = 0; n < count; n++)
    for (let p = 0; p < positions; p++, at += channels)
      for (let k = 0; k < taps; k++) {
        const source = sources[p * taps + k]!;
        if (source < 0) continue;
        const to = (n * inputPositions + source) * channels;
        for (let c = 0; c < channels; c++) dx[to + c]! += dy[at + c]! / taps;
      }
  return dx;
}

/** Elements of every sample rearranged: those of the result by their sources, 0 at -1. */
export function move(x: Float32Array, count: number, sources: Int32Array): Float32Array {
  const size = x.length / count;
  const out = floats(count * sources.length);
  for (let n = 0, at = 0; n < count; n++)
    for (let i = 0; i < sources.length; i++, at++) {
      const source = sources[i]!;
      out[at] = source >= 0 ? x[n * size + source]! : 0;
    }
  return out;
}

/** Gradient for what was rearranged; `size` is that of one sample. */
export function moveGradient(
  dy: Float32Array,
  count: number,
  sources: Int32Array,
  size: number,
): Float32Array {
  const dx = zeros(count * size);
  for (let n = 0, at = 0; n < count; n++)
    for (let i = 0; i < sources.length; i++, at++) {
      const source = sources[i]!;
      if (source >= 0) dx[n * size + source]! += dy[at]!;
    }
  return dx;
}

/** The second operand of a join element by element: of one with an element a channel, that of each element's channel. */
function spread(y: Float32Array, a: Value, b: Value): Float32Array {
  if (a.elements === b.elements) return y;
  const { channels } = a;
  const positions = a.elements / channels;
  const out = floats((y.length / b.elements) * a.elements);
  for (let from = 0, at = 0; from < y.length; from += channels)
    for (let p = 0; p < positions; p++) for (let c = 0; c < channels; c++, at++) out[at] = y[from + c]!;
  return out;
}

/** Sums over the elements that `spread` gave the same value. */
function gathered(dy: Float32Array, a: Value, b: Value): Float32Array {
  if (a.elements === b.elements) return dy;
  const { channels } = a;
  const positions = a.elements / channels;
  const out = zeros((dy.length / a.elements) * b.elements);
  for (let from = 0, at = 0; from < out.length; from += channels)
    for (let p = 0; p < positions; p++)
      for (let c = 0; c < channels; c++, at++) out[from + c] = out[from + c]! + dy[at]!;
  return out;
}

function negated(x: Float32Array): Float32Array {
  const out = floats(x.length);
  for (let i = 0; i < x.length; i++) out[i] = -x[i]!;
  return out;
}

function scaledBy(x: Float32Array, y: Float32Array): Float32Array {
  const out = floats(x.length);
  for (let i = 0; i < x.length; i++) out[i] = x[i]! * y[i]!;
  return out;
}

/** Element by element. */
export function sum(x: Float32Array, y: Float32Array): Float32Array {
  const out = floats(x.length);
  for (let i = 0; i < x.length; i++) out[i] = x[i]! + y[i]!;
  return out;
}

/** Sum, difference or product of two tensors of a batch; the second may have one element a channel. */
export function join(
  operator: ArithmeticOperator["kind"],
  x: Float32Array,
  second: Float32Array,
  a: Value,
  b: Value,
): Float32Array {
  const y = spread(second, a, b);
  if (operator === "multiply") return scaledBy(x, y);
  return sum(x, operator === "add" ? y : negated(y));
}

/** Gradients for both operands. */
export function joinGradient(
  operator: ArithmeticOperator["kind"],
  dz: Float32Array,
  x: Float32Array,
  second: Float32Array,
  a: Value,
  b: Value,
): readonly [Float32Array, Float32Array] {
  switch (operator) {
    case "add":
      return [dz, gathered(dz, a, b)];
    case "subtract":
      return [dz, gathered(negated(dz), a, b)];
    case "multiply":
      return [scaledBy(dz, spread(second, a, b)), gathered(scaledBy(dz, x), a, b)];
    default:
      return assertNever(operator, "join");
  }
}

/** A function of one number for every element. */
export function curve(x: Float32Array, kind: Curve): Float32Array {
  const { value } = curveOf(kind);
  const out = floats(x.length);
  for (let i = 0; i < x.length; i++) out[i] = value(x[i]!);
  return out;
}

/** Gradient for what entered a curve. */
export function curveGradient(dy: Float32Array, x: Float32Array, kind: Curve): Float32Array {
  const { slope } = curveOf(kind);
  const dx = floats(dy.length);
  for (let i = 0; i < dy.length; i++) dx[i] = dy[i]! * slope(x[i]!);
  return dx;
}

/** Tensors side by side: of each in turn a stretch of so many elements. */
export function concat(operands: readonly Float32Array[], stretches: readonly number[]): Float32Array {
  const out = floats(operands.reduce((sum, x) => sum + x.length, 0));
  for (let at = 0, turn = 0; at < out.length; turn++)
    stretches.forEach((length, i) => {
      out.set(operands[i]!.subarray(turn * length, (turn + 1) * length), at);
      at += length;
    });
  return out;
}

/** Gradients for the tensors that were put side by side. */
export function concatGradient(dy: Float32Array, stretches: readonly number[]): Float32Array[] {
  const whole = stretches.reduce((a, b) => a + b, 0);
  const turns = dy.length / whole;
  let first = 0;
  return stretches.map((length) => {
    const dx = floats(turns * length);
    for (let turn = 0; turn < turns; turn++)
      dx.set(dy.subarray(turn * whole + first, turn * whole + first + length), turn * length);
    first += length;
    return dx;
  });
}

const clamp = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x));
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** The function of a curve, and its slope; 0 at the ends of a clamp. */
export function curveOf(curve: Curve): {
  readonly value: (x: number) => number;
  readonly slope: (x: number) => number;
} {
  switch (curve.kind) {
    case "relu6":
      return { value: (x) => clamp(x, 0, 6), slope: (x) => (x > 0 && x < 6 ? 1 : 0) };
    case "curve":
      return {
        value: (x) => valueAt(curve.body, x),
        slope: (x) => slopeAt(curve.body, x),
      };
    case "leaky_relu":
      return {
        value: (x) => (x >= 0 ? x : curve.slope * x),
        slope: (x) => (x >= 0 ? 1 : curve.slope),
      };
    case "hardsigmoid":
      return {
        value: (x) => clamp(x / 6 + 0.5, 0, 1),
        slope: (x) => (x > -3 && x < 3 ? 1 / 6 : 0),
      };
    case "hardswish":
      return {
        value: (x) => x * clamp(x / 6 + 0.5, 0, 1),
        slope: (x) => (x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5),
      };
    case "sigmoid":
      return { value: sigmoid, slope: (x) => sigmoid(x) * (1 - sigmoid(x)) };
    case "tanh":
      return { value: Math.tanh, slope: (x) => 1 - Math.tanh(x) ** 2 };
  }
}
