// The tree that says where the chunks of an HDF5 dataset are (version 1, type 1). In: untrusted bytes. Out: nothing, or
// an error. jsfive follows every address in it as often as it stands there, and walks over all elements of each chunk.

const HEADER_BYTES = 24;
const LEVEL_AT = 5;
const COUNT_AT = 6;

/**
 * Throws a plain error for a tree that is no tree, and for one of more chunks than `most`. `rank` is that of the dataset. What
 * lies outside of the file is left for jsfive to say.
 */
export function checkChunkTree(file: ArrayBuffer, root: number, rank: number, most: number): void {
  const view = new DataView(file);
  /** Size of the chunk and filters, then where it starts: a number for each axis and one for the bytes of an element. */
  const keyBytes = 8 + 8 * (rank + 1);
  const seen = new Set<number>();
  const waiting: { readonly at: number; readonly level: number | null }[] = [{ at: root, level: null }];
  let chunks = 0;
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { at } = next;
    if (at + HEADER_BYTES > file.byteLength) continue;
    if (seen.has(at)) throw new Error("the tree of its chunks reaches a node twice");
    seen.add(at);
    const level = view.getUint8(at + LEVEL_AT);
    const count = view.getUint16(at + COUNT_AT, true);
    if (next.level !== null && level !== next.level) throw new Error("the tree of its chunks has odd levels");
    if (level === 0) chunks += count;
    if (chunks > most) throw new Error("it has more chunks than it is divided into");
    for (let i = 0; level > 0 && i < count; i++) {
      const place = at + HEADER_BYTES + (i + 1) * keyBytes + i * 8;
      if (place + 8 > file.byteLength) break;
      waiting.push({ at: Number(view.getBigUint64(place, true)), level: level - 1 });
    }
  }
}
