// Patterns of wrong integers that several kinds of stages share. In: what a stage was given, should have made of it and made. Out:
// a cause, where the pattern is there.
import { type Instruction, type Program, valueNamed, widthOf } from "../program/program.ts";
import type { Cause, CauseClass } from "./result.ts";

export interface Suspect {
  readonly program: Program;
  readonly instruction: Instruction;
  /** Runs of the instruction. */
  readonly count: number;
  /** count x elements of each operand, in order; of the right result, of the result that came. */
  readonly operands: readonly Float64Array[];
  readonly expected: Float64Array;
  readonly got: Float64Array;
  /** First element that differs, within a run, and the first one of its channel row. */
  readonly position: number;
  readonly start: number;
}

/** A cause of a class. */
export const because = (causeClass: CauseClass, cause: string): Cause => ({ causeClass, cause });

/** got - expected of one position, run by run. */
export function differences({ expected, got, count }: Suspect, position: number): Float64Array {
  const elements = expected.length / count;
  return Float64Array.from(
    { length: count },
    (_, n) => got[n * elements + position]! - expected[n * elements + position]!,
  );
}

/** Channels with a difference anywhere. */
export function wrongChannels({ program, instruction, expected, got }: Suspect): readonly number[] {
  const { shape } = valueNamed(program, instruction.result);
  const channels = shape[shape.length - 1]!;
  const wrong = new Set<number>();
  for (let i = 0; i < got.length; i++) if (got[i] !== expected[i]) wrong.add(i % channels);
  return [...wrong].sort((a, b) => a - b);
}

/** Another position's or another run's value at this position, in every run that differs. */
export function orderCause({ expected, got, count, position }: Suspect): Cause | undefined {
  const elements = expected.length / count;
  const wrong: number[] = [];
  for (let n = 0; n < count; n++)
    if (got[n * elements + position] !== expected[n * elements + position]) wrong.push(n);
  if (wrong.length < 2) return undefined;
  const varies = new Set(wrong.map((n) => got[n * elements + position])).size > 1;
  if (!varies) return stuckCause({ expected, got, count, position });
  for (let p = 0; p < elements; p++)
    if (p !== position && wrong.every((n) => got[n * elements + position] === expected[n * elements + p]))
      return because("order", `order: position ${position} carries the value of position ${p}`);
  if (wrong.every((n) => n > 0 && got[n * elements + position] === expected[(n - 1) * elements + position]))
    return because("order", "the value of the vector before: late by one packet");
  return undefined;
}

/** One element alone that is the same in every run: nobody writes it. */
function stuckCause({
  expected,
  got,
  count,
  position,
}: Pick<Suspect, "expected" | "got" | "count" | "position">): Cause | undefined {
  const elements = expected.length / count;
  const due = new Set<number>();
  for (let i = 0; i < got.length; i++) {
    if (i % elements === position) due.add(expected[i]!);
    else if (got[i] !== expected[i]) return undefined;
  }
  const stuck = Array.from({ length: count }, (_, n) => got[n * elements + position]);
  if (due.size < 3 || stuck.some((x) => x !== stuck[0])) return undefined;
  return because("order", `position ${position} holds the same integer in every run: nothing writes it`);
}

/** Zero bits that all differences together have to end in to be no chance. */
const EVIDENCE = 16;

/** Differences that are all multiples of a power of two: a sum that lost its top bits, or an operand its sign. */
export function wrapCause({ program, instruction, expected, got }: Suspect): Cause | undefined {
  const sizes: number[] = [];
  for (let i = 0; i < got.length; i++)
    if (got[i] !== expected[i]) sizes.push(Math.abs(got[i]! - expected[i]!));
  if (sizes.length === 0) return undefined;
  let zeros = 0;
  while (zeros < 52 && sizes.every((x) => x % 2 ** (zeros + 1) === 0)) zeros++;
  const width = widthOf(valueNamed(program, instruction.result).format);
  const isOwnWidth = sizes.every((x) => x === 2 ** (width - 1) || x === 2 ** width);
  if (!isOwnWidth && (zeros < 2 || zeros * sizes.length < EVIDENCE)) return undefined;
  return because(
    "wrap",
    sizes.includes(2 ** zeros)
      ? `the sum wraps at ${zeros} bits: every difference is a multiple of ${2 ** zeros}`
      : `a width or a sign: every difference is a multiple of ${2 ** zeros}`,
  );
}

export function signed(x: number): string {
  return x > 0 ? `+${x}` : `${x}`;
}
