// NPY files, versions 1 to 3. In: bytes, or an array. Out: the other one. Read with every check NumPy makes and
// the sizes compared before anything is allocated; written as version 1, little-endian, row-major.
import { compilerAssert } from "../support/assert.ts";
import { fail } from "../support/diagnostics.ts";
import { decodeUtf8, encodeUtf8 } from "../support/text.ts";
import { gunzipIfNeeded } from "./gzip.ts";
import { parseNpyHeader } from "./npy-header.ts";
import {
  DATA_LIMITS,
  type DataSource,
  decodeElements,
  ELEMENT_BYTES,
  elementCount,
  MAX_RANK,
  type NumericArray,
  type NumericData,
  type NumericType,
} from "./numeric-array.ts";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** Magic and version. */
const PREFIX_BYTES = 8;
/** NumPy itself refuses longer headers unless told to trust the file; ours are far shorter. */
const MAX_HEADER_BYTES = 65536;

const TYPES: Readonly<Record<string, NumericType>> = {
  b1: "bool",
  i1: "int8",
  u1: "uint8",
  i2: "int16",
  u2: "uint16",
  i4: "int32",
  u4: "uint32",
  i8: "int64",
  u8: "uint64",
  f2: "float16",
  f4: "float32",
  f8: "float64",
};

