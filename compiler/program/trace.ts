// Which values of a program are compared between back ends, and in which order they stand in a trace.
import { elementsOf, isSum, type Program, type Value, valueNamed } from "./program.ts";

/** One traced value. `kind` is "accumulator" for sums and products, else "stream". */
export interface TracedValue {
  /** Position in the trace, from 0; also the tap's index. */
  readonly index: number;
  readonly value: Value;
  readonly layer: string;
  readonly kind: "accumulator" | "stream";
  readonly elements: number;
  /** First element of this value within the trace of one inference. */
  readonly offset: number;
}

/** The result of every instruction that computes something (reshape only renames), in program order. */
export function tracedValues(program: Program): readonly TracedValue[] {
  const traced: TracedValue[] = [];
  let offset = 0;
  for (const instruction of program.instructions) {
    if (instruction.op === "reshape") continue;
    const value = valueNamed(program, instruction.result);
    const elements = elementsOf(value.shape);
    const kind = isSum(instruction) ? "accumulator" : "stream";
    traced.push({ index: traced.length, value, layer: instruction.layer, kind, elements, offset });
    offset += elements;
  }
  return traced;
}

/** Elements of the trace of one inference. */
export function traceLength(program: Program): number {
  return tracedValues(program).reduce((sum, traced) => sum + traced.elements, 0);
}
