// Sums, differences, products, scales and tables, element by element, as C functions. In: the instruction with its formats.
// Out: the function's text and constants.
import { alignmentOf } from "../program/bounds.ts";
import {
  type ArithmeticInstruction,
  constantNamed,
  elementsOf,
  mantissaRange,
  type ScaleInstruction,
  type TableInstruction,
  type Value,
  valueNamed,
} from "../program/program.ts";
import { sameShape } from "../program/shapes.ts";
import { commentText } from "../support/comment-text.ts";
import type { Range } from "../support/fixed-point.ts";
import { functionBody, index, type Loop, nest } from "./loops.ts";
import {
  castText,
  claim,
  hullOf,
  numbersConstant,
  rangeOfValue,
  rangeText,
  type Stage,
  type StageContext,
  sizeText,
  typeOfValue,
} from "./stage-parts.ts";
import { accumulatorType, rangeOf, smallestType } from "./types.ts";
import { declaredVariables } from "./windows.ts";

const SIGNS = { add: "+", subtract: "-", multiply: "*" } as const;
const WORDS = { add: "sum", subtract: "difference", multiply: "product" } as const;

/** Plans a sum, difference or product; the second operand may be one row of channels. */
export function planArithmetic(context: StageContext, instruction: ArithmeticInstruction): Stage {
  const { program, ranges } = context;
  const [a, b] = instruction.inputs.map((name) => valueNamed(program, name)) as [Value, Value];
  const result = valueNamed(program, instruction.result);
  const { op } = instruction;
  const row = !sameShape(a.shape, b.shape);
  const channels = elementsOf(b.shape);
  const position: Loop = { variable: "p", count: row ? elementsOf(a.shape) / channels : 1 };
  const element: Loop = { variable: row ? "c" : "i", count: row ? channels : elementsOf(a.shape) };
  const scales = [a, b].map((value) => {
    const { min, max } = rangeOfValue(ranges, value.name);
    // A shift of nothing but zeros may be of any size.
    const shifts = op !== "multiply" && (min !== 0 || max !== 0);
    return shifts ? 2 ** alignmentOf(result.format, value.format) : 1;
  }) as [number, number];
  const range = rangeOfValue(ranges, result.name);
  // The operands too: what a difference subtracts may reach further than the difference.
  const computed = accumulatorType(
    hullOf(range, ...[a, b].map((value, k) => scaled(rangeOfValue(ranges, value.name), scales[k]!))),
  );
  const ia = index([
    { loop: position, stride: channels },
    { loop: element, stride: 1 },
  ]);
  const ib = index([{ loop: element, stride: 1 }]);
  const operand = (name: string, at: string, scale: number): string =>
    `(${computed.name})${name}[${at}]${scale === 1 ? "" : ` * ${scale}`}`;
  const value = `${operand("a", ia, scales[0])} ${SIGNS[op]} ${operand("b", ib, scales[1])}`;
  const resultType = typeOfValue(ranges, result);
  const converted = resultType === computed ? value : `(${resultType.name})(${value})`;
  const loops = [position, element];
  return {
    name: claim(context, instruction.layer, op),
    comment: [
      `${commentText(instruction.layer)}: ${WORDS[op]} of ${sizeText(elementsOf(a.shape))}` +
        `${row ? ` and a row of ${channels} channels` : ""}, within ${rangeText(range)}.`,
    ],
    inputs: ["a", "b"],
    body: functionBody(declaredVariables(loops), nest(loops, `y[${ia}] = ${converted};`)),
    constants: [],
    accumulator: null,
    // A row is read again at the next position.
    overwrites: row && position.count > 1 ? ["a"] : ["a", "b"],
  };
}

function scaled({ min, max }: Range, scale: number): Range {
  return { min: min * scale, max: max * scale };
}

/** Plans a multiplication by a constant of each channel, and what is added. */
export function planScale(context: StageContext, instruction: ScaleInstruction): Stage {
  const { program, ranges } = context;
  const input = valueNamed(program, instruction.input);
  const result = valueNamed(program, instruction.result);
  const factors = constantNamed(program, instruction.multipliers).data;
  const added = instruction.offsets === null ? null : constantNamed(program, instruction.offsets).data;
  const layer = commentText(instruction.layer);
  const channels = factors.length;
  const range = rangeOfValue(ranges, result.name);
  // What is multiplied too: a factor of 0 hides how far it reaches.
  const computed = accumulatorType(hullOf(range, rangeOfValue(ranges, input.name), rangeOf(factors)));
  const position: Loop = { variable: "p", count: elementsOf(input.shape) / channels };
  const channel: Loop = { variable: "c", count: channels };
  const at = index([
    { loop: position, stride: channels },
    { loop: channel, stride: 1 },
  ]);
  const c = index([{ loop: channel, stride: 1 }]);
  const multipliers = claim(context, instruction.layer, "multipliers");
  const constants = [numbersConstant(multipliers, factors, `${layer}: multiplier of each channel`)];
  let value = `(${computed.name})x[${at}] * ${multipliers}[${c}]`;
  if (added) {
    const offsets = claim(context, instruction.layer, "offsets");
    constants.push(numbersConstant(offsets, added, `${layer}: what is added in each channel`));
    value += ` + ${offsets}[${c}]`;
  }
  const resultType = typeOfValue(ranges, result);
  const converted = resultType === computed ? value : `(${resultType.name})(${value})`;
  const loops = [position, channel];
  return {
    name: claim(context, instruction.layer, "scale"),
    comment: [
      `${layer}: ${sizeText(elementsOf(input.shape))}, each by the multiplier of its channel, within ${rangeText(range)}.`,
    ],
    inputs: ["x"],
    body: functionBody(declaredVariables(loops), nest(loops, `y[${at}] = ${converted};`)),
    constants,
    accumulator: null,
    overwrites: ["x"],
  };
}

/** Plans a table: one entry for each mantissa of the input's format. */
export function planTable(context: StageContext, instruction: TableInstruction): Stage {
  const { program, ranges } = context;
  const input = valueNamed(program, instruction.input);
  const result = valueNamed(program, instruction.result);
  const { data } = constantNamed(program, instruction.table);
  const { min } = mantissaRange(input.format);
  const layer = commentText(instruction.layer);
  const name = claim(context, instruction.layer, "entries");
  const element: Loop = { variable: "i", count: elementsOf(input.shape) };
  const at = index([{ loop: element, stride: 1 }]);
  const offset = min < 0 ? ` + ${-min}` : "";
  const cast = castText(smallestType(rangeOf(data)), typeOfValue(ranges, result));
  return {
    name: claim(context, instruction.layer, "table"),
    comment: [`${layer}: ${sizeText(element.count)} looked up in a table of ${data.length} entries.`],
    inputs: ["x"],
    body: functionBody(
      declaredVariables([element]),
      nest([element], `y[${at}] = ${cast}${name}[x[${at}]${offset}];`),
    ),
    constants: [numbersConstant(name, data, `${layer}: entries for ${min} and up`)],
    accumulator: null,
    overwrites: ["x"],
  };
}
