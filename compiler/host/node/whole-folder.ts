// Files and folders outside of a build directory that are written as a whole. In: a path and content, of a folder the file that
// says that it is ours. Out: on disk what is new, or after a kill what was there; the next command puts back what one left.
import {
  existsSync,
  lstatSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { bytesOf, type FileSet } from "../../support/file-set.ts";
import { makeFolder } from "./folders.ts";

/** Where a link leads, or will: the folder itself is replaced, not the link to it. */
function rootOf(folder: string): string {
  return existsSync(folder) ? realpathSync(folder) : resolve(folder);
}

/** A name beside a path that nobody else gives. */
function beside(path: string, what: "next" | "previous"): string {
  return join(dirname(path), `.${basename(path)}.noisefloor-${what}`);
}

/** Whether a folder may be written: it is missing, empty, or holds the marker. */
export function isReplaceable(folder: string, marker: string): boolean {
  const root = resolve(folder);
  return !existsSync(root) || existsSync(join(root, marker)) || readdirSync(root).length === 0;
}

/** Puts the files in the place of the folder, which `isReplaceable` has allowed. File system errors pass through. */
export function replaceWholeFolder(folder: string, files: FileSet): void {
  const root = rootOf(folder);
  const [next, previous] = [beside(root, "next"), beside(root, "previous")];
  rmSync(next, { recursive: true, force: true });
  try {
    for (const [path, content] of files) {
      const file = join(next, ...path.split("/"));
      makeFolder(dirname(file));
      writeFileSync(file, bytesOf(content), { flag: "wx" });
    }
  } catch (error) {
    rmSync(next, { recursive: true, force: true });
    throw error;
  }
  rmSync(previous, { recursive: true, force: true });
  if (existsSync(root)) renameSync(root, previous);
  renameSync(next, root);
  rmSync(previous, { recursive: true, force: true });
}

/** Writes a file of the user: what is there is replaced when all is written. A device or a pipe just gets it. */
export function replaceWholeFile(path: string, content: string | Uint8Array): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  const isSpecial = found && existsSync(path) && !statSync(path).isFile();
  // A link to what is not there yet leads to where the system makes it.
  if (isSpecial || (found?.isSymbolicLink() && !existsSync(path)))
    return writeFileSync(path, bytesOf(content));
  const root = rootOf(path);
  const next = `${beside(root, "next")}-${process.pid}`;
  rmSync(next, { recursive: true, force: true });
  try {
    writeFileSync(next, bytesOf(content), { flag: "wx", ...(found ? { mode: statSync(root).mode } : {}) });
    renameSync(next, root);
  } catch (error) {
    rmSync(next, { recursive: true, force: true });
    throw error;
  }
}
