// Rules of every instruction. In: an instruction whose names are defined, with its operands. Out: nothing, or every
// broken rule. Ranges of sums are verify.ts's matter.
import { accumulatorFraction, arithmeticFraction } from "./bounds.ts";
import {
  areSizes,
  type Check,
  MAX_FACTOR_WIDTH,
  MAX_MULTIPLIER_WIDTH,
  MAX_TABLE_WIDTH,
  MAX_TENSOR_WIDTH,
  MAX_TERM_WIDTH,
  refuseFractions,
  refuseWide,
  sameFormat,
  sameFraction,
  shapeText,
} from "./constraints.ts";
import {
  type ArithmeticInstruction,
  type ConvInstruction,
  channelsOf,
  type DenseInstruction,
  type Instruction,
  isSigned,
  mantissaRange,
  type PoolInstruction,
  type RequantizeInstruction,
  type ScaleInstruction,
  type TableInstruction,
  type ThresholdInstruction,
  widthOf,
} from "./program.ts";
import { convShape, isChannelRow, isSpatial, poolShape, sameShape, spatialSizes } from "./shapes.ts";
import {
  checkConcat,
  checkPad,
  checkReshape,
  checkSelect,
  checkSlice,
  checkTranspose,
  checkUpsample,
} from "./verify-layout.ts";

/** Reports every rule of SEMANTICS.md that an instruction breaks. */
export function checkInstruction(instruction: Instruction, check: Check): void {
  switch (instruction.op) {
    case "requantize":
      return checkRequantize(check, instruction);
    case "dense":
      return checkDense(check, instruction);
    case "conv":
      return checkConv(check, instruction);
    case "pool":
      return checkPool(check, instruction);
    case "threshold":
      return checkThreshold(check, instruction);
    case "table":
      return checkTable(check, instruction);
    case "scale":
      return checkScale(check, instruction);
    case "add":
    case "subtract":
    case "multiply":
      return checkArithmetic(check, instruction);
    case "concat":
      return checkConcat(check, instruction);
    case "reshape":
      return checkReshape(check);
    case "select":
      return checkSelect(check, instruction);
    case "slice":
      return checkSlice(check, instruction);
    case "pad":
      return checkPad(check, instruction);
    case "transpose":
      return checkTranspose(check, instruction);
    case "upsample":
      return checkUpsample(check, instruction);
    case "argmax":
      return checkArgmax(check);
  }
}

function checkRequantize(
  { input, result, shape, format }: Check,
  { activation, limit }: RequantizeInstruction,
): void {
  if (!sameShape(input.shape, result.shape)) shape("result and input differ in shape");
  if (input.format.kind !== "int" || result.format.kind !== "int")
    return format("takes and gives int tensors");
  if (widthOf(result.format) > MAX_TENSOR_WIDTH) format(`a result has at most ${MAX_TENSOR_WIDTH} bits`);
  if (activation !== "none" && activation !== "relu") format(`no activation ${String(activation)}`);
  const { max } = mantissaRange(result.format);
  if (limit !== null && !(Number.isInteger(limit) && limit >= 0 && limit <= max))
    format(`the limit ${limit} is no integer within 0..${max}`);
}

/** Formats of weights, bias, input and accumulator. */
function checkProduct(check: Check, { weights, bias }: DenseInstruction | ConvInstruction): void {
  const { input, result, constant, shape, format } = check;
  const w = constant(weights);
  if (widthOf(w.format) > MAX_TENSOR_WIDTH) format(`weights have at most ${MAX_TENSOR_WIDTH} bits`);
  refuseWide(check);
  if (refuseFractions(check)) return;
  if (result.format.kind !== "int" || !isSigned(result.format))
    return format("the accumulator is a signed int");
  const fraction = accumulatorFraction(w.format, input.format);
  const channels = channelsOf(result);
  if (!sameFraction(result.format, fraction, channels))
    format("the accumulator's fraction is the sum of input and weight fraction");
  if (bias === null) return;
  const b = constant(bias);
  if (b.shape.length !== 1 || b.shape[0] !== channels) return shape("one bias for each channel");
  if (b.format.kind !== "int") return format("the bias is an int");
  if (!sameFraction(b.format, fraction, channels)) format("the bias has the accumulator's fraction");
}

