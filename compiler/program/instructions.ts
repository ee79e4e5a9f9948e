// The instructions of the integer program, as plain data; SEMANTICS.md says what each computes. Part of program.ts,
// which exports all of it.
import type { Rounding } from "../support/fixed-point.ts";

/** One number for each spatial axis: rows and columns of an image, or the positions of a sequence. */
export type Sizes = readonly number[];

/** Positions outside a tensor, before and after it along each spatial axis. */
export interface Padding {
  readonly before: Sizes;
  readonly after: Sizes;
}

interface Step {
  /** The user's layer that this instruction belongs to: names hardware stages, reports and errors. */
  readonly layer: string;
  readonly result: string;
}

interface UnaryStep extends Step {
  readonly input: string;
}

/** result = saturate(min(activation(round(input / 2^s)), limit)), s = fraction(input) - fraction(result), per channel. */
export interface RequantizeInstruction extends UnaryStep {
  readonly op: "requantize";
  readonly activation: "none" | "relu";
  readonly rounding: Rounding;
  /** Largest mantissa of the result, at least 0: the upper end of a clamp such as ReLU6. null: that of the format. */
  readonly limit: number | null;
}

/** result[o] = bias[o] + sum over i of weights[o, i] * input[i], over the flat last axis; exact. */
export interface DenseInstruction extends UnaryStep {
  readonly op: "dense";
  /** Constant [out, in]. */
  readonly weights: string;
  /** Constant [out] with the fraction of the result, or null. */
  readonly bias: string | null;
}

/** result[p, o] = bias[o] + sum over k, c of weights[o, k, c] * input'[p*stride + k*dilation - before, c]; exact. */
export interface ConvInstruction extends UnaryStep {
  readonly op: "conv";
  /** Constant [out, ...kernel, in / groups]. */
  readonly weights: string;
  /** Constant [out] with the fraction of the result, or null. */
  readonly bias: string | null;
  readonly strides: Sizes;
  readonly dilations: Sizes;
  readonly padding: Padding;
  /** spread - 1 zeros stand between neighbouring inputs; 1 for none. */
  readonly spread: Sizes;
  /** Output channel o reads the input channels of group floor(o / (out / groups)). */
  readonly groups: number;
  /** What stands outside the (spread) input. */
  readonly padMantissa: number;
}

/** Largest mantissa, or rounded mean floor(sum / N + 1/2), of a window in each channel. */
export interface PoolInstruction extends UnaryStep {
  readonly op: "pool";
  readonly kind: "max" | "average";
  readonly window: Sizes;
  readonly strides: Sizes;
  readonly padding: Padding;
}

/** result = base + number of k with input >= thresholds[c, k]; thresholds ascend in k, integers in units of the input's mantissa. */
export interface ThresholdInstruction extends UnaryStep {
  readonly op: "threshold";
  /** Constant [channels, levels]. */
  readonly thresholds: string;
  readonly base: number;
}

/** result = table[input - least mantissa of the input's format]. */
export interface TableInstruction extends UnaryStep {
  readonly op: "table";
  /** Constant [entries], one for each mantissa of the input's format. */
  readonly table: string;
}

/** result = input * multipliers[c] + offsets[c]; exact. */
export interface ScaleInstruction extends UnaryStep {
  readonly op: "scale";
  /** Constant [channels]. */
  readonly multipliers: string;
  /** Constant [channels] with the fraction of the result, or null. */
  readonly offsets: string | null;
}

/** Sum, difference or product of two tensors, element by element; exact. inputs[1] may be one row of channels for all positions. */
export interface ArithmeticInstruction extends Step {
  readonly op: "add" | "subtract" | "multiply";
  readonly inputs: readonly [string, string];
}

/** The inputs side by side along an axis. */
export interface ConcatInstruction extends Step {
  readonly op: "concat";
  /** At least two. */
  readonly inputs: readonly string[];
  readonly axis: number;
}

/** Same elements in the same order; the result's value says the shape. */
export interface ReshapeInstruction extends UnaryStep {
  readonly op: "reshape";
}

/** result[j] = input[indices[j]]: keeps some elements of a flat tensor, for layers that do not read the others. */
export interface SelectInstruction extends UnaryStep {
  readonly op: "select";
  /** Strictly ascending, at least one, each below the input's size. */
  readonly indices: readonly number[];
}

/** result[i] = input[begin + i] along every axis; the result's value says the sizes. */
export interface SliceInstruction extends UnaryStep {
  readonly op: "slice";
  /** One for each axis, channels included. */
  readonly begin: readonly number[];
}

/** The input with a constant mantissa around it. */
export interface PadInstruction extends UnaryStep {
  readonly op: "pad";
  /** One for each axis, channels included. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly mantissa: number;
}

/** Axis i of the result is axis permutation[i] of the input. */
export interface TransposeInstruction extends UnaryStep {
  readonly op: "transpose";
  readonly permutation: readonly number[];
}

/** Nearest neighbour: result[p] = input[floor(p / factor)]. */
export interface UpsampleInstruction extends UnaryStep {
  readonly op: "upsample";
  readonly factors: Sizes;
}

/** Index of the largest element of the last axis, the lowest on ties. */
export interface ArgmaxInstruction extends UnaryStep {
  readonly op: "argmax";
}

export type Instruction =
  | RequantizeInstruction
  | DenseInstruction
  | ConvInstruction
  | PoolInstruction
  | ThresholdInstruction
  | TableInstruction
  | ScaleInstruction
  | ArithmeticInstruction
  | ConcatInstruction
  | ReshapeInstruction
  | SelectInstruction
  | SliceInstruction
  | PadInstruction
  | TransposeInstruction
  | UpsampleInstruction
  | ArgmaxInstruction;

export type Opcode = Instruction["op"];

/** Instructions whose result is a proved sum or product: what hardware calls an accumulator. */
export type SumInstruction = DenseInstruction | ConvInstruction | ScaleInstruction | ArithmeticInstruction;

/** Names of the values that an instruction reads, in order. */
export function operandsOf(instruction: Instruction): readonly string[] {
  return "inputs" in instruction ? instruction.inputs : [instruction.input];
}

/** Names of the constants that an instruction reads. */
export function constantsOf(instruction: Instruction): readonly string[] {
  switch (instruction.op) {
    case "dense":
    case "conv":
      return instruction.bias === null ? [instruction.weights] : [instruction.weights, instruction.bias];
    case "threshold":
      return [instruction.thresholds];
    case "table":
      return [instruction.table];
    case "scale":
      return instruction.offsets === null
        ? [instruction.multipliers]
        : [instruction.multipliers, instruction.offsets];
    default:
      return [];
  }
}

/** Whether the result is an accumulator, whose width is proved. */
export function isSum(instruction: Instruction): instruction is SumInstruction {
  switch (instruction.op) {
    case "dense":
    case "conv":
    case "scale":
    case "add":
    case "subtract":
    case "multiply":
      return true;
    default:
      return false;
  }
}
