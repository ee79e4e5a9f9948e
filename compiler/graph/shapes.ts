// THE shape rules of the operators. In: an operator with its attributes and the shapes that enter it. Out: the shape
// of its result, or everything that does not fit. Front ends report the problems at the user's own text.
import { assertNever } from "../support/assert.ts";
import type { MessageCode, MessageParameters } from "../support/messages.ts";
import type { ConcatOperator, ConvOperator, Operator, Padding, PoolOperator, Sizes } from "./graph.ts";

export type Shape = readonly number[];

/** Elements of one tensor. */
export const MAX_ELEMENTS = 2 ** 20;
/** Weights of one layer. */
export const MAX_WEIGHTS = 2 ** 24;

type ShapeCode = Extract<MessageCode, `graph/${string}`>;

/** What does not fit: a diagnostic without its place. */
export type ShapeProblem = {
  readonly [C in ShapeCode]: {
    readonly code: C;
    readonly parameters: MessageParameters<C>;
    /** The attribute that is to blame, for the place of the message. */
    readonly attribute?: string;
  };
}[ShapeCode];

export type ShapeResult = { readonly shape: Shape } | { readonly problems: readonly ShapeProblem[] };

export const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** Spatial sizes of an image or a sequence: all but the channels. */
export const spatialOf = (shape: Shape): Sizes => shape.slice(0, -1);

/** Positions that a kernel reaches over on an axis. */
export const reachOf = (kernel: number, dilation: number): number => (kernel - 1) * dilation + 1;

/** Weights of one unit: the window and the channels of its group. `channels` are those of the input. */
export function weightsPerUnit({ kernel, groups }: ConvOperator, channels: number): number {
  return (product(kernel) * channels) / groups;
}

/**
 * The padding of `same`: a window at every `stride`-th position, ceil(size / stride) of them, with the odd one behind.
 * Transposed: the result has size * stride positions; where the kernel is smaller than the stride, `after` adds to it.
 */
export function samePadding(
  sizes: Sizes,
  kernel: Sizes,
  strides: Sizes,
  dilations: Sizes,
  transposed = false,
): Padding {
  const total = sizes.map((size, i) => {
    const reach = reachOf(kernel[i]!, dilations[i]!);
    if (transposed) return reach - strides[i]!;
    return Math.max(0, (Math.ceil(size / strides[i]!) - 1) * strides[i]! + reach - size);
  });
  const before = total.map((cells) => Math.floor(Math.max(0, cells) / 2));
  return { before, after: total.map((cells, i) => cells - before[i]!) };
}

/**
 * The shape of an operator's result. `operation` is what the user calls it. Never throws: attributes that are no sizes
 * are problems too.
 */
export function inferShape(
  operator: Operator,
  inputs: readonly Shape[],
  operation: string = operator.kind,
): ShapeResult {
  const problems: ShapeProblem[] = [];
  checkAttributes(operator, operation, problems);
  checkOperands(operator, inputs, operation, problems);
  if (problems.length > 0) return { problems };
  const shape = shapeOf(operator, inputs, operation, problems);
  if (problems.length > 0 || !shape) return { problems };
  const elements = product(shape);
  if (elements <= MAX_ELEMENTS) return { shape };
  const parameters = { operation, shape, elements, limit: MAX_ELEMENTS };
  return { problems: [{ code: "graph/too-large", parameters }] };
}

function shapeOf(
  operator: Operator,
  inputs: readonly Shape[],
  operation: string,
  problems: ShapeProblem[],
): Shape | undefined {
  const shape = inputs[0]!;
  const rank = shape.length;
  switch (operator.kind) {
    case "dense":
      if (rank !== 1) wrongRank(operation, shape, "a flat value", problems);
      checkWeights(product(shape), operator.units, problems);
      return [operator.units];
    case "conv":
      return convShape(operator, shape, operation, problems);
    case "pool":
      return poolShape(operator, shape, operation, problems);
    case "relu":
    case "hardtanh":
    case "step":
    case "sign":
    case "batchnorm":
    case "relu6":
    case "hardsigmoid":
    case "hardswish":
    case "sigmoid":
    case "tanh":
    case "leaky_relu":
    case "curve":
      return shape;
    case "flatten":
      return [product(shape)];
    case "argmax":
      return [...spatialOf(shape), 1];
    case "slice":
      return sliceShape(operator, shape, operation, problems);
    case "pad": {
      const { before, after } = operator.padding;
      checkRank(operation, "padding", before, shape, rank, problems);
      return shape.map((size, axis) => size + before[axis]! + after[axis]!);
    }
    case "reshape": {
      const { sizes } = operator;
      const [elements, wanted] = [product(shape), product(sizes)];
      const parameters = { shape, elements, sizes, wanted };
      if (elements !== wanted)
        problems.push({ code: "graph/reshape-elements", parameters, attribute: "shape" });
      return sizes;
    }
    case "transpose": {
      const { permutation } = operator;
      if (permutation.toSorted((a, b) => a - b).join() !== shape.map((_, axis) => axis).join())
        problems.push({
          code: "graph/bad-permutation",
          parameters: { permutation, rank },
          attribute: "axes",
        });
      return permutation.map((axis) => shape[axis]!);
    }
    case "upsample": {
      const { factors } = operator;
      if (!isSpatial(operation, shape, problems)) return undefined;
      if (!checkRank(operation, "factor", factors, shape, rank - 1, problems)) return undefined;
      return [...spatialOf(shape).map((size, i) => size * factors[i]!), shape.at(-1)!];
    }
    case "add":
    case "subtract":
    case "multiply": {
      const other = inputs[1]!;
      const parameters = { operation, first: shape, other };
      if (!isSame(shape, other) && !isGate(shape, other))
        problems.push({ code: "graph/unlike-shapes", parameters });
      return shape;
    }
    case "concat":
      return concatShape(operator, inputs, operation, problems);
    default:
      return assertNever(operator, "shape");
  }
}

