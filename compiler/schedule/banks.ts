// Memories of a line window. In: its geometry and the words that it has to hold. Out: how many it holds, and for taps side by
// side the banks of nf_line_banks in which no two taps of a beat are together.
import { compilerAssert } from "../support/assert.ts";
import type { Pair, WindowGeometry } from "./units/line-window.ts";

export interface LineStore {
  /** Words of the image that are held. */
  readonly capacity: number;
  /** Memories by rows and columns; 1 x 1 is one ring of words. */
  readonly banks: Pair;
  /** Words of all memories together: the capacity, its lines rounded up to whole columns of banks. */
  readonly stored: number;
}

/** Lines from a tap to the next one along both axes. */
function linesBetween({ dilations, spread }: WindowGeometry): Pair {
  return [Math.floor(dilations[0] / spread[0]), Math.floor(dilations[1] / spread[1])];
}

/** Whether the taps of each beat are in banks of their own. */
function areApart(g: WindowGeometry, [rows, columns]: Pair): boolean {
  const count = g.kernel[0] * g.kernel[1];
  const [lineY, lineX] = linesBetween(g);
  for (let from = 0; from < count; from += g.taps) {
    const taken = new Set<number>();
    for (let tap = from; tap < Math.min(from + g.taps, count); tap++) {
      const row = (Math.floor(tap / g.kernel[1]) * lineY) % rows;
      const column = ((tap % g.kernel[1]) * lineX) % columns;
      if (taken.has(row * columns + column)) return false;
      taken.add(row * columns + column);
    }
  }
  return true;
}

/** Whether a geometry's memory is whole lines in banks. */
export function isBanked({ taps, columns }: WindowGeometry): boolean {
  return taps > 1 || columns > 1;
}

/**
 * The memories for at least `words` words. Taps and positions side by side take whole lines, the fewest banks that keep them
 * apart and among these the least storage; a sequence, with lines of one position, may hold some more of them for fewer
 * banks.
 */
export function storeOf(g: WindowGeometry, words: number): LineStore {
  if (!isBanked(g)) return { capacity: words, banks: [1, 1], stored: words };
  const line = g.size[1] * g.words;
  const least = Math.ceil(words / line);
  // With a bank for every line and column that a window spans, all of its taps are apart; an image may have fewer lines.
  const [lineY, lineX] = linesBetween(g);
  const [highest, widest] = [(g.kernel[0] - 1) * lineY + 1, (g.kernel[1] - 1) * lineX + 1];
  const most = Math.max(least + (g.size[1] === 1 ? g.taps - 1 : 0), highest);
  let best: LineStore | null = null;
  for (let held = least; held <= most; held++)
    for (let rows = 1; rows <= held; rows++) {
      if (held % rows !== 0) continue;
      // Positions that come at once are in banks side by side.
      for (let columns = g.columns; columns < widest + g.columns; columns += g.columns) {
        if (rows * columns < g.taps || (best && rows * columns > best.banks[0] * best.banks[1])) continue;
        const stored = held * columns * Math.ceil(g.size[1] / columns) * g.words;
        const fewer = !best || rows * columns < best.banks[0] * best.banks[1] || stored < best.stored;
        if (fewer && areApart(g, [rows, columns]))
          best = { capacity: held * line, banks: [rows, columns], stored };
      }
    }
  compilerAssert(best, "a bank for each line and column of a window keeps its taps apart");
  return best;
}
