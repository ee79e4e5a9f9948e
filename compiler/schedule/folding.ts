// How many lanes each layer gets. In: layer sizes, the wished interval, PE and SIMD given by the user. Out: PE
// and SIMD per dense layer, lanes of the ports.
import type { Sharing } from "./sharing.ts";

/** What weights are stored in: what suits their size, block memory, or look-up tables. */
export type MemoryStyle = "auto" | "block" | "logic";

/**
 * What a stream is stored in, in windows, line buffers and FIFOs: what the tools take for its size, block memory, look-up tables
 * that serve as memory, or registers.
 */
export type StorageStyle = "auto" | "block" | "distributed" | "registers";

/**
 * What products are made in: blocks where the tools put them there by themselves; look-up tables; or blocks of which each
 * makes as many as `ScheduleOptions.multiplier` takes, else as auto.
 */
export type MultiplyStyle = "auto" | "logic" | "shared";

/** Multipliers of one dense layer: PE outputs by SIMD inputs per cycle. */
export interface Folding {
  readonly pe: number;
  readonly simd: number;
  /** Default: auto. */
  readonly memory?: MemoryStyle;
  /** Default: shared where multipliers are known, else auto. */
  readonly multiply?: MultiplyStyle;
}

/** From these sizes on block memory costs less than logic. */
const BLOCK_ROM = { words: 64, bits: 2048 };

/** What a memory that is never written is asked to be by its size alone. */
export function romStyle(words: number, wordBits: number): MemoryStyle {
  return words >= BLOCK_ROM.words && words * wordBits >= BLOCK_ROM.bits ? "block" : "auto";
}

/** A folding with what stands side by side beyond it. */
export interface WideFolding extends Folding {
  /** Positions of a convolution's result at once, all by the same weights. */
  readonly windows: number;
  /** Positions of its input that come at once. */
  readonly columns: number;
  /** Null or absent: every product has a multiplier of its own. */
  readonly sharing?: Sharing | null;
}

export interface DenseSize {
  readonly inputs: number;
  readonly outputs: number;
  /** Bits of one input and of one accumulator: what a lane costs. */
  readonly inputWidth: number;
  readonly accumulatorWidth: number;
}

/** Cycles of one packet: ceil(outputs/PE) * ceil(inputs/SIMD). */
export function denseCycles({ inputs, outputs }: DenseSize, { pe, simd }: Folding): number {
  return Math.ceil(outputs / pe) * Math.ceil(inputs / simd);
}

/** Whether a stream can change between these lanes without a wide crossing. */
export function lanesMeet(a: number, b: number): boolean {
  return a % b === 0 || b % a === 0;
}

/**
 * The fewest multipliers that need at most `interval` cycles. Among equals: lanes that divide those of the stream
 * before (`lanesBefore`, if there is one), then the fewest register bits beside the multipliers, then the fewest PE.
 */
export function chooseFolding(size: DenseSize, interval: number, lanesBefore: number | null): Folding {
  const fits = (f: Folding): boolean =>
    f.pe <= size.outputs && f.simd <= size.inputs && denseCycles(size, f) <= interval;
  const cost = (f: Folding): number => f.pe * size.accumulatorWidth + f.simd * size.inputWidth;
  const meets = (f: Folding): boolean => lanesBefore === null || lanesMeet(lanesBefore, f.simd);
  for (let product = Math.ceil((size.inputs * size.outputs) / interval); ; product++) {
    let best: Folding | null = null;
    for (let pe = 1; pe <= Math.min(product, size.outputs); pe++) {
      if (product % pe !== 0) continue;
      const folding = { pe, simd: product / pe };
      if (!fits(folding)) continue;
      if (
        best === null ||
        (meets(folding) && !meets(best)) ||
        (meets(folding) === meets(best) && cost(folding) < cost(best))
      )
        best = folding;
    }
    if (best) return best;
  }
}

/**
 * Fewest lanes with which `elements` pass in at most `beats` beats, a divisor or a multiple of `inner` where that is
 * possible. The caller makes sure that `beats` is at least 1.
 */
export function chooseLanes(elements: number, beats: number, inner: number): number {
  const least = Math.ceil(elements / beats);
  for (let lanes = least; lanes <= elements; lanes++) if (lanesMeet(lanes, inner)) return lanes;
  return least;
}

/** Fewest lanes among the divisors of `word` that pass `elements` in at most `beats` beats; else `word`. */
export function chooseInputLanes(elements: number, beats: number, word: number): number {
  for (let lanes = 1; lanes < word; lanes++) {
    if (word % lanes === 0 && Math.ceil(elements / lanes) <= beats) return lanes;
  }
  return word;
}

/** Greatest common divisor. */
export function greatestCommonDivisor(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}

/** Least common multiple. */
export function leastCommonMultiple(a: number, b: number): number {
  return (a / greatestCommonDivisor(a, b)) * b;
}
