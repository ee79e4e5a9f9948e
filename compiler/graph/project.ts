// Everything a source file asks for: the graph, the data, how to train, what hardware. Made by the language,
// read by data, training and the driver. Plain data; spans point into the source for later messages.
import type { SourceFile, Span } from "../support/source-file.ts";
import type { FirstWeights } from "./first-weights.ts";
import type { Graph } from "./graph.ts";

/** One file of inputs or labels, or of both (CSV, JSON, NPZ). */
export interface DataFile {
  readonly format: "idx" | "npy" | "npz" | "csv" | "json";
  /** As written: relative to the model file, or `npm:package/path`. `{class}` stands for 0, 1, ...: a file for each class. */
  readonly path: string;
  /** A second file with the labels (idx, npy), as written. */
  readonly labels?: string;
  /** Names of the arrays in an .npz, of the columns in a CSV, or of the fields in a JSON. */
  readonly inputKeys?: readonly string[];
  /** Class labels. Absent, with `targetKeys` too, where the network reproduces its input. */
  readonly labelKey?: string;
  /** Columns of a CSV, or arrays or fields, with the real values of a regression. */
  readonly targetKeys?: readonly string[];
  /** A second file of targets instead of labels (npy). */
  readonly targets?: string;
  /** Skips malformed rows instead of refusing them (JSON rows). */
  readonly skipMalformed?: boolean;
  /** Of every class the first `perClass` valid rows, or the last: a fixed split of a file that has none. */
  readonly part?: { readonly from: "first" | "last"; readonly perClass: number };
  readonly span: Span;
}

/** Where the samples of one input or output are. */
export interface PortFile {
  /** Name of the input or output. */
  readonly port: string;
  /** Its samples are what `inputKeys` names: of an output those are its labels or targets. */
  readonly file: DataFile;
}

/** Samples in one file (or a pair of files) with one input and its labels or targets; or apart for each input and output. */
export type SampleFiles = DataFile | readonly PortFile[];

/** Samples taken out of the training data, picked by the seed: a count, or a share of them in (0, 1). */
export type HeldBack = number | { readonly share: number };

/** Whether every input and output has a file of its own. */
export function isByPort(source: SampleFiles | HeldBack): source is readonly PortFile[] {
  return Array.isArray(source);
}

/** Whether test data have no files, but are taken out of the training data. */
export function isHeldBack(test: SampleFiles | HeldBack): test is HeldBack {
  return typeof test === "number" || "share" in test;
}

export interface DataSpec {
  readonly train: SampleFiles;
  /** Files of their own, or a part of the training data. */
  readonly test: SampleFiles | HeldBack;
  readonly validation: HeldBack;
}

/** Samples of an imported model that comes without data: uniform stored integers of each input, both ends included. */
export interface MadeData {
  readonly made: readonly { readonly least: number; readonly greatest: number }[];
}

/** Bounds on the frozen integers; each that is given holds. */
export interface Limits {
  /** Sum over the multiplications of weight width x activation width. */
  readonly bitOperations?: number;
  /** Sum over the multiplications of the weight's span of binary digits x activation width (arXiv:2405.00645). */
  readonly ebops?: number;
  /** Bits of the weight memory, without biases and thresholds. */
  readonly weightBits?: number;
  /** Estimated look-up tables of the MAC arrays at the wished interval. */
  readonly luts?: number;
  /** Mean width of the kept weights. */
  readonly meanWeightBits?: number;
}

export type Limit = keyof Limits;

/** Met from below on the frozen integers. */
export interface BudgetObjective {
  readonly kind: "budget";
  readonly limits: Limits;
}

/**
 * The smallest capacity whose frozen integers stay within epsilon of the float baseline: the upper one-sided 95 %
 * bound of the mean difference of the validation samples' losses is at most epsilon.
 */
export interface LosslessObjective {
  readonly kind: "lossless";
  /**
   * In units of the loss (nats for cross entropy); null: 0.01 nats, or 5 % of the float loss for a regression; of several
   * outputs the weighted sum of these.
   */
  readonly epsilon: number | null;
}

export type Objective = BudgetObjective | LosslessObjective;

