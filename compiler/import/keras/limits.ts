// What a Keras or TensorFlow.js file may hold. Far above what an FPGA takes, and little enough that a hostile file
// costs neither time nor memory.

/** Bytes of config.json, of the attribute model_config, or of model.json: large real models have half a megabyte. */
export const MAX_JSON_BYTES = 2 ** 22;
/** Objects and arrays within each other. */
export const MAX_JSON_DEPTH = 64;
/** Bytes of one entry of an archive, of an HDF5 file, or of all weight files of a TensorFlow.js model together. */
export const MAX_WEIGHT_BYTES = 2 ** 27;
/** Layers of a model, and uses of layers. */
export const MAX_LAYERS = 4096;
/** Weights of a whole model. */
export const MAX_MODEL_WEIGHTS = 2 ** 24;
/** A packed dataset or entry of an archive holds at most so many times the bytes of its file, and one megabyte; trained weights hardly shrink. */
export const MAX_INFLATION = 32;
/** Elements of a dataset in chunks, which Keras itself never writes: each takes long to put in its place. */
export const MAX_CHUNKED = 2 ** 22;
