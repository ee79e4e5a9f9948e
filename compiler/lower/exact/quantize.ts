// A quantizer behind a chain as instructions. In: a tensor and levels. Out: the tensor of integers, made by nothing at all,
// a shift, a table or thresholds: the cheapest that is exact for every integer that can come.
import type { ImportedNode } from "../../graph/imported.ts";
import { MAX_FRACTION, MAX_TABLE_WIDTH } from "../../program/constraints.ts";
import { mantissaRange, type Padding, widthOf } from "../../program/program.ts";
import type { Range } from "../../support/fixed-point.ts";
import {
  ceilingOf,
  compare,
  equal,
  floorOf,
  minus,
  over,
  type Rational,
  ratio,
  times,
  toNumber,
  ZERO,
} from "../../support/rational.ts";
import { approximately } from "../../support/surd.ts";
import {
  at,
  type Chain,
  channelsOfChain,
  combined,
  directionOf,
  followedBy,
  functionOf,
  type Grid,
  gridOf,
  type PerChannel,
  regridded,
  type Step,
} from "./chain.ts";
import {
  describeNode,
  type Emitted,
  type Lowering,
  layerOf,
  refuse,
  type Settled,
  type Tensor,
} from "./context.ts";
import { quantizedFineSum } from "./fine-sums.ts";
import { checkWidth, emittedAs, formatOfIntegers, formatOfLevels, fractionOfGrid } from "./formats.ts";
import { type Levels, roundingBoundary } from "./levels.ts";
import { type MultiplyShift, multiplyShifts } from "./multipliers.ts";
import { levelAt, thresholdsOf } from "./search.ts";
import { clampOf, shiftOf, staysAbove } from "./shifts.ts";
import {
  AS_IT_IS,
  asItIs,
  type Demand,
  emit,
  ownFraction,
  rangesOf,
  scaledValue,
  wholeRange,
} from "./sources.ts";

/** Most thresholds of a channel: 8 bits. Hardware compares with all of them at once. */
export const MAX_LEVELS = 255;
/** Most levels that a multiplication is looked for: 12 bits. */
const MAX_MULTIPLIED_LEVELS = 4095;
/** Up to as many, 4 bits, comparisons are cheaper than a multiplier. */
const FEW_LEVELS = 15;

/** The integers of a tensor behind a quantizer; moves that wait are not its matter. `node` is the quantizer. */
export function quantized(tensor: Tensor, levels: Levels, node: ImportedNode, lowering: Lowering): Settled {
  const { grid } = levels;
  const { source, chain } = tensor;
  checkWidth(levels, node);
  if (source.kind === "sum" && source.ratio !== null)
    return quantizedFineSum(source, tensor, levels, node, lowering);
  // What has nothing to do is left out, but where the file says that it is an instruction of a layer.
  const same =
    node.layer === undefined && source.kind === "value" && sameIntegers(chain, levels, source.value);
  if (same) return { emitted: source.value, grid };
  const found = averagedBy(tensor, levels, node, lowering) ?? shiftedBy(tensor, levels, node, lowering);
  if (found) return found;
  const direction = Array.from({ length: Math.max(1, channelsOfChain(chain)) }, (_, c) =>
    directionOf(chain, c),
  );
  const table = tabled(tensor, levels, node, direction, lowering);
  if (table) return table;
  if (direction.includes(null))
    refuse(node, "import/exact-not-monotone", { node: describeNode(node), limit: MAX_TABLE_WIDTH });
  const multiplied = multipliedBy(tensor, levels, node, direction as readonly number[], lowering);
  if (multiplied) return multiplied;
  if (levels.count > MAX_LEVELS)
    refuse(node, "import/exact-levels", {
      node: describeNode(node),
      levels: levels.count + 1,
      limit: (levels.count > MAX_MULTIPLIED_LEVELS ? MAX_MULTIPLIED_LEVELS : MAX_LEVELS) + 1,
    });
  const multipliers = direction as readonly number[];
  const emitted = emit(source, { ...asItIs(source), multipliers }, lowering);
  const thresholds = thresholdsFor(emitted, regridded(chain, multipliers, [0]), levels);
  const format = formatOfLevels(levels);
  const name = lowering.name(node.name);
  const { least: base, count } = levels;
  lowering.builder.threshold({
    layer: layerBehind(source.node, node),
    name,
    input: emitted.name,
    thresholds,
    levels: Math.max(1, count),
    base,
    format,
  });
  return { emitted: emittedAs(name, emitted.shape, format), grid };
}

