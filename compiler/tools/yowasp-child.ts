// Runs one tool of a YoWASP package in a process of its own, so that it can be ended and its memory comes back. In: as JSON on
// the command line which tool, its arguments and what it leaves; its files in the working folder. Out: those files there.
import { mkdirSync, readdirSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

export interface YowaspRequest {
  /** Main module of the package. */
  readonly bundle: string;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly outputs: readonly string[];
}

interface Tree {
  [name: string]: Tree | string | Uint8Array;
}

interface Package {
  readonly commands: Readonly<
    Record<
      string,
      (args: readonly string[], files: Tree, options: object) => Promise<Tree | undefined> | Tree | undefined
    >
  >;
}

function readTree(folder: string): Tree {
  const entries = readdirSync(folder, { withFileTypes: true });
  return Object.fromEntries(
    entries.map((entry) => {
      const path = join(folder, entry.name);
      return [entry.name, entry.isDirectory() ? readTree(path) : new Uint8Array(readFileSync(path))];
    }),
  );
}

function writeOutputs(tree: Tree, outputs: readonly string[]): void {
  for (const path of outputs) {
    let found: Tree | string | Uint8Array | undefined = tree;
    for (const name of path.split("/"))
      found = typeof found === "object" && !(found instanceof Uint8Array) ? found[name] : undefined;
    if (typeof found !== "string" && !(found instanceof Uint8Array)) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, found);
  }
}

/** What the tool prints goes on at once: nothing is lost when it is ended. */
const printTo =
  (file: number) =>
  (bytes: Uint8Array | null): void => {
    if (bytes) writeSync(file, bytes);
  };

const request = JSON.parse(process.argv[2]!) as YowaspRequest;
const tools = (await import(pathToFileURL(request.bundle).href)) as Package;
try {
  const options = { stdin: null, stdout: printTo(1), stderr: printTo(2) };
  const made = await tools.commands[request.command]!(request.arguments, readTree("."), options);
  writeOutputs(made ?? {}, request.outputs);
} catch (error) {
  const { code, files } = error as { readonly code?: unknown; readonly files?: Tree };
  if (typeof code !== "number") throw error;
  writeOutputs(files ?? {}, request.outputs);
  process.exitCode = code;
}
