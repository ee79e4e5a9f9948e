// The HDF5 writer of the tests and the reader agree; the reader refuses what is no file, and what lies about sizes.
import { zlibSync } from "fflate/browser";
import { describe, expect, it } from "vitest";
import { openHdf5 } from "../../../import/keras/hdf5.ts";
import { codesOf, messagesOf } from "../data/diagnostics-of.ts";
import { type Chunked, type GroupTree, writeHdf5 } from "./write-hdf5.ts";

const tree: GroupTree = {
  attributes: { model_config: '{"a": "ü"}', backend: "tensorflow", layer_names: ["a", "longer", ""] },
  children: {
    numbers: { shape: [2, 3], type: "float32", data: [0.5, -1, 2, 3, 4.25, 5] },
    wide: { shape: [2], type: "float64", data: [0.1, 1e300] },
    whole: { shape: [3], type: "int32", data: [-1, 0, 7] },
    count: { shape: [], type: "int64", data: [42] },
    inner: {
      attributes: { weight_names0: ["x/kernel:0"], weight_names1: ["x/bias:0"] },
      children: { x: { children: { "kernel:0": { shape: [1], type: "float32", data: [7] } } } },
    },
    many: {
      children: Object.fromEntries(
        Array.from({ length: 60 }, (_, i) => [`g${i}`, { shape: [1], type: "float32" as const, data: [i] }]),
      ),
    },
  },
};
const bytes = writeHdf5(tree);

describe("an HDF5 file", () => {
  const root = openHdf5(bytes, "test.h5");

  it("gives attributes of text", () => {
    expect(root.text("model_config")).toBe('{"a": "ü"}');
    expect(root.texts("layer_names")).toEqual(["a", "longer", ""]);
    expect(root.text("layer_names")).toBeUndefined();
    expect(root.text("constructor")).toBeUndefined();
    expect(root.group("inner")?.texts("weight_names")).toEqual(["x/kernel:0", "x/bias:0"]);
  });

  it("gives datasets of every type", () => {
    expect(root.dataset("numbers")?.shape).toEqual([2, 3]);
    expect([...root.dataset("numbers")!.read()]).toEqual([0.5, -1, 2, 3, 4.25, 5]);
    expect([...root.dataset("wide")!.read()]).toEqual([0.1, 1e300]);
    expect([...root.dataset("whole")!.read()]).toEqual([-1, 0, 7]);
    expect([...root.dataset("count")!.read()]).toEqual([42]);
    expect([...root.dataset("inner/x/kernel:0")!.read()]).toEqual([7]);
    for (let i = 0; i < 60; i++) expect([...root.dataset(`many/g${i}`)!.read()]).toEqual([i]);
  });

  it("has nothing where there is nothing", () => {
    expect(root.group("numbers")).toBeUndefined();
    expect(root.dataset("inner")).toBeUndefined();
    expect(root.dataset("gone/away")).toBeUndefined();
    expect(root.group("constructor")).toBeUndefined();
    expect(root.group("..")).toBeUndefined();
  });

  it("is read from the middle of a larger buffer too", () => {
    const larger = new Uint8Array(bytes.length + 20);
    larger.set(bytes, 13);
    const part = openHdf5(larger.subarray(13, 13 + bytes.length), "test.h5");
    expect([...part.dataset("numbers")!.read()]).toEqual([0.5, -1, 2, 3, 4.25, 5]);
  });
});

describe("what is no HDF5 file", () => {
  it("is refused", () => {
    for (const text of ["", "PK", "\x89HDF", "hello, world"])
      expect(codesOf(() => openHdf5(new TextEncoder().encode(text), "x.h5"))).toEqual(["import/keras-hdf5"]);
    expect(codesOf(() => openHdf5(bytes.slice(0, 60), "x.h5"))).toEqual(["import/keras-hdf5"]);
    const newer = bytes.slice();
    newer[8] = 1;
    expect(messagesOf(() => openHdf5(newer, "x.h5"))).toContain("superblock version");
  });

  it("may not declare more than it holds", () => {
    const liar = (shape: readonly number[]): Uint8Array =>
      writeHdf5({ children: { d: { shape, type: "float32", data: [1] } } });
    expect(codesOf(() => openHdf5(liar([2 ** 25]), "x.h5").dataset("d"))).toEqual(["import/keras-too-large"]);
    expect(codesOf(() => openHdf5(liar([2 ** 20, 2 ** 20]), "x.h5").dataset("d"))).toEqual([
      "import/keras-too-large",
    ]);
    expect(messagesOf(() => openHdf5(liar([2 ** 22]), "x.h5").dataset("d"))).toContain("does not fit");
    expect(
      codesOf(() =>
        openHdf5(liar([5000]), "x.h5")
          .dataset("d")
          ?.read(),
      ),
    ).toEqual(["import/keras-hdf5"]);
  });

  it("may not hold chunks that unpack to more than they say, more of them, or larger ones than the dataset", () => {
    const bytesOf = (list: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(list).buffer);
    const inChunks = (chunked: Chunked) => () => {
      const d = { shape: [4], type: "float32", data: [], chunked } as const;
      return openHdf5(writeHdf5({ children: { d } }), "x.h5")
        .dataset("d")!
        .read();
    };
    const [low, high] = [bytesOf([1, 2]), bytesOf([3, 4])].map((piece) => zlibSync(piece));
    const chunks = [
      { start: [0], packed: low! },
      { start: [2], packed: high! },
    ];
    expect([...inChunks({ sizes: [2], chunks })()]).toEqual([1, 2, 3, 4]);
    const again = { sizes: [2], chunks: [...chunks, { start: [2], packed: high! }] };
    expect(messagesOf(inChunks(again))).toContain("more chunks than it is divided into");
    // A stream whose end, if anything looked at it, would be damaged: nothing behind the limit is unpacked.
    const bomb = zlibSync(new Uint8Array(2 ** 26));
    bomb.fill(0xff, bomb.length / 2);
    const bombs = { sizes: [4], chunks: [{ start: [0], packed: bomb }] };
    expect(messagesOf(inChunks(bombs))).toContain("larger than it says");
    expect(messagesOf(inChunks({ ...bombs, sizes: [2 ** 30] }))).toContain("larger than itself");
    const wide = { shape: [2 ** 22 + 1], type: "float32", data: [], chunked: bombs } as const;
    const padding = { shape: [2 ** 18], type: "float64", data: new Float64Array(2 ** 18) } as const;
    const large = writeHdf5({ children: { wide, padding } });
    expect(codesOf(() => openHdf5(large, "x.h5").dataset("wide"))).toEqual(["import/keras-too-large"]);
  });

  it("may not hold what is not finite", () => {
    const odd = writeHdf5({ children: { d: { shape: [2], type: "float32", data: [1, Number.NaN] } } });
    expect(messagesOf(() => openHdf5(odd, "x.h5").dataset("d")?.read())).toContain("element 1");
  });
});