/** Which weights share one alpha: all of a layer, those of an output channel, or those of `size` adjacent inputs. */
export type Granularity =
  | { readonly kind: "layer" }
  | { readonly kind: "channel" }
  | { readonly kind: "group"; readonly size: number };

/** Widest weights and activations that training makes. */
export const MAX_TRAINED_WIDTH = 8;
/** Widest tensor behind a batch-norm: its values are thresholds, 2^width - 1 of them a unit. */
export const MAX_THRESHOLD_BITS = 4;

/** Widths that training may choose, both ends included. One-bit weights are bipolar. */
export interface WidthRange {
  readonly min: number;
  readonly max: number;
}

/** How a dense layer's weights, bias and entering tensor are quantized. */
export interface LayerQuantization {
  readonly weights: { readonly granularity: Granularity; readonly bits: WidthRange };
  /** The entering tensor: of the whole tensor, or of each of its channels. */
  readonly input: { readonly granularity: "layer" | "channel"; readonly bits: WidthRange };
  /** `accumulator`: rounded to the accumulator's unit. Else an alpha of its own is trained. */
  readonly bias: "accumulator" | "layer" | "channel";
  /** Whether inputs and units without signal above the noise are removed. */
  readonly prune: boolean;
}

/** Gradient of a discrete function for its argument. */
export type Surrogate =
  | { readonly kind: "straight-through" }
  /** Straight-through, scaled by how far and to which side the value is rounded (arXiv:2104.00903). */
  | { readonly kind: "ewgs"; readonly delta: number }
  /** Slope of the stochastic regularization under noise of standard deviation sigma, in steps of the quantizer. */
  | { readonly kind: "regularized"; readonly noise: "normal" | "uniform"; readonly sigma: number };

export type LossSpec =
  | {
      readonly kind: "cross-entropy";
      /** Part of the target that is spread over all classes, 0 to 1. */
      readonly smoothing: number;
      /** Factor of each class's samples; null: 1 each. */
      readonly weights: readonly number[] | null;
    }
  | { readonly kind: "mse"; readonly weights: readonly number[] | null }
  | {
      readonly kind: "huber";
      /** Where the square turns into a line, in units of the target. */
      readonly delta: number;
      /** Factor of each output; null: 1 each. */
      readonly weights: readonly number[] | null;
    };

/** The loss of one output, and its factor in the sum that is trained. */
export interface OutputLoss {
  readonly loss: LossSpec;
  readonly weight: number;
}

export type OptimizerSpec =
  | { readonly kind: "sgd"; readonly momentum: number }
  | { readonly kind: "adam" }
  | { readonly kind: "radam" };

export type RateSchedule =
  | { readonly kind: "cosine" }
  | { readonly kind: "constant" }
  /** Multiplied by `factor` after every `epochs`. */
  | { readonly kind: "step"; readonly epochs: number; readonly factor: number };

export interface Augmentation {
  /** Random shift of training images by up to this many pixels in each direction; 0 is none. */
  readonly shiftPixels: number;
  /** Mirrors every other image, picked at random: left to right, or upside down. */
  readonly flip: "none" | "horizontal" | "vertical";
  /** Standard deviation of normal noise added to the values; 0 is none. */
  readonly noise: number;
}

