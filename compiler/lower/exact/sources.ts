// Where integers come from: values of the program, and products and sums that are not emitted before it is known what is
// made of them. In: a source, and what its integers shall be multiplied by and added to. Out: the value that has them.
import type { ImportedNode } from "../../graph/imported.ts";
import { channelBounds } from "../../program/bounds.ts";
import { intFormat } from "../../program/builder.ts";
import { MAX_FRACTION, MAX_TENSOR_WIDTH, MAX_TERM_WIDTH } from "../../program/constraints.ts";
import type { Constant, Format, Padding, Sizes } from "../../program/program.ts";
import { compilerAssert } from "../../support/assert.ts";
import { MAX_ACCUMULATOR_WIDTH, type Range, widthOfRange } from "../../support/fixed-point.ts";
import { isInteger, over } from "../../support/rational.ts";
import { at, combined, type Grid, type PerChannel } from "./chain.ts";
import { describeNode, type Emitted, type Lowering, layerOf, refuse } from "./context.ts";
import type { StatedFormat } from "./weights.ts";

/** Windows of a convolution as the builder takes them. */
export interface Windows {
  readonly kernel: Sizes;
  readonly strides: Sizes;
  readonly dilations: Sizes;
  readonly padding: Padding;
  readonly spread: Sizes;
  readonly groups: number;
  readonly padMantissa: number;
}

/** Weighted sums of a value. */
export interface ProductSource {
  readonly kind: "product";
  readonly node: ImportedNode;
  readonly shape: readonly number[];
  readonly input: Emitted;
  readonly units: number;
  /** [units, ...]: integers, of a bipolar layer -1 and +1. */
  readonly weights: readonly number[];
  readonly bipolar: boolean;
  /** Format of the weights that the file states; null: the narrowest. */
  readonly stated: StatedFormat | null;
  /** Of the weights, where their scale is a power of two; else 0. */
  readonly fraction: number;
  /** Where units have scales of their own that are powers of two: the fraction of each. */
  readonly unitFractions: readonly number[] | null;
  /** Of an average: the windows that its sums are of. */
  readonly mean?: Pick<Windows, "strides" | "padding"> & { readonly window: Sizes };
  /** null: dense. */
  readonly windows: Windows | null;
  /** What it was emitted as, by demand. */
  readonly emitted: Map<string, Emitted>;
}

/** (a + aOffsets) * aFactors + (b + bOffsets) * bFactors, channel by channel. */
export interface SumSource {
  readonly kind: "sum";
  readonly node: ImportedNode;
  readonly shape: readonly number[];
  readonly operands: readonly [Source, Source];
  readonly factors: readonly [PerChannel<number>, PerChannel<number>];
  /** Whole biases of products; 0 of anything else. */
  readonly offsets: readonly [PerChannel<number>, PerChannel<number>];
  /** Of the scales, where the factors are too large for the program: a quantizer behind it makes smaller ones. Else null. */
  readonly ratio: string | null;
  readonly emitted: Map<string, Emitted>;
}

export interface ValueSource {
  readonly kind: "value";
  readonly node: ImportedNode;
  readonly shape: readonly number[];
  readonly value: Emitted;
  readonly emitted: Map<string, Emitted>;
}

/** An input of the file whose integers no one has stated yet: its first quantizer does. */
export interface PortSource {
  readonly kind: "port";
  readonly node: ImportedNode;
  readonly shape: readonly number[];
}

export type Source = ProductSource | SumSource | ValueSource | PortSource;

/** Integers of a source times `multipliers` (none is 0) plus `offsets`. */
export interface Demand {
  readonly multipliers: PerChannel<number>;
  readonly offsets: PerChannel<number>;
  /** Fraction of the value's format where the shift behind it has to be that; null: as it comes. */
  readonly fraction: number | readonly number[] | null;
}

export const AS_IT_IS: Demand = { multipliers: [1], offsets: [0], fraction: null };

const isAll = (values: PerChannel<number>, wanted: number): boolean => values.every((v) => v === wanted);

export function valueSource(node: ImportedNode, value: Emitted): ValueSource {
  return { kind: "value", node, shape: value.shape, value, emitted: new Map() };
}

/** Range of all channels together. */
export function wholeRange(ranges: readonly Range[]): Range {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const range of ranges) {
    min = Math.min(min, range.min);
    max = Math.max(max, range.max);
  }
  return { min, max };
}

/** Bits of a value as wide as its sums. */
export function widthOfEmitted({ format, ranges }: Emitted): number {
  return format.kind === "bipolar" ? 1 : widthOfRange(wholeRange(ranges), format.signed);
}

