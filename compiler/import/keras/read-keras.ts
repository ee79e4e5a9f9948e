// Keras models in files: .keras archives (Keras 3, and 2.12 on) and whole models in HDF5. In: bytes and the file's name.
// Out: the imported model and warnings, or all that stands against it.
import { fail } from "../../support/diagnostics.ts";
import { isZip, readKerasArchive } from "./archive.ts";
import { buildModel, type ImportResult } from "./build-model.ts";
import { openHdf5 } from "./hdf5.ts";
import { fieldOf, parseJsonBytes, parseJsonText } from "./json-text.ts";
import { archiveWeights, modelWeights } from "./stored-weights.ts";
import { readTopology } from "./topology.ts";

export interface KerasInput {
  readonly bytes: Uint8Array;
  /** As the user wrote it, for messages. */
  readonly name: string;
}

/** Major version in "3.15.1"; 2 where a file says none, as old ones do not. */
export function majorVersion(text: unknown): number {
  const major = typeof text === "string" ? Number.parseInt(text, 10) : Number.NaN;
  return major >= 3 ? 3 : 2;
}

/**
 * Reads a .keras, .h5 or .hdf5 file; which one it is, its first bytes say. Pure and synchronous; a hostile HDF5 file can
 * make it slow, so it belongs in a worker with a limit. Throws DiagnosticError with every problem found: import/keras-...,
 * and data/compressed for a damaged archive.
 */
export function readKeras({ bytes, name: path }: KerasInput): ImportResult {
  if (isZip(bytes)) {
    const archive = readKerasArchive(bytes, path);
    const metadata = archive.metadata.length > 0 ? parseJsonBytes(archive.metadata, path) : undefined;
    const topology = readTopology(parseJsonBytes(archive.config, path), path);
    const weights = archiveWeights(openHdf5(archive.weights, path), topology.layers);
    const kerasVersion = majorVersion(fieldOf(metadata, "keras_version"));
    return buildModel(topology, weights, { path, format: `keras ${kerasVersion}`, kerasVersion });
  }
  const root = openHdf5(bytes, path);
  const description = root.text("model_config");
  if (description === undefined)
    fail("import/keras-hdf5", {
      path,
      problem: "it has no attribute model_config: weights alone, or no Keras file",
    });
  const topology = readTopology(parseJsonText(description, path), path);
  const kerasVersion = majorVersion(
    root.text("keras_version") ?? root.group("model_weights")?.text("keras_version"),
  );
  return buildModel(topology, modelWeights(root), { path, format: `keras ${kerasVersion}`, kerasVersion });
}
