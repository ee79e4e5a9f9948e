// Opening a model's file by the reader of its ending. In: bytes, and a way to the files beside it. Out: an imported model,
// and a digest of all that was read.
import { digestOf } from "../support/digest.ts";
import type { ModelFormat } from "./formats.ts";
import type { ModelImport, ModelSource } from "./model-import.ts";

/** A model that was read. */
export interface OpenedImport extends ModelImport {
  /** Of all bytes that were read: of the file, and of those beside it. */
  readonly digest: string;
}

/** Reads a model of a format. Throws what its reader throws. */
export function openImport(
  bytes: Uint8Array,
  { path, readExternal }: ModelSource,
  { read }: Pick<ModelFormat, "read">,
): OpenedImport {
  const beside: (string | Uint8Array)[] = [];
  const recording: ModelSource = readExternal
    ? {
        path,
        readExternal: (location, offset, length) => {
          const found = readExternal(location, offset, length);
          if (found) beside.push(`${location} ${offset}`, found);
          return found;
        },
      }
    : { path };
  const imported = read(bytes, recording);
  return { ...imported, digest: digestOf(bytes, ...beside) };
}
