// Compares what a back end did with what the simulator says. In: expected and observed integers of every traced
// value and output. Out: how many differ, and the first divergence with its likely cause.

import { channelsOf, type Instruction, type Program, valueNamed } from "../program/program.ts";
import type { TracedValue } from "../program/trace.ts";
import { compilerAssert } from "../support/assert.ts";
import { likelyCause } from "./cause.ts";
import { runAlone, tracedSources } from "./instruction-alone.ts";
import type { Cause, Divergence } from "./result.ts";

/** What a back end reported of one value: complete rows for the first vectors, maybe a piece of the next. */
export interface Observed {
  readonly values: ArrayLike<number>;
  /** Clock cycle of each element. */
  readonly cycles?: ArrayLike<number>;
}

export interface Comparison {
  readonly program: Program;
  readonly traced: readonly TracedValue[];
  readonly count: number;
  /** Inputs and every value of the program: count x elements. */
  readonly inputs: ReadonlyMap<string, ArrayLike<number>>;
  readonly expected: ReadonlyMap<string, ArrayLike<number>>;
  /** By name of the value; a traced value that is absent is not compared. */
  readonly observed: ReadonlyMap<string, Observed>;
  /** Values as they came out of the design. */
  readonly outputs: readonly { readonly value: string; readonly seen: Observed }[];
  /** Whether every row has to be there; else a prefix of the expected stream is enough. */
  readonly complete: boolean;
  readonly run: string;
  /** Stalls, resets or broken packets are what is new here. */
  readonly stressed: boolean;
  vectorIndex(vector: number): number;
  vectorName(vector: number): string;
}

export interface Difference {
  readonly mismatches: number;
  readonly divergence?: Divergence;
}

interface Found {
  readonly value: string;
  readonly kind: Divergence["kind"];
  readonly instruction: Instruction | undefined;
  readonly vector: number;
  readonly position: number;
  readonly seen: Observed;
}

/** Compares every traced value and output, each element of each vector. */
export function compare(c: Comparison): Difference {
  let mismatches = 0;
  let first: Found | undefined;
  const check = (
    value: string,
    kind: Divergence["kind"],
    instruction: Instruction | undefined,
    seen: Observed,
  ): void => {
    const expected = c.expected.get(value);
    compilerAssert(expected, `compare: no expectation of ${value}`);
    const elements = expected.length / c.count;
    const got = seen.values;
    const limit = c.complete ? expected.length : Math.min(expected.length, got.length);
    let at = -1;
    for (let i = 0; i < limit; i++) {
      if (expected[i] === got[i]) continue;
      mismatches++;
      if (at < 0) at = i;
    }
    if (got.length > expected.length) {
      mismatches += got.length - expected.length;
      if (at < 0) at = expected.length;
    }
    if (at < 0) return;
    const vector = Math.floor(at / elements);
    // Values come in program order, so an earlier instruction wins within the same vector.
    if (!first || vector < first.vector)
      first = { value, kind, instruction, vector, position: at - vector * elements, seen };
  };
  for (const { value, kind } of c.traced) {
    const seen = c.observed.get(value.name);
    const instruction = c.program.instructions.find((i) => i.result === value.name);
    if (seen) check(value.name, kind, instruction, seen);
  }
  for (const { value, seen } of c.outputs)
    check(
      value,
      "output",
      c.program.instructions.find((i) => i.result === value),
      seen,
    );
  return first ? { mismatches, divergence: locate(c, first) } : { mismatches };
}

function locate(c: Comparison, found: Found): Divergence {
  const expected = c.expected.get(found.value)!;
  const { seen } = found;
  const elements = expected.length / c.count;
  const index = found.vector * elements + found.position;
  const channels = channelsOf(valueNamed(c.program, found.value));
  const beyond = found.vector >= c.count;
  const cycle = seen.cycles?.[Math.min(index, seen.cycles.length - 1)];
  return {
    run: c.run,
    layer: found.instruction?.layer ?? found.value,
    value: found.value,
    kind: found.kind,
    position: found.position,
    channel: found.position % channels,
    vector: beyond ? -1 : c.vectorIndex(found.vector),
    vectorName: beyond ? "after the last vector" : c.vectorName(found.vector),
    ...(cycle === undefined ? {} : { cycle }),
    expected: expected[index] ?? Number.NaN,
    got: seen.values[index] ?? null,
    ...causeOf(c, found),
  };
}

