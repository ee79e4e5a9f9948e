// Files of the user's project, read from disk. In: the folder of the model file. Out: the reader that the pure stages take.
import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { FileReader } from "../../support/host.ts";
import { readRegularFile } from "./regular-file.ts";

/** Resolves a path as written in a model; see data/paths.ts. */
export type PathResolver = (
  written: string,
  modelFolder: string,
  exists: (path: string) => boolean,
) => { readonly kind: string; readonly path?: string; readonly package?: string; readonly problem?: string };

export interface ProjectFiles extends FileReader {
  /** Where a file is; undefined for one that is not found. */
  locate(written: string): string | undefined;
  /** What the language asks for each path that a model names. */
  find(
    written: string,
  ): "found" | "missing" | { readonly missingPackage: string } | { readonly badPath: string };
}

export function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

/** Reads files that the model at `modelPath` names. */
export function createProjectFiles(modelPath: string, resolvePath: PathResolver): ProjectFiles {
  const folder = dirname(resolve(modelPath));
  const find = (written: string) => resolvePath(written, folder, isFile);
  const locate = (written: string): string | undefined => {
    const { kind, path } = find(written);
    return kind === "found" ? path : undefined;
  };
  return {
    locate,
    read(written) {
      const path = locate(written);
      return path === undefined ? undefined : readRegularFile(path);
    },
    exists: (written) => find(written).kind === "found",
    find(written) {
      const found = find(written);
      if (found.kind === "found") return "found";
      if (found.problem !== undefined) return { badPath: found.problem };
      return found.package === undefined ? "missing" : { missingPackage: found.package };
    },
  };
}
