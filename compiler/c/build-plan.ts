// Program -> what the C templates print. In: a verified program that this back end supports. Out: the plan of the
// model's two files, its kernels, and what the manifest says of them.
import type { CLayer, COutputPort, CPort } from "../program/manifest.ts";
import { elementsOf, type Program, type Value, valueNamed } from "../program/program.ts";
import { tracedValues } from "../program/trace.ts";
import { compilerAssert } from "../support/assert.ts";
import { commentText } from "../support/comment-text.ts";
import { planBuffers, type Tensor } from "./buffers.ts";
import { createKernelSet, type KernelSet } from "./kernels.ts";
import { createNameScope, prefixOf } from "./names.ts";
import { planParameter } from "./parameters.ts";
import type { ConstantPlan, CopyPlan, ModelPlan, ParameterPlan, StagePlan } from "./plan.ts";
import { typeOfValue } from "./stage-parts.ts";
import { planStage } from "./stages.ts";
import { type ComputingInstruction, computingInstructions } from "./supported.ts";

export interface CPlan {
  readonly model: ModelPlan;
  readonly kernels: KernelSet;
  readonly inputs: readonly CPort[];
  readonly outputs: readonly COutputPort[];
  readonly layers: readonly CLayer[];
}

/** Plans the files of a program. Throws a DiagnosticError that names every instruction that C does not have. */
export function buildPlan(program: Program, info: { readonly version: string }): CPlan {
  const instructions = computingInstructions(program);
  const prefix = prefixOf(program.name);
  const names = createNameScope([`${prefix}_state`, `${prefix}_run`]);
  const kernels = createKernelSet();
  const inputs = program.inputs.map((name) => ({
    value: valueNamed(program, name),
    parameter: names.claim(name, "in"),
  }));
  const outputs = program.outputs.map((output) => ({
    output,
    value: valueNamed(program, output.value),
    parameter: names.claim(output.name, "out"),
  }));
  const root = rootOf(program);

  // A value lives in the caller's array when it is an input or an output, else in the state.
  const place = new Map<string, string>(inputs.map(({ value, parameter }) => [value.name, parameter]));
  const copies: CopyPlan[] = [];
  for (const { value, parameter } of outputs) {
    const source = root(value.name);
    const from = place.get(source);
    if (from === undefined) place.set(source, parameter);
    else copies.push({ from, to: parameter, elements: elementsOf(value.shape) });
  }
  const { buffers, memberOf, bytes } = planBuffers(tensorsOf(program, instructions, root, place));
  for (const [name, member] of memberOf) place.set(name, `state->${member}`);
  const placeOf = (name: string): string => {
    const found = place.get(root(name));
    compilerAssert(found !== undefined, `C: ${name} has no memory`);
    return found;
  };

  const traceIndex = new Map(tracedValues(program).map((traced) => [traced.value.name, traced.index]));
  const constants: ConstantPlan[] = [];
  const stages: StagePlan[] = [];
  const layers: CLayer[] = [];
  for (const instruction of instructions) {
    const stage = planStage({ program, prefix, names, kernels }, instruction);
    const input = valueNamed(program, instruction.input);
    const result = valueNamed(program, instruction.result);
    const inputType = typeOfValue(program, valueNamed(program, root(input.name))).name;
    const resultType = typeOfValue(program, result).name;
    constants.push(...stage.constants);
    stages.push({
      name: stage.name,
      comment: stage.comment,
      inputType,
      resultType,
      body: stage.body.trimEnd(),
      call: {
        x: placeOf(input.name),
        y: placeOf(result.name),
        traceIndex: traceIndex.get(result.name)!,
        elements: elementsOf(result.shape),
      },
    });
    layers.push({
      layer: instruction.layer,
      op: instruction.op,
      function: stage.name,
      input: input.name,
      result: result.name,
      inputCType: inputType,
      inputElements: elementsOf(input.shape),
      resultCType: resultType,
      resultElements: elementsOf(result.shape),
      ...(stage.accumulator ? { accumulatorCType: stage.accumulator.name } : {}),
    });
  }

  const read = new Set([...stages.map((s) => s.call.x), ...copies.map((c) => c.from)]);
  const members = buffers.map(({ member, type, elements, tensors }) => ({
    declaration: `${type.name} ${member}[${elements}];`,
    comment: tensors.map((name) => commentText(name, 30)).join(", then "),
  }));
  const upper = prefix.toUpperCase();
  const macros = createNameScope();
  const parameters: ParameterPlan[] = [
    ...inputs.map((port) => planParameter(program, { ...port, role: null }, upper, macros)),
    ...outputs.map((port) => planParameter(program, { ...port, role: port.output.role }, upper, macros)),
  ];
  return {
    model: {
      title: commentText(program.name),
      prefix,
      upper,
      version: commentText(info.version),
      flashBytes: constants.reduce((sum, constant) => sum + constant.bytes, 0),
      ramBytes: bytes,
      parameters,
      members:
        members.length > 0
          ? members
          : [{ declaration: "uint8_t unused;", comment: "every value lies in the caller's arrays" }],
      includes: kernels.includes(),
      constants,
      stages,
      copies,
      unused: [
        ...(buffers.length > 0 ? [] : ["state"]),
        ...inputs.map((port) => port.parameter).filter((parameter) => !read.has(parameter)),
      ],
    },
    kernels,
    inputs: inputs.map(({ value, parameter }) => portOf(program, value, parameter)),
    outputs: outputs.map(({ output, value, parameter }) => ({
      ...portOf(program, value, parameter),
      output: output.name,
      role: output.role,
    })),
    layers,
  };
}

function portOf(program: Program, value: Value, parameter: string): CPort {
  return {
    value: value.name,
    parameter,
    cType: typeOfValue(program, value).name,
    elements: elementsOf(value.shape),
  };
}

/** Follows reshapes back to the value that holds the elements. */
function rootOf(program: Program): (name: string) => string {
  const origins = new Map<string, string>();
  for (const instruction of program.instructions)
    if (instruction.op === "reshape")
      origins.set(instruction.result, origins.get(instruction.input) ?? instruction.input);
  return (name) => origins.get(name) ?? name;
}

/** Values that need memory of the state, with their life times in stages. */
function tensorsOf(
  program: Program,
  instructions: readonly ComputingInstruction[],
  root: (name: string) => string,
  placed: ReadonlyMap<string, string>,
): readonly Tensor[] {
  return instructions.flatMap(({ result }, from): Tensor[] => {
    if (placed.has(result)) return [];
    const to = instructions.reduce((last, user, index) => (root(user.input) === result ? index : last), from);
    const value = valueNamed(program, result);
    return [{ name: result, type: typeOfValue(program, value), elements: elementsOf(value.shape), from, to }];
  });
}