const isSame = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((size, i) => size === b[i]);

/** Whether `other` has one value for each channel of `shape`. */
const isGate = (shape: Shape, other: Shape): boolean =>
  shape.length > 1 && isSame([...spatialOf(shape).map(() => 1), shape.at(-1)!], other);

function wrongRank(operation: string, shape: Shape, wanted: string, problems: ShapeProblem[]): void {
  problems.push({ code: "graph/wrong-rank", parameters: { operation, shape, wanted } });
}

function isSpatial(operation: string, shape: Shape, problems: ShapeProblem[]): boolean {
  if (shape.length === 2 || shape.length === 3) return true;
  wrongRank(operation, shape, "an image or a sequence", problems);
  return false;
}

/** Whether an attribute has a size for each of `axes` axes. */
function checkRank(
  operation: string,
  attribute: string,
  sizes: Sizes,
  shape: Shape,
  axes: number,
  problems: ShapeProblem[],
): boolean {
  if (sizes.length === axes) return true;
  const parameters = { operation, attribute, sizes, axes, shape };
  problems.push({ code: "graph/attribute-rank", parameters, attribute });
  return false;
}

function checkWeights(inputs: number, units: number, problems: ShapeProblem[]): void {
  if (inputs * units <= MAX_WEIGHTS) return;
  const parameters = { inputs, units, limit: MAX_WEIGHTS };
  problems.push({ code: "graph/too-many-weights", parameters });
}

function convShape(
  operator: ConvOperator,
  shape: Shape,
  operation: string,
  problems: ShapeProblem[],
): Shape | undefined {
  const { kernel, strides, dilations, padding, groups, units, transposed } = operator;
  if (!isSpatial(operation, shape, problems)) return undefined;
  const axes = shape.length - 1;
  const channels = shape.at(-1)!;
  const fits = [
    checkRank(operation, "kernel", kernel, shape, axes, problems),
    checkRank(operation, "stride", strides, shape, axes, problems),
    checkRank(operation, "dilation", dilations, shape, axes, problems),
    checkRank(operation, "padding", padding.before, shape, axes, problems),
  ];
  for (const [what, count] of [["channels", channels] as const, ["units", units] as const]) {
    if (count % groups === 0) continue;
    const parameters = { operation, groups, what, count };
    problems.push({ code: "graph/bad-groups", parameters, attribute: "groups" });
  }
  if (fits.includes(false)) return undefined;
  checkWeights(weightsPerUnit(operator, channels), units, problems);
  const reach = kernel.map((size, i) => reachOf(size, dilations[i]!));
  if (!transposed) return windows(shape, reach, operator, "kernel", operation, units, problems);
  checkPadding(operation, padding, reach, problems);
  const sizes = spatialOf(shape).map(
    (size, i) => (size - 1) * strides[i]! + reach[i]! - padding.before[i]! - padding.after[i]!,
  );
  if (sizes.some((size) => size < 1)) {
    const parameters = { operation, padding: padding.after, limit: reach.map((size) => size - 1) };
    problems.push({ code: "graph/padding-too-wide", parameters, attribute: "padding" });
  }
  return [...sizes, units];
}

function poolShape(
  operator: PoolOperator,
  shape: Shape,
  operation: string,
  problems: ShapeProblem[],
): Shape | undefined {
  const { window, strides, padding } = operator;
  if (!isSpatial(operation, shape, problems)) return undefined;
  const axes = shape.length - 1;
  const fits = [
    checkRank(operation, "window", window, shape, axes, problems),
    checkRank(operation, "stride", strides, shape, axes, problems),
    checkRank(operation, "padding", padding.before, shape, axes, problems),
  ];
  if (fits.includes(false)) return undefined;
  checkPadding(operation, padding, window, problems);
  return windows(shape, window, operator, "window", operation, shape.at(-1)!, problems);
}

