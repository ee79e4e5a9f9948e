// IDX files (MNIST's format), plain or gzip. In: bytes. Out: the array. Everything is big-endian.
import { fail } from "../support/diagnostics.ts";
import { gunzipIfNeeded } from "./gzip.ts";
import {
  DATA_LIMITS,
  type DataSource,
  decodeElements,
  ELEMENT_BYTES,
  elementCount,
  MAX_RANK,
  type NumericArray,
  type NumericType,
} from "./numeric-array.ts";

const TYPES: Readonly<Record<number, NumericType>> = {
  8: "uint8",
  9: "int8",
  11: "int16",
  12: "int32",
  13: "float32",
  14: "float64",
};
const MAGIC_BYTES = 4;

/**
 * The array of an IDX file. Throws data/idx-header, data/truncated, data/trailing-bytes, data/too-large, and for
 * gzip data/compressed.
 */
export function decodeIdx(file: Uint8Array, source: DataSource): NumericArray {
  const { path, place } = source;
  const bytes = gunzipIfNeeded(file, source);
  const need = (what: string, offset: number, needed: number): void => {
    const found = Math.max(0, bytes.length - offset);
    if (found < needed) fail("data/truncated", { path, what, offset, needed, found }, place);
  };
  const header = (offset: number, problem: string): never =>
    fail("data/idx-header", { path, offset, problem }, place);

  need("the header", 0, MAGIC_BYTES);
  if (bytes[0] !== 0 || bytes[1] !== 0) header(0, "the first two bytes are not zero");
  const dtype =
    TYPES[bytes[2]!] ?? header(2, `unknown element type 0x${bytes[2]!.toString(16).padStart(2, "0")}`);
  const rank = bytes[3]!;
  if (rank === 0 || rank > MAX_RANK) header(3, `${rank} dimensions; 1 to ${MAX_RANK} are supported`);
  need("the list of dimensions", MAGIC_BYTES, 4 * rank);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(MAGIC_BYTES + 4 * i, false));

  const start = MAGIC_BYTES + 4 * rank;
  const size = elementCount(shape) * ELEMENT_BYTES[dtype];
  const limit = (source.limits ?? DATA_LIMITS).bytes;
  if (size > limit)
    fail(
      "data/too-large",
      { path, what: `bytes of an array of ${shape.join("x")}`, found: size, limit },
      place,
    );
  need(`an array of ${shape.join("x")} elements of type ${dtype}`, start, size);
  const extra = bytes.length - start - size;
  if (extra > 0) fail("data/trailing-bytes", { path, offset: start + size, extra }, place);
  return { shape, dtype, data: decodeElements(bytes.subarray(start), dtype, true, source) };
}
