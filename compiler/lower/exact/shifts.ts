// A quantizer as a shift of integers. In: the chain before an int quantizer, and the quantizer. Out: the shift, rounding,
// clamp and added integers that are exactly the same, or null where thresholds are needed.
import type { Range, Rounding } from "../../support/fixed-point.ts";
import {
  ceilingOf,
  exponentOf,
  floorOf,
  isInteger,
  minus,
  over,
  plus,
  powerOfTwo,
  type Rational,
  ratio,
  times,
} from "../../support/rational.ts";
import { type Chain, combined, gridOf, type PerChannel } from "./chain.ts";
import { rounded, roundingBoundary, type UniformQuantizer } from "./levels.ts";

/** round((integer + offset) / 2^shift) clamped to least..greatest. */
export interface ExactShift {
  readonly shifts: PerChannel<number>;
  /** In the form of each rounding that is exact in all channels. */
  readonly forms: readonly { readonly rounding: Rounding; readonly offsets: PerChannel<number> }[];
  readonly least: number;
  readonly greatest: number;
}

const LARGEST_OFFSET = 2 ** 46;

/** The shift of a quantizer behind a chain; null where there is none. */
export function shiftOf(chain: Chain, quantizer: UniformQuantizer): ExactShift | null {
  const grid = gridOf(chain.slice(0, 1));
  if (!grid || grid.gain.some(({ numerator }) => numerator <= 0n)) return null;
  const clamp = clampOf(chain.slice(1), quantizer);
  if (!clamp) return null;
  const { scale, zero, rounding } = quantizer;
  const shifts = combined(scale, grid.gain, (s, gain) => exponentOf(over(s, gain)));
  if (!shifts.every((shift) => shift !== null && shift > -16 && shift < 48)) return null;
  const perShift = combined(shifts as PerChannel<number>, zero, (shift, z) => times(z, powerOfTwo(shift)));
  const added = combined(combined(grid.offset, grid.gain, over), perShift, plus);
  const forms = combined(shifts as PerChannel<number>, added, (shift, q) =>
    formsOf(shift, q, rounding, clamp),
  );
  const common = (["half-up", "truncate", "half-even"] as const).flatMap((name) => {
    const offsets = forms.map((form) => form.get(name));
    return offsets.every((o) => o !== undefined && o > -LARGEST_OFFSET && o < LARGEST_OFFSET)
      ? [{ rounding: name, offsets: offsets as number[] }]
      : [];
  });
  if (common.length === 0) return null;
  return { shifts: shifts as PerChannel<number>, forms: common, ...clamp };
}

interface Clamp {
  readonly least: number;
  readonly greatest: number;
}

/** The quantizer's ends behind clamps: rounding never falls, so that the ends of a clamp are rounded like anything. */
export function clampOf(
  steps: Chain,
  { scale, zero, rounding, least, greatest }: UniformQuantizer,
): Clamp | null {
  let [low, high] = [BigInt(least), BigInt(greatest)];
  for (const step of steps) {
    if (step.kind !== "clamp") return null;
    const ends = combined(scale, zero, (s, z) =>
      [step.least, step.most].map((end) => end && rounded(plus(over(end, s), z), rounding)),
    );
    const [first] = ends;
    if (ends.some((other) => other[0] !== first![0] || other[1] !== first![1])) return null;
    const [from, to] = first!;
    // A clamp beyond the quantizer's ends gives its end.
    if (from !== null && from !== undefined && from > low) low = from < high ? from : high;
    if (to !== null && to !== undefined && to < high) high = to > low ? to : low;
  }
  return { least: Number(low), greatest: Number(high) };
}

/** The integers to add in each rounding that gives round(integer / 2^shift + added / 2^shift) for every integer. */
function formsOf(
  shift: number,
  added: Rational,
  rounding: UniformQuantizer["rounding"],
  { least, greatest }: Clamp,
): ReadonlyMap<Rounding, number> {
  const forms = new Map<Rounding, number>();
  if (shift < 0) {
    // Finer than the integers: nothing is rounded where the sum is a multiple.
    if (isInteger(added))
      for (const name of ["half-up", "truncate", "half-even"] as const)
        forms.set(name, Number(added.numerator));
    return forms;
  }
  // Level m begins at the least integer n with n + added >= 2^shift * (m - distance), or > of it.
  const unit = powerOfTwo(shift);
  const begins = (m: bigint): bigint => {
    const { value, strict } = roundingBoundary(rounding, m);
    const from = minus(times(value, unit), added);
    return (strict ? floorOf(from) + 1n : ceilingOf(from)) - (m << BigInt(shift));
  };
  // Where levels begin depends on m by its sign and its parity alone.
  const samples = new Set<bigint>();
  for (const m of [least + 1, least + 2, -1, 0, 1, 2, greatest - 1, greatest])
    if (m > least && m <= greatest) samples.add(begins(BigInt(m)));
  if (samples.size <= 1) {
    const [first] = samples;
    const offset = first === undefined ? 0 : -Number(first);
    forms.set("truncate", offset);
    forms.set("half-up", shift === 0 ? offset : offset - 2 ** (shift - 1));
    if (shift === 0) forms.set("half-even", offset);
  } else if (rounding === "ROUND" && isInteger(added)) forms.set("half-even", Number(added.numerator));
  return forms;
}

/** Whether a quantizer's lower end is never reached: no integer of the range is rounded below it. */
export function staysAbove({ min }: Range, shift: number, rounding: Rounding, least: number): boolean {
  const value = over(ratio(min), powerOfTwo(shift));
  const half = rounding === "half-up" ? ratio(1, 2) : ratio(0);
  const lowest = rounding === "half-even" ? rounded(value, "ROUND") : floorOf(plus(value, half));
  return lowest >= BigInt(least);
}
