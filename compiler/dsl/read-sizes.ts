// Sizes, padding and axes as a model writes them. In: values of the syntax tree. Out: what is written, before it is
// known how many axes it is about; and the same for a tensor of known shape.
import type { Padding, Sizes } from "../graph/graph.ts";
import { MAX_ELEMENTS, samePadding, spatialOf } from "../graph/shapes.ts";
import type { Span } from "../support/source-file.ts";
import {
  type CallReader,
  type CheckContext,
  choiceReader,
  constantReader,
  listReader,
  numberReader,
  rangeReader,
  type ValueReader,
  wordReader,
  wrongKind,
} from "./read-fields.ts";

/** Axes from the first to the channels, by rank. */
const AXIS_NAMES: readonly (readonly string[])[] = [
  [],
  ["channels"],
  ["positions", "channels"],
  ["rows", "columns", "channels"],
  ["planes", "rows", "columns", "channels"],
];

/** Most axes of a tensor. */
export const MAX_RANK = AXIS_NAMES.length - 1;

export const AXES = ["planes", "rows", "columns", "positions", "channels"] as const;
export type Axis = (typeof AXES)[number];

export const axisReader: ValueReader<Axis> = wordReader("axis", AXES);

/** Bits of an operand of a multiplier. */
const MAX_OPERAND = 64;

/** Both operands of a multiplier: `25x18`, or `18` for two of a size. */
export const operandsReader: ValueReader<readonly [number, number]> = (value, subject, context) => {
  const example = "multiplier: 25x18";
  const bits = sizesReader(example, MAX_OPERAND)(value, subject, context);
  if (typeof bits === "number") return [bits, bits];
  if (bits === undefined || bits.length === 2) return bits as readonly [number, number] | undefined;
  return wrongKind(value, subject, "the bits of two operands, such as 25x18", example, context);
};

/** The number of an axis of a tensor; undefined after an error that it reported. */
export function axisOf(axis: Axis, shape: Sizes, span: Span, context: CheckContext): number | undefined {
  const known = AXIS_NAMES[shape.length] ?? [];
  if (known.includes(axis)) return known.indexOf(axis);
  context.collector.add("language/absent-axis", { axis, shape, known }, { span });
  return undefined;
}

/** One number for all axes, or one for each of them. */
export type WrittenSizes = number | Sizes;

/** `3` or `3x3`. */
export function sizesReader(example: string, max: number): ValueReader<WrittenSizes> {
  const single = numberReader({ min: 1, max, whole: true, example });
  return (value, subject, context) => {
    if (value.kind === "quantity") return single(value, subject, context);
    if (value.kind !== "shape") return wrongKind(value, subject, "a size such as 3 or 3x3", example, context);
    const { span } = value;
    const sizes = value.sizes.map((number) => single({ kind: "quantity", number, span }, subject, context));
    return sizes.every((size) => size !== undefined) ? sizes : undefined;
  };
}

/** A whole shape: `784` or `7x7x16`. */
export const shapeReader: ValueReader<Sizes> = (value, subject, context) => {
  const sizes = sizesReader("reshape(7x7x16)", MAX_ELEMENTS)(value, subject, context);
  return typeof sizes === "number" ? [sizes] : sizes;
};

/** Sizes for each of so many axes. A wrong number of them stays as it is: the shape rules report it. */
export const spread = (written: WrittenSizes, axes: number): Sizes =>
  typeof written === "number" ? Array.from({ length: axes }, () => written) : written;

/** How a window treats the border. `sides`: before and after of each axis in turn (top, bottom, left, right). */
export type WrittenPadding =
  | { readonly kind: "same" }
  | { readonly kind: "valid" }
  | { readonly kind: "sides"; readonly sides: WrittenSizes };

const MAX_PADDING = 4096;
const side = numberReader({ min: 0, max: MAX_PADDING, whole: true, example: "padding: [1, 1, 1, 1]" });
const sides = listReader("numbers", side, "padding: [1, 1, 1, 1]");
const paddingWord = choiceReader(
  "padding",
  new Map<string, CallReader<WrittenPadding>>([
    ["same", constantReader("same", { kind: "same" })],
    ["valid", constantReader("valid", { kind: "valid" })],
  ]),
  "padding: same",
);

/** `same`, `valid`, `1` on all sides, or `[top, bottom, left, right]`. */
export const paddingReader: ValueReader<WrittenPadding> = (value, subject, context) => {
  if (value.kind !== "list" && value.kind !== "quantity") return paddingWord(value, subject, context);
  const read = (value.kind === "list" ? sides : side)(value, subject, context);
  return read === undefined ? undefined : { kind: "sides", sides: read };
};

/** What a window needs for `same`. */
export interface Window {
  readonly kernel: Sizes;
  readonly strides: Sizes;
  readonly dilations: Sizes;
  readonly transposed?: boolean;
}

/** The padding of each spatial axis of a tensor; undefined after an error that it reported. */
export function resolvePadding(
  written: WrittenPadding,
  shape: Sizes,
  { kernel, strides, dilations, transposed }: Window,
  span: Span | undefined,
  context: CheckContext,
): Padding | undefined {
  const sizes = spatialOf(shape);
  const none = sizes.map(() => 0);
  if (written.kind === "valid") return { before: none, after: none };
  if (written.kind === "same") {
    const known = [kernel, strides, dilations].every(({ length }) => length === sizes.length);
    // Sizes of another rank are reported by the shape rules, whatever the padding is.
    return known ? samePadding(sizes, kernel, strides, dilations, transposed) : { before: none, after: none };
  }
  const given = spread(written.sides, 2 * sizes.length);
  if (given.length !== 2 * sizes.length) {
    const parameters = { found: given.length, wanted: 2 * sizes.length, shape };
    context.collector.add("language/padding-sides", parameters, span ? { span } : {});
    return undefined;
  }
  return { before: none.map((_, i) => given[2 * i]!), after: none.map((_, i) => given[2 * i + 1]!) };
}

/** Elements of one axis, from the first to the last: `0..6`. */
export const elementsReader = rangeReader({
  min: 0,
  max: MAX_ELEMENTS - 1,
  whole: true,
  example: "rows: 0..6",
});

/** What is put before and after one axis: `1` for both, or `[0, 1]`. */
export const endsReader: ValueReader<readonly [number, number]> = (value, subject, context) => {
  const example = "rows: [1, 0]";
  const end = numberReader({ min: 0, max: MAX_PADDING, whole: true, example });
  if (value.kind !== "list") {
    const both = end(value, subject, context);
    return both === undefined ? undefined : [both, both];
  }
  if (value.items.length !== 2)
    return wrongKind(value, subject, "a number, or a list of two: before and after", example, context);
  const [before, after] = value.items.map((item) => end(item, subject, context));
  return before === undefined || after === undefined ? undefined : [before, after];
};