function checkDense(check: Check, instruction: DenseInstruction): void {
  const { input, result, constant, shape } = check;
  const weights = constant(instruction.weights);
  if (input.shape.length !== 1) return shape(`the input must be flat, not ${shapeText(input.shape)}`);
  if (weights.shape.length !== 2 || weights.shape[1] !== input.shape[0])
    return shape(`weights ${shapeText(weights.shape)} do not fit an input of ${shapeText(input.shape)}`);
  if (!sameShape(result.shape, [weights.shape[0]!]))
    return shape(`the result must have the ${weights.shape[0]} channels of the weights`);
  checkProduct(check, instruction);
}

function checkConv(check: Check, instruction: ConvInstruction): void {
  const { input, result, constant, shape, format } = check;
  const { strides, dilations, spread, padding, groups, padMantissa } = instruction;
  const weights = constant(instruction.weights);
  if (!isSpatial(input.shape)) return shape(`the input must be spatial, not ${shapeText(input.shape)}`);
  const axes = spatialSizes(input.shape).length;
  for (const [what, sizes] of Object.entries({ strides, dilations, spread }))
    if (!areSizes(sizes, axes, 1))
      return shape(`${what}: one number, at least 1, for each of ${axes} spatial axes`);
  if (!areSizes(padding.before, axes, 0) || !areSizes(padding.after, axes, 0))
    return shape(`padding: one number, at least 0, for each of ${axes} spatial axes`);
  const out = weights.shape[0]!;
  if (!areSizes([groups], 1, 1) || channelsOf(input) % groups !== 0 || out % groups !== 0)
    return shape(`${groups} groups do not divide ${channelsOf(input)} input and ${out} output channels`);
  if (weights.shape.length !== axes + 2 || weights.shape[axes + 1] !== channelsOf(input) / groups)
    return shape(
      `weights ${shapeText(weights.shape)} do not fit ${groups} groups of an input of ${shapeText(input.shape)}`,
    );
  const expected = convShape(input.shape, weights.shape, instruction);
  if (expected.some((size) => size < 1)) return shape("the kernel is larger than the padded input");
  if (!sameShape(result.shape, expected))
    return shape(`the result must be ${shapeText(expected)}, not ${shapeText(result.shape)}`);
  const padded = [...padding.before, ...padding.after].some((n) => n > 0);
  if (input.format.kind === "bipolar" && (padded || spread.some((s) => s > 1)))
    return format("a bipolar input has neither padding nor spread: there is no zero to put there");
  const { min, max } = mantissaRange(input.format);
  if (!(Number.isInteger(padMantissa) && min <= padMantissa && padMantissa <= max))
    return format(`padMantissa ${padMantissa} is outside the input's range ${min}..${max}`);
  checkProduct(check, instruction);
}

function checkPool(check: Check, instruction: PoolInstruction): void {
  const { input, result, shape, format } = check;
  const { kind, window, strides, padding } = instruction;
  if (kind !== "max" && kind !== "average") return format(`no pool of kind ${String(kind)}`);
  if (!isSpatial(input.shape)) return shape(`the input must be spatial, not ${shapeText(input.shape)}`);
  const axes = spatialSizes(input.shape).length;
  if (!areSizes(window, axes, 1) || !areSizes(strides, axes, 1))
    return shape(`window and strides: one number, at least 1, for each of ${axes} spatial axes`);
  const { before, after } = padding;
  if (!areSizes(before, axes, 0) || !areSizes(after, axes, 0))
    return shape(`padding: one number, at least 0, for each of ${axes} spatial axes`);
  if (window.some((size, a) => before[a]! >= size || after[a]! >= size))
    return shape("padding must be smaller than the window: every window holds an element");
  const expected = poolShape(input.shape, instruction);
  if (expected.some((size) => size < 1)) return shape("the window is larger than the padded input");
  if (!sameShape(result.shape, expected))
    return shape(`the result must be ${shapeText(expected)}, not ${shapeText(result.shape)}`);
  if (refuseWide(check)) return;
  if (kind === "average" && input.format.kind !== "int") return format("an average is taken of int tensors");
  if (!sameFormat(result.format, input.format)) format("the format does not change");
}

function checkThreshold(check: Check, { thresholds, base }: ThresholdInstruction): void {
  const { input, result, constant, shape, format } = check;
  const table = constant(thresholds);
  const channels = channelsOf(input);
  if (!sameShape(input.shape, result.shape)) shape("result and input differ in shape");
  if (table.shape.length !== 2 || table.shape[0] !== channels)
    return shape(`thresholds are [${channels}, levels]`);
  const levels = table.shape[1]!;
  for (let c = 0; c < channels; c++)
    for (let k = 1; k < levels; k++)
      if (table.data[c * levels + k]! < table.data[c * levels + k - 1]!)
        return format(`thresholds of channel ${c} do not ascend`);
  const { min, max } = mantissaRange(result.format);
  if (!Number.isInteger(base) || base < min || base + levels > max)
    format(`base ${base} with ${levels} levels leaves the result's range ${min}..${max}`);
}

