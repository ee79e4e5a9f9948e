// One instruction as a C function. In: the instruction, its types, and names. Out: its statements, comment and
// constants; the kernels that it calls are added to the set.
import { provedRange, shiftsOf } from "../program/bounds.ts";
import {
  channelsOf,
  constantNamed,
  type DenseInstruction,
  elementsOf,
  type Instruction,
  mantissaRange,
  type Program,
  type RequantizeInstruction,
  type SelectInstruction,
  type ThresholdInstruction,
  type Value,
  valueNamed,
} from "../program/program.ts";
import { renderTemplate } from "../render/render.ts";
import { assertNever } from "../support/assert.ts";
import { commentText } from "../support/comment-text.ts";
import type { Range } from "../support/fixed-point.ts";
import type { KernelSet } from "./kernels.ts";
import { identifierOf, type NameScope } from "./names.ts";
import { storeWeights } from "./packing.ts";
import type { ConstantPlan } from "./plan.ts";
import { accumulatorType, type CType, rangeOf, smallestType } from "./types.ts";

/** Everything computed but flatten, which is the same array under another name. */
export type ComputingInstruction = Exclude<Instruction, { readonly op: "flatten" }>;

/** What the stages of one model have in common. */
export interface StageContext {
  readonly program: Program;
  readonly prefix: string;
  readonly names: NameScope;
  readonly kernels: KernelSet;
}

export interface Stage {
  readonly name: string;
  readonly comment: readonly string[];
  readonly body: string;
  readonly constants: readonly ConstantPlan[];
  /** Type of a dense layer's sums. */
  readonly accumulator: CType | null;
}

/** The C type of a value's elements. */
export function typeOfValue(program: Program, value: Value): CType {
  return smallestType(provedRange(program, value.name));
}

/** Plans one stage. */
export function planStage(context: StageContext, instruction: ComputingInstruction): Stage {
  switch (instruction.op) {
    case "requantize":
      return planRequantize(context, instruction);
    case "dense":
      return planDense(context, instruction);
    case "threshold":
      return planThreshold(context, instruction);
    case "select":
      return planSelect(context, instruction);
    case "argmax":
      return planArgmax(context, instruction);
    default:
      return assertNever(instruction, "C stage");
  }
}

/** Claims `<prefix>_<layer>_<what>`. */
function claim({ names, prefix }: StageContext, layer: string, what: string): string {
  // The parts are legal on their own; together they may be longer than one user's name.
  const own = identifierOf(layer);
  return names.claimExact(own === what ? `${prefix}_${own}` : `${prefix}_${own}_${what}`);
}

/** How often the channels repeat, and whether there is a loop over that. */
function positionsOf(elements: number, channels: number): { positions: number; repeated: boolean } {
  const positions = elements / channels;
  return { positions, repeated: positions > 1 };
}

function sizeText(elements: number): string {
  return elements === 1 ? "1 element" : `${elements} elements`;
}

function rangeText({ min, max }: Range): string {
  return `${min}..${max}`;
}

