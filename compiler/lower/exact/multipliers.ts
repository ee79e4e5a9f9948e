// A quantizer as a multiplication and a shift. In: thresholds of a channel over the range of its integers, and how steep it
// is. Out: the smallest shift, and constants for it, that give the level of every integer of the range; proved.
import type { Range } from "../../support/fixed-point.ts";

/** floor((x * multiplier + offset) / 2^shift) */
export interface MultiplyShift {
  readonly multiplier: number;
  readonly offset: number;
  readonly shift: number;
}

const LARGEST_SHIFT = 44;
const LARGEST_MULTIPLIER = 2 ** 31;
/** What is multiplied, added and rounded stays below the widest accumulator. */
const LARGEST_SUM = 2 ** 46;

/**
 * The constants of one shift with which floor((x * multiplier + offset) / 2^shift) is least plus the number of thresholds
 * that x reaches, for every x of the range; above the highest level and below the least it goes on. null: there are none.
 * `thresholds` ascend, from the range's lower end to one above its upper one; `slope`, 0 or more, is levels for
 * each integer.
 *
 * What is computed never falls, so that the integer at each threshold and the one below it decide.
 */
export function multiplyAt(
  shift: number,
  thresholds: readonly number[],
  least: number,
  slope: number,
  { min, max }: Range,
): MultiplyShift | null {
  const unit = 2 ** shift;
  const near = Math.floor(slope * unit);
  for (const multiplier of [near, near + 1]) {
    if (multiplier >= LARGEST_MULTIPLIER) continue;
    let lowest = Number.NEGATIVE_INFINITY;
    let highest = Number.POSITIVE_INFINITY;
    for (const [k, threshold] of thresholds.entries()) {
      const level = (least + k + 1) * unit;
      // Integers of the range alone: what no integer reaches asks nothing of it, and what all reach nothing below.
      if (threshold <= max) lowest = Math.max(lowest, level - threshold * multiplier);
      if (threshold > min) highest = Math.min(highest, level - 1 - (threshold - 1) * multiplier);
    }
    if (!(lowest <= highest)) continue;
    const offset = Math.min(Math.max(0, lowest), highest);
    const reach = Math.max(Math.abs(min), Math.abs(max)) * multiplier + Math.abs(offset) + unit;
    if (reach < LARGEST_SUM) return { multiplier, offset: offset === 0 ? 0 : offset, shift };
  }
  return null;
}

/** The constants of the smallest shift; null: there are none. */
export function multiplyShift(
  thresholds: readonly number[],
  least: number,
  slope: number,
  range: Range,
): MultiplyShift | null {
  for (let shift = 0; shift <= LARGEST_SHIFT; shift++) {
    const found = multiplyAt(shift, thresholds, least, slope, range);
    if (found) return found;
  }
  return null;
}

/**
 * Constants for all channels: of one shift where a few bits more than the least make that, else each of its own. Thresholds are
 * made when they are needed: of no channel behind one that has no constants.
 */
export function multiplyShifts(
  thresholdsOf: (channel: number) => readonly number[],
  least: number,
  slopes: readonly number[],
  ranges: readonly Range[],
): readonly MultiplyShift[] | null {
  const rows: (readonly number[])[] = [];
  const found: MultiplyShift[] = [];
  for (const [c, slope] of slopes.entries()) {
    rows[c] = thresholdsOf(c);
    const own = multiplyShift(rows[c], least, slope, ranges[c]!);
    if (!own) return null;
    found.push(own);
  }
  const most = Math.max(...found.map(({ shift }) => shift));
  for (let shift = most; shift <= most + 2; shift++) {
    const same = rows.map((row, c) => multiplyAt(shift, row, least, slopes[c]!, ranges[c]!));
    if (!same.includes(null)) return same as readonly MultiplyShift[];
  }
  return found;
}
