// Windows that move over spatial tensors, for conv and pool. In: sizes along each spatial axis. Out: the window's
// declaration, the loops over its positions, and where it lies at each of them, as text.
import type { Sizes } from "../program/program.ts";
import { renderTemplate } from "../render/render.ts";
import { index, type Loop, realLoops } from "./loops.ts";

/** Rows and columns: a sequence is an image of one row. */
export interface Plane {
  readonly rows: number;
  readonly columns: number;
}

/** Sizes as rows and columns; `row` is what a sequence has for its one row. */
export function planeOf(sizes: Sizes, row = 1): Plane {
  const [first, second] = sizes;
  return second === undefined ? { rows: row, columns: first! } : { rows: first!, columns: second };
}

export interface Window {
  readonly input: Plane;
  /** Channels of the tensor. */
  readonly pitch: number;
  /** Channels that the window reads. */
  readonly channels: number;
  readonly taps: Plane;
  readonly strides: Plane;
  readonly dilations: Plane;
  readonly spread: Plane;
  readonly before: Plane;
  /** Of the result. */
  readonly positions: Plane;
}

/** Loops over the positions of the result. */
export function positionLoops({ positions }: Window): readonly Loop[] {
  return [
    { variable: "row", count: positions.rows },
    { variable: "column", count: positions.columns },
  ];
}

/** The variables of loops, declared. */
export function declaredVariables(loops: readonly Loop[]): readonly string[] {
  return realLoops(loops).map(({ variable }) => `int32_t ${variable};`);
}

/** Declaration of the constant `window`. */
export function windowDeclaration(window: Window): readonly string[] {
  const { input, pitch, channels, taps, dilations, spread } = window;
  return renderTemplate("c/window", { input, pitch, channels, taps, dilations, spread })
    .trimEnd()
    .split("\n");
}

/** Row and column of the window's first tap at a position, as arguments. */
export function windowStart(window: Window): string {
  const [row, column] = positionLoops(window) as [Loop, Loop];
  const { strides, before } = window;
  return [
    index([{ loop: row, stride: strides.rows }], -before.rows),
    index([{ loop: column, stride: strides.columns }], -before.columns),
  ].join(", ");
}

/**
 * Offset of the window's first element where its elements follow each other in the tensor, in their order, at every
 * position; undefined where they do not, or where a position reaches outside.
 */
export function contiguousStart(window: Window): string | undefined {
  const { input, pitch, channels, taps, strides, dilations, spread, before, positions } = window;
  const step = (one: number, n: number): boolean => n === 1 || one === 1;
  const single = taps.rows === 1 && taps.columns === 1;
  const inside =
    before.rows === 0 &&
    before.columns === 0 &&
    (positions.rows - 1) * strides.rows + (taps.rows - 1) * dilations.rows < input.rows &&
    (positions.columns - 1) * strides.columns + (taps.columns - 1) * dilations.columns < input.columns;
  const wholeRows = taps.columns === input.columns && step(dilations.rows, taps.rows);
  const follows =
    single || (channels === pitch && step(dilations.columns, taps.columns) && (taps.rows === 1 || wholeRows));
  if (!inside || !follows || spread.rows !== 1 || spread.columns !== 1) return undefined;
  const [row, column] = positionLoops(window) as [Loop, Loop];
  return index([
    { loop: row, stride: strides.rows * input.columns * pitch },
    { loop: column, stride: strides.columns * pitch },
  ]);
}
