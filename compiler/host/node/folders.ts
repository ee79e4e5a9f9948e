// Making folders. In: a path. Out: the folder and its parents on disk, or the error of the file system.
import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

const isThere = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

/**
 * Makes a folder and what is missing above it. Node's own way tries for ever where making one says that its parent is
 * missing, which is there, as in /proc.
 */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && !isThere(dirname(path))) {
      makeFolder(dirname(path));
      makeFolder(path);
    } else if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}
