// Random programs with branches that the Verilog back end builds. In: a seed and sizes. Out: a program with one input and
// one output, as it is left of a random one, and hardware wishes.
import {
  constantsOf,
  elementsOf,
  type Opcode,
  operandsOf,
  type Program,
  valueNamed,
} from "../../../program/program.ts";
import { verifyProgram } from "../../../program/verify.ts";
import type { ScheduleOptions } from "../../../schedule/schedule.ts";
import { createRandom } from "../../../support/random.ts";
import { type BranchingSettings, randomBranchingProgram } from "../program/random-branching.ts";

export interface RandomDataflow {
  readonly program: Program;
  readonly options: ScheduleOptions;
}

/** Instructions that have hardware in the middle of a program. */
const OPS: readonly Opcode[] = [
  "requantize",
  "dense",
  "conv",
  "pool",
  "threshold",
  "table",
  "add",
  "subtract",
  "multiply",
  "concat",
  "reshape",
  "select",
  "slice",
  "upsample",
];

/** The instructions that one output needs, and nothing else. */
export function withOneOutput(program: Program, index: number): Program {
  const output = program.outputs[index]!;
  const names = new Set([output.value, ...program.inputs]);
  for (const instruction of program.instructions.toReversed())
    if (names.has(instruction.result)) for (const name of operandsOf(instruction)) names.add(name);
  const instructions = program.instructions.filter((i) => names.has(i.result));
  const constants = new Set(instructions.flatMap(constantsOf));
  const left = {
    ...program,
    outputs: [output],
    values: program.values.filter((v) => names.has(v.name)),
    constants: program.constants.filter((c) => constants.has(c.name)),
    instructions,
  };
  verifyProgram(left);
  return left;
}

/** The output with the most instructions behind it. */
export function randomDataflow(seed: number, settings: BranchingSettings = {}): RandomDataflow {
  const random = createRandom(seed, "random dataflow");
  const whole = randomBranchingProgram(seed, { ops: OPS, inputs: 1, ...settings });
  const each = whole.outputs.map((_, index) => withOneOutput(whole, index));
  const program = each.reduce((a, b) => (b.instructions.length > a.instructions.length ? b : a));
  const elements = elementsOf(valueNamed(program, program.inputs[0]!).shape);
  const intervalCycles = random.integer(1, 3) * elements * random.integer(1, 8);
  return { program, options: { clockMHz: 100, intervalCycles, folding: {}, outputs: "both" } };
}