function fortranToRowMajor(data: NumericData, shape: readonly number[]): NumericData {
  const out = data.slice();
  const index = new Array<number>(shape.length).fill(0);
  const steps: number[] = [];
  let step = 1;
  for (const axis of shape) {
    steps.push(step);
    step *= axis;
  }
  let from = 0;
  for (let to = 0; to < out.length; to++) {
    out[to] = data[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= steps[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

/**
 * The array of an NPY file, row-major whatever the file's order. Throws data/npy-header, data/npy-type,
 * data/npy-value, data/truncated, data/trailing-bytes and data/too-large.
 */
export function decodeNpy(file: Uint8Array, source: DataSource): NumericArray {
  const { path, place } = source;
  const bytes = gunzipIfNeeded(file, source);
  const need = (what: string, offset: number, needed: number): void => {
    const found = Math.max(0, bytes.length - offset);
    if (found < needed) fail("data/truncated", { path, what, offset, needed, found }, place);
  };
  const bad = (offset: number, problem: string): never =>
    fail("data/npy-header", { path, offset, problem }, place);

  if (!bytes.subarray(0, MAGIC.length).every((byte, i) => byte === MAGIC[i]))
    bad(0, "it does not start with \\x93NUMPY");
  need("the start of the header", 0, PREFIX_BYTES + 2);
  const [major, minor] = [bytes[6]!, bytes[7]!];
  if (major < 1 || major > 3 || minor !== 0) bad(6, `version ${major}.${minor} is unknown`);
  const lengthBytes = major === 1 ? 2 : 4;
  need("the length of the header", PREFIX_BYTES, lengthBytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = major === 1 ? view.getUint16(PREFIX_BYTES, true) : view.getUint32(PREFIX_BYTES, true);
  if (headerBytes > MAX_HEADER_BYTES) bad(PREFIX_BYTES, `a header of ${headerBytes} bytes`);
  const headerStart = PREFIX_BYTES + lengthBytes;
  need("the header", headerStart, headerBytes);
  const text = decodeUtf8(bytes.subarray(headerStart, headerStart + headerBytes));
  if (text === undefined) bad(headerStart, "the header is no text");
  const header = parseNpyHeader(text!);
  if (typeof header === "string") return bad(headerStart, header);

  const { shape } = header;
  const dtype = /^[<>|=][a-z]\d$/.test(header.descr) ? TYPES[header.descr.slice(1)] : undefined;
  if (dtype === undefined) fail("data/npy-type", { path, type: header.descr }, place);
  if (shape.length > MAX_RANK) bad(headerStart, `${shape.length} axes; at most ${MAX_RANK} are supported`);
  const start = headerStart + headerBytes;
  const size = elementCount(shape) * ELEMENT_BYTES[dtype];
  const limit = (source.limits ?? DATA_LIMITS).bytes;
  const what = `an array of ${shape.join("x")} elements of type ${dtype}`;
  if (!(size <= limit)) fail("data/too-large", { path, what: `bytes of ${what}`, found: size, limit }, place);
  need(what, start, size);
  const extra = bytes.length - start - size;
  if (extra > 0) fail("data/trailing-bytes", { path, offset: start + size, extra }, place);

  const data = decodeElements(bytes.subarray(start), dtype, header.descr[0] === ">", source);
  const reorder = header.fortranOrder && shape.length > 1;
  return { shape, dtype, data: reorder ? fortranToRowMajor(data, shape) : data };
}

/** Types that `encodeNpy` writes. */
export type WritableNumericType = Exclude<NumericType, "float16">;

const RANGES: Readonly<Partial<Record<WritableNumericType, readonly [number, number]>>> = {
  bool: [0, 1],
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  uint64: [0, Number.MAX_SAFE_INTEGER],
};

function shapeTuple(shape: readonly number[]): string {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}

/**
 * NPY file (version 1, little-endian, row-major) of `data`. Integer types take integers of their range only;
 * anything else is a bug of the caller.
 */
export function encodeNpy(
  shape: readonly number[],
  dtype: WritableNumericType,
  data: ArrayLike<number>,
): Uint8Array {
  const count = elementCount(shape);
  compilerAssert(count === data.length, `${data.length} elements for an array of ${shape.join("x")}`);
  const code = Object.keys(TYPES).find((key) => TYPES[key] === dtype)!;
  const itemBytes = ELEMENT_BYTES[dtype];
  const order = itemBytes === 1 ? "|" : "<";
  const fields = `{'descr': '${order}${code}', 'fortran_order': False, 'shape': ${shapeTuple(shape)}, }`;
  // The data start at a multiple of 64 bytes; the header ends with a line end.
  const unpadded = PREFIX_BYTES + 2 + fields.length + 1;
  const headerText = `${fields}${" ".repeat((64 - (unpadded % 64)) % 64)}\n`;
  compilerAssert(headerText.length < 65536, `too many axes for an NPY file: ${shape.length}`);
  const start = PREFIX_BYTES + 2 + headerText.length;
  const elements = elementBytes(dtype, data);
  const bytes = new Uint8Array(start + elements.length);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  bytes[6] = 1;
  view.setUint16(PREFIX_BYTES, headerText.length, true);
  bytes.set(encodeUtf8(headerText), PREFIX_BYTES + 2);
  bytes.set(elements, start);
  return bytes;
}

/** Little-endian elements. Integer types take integers of their range only; anything else is a bug of the caller. */
export function elementBytes(dtype: WritableNumericType, data: ArrayLike<number>): Uint8Array {
  const itemBytes = ELEMENT_BYTES[dtype];
  const bytes = new Uint8Array(data.length * itemBytes);
  const view = new DataView(bytes.buffer);
  const range = RANGES[dtype];
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if (range) {
      const fits = Number.isInteger(value) && value >= range[0] && value <= range[1];
      compilerAssert(fits, `element ${i}: ${value} is no ${dtype}`);
    }
    const at = i * itemBytes;
    switch (dtype) {
      case "bool":
      case "int8":
      case "uint8":
        bytes[at] = value;
        break;
      case "int16":
      case "uint16":
        view.setUint16(at, value, true);
        break;
      case "int32":
      case "uint32":
        view.setUint32(at, value, true);
        break;
      case "int64":
      case "uint64":
        view.setUint32(at, value, true);
        view.setInt32(at + 4, Math.floor(value / 2 ** 32), true);
        break;
      case "float32":
        view.setFloat32(at, value, true);
        break;
      case "float64":
        view.setFloat64(at, value, true);
        break;
    }
  }
  return bytes;
}
