// Sums of two tensors whose scales have no unit of few bits in common, as two multiplications, a sum and a shift. In: such a
// sum, what stands behind it, and a quantizer. Out: the tensor of integers, proved for every pair of integers that can come.
import type { ImportedNode } from "../../graph/imported.ts";
import {
  MAX_FRACTION,
  MAX_MULTIPLIER_WIDTH,
  MAX_TABLE_WIDTH,
  MAX_TERM_WIDTH,
} from "../../program/constraints.ts";
import { mantissaRange } from "../../program/program.ts";
import { compilerAssert } from "../../support/assert.ts";
import { type Range, widthOfRange } from "../../support/fixed-point.ts";
import { toNumber } from "../../support/rational.ts";
import { approximately } from "../../support/surd.ts";
import { channelsOfChain, directionOf, functionOf, type PerChannel, regridded } from "./chain.ts";
import { type Lowering, layerOf, type Settled, type Tensor } from "./context.ts";
import { formatOfIntegers, fractionOfGrid } from "./formats.ts";
import type { Levels } from "./levels.ts";
import { firstWhere, thresholdsOf } from "./search.ts";
import { clampOf } from "./shifts.ts";
import { AS_IT_IS, refuseFineSum, type Source, type SumSource, scaledValue, wholeRange } from "./sources.ts";

/** floor((a * multipliers[0] + b * multipliers[1] + offset) / 2^shift) */
interface PairShift {
  readonly multipliers: readonly [number, number];
  readonly offset: number;
  readonly shift: number;
}

/** Pairs of integers that are looked at, one by one. */
const MOST_PAIRS = 2 ** 20;
const LARGEST_SHIFT = 36;

/**
 * Whether such a sum can be one: of values with one scale each, of few enough integers to look at every pair, none of whose
 * sums with these factors is rounded in a double.
 */
export function isEnumerableSum(
  [a, b]: readonly [Source, Source],
  factors: readonly PerChannel<number>[],
): boolean {
  const [[p, ...others], [q, ...more]] = factors as [PerChannel<number>, PerChannel<number>];
  if (a.kind !== "value" || b.kind !== "value" || !p || !q || others.length + more.length > 0) return false;
  const ranges = [wholeRange(a.value.ranges), wholeRange(b.value.ranges)] as const;
  const pairs = ranges.reduce((product, { min, max }) => product * (max - min + 1), 1);
  const { min, max } = sumRange(ranges, [p, q]);
  return pairs <= MOST_PAIRS && Math.max(-min, max) <= Number.MAX_SAFE_INTEGER;
}

/** The integers of a quantizer behind a sum of that kind; throws import/exact-residual where no constants give them. */
export function quantizedFineSum(
  source: SumSource,
  { chain }: Tensor,
  { uniform, grid, boundary, least: lowest, channels }: Levels,
  node: ImportedNode,
  lowering: Lowering,
): Settled {
  const [first, second] = source.operands;
  compilerAssert(first.kind === "value" && second.kind === "value", "exact: a fine sum is one of values");
  const [affine] = chain;
  const clamp = uniform && affine?.kind === "affine" ? clampOf(chain.slice(1), uniform) : null;
  const direction = directionOf(chain, 0);
  const isAlike = channels === 1 && channelsOfChain(chain) === 1;
  if (!clamp || affine?.kind !== "affine" || !direction || !isAlike) return refuseFineSum(source);
  const { least, greatest } = clamp;
  if (greatest < 0 || greatest - least >= 2 ** MAX_TABLE_WIDTH) return refuseFineSum(source);
  const ranges = [wholeRange(first.value.ranges), wholeRange(second.value.ranges)] as const;
  const factors = source.factors.map(([factor]) => factor! * direction) as [number, number];
  const span = sumRange(ranges, factors);
  const thresholds = thresholdsOf(
    functionOf(regridded(chain, [direction], [0]), 0),
    greatest - least,
    (k) => boundary(0, least - lowest + k),
    span,
  );
  const format = formatOfIntegers(least, greatest, fractionOfGrid(grid));
  const { min, max } = mantissaRange(format);
  const slope = Math.abs(approximately(affine.gain[0]!)) / toNumber(uniform!.scale[0]!);
  const pairs = levelsOfPairs(ranges, factors, thresholds, least);
  const found = pairShift(pairs, { least, greatest }, [factors[0] * slope, factors[1] * slope]);
  const fraction = found && found.shift + (format.fraction as number);
  const own = [first, second].map(({ value }) => value.format.fraction as number);
  if (!found || own.some((f) => Math.max(Math.abs(fraction!), Math.abs(fraction! - f)) > MAX_FRACTION))
    return refuseFineSum(source);
  const terms = [first, second].map(({ value }, i) => {
    const demand = { multipliers: [found.multipliers[i]!], offsets: [i === 0 ? found.offset : 0], fraction };
    const name = lowering.name(source.node.name, i === 0 ? "first" : "second");
    return scaledValue(source.node, value, { ...AS_IT_IS, ...demand }, name, lowering);
  });
  const sums = lowering.name(source.node.name);
  const inputs: [string, string] = [terms[0]!.name, terms[1]!.name];
  lowering.builder.add({ layer: layerOf(source.node), name: sums, inputs });
  const layer = node.layer ?? layerOf(source.node);
  const limit = greatest < max ? greatest : null;
  const lowestSum = sumRange(ranges, found.multipliers).min + found.offset;
  const ends = min === least || Math.floor(lowestSum / 2 ** found.shift) >= least;
  const name = lowering.name(node.name);
  const whole = ends ? name : lowering.name(node.name, "whole");
  lowering.builder.requantize({ layer, name: whole, input: sums, format, rounding: "truncate", limit });
  if (!ends) {
    // The format ends above at the limit; below it ends with its bits, which may be an integer too far.
    const table = Array.from({ length: max - min + 1 }, (_, i) => Math.max(least, min + i));
    lowering.builder.table({ layer, name, input: whole, table, format });
  }
  return {
    emitted: { name, shape: source.shape, format, ranges: [{ min: ends ? min : least, max: greatest }] },
    grid,
  };
}

