import { gzipSync } from "fflate/browser";
import { describe, expect, it } from "vitest";
import { decodeIdx } from "../../../data/idx.ts";
import { codesOf, messagesOf } from "./diagnostics-of.ts";

const source = { path: "images" };

describe("decodeIdx", () => {
  it("reads images, plain and gzip", () => {
    const file = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 255);
    for (const bytes of [file, gzipSync(file)]) {
      const { shape, dtype, data } = decodeIdx(bytes, source);
      expect(shape).toEqual([2, 1, 2]);
      expect(dtype).toBe("uint8");
      expect([...data]).toEqual([1, 2, 3, 255]);
    }
  });

  it("reads every type, big-endian", () => {
    const read = (type: number, bytes: number[]) =>
      decodeIdx(Uint8Array.of(0, 0, type, 1, 0, 0, 0, 1, ...bytes), source).data[0];
    expect(read(0x09, [255])).toBe(-1);
    expect(read(0x0b, [1, 0])).toBe(256);
    expect(read(0x0c, [255, 255, 255, 253])).toBe(-3);
    expect(read(0x0d, [0xbf, 0x80, 0, 0])).toBe(-1);
    expect(read(0x0e, [0x3f, 0xf0, 0, 0, 0, 0, 0, 0])).toBe(1);
  });

  it("says where a file is truncated", () => {
    const file = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 3, 0, 0, 0, 2, 1, 2, 3);
    expect(messagesOf(() => decodeIdx(file, source))).toBe(
      "images, byte 12: the file is truncated: an array of 3x2 elements of type uint8 needs 6 bytes, 3 are left",
    );
    expect(codesOf(() => decodeIdx(file.subarray(0, 2), source))).toEqual(["data/truncated"]);
    expect(codesOf(() => decodeIdx(file.subarray(0, 9), source))).toEqual(["data/truncated"]);
  });

  it("refuses other files, unknown types, no dimensions, and bytes too many", () => {
    expect(codesOf(() => decodeIdx(Uint8Array.of(1, 0, 8, 1), source))).toEqual(["data/idx-header"]);
    expect(messagesOf(() => decodeIdx(Uint8Array.of(0, 0, 10, 1), source))).toContain("0x0a");
    expect(codesOf(() => decodeIdx(Uint8Array.of(0, 0, 8, 0), source))).toEqual(["data/idx-header"]);
    expect(codesOf(() => decodeIdx(Uint8Array.of(0, 0, 8, 255), source))).toEqual(["data/idx-header"]);
    const extra = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 7, 7);
    expect(codesOf(() => decodeIdx(extra, source))).toEqual(["data/trailing-bytes"]);
  });

  it("refuses sizes above the limit before it allocates", () => {
    const huge = Uint8Array.of(0, 0, 14, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255);
    expect(codesOf(() => decodeIdx(huge, source))).toEqual(["data/too-large"]);
  });
});
