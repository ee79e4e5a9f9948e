// Operators that work on one element after the other: activations, and sums, products and normalisations with
// constants.

import type { SingleOperator } from "../../../graph/graph.ts";
import type { Quantizer } from "../../../graph/imported.ts";
import {
  type Call,
  constantOperand,
  floatAttribute,
  intAttribute,
  numberOperand,
  operand,
  type Reader,
  refuse,
  tensorOperand,
} from "../call.ts";
import { type Constant, type ConstantQuantizer, constantOf, realized } from "../constant.ts";
import { alongside, type BareNode, type Tensor } from "../network.ts";
import { FLOAT } from "../tensors.ts";
import { sizeOf } from "../view.ts";

/** The tensor that an operator makes of another one, element by element. */
export function applied(call: Call, tensor: Tensor, node: SingleOperator, suffix = ""): Tensor {
  const name = call.network.add(call, { ...node, input: tensor.node } as BareNode, suffix);
  return { ...tensor, node: name };
}

const plain =
  (kind: "relu" | "sigmoid" | "tanh" | "hardswish"): Reader =>
  (call) => [applied(call, tensorOperand(call, 0), { kind })];

const scalar = (value: number): Constant => constantOf([], FLOAT, Float64Array.of(value));

const isPowerOfTwo = (x: number): boolean =>
  x !== 0 &&
  Number.isFinite(x) &&
  Number.isInteger(Math.log2(Math.abs(x))) &&
  2 ** Math.log2(Math.abs(x)) === Math.abs(x);

interface Line {
  readonly gain?: Constant;
  readonly divisor?: Constant;
  readonly offset?: Constant;
}

/** x * gain + offset, or x / divisor; refused where the constants would make the tensor larger. */
export function affine(call: Call, tensor: Tensor, line: Line, suffix = ""): Tensor {
  const { network } = call;
  const given = [line.gain ?? line.divisor ?? scalar(1), line.offset ?? scalar(0)];
  const constants = given.map((constant) => realized(constant, network.allowance));
  const found = alongside(network, call, tensor, constants);
  if (!found) return refuseBroadcast(call);
  const [first, offset] = found.numbers as [Float64Array, Float64Array];
  if (!first.every(Number.isFinite) || !offset.every(Number.isFinite) || (line.divisor && first.includes(0)))
    refuse(call, "its constant is not finite, or a division by zero", "correct the constant");
  const node = { kind: "affine", input: found.tensor.node, offset } as const;
  const isExact = !line.divisor || first.every(isPowerOfTwo);
  const name = network.add(
    call,
    {
      ...node,
      gain: line.divisor ? first.map((value) => 1 / value) : first,
      ...(isExact ? {} : { divisor: first }),
    },
    suffix,
  );
  return { ...found.tensor, node: name };
}

function refuseBroadcast(call: Call): never {
  return refuse(
    call,
    "its constant has more elements than the tensor, or does not broadcast to it",
    "give a constant of one number, of one for each channel, or of the tensor's shape",
  );
}

/** x + constant: a bias of the dense or conv before it where nothing else reads that, else an affine. */
export function withConstantAdded(call: Call, tensor: Tensor, constant: Constant): Tensor {
  const { network } = call;
  const node = network.nodeNamed(tensor.node);
  const own = network.constants.get(tensor.node);
  if (own && own.bias === null && (node.kind === "dense" || node.kind === "conv") && !call.isShared(tensor)) {
    const { quantizer } = constant;
    const parts = quantizer ? partsOf(quantizer) : [];
    const last = lastFactors(tensor, node.units);
    const found = last && alongside(network, call, tensor, [constant, ...parts], last);
    if (found && found.tensor.node === tensor.node) {
      const [bias, ...lists] = found.numbers as [Float64Array, ...Float64Array[]];
      const biasQuantizer = quantizer && quantizerFrom(quantizer, lists);
      network.constants.set(tensor.node, { ...own, bias, biasQuantizer });
      return tensor;
    }
  }
  return affine(call, tensor, { offset: constant });
}

/** The last factors of the memory that are `size` elements together. */
function lastFactors({ view: { factors } }: Tensor, size: number): readonly number[] | undefined {
  const last: number[] = [];
  let count = 1;
  for (let factor = factors.length - 1; factor >= 0 && count < size; factor--) {
    count *= factors[factor]!;
    last.unshift(factor);
  }
  return count === size ? last : undefined;
}

export const partsOf = (quantizer: ConstantQuantizer): readonly Constant[] =>
  quantizer.kind === "bipolar" ? [quantizer.scale] : [quantizer.scale, quantizer.zeroPoint];

/** One number where all are the same. */
const merged = (numbers: Float64Array): Float64Array =>
  numbers.every((value) => value === numbers[0]) ? numbers.slice(0, 1) : numbers;

