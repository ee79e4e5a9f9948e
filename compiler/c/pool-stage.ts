// Pooling as a C function. In: the instruction with its formats. Out: the function's text; a mean is a product and a
// shift, proved for every sum that a window can have.
import { channelsOf, type PoolInstruction, valueNamed } from "../program/program.ts";
import { renderTemplate } from "../render/render.ts";
import { compilerAssert } from "../support/assert.ts";
import { commentText } from "../support/comment-text.ts";
import { exactDivision } from "../support/division.ts";
import type { Range } from "../support/fixed-point.ts";
import { functionBody, nest } from "./loops.ts";
import {
  claim,
  rangeOfValue,
  rangeText,
  type Stage,
  type StageContext,
  shapeText,
  typeOfValue,
} from "./stage-parts.ts";
import { accumulatorType, type CType, INT32, INT64 } from "./types.ts";
import {
  declaredVariables,
  planeOf,
  positionLoops,
  type Window,
  windowDeclaration,
  windowStart,
} from "./windows.ts";

/** Plans a pool of either kind. */
export function planPool(context: StageContext, instruction: PoolInstruction): Stage {
  const { program, ranges, kernels } = context;
  const input = valueNamed(program, instruction.input);
  const result = valueNamed(program, instruction.result);
  const channels = channelsOf(input);
  const type = typeOfValue(ranges, input);
  const taps = planeOf(instruction.window);
  const window: Window = {
    input: planeOf(input.shape.slice(0, -1)),
    pitch: channels,
    channels,
    taps,
    strides: planeOf(instruction.strides),
    dilations: { rows: 1, columns: 1 },
    spread: { rows: 1, columns: 1 },
    before: planeOf(instruction.padding.before, 0),
    positions: planeOf(result.shape.slice(0, -1)),
  };
  const loops = positionLoops(window);
  const many = window.positions.rows * window.positions.columns > 1;
  const shared = { start: windowStart(window), channels, advance: many };
  const elements = taps.rows * taps.columns;
  const declared: string[] = [...windowDeclaration(window)];
  let statements: string;
  let what: string;
  if (instruction.kind === "max") {
    statements = renderTemplate("c/pool-max-position", { ...shared, kernel: kernels.windowMax(type) });
    what = "largest";
  } else {
    const range = rangeOfValue(ranges, input.name);
    const sums: Range = { min: Math.min(0, elements * range.min), max: Math.max(0, elements * range.max) };
    const mean = planMean(sums, elements);
    const accumulator = accumulatorType(sums);
    declared.push(`${accumulator.name} sums[${channels}];`);
    statements = renderTemplate("c/pool-average-position", {
      ...shared,
      sum: kernels.windowSum(type, accumulator),
      divide: kernels.divide(mean.type),
      resultType: typeOfValue(ranges, result).name,
      multiplier: mean.multiplier,
      offset: mean.offset,
      shift: mean.shift,
    });
    what = `rounded mean (sums within ${rangeText(sums)})`;
  }
  return {
    name: claim(context, instruction.layer, "pool"),
    comment: [
      `${commentText(instruction.layer)}: ${what} of windows of ${shapeText(instruction.window)},`,
      `${shapeText(input.shape)} to ${shapeText(result.shape)}.`,
    ],
    inputs: ["x"],
    body: functionBody(
      [...declared, ...declaredVariables(loops), ...(instruction.kind === "average" ? ["int32_t c;"] : [])],
      nest(loops, statements),
    ),
    constants: [],
    accumulator: null,
    overwrites: [],
  };
}

/** (x * multiplier + offset) >> shift is floor(x / count + 1/2) for every sum x; the type holds what comes up. */
function planMean(
  sums: Range,
  count: number,
): { readonly multiplier: number; readonly offset: string; readonly shift: number; readonly type: CType } {
  const { multiplier, shift, offset } = exactDivision(sums, count);
  const half = shift === 0 ? 0n : 1n << BigInt(shift - 1);
  const added = BigInt(offset) + half;
  const ends = [sums.min, sums.max].map((x) => BigInt(x) * BigInt(multiplier));
  const all = [...ends, ...ends.map((product) => product + added), added, BigInt(multiplier)];
  const fits = (bits: bigint): boolean =>
    all.every((x) => -(1n << (bits - 1n)) <= x && x < 1n << (bits - 1n));
  compilerAssert(fits(64n), `a mean of ${count} elements needs more than 64 bits`);
  return { multiplier, offset: `${added}`, shift, type: fits(32n) ? INT32 : INT64 };
}
