// Stages of the steps that read one stream. In: a step, the stream before it, foldings. Out: the stream behind it, with
// the window, the lanes and the stage itself in the graph.
import { shiftsOf } from "../program/bounds.ts";
import {
  type ArgmaxInstruction,
  type ConvInstruction,
  channelsOf,
  constantNamed,
  type DenseInstruction,
  elementsOf,
  type PadInstruction,
  type PoolInstruction,
  type Program,
  type SelectInstruction,
  type SliceInstruction,
  type UpsampleInstruction,
  type Value,
  valueNamed,
  widthOf,
} from "../program/program.ts";
import { spatialSizes } from "../program/shapes.ts";
import { cropStage, indexStage, padStage } from "./build-moves.ts";
import type { Foldings } from "./build-stages.ts";
import { type ConvSize, chooseInnerLanes, fewestColumns, readingOf } from "./conv-folding.ts";
import type { ElementwiseStep } from "./dataflow.ts";
import type { DenseSize, WideFolding } from "./folding.ts";
import { adapt, add, type Growing, type Line, store, wordsOf } from "./lines.ts";
import { type Multiplier, mostShared, type Sharing } from "./sharing.ts";
import type { DenseStage, StageGraph } from "./stages.ts";
import {
  geometryOf,
  isPointwise,
  kernelOf,
  lineStoreOf,
  phasesOf,
  splitOf,
  tapsOf,
  turnsOf,
  type WindowInstruction,
  type WindowReading,
} from "./windows.ts";

/** Steps that read one stream. */
export type LayerStep =
  | ElementwiseStep
  | SelectInstruction
  | DenseInstruction
  | WindowInstruction
  | SliceInstruction
  | PadInstruction
  | ArgmaxInstruction;

export function sizeOf(program: Program, step: DenseInstruction): DenseSize {
  const weights = constantNamed(program, step.weights);
  return {
    inputs: weights.shape[1]!,
    outputs: weights.shape[0]!,
    inputWidth: widthOf(valueNamed(program, step.input).format),
    accumulatorWidth: widthOf(valueNamed(program, step.result).format),
  };
}

export function convSizeOf(program: Program, step: ConvInstruction): ConvSize {
  const [input, result] = [valueNamed(program, step.input), valueNamed(program, step.result)];
  const [ky, kx] = tapsOf(program, step);
  const phases = phasesOf(program, step);
  const isSpread = step.spread.some((s, axis) => s > 1 && phases[axis] === 1);
  return {
    positions: elementsOf(result.shape) / channelsOf(result),
    inPositions: elementsOf(input.shape) / channelsOf(input),
    taps: ky * kx,
    channels: channelsOf(input),
    units: channelsOf(result),
    groups: step.groups,
    spread: isSpread,
    phases: phases[step.spread.length - 1]!,
    lines: isSpread ? null : { result: lineOf(result), input: lineOf(input) },
    inputWidth: widthOf(input.format),
    accumulatorWidth: widthOf(result.format),
  };
}

/** The most products of a layer that one multiplier makes; null where each has one of its own. */
export function sharingOf(
  program: Program,
  step: DenseInstruction | ConvInstruction,
  { pe, windows }: WideFolding,
  multiplier: Multiplier,
): Sharing | null {
  const { format } = constantNamed(program, step.weights);
  const input = valueNamed(program, step.input);
  if (format.kind !== "int" || !format.signed || input.format.kind !== "int") return null;
  const isConv = step.op === "conv";
  const vectors = isConv ? readingOf(convSizeOf(program, step), { pe, simd: 1 }).vectors : 1;
  // Side by side, the positions of a transposed convolution have weights of their own.
  const positions = isConv && convSizeOf(program, step).phases > 1 ? 1 : windows;
  return mostShared(
    { inputWidth: widthOf(input.format), weightWidth: format.width, pe: pe / vectors, windows: positions },
    multiplier,
  );
}

/** Positions of a line of an image, or of a whole sequence. */
function lineOf({ shape }: Value): number {
  return spatialSizes(shape).at(-1) ?? 1;
}

/** Lanes of the beats before a convolution. */
export function convLanes(program: Program, step: ConvInstruction, foldings: Foldings): number {
  const folding = foldings.get(step.result)!;
  const { lanes } = readingOf(convSizeOf(program, step), folding);
  return lanes * (isDirect(program, step, folding) ? folding.windows : folding.columns);
}

