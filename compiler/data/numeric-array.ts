// Arrays as data files hold them, before they become samples. In: raw element bytes of a known type. Out: numbers
// that are exact: 64-bit integers are refused above 2^53, nothing is rounded.
import { type DiagnosticPlace, fail } from "../support/diagnostics.ts";

export type NumericType =
  | "bool"
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "float16"
  | "float32"
  | "float64";

export type NumericData =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/** Row-major. 64-bit integers are held by a Float64Array, float16 by a Float32Array, bool by a Uint8Array of 0 and 1. */
export interface NumericArray {
  readonly shape: readonly number[];
  readonly dtype: NumericType;
  readonly data: NumericData;
}

/** What a decoder may allocate. */
export interface DataLimits {
  /** Bytes of one decompressed file or of one decoded array. */
  readonly bytes: number;
  /** Bytes of a CSV or JSON text. */
  readonly textBytes: number;
}

/** Far above MNIST's 47 MB, below what a 4 GB machine can hold. */
export const DATA_LIMITS: DataLimits = { bytes: 2 ** 30, textBytes: 2 ** 28 };

/** Who the bytes are, for messages: the path as the user wrote it, and the place in the model that names it. */
export interface DataSource {
  readonly path: string;
  readonly place?: DiagnosticPlace | undefined;
  readonly limits?: DataLimits | undefined;
}

/** Most axes of an array, as in NumPy 1. */
export const MAX_RANK = 32;

/** Bytes of one stored element. */
export const ELEMENT_BYTES: Readonly<Record<NumericType, number>> = {
  bool: 1,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  float16: 2,
  float32: 4,
  float64: 8,
};

/** Whether the elements are values; integers and bool are mantissas. */
export function isFloatType(dtype: NumericType): boolean {
  return dtype === "float16" || dtype === "float32" || dtype === "float64";
}

/** Product of the axes; Infinity when it leaves the safe integers. */
export function elementCount(shape: readonly number[]): number {
  if (shape.includes(0)) return 0;
  let count = 1;
  for (const axis of shape) {
    count *= axis;
    if (!Number.isSafeInteger(count)) return Number.POSITIVE_INFINITY;
  }
  return count;
}

const hostIsLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** A fresh copy of the elements in the host's byte order. */
function copyInHostOrder(bytes: Uint8Array, size: number, bigEndian: boolean): ArrayBuffer {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  if (size > 1 && bigEndian === hostIsLittleEndian) {
    for (let start = 0; start < copy.length; start += size) copy.subarray(start, start + size).reverse();
  }
  return copy.buffer;
}

/** The number that 16 bits of IEEE 754 binary16 stand for. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function readInt64(buffer: ArrayBuffer, signed: boolean, source: DataSource): Float64Array {
  const words = new Uint32Array(buffer);
  const signedWords = new Int32Array(buffer);
  const low = hostIsLittleEndian ? 0 : 1;
  const out = new Float64Array(words.length / 2);
  for (let i = 0; i < out.length; i++) {
    const high = (signed ? signedWords : words)[2 * i + 1 - low]!;
    const value = high * 2 ** 32 + words[2 * i + low]!;
    if (!Number.isSafeInteger(value)) {
      const problem = "the integer is beyond 2^53 and cannot be held exactly";
      fail("data/npy-value", { path: source.path, index: i, problem }, source.place);
    }
    out[i] = value;
  }
  return out;
}

/**
 * Elements of `dtype` from exactly as many bytes as they need. The result owns its memory.
 * Throws data/npy-value for an unsafe 64-bit integer, and for a bool that is neither 0 nor 1.
 */
export function decodeElements(
  bytes: Uint8Array,
  dtype: NumericType,
  bigEndian: boolean,
  source: DataSource,
): NumericData {
  const buffer = copyInHostOrder(bytes, ELEMENT_BYTES[dtype], bigEndian);
  switch (dtype) {
    case "bool": {
      const data = new Uint8Array(buffer);
      const bad = data.findIndex((v) => v > 1);
      if (bad >= 0) {
        const problem = `a bool is 0 or 1, not ${data[bad]}`;
        fail("data/npy-value", { path: source.path, index: bad, problem }, source.place);
      }
      return data;
    }
    case "uint8":
      return new Uint8Array(buffer);
    case "int8":
      return new Int8Array(buffer);
    case "int16":
      return new Int16Array(buffer);
    case "uint16":
      return new Uint16Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "uint32":
      return new Uint32Array(buffer);
    case "int64":
    case "uint64":
      return readInt64(buffer, dtype === "int64", source);
    case "float16":
      return Float32Array.from(new Uint16Array(buffer), halfToNumber);
    case "float32":
      return new Float32Array(buffer);
    case "float64":
      return new Float64Array(buffer);
  }
}
