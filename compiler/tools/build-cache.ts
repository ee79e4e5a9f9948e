// A folder of finished tool builds under the user's cache. In: a key and a way to build. Out: the build's folder.
// Builds happen in a temporary sibling that is renamed when complete, so parallel and killed runs do no harm.
import { createHash, randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { makeFolder } from "../host/node/folders.ts";
import { bytesOf, type FileSet } from "../support/file-set.ts";
import { killAll } from "./processes.ts";

/** Finished builds that are kept; the longest unused go first. */
const KEPT_BUILDS = 256;
/** A temporary folder of this age was left by a killed run. */
const STALE_MILLISECONDS = 6 * 60 * 60 * 1000;

export interface BuildCache {
  readonly folder: string;
  /** Folder of the build with this key, made by `build(folder)` when there is none. `build` throws to give up. */
  get(kind: string, key: string, build: (folder: string) => Promise<void>): Promise<string>;
}

/** $XDG_CACHE_HOME/noisefloor, or ~/.cache/noisefloor. */
export function defaultCacheFolder(): string {
  const configured = process.env.XDG_CACHE_HOME;
  return join(configured ? configured : join(homedir(), ".cache"), "noisefloor");
}

/** SHA-256 over parts and files, in a form that keeps their borders. */
export function buildKey(parts: readonly string[], files: FileSet): string {
  const hash = createHash("sha256");
  const add = (bytes: Uint8Array | string): void => {
    const content = bytesOf(bytes);
    hash.update(`${content.length}:`);
    hash.update(content);
  };
  for (const part of parts) add(part);
  for (const path of [...files.keys()].sort()) {
    add(path);
    add(files.get(path)!);
  }
  return hash.digest("hex").slice(0, 40);
}

/** Folders that are gone when their work ends, and when the process is told to end before. */
const temporaries = new Set<string>();
let isWatching = false;

function removeAtExit(folder: string): void {
  if (!isWatching) process.on("exit", removeTemporaries);
  isWatching = true;
  temporaries.add(folder);
}

function removeTemporaries(): void {
  // Who still writes there goes first.
  killAll();
  for (const folder of temporaries)
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    } catch {
      // It stays, as after a kill.
    }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

export function createBuildCache(folder: string = defaultCacheFolder()): BuildCache {
  const pending = new Map<string, Promise<string>>();

  const make = async (
    kind: string,
    key: string,
    build: (folder: string) => Promise<void>,
  ): Promise<string> => {
    const parent = join(folder, kind);
    const finished = join(parent, key);
    if (await exists(finished)) {
      const now = new Date();
      await utimes(finished, now, now).catch(() => {});
      return finished;
    }
    makeFolder(parent);
    const temporary = join(parent, `tmp-${process.pid}-${randomBytes(6).toString("hex")}`);
    await mkdir(temporary);
    removeAtExit(temporary);
    try {
      await build(temporary);
      await rename(temporary, finished).catch(async (error: unknown) => {
        // Another run finished the same build first; theirs is as good.
        if (!(await exists(finished))) throw error;
      });
    } finally {
      await rm(temporary, { recursive: true, force: true });
      temporaries.delete(temporary);
    }
    await prune(parent);
    return finished;
  };

  return {
    folder,
    get: (kind, key, build) => {
      const id = `${kind}/${key}`;
      let work = pending.get(id);
      if (!work) {
        work = make(kind, key, build).finally(() => pending.delete(id));
        pending.set(id, work);
      }
      return work;
    },
  };
}

async function prune(parent: string): Promise<void> {
  const entries: { path: string; temporary: boolean; used: number }[] = [];
  for (const name of await readdir(parent).catch(() => [])) {
    const path = join(parent, name);
    const info = await stat(path).catch(() => undefined);
    if (info) entries.push({ path, temporary: name.startsWith("tmp-"), used: info.mtimeMs });
  }
  const stale = entries.filter((e) => e.temporary && Date.now() - e.used > STALE_MILLISECONDS);
  const finished = entries.filter((e) => !e.temporary).sort((a, b) => b.used - a.used);
  for (const { path } of [...stale, ...finished.slice(KEPT_BUILDS)])
    await rm(path, { recursive: true, force: true });
}

/** Writes a file set below a folder. */
export async function writeFiles(folder: string, files: FileSet): Promise<void> {
  for (const [path, content] of files) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }
}

/** Runs `work` in a fresh temporary folder that holds `files`, and removes it. */
export async function withTemporaryFolder<T>(
  files: FileSet,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "noisefloor-"));
  removeAtExit(folder);
  try {
    await writeFiles(folder, files);
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
    temporaries.delete(folder);
  }
}
