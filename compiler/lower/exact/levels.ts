// The quantizers of a file as levels on the real axis. In: Quant, BipolarQuant, MultiThreshold, Trunc, sign or step. Out:
// for each integer that it gives the least real number that reaches it, and the real value that it stands for.
import type { Quantizer, QuantRounding } from "../../graph/imported.ts";
import { widthOfRange } from "../../support/fixed-point.ts";
import {
  ceilingOf,
  equal,
  floorOf,
  isInteger,
  minus,
  negated,
  ONE,
  over,
  plus,
  powerOfTwo,
  type Rational,
  ratio,
  rationalOf,
  times,
  ZERO,
} from "../../support/rational.ts";
import { at, combined, type Grid, type PerChannel } from "./chain.ts";

/** A level is reached where x >= value; strict: where x > value. */
export interface Boundary {
  readonly value: Rational;
  readonly strict: boolean;
}

/** What decides for integers least to least + count, and what these mean. */
export interface Levels {
  readonly least: number;
  readonly count: number;
  /** One bit: its operands -1 and +1 are on the grid. */
  readonly bipolar: boolean;
  /** Of the integers (of a bipolar tensor: of its operands). */
  readonly grid: Grid;
  /** Channels that the boundaries tell apart. */
  readonly channels: number;
  /** Where integer `least + k` begins in channel c, k from 1 to count. */
  boundary(c: number, k: number): Boundary;
  /** The int quantizer that this is, with exact constants: for shifts instead of thresholds. */
  readonly uniform: UniformQuantizer | null;
}

/** round(x / scale + zero) clamped to least..greatest. */
export interface UniformQuantizer {
  readonly scale: PerChannel<Rational>;
  readonly zero: PerChannel<Rational>;
  readonly rounding: QuantRounding;
  readonly least: number;
  readonly greatest: number;
}

const HALF = ratio(1, 2);

/** The numbers that are rounded to `integer` or more. */
export function roundingBoundary(rounding: QuantRounding, integer: bigint): Boundary {
  const whole = ratio(integer);
  const before = (distance: Rational, strict: boolean): Boundary => ({
    value: minus(whole, distance),
    strict,
  });
  switch (rounding) {
    case "FLOOR":
      return before(ZERO, false);
    case "CEIL":
      return before(ONE, true);
    case "UP":
      return integer > 0n ? before(ONE, true) : before(ZERO, false);
    case "DOWN":
    case "ROUND_TO_ZERO":
      return integer > 0n ? before(ZERO, false) : before(ONE, true);
    case "ROUND":
      return before(HALF, integer % 2n !== 0n);
    case "HALF_ODD":
      return before(HALF, integer % 2n === 0n);
    case "HALF_UP":
      return before(HALF, integer <= 0n);
    case "HALF_DOWN":
      return before(HALF, integer > 0n);
  }
}

/** The number as an integer, in a stated rounding; exact. */
export function rounded(value: Rational, rounding: QuantRounding): bigint {
  const floor = floorOf(value);
  if (isInteger(value)) return floor;
  const { value: from, strict } = roundingBoundary(rounding, floor + 1n);
  const beyond = minus(value, from).numerator;
  return beyond > 0n || (beyond === 0n && !strict) ? floor + 1n : floor;
}

/** A stated quantizer. */
export function quantizerLevels(quantizer: Quantizer): Levels {
  const scale = Array.from(quantizer.scale, rationalOf);
  if (quantizer.kind === "bipolar") return signLevels(scale);
  const { rounding, least, greatest } = quantizer;
  const zero = Array.from(quantizer.zeroPoint, rationalOf);
  return {
    least,
    count: greatest - least,
    bipolar: false,
    grid: { gain: scale, offset: combined(scale, zero, (s, z) => negated(times(s, z))) },
    channels: Math.max(scale.length, zero.length),
    boundary(c, k) {
      const { value, strict } = roundingBoundary(rounding, BigInt(least + k));
      return { value: times(minus(value, at(zero, c)), at(scale, c)), strict };
    },
    uniform: { scale, zero, rounding, least, greatest },
  };
}