/** No window (or, transposed, none of the result) may be made of padding alone. */
function checkPadding(
  operation: string,
  { before, after }: Padding,
  reach: Sizes,
  problems: ShapeProblem[],
): void {
  for (const padding of [before, after]) {
    if (padding.every((cells, i) => cells < reach[i]!)) continue;
    const parameters = { operation, padding, limit: reach.map((size) => size - 1) };
    problems.push({ code: "graph/padding-too-wide", parameters, attribute: "padding" });
    return;
  }
}

/** One result for every stride at which the whole window lies within the padded input. */
function windows(
  shape: Shape,
  reach: Sizes,
  { strides, padding }: { readonly strides: Sizes; readonly padding: Padding },
  attribute: "kernel" | "window",
  operation: string,
  channels: number,
  problems: ShapeProblem[],
): Shape {
  const padded = spatialOf(shape).map((size, i) => size + padding.before[i]! + padding.after[i]!);
  if (padded.some((size, i) => size < reach[i]!)) {
    const parameters = { operation, attribute, reach, padded };
    problems.push({ code: "graph/kernel-too-large", parameters, attribute });
  }
  return [...padded.map((size, i) => Math.floor((size - reach[i]!) / strides[i]!) + 1), channels];
}

function sliceShape(
  { begin, sizes }: { readonly begin: Sizes; readonly sizes: Sizes },
  shape: Shape,
  operation: string,
  problems: ShapeProblem[],
): Shape {
  const fits = checkRank(operation, "begin", begin, shape, shape.length, problems);
  if (!fits || !checkRank(operation, "size", sizes, shape, shape.length, problems)) return sizes;
  shape.forEach((length, axis) => {
    if (begin[axis]! + sizes[axis]! <= length) return;
    const parameters = { axis, begin: begin[axis]!, size: sizes[axis]!, length };
    problems.push({ code: "graph/slice-outside", parameters, attribute: `${axis}` });
  });
  return sizes;
}

function concatShape(
  { axis }: ConcatOperator,
  inputs: readonly Shape[],
  operation: string,
  problems: ShapeProblem[],
): Shape {
  const first = inputs[0]!;
  for (const other of inputs.slice(1)) {
    const fits = other.length === first.length && other.every((size, i) => i === axis || size === first[i]);
    if (fits && axis < first.length) continue;
    problems.push({ code: "graph/concat-shapes", parameters: { operation, axis, first, other } });
  }
  return first.map((size, i) => (i === axis ? inputs.reduce((sum, shape) => sum + shape[i]!, 0) : size));
}

/** Sizes from `least` on; the padding of a transposed conv may add behind its result. */
function checkAttributes(operator: Operator, operation: string, problems: ShapeProblem[]): void {
  const whole = (attribute: string, numbers: Sizes, least: number): void => {
    if (numbers.every((number) => Number.isSafeInteger(number) && number >= least)) return;
    const wanted = least === -Infinity ? "whole" : `whole, from ${least} on`;
    const parameters = { operation, attribute, found: numbers.join("x"), wanted };
    problems.push({ code: "graph/bad-attribute", parameters, attribute });
  };
  const padding = ({ before, after }: Padding, least = 0): void => {
    whole("padding", before, 0);
    whole("padding", after, least);
    if (before.length !== after.length) whole("padding", [Number.NaN], 0);
  };
  switch (operator.kind) {
    case "dense":
      return whole("units", [operator.units], 1);
    case "conv":
      whole("units", [operator.units], 1);
      whole("kernel", operator.kernel, 1);
      whole("stride", operator.strides, 1);
      whole("dilation", operator.dilations, 1);
      whole("groups", [operator.groups], 1);
      return padding(operator.padding, operator.transposed ? -Infinity : 0);
    case "pool":
      whole("window", operator.window, 1);
      whole("stride", operator.strides, 1);
      return padding(operator.padding);
    case "slice":
      whole("begin", operator.begin, 0);
      return whole("size", operator.sizes, 1);
    case "pad":
      return padding(operator.padding);
    case "reshape":
      return whole("shape", operator.sizes, 1);
    case "transpose":
      return whole("axes", operator.permutation, 0);
    case "upsample":
      return whole("factor", operator.factors, 1);
    case "concat":
      return whole("axis", [operator.axis], 0);
    default:
      return;
  }
}

/** How many values an operator takes: two for arithmetic, more for concat, else one. */
function checkOperands(
  { kind }: Operator,
  inputs: readonly Shape[],
  operation: string,
  problems: ShapeProblem[],
): void {
  const found = inputs.length;
  const pair = kind === "add" || kind === "subtract" || kind === "multiply";
  const fits = pair ? found === 2 : kind === "concat" ? found >= 2 : found === 1;
  if (fits) return;
  const wanted = pair ? "two" : kind === "concat" ? "two or more" : "one";
  problems.push({ code: "graph/operand-count", parameters: { operation, found, wanted } });
}
