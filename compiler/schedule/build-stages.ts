// From folded layers to stages. In: the dataflow, PE and SIMD of its layers, the wished interval, depths of FIFOs. Out:
// the graph of all stages of the design, with their lanes and beats.
import { elementsOf, isSigned, operandsOf, type Program, valueNamed, widthOf } from "../program/program.ts";
import { compilerAssert } from "../support/assert.ts";
import { buildBranches, isBranching, type MeetingStep } from "./build-branches.ts";
import { buildLayer, convLanes, denseStage, elementwiseStage } from "./build-layers.ts";
import { chooseInnerLanes } from "./conv-folding.ts";
import type { Dataflow, Step } from "./dataflow.ts";
import { chooseInputLanes, chooseLanes, type Folding } from "./folding.ts";
import { adapt, add, fork, type Growing, type Line, store } from "./lines.ts";
import { busyCycles, type StageGraph } from "./stages.ts";
import { imageOf } from "./windows.ts";

/** Folding of every dense and conv step, by its result. */
export type Foldings = ReadonlyMap<string, Folding>;

export interface StageWishes {
  /** Cycles between packets. */
  readonly interval: number;
  /** By how much logits that are streamed with their class leave faster than the interval asks for. */
  readonly speedup: number;
  /** Beats that a FIFO before an operand of a step holds; 0 for none. */
  readonly fifoDepth: (step: MeetingStep, operand: number) => number;
}

/**
 * A window stands before every dense layer, which reads it several times, and a line window before what moves a window
 * over an image. What stands before the first window works on every element once and hands on that a packet is broken;
 * the window forgets such a packet.
 */
export function buildStages(
  program: Program,
  flow: Dataflow,
  foldings: Foldings,
  wishes: StageWishes,
): StageGraph {
  const g: Growing = { stages: [], sources: [] };
  const readers = readersOf(flow);
  const before = stepsBeforeWindow(flow, readers);
  const stored = before.at(-1)?.result ?? flow.input.name;
  const next = readers.get(stored) ?? [];
  const only = next.length === 1 ? next[0]! : null;
  const first = only?.op === "dense" ? denseStage(program, only, foldings) : null;

  let line = inputLine(program, g, flow, before, only, foldings, wishes.interval);
  const lastSelect = before.findLast((s) => s.op === "select");
  for (const step of before) {
    // The last select gathers the words that the window stores for the dense layer.
    const gathered = step === lastSelect && first ? multipleFrom(first.simd, line.lanes) : line.lanes;
    line = elementwiseStage(program, g, line, step, gathered);
  }
  const layer = next[0]?.layer ?? flow.steps[0]?.layer ?? flow.argmax?.layer ?? flow.input.name;
  line = store(g, line, layer, first?.outFolds ?? 1);

  const lines = new Map<string, Line[]>();
  const give = (name: string, made: Line): void => {
    const count = (readers.get(name) ?? []).length + (name === flow.end.name ? 1 : 0);
    lines.set(name, [...fork(g, made, count)]);
  };
  const take = (name: string): Line => {
    const found = lines.get(flow.streamOf(name))?.shift();
    compilerAssert(found, `a stream of ${name} is left`);
    return { ...found, value: valueNamed(program, name) };
  };
  if (first) {
    line = adapt(g, line, layer, first.simd, first.outFolds);
    give(first.result.name, add(g, first, [line], first.result, first.pe));
  } else give(stored, line);

  for (const step of flow.steps) {
    if (before.some((s) => s === step) || (first && step === only)) continue;
    const operands = operandsOf(step).map(take);
    const made = isBranching(step)
      ? buildBranches(program, g, step, operands, wishes)
      : buildLayer(program, g, step, operands[0]!, foldings, wishes.interval);
    give(step.result, made);
  }
  endStages(program, g, flow, wishes, take(flow.end.name));
  return g;
}

/** The steps that read each stream, once for each operand. */
function readersOf({ steps, streamOf }: Dataflow): ReadonlyMap<string, readonly Step[]> {
  const readers = new Map<string, Step[]>();
  for (const step of steps)
    for (const name of operandsOf(step)) {
      const stream = streamOf(name);
      readers.set(stream, [...(readers.get(stream) ?? []), step]);
    }
  return readers;
}

