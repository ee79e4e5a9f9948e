// How many lanes a convolution gets, and stages without products. In: sizes, the wished interval. Out: legal and chosen PE
// and SIMD, lanes that divide the channels.
import { type Folding, lanesMeet, type WideFolding } from "./folding.ts";

/** A convolution as its products see it. */
export interface ConvSize {
  /** Positions of the result. */
  readonly positions: number;
  /** Positions of the input. */
  readonly inPositions: number;
  /** Of a window; of a transposed convolution those that meet inputs, where it is read by phase. */
  readonly taps: number;
  readonly channels: number;
  readonly units: number;
  readonly groups: number;
  /** Whether zeros stand between the inputs that a window meets. */
  readonly spread: boolean;
  /** Neighbouring columns of the result that meet the same ones of the input, each with weights of its own. */
  readonly phases: number;
  /** Positions in a line of the result and of the input, of which several may stand side by side; null: they may not. */
  readonly lines: { readonly result: number; readonly input: number } | null;
  /** Bits of one input and of one accumulator. */
  readonly inputWidth: number;
  readonly accumulatorWidth: number;
}

/** How the window before a convolution is read: its words, and what its beats hold. */
export interface ConvReading {
  /** Channels side by side in a word. */
  readonly lanes: number;
  /** Groups side by side: more than one where PE is more than the outputs of a group. */
  readonly vectors: number;
  /** Taps side by side: more than one where SIMD is more than the channels of a group. */
  readonly taps: number;
  /** Turns of groups, and how often each of their windows is read. */
  readonly outer: number;
  readonly replays: number;
}

/** How a folding reads its window; PE and SIMD are legal ones. */
export function readingOf({ channels, units, groups }: ConvSize, { pe, simd }: Folding): ConvReading {
  const [each, outputs] = [channels / groups, units / groups];
  const vectors = Math.max(1, pe / outputs);
  return {
    lanes: vectors * Math.min(simd, each),
    vectors,
    taps: Math.max(1, simd / each),
    outer: groups / vectors,
    replays: Math.max(1, outputs / pe),
  };
}

/** Cycles of one packet: those of the products, or those in which the input's words are stored. */
export function convCycles(size: ConvSize, folding: WideFolding): number {
  const { positions, inPositions, taps, channels, units, groups } = size;
  const beats = (units / folding.pe) * Math.ceil((taps * channels) / groups / folding.simd);
  const words = inPositions * (channels / readingOf(size, folding).lanes);
  return Math.max((positions / folding.windows) * beats, words / folding.columns);
}

/** Ascending. A sequence is a line of up to 2^20 positions: the large divisors come from the small ones. */
function divisorsOf(n: number): number[] {
  const small: number[] = [];
  for (let divisor = 1; divisor * divisor <= n; divisor++) if (n % divisor === 0) small.push(divisor);
  const large = small.map((divisor) => n / divisor).toReversed();
  return small.at(-1) === large[0] ? [...small, ...large.slice(1)] : [...small, ...large];
}

/**
 * The fewest positions side by side with which all of them pass in `interval` beats: one, or a divisor of a line that is a
 * multiple of `phases`; else a line.
 */
export function fewestColumns(line: number, positions: number, interval: number, phases = 1): number {
  const able = divisorsOf(line).filter((count) => count === 1 || count % phases === 0);
  return able.find((count) => positions / count <= interval) ?? line;
}

/**
 * The folding with as many positions side by side as the interval asks for: those of the input where a word has all channels,
 * those of the result where all products of one of them are made in a cycle.
 */
export function widened(size: ConvSize, folding: Folding, interval: number): WideFolding {
  const { positions, inPositions, taps, channels, units, groups, phases, lines } = size;
  const { pe, simd } = folding;
  if (!lines || readingOf(size, folding).lanes < channels) return { pe, simd, windows: 1, columns: 1 };
  const isWhole = pe === units && simd === (taps * channels) / groups;
  const windows = isWhole ? fewestColumns(lines.result, positions, interval, phases) : 1;
  // One column of the result after the other takes those of the input one by one, where it has phases.
  const columns = phases > 1 && windows === 1 ? 1 : fewestColumns(lines.input, inPositions, interval);
  return { pe, simd, windows, columns };
}

/** What PE may be: a divisor of the outputs of a group, or the outputs of as many groups as divide all of them. */
export function legalPe({ units, groups }: ConvSize): readonly number[] {
  const outputs = units / groups;
  const whole = divisorsOf(groups).slice(1);
  return [...divisorsOf(outputs), ...whole.map((vectors) => vectors * outputs)];
}

/**
 * What SIMD may be: the channels of a group at one or more taps; beside several groups no less, beside one a divisor of its
 * channels too. Zeros between inputs take one tap after the other.
 */
export function legalSimd(
  { taps, channels, units, groups, spread }: ConvSize,
  pe: number,
): readonly number[] {
  const each = channels / groups;
  const whole = Array.from({ length: spread ? 1 : taps }, (_, i) => (i + 1) * each);
  const vectors = pe / (units / groups);
  return vectors > 1 && Number.isInteger(vectors) ? whole : [...divisorsOf(each).slice(0, -1), ...whole];
}

/**
 * The fewest multipliers that need at most `interval` cycles; if none do, the fewest of the fastest. Among equals: the
 * fewest taps side by side, for which words are stored in as many memories and picked from them, then as `chooseFolding`.
 */
export function chooseConvFolding(size: ConvSize, interval: number, lanesBefore: number | null): WideFolding {
  const ranks = (folding: WideFolding): readonly number[] => {
    const { pe, simd, windows, columns } = folding;
    const cycles = convCycles(size, folding);
    const { lanes, taps } = readingOf(size, folding);
    return [
      cycles <= interval ? 0 : cycles,
      windows * pe * simd,
      columns * taps,
      lanesBefore === null || lanesMeet(lanesBefore, columns * lanes) ? 0 : 1,
      pe * size.accumulatorWidth + simd * size.inputWidth,
    ];
  };
  let best: WideFolding | null = null;
  for (const pe of legalPe(size))
    for (const simd of legalSimd(size, pe)) {
      const folding = widened(size, { pe, simd }, interval);
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
 * Lanes of a stage between others, a divisor of `whole`, or where that is not enough those of several of `columns` positions,
 * a divisor of them: those of a stream that it reads where they are enough to pass `elements` in `interval` beats, the
 * fewest of them; else the fewest that are enough; else all.
 */
export function chooseInnerLanes(
  elements: number,
  whole: number,
  interval: number,
  before: readonly number[],
  columns = 1,
): number {
  const wide = divisorsOf(columns).map((count) => count * whole);
  const able = [...divisorsOf(whole), ...wide].filter((lanes) => elements / lanes <= interval);
  return able.find((lanes) => before.includes(lanes)) ?? able[0] ?? whole * columns;
}
