// How the axes of a tensor in the file lie in the memory of a node's result. Transpose, Reshape, Squeeze and the like
// only change the view; a node that moves elements is made where an operator needs another order.

/**
 * `factors` are sizes, all above 1, whose row-major order is the memory of the node's result. Each axis of the file is
 * made of some of them, outermost first; an axis of size one, and that of the batch, of none. `batch` is the axis that
 * counts samples, or -1. Every factor belongs to one axis.
 */
export interface View {
  readonly factors: readonly number[];
  readonly axes: readonly (readonly number[])[];
  readonly batch: number;
}

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** The view of memory that holds the axes `order` of a tensor, outermost first; axes left out have size one. */
export function viewOf(dims: readonly number[], order: readonly number[], batch: number): View {
  const kept = order.filter((axis) => axis !== batch && dims[axis]! > 1);
  return {
    factors: kept.map((axis) => dims[axis]!),
    axes: dims.map((_, axis) => (kept.includes(axis) ? [kept.indexOf(axis)] : [])),
    batch,
  };
}

/** Size of one axis of the file, of one sample. */
export const sizeOf = ({ factors, axes }: View, axis: number): number =>
  product(axes[axis]!.map((f) => factors[f]!));

/** Sizes of the file's axes, the batch dimension with its own. */
export const dimsOf = (view: View, batchSize: number): number[] =>
  view.axes.map((_, axis) => (axis === view.batch ? batchSize : sizeOf(view, axis)));

/** Axis i of the result is axis permutation[i] of the view. */
export function transposed(view: View, permutation: readonly number[]): View {
  return {
    ...view,
    axes: permutation.map((axis) => view.axes[axis]!),
    batch: view.batch < 0 ? -1 : permutation.indexOf(view.batch),
  };
}

/** Whether the file's order of the elements is that of the memory. */
export const isInOrder = ({ axes }: View): boolean => axes.flat().every((factor, i) => factor === i);

/**
 * The same elements in the file's order under other sizes, those of one sample, `batch` among them as 1. Undefined
 * where the sizes cut across the factors: then the elements have to be brought into the file's order first.
 */
export function reshaped(view: View, dims: readonly number[], batch: number): View | undefined {
  const { factors, axes } = view;
  const queue = axes.flat();
  const pieces = factors.map((): number[] => []);
  const places: (readonly [number, number])[][] = [];
  let at = 0;
  let left = queue.length > 0 ? factors[queue[0]!]! : 1;
  for (const size of dims) {
    const place: (readonly [number, number])[] = [];
    for (let need = size; need > 1; ) {
      if (left === 1) {
        at++;
        if (at >= queue.length) return undefined;
        left = factors[queue[at]!]!;
      }
      const take = need % left === 0 ? left : left % need === 0 ? need : 0;
      if (take === 0) return undefined;
      const factor = queue[at]!;
      place.push([factor, pieces[factor]!.push(take) - 1]);
      need /= take;
      left /= take;
    }
    places.push(place);
  }
  if (left !== 1 || at < queue.length - 1) return undefined;
  const offsets: number[] = [];
  for (const list of pieces) offsets.push((offsets.at(-1) ?? 0) + list.length);
  return {
    factors: pieces.flat(),
    axes: places.map((place) =>
      place.map(([factor, piece]) => offsets[factor]! - pieces[factor]!.length + piece),
    ),
    batch,
  };
}

/** With the axes of `keep` alone, in that order; -1 is a new axis of size one. */
export function withAxes(view: View, keep: readonly number[]): View {
  return {
    ...view,
    axes: keep.map((axis) => (axis < 0 ? [] : view.axes[axis]!)),
    batch: view.batch < 0 ? -1 : keep.indexOf(view.batch),
  };
}

/** A view of elements in the file's order under sizes of one sample. */
export function flatView(dims: readonly number[], batch: number): View {
  return viewOf(
    dims,
    dims.map((_, axis) => axis),
    batch,
  );
}

/**
 * Where the elements of some factors stand in the file: entry m is the index in the order of `file` of the element that
 * is m-th in the order of `memory`, the same factors. Undefined where both orders are one.
 */
export function memoryToFile(
  factors: readonly number[],
  file: readonly number[],
  memory: readonly number[],
): Int32Array | undefined {
  if (file.every((factor, i) => factor === memory[i])) return undefined;
  const strides = memory.map((factor) =>
    product(file.slice(file.indexOf(factor) + 1).map((f) => factors[f]!)),
  );
  const sizes = memory.map((factor) => factors[factor]!);
  return linearIndices(sizes, strides);
}

/** The sum of digit x stride for every combination of digits, in row-major order. */
export function linearIndices(sizes: readonly number[], strides: readonly number[]): Int32Array {
  let indices = Int32Array.of(0);
  sizes.forEach((size, axis) => {
    const next = new Int32Array(indices.length * size);
    const stride = strides[axis]!;
    let at = 0;
    for (const start of indices)
      for (let digit = 0; digit < size; digit++) next[at++] = start + digit * stride;
    indices = next;
  });
  return indices;
}

/** Strides of row-major order. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = dims.map(() => 1);
  for (let axis = dims.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * dims[axis + 1]!;
  return strides;
}
