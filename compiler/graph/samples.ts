// Samples as training, simulation and verification see them: stored integers and class labels.
import type { StoredType } from "./graph.ts";

/**
 * `inputs` holds count x elements mantissas, row-major, channels last; `labels` holds count
 * class indices from 0, and `targets` is null. Of a regression `labels` is empty and `targets` holds count x outputs
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