export interface TrainingSpec {
  readonly objective: Objective;
  /** Of every output, in their order: what is trained is their weighted sum. */
  readonly losses: readonly OutputLoss[];
  /**
   * What the outputs are compared with: the data's labels or targets, the inputs themselves (autoencoder), or what the given
   * float network makes of the samples.
   */
  readonly target: "data" | "input" | "float";
  /**
   * Epochs of the float warm-up, of the phase that finds the steps, and of the one with frozen formats; `baseline` of the
   * float baseline, absent: as many as the others together. All 0, for a network with weights: it is calibrated.
   */
  readonly epochs: {
    readonly baseline?: number;
    readonly float: number;
    readonly noise: number;
    readonly rounding: number;
  };
  readonly batch: number;
  readonly optimizer: OptimizerSpec;
  /** Decoupled weight decay: part of the weight per unit of learning rate; 0 is none. */
  readonly weightDecay: number;
  readonly learningRate: number;
  readonly schedule: RateSchedule;
  /** A phase ends when the validation loss has not improved for so many epochs; null: never early. */
  readonly patience: number | null;
  readonly seed: number;
  readonly augment: Augmentation;
  /** Part of the baseline and of every rounding round in which samples are augmented, [0, 1]; the rest sees them as they are. */
  readonly augmentUntil: number;
  /** Mean and deviation taken from the inputs before the first layer: of the whole tensor, or of each element. */
  readonly normalize: "none" | "tensor" | "element";
  /** Forward pass in which the steps are found: noise of amplitude alpha, or real rounding with a decorrelated alpha gradient. */
  readonly search: "noise" | "rounding";
  /** Gradient through rounding, step, sign and bipolar weights; null: what measured best for each (docs/training.md). */
  readonly gradient: Surrogate | null;
  /** Part of the loss that compares with the float baseline's outputs; null: none. */
  readonly distillation: { readonly weight: number; readonly temperature: number } | null;
  /** Of every dense layer by name. */
  readonly layers: Readonly<Record<string, LayerQuantization>>;
  /** Of the activations, and of the weights of layers, that have one of their own, by name. */
  readonly surrogates: Readonly<Record<string, Surrogate>>;
}

/** Hardware wishes. Either an interval for the whole network, or PE and SIMD for each named layer; a layer's own wish wins. */
export interface HardwareSpec {
  readonly clockMHz: number;
  /** Wished cycles per inference; the folding is the smallest that keeps it. */
  readonly intervalCycles: number;
  readonly folding: Readonly<Record<string, { readonly pe: number; readonly simd: number }>>;
  /** Bits of the operands of the part's multipliers, where products that fit are to share one. */
  readonly multiplier?: readonly [number, number];
  readonly outputs: "class" | "logits" | "both";
  /** A part for which foldings are found that take the least of it; absent: the fewest products for the interval. */
  readonly part?: PartWish;
}

/** A part, and what is wished on it. */
export interface PartWish {
  /** Name of a target. */
  readonly target: string;
  readonly goal:
    | { readonly kind: "interval"; readonly cycles: number }
    | { readonly kind: "latency"; readonly cycles: number }
    | { readonly kind: "fastest" };
}

/** A model that comes from somebody else's file. */
export interface ImportedSource {
  /** As written: relative to the model text. */
  readonly path: string;
  /** Of all that was read of the model. */
  readonly digest: string;
  readonly weights: FirstWeights;
}

/** What a text and the compiler's driver have to know of a file's network that states its quantizers. */
export interface StatedNetwork {
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** Shape of the scores, also where a class is made of them. */
  readonly outputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly isClass: boolean;
  }[];
  /** Dense layers and convolutions: units, and weights of each. */
  readonly layers: readonly { readonly name: string; readonly units: number; readonly inputs: number }[];
  /** Of all that was read of the model. */
  readonly digest: string;
}

/** What the integers of an input stand for: integer * step. */
export interface StatedInput {
  readonly signed: boolean;
  readonly width: number;
  readonly step: number;
}

/** A model whose file states its quantizers: it is compiled as it is, and nothing is trained. */
export interface StatedProject {
  readonly source: SourceFile;
  readonly name: string;
  readonly stated: StatedNetwork;
  /** Integers of the inputs that the text describes, by name. */
  readonly inputs: ReadonlyMap<string, StatedInput>;
  /** Samples to run and to measure by; null: made ones. */
  readonly data: SampleFiles | null;
  /** What the samples have beside the inputs, for each output. */
  readonly compared: readonly ("labels" | "targets" | "nothing")[];
  /** Of made samples. */
  readonly seed: number;
  readonly hardware: HardwareSpec;
  /** Span of each named node, for messages that later stages make. */
  readonly spans: ReadonlyMap<string, Span>;
}

export interface Project {
  readonly source: SourceFile;
  readonly graph: Graph;
  /** Absent where the text describes the model itself. */
  readonly imported?: ImportedSource;
  readonly data: DataSpec | MadeData;
  readonly training: TrainingSpec;
  readonly hardware: HardwareSpec;
  /** Span of each named node, for messages that later stages make. */
  readonly spans: ReadonlyMap<string, Span>;
}
