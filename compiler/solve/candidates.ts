// The foldings that a layer may be given. In: a dense layer or a convolution, the cycles that it may take. Out: legal PE and SIMD,
// without those that another one beats in every respect.
import type { ConvInstruction, DenseInstruction, Program } from "../program/program.ts";
import { convSizeOf, sizeOf } from "../schedule/build-layers.ts";
import { convCycles, legalPe, legalSimd, widened } from "../schedule/conv-folding.ts";
import { denseCycles, type Folding } from "../schedule/folding.ts";

export type ProductLayer = DenseInstruction | ConvInstruction;

/** Every legal folding; of a convolution with the cycles of as many positions side by side as an interval asks for. */
export function allFoldings(program: Program, layer: ProductLayer): readonly Folding[] {
  if (layer.op === "dense") {
    const { inputs, outputs } = sizeOf(program, layer);
    const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
    return upTo(outputs).flatMap((pe) => upTo(inputs).map((simd) => ({ pe, simd })));
  }
  const size = convSizeOf(program, layer);
  return legalPe(size).flatMap((pe) => legalSimd(size, pe).map((simd) => ({ pe, simd })));
}

/** Cycles of a packet in a layer. */
export function cyclesOf(program: Program, layer: ProductLayer, folding: Folding, interval: number): number {
  if (layer.op === "dense") return denseCycles(sizeOf(program, layer), folding);
  const size = convSizeOf(program, layer);
  return convCycles(size, widened(size, folding, interval));
}

/** The least numbers that split `n` into each number of parts. */
function leastParts(n: number): readonly number[] {
  const found = new Set<number>();
  for (let parts = 1; parts <= n; parts++) found.add(Math.ceil(n / parts));
  return [...found].sort((a, b) => a - b);
}

/** The next numbers from `least` on whose lanes fit others without a rest: divisors of `n`, powers of two. */
function fitting(least: number, n: number): readonly number[] {
  const found = new Set([least]);
  for (let lanes = least; lanes <= Math.min(n, 2 * least); lanes++) if (n % lanes === 0) found.add(lanes);
  const power = 2 ** Math.ceil(Math.log2(least));
  if (power <= n) found.add(power);
  return [...found];
}

/** Products per cycle that a candidate may have beyond the fewest. */
const MOST_PRODUCTS = 2;

/**
 * The foldings worth looking at for an interval: for every PE that splits the outputs evenly the least SIMD that keeps it, and
 * the next ones that fit other lanes. Empty when none keeps the interval.
 */
export function candidateFoldings(
  program: Program,
  layer: ProductLayer,
  interval: number,
): readonly Folding[] {
  const found: Folding[] = [];
  if (layer.op === "dense") {
    const { inputs, outputs } = sizeOf(program, layer);
    for (const pe of leastParts(outputs)) {
      const folds = Math.floor(interval / Math.ceil(outputs / pe));
      if (folds < 1) continue;
      for (const simd of fitting(Math.ceil(inputs / folds), inputs))
        if (simd <= inputs) found.push({ pe, simd });
    }
  } else
    found.push(
      ...allFoldings(program, layer).filter((f) => cyclesOf(program, layer, f, interval) <= interval),
    );
  const fewest = Math.min(...found.map(({ pe, simd }) => pe * simd));
  return found.filter(({ pe, simd }) => pe * simd <= MOST_PRODUCTS * fewest);
}
