// Instructions that work on each element or channel row: requantize, threshold, table, add, subtract, multiply, argmax.
// In: operands as SEMANTICS.md names them. Out: the result's mantissas, written into its batch.
import {
  type ArithmeticInstruction,
  type Constant,
  fractionOf,
  mantissaRange,
  type RequantizeInstruction,
  type ScaleInstruction,
  type TableInstruction,
  type ThresholdInstruction,
} from "../program/program.ts";
import { saturate, shiftRound } from "../support/fixed-point.ts";
import { type Batch, channelsIn, sizeOf } from "./tensor.ts";

export function requantize(
  { activation, rounding, limit }: RequantizeInstruction,
  input: Batch,
  result: Batch,
): void {
  const range = mantissaRange(result.value.format);
  const channels = channelsIn(input);
  const shifts = Array.from(
    { length: channels },
    (_, c) => fractionOf(input.value.format, c) - fractionOf(result.value.format, c),
  );
  for (let i = 0; i < input.data.length; i++) {
    let y = shiftRound(input.data[i]!, shifts[i % channels]!, rounding);
    if (activation === "relu" && y < 0) y = 0;
    if (limit !== null && y > limit) y = limit;
    result.data[i] = saturate(y, range);
  }
}

export function threshold(
  { thresholds, base }: ThresholdInstruction,
  input: Batch,
  result: Batch,
  constant: (name: string) => Constant,
): void {
  const { shape, data } = constant(thresholds);
  const [channels, levels] = shape as [number, number];
  for (let i = 0; i < input.data.length; i++) {
    const c = i % channels;
    let passed = 0;
    for (let k = 0; k < levels; k++) if (input.data[i]! >= data[c * levels + k]!) passed++;
    result.data[i] = base + passed;
  }
}

export function table(
  instruction: TableInstruction,
  input: Batch,
  result: Batch,
  constant: (name: string) => Constant,
): void {
  const { data } = constant(instruction.table);
  const { min } = mantissaRange(input.value.format);
  for (let i = 0; i < input.data.length; i++) result.data[i] = data[input.data[i]! - min]!;
}

export function scale(
  { multipliers, offsets }: ScaleInstruction,
  input: Batch,
  result: Batch,
  constant: (name: string) => Constant,
): void {
  const factors = constant(multipliers).data;
  const added = offsets === null ? null : constant(offsets).data;
  for (let i = 0; i < input.data.length; i++) {
    const c = i % factors.length;
    const exact = input.data[i]! * factors[c]! + (added ? added[c]! : 0);
    result.data[i] = exact === 0 ? 0 : exact;
  }
}

export function arithmetic({ op }: ArithmeticInstruction, a: Batch, b: Batch, result: Batch): void {
  const size = sizeOf(a);
  // One row of channels for all positions has fewer elements, and repeats.
  const other = sizeOf(b);
  const fraction = fractionOf(result.value.format, 0);
  const scaleA = 2 ** (fraction - fractionOf(a.value.format, 0));
  const scaleB = 2 ** (fraction - fractionOf(b.value.format, 0));
  for (let n = 0; n < a.count; n++)
    for (let i = 0; i < size; i++) {
      const x = a.data[n * size + i]!;
      const y = b.data[n * other + (i % other)]!;
      const exact =
        op === "multiply" ? x * y : op === "add" ? x * scaleA + y * scaleB : x * scaleA - y * scaleB;
      result.data[n * size + i] = exact === 0 ? 0 : exact;
    }
}

export function argmax(input: Batch, result: Batch): void {
  const channels = channelsIn(input);
  for (let n = 0; n < result.data.length; n++) {
    let best = 0;
    for (let c = 1; c < channels; c++)
      if (input.data[n * channels + c]! > input.data[n * channels + best]!) best = c;
    result.data[n] = best;
  }
}
