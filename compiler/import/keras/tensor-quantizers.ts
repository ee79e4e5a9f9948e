// QKeras quantizers on weights. In: a tensor as Keras stores it, and a quantizer. Out: whole mantissas and the steps that
// they count, so that mantissa * step is what QKeras computes with. The formulas are those of arXiv:2006.10159 and of
// the public documentation of QKeras 0.9, taken in real arithmetic; a scale that follows from the weights is rounded
// to float32, as the file's own numbers are. At inference stochastic rounding is plain rounding.
import {
  QuantizerProblem,
  type QuantizerReader,
  type QuantizerSpec,
  quantizerReader,
} from "./quantizer-spec.ts";

export interface QuantizedTensor {
  readonly mantissas: Float64Array;
  /** One, or one for each position of the last axis. */
  readonly steps: Float64Array;
  readonly least: number;
  readonly greatest: number;
  /** Every mantissa is -1 or 1. */
  readonly bipolar: boolean;
}

/** What QKeras adds to keep logarithms and quotients finite. */
const EPSILON = 1e-7;
const MOST_BITS = 24;
/** Rounds of scale and threshold that quantized_bits takes for auto_po2. */
const PO2_ROUNDS = 5;

type Auto = "auto" | "auto_po2";

/** Half to even, as TensorFlow rounds. */
export function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const part = x - down;
  return part > 0.5 || (part === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

const clamp = (x: number, least: number, greatest: number): number => Math.min(greatest, Math.max(least, x));
const signOf = (x: number): number => (x >= 0 ? 1 : -1);
const powerNear = (x: number): number => 2 ** roundHalfEven(Math.log2(x + EPSILON));

/** Calls for every element with the group that shares its scale: the last axis, of a vector every element. */
const channelsOf = (shape: readonly number[]): number => shape.at(-1) ?? 1;

/**
 * Least squares: the scale s of each group for which s * q is nearest to x, sum(x q) / sum(q q); `auto_po2` takes the
 * power of two whose logarithm is nearest.
 */
function leastSquares(
  x: Float64Array,
  q: Float64Array,
  channels: number,
  alpha: Auto,
  bounds: PowerBounds,
): Float64Array {
  const count = x.length / channels;
  const xq = new Float64Array(channels);
  const qq = new Float64Array(channels);
  x.forEach((value, i) => {
    xq[i % channels]! += (value * q[i]!) / count;
    qq[i % channels]! += q[i]! ** 2 / count;
  });
  return xq.map((sum, channel) => {
    const scale = Math.fround(sum / (qq[channel]! + EPSILON));
    return alpha === "auto" ? scale : clamp(powerNear(scale), 2 ** bounds.least, 2 ** bounds.greatest);
  });
}

interface PowerBounds {
  readonly least: number;
  readonly greatest: number;
}

const powerBounds = (read: QuantizerReader): PowerBounds => ({
  least: read.number("min_po2_exponent") ?? -Infinity,
  greatest: read.number("max_po2_exponent") ?? Infinity,
});

/** Largest magnitude of each group. */
function largest(x: Float64Array, channels: number): Float64Array {
  const most = new Float64Array(channels);
  x.forEach((value, i) => {
    most[i % channels] = Math.max(most[i % channels]!, Math.abs(value));
  });
  return most;
}

/** A group of zeros alone has no scale of its own; any step holds it. */
const usable = (steps: Float64Array): Float64Array => steps.map((step) => (step > 0 ? step : 1));

/**
 * quantized_bits(bits, integer, symmetric, keep_negative, alpha). With n = bits - keep_negative: step 2^(integer - n),
 * mantissa round(x / step) from -2^n + symmetric (0 without keep_negative) to 2^n - 1, times alpha. With n = 0: the
 * sign, 0 counting as positive. With alpha "auto": levels = 2^bits - 2, step = 2 max|x| / levels for each channel,
 * mantissa = sign(x) min(floor(|x| / step + 1/2), levels / 2). "auto_po2": that step's nearest power of two, then five
 * times the least squares of x and its mantissas.
 */
function bits(
  x: Float64Array,
  shape: readonly number[],
  read: QuantizerReader,
  alpha: Alpha,
): QuantizedTensor {
  const width = read.integer("bits", 8, 1, MOST_BITS);
  const unit = 2 ** read.integer("integer", 0, -64, 64);
  const symmetric = read.flag("symmetric", false);
  const signed = read.flag("keep_negative", true);
  if (typeof alpha === "number") {
    const n = width - Number(signed);
    if (n === 0) return bipolarTensor(x, Float64Array.of(alpha));
    const step = unit / 2 ** n;
    const least = signed ? Number(symmetric) - 2 ** n : 0;
    const greatest = 2 ** n - 1;
    const mantissas = x.map((value) => clamp(roundHalfEven(value / step), least, greatest));
    return { mantissas, steps: Float64Array.of(alpha * step), least, greatest, bipolar: false };
  }
  if (width < 2) throw new QuantizerProblem(`with alpha ${alpha} needs two bits or more`);
  const half = 2 ** (width - 1) - 1;
  const scaled = x.map((value) => value / unit);
  // The first scale of a vector is one for all of it, those of least squares are one for each element.
  const channels = channelsOf(shape);
  const groups = shape.length > 1 ? channels : 1;
  const mantissasOf = (scales: Float64Array): Float64Array =>
    scaled.map((value, i) => {
      const scale = scales[i % scales.length]!;
      return scale > 0 ? Math.sign(value) * Math.min(half, Math.floor(Math.abs(value) / scale + 0.5)) : 0;
    });
  let scales: Float64Array = largest(scaled, groups).map((most) => Math.fround(most / half));
  if (alpha === "auto_po2") {
    const bounds = powerBounds(read);
    scales = scales.map(powerNear);
    for (let round = 0; round < PO2_ROUNDS; round++)
      scales = leastSquares(scaled, mantissasOf(scales), channels, alpha, bounds);
  }
  return {
    mantissas: mantissasOf(scales),
    steps: usable(scales.map((scale) => scale * unit)),
    least: -half,
    greatest: half,
    bipolar: false,
  };
}

const bipolarTensor = (x: Float64Array, steps: Float64Array): QuantizedTensor => ({
  mantissas: x.map(signOf),
  steps,
  least: -1,
  greatest: 1,
  bipolar: true,
});

type Alpha = number | Auto;

/**
 * binary(use_01, alpha): the sign of x, 0 counting as positive, times alpha; with use_01 0 and 1 in place of -1 and 1.
 * alpha "auto", "auto_po2": least squares of x and the signs, for each channel.
 */
function binary(
  x: Float64Array,
  shape: readonly number[],
  read: QuantizerReader,
  alpha: Alpha,
): QuantizedTensor {
  const zeroOne = read.flag("use_01", false);
  const q = x.map((value) => (zeroOne ? Number(value >= 0) : signOf(value)));
  const steps =
    typeof alpha === "number"
      ? Float64Array.of(alpha)
      : leastSquares(x, q, channelsOf(shape), alpha, powerBounds(read));
  // A channel whose scale is 0 or negative has no grid of its own: its mantissas carry sign and zero.
  const carried = q.map((value, i) => value * Math.sign(steps[i % steps.length]!));
  const plain = steps.every((step) => step > 0);
  return {
    mantissas: carried,
    steps: usable(steps.map(Math.abs)),
    least: zeroOne && plain ? 0 : -1,
    greatest: 1,
    bipolar: plain && !zeroOne,
  };
}

/**
 * ternary(alpha, threshold): sign(x) where |x| >= threshold (0.33), else 0, times alpha. alpha "auto", "auto_po2":
 * from the scale 2/3 max|x| of each channel on, `number_of_unrolls` times (5): the sign where x / scale rounds to
 * something but 0, then least squares.
 */
function ternary(
  x: Float64Array,
  shape: readonly number[],
  read: QuantizerReader,
  alpha: Alpha,
): QuantizedTensor {
  const grid = { least: -1, greatest: 1, bipolar: false };
  const threshold = read.number("threshold");
  if (typeof alpha === "number") {
    const least = Math.fround(threshold ?? 0.33);
    const mantissas = x.map((value) => (Math.abs(value) >= least ? Math.sign(value) : 0));
    return { mantissas, steps: Float64Array.of(alpha), ...grid };
  }
  if (threshold !== null) throw new QuantizerProblem(`with alpha ${alpha} takes no threshold`);
  const channels = channelsOf(shape);
  const rounds = read.integer("number_of_unrolls", 5, 1, 100);
  const bounds = { least: -Infinity, greatest: Infinity };
  // Of a vector, the first scale is one for all of it.
  let scales: Float64Array = largest(x, shape.length > 1 ? channels : 1).map((most) =>
    Math.fround((2 * most) / 3),
  );
  if (alpha === "auto_po2") scales = scales.map(powerNear);
  let mantissas = x;
  for (let round = 0; round < rounds; round++) {
    const current = scales;
    mantissas = x.map((value, i) => {
      const scale = current[i % current.length]!;
      return scale > 0 && roundHalfEven(value / scale) !== 0 ? Math.sign(value) : 0;
    });
    scales = leastSquares(x, mantissas, channels, alpha, bounds);
  }
  return { mantissas, steps: usable(scales), ...grid };
}

/** quantized_relu(bits, integer): step 2^(integer - bits), mantissa round(x / step) from 0 to 2^bits - 1. */
function relu(x: Float64Array, read: QuantizerReader): QuantizedTensor {
  if (read.flag("use_sigmoid", false) || (read.number("negative_slope") ?? 0) !== 0)
    throw new QuantizerProblem("of weights has use_sigmoid or a negative_slope");
  if (!read.flag("is_quantized_clip", true))
    throw new QuantizerProblem("of weights has no is_quantized_clip");
  const width = read.integer("bits", 8, 1, MOST_BITS);
  const step = 2 ** (read.integer("integer", 0, -64, 64) - width);
  const greatest = 2 ** width - 1;
  const mantissas = x.map((value) => clamp(roundHalfEven(value / step), 0, greatest));
  return { mantissas, steps: Float64Array.of(step), least: 0, greatest, bipolar: false };
}

/**
 * quantized_po2(bits, max_value): sign(x) 2^e, 0 counting as positive, e = round(log2 min(|x|, max_value)) between
 * -2^k and 2^k - 1 with k = bits - 1, less 1 unless max_value <= 1; e = -2^k where |x| < 1e-7. quadratic_approximation:
 * twice the rounded logarithm of the root, its bound made even. quantized_relu_po2: k one more; of x < 0 the result
 * is that of 0, or with a negative_slope -2^e of |x| slope. The step is the smallest power that occurs.
 */
function powersOfTwo(x: Float64Array, read: QuantizerReader, rectified: boolean): QuantizedTensor {
  const width = read.integer("bits", 8, 1, 8) - Number(!rectified);
  const maxValue = read.number("max_value");
  const k = width - Number(maxValue === null || maxValue > 1);
  const quadratic = read.flag("quadratic_approximation", false);
  const slope = rectified ? (read.number("negative_slope") ?? 0) : 1;
  if (k < 0) throw new QuantizerProblem("has too few bits for an exponent");
  if (maxValue !== null && maxValue <= 0) throw new QuantizerProblem("has a max_value that is not positive");
  const least = -(2 ** k);
  const greatest = quadratic ? 2 * Math.floor((2 ** k - 1) / 2) : 2 ** k - 1;
  const exponents = x.map((value) => {
    const magnitude = value < 0 ? -value * slope : value;
    if (magnitude < EPSILON) return least;
    const log = Math.log2(maxValue === null ? magnitude : Math.min(magnitude, maxValue));
    return quadratic
      ? 2 * clamp(roundHalfEven(log / 2), least, greatest)
      : clamp(roundHalfEven(log), least, greatest);
  });
  const lowest = exponents.reduce((a, b) => Math.min(a, b), Infinity);
  const highest = exponents.reduce((a, b) => Math.max(a, b), -Infinity);
  const negative = (value: number): boolean => value < 0 && slope !== 0;
  const mantissas = exponents.map((e, i) => (negative(x[i]!) ? -1 : 1) * 2 ** (e - lowest));
  const most = 2 ** (highest - lowest);
  return {
    mantissas,
    steps: Float64Array.of(2 ** lowest),
    least: -most,
    greatest: most,
    bipolar: most === 1,
  };
}

/**
 * Quantizes a tensor. `trainable`: QKeras gives kernels (and gamma and variance of a normalization) whose quantizer has
 * no alpha the alpha "auto_po2". Throws QuantizerProblem.
 */
export function quantizeTensor(
  x: Float64Array,
  shape: readonly number[],
  spec: QuantizerSpec,
  trainable: boolean,
): QuantizedTensor {
  const read = quantizerReader(spec);
  const alpha = (): Alpha => read.alpha() ?? (trainable ? "auto_po2" : 1);
  switch (spec.name) {
    case "quantized_bits":
      return bits(x, shape, read, alpha());
    case "quantized_relu":
      return relu(x, read);
    case "binary":
    case "stochastic_binary":
      return binary(x, shape, read, alpha());
    case "ternary":
    case "stochastic_ternary":
      return ternary(x, shape, read, alpha());
    case "quantized_po2":
      if ((spec.settings.log2_rounding ?? "rnd") !== "rnd")
        throw new QuantizerProblem("has a log2_rounding other than rnd");
      return powersOfTwo(x, read, false);
    case "quantized_relu_po2":
      if ((spec.settings.log2_rounding ?? "rnd") !== "rnd")
        throw new QuantizerProblem("has a log2_rounding other than rnd");
      return powersOfTwo(x, read, true);
    case "bernoulli":
      throw new QuantizerProblem("draws at random at inference too: its result is not defined");
    default:
      throw new QuantizerProblem("is not supported for weights");
  }
}
