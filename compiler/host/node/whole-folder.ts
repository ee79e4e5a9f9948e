// A folder outside of a build directory that is written as a whole. In: its path, its files and the file that says that it is
// ours. Out: on disk the new folder, or after a kill the old one.
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { bytesOf, type FileSet } from "../../support/file-set.ts";
import { makeFolder } from "./folders.ts";

/** Whether a folder may be written: it is missing, empty, or holds the marker. */
export function isReplaceable(folder: string, marker: string): boolean {
  const root = resolve(folder);
  return !existsSync(root) || existsSync(join(root, marker)) || readdirSync(root).length === 0;
}

/** Puts the files in the place of the folder, which `isReplaceable` has allowed. File system errors pass through. */
export function replaceWholeFolder(folder: string, files: FileSet): void {
  const root = resolve(folder);
  const [next, previous] = [`${root}.next`, `${root}.previous`];
  rmSync(next, { recursive: true, force: true });
  for (const [path, content] of files) {
    const file = join(next, ...path.split("/"));
    makeFolder(dirname(file));
    writeFileSync(file, bytesOf(content));
  }
  rmSync(previous, { recursive: true, force: true });
  if (existsSync(root)) renameSync(root, previous);
  renameSync(next, root);
  rmSync(previous, { recursive: true, force: true });
}
