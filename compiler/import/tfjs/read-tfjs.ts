// TensorFlow.js layers models: model.json and its weight files. In: their bytes. Out: the imported model and warnings,
// or all that stands against it. Layers are those of Keras (../keras/layer-table.ts), with the formulas of Keras 2.
import { createDiagnostic, DiagnosticError, fail } from "../../support/diagnostics.ts";
import { buildModel, type ImportResult } from "../keras/build-model.ts";
import { fieldOf, parseJsonBytes, parseJsonText, shown } from "../keras/json-text.ts";
import { majorVersion } from "../keras/read-keras.ts";
import { baseName } from "../keras/stored-weights.ts";
import type { StoredTensor, StoredWeights } from "../keras/tensors.ts";
import { readTopology } from "../keras/topology.ts";
import { type ManifestGroup, readManifest, unpackTensor } from "./manifest.ts";

export interface TfjsInput {
  /** Content of model.json. */
  readonly modelJson: Uint8Array;
  /** Its path as the user wrote it, for messages. */
  readonly name: string;
  /** Content of the weight files by the paths that tfjsWeightFiles gives. */
  readonly weightFiles: ReadonlyMap<string, Uint8Array>;
}

/**
 * Paths of the weight files that a model.json names, relative to its folder; none of them leads out of it. Throws
 * import/keras-json, import/keras-too-large and import/tfjs-shard.
 */
export function tfjsWeightFiles(modelJson: Uint8Array, name: string): readonly string[] {
  const groups = readManifest(parseJsonBytes(modelJson, name), name);
  return [...new Set(groups.flatMap((group) => group.paths))];
}

/** The bytes of a group; missing files and a wrong sum of sizes are problems. */
function joinFiles(group: ManifestGroup, input: TfjsInput): Uint8Array {
  const { name: path, weightFiles } = input;
  const parts = group.paths.map((file) => weightFiles.get(file));
  const missing = group.paths.filter((_, i) => parts[i] === undefined);
  if (missing.length > 0)
    throw new DiagnosticError(
      missing.slice(0, 20).map((file) =>
        createDiagnostic("import/tfjs-shard", {
          path,
          problem: `the weight file ${JSON.stringify(file)} is missing`,
        }),
      ),
    );
  const wanted = group.tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  const found = parts.reduce((sum, part) => sum + part!.length, 0);
  if (found !== wanted)
    fail("import/tfjs-shard", {
      path,
      problem: `the weights need ${wanted} bytes, but ${group.paths.join(", ").slice(0, 200)} hold ${found}`,
    });
  if (parts.length === 1) return parts[0]!;
  const joined = new Uint8Array(found);
  let at = 0;
  for (const part of parts) {
    joined.set(part!, at);
    at += part!.length;
  }
  return joined;
}

/** Tensors by layer: what stands before a weight's last slash, or else the last part of that. */
function weightsOf(groups: readonly ManifestGroup[], input: TfjsInput): StoredWeights {
  const { name: path } = input;
  const byPath = new Map<string, StoredTensor[]>();
  const byLastPart = new Map<string, StoredTensor[]>();
  const add = (map: Map<string, StoredTensor[]>, key: string, tensor: StoredTensor): void => {
    const known = map.get(key);
    if (known) known.push(tensor);
    else map.set(key, [tensor]);
  };
  for (const group of groups) {
    const bytes = joinFiles(group, input);
    let at = 0;
    for (const tensor of group.tensors) {
      const start = at;
      at += tensor.bytes;
      const name = baseName(tensor.name);
      const read = (): Float64Array => {
        const numbers = unpackTensor(tensor, bytes.subarray(start, start + tensor.bytes));
        if (!numbers.every(Number.isFinite))
          fail("import/tfjs-shard", {
            path,
            problem: `the weight ${JSON.stringify(tensor.name)} is not finite`,
          });
        return numbers;
      };
      const slash = tensor.name.lastIndexOf("/");
      const layer = slash < 0 ? "" : tensor.name.slice(0, slash);
      const stored = { name, shape: tensor.shape, read };
      add(byPath, layer, stored);
      add(byLastPart, layer.slice(layer.lastIndexOf("/") + 1), stored);
    }
  }
  return { byPosition: false, of: (layer) => byPath.get(layer) ?? byLastPart.get(layer) };
}

/** Reads a layers model. Pure and synchronous. Throws DiagnosticError with every problem found. */
export function readTfjs(input: TfjsInput): ImportResult {
  const { name: path } = input;
  const root = parseJsonBytes(input.modelJson, path);
  const format = fieldOf(root, "format");
  if (format !== undefined && format !== "layers-model")
    fail("import/keras-json", {
      path,
      problem: `it is a ${shown(format)}; only layers models keep their layers`,
    });
  const stored = fieldOf(root, "modelTopology");
  const topologyJson = typeof stored === "string" ? parseJsonText(stored, path) : stored;
  const topology = readTopology(fieldOf(topologyJson, "model_config") ?? topologyJson, path);
  const weights = weightsOf(readManifest(root, path), input);
  const kerasVersion = majorVersion(fieldOf(topologyJson, "keras_version"));
  return buildModel(topology, weights, { path, format: "tfjs layers", kerasVersion });
}
