// Whatever the bytes are, a reader returns an array within its limits or throws a DiagnosticError.
import fc from "fast-check";
import { gzipSync, zipSync } from "fflate/browser";
import { describe, expect, it } from "vitest";
import { decodeCsv } from "../../../data/csv.ts";
import { decodeIdx } from "../../../data/idx.ts";
import { decodeJson } from "../../../data/json.ts";
import { decodeNpy, encodeNpy } from "../../../data/npy.ts";
import { decodeNpz } from "../../../data/npz.ts";
import type { NumericArray } from "../../../data/numeric-array.ts";
import { elementCount } from "../../../data/numeric-array.ts";
import { encodeUtf8 } from "../../../support/text.ts";
import { diagnosticsOf } from "./diagnostics-of.ts";

const source = { path: "fuzz", limits: { bytes: 1_000_000, textBytes: 100_000 } };
const npy = encodeNpy([3, 4], "int16", [...Array(12).keys()]);
const idx = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6);
const csv = encodeUtf8('a,"b ""c""",label\n1,2.5,x\n3,-4e1,"y\nz"\n');
const json = encodeUtf8('{"inputs": [[1, 2.5], [3, -4e1]], "labels": ["x", "y"]}');

interface Reader {
  readonly name: string;
  readonly valid: readonly Uint8Array[];
  readonly read: (bytes: Uint8Array) => NumericArray;
}

const readers: readonly Reader[] = [
  { name: "NPY", valid: [npy, gzipSync(npy)], read: (b) => decodeNpy(b, source) },
  {
    name: "NPZ",
    valid: [zipSync({ "x.npy": npy, "y.npy": idx }), zipSync({ "x.npy": [npy, { level: 0 }] })],
    read: (b) => decodeNpz(b, "x", source),
  },
  { name: "IDX", valid: [idx, gzipSync(idx)], read: (b) => decodeIdx(b, source) },
  {
    name: "CSV",
    valid: [csv, gzipSync(csv)],
    read: (b) => decodeCsv(b, { label: "label" }, source).inputs.array,
  },
  {
    name: "JSON",
    valid: [json, gzipSync(json)],
    read: (b) => decodeJson(b, { inputs: "inputs", labels: "labels" }, source).inputs.array,
  },
  {
    name: "JSON with skipped rows",
    valid: [encodeUtf8('{"inputs": [[1, 2.5], [], [3, -4e1]], "labels": ["x", "y", "x"], "t": [1, 2, [3]]}')],
    read: (b) =>
      decodeJson(b, { inputs: "inputs", labels: "labels", targets: ["t"] }, source, {
        skipMalformed: true,
        fits: (shape) => shape[0] === 2,
      }).inputs.array,
  },
];

function check(read: Reader["read"], bytes: Uint8Array): void {
  const started = performance.now();
  const diagnostics = diagnosticsOf(() => {
    const { shape, data } = read(bytes);
    expect(data.length).toBe(elementCount(shape));
    expect(data.byteLength).toBeLessThanOrEqual(8 * source.limits.bytes);
  });
  for (const { code, message } of diagnostics) {
    expect(code).toMatch(/^data\//);
    expect(message.length).toBeLessThan(2000);
  }
  expect(performance.now() - started).toBeLessThan(2000);
}

/** Flips, overwrites, removes, repeats and inserts pieces of a valid file. */
const edits = fc.array(
  fc.record({
    kind: fc.constantFrom("set", "flip", "remove", "repeat", "insert"),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.integer({ min: 1, max: 8 }),
    value: fc.constantFrom(0, 1, 0x22, 0x2c, 0x30, 0x5b, 0x7f, 0x80, 0xff),
  }),
  { minLength: 1, maxLength: 4 },
);

function mutate(
  bytes: Uint8Array,
  list: readonly { kind: string; at: number; length: number; value: number }[],
) {
  let all = [...bytes];
  for (const { kind, at, length, value } of list) {
    const start = Math.floor(at * Math.max(0, all.length - 1));
    const piece = all.slice(start, start + length);
    if (kind === "set") all.splice(start, piece.length, ...piece.map(() => value));
    else if (kind === "flip") all[start]! ^= 1 << (value & 7);
    else if (kind === "remove") all.splice(start, length);
    else if (kind === "repeat") all.splice(start, 0, ...piece);
    else all = [...all.slice(0, start), ...new Array(length).fill(value), ...all.slice(start)];
  }
  return Uint8Array.from(all);
}

describe.each(readers)("$name reader", ({ valid, read }) => {
  it("reads the valid files that the mutations start from", () => {
    for (const bytes of valid) expect(diagnosticsOf(() => read(bytes))).toEqual([]);
  });

  it("survives random bytes", () => {
    const bytes = fc.uint8Array({ maxLength: 400, size: "max" });
    fc.assert(
      fc.property(bytes, (b) => check(read, b)),
      { numRuns: 500, seed: 7 },
    );
  });

  it("survives random bytes behind a valid start", () => {
    const bytes = fc.tuple(
      fc.constantFrom(...valid),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.uint8Array(),
    );
    fc.assert(
      fc.property(bytes, ([start, part, rest]) =>
        check(read, Uint8Array.of(...start.subarray(0, Math.floor(part * start.length)), ...rest)),
      ),
      { numRuns: 500, seed: 8 },
    );
  });

  it("survives mutations of valid files", () => {
    fc.assert(
      fc.property(fc.constantFrom(...valid), edits, (bytes, list) => check(read, mutate(bytes, list))),
      { numRuns: 3000, seed: 9 },
    );
  });
});
