// What of a program becomes hardware. In: a verified program and the wanted outputs. Out: the instructions between the
// one input and the streamed values, and who reads what, or every reason why it cannot be built.
import {
  type ArgmaxInstruction,
  type ArithmeticInstruction,
  type ConcatInstruction,
  type ConvInstruction,
  channelsOf,
  type DenseInstruction,
  elementsOf,
  type Instruction,
  operandsOf,
  type PoolInstruction,
  type Program,
  type ProgramOutput,
  type RequantizeInstruction,
  type SelectInstruction,
  type SliceInstruction,
  type TableInstruction,
  type ThresholdInstruction,
  type UpsampleInstruction,
  type Value,
  valueNamed,
} from "../program/program.ts";
import { isSpatial, sameShape } from "../program/shapes.ts";
import { compilerAssert } from "../support/assert.ts";
import { createCollector, type DiagnosticCollector } from "../support/diagnostics.ts";

/** Which of a classifier's outputs the top module streams. */
export type OutputChoice = "class" | "logits" | "both";

/** Instructions that work on elements one by one. */
export type ElementwiseStep = RequantizeInstruction | ThresholdInstruction | TableInstruction;

/** Instructions that do work on the stream; reshape only renames. */
export type Step =
  | ElementwiseStep
  | SelectInstruction
  | DenseInstruction
  | ConvInstruction
  | PoolInstruction
  | UpsampleInstruction
  | SliceInstruction
  | ArithmeticInstruction
  | ConcatInstruction;

export interface Dataflow {
  readonly input: Value;
  /** Those that the outputs need, each behind what it reads. */
  readonly steps: readonly Step[];
  /** The value that the output or the argmax reads. */
  readonly end: Value;
  /** Made of `end`, when the class is streamed. */
  readonly argmax: ArgmaxInstruction | null;
  /** In packet order: `end`, the class, or both. */
  readonly outputs: readonly ProgramOutput[];
  /** Name of a value before any reshaping: the stream that carries it. */
  streamOf(value: string): string;
}

/** Throws a DiagnosticError that names everything in the way. */
export function dataflowOf(program: Program, choice: OutputChoice): Dataflow {
  const collector = createCollector();
  const outputs = selectOutputs(program, choice, collector);
  if (program.inputs.length !== 1)
    collector.add("verilog/unsupported", {
      feature: "several inputs",
      where: `inputs ${program.inputs.join(", ")}`,
    });
  for (const instruction of program.instructions) refuseUnsupported(program, instruction, collector);
  collector.throwIfErrors();

  const streamOf = (name: string): string => withoutReshape(program, name);
  const needed = neededBy(program, outputs[outputs.length - 1]!.value);
  const last = outputs[outputs.length - 1]!.value;
  const steps: Step[] = [];
  let argmax: ArgmaxInstruction | null = null;
  for (const instruction of needed) {
    if (instruction.op !== "argmax") {
      if (isStep(instruction)) steps.push(instruction);
      continue;
    }
    if (instruction.result === streamOf(last)) argmax = instruction;
    else
      collector.add("verilog/unsupported", {
        feature: "an operation on the result of an argmax",
        where: `layer ${instruction.layer}`,
      });
    refuseSpatialArgmax(program, instruction, collector);
  }
  const [input, end] = [program.inputs[0]!, streamOf(argmax ? argmax.input : last)];
  if (end !== input && steps.some((s) => operandsOf(s).some((name) => streamOf(name) === end)))
    collector.add("verilog/unsupported", {
      feature: "an output that other layers read too",
      where: `output ${outputs[0]!.name}`,
    });
  if (!needed.some((i) => operandsOf(i).includes(input)) && end !== input)
    collector.add("verilog/unsupported", { feature: "an input that nothing reads", where: `input ${input}` });
  collector.throwIfErrors();
  return {
    input: valueNamed(program, input),
    steps,
    end: valueNamed(program, end),
    argmax,
    outputs,
    streamOf,
  };
}

/** The instructions that a value depends on, in program order. */
function neededBy(program: Program, value: string): readonly Instruction[] {
  const names = new Set([value]);
  const found: Instruction[] = [];
  for (const instruction of program.instructions.toReversed()) {
    if (!names.has(instruction.result)) continue;
    found.unshift(instruction);
    for (const name of operandsOf(instruction)) names.add(name);
  }
  return found;
}

/** Names what this back end cannot build. */
function refuseUnsupported(program: Program, instruction: Instruction, collector: DiagnosticCollector): void {
  const where = `layer ${instruction.layer}`;
  const refuse = (feature: string): void => collector.add("verilog/unsupported", { feature, where });
  if (!isStep(instruction) && instruction.op !== "argmax" && instruction.op !== "reshape")
    refuse(`the instruction ${instruction.op}`);
  if (instruction.op !== "add" && instruction.op !== "subtract" && instruction.op !== "multiply") return;
  const [a, b] = instruction.inputs.map((name) => valueNamed(program, name).shape);
  // A row of channels is replayed from a buffer of its own.
  compilerAssert(sameShape(a!, b!) || isSpatial(a!), "operands of one shape, or a row of channels");
}

function isStep(instruction: Instruction): instruction is Step {
  switch (instruction.op) {
    case "requantize":
    case "threshold":
    case "table":
    case "select":
    case "dense":
    case "conv":
    case "pool":
    case "upsample":
    case "slice":
    case "add":
    case "subtract":
    case "multiply":
    case "concat":
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

function refuseSpatialArgmax(
  program: Program,
  instruction: ArgmaxInstruction,
  collector: DiagnosticCollector,
): void {
  const input = valueNamed(program, instruction.input);
  if (elementsOf(input.shape) !== channelsOf(input))
    collector.add("verilog/unsupported", {
      feature: "an argmax at more than one position",
      where: `layer ${instruction.layer}`,
    });
}
