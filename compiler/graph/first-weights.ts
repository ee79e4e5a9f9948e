// A network with the weights that somebody gave it: what an importer of a float model makes, and what calibration or
// fine-tuning starts from. Plain data.
import type { Graph, StoredType } from "./graph.ts";

/** A batch-norm behind a layer, by unit: gain * (x - mean) / sqrt(variance + 1e-5) + shift; gains are above 0. */
export interface NormWeights {
  readonly gain: Float32Array;
  readonly shift: Float32Array;
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

/** Weights of a dense or a conv. */
export interface LayerWeights {
  /** Row-major [units, inputs]; of a conv [units, ...kernel, channels / groups]. */
  readonly weights: Float32Array;
  /** By unit; null where a batch-norm follows. */
  readonly bias: Float32Array | null;
  readonly norm: NormWeights | null;
}

/** Of every dense and conv, by name. */
export type FirstWeights = ReadonlyMap<string, LayerWeights>;

/** What the integers at an input of an imported model stand for: integer * scale * 2^-fraction. */
export interface ImportedInputValues {
  readonly stored: StoredType;
  /** 1, unless a step is no power of two. */
  readonly scale: number;
}

export interface FloatNetwork {
  readonly graph: Graph;
  readonly weights: FirstWeights;
}

/** Added to a variance before its root is taken. */
export const NORM_FLOOR = 1e-5;