/** The value of the program that holds what is demanded of a source; the same one for the same demand. */
export function emit(source: Source, demand: Demand, lowering: Lowering): Emitted {
  compilerAssert(source.kind !== "port", "exact: an input without integers is emitted");
  if (source.kind === "sum" && source.ratio !== null) return refuseFineSum(source);
  const { multipliers, offsets, fraction } = demand;
  compilerAssert(!multipliers.includes(0), "exact: nothing is multiplied by 0");
  const isOwn = JSON.stringify(fraction) === JSON.stringify(plainFraction(source));
  const key = JSON.stringify([trimmed(multipliers), trimmed(offsets), isOwn ? null : fraction]);
  const known = source.emitted.get(key);
  if (known) return known;
  const name =
    source.emitted.size === 0 && source.kind !== "value"
      ? lowering.name(source.node.name)
      : lowering.name(source.node.name, source.kind === "value" ? "scaled" : "again");
  const made =
    source.kind === "product"
      ? emitProduct(source, demand, name, lowering)
      : source.kind === "sum"
        ? emitSum(source, demand, name, lowering)
        : emitValue(source, demand, name, lowering);
  source.emitted.set(key, made);
  return made;
}

/** A sum without a unit of few bits, where something else than one quantizer of the whole tensor reads it. */
export function refuseFineSum({ node, ratio }: SumSource): never {
  return refuse(node, "import/exact-residual", { node: describeNode(node), ratio: ratio! });
}

function trimmed(values: PerChannel<number>): PerChannel<number> {
  return isAll(values, values[0]!) ? values.slice(0, 1) : values;
}

/** Fraction of weights that gives sums the fraction that is asked for. */
function weightFraction(input: Emitted, own: number, wanted: Demand["fraction"]): number | readonly number[] {
  const fraction = input.format.fraction;
  compilerAssert(typeof fraction === "number", "exact: operands have one fraction");
  if (wanted === null) return Math.abs(own + fraction) <= MAX_FRACTION ? own : -fraction;
  return typeof wanted === "number" ? wanted - fraction : wanted.map((f) => f - fraction);
}

/** The narrowest format of some integers; refused above 16 bits. */
function formatOfWeights(
  node: ImportedNode,
  weights: readonly number[],
  fraction: number | readonly number[],
): Format {
  let [min, max] = [0, 0];
  for (const w of weights) {
    if (w < min) min = w;
    if (w > max) max = w;
  }
  const width = widthOfRange({ min, max }, min < 0);
  if (width > MAX_TENSOR_WIDTH)
    refuse(node, "import/exact-weights-wide", { node: describeNode(node), width, limit: MAX_TENSOR_WIDTH });
  return intFormat(min < 0, width, fraction);
}

function emitProduct(source: ProductSource, demand: Demand, name: string, lowering: Lowering): Emitted {
  const { node, input, units, windows, weights } = source;
  const { multipliers, offsets } = demand;
  const row = weights.length / units;
  const scaled = isAll(multipliers, 1)
    ? weights
    : weights.map((w, i) => w * at(multipliers, Math.floor(i / row)));
  const fraction = weightFraction(input, source.fraction, demand.fraction);
  const bipolar = source.bipolar && multipliers.every((m) => m === 1 || m === -1);
  const stated = scaled === weights ? source.stated : null;
  const format: Format = bipolar
    ? { kind: "bipolar", fraction }
    : stated
      ? intFormat(stated.signed, stated.width, fraction)
      : formatOfWeights(node, scaled, fraction);
  const data = bipolar ? scaled.map((w) => (w > 0 ? 1 : 0)) : scaled.map((w) => (w === 0 ? 0 : w));
  const bias = isAll(offsets, 0) ? null : Array.from({ length: units }, (_, u) => at(offsets, u));
  const step = { layer: layerOf(node), name, input: input.name, ...(bias ? { bias } : {}) };
  if (windows) {
    const { kernel, ...rest } = windows;
    lowering.builder.conv({ ...step, weights: { units, kernel, data, format }, ...rest });
  } else lowering.builder.dense({ ...step, weights: { units, data, format } });
  const ranges = productRanges(source, scaled, format, offsets);
  return sumValue(name, source.shape, fractionOfSums(input, fraction), ranges);
}

