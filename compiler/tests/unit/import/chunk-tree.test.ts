// Trees of chunks that a file may hold: what is none, and what has more chunks than the dataset has room for, is refused.
import { describe, expect, it } from "vitest";
import { checkChunkTree } from "../../../import/keras/chunk-tree.ts";

interface Node {
  readonly level: number;
  /** Addresses, of nodes or of chunks. */
  readonly children: readonly number[];
}

const NODE_BYTES = 256;
const RANK = 1;

/** A file of nodes, one behind the other. */
function fileOf(nodes: readonly Node[]): ArrayBuffer {
  const file = new ArrayBuffer(NODE_BYTES * nodes.length);
  const view = new DataView(file);
  nodes.forEach(({ level, children }, i) => {
    const at = NODE_BYTES * i;
    view.setUint8(at + 5, level);
    view.setUint16(at + 6, children.length, true);
    children.forEach((child, j) => {
      view.setBigUint64(at + 24 + (j + 1) * 24 + j * 8, BigInt(child), true);
    });
  });
  return file;
}
const check = (nodes: readonly Node[], most: number) => () => checkChunkTree(fileOf(nodes), 0, RANK, most);

describe("a tree of chunks", () => {
  const leaf = { level: 0, children: [9, 9, 9] };
  const root = { level: 1, children: [NODE_BYTES, 2 * NODE_BYTES] };

  it("has as many chunks as its dataset is divided into, or fewer", () => {
    expect(check([root, leaf, leaf], 6)).not.toThrow();
    expect(check([root, leaf, leaf], 7)).not.toThrow();
    expect(check([root, leaf, leaf], 5)).toThrow("more chunks");
    expect(check([leaf], 2)).toThrow("more chunks");
  });

  it("reaches every node once, from the level above it", () => {
    expect(check([{ level: 1, children: [NODE_BYTES, NODE_BYTES] }, leaf], 9)).toThrow("twice");
    expect(check([{ level: 1, children: [0] }], 9)).toThrow("twice");
    expect(check([root, leaf, { level: 1, children: [NODE_BYTES] }], 9)).toThrow("odd levels");
  });

  it("may reach out of the file, which is said elsewhere", () => {
    expect(check([{ level: 1, children: [2 ** 40, NODE_BYTES] }, leaf], 3)).not.toThrow();
  });
});
