// The quantizers of QONNX: Quant, IntQuant, BipolarQuant, Trunc and MultiThreshold. Of a constant they become what the
// file does to it, of a tensor a node.
import type { QuantRounding } from "../../../graph/imported.ts";
import {
  axisOf,
  type Call,
  constantOperand,
  floatAttribute,
  intAttribute,
  numberOperand,
  operand,
  type Reader,
  refuse,
  tensorOperand,
  textAttribute,
  type Value,
} from "../call.ts";
import { type Constant, type ConstantQuantizer, realized, spend } from "../constant.ts";
import { alongside, type Tensor } from "../network.ts";
import { isInOrder, sizeOf } from "../view.ts";
import { partsOf, quantizerFrom } from "./elementwise.ts";

/** Widest integers that a quantizer may make. */
const MAX_BITS = 32;

const ROUNDINGS: readonly QuantRounding[] = [
  "ROUND",
  "HALF_UP",
  "HALF_DOWN",
  "UP",
  "DOWN",
  "CEIL",
  "FLOOR",
  "ROUND_TO_ZERO",
];

export function roundingOf(call: Call, absent: QuantRounding): QuantRounding {
  const name = textAttribute(call, "rounding_mode", absent).toUpperCase();
  const found = ROUNDINGS.find((rounding) => rounding === (name === "HALF_EVEN" ? "ROUND" : name));
  return (
    found ??
    refuse(call, `its rounding_mode is ${JSON.stringify(name)}`, `use one of ${ROUNDINGS.join(", ")}`)
  );
}

/** A scale: finite and above 0. */
export function scaleOperand(call: Call, index: number): Constant {
  const scale = realized(constantOperand(call, index, "scale"), call.network.allowance);
  const numbers = scale.numbers();
  if (numbers.length === 0 || !numbers.every((value) => Number.isFinite(value) && value > 0))
    refuse(call, "its scale is not finite and above 0", "quantize the model again");
  return scale;
}

export function zeroPointOperand(call: Call, index: number): Constant {
  const zero = realized(constantOperand(call, index, "zero point"), call.network.allowance);
  if (!zero.numbers().every(Number.isFinite))
    refuse(call, "its zero point is not finite", "quantize the model again");
  return zero;
}

/** A quantizer applied to a value of the file. */
export function quantized(call: Call, value: Value, quantizer: ConstantQuantizer): Value {
  const { network } = call;
  if (value.kind === "constant") return { ...realized(value, network.allowance), quantizer };
  const tensor = asReshaped(call, value);
  const found = alongside(network, call, tensor, partsOf(quantizer));
  if (!found)
    return refuse(
      call,
      "its scale does not broadcast to its input",
      "use one scale, or one for each channel",
    );
  const node = {
    kind: "quantize",
    input: found.tensor.node,
    quantizer: quantizerFrom(quantizer, found.numbers),
  } as const;
  return { ...found.tensor, node: network.add(call, node) };
}

/** A tensor that a Reshape was to make, made: in the file's order, where that moves no element. */
function asReshaped(call: Call, tensor: Tensor): Tensor {
  const { view, movedBy } = tensor;
  const groups = view.axes.filter((axis) => axis.length > 0);
  const isReshape = movedBy?.operator === "Reshape" || movedBy?.operator === "Flatten";
  if (!isReshape || groups.length === 0 || !isInOrder(view)) return tensor;
  return { ...tensor, node: call.network.arranged(call, tensor, groups), movedBy: undefined };
}

function bitsOperand(call: Call, index: number, what: string): number {
  const bits = numberOperand(call, index, what) ?? Number.NaN;
  if (!Number.isInteger(bits) || bits < 1 || bits > MAX_BITS)
    refuse(call, `its ${what} is ${bits}`, `use a whole number from 1 to ${MAX_BITS}`);
  return bits;
}

const quant: Reader = (call) => {
  const value = operand(call, 0).kind === "tensor" ? tensorOperand(call, 0) : operand(call, 0);
  const [scale, zeroPoint] = [scaleOperand(call, 1), zeroPointOperand(call, 2)];
  const bits = bitsOperand(call, 3, "bit width");
  const isSigned = intAttribute(call, "signed", 1) !== 0;
  const narrow = intAttribute(call, "narrow", 0) !== 0 ? 1 : 0;
  const rounding = roundingOf(call, "ROUND");
  if (bits === 1 && isSigned) {
    // QONNX's own rule for one signed bit: 1 where x / scale >= 0, else -1.
    if (!zeroPoint.numbers().every((zero) => zero === 0))
      refuse(call, "it has one signed bit and a zero point", "use BipolarQuant, or a zero point of 0");
    return [quantized(call, value, { kind: "bipolar", scale })];
  }
  const [least, greatest] = isSigned
    ? [-(2 ** (bits - 1)) + narrow, 2 ** (bits - 1) - 1]
    : [0, 2 ** bits - 1 - narrow];
  if (greatest === least) refuse(call, `its integers are ${least} alone`, "use two values or more");
  return [quantized(call, value, { kind: "int", scale, zeroPoint, least, greatest, rounding })];
};