/** Proved ranges of a product's sums, one for each unit. */
function productRanges(
  { input, units }: ProductSource,
  weights: readonly number[],
  format: Format,
  offsets: PerChannel<number>,
): readonly Range[] {
  const data = format.kind === "bipolar" ? weights.map((w) => (w > 0 ? 1 : 0)) : weights;
  const rows: Constant = { name: "weights", shape: [units, data.length / units], format, data };
  const biases: Constant = {
    name: "bias",
    shape: [units],
    format: intFormat(true, MAX_ACCUMULATOR_WIDTH, 0),
    data: Array.from({ length: units }, (_, u) => at(offsets, u)),
  };
  return Array.from({ length: units }, (_, u) => channelBounds(rows, biases, u, input.format));
}

/** Proved ranges of a source's integers plus offsets, before it is emitted; without bounds where they are not known. */
export function rangesOf(source: Source, offsets: PerChannel<number>): readonly Range[] {
  switch (source.kind) {
    case "value":
      return source.value.ranges;
    case "product": {
      const { bipolar, weights } = source;
      const format: Format = bipolar
        ? { kind: "bipolar", fraction: 0 }
        : intFormat(true, MAX_TENSOR_WIDTH, 0);
      return productRanges(source, weights, format, offsets);
    }
    default:
      return [{ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }];
  }
}

function fractionOfSums(input: Emitted, weights: number | readonly number[]): number | readonly number[] {
  const fraction = input.format.fraction as number;
  return typeof weights === "number" ? weights + fraction : weights.map((f) => f + fraction);
}

function sumValue(
  name: string,
  shape: readonly number[],
  fraction: number | readonly number[],
  ranges: readonly Range[],
): Emitted {
  // Beyond the widest accumulator the verifier of the program says so with the layer.
  const width = Math.min(widthOfRange(wholeRange(ranges), true), MAX_ACCUMULATOR_WIDTH);
  return { name, shape, format: intFormat(true, width, fraction), ranges };
}

/** A value as it is, or each channel by its multiplier. */
function emitValue({ node, value }: ValueSource, demand: Demand, name: string, lowering: Lowering): Emitted {
  const { multipliers, offsets, fraction } = demand;
  const sameFraction =
    fraction === null || JSON.stringify(fraction) === JSON.stringify(value.format.fraction);
  if (isAll(multipliers, 1) && isAll(offsets, 0) && sameFraction) return value;
  const integers = value.format.kind === "bipolar" ? signsOf(node, value, lowering) : value;
  return scaledValue(node, integers, demand, name, lowering);
}

/** Integers by a multiplier of each channel, and what is added. */
export function scaledValue(
  owner: ImportedNode,
  value: Emitted,
  { multipliers, offsets, fraction: wanted }: Demand,
  name: string,
  lowering: Lowering,
): Emitted {
  const channels = value.shape.at(-1)!;
  const expanded = (values: PerChannel<number>): readonly number[] =>
    Array.from({ length: channels }, (_, c) => at(values, c));
  const fraction = weightFraction(value, 0, wanted);
  const added = isAll(offsets, 0) ? {} : { offsets: expanded(offsets) };
  lowering.builder.scale({
    layer: layerOf(owner),
    name,
    input: value.name,
    multipliers: expanded(multipliers),
    fraction,
    ...added,
  });
  const ranges = combined(combined(value.ranges, multipliers, scaledRange), offsets, ({ min, max }, o) => ({
    min: Math.min(0, min) + Math.min(0, o),
    max: Math.max(0, max) + Math.max(0, o),
  }));
  return sumValue(name, value.shape, fractionOfSums(value, fraction), ranges);
}

function scaledRange({ min, max }: Range, factor: number): Range {
  const [a, b] = [min * factor, max * factor];
  return a < b ? { min: a, max: b } : { min: b, max: a };
}

/** Bits as the integers -1 and +1. */
export function signsOf(node: ImportedNode, value: Emitted, lowering: Lowering): Emitted {
  const format = intFormat(true, 2, value.format.fraction);
  const name = lowering.name(value.name, "signs");
  lowering.builder.threshold({
    layer: layerOf(node),
    name,
    input: value.name,
    thresholds: Array.from({ length: 2 * value.shape.at(-1)! }, () => 1),
    levels: 2,
    base: -1,
    format,
  });
  return { name, shape: value.shape, format, ranges: [{ min: -1, max: 1 }] };
}

const LARGEST_BIAS = 2 ** 46;

/** The offsets that a product can add by itself: those that are whole in its integers; null where there are none. */
export function biasOf(source: Source, { gain, offset }: Grid): PerChannel<number> | null {
  if (source.kind !== "product") return null;
  const biases = combined(offset, gain, (o, g) => (g.numerator === 0n ? null : over(o, g)));
  const isWhole = biases.every((b) => b && isInteger(b) && Math.abs(Number(b.numerator)) < LARGEST_BIAS);
  return isWhole ? biases.map((b) => Number(b!.numerator)) : null;
}

