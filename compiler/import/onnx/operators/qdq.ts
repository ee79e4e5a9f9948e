// Networks in integers as ONNX itself states them: QuantizeLinear, DequantizeLinear, QLinearConv, QLinearMatMul. A tensor
// between them keeps its real numbers here, with the grid that the file's integers lie on.
import { widthOfRange } from "../../../support/fixed-point.ts";
import {
  anyTensor,
  axisOf,
  type Call,
  constantOperand,
  intAttribute,
  operand,
  type Reader,
  refuse,
  tensorOperand,
} from "../call.ts";
import {
  broadcast,
  broadcastDims,
  type Constant,
  constantOf,
  elementsOf,
  realized,
  rounded,
  sameDims,
  spend,
} from "../constant.ts";
import type { Grid, Tensor } from "../network.ts";
import { FLOAT, integerRange } from "../tensors.ts";
import { affine } from "./elementwise.ts";
import { sameGrid } from "./grids.ts";
import { quantized, scaleOperand } from "./quantizers.ts";
import { convolved, multiplied, withChannelsAdded } from "./weighted.ts";

const UINT8 = 2;

const number = (value: number): Constant => constantOf([], FLOAT, Float64Array.of(value));

const isOne = ({ dims }: Constant): boolean => elementsOf(dims) === 1;

/** A scale and a zero point, which is 0 where it is left out. */
function gridAt(call: Call, scaleAt: number, zeroAt: number): Grid {
  const scale = scaleOperand(call, scaleAt);
  if (!call.operands[zeroAt]) {
    const type = intAttribute(call, "output_dtype", 0) || UINT8;
    return { scale, zeroPoint: constantOf([], type, Float64Array.of(0)) };
  }
  const zeroPoint = realized(constantOperand(call, zeroAt, "zero point"), call.network.allowance);
  if (!zeroPoint.numbers().every(Number.isInteger))
    refuse(call, "its zero point is no integer", "quantize the model again");
  return { scale, zeroPoint };
}

/** The grid of a tensor that depends on the input: one scale for all of it. */
function tensorGrid(call: Call, scaleAt: number, zeroAt: number): Grid {
  const grid = gridAt(call, scaleAt, zeroAt);
  if (!isOne(grid.scale) || !isOne(grid.zeroPoint))
    refuse(call, "it quantizes each channel by a scale of its own", "quantize activations by one scale each");
  const scalar = (part: Constant): Constant => ({ ...part, dims: [] });
  return { scale: scalar(grid.scale), zeroPoint: scalar(grid.zeroPoint) };
}

/** Scale and zero point along one axis of a constant. */
function alongAxis(call: Call, grid: Grid, rank: number, axis: number): Grid {
  const spread = (part: Constant): Constant => {
    if (isOne(part)) return { ...part, dims: [] };
    if (part.dims.length !== 1)
      refuse(
        call,
        `its scale has the shape ${part.dims.join("x")}`,
        "quantize by one scale, or one for each channel",
      );
    return { ...part, dims: Array.from({ length: rank }, (_, i) => (i === axis ? part.dims[0]! : 1)) };
  };
  return { scale: spread(grid.scale), zeroPoint: spread(grid.zeroPoint) };
}

function rangeOf(call: Call, type: number): readonly [number, number] {
  return (
    integerRange(type) ??
    refuse(call, `its integers have the element type ${type}`, "quantize to integers of up to 32 bits")
  );
}

/**
 * The real numbers of constant integers, and the quantizer that gives the integers back: a double keeps every bit that
 * tells an integer from its neighbours.
 */
function dequantized(call: Call, integers: Constant, grid: Grid): Constant {
  const { allowance } = call.network;
  const [least, greatest] = rangeOf(call, integers.type);
  for (const part of [grid.scale, grid.zeroPoint])
    if (!sameDims(broadcastDims(part.dims, integers.dims) ?? [-1], integers.dims))
      refuse(
        call,
        "its scale does not broadcast to its input",
        "quantize by one scale, or one for each channel",
      );
  return {
    kind: "constant",
    dims: integers.dims,
    type: FLOAT,
    numbers: () => {
      const [scale, zero] = [grid.scale, grid.zeroPoint].map((part) =>
        broadcast(part, integers.dims, allowance).numbers(),
      ) as [Float64Array, Float64Array];
      spend(allowance, integers.dims);
      return integers.numbers().map((q, i) => (q - zero[i]!) * scale[i]!);
    },
    quantizer: { kind: "int", ...grid, least, greatest, rounding: "ROUND" },
  };
}

/** The integers that a quantizer makes of a constant. */
function integersOf(call: Call, constant: Constant, grid: Grid): Constant {
  const { allowance } = call.network;
  const [least, greatest] = rangeOf(call, grid.zeroPoint.type);
  const real = realized(constant, allowance);
  const [scale, zero] = [grid.scale, grid.zeroPoint].map((part) =>
    broadcast(part, real.dims, allowance).numbers(),
  ) as [Float64Array, Float64Array];
  const numbers = real
    .numbers()
    .map((x, i) => Math.min(greatest, Math.max(least, rounded(x / scale[i]!, "ROUND") + zero[i]!)));
  return constantOf(real.dims, grid.zeroPoint.type, numbers);
}

