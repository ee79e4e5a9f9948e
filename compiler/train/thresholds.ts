// Batch-norm, or a bias, and the quantizer behind it as integer thresholds on a layer's sums. In: float32 constants of
// each unit. Out: the entry of the next layer. Everything is computed with exact rationals, so that ties are decided in
// the thresholds and nothing of the floats is left.
import type { Entry, FrozenFormat } from "../graph/trained-graph.ts";
import { compilerAssert } from "../support/assert.ts";
import { integerRange, MAX_ACCUMULATOR_WIDTH, type Range } from "../support/fixed-point.ts";

/** y = gain * inverse * (value - mean) + shift, one entry for each unit; gain and inverse are above 0. */
export interface NormConstants {
  readonly gain: Float32Array;
  /** 1 / deviation, itself a float32: the root is taken before the constants are read as rationals. */
  readonly inverse: Float32Array;
  readonly mean: Float32Array;
  readonly shift: Float32Array;
}

/**
 * What decides between the levels. rounding: floor(y * 2^fraction + 1/2) saturated to an int format; a clamp before it
 * (relu, hardtanh) is that of the format. sign: whether y >= 0, one level; the step function or a bipolar tensor.
 */
export type Decision = "rounding" | "sign";

export interface FoldRequest {
  /** Of the sums: value = sum * 2^-fraction; one, or one for each unit. */
  readonly fraction: number | readonly number[];
  readonly norm: NormConstants;
  readonly decision: Decision;
  /** Format of the tensor that the thresholds make; its fraction is one number. */
  readonly format: FrozenFormat;
  /**
   * Thresholds are moved into this range, 48 bits when absent. From the least sum to one above the largest changes no
   * result and makes the thresholds as narrow as they can be.
   */
  readonly range?: Range;
}

/** mantissa * 2^exponent, exactly. */
interface Dyadic {
  readonly mantissa: bigint;
  readonly exponent: number;
}

/** Constants of layers that have a bias alone: y = value + bias. */
export function biasConstants(bias: Float32Array): NormConstants {
  const ones = new Float32Array(bias.length).fill(1);
  return { gain: ones, inverse: ones, mean: new Float32Array(bias.length), shift: bias };
}

/** Thresholds [units, levels], ascending in each unit: the least sums at which each level is reached. */
export function foldThresholds(request: FoldRequest): Extract<Entry, { kind: "threshold" }> {
  const { norm, decision, format } = request;
  const levels = decision === "sign" ? 1 : 2 ** format.width - 1;
  const base = decision === "sign" ? 0 : integerRange(format.width, format.signed).min;
  compilerAssert(typeof format.fraction === "number", "a threshold's result has one fraction");
  compilerAssert(decision === "sign" || format.kind === "int", "a bipolar tensor is a sign");
  const outputFraction = format.fraction;
  const range = request.range ?? integerRange(MAX_ACCUMULATOR_WIDTH, true);
  const thresholds: number[] = [];
  for (let u = 0; u < norm.gain.length; u++) {
    const fraction = typeof request.fraction === "number" ? request.fraction : request.fraction[u]!;
    const slope = times(dyadic(norm.gain[u]!), dyadic(norm.inverse[u]!));
    compilerAssert(slope.mantissa > 0n, "a batch-norm's gain is above 0");
    // y >= c  <=>  slope * sum * 2^-fraction >= c - shift + slope * mean
    const offset = plus(times(slope, dyadic(norm.mean[u]!)), negated(dyadic(norm.shift[u]!)));
    const perSum = { ...slope, exponent: slope.exponent - fraction };
    for (let k = 1; k <= levels; k++) {
      const bound: Dyadic =
        decision === "sign"
          ? { mantissa: 0n, exponent: 0 }
          : { mantissa: BigInt(2 * (base + k) - 1), exponent: -outputFraction - 1 };
      thresholds.push(clampToNumber(ceilQuotient(plus(bound, offset), perSum), range));
    }
  }
  return { kind: "threshold", base, levels, thresholds };
}

const buffer = new DataView(new ArrayBuffer(4));

/** A finite float32 as what it is: an integer times a power of two. */
function dyadic(value: number): Dyadic {
  compilerAssert(Number.isFinite(value) && Math.fround(value) === value, `${value} is no finite float32`);
  buffer.setFloat32(0, value);
  const bits = buffer.getUint32(0);
  const biased = (bits >>> 23) & 0xff;
  const digits = (bits & 0x7fffff) | (biased > 0 ? 0x800000 : 0);
  return { mantissa: BigInt(bits >>> 31 ? -digits : digits), exponent: Math.max(biased, 1) - 150 };
}

function times(a: Dyadic, b: Dyadic): Dyadic {
  return { mantissa: a.mantissa * b.mantissa, exponent: a.exponent + b.exponent };
}

function negated(a: Dyadic): Dyadic {
  return { mantissa: -a.mantissa, exponent: a.exponent };
}

function plus(a: Dyadic, b: Dyadic): Dyadic {
  const exponent = Math.min(a.exponent, b.exponent);
  return { mantissa: scaled(a, exponent) + scaled(b, exponent), exponent };
}

/** The integer a / 2^exponent, exponent at most a's. */
function scaled(a: Dyadic, exponent: number): bigint {
  return a.mantissa << BigInt(a.exponent - exponent);
}

/** The least integer that is at least a / b, for b above 0. */
function ceilQuotient(a: Dyadic, b: Dyadic): bigint {
  const exponent = Math.min(a.exponent, b.exponent);
  const numerator = scaled(a, exponent);
  const denominator = scaled(b, exponent);
  const quotient = numerator / denominator;
  // Division of bigints goes towards 0: that is already upwards below it.
  return numerator > quotient * denominator ? quotient + 1n : quotient;
}

function clampToNumber(value: bigint, { min, max }: Range): number {
  if (value < BigInt(min)) return min;
  if (value > BigInt(max)) return max;
  return Number(value);
}
