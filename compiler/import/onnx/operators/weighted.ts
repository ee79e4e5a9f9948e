// Operators with weights: Gemm, MatMul, Conv, ConvTranspose. Weights are brought into the order of the memory that they
// are multiplied with: [units, ...kernel, channels / groups].
import type { ConvOperator, Padding } from "../../../graph/graph.ts";
import { product, reachOf } from "../../../graph/shapes.ts";
import {
  type Call,
  constantOperand,
  floatAttribute,
  hasAttribute,
  intAttribute,
  intsAttribute,
  operand,
  type Reader,
  refuse,
  tensorOperand,
  textAttribute,
} from "../call.ts";
import { type Constant, constantOf, picked, sameDims, strided } from "../constant.ts";
import type { Tensor } from "../network.ts";
import { linearIndices, memoryToFile, sizeOf, stridesOf, viewOf } from "../view.ts";
import { partsOf, quantizerFrom, withConstantAdded } from "./elementwise.ts";

const SOUND = "the file is no sound ONNX graph; export the model again";

/** Puts a node's weights, lined up as [units, ...], into the network; a quantizer has one scale, or one for each unit. */
function setWeights(call: Call, name: string, weights: Constant): void {
  const { quantizer } = weights;
  const numbers = weights.numbers();
  if (!numbers.every(Number.isFinite)) refuse(call, "its weights are not finite", "train the model again");
  const parts = quantizer ? partsOf(quantizer).map((part) => unitNumbers(call, part)) : [];
  call.network.constants.set(name, {
    weights: numbers,
    weightQuantizer: quantizer && quantizerFrom(quantizer, parts),
    bias: null,
    biasQuantizer: null,
  });
}

/** One number for each unit of a scale or zero point that is laid out as the weights are, or one for all. */
function unitNumbers(call: Call, part: Constant): Float64Array {
  const numbers = part.numbers();
  if (numbers.length === 1) return numbers;
  const units = part.dims[0]!;
  const each = numbers.length / units;
  const ofUnits = numbers.filter((_, i) => i % each === 0);
  if (!numbers.every((value, i) => value === ofUnits[Math.floor(i / each)]))
    refuse(
      call,
      "the quantizer of its weights has another scale or zero point within one unit",
      "quantize the weights with one scale for all, or one for each output channel",
    );
  return ofUnits;
}

/** tensor x weights, a constant of [inputs, units], along the last axis: of one vector, or of one at each position. */
export function multiplied(call: Call, tensor: Tensor, matrix: Constant): Tensor {
  const { network } = call;
  const { factors, axes, batch } = tensor.view;
  const [inputs = 0, units = 0] = matrix.dims;
  const last = axes.length - 1;
  const isBatch = batch === last && call.batchSize !== 1;
  if (last < 0 || isBatch || sizeOf(tensor.view, last) !== inputs)
    refuse(
      call,
      `its weights have ${inputs} inputs, but the last axis of the tensor has ${last < 0 ? 1 : sizeOf(tensor.view, last)} elements`,
      SOUND,
    );
  if (units < 1) refuse(call, "its weights have no units", SOUND);
  const columns = axes[last]!.toSorted((a, b) => a - b);
  const positions = axes
    .map((own, axis) => ({ own, axis }))
    .filter(({ own, axis }) => axis !== last && own.length > 0)
    .sort((a, b) => a.own[0]! - b.own[0]!);
  const groups = positions.map(({ own }) => own);
  const spatial = groups.length > 2 ? [groups.slice(0, -1).flat(), groups.at(-1)!] : groups;
  const input = network.arranged(call, tensor, [...spatial, columns]);
  const ones = spatial.map(() => 1);
  const none = spatial.map(() => 0);
  const name = network.add(
    call,
    spatial.length === 0
      ? { kind: "dense", units, input }
      : {
          kind: "conv",
          input,
          units,
          transposed: false,
          kernel: ones,
          strides: ones,
          dilations: ones,
          padding: { before: none, after: none },
          groups: 1,
        },
  );
  const fileOrder = memoryToFile(factors, axes[last]!, columns);
  const shape = [units, ...ones, inputs];
  const inMemory = (): Constant => {
    if (!fileOrder) return strided(matrix, shape, [1, ...none, units], network.allowance);
    const indices = new Int32Array(units * inputs);
    for (let i = 0; i < indices.length; i++)
      indices[i] = fileOrder[i % inputs]! * units + Math.floor(i / inputs);
    return picked(matrix, shape, indices, network.allowance);
  };
  setWeights(call, name, inMemory());
  const dims = axes.map((_, axis) => (axis === last ? units : sizeOf(tensor.view, axis)));
  const order = [...positions.map(({ axis }) => axis), last];
  const view = viewOf(dims, order, batch === last ? -1 : batch);
  return { kind: "tensor", node: name, view, grid: null };
}