function planRequantize(context: StageContext, instruction: RequantizeInstruction): Stage {
  const { program, kernels } = context;
  const input = valueNamed(program, instruction.input);
  const result = valueNamed(program, instruction.result);
  const type = typeOfValue(program, result);
  const range = mantissaRange(result.format);
  const low = instruction.activation === "relu" ? Math.max(0, range.min) : range.min;
  const kernel = kernels.requantize(typeOfValue(program, input), shiftsOf(input, result));
  const uniform = kernel.shifts.every((shift) => shift === kernel.shifts[0]);
  const constants: ConstantPlan[] = [];
  let shift = `${kernel.shifts[0]!}`;
  if (!uniform) {
    const name = claim(context, instruction.layer, "shifts");
    constants.push(
      numbersConstant(name, kernel.shifts, `${commentText(instruction.layer)}: shift of each channel`),
    );
    shift = `${name}[c]`;
  }
  const activation = instruction.activation === "relu" ? ", rectified" : "";
  const by = uniform ? (kernel.shifts[0]! >= 0 ? `2^${shift}` : `2^(${shift})`) : "2^shift of the channel";
  return {
    name: claim(context, instruction.layer, "requantize"),
    comment: [
      `${commentText(instruction.layer)}: ${sizeText(elementsOf(result.shape))} divided by ${by}, rounded ` +
        `(${instruction.rounding})${activation},`,
      `saturated to ${rangeText({ min: low, max: range.max })}.`,
    ],
    body: renderTemplate("c/stage-requantize", {
      kernel: kernel.name,
      type: type.name,
      elements: elementsOf(result.shape),
      ...positionsOf(elementsOf(result.shape), channelsOf(result)),
      channels: channelsOf(result),
      uniform,
      shift,
      rounding: `NF_ROUND_${instruction.rounding.toUpperCase().replace("-", "_")}`,
      low,
      high: range.max,
    }),
    constants,
    accumulator: null,
  };
}

function planDense(context: StageContext, instruction: DenseInstruction): Stage {
  const { program, kernels } = context;
  const input = valueNamed(program, instruction.input);
  const result = valueNamed(program, instruction.result);
  const weights = constantNamed(program, instruction.weights);
  const bias = instruction.bias === null ? null : constantNamed(program, instruction.bias);
  const [units, inputs] = weights.shape as [number, number];
  const inputType = typeOfValue(program, input);
  const sums = provedRange(program, result.name);
  const accumulator = accumulatorType(sums);
  const layer = commentText(instruction.layer);
  const stored = storeWeights(weights.data, units, inputs);
  const weightsName = claim(context, instruction.layer, "weights");
  const constants: ConstantPlan[] = [];
  let kernel: string;
  let rowSize: number;
  let packing = "";
  if (stored.kind === "packed") {
    kernel = kernels.dotPacked(inputType, accumulator);
    rowSize = stored.rowBytes;
    packing = `, ${stored.bits}, ${stored.signed ? 2 ** (stored.bits - 1) : 0}`;
    constants.push({
      comment:
        `${layer}: weights [${units}][${inputs}] of ${stored.bits} ${stored.bits === 1 ? "bit" : "bits"}, ` +
        `${stored.rowBytes} bytes to a row, packed as in nf_packed_weight.h`,
      type: "uint8_t",
      name: weightsName,
      length: stored.data.length,
      bytes: stored.bytes,
      lines: rowLines([...stored.data], stored.rowBytes, (v) => `0x${v.toString(16).padStart(2, "0")}`),
    });
  } else {
    kernel = kernels.dot(inputType, stored.type, accumulator);
    rowSize = inputs;
    constants.push({
      comment: `${layer}: weights [${units}][${inputs}]`,
      type: stored.type.name,
      name: weightsName,
      length: stored.data.length,
      bytes: stored.bytes,
      lines: rowLines(stored.data, inputs, (v) => `${v}`),
    });
  }
  let biasElement = "0";
  if (bias) {
    const name = claim(context, instruction.layer, "bias");
    constants.push(
      numbersConstant(name, bias.data, `${layer}: bias [${units}], in units of the accumulator`),
    );
    biasElement = `${name}[o]`;
  }
  const resultType = typeOfValue(program, result);
  return {
    name: claim(context, instruction.layer, "dense"),
    comment: [
      `${layer}: ${inputs} inputs, ${units} sums of products${bias ? " and bias" : ""}.`,
      `No partial sum leaves ${rangeText(sums)} for inputs within ${rangeText(provedRange(program, input.name))}.`,
    ],
    body: renderTemplate("c/stage-dense", {
      kernel,
      units,
      inputs,
      weights: weightsName,
      rowSize,
      packing,
      bias: biasElement,
      // Conversions that lose nothing are left to the compiler.
      cast: resultType === accumulator ? "" : `(${resultType.name})`,
    }),
    constants,
    accumulator,
  };
}

