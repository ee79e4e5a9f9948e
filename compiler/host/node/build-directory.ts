// A build directory on disk: the marker that says it is ours, the lock, and folders that are replaced as a whole. A kill
// at any moment leaves the old folder or the new one: the new one is written beside, renamed to `<folder>.next` when it
// is complete, and swapped in by two renames that the next command finishes when they were interrupted.
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fail } from "../../support/diagnostics.ts";
import { bytesOf, type FileSet } from "../../support/file-set.ts";

const MARKER = "noisefloor.json";
const LOCK = ".lock";
const MARKER_TEXT = `${JSON.stringify({ schema: "noisefloor.build/1" })}\n`;

export interface BuildDirectory {
  /** As the user wrote it. */
  readonly name: string;
  /** Content of a file, or undefined. */
  read(path: string): Uint8Array | undefined;
  readText(path: string): string | undefined;
  /** Every file under a folder, by path from the build directory with `/`. */
  list(folder: string): readonly string[];
  /** Replaces or adds single files, each by a rename. */
  writeFiles(files: FileSet): void;
  appendLine(path: string, line: string): void;
  /** Replaces a whole folder by the files, whose paths start with it. */
  replaceFolder(folder: string, files: FileSet): void;
  remove(path: string): void;
  /** Gives the lock back. */
  close(): void;
}

function writeDurably(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, "w");
  try {
    const bytes = bytesOf(content);
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** How long a lock may stand empty: its writer is between creating it and writing its number, or was killed there. */
const EMPTY_LOCK_MS = 200;

/** Process that holds the lock, undefined when none or when it was killed before it wrote its number. */
function lockHolder(path: string): number | undefined {
  const numberIn = (): number => {
    try {
      return Number.parseInt(readFileSync(path, "utf8"), 10);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return Number.NaN;
      throw error;
    }
  };
  let pid = numberIn();
  if (Number.isNaN(pid)) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, EMPTY_LOCK_MS);
    pid = numberIn();
  }
  return Number.isNaN(pid) ? undefined : pid;
}

/** Takes the lock or says who has it; a lock of a process that is gone is taken over. */
function lock(root: string, name: string): void {
  const path = join(root, LOCK);
  for (;;) {
    try {
      writeFileSync(path, `${process.pid}\n`, { flag: "wx" });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const pid = lockHolder(path);
    if (pid !== undefined && pid > 0 && pid !== process.pid && isRunning(pid))
      fail("build/locked", { directory: name, pid });
    rmSync(path, { force: true });
  }
}

/** Finishes or clears what an interrupted command left. */
function recover(root: string): void {
  for (const entry of readdirSync(root)) {
    if (entry.endsWith(".tmp")) rmSync(join(root, entry), { recursive: true, force: true });
    if (entry.endsWith(".next")) swap(root, entry.slice(0, -".next".length));
  }
  for (const entry of readdirSync(root)) {
    if (!entry.endsWith(".previous")) continue;
    const at = join(root, entry.slice(0, -".previous".length));
    if (existsSync(at)) rmSync(join(root, entry), { recursive: true, force: true });
    else renameSync(join(root, entry), at);
  }
}

/** Puts `<folder>.next` in the folder's place. Until the last rename the folder is whole, here or as `.previous`. */
function swap(root: string, folder: string): void {
  const at = join(root, folder);
  rmSync(`${at}.previous`, { recursive: true, force: true });
  if (existsSync(at)) renameSync(at, `${at}.previous`);
  renameSync(`${at}.next`, at);
  rmSync(`${at}.previous`, { recursive: true, force: true });
}

export interface OpenOptions {
  /** Make the directory when it is missing; else a missing one is an error. */
  readonly create: boolean;
}

/** Opens a build directory and takes its lock. Throws `build/...` diagnostics; file system errors pass through. */
export function openBuildDirectory(name: string, { create }: OpenOptions): BuildDirectory {
  const root = resolve(name);
  if (existsSync(root) && !statSync(root).isDirectory()) fail("build/no-directory", { directory: name });
  const empty = !existsSync(root) || readdirSync(root).length === 0;
  if (!empty && !existsSync(join(root, MARKER))) fail("build/not-ours", { directory: name });
  if (empty) {
    if (!create) fail("build/missing", { directory: name });
    mkdirSync(root, { recursive: true });
    writeDurably(join(root, MARKER), MARKER_TEXT);
  }
  lock(root, name);
  recover(root);
  const inside = (path: string): string => join(root, ...path.split("/"));
  const read = (path: string): Uint8Array | undefined =>
    existsSync(inside(path)) ? readFileSync(inside(path)) : undefined;
  const writeOne = (path: string, content: string | Uint8Array): void => {
    writeDurably(`${inside(path)}.tmp`, content);
    renameSync(`${inside(path)}.tmp`, inside(path));
  };
  return {
    name,
    read,
    readText: (path) => {
      const bytes = read(path);
      return bytes && new TextDecoder().decode(bytes);
    },
    list(folder) {
      if (!existsSync(inside(folder))) return [];
      return readdirSync(inside(folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
        .sort();
    },
    writeFiles(files) {
      for (const [path, content] of files) writeOne(path, content);
    },
    appendLine(path, line) {
      mkdirSync(dirname(inside(path)), { recursive: true });
      writeFileSync(inside(path), `${line}\n`, { flag: "a" });
    },
    replaceFolder(folder, files) {
      const temporary = inside(`${folder}.tmp`);
      rmSync(temporary, { recursive: true, force: true });
      for (const [path, content] of files)
        writeDurably(join(temporary, ...path.split("/").slice(1)), content);
      rmSync(inside(`${folder}.next`), { recursive: true, force: true });
      renameSync(temporary, inside(`${folder}.next`));
      swap(root, folder);
    },
    remove(path) {
      // At once, then in its parts: a kill leaves nothing half removed.
      const temporary = join(root, `${path.replaceAll("/", "-")}.tmp`);
      rmSync(temporary, { recursive: true, force: true });
      if (existsSync(inside(path))) renameSync(inside(path), temporary);
      rmSync(temporary, { recursive: true, force: true });
    },
    close: () => rmSync(join(root, LOCK), { force: true }),
  };
}