const matMul: Reader = (call) => {
  if (operand(call, 0).kind === "constant")
    refuse(call, "its first operand is a constant", "write it as x times weights");
  if (operand(call, 1).kind === "tensor")
    refuse(call, "it multiplies two tensors that depend on the input", "one operand has to be constant");
  const weights = constantOperand(call, 1, "second operand");
  const { dims } = weights;
  const lead = dims.slice(0, -2);
  if (dims.length < 2 || lead.some((size) => size !== 1))
    refuse(call, `its weights have the shape ${dims.join("x")}`, "make them a matrix of inputs x units");
  const tensor = tensorOperand(call, 0);
  const added = Math.max(0, dims.length - tensor.view.axes.length);
  const axes = [...Array.from({ length: added }, () => []), ...tensor.view.axes];
  const batch = tensor.view.batch < 0 ? -1 : tensor.view.batch + added;
  return [
    multiplied(
      call,
      { ...tensor, view: { ...tensor.view, axes, batch } },
      { ...weights, dims: dims.slice(-2), quantizer: trimmed(weights, lead.length) },
    ),
  ];
};

/** The quantizer without the leading axes of size one that its scale may have. */
function trimmed({ quantizer }: Constant, lead: number): Constant["quantizer"] {
  if (!quantizer || lead === 0) return quantizer;
  const cut = (part: Constant): Constant => ({ ...part, dims: part.dims.slice(-2) });
  return quantizer.kind === "bipolar"
    ? { ...quantizer, scale: cut(quantizer.scale) }
    : { ...quantizer, scale: cut(quantizer.scale), zeroPoint: cut(quantizer.zeroPoint) };
}

/** Every number, scale included, times a factor; exact for float32 numbers. */
function times(constant: Constant, factor: number): Constant {
  if (factor === 1) return constant;
  const scaled = (part: Constant): Constant =>
    constantOf(
      part.dims,
      part.type,
      part.numbers().map((value) => value * factor),
    );
  const { quantizer } = constant;
  return {
    ...scaled(constant),
    quantizer: quantizer && { ...quantizer, scale: scaled(quantizer.scale) },
  };
}

const gemm: Reader = (call) => {
  const { allowance } = call.network;
  if (operand(call, 0).kind === "constant")
    refuse(call, "its first operand is a constant", "write it as x times weights");
  const given = tensorOperand(call, 0);
  if (given.view.axes.length !== 2)
    refuse(call, `its first operand has ${given.view.axes.length} axes`, SOUND);
  const [rows, columns] = given.view.axes as [number[], number[]];
  const isTurned = intAttribute(call, "transA", 0) !== 0;
  const batch = given.view.batch < 0 ? -1 : 1 - given.view.batch;
  const tensor = isTurned ? { ...given, view: { ...given.view, axes: [columns, rows], batch } } : given;
  const weights = constantOperand(call, 1, "weights");
  if (weights.dims.length !== 2) refuse(call, `its weights have the shape ${weights.dims.join("x")}`, SOUND);
  const [alpha, beta] = [floatAttribute(call, "alpha", 1), floatAttribute(call, "beta", 1)];
  if (!(alpha > 0) || !Number.isFinite(alpha) || !Number.isFinite(beta))
    refuse(call, `alpha is ${alpha} and beta ${beta}`, "fold them into weights and bias");
  const isTransposed = intAttribute(call, "transB", 0) !== 0;
  const [units, inputs] = weights.dims as [number, number];
  const matrix = isTransposed ? strided(weights, [inputs, units], [1, inputs], allowance) : weights;
  const result = multiplied(call, tensor, times(matrix, alpha));
  const bias = call.operands[2];
  if (!bias || beta === 0) return [result];
  if (bias.kind === "tensor")
    refuse(call, "its bias depends on the network's input", "write the sum as an Add of its own");
  return [withConstantAdded({ ...call, isShared: () => false }, result, times(bias, beta))];
};

interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
}

/** Sizes of the windows; `known` is the kernel where the weights say it. */
export function windowsOf(call: Call, axes: number, known?: readonly number[]): Windows {
  const kernel = intsAttribute(call, "kernel_shape") ?? known ?? [];
  const ones = kernel.map(() => 1);
  const strides = intsAttribute(call, "strides") ?? ones;
  const dilations = intsAttribute(call, "dilations") ?? ones;
  for (const sizes of [kernel, strides, dilations])
    if (sizes.length !== axes || !sizes.every((size) => size >= 1 && size <= MAX_WINDOW))
      refuse(call, `kernel, strides or dilations are ${sizes.join("x")} for ${axes} axes`, SOUND);
  if (known && !sameDims(kernel, known))
    refuse(call, `kernel_shape is ${kernel.join("x")}, but its weights have ${known.join("x")}`, SOUND);
  return { kernel, strides, dilations };
}

