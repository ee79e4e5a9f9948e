// From folded layers to stages. In: the chain, PE and SIMD of its dense layers, the wished interval. Out: every stage
// of the design in stream order, with its lanes and beats.
import { shiftsOf } from "../program/bounds.ts";
import {
  constantNamed,
  elementsOf,
  isSigned,
  type Program,
  type Value,
  valueNamed,
  widthOf,
} from "../program/program.ts";
import { compilerAssert } from "../support/assert.ts";
import type { Chain, ChainStep } from "./chain.ts";
import {
  chooseInputLanes,
  chooseLanes,
  type DenseSize,
  type Folding,
  leastCommonMultiple,
} from "./folding.ts";
import { busyCycles, type DenseStage, type Stage } from "./stages.ts";

/** Folding of every dense step, by its result. */
export type Foldings = ReadonlyMap<string, Folding>;

export interface StageWishes {
  /** Cycles between packets. */
  readonly interval: number;
  /** By how much logits that are streamed with their class leave faster than the interval asks for. */
  readonly speedup: number;
}

export function sizeOf(program: Program, step: ChainStep): DenseSize {
  compilerAssert(step.op === "dense", "only dense layers are folded");
  const weights = constantNamed(program, step.weights);
  return {
    inputs: weights.shape[1]!,
    outputs: weights.shape[0]!,
    inputWidth: widthOf(valueNamed(program, step.input).format),
    accumulatorWidth: widthOf(valueNamed(program, step.result).format),
  };
}

/** The stages while they grow, and the stream that leaves the last of them. */
interface Line {
  readonly stages: Stage[];
  value: Value;
  lanes: number;
}

/**
 * A window stands before every dense layer, which reads it several times. What stands before the first of them works
 * on every element once and hands on that a packet is broken; the window forgets such a packet.
 */
export function buildStages(
  program: Program,
  chain: Chain,
  foldings: Foldings,
  wishes: StageWishes,
): readonly Stage[] {
  const at = chain.steps.findIndex((s) => s.op === "dense");
  const before = at < 0 ? chain.steps : chain.steps.slice(0, at);
  const behind = at < 0 ? [] : chain.steps.slice(at);
  const first = behind[0] ? denseStage(program, behind[0], foldings) : null;
  const line = inputLine(chain, before, first, wishes.interval);

  const lastSelect = before.findLast((s) => s.op === "select");
  for (const step of before) {
    // The last select gathers the words that the window stores for the dense layer.
    const gathered = step === lastSelect && first ? multipleFrom(first.simd, line.lanes) : line.lanes;
    line.stages.push(elementwiseStage(program, line, step, gathered));
    line.value = valueNamed(program, step.result);
    line.lanes = gathered;
  }
  const layer = first?.instruction.layer ?? chain.steps[0]?.layer ?? chain.argmax?.layer ?? chain.input.name;
  store(line, layer, first?.outFolds ?? 1);

  for (const step of behind) {
    if (step.op === "dense") {
      const dense = denseStage(program, step, foldings);
      if (step === behind[0]) adapt(line, step.layer, dense.simd, dense.outFolds);
      else {
        adapt(line, step.layer, dense.simd, 1);
        store(line, step.layer, dense.outFolds);
      }
      line.stages.push(dense);
      line.lanes = dense.pe;
    } else line.stages.push(elementwiseStage(program, line, step, line.lanes));
    line.value = valueNamed(program, step.result);
  }
  endStages(program, chain, wishes, line);
  return line.stages;
}

/** The least multiple of `unit` that is at least `least`. */
const multipleFrom = (unit: number, least: number): number => unit * Math.ceil(least / unit);

/** Bits of a byte-padded lane. */
function laneBitsOf(width: number): number {
  return 8 * Math.ceil(width / 8);
}

/** The input's words are those of the first layer; a select has to see the elements first and makes the words. */
function inputLine(
  { input }: Chain,
  before: readonly ChainStep[],
  first: DenseStage | null,
  interval: number,
): Line {
  const elements = elementsOf(input.shape);
  const selected = before.some((s) => s.op === "select");
  const fewest = chooseLanes(elements, interval, 1);
  const wordLanes = selected || !first ? fewest : first.simd;
  const lanes = selected ? fewest : chooseInputLanes(elements, interval, wordLanes);
  const laneBits = laneBitsOf(widthOf(input.format));
  const beats = Math.ceil(elements / lanes);
  const words = Math.ceil(elements / wordLanes);
  const stages: Stage[] = [
    { kind: "input", value: input, elements, lanes, laneBits, beats, wordLanes, words },
  ];
  return { stages, value: input, lanes: wordLanes };
}

