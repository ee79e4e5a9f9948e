// Requantizations and thresholds in operators of QONNX. In: the instruction. Out: a Quant that rounds down behind an added half
// of a step, which is our rounding half up, or a MultiThreshold.
import { operandOf } from "../program/bounds.ts";
import {
  type Format,
  fractionOf,
  mantissaRange,
  type RequantizeInstruction,
  type ThresholdInstruction,
  type Value,
} from "../program/program.ts";
import { channelDims } from "./layout.ts";
import { QONNX } from "./onnx-file.ts";
import { isStated, quantizerOf, scaleOf, type Writer } from "./writer.ts";

/** Thresholds that a requantization is written as: 8 bits. */
const MAX_LEVELS = 255;

export function requantizeNodes(writer: Writer, instruction: RequantizeInstruction): void {
  const { input, result, activation, rounding, limit } = instruction;
  const from = writer.value(input);
  const { format, shape } = writer.value(result);
  const isLimited = limit !== null && limit < mantissaRange(format).max;
  if (isLimited || !isStated(format)) return levelNodes(writer, instruction, from, format);
  let tensor = writer.tensor(input);
  const channels = Math.max(countOf(from.format), countOf(format));
  const halves = Array.from({ length: channels }, (_, c) =>
    rounding === "half-up" && fractionOf(from.format, c) > fractionOf(format, c)
      ? 2 ** -(fractionOf(format, c) + 1)
      : 0,
  );
  if (halves.some((half) => half > 0)) {
    const half = writer.numbers(instruction, "half.value", channelDims(halves.length, shape.length), halves);
    tensor = writer.step(instruction, "half", { operator: "Add", inputs: [tensor, half] });
  }
  if (activation === "relu")
    tensor = writer.step(instruction, "relu", { operator: "Relu", inputs: [tensor] });
  const scale = scaleOf(writer, result, format, shape.length);
  const mode = rounding === "half-even" ? "ROUND" : "FLOOR";
  writer.result(instruction, quantizerOf(writer.file, result, tensor, format, scale, mode));
}

const countOf = ({ fraction }: Format): number => (typeof fraction === "number" ? 1 : fraction.length);

/** A requantization as the thresholds where each of its integers begins. */
function levelNodes(writer: Writer, instruction: RequantizeInstruction, from: Value, format: Format): void {
  const { activation, rounding, limit } = instruction;
  const range = mantissaRange(format);
  const least = activation === "relu" ? Math.max(0, range.min) : range.min;
  const greatest = Math.max(least, Math.min(limit ?? range.max, range.max));
  if (greatest - least > MAX_LEVELS)
    return writer.refuse(instruction, `it has a limit, and ${greatest - least + 1} levels`);
  if (typeof format.fraction !== "number")
    return writer.refuse(instruction, "it has a limit, and channels with steps of their own");
  const begins = (m: number, shift: number): number => {
    if (shift <= 0) return Math.ceil(m / 2 ** -shift);
    const half = rounding === "truncate" ? 0 : 2 ** (shift - 1);
    const isAbove = rounding === "half-even" && m % 2 !== 0;
    return m * 2 ** shift - half + (isAbove ? 1 : 0);
  };
  const rows = Array.from({ length: countOf(from.format) }, (_, c) => {
    const shift = fractionOf(from.format, c) - fractionOf(format, c);
    if (greatest === least) return [mantissaRange(from.format).max + 1];
    return Array.from({ length: greatest - least }, (_, k) => begins(least + 1 + k, shift));
  });
  multiThreshold(writer, instruction, from, rows, least, format);
}

export function thresholdNodes(writer: Writer, instruction: ThresholdInstruction): void {
  const { input, result, base } = instruction;
  const from = writer.value(input);
  const { format } = writer.value(result);
  const { data, shape } = writer.constant(instruction.thresholds);
  const [channels, levels] = shape as [number, number];
  if (typeof format.fraction !== "number")
    return writer.refuse(instruction, "its channels have steps of their own");
  const rows = Array.from({ length: channels }, (_, c) => data.slice(c * levels, (c + 1) * levels));
  multiThreshold(writer, instruction, from, rows, base, format);
}

/** base + the number of thresholds that are reached, in the steps of a format; one row, or one for each channel. */
function multiThreshold(
  writer: Writer,
  instruction: RequantizeInstruction | ThresholdInstruction,
  from: Value,
  rows: readonly (readonly number[])[],
  base: number,
  format: Format,
): void {
  const values = rows.map((row, c) =>
    row.map((m) => operandOf(from.format, m) * 2 ** -fractionOf(from.format, c)),
  );
  const isOne = values.every((row) => row.every((value, k) => value === values[0]![k]));
  const kept = isOne ? values.slice(0, 1) : values;
  const dims = [kept.length, kept[0]!.length];
  const thresholds = writer.numbers(instruction, "thresholds", dims, kept.flat());
  const step = 2 ** -fractionOf(format, 0);
  const isBit = format.kind === "bipolar";
  const [outScale, outBias] = isBit ? [2 * step, -step] : [step, base * step];
  // Channels stand on axis 1 of images and flat tensors; of a sequence they are put last.
  const isSequence = from.shape.length === 2 && !isOne;
  const input = isSequence ? writer.lastTensor(instruction.input) : writer.tensor(instruction.input);
  const spec = {
    operator: "MultiThreshold",
    domain: QONNX,
    inputs: [input, thresholds],
    attributes: {
      data_layout: isSequence ? "NHWC" : "NCHW",
      out_bias: { float: outBias },
      out_dtype: "FLOAT32",
      out_scale: { float: outScale },
    },
  };
  if (isSequence) writer.lastResult(instruction, spec);
  else writer.result(instruction, spec);
}
