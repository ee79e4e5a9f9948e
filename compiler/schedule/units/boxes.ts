// Modules that keep a box of an image or put padding around one: nf_crop, nf_pad.
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
  let valid = false;
  return {
    inputs: 1,
    outputs: 1,
    valid: () => valid,
    ready: (receivers) => !valid || receivers[0]!,
    step: (take, give) => {
      if (valid && !give[0]) return;
      valid = take[0]! && kept[word] === 1;
      if (take[0]) word = word === kept.length - 1 ? 0 : word + 1;
    },
    state: () => `${word},${valid}`,
  };
}

/** nf_pad: an image of `size` with padding before and after it along every axis. */
export function createPad(size: Triple, before: Triple, after: Triple): Unit {
  const padded: Triple = [
    before[0] + size[0] + after[0],
    before[1] + size[1] + after[1],
    before[2] + size[2] + after[2],
  ];
  const image = wordsInBox(padded, before, size);
  let word = 0;
  let valid = false;
  return {
    inputs: 1,
    outputs: 1,
    valid: () => valid,
    ready: (receivers) => (!valid || receivers[0]!) && image[word] === 1,
    step: (take, give) => {
      if (valid && !give[0]) return;
      valid = take[0]! || image[word] === 0;
      if (valid) word = word === image.length - 1 ? 0 : word + 1;
    },
    state: () => `${word},${valid}`,
  };
}
