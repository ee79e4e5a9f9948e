// Noise figures of a frozen tensor: the signal's size against the residue's amplitude. In: float values and what
// they were rounded to. Out: the numbers of the trained graph.
import type { TensorNoise } from "../graph/trained-graph.ts";

/**
 * Figures of a tensor that was rounded; both arrays have the same length. `stepOf` gives the distance of neighbouring
 * values at an element; alpha is the root of the mean of alpha^2 where steps differ.
 */
export function noiseFigures(
  signal: Float32Array,
  rounded: Float32Array,
  stepOf: (index: number) => number,
): TensorNoise {
  let powers = 0;
  for (let i = 0; i < signal.length; i++) powers += stepOf(i) ** 2;
  const alpha = Math.sqrt(powers / Math.max(1, signal.length) / 12);
  const count = Math.max(1, signal.length);
  let sum = 0;
  let squares = 0;
  let residue = 0;
  for (let i = 0; i < signal.length; i++) {
    const x = signal[i]!;
    const r = x - rounded[i]!;
    sum += x;
    squares += x * x;
    residue += r * r;
  }
  const rms = Math.sqrt(squares / count);
  const std = Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
  const bits = (size: number): number | null => (size > 0 ? Math.log2(size / alpha) : null);
  return {
    alpha,
    rms,
    std,
    snrBits: bits(rms),
    varyingSnrBits: bits(std),
    residueRms: Math.sqrt(residue / count),
  };
}
