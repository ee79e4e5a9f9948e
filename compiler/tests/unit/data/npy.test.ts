import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeNpy, encodeNpy, type WritableNumericType } from "../../../data/npy.ts";
import { halfToNumber } from "../../../data/numeric-array.ts";
import { encodeUtf8 } from "../../../support/text.ts";
import { codesOf, messagesOf } from "./diagnostics-of.ts";

const source = { path: "x.npy" };

/** An NPY file put together by hand, to test what `encodeNpy` does not write. */
function npyFile(header: string, content: readonly number[], version = 1): Uint8Array {
  const text = encodeUtf8(header);
  const length =
    version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  return Uint8Array.of(0x93, ...encodeUtf8("NUMPY"), version, 0, ...length, ...text, ...content);
}

const head = (descr: string, shape: string, fortran = "False"): string =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;

describe("decodeNpy", () => {
  it("reads the bytes that numpy.save writes for arange(6, dtype=int16).reshape(2, 3)", () => {
    const file = npyFile(head("<i2", "(2, 3)"), [0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 255, 255]);
    const { shape, dtype, data } = decodeNpy(file, source);
    expect(shape).toEqual([2, 3]);
    expect(dtype).toBe("int16");
    expect([...data]).toEqual([0, 1, 2, 3, 4, -1]);
  });

  it("reads versions 1, 2 and 3", () => {
    for (const version of [1, 2, 3])
      expect([...decodeNpy(npyFile(head("|u1", "(2,)"), [7, 9], version), source).data]).toEqual([7, 9]);
  });

  it("turns Fortran order into row-major order", () => {
    // [[1, 2, 3], [4, 5, 6]] stored column by column.
    const file = npyFile(head("|u1", "(2, 3)", "True"), [1, 4, 2, 5, 3, 6]);
    expect([...decodeNpy(file, source).data]).toEqual([1, 2, 3, 4, 5, 6]);
    const cube = npyFile(head("|u1", "(2, 2, 2)", "True"), [0, 4, 2, 6, 1, 5, 3, 7]);
    expect([...decodeNpy(cube, source).data]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it("reads big-endian elements of every width", () => {
    const read = (descr: string, bytes: number[]) =>
      decodeNpy(npyFile(head(descr, "(1,)"), bytes), source).data[0];
    expect(read(">u2", [1, 2])).toBe(258);
    expect(read(">i4", [255, 255, 255, 254])).toBe(-2);
    expect(read(">f4", [0x3f, 0x80, 0, 0])).toBe(1);
    expect(read(">f8", [0xc0, 0, 0, 0, 0, 0, 0, 0])).toBe(-2);
    expect(read(">i8", [255, 255, 255, 255, 255, 255, 255, 255])).toBe(-1);
    expect(read(">f2", [0x3c, 0])).toBe(1);
  });

  it("reads half floats exactly", () => {
    const values: readonly (readonly [number, number])[] = [
      [0x0000, 0],
      [0x0001, 2 ** -24],
      [0x03ff, 1023 * 2 ** -24],
      [0x0400, 2 ** -14],
      [0x3555, 0.333251953125],
      [0x7bff, 65504],
      [0xc000, -2],
      [0x7c00, Number.POSITIVE_INFINITY],
      [0xfc00, Number.NEGATIVE_INFINITY],
      [0x7e00, Number.NaN],
    ];
    for (const [bits, value] of values) expect(halfToNumber(bits)).toBe(value);
  });

  it("reads scalars and empty arrays", () => {
    expect(decodeNpy(npyFile(head("|u1", "()"), [5]), source)).toMatchObject({ shape: [] });
    expect(decodeNpy(npyFile(head("<f8", "(0, 4)"), []), source).data.length).toBe(0);
  });

  it("refuses 64-bit integers that a double cannot hold, and bools that are none", () => {
    const file = npyFile(head("<i8", "(2,)"), [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 32, 0]);
    expect(messagesOf(() => decodeNpy(file, source))).toContain("element 1");
    expect(codesOf(() => decodeNpy(npyFile(head("|b1", "(1,)"), [2]), source))).toEqual(["data/npy-value"]);
  });

  it("names what is wrong with a damaged file", () => {
    const good = encodeNpy([2, 2], "int16", [1, 2, 3, 4]);
    expect(codesOf(() => decodeNpy(good.subarray(0, good.length - 1), source))).toEqual(["data/truncated"]);
    expect(codesOf(() => decodeNpy(good.subarray(0, 40), source))).toEqual(["data/truncated"]);
    expect(codesOf(() => decodeNpy(new Uint8Array(), source))).toEqual(["data/truncated"]);
    expect(codesOf(() => decodeNpy(Uint8Array.of(...good, 0), source))).toEqual(["data/trailing-bytes"]);
    expect(codesOf(() => decodeNpy(encodeUtf8("a,b\n1,2\n"), source))).toEqual(["data/npy-header"]);
    const future = good.slice();
    future[6] = 4;
    expect(codesOf(() => decodeNpy(future, source))).toEqual(["data/npy-header"]);
  });

  it("refuses types that are no numbers by name", () => {
    for (const type of ["<c8", "|S5", "<U3", "|O8", "<M8[ns]", "<f16", "<i3"])
      expect(messagesOf(() => decodeNpy(npyFile(head(type, "(1,)"), [0]), source))).toContain(type);
    const record = "{'descr': [('a', '<f4'), ('b', '<i2', (2,))], 'fortran_order': False, 'shape': (1,), }\n";
    expect(messagesOf(() => decodeNpy(npyFile(record, [0]), source))).toContain("structured");
  });

  it("refuses headers that are no header", () => {
    const bad = [
      "",
      "[]",
      "{'descr': '|u1', 'fortran_order': False}",
      "{'descr': '|u1', 'fortran_order': 0, 'shape': (1,)}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (1.5,)}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': [1]}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)} more",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'x': 1}",
      "{'descr': [[[, 'fortran_order': False, 'shape': (1,)",
      "__import__('os')",
    ];
    for (const header of bad)
      expect(codesOf(() => decodeNpy(npyFile(header, [0]), source))).toEqual(["data/npy-header"]);
  });

  it("refuses sizes above the limit before it allocates", () => {
    for (const shape of [
      "(1099511627776,)",
      "(4294967296, 4294967296, 4294967296)",
      "(99999999999999999999,)",
    ])
      expect(codesOf(() => decodeNpy(npyFile(head("<f8", shape), []), source))).toEqual(["data/too-large"]);
    const limits = { bytes: 8, textBytes: 8 };
    const file = encodeNpy([9], "uint8", new Uint8Array(9));
    expect(codesOf(() => decodeNpy(file, { ...source, limits }))).toEqual(["data/too-large"]);
  });
});

describe("encodeNpy", () => {
  const arbitraries: Readonly<Record<WritableNumericType, fc.Arbitrary<number>>> = {
    bool: fc.integer({ min: 0, max: 1 }),
    int8: fc.integer({ min: -128, max: 127 }),
    uint8: fc.integer({ min: 0, max: 255 }),
    int16: fc.integer({ min: -32768, max: 32767 }),
    uint16: fc.integer({ min: 0, max: 65535 }),
    int32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    int64: fc.maxSafeInteger(),
    uint64: fc.maxSafeNat(),
    float32: fc.float(),
    float64: fc.double(),
  };

  it("writes what decodeNpy reads, for every type", () => {
    for (const [dtype, element] of Object.entries(arbitraries) as [
      WritableNumericType,
      fc.Arbitrary<number>,
    ][]) {
      fc.assert(
        fc.property(fc.array(element, { minLength: 6, maxLength: 6 }), (values) => {
          const decoded = decodeNpy(encodeNpy([2, 3], dtype, values), source);
          expect(decoded.shape).toEqual([2, 3]);
          expect(decoded.dtype).toBe(dtype);
          expect([...decoded.data]).toEqual(values);
        }),
        { numRuns: 50, seed: 1 },
      );
    }
  });

  it("aligns the data to 64 bytes and writes one-tuples with a comma", () => {
    const file = encodeNpy([3], "uint8", [1, 2, 3]);
    expect((file.length - 3) % 64).toBe(0);
    const text = String.fromCharCode(...file.subarray(10, file.length - 3));
    expect(text).toMatch(/^\{'descr': '\|u1', 'fortran_order': False, 'shape': \(3,\), \} *\n$/);
  });

  it("treats an element outside of the type as a bug", () => {
    expect(() => encodeNpy([1], "uint8", [256])).toThrow("no uint8");
    expect(() => encodeNpy([1], "int16", [0.5])).toThrow("no int16");
    expect(() => encodeNpy([2], "int16", [1])).toThrow("1 elements");
  });
});
