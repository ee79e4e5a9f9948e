// What training hands on: the graph with frozen mantissas, formats and noise figures. Plain data, saved as JSON.
// Lowering copies the mantissas; it never rounds a float.
import type { Graph } from "./graph.ts";

export const TRAINED_SCHEMA = "noisefloor.trained/5";

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

/**
 * A frozen format. int: value = mantissa * 2^-fraction. bipolar: one bit b, value = (2b - 1) * 2^-fraction, unsigned
 * with width 1. `fraction` has one entry for each unit where a layer's channels have steps of their own.
 */
export interface FrozenFormat {
  readonly kind: "int" | "bipolar";
  readonly signed: boolean;
  readonly width: number;
  readonly fraction: number | readonly number[];
}

/** How a quantized tensor comes from the sums (or stored integers, or another quantized tensor) before it. */
export type Entry =
  /** Rounded half up to the format, which saturates; a ReLU is its clamp. */
  | { readonly kind: "requantize"; readonly relu: boolean }
  /** base + #{k: x >= thresholds[channel][k]}, ascending in k: batch-norm, sign and step as integers. */
  | {
      readonly kind: "threshold";
      readonly base: number;
      readonly levels: number;
      readonly thresholds: readonly number[];
    }
  /** table[m - least mantissa of what enters]: a curve, with the activation and rounding behind it. */
  | { readonly kind: "table"; readonly table: readonly number[] };

/** A quantized tensor. */
export interface TrainedSignal {
  /** The node whose value is quantized. */
  readonly node: string;
  /** The first layer that reads it, whole or rearranged; null where only sums and products do. */
  readonly reader: string | null;
  readonly entry: Entry;
  readonly format: FrozenFormat;
}

/** A dense layer or a convolution. */
export interface TrainedLayer {
  readonly node: string;
  /** What is kept of the graph's layer: units, weights of each unit. */
  readonly units: number;
  readonly inputs: number;
  /** Results of a unit for one sample: 1 of a dense layer. */
  readonly positions: number;
  /** Indices of the kept units in the graph's layer; null: all. */
  readonly keptUnits: readonly number[] | null;
  /** Weight mantissas (bits when bipolar), row-major [units, inputs]; of a convolution [units, ...kernel, channels / groups]. */
  readonly weights: readonly number[];
  readonly weightFormat: FrozenFormat;
  readonly weightNoise: TensorNoise;
  /** Bias mantissas, fraction = weight fraction + activation fraction; null where thresholds hold it. */
  readonly bias: readonly number[] | null;
  /**
   * What a convolution reads outside of its input, a mantissa of the input's format: the mean of normalised inputs. 0 unless
   * given.
   */
  readonly padMantissa?: number;
  /** Format and noise of the layer's input tensor. */
  readonly activationFormat: FrozenFormat;
  readonly activationNoise: TensorNoise;
}

/**
 * Accuracy is a fraction in [0, 1], null for a regression; loss is the mean per sample, nats for cross entropy. Of several
 * outputs the loss is the weighted sum, there is no accuracy, and `outputs` has the score of each, not weighted.
 */
export interface Score {
  readonly accuracy: number | null;
  readonly loss: number;
  readonly outputs?: readonly OutputScore[] | undefined;
}

/** Score of one of several outputs. */
export interface OutputScore {
  readonly name: string;
  readonly accuracy: number | null;
  readonly loss: number;
}

/** What another width of one tensor would do, without retraining. */
export interface BitPrice {
  readonly width: number;
  /** Change of the signal-to-noise ratio, dB: 6.02 per bit; null to and from bipolar. */
  readonly decibels: number | null;
  /** Change of the mean loss on the validation samples. */
  readonly loss: number;
  readonly bitOperations: number;
}

export interface TensorLedger {
  readonly more: BitPrice | null;
  readonly less: BitPrice | null;
}

/** Accounts of one layer at the end of training. */
export interface LayerLedger {
  readonly node: string;
  readonly weights: TensorLedger;
  readonly activations: TensorLedger;
  /** What was removed: below its noise, constant over the training samples, or taken by bit allocation. */
  readonly pruned: {
    readonly inputs: number;
    /** Of `inputs`, those that were constant over the training samples. */
    readonly constantInputs: number;
    /** Of `inputs`, those that stood above their noise and that bit allocation took to meet its bound. */
    readonly allocatedInputs: number;
    readonly units: number;
    /** Of `units`, by bit allocation. */
    readonly allocatedUnits: number;
    readonly weights: number;
    readonly bitOperations: number;
    /** Of `bitOperations`, by constant inputs. */
    readonly constantBitOperations: number;
    /** Of `bitOperations`, by bit allocation: what it took of what pruning had left. */
    readonly allocatedBitOperations: number;
  };
}

/** A layer that went with a branch that carried nothing above its noise. */
export interface RemovedLayer {
  readonly node: string;
  readonly weights: number;
  readonly macs: number;
  /** By the widths that it would have got. */
  readonly bitOperations: number;
}

/** What bounds a lossless objective whose widths are all given. */
export const NOTHING_TO_FIND = "every width is given by the model: nothing was left to be found";

/** How the objective ended. */
export interface Outcome {
  /** `budget`: the limits; `lossless`: the loss of integers against that of float. */
  readonly objective: "budget" | "lossless";
  /** Which constraint was in the way of fewer bits, or of more: one sentence for the user. */
  readonly bound: string;
  /** Each limit as asked and as reached. */
  readonly limits: readonly { readonly limit: string; readonly asked: number; readonly reached: number }[];
  /** Of `lossless`: mean difference of the losses, its standard error, the upper 95 % bound, and epsilon. */
  readonly difference: {
    readonly mean: number;
    readonly standardError: number;
    readonly upper: number;
    readonly epsilon: number;
    readonly holds: boolean;
  } | null;
}

export interface TrainedGraph {
  readonly schema: typeof TRAINED_SCHEMA;
  /** What is left of the model's graph: without the branches that went. */
  readonly graph: Graph;
  readonly removed: readonly RemovedLayer[];
  /** Of each input of the graph, indices of the elements that are kept of it when it is flat, ascending; null: all. */
  readonly keptInputs: readonly (readonly number[] | null)[];
  readonly layers: readonly TrainedLayer[];
  readonly signals: readonly TrainedSignal[];
  readonly ledger: readonly LayerLedger[];
  readonly outcome: Outcome;
  readonly seed: number;
  /** Backend that trained it, such as "wasm" or "tensorflow", with its version. */
  readonly backend: string;
  readonly bitOperations: number;
  /** Scores on the validation samples; the trainer never sees the test split. */
  readonly validation: { readonly float: Score; readonly quantized: Score };
}
