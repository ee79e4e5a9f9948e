// Random programs with branches that the Verilog back end builds. In: a seed and sizes. Out: a program with all of its
// outputs, or with what one of them needs, and hardware wishes.
import { constantsOf, elementsOf, operandsOf, type Program, valueNamed } from "../../../program/program.ts";
import { verifyProgram } from "../../../program/verify.ts";
import type { ScheduleOptions } from "../../../schedule/schedule.ts";
import { createRandom } from "../../../support/random.ts";
import { type BranchingSettings, randomBranchingProgram } from "../program/random-branching.ts";

export interface RandomDataflow {
  readonly program: Program;
  readonly options: ScheduleOptions;
}

/** The inputs and instructions that one output needs, and nothing else. */
function withOneOutput(program: Program, index: number): Program {
  const output = program.outputs[index]!;
  const names = new Set([output.value]);
  for (const instruction of program.instructions.toReversed())
    if (names.has(instruction.result)) for (const name of operandsOf(instruction)) names.add(name);
  const instructions = program.instructions.filter((i) => names.has(i.result));
  const constants = new Set(instructions.flatMap(constantsOf));
  const left = {
    ...program,
    inputs: program.inputs.filter((name) => names.has(name)),
    outputs: [output],
    values: program.values.filter((v) => names.has(v.name)),
    constants: program.constants.filter((c) => constants.has(c.name)),
    instructions,
  };
  verifyProgram(left);
  return left;
}

/** All outputs, or the one with the most instructions behind it. */
export function randomDataflow(seed: number, settings: BranchingSettings = {}): RandomDataflow {
  const random = createRandom(seed, "random dataflow");
  const inputs = random.uniform() < 0.6 ? 1 : random.integer(2, 3);
  const whole = randomBranchingProgram(seed, { keepOrder: true, inputs, ...settings });
  const each = whole.outputs.map((_, index) => withOneOutput(whole, index));
  const largest = each.reduce((a, b) => (b.instructions.length > a.instructions.length ? b : a));
  const program = random.uniform() < 0.5 ? whole : largest;
  const elements = elementsOf(valueNamed(program, program.inputs[0]!).shape);
  const slow = random.integer(1, 3) * elements * random.integer(1, 8);
  // Some have fewer cycles than elements: then positions stand side by side.
  const intervalCycles = random.uniform() < 0.3 ? Math.max(2, random.integer(1, elements)) : slow;
  return { program, options: { clockMHz: 100, intervalCycles, folding: {}, outputs: "both" } };
}