function causeOf(c: Comparison, found: Found): Cause {
  const { seen } = found;
  const expected = c.expected.get(found.value)!;
  const elements = expected.length / c.count;
  const index = found.vector * elements + found.position;
  const handshake = (cause: string): Cause => ({ causeClass: "handshake", cause });
  if (found.vector >= c.count)
    return handshake("more elements came than the vectors have: a beat was repeated");
  if (seen.values.length <= index)
    return handshake("the stream ends early: elements were lost, or the design stands still");
  if (c.stressed) return handshake("right at full speed: stalls, a reset or a broken packet bring it out");
  const shifted = shiftedStream(seen.values, expected, index);
  if (shifted) return shifted;
  const { instruction } = found;
  // An output whose own stage was right on the way is the output port's matter.
  if (found.kind === "output") {
    const tap = c.observed.get(found.value);
    if (tap && tap.values[index] === expected[index]) return portCause(seen.values[index]!, expected[index]!);
    return fallback(seen, expected, index, elements);
  }
  if (!instruction) return fallback(seen, expected, index, elements);
  // Judge the stage by the input that it really had; where that is not known, by the right one.
  const sources = tracedSources(c.program, instruction).map((source) => {
    const whole = c.inputs.get(source) ?? c.expected.get(source);
    return { given: c.observed.get(source)?.values ?? whole ?? [], perRow: (whole?.length ?? 0) / c.count };
  });
  const usable = sources.reduce(
    (rows, { given, perRow }) => Math.min(rows, perRow > 0 ? Math.floor(given.length / perRow) : 0),
    Math.min(c.count, Math.floor(seen.values.length / elements)),
  );
  const early = seen.cycles && tooEarly(c, instruction, found, seen.cycles[index]!);
  if (early) return handshake(early);
  const known = sources.every(({ given, perRow }) => perRow > 0 && given.length > 0);
  if (!known || usable === 0) return fallback(seen, expected, index, elements);
  const operands = sources.map(({ given, perRow }) =>
    Float64Array.from({ length: usable * perRow }, (_, i) => given[i]!),
  );
  const right = runAlone(c.program, instruction, operands, usable);
  const got = Float64Array.from({ length: usable * elements }, (_, i) => seen.values[i]!);
  if (right.every((x, i) => x === got[i]))
    return { causeClass: "unknown", cause: "the stage is right for the input it had: its input differs" };
  const start = found.position - (found.position % channelsOf(valueNamed(c.program, found.value)));
  return likelyCause({
    program: c.program,
    instruction,
    count: usable,
    operands,
    expected: right,
    got,
    position: found.position,
    start,
  });
}

/** Whether an element left before what it is made of was there. */
function tooEarly(c: Comparison, instruction: Instruction, found: Found, cycle: number): string | undefined {
  for (const source of tracedSources(c.program, instruction)) {
    const cycles = c.observed.get(source)?.cycles;
    if (!cycles) continue;
    const perRow = c.expected.get(source)!.length / c.count;
    // A dense layer needs all of its input, others at least something of it.
    const needed = found.vector * perRow + (instruction.op === "dense" ? perRow - 1 : 0);
    if (!(cycles[needed]! < cycle)) return `it left before ${source}, which it is made of, was there`;
  }
  return undefined;
}

/** Elements that have to agree behind the difference, and how far a stream may be out of step. */
const AGREEING = 12;
const MOST_STEPS = 64;

/** Whether what follows is the expected stream, some elements early or late. */
function shiftedStream(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  index: number,
): Cause | undefined {
  const length = Math.min(4 * AGREEING, got.length - index);
  if (length < AGREEING) return undefined;
  for (let by = 1; by <= MOST_STEPS; by++)
    for (const step of [by, -by]) {
      const varied = new Set<number>();
      let agrees = index + step >= 0 && index + step + length <= expected.length;
      for (let i = index; agrees && i < index + length; i++) {
        agrees = got[i] === expected[i + step];
        varied.add(got[i]!);
      }
      if (agrees && varied.size > 2)
        return {
          causeClass: "handshake",
          cause: `from here on the stream is ${by} elements ${step > 0 ? "early: some were lost" : "late: some were repeated"}`,
        };
    }
  return undefined;
}

/** A lane that shows another integer than its stage made. */
function portCause(got: number, right: number): Cause {
  const isSign = got !== right && Number.isInteger(Math.log2(Math.abs(got - right)));
  return {
    causeClass: isSign ? "wrap" : "order",
    cause: `the stage computed the right integer, the output port does not show it: ${isSign ? "sign extension or width" : "packing or order"}`,
  };
}

function fallback(seen: Observed, expected: ArrayLike<number>, index: number, elements: number): Cause {
  const got = seen.values[index]!;
  if (index >= elements && got === expected[index - elements])
    return { causeClass: "order", cause: "the value of the vector before: late by one packet" };
  const row = index - (index % elements);
  for (let i = 0; i < elements; i++)
    if (row + i !== index && expected[row + i] === got)
      return { causeClass: "order", cause: `the value that belongs to position ${i}: order` };
  return { causeClass: "unknown", cause: "no simple pattern" };
}