/** The layer of a quantizer: the one that the file says, else that of what it quantizes. */
function layerBehind(source: ImportedNode, quantizer: ImportedNode): string {
  return quantizer.layer ?? layerOf(source);
}

/** Whether a quantizer finds its own integers, all of them: a grid that is quantized again. */
function sameIntegers(chain: Chain, levels: Levels, { format }: Emitted): boolean {
  const grid = gridOf(chain);
  if (!grid || (format.kind === "bipolar") !== levels.bipolar) return false;
  const same = (a: Grid["gain"], b: Grid["gain"]): boolean => combined(a, b, equal).every(Boolean);
  if (!same(grid.gain, levels.grid.gain) || !same(grid.offset, levels.grid.offset)) return false;
  if (levels.bipolar) {
    // One sign on each side of the boundary.
    const channels = Math.max(grid.gain.length, levels.channels);
    return Array.from({ length: channels }, (_, c) => c).every((c) => {
      const { value } = levels.boundary(c, 1);
      const gain = at(grid.gain, c);
      return compare(minus(ZERO, gain), value) < 0 && compare(value, gain) <= 0;
    });
  }
  const { min, max } = mantissaRange(format);
  return levels.uniform !== null && levels.least <= min && max <= levels.least + levels.count;
}

/** All thresholds [channels, levels], within one of the range of the sums. */
function thresholdsFor(emitted: Emitted, chain: Chain, levels: Levels): number[] {
  const bits = emitted.format.kind === "bipolar";
  // Thresholds count bits, the chain the operands -1 and +1.
  const whole: Chain = bits ? onBits(chain) : chain;
  const channels = emitted.shape.at(-1)!;
  const apart = Math.max(channelsOfChain(whole), levels.channels);
  const range: Range = bits ? { min: 0, max: 1 } : wholeRange(emitted.ranges);
  const rows = Array.from({ length: Math.min(apart, channels) }, (_, c) => {
    const found = thresholdsOf(functionOf(whole, c), levels.count, (k) => levels.boundary(c, k), range);
    // Not even one level above the least: a threshold that nothing reaches.
    return found.length > 0 ? found : [range.max + 1];
  });
  return Array.from({ length: channels }, (_, c) => at(rows, c)).flat();
}

/** A chain of operands -1 and +1 as one of bits. */
function onBits(chain: Chain): Chain {
  return chain.reduce<Chain>(followedBy, [{ kind: "affine", gain: [ratio(2)], offset: [ratio(-1)] }]);
}

const isRelu = (step: Step): boolean => step.kind === "clamp" && step.least?.numerator === 0n;

/** The mean of windows, where the quantizer gives what an average pool does: floor(mean + 1/2) in the input's integers. */
function averagedBy(
  { source, chain }: Tensor,
  { grid, uniform, bipolar }: Levels,
  node: ImportedNode,
  lowering: Lowering,
): Settled | null {
  const sums = gridOf(chain);
  if (!uniform || bipolar || !sums || source.kind !== "product" || !source.mean) return null;
  const { input, mean } = source;
  const [gain] = sums.gain;
  const [scale] = uniform.scale;
  const count = mean.window.reduce((a, b) => a * b, 1);
  const isSame = (values: PerChannel<Rational>): boolean => values.every((value) => equal(value, values[0]!));
  const isPlain = [sums.gain, sums.offset, uniform.scale].every(isSame) && isAllZero(uniform.zero);
  if (!isPlain || input.format.kind !== "int" || !equal(times(gain!, ratio(count)), scale!)) return null;
  const { min, max } = spanOf(input.ranges, mean.padding);
  if (uniform.least > min || uniform.greatest < max) return null;
  // Integer m begins where the mean is m - 1/2; where that is depends on m by its sign and its parity alone.
  const offset = over(sums.offset[0]!, scale!);
  const isMean = [min + 1, min + 2, -1, 0, 1, 2, max - 1, max].every((m) => {
    if (m <= min || m > max) return true;
    const { value, strict } = roundingBoundary(uniform.rounding, BigInt(m));
    const begins = times(minus(value, offset), ratio(count));
    const first = strict ? floorOf(begins) + 1n : ceilingOf(begins);
    return first === ceilingOf(times(ratio(2 * m - 1, 2), ratio(count)));
  });
  if (!isMean) return null;
  const name = lowering.name(node.name);
  const { window, strides, padding } = mean;
  const layer = layerBehind(source.node, node);
  lowering.builder.pool({ layer, name, input: input.name, kind: "average", window, strides, padding });
  return { emitted: { name, shape: source.shape, format: input.format, ranges: [{ min, max }] }, grid };
}

