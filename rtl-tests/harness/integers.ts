// Random integers for primitive tests, seeded by what they are for.
import { integerRange } from "../../compiler/support/fixed-point.ts";
import { createRandom, type RandomStream } from "../../compiler/support/random.ts";

/** Integers of a width: both ends first, then random ones. */
export function integers(random: RandomStream, count: number, width: number, signed: boolean): number[] {
  const { min, max } = integerRange(width, signed);
  const ends = [max, min, 0, -1 < min ? max : -1, 1];
  return Array.from({ length: count }, (_, i) =>
    i < ends.length && count > ends.length
      ? Math.min(max, Math.max(min, ends[i]!))
      : min + Math.floor(random.uniform() * (max - min + 1)),
  );
}

export function randomFor(...what: readonly (string | number)[]): RandomStream {
  return createRandom("primitive", ...what);
}