function sumRange([a, b]: readonly [Range, Range], [p, q]: readonly [number, number]): Range {
  const ends = [a.min, a.max].flatMap((x) => [b.min, b.max].map((y) => x * p + y * q));
  return { min: Math.min(...ends), max: Math.max(...ends) };
}

interface Pairs {
  readonly ranges: readonly [Range, Range];
  /** Of each pair, those of one integer of the first tensor side by side. */
  readonly levels: Int16Array;
}

/** The exact level of every pair. */
function levelsOfPairs(
  ranges: readonly [Range, Range],
  [p, q]: readonly [number, number],
  thresholds: readonly number[],
  least: number,
): Pairs {
  const [a, b] = ranges;
  const width = b.max - b.min + 1;
  const levels = new Int16Array((a.max - a.min + 1) * width);
  const count = thresholds.length;
  for (let x = a.min, at = 0; x <= a.max; x++)
    for (let y = b.min; y <= b.max; y++, at++) {
      const sum = x * p + y * q;
      levels[at] = least + firstWhere({ min: 0, max: count - 1 }, (k) => thresholds[k]! > sum);
    }
  return { ranges, levels };
}

/** Constants of the smallest shift that give every level, and anything beyond the ends; null: there are none. */
function pairShift(
  pairs: Pairs,
  ends: { readonly least: number; readonly greatest: number },
  slopes: readonly [number, number],
): PairShift | null {
  for (let shift = 0; shift <= LARGEST_SHIFT; shift++) {
    const near = slopes.map((slope) => Math.floor(slope * 2 ** shift));
    for (const p of [near[0]!, near[0]! + 1])
      for (const q of [near[1]!, near[1]! + 1]) {
        const offset = p === 0 || q === 0 ? null : offsetOf(pairs, ends, p, q, 2 ** shift);
        if (offset === null) continue;
        const width = (value: number): number => widthOfRange({ min: Math.min(0, value), max: value }, true);
        const span = sumRange(pairs.ranges, [p, q]);
        const reach = Math.max(-span.min, span.max) + Math.abs(offset) + 2 ** shift;
        if (Math.max(width(p), width(q)) > MAX_MULTIPLIER_WIDTH || reach >= 2 ** (MAX_TERM_WIDTH - 1))
          return null;
        return { multipliers: [p, q], offset, shift };
      }
  }
  return null;
}

/** What has to be added so that floor((a * p + b * q + offset) / unit) is every pair's level; null: nothing does. */
function offsetOf(
  { ranges: [a, b], levels }: Pairs,
  { least, greatest }: { readonly least: number; readonly greatest: number },
  p: number,
  q: number,
  unit: number,
): number | null {
  let lowest = Number.NEGATIVE_INFINITY;
  let highest = Number.POSITIVE_INFINITY;
  for (let x = a.min, at = 0; x <= a.max; x++) {
    for (let y = b.min; y <= b.max; y++, at++) {
      const level = levels[at]!;
      const begins = level * unit - x * p - y * q;
      if (level > least && begins > lowest) lowest = begins;
      if (level < greatest && begins + unit - 1 < highest) highest = begins + unit - 1;
    }
    if (lowest > highest) return null;
  }
  const offset = Math.min(Math.max(0, lowest), highest);
  return offset === 0 ? 0 : offset;
}