const bipolarQuant: Reader = (call) => {
  const value = operand(call, 0).kind === "tensor" ? tensorOperand(call, 0) : operand(call, 0);
  return [quantized(call, value, { kind: "bipolar", scale: scaleOperand(call, 1) })];
};

const trunc: Reader = (call) => {
  const { network } = call;
  const tensor = tensorOperand(call, 0);
  if (call.operands.length > 5)
    refuse(
      call,
      "it has a scale of its own for its result",
      "export it as version 1 of the operator, or as a Quant with the rounding mode FLOOR",
    );
  const parts = [scaleOperand(call, 1), zeroPointOperand(call, 2)];
  const [inputWidth, outputWidth] = [
    bitsOperand(call, 3, "input bit width"),
    bitsOperand(call, 4, "output bit width"),
  ];
  if (outputWidth > inputWidth)
    refuse(
      call,
      `it makes ${outputWidth} bits of ${inputWidth}`,
      "the output has at most as many bits as the input",
    );
  const found = alongside(network, call, tensor, parts);
  if (!found) return refuse(call, "its scale does not broadcast to its input", "use one scale");
  const [scale, zeroPoint] = found.numbers as [Float64Array, Float64Array];
  const rounding = roundingOf(call, "FLOOR");
  const node = { kind: "trunc", scale, zeroPoint, inputWidth, outputWidth, rounding } as const;
  return [{ ...found.tensor, node: network.add(call, { ...node, input: found.tensor.node }) }];
};

/** Of one channel: those of 16 bits. */
const MAX_THRESHOLDS = 2 ** 16 - 1;
/** A threshold is kept longer and copied more often than a weight: it counts as so many more elements. */
const THRESHOLD_ELEMENTS = 3;

const multiThreshold: Reader = (call) => {
  const { network } = call;
  const tensor = asReshaped(call, tensorOperand(call, 0));
  const stated = constantOperand(call, 1, "thresholds");
  const each = stated.dims.at(-1) ?? 0;
  if (each > MAX_THRESHOLDS)
    refuse(
      call,
      `it has ${each} thresholds for one channel`,
      `use at most ${MAX_THRESHOLDS}, which tell as many values apart as 16 bits do`,
    );
  spend(network.allowance, [THRESHOLD_ELEMENTS, ...stated.dims]);
  const given = realized(stated, network.allowance);
  const rank = tensor.view.axes.length;
  // Only images with axes NCHW have their channels on axis 1.
  const isFirst = textAttribute(call, "data_layout", "NCHW") === "NCHW" && (rank === 2 || rank === 4);
  const axis = axisOf(call, isFirst ? 1 : -1, rank);
  const [channels = 0, count = 0] = given.dims;
  const size = sizeOf(tensor.view, axis);
  if (given.dims.length !== 2 || count < 1 || (channels !== 1 && channels !== size))
    refuse(
      call,
      `its thresholds are ${given.dims.join("x")}, and its input has ${size} channels`,
      "give a row of thresholds for each channel, or one row",
    );
  const [outScale, outBias] = [floatAttribute(call, "out_scale", 1), floatAttribute(call, "out_bias", 0)];
  if (!Number.isFinite(outScale) || !Number.isFinite(outBias))
    refuse(call, `its out_scale is ${outScale} and its out_bias ${outBias}`, "use finite numbers");
  const numbers = given.numbers();
  if (numbers.some(Number.isNaN)) refuse(call, "a threshold is no number", "correct the thresholds");
  const [target, thresholds] = channels === 1 ? [tensor, numbers] : byChannel(call, tensor, given, axis);
  const node = { kind: "multithreshold", channels, thresholds, outScale, outBias } as const;
  return [{ ...target, node: network.add(call, { ...node, input: target.node }) }];
};

/** Rows of thresholds in the order that the channels have in memory. */
function byChannel(
  call: Call,
  tensor: Tensor,
  rows: Constant,
  axis: number,
): readonly [Tensor, Float64Array] {
  const { network } = call;
  const [channels, count] = rows.dims as [number, number];
  const dims = Array.from({ length: tensor.view.axes.length }, (_, i) => (i === axis ? channels : 1));
  const places: Constant = {
    ...rows,
    dims,
    numbers: () => Float64Array.from({ length: channels }, (_, i) => i),
    quantizer: null,
  };
  const found = alongside(network, call, tensor, [places], tensor.view.axes[axis]!);
  if (!found) return refuse(call, "its thresholds do not fit its channels", "export the model again");
  const order = found.numbers[0]!;
  const numbers = rows.numbers();
  const sorted = new Float64Array(numbers.length);
  order.forEach((row, i) => {
    sorted.set(numbers.subarray(row * count, (row + 1) * count), i * count);
  });
  return [found.tensor, sorted];
}

export const QUANTIZERS: Readonly<Record<string, Reader>> = {
  Quant: quant,
  IntQuant: quant,
  BipolarQuant: bipolarQuant,
  Trunc: trunc,
  MultiThreshold: multiThreshold,
};
