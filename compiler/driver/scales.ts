// Integers of a model whose file states its quantizers, as real numbers and back. In: a scale and an offset, one each or one
// for each channel. Out: numbers; channels come last, so that they take turns.
import type { StoredType } from "../graph/graph.ts";
import type { Scale } from "../program/manifest.ts";
import { integerRange } from "../support/fixed-point.ts";

type Numbers = number | readonly number[];

/** Of element or channel `i`. */
export function entryOf(numbers: Numbers, i: number): number {
  return typeof numbers === "number" ? numbers : numbers[i % numbers.length]!;
}

/** What the integer of element `i` stands for. */
export function realValue({ scale, offset }: Scale, integer: number, i: number): number {
  return integer * entryOf(scale, i) + entryOf(offset, i);
}

/** The integer of a type that is nearest to a value of channel `c`, halves up. */
export function nearestInteger(
  { scale, offset }: Scale,
  { width, signed }: Pick<StoredType, "width" | "signed">,
  value: number,
  c: number,
): number {
  const { min, max } = integerRange(width, signed);
  return Math.min(max, Math.max(min, Math.floor((value - entryOf(offset, c)) / entryOf(scale, c) + 0.5)));
}
