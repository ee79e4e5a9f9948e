// What is left of a memory's content when it is made of logic. In: words as numbers and where their bits are. Out: how many bits
// of a word differ from each other and from constants.
import type { Columns } from "./bill.ts";

/** Content above this many words is taken for one that repeats nothing. */
const MOST_WORDS = 24;
const NO_COLUMNS: Columns = { distinct: 0, functions: 0 };

/**
 * Columns of a memory of `words` words, of `lanes` elements of `width` bits each. `element` is the mantissa of a lane in a word.
 */
export function columnsOf(
  words: number,
  lanes: number,
  width: number,
  element: (word: number, lane: number) => number,
): Columns | null {
  if (words <= 1) return NO_COLUMNS;
  if (words > MOST_WORDS) return null;
  const mask = 2 ** words - 1;
  const found = new Set<number>();
  let functions = 0;
  const wires = wiresOf(words);
  for (let lane = 0; lane < lanes; lane++) {
    const bits = new Array<number>(width).fill(0);
    for (let word = 0; word < words; word++) {
      const value = element(word, lane);
      for (let bit = 0; bit < width; bit++)
        if (Math.floor(value / 2 ** bit) % 2 !== 0) bits[bit]! += 2 ** word;
    }
    for (const column of bits) {
      if (column === 0 || column === mask || found.has(column)) continue;
      found.add(column);
      if (!wires.has(column)) functions++;
    }
  }
  return { distinct: found.size, functions };
}

/** Columns that are a bit of the address itself. */
function wiresOf(words: number): ReadonlySet<number> {
  const wires = new Set<number>();
  for (let bit = 1; bit < words; bit *= 2) {
    let column = 0;
    for (let word = 0; word < words; word++) if (Math.floor(word / bit) % 2 !== 0) column += 2 ** word;
    wires.add(column);
  }
  return wires;
}
