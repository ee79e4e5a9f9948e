// Paths that the user gives as options. In: an option's name and its path. Out: nothing or the file's bytes, or a
// diagnostic that names the option, before any work starts.
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { obstacleOf } from "../host/node/obstacle.ts";
import { readRegularFile } from "../host/node/regular-file.ts";
import { fail } from "../support/diagnostics.ts";

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "";

function failUnreadable(option: string, path: string): never {
  return fail("cli/bad-path", {
    option,
    path,
    problem: "may not be read",
    advice: "allow reading it, or name another one",
  });
}

/** Throws when a file or folder is there but may not be read; one that is missing passes. */
export function checkReadable(option: string, path: string | undefined): void {
  if (path === undefined || !existsSync(path)) return;
  const needed = statSync(path).isDirectory() ? constants.R_OK | constants.X_OK : constants.R_OK;
  try {
    accessSync(path, needed);
  } catch {
    failUnreadable(option, path);
  }
}

/** The bytes of a file that an option names. */
export function readOptionFile(option: string, path: string): Uint8Array {
  try {
    return readRegularFile(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP")
      return fail("cli/missing-file", { path, option });
    if (code === "EISDIR")
      return fail("cli/bad-path", { option, path, problem: "is a folder", advice: "name a file in it" });
    if (code === "EACCES" || code === "EPERM") return failUnreadable(option, path);
    throw error;
  }
}

/** Throws unless a file can be written at the path of an option. Missing permission passes as a file system error. */
export function checkWritableFile(option: string, path: string): void {
  if (existsSync(path)) {
    if (statSync(path).isDirectory())
      fail("cli/bad-path", { option, path, problem: "is a folder", advice: "name a file in it" });
    accessSync(path, constants.W_OK);
    return;
  }
  const folder = dirname(path);
  checkFolder(option, folder);
  if (!existsSync(folder))
    fail("cli/bad-path", {
      option,
      path,
      problem: `its folder ${folder} does not exist`,
      advice: "make the folder, or name a file in one that exists",
    });
  accessSync(folder, constants.W_OK);
}

/** Throws when a file stands where the folder is or is to be. */
export function checkFolder(option: string, folder: string): void {
  const obstacle = obstacleOf(folder);
  if (obstacle === undefined) return;
  fail("cli/bad-path", {
    option,
    path: folder,
    problem: `${obstacle} is there and is not a folder`,
    advice: "name another folder, or move that file away",
  });
}