function planThreshold(context: StageContext, instruction: ThresholdInstruction): Stage {
  const { program, kernels } = context;
  const input = valueNamed(program, instruction.input);
  const result = valueNamed(program, instruction.result);
  const table = constantNamed(program, instruction.thresholds);
  const [channels, levels] = table.shape as [number, number];
  const stored = smallestType(rangeOf(table.data));
  const kernel = kernels.threshold(typeOfValue(program, input), stored);
  const name = claim(context, instruction.layer, "thresholds");
  const layer = commentText(instruction.layer);
  const { base } = instruction;
  return {
    name: claim(context, instruction.layer, "threshold"),
    comment: [
      `${layer}: ${base} plus the number of thresholds reached, ${sizeText(elementsOf(result.shape))}, ` +
        `${rangeText({ min: base, max: base + levels })}.`,
    ],
    body: renderTemplate("c/stage-threshold", {
      kernel: kernel.name,
      type: typeOfValue(program, result).name,
      thresholds: name,
      levels,
      base: base === 0 ? "" : base < 0 ? `(${base}) + ` : `${base} + `,
      ...positionsOf(elementsOf(result.shape), channels),
      channels,
    }),
    constants: [
      {
        comment: `${layer}: thresholds [${channels}][${levels}], ascending`,
        type: stored.name,
        name,
        length: table.data.length,
        bytes: table.data.length * stored.bytes,
        lines: rowLines(table.data, levels, (v) => `${v}`),
      },
    ],
    accumulator: null,
  };
}

function planSelect(context: StageContext, instruction: SelectInstruction): Stage {
  const { program } = context;
  const size = elementsOf(valueNamed(program, instruction.input).shape);
  const { indices } = instruction;
  const layer = commentText(instruction.layer);
  const name = claim(context, instruction.layer, "indices");
  return {
    name: claim(context, instruction.layer, "select"),
    comment: [`${layer}: ${indices.length} of ${sizeText(size)}.`],
    body: renderTemplate("c/stage-select", { elements: indices.length, indices: name }),
    constants: [numbersConstant(name, indices, `${layer}: which elements are read`)],
    accumulator: null,
  };
}

function planArgmax(
  context: StageContext,
  instruction: { layer: string; input: string; result: string },
): Stage {
  const { program, kernels } = context;
  const input = valueNamed(program, instruction.input);
  const result = valueNamed(program, instruction.result);
  const channels = channelsOf(input);
  return {
    name: claim(context, instruction.layer, "argmax"),
    comment: [`${commentText(instruction.layer)}: index of the largest of ${channels}, the lowest on ties.`],
    body: renderTemplate("c/stage-argmax", {
      kernel: kernels.argmax(typeOfValue(program, input)),
      type: typeOfValue(program, result).name,
      ...positionsOf(elementsOf(input.shape), channels),
      channels,
    }),
    constants: [],
    accumulator: null,
  };
}

/** A one-dimensional constant of the smallest type. */
function numbersConstant(name: string, data: readonly number[], comment: string): ConstantPlan {
  const type = smallestType(rangeOf(data));
  return {
    comment,
    type: type.name,
    name,
    length: data.length,
    bytes: data.length * type.bytes,
    lines: rowLines(data, data.length, (v) => `${v}`),
  };
}

/** Numbers in lines of at most 110 columns; every row starts a line. */
function rowLines(data: readonly number[], rowSize: number, print: (value: number) => string): string[] {
  const lines: string[] = [];
  for (let start = 0; start < data.length; start += rowSize) {
    let line = "";
    for (const value of data.slice(start, start + rowSize)) {
      const text = print(value);
      if (line !== "" && line.length + text.length + 2 > 105) {
        lines.push(`${line},`);
        line = text;
      } else line = line === "" ? text : `${line}, ${text}`;
    }
    lines.push(start + rowSize < data.length ? `${line},` : line);
  }
  return lines;
}
