// One instruction as a program of its own. In: a program, an instruction, integers for its input. Out: its result,
// by the simulator.
import { type Instruction, type Program, valueNamed } from "../program/program.ts";
import { simulate } from "../sim/simulate.ts";

/** Result of `count` runs of one instruction; `input` holds count x elements mantissas. */
export function runAlone(
  program: Program,
  instruction: Instruction,
  input: ArrayLike<number>,
  count: number,
): Float64Array {
  const alone: Program = {
    ...program,
    inputs: [instruction.input],
    outputs: [],
    values: [valueNamed(program, instruction.input), valueNamed(program, instruction.result)],
    instructions: [instruction],
  };
  return simulate(alone, new Map([[instruction.input, input]]), count).values.get(instruction.result)!;
}

/** The value whose elements an instruction reads, seen through flatten: an input of the program or a traced value. */
export function tracedSource(program: Program, instruction: Instruction): string {
  let name = instruction.input;
  for (;;) {
    const maker = program.instructions.find((i) => i.result === name);
    if (maker?.op !== "flatten") return name;
    name = maker.input;
  }
}
