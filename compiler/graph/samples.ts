// Samples as training, simulation and verification see them: stored integers of every input, with what every output is
// compared with. In: a sample set. Out: some of its samples, and how many labels each of them has.
import type { StoredType } from "./graph.ts";

export type Mantissas = Uint8Array | Int8Array | Uint16Array | Int16Array;

/** One input of all samples: count x elements mantissas, row-major, channels last. */
export interface InputSamples {
  /** Shape of one sample. */
  readonly shape: readonly number[];
  readonly stored: StoredType;
  readonly mantissas: Mantissas;
}

/**
 * What one output is compared with. `labels` holds count x positions class indices from 0, and `values` is null. There is
 * one position, unless the output tells a class at each of its positions (a segmentation): then all of them, row-major. Of
 * a regression `labels` is empty and `values` holds count x elements real values; where the network reproduces its inputs
 * both are absent.
 */
export interface Answers {
  readonly labels: Int32Array;
  readonly values: Float32Array | null;
}

export interface SampleSet {
  readonly count: number;
  /** In the order of the graph's inputs. */
  readonly inputs: readonly InputSamples[];
  /** In the order of the graph's outputs. */
  readonly answers: readonly Answers[];
}

/** Labels of one sample for one output: 1, or one for each of its positions; 0 of a regression. */
export function labelsPerSample({ labels }: Answers, count: number): number {
  return count === 0 ? 0 : labels.length / count;
}

/** Values of one sample for one output; 0 where there are none. */
export function valuesPerSample({ values }: Answers, count: number): number {
  return values === null || count === 0 ? 0 : values.length / count;
}

/** Rows of a row-major array of `count` rows, at the given indices. */
export function rowsAt<T extends Mantissas | Int32Array | Float32Array>(
  rows: T,
  count: number,
  indices: ArrayLike<number>,
): T {
  const size = count === 0 ? 0 : rows.length / count;
  const picked = new (rows.constructor as new (length: number) => T)(indices.length * size);
  for (let i = 0; i < indices.length; i++)
    picked.set(rows.subarray(indices[i]! * size, (indices[i]! + 1) * size), i * size);
  return picked;
}

/** The samples at the given indices, in that order. */
export function pickSamples({ count, inputs, answers }: SampleSet, indices: ArrayLike<number>): SampleSet {
  return {
    count: indices.length,
    inputs: inputs.map((input) => ({ ...input, mantissas: rowsAt(input.mantissas, count, indices) })),
    answers: answers.map(({ labels, values }) => ({
      labels: rowsAt(labels, count, indices),
      values: values && rowsAt(values, count, indices),
    })),
  };
}
