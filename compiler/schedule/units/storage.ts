// Modules that store beats: nf_window, nf_fifo.
import type { Unit } from "./unit.ts";

/** nf_window: packets of `words` words, each read `replays` times. */
export function createWindow(words: number, replays: number): Unit {
  let filled = 0;
  let written = 0;
  let word = 0;
  let replay = 0;
  let valid = false;
  return {
    inputs: 1,
    outputs: 1,
    valid: () => valid,
    ready: () => filled !== 2,
    step: (take, give) => {
      const free = !valid || give[0]!;
      const read = free && filled !== 0;
      if (free) valid = filled !== 0;
      if (take[0]) {
        written = written === words - 1 ? 0 : written + 1;
        if (written === 0) filled++;
      }
      if (read) {
        word = word === words - 1 ? 0 : word + 1;
        if (word === 0) {
          replay = replay === replays - 1 ? 0 : replay + 1;
          if (replay === 0) filled--;
        }
      }
    },
    quiet: (take, give) => {
      const free = !valid || give[0]!;
      if (free && valid !== (filled !== 0)) return 0;
      const toWrite = take[0] ? words - 1 - written : Number.POSITIVE_INFINITY;
      const toRead = free && filled !== 0 ? (replays - replay) * words - 1 - word : Number.POSITIVE_INFINITY;
      return Math.min(toWrite, toRead);
    },
    skip: (take, give, edges) => {
      if (take[0]) written += edges;
      if ((valid && !give[0]) || filled === 0) return;
      replay += Math.floor((word + edges) / words);
      word = (word + edges) % words;
    },
    state: () => `${filled},${written},${word},${replay},${valid}`,
  };
}

/** nf_fifo: `depth` beats in memory and one in the output register. `watch` is told the beats in memory with each new one. */
export function createFifo(depth: number, watch?: (stored: number) => void): Unit {
  let stored = 0;
  let valid = false;
  return {
    inputs: 1,
    outputs: 1,
    valid: () => valid,
    ready: () => stored !== depth,
    step: (take, give) => {
      const free = !valid || give[0]!;
      const read = free && stored !== 0;
      if (free) valid = read;
      // A beat is stored while the one that leaves is still there.
      if (take[0]) watch?.(stored + 1);
      if (read) stored--;
      if (take[0]) stored++;
    },
    quiet: (take, give) => {
      if (!valid) return stored === 0 && !take[0] ? Number.POSITIVE_INFINITY : 0;
      // It fills up, empties, or does both.
      if (!give[0]) return take[0] ? depth - 1 - stored : Number.POSITIVE_INFINITY;
      if (stored === depth) return 0;
      return take[0] && stored > 0 ? Number.POSITIVE_INFINITY : take[0] ? 0 : stored;
    },
    skip: (take, give, edges) => {
      const [taken, given] = [take[0]! ? edges : 0, give[0]! ? edges : 0];
      if (taken > 0) watch?.(given > 0 ? stored + 1 : stored + taken);
      stored += taken - given;
    },
    state: () => `${stored},${valid}`,
  };
}
