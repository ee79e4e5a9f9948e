// What the text and array formats have in common once they are decoded: inputs, labels, targets, and words for the
// place of each in its file.
import type { NumericArray } from "./numeric-array.ts";

/** How the numbers of a file are meant: stored integers (mantissas), or values that are quantized once. */
export type NumberKind = "stored" | "values";

export interface RawInputs {
  /** The first axis counts the samples. */
  readonly array: NumericArray;
  readonly numbers: NumberKind;
  /** True when a sample is a flat row (CSV, JSON) that takes the shape of the input; else its shape has to match. */
  readonly flat: boolean;
  /** Words for the place of element `element` (row-major) of sample `sample`. */
  readonly where: (sample: number, element: number) => string;
}

/** Class indices as numbers, not yet checked, or names. */
export type RawLabels = {
  /** Words for the place of the label at an index of `values`. */
  readonly where: (index: number) => string;
  /** Of an array: samples, then the positions of one. Other formats have one label for each sample. */
  readonly shape?: readonly number[];
} & (
  | {
      readonly kind: "indices";
      readonly values: ArrayLike<number>;
      /** As written, where that could be names too (CSV). */
      readonly texts?: readonly string[];
    }
  | { readonly kind: "names"; readonly values: readonly string[] }
);

/** Real values that the outputs are compared with, not yet checked. */
export interface RawTargets {
  /** Row-major; the first axis counts the samples, of one output there may be no other. */
  readonly array: NumericArray;
  readonly where: (sample: number, output: number) => string;
}

/** Position of a row-major element of one sample, such as [3, 0]. */
export function elementIndex(shape: readonly number[], element: number): readonly number[] {
  const index: number[] = [];
  let rest = element;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index.unshift(rest % shape[axis]!);
    rest = Math.floor(rest / shape[axis]!);
  }
  return index;
}

/** The usual words for an element of an array file. */
export function describeElement(shape: readonly number[]): (sample: number, element: number) => string {
  return (sample, element) => {
    const index = elementIndex(shape, element).join(", ");
    return `${describeSample(sample)}${index === "" ? "" : `, element [${index}]`}`;
  };
}

/** The usual words for a sample. */
export function describeSample(sample: number): string {
  return `sample ${sample}`;
}
