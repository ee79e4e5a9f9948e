// QKeras quantizers on activations. In: a quantizer. Out: what adds its nodes. The formulas are those of
// arXiv:2006.10159 and of the public documentation of QKeras 0.9; at inference stochastic rounding is plain rounding,
// half to even.
import type { Quantizer } from "../../graph/imported.ts";
import type { LayerBuilder, Value } from "./node-builder.ts";
import { QuantizerProblem, type QuantizerSpec, quantizerReader } from "./quantizer-spec.ts";

/** Adds the nodes of a function to a value; `part` names them within the layer. */
export type Apply = (build: LayerBuilder, input: Value, part?: string) => Value;

const intQuantizer = (step: number, least: number, greatest: number): Quantizer => ({
  kind: "int",
  scale: Float64Array.of(step),
  zeroPoint: Float64Array.of(0),
  least,
  greatest,
  rounding: "ROUND",
});

const inner = (part: string | undefined, name: string): string =>
  part === undefined ? name : `${part}/${name}`;

const grid =
  (step: number, least: number, greatest: number): Apply =>
  (build, input, part) =>
    build.quantize(input, intQuantizer(step, least, greatest), part);

/** The function, then times alpha. */
function scaled(apply: Apply, alpha: number): Apply {
  if (alpha === 1) return apply;
  return (build, input, part) => build.affine(apply(build, input, inner(part, "grid")), [alpha], [0], part);
}

/** The next double above: x > bound is x >= this. */
function nextAbove(bound: number): number {
  const bits = new BigInt64Array(1);
  const value = new Float64Array(bits.buffer);
  value[0] = bound;
  bits[0]! += bound < 0 ? -1n : 1n;
  return value[0]!;
}

/**
 * What a quantizer does to an activation. Throws QuantizerProblem: alpha "auto" would follow from each input, and
 * powers of two are no grid.
 *
 * quantized_bits(bits, integer, symmetric, keep_negative, alpha): as of weights (tensor-quantizers.ts).
 * quantized_relu(bits, integer): clamp(round(x / s), 0, 2^bits - 1) s, s = 2^(integer - bits). With a negative_slope a,
 *   a power of two: one bit less, of the leaky x, and down to -a 2^(bits - 1). relu_upper_bound counts without
 *   is_quantized_clip: min(result, bound).
 * quantized_tanh(bits): clamp(round(t / s), -2^(bits - 1) + symmetric, 2^(bits - 1) - 1) s, s = 2^(1 - bits); t is tanh(x)
 *   with use_real_tanh, else x clamped to [-1, 1].
 * quantized_sigmoid(bits): clamp(round(p / s), symmetric, 2^bits - 1) s, s = 2^-bits; p is the sigmoid with
 *   use_real_sigmoid, else x / 2 + 1/2 clamped to [0, 1].
 * binary(use_01, alpha), stochastic_binary: alpha where x >= 0, else -alpha (0 with use_01).
 * ternary(alpha, threshold), stochastic_ternary: sign(x) alpha where |x| >= threshold (0.33), else 0.
 */
export function quantizeActivation(spec: QuantizerSpec): Apply {
  const read = quantizerReader(spec);
  const fixedAlpha = (): number => {
    const alpha = read.alpha();
    if (typeof alpha === "string")
      throw new QuantizerProblem(
        `of an activation has the alpha ${alpha}, which follows from each input anew`,
      );
    return alpha ?? 1;
  };
  switch (spec.name) {
    case "quantized_bits": {
      const alpha = fixedAlpha();
      const signed = read.flag("keep_negative", true);
      const n = read.integer("bits", 8, 1, 24) - Number(signed);
      if (n === 0) return bipolar(alpha);
      const step = 2 ** (read.integer("integer", 0, -64, 64) - n);
      const least = signed ? Number(read.flag("symmetric", false)) - 2 ** n : 0;
      return scaled(grid(step, least, 2 ** n - 1), alpha);
    }
    case "quantized_relu":
      return quantizedRelu(read);
    case "quantized_tanh": {
      const n = read.integer("bits", 8, 2, 24) - 1;
      const clamped = grid(2 ** -n, Number(read.flag("symmetric", false)) - 2 ** n, 2 ** n - 1);
      return read.flag("use_real_tanh", false) ? behind({ kind: "tanh" }, clamped) : clamped;
    }
    case "quantized_sigmoid": {
      const n = read.integer("bits", 8, 1, 24);
      const clamped = grid(2 ** -n, Number(read.flag("symmetric", false)), 2 ** n - 1);
      if (read.flag("use_real_sigmoid", false)) return behind({ kind: "sigmoid" }, clamped);
      return (build, input, part) =>
        clamped(build, build.affine(input, [0.5], [0.5], inner(part, "line")), part);
    }
    case "binary":
    case "stochastic_binary": {
      const alpha = fixedAlpha();
      if (!read.flag("use_01", false)) return bipolar(alpha);
      return scaled((build, input, part) => build.operator(input, { kind: "step" }, part), alpha);
    }
    case "ternary":
    case "stochastic_ternary": {
      const alpha = fixedAlpha();
      const threshold = Math.fround(read.number("threshold") ?? 0.33);
      if (!(threshold > 0)) throw new QuantizerProblem("has a threshold that is not positive");
      // Two steps up from -alpha: above -threshold, and from threshold on.
      const thresholds = Float64Array.of(nextAbove(-threshold), threshold);
      const fields = { channels: 1, thresholds, outScale: alpha, outBias: -alpha };
      return (build, input, part) => build.multithreshold(input, fields, part);
    }
    case "quantized_po2":
    case "quantized_relu_po2":
      throw new QuantizerProblem("of an activation has powers of two as its values, which are no grid");
    case "bernoulli":
      throw new QuantizerProblem("draws at random at inference too: its result is not defined");
    default:
      throw new QuantizerProblem("is not supported");
  }
}

const bipolar =
  (alpha: number): Apply =>
  (build, input, part) =>
    build.quantize(input, { kind: "bipolar", scale: Float64Array.of(alpha) }, part);

const behind =
  (curve: { readonly kind: "tanh" | "sigmoid" }, then: Apply): Apply =>
  (build, input, part) =>
    then(build, build.operator(input, curve, inner(part, curve.kind)), part);

function quantizedRelu(read: ReturnType<typeof quantizerReader>): Apply {
  if (read.flag("use_sigmoid", false)) throw new QuantizerProblem("has use_sigmoid, which is not supported");
  const slope = read.number("negative_slope") ?? 0;
  const n = read.integer("bits", 8, 1, 24) - Number(slope !== 0);
  const step = 2 ** (read.integer("integer", 0, -64, 64) - n);
  let greatest = 2 ** n - 1;
  const bound = read.number("relu_upper_bound");
  if (!read.flag("is_quantized_clip", true) && bound !== null && bound !== 0) {
    if (!(bound > 0) || !Number.isInteger(bound / step))
      throw new QuantizerProblem(`has a relu_upper_bound of ${bound}, which is none of its values`);
    greatest = Math.min(greatest, bound / step);
  }
  if (slope === 0) return grid(step, 0, greatest);
  const least = -slope * 2 ** n;
  if (!(slope > 0 && slope <= 1) || !Number.isInteger(Math.log2(slope)) || !Number.isInteger(least))
    throw new QuantizerProblem(`has a negative_slope of ${slope}, whose lowest value is none of its grid`);
  return (build, input, part) => {
    const leaky = build.operator(input, { kind: "leaky_relu", slope }, inner(part, "leaky"));
    return build.quantize(leaky, intQuantizer(step, least, greatest), part);
  };
}
