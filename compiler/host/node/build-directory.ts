// A build directory on disk: the marker that says it is ours, the lock, and folders that are replaced as a whole. A kill
// at any moment leaves the old folder or the new one: the new one is written beside, renamed to `<folder>.next` when it
// is complete, and swapped in by two renames that the next command finishes when they were interrupted.
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fail } from "../../support/diagnostics.ts";
import { bytesOf, type FileSet } from "../../support/file-set.ts";
import { makeFolder } from "./folders.ts";
import { obstacleOf } from "./obstacle.ts";
import { checkRegular, readRegularFile } from "./regular-file.ts";

/** The file that says that a directory is ours. */
export const BUILD_MARKER = "noisefloor.json";
const LOCK = ".lock";
const MARKER_TEXT = `${JSON.stringify({ schema: "noisefloor.build/1" })}\n`;

export interface ReadableDirectory {
  /** As the user wrote it. */
  readonly name: string;
  /** Content of a file, or undefined. */
  read(path: string): Uint8Array | undefined;
  readText(path: string): string | undefined;
  /** Every file under a folder, by path from the build directory with `/`. */
  list(folder: string): readonly string[];
}

export interface BuildDirectory extends ReadableDirectory {
  /** Replaces or adds single files, each by a rename. */
  writeFiles(files: FileSet): void;
  appendLine(path: string, line: string): void;
  /** Replaces a whole folder, which may stand in another one, by the files, whose paths start with it. */
  replaceFolder(folder: string, files: FileSet): void;
  remove(path: string): void;
  /** Gives the lock back. */
  close(): void;
}

function writeDurably(path: string, content: string | Uint8Array): void {
  makeFolder(dirname(path));
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
      return Number.parseInt(textOf(readRegularFile(path))!, 10);
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

/** Folders of which each subfolder is replaced as a whole. */
const GROUPS: readonly string[] = ["flow"];

/** Finishes or clears what an interrupted command left. */
function recover(root: string): void {
  for (const group of GROUPS)
    if (statSync(join(root, group), { throwIfNoEntry: false })?.isDirectory()) recoverIn(join(root, group));
  recoverIn(root);
}

function recoverIn(root: string): void {
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

/** What a path that is no file where one belongs, or the reverse, ends in. */
const MISPLACED = new Set(["EISDIR", "ENOTDIR", "EEXIST", "ENOTEMPTY", "ELOOP"]);

/** Runs one access to a file of ours; a folder in its place, or a file in its folder's, is a damaged directory. */
function accessing<T>(name: string, path: string, access: () => T): T {
  try {
    return access();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || !MISPLACED.has(code)) throw error;
    return fail("build/bad-file", { path: `${name}/${path}`, problem: message });
  }
}

/** Absolute path of a build directory, and whether there is nothing in it yet. Refuses what is not ours. */
function locate(name: string, create: boolean): { readonly root: string; readonly empty: boolean } {
  const root = resolve(name);
  const obstacle = obstacleOf(root);
  if (obstacle !== undefined) fail("build/no-directory", { directory: name, obstacle, create });
  const empty = !existsSync(root) || readdirSync(root).length === 0;
  if (!empty && !existsSync(join(root, BUILD_MARKER))) fail("build/not-ours", { directory: name });
  if (empty && !create) fail("build/missing", { directory: name });
  return { root, empty };
}

/** How often a folder is read again because a command replaced it meanwhile, and how long it is waited each time. */
const READ_ATTEMPTS = 50;
const READ_AGAIN_MS = 10;

/**
 * Opens a build directory that is only read: without the lock, and without changing anything on disk. It may belong to
 * somebody else, and another command may work in it: each folder is read as a whole when it is first asked for, so that
 * its files belong together.
 */
export function openForReading(name: string): ReadableDirectory {
  const { root } = locate(name, false);
  const folders = new Map<string, FileSet>();
  const filesOf = (path: string): FileSet => {
    const [first, ...rest] = path.split("/");
    const top = GROUPS.includes(first!) && rest.length > 0 ? `${first}/${rest[0]}` : first!;
    let files = folders.get(top);
    if (!files) {
      files = accessing(name, top, () => readWhole(root, top)) ?? failChanging(name, top);
      folders.set(top, files);
    }
    return files;
  };
  const read = (path: string): Uint8Array | undefined => filesOf(path).get(path) as Uint8Array | undefined;
  return {
    name,
    read,
    readText: (path) => textOf(read(path)),
    list: (folder) => [...filesOf(folder).keys()].filter((path) => path.startsWith(`${folder}/`)).sort(),
  };
}

function failChanging(name: string, top: string): never {
  return fail("build/bad-file", { path: `${name}/${top}`, problem: "it changes while it is read" });
}

/** A file, or all files of a folder; undefined when it never stood still. */
function readWhole(root: string, top: string): FileSet | undefined {
  for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
    if (attempt > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, READ_AGAIN_MS);
    // In the order in which an interrupted replacement is finished.
    const at = [`${top}.next`, top, `${top}.previous`]
      .map((n) => join(root, ...n.split("/")))
      .find((p) => existsSync(p));
    try {
      if (at === undefined) return new Map();
      const before = statSync(at).ino;
      const files = new Map<string, Uint8Array>();
      if (!statSync(at).isDirectory()) return files.set(top, readRegularFile(at));
      for (const entry of readdirSync(at, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || entry.name.endsWith(".tmp")) continue;
        const file = join(entry.parentPath, entry.name);
        files.set([top, ...relative(at, file).split(sep)].join("/"), readRegularFile(file));
      }
      if (statSync(at).ino === before) return files;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return undefined;
}

const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && new TextDecoder().decode(bytes);

/** Opens a build directory and takes its lock. Throws `build/...` diagnostics; file system errors pass through. */
export function openBuildDirectory(name: string, { create }: OpenOptions): BuildDirectory {
  const { root, empty } = locate(name, create);
  if (empty) {
    makeFolder(root);
    writeDurably(join(root, BUILD_MARKER), MARKER_TEXT);
  }
  accessing(name, LOCK, () => lock(root, name));
  recover(root);
  const inside = (path: string): string => join(root, ...path.split("/"));
  const read = (path: string): Uint8Array | undefined =>
    existsSync(inside(path)) ? accessing(name, path, () => readRegularFile(inside(path))) : undefined;
  const writeOne = (path: string, content: string | Uint8Array): void => {
    accessing(name, path, () => {
      writeDurably(`${inside(path)}.tmp`, content);
      renameSync(`${inside(path)}.tmp`, inside(path));
    });
  };
  return {
    name,
    read,
    readText: (path) => textOf(read(path)),
    list(folder) {
      if (!existsSync(inside(folder))) return [];
      const entries = accessing(name, folder, () =>
        readdirSync(inside(folder), { recursive: true, withFileTypes: true }),
      );
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
        .sort();
    },
    writeFiles(files) {
      for (const [path, content] of files) writeOne(path, content);
    },
    appendLine(path, line) {
      accessing(name, path, () => {
        makeFolder(dirname(inside(path)));
        checkRegular(inside(path));
        writeFileSync(inside(path), `${line}\n`, { flag: "a" });
      });
    },
    replaceFolder(folder, files) {
      const temporary = inside(`${folder}.tmp`);
      rmSync(temporary, { recursive: true, force: true });
      const depth = folder.split("/").length;
      for (const [path, content] of files)
        writeDurably(join(temporary, ...path.split("/").slice(depth)), content);
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
