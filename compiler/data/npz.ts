// NPZ archives (numpy.savez and savez_compressed). In: bytes and the name of an array. Out: that array; the others
// are not unpacked.
import { fail } from "../support/diagnostics.ts";
import { decodeNpy } from "./npy.ts";
import type { DataSource, NumericArray } from "./numeric-array.ts";
import { readZipDirectory, readZipEntry } from "./zip.ts";

const SUFFIX = ".npy";

/** The array called `name`. Throws data/npz-array with the names there are, and what zip and NPY files throw. */
export function decodeNpz(bytes: Uint8Array, name: string, source: DataSource): NumericArray {
  const entries = readZipDirectory(bytes, source);
  const entry = entries.find((e) => e.name === name + SUFFIX);
  if (entry === undefined) {
    const available = entries
      .map((e) => e.name)
      .filter((n) => n.endsWith(SUFFIX))
      .map((n) => n.slice(0, -SUFFIX.length));
    fail("data/npz-array", { path: source.path, name, available }, source.place);
  }
  const content = readZipEntry(bytes, entry, source);
  return decodeNpy(content, { ...source, path: `${source.path} (array ${name})` });
}
