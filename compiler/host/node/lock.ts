// The lock of a build directory: a file with the number of the process that works there. In: the directory. Out: the lock, or who has
// it; a lock of a process that is gone is taken over.
import { linkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fail } from "../../support/diagnostics.ts";
import { readRegularFile } from "./regular-file.ts";

export const LOCK = ".lock";
/** What commands write beside marker and lock for a moment, with the number of their process. */
export const OWN_TEMPORARY = /^(?:noisefloor\.json|\.lock)\.(\d+)(?:\.old)?\.tmp$/;

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Process that a lock names; undefined when there is none or when it is damaged. */
function lockHolder(path: string): number | undefined {
  try {
    const pid = Number.parseInt(new TextDecoder().decode(readRegularFile(path)), 10);
    return Number.isNaN(pid) || pid <= 0 ? undefined : pid;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Whether another process that runs holds the lock; one with our number is of a process that is gone. */
export const isHeld = (pid: number | undefined): pid is number =>
  pid !== undefined && pid !== process.pid && isRunning(pid);

/** How often the lock is tried where others try for it too. */
const LOCK_ATTEMPTS = 100;

/**
 * Takes the lock or says who has it; a lock of a process that is gone is taken over. It is written beside and then linked to its
 * name, so that it never stands empty; and one that is taken over is moved away first, so that of two who see it only one does.
 * Throws build/locked.
 */
export function lock(root: string, name: string): void {
  const path = join(root, LOCK);
  const own = `${path}.${process.pid}.tmp`;
  const old = `${path}.${process.pid}.old.tmp`;
  rmSync(own, { recursive: true, force: true });
  writeFileSync(own, `${process.pid}\n`, { flag: "wx" });
  try {
    for (let attempt = 0; attempt < LOCK_ATTEMPTS; attempt++) {
      if (linked(own, path)) return;
      const pid = lockHolder(path);
      if (isHeld(pid)) fail("build/locked", { directory: name, pid });
      if (!moved(path, old)) continue;
      // Somebody may have taken it over between the look and the move: then it is put back.
      const taken = lockHolder(old);
      if (isHeld(taken)) {
        linked(old, path);
        fail("build/locked", { directory: name, pid: taken });
      }
    }
    fail("build/locked", { directory: name, pid: lockHolder(path) ?? process.pid });
  } finally {
    for (const left of [own, old]) rmSync(left, { recursive: true, force: true });
  }
}

/** Gives a file a second name; false when there is something of that name. */
function linked(path: string, name: string): boolean {
  try {
    linkSync(path, name);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "ENOSYS") throw error;
  }
  // A file system without links: the next best thing.
  try {
    writeFileSync(name, readRegularFile(path), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function moved(path: string, to: string): boolean {
  try {
    rmSync(to, { recursive: true, force: true });
    renameSync(path, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
