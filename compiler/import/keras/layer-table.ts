// THE table of layer classes: what each of them becomes. Keras files and TensorFlow.js files share it.

import { MAX_ELEMENTS, product } from "../../graph/shapes.ts";
import type { Apply } from "./activation-quantizers.ts";
import { readActivation, readLeakyRelu, readRelu, softmax } from "./activations.ts";
import { readArithmetic, readConcatenate } from "./join-layers.ts";
import type { LayerReader } from "./layer-reader.ts";
import { readBatchNorm, readNormalization, readRescaling } from "./norm-layers.ts";
import {
  readCropping,
  readFlatten,
  readGlobalPool,
  readPermute,
  readPool,
  readReshape,
  readUpSampling,
  readZeroPadding,
} from "./shape-layers.ts";
import {
  type Emit,
  readConv,
  readDense,
  readDepthwise,
  readSeparable,
  readTransposed,
  single,
} from "./weighted-layers.ts";

/** Reads a layer's settings, reporting what is wrong with them, and says how to add its nodes. */
export type ReadLayer = (layer: LayerReader) => Emit;

/** A layer that is one function of one value. */
const applying =
  (read: (layer: LayerReader) => Apply): ReadLayer =>
  (layer) => {
    const apply = read(layer);
    return (build, inputs) => apply(build, single(build, inputs));
  };

/** What does something in training alone. */
const passing: ReadLayer = () => single;

function readInput(layer: LayerReader): Emit {
  const key = layer.option("batch_shape") === undefined ? "batch_input_shape" : "batch_shape";
  const value = layer.option(key);
  const shape = Array.isArray(value) ? (value as unknown[]).slice(1) : [];
  const isFixed = shape.every((size) => Number.isSafeInteger(size) && (size as number) >= 1);
  if (shape.length === 0 || shape.length > 8 || !isFixed)
    layer.refuse(key, "fixed sizes behind the batch, such as [null, 28, 28, 1]");
  if (layer.option("sparse") === true) layer.refuse("sparse", "false");
  if (layer.option("ragged") === true) layer.refuse("ragged", "false");
  return (build) => {
    const elements = product(shape as number[]);
    if (elements > MAX_ELEMENTS)
      build.misfit(
        `${shape.join("x")} has ${elements} elements; at most ${MAX_ELEMENTS} are supported`,
        "use a smaller input",
      );
    return build.input(shape as number[]);
  };
}

function readSoftmax(layer: LayerReader): Apply {
  const apply = softmax(layer);
  const axis = layer.option("axis") ?? -1;
  if (axis !== -1 && !(Array.isArray(axis) && axis.length === 1 && axis[0] === -1))
    layer.refuse("axis", "-1");
  if (!apply) layer.refuse("place", "the end of the model, where it can be left out");
  return apply ?? ((_build, input) => input);
}

/** By class. */
export const LAYERS: ReadonlyMap<string, ReadLayer> = new Map<string, ReadLayer>([
  ["InputLayer", readInput],
  ["Dense", readDense],
  ["Conv1D", readConv(1)],
  ["Conv2D", readConv(2)],
  ["DepthwiseConv1D", readDepthwise(1)],
  ["DepthwiseConv2D", readDepthwise(2)],
  ["SeparableConv1D", readSeparable(1)],
  ["SeparableConv2D", readSeparable(2)],
  ["Conv1DTranspose", readTransposed(1)],
  ["Conv2DTranspose", readTransposed(2)],
  ["QDense", readDense],
  ["QConv1D", readConv(1)],
  ["QConv2D", readConv(2)],
  ["QDepthwiseConv2D", readDepthwise(2)],
  ["QActivation", applying(readActivation)],
  ["QBatchNormalization", readBatchNorm],
  ["MaxPooling1D", readPool("max", 1)],
  ["MaxPooling2D", readPool("max", 2)],
  ["AveragePooling1D", readPool("average", 1)],
  ["AveragePooling2D", readPool("average", 2)],
  ["GlobalMaxPooling1D", readGlobalPool("max", 1)],
  ["GlobalMaxPooling2D", readGlobalPool("max", 2)],
  ["GlobalAveragePooling1D", readGlobalPool("average", 1)],
  ["GlobalAveragePooling2D", readGlobalPool("average", 2)],
  ["BatchNormalization", readBatchNorm],
  ["BatchNormalizationV1", readBatchNorm],
  ["BatchNormalizationV2", readBatchNorm],
  ["Rescaling", readRescaling],
  ["Normalization", readNormalization],
  ["Activation", applying(readActivation)],
  ["ReLU", applying(readRelu)],
  ["LeakyReLU", applying(readLeakyRelu)],
  ["Softmax", applying(readSoftmax)],
  ["Flatten", readFlatten],
  ["Reshape", readReshape],
  ["Permute", readPermute],
  ["ZeroPadding1D", readZeroPadding(1)],
  ["ZeroPadding2D", readZeroPadding(2)],
  ["Cropping1D", readCropping(1)],
  ["Cropping2D", readCropping(2)],
  ["UpSampling1D", readUpSampling(1)],
  ["UpSampling2D", readUpSampling(2)],
  ["Add", readArithmetic("add")],
  ["Subtract", readArithmetic("subtract")],
  ["Multiply", readArithmetic("multiply")],
  ["Concatenate", readConcatenate],
  ["Dropout", passing],
  ["SpatialDropout1D", passing],
  ["SpatialDropout2D", passing],
  ["AlphaDropout", passing],
  ["GaussianDropout", passing],
  ["GaussianNoise", passing],
  ["ActivityRegularization", passing],
  ["Identity", passing],
]);

/** Functions of keras.ops that are written as layers. */
export const OPERATIONS: ReadonlyMap<string, ReadLayer> = new Map<string, ReadLayer>([
  ["Add", readArithmetic("add")],
  ["Subtract", readArithmetic("subtract")],
  ["Multiply", readArithmetic("multiply")],
]);
