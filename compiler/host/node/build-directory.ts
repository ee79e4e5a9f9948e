// A build directory on disk: the marker that says it is ours, the lock, and folders that are replaced as a whole. A kill
// at any moment leaves the old folder or the new one: the new one is written beside, renamed to `<folder>.next` when it
// is complete, and swapped in by two renames that the next command finishes when they were interrupted.
import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
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
import { isHeld, LOCK, lock, OWN_TEMPORARY } from "./lock.ts";
import { obstacleOf } from "./obstacle.ts";
import { checkRegular, readRegularFile } from "./regular-file.ts";

/** The file that says that a directory is ours. */
export const BUILD_MARKER = "noisefloor.json";
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

/** Files of one folder of a build directory that are read, and bytes of all of them: far above what any design has. */
const MAX_FILES = 20_000;
const MAX_FOLDER_BYTES = 2 ** 30;

/**
 * Where a path of a build directory is on disk. A directory may come from elsewhere, and so may the names in its files: a path
 * that leads out of it is refused, and so is a symbolic link on the way, which could lead anywhere.
 */
function placeIn(root: string, name: string, path: string): string {
  const bad = (problem: string): never => fail("build/bad-file", { path: `${name}/${path}`, problem });
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".." || /[\\\0]/.test(part)))
    bad("it is no path inside of the directory");
  let at = root;
  for (const part of parts) {
    at = join(at, part);
    const found = lstatOf(at);
    if (!found) break;
    if (found.isSymbolicLink()) fail("build/link", { path: `${name}/${relative(root, at)}` });
  }
  return join(root, ...parts);
}

/** What is at a path itself; undefined for nothing, and where a file stands in the place of a folder above it. */
function lstatOf(path: string): ReturnType<typeof lstatSync> | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOTDIR") throw error;
    return undefined;
  }
}

/** Writes a new file, so that what stood at its path, be it a link, is left alone. */
function writeDurably(path: string, content: string | Uint8Array): void {
  makeFolder(dirname(path));
  rmSync(path, { recursive: true, force: true });
  const file = openSync(path, "wx");
  try {
    const bytes = bytesOf(content);
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Runs work that writes at a path; what it leaves there when it fails, as on a full disk, is removed. */
function orRemove(path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    rmSync(path, { recursive: true, force: true });
    throw error;
  }
}

/** Folders of which each subfolder is replaced as a whole. */
const GROUPS: readonly string[] = ["flow"];

/** Finishes or clears what an interrupted command left. */
function recover(root: string): void {
  for (const group of GROUPS) if (lstatOf(join(root, group))?.isDirectory()) recoverIn(join(root, group));
  recoverIn(root);
}

function recoverIn(root: string): void {
  for (const entry of readdirSync(root)) {
    const maker = OWN_TEMPORARY.exec(entry)?.[1];
    if (entry.endsWith(".tmp") && !isHeld(maker === undefined ? undefined : Number(maker)))
      rmSync(join(root, entry), { recursive: true, force: true });
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
  // What another command that makes it, or one that was killed there, has written beside the marker is nothing yet.
  const empty = !existsSync(root) || readdirSync(root).every((entry) => OWN_TEMPORARY.test(entry));
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
    placeIn(root, name, path);
    const [first, ...rest] = path.split("/");
    const top = GROUPS.includes(first!) && rest.length > 0 ? `${first}/${rest[0]}` : first!;
    let files = folders.get(top);
    if (!files) {
      files = accessing(name, top, () => readWhole(root, name, top)) ?? failChanging(name, top);
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

/** Every file below a folder, by its path from there. Throws where there is a link, or more than anybody makes. */
function filesUnder(at: string, name: string, folder: string): readonly string[] {
  const found: string[] = [];
  for (const entry of readdirSync(at, { recursive: true, withFileTypes: true })) {
    const path = relative(at, join(entry.parentPath, entry.name));
    if (entry.isSymbolicLink()) fail("build/link", { path: `${name}/${folder}/${path}` });
    if (entry.isFile() && found.push(path) > MAX_FILES)
      fail("build/bad-file", { path: `${name}/${folder}`, problem: `it has more than ${MAX_FILES} files` });
  }
  return found;
}

/** A file, or all files of a folder; undefined when it never stood still. */
function readWhole(root: string, name: string, top: string): FileSet | undefined {
  for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
    if (attempt > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, READ_AGAIN_MS);
    // In the order in which an interrupted replacement is finished.
    const at = [`${top}.next`, top, `${top}.previous`]
      .map((n) => placeIn(root, name, n))
      .find((p) => lstatOf(p));
    try {
      if (at === undefined) return new Map();
      const before = statSync(at).ino;
      const files = new Map<string, Uint8Array>();
      if (!statSync(at).isDirectory()) return files.set(top, readRegularFile(at, MAX_FOLDER_BYTES));
      let left = MAX_FOLDER_BYTES;
      for (const file of filesUnder(at, name, top)) {
        if (file.endsWith(".tmp")) continue;
        const content = readRegularFile(join(at, file), left);
        left -= content.length;
        files.set([top, ...file.split(sep)].join("/"), content);
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
    const marker = join(root, BUILD_MARKER);
    const temporary = `${marker}.${process.pid}.tmp`;
    orRemove(temporary, () => {
      writeDurably(temporary, MARKER_TEXT);
      renameSync(temporary, marker);
    });
  }
  accessing(name, LOCK, () => lock(root, name));
  recover(root);
  const inside = (path: string): string => placeIn(root, name, path);
  const read = (path: string): Uint8Array | undefined => {
    const at = inside(path);
    return existsSync(at) ? accessing(name, path, () => readRegularFile(at, MAX_FOLDER_BYTES)) : undefined;
  };
  const writeOne = (path: string, content: string | Uint8Array): void => {
    const at = inside(path);
    const temporary = `${at}.tmp`;
    accessing(name, path, () =>
      orRemove(temporary, () => {
        writeDurably(temporary, content);
        renameSync(temporary, at);
      }),
    );
  };
  return {
    name,
    read,
    readText: (path) => textOf(read(path)),
    list(folder) {
      if (!existsSync(inside(folder))) return [];
      return accessing(name, folder, () => filesUnder(inside(folder), name, folder))
        .map((path) => [folder, ...path.split(sep)].join("/"))
        .sort();
    },
    writeFiles(files) {
      for (const [path, content] of files) writeOne(path, content);
    },
    appendLine(path, line) {
      accessing(name, path, () => {
        const at = inside(path);
        makeFolder(dirname(at));
        checkRegular(at);
        writeFileSync(at, `${line}\n`, { flag: "a" });
      });
    },
    replaceFolder(folder, files) {
      const at = inside(folder);
      const [temporary, next] = [`${at}.tmp`, `${at}.next`];
      rmSync(temporary, { recursive: true, force: true });
      const depth = folder.split("/").length;
      orRemove(temporary, () => {
        for (const [path, content] of files)
          writeDurably(join(temporary, ...path.split("/").slice(depth)), content);
      });
      rmSync(next, { recursive: true, force: true });
      renameSync(temporary, next);
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
