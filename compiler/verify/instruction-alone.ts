// One instruction as a program of its own. In: a program, an instruction, integers for its operands. Out: its result,
// by the simulator.
import { type Instruction, operandsOf, type Program, valueNamed } from "../program/program.ts";
import { simulate } from "../sim/simulate.ts";

/** Result of `count` runs of one instruction; `operands` holds count x elements mantissas for each operand, in order. */
export function runAlone(
  program: Program,
  instruction: Instruction,
  operands: readonly ArrayLike<number>[],
  count: number,
): Float64Array {
  const given = new Map(operandsOf(instruction).map((name, k) => [name, operands[k]!]));
  const alone: Program = {
    ...program,
    inputs: [...given.keys()],
    outputs: [],
    values: [...given.keys(), instruction.result].map((name) => valueNamed(program, name)),
    instructions: [instruction],
  };
  return simulate(alone, given, count).values.get(instruction.result)!;
}

/** The values whose elements an instruction reads, seen through reshape: inputs of the program or traced values. */
export function tracedSources(program: Program, instruction: Instruction): readonly string[] {
  return operandsOf(instruction).map((operand) => {
    let name = operand;
    for (;;) {
      const maker = program.instructions.find((i) => i.result === name);
      if (maker?.op !== "reshape") return name;
      name = maker.input;
    }
  });
}
