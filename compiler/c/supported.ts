// What the C back end can print. In: a verified program. Out: its computing instructions, or every one that is in the
// way, by name.
import type {
  ArgmaxInstruction,
  DenseInstruction,
  Instruction,
  Program,
  RequantizeInstruction,
  SelectInstruction,
  ThresholdInstruction,
} from "../program/program.ts";
import { createCollector } from "../support/diagnostics.ts";

/** Everything that becomes a function. A reshape is the same array under another name. */
export type ComputingInstruction =
  | RequantizeInstruction
  | DenseInstruction
  | ThresholdInstruction
  | SelectInstruction
  | ArgmaxInstruction;

function isComputing(instruction: Instruction): instruction is ComputingInstruction {
  switch (instruction.op) {
    case "requantize":
    case "dense":
    case "threshold":
    case "select":
    case "argmax":
      return true;
    default:
      return false;
  }
}

/** Instructions that become functions, in program order. Throws a DiagnosticError that names all that cannot. */
export function computingInstructions(program: Program): readonly ComputingInstruction[] {
  const collector = createCollector();
  const computing: ComputingInstruction[] = [];
  for (const instruction of program.instructions) {
    const where = `layer ${instruction.layer}`;
    if (instruction.op === "reshape") continue;
    if (isComputing(instruction)) computing.push(instruction);
    else collector.add("c/unsupported", { feature: `the instruction ${instruction.op}`, where });
    if (instruction.op === "requantize" && instruction.limit !== null)
      collector.add("c/unsupported", { feature: "a requantize with a limit", where });
  }
  collector.throwIfErrors();
  return computing;
}
