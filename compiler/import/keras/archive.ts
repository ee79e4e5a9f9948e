// .keras archives: zip files with config.json, metadata.json and model.weights.h5. In: untrusted bytes. Out: those
// three, unpacked after every declared size was seen.
import type { DataSource } from "../../data/numeric-array.ts";
import { readZipDirectory, readZipEntry } from "../../data/zip.ts";
import { fail } from "../../support/diagnostics.ts";
import { MAX_INFLATION, MAX_JSON_BYTES, MAX_WEIGHT_BYTES } from "./limits.ts";

const CONFIG = "config.json";
const METADATA = "metadata.json";
const WEIGHTS = "model.weights.h5";

export interface KerasArchive {
  readonly config: Uint8Array;
  /** Empty where the archive has none. */
  readonly metadata: Uint8Array;
  readonly weights: Uint8Array;
}

/** Whether the bytes start as a zip archive does. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);
}

/** Whether unpacking an entry of this name would leave the folder. */
const leavesFolder = (name: string): boolean =>
  /^(?:[/\\]|[A-Za-z]:)/.test(name) || name.split(/[/\\]/).includes("..");

/** Throws import/keras-archive and import/keras-too-large, and what zip files throw. */
export function readKerasArchive(bytes: Uint8Array, path: string): KerasArchive {
  const entries = readZipDirectory(bytes, { path });
  const outside = entries.find((entry) => leavesFolder(entry.name));
  if (outside)
    fail("import/keras-archive", {
      path,
      problem: `the entry ${JSON.stringify(outside.name)} lies outside of the archive`,
    });
  const read = (name: string, limit: number): Uint8Array | undefined => {
    const entry = entries.find((e) => e.name === name);
    if (!entry) return undefined;
    if (entry.size > limit)
      fail("import/keras-too-large", { path, what: `bytes of ${name}`, found: entry.size, limit });
    const source: DataSource = { path, limits: { bytes: limit, textBytes: limit } };
    return readZipEntry(bytes, entry, source);
  };
  const missing = (name: string): never =>
    fail("import/keras-archive", { path, problem: `it has no ${name}` });
  return {
    config: read(CONFIG, MAX_JSON_BYTES) ?? missing(CONFIG),
    metadata: read(METADATA, MAX_JSON_BYTES) ?? new Uint8Array(),
    weights:
      read(WEIGHTS, Math.min(MAX_WEIGHT_BYTES, 2 ** 20 + MAX_INFLATION * bytes.length)) ?? missing(WEIGHTS),
  };
}
