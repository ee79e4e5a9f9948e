// C types of integers. In: ranges. Out: the smallest stdint type, its size and its short name in kernel names.
import { compilerAssert } from "../support/assert.ts";
import { integerRange, type Range } from "../support/fixed-point.ts";

export type CTypeName = "uint8_t" | "int8_t" | "uint16_t" | "int16_t" | "int32_t" | "int64_t";

export interface CType {
  readonly name: CTypeName;
  /** As in kernel names: u8, i32. */
  readonly short: string;
  readonly bytes: number;
  readonly range: Range;
}

function cType(name: CTypeName, width: number): CType {
  const signed = !name.startsWith("u");
  // Doubles do not hold the ends of int64_t, and no integer of a program comes near them.
  const range = integerRange(Math.min(width, 53), signed);
  return { name, short: `${signed ? "i" : "u"}${width}`, bytes: width / 8, range };
}

const UINT8 = cType("uint8_t", 8);
export const INT8 = cType("int8_t", 8);
const UINT16 = cType("uint16_t", 16);
const INT16 = cType("int16_t", 16);
export const INT32 = cType("int32_t", 32);
export const INT64 = cType("int64_t", 64);

/** Smallest types first; unsigned ones end at 16 bits, so that mixed arithmetic is signed. */
const TYPES: readonly CType[] = [UINT8, INT8, UINT16, INT16, INT32, INT64];

/** Whether a type holds every integer of a range. */
export function holds(type: CType, { min, max }: Range): boolean {
  return type.range.min <= min && max <= type.range.max;
}

/** The smallest type that holds a range; an unsigned one first when nothing is negative. */
export function smallestType(range: Range): CType {
  const found = TYPES.find((type) => holds(type, range));
  compilerAssert(found, `no C type holds ${range.min}..${range.max}`);
  return found;
}

/** int32_t where that holds a range, int64_t otherwise. */
export function accumulatorType(range: Range): CType {
  return holds(INT32, range) ? INT32 : INT64;
}

/** The type in which operands are multiplied: int16_t lets compilers use 16-bit multiply-add instructions. */
export function operandType(...types: readonly CType[]): CTypeName {
  return types.every((type) => holds(INT16, type.range)) ? "int16_t" : "int32_t";
}

/** Range of numbers; 0..0 for none. */
export function rangeOf(data: readonly number[]): Range {
  let min = data[0] ?? 0;
  let max = min;
  for (const value of data) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max };
}
