// Opening a model's file by the reader of its ending. In: bytes, and a way to the files beside it. Out: an imported model,
// and a digest of all that was read.
import type { ImportedModel } from "../graph/imported.ts";
import { fail } from "../support/diagnostics.ts";
import { digestOf } from "../support/digest.ts";

/** A model's file, and those beside it that it names. */
export interface ModelFiles {
  /** Of the model's file, as the user wrote it. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** A file of the model's folder by its name in there; undefined where there is none, or where it is outside. */
  beside(name: string): Uint8Array | undefined;
}

/** Reads a model, or throws a DiagnosticError that says what is wrong with it. */
export type ModelReader = (files: ModelFiles) => ImportedModel | Promise<ImportedModel>;

/** By the ending of a file's name, in lower case with its dot. */
export type ModelReaders = Readonly<Record<string, ModelReader>>;

/** A model that was read. */
export interface OpenedImport {
  readonly model: ImportedModel;
  /** Of all files that were read. */
  readonly digest: string;
}

/** The ending of a path by which a reader is found; undefined for a path that no reader takes. */
export function endingOf(path: string, readers: ModelReaders): string | undefined {
  const name = path.toLowerCase();
  return Object.keys(readers).find((ending) => name.endsWith(ending));
}

/** Reads a model by the reader of its ending. Throws import/unknown-format, and what the reader throws. */
export async function openImport(files: ModelFiles, readers: ModelReaders): Promise<OpenedImport> {
  const ending = endingOf(files.path, readers);
  if (ending === undefined)
    return fail(
      "import/unknown-format",
      { path: files.path, known: Object.keys(readers) },
      { file: files.path },
    );
  const read: [string, Uint8Array][] = [];
  const model = await readers[ending]!({
    ...files,
    beside(name) {
      const bytes = files.beside(name);
      if (bytes) read.push([name, bytes]);
      return bytes;
    },
  });
  return { model, digest: digestOf(files.bytes, ...read.flat()) };
}
