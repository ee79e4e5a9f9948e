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
import { type ConvSize, chooseInnerLanes, readingOf } from "./conv-folding.ts";
import type { ElementwiseStep } from "./dataflow.ts";
import type { DenseSize } from "./folding.ts";
import { adapt, add, type Growing, type Line, store, wordsOf } from "./lines.ts";
import type { DenseStage, StageGraph } from "./stages.ts";
import {
  geometryOf,
  kernelOf,
  lineStoreOf,
  phasesOf,
  tapsOf,
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
  return {
    positions: elementsOf(result.shape) / channelsOf(result),
    inPositions: elementsOf(input.shape) / channelsOf(input),
    taps: ky * kx,
    channels: channelsOf(input),
    units: channelsOf(result),
    groups: step.groups,
    spread: step.spread.some((s, axis) => s > 1 && phasesOf(program, step)[axis] === 1),
    inputWidth: widthOf(input.format),
    accumulatorWidth: widthOf(result.format),
  };
}

/** Lanes of the image's words before a convolution. */
export function convLanes(program: Program, step: ConvInstruction, foldings: Foldings): number {
  return readingOf(convSizeOf(program, step), foldings.get(step.result)!).lanes;
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
    case "upsample":
      return poolStages(program, g, step, line, interval);
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
  const { pe, simd } = foldings.get(step.result)!;
  return {
    kind: "dense",
    instruction: step,
    source: valueNamed(program, step.input),
    result: valueNamed(program, step.result),
    positions: 1,
    inputs,
    vectors: 1,
    taps: 1,
    phases: [1, 1],
    outSize: [1, 1],
    outputs,
    pe,
    simd,
    inFolds: Math.ceil(inputs / simd),
    outFolds: Math.ceil(outputs / pe),
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
  const { lanes } = reading;
  const source = valueNamed(program, step.input);
  const geometry = geometryOf(program, step, reading);
  const store = lineStoreOf(geometry, interval);
  const pad = step.op === "conv" ? step.padMantissa : 0;
  const words = adapt(g, line, step.layer, lanes, 1);
  const stage = { kind: "line-window", instruction: step, source, lanes, geometry, ...store, pad } as const;
  return add(g, stage, [words], source, lanes);
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
  const { pe, simd } = folding;
  const [source, result] = [valueNamed(program, step.input), valueNamed(program, step.result)];
  const { positions, channels, groups, units } = size;
  const { vectors, ...reading } = readingOf(size, folding);
  const windows = windowStage(program, g, step, line, reading, interval);
  const inputs = (size.taps * channels) / groups;
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
      phases: phasesOf(program, step),
      outSize: geometryOf(program, step, reading).outSize,
      outputs: units,
      pe,
      simd,
      inFolds: Math.ceil(inputs / simd),
      outFolds: units / pe,
    },
    [windows],
    result,
    pe,
  );
}

/** Pools, and upsampling, which is a window of one element that repeats lines. */
function poolStages(
  program: Program,
  g: Growing,
  step: PoolInstruction | UpsampleInstruction,
  line: Line,
  interval: number,
): Line {
  const [source, result] = [valueNamed(program, step.input), valueNamed(program, step.result)];
  const [ky, kx] = kernelOf(program, step);
  const taps = ky * kx;
  const channels = channelsOf(source);
  const elements = Math.max(taps * elementsOf(result.shape), elementsOf(source.shape));
  const lanes = chooseInnerLanes(elements, channels, interval, [line.lanes]);
  const whole = step.op === "pool" && isWhole(step, source);
  const reading = { lanes, outer: channels / lanes, replays: 1, taps: 1 };
  const windows = whole
    ? adapt(g, line, step.layer, lanes, 1)
    : windowStage(program, g, step, line, reading, interval);
  if (step.op === "upsample") return { ...windows, value: result };
  const words = wordsOf({ value: result, lanes });
  return add(
    g,
    { kind: "pool", instruction: step, source, result, whole, taps, lanes, words },
    [windows],
    result,
    lanes,
  );
}

/** Whether one window is the whole input, so that nothing has to be read twice or in another order. */
function isWhole({ window, padding }: PoolInstruction, { shape }: Value): boolean {
  const sizes = spatialSizes(shape);
  return (
    [...padding.before, ...padding.after].every((n) => n === 0) && window.every((n, a) => n === sizes[a])
  );
}
