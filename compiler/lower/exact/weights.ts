// Weights of a file as integers. In: the file's numbers and their quantizer. Out: integers and the exact scale of each
// unit; weights without a quantizer count as integers where some unit makes them that.
import type { ImportedConstants, ImportedNode, Quantizer, QuantRounding } from "../../graph/imported.ts";
import { MAX_TENSOR_WIDTH } from "../../program/constraints.ts";
import { compilerAssert } from "../../support/assert.ts";
import { widthOfRange } from "../../support/fixed-point.ts";
import {
  commonUnit,
  isInteger,
  minus,
  ONE,
  over,
  plus,
  type Rational,
  ratio,
  rationalOf,
  times,
  ZERO,
} from "../../support/rational.ts";
import { at, type PerChannel } from "./chain.ts";
import { describeNode, refuse } from "./context.ts";
import { rounded } from "./levels.ts";

export interface IntegerWeights {
  /** [units, ...]; only -1 and +1 of bipolar ones. */
  readonly data: readonly number[];
  readonly bipolar: boolean;
  /** weight = integer * scale: one, or one for each unit. */
  readonly scale: PerChannel<Rational>;
  /** What the file's quantizer leaves room for; null: no more than the integers need. */
  readonly stated: StatedFormat | null;
}

/** Integers of so many bits. */
export interface StatedFormat {
  readonly signed: boolean;
  readonly width: number;
}

/** Integers of the weights of a dense or conv; refused where there are none of 16 bits. */
export function integerWeights(
  node: ImportedNode,
  { weights, weightQuantizer }: ImportedConstants,
  units: number,
): IntegerWeights {
  if (!weightQuantizer) return plainWeights(node, weights, units);
  checkQuantizer(node, weightQuantizer, units);
  const scale = Array.from(weightQuantizer.scale, rationalOf);
  if (weightQuantizer.kind === "bipolar")
    return { data: Array.from(weights, (w) => (w >= 0 ? 1 : -1)), bipolar: true, scale, stated: null };
  const { zeroPoint } = weightQuantizer;
  if (zeroPoint.some((z) => !Number.isSafeInteger(z)))
    refuse(node, "import/exact-zero-point", { node: describeNode(node) });
  const row = weights.length / units;
  const integer = mantissas(weightQuantizer);
  const data = Array.from(weights, (w, i) => {
    const u = Math.floor(i / row);
    return integer(w, u) - at(zeroPoint as unknown as PerChannel<number>, u);
  });
  const stated = zeroPoint.every((z) => z === 0) ? statedFormat(weightQuantizer) : null;
  return { data: data.map((w) => (w === 0 ? 0 : w)), bipolar: false, scale, stated };
}

/** The format of a quantizer's integers; null above the widest weights. */
function statedFormat({ least, greatest }: Extract<Quantizer, { kind: "int" }>): StatedFormat | null {
  const signed = least < 0;
  const width = widthOfRange({ min: Math.min(least, 0), max: Math.max(greatest, 0) }, signed);
  return width <= MAX_TENSOR_WIDTH ? { signed, width } : null;
}

/** Scales above 0, one or one for each channel; ends that are integers. */
export function checkQuantizer(node: ImportedNode, quantizer: Quantizer, channels: number): void {
  const bad = (problem: string): never =>
    refuse(node, "import/exact-quantizer", { node: describeNode(node), problem });
  const counts = (what: string, { length }: Float64Array): void => {
    if (length !== 1 && length !== channels) bad(`it has ${length} ${what} for ${channels} channels`);
  };
  counts("scales", quantizer.scale);
  if (!quantizer.scale.every((s) => Number.isFinite(s) && s > 0)) bad("its scale is not above 0");
  if (quantizer.kind === "bipolar") return;
  const { zeroPoint, least, greatest } = quantizer;
  counts("zero points", zeroPoint);
  if (!zeroPoint.every(Number.isFinite)) bad("its zero point is no number");
  if (!Number.isSafeInteger(least) || !Number.isSafeInteger(greatest) || least > greatest)
    bad(`it has no integers from ${least} to ${greatest}`);
}

