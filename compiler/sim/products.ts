// Sums of products: dense and conv. In: operands as SEMANTICS.md names them. Out: the exact sums, written into the
// result's batch.
import type { Constant, ConvInstruction, DenseInstruction } from "../program/program.ts";
import { type Batch, channelsIn, operands, type Plane, planeOf, sizeOf } from "./tensor.ts";

export function dense(
  instruction: DenseInstruction,
  input: Batch,
  result: Batch,
  constant: (name: string) => Constant,
): void {
  const weights = constant(instruction.weights);
  const [outputs, size] = weights.shape as [number, number];
  const w = operands(weights.format, weights.data);
  const a = operands(input.value.format, input.data);
  const bias = instruction.bias === null ? new Float64Array(outputs) : constant(instruction.bias).data;
  for (let n = 0; n < input.count; n++) {
    for (let o = 0; o < outputs; o++) {
      let sum = bias[o]!;
      for (let i = 0; i < size; i++) sum += w[o * size + i]! * a[n * size + i]!;
      result.data[n * outputs + o] = sum === 0 ? 0 : sum;
    }
  }
}

/** input' of one inference: the input with zeros between neighbours, and padMantissa around that. */
interface Padded extends Plane {
  /** rows x columns x channels. */
  readonly data: Float64Array;
}

export function conv(
  instruction: ConvInstruction,
  input: Batch,
  result: Batch,
  constant: (name: string) => Constant,
): void {
  const weights = constant(instruction.weights);
  const [outputs] = weights.shape as [number];
  const kernel = planeOf(weights.shape.slice(1, -1), 1);
  const stride = planeOf(instruction.strides, 1);
  const dilation = planeOf(instruction.dilations, 1);
  const positions = planeOf(result.value.shape.slice(0, -1), 1);
  const channels = channelsIn(input);
  const perGroup = channels / instruction.groups;
  const outputsPerGroup = outputs / instruction.groups;
  const w = operands(weights.format, weights.data);
  const bias = instruction.bias === null ? new Float64Array(outputs) : constant(instruction.bias).data;
  let at = 0;
  for (let n = 0; n < input.count; n++) {
    const { data: a, columns } = paddedInput(instruction, input, n);
    for (let row = 0; row < positions.rows; row++)
      for (let column = 0; column < positions.columns; column++)
        for (let o = 0; o < outputs; o++) {
          const group = Math.floor(o / outputsPerGroup);
          let sum = bias[o]!;
          for (let kr = 0; kr < kernel.rows; kr++)
            for (let kc = 0; kc < kernel.columns; kc++) {
              const r = row * stride.rows + kr * dilation.rows;
              const c = column * stride.columns + kc * dilation.columns;
              const from = (r * columns + c) * channels + group * perGroup;
              const weight = ((o * kernel.rows + kr) * kernel.columns + kc) * perGroup;
              for (let i = 0; i < perGroup; i++) sum += w[weight + i]! * a[from + i]!;
            }
          result.data[at++] = sum === 0 ? 0 : sum;
        }
  }
}

function paddedInput({ padding, spread, padMantissa }: ConvInstruction, input: Batch, n: number): Padded {
  const channels = channelsIn(input);
  const { rows, columns } = planeOf(input.value.shape.slice(0, -1), 1);
  const step = planeOf(spread, 1);
  const before = planeOf(padding.before, 0);
  const after = planeOf(padding.after, 0);
  const inner: Plane = { rows: (rows - 1) * step.rows + 1, columns: (columns - 1) * step.columns + 1 };
  const outer: Plane = {
    rows: before.rows + inner.rows + after.rows,
    columns: before.columns + inner.columns + after.columns,
  };
  const size = sizeOf(input);
  const given = operands(input.value.format, input.data.subarray(n * size, (n + 1) * size));
  // Verified: what is padded or spread is no bipolar tensor, so padMantissa and 0 are operands as they stand.
  const data = new Float64Array(outer.rows * outer.columns * channels).fill(padMantissa);
  for (let r = 0; r < inner.rows; r++)
    for (let c = 0; c < inner.columns; c++) {
      const to = ((before.rows + r) * outer.columns + before.columns + c) * channels;
      const isInput = r % step.rows === 0 && c % step.columns === 0;
      const from = ((r / step.rows) * columns + c / step.columns) * channels;
      for (let i = 0; i < channels; i++) data[to + i] = isInput ? given[from + i]! : 0;
    }
  return { ...outer, data };
}
