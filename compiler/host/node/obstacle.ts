// What stands in the way of a folder. In: the path of a folder that is there or is to be made. Out: the file, or the
// link to nothing, that is in its place or in the place of one of its parents.
import { lstatSync, statSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";

/** The nearest path of the folder and its parents that exists, as seen from here, when it is no directory. */
export function obstacleOf(folder: string): string | undefined {
  for (let path = resolve(folder); ; path = dirname(path)) {
    // A parent that may not be searched says so when it is used.
    let found: ReturnType<typeof lstatSync> | undefined;
    try {
      found = lstatSync(path, { throwIfNoEntry: false });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOTDIR" && code !== "ELOOP") return undefined;
    }
    if (found === undefined && path !== dirname(path)) continue;
    if (found === undefined || isDirectory(path)) return undefined;
    return relative(".", path) || path;
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
