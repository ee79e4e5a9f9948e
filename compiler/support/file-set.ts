// Output of the generators: files in memory, written by the host at the end.
import { encodeUtf8 } from "./text.ts";

/** Relative POSIX path -> content. */
export type FileSet = ReadonlyMap<string, string | Uint8Array>;

/** Merges file sets; the same path twice is a bug. */
export function mergeFileSets(...sets: readonly FileSet[]): FileSet {
  const all = new Map<string, string | Uint8Array>();
  for (const set of sets) {
    for (const [path, content] of set) {
      if (all.has(path)) throw new Error(`two generators write ${path}`);
      all.set(path, content);
    }
  }
  return all;
}

/** Puts every file of a set into a folder. */
export function underFolder(folder: string, set: FileSet): FileSet {
  return new Map([...set].map(([path, content]) => [`${folder}/${path}`, content]));
}

/** Bytes of a file. */
export function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === "string" ? encodeUtf8(content) : content;
}
