// Everything a source file asks for: the graph, the data, how to train, what hardware. Made by the language,
// read by data, training and the driver. Plain data; spans point into the source for later messages.
import type { SourceFile, Span } from "../support/source-file.ts";
import type { Graph } from "./graph.ts";

/** One file of inputs or labels, or of both (CSV, JSON, NPZ). */
export interface DataFile {
  readonly format: "idx" | "npy" | "npz" | "csv" | "json";
  /** As written: relative to the model file, or `npm:package/path`. */
  readonly path: string;
  /** A second file with the labels (idx, npy), as written. */
  readonly labels?: string;
  /** Names of the arrays in an .npz, of the columns in a CSV, or of the fields in a JSON. */
  readonly inputKeys?: readonly string[];
  readonly labelKey?: string;
  readonly span: Span;
}

export interface DataSpec {
  readonly train: DataFile;
  readonly test: DataFile;
  /** Samples taken out of the training data for validation: a count, picked by the seed. */
  readonly validation: number;
}

/** Exterior-point budget, met from below on the frozen integers. */
export interface BudgetObjective {
  readonly kind: "budget";
  readonly bitOperations: number;
}

export interface TrainingSpec {
  readonly objective: BudgetObjective;
  /** Epochs of the float warm-up, of the noise phase, and of the straight-through phase. */
  readonly epochs: { readonly float: number; readonly noise: number; readonly rounding: number };
  readonly batch: number;
  readonly learningRate: number;
  readonly seed: number;
  /** Random shift of the training images by up to this many pixels in each direction; 0 is none. */
  readonly shiftPixels: number;
}

/** Hardware wishes. Either an interval for the whole network, or PE and SIMD for each named layer; a layer's own wish wins. */
export interface HardwareSpec {
  readonly clockMHz: number;
  /** Wished cycles per inference; the folding is the smallest that keeps it. */
  readonly intervalCycles: number;
  readonly folding: Readonly<Record<string, { readonly pe: number; readonly simd: number }>>;
  readonly outputs: "class" | "logits" | "both";
}

export interface Project {
  readonly source: SourceFile;
  readonly graph: Graph;
  readonly data: DataSpec;
  readonly training: TrainingSpec;
  readonly hardware: HardwareSpec;
  /** Span of each named node, for messages that later stages make. */
  readonly spans: ReadonlyMap<string, Span>;
}
