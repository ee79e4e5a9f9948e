// What of a program becomes hardware. In: a verified program and the wanted outputs. Out: the instructions between the
// inputs and the streamed values, and what each port streams, or every reason why it cannot be built.
import {
  type ArgmaxInstruction,
  type ArithmeticInstruction,
  type ConcatInstruction,
  type ConvInstruction,
  type DenseInstruction,
  type Instruction,
  operandsOf,
  type PadInstruction,
  type PoolInstruction,
  type Program,
  type ProgramOutput,
  type RequantizeInstruction,
  type ScaleInstruction,
  type SelectInstruction,
  type SliceInstruction,
  type TableInstruction,
  type ThresholdInstruction,
  type TransposeInstruction,
  type UpsampleInstruction,
  type Value,
  valueNamed,
} from "../program/program.ts";
import { createCollector, type DiagnosticCollector } from "../support/diagnostics.ts";

/** Which of a classifier's outputs the top module streams. */
export type OutputChoice = "class" | "logits" | "both";

/** Instructions that work on elements one by one. */
export type ElementwiseStep =
  | RequantizeInstruction
  | ThresholdInstruction
  | TableInstruction
  | ScaleInstruction;

/** Instructions that do work on a stream; reshape only renames, and so does a transpose that keeps the order. */
export type Step =
  | ElementwiseStep
  | SelectInstruction
  | DenseInstruction
  | ConvInstruction
  | PoolInstruction
  | UpsampleInstruction
  | SliceInstruction
  | PadInstruction
  | ArgmaxInstruction
  | ArithmeticInstruction
  | ConcatInstruction;

/** What one output port streams. */
export interface Head {
  /** In packet order: one, or logits and their class. */
  readonly outputs: readonly ProgramOutput[];
  /** The value that the port or the argmax reads. */
  readonly end: Value;
  /** Made of `end` for this port alone, when it streams the class. */
  readonly argmax: ArgmaxInstruction | null;
}

export interface Dataflow {
  readonly inputs: readonly Value[];
  /** Those that the outputs need, each behind what it reads. */
  readonly steps: readonly Step[];
  readonly heads: readonly Head[];
  /** Those of `end`s and steps that give a stream another name and shape. */
  readonly renamed: readonly TransposeInstruction[];
  /** Name of a value before any renaming: the stream that carries it. */
  streamOf(value: string): string;
}

/** Throws a DiagnosticError that names everything in the way. */
export function dataflowOf(program: Program, choice: OutputChoice): Dataflow {
  const collector = createCollector();
  const outputs = selectOutputs(program, choice, collector);
  const needed = neededBy(
    program,
    outputs.map((o) => o.value),
  );
  for (const instruction of needed) refuseUnsupported(program, instruction, collector);
  const read = new Set([...needed.flatMap(operandsOf), ...outputs.map((o) => o.value)]);
  for (const input of program.inputs)
    if (!read.has(input))
      collector.add("verilog/unsupported", {
        feature: "an input that nothing reads",
        where: `input ${input}`,
      });
  collector.throwIfErrors();

  const streamOf = (name: string): string => withoutRenaming(program, name);
  const readers = needed.filter(isStep).flatMap(operandsOf).map(streamOf);
  const heads = headsOf(program, outputs, streamOf, (value) => readers.includes(value));
  const own = new Set(heads.map((head) => head.argmax));
  return {
    inputs: program.inputs.map((name) => valueNamed(program, name)),
    steps: needed.filter((i): i is Step => isStep(i) && !(i.op === "argmax" && own.has(i))),
    heads,
    renamed: needed.filter((i) => i.op === "transpose"),
    streamOf,
  };
}

/** A port for each output; logits and their class share one where there is one class. */
function headsOf(
  program: Program,
  outputs: readonly ProgramOutput[],
  streamOf: (name: string) => string,
  isRead: (stream: string) => boolean,
): readonly Head[] {
  const [logits, cls] = (["logits", "class"] as const).map((role) => outputs.find((o) => o.role === role));
  const streams = outputs.map((o) => streamOf(o.value));
  /** The argmax of a class that only its port reads. */
  const argmaxOf = (output: ProgramOutput): ArgmaxInstruction | null => {
    const stream = streamOf(output.value);
    const found = program.instructions.find((i) => i.result === stream);
    if (found?.op !== "argmax" || isRead(stream) || streams.filter((s) => s === stream).length > 1)
      return null;
    const { shape } = valueNamed(program, found.input);
    return shape.slice(0, -1).every((n) => n === 1) ? found : null;
  };
  const classArgmax = cls ? argmaxOf(cls) : null;
  const paired = logits && classArgmax && streamOf(classArgmax.input) === streamOf(logits.value);
  return outputs.flatMap((output): Head[] => {
    if (paired && output === cls) return [];
    const argmax = paired && output === logits ? classArgmax : argmaxOf(output);
    const end = valueNamed(program, streamOf(argmax ? argmax.input : output.value));
    return [{ outputs: paired && output === logits ? [logits, cls!] : [output], end, argmax }];
  });
}

/** The instructions that values depend on, in program order. */
function neededBy(program: Program, values: readonly string[]): readonly Instruction[] {
  const names = new Set(values);
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
  if (instruction.op !== "transpose" || keepsOrder(program, instruction)) return;
  const { shape } = valueNamed(program, instruction.input);
  collector.add("verilog/transpose", {
    layer: instruction.layer,
    from: shape,
    to: instruction.permutation.map((axis) => shape[axis]!),
  });
}

/** Whether a transpose leaves the elements in their order: the axes of more than one element keep theirs. */
function keepsOrder(program: Program, { input, permutation }: TransposeInstruction): boolean {
  const { shape } = valueNamed(program, input);
  const long = permutation.filter((axis) => shape[axis]! > 1);
  return long.every((axis, i) => i === 0 || long[i - 1]! < axis);
}

function isStep(instruction: Instruction): instruction is Step {
  return instruction.op !== "reshape" && instruction.op !== "transpose";
}

/** All values, and of a classifier's logits and class the chosen ones. */
function selectOutputs(
  program: Program,
  choice: OutputChoice,
  collector: DiagnosticCollector,
): readonly ProgramOutput[] {
  const { outputs } = program;
  const wanted = choice === "both" ? (["logits", "class"] as const) : [choice];
  const roles = outputs.map((o) => o.role).filter((role) => role !== "value");
  if (roles.length > 0 && !wanted.every((role) => roles.includes(role))) {
    collector.add("verilog/no-such-output", {
      wanted: choice === "both" ? "the logits and the class" : `the ${choice}`,
      has: outputs.map((o) => `${o.name} (${o.role})`).join(", "),
    });
    return outputs;
  }
  return outputs.filter(({ role }) => role === "value" || wanted.some((w) => w === role));
}

/** Name of a value before any renaming. */
function withoutRenaming(program: Program, name: string): string {
  const producer = program.instructions.find((i) => i.result === name);
  return producer?.op === "reshape" || producer?.op === "transpose"
    ? withoutRenaming(program, producer.input)
    : name;
}