function checkTable(check: Check, instruction: TableInstruction): void {
  const { input, result, constant, shape, format } = check;
  const table = constant(instruction.table);
  if (!sameShape(input.shape, result.shape)) return shape("result and input differ in shape");
  if (widthOf(input.format) > MAX_TABLE_WIDTH)
    return format(`the input has at most ${MAX_TABLE_WIDTH} bits, not ${widthOf(input.format)}`);
  if (refuseFractions(check)) return;
  const { min, max } = mantissaRange(input.format);
  if (!sameShape(table.shape, [max - min + 1]))
    return shape(`the table must have ${max - min + 1} entries, one for each mantissa ${min}..${max}`);
  if (widthOf(table.format) > MAX_TENSOR_WIDTH) format(`a table has at most ${MAX_TENSOR_WIDTH} bits`);
  if (typeof table.format.fraction !== "number") format("a table has one fraction");
  else if (!sameFormat(result.format, table.format)) format("the result has the table's format");
}

function checkScale(check: Check, { multipliers, offsets }: ScaleInstruction): void {
  const { input, result, constant, shape, format } = check;
  const channels = channelsOf(input);
  const factors = constant(multipliers);
  if (!sameShape(input.shape, result.shape)) return shape("result and input differ in shape");
  if (!sameShape(factors.shape, [channels])) return shape("one multiplier for each channel");
  if (input.format.kind !== "int" || factors.format.kind !== "int") return format("takes int tensors");
  if (widthOf(factors.format) > MAX_MULTIPLIER_WIDTH)
    format(`multipliers have at most ${MAX_MULTIPLIER_WIDTH} bits`);
  if (refuseFractions(check)) return;
  if (result.format.kind !== "int" || !isSigned(result.format)) return format("the result is a signed int");
  const fraction = accumulatorFraction(factors.format, input.format);
  if (!sameFraction(result.format, fraction, channels))
    format("the result's fraction is the sum of input and multiplier fraction");
  if (offsets === null) return;
  const added = constant(offsets);
  if (!sameShape(added.shape, [channels])) return shape("one offset for each channel");
  if (added.format.kind !== "int") return format("an offset is an int");
  if (!sameFraction(added.format, fraction, channels)) format("the offsets have the result's fraction");
}

function checkArithmetic(check: Check, { op }: ArithmeticInstruction): void {
  const { operands, result, shape, format } = check;
  const [a, b] = operands;
  if (!a || !b || operands.length !== 2) return shape("needs two inputs");
  if (!sameShape(a.shape, b.shape) && !isChannelRow(a.shape, b.shape))
    return shape(`${shapeText(b.shape)} is neither ${shapeText(a.shape)} nor one row of its channels`);
  if (!sameShape(result.shape, a.shape)) return shape(`the result must be ${shapeText(a.shape)}`);
  if (a.format.kind !== "int" || b.format.kind !== "int") return format("takes int tensors");
  const widest = op === "multiply" ? MAX_FACTOR_WIDTH : MAX_TERM_WIDTH;
  for (const { format: own } of operands)
    if (widthOf(own) > widest) return format(`an input has at most ${widest} bits, not ${widthOf(own)}`);
  if (refuseFractions(check)) return;
  if (result.format.kind !== "int" || !isSigned(result.format)) return format("the result is a signed int");
  const fraction = arithmeticFraction(op, a.format, b.format);
  if (result.format.fraction !== fraction)
    format(
      `the result's fraction is ${fraction}, the ${op === "multiply" ? "sum" : "larger"} of the inputs'`,
    );
}

function checkArgmax({ input, result, shape, format }: Check): void {
  if (!sameShape(result.shape, [...input.shape.slice(0, -1), 1])) shape("the last axis becomes 1");
  if (typeof input.format.fraction !== "number")
    format("channels with different fractions cannot be compared");
  if (result.format.kind !== "int" || isSigned(result.format) || result.format.fraction !== 0)
    return format("the result is an unsigned int with fraction 0");
  if (mantissaRange(result.format).max < channelsOf(input) - 1)
    format("the result is too narrow for the index");
}
