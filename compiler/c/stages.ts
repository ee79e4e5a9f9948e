// One instruction as a C function. In: the instruction, its types, and names. Out: its statements, comment and
// constants; the kernels that it calls are added to the set.
import { shiftsOf } from "../program/bounds.ts";
import {
  channelsOf,
  constantNamed,
  elementsOf,
  type Instruction,
  mantissaRange,
  type RequantizeInstruction,
  type ReshapeInstruction,
  type SelectInstruction,
  type ThresholdInstruction,
  valueNamed,
} from "../program/program.ts";
import { renderTemplate } from "../render/render.ts";
import { assertNever } from "../support/assert.ts";
import { commentText } from "../support/comment-text.ts";
import { planArithmetic, planScale, planTable } from "./arithmetic-stage.ts";
import { planConv } from "./conv-stage.ts";
import { planDense } from "./dense-stage.ts";
import { planMove } from "./move-stage.ts";
import type { ConstantPlan } from "./plan.ts";
import { planPool } from "./pool-stage.ts";
import {
  claim,
  numbersConstant,
  positionsOf,
  rangeText,
  rowLines,
  type Stage,
  type StageContext,
  sizeText,
  typeOfValue,
} from "./stage-parts.ts";
import { rangeOf, smallestType } from "./types.ts";

/** Everything that becomes a function. */
export type ComputingInstruction = Exclude<Instruction, ReshapeInstruction>;

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
    case "conv":
      return planConv(context, instruction);
    case "pool":
      return planPool(context, instruction);
    case "table":
      return planTable(context, instruction);
    case "scale":
      return planScale(context, instruction);
    case "add":
    case "subtract":
    case "multiply":
      return planArithmetic(context, instruction);
    case "slice":
    case "transpose":
    case "upsample":
    case "pad":
    case "concat":
      return planMove(context, instruction);
    default:
      return assertNever(instruction, "C stage");
  }
}

function planRequantize(context: StageContext, instruction: RequantizeInstruction): Stage {
  const { program, ranges, kernels } = context;
  const input = valueNamed(program, instruction.input);
  const result = valueNamed(program, instruction.result);
  const type = typeOfValue(ranges, result);
  const range = mantissaRange(result.format);
  const high = instruction.limit ?? range.max;
  const low = instruction.activation === "relu" ? Math.max(0, range.min) : range.min;
  const kernel = kernels.requantize(typeOfValue(ranges, input), shiftsOf(input, result));
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
      `saturated to ${rangeText({ min: low, max: high })}.`,
    ],
    inputs: ["x"],
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
      high,
    }),
    constants,
    accumulator: null,
    overwrites: ["x"],
  };
}

function planThreshold(context: StageContext, instruction: ThresholdInstruction): Stage {
  const { program, ranges, kernels } = context;
  const input = valueNamed(program, instruction.input);
  const result = valueNamed(program, instruction.result);
  const table = constantNamed(program, instruction.thresholds);
  const [channels, levels] = table.shape as [number, number];
  const stored = smallestType(rangeOf(table.data));
  const kernel = kernels.threshold(typeOfValue(ranges, input), stored);
  const name = claim(context, instruction.layer, "thresholds");
  const layer = commentText(instruction.layer);
  const { base } = instruction;
  return {
    name: claim(context, instruction.layer, "threshold"),
    comment: [
      base === 0 && levels === 1
        ? `${layer}: ${sizeText(elementsOf(result.shape))}, 1 where the threshold is reached, else 0.`
        : `${layer}: ${base} plus the number of thresholds reached, ${sizeText(elementsOf(result.shape))}, ` +
          `${rangeText({ min: base, max: base + levels })}.`,
    ],
    inputs: ["x"],
    body: renderTemplate("c/stage-threshold", {
      kernel: kernel.name,
      type: typeOfValue(ranges, result).name,
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
    overwrites: ["x"],
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
    inputs: ["x"],
    body: renderTemplate("c/stage-select", { elements: indices.length, indices: name }),
    constants: [numbersConstant(name, indices, `${layer}: which elements are read`)],
    accumulator: null,
    overwrites: [],
  };
}

function planArgmax(
  context: StageContext,
  instruction: { layer: string; input: string; result: string },
): Stage {
  const { program, ranges, kernels } = context;
  const input = valueNamed(program, instruction.input);
  const result = valueNamed(program, instruction.result);
  const channels = channelsOf(input);
  return {
    name: claim(context, instruction.layer, "argmax"),
    comment: [`${commentText(instruction.layer)}: index of the largest of ${channels}, the lowest on ties.`],
    inputs: ["x"],
    body: renderTemplate("c/stage-argmax", {
      kernel: kernels.argmax(typeOfValue(ranges, input)),
      type: typeOfValue(ranges, result).name,
      ...positionsOf(elementsOf(input.shape), channels),
      channels,
    }),
    constants: [],
    accumulator: null,
    overwrites: [],
  };
}
