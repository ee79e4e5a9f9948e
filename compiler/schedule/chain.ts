// What of a program becomes hardware. In: a verified program and the wanted outputs. Out: the chain of
// instructions from the one input to the streamed values, or every reason why it cannot be built.
import {
  type ArgmaxInstruction,
  channelsOf,
  type DenseInstruction,
  elementsOf,
  type Instruction,
  operandsOf,
  type Program,
  type ProgramOutput,
  type RequantizeInstruction,
  type SelectInstruction,
  type ThresholdInstruction,
  type Value,
  valueNamed,
} from "../program/program.ts";
import { compilerAssert } from "../support/assert.ts";
import { createCollector, type DiagnosticCollector } from "../support/diagnostics.ts";

/** Which of a classifier's outputs the top module streams. */
export type OutputChoice = "class" | "logits" | "both";

/** Instructions that do work on the stream; reshape only renames. */
export type ChainStep = RequantizeInstruction | ThresholdInstruction | SelectInstruction | DenseInstruction;

export interface Chain {
  readonly input: Value;
  /** In stream order. */
  readonly steps: readonly ChainStep[];
  /** The value that the last step gives. */
  readonly end: Value;
  /** Made of `end`, when the class is streamed. */
  readonly argmax: ArgmaxInstruction | null;
  /** In packet order: `end`, the class, or both. */
  readonly outputs: readonly ProgramOutput[];
}

/** Throws a DiagnosticError that names everything in the way. */
export function chainOf(program: Program, choice: OutputChoice): Chain {
  const collector = createCollector();
  const outputs = selectOutputs(program, choice, collector);
  if (program.inputs.length !== 1)
    collector.add("verilog/unsupported", {
      feature: "several inputs",
      where: `inputs ${program.inputs.join(", ")}`,
    });
  for (const instruction of program.instructions) refuseUnsupported(instruction, collector);
  collector.throwIfErrors();

  // Every supported instruction has one input, so the way back from an output is a chain.
  const producers = new Map(program.instructions.map((i) => [i.result, i]));
  const path: Instruction[] = [];
  let at = outputs[outputs.length - 1]!.value;
  for (let producer = producers.get(at); producer; producer = producers.get(at)) {
    path.unshift(producer);
    at = operandsOf(producer)[0]!;
  }
  compilerAssert(at === program.inputs[0], "the chain begins at the program's input");

  const steps: ChainStep[] = [];
  let argmax: ArgmaxInstruction | null = null;
  for (const instruction of path) {
    if (argmax)
      collector.add("verilog/unsupported", {
        feature: "an operation on the result of an argmax",
        where: `layer ${instruction.layer}`,
      });
    checkInstruction(program, instruction, collector);
    if (instruction.op === "argmax") argmax = instruction;
    else if (isChainStep(instruction)) steps.push(instruction);
  }
  collector.throwIfErrors();
  const input = valueNamed(program, at);
  const end = steps.length > 0 ? valueNamed(program, steps[steps.length - 1]!.result) : input;
  return { input, steps, end, argmax, outputs };
}

/** Names what this back end cannot build. */
function refuseUnsupported(instruction: Instruction, collector: DiagnosticCollector): void {
  const where = `layer ${instruction.layer}`;
  if (!isChainStep(instruction) && instruction.op !== "argmax" && instruction.op !== "reshape")
    collector.add("verilog/unsupported", { feature: `the instruction ${instruction.op}`, where });
  if (instruction.op === "requantize" && instruction.limit !== null)
    collector.add("verilog/unsupported", { feature: "a requantize with a limit", where });
}

function isChainStep(instruction: Instruction): instruction is ChainStep {
  switch (instruction.op) {
    case "requantize":
    case "threshold":
    case "select":
    case "dense":
      return true;
    default:
      return false;
  }
}

function selectOutputs(
  program: Program,
  choice: OutputChoice,
  collector: DiagnosticCollector,
): readonly ProgramOutput[] {
  const has = program.outputs.map((o) => `${o.name} (${o.role})`).join(", ");
  const wanted = choice === "both" ? "the logits and the class" : `the ${choice}`;
  const only = program.outputs.length === 1 ? program.outputs[0]! : null;
  if (only) {
    if (only.role !== "value" && only.role !== choice)
      collector.add("verilog/no-such-output", { wanted, has });
    return [only];
  }
  const logits = program.outputs.find((o) => o.role === "logits");
  const cls = program.outputs.find((o) => o.role === "class");
  if (program.outputs.length !== 2 || !logits || !cls || !isClassOf(program, cls, logits)) {
    const feature = "outputs other than one value, or logits and the class of those logits";
    collector.add("verilog/unsupported", { feature, where: `outputs ${has}` });
    return [];
  }
  return choice === "both" ? [logits, cls] : choice === "class" ? [cls] : [logits];
}

/** Name of a value before any reshaping. */
function withoutReshape(program: Program, name: string): string {
  const producer = program.instructions.find((i) => i.result === name);
  return producer?.op === "reshape" ? withoutReshape(program, producer.input) : name;
}

function isClassOf(program: Program, cls: ProgramOutput, logits: ProgramOutput): boolean {
  const argmax = program.instructions.find((i) => i.result === withoutReshape(program, cls.value));
  return (
    argmax?.op === "argmax" && withoutReshape(program, argmax.input) === withoutReshape(program, logits.value)
  );
}

function checkInstruction(program: Program, instruction: Instruction, collector: DiagnosticCollector): void {
  const where = `layer ${instruction.layer}`;
  if (instruction.op !== "argmax") return;
  const input = valueNamed(program, instruction.input);
  if (elementsOf(input.shape) !== channelsOf(input))
    collector.add("verilog/unsupported", { feature: "an argmax at more than one position", where });
}
