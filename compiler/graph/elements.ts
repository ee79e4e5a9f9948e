// Where the elements of a rearranged tensor come from. In: an operator that only moves elements. Out: for each element of
// the result the index of its source, -1 where nothing but 0 stands.
import type { PadOperator, SliceOperator, TransposeOperator, UpsampleOperator } from "./graph.ts";
import { product, type Shape } from "./shapes.ts";

/** Operators that move elements and compute nothing; a reshape leaves them where they are. */
export type MoveOperator = SliceOperator | PadOperator | TransposeOperator | UpsampleOperator;

/** Index of the source of every element of `result`, one sample. */
export function sourcesOf(operator: MoveOperator, input: Shape, result: Shape): Int32Array {
  const strides = input.map((_, axis) => product(input.slice(axis + 1)));
  const place = placeOf(operator, input.length);
  return Int32Array.from({ length: product(result) }, (_, element) => {
    let rest = element;
    let source = 0;
    for (let axis = result.length - 1; axis >= 0; axis--) {
      const [from, index] = place(axis, rest % result[axis]!);
      rest = Math.floor(rest / result[axis]!);
      if (index < 0 || index >= input[from]!) return -1;
      source += index * strides[from]!;
    }
    return source;
  });
}

/** Axis of the input, and index along it, for an index along an axis of the result. */
function placeOf(operator: MoveOperator, rank: number): (axis: number, index: number) => [number, number] {
  switch (operator.kind) {
    case "slice":
      return (axis, index) => [axis, index + operator.begin[axis]!];
    case "pad":
      return (axis, index) => [axis, index - operator.padding.before[axis]!];
    case "transpose":
      return (axis, index) => [operator.permutation[axis]!, index];
    case "upsample":
      return (axis, index) => [axis, axis === rank - 1 ? index : Math.floor(index / operator.factors[axis]!)];
  }
}
