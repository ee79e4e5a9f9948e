// Modules that keep a box of an image or put padding around one: nf_crop, nf_pad.
import { createRegistered } from "./registered.ts";
import type { Unit } from "./unit.ts";

/** Rows, columns, words of a position. */
export type Triple = readonly [rows: number, columns: number, words: number];

/** Per word of an image of a size, in row-major order: 1 in the box of another size that begins at `first`. */
function wordsInBox(size: Triple, first: Triple, box: Triple): Uint8Array {
  const inBox = new Uint8Array(size[0] * size[1] * size[2]);
  for (let row = first[0]; row < first[0] + box[0]; row++)
    for (let column = first[1]; column < first[1] + box[1]; column++) {
      const at = (row * size[1] + column) * size[2] + first[2];
      inBox.fill(1, at, at + box[2]);
    }
  return inBox;
}

/** Per word: how many there are from it on, up to the next in or out of the box or the end of the image. */
function runsOf(inBox: Uint8Array): Int32Array {
  const runs = new Int32Array(inBox.length).fill(1);
  for (let word = inBox.length - 2; word >= 0; word--)
    if (inBox[word] === inBox[word + 1]) runs[word] = runs[word + 1]! + 1;
  return runs;
}

/** nf_crop: an image of `size`, of which the box that begins at `first` is kept. */
export function createCrop(size: Triple, first: Triple, box: Triple): Unit {
  const kept = wordsInBox(size, first, box);
  const runs = runsOf(kept);
  let word = 0;
  return createRegistered({
    fill: (taken) => {
      const full = taken && kept[word] === 1;
      if (taken) word = word === kept.length - 1 ? 0 : word + 1;
      return full;
    },
    quiet: (taken, _, full) => {
      if (!taken) return full ? 0 : Number.POSITIVE_INFINITY;
      return full === (kept[word] === 1) ? runs[word]! : 0;
    },
    skip: (taken, edges) => {
      if (taken) word = (word + edges) % kept.length;
    },
    state: () => `${word}`,
  });
}

/** nf_pad: an image of `size` in one of `outSize`, in which it begins at `first`. */
export function createPad(size: Triple, outSize: Triple, first: Triple): Unit {
  const image = wordsInBox(outSize, first, size);
  const runs = runsOf(image);
  let word = 0;
  const pads = (stands: boolean): boolean => image[word] === 0 && (stands || word > 0);
  return createRegistered({
    wants: () => image[word] === 1,
    fill: (taken, stands) => {
      const padding = pads(stands);
      if (taken || padding) word = word === image.length - 1 ? 0 : word + 1;
      return taken || padding;
    },
    quiet: (taken, stands, full) => {
      if (!taken && !pads(stands)) return full ? 0 : Number.POSITIVE_INFINITY;
      return full ? runs[word]! - 1 : 0;
    },
    skip: (taken, edges, stands) => {
      if (taken || pads(stands)) word += edges;
    },
    state: () => `${word}`,
  });
}
