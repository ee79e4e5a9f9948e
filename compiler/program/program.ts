// The integer program: the one contract between simulator, Verilog and C. Plain data; SEMANTICS.md says what
// it computes, verify.ts what must hold, print.ts and read.ts carry it to program.json and back.
import { integerRange, type Range } from "../support/fixed-point.ts";
import type { Instruction } from "./instructions.ts";

export * from "./instructions.ts";

export const PROGRAM_SCHEMA = "noisefloor.program/2";

/** Integer mantissas: value = mantissa * 2^-fraction. `fraction` may be negative or above the width. */
export interface IntFormat {
  readonly kind: "int";
  readonly signed: boolean;
  /** Bits of the mantissa: 1 to 16 for tensors and weights, up to 48 for accumulators and biases. */
  readonly width: number;
  /** One for the tensor, or one per channel (see `channelsOf`). */
  readonly fraction: number | readonly number[];
}

/** One bit b per element: value = (2b - 1) * 2^-fraction. Mantissas are the bits, 0 or 1. */
export interface BipolarFormat {
  readonly kind: "bipolar";
  readonly fraction: number | readonly number[];
}

export type Format = IntFormat | BipolarFormat;

/** A tensor that flows through the program. Row-major, channels last; the last axis is the channel axis. */
export interface Value {
  /** Unique; any non-empty string, back ends make legal names of it. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly format: Format;
}

/** A tensor that is stored in the program. For weights axis 0 is the output channel: a per-channel fraction has one entry per index of axis 0. */
export interface Constant {
  readonly name: string;
  readonly shape: readonly number[];
  readonly format: Format;
  /** Mantissas, row-major. */
  readonly data: readonly number[];
}

/** What an output means: `class` is the argmax of the output with role `logits`. */
export type OutputRole = "logits" | "class" | "value";

export interface ProgramOutput {
  readonly name: string;
  readonly value: string;
  readonly role: OutputRole;
}

export interface Program {
  readonly schema: typeof PROGRAM_SCHEMA;
  /** The model's name. */
  readonly name: string;
  /** Names of the values that are fed from outside: the data's stored integers. */
  readonly inputs: readonly string[];
  readonly outputs: readonly ProgramOutput[];
  /** Every value, inputs first, then in order of definition. */
  readonly values: readonly Value[];
  readonly constants: readonly Constant[];
  /** In an order in which every input is defined before it is used. */
  readonly instructions: readonly Instruction[];
}

/** Number of elements of a shape. */
export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Channels of a value: the size of its last axis. */
export function channelsOf(value: Value): number {
  return value.shape[value.shape.length - 1] ?? 1;
}

/** Fraction of channel `c` of a format. */
export function fractionOf(format: Format, c: number): number {
  return typeof format.fraction === "number" ? format.fraction : format.fraction[c]!;
}

/** Bits of one stored mantissa. */
export function widthOf(format: Format): number {
  return format.kind === "int" ? format.width : 1;
}

/** Whether the mantissa is two's complement. */
export function isSigned(format: Format): boolean {
  return format.kind === "int" && format.signed;
}

/** Range of stored mantissas (of the bit, for bipolar). */
export function mantissaRange(format: Format): Range {
  return format.kind === "int" ? integerRange(format.width, format.signed) : { min: 0, max: 1 };
}

/** Range of the integers that arithmetic sees: mantissas, or -1 and +1 for bipolar. */
export function operandRange(format: Format): Range {
  return format.kind === "int" ? integerRange(format.width, format.signed) : { min: -1, max: 1 };
}

/** The named value; a bug when it is missing from a verified program. */
export function valueNamed(program: Program, name: string): Value {
  const found = program.values.find((v) => v.name === name);
  if (!found) throw new Error(`the program has no value ${name}`);
  return found;
}

/** The named constant; a bug when it is missing from a verified program. */
export function constantNamed(program: Program, name: string): Constant {
  const found = program.constants.find((c) => c.name === name);
  if (!found) throw new Error(`the program has no constant ${name}`);
  return found;
}
