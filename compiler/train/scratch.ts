// Memory for the tensors of a pass. New typed arrays are zeroed and mapped page by page, which takes several times longer
// than filling them; so the arrays of one pass are used again by the next.

/** Rows and columns that change places together: as many as stay in the nearest cache. */
export const EXCHANGE_BLOCK = 16;

/** Shorter arrays are made anew: they come from memory that is mapped already. */
const LEAST = 4096;

/** Arrays that nobody has, by the binary logarithm of their length; they are kept for good. */
const idle = new Map<number, Float32Array[]>();
/** Arrays of the passes that run, the innermost one's last; null outside of passes. */
let taken: Float32Array[] | null = null;

/**
 * Runs `work`, whose calls of `floats` and `zeros` share memory with those of later work: the result must not hold any of
 * their arrays.
 */
export function withScratch<T>(work: () => T): T {
  const outer = taken;
  taken = [];
  try {
    return work();
  } finally {
    for (const array of taken) {
      const size = Math.log2(array.length);
      const found = idle.get(size);
      if (found) found.push(array);
      else idle.set(size, [array]);
    }
    taken = outer;
  }
}

/** An array whose values are arbitrary, until the end of the work around it; for good where there is none. */
export function floats(length: number): Float32Array {
  if (!taken || length < LEAST) return new Float32Array(length);
  const size = Math.ceil(Math.log2(length));
  const array = idle.get(size)?.pop() ?? new Float32Array(2 ** size);
  taken.push(array);
  return array.subarray(0, length);
}

/** The same with zeros. */
export function zeros(length: number): Float32Array {
  return floats(length).fill(0);
}

/** The same with the values of another array. */
export function copied(values: Float32Array): Float32Array {
  const out = floats(values.length);
  out.set(values);
  return out;
}
