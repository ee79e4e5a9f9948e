// Stages of the steps at which streams meet: sums, differences, products, concats. In: a step and the streams that it
// reads. Out: the stream behind it, with lanes that fit each other and a FIFO before each operand.
import {
  type ArithmeticInstruction,
  type ConcatInstruction,
  channelsOf,
  elementsOf,
  type Program,
  type Value,
  valueNamed,
} from "../program/program.ts";
import { concatShape, sameShape } from "../program/shapes.ts";
import { chooseInnerLanes, fewestColumns } from "./conv-folding.ts";
import type { Step } from "./dataflow.ts";
import { greatestCommonDivisor } from "./folding.ts";
import { adapt, add, buffer, type Growing, type Line, store } from "./lines.ts";
import type { ConcatStage, MergeStage } from "./stages.ts";
import { imageOf } from "./windows.ts";

/** Steps that read several streams. */
export type MeetingStep = ArithmeticInstruction | ConcatInstruction;

export interface MeetingWishes {
  readonly interval: number;
  readonly fifoDepth: (step: MeetingStep, operand: number) => number;
}

export function isBranching(step: Step): step is MeetingStep {
  return step.op === "add" || step.op === "subtract" || step.op === "multiply" || step.op === "concat";
}

export function buildBranches(
  program: Program,
  g: Growing,
  step: MeetingStep,
  operands: readonly Line[],
  wishes: MeetingWishes,
): Line {
  return step.op === "concat"
    ? concatStages(program, g, step, operands, wishes)
    : joinStages(program, g, step, [operands[0]!, operands[1]!], wishes);
}

function joinStages(
  program: Program,
  g: Growing,
  step: ArithmeticInstruction,
  [a, b]: readonly [Line, Line],
  { interval, fifoDepth }: MeetingWishes,
): Line {
  const result = valueNamed(program, step.result);
  const elements = elementsOf(result.shape);
  const row = !sameShape(a.value.shape, b.value.shape);
  const [, columns, channels] = imageOf(result.shape);
  const lanes = chooseInnerLanes(elements, channels, interval, [a.lanes, b.lanes], columns);
  const words = elements / lanes;
  const secondLanes = row ? Math.min(lanes, channels) : lanes;
  const operand = (line: Line, index: number, width: number): Line =>
    buffer(g, adapt(g, line, step.layer, width, 1), step, index, fifoDepth(step, index));
  const first = operand(a, 0, lanes);
  const second = operand(b, 1, secondLanes);
  // One row of channels serves all positions.
  const again = row ? store(g, second, step.layer, (words * secondLanes) / channels) : second;
  const sources = [a.value, b.value] as const;
  return add(
    g,
    { kind: "join", instruction: step, sources, result, lanes, secondLanes, words },
    [first, again],
    result,
    lanes,
  );
}

/** Two streams at a time; elements from the axis on stand side by side in each. */
function concatStages(
  program: Program,
  g: Growing,
  step: ConcatInstruction,
  operands: readonly Line[],
  { interval, fifoDepth }: MeetingWishes,
): Line {
  const result = valueNamed(program, step.result);
  const sizeFromAxis = ({ value }: Line): number => elementsOf(value.shape.slice(step.axis));
  const whole = operands.map(sizeFromAxis).reduce(greatestCommonDivisor);
  if (elementsOf(result.shape) / whole > interval && step.axis === result.shape.length - 1)
    return mergeStages(program, g, step, operands, { interval, fifoDepth });
  const before = operands.map((line) => line.lanes);
  const lanes = chooseInnerLanes(elementsOf(result.shape), whole, interval, before);
  const turns = elementsOf(result.shape.slice(0, step.axis));
  return twoAtATime(
    g,
    step,
    result,
    operands,
    fifoDepth,
    () => lanes,
    (done, line, value, complete) => {
      const beats = [sizeFromAxis(done) / lanes, sizeFromAxis(line) / lanes] as const;
      return { kind: "concat", instruction: step, result: value, lanes, turns, beats, complete };
    },
  );
}

/** Joins the first two streams, then that and the next one, and so on; `lanesOf` a value of these, with a FIFO before each. */
function twoAtATime(
  g: Growing,
  step: ConcatInstruction,
  result: Value,
  operands: readonly Line[],
  fifoDepth: MeetingWishes["fifoDepth"],
  lanesOf: (value: Value) => number,
  stageOf: (done: Line, line: Line, value: Value, complete: boolean) => ConcatStage | MergeStage,
): Line {
  const lines = operands.map((line, index) =>
    buffer(g, adapt(g, line, step.layer, lanesOf(line.value), 1), step, index, fifoDepth(step, index)),
  );
  return lines.reduce((done, line, index) => {
    const shape = concatShape([done.value.shape, line.value.shape], step.axis);
    const complete = index === lines.length - 1;
    const value: Value = complete ? result : { ...result, shape };
    return add(g, stageOf(done, line, value, complete), [done, line], value, lanesOf(value));
  });
}

/** Channels of all operands in one beat, of as many positions as have to leave in a cycle. */
function mergeStages(
  program: Program,
  g: Growing,
  step: ConcatInstruction,
  operands: readonly Line[],
  { interval, fifoDepth }: MeetingWishes,
): Line {
  const result = valueNamed(program, step.result);
  const [, columns, channels] = imageOf(result.shape);
  const positions = elementsOf(result.shape) / channels;
  const count = fewestColumns(columns, positions, interval);
  const words = positions / count;
  const lanesOf = (value: Value): number => count * channelsOf(value);
  return twoAtATime(g, step, result, operands, fifoDepth, lanesOf, (done, line, value, complete) => {
    const parts = [channelsOf(done.value), channelsOf(line.value)] as const;
    return { kind: "merge", instruction: step, result: value, count, parts, words, complete };
  });
}
