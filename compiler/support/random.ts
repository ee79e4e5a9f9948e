// Seeded randomness. In: a seed and words that say what for. Out: a stream that depends on nothing else,
// so that no generator state has to be saved.
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** A stream of 32-bit integers and derived samples. */
export interface RandomStream {
  /** Uniform signed 32-bit integer. */
  int32(): number;
  /** Uniform integer in [low, high], both included; the range must be below 2^32. */
  integer(low: number, high: number): number;
  /** Uniform in [0, 1) with 32 random bits. */
  uniform(): number;
  /** Standard normal sample (Box-Muller). */
  normal(): number;
}

/** FNV-1a over the parts, finished by a mixing step: a 32-bit seed from what the stream is for. */
export function hashSeed(...parts: readonly (string | number)[]): number {
  let h = 0x811c9dc5;
  for (const part of parts) {
    for (const c of `${part}\u0000`) {
      h ^= c.codePointAt(0)!;
      h = Math.imul(h, 0x01000193);
    }
  }
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
}

/** Makes the stream of (seed, purpose, ...), for example `createRandom(seed, "noise", epoch, step)`. */
export function createRandom(...parts: readonly (string | number)[]): RandomStream {
  const generator = xoroshiro128plus(hashSeed(...parts));
  // The first outputs are almost linear in the seed; after a few the state is mixed.
  for (let i = 0; i < 16; i++) generator.next();
  const int32 = (): number => generator.next();
  const uniform = (): number => (int32() >>> 0) / 4294967296;
  return {
    int32,
    uniform,
    integer: (low, high) => low + Math.floor(uniform() * (high - low + 1)),
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
}

/** Fisher-Yates shuffle of 0 .. length-1. */
export function permutation(length: number, random: RandomStream): Int32Array {
  const order = Int32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = random.integer(0, i);
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
  return order;
}
