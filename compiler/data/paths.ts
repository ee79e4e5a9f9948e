// Where a data file is. In: the path as the model's text has it, the folder of the model, and a question to the
// host. Out: a path to read, or what is missing. Strings only; no module resolution, which `exports` could block.
import { createDiagnostic, type Diagnostic, type DiagnosticPlace } from "../support/diagnostics.ts";

export type DataPathResolution =
  | { readonly kind: "found"; readonly path: string }
  /** The file does not exist; `path` is where it was looked for. */
  | { readonly kind: "missing"; readonly path: string }
  | { readonly kind: "missing-package"; readonly package: string }
  | { readonly kind: "bad"; readonly problem: string };

const PACKAGE_SCHEME = "npm:";
const PACKAGE_PART = /^[A-Za-z0-9_~-][A-Za-z0-9._~-]*$/;
const MAX_PATH = 4096;

function isWindowsPath(path: string): boolean {
  return /^[A-Za-z]:[\\/]/.test(path) || path.startsWith("\\\\");
}

function isAbsolutePath(path: string): boolean {
  return path.startsWith("/") || isWindowsPath(path);
}

function joinPath(folder: string, path: string): string {
  if (folder === "" || folder === ".") return path;
  return /[\\/]$/.test(folder) ? folder + path : `${folder}/${path}`;
}

/** The folder and the folders around it, innermost first; "" is the current folder of a relative path. */
function foldersUpward(folder: string): readonly string[] {
  const separator = isWindowsPath(folder) ? /[\\/](?=[^\\/]*$)/ : /\/(?=[^/]*$)/;
  const folders: string[] = [];
  let at = folder === "." ? "" : folder.replace(isWindowsPath(folder) ? /[\\/]+$/ : /\/+$/, "");
  for (;;) {
    folders.push(at === "" && folder.startsWith("/") ? "/" : at);
    if (at === "" || at === "." || at === "..") return folders;
    const cut = at.search(separator);
    if (cut < 0) return isAbsolutePath(folder) ? folders : [...folders, ""];
    at = at.slice(0, cut);
    if (/^[\\/]*$/.test(at)) at = "";
    if (at === "" && !folder.startsWith("/")) return folders;
  }
}

interface PackagePath {
  readonly name: string;
  readonly inside: string;
}

function parsePackagePath(text: string): PackagePath | string {
  const parts = text.split(/[\\/]/);
  if (parts.some((p) => p === "" || p === "." || p === ".."))
    return 'a package path has no empty parts, no "." and no ".."';
  const scoped = parts[0]!.startsWith("@");
  const nameParts = parts.slice(0, scoped ? 2 : 1);
  const plain = scoped ? [parts[0]!.slice(1), ...nameParts.slice(1)] : nameParts;
  const name = nameParts.join("/");
  if (
    (scoped && nameParts.length < 2) ||
    !plain.every((p) => PACKAGE_PART.test(p)) ||
    name === "node_modules"
  )
    return `${JSON.stringify(name)} is no name of an npm package`;
  const inside = parts.slice(nameParts.length).join("/");
  if (inside === "") return "the path inside of the package is missing";
  return { name, inside };
}

/**
 * Finds a data file. A plain path is relative to `modelFolder` (absolute ones are taken as they are); `npm:name/path`
 * is looked for in the node_modules folders of `modelFolder` and of the folders around it, the nearest package
 * counts. `modelFolder` should be absolute: a relative one is not followed above the current folder. `exists` is
 * asked for files only.
 */
export function resolveDataPath(
  written: string,
  modelFolder: string,
  exists: (path: string) => boolean,
): DataPathResolution {
  if (written === "") return { kind: "bad", problem: "it is empty" };
  if (written.length > MAX_PATH) return { kind: "bad", problem: `it is longer than ${MAX_PATH} characters` };
  if (written.includes("\0")) return { kind: "bad", problem: "it holds a zero character" };
  if (written.startsWith(PACKAGE_SCHEME)) {
    const parsed = parsePackagePath(written.slice(PACKAGE_SCHEME.length));
    if (typeof parsed === "string") return { kind: "bad", problem: parsed };
    for (const folder of foldersUpward(modelFolder)) {
      if (/(?:^|[\\/])node_modules$/.test(folder)) continue;
      const packageFolder = joinPath(folder, `node_modules/${parsed.name}`);
      if (!exists(`${packageFolder}/package.json`)) continue;
      const path = `${packageFolder}/${parsed.inside}`;
      return exists(path) ? { kind: "found", path } : { kind: "missing", path };
    }
    return { kind: "missing-package", package: parsed.name };
  }
  if (/^[a-z][a-z0-9+.-]+:/i.test(written)) {
    const scheme = written.slice(0, written.indexOf(":") + 1);
    return { kind: "bad", problem: `${scheme} is not supported; files and npm: packages are` };
  }
  const path = isAbsolutePath(written)
    ? written
    : joinPath(modelFolder, written.replace(/^(?:\.[\\/]+)+/, ""));
  return exists(path) ? { kind: "found", path } : { kind: "missing", path };
}

/** The diagnostic of a path that was not found; undefined when it was. `written` is what the message names. */
export function dataPathDiagnostic(
  written: string,
  resolution: DataPathResolution,
  place: DiagnosticPlace = {},
): Diagnostic | undefined {
  switch (resolution.kind) {
    case "found":
      return undefined;
    case "missing":
      return createDiagnostic("data/missing-file", { path: written }, place);
    case "missing-package":
      return createDiagnostic("data/missing-package", { path: written, package: resolution.package }, place);
    case "bad":
      return createDiagnostic("data/bad-path", { path: written, problem: resolution.problem }, place);
  }
}