/** The source's integers as they are, in the fractions that its scales are where these are powers of two. */
export function asItIs(source: Source): Demand {
  const own = source.kind === "product" ? source.unitFractions : null;
  if (source.kind !== "product" || !own) return AS_IT_IS;
  const input = source.input.format.fraction as number;
  const fraction = own.map((f) => f + input);
  return fraction.every((f) => Math.abs(f) <= MAX_FRACTION) ? { ...AS_IT_IS, fraction } : AS_IT_IS;
}

/** The fraction of a source's value where none is demanded. */
function plainFraction(source: Source): Demand["fraction"] {
  return source.kind === "sum"
    ? null
    : source.kind === "value"
      ? source.value.format.fraction
      : ownFraction(source);
}

/** The fraction that a source has when nothing is asked of it. */
export function ownFraction(source: Source): number {
  switch (source.kind) {
    case "value":
      return source.value.format.fraction as number;
    case "product":
      return fractionOfSums(source.input, weightFraction(source.input, source.fraction, null)) as number;
    case "sum":
      return Math.max(...source.operands.map(ownFraction));
    case "port":
      return 0;
  }
}

function emitSum(source: SumSource, demand: Demand, name: string, lowering: Lowering): Emitted {
  const { node, operands } = source;
  const { multipliers, offsets } = demand;
  const factors = source.factors.map((own) => trimmed(combined(own, multipliers, (f, m) => f * m)));
  const isNegative = factors.map((own) => own.every((f) => f < 0));
  // What has one sign in all channels is subtracted; else the signs go into the operands.
  const reversed = isNegative[0]! && !isNegative[1]!;
  const order = reversed ? [1, 0] : [0, 1];
  const sameShape = JSON.stringify(operands[0].shape) === JSON.stringify(operands[1].shape);
  const subtracts = isNegative[order[1]!]! && !isNegative[order[0]!]! && (!reversed || sameShape);
  const [first, second] = subtracts ? (order as [0 | 1, 0 | 1]) : ([0, 1] as const);
  const wanted = [factors[first]!, subtracts ? factors[second]!.map((f) => -f) : factors[second]!];
  const own = [operands[first]!, operands[second]!];
  const fractions = own.map(ownFraction);
  const common = Math.max(...fractions);
  // Fractions that differ shift by themselves, which may be all that is asked for.
  const shifts = wanted.every((f, i) => isAll(f, 2 ** (common - fractions[i]!)));
  const plain = fractions.find((_, i) => isAll(wanted[i]!, 1)) ?? 0;
  const added = [source.offsets[first]!, source.offsets[second]!];
  const [a, b] = own.map((operand, i) => {
    const offsets = added[i]!;
    if (shifts) return emit(operand, { ...AS_IT_IS, offsets }, lowering);
    const scaled = combined(offsets, wanted[i]!, (o, factor) => o * factor);
    // A sum has the fraction that its operands give it.
    const ready =
      operand.kind === "sum" ? valueSource(operand.node, emit(operand, AS_IT_IS, lowering)) : operand;
    return emit(ready, { multipliers: wanted[i]!, offsets: scaled, fraction: plain }, lowering);
  });
  for (const operand of [a!, b!])
    if (widthOfEmitted(operand) > MAX_TERM_WIDTH)
      refuse(node, "import/exact-too-wide", {
        node: describeNode(node),
        operation: node.kind,
        width: widthOfEmitted(operand),
        limit: MAX_TERM_WIDTH,
      });
  compilerAssert(isAll(offsets, 0) && demand.fraction === null, "exact: a sum has no bias");
  const inputs: [string, string] = [a!.name, b!.name];
  lowering.builder[subtracts ? "subtract" : "add"]({ layer: layerOf(node), name, inputs });
  const fraction = Math.max(a!.format.fraction as number, b!.format.fraction as number);
  const ranges = combined(alignedRanges(a!, fraction), alignedRanges(b!, fraction), (x, y) =>
    subtracts
      ? { min: Math.min(0, x.min) - Math.max(0, y.max), max: Math.max(0, x.max) - Math.min(0, y.min) }
      : { min: Math.min(0, x.min) + Math.min(0, y.min), max: Math.max(0, x.max) + Math.max(0, y.max) },
  );
  return sumValue(name, source.shape, fraction, ranges);
}

function alignedRanges({ ranges, format }: Emitted, fraction: number): readonly Range[] {
  const scale = 2 ** (fraction - (format.fraction as number));
  return ranges.map(({ min, max }) => ({ min: min * scale, max: max * scale }));
}
