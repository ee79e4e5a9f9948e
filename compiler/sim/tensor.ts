// Tensors of several inferences, as the simulator's instructions take and fill them.
import { elementsOf, type Format, type Sizes, type Value } from "../program/program.ts";

/** Mantissas of one value: count x elements, row-major. */
export interface Batch {
  readonly value: Value;
  readonly data: Float64Array;
  /** Inferences. */
  readonly count: number;
}

/** Elements of one inference. */
export function sizeOf({ value }: Batch): number {
  return elementsOf(value.shape);
}

/** Size of the last axis. */
export function channelsIn({ value }: Batch): number {
  return value.shape[value.shape.length - 1]!;
}

/** Bipolar bits count as -1 and +1, other mantissas as themselves. */
export function operands(format: Format, mantissas: ArrayLike<number>): Float64Array {
  const all = Float64Array.from(mantissas);
  if (format.kind === "bipolar") for (let i = 0; i < all.length; i++) all[i] = 2 * all[i]! - 1;
  return all;
}

/** Rows and columns: a sequence is an image of one row, and what is said of its one axis is true of the columns. */
export interface Plane {
  readonly rows: number;
  readonly columns: number;
}

/** A size for rows and columns; `row` is what a sequence has for its one row. */
export function planeOf(sizes: Sizes, row: number): Plane {
  const [first, second] = sizes;
  return second === undefined ? { rows: row, columns: first! } : { rows: first!, columns: second };
}