const isAllZero = (values: PerChannel<Rational>): boolean =>
  values.every(({ numerator }) => numerator === 0n);

/** All integers that a window's mean can be. */
function spanOf(ranges: readonly Range[], { before, after }: Padding): Range {
  const isPadded = [...before, ...after].some((n) => n > 0);
  const { min, max } = wholeRange(ranges);
  return isPadded ? { min: Math.min(0, min), max: Math.max(0, max) } : { min, max };
}

/** A shift, where scales are powers of two apart and the rounding is one of the program's. */
function shiftedBy(
  { source, chain }: Tensor,
  { grid, uniform }: Levels,
  node: ImportedNode,
  lowering: Lowering,
): Settled | null {
  const exact = uniform && shiftOf(chain, uniform);
  if (!exact || source.kind === "port") return null;
  const { shifts, least, greatest } = exact;
  const fraction = fractionOfGrid(grid);
  // The format's fractions make the shift: those of weights can be chosen, others are what they are.
  const wanted = combined(shifts, [0], (shift) => shift + fraction);
  const uniformShift = wanted.every((f) => f === wanted[0]) ? wanted[0]! : null;
  const isFree = source.kind === "product";
  if (!isFree && (uniformShift === null || uniformShift !== ownFraction(source))) return null;
  if (wanted.some((f) => Math.abs(f) > MAX_FRACTION / 2)) return null;
  const form = exact.forms.find(({ offsets }) => offsets.every((o) => o === 0)) ?? exact.forms[0]!;
  if (!isFree && form.offsets.some((o) => o !== 0)) return null;
  // A relu ends at integer 0 where no zero point moves that.
  const rectifies = chain.some(isRelu) && isAllZero(uniform!.zero);
  // A sign bit that a relu leaves without use is left out as well, but for an instruction that has it.
  const lowest = rectifies && node.layer !== undefined ? uniform!.least : least;
  const format = formatOfIntegers(lowest, greatest, fraction);
  const { min, max } = mantissaRange(format);
  if (greatest < 0) return null;
  if (min !== lowest) {
    const ranges = rangesOf(source, form.offsets);
    const count = Math.max(ranges.length, shifts.length);
    for (let c = 0; c < count; c++)
      if (!staysAbove(at(ranges, c), at(shifts, c), form.rounding, least)) return null;
  }
  const channels = source.shape.at(-1)!;
  const fractions = uniformShift ?? Array.from({ length: channels }, (_, c) => at(wanted, c));
  const demand: Demand = isFree ? { multipliers: [1], offsets: form.offsets, fraction: fractions } : AS_IT_IS;
  const emitted = emit(source, demand, lowering);
  const name = lowering.name(node.name);
  lowering.builder.requantize({
    layer: layerBehind(source.node, node),
    name,
    input: emitted.name,
    format,
    rounding: form.rounding,
    activation: rectifies ? "relu" : "none",
    limit: greatest < max ? greatest : null,
  });
  const range = { min: rectifies ? 0 : min, max: greatest };
  return { emitted: { name, shape: emitted.shape, format, ranges: [range] }, grid };
}