const MAX_WINDOW = 2 ** 20;

/** What stands around the input. SAME_UPPER has the odd cell behind, SAME_LOWER before. */
export function paddingOf(call: Call, sizes: readonly number[], windows: Windows): Padding {
  const { kernel, strides, dilations } = windows;
  const mode = textAttribute(call, "auto_pad", "NOTSET");
  const none = sizes.map(() => 0);
  if (mode === "VALID") return { before: none, after: none };
  if (mode === "NOTSET") {
    const pads = intsAttribute(call, "pads") ?? [...none, ...none];
    if (pads.length !== 2 * sizes.length)
      refuse(call, `pads has ${pads.length} numbers for ${sizes.length} axes`, SOUND);
    return { before: pads.slice(0, sizes.length), after: pads.slice(sizes.length) };
  }
  const total = sizes.map((size, i) =>
    Math.max(
      0,
      (Math.ceil(size / strides[i]!) - 1) * strides[i]! + reachOf(kernel[i]!, dilations[i]!) - size,
    ),
  );
  return split(call, mode, total);
}

function split(call: Call, mode: string, total: readonly number[]): Padding {
  const less = total.map((cells) => Math.floor(cells / 2));
  const more = total.map((cells) => Math.ceil(cells / 2));
  if (mode === "SAME_UPPER") return { before: less, after: more };
  if (mode === "SAME_LOWER") return { before: more, after: less };
  return refuse(call, `auto_pad is ${JSON.stringify(mode)}`, SOUND);
}

/** An image or a sequence as the file lays it out. */
export interface Spatial {
  /** The node whose result is [...spatial, channels]. */
  readonly node: string;
  readonly sizes: readonly number[];
  readonly channels: number;
  /** The file's axes in the memory's order, spatial ones first. */
  readonly order: readonly number[];
}

export function spatialOperand(call: Call, tensor: Tensor, channelsLast: boolean): Spatial {
  const { view } = tensor;
  const rank = view.axes.length;
  if (rank < 3 || rank > 4)
    refuse(
      call,
      `its input has ${rank} axes with the batch`,
      "images (4 axes) and sequences (3 axes) are supported",
    );
  if (view.batch > 0 || sizeOf(view, 0) !== 1)
    refuse(call, "its first axis is not the batch dimension", "keep the batch dimension in front");
  const axes = Array.from({ length: rank - 1 }, (_, i) => i + 1);
  const channel = channelsLast ? rank - 1 : 1;
  const order = [...axes.filter((axis) => axis !== channel), channel];
  return {
    node: call.network.arranged(
      call,
      tensor,
      order.map((axis) => view.axes[axis]!),
    ),
    sizes: order.slice(0, -1).map((axis) => sizeOf(view, axis)),
    channels: sizeOf(view, channel),
    order,
  };
}

/** The tensor that a node makes which takes and gives [...spatial, channels]. */
export function spatialResult(call: Call, node: string, tensor: Tensor, { order }: Spatial): Tensor {
  const { shape } = call.network.nodeNamed(node);
  const dims = tensor.view.axes.map((_, axis) => (axis === 0 ? 1 : shape[order.indexOf(axis)]!));
  return { kind: "tensor", node, view: viewOf(dims, order, tensor.view.batch), grid: null };
}

export const conv =
  (transposed: boolean, channelsLast: boolean): Reader =>
  (call) =>
    [
      convolved(call, tensorOperand(call, 0), constantOperand(call, 1, "weights"), transposed, channelsLast),
    ].map((result) => {
      const bias = call.operands[2];
      if (!bias) return result;
      if (bias.kind === "tensor")
        return refuse(call, "its bias depends on the network's input", "make it constant");
      return withChannelsAdded(call, result, bias, channelsLast);
    });

/** Adds a bias of one number for each channel to the result of a conv. */
export function withChannelsAdded(call: Call, result: Tensor, bias: Constant, channelsLast: boolean): Tensor {
  const spread = (part: Constant): Constant => {
    if (channelsLast || part.dims.length !== 1) return part;
    return { ...part, dims: [part.dims[0]!, ...result.view.axes.slice(2).map(() => 1)] };
  };
  const { quantizer } = bias;
  const spreadQuantizer = quantizer && {
    ...quantizer,
    scale: spread(quantizer.scale),
    ...(quantizer.kind === "int" ? { zeroPoint: spread(quantizer.zeroPoint) } : {}),
  };
  return withConstantAdded({ ...call, isShared: () => false }, result, {
    ...spread(bias),
    quantizer: spreadQuantizer,
  });
}

