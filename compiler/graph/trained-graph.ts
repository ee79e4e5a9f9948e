// What training hands on: the graph with frozen mantissas, formats and noise figures. Plain data, saved as JSON.
// Lowering copies the mantissas; it never rounds a float.
import type { Graph } from "./graph.ts";

export const TRAINED_SCHEMA = "noisefloor.trained/1";

/** Noise figures of one quantized tensor, in the tensor's own units. */
export interface TensorNoise {
  /** Trained amplitude of the residue: step / sqrt(12). */
  readonly alpha: number;
  readonly rms: number;
  readonly std: number;
  /** log2(rms / alpha); null when nothing is left of the signal. */
  readonly snrBits: number | null;
  /** log2(std / alpha): what pruning is decided on. */
  readonly varyingSnrBits: number | null;
  /** Measured rms of the rounding residue, to be read beside alpha. */
  readonly residueRms: number;
}

/** A frozen integer format: value = mantissa * 2^-fraction. */
export interface FrozenFormat {
  readonly signed: boolean;
  readonly width: number;
  readonly fraction: number;
}

export interface TrainedDense {
  readonly node: string;
  readonly units: number;
  readonly inputs: number;
  /** Weight mantissas, row-major [units, inputs]. */
  readonly weights: readonly number[];
  readonly weightFormat: FrozenFormat;
  readonly weightNoise: TensorNoise;
  /** Bias mantissas, fraction = weight fraction + activation fraction. */
  readonly bias: readonly number[];
  /** Format of the layer's input tensor. */
  readonly activationFormat: FrozenFormat;
  readonly activationNoise: TensorNoise;
}

/** Accuracy is a fraction in [0, 1]; loss is the mean cross entropy in nats. */
export interface Score {
  readonly accuracy: number;
  readonly loss: number;
}

export interface TrainedGraph {
  readonly schema: typeof TRAINED_SCHEMA;
  readonly graph: Graph;
  readonly layers: readonly TrainedDense[];
  readonly seed: number;
  /** Backend that trained it, such as "wasm" or "tensorflow", with its version. */
  readonly backend: string;
  readonly bitOperations: number;
  /** Scores on the validation samples; the trainer never sees the test split. */
  readonly validation: { readonly float: Score; readonly quantized: Score };
}
