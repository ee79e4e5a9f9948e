// Diagnostics of Keras and TensorFlow.js files. Layers are named as in the file, classes as Keras calls them.
import { entry } from "./define.ts";

export interface LayerParameters {
  readonly layer: string;
  /** Class of the layer, such as Conv2D. */
  readonly type: string;
}

const named = ({ layer, type }: LayerParameters): string => `layer ${JSON.stringify(layer)} (${type})`;

export const importKerasMessages = {
  // sorted by code
  "import/keras-activation": entry<LayerParameters & { activation: string; supported: readonly string[] }>({
    message: ({ activation, ...layer }) => `${named(layer)}: the activation ${activation} is not supported`,
    hint: ({ supported }) => `retrain with one of ${supported.join(", ")}`,
  }),
  "import/keras-archive": entry<{ path: string; problem: string }>({
    message: ({ path, problem }) => `${path}: no .keras archive that can be read: ${problem}`,
    hint: () => 'write the file with model.save("model.keras"); it holds config.json and model.weights.h5',
  }),
  "import/keras-hdf5": entry<{ path: string; problem: string }>({
    message: ({ path, problem }) => `${path}: no HDF5 file that can be read: ${problem}`,
    hint: () =>
      'write the whole model with model.save("model.h5") or model.save("model.keras"); a file of weights alone has no layers',
  }),
  "import/keras-json": entry<{ path: string; problem: string }>({
    message: ({ path, problem }) => `${path}: the description of the model cannot be read: ${problem}`,
    hint: () => "save the model again with Keras or the TensorFlow.js converter",
  }),
  "import/keras-option": entry<LayerParameters & { option: string; found: string; wanted: string }>({
    message: ({ option, found, wanted, ...layer }) =>
      `${named(layer)}: ${option} is ${found}; it has to be ${wanted}`,
    hint: ({ option, wanted }) => `build the layer with ${option} ${wanted}, or save the model again`,
  }),
  "import/keras-quantizer": entry<LayerParameters & { quantizer: string; problem: string }>({
    message: ({ quantizer, problem, ...layer }) => `${named(layer)}: the quantizer ${quantizer} ${problem}`,
    hint: () =>
      "what is supported exactly: quantized_bits, quantized_relu, quantized_tanh, quantized_sigmoid, binary, ternary, and quantized_po2 for weights",
  }),
  "import/keras-shape": entry<LayerParameters & { problem: string; advice: string }>({
    message: ({ problem, ...layer }) => `${named(layer)}: ${problem}`,
    hint: ({ advice }) => advice,
  }),
  "import/keras-softmax-dropped": entry<LayerParameters>({
    severity: "warning",
    message: (layer) =>
      `${named(layer)}: the softmax at the end is left out; the outputs are what enters it, and the largest stays the largest`,
    hint: () =>
      "nothing to do when the class is what counts; apply softmax to the outputs where probabilities do",
  }),
  "import/keras-too-large": entry<{ path: string; what: string; found: number; limit: number }>({
    message: ({ path, what, found, limit }) => `${path}: ${what}: ${found} is above the limit of ${limit}`,
    hint: () => "use a smaller model",
  }),
  "import/keras-topology": entry<{ path: string; problem: string }>({
    message: ({ path, problem }) => `${path}: ${problem}`,
    hint: () =>
      "a Sequential or functional model of plain layers, whose sizes are fixed but for the batch, can be read",
  }),
  "import/keras-unsupported": entry<LayerParameters & { supported: readonly string[] }>({
    message: (layer) => `${named(layer)} is not supported`,
    hint: ({ supported }) => `replace it; supported are ${supported.join(", ")}`,
  }),
  "import/keras-weights": entry<LayerParameters & { problem: string }>({
    message: ({ problem, ...layer }) => `${named(layer)}: ${problem}`,
    hint: () => "the weights do not belong to the description of the model: save both together again",
  }),
  "import/tfjs-shard": entry<{ path: string; problem: string }>({
    message: ({ path, problem }) => `${path}: ${problem}`,
    hint: () =>
      "keep model.json and the weight files that it names together in one folder, as they were written",
  }),
};