/** The integer of a number in channel `c`: by doubles where they leave no doubt, else exactly. */
export function mantissas(
  quantizer: Extract<Quantizer, { kind: "int" }>,
): (value: number, c: number) => number {
  const { rounding, least, greatest } = quantizer;
  const scale = Array.from(quantizer.scale);
  const zero = Array.from(quantizer.zeroPoint);
  const exactScale = scale.map(rationalOf);
  const exactZero = zero.map(rationalOf);
  return (value, c) => {
    const y = value / at(scale, c) + at(zero, c);
    const integer = isClear(y)
      ? roundedNumber(y, rounding)
      : Number(rounded(plus(over(rationalOf(value), at(exactScale, c)), at(exactZero, c)), rounding));
    return Math.min(greatest, Math.max(least, integer));
  };
}

/** Whether a double is far from every number where a rounding changes: the multiples of a half. */
function isClear(y: number): boolean {
  const doubled = 2 * y;
  return Math.abs(doubled - Math.round(doubled)) > (1 + Math.abs(doubled)) * 2 ** -40;
}

/** A double that is no multiple of a half, rounded. */
function roundedNumber(y: number, rounding: QuantRounding): number {
  switch (rounding) {
    case "FLOOR":
      return Math.floor(y);
    case "CEIL":
      return Math.ceil(y);
    case "UP":
      return y > 0 ? Math.ceil(y) : Math.floor(y);
    case "DOWN":
    case "ROUND_TO_ZERO":
      return Math.trunc(y);
    case "ROUND":
    case "HALF_ODD":
    case "HALF_UP":
    case "HALF_DOWN":
      return Math.floor(y + 0.5);
  }
}

/** The real values of a bias behind its quantizer. */
export function biasValues(
  node: ImportedNode,
  { bias, biasQuantizer }: ImportedConstants,
  units: number,
): PerChannel<Rational> {
  if (!bias) return [ZERO];
  const exact = Array.from(bias, rationalOf);
  if (!biasQuantizer) return exact;
  checkQuantizer(node, biasQuantizer, units);
  const scale = Array.from(biasQuantizer.scale, rationalOf);
  if (biasQuantizer.kind === "bipolar")
    return exact.map((b, u) => times(at(scale, u), ratio(b.numerator >= 0n ? 1 : -1)));
  const integer = mantissas(biasQuantizer);
  const zero = Array.from(biasQuantizer.zeroPoint, rationalOf);
  return Array.from(bias, (b, u) => times(minus(ratio(integer(b, u)), at(zero, u)), at(scale, u)));
}

const LARGEST = 2n ** BigInt(MAX_TENSOR_WIDTH - 1) - 1n;

/** Weights that are integers of a unit by themselves: of all of them, else of each unit of the layer. */
function plainWeights(node: ImportedNode, weights: Float64Array, units: number): IntegerWeights {
  const row = weights.length / units;
  const whole = unitOf(weights);
  const scale = whole
    ? [whole]
    : Array.from({ length: units }, (_, u) => unitOf(weights.subarray(u * row, (u + 1) * row)));
  if (!scale.every((s): s is Rational => s !== null))
    return refuse(node, "import/exact-weights", { node: describeNode(node), limit: MAX_TENSOR_WIDTH });
  const data = Array.from(weights, (w, i) => {
    const integer = over(rationalOf(w), at(scale, Math.floor(i / row)));
    compilerAssert(isInteger(integer), "exact: a weight is no multiple of its unit");
    return Number(integer.numerator);
  });
  return { data, bipolar: false, scale, stated: null };
}

/** The largest number of which all are whole multiples of 16 bits; null where they need more. */
function unitOf(weights: Float64Array): Rational | null {
  let unit = ZERO;
  let largest = ZERO;
  for (const weight of weights) {
    if (weight === 0) continue;
    const exact = rationalOf(Math.abs(weight));
    unit = commonUnit(unit, exact);
    if (minus(exact, largest).numerator > 0n) largest = exact;
    if (over(largest, unit).numerator > LARGEST) return null;
  }
  return unit.numerator === 0n ? ONE : unit;
}
