// Shapes that instructions give. In: shapes of operands and an instruction's sizes. Out: the shape of the result,
// in one place for builder and verifier.
import type {
  ConvInstruction,
  Padding,
  PoolInstruction,
  Sizes,
  UpsampleInstruction,
} from "./instructions.ts";

/** One spatial axis of a window that moves over a tensor. */
export interface WindowAxis {
  readonly size: number;
  /** Taps of the window, `dilation` apart. */
  readonly window: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
  /** spread - 1 zeros stand between neighbours. */
  readonly spread: number;
}

/** Positions along an axis once zeros stand between its neighbours. */
export function spreadSize(size: number, spread: number): number {
  return (size - 1) * spread + 1;
}

/** Positions at which the whole window lies within the spread and padded axis; below 1 when there is none. */
export function windowPositions(axis: WindowAxis): number {
  const padded = spreadSize(axis.size, axis.spread) + axis.before + axis.after;
  const reach = (axis.window - 1) * axis.dilation + 1;
  return Math.floor((padded - reach) / axis.stride) + 1;
}

/** Spatial axes of [rows, columns, channels] or [positions, channels]. */
export function spatialSizes(shape: readonly number[]): Sizes {
  return shape.slice(0, -1);
}

/** Whether a shape is [rows, columns, channels] or [positions, channels]. */
export function isSpatial(shape: readonly number[]): boolean {
  return shape.length === 2 || shape.length === 3;
}

/** The same number along each of some axes. */
export function everyAxis(axes: number, size: number): Sizes {
  return new Array<number>(axes).fill(size);
}

/** No padding along any of some axes. */
export function noPadding(axes: number): Padding {
  return { before: everyAxis(axes, 0), after: everyAxis(axes, 0) };
}

/** Shape of a conv's result; `weights` is the shape [out, ...kernel, in / groups]. */
export function convShape(
  input: readonly number[],
  weights: readonly number[],
  { strides, dilations, padding, spread }: ConvInstruction,
): readonly number[] {
  const positions = spatialSizes(input).map((size, a) =>
    windowPositions({
      size,
      window: weights[1 + a]!,
      stride: strides[a]!,
      dilation: dilations[a]!,
      before: padding.before[a]!,
      after: padding.after[a]!,
      spread: spread[a]!,
    }),
  );
  return [...positions, weights[0]!];
}

/** Shape of a pool's result. */
export function poolShape(
  input: readonly number[],
  { window, strides, padding }: PoolInstruction,
): readonly number[] {
  const positions = spatialSizes(input).map((size, a) =>
    windowPositions({
      size,
      window: window[a]!,
      stride: strides[a]!,
      dilation: 1,
      before: padding.before[a]!,
      after: padding.after[a]!,
      spread: 1,
    }),
  );
  return [...positions, input[input.length - 1]!];
}

/** Shape of an upsample's result. */
export function upsampleShape(
  input: readonly number[],
  { factors }: Pick<UpsampleInstruction, "factors">,
): readonly number[] {
  return input.map((size, a) => (a < input.length - 1 ? size * factors[a]! : size));
}

/** Shape of tensors side by side along an axis. */
export function concatShape(inputs: readonly (readonly number[])[], axis: number): readonly number[] {
  const along = inputs.reduce((sum, shape) => sum + shape[axis]!, 0);
  return inputs[0]!.map((size, a) => (a === axis ? along : size));
}

/** Whether two shapes are the same. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

/** Whether `b` is one row of channels for all positions of `a`: [1, .., 1, channels]. */
export function isChannelRow(a: readonly number[], b: readonly number[]): boolean {
  return (
    isSpatial(a) && a.length === b.length && b.every((size, i) => size === (i < a.length - 1 ? 1 : a[i]))
  );
}
