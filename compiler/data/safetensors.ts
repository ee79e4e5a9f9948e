// Safetensors files. In: bytes, or named arrays of integers and floats. Out: the other one. Read with every check of the
// format: header and offsets are compared with the file before anything is allocated; written in one order, without holes.
import { compilerAssert } from "../support/assert.ts";
import { fail } from "../support/diagnostics.ts";
import { decodeUtf8, encodeUtf8 } from "../support/text.ts";
import { elementBytes, type WritableNumericType } from "./npy.ts";
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

const TYPES: Readonly<Record<string, NumericType>> = {
  BOOL: "bool",
  I8: "int8",
  U8: "uint8",
  I16: "int16",
  U16: "uint16",
  I32: "int32",
  U32: "uint32",
  I64: "int64",
  U64: "uint64",
  F16: "float16",
  F32: "float32",
  F64: "float64",
};

/** Bytes before the header: its length. */
const PREFIX_BYTES = 8;
/** The format's own limit for headers. */
const MAX_HEADER_BYTES = 100_000_000;
const METADATA = "__metadata__";

export interface WritableArray {
  readonly shape: readonly number[];
  readonly dtype: WritableNumericType;
  readonly data: ArrayLike<number>;
}

export interface SafetensorsFile {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, NumericArray>;
}

/** The file of some arrays: wide elements first, so that all are aligned, else in the order of the map. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, WritableArray>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  compilerAssert(!tensors.has(METADATA), "safetensors: a tensor has the name of the metadata");
  const ordered = [...tensors].sort(([, a], [, b]) => ELEMENT_BYTES[b.dtype] - ELEMENT_BYTES[a.dtype]);
  const parts: Uint8Array[] = [];
  const header: Record<string, unknown> = { [METADATA]: metadata };
  let at = 0;
  for (const [name, { shape, dtype, data }] of ordered) {
    const bytes = elementBytes(dtype, data);
    compilerAssert(
      elementCount(shape) === data.length,
      `safetensors: ${name} has another number of elements`,
    );
    const code = Object.keys(TYPES).find((key) => TYPES[key] === dtype)!;
    header[name] = { dtype: code, shape, data_offsets: [at, at + bytes.length] };
    parts.push(bytes);
    at += bytes.length;
  }
  const text = JSON.stringify(header);
  const encoded = encodeUtf8(text);
  // Blanks behind the header align the data.
  const headerBytes = Math.ceil(encoded.length / 8) * 8;
  const file = new Uint8Array(PREFIX_BYTES + headerBytes + at).fill(
    0x20,
    PREFIX_BYTES,
    PREFIX_BYTES + headerBytes,
  );
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.set(encoded, PREFIX_BYTES);
  let to = PREFIX_BYTES + headerBytes;
  for (const part of parts) {
    file.set(part, to);
    to += part.length;
  }
  return file;
}

interface Entry {
  readonly name: string;
  readonly dtype: NumericType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** The arrays of a file. Throws data/safetensors for anything that the format forbids, and data/too-large. */
export function decodeSafetensors(bytes: Uint8Array, source: DataSource): SafetensorsFile {
  const { path, place } = source;
  const bad = (problem: string): never => fail("data/safetensors", { path, problem }, place);
  const limit = (source.limits ?? DATA_LIMITS).bytes;
  if (bytes.length > limit)
    fail("data/too-large", { path, what: "bytes of the file", found: bytes.length, limit }, place);
  if (bytes.length < PREFIX_BYTES) bad(`it has ${bytes.length} bytes, not even the length of its header`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(Math.min(MAX_HEADER_BYTES, bytes.length - PREFIX_BYTES)))
    bad(`its header has ${length} bytes, and the file ${bytes.length}`);
  const start = PREFIX_BYTES + Number(length);
  const { metadata, entries } = parseHeader(bytes.subarray(PREFIX_BYTES, start), bad);
  let at = 0;
  for (const { name, begin, end } of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at) bad(`${JSON.stringify(name)} begins at ${begin}, where ${at} is next`);
    at = end;
  }
  if (start + at !== bytes.length) bad(`its tensors end at byte ${start + at} of ${bytes.length}`);
  const tensors = new Map(
    entries.map(({ name, dtype, shape, begin, end }): [string, NumericArray] => {
      const data = decodeElements(bytes.subarray(start + begin, start + end), dtype, false, source);
      return [name, { shape, dtype, data }];
    }),
  );
  return { metadata, tensors };
}

function parseHeader(
  bytes: Uint8Array,
  bad: (problem: string) => never,
): { readonly metadata: ReadonlyMap<string, string>; readonly entries: readonly Entry[] } {
  const text = decodeUtf8(bytes);
  if (text === undefined || !text.startsWith("{")) return bad("its header is no JSON object");
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    return bad("its header is no JSON object");
  }
  const metadata = new Map<string, string>();
  const entries: Entry[] = [];
  for (const [name, value] of Object.entries(header as Record<string, unknown>)) {
    if (name !== METADATA) {
      entries.push(entryOf(name, value, bad));
      continue;
    }
    for (const [key, item] of Object.entries(value ?? {})) {
      if (typeof item !== "string") return bad(`its metadata ${JSON.stringify(key)} is no text`);
      metadata.set(key, item);
    }
  }
  return { metadata, entries };
}

const isSize = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;

function entryOf(name: string, value: unknown, bad: (problem: string) => never): Entry {
  const shown = JSON.stringify(name);
  const { dtype: code, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  const dtype = typeof code === "string" && Object.hasOwn(TYPES, code) ? TYPES[code]! : undefined;
  if (dtype === undefined) return bad(`${shown} has the type ${JSON.stringify(code)}`);
  if (!Array.isArray(shape) || shape.length > MAX_RANK || !shape.every(isSize))
    return bad(`${shown} has no shape`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize))
    return bad(`${shown} has no offsets`);
  const [begin, end] = offsets as [number, number];
  const size = elementCount(shape) * ELEMENT_BYTES[dtype];
  if (end - begin !== size) return bad(`${shown} has ${end - begin} bytes, and its shape ${size}`);
  return { name, dtype, shape, begin, end };
}