/** A multiplication by a constant of each channel and a shift, where these give every level of every integer. */
function multipliedBy(
  { source, chain }: Tensor,
  { uniform, grid, boundary, least: lowest, channels: apart }: Levels,
  node: ImportedNode,
  direction: readonly number[],
  lowering: Lowering,
): Settled | null {
  const [affine] = chain;
  const clamp = uniform && affine?.kind === "affine" ? clampOf(chain.slice(1), uniform) : null;
  if (!clamp || affine?.kind !== "affine" || source.kind === "port") return null;
  const { least, greatest } = clamp;
  const count = greatest - least;
  if (count <= FEW_LEVELS || count > MAX_MULTIPLIED_LEVELS) return null;
  // Sums of tensors have ranges when they are emitted; where they fall, that would be in vain if comparisons were left.
  const isSum = source.kind === "sum";
  if (isSum && direction.includes(-1) && count <= MAX_LEVELS) return null;
  if (source.kind === "value" && source.value.format.kind !== "int") return null;
  const given = isSum ? emit(source, AS_IT_IS, lowering).ranges : rangesOf(source, [0]);
  const oriented = regridded(chain, direction, [0]);
  const ranges = combined(given, direction, turned);
  const different = Math.max(ranges.length, channelsOfChain(chain), apart, uniform!.scale.length);
  const each = Array.from({ length: different }, (_, c) => c);
  const slopes = each.map(
    (c) => Math.abs(approximately(at(affine.gain, c))) / toNumber(at(uniform!.scale, c)),
  );
  const all = each.map((c) => at(ranges, c));
  const thresholdsFor = (c: number): readonly number[] =>
    thresholdsOf(functionOf(oriented, c), count, (k) => boundary(c, least - lowest + k), at(ranges, c));
  const found = multiplyShifts(thresholdsFor, least, slopes, all);
  const format = formatOfIntegers(least, greatest, fractionOfGrid(grid));
  const { min, max } = mantissaRange(format);
  // The format ends above at the limit; below it has to end by itself.
  const isKept = min === least || found?.every((own, c) => lowestOf(own, all[c]!) >= least);
  if (!found || !isKept || greatest < 0) return null;
  const tooFine = (f: number): boolean =>
    Math.max(Math.abs(f), Math.abs(f - ownFraction(source))) > MAX_FRACTION;
  if (found.some(({ shift }) => tooFine(shift + (format.fraction as number)))) return null;
  const emitted = emit(source, AS_IT_IS, lowering);
  const fraction = found.map(({ shift }) => shift + (format.fraction as number));
  const same = fraction.every((f) => f === fraction[0]);
  const channels = emitted.shape.at(-1)!;
  const demand: Demand = {
    multipliers: found.map(({ multiplier }, c) => multiplier * at(direction, c)),
    offsets: found.map(({ offset }) => offset),
    fraction: same ? fraction[0]! : Array.from({ length: channels }, (_, c) => at(fraction, c)),
  };
  const owner = source.node;
  const sums = scaledValue(owner, emitted, demand, lowering.name(node.name, "scaled"), lowering);
  const name = lowering.name(node.name);
  const limit = greatest < max ? greatest : null;
  lowering.builder.requantize({
    layer: layerBehind(owner, node),
    name,
    input: sums.name,
    format,
    rounding: "truncate",
    limit,
  });
  return { emitted: { name, shape: emitted.shape, format, ranges: [{ min, max: greatest }] }, grid };
}

/** A range as it is, or of the negative integers. */
function turned({ min, max }: Range, direction: number): Range {
  return direction > 0 ? { min, max } : { min: -max, max: -min };
}

function lowestOf({ multiplier, offset, shift }: MultiplyShift, { min }: Range): number {
  return Math.floor((min * multiplier + offset) / 2 ** shift);
}

/** A table, for inputs of few bits that all channels treat alike. */
function tabled(
  { source, chain }: Tensor,
  levels: Levels,
  node: ImportedNode,
  direction: PerChannel<number | null>,
  lowering: Lowering,
): Settled | null {
  if (source.kind !== "value" || channelsOfChain(chain) > 1 || levels.channels > 1) return null;
  const { value } = source;
  const width = widthOf(value.format);
  if (width > MAX_TABLE_WIDTH || typeof value.format.fraction !== "number") return null;
  const rises = direction[0] === 1;
  // Few levels are cheaper as comparisons than all entries are as a memory; an instruction of thresholds has them anyway.
  const isStated = node.kind === "multithreshold" && node.layer !== undefined;
  if (rises && levels.count <= MAX_LEVELS && (isStated || 2 ** width > 4 * levels.count)) return null;
  const bits = value.format.kind === "bipolar";
  const f = functionOf(bits ? onBits(chain) : chain, 0);
  const { min, max } = mantissaRange(value.format);
  const table = Array.from(
    { length: max - min + 1 },
    (_, i) => levels.least + levelAt(f, min + i, levels.count, (k) => levels.boundary(0, k)),
  );
  const format = formatOfLevels(levels);
  const name = lowering.name(node.name);
  lowering.builder.table({ layer: layerBehind(source.node, node), name, input: value.name, table, format });
  return { emitted: emittedAs(name, value.shape, format), grid: levels.grid };
}
