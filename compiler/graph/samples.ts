// Samples as training, simulation and verification see them: stored integers with class labels or targets. In: a sample
// set. Out: how many labels each of its samples has.
import type { StoredType } from "./graph.ts";

/**
 * `inputs` holds count x elements mantissas, row-major, channels last; `labels` holds count x positions class indices
 * from 0, and `targets` is null. There is one position, unless the network tells a class at each position of its output
 * (a segmentation): then all of them, row-major. Of a regression `labels` is empty and `targets` holds count x outputs
 * real values; where the network reproduces its input both are absent.
 */
export interface SampleSet {
  readonly count: number;
  /** Shape of one sample. */
  readonly shape: readonly number[];
  readonly stored: StoredType;
  readonly inputs: Uint8Array | Int8Array | Uint16Array | Int16Array;
  readonly labels: Int32Array;
  readonly targets: Float32Array | null;
}

/** Labels of one sample: 1, or one for each position of the output; 0 of a regression. */
export function labelsPerSample({ count, labels }: Pick<SampleSet, "count" | "labels">): number {
  return count === 0 ? 0 : labels.length / count;
}