/** Whether the positions of a convolution that stand side by side are those that come so: nothing has to be stored. */
function isDirect(program: Program, step: ConvInstruction, { windows }: WideFolding): boolean {
  return windows > 1 && isPointwise(program, step);
}

/** One step behind the first window. */
export function buildLayer(
  program: Program,
  g: Growing,
  step: LayerStep,
  line: Line,
  foldings: Foldings,
  interval: number,
): Line {
  switch (step.op) {
    case "dense": {
      const stage = denseStage(program, step, foldings);
      const words = adapt(g, line, step.layer, stage.simd, 1);
      return add(g, stage, [store(g, words, step.layer, stage.outFolds)], stage.result, stage.pe);
    }
    case "conv":
      return convStages(program, g, step, line, foldings, interval);
    case "pool":
      return poolStages(program, g, step, line, interval);
    case "upsample":
      return upsampleStages(program, g, step, line, interval);
    case "slice":
      return cropStage(program, g, step, line, interval);
    case "pad":
      return padStage(program, g, step, line, interval);
    case "argmax":
      return indexStage(program, g, step, line, interval);
    default:
      return elementwiseStage(program, g, line, step, line.lanes);
  }
}

export function elementwiseStage(
  program: Program,
  g: Growing,
  line: Line,
  step: ElementwiseStep | SelectInstruction,
  wordLanes: number,
): Line {
  const { lanes } = line;
  const [source, result] = [valueNamed(program, step.input), valueNamed(program, step.result)];
  const words = wordsOf(line);
  const made = (stage: StageGraph["stages"][number]): Line => add(g, stage, [line], result, wordLanes);
  switch (step.op) {
    case "requantize": {
      const each = shiftsOf(source, result);
      const shifts = each.every((s) => s === each[0]) ? each.slice(0, 1) : each;
      const cut = made({ kind: "requantize", instruction: step, source, result, shifts, lanes, words });
      if (step.limit === null) return cut;
      return add(
        g,
        { kind: "limit", instruction: step, limit: step.limit, result, lanes, words },
        [cut],
        result,
        lanes,
      );
    }
    case "threshold":
      return made({ kind: "threshold", instruction: step, source, result, lanes, words });
    case "table":
      return made({ kind: "table", instruction: step, source, result, lanes, words });
    case "scale":
      return made({ kind: "scale", instruction: step, source, result, lanes, words });
    case "select":
      return made({
        kind: "select",
        instruction: step,
        source,
        result,
        elements: elementsOf(source.shape),
        lanes,
        beats: words,
        wordLanes,
        words: Math.ceil(step.indices.length / wordLanes),
      });
  }
}

export function denseStage(program: Program, step: DenseInstruction, foldings: Foldings): DenseStage {
  const { inputs, outputs } = sizeOf(program, step);
  const { pe, simd, memory = "auto", multiply = "auto", sharing = null } = foldings.get(step.result)!;
  return {
    kind: "dense",
    instruction: step,
    source: valueNamed(program, step.input),
    result: valueNamed(program, step.result),
    positions: 1,
    inputs,
    vectors: 1,
    taps: 1,
    windows: 1,
    split: null,
    sets: 1,
    phases: [1, 1],
    outSize: [1, 1],
    outputs,
    pe,
    simd,
    inFolds: Math.ceil(inputs / simd),
    outFolds: Math.ceil(outputs / pe),
    sharing,
    memory,
    multiply,
  };
}

/** A line window whose words have `reading.lanes` channels. */
function windowStage(
  program: Program,
  g: Growing,
  step: WindowInstruction,
  line: Line,
  reading: WindowReading,
  interval: number,
): Line {
  const { lanes, columns, copies = 1 } = reading;
  const source = valueNamed(program, step.input);
  const geometry = geometryOf(program, step, reading);
  const store = lineStoreOf(geometry, interval);
  const pad = step.op === "conv" ? step.padMantissa : 0;
  const words = adapt(g, line, step.layer, lanes * columns, 1);
  const sizes = { lanes, geometry, ...store, pad, copies };
  const stage = { kind: "line-window", instruction: step, source, ...sizes } as const;
  return add(g, stage, [words], source, lanes * geometry.taps * copies);
}

