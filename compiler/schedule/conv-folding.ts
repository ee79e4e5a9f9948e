// How many lanes a convolution gets, and stages without products. In: sizes, the wished interval. Out: legal and chosen PE
// and SIMD, lanes that divide the channels.
import { type Folding, lanesMeet } from "./folding.ts";

/** A convolution as its products see it. */
export interface ConvSize {
  /** Positions of the result. */
  readonly positions: number;
  /** Positions of the input. */
  readonly inPositions: number;
  readonly taps: number;
  readonly channels: number;
  readonly units: number;
  readonly groups: number;
  /** Whether zeros stand between inputs. */
  readonly spread: boolean;
  /** Bits of one input and of one accumulator. */
  readonly inputWidth: number;
  readonly accumulatorWidth: number;
}

/** Whether every channel has one sum of its own, which takes no reduction over channels. */
export function isDepthwise({ channels, units, groups }: ConvSize): boolean {
  return groups > 1 && groups === channels && groups === units;
}

/** Taps side by side: more than one only where SIMD is whole positions. */
export function tapsAside({ channels, groups }: ConvSize, simd: number): number {
  return groups === 1 && simd > channels ? simd / channels : 1;
}

/** Cycles of one packet: those of the products, or those in which the input's words are stored. */
export function convCycles(size: ConvSize, { pe, simd }: Folding): number {
  const { positions, inPositions, taps, channels, units, groups } = size;
  if (isDepthwise(size)) return Math.max(positions * taps, inPositions) * (channels / pe);
  const beats = (units / pe) * Math.ceil((taps * channels) / groups / simd);
  return Math.max(positions * beats, inPositions * (channels / Math.min(simd, channels)));
}

const divisorsOf = (n: number): number[] =>
  Array.from({ length: n }, (_, i) => i + 1).filter((divisor) => n % divisor === 0);

/** What PE may be: a divisor of the outputs of a group; for a depthwise convolution one of the channels. */
export function legalPe(size: ConvSize): readonly number[] {
  return divisorsOf(isDepthwise(size) ? size.channels : size.units / size.groups);
}

/** What SIMD may be: a divisor of the channels of a group; or some whole taps, without groups and zeros between inputs. */
export function legalSimd(size: ConvSize): readonly number[] {
  const { taps, channels, groups, spread } = size;
  if (isDepthwise(size)) return [1];
  const whole = groups === 1 && !spread ? Array.from({ length: taps - 1 }, (_, i) => (i + 2) * channels) : [];
  return [...divisorsOf(channels / groups), ...whole];
}

/**
 * The fewest multipliers that need at most `interval` cycles; if none do, the fewest of the fastest. Among equals: the
 * fewest taps side by side, as each has its own copy of the image, then as `chooseFolding`.
 */
export function chooseConvFolding(size: ConvSize, interval: number, lanesBefore: number | null): Folding {
  const ranks = ({ pe, simd }: Folding): readonly number[] => {
    const cycles = convCycles(size, { pe, simd });
    const lanes = isDepthwise(size) ? pe : Math.min(simd, size.channels);
    return [
      cycles <= interval ? 0 : cycles,
      pe * simd,
      tapsAside(size, simd),
      lanesBefore === null || lanesMeet(lanesBefore, lanes) ? 0 : 1,
      pe * size.accumulatorWidth + simd * size.inputWidth,
    ];
  };
  let best: Folding | null = null;
  for (const pe of legalPe(size))
    for (const simd of legalSimd(size)) {
      const folding = { pe, simd };
      if (best === null || isLess(ranks(folding), ranks(best))) best = folding;
    }
  return best!;
}

/** Whether a list of numbers comes before another one of its length. */
function isLess(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((n, i) => n !== b[i]);
  return at >= 0 && a[at]! < b[at]!;
}

/**
 * Lanes of a stage between others, a divisor of `whole`: those of a stream that it reads where they are enough to pass
 * `elements` in `interval` beats, the fewest of them; else the fewest that are enough; else `whole`.
 */
export function chooseInnerLanes(
  elements: number,
  whole: number,
  interval: number,
  before: readonly number[],
): number {
  const able = divisorsOf(whole).filter((lanes) => elements / lanes <= interval);
  return able.find((lanes) => before.includes(lanes)) ?? able[0] ?? whole;
}
