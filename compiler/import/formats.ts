// THE table of model files that can be read, by the ends of their names.
import type { ImportedModel } from "../graph/imported.ts";
import type { Diagnostic } from "../support/diagnostics.ts";
import { readKeras } from "./keras/read-keras.ts";
import type { ImportedPort, ModelImport, ModelReader } from "./model-import.ts";
import { readOnnx } from "./onnx/read.ts";
import { readTfjs, tfjsWeightFiles } from "./tfjs/read-tfjs.ts";

export interface ModelFormat {
  readonly name: string;
  /** Ends of the names of its files, in small letters. */
  readonly endings: readonly string[];
  readonly read: ModelReader;
}

interface ChannelsLast {
  readonly model: ImportedModel;
  readonly warnings: readonly Diagnostic[];
}

/** Ports of a format whose tensors lie as ours do, behind an open batch dimension. */
function withPorts({ model, warnings }: ChannelsLast): ModelImport {
  const shapes = new Map(model.nodes.map(({ name, shape }) => [name, shape]));
  const port = (name: string, node: string): ImportedPort => {
    const shape = shapes.get(node)!;
    return { name, fileShape: [null, ...shape], axes: shape.map((_, axis) => axis + 1) };
  };
  return {
    model,
    inputs: model.nodes.filter(({ kind }) => kind === "input").map(({ name }) => port(name, name)),
    outputs: model.outputs.map(({ name, node }) => port(name, node)),
    warnings,
  };
}

/** A file of weights is taken whole, whatever the model says of its size. */
const WHOLE_FILE = 2 ** 27;

const readTfjsFiles: ModelReader = (bytes, { path, readExternal }) => {
  const weightFiles = new Map<string, Uint8Array>();
  for (const name of tfjsWeightFiles(bytes, path)) {
    const found = readExternal?.(name, 0, WHOLE_FILE);
    if (found) weightFiles.set(name, found);
  }
  return withPorts(readTfjs({ modelJson: bytes, name: path, weightFiles }));
};

export const MODEL_FORMATS: readonly ModelFormat[] = [
  { name: "ONNX", endings: [".onnx"], read: readOnnx },
  {
    name: "Keras",
    endings: [".keras", ".h5", ".hdf5"],
    read: (bytes, { path }) => withPorts(readKeras({ bytes, name: path })),
  },
  { name: "TensorFlow.js", endings: ["model.json"], read: readTfjsFiles },
];

/** The format of a file; undefined for one that no reader is there for. */
export function formatOf(path: string): ModelFormat | undefined {
  const name = path.toLowerCase();
  return MODEL_FORMATS.find(({ endings }) => endings.some((ending) => name.endsWith(ending)));
}
