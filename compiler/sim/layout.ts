// Instructions that only move mantissas: select, concat, slice, pad, transpose, upsample. In: operands as SEMANTICS.md
// names them. Out: the result's mantissas, written into its batch.
import type {
  ConcatInstruction,
  PadInstruction,
  SelectInstruction,
  SliceInstruction,
  TransposeInstruction,
  UpsampleInstruction,
} from "../program/program.ts";
import { type Batch, sizeOf } from "./tensor.ts";

export function select({ indices }: SelectInstruction, input: Batch, result: Batch): void {
  const size = sizeOf(input);
  for (let n = 0; n < input.count; n++)
    for (let j = 0; j < indices.length; j++)
      result.data[n * indices.length + j] = input.data[n * size + indices[j]!]!;
}

/**
 * Visits every element of a shape in order. `index` is one array that is overwritten, its entries the element's
 * position along each axis; `offset` counts the elements.
 */
function eachElement(
  shape: readonly number[],
  visit: (index: readonly number[], offset: number) => void,
): void {
  const index = shape.map(() => 0);
  const size = shape.reduce((product, n) => product * n, 1);
  for (let offset = 0; offset < size; offset++) {
    visit(index, offset);
    for (let a = shape.length - 1; a >= 0; a--) {
      index[a]!++;
      if (index[a]! < shape[a]!) break;
      index[a] = 0;
    }
  }
}

/** Offset of an element in a tensor of a shape. */
function offsetOf(index: readonly number[], shape: readonly number[]): number {
  let offset = 0;
  for (let a = 0; a < shape.length; a++) offset = offset * shape[a]! + index[a]!;
  return offset;
}

/** result[i] = input[sources[i]] in every inference; below 0 stands `outside`. */
function gather(sources: Int32Array, input: Batch, result: Batch, outside = 0): void {
  const size = sizeOf(input);
  const moved = sources.length;
  for (let n = 0; n < input.count; n++)
    for (let i = 0; i < moved; i++) {
      const from = sources[i]!;
      result.data[n * moved + i] = from < 0 ? outside : input.data[n * size + from]!;
    }
}

/** For every element of the result where it lies in the input: `position(index, a)` along axis a. */
function sourcesOf(
  input: Batch,
  result: Batch,
  position: (index: readonly number[], axis: number) => number,
): Int32Array {
  const { shape } = input.value;
  const sources = new Int32Array(sizeOf(result));
  eachElement(result.value.shape, (index, offset) => {
    const from = shape.map((_, a) => position(index, a));
    const inside = from.every((p, a) => p >= 0 && p < shape[a]!);
    sources[offset] = inside ? offsetOf(from, shape) : -1;
  });
  return sources;
}

export function slice({ begin }: SliceInstruction, input: Batch, result: Batch): void {
  gather(
    sourcesOf(input, result, (index, a) => begin[a]! + index[a]!),
    input,
    result,
  );
}

export function pad({ before, mantissa }: PadInstruction, input: Batch, result: Batch): void {
  gather(
    sourcesOf(input, result, (index, a) => index[a]! - before[a]!),
    input,
    result,
    mantissa,
  );
}

export function transpose({ permutation }: TransposeInstruction, input: Batch, result: Batch): void {
  gather(
    sourcesOf(input, result, (index, a) => index[permutation.indexOf(a)]!),
    input,
    result,
  );
}

export function upsample({ factors }: UpsampleInstruction, input: Batch, result: Batch): void {
  gather(
    sourcesOf(input, result, (index, a) => Math.floor(index[a]! / (factors[a] ?? 1))),
    input,
    result,
  );
}

export function concat({ axis }: ConcatInstruction, inputs: readonly Batch[], result: Batch): void {
  const size = sizeOf(result);
  let begin = 0;
  for (const input of inputs) {
    const { shape } = input.value;
    const own = sizeOf(input);
    const targets = new Int32Array(own);
    eachElement(shape, (index, offset) => {
      const to = index.map((p, a) => (a === axis ? begin + p : p));
      targets[offset] = offsetOf(to, result.value.shape);
    });
    for (let n = 0; n < input.count; n++)
      for (let i = 0; i < own; i++) result.data[n * size + targets[i]!] = input.data[n * own + i]!;
    begin += shape[axis]!;
  }
}
