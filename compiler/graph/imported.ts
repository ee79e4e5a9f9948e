// A network from somebody else's file, as every importer hands it on: operators on channels-last tensors with the file's
// constants, and the quantizers that the file states. Calibration or training makes integers of one without quantizers;
// exact lowering makes them of one that states them all.
import type {
  ArithmeticOperator,
  ConcatOperator,
  GraphOutput,
  Origin,
  SingleOperator,
  StoredType,
} from "./graph.ts";

/** Numbers of the file, exact: every float32, and every integer that a double holds. */
export type FileNumbers = Float64Array;

/**
 * QONNX rounding modes; ROUND is half to even. HALF_ODD is half to even before an odd zero point is added, as QuantizeLinear
 * says it.
 */
export type QuantRounding =
  | "ROUND"
  | "HALF_UP"
  | "HALF_DOWN"
  | "UP"
  | "DOWN"
  | "CEIL"
  | "FLOOR"
  | "ROUND_TO_ZERO"
  | "HALF_ODD";

/**
 * A stated quantizer. int: m = clamp(round(x / scale + zeroPoint), least, greatest), x' = (m - zeroPoint) * scale. bipolar:
 * x' = scale where x >= 0, else -scale. One scale and zero point, or one for each channel (of weights: each unit).
 */
export type Quantizer =
  | {
      readonly kind: "int";
      readonly scale: FileNumbers;
      readonly zeroPoint: FileNumbers;
      readonly least: number;
      readonly greatest: number;
      readonly rounding: QuantRounding;
    }
  | { readonly kind: "bipolar"; readonly scale: FileNumbers };

/** Constants of a dense or conv. */
export interface ImportedConstants {
  /**
   * Row-major [units, ...kernel, channels / groups]; of a dense [units, inputs], inputs in channels-last order. Tap t of a
   * transposed conv takes element p to p * stride + t * dilation - padding: integer programs have its kernel the other way
   * round, see `flippedKernel`.
   */
  readonly weights: FileNumbers;
  /** What the file does to the weights; null: nothing. */
  readonly weightQuantizer: Quantizer | null;
  readonly bias: FileNumbers | null;
  readonly biasQuantizer: Quantizer | null;
}

interface Base {
  /** Unique; from the file's node or tensor. */
  readonly name: string;
  /** Without the batch dimension, channels last. */
  readonly shape: readonly number[];
  readonly origin: Origin;
  /** The layer that the node belongs to where the file says so: of files that `export` wrote. */
  readonly layer?: string;
}

interface OneInput extends Base {
  readonly input: string;
}

/** The network's input: `stored` where the file says integers. */
export interface ImportedInput extends Base {
  readonly kind: "input";
  readonly stored: StoredType | null;
}

/** scale * (x - mean) / sqrt(variance + epsilon) + bias, by channel. */
export interface NormNode extends OneInput {
  readonly kind: "norm";
  readonly scale: FileNumbers;
  readonly bias: FileNumbers;
  readonly mean: FileNumbers;
  readonly variance: FileNumbers;
  readonly epsilon: number;
}

/**
 * x * gain + offset: one number each, or one for each channel each. `divisor` is there where the file divides by a
 * number whose reciprocal no double holds: the gain is exactly 1 / divisor then, and `gain` the nearest double.
 */
export interface AffineNode extends OneInput {
  readonly kind: "affine";
  readonly gain: FileNumbers;
  readonly offset: FileNumbers;
  readonly divisor?: FileNumbers;
}

/** scale * x where x >= 0, else scale * alpha * (e^x - 1): elu, and selu with its two constants. */
export interface EluNode extends OneInput {
  readonly kind: "elu";
  readonly alpha: number;
  readonly scale: number;
}

export interface QuantizeNode extends OneInput {
  readonly kind: "quantize";
  readonly quantizer: Quantizer;
}

/** QONNX MultiThreshold: outScale * #{k: x >= thresholds[channel][k]} + outBias; `channels` is 1 or that of the tensor. */
export interface MultiThresholdNode extends OneInput {
  readonly kind: "multithreshold";
  readonly channels: number;
  readonly thresholds: FileNumbers;
  readonly outScale: number;
  readonly outBias: number;
}

/** QONNX Trunc: the low bits of an integer tensor of `inputWidth` bits are dropped until `outputWidth` are left. */
export interface TruncNode extends OneInput {
  readonly kind: "trunc";
  readonly scale: FileNumbers;
  readonly zeroPoint: FileNumbers;
  readonly inputWidth: number;
  readonly outputWidth: number;
  readonly rounding: QuantRounding;
}

/** result[j] = input[indices[j]] of a flat tensor; the indices ascend. */
export interface SelectNode extends OneInput {
  readonly kind: "select";
  readonly indices: readonly number[];
}

/** entries[x], for whole x from 0 on: a function as a table. */
export interface LookupNode extends OneInput {
  readonly kind: "lookup";
  readonly entries: FileNumbers;
}

/** Any operator of the language but batchnorm, which is a norm here. */
export type LanguageNode =
  | (OneInput & SingleOperator)
  | (Base & { readonly inputs: readonly string[] } & (ArithmeticOperator | ConcatOperator));

export type ImportedNode =
  | ImportedInput
  | NormNode
  | AffineNode
  | EluNode
  | QuantizeNode
  | MultiThresholdNode
  | TruncNode
  | SelectNode
  | LookupNode
  | LanguageNode;

export interface ImportedModel {
  readonly name: string;
  /** Such as "onnx 13" or "keras 3". */
  readonly format: string;
  /** Inputs come before their users. */
  readonly nodes: readonly ImportedNode[];
  /** Of every dense and conv, by name. */
  readonly constants: ReadonlyMap<string, ImportedConstants>;
  readonly outputs: readonly GraphOutput[];
}

/** Weights [units, ...kernel, channels / groups] with the kernel the other way round along every axis. */
export function flippedKernel(weights: FileNumbers, units: number, kernel: readonly number[]): FileNumbers {
  const taps = kernel.reduce((a, b) => a * b, 1);
  const channels = weights.length / (units * taps);
  return weights.map((_, i) => {
    const [unit, tap] = [Math.floor(i / (taps * channels)), Math.floor(i / channels) % taps];
    return weights[(unit * taps + taps - 1 - tap) * channels + (i % channels)]!;
  });
}

/** Names of the nodes that a node reads, in order: none of an input. */
export function importedInputsOf(node: ImportedNode): readonly string[] {
  if (node.kind === "input") return [];
  return "inputs" in node ? node.inputs : [node.input];
}