/** scale where x >= 0, else -scale. */
export function signLevels(scale: PerChannel<Rational>): Levels {
  return {
    least: 0,
    count: 1,
    bipolar: true,
    grid: { gain: scale, offset: [ZERO] },
    channels: 1,
    boundary: () => ({ value: ZERO, strict: false }),
    uniform: null,
  };
}

/** 1 where x >= 0, else 0. */
export function stepLevels(): Levels {
  return { ...signLevels([ONE]), bipolar: false };
}

/** outScale * #{k: x >= thresholds[c][k]} + outBias. */
export function multiThresholdLevels(node: {
  readonly channels: number;
  readonly thresholds: Float64Array;
  readonly outScale: number;
  readonly outBias: number;
}): Levels {
  const { channels } = node;
  const count = node.thresholds.length / channels;
  const rows = Array.from({ length: channels }, (_, c) =>
    node.thresholds.slice(c * count, (c + 1) * count).sort(),
  );
  const [gain, offset] = [rationalOf(node.outScale), rationalOf(node.outBias)];
  const decisions = {
    count,
    channels,
    boundary: (c: number, k: number): Boundary => ({ value: rationalOf(at(rows, c)[k - 1]!), strict: false }),
    uniform: null,
  };
  const least = gain.numerator === 0n ? ZERO : over(offset, gain);
  // -scale and scale are a bit; so is anything else of two levels, but not the same bit.
  if (count === 1 && gain.numerator > 0n && equal(least, ratio(-1, 2)))
    return { ...decisions, least: 0, bipolar: true, grid: { gain: [times(gain, HALF)], offset: [ZERO] } };
  // Integers with a real zero among them, where they need no more bits than others.
  const first = isInteger(least) ? Number(least.numerator) : 0;
  const isPlain = first !== 0 && widthOf(first, first + count) <= widthOf(0, count);
  if (isPlain) return { ...decisions, least: first, bipolar: false, grid: { gain: [gain], offset: [ZERO] } };
  return { ...decisions, least: 0, bipolar: false, grid: { gain: [gain], offset: [offset] } };
}

const widthOf = (min: number, max: number): number => widthOfRange({ min, max: Math.max(0, max) }, min < 0);

/** What a Trunc states: round half to even onto the input's grid, then 2^shift of its integers become one. */
export interface TruncScale {
  readonly scale: PerChannel<Rational>;
  readonly zero: PerChannel<Rational>;
  readonly shift: number;
  readonly rounding: QuantRounding;
}

/** Levels of a Trunc for the integers least to greatest. */
export function truncLevels(
  { scale, zero, shift, rounding }: TruncScale,
  least: number,
  greatest: number,
): Levels {
  return {
    least,
    count: greatest - least,
    bipolar: false,
    grid: { gain: scale, offset: combined(scale, zero, (s, z) => negated(times(s, z))) },
    channels: Math.max(scale.length, zero.length),
    boundary(c, k) {
      const { value, strict } = roundingBoundary(rounding, BigInt(least + k));
      const from = times(value, powerOfTwo(shift));
      // The first integer of the input's grid that is truncated to this one, and what is rounded to that.
      const first = strict ? floorOf(from) + 1n : ceilingOf(from);
      const inner = roundingBoundary("ROUND", first);
      return { value: times(minus(inner.value, at(zero, c)), at(scale, c)), strict: inner.strict };
    },
    uniform: null,
  };
}

/** The integer that a Trunc gives for a real number of channel `c`. */
export function truncated({ scale, zero, shift, rounding }: TruncScale, c: number, value: Rational): bigint {
  const inner = rounded(plus(over(value, at(scale, c)), at(zero, c)), "ROUND");
  return rounded(over(ratio(inner), powerOfTwo(shift)), rounding);
}