function elementwiseStage(
  program: Program,
  { value: source, lanes }: Line,
  step: ChainStep,
  wordLanes: number,
): Stage {
  const result = valueNamed(program, step.result);
  const elements = elementsOf(source.shape);
  const words = Math.ceil(elements / lanes);
  compilerAssert(step.op !== "dense", "a dense layer is not elementwise");
  switch (step.op) {
    case "requantize": {
      const each = shiftsOf(source, result);
      const shifts = each.every((s) => s === each[0]) ? each.slice(0, 1) : each;
      return { kind: "requantize", instruction: step, source, result, shifts, lanes, words };
    }
    case "threshold":
      return { kind: "threshold", instruction: step, source, result, lanes, words };
    case "select":
      return {
        kind: "select",
        instruction: step,
        source,
        result,
        elements,
        lanes,
        beats: words,
        wordLanes,
        words: Math.ceil(step.indices.length / wordLanes),
      };
  }
}

function denseStage(program: Program, step: ChainStep, foldings: Foldings): DenseStage {
  compilerAssert(step.op === "dense", "a dense step");
  const { inputs, outputs } = sizeOf(program, step);
  const { pe, simd } = foldings.get(step.result)!;
  return {
    kind: "dense",
    instruction: step,
    source: valueNamed(program, step.input),
    result: valueNamed(program, step.result),
    inputs,
    outputs,
    pe,
    simd,
    inFolds: Math.ceil(inputs / simd),
    outFolds: Math.ceil(outputs / pe),
  };
}

function adapt(line: Line, layer: string, mLanes: number, passes: number): void {
  const { value, lanes: sLanes } = line;
  if (mLanes === sLanes) return;
  const elements = elementsOf(value.shape);
  const group = Math.min(leastCommonMultiple(sLanes, mLanes), elements);
  line.stages.push({ kind: "adapter", layer, value, elements, sLanes, mLanes, group, passes });
  line.lanes = mLanes;
}

function store({ stages, value, lanes }: Line, layer: string, replays: number): void {
  const words = Math.ceil(elementsOf(value.shape) / lanes);
  stages.push({ kind: "window", layer, value, lanes, words, replays });
}

function endStages(
  program: Program,
  { end, argmax, outputs }: Chain,
  { interval, speedup }: StageWishes,
  line: Line,
): void {
  const { stages } = line;
  const elements = elementsOf(end.shape);
  const both = outputs.length === 2;
  // An argmax alone is no port and must not be slower than the stages before it.
  const beatsBefore = Math.max(
    ...stages.filter((s) => s.kind === "input" || s.kind === "dense").map(busyCycles),
  );
  // Between the last logits and the class lies one cycle of comparing, then the class takes its own.
  const most = both ? Math.max(Math.floor((interval - 2) / speedup), 1) : argmax ? beatsBefore : interval;
  const lanes = chooseLanes(elements, most, line.lanes);
  const beats = Math.ceil(elements / lanes);
  adapt(line, argmax?.layer ?? outputs[0]!.name, lanes, 1);
  if (!argmax) {
    const laneBits = laneBitsOf(widthOf(end.format));
    stages.push({ kind: "output", value: end, second: null, lanes, laneBits, beats });
    return;
  }
  const result = valueNamed(program, argmax.result);
  const forked = both;
  stages.push({ kind: "argmax", instruction: argmax, source: end, result, elements, lanes, beats, forked });
  const classBits = widthOf(result.format);
  if (!both) {
    const laneBits = laneBitsOf(classBits);
    stages.push({ kind: "output", value: result, second: null, lanes: 1, laneBits, beats: 1 });
    return;
  }
  // The class has to look the same in a lane as wide as a logit's.
  compilerAssert(!isSigned(result.format), "a class is unsigned");
  const laneBits = laneBitsOf(Math.max(widthOf(end.format), classBits));
  stages.push({ kind: "output", value: end, second: result, lanes, laneBits, beats });
}
