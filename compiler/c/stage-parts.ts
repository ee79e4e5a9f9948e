// What the planners of all stages share. In: a program and the names taken so far. Out: types of values, names, and
// constants and comments as text.
import type { Program, Value } from "../program/program.ts";
import { compilerAssert } from "../support/assert.ts";
import { commentText } from "../support/comment-text.ts";
import type { Range } from "../support/fixed-point.ts";
import type { KernelSet } from "./kernels.ts";
import { identifierOf, type NameScope } from "./names.ts";
import type { ConstantPlan } from "./plan.ts";
import { type CType, holds, rangeOf, smallestType } from "./types.ts";

/** Proved ranges of all values, by name. */
export type Ranges = ReadonlyMap<string, Range>;

/** What the stages of one model have in common. */
export interface StageContext {
  readonly program: Program;
  readonly ranges: Ranges;
  readonly prefix: string;
  readonly names: NameScope;
  readonly kernels: KernelSet;
}

export interface Stage {
  readonly name: string;
  readonly comment: readonly string[];
  /** Parameters for the operands, in their order. */
  readonly inputs: readonly string[];
  readonly body: string;
  readonly constants: readonly ConstantPlan[];
  /** Type of a dense or conv layer's sums. */
  readonly accumulator: CType | null;
  /**
   * Parameters whose array may be that of the result, if the types agree: element i of the result is written after
   * element i of these was read, and none of them is read later.
   */
  readonly overwrites: readonly string[];
}

/** The C type of a value's elements. */
export function typeOfValue(ranges: Ranges, { name }: Value): CType {
  return smallestType(rangeOfValue(ranges, name));
}

/** The proved range of a value. */
export function rangeOfValue(ranges: Ranges, name: string): Range {
  const range = ranges.get(name);
  compilerAssert(range, `C: no range of ${name}`);
  return range;
}

/** A cast, printed only where a conversion is not one to a type that holds the other. */
export function castText(from: CType, to: CType): string {
  return holds(to, from.range) ? "" : `(${to.name})`;
}

/** The smallest range that holds others. */
export function hullOf(...ranges: readonly Range[]): Range {
  return { min: Math.min(...ranges.map((r) => r.min)), max: Math.max(...ranges.map((r) => r.max)) };
}

/** Claims `<prefix>_<layer>_<what>`. */
export function claim({ names, prefix }: StageContext, layer: string, what: string): string {
  // The parts are legal on their own; together they may be longer than one user's name.
  const own = identifierOf(layer);
  return names.claimExact(own === what ? `${prefix}_${own}` : `${prefix}_${own}_${what}`);
}

/** How often the channels repeat, and whether there is a loop over that. */
export function positionsOf(elements: number, channels: number): { positions: number; repeated: boolean } {
  const positions = elements / channels;
  return { positions, repeated: positions > 1 };
}

export function sizeText(elements: number): string {
  return elements === 1 ? "1 element" : `${elements} elements`;
}

/** A shape for comments: "5 x 5 x 2". */
export function shapeText(sizes: readonly number[]): string {
  return sizes.join(" x ");
}

export function rangeText({ min, max }: Range): string {
  return `${min}..${max}`;
}

/** A one-dimensional constant of the smallest type. */
export function numbersConstant(name: string, data: readonly number[], comment: string): ConstantPlan {
  const type = smallestType(rangeOf(data));
  return {
    comment,
    type: type.name,
    name,
    length: data.length,
    bytes: data.length * type.bytes,
    lines: rowLines(data, data.length, (v) => `${v}`),
  };
}

/** A layer's bias, of a shape as comments show it. */
export function biasConstant(
  context: StageContext,
  layer: string,
  data: readonly number[],
  shape: string,
): ConstantPlan {
  const text = `${commentText(layer)}: bias ${shape}, in units of the accumulator`;
  return numbersConstant(claim(context, layer, "bias"), data, text);
}

/** Unsigned integers as hexadecimal numbers of `digits` digits; every row starts a line. */
export function hexLines(data: Uint8Array | Uint32Array, rowSize: number, digits: number): string[] {
  return rowLines([...data], rowSize, (v) => `0x${v.toString(16).padStart(digits, "0")}`);
}

/** Numbers in lines of at most 110 columns; every row starts a line. */
export function rowLines(
  data: readonly number[],
  rowSize: number,
  print: (value: number) => string,
): string[] {
  const lines: string[] = [];
  for (let start = 0; start < data.length; start += rowSize) {
    let line = "";
    for (const value of data.slice(start, start + rowSize)) {
      const text = print(value);
      if (line !== "" && line.length + text.length + 2 > 105) {
        lines.push(`${line},`);
        line = text;
      } else line = line === "" ? text : `${line}, ${text}`;
    }
    lines.push(start + rowSize < data.length ? `${line},` : line);
  }
  return lines;
}
