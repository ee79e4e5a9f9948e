// Some samples of a set: a fixed part of each class, or a seeded split. In: samples. Out: fewer of them, in the same
// order, each with its labels or targets.
import type { DataFile } from "../graph/project.ts";
import { labelsPerSample, type SampleSet } from "../graph/samples.ts";
import { type DiagnosticPlace, fail } from "../support/diagnostics.ts";
import { createRandom, permutation } from "../support/random.ts";
import { createMantissas } from "./inputs.ts";
import { elementCount } from "./numeric-array.ts";

/** The samples of the given numbers, in that order. */
export function takeSamples(set: SampleSet, rows: Int32Array): SampleSet {
  const { shape, stored } = set;
  const elements = elementCount(shape);
  const inputs = createMantissas(stored, rows.length * elements);
  const perSample = labelsPerSample(set);
  const labels = new Int32Array(rows.length * perSample);
  const outputs = set.targets === null ? 0 : set.targets.length / set.count;
  const targets = set.targets === null ? null : new Float32Array(rows.length * outputs);
  rows.forEach((row, i) => {
    inputs.set(set.inputs.subarray(row * elements, (row + 1) * elements), i * elements);
    labels.set(set.labels.subarray(row * perSample, (row + 1) * perSample), i * perSample);
    if (targets !== null && set.targets !== null)
      targets.set(set.targets.subarray(row * outputs, (row + 1) * outputs), i * outputs);
  });
  return { count: rows.length, shape, stored, inputs, labels, targets };
}

export type Part = NonNullable<DataFile["part"]>;

/**
 * Numbers of the first or last `perClass` samples of every class, ascending; samples without labels, or with one at each
 * position, are one class.
 * Throws data/part-count for a class that has not as many.
 */
export function rowsOfPart(
  set: SampleSet,
  classes: number,
  part: Part,
  path: string,
  place: DiagnosticPlace = {},
): Int32Array {
  const labelled = labelsPerSample(set) === 1;
  const rowsOf = Array.from({ length: labelled ? classes : 1 }, (): number[] => []);
  for (let row = 0; row < set.count; row++) rowsOf[labelled ? set.labels[row]! : 0]!.push(row);
  const { from, perClass } = part;
  const taken = rowsOf.flatMap((rows, label) => {
    if (rows.length < perClass) {
      const parameters = { path, from, perClass, found: rows.length, label: labelled ? label : undefined };
      fail("data/part-count", parameters, place);
    }
    return from === "first" ? rows.slice(0, perClass) : rows.slice(rows.length - perClass);
  });
  return Int32Array.from(taken).sort();
}

/**
 * Takes `count` samples, picked by the seed, out of the training data; both parts keep the file's order. Throws
 * data/validation-count when no sample would be left to train on.
 */
export function splitValidation(
  set: SampleSet,
  count: number,
  seed: number,
  place: DiagnosticPlace = {},
): { readonly train: SampleSet; readonly validation: SampleSet } {
  if (!(count >= 0 && count < set.count))
    fail("data/validation-count", { validation: count, count: set.count }, place);
  const order = permutation(set.count, createRandom(seed, "validation split"));
  return {
    train: takeSamples(set, order.slice(count).sort()),
    validation: takeSamples(set, order.slice(0, count).sort()),
  };
}
