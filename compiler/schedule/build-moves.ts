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
  const [positions, elements] = [elementsOf(result.shape), channelsOf(source)];
  const side = positions === 1 ? 1 : Math.max(1, line.lanes / elements);
  const lanes = line.lanes / side;
  const beats = Math.ceil(elements / lanes);
  const sizes = { positions, side, elements, lanes, beats };
  const stage = { kind: "argmax", instruction: step, source, result, ...sizes, forked } as const;
  return { result, made: add(g, stage, [line], result, side) };
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
      : chooseInnerLanes(elements, channels, interval, [line.lanes], imageOf(shape)[1]);
  return argmaxStage(program, g, step, adapt(g, line, step.layer, lanes, 1), false).made;
}

/** A box of an image with `all` channels in words of so many lanes: of some channels, or of all those of several columns. */
const inWords = ([rows, columns, channels]: Triple, all: number, lanes: number): Triple =>
  lanes <= all ? [rows, columns, channels / lanes] : [rows, (columns * all) / lanes, channels / all];

/**
 * Lanes of a stage that moves boxes: they divide the channels of all of them, or where these keep all channels those of
 * several columns.
 */
function lanesOfBoxes(
  boxes: readonly Triple[],
  begin: Triple,
  elements: number,
  interval: number,
  before: readonly number[],
): number {
  const channels = boxes.map(([, , c]) => c);
  const keepsAll = begin[2] === 0 && channels.every((c) => c === channels[0]);
  const whole = [...channels, begin[2]].reduce(greatestCommonDivisor);
  const columns = [...boxes.map(([, x]) => x), begin[1]].reduce(greatestCommonDivisor);
  return chooseInnerLanes(elements, whole, interval, before, keepsAll ? columns : 1);
}

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
  const lanes = lanesOfBoxes([size, box], first, elementsOf(source.shape), interval, [line.lanes]);
  const words = adapt(g, line, step.layer, lanes, 1);
  const boxes = {
    size: inWords(size, size[2], lanes),
    first: inWords(first, size[2], lanes),
    box: inWords(box, size[2], lanes),
  };
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
  const lanes = lanesOfBoxes([size, outSize], first, elementsOf(result.shape), interval, [line.lanes]);
  const words = adapt(g, line, step.layer, lanes, 1);
  const boxes = {
    size: inWords(size, size[2], lanes),
    outSize: inWords(outSize, size[2], lanes),
    first: inWords(first, size[2], lanes),
  };
  return add(g, { kind: "pad", instruction: step, source, result, lanes, ...boxes }, [words], result, lanes);
}