const quantizeLinear: Reader = (call) => {
  const value = operand(call, 0);
  if (intAttribute(call, "block_size", 0) !== 0)
    refuse(call, "it quantizes in blocks", "quantize by one scale, or one for each channel");
  if (value.kind === "constant") {
    const rank = value.dims.length;
    const grid = gridAt(call, 1, 2);
    const axis = isOne(grid.scale) ? 0 : axisOf(call, intAttribute(call, "axis", 1), rank);
    return [integersOf(call, value, alongAxis(call, grid, rank, axis))];
  }
  return [toGrid(call, tensorOperand(call, 0), tensorGrid(call, 1, 2))];
};

/**
 * A tensor rounded to a grid, and held as its integers from here on. The integers of an input are the file's. Others may be
 * those from which the zero point is taken away, where that takes no bit more: they need no offset in the sums that they
 * enter. ONNX rounds before it adds the zero point, which matters to ties.
 */
function toGrid(call: Call, tensor: Tensor, grid: Grid): Tensor {
  const [least, greatest] = rangeOf(call, grid.zeroPoint.type);
  const zero = grid.zeroPoint.numbers()[0]!;
  const width = (by: number): number => widthOfRange({ min: least - by, max: greatest - by }, least < by);
  const isInput = call.network.nodeNamed(tensor.node).kind === "input";
  const away = isInput || width(zero) > width(0) ? 0 : zero;
  const result = quantized(call, tensor, {
    kind: "int",
    scale: grid.scale,
    zeroPoint: number(zero - away),
    least: least - away,
    greatest: greatest - away,
    rounding: (zero - away) % 2 === 0 ? "ROUND" : "HALF_ODD",
  });
  return { ...(result as Tensor), grid };
}

const dequantizeLinear: Reader = (call) => {
  const value = operand(call, 0);
  if (intAttribute(call, "block_size", 0) !== 0)
    refuse(call, "it quantizes in blocks", "quantize by one scale, or one for each channel");
  if (value.kind === "tensor") return [fromGrid(call, anyTensor(call, 0), tensorGrid(call, 1, 2))];
  const rank = value.dims.length;
  const grid = gridAt(call, 1, 2);
  const axis = isOne(grid.scale) ? 0 : axisOf(call, intAttribute(call, "axis", 1), rank);
  return [dequantized(call, value, alongAxis(call, grid, rank, axis))];
};

/** The real numbers of a tensor of integers. */
function fromGrid(call: Call, tensor: Tensor, grid: Grid): Tensor {
  if (tensor.grid) {
    if (!sameGrid(tensor.grid, grid))
      refuse(
        call,
        "it reads the integers of another quantizer by a scale or zero point of its own",
        "use the scale and zero point of the QuantizeLinear before it",
      );
    return { ...tensor, grid: null };
  }
  const node = call.network.nodeNamed(tensor.node);
  if (node.kind !== "input" || !node.stored)
    refuse(call, "its input is no quantized integers", "put a QuantizeLinear before it");
  const offset = -grid.zeroPoint.numbers()[0]! * grid.scale.numbers()[0]!;
  return affine(call, tensor, { gain: grid.scale, offset: number(offset) }, ".value");
}

const qLinearMatMul: Reader = (call) => {
  const tensor = fromGrid(call, anyTensor(call, 0), tensorGrid(call, 1, 2));
  const integers = constantOperand(call, 3, "second operand");
  if (integers.dims.length !== 2)
    refuse(
      call,
      `its weights have the shape ${integers.dims.join("x")}`,
      "make them a matrix of inputs x units",
    );
  const weights = dequantized(call, integers, alongAxis(call, gridAt(call, 4, 5), 2, 1));
  return [toGrid(suffixed(call), multiplied(call, tensor, weights), tensorGrid(call, 6, 7))];
};

const qLinearConv: Reader = (call) => {
  const inputGrid = tensorGrid(call, 1, 2);
  const tensor = fromGrid(call, anyTensor(call, 0), inputGrid);
  const integers = constantOperand(call, 3, "weights");
  const weightGrid = alongAxis(call, gridAt(call, 4, 5), integers.dims.length, 0);
  let result = convolved(call, tensor, dequantized(call, integers, weightGrid), false, false);
  if (call.operands[8]) {
    // The bias lies on the grid of the products: a product of two float32 is exact.
    const inputScale = inputGrid.scale.numbers()[0]!;
    const { scale } = weightGrid;
    const products = scale.numbers().map((value) => value * inputScale);
    const grid = {
      scale: constantOf(isOne(scale) ? [] : [products.length], FLOAT, products),
      zeroPoint: number(0),
    };
    result = withChannelsAdded(
      call,
      result,
      dequantized(call, constantOperand(call, 8, "bias"), grid),
      false,
    );
  }
  return [toGrid(suffixed(call), result, tensorGrid(call, 6, 7))];
};

/** The same node, for the quantizer behind its operator. */
const suffixed = (call: Call): Call => ({ ...call, name: `${call.name}.quantized` });

export const QDQ: Readonly<Record<string, Reader>> = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  QLinearConv: qLinearConv,
  QLinearMatMul: qLinearMatMul,
};
