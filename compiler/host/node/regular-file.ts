// Files that the user names, which may be anything. In: a path. Out: the bytes of a file. Pipes and devices, whose end
// may never come, are refused before anything waits for them; a folder is the system's error EISDIR.
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readSync,
  type Stats,
  statSync,
} from "node:fs";
import { fail } from "../../support/diagnostics.ts";

/** Most bytes of a file that is read: those that Node reads at once. */
export const MAX_FILE_BYTES = 2 ** 31 - 1;

function check(path: string, stats: Stats): void {
  if (stats.isFile() || stats.isDirectory()) return;
  const kind = stats.isFIFO() ? "pipe" : stats.isSocket() ? "socket" : "device";
  fail("cli/no-file", { path, kind }, { file: path });
}

/** Throws cli/no-file where a pipe, socket or device is at the path; what is missing passes. */
export function checkRegular(path: string): void {
  if (existsSync(path)) check(path, statSync(path));
}

/** The open file, and its size. Throws like `readRegularFile`; the caller closes it. */
export function openRegularFile(path: string): { readonly file: number; readonly size: number } {
  check(path, statSync(path));
  // Somebody may have put a pipe in its place by now: opened like this it does not wait for a writer.
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = fstatSync(file);
    check(path, stats);
    return { file, size: stats.size };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Fills `bytes` from an offset of an open file; how many there were. */
export function readInto(file: number, bytes: Uint8Array, offset: number): number {
  let at = 0;
  for (let count = -1; count !== 0 && at < bytes.length; at += count)
    count = readSync(file, bytes, at, bytes.length - at, offset + at);
  return at;
}

/**
 * The bytes of a file of at most `limit` bytes. Throws cli/no-file and cli/file-too-large, the second before anything is
 * read; errors of the file system pass through.
 */
export function readRegularFile(path: string, limit = MAX_FILE_BYTES): Uint8Array {
  const { file, size } = openRegularFile(path);
  try {
    if (size > limit) fail("cli/file-too-large", { path, found: size, limit }, { file: path });
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, readInto(file, bytes, 0));
  } finally {
    closeSync(file);
  }
}
