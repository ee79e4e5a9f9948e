// Zip archives as numpy.savez and Keras write them. In: bytes. Out: the list of entries; the content of one, after sizes and
// CRC agreed. The central directory is what counts: it is read here, only the deflate streams go to the inflater.
import { fail } from "../support/diagnostics.ts";
import { decodeUtf8 } from "../support/text.ts";
import { crc32 } from "./crc32.ts";
import { inflate, TooMuchInflated } from "./inflate.ts";
import { DATA_LIMITS, type DataSource } from "./numeric-array.ts";

export interface ZipEntry {
  readonly name: string;
  /** 0 stored, 8 deflate. */
  readonly method: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  /** Offset of the local header. */
  readonly offset: number;
}

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const DIRECTORY_SIGNATURE = 0x02014b50;
const DIRECTORY_BYTES = 46;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const MAX_COMMENT = 65535;
/** Deflate cannot do better: 258 bytes from two bits. */
const MAX_DEFLATE_RATIO = 1032;
const ZIP64_MARK = 0xffffffff;

function damaged(source: DataSource, problem: string): never {
  fail("data/compressed", { path: source.path, problem }, source.place);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function findEnd(view: DataView, source: DataSource): number {
  const last = view.byteLength - END_BYTES;
  for (let at = last; at >= Math.max(0, last - MAX_COMMENT); at--) {
    if (view.getUint32(at, true) === END_SIGNATURE && view.getUint16(at + 20, true) === last - at) return at;
  }
  return damaged(source, "no end of a zip archive (truncated, or no archive at all)");
}

/** Entries of the archive in the directory's order. Throws data/compressed for anything inconsistent. */
export function readZipDirectory(bytes: Uint8Array, source: DataSource): readonly ZipEntry[] {
  const view = viewOf(bytes);
  const end = findEnd(view, source);
  const count = view.getUint16(end + 10, true);
  const start = view.getUint32(end + 16, true);
  if (view.getUint16(end + 4, true) !== 0 || view.getUint16(end + 8, true) !== count)
    damaged(source, "archives in several parts are not supported");
  if (start === ZIP64_MARK || count === 0xffff) damaged(source, "zip64 archives are not supported");
  if (start + view.getUint32(end + 12, true) > end)
    damaged(source, "the directory lies outside of the archive");
  const entries: ZipEntry[] = [];
  const names = new Set<string>();
  let at = start;
  for (let i = 0; i < count; i++) {
    if (at + DIRECTORY_BYTES > end || view.getUint32(at, true) !== DIRECTORY_SIGNATURE)
      damaged(source, `entry ${i} of the directory is damaged`);
    const nameBytes = view.getUint16(at + 28, true);
    const next =
      at + DIRECTORY_BYTES + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > end) damaged(source, `entry ${i} of the directory is damaged`);
    const name = decodeUtf8(bytes.subarray(at + DIRECTORY_BYTES, at + DIRECTORY_BYTES + nameBytes));
    if (name === undefined) damaged(source, `entry ${i} has a name that is no UTF-8 text`);
    if (names.has(name)) damaged(source, `two entries are named ${JSON.stringify(name)}`);
    names.add(name);
    const entry = {
      name,
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      compressedSize: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      offset: view.getUint32(at + 42, true),
    };
    const where = `entry ${JSON.stringify(name)}`;
    if (view.getUint16(at + 8, true) & 1) damaged(source, `${where} is encrypted`);
    if (entry.size === ZIP64_MARK || entry.compressedSize === ZIP64_MARK || entry.offset === ZIP64_MARK)
      damaged(source, `${where} needs zip64, which is not supported`);
    entries.push(entry);
    at = next;
  }
  return entries;
}

/** Content of one entry. Throws data/compressed, and data/too-large before anything is allocated. */
export function readZipEntry(bytes: Uint8Array, entry: ZipEntry, source: DataSource): Uint8Array {
  const { path, place } = source;
  const limit = (source.limits ?? DATA_LIMITS).bytes;
  const where = `entry ${JSON.stringify(entry.name)}`;
  if (entry.size > limit)
    fail("data/too-large", { path, what: `bytes of ${where}`, found: entry.size, limit }, place);
  const view = viewOf(bytes);
  if (entry.offset + LOCAL_BYTES > bytes.length || view.getUint32(entry.offset, true) !== LOCAL_SIGNATURE)
    damaged(source, `${where} has no header where the directory says`);
  const start =
    entry.offset +
    LOCAL_BYTES +
    view.getUint16(entry.offset + 26, true) +
    view.getUint16(entry.offset + 28, true);
  if (start + entry.compressedSize > bytes.length)
    damaged(source, `${where} reaches past the end of the file`);
  const packed = bytes.subarray(start, start + entry.compressedSize);
  let content: Uint8Array;
  if (entry.method === 0) {
    if (entry.size !== entry.compressedSize)
      damaged(source, `${where} declares a size that its content has not`);
    content = packed;
  } else if (entry.method === 8) {
    if (entry.size > packed.length * MAX_DEFLATE_RATIO)
      damaged(source, `${where} declares more bytes than its content can hold`);
    try {
      content = inflate(packed, "raw", entry.size);
    } catch (error) {
      if (error instanceof TooMuchInflated)
        damaged(source, `${where} declares a size that its content has not`);
      damaged(source, `${where}: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (content.length !== entry.size) damaged(source, `${where} declares a size that its content has not`);
  } else {
    damaged(source, `${where} uses compression method ${entry.method}; stored and deflate are supported`);
  }
  if (crc32(content) !== entry.crc) damaged(source, `the checksum of ${where} does not match its content`);
  return content;
}
