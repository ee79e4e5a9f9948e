// Files of a model that somebody else wrote. In: its path. Out: its bytes, and a reader of the files beside it that
// never leaves its folder, by links neither.
import { closeSync, fstatSync, openSync, readFileSync, readSync, realpathSync, statSync } from "node:fs";
import { dirname, join, sep } from "node:path";

/** Bytes of one file that are read. */
export const MAX_MODEL_BYTES = 2 ** 27;

/** The bytes of the model; its size where that is above the limit, and nothing is read. */
export function readModelBytes(path: string): Uint8Array | { readonly tooLarge: number } {
  const { size } = statSync(path);
  if (size > MAX_MODEL_BYTES) return { tooLarge: size };
  // A slice of a Buffer is no copy, unlike that of a plain array.
  const { buffer, byteOffset, length } = readFileSync(path);
  return new Uint8Array(buffer, byteOffset, length);
}

/** Reads parts of files in the folder of the model at `path`; undefined for what is missing, outside, or no file. */
export function createSiblingReader(
  path: string,
): (location: string, offset: number, length: number) => Uint8Array | undefined {
  const folder = realpathSync(dirname(path));
  return (location, offset, length) => {
    let real: string;
    try {
      real = realpathSync(join(folder, location));
    } catch {
      return undefined;
    }
    if (!real.startsWith(folder.endsWith(sep) ? folder : folder + sep)) return undefined;
    if (!statSync(real).isFile() || length > MAX_MODEL_BYTES) return undefined;
    const file = openSync(real, "r");
    try {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, fstatSync(file).size - offset)));
      const count = readSync(file, bytes, 0, bytes.length, offset);
      return bytes.subarray(0, count);
    } finally {
      closeSync(file);
    }
  };
}
