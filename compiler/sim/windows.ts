// Pooling. In: an instruction and its operand. Out: the largest mantissa or the rounded mean of every window, written
// into the result's batch.
import type { PoolInstruction } from "../program/program.ts";
import { type Batch, channelsIn, planeOf, sizeOf } from "./tensor.ts";

export function pool({ kind, window, strides, padding }: PoolInstruction, input: Batch, result: Batch): void {
  const channels = channelsIn(input);
  const size = sizeOf(input);
  const { rows, columns } = planeOf(input.value.shape.slice(0, -1), 1);
  const positions = planeOf(result.value.shape.slice(0, -1), 1);
  const reach = planeOf(window, 1);
  const stride = planeOf(strides, 1);
  const before = planeOf(padding.before, 0);
  const elements = reach.rows * reach.columns;
  let at = 0;
  for (let n = 0; n < input.count; n++)
    for (let row = 0; row < positions.rows; row++)
      for (let column = 0; column < positions.columns; column++)
        for (let channel = 0; channel < channels; channel++) {
          let largest = Number.NEGATIVE_INFINITY;
          let sum = 0;
          for (let wr = 0; wr < reach.rows; wr++)
            for (let wc = 0; wc < reach.columns; wc++) {
              const r = row * stride.rows + wr - before.rows;
              const c = column * stride.columns + wc - before.columns;
              // Outside: not looked at by max, and 0 for the sum.
              if (r < 0 || r >= rows || c < 0 || c >= columns) continue;
              const x = input.data[n * size + (r * columns + c) * channels + channel]!;
              if (x > largest) largest = x;
              sum += x;
            }
          result.data[at++] = kind === "max" ? largest : mean(sum, elements);
        }
}

/** floor(sum / count + 1/2). Exact: both operands of the division are integers below 2^50, so no quotient rounds up to an integer. */
function mean(sum: number, count: number): number {
  const rounded = Math.floor((2 * sum + count) / (2 * count));
  return rounded === 0 ? 0 : rounded;
}
