// From the labels of a file to class indices. In: numbers or names, one for each sample or one for each position of the
// output. Out: integers from 0, and the list of names.
import { createCollector, fail } from "../support/diagnostics.ts";
import { type DataSource, elementCount, type NumericArray } from "./numeric-array.ts";
import { describeElement, describeSample, type RawLabels } from "./raw-samples.ts";

export interface ResolvedLabels {
  readonly indices: Int32Array;
  /** Name of each class, ascending by code unit, when the file names its classes. */
  readonly names: readonly string[] | undefined;
}

/** Bad labels reported for one file before reading stops. */
const MAX_ERRORS = 8;

/** Labels of a binary array; `checkLabelShape` judges its shape. */
export function arrayLabels({ shape, data }: NumericArray): RawLabels {
  const perSample = elementCount(shape.slice(1));
  const place = describeElement(shape.slice(1));
  const where = (index: number): string =>
    perSample === 1 ? describeSample(index) : place(Math.floor(index / perSample), index % perSample);
  return { kind: "indices", values: data, where, shape };
}

const sameShape = (a: readonly number[], b: readonly number[]): boolean => a.join("x") === b.join("x");

/**
 * Refuses labels that are not one for each of `count` samples and each of `positions` (none: one class a sample).
 * Positions may be written in one axis, and a last axis of 1 may follow them. Throws data/label-value for another shape
 * and data/label-count for another number of samples.
 */
export function checkLabelShape(
  { values, shape = [values.length] }: RawLabels,
  count: number,
  positions: readonly number[],
  source: DataSource,
): void {
  const { path, place } = source;
  const perSample = elementCount(positions);
  const allowed = [positions, [perSample], [...positions, 1], ...(perSample === 1 ? [[]] : [])];
  if (shape.length === 0 || !allowed.some((sizes) => sameShape(sizes, shape.slice(1)))) {
    const wanted =
      perSample === 1 ? "one class index for each sample" : `one at each of ${positions.join("x")} positions`;
    const problem = `the labels have the shape ${shape.join("x") || "of a scalar"}; ${wanted} is expected`;
    fail("data/label-value", { path, where: describeSample(0), problem }, place);
  }
  if (shape[0] !== count) fail("data/label-count", { path, labels: shape[0]!, inputs: count }, place);
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
