// Keras and TensorFlow.js files for tests. In: layers with settings and weights. Out: the bytes that Keras 3, Keras 2 or
// TensorFlow.js would write of them, as far as a reader looks.
import { zipSync } from "fflate/browser";
import { encodeUtf8 } from "../../../support/text.ts";
import { type DatasetTree, type GroupTree, writeHdf5 } from "./write-hdf5.ts";

export interface TestTensor {
  /** As in Keras 2, such as "kernel". */
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface TestLayer {
  readonly type: string;
  readonly name: string;
  readonly config?: Readonly<Record<string, unknown>>;
  /** For each use the layers that feed it: "name", or "name@1" for the second use of a shared layer. */
  readonly uses?: readonly (readonly string[])[];
  readonly weights?: readonly TestTensor[];
}

export interface TestModel {
  readonly layers: readonly TestLayer[];
  /** As in `uses`. */
  readonly outputs: readonly string[];
}

export const refOf = (text: string): readonly [string, number, 0] => {
  const [name, use] = text.split("@");
  return [name!, Number(use ?? 0), 0];
};

const isInput = (layer: TestLayer): boolean => layer.type === "InputLayer";

const inputRefs = (model: TestModel): readonly (readonly [string, number, 0])[] =>
  model.layers.filter(isInput).map(({ name }) => refOf(name));

/** class_name and config of a functional model as Keras 2 and TensorFlow.js write it. */
export function keras2Config(model: TestModel): object {
  const layers = model.layers.map(({ type, name, config, uses = [] }) => {
    const settings: Record<string, unknown> = { name, trainable: true, dtype: "float32", ...config };
    if (type === "InputLayer") {
      settings.batch_input_shape = settings.batch_shape;
      delete settings.batch_shape;
    }
    const nodes = uses.map((inputs) => inputs.map((input) => [...refOf(input), {}]));
    return { class_name: type, config: settings, name, inbound_nodes: nodes };
  });
  const outputs = model.outputs.map(refOf);
  return {
    class_name: "Functional",
    config: { name: "model", layers, input_layers: inputRefs(model), output_layers: outputs },
  };
}

/** The same as Keras 3 writes it. */
export function keras3Config(model: TestModel): object {
  const tensor = (input: string): object => ({
    class_name: "__keras_tensor__",
    config: { shape: [null], dtype: "float32", keras_history: refOf(input) },
  });
  const layers = model.layers.map(({ type, name, config, uses = [] }) => ({
    module: "keras.layers",
    class_name: type,
    config: { name, trainable: true, ...config },
    registered_name: null,
    name,
    inbound_nodes: uses.map((inputs) => ({
      args: inputs.length === 1 ? [tensor(inputs[0]!)] : [inputs.map(tensor)],
      kwargs: { training: null },
    })),
  }));
  const [inputs, outputs] = [inputRefs(model), model.outputs.map(refOf)];
  return {
    module: "keras.src.models.functional",
    class_name: "Functional",
    config: {
      name: "model",
      layers,
      input_layers: inputs.length === 1 ? inputs[0] : inputs,
      output_layers: outputs.length === 1 ? outputs[0] : outputs,
    },
  };
}

/** A chain as a Sequential model. `asInput`: whether the input is a layer, or a setting of the first layer. */
export function sequentialConfig(model: TestModel, asInput: boolean): object {
  const [input, ...rest] = model.layers;
  const shape = input!.config!.batch_shape;
  const layers = (asInput ? model.layers : rest).map(({ type, name, config }, i) => ({
    class_name: type,
    config: { name, ...config, ...(i === 0 && !asInput ? { batch_input_shape: shape } : {}) },
  }));
  return { class_name: "Sequential", config: { name: "sequential", layers } };
}

const datasetOf = ({ shape, data }: TestTensor): DatasetTree => ({ shape, type: "float32", data });

const snakeCase = (name: string): string =>
  name
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();

/** model.weights.h5; `named`: newer Keras 3 writes the layer's name beside its variables. */
export function archiveWeightsFile(model: TestModel, named: boolean): Uint8Array {
  const counts = new Map<string, number>();
  const folders: Record<string, GroupTree> = {};
  for (const { type, name, weights = [] } of model.layers) {
    const folder = snakeCase(type);
    const before = counts.get(folder) ?? 0;
    counts.set(folder, before + 1);
    const children = Object.fromEntries(weights.map((tensor, i) => [`${i}`, datasetOf(tensor)]));
    const variables = { children, ...(named ? { attributes: { name } } : {}) };
    folders[before === 0 ? folder : `${folder}_${before}`] = { children: { vars: variables } };
  }
  return writeHdf5({ children: { layers: { children: folders } } });
}

/** A .keras archive; `parts` replaces or adds entries. */
export function kerasArchive(
  model: TestModel,
  options: {
    readonly named?: boolean;
    readonly version?: string;
    readonly config?: object;
    readonly weights?: Uint8Array;
  } = {},
  parts: Readonly<Record<string, Uint8Array>> = {},
): Uint8Array {
  const { named = true, version = "3.9.0", config = keras3Config(model) } = options;
  const weights = options.weights ?? archiveWeightsFile(model, named);
  const entries = {
    "metadata.json": encodeUtf8(JSON.stringify({ keras_version: version })),
    "config.json": encodeUtf8(JSON.stringify(config)),
    "model.weights.h5": weights,
    ...parts,
  };
  return zipSync(entries, { level: 0 });
}

/** A whole model in HDF5, as Keras 2 saves it. */
export function kerasHdf5(
  model: TestModel,
  options: { readonly version?: string; readonly config?: object } = {},
): Uint8Array {
  const { version = "2.15.0", config = keras2Config(model) } = options;
  const layers = model.layers.map(({ name, weights = [] }): [string, GroupTree] => {
    const children = Object.fromEntries(weights.map((t) => [`${t.name}:0`, datasetOf(t)]));
    const weightNames = weights.map((t) => `${name}/${t.name}:0`);
    return [name, { attributes: { weight_names: weightNames }, children: { [name]: { children } } }];
  });
  return writeHdf5({
    attributes: { keras_version: version, backend: "tensorflow", model_config: JSON.stringify(config) },
    children: {
      model_weights: {
        attributes: { layer_names: model.layers.map((layer) => layer.name) },
        children: Object.fromEntries(layers),
      },
    },
  });
}

export interface TfjsFiles {
  readonly modelJson: Uint8Array;
  readonly weightFiles: ReadonlyMap<string, Uint8Array>;
}

/** model.json and its weights in files of at most `shardBytes`. */
export function tfjsFiles(model: TestModel, shardBytes = 2 ** 22, config = keras2Config(model)): TfjsFiles {
  const tensors = model.layers.flatMap((layer) =>
    (layer.weights ?? []).map((t) => ({ ...t, name: `${layer.name}/${t.name}` })),
  );
  const bytes = new Uint8Array(tensors.flatMap((t) => [...new Uint8Array(t.data.slice().buffer)]));
  const count = Math.max(1, Math.ceil(bytes.length / shardBytes));
  const paths = Array.from({ length: count }, (_, i) => `group1-shard${i + 1}of${count}.bin`);
  const weights = tensors.map(({ name, shape }) => ({ name, shape, dtype: "float32" }));
  const json = {
    format: "layers-model",
    generatedBy: "keras v2.15.0",
    convertedBy: "TensorFlow.js Converter v4.22.0",
    modelTopology: { keras_version: "2.15.0", backend: "tensorflow", model_config: config },
    weightsManifest: [{ paths, weights }],
  };
  return {
    modelJson: encodeUtf8(JSON.stringify(json)),
    weightFiles: new Map(
      paths.map((path, i) => [path, bytes.slice(i * shardBytes, (i + 1) * shardBytes)] as const),
    ),
  };
}
