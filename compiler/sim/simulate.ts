// The exact interpreter of the integer program: the plainest reading of program/SEMANTICS.md. In: a program and
// mantissas of its inputs. Out: mantissas of every value. It shares no code with the generators that it judges.
import {
  type Constant,
  constantNamed,
  elementsOf,
  type Instruction,
  operandsOf,
  type Program,
  valueNamed,
} from "../program/program.ts";
import { compilerAssert } from "../support/assert.ts";
import { argmax, arithmetic, requantize, scale, table, threshold } from "./elements.ts";
import { concat, pad, select, slice, transpose, upsample } from "./layout.ts";
import { conv, dense } from "./products.ts";
import type { Batch } from "./tensor.ts";
import { pool } from "./windows.ts";

export interface Simulation {
  /** Mantissas of every value of the program: count x elements, row-major. */
  readonly values: ReadonlyMap<string, Float64Array>;
}

/**
 * Runs `count` inferences. `inputs` gives, for every input of the program, count x elements mantissas within the
 * input's range. Doubles hold every integer that can occur (accumulators have at most 48 bits), so nothing rounds.
 */
export function simulate(
  program: Program,
  inputs: ReadonlyMap<string, ArrayLike<number>>,
  count: number,
): Simulation {
  const values = new Map<string, Float64Array>();
  for (const name of program.inputs) {
    const given = inputs.get(name);
    const size = count * elementsOf(valueNamed(program, name).shape);
    compilerAssert(given && given.length === size, `simulate: input ${name} needs ${size} elements`);
    values.set(name, Float64Array.from(given));
  }
  const constant = (name: string): Constant => constantNamed(program, name);
  for (const instruction of program.instructions) {
    const operands = operandsOf(instruction).map(
      (name): Batch => ({ value: valueNamed(program, name), data: values.get(name)!, count }),
    );
    const size = count * elementsOf(valueNamed(program, instruction.result).shape);
    const result: Batch = {
      value: valueNamed(program, instruction.result),
      data: new Float64Array(size),
      count,
    };
    run(instruction, operands, result, constant);
    values.set(instruction.result, result.data);
  }
  return { values };
}

/** Writes an instruction's result. */
function run(
  instruction: Instruction,
  operands: readonly Batch[],
  result: Batch,
  constant: (name: string) => Constant,
): void {
  const input = operands[0]!;
  switch (instruction.op) {
    case "requantize":
      return requantize(instruction, input, result);
    case "dense":
      return dense(instruction, input, result, constant);
    case "conv":
      return conv(instruction, input, result, constant);
    case "pool":
      return pool(instruction, input, result);
    case "threshold":
      return threshold(instruction, input, result, constant);
    case "table":
      return table(instruction, input, result, constant);
    case "scale":
      return scale(instruction, input, result, constant);
    case "add":
    case "subtract":
    case "multiply":
      return arithmetic(instruction, input, operands[1]!, result);
    case "concat":
      return concat(instruction, operands, result);
    case "reshape":
      return result.data.set(input.data);
    case "select":
      return select(instruction, input, result);
    case "slice":
      return slice(instruction, input, result);
    case "pad":
      return pad(instruction, input, result);
    case "transpose":
      return transpose(instruction, input, result);
    case "upsample":
      return upsample(instruction, input, result);
    case "argmax":
      return argmax(input, result);
  }
}