/** A convolution without its bias. */
export function convolved(
  call: Call,
  tensor: Tensor,
  weights: Constant,
  transposed: boolean,
  channelsLast: boolean,
): Tensor {
  const { network } = call;
  const { dims } = weights;
  const spatial = spatialOperand(call, tensor, channelsLast);
  const axes = spatial.sizes.length;
  const groups = intAttribute(call, "group", 1);
  if (dims.length !== axes + 2 || groups < 1)
    refuse(call, `its weights have ${dims.length} axes, ${groups} groups, for ${axes} axes`, SOUND);
  const kernelAt = channelsLast ? 1 : 2;
  const windows = windowsOf(call, axes, dims.slice(kernelAt, kernelAt + axes));
  // Forward: [units, channels / groups, ...kernel]. Transposed: [channels, units / groups, ...kernel].
  const [first, second] = [dims[0]!, channelsLast ? dims.at(-1)! : dims[1]!];
  const units = transposed ? second * groups : first;
  const eachChannels = spatial.channels / groups;
  if ((transposed ? first : second * groups) !== spatial.channels || first % groups !== 0)
    refuse(
      call,
      `its weights are for ${transposed ? first : second * groups} channels, its input has ${spatial.channels}`,
      SOUND,
    );
  const operator: ConvOperator = {
    kind: "conv",
    transposed,
    units,
    groups,
    ...windows,
    padding: transposed
      ? transposedPadding(call, spatial.sizes, windows)
      : paddingOf(call, spatial.sizes, windows),
  };
  const name = network.add(call, { ...operator, input: spatial.node });
  const strides = stridesOf(dims);
  const { kernel } = windows;
  const shape = [units, ...kernel, eachChannels];
  let indices: Int32Array;
  if (!transposed) {
    const kernelStrides = kernel.map((_, i) => strides[kernelAt + i]!);
    indices = linearIndices(shape, [strides[0]!, ...kernelStrides, strides[channelsLast ? axes + 1 : 1]!]);
  } else {
    const each = linearIndices([second, ...kernel, eachChannels], [...strides.slice(1), strides[0]!]);
    indices = new Int32Array(product(shape));
    for (let i = 0; i < indices.length; i++)
      indices[i] = each[i % each.length]! + Math.floor(i / each.length) * eachChannels * strides[0]!;
  }
  setWeights(call, name, picked(weights, shape, indices, network.allowance));
  return spatialResult(call, name, tensor, spatial);
}

/** What is cut off the result of a transposed conv; less than nothing behind where the file adds to it. */
function transposedPadding(call: Call, sizes: readonly number[], windows: Windows): Padding {
  const { kernel, strides, dilations } = windows;
  const extra = intsAttribute(call, "output_padding") ?? sizes.map(() => 0);
  const wanted = intsAttribute(call, "output_shape");
  const mode = textAttribute(call, "auto_pad", "NOTSET");
  if (extra.length !== sizes.length || (wanted && wanted.length < sizes.length))
    refuse(call, "output_padding or output_shape has another number of axes than its input", SOUND);
  const full = sizes.map(
    (size, i) => (size - 1) * strides[i]! + reachOf(kernel[i]!, dilations[i]!) + extra[i]!,
  );
  let padding: Padding;
  if (wanted || mode.startsWith("SAME")) {
    const results = wanted?.slice(-sizes.length) ?? sizes.map((size, i) => size * strides[i]!);
    const total = full.map((size, i) => size - results[i]!);
    if (total.some((cells) => cells < 0)) {
      // Nothing to cut: what is missing is added behind.
      padding = {
        before: total.map((cells) => Math.floor(Math.max(0, cells) / 2)),
        after: total.map((cells) => Math.ceil(cells / 2)),
      };
      if (hasAttribute(call, "output_shape"))
        refuse(call, "output_shape is larger than the operator's reach", "use output_padding");
    } else padding = split(call, mode === "SAME_UPPER" ? mode : "SAME_LOWER", total);
  } else padding = paddingOf(call, sizes, windows);
  return { before: padding.before, after: padding.after.map((cells, i) => cells - extra[i]!) };
}

export const WEIGHTED: Readonly<Record<string, Reader>> = {
  MatMul: matMul,
  Gemm: gemm,
  Conv: conv(false, false),
  ConvTranspose: conv(true, false),
};
