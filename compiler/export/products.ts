// Dense layers and convolutions in operators of ONNX. In: the instruction. Out: weights behind their quantizer, the product, and
// the bias behind it.
import { operandOf } from "../program/bounds.ts";
import {
  type Constant,
  type ConvInstruction,
  type DenseInstruction,
  fractionOf,
} from "../program/program.ts";
import { kernelFirst } from "./layout.ts";
import { type Bare, isStated, quantizerOf, stepsOf, type Writer, withAdded } from "./writer.ts";

/** Real weights in the file's order, and their quantizer where it can be stated. Returns the tensor. */
function weightsTensor(
  { file }: Writer,
  { name, format }: Constant,
  dims: readonly number[],
  values: readonly number[],
  scaleDims: readonly number[],
): string {
  const quantizer = file.free(`${name}.quant`);
  const weights = file.numbers(name, dims, values);
  if (!isStated(format)) return weights;
  const steps = stepsOf(format);
  const scale = file.numbers(`${name}.scale`, steps.length === 1 ? [] : scaleDims, steps);
  return file.node({ name: quantizer, ...quantizerOf(file, name, weights, format, scale, "ROUND") });
}

/** Real values of weights, in the program's order. */
function valuesOf({ data, format, shape }: Constant): number[] {
  const row = data.length / shape[0]!;
  return data.map((m, i) => operandOf(format, m) * 2 ** -fractionOf(format, Math.floor(i / row)));
}

function addProduct(
  writer: Writer,
  instruction: DenseInstruction | ConvInstruction,
  product: Bare,
  bias: readonly number[] | null,
): void {
  if (bias === null) return writer.result(instruction, product);
  const { result } = instruction;
  const { format, shape } = writer.value(result);
  const sums = writer.inner(instruction, product);
  writer.outer(instruction, "bias.add", withAdded(writer, instruction, sums, bias, format, shape.length));
}

export function denseNodes(writer: Writer, instruction: DenseInstruction): void {
  const weights = writer.constant(instruction.weights);
  const [units, inputs] = weights.shape as [number, number];
  const values = valuesOf(weights);
  const turned = values.map((_, i) => values[(i % units) * inputs + Math.floor(i / units)]!);
  const matrix = weightsTensor(writer, weights, [inputs, units], turned, [1, units]);
  const bias = instruction.bias === null ? null : writer.constant(instruction.bias).data;
  const product = { operator: "MatMul", inputs: [writer.tensor(instruction.input), matrix] };
  addProduct(writer, instruction, product, bias);
}

export function convNodes(writer: Writer, instruction: ConvInstruction): void {
  const { strides, dilations, padding, spread, groups, padMantissa } = instruction;
  const weights = writer.constant(instruction.weights);
  const { shape } = weights;
  const kernel = shape.slice(1, -1);
  const [units, channels] = [shape[0]!, shape.at(-1)!];
  const isSpread = spread.some((s) => s > 1);
  const isPadded = [...padding.before, ...padding.after].some((n) => n > 0);
  const outside = isPadded ? padMantissa : 0;
  const given = instruction.bias === null ? null : writer.constant(instruction.bias).data;
  const values = valuesOf(weights);
  const { format } = writer.value(instruction.input);
  let input = writer.tensor(instruction.input);
  let bias = given;
  if (outside !== 0 && !isSpread) {
    // Zeros are what ONNX pads with: the input counts from there on, and the bias makes up for it.
    const zero = writer.numbers(instruction, "outside", [], [outside * 2 ** -fractionOf(format, 0)]);
    input = writer.step(instruction, "shifted", { operator: "Sub", inputs: [input, zero] });
    const row = weights.data.length / units;
    bias = Array.from({ length: units }, (_, u) => {
      let sum = 0;
      for (let i = u * row; i < (u + 1) * row; i++) sum += operandOf(weights.format, weights.data[i]!);
      return (given?.[u] ?? 0) + outside * sum;
    });
  }
  const ones = kernel.map(() => 1);
  if (!isSpread) {
    const dims = [units, channels, ...kernel];
    const tensor = weightsTensor(writer, weights, dims, kernelFirst(values, shape, false), [
      units,
      1,
      ...ones,
    ]);
    const pads = [...padding.before, ...padding.after];
    const attributes = { kernel_shape: kernel, strides, pads, dilations, group: groups };
    return addProduct(writer, instruction, { operator: "Conv", inputs: [input, tensor], attributes }, bias);
  }
  // What a transposed convolution cuts off its result is what its kernel reaches beyond the padding.
  const cut = (cells: readonly number[]): number[] =>
    cells.map((size, a) => (kernel[a]! - 1) * dilations[a]! - size);
  const pads = [...cut(padding.before), ...cut(padding.after)];
  if (strides.some((s) => s > 1))
    return writer.refuse(instruction, "it has a stride and zeros between its inputs");
  if (outside !== 0)
    return writer.refuse(instruction, "it is padded with other numbers than are between its inputs");
  if (pads.some((n) => n < 0)) return writer.refuse(instruction, "its padding is wider than its kernel");
  if (typeof weights.format.fraction !== "number" && groups > 1)
    return writer.refuse(instruction, "it has groups, and units with steps of their own");
  // [channels of a group, units of a group ...] for each group, one behind the other.
  const flipped = kernelFirst(values, shape, true);
  const each = units / groups;
  const taps = kernel.reduce((a, b) => a * b, 1);
  const turned = flipped.map((_, i) => {
    const [channel, unit, tap] = [Math.floor(i / (each * taps)), Math.floor(i / taps) % each, i % taps];
    const [group, own] = [Math.floor(channel / channels), channel % channels];
    return flipped[((group * each + unit) * channels + own) * taps + tap]!;
  });
  const dims = [channels * groups, each, ...kernel];
  const tensor = weightsTensor(writer, weights, dims, turned, [1, units, ...ones]);
  const attributes = { kernel_shape: kernel, strides: spread, pads, dilations, group: groups };
  addProduct(writer, instruction, { operator: "ConvTranspose", inputs: [input, tensor], attributes }, bias);
}