type BeforeWindow = Parameters<typeof elementwiseStage>[3];

/** The steps in a row behind the input that look at each element once. */
function stepsBeforeWindow(
  flow: Dataflow,
  readers: ReadonlyMap<string, readonly Step[]>,
): readonly BeforeWindow[] {
  const before: BeforeWindow[] = [];
  for (let at = flow.input.name; ; ) {
    const [step, ...others] = readers.get(at) ?? [];
    if (!step || others.length > 0) return before;
    if (step.op !== "requantize" && step.op !== "threshold" && step.op !== "table" && step.op !== "select")
      return before;
    before.push(step);
    at = step.result;
  }
}

/** The least multiple of `unit` that is at least `least`. */
const multipleFrom = (unit: number, least: number): number => unit * Math.ceil(least / unit);

/** Bits of a byte-padded lane. */
function laneBitsOf(width: number): number {
  return 8 * Math.ceil(width / 8);
}

/** The input's words are those of the first layer; a select has to see the elements first and makes the words. */
function inputLine(
  program: Program,
  g: Growing,
  { input, steps }: Dataflow,
  before: readonly Step[],
  only: Step | null,
  foldings: Foldings,
  interval: number,
): Line {
  const elements = elementsOf(input.shape);
  const fewest = chooseLanes(elements, interval, 1);
  const selected = before.some((s) => s.op === "select");
  const ofReaders = (): number => {
    if (before.length === steps.length) return fewest;
    if (only?.op === "dense") return foldings.get(only.result)!.simd;
    if (only?.op === "conv") return convLanes(program, only, foldings);
    return chooseInnerLanes(elements, imageOf(input.shape)[2], interval, []);
  };
  const wordLanes = selected ? fewest : ofReaders();
  const lanes = selected ? fewest : chooseInputLanes(elements, interval, wordLanes);
  const laneBits = laneBitsOf(widthOf(input.format));
  const beats = Math.ceil(elements / lanes);
  const words = Math.ceil(elements / wordLanes);
  return add(
    g,
    { kind: "input", value: input, elements, lanes, laneBits, beats, wordLanes, words },
    [],
    input,
    wordLanes,
  );
}

function endStages(
  program: Program,
  g: Growing,
  { argmax, outputs, end }: Dataflow,
  { interval, speedup }: StageWishes,
  last: Line,
): void {
  const elements = elementsOf(end.shape);
  const both = outputs.length === 2;
  // An argmax alone is no port and must not be slower than the stages before it.
  const counted = g.stages.filter(
    (s) => s.kind === "input" || s.kind === "dense" || s.kind === "line-window",
  );
  const beatsBefore = Math.max(...counted.map(busyCycles));
  // Between the last logits and the class lies one cycle of comparing, then the class takes its own.
  const most = both ? Math.max(Math.floor((interval - 2) / speedup), 1) : argmax ? beatsBefore : interval;
  const lanes = chooseLanes(elements, most, last.lanes);
  const beats = Math.ceil(elements / lanes);
  const line = adapt(g, last, argmax?.layer ?? outputs[0]!.name, lanes, 1);
  if (!argmax) {
    const laneBits = laneBitsOf(widthOf(end.format));
    add(g, { kind: "output", value: end, second: null, lanes, laneBits, beats }, [line], end, lanes);
    return;
  }
  const result = valueNamed(program, argmax.result);
  const index = add(
    g,
    { kind: "argmax", instruction: argmax, source: end, result, elements, lanes, beats, forked: both },
    [line],
    result,
    1,
  );
  const classBits = widthOf(result.format);
  if (!both) {
    const laneBits = laneBitsOf(classBits);
    add(g, { kind: "output", value: result, second: null, lanes: 1, laneBits, beats: 1 }, [index], result, 1);
    return;
  }
  // The class has to look the same in a lane as wide as a logit's.
  compilerAssert(!isSigned(result.format), "a class is unsigned");
  const laneBits = laneBitsOf(Math.max(widthOf(end.format), classBits));
  add(g, { kind: "output", value: end, second: result, lanes, laneBits, beats }, [index], end, lanes);
}