function convStages(
  program: Program,
  g: Growing,
  step: ConvInstruction,
  line: Line,
  foldings: Foldings,
  interval: number,
): Line {
  const size = convSizeOf(program, step);
  const folding = foldings.get(step.result)!;
  const { pe, simd, windows, columns, memory = "auto", multiply = "auto", sharing = null } = folding;
  const [source, result] = [valueNamed(program, step.input), valueNamed(program, step.result)];
  const { positions, channels, groups, units } = size;
  const { vectors, ...each } = readingOf(size, folding);
  const reading = { ...each, windows, columns };
  const entering = isDirect(program, step, folding)
    ? adapt(g, line, step.layer, convLanes(program, step, foldings), 1)
    : windowStage(program, g, step, line, reading, interval);
  const inputs = (size.taps * channels) / groups;
  const sets = windows > 1 ? size.phases : 1;
  return add(
    g,
    {
      kind: "dense",
      instruction: step,
      source,
      result,
      positions,
      inputs,
      vectors,
      taps: reading.taps,
      windows,
      split: windows === 1 ? null : splitOf(program, step, reading),
      sets,
      ...turnsOf(program, step, reading),
      outputs: units,
      pe,
      simd,
      inFolds: Math.ceil(inputs / simd),
      outFolds: units / pe,
      sharing,
      memory,
      multiply,
    },
    [entering],
    result,
    pe * windows,
  );
}

/** Pools. Where their taps take too long one by one, all of a window, or several of a global one, are read at once. */
function poolStages(program: Program, g: Growing, step: PoolInstruction, line: Line, interval: number): Line {
  const [source, result] = [valueNamed(program, step.input), valueNamed(program, step.result)];
  const [ky, kx] = kernelOf(program, step);
  const taps = ky * kx;
  const channels = channelsOf(source);
  const whole = isWhole(step, source);
  const positions = elementsOf(result.shape) / channels;
  const inPositions = elementsOf(source.shape) / channels;
  const elements = Math.max(taps * positions, inPositions) * channels;
  const isWide = elements / channels > interval;
  const lanes = isWide ? channels : chooseInnerLanes(elements, channels, interval, [line.lanes]);
  const columns = isWide ? fewestColumns(lineOf(source), inPositions, interval) : 1;
  const windows = isWide && !whole ? fewestColumns(lineOf(result), positions, interval) : 1;
  const side = !isWide ? 1 : whole ? columns : taps;
  const reading = { lanes, outer: channels / lanes, replays: 1, taps: side, windows, columns };
  const entering = whole
    ? adapt(g, line, step.layer, lanes * columns, 1)
    : windowStage(program, g, step, line, reading, interval);
  const split = windows === 1 ? null : splitOf(program, step, reading);
  const leaving = lanes * windows;
  const words = wordsOf({ value: result, lanes: leaving });
  const sizes = { whole, taps, side, windows, split, lanes: leaving, words };
  return add(g, { kind: "pool", instruction: step, source, result, ...sizes }, [entering], result, leaving);
}

/**
 * Upsampling: windows of one element that repeat lines. Where several columns of the result have to leave at once, each
 * column of the image that is read stands there so many times.
 */
function upsampleStages(
  program: Program,
  g: Growing,
  step: UpsampleInstruction,
  line: Line,
  interval: number,
): Line {
  const [source, result] = [valueNamed(program, step.input), valueNamed(program, step.result)];
  const channels = channelsOf(source);
  const elements = elementsOf(result.shape);
  const isWide = elements / channels > interval;
  const lanes = isWide ? channels : chooseInnerLanes(elements, channels, interval, [line.lanes]);
  const plain = { lanes, outer: channels / lanes, replays: 1, taps: 1, windows: 1, columns: 1, copies: 1 };
  if (!isWide) return { ...windowStage(program, g, step, line, plain, interval), value: result };
  const copies = step.factors.at(-1)!;
  const windows = fewestColumns(lineOf(source), elements / channels / copies, interval);
  const columns = fewestColumns(lineOf(source), elementsOf(source.shape) / channels, interval);
  const made = windowStage(program, g, step, line, { ...plain, windows, columns, copies }, interval);
  return { ...made, value: result };
}

/** Whether one window is the whole input, so that nothing has to be read twice or in another order. */
function isWhole({ window, padding }: PoolInstruction, { shape }: Value): boolean {
  const sizes = spatialSizes(shape);
  return (
    [...padding.before, ...padding.after].every((n) => n === 0) && window.every((n, a) => n === sizes[a])
  );
}
