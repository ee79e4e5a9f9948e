// nf_line_window: how many words of an image its windows need. In: the geometry of a convolution or a pooling. Out:
// the least memory, and the control logic as a unit.
import type { Unit } from "./unit.ts";

/** Rows, columns. */
export type Pair = readonly [y: number, x: number];

/** The module's parameters without those of its data; a sequence has one column. */
export interface WindowGeometry {
  /** Size of the image. */
  readonly size: Pair;
  /** Words of one position. */
  readonly words: number;
  /** Output positions. */
  readonly outSize: Pair;
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
  /** Distance of neighbouring lines of the image. */
  readonly spread: Pair;
  /** Padding before the image. */
  readonly before: Pair;
  /** Lines between those of the image repeat the one before. */
  readonly repeat: boolean;
  /** Folds of the channels, a divisor of `words`. */
  readonly outer: number;
  readonly replays: number;
  /** Taps side by side; more than 1 asks for `outer` = `words` and lines from tap to tap. */
  readonly taps: number;
  /** Neighbouring positions that come at once, a divisor of a line; more than 1 asks for `words` = 1. */
  readonly columns: number;
}

/** What the windows need, by output position. */
interface Needs {
  /** Words from the oldest to the newest one that this window needs. */
  readonly reach: Int32Array;
  /** Words that nothing needs any more when this window has been read. */
  readonly forgotten: Int32Array;
}

/** Beats of one window with all of its replays. */
export function beatsOfWindow({ kernel, words, replays, taps }: WindowGeometry): number {
  return replays * words * Math.ceil((kernel[0] * kernel[1]) / taps);
}

/**
 * Cycles between packets of a window whose receiver never waits, `packets` packets after the first; infinite if it stands
 * still. Its sender has a beat `pace` cycles after the one before was taken: always one by default. What createLineWindow
 * does, window by window instead of cycle by cycle.
 */
export function intervalAlone(g: WindowGeometry, capacity: number, packets: number, pace = 1): number {
  const { reach, forgotten } = needsOf(g);
  const beats = beatsOfWindow(g);
  const { columns } = g;
  const windows = reach.length;
  // Ends of windows, and the words that are forgotten then; the writer looks `seen` windows back.
  const ends: number[] = [];
  const totals: number[] = [];
  let total = 0;
  let end = 0; // cycle of the last beat
  let written = 0; // beats
  let last = -pace; // cycle of the last beat that came in
  let seen = 0;
  let open = -1; // cycle of the end that made room for the next one
  for (let p = 0; p < (packets + 1) * windows; p++) {
    const newest = Math.ceil((total + reach[p % windows]!) / columns);
    const waits = written < newest;
    while (written < newest) {
      const room = Math.floor(((seen === 0 ? 0 : totals[seen - 1]!) + capacity) / columns);
      if (written < room) {
        const count = Math.min(newest, room) - written;
        written += count;
        last = Math.max(last + pace, open + 1) + (count - 1) * pace;
      } else {
        // Nothing is left to be read that would make room.
        if (seen === ends.length) return Number.POSITIVE_INFINITY;
        open = ends[seen]!;
        seen++;
      }
    }
    end = (waits ? Math.max(end, last) : end) + beats;
    total += forgotten[p % windows]!;
    ends.push(end);
    totals.push(total);
  }
  return end - ends[packets * windows - 1]!;
}

/** Per output index along an axis, and one more: the first line of the image that is needed, and the last one. */
function linesOf(
  g: WindowGeometry,
  axis: 0 | 1,
): readonly { readonly first: number; readonly last: number }[] {
  const [lines, spread] = [g.size[axis], g.spread[axis]];
  const extent = (g.kernel[axis] - 1) * g.dilations[axis];
  return Array.from({ length: g.outSize[axis] + 1 }, (_, o) => {
    const at = o * g.strides[axis] - g.before[axis];
    const first = g.repeat ? Math.floor(at / spread) : Math.ceil(at / spread);
    return {
      first: Math.min(lines, Math.max(0, first)),
      last: Math.min(lines - 1, Math.floor((at + extent) / spread)),
    };
  });
}

function needsOf(g: WindowGeometry): Needs {
  const row = g.size[1] * g.words;
  const packet = g.size[0] * row;
  const rows = linesOf(g, 0);
  const columns = linesOf(g, 1);
  const positions = g.outSize[0] * g.outSize[1];
  const reach = new Int32Array(positions);
  const oldest = new Int32Array(positions + 1).fill(packet);
  for (let p = 0; p < positions; p++) {
    const y = Math.floor(p / g.outSize[1]);
    const column = columns[p % g.outSize[1]]!;
    const { first, last } = rows[y]!;
    // A line that the next row of windows starts with is kept whole.
    const kept = first === g.size[0] || rows[y + 1]!.first === first;
    oldest[p] = first * row + (kept ? 0 : column.first * g.words);
    // A window before the image waits for its first word.
    reach[p] = Math.max(1, last * row + (column.last + 1) * g.words) - oldest[p]!;
  }
  // The first window of the next packet begins at that packet's own oldest word.
  const forgotten = reach.map((_, p) => oldest[p + 1]! + (p === positions - 1 ? oldest[0]! : 0) - oldest[p]!);
  return { reach, forgotten };
}

/** Fewest words of memory with which the windows can be read at all; a beat that comes in needs room for all of its words. */
export function leastCapacity(g: WindowGeometry): number {
  const { reach, forgotten } = needsOf(g);
  let least = 1;
  let total = 0;
  for (let p = 0; p < reach.length; p++) {
    const newest = g.columns * Math.ceil((total + reach[p]!) / g.columns);
    least = Math.max(least, newest - total);
    total += forgotten[p]!;
  }
  return least;
}

/** The control logic of nf_line_window with a memory of `capacity` words, read through `depth` registers, at most one. */
export function createLineWindow(g: WindowGeometry, capacity: number, depth = 1): Unit {
  const { reach, forgotten } = needsOf(g);
  const beats = beatsOfWindow(g);
  const { columns } = g;
  let level = 0;
  let position = 0;
  let beat = 0;
  let primed = false;
  let read = false;
  let valid = false;
  return {
    inputs: 1,
    outputs: 1,
    valid: () => valid,
    ready: () => level <= capacity - columns,
    step: (take, give) => {
      const open = primed && level >= reach[position]!;
      primed = true;
      if (take[0]) level += columns;
      if (valid && !give[0]) return;
      valid = depth === 0 ? open : read;
      read = open;
      if (!open) return;
      beat = beat === beats - 1 ? 0 : beat + 1;
      if (beat !== 0) return;
      level -= forgotten[position]!;
      position = position === reach.length - 1 ? 0 : position + 1;
    },
    quiet: (take, give) => {
      const toFull = take[0] ? Math.floor((capacity - level) / columns) - 1 : Number.POSITIVE_INFINITY;
      if (!primed) return 0;
      if (valid && !give[0]) return toFull;
      const missing = reach[position]! - level;
      if (missing <= 0) return valid && (depth === 0 || read) ? Math.min(toFull, beats - 1 - beat) : 0;
      const beatsMissing = take[0] ? Math.ceil(missing / columns) : Number.POSITIVE_INFINITY;
      return valid || read ? 0 : Math.min(toFull, beatsMissing);
    },
    skip: (take, give, edges) => {
      // Counted before the beats that come in: what is open is so at all of these edges, or at none of them.
      if (level >= reach[position]! && !(valid && !give[0])) beat += edges;
      if (take[0]) level += edges * columns;
    },
    state: () => `${level},${position},${beat},${read},${valid}`,
  };
}
