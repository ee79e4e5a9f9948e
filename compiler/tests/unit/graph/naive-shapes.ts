// Shapes by doing the work: the plainest execution of the operators on tensors of marks. In: an operator and the shapes
// that enter it. Out: the shape of what it made. Shares nothing with the shape rules that it judges.
import type { ConvOperator, Operator, Padding } from "../../../graph/graph.ts";

/** Nested rows of numbers; the innermost are the channels. */
type Tensor = number | readonly Tensor[];

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

function filled([size, ...rest]: readonly number[], value = 1): Tensor {
  return size === undefined ? value : range(size).map(() => filled(rest, value));
}

function shapeOf(tensor: Tensor): number[] {
  return typeof tensor === "number" ? [] : [tensor.length, ...shapeOf(tensor[0]!)];
}

const rows = (tensor: Tensor): readonly Tensor[] => tensor as readonly Tensor[];
const leaves = (tensor: Tensor): number[] =>
  typeof tensor === "number" ? [tensor] : tensor.flatMap((part) => leaves(part));

/** Positions at which a window may begin: those from which each of its cells can be read. */
function starts(cells: readonly Tensor[], kernel: number, dilation: number, stride: number): number[] {
  const found: number[] = [];
  for (let at = 0; range(kernel).every((k) => cells[at + k * dilation] !== undefined); at += stride)
    found.push(at);
  return found;
}

/** Zeros around the first `before.length` axes. */
function padded(tensor: Tensor, { before, after }: Padding, value = 0): Tensor {
  if (before.length === 0) return tensor;
  const [b, ...moreBefore] = before;
  const [a, ...moreAfter] = after;
  const inner = rows(tensor).map((part) => padded(part, { before: moreBefore, after: moreAfter }, value));
  const empty = filled(shapeOf(inner[0]!), value);
  return [...range(b!).map(() => empty), ...inner, ...range(a!).map(() => empty)];
}

/** Slides over the spatial axes; a result has `channels` numbers. */
function slide(
  tensor: Tensor,
  kernel: readonly number[],
  dilations: readonly number[],
  strides: readonly number[],
  channels: number,
): Tensor {
  if (kernel.length === 0) return filled([channels]);
  const [k, ...kernels] = kernel;
  const [d, ...moreDilations] = dilations;
  const [s, ...moreStrides] = strides;
  return starts(rows(tensor), k!, d!, s!).map((at) =>
    slide(rows(tensor)[at]!, kernels, moreDilations, moreStrides, channels),
  );
}

/** Every position writes its window into the result, axis by axis; then the padding is cut or added. */
function transposedSizes(
  { kernel, strides, dilations, padding }: ConvOperator,
  sizes: readonly number[],
): number[] {
  return sizes.map((size, axis) => {
    const written = new Set<number>();
    for (const p of range(size))
      for (const k of range(kernel[axis]!)) written.add(p * strides[axis]! + k * dilations[axis]!);
    const all = range(Math.max(...written) + 1).slice(padding.before[axis]);
    const after = padding.after[axis]!;
    return after < 0 ? all.length - after : all.slice(0, all.length - after).length;
  });
}

function transposed(tensor: Tensor, permutation: readonly number[]): Tensor {
  const at = (index: readonly number[]): Tensor => index.reduce((t: Tensor, i) => rows(t)[i]!, tensor);
  const shape = shapeOf(tensor);
  const build = (index: readonly number[]): Tensor => {
    if (index.length < shape.length)
      return range(shape[permutation[index.length]!]!).map((i) => build([...index, i]));
    const source = new Array<number>(shape.length);
    for (const [axis, from] of permutation.entries()) source[from] = index[axis]!;
    return at(source);
  };
  return build([]);
}

function reshaped(numbers: number[], [size, ...rest]: readonly number[]): Tensor {
  if (size === undefined) return numbers[0]!;
  const part = numbers.length / size;
  return range(size).map((i) => reshaped(numbers.slice(i * part, (i + 1) * part), rest));
}

function sliced(tensor: Tensor, begin: readonly number[], sizes: readonly number[]): Tensor {
  const [b, ...moreBegin] = begin;
  const [s, ...moreSizes] = sizes;
  if (b === undefined) return tensor;
  return rows(tensor)
    .slice(b, b + s!)
    .map((part) => sliced(part, moreBegin, moreSizes));
}

function repeated(tensor: Tensor, [factor, ...rest]: readonly number[]): Tensor {
  if (factor === undefined) return tensor;
  return rows(tensor).flatMap((part) => range(factor).map(() => repeated(part, rest)));
}

function joined(tensors: readonly Tensor[], axis: number): Tensor {
  if (axis === 0) return tensors.flatMap((tensor) => rows(tensor));
  return rows(tensors[0]!).map((_, i) =>
    joined(
      tensors.map((tensor) => rows(tensor)[i]!),
      axis - 1,
    ),
  );
}

/** The shape of what the operator makes of tensors of these shapes. */
export function executedShape(operator: Operator, inputs: readonly (readonly number[])[]): number[] {
  const tensors = inputs.map((shape) => filled(shape));
  const tensor = tensors[0]!;
  const shape = inputs[0]!;
  const channels = shape.at(-1)!;
  switch (operator.kind) {
    case "dense":
      return shapeOf(range(operator.units).map(() => leaves(tensor).reduce((a, b) => a + b, 0)));
    case "conv": {
      const { kernel, dilations, strides, padding, units } = operator;
      if (operator.transposed) return [...transposedSizes(operator, shape.slice(0, -1)), units];
      return shapeOf(slide(padded(tensor, padding), kernel, dilations, strides, units));
    }
    case "pool": {
      const { window, strides, padding } = operator;
      return shapeOf(
        slide(
          padded(tensor, padding),
          window,
          window.map(() => 1),
          strides,
          channels,
        ),
      );
    }
    case "flatten":
      return shapeOf(leaves(tensor));
    case "argmax":
      return shapeOf(
        slide(
          tensor,
          shape.slice(0, -1).map(() => 1),
          shape.map(() => 1),
          shape.map(() => 1),
          1,
        ),
      );
    case "slice":
      return shapeOf(sliced(tensor, operator.begin, operator.sizes));
    case "pad":
      return shapeOf(padded(tensor, operator.padding, operator.value));
    case "reshape":
      return shapeOf(reshaped(leaves(tensor), operator.sizes));
    case "transpose":
      return shapeOf(transposed(tensor, operator.permutation));
    case "upsample":
      return shapeOf(repeated(tensor, operator.factors));
    case "concat":
      return shapeOf(joined(tensors, operator.axis));
    default:
      // Element by element: the first operand's shape.
      return shapeOf(tensor);
  }
}
