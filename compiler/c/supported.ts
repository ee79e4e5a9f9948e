// What the C back end prints as functions: everything but reshape, which is the same array under another name.
// In: a verified program. Out: its computing instructions, or every value that is too large, by name.
import { elementsOf, type Instruction, type Program, type ReshapeInstruction } from "../program/program.ts";
import { createCollector } from "../support/diagnostics.ts";

export type ComputingInstruction = Exclude<Instruction, ReshapeInstruction>;

/** The generated code counts elements in int32_t. */
const MOST_ELEMENTS = 2 ** 31 - 1;

/** Instructions that become functions, in program order. Throws a DiagnosticError that names all that cannot. */
export function computingInstructions(program: Program): readonly ComputingInstruction[] {
  const collector = createCollector();
  for (const { name, shape } of program.values)
    if (elementsOf(shape) > MOST_ELEMENTS)
      collector.add("c/unsupported", {
        feature: `more than ${MOST_ELEMENTS} elements`,
        where: `value ${name}`,
      });
  collector.throwIfErrors();
  return program.instructions.filter((instruction) => instruction.op !== "reshape");
}
