// Where the weights of a layer lie in a .keras archive's HDF5 file, and in a whole model's HDF5 file. In: an opened
// file. Out: the tensors of each layer.
import type { Hdf5Dataset, Hdf5Group } from "./hdf5.ts";
import type { StoredTensor, StoredWeights } from "./tensors.ts";
import type { LayerDescription } from "./topology.ts";

const tensorOf = (name: string, { shape, read }: Hdf5Dataset): StoredTensor => ({ name, shape, read });

/** How Keras names the folder of a layer without asking the layer: its class with underscores. */
export function snakeCase(className: string): string {
  return className
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

/**
 * Weights of a .keras archive: layers/FOLDER/vars/0, 1, ... A folder is named by its class, with a number from the
 * second layer of the class on; newer files also say the layer's name as an attribute of `vars`.
 */
export function archiveWeights(root: Hdf5Group, layers: readonly LayerDescription[]): StoredWeights {
  const folders = root.group("layers") ?? root.group("_layer_checkpoint_dependencies");
  const named = new Map<string, Hdf5Group>();
  for (const key of folders?.keys ?? []) {
    const variables = folders?.group(key)?.group("vars");
    const name = variables?.text("name");
    if (variables && name !== undefined) named.set(name, variables);
  }
  const counts = new Map<string, number>();
  const folderOf = new Map<string, string>();
  for (const { name, className, isOperation } of layers) {
    if (isOperation) continue;
    const folder = snakeCase(className);
    const before = counts.get(folder) ?? 0;
    counts.set(folder, before + 1);
    folderOf.set(name, before === 0 ? folder : `${folder}_${before}`);
  }
  return {
    byPosition: true,
    of: (layer) => {
      const folder = folderOf.get(layer);
      const variables =
        named.size > 0
          ? named.get(layer)
          : folder === undefined
            ? undefined
            : folders?.group(folder)?.group("vars");
      if (!variables) return undefined;
      const tensors: StoredTensor[] = [];
      for (let position = 0; ; position++) {
        const dataset = variables.dataset(`${position}`);
        if (!dataset) return tensors;
        tensors.push(tensorOf(`${position}`, dataset));
      }
    },
  };
}

/** Last part of a weight's name, without the ":0" of TensorFlow. */
export const baseName = (name: string): string => name.slice(name.lastIndexOf("/") + 1).replace(/:\d+$/, "");

/** Weights of a whole model's HDF5 file: model_weights/LAYER with the attribute weight_names. */
export function modelWeights(root: Hdf5Group): StoredWeights {
  const folders = root.group("model_weights");
  return {
    byPosition: false,
    of: (layer) => {
      const folder = folders?.group(layer);
      const names = folder?.texts("weight_names");
      if (!folder || !names) return undefined;
      return names.flatMap((name) => {
        const dataset = folder.dataset(name);
        return dataset ? [tensorOf(baseName(name), dataset)] : [];
      });
    },
  };
}