/** A quantizer with the numbers of its scale, and of its zero point, already lined up. */
export function quantizerFrom(
  quantizer: ConstantQuantizer,
  [scale, zero]: readonly Float64Array[],
): Quantizer {
  if (quantizer.kind === "bipolar") return { kind: "bipolar", scale: merged(scale!) };
  const { kind, least, greatest, rounding } = quantizer;
  return { kind, scale: merged(scale!), zeroPoint: merged(zero!), least, greatest, rounding };
}

/** Batch normalisation with the file's axis of the channels. */
export const batchNormalization =
  (channelsLast: boolean): Reader =>
  (call) => {
    const { network } = call;
    const tensor = tensorOperand(call, 0);
    const [scale, bias, mean, variance] = (["scale", "bias", "mean", "variance"] as const).map((what, i) =>
      realized(constantOperand(call, i + 1, what), network.allowance),
    ) as [Constant, Constant, Constant, Constant];
    if (intAttribute(call, "spatial", 1) !== 1)
      refuse(call, "it normalises every element for itself (spatial = 0)", "export it with spatial = 1");
    if (intAttribute(call, "training_mode", 0) !== 0)
      refuse(call, "it is in training mode", "export the model for inference");
    const axis = channelAxis(call, tensor, scale.dims[0] ?? 1, channelsLast);
    const rank = tensor.view.axes.length;
    const spread = [scale, bias, mean, variance].map((constant) => {
      if (constant.dims.length !== 1 || constant.dims[0] !== scale.dims[0])
        refuse(call, "its constants are not one number for each channel", "export the model again");
      return {
        ...constant,
        dims: Array.from({ length: rank }, (_, i) => (i === axis ? constant.dims[0]! : 1)),
      };
    });
    const found = alongside(network, call, tensor, spread, tensor.view.axes[axis]!);
    if (!found) return refuseBroadcast(call);
    const [s, b, m, v] = found.numbers as [Float64Array, Float64Array, Float64Array, Float64Array];
    const epsilon = floatAttribute(call, "epsilon", Math.fround(1e-5));
    if (![s, b, m, v].every((list) => list.every(Number.isFinite)) || !v.every((x) => x + epsilon > 0))
      refuse(call, "its constants are not finite, or a variance is negative", "train the model again");
    const node = { kind: "norm", scale: s, bias: b, mean: m, variance: v, epsilon } as const;
    const name = network.add(call, { ...node, input: found.tensor.node });
    return [{ ...found.tensor, node: name }];
  };

/** Where the channels of a batch normalisation are: axis 1, or the only axis that has as many elements. */
function channelAxis(call: Call, { view }: Tensor, channels: number, channelsLast: boolean): number {
  const rank = view.axes.length;
  const axis = channelsLast ? rank - 1 : Math.min(1, rank - 1);
  if (sizeOf(view, axis) === channels && axis !== view.batch) return axis;
  const like = view.axes.map((_, i) => i).filter((i) => sizeOf(view, i) === channels);
  if (rank !== 2 || channels === 1 || like.length !== 1)
    return refuse(
      call,
      `it has ${channels} channels, but axis ${axis} of its input has ${sizeOf(view, axis)} elements`,
      "export the model again",
    );
  call.warn({ code: "import/batchnorm-axis", axis: like[0]! });
  return like[0]!;
}

const clip: Reader = (call) => {
  const tensor = tensorOperand(call, 0);
  const low = numberOperand(call, 1, "minimum") ?? floatAttribute(call, "min", Number.NEGATIVE_INFINITY);
  const high = numberOperand(call, 2, "maximum") ?? floatAttribute(call, "max", Number.POSITIVE_INFINITY);
  return [clipped(call, tensor, low, high)];
};

/** From here on a bound is none: exporters write the ends of float32. */
const NO_BOUND = 3e38;

function clipped(call: Call, tensor: Tensor, low: number, high: number): Tensor {
  const [isOpenBelow, isOpenAbove] = [low <= -NO_BOUND, high >= NO_BOUND];
  if (isOpenBelow && isOpenAbove) return tensor;
  if (low === 0 && isOpenAbove) return applied(call, tensor, { kind: "relu" });
  if (low === 0 && high === 6) return applied(call, tensor, { kind: "relu6" });
  if (low === -1 && high === 1) return applied(call, tensor, { kind: "hardtanh" });
  return refuse(
    call,
    `it clamps to ${isOpenBelow ? "-infinity" : low}..${isOpenAbove ? "infinity" : high}`,
    "clamps from 0, to 0..6 and to -1..1 are supported",
  );
}

