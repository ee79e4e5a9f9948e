// Files of a model that somebody else wrote. In: its path. Out: its bytes, and a reader of the files beside it that
// never leaves its folder, by links neither.
import { closeSync, realpathSync, statSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { fail } from "../../support/diagnostics.ts";
import { openRegularFile, readInto, readRegularFile } from "./regular-file.ts";

/** Bytes of one file that are read. */
export const MAX_MODEL_BYTES = 2 ** 27;

/** The bytes of the model. Throws import/too-large, and as `readRegularFile` does. */
export function readModelBytes(path: string): Uint8Array {
  const { size } = statSync(path);
  if (size > MAX_MODEL_BYTES) {
    const parameters = { what: "bytes of the file", found: size, limit: MAX_MODEL_BYTES };
    fail("import/too-large", parameters, { file: path });
  }
  return readRegularFile(path, MAX_MODEL_BYTES);
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
    const { file, size } = openRegularFile(real);
    try {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
      return bytes.subarray(0, readInto(file, bytes, offset));
    } finally {
      closeSync(file);
    }
  };
}
