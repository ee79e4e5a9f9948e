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
    state: () => `${stored},${valid}`,
  };
}
