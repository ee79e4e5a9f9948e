// Program -> what the C templates print. In: a verified program that this back end supports. Out: the plan of the
// model's two files, its kernels, and what the manifest says of them.

import { provedRanges } from "../program/bounds.ts";
import type { CLayer, COutputPort, CPort } from "../program/manifest.ts";
import { elementsOf, operandsOf, type Program, type Value, valueNamed } from "../program/program.ts";
import { tracedValues } from "../program/trace.ts";
import { compilerAssert } from "../support/assert.ts";
import { commentText } from "../support/comment-text.ts";
import { planBuffers, type Tensor } from "./buffers.ts";
import { createKernelSet, type KernelSet } from "./kernels.ts";
import { createNameScope, prefixOf } from "./names.ts";
import { planParameter } from "./parameters.ts";
import type { CopyPlan, ModelPlan, ParameterPlan, StagePlan } from "./plan.ts";
import { type Ranges, type Stage, typeOfValue } from "./stage-parts.ts";
import { type ComputingInstruction, planStage } from "./stages.ts";

export interface CPlan {
  readonly model: ModelPlan;
  readonly kernels: KernelSet;
  readonly inputs: readonly CPort[];
  readonly outputs: readonly COutputPort[];
  readonly layers: readonly CLayer[];
}

/** Plans the files of a verified program, which has few enough elements for the int32_t that the code counts with. */
export function buildPlan(program: Program, info: { readonly version: string }): CPlan {
  // A reshape is the same array under another name.
  const instructions = program.instructions.filter((instruction) => instruction.op !== "reshape");
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
  const ranges = provedRanges(program);

  // A value lives in the caller's array when it is an input or an output, else in the state.
  const place = new Map<string, string>(inputs.map(({ value, parameter }) => [value.name, parameter]));
  const copies: CopyPlan[] = [];
  for (const { value, parameter } of outputs) {
    const source = root(value.name);
    const from = place.get(source);
    if (from === undefined) place.set(source, parameter);
    else copies.push({ from, to: parameter, elements: elementsOf(value.shape) });
  }
  const planned = instructions.map((instruction) =>
    planStage({ program, ranges, prefix, names, kernels }, instruction),
  );
  const { buffers, memberOf, bytes } = planBuffers(
    tensorsOf({ program, ranges, root, placed: place }, instructions, planned),
  );
  for (const [name, member] of memberOf) place.set(name, `state->${member}`);
  const placeOf = (name: string): string => {
    const found = place.get(root(name));
    compilerAssert(found !== undefined, `C: ${name} has no memory`);
    return found;
  };

  const traceIndex = new Map(tracedValues(program).map((traced) => [traced.value.name, traced.index]));
  const stages: StagePlan[] = [];
  const layers: CLayer[] = [];
  for (const [n, instruction] of instructions.entries()) {
    const stage = planned[n]!;
    const result = valueNamed(program, instruction.result);
    const resultType = typeOfValue(ranges, result).name;
    const inputs = operandsOf(instruction).map((name) => ({
      value: name,
      cType: typeOfValue(ranges, valueNamed(program, name)).name,
      elements: elementsOf(valueNamed(program, name).shape),
    }));
    const arrays = inputs.map(({ value }) => placeOf(value));
    const y = placeOf(result.name);
    // An array that is read and written has two names in the function.
    const restrict = arrays.includes(y) ? "" : "restrict ";
    stages.push({
      name: stage.name,
      comment: stage.comment,
      parameters: parameterList(`NF_STAGE void ${stage.name}(`.length, [
        ...inputs.map(({ cType }, k) => `const ${cType} *${restrict}${stage.inputs[k]!}`),
        `${resultType} *${restrict}y`,
      ]),
      body: stage.body.trimEnd(),
      call: {
        inputs: arrays,
        y,
        traceIndex: traceIndex.get(result.name)!,
        elements: elementsOf(result.shape),
      },
    });
    layers.push({
      layer: instruction.layer,
      op: instruction.op,
      function: stage.name,
      inputs,
      result: result.name,
      resultCType: resultType,
      resultElements: elementsOf(result.shape),
      ...(stage.accumulator ? { accumulatorCType: stage.accumulator.name } : {}),
    });
  }

  const constants = planned.flatMap((stage) => stage.constants);
  const read = new Set([...stages.flatMap((s) => s.call.inputs), ...copies.map((c) => c.from)]);
  const members = buffers.map(({ member, type, elements, tensors }) => ({
    declaration: `${type.name} ${member}[${elements}];`,
    comment: tensors.map((name) => commentText(name, 30)).join(", then "),
  }));
  const upper = prefix.toUpperCase();
  const macros = createNameScope();
  const parameters: ParameterPlan[] = [
    ...inputs.map((port) => planParameter(ranges, { ...port, role: null }, upper, macros)),
    ...outputs.map((port) => planParameter(ranges, { ...port, role: port.output.role }, upper, macros)),
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
    inputs: inputs.map(({ value, parameter }) => portOf(ranges, value, parameter)),
    outputs: outputs.map(({ output, value, parameter }) => ({
      ...portOf(ranges, value, parameter),
      output: output.name,
      role: output.role,
    })),
    layers,
  };
}

function portOf(ranges: Ranges, value: Value, parameter: string): CPort {
  return {
    value: value.name,
    parameter,
    cType: typeOfValue(ranges, value).name,
    elements: elementsOf(value.shape),
  };
}

/** A parameter list that starts in a column, in lines of at most 120 columns. */
function parameterList(column: number, parameters: readonly string[]): string {
  const lines: string[] = [];
  let line = "";
  let used = column;
  for (const [n, parameter] of parameters.entries()) {
    const text = n < parameters.length - 1 ? `${parameter},` : parameter;
    if (line !== "" && used + line.length + 1 + text.length > 118) {
      lines.push(line);
      line = `    ${text}`;
      used = 0;
    } else line = line === "" ? text : `${line} ${text}`;
  }
  return [...lines, line].join("\n");
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
  {
    program,
    ranges,
    root,
    placed,
  }: {
    readonly program: Program;
    readonly ranges: Ranges;
    readonly root: (name: string) => string;
    readonly placed: ReadonlyMap<string, string>;
  },
  instructions: readonly ComputingInstruction[],
  stages: readonly Stage[],
): readonly Tensor[] {
  const reads = instructions.map((instruction) => operandsOf(instruction).map(root));
  return instructions.flatMap(({ result }, from): Tensor[] => {
    if (placed.has(result)) return [];
    const to = reads.reduce((last, names, n) => (names.includes(result) ? n : last), from);
    const value = valueNamed(program, result);
    const { inputs, overwrites } = stages[from]!;
    // What is read twice may be overwritten only if both readings allow it.
    const kept = reads[from]!.filter((_, k) => !overwrites.includes(inputs[k]!));
    return [
      {
        name: result,
        type: typeOfValue(ranges, value),
        elements: elementsOf(value.shape),
        from,
        to,
        overwrites: reads[from]!.filter((name) => !kept.includes(name)),
      },
    ];
  });
}