/** Max or Min of one tensor and one number. */
const bound =
  (isLower: boolean): Reader =>
  (call) => {
    const [tensors, numbers]: [Tensor[], number[]] = [[], []];
    call.operands.forEach((value, i) => {
      if (value?.kind === "tensor") tensors.push(tensorOperand(call, i));
      else numbers.push(numberOperand(call, i, "bound") ?? Number.NaN);
    });
    if (tensors.length !== 1)
      refuse(call, `it compares ${tensors.length} tensors`, "only the maximum with 0 is supported");
    const limit = isLower ? Math.max(...numbers) : Math.min(...numbers);
    const [low, high] = isLower ? [limit, Number.POSITIVE_INFINITY] : [Number.NEGATIVE_INFINITY, limit];
    return [clipped(call, tensors[0]!, low, high)];
  };

/** hardsigmoid is x / 6 + 1/2 clamped to 0..1; other slopes and offsets scale its input. */
const hardSigmoid: Reader = (call) => {
  const alpha = floatAttribute(call, "alpha", Math.fround(0.2));
  const beta = floatAttribute(call, "beta", 0.5);
  let tensor = tensorOperand(call, 0);
  const gain = Math.abs(alpha - 1 / 6) < 1e-7 ? 1 : 6 * alpha;
  const offset = 6 * beta - 3;
  if (gain !== 1 || offset !== 0)
    tensor = affine(call, tensor, { gain: scalar(gain), offset: scalar(offset) }, ".line");
  return [applied(call, tensor, { kind: "hardsigmoid" })];
};

const leakyRelu: Reader = (call) => [
  applied(call, tensorOperand(call, 0), {
    kind: "leaky_relu",
    slope: floatAttribute(call, "alpha", Math.fround(0.01)),
  }),
];

const pRelu: Reader = (call) => {
  const slopes = realized(constantOperand(call, 1, "slope"), call.network.allowance).numbers();
  if (slopes.length === 0 || !slopes.every((slope) => slope === slopes[0]))
    refuse(call, "its slope differs from channel to channel", "use one slope, or LeakyRelu");
  return [applied(call, tensorOperand(call, 0), { kind: "leaky_relu", slope: slopes[0]! })];
};

const elu =
  (isScaled: boolean): Reader =>
  (call) => {
    const tensor = tensorOperand(call, 0);
    const alpha = floatAttribute(call, "alpha", isScaled ? Math.fround(1.6732632) : 1);
    const scale = isScaled ? floatAttribute(call, "gamma", Math.fround(1.050701)) : 1;
    const name = call.network.add(call, { kind: "elu", input: tensor.node, alpha, scale });
    return [{ ...tensor, node: name }];
  };

const negative: Reader = (call) => [affine(call, tensorOperand(call, 0), { gain: scalar(-1) })];

const sign: Reader = (call) =>
  refuse(
    call,
    "it gives 0 where its input is 0, and hardware has one bit for a sign",
    "use a quantizer such as BipolarQuant, or Relu",
  );

/** Sum, difference, product or quotient of a tensor and a constant; undefined where it is one of two tensors. */
export function withConstant(call: Call, operator: "Add" | "Sub" | "Mul" | "Div"): Tensor | undefined {
  const [first, second] = [operand(call, 0), operand(call, 1)];
  if (first.kind === "tensor" && second.kind === "tensor") return undefined;
  const isFirst = first.kind === "tensor";
  const tensor = tensorOperand(call, isFirst ? 0 : 1);
  const constant = (isFirst ? second : first) as Constant;
  switch (operator) {
    case "Add":
      return withConstantAdded(call, tensor, constant);
    case "Sub":
      if (!isFirst) return affine(call, tensor, { gain: scalar(-1), offset: constant });
      return withConstantAdded(call, tensor, negated(call, constant));
    case "Mul":
      return affine(call, tensor, { gain: constant });
    case "Div":
      if (isFirst) return affine(call, tensor, { divisor: constant });
      return refuse(call, "it divides by a tensor that depends on the input", "only constants divide");
  }
}

function negated(call: Call, constant: Constant): Constant {
  const real = realized(constant, call.network.allowance);
  return constantOf(
    real.dims,
    real.type,
    real.numbers().map((value) => -value),
  );
}

export const ELEMENTWISE: Readonly<Record<string, Reader>> = {
  Relu: plain("relu"),
  Sigmoid: plain("sigmoid"),
  Tanh: plain("tanh"),
  HardSwish: plain("hardswish"),
  LeakyRelu: leakyRelu,
  PRelu: pRelu,
  Elu: elu(false),
  Selu: elu(true),
  HardSigmoid: hardSigmoid,
  Clip: clip,
  Max: bound(true),
  Min: bound(false),
  Neg: negative,
  Sign: sign,
  BatchNormalization: batchNormalization(false),
};
