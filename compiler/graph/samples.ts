// Samples as training, simulation and verification see them: stored integers and class labels.
import type { StoredType } from "./graph.ts";

/** `inputs` holds count x elements mantissas, row-major, channels last; `labels` holds count class indices from 0. */
export interface SampleSet {
  readonly count: number;
  /** Shape of one sample. */
  readonly shape: readonly number[];
  readonly stored: StoredType;
  readonly inputs: Uint8Array | Int8Array | Uint16Array | Int16Array;
  readonly labels: Int32Array;
}
