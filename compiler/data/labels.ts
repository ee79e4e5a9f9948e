// From the labels of a file to class indices. In: numbers or names. Out: integers from 0, and the list of names.
import { createCollector, fail } from "../support/diagnostics.ts";
import type { DataSource, NumericArray } from "./numeric-array.ts";
import { describeSample, type RawLabels } from "./raw-samples.ts";

export interface ResolvedLabels {
  readonly indices: Int32Array;
  /** Name of each class, ascending by code unit, when the file names its classes. */
  readonly names: readonly string[] | undefined;
}

/** Bad labels reported for one file before reading stops. */
const MAX_ERRORS = 8;

/** Labels of a binary array: one number for each sample. Throws data/label-value for any other shape. */
export function arrayLabels(array: NumericArray, source: DataSource): RawLabels {
  const { shape } = array;
  if (shape.length !== 1 && !(shape.length === 2 && shape[1] === 1)) {
    const problem = `the labels have the shape ${shape.join("x") || "of a scalar"}; one class index for each sample is expected`;
    fail("data/label-value", { path: source.path, where: describeSample(0), problem }, source.place);
  }
  return { kind: "indices", values: array.data, where: describeSample };
}

/** The class names of the training data; "numbers" when its labels are numbers, "unreadable" when it had errors. */
export type KnownClasses = readonly string[] | "numbers" | "unreadable";

function asNames(labels: RawLabels, known: KnownClasses | undefined): RawLabels {
  if (labels.kind === "names" || !Array.isArray(known) || !labels.texts) return labels;
  return { kind: "names", values: labels.texts, where: labels.where };
}

/**
 * Class indices in [0, classes). Names are numbered in ascending order, or as in the training data when `known` says
 * what that has. Throws data/label-range, data/label-value, data/class-count and data/unknown-class, several at once.
 */
export function resolveLabels(
  written: RawLabels,
  classes: number,
  source: DataSource,
  known?: KnownClasses,
): ResolvedLabels {
  const labels = asNames(written, known);
  const { path, place } = source;
  const errors = createCollector();
  const stopAtLimit = (): void => {
    if (errors.diagnostics.length >= MAX_ERRORS) errors.throwIfErrors();
  };
  const mixed = (problem: string): never =>
    fail("data/label-value", { path, where: labels.where(0), problem }, place);
  const indices = new Int32Array(labels.values.length);
  if (indices.length > 0 && labels.kind === "indices" && Array.isArray(known))
    mixed("the labels are numbers, but those of the training data are names");
  if (indices.length > 0 && labels.kind === "names" && known === "numbers")
    mixed(`the label is ${JSON.stringify(labels.values[0])}, but those of the training data are numbers`);
  if (labels.kind === "indices") {
    for (let i = 0; i < indices.length; i++) {
      const label = labels.values[i]!;
      if (Number.isInteger(label) && label >= 0 && label < classes) {
        indices[i] = label;
        continue;
      }
      const where = labels.where(i);
      if (Number.isInteger(label)) errors.add("data/label-range", { path, where, label, classes }, place);
      else {
        const problem = `the label is ${label}, which is no whole number`;
        errors.add("data/label-value", { path, where, problem }, place);
      }
      stopAtLimit();
    }
    errors.throwIfErrors();
    return { indices, names: undefined };
  }

  const names = Array.isArray(known) ? (known as readonly string[]) : [...new Set(labels.values)].sort();
  // A test file alone may lack some of the classes.
  if (names.length > classes || (names.length < classes && known !== "unreadable")) {
    fail("data/class-count", { path, found: names.length, classes, names }, place);
  }
  const numbers = new Map(names.map((name, i) => [name, i]));
  labels.values.forEach((label, i) => {
    const index = numbers.get(label);
    if (index === undefined) {
      errors.add("data/unknown-class", { path, where: labels.where(i), label, names }, place);
      stopAtLimit();
    } else indices[i] = index;
  });
  errors.throwIfErrors();
  return { indices, names };
}
