// Stages of argmax, slice and pad. In: a step and the stream before it. Out: the stream behind it, with lanes that divide
// what is read position by position.
import {
  type ArgmaxInstruction,
  channelsOf,
  elementsOf,
  type PadInstruction,
  type Program,
  type SliceInstruction,
  type Value,
  valueNamed,
} from "../program/program.ts";
import { chooseInnerLanes } from "./conv-folding.ts";
import { chooseLanes, greatestCommonDivisor } from "./folding.ts";
import { adapt, add, type Growing, type Line } from "./lines.ts";
import type { Triple } from "./units/boxes.ts";
import { alongAxes, imageOf } from "./windows.ts";

/** One index for each position; `forked`: the logits are streamed on as well. */
export function argmaxStage(
  program: Program,
  g: Growing,
  step: ArgmaxInstruction,
  line: Line,
  forked: boolean,
): { readonly result: Value; readonly made: Line } {
  const [source, result] = [valueNamed(program, step.input), valueNamed(program, step.result)];
  const { lanes } = line;
  const [positions, elements] = [elementsOf(result.shape), channelsOf(source)];
  const beats = Math.ceil(elements / lanes);
  const sizes = { positions, elements, lanes, beats };
  const stage = { kind: "argmax", instruction: step, source, result, ...sizes, forked } as const;
  return { result, made: add(g, stage, [line], result, 1) };
}

/** An argmax as a layer among others. */
export function indexStage(
  program: Program,
  g: Growing,
  step: ArgmaxInstruction,
  line: Line,
  interval: number,
): Line {
  const { shape } = valueNamed(program, step.input);
  const [elements, channels] = [elementsOf(shape), shape.at(-1)!];
  const lanes =
    elements === channels
      ? chooseLanes(elements, interval, line.lanes)
      : chooseInnerLanes(elements, channels, interval, [line.lanes]);
  return argmaxStage(program, g, step, adapt(g, line, step.layer, lanes, 1), false).made;
}

/** Channels of a box counted in words. */
const inWords = ([rows, columns, channels]: Triple, lanes: number): Triple => [
  rows,
  columns,
  channels / lanes,
];

/** The box of a slice. */
export function cropStage(
  program: Program,
  g: Growing,
  step: SliceInstruction,
  line: Line,
  interval: number,
): Line {
  const [source, result] = [valueNamed(program, step.input), valueNamed(program, step.result)];
  const [size, box] = [imageOf(source.shape), imageOf(result.shape)];
  const first = alongAxes(step.begin, 0);
  const whole = [size[2], box[2], first[2]].reduce(greatestCommonDivisor);
  const lanes = chooseInnerLanes(elementsOf(source.shape), whole, interval, [line.lanes]);
  const words = adapt(g, line, step.layer, lanes, 1);
  const boxes = { size: inWords(size, lanes), first: inWords(first, lanes), box: inWords(box, lanes) };
  return add(g, { kind: "crop", instruction: step, source, result, lanes, ...boxes }, [words], result, lanes);
}

/** Padding of an image. */
export function padStage(
  program: Program,
  g: Growing,
  step: PadInstruction,
  line: Line,
  interval: number,
): Line {
  const [source, result] = [valueNamed(program, step.input), valueNamed(program, step.result)];
  const [size, outSize] = [imageOf(source.shape), imageOf(result.shape)];
  const first = alongAxes(step.before, 0);
  const whole = [size[2], outSize[2], first[2]].reduce(greatestCommonDivisor);
  const lanes = chooseInnerLanes(elementsOf(result.shape), whole, interval, [line.lanes]);
  const words = adapt(g, line, step.layer, lanes, 1);
  const boxes = {
    size: inWords(size, lanes),
    outSize: inWords(outSize, lanes),
    first: inWords(first, lanes),
  };
  return add(g, { kind: "pad", instruction: step, source, result, lanes, ...boxes }, [words], result, lanes);
}
