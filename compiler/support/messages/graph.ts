// Diagnostics of operators on shapes: what every front end says of a layer that does not fit its inputs.
import { entry } from "./define.ts";

const text = (sizes: readonly number[]): string => sizes.join("x");

export const graphMessages = {
  // sorted by code
  "graph/attribute-rank": entry<{
    operation: string;
    attribute: string;
    sizes: readonly number[];
    axes: number;
    shape: readonly number[];
  }>({
    message: ({ operation, attribute, sizes, axes, shape }) =>
      `${attribute} of ${operation} has ${sizes.length} sizes (${text(sizes)}), but ${text(shape)} has ${axes} ${axes === 1 ? "axis" : "axes"} that it is about`,
    hint: ({ axes }) =>
      `give ${axes === 1 ? "one size, or one number" : `${axes} sizes, or one number for all`}`,
  }),
  "graph/bad-attribute": entry<{ operation: string; attribute: string; found: string; wanted: string }>({
    message: ({ operation, attribute, found, wanted }) =>
      `${attribute} of ${operation} is ${found}; it has to be ${wanted}`,
    hint: ({ attribute, wanted }) => `make ${attribute} ${wanted}`,
  }),
  "graph/bad-groups": entry<{ operation: string; groups: number; what: "channels" | "units"; count: number }>(
    {
      message: ({ operation, groups, what, count }) =>
        `${groups} groups do not divide the ${count} ${what} of ${operation}`,
      hint: ({ what }) => `choose a number of groups that divides the ${what}, or leave groups out`,
    },
  ),
  "graph/bad-permutation": entry<{ permutation: readonly number[]; rank: number }>({
    message: ({ permutation, rank }) =>
      `transpose by ${permutation.join(", ")} does not name each of the ${rank} axes once`,
    hint: () => "name every axis of the value once",
  }),
  "graph/concat-shapes": entry<{
    operation: string;
    axis: number;
    first: readonly number[];
    other: readonly number[];
  }>({
    message: ({ operation, first, other }) =>
      `${operation} cannot join the shapes ${text(first)} and ${text(other)}`,
    hint: ({ axis, first }) =>
      axis < first.length
        ? "all sizes but those of the joined axis have to be equal: pad, slice, pool or upsample one of the values"
        : "join along an axis that the values have",
  }),
  "graph/kernel-too-large": entry<{
    operation: string;
    attribute: string;
    reach: readonly number[];
    padded: readonly number[];
  }>({
    message: ({ operation, attribute, reach, padded }) =>
      `the ${attribute} of ${operation} reaches over ${text(reach)} positions, but its input has ${text(padded)} with the padding`,
    hint: ({ attribute }) => `use a smaller ${attribute}, or padding: same`,
  }),
  "graph/operand-count": entry<{ operation: string; found: number; wanted: string }>({
    message: ({ operation, found, wanted }) => `${operation} joins ${wanted} values, not ${found}`,
    hint: ({ operation }) => `write ${operation}(left, right)`,
  }),
  "graph/padding-too-wide": entry<{
    operation: string;
    padding: readonly number[];
    limit: readonly number[];
  }>({
    message: ({ operation, padding, limit }) =>
      `the padding ${text(padding)} of ${operation} is more than ${text(limit)}, and makes positions of padding alone`,
    hint: ({ limit }) => `give at most ${text(limit)}`,
  }),
  "graph/reshape-elements": entry<{
    shape: readonly number[];
    elements: number;
    sizes: readonly number[];
    wanted: number;
  }>({
    message: ({ shape, elements, sizes, wanted }) =>
      `${text(shape)} has ${elements} elements and cannot become ${text(sizes)}, which has ${wanted}`,
    hint: ({ elements }) => `give sizes whose product is ${elements}`,
  }),
  "graph/slice-outside": entry<{ axis: number; begin: number; size: number; length: number }>({
    message: ({ begin, size, length }) =>
      `slice takes the elements ${begin} to ${begin + size - 1} of an axis that has 0 to ${length - 1}`,
    hint: ({ length }) => `stay within 0..${length - 1}`,
  }),
  "graph/too-large": entry<{ operation: string; shape: readonly number[]; elements: number; limit: number }>({
    message: ({ operation, shape, elements, limit }) =>
      `the result ${text(shape)} of ${operation} has ${elements} elements; at most ${limit} are supported`,
    hint: () => "use a larger stride, fewer units, or a smaller input",
  }),
  "graph/too-many-weights": entry<{ inputs: number; units: number; limit: number }>({
    message: ({ inputs, units, limit }) =>
      `${inputs} inputs and ${units} units make ${inputs * units} weights; at most ${limit} in a layer are supported`,
    hint: () => "use fewer units or a smaller input",
  }),
  "graph/unlike-shapes": entry<{
    operation: string;
    first: readonly number[];
    other: readonly number[];
  }>({
    message: ({ operation, first, other }) =>
      `${operation} takes two values of one shape, not ${text(first)} and ${text(other)}`,
    hint: ({ first }) =>
      first.length === 1
        ? "make them equal with a dense or a slice"
        : `make them equal with a conv, pad, slice, pool or upsample; the second may be one value for each channel (${text([...first.slice(1).map(() => 1), first.at(-1)!])})`,
  }),
  "graph/wrong-rank": entry<{ operation: string; shape: readonly number[]; wanted: string }>({
    message: ({ operation, shape, wanted }) =>
      `${operation} takes ${wanted}, not a value of shape ${text(shape)}`,
    hint: () =>
      "an image is rows x columns x channels, a sequence positions x channels; flatten or reshape makes one of the other",
  }),
};
