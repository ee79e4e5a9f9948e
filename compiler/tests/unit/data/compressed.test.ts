import { deflateSync, gzipSync, zipSync } from "fflate/browser";
import { describe, expect, it } from "vitest";
import { crc32 } from "../../../data/crc32.ts";
import { gunzip } from "../../../data/gzip.ts";
import { encodeNpy } from "../../../data/npy.ts";
import { decodeNpz } from "../../../data/npz.ts";
import { readZipDirectory, readZipEntry } from "../../../data/zip.ts";
import { encodeUtf8 } from "../../../support/text.ts";
import { codesOf, messagesOf } from "./diagnostics-of.ts";

const source = { path: "x.gz" };
const text = encodeUtf8("the noise floor of every layer ".repeat(40));

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((p) => [...p]));
}

describe("crc32", () => {
  it("has the check value of the standard, in one piece and in two", () => {
    const digits = encodeUtf8("123456789");
    expect(crc32(digits)).toBe(0xcbf43926);
    expect(crc32(digits.subarray(5), crc32(digits.subarray(0, 5)))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array())).toBe(0);
  });
});

describe("gunzip", () => {
  it("reads one member, with and without a file name, and several", () => {
    expect(gunzip(gzipSync(text), source)).toEqual(text);
    expect(gunzip(gzipSync(text, { filename: "train-images" }), source)).toEqual(text);
    const twice = concat(gzipSync(text), gzipSync(encodeUtf8("")), gzipSync(text, { level: 0 }));
    expect(gunzip(twice, source)).toEqual(concat(text, text));
  });

  it("reads members that cross the pieces it works in", () => {
    const noise = Uint8Array.from({ length: 50_000 }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255);
    expect(gunzip(concat(gzipSync(noise), gzipSync(noise), gzipSync(noise)), source).length).toBe(150_000);
  });

  it("refuses every truncation", () => {
    const file = concat(gzipSync(text), gzipSync(text));
    const single = file.length / 2;
    for (let length = 1; length < file.length; length++) {
      if (length === single) continue;
      const codes = codesOf(() => gunzip(file.subarray(0, length), source));
      expect(codes, `${length} bytes`).toHaveLength(1);
    }
  });

  it("refuses every flipped bit of the content, the checksum and the length", () => {
    const file = gzipSync(text);
    for (let bit = 10 * 8; bit < file.length * 8; bit++) {
      const damaged = file.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      const run = () => gunzip(damaged, source);
      // Unused bits before the trailer carry nothing.
      if (codesOf(run).length === 0) expect(run()).toEqual(text);
    }
  });

  it("refuses what follows the last member", () => {
    for (const extra of [[0], [0, 0, 0, 0], [1, 2, 3, 4, 5, 6, 7, 8, 9], new Array(40).fill(0)])
      expect(codesOf(() => gunzip(concat(gzipSync(text), Uint8Array.from(extra)), source))).toEqual([
        "data/compressed",
      ]);
  });

  it("stops at the limit, and at too many members", () => {
    const bomb = gzipSync(new Uint8Array(30_000_000), { level: 9 });
    const limits = { bytes: 1_000_000, textBytes: 1000 };
    expect(codesOf(() => gunzip(bomb, { ...source, limits }))).toEqual(["data/too-large"]);
    const empty = gzipSync(new Uint8Array());
    const many = new Uint8Array(empty.length * 50_000);
    for (let i = 0; i < 50_000; i++) many.set(empty, i * empty.length);
    expect(codesOf(() => gunzip(many, source))).toEqual(["data/compressed"]);
  });
});

describe("zip and npz", () => {
  const x = encodeNpy([2, 2], "uint8", [1, 2, 3, 4]);
  const y = encodeNpy([2], "int64", [0, 1]);
  const archive = zipSync({ "x.npy": x, "y.npy": [y, { level: 0 }] });

  it("reads stored and deflated arrays by name", () => {
    expect([...decodeNpz(archive, "x", source).data]).toEqual([1, 2, 3, 4]);
    expect([...decodeNpz(archive, "y", source).data]).toEqual([0, 1]);
  });

  it("names the arrays there are", () => {
    const run = () => decodeNpz(archive, "z", source);
    expect(codesOf(run)).toEqual(["data/npz-array"]);
    expect(messagesOf(run)).toContain('"x", "y"');
  });

  it("refuses every truncation", () => {
    for (let length = 0; length < archive.length; length++)
      expect(codesOf(() => decodeNpz(archive.subarray(0, length), "x", source))).toHaveLength(1);
  });

  it("refuses a checksum that does not match", () => {
    const entry = readZipDirectory(archive, source)[1]!;
    const damaged = archive.slice();
    const content = entry.offset + 30 + entry.name.length + entry.size - 1;
    damaged[content]! ^= 1;
    expect(messagesOf(() => decodeNpz(damaged, "y", source))).toContain("checksum");
  });

  it("refuses sizes that lie, longer and shorter", () => {
    const [entry] = readZipDirectory(archive, source);
    for (const size of [entry!.size - 1, entry!.size + 1, 0])
      expect(codesOf(() => readZipEntry(archive, { ...entry!, size }, source))).toEqual(["data/compressed"]);
  });

  it("unpacks nothing behind the declared size", () => {
    const zip = zipSync({ "x.npy": new Uint8Array(2 ** 26) });
    const [entry] = readZipDirectory(zip, source);
    // The second half is no deflate stream: what looked at it would say so.
    zip.fill(0xff, entry!.compressedSize / 2, entry!.compressedSize);
    const run = () => readZipEntry(zip, { ...entry!, size: 1000 }, source);
    expect(messagesOf(run)).toContain("declares a size that its content has not");
    expect(messagesOf(() => readZipEntry(zip, entry!, source))).not.toContain("declares");
  });

  it("refuses impossible and unwelcome sizes before it allocates", () => {
    const [entry] = readZipDirectory(archive, source);
    const run = (size: number) => () => readZipEntry(archive, { ...entry!, size }, source);
    expect(codesOf(run(2 ** 31))).toEqual(["data/too-large"]);
    expect(messagesOf(run(2 ** 29))).toContain("more bytes than its content can hold");
  });

  it("refuses encrypted entries, other methods, doubled names and empty archives", () => {
    const patch = (at: number, value: number) => {
      const copy = archive.slice();
      const directory = readUint32(copy, copy.length - 22 + 16);
      copy[directory + at] = value;
      return copy;
    };
    expect(messagesOf(() => decodeNpz(patch(8, 1), "x", source))).toContain("encrypted");
    expect(messagesOf(() => decodeNpz(patch(10, 12), "x", source))).toContain("method 12");
    expect(messagesOf(() => decodeNpz(patch(46, "y".charCodeAt(0)), "x", source))).toContain("two entries");
    expect(codesOf(() => decodeNpz(zipSync({}), "x", source))).toEqual(["data/npz-array"]);
  });

  it("refuses a deflate stream with no end", () => {
    const stream = deflateSync(x);
    const [entry] = readZipDirectory(archive, source);
    const cut = { ...entry!, compressedSize: stream.length - 3 };
    expect(codesOf(() => readZipEntry(archive, cut, source))).toEqual(["data/compressed"]);
  });
});

function readUint32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}
