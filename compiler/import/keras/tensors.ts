// Weights as a file stores them, before a layer asks for them. Shapes are known without reading the numbers.

export interface StoredTensor {
  /** Last part of its name without ":0", such as "kernel"; its position where the file only counts. */
  readonly name: string;
  readonly shape: readonly number[];
  /** The numbers, row-major and exact. Throws when the file holds something else. */
  read(): Float64Array;
}

export interface StoredWeights {
  /** Tensors are found by position, not by name. */
  readonly byPosition: boolean;
  /** Those of a layer in the file's order; undefined: the file does not know the layer. */
  of(layer: string): readonly StoredTensor[] | undefined;
}

/** Tensor with its axes in another order: axis i of the result is axis permutation[i] of the input. */
export function permuted(
  data: Float64Array,
  shape: readonly number[],
  permutation: readonly number[],
): Float64Array {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const sizes = permutation.map((axis) => shape[axis]!);
  const steps = permutation.map((axis) => strides[axis]!);
  const out = new Float64Array(data.length);
  const index = sizes.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; to++) {
    out[to] = data[from]!;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++index[axis]! < sizes[axis]!) break;
      from -= steps[axis]! * sizes[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}
