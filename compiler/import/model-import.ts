// What a reader of somebody else's file takes and hands on, whatever the format.
import type { ImportedModel } from "../graph/imported.ts";
import type { Diagnostic } from "../support/diagnostics.ts";

/** How an input or output of the file lies in the network's tensor. */
export interface ImportedPort {
  readonly name: string;
  /** The file's sizes; null where they are open. */
  readonly fileShape: readonly (number | null)[];
  /** For each axis of the network's tensor the file's axis, or -1 for one that the file has not. */
  readonly axes: readonly number[];
}

export interface ModelImport {
  readonly model: ImportedModel;
  /** Of the model's input nodes, and of its outputs in their order. */
  readonly inputs: readonly ImportedPort[];
  readonly outputs: readonly ImportedPort[];
  readonly warnings: readonly Diagnostic[];
}

/**
 * `length` bytes from `offset` on of a file beside the model, by its path relative to the model's folder; fewer where it
 * ends before, undefined where there is none.
 */
export type ExternalReader = (location: string, offset: number, length: number) => Uint8Array | undefined;

export interface ModelSource {
  /** The file's path, for messages. */
  readonly path: string;
  /** Without it no other file is read. */
  readonly readExternal?: ExternalReader;
}

/** Reads a model. Throws a DiagnosticError with all problems at once. Pure, and bounded in time and memory. */
export type ModelReader = (bytes: Uint8Array, source: ModelSource) => ModelImport;
