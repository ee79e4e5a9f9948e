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

/** nf_crop: an image of `size`, of which the box that begins at `first` is kept. */
export function createCrop(size: Triple, first: Triple, box: Triple): Unit {
  const kept = wordsInBox(size, first, box);
  let word = 0;
  return createRegistered({
    fill: (taken) => {
      const full = taken && kept[word] === 1;
      if (taken) word = word === kept.length - 1 ? 0 : word + 1;
      return full;
    },
    state: () => `${word}`,
  });
}

/** nf_pad: an image of `size` in one of `outSize`, in which it begins at `first`. */
export function createPad(size: Triple, outSize: Triple, first: Triple): Unit {
  const image = wordsInBox(outSize, first, size);
  let word = 0;
  return createRegistered({
    wants: () => image[word] === 1,
    fill: (taken, stands) => {
      const padding = image[word] === 0 && (stands || word > 0);
      if (taken || padding) word = word === image.length - 1 ? 0 : word + 1;
      return taken || padding;
    },
    state: () => `${word}`,
  });
}
