// Some samples of a set: a fixed part of each class, or a seeded split. In: samples. Out: fewer of them, in the same
// order, each with its labels or targets.
import type { StoredType } from "../graph/graph.ts";
import type { DataFile } from "../graph/project.ts";
import { type Mantissas, pickSamples, rowsAt, type SampleSet } from "../graph/samples.ts";
import { type DiagnosticPlace, fail } from "../support/diagnostics.ts";
import { createRandom, permutation } from "../support/random.ts";

/** Samples of one input, with the labels or targets beside it; as of `Answers`. */
export interface FileSamples {
  readonly count: number;
  /** Shape of one sample. */
  readonly shape: readonly number[];
  readonly stored: StoredType;
  /** count x elements mantissas, row-major, channels last. */
  readonly inputs: Mantissas;
  readonly labels: Int32Array;
  readonly targets: Float32Array | null;
}

/** One input with what is beside it, as a set of samples. */
export function sampleSetOf({ count, shape, stored, inputs, labels, targets }: FileSamples): SampleSet {
  const input = { shape, stored, mantissas: inputs };
  return { count, inputs: [input], answers: [{ labels, values: targets }] };
}

/** The samples of the given numbers, in that order. */
export function takeSamples(set: FileSamples, rows: Int32Array): FileSamples {
  const { count, shape, stored, inputs, labels, targets } = set;
  return {
    count: rows.length,
    shape,
    stored,
    inputs: rowsAt(inputs, count, rows),
    labels: rowsAt(labels, count, rows),
    targets: targets && rowsAt(targets, count, rows),
  };
}

export type Part = NonNullable<DataFile["part"]>;

/**
 * Numbers of the first or last `perClass` samples of every class, ascending; samples without labels, or with one at each
 * position, are one class.
 * Throws data/part-count for a class that has not as many.
 */
export function rowsOfPart(
  set: FileSamples,
  classes: number,
  part: Part,
  path: string,
  place: DiagnosticPlace = {},
): Int32Array {
  const labelled = set.count > 0 && set.labels.length === set.count;
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
    train: pickSamples(set, order.slice(count).sort()),
    validation: pickSamples(set, order.slice(0, count).sort()),
  };
}
