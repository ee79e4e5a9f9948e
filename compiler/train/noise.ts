// Uniform noise by position instead of by state: a pool made once from the seed, read from an offset that depends on
// what for, which epoch and which step. So a resumed run draws the same samples without saving a generator.
import { createRandom } from "../support/random.ts";

/** Samples in the pool; a tensor that is larger reads it more than once. */
const POOL_SIZE = 1 << 21;
/** Of the pool's beginning, repeated behind its end: tensors up to this size are read without a copy. */
const TAIL = 1 << 20;

export interface NoisePool {
  /** `count` samples of a uniform variable in [-1/2, 1/2) for the words given. Read only. */
  samples(count: number, ...purpose: readonly (string | number)[]): Float32Array;
}

/** Makes the pool of a seed. */
export function createNoisePool(seed: number): NoisePool {
  const pool = new Float32Array(POOL_SIZE + TAIL);
  const random = createRandom(seed, "noise-pool");
  // 24 random bits, so that the float32 is exact and 1/2 itself never comes.
  for (let i = 0; i < POOL_SIZE; i++) pool[i] = (random.int32() >> 8) / 0x1000000;
  pool.copyWithin(POOL_SIZE, 0, TAIL);
  return {
    samples: (count, ...purpose) => {
      const offset = createRandom(seed, "noise-offset", ...purpose).integer(0, POOL_SIZE - 1);
      if (offset + count <= pool.length) return pool.subarray(offset, offset + count);
      const samples = new Float32Array(count);
      let from = offset;
      for (let filled = 0; filled < count; ) {
        const part = pool.subarray(from, Math.min(POOL_SIZE, from + count - filled));
        samples.set(part, filled);
        filled += part.length;
        from = 0;
      }
      return samples;
    },
  };
}
