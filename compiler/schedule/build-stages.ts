// From folded layers to stages. In: the dataflow, PE and SIMD of its layers, the wished interval, depths of FIFOs. Out:
// the graph of all stages of the design, with their lanes and beats.
import { elementsOf, isSigned, operandsOf, type Program, valueNamed, widthOf } from "../program/program.ts";
import { compilerAssert } from "../support/assert.ts";
import { buildBranches, isBranching, type MeetingStep } from "./build-branches.ts";
import { buildInputs } from "./build-inputs.ts";
import { buildLayer } from "./build-layers.ts";
import { argmaxStage } from "./build-moves.ts";
import type { Dataflow, Head, Step } from "./dataflow.ts";
import { chooseLanes, type WideFolding } from "./folding.ts";
import { adapt, add, fork, type Growing, type Line, laneBitsOf } from "./lines.ts";
import { busyCycles, type StageGraph } from "./stages.ts";

/** Folding of every dense and conv step, by its result. */
export type Foldings = ReadonlyMap<string, WideFolding>;

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
 * the window forgets such a packet, and those of the other inputs that belong to it.
 */
export function buildStages(
  program: Program,
  flow: Dataflow,
  foldings: Foldings,
  wishes: StageWishes,
): StageGraph {
  const g: Growing = { stages: [], sources: [], renamed: [] };
  const readers = readersOf(flow);
  const lines = new Map<string, Line[]>();
  /** Remembers under which other names a stream goes. */
  const name = (stream: string, { end, lanes }: Line): void => {
    for (const { result } of flow.renamed)
      if (flow.streamOf(result) === stream && !g.renamed.some(({ value }) => value.name === result))
        g.renamed.push({ end, lanes, value: valueNamed(program, result) });
  };
  const give = (stream: string, made: Line): void => {
    name(stream, made);
    const heads = flow.heads.filter(({ end }) => end.name === stream);
    lines.set(stream, [...fork(g, made, (readers.get(stream) ?? []).length + heads.length)]);
  };
  const take = (value: string): Line => {
    const found = lines.get(flow.streamOf(value))?.shift();
    compilerAssert(found, `a stream of ${value} is left`);
    return { ...found, value: valueNamed(program, value) };
  };

  const done = buildInputs(program, g, flow, readers, foldings, wishes.interval, { name, give });
  for (const step of flow.steps) {
    if (done.has(step)) continue;
    const operands = operandsOf(step).map(take);
    const made = isBranching(step)
      ? buildBranches(program, g, step, operands, wishes)
      : buildLayer(program, g, step, operands[0]!, foldings, wishes.interval);
    give(step.result, made);
  }
  for (const head of flow.heads) endStages(program, g, head, wishes, take(head.end.name));
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

function endStages(
  program: Program,
  g: Growing,
  { argmax, outputs, end }: Head,
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
    const second = null;
    add(g, { kind: "output", outputs, value: end, second, lanes, laneBits, beats }, [line], end, lanes);
    return;
  }
  const { result, made } = argmaxStage(program, g, argmax, line, both);
  const classBits = widthOf(result.format);
  if (!both) {
    const [value, second, laneBits] = [result, null, laneBitsOf(classBits)];
    add(g, { kind: "output", outputs, value, second, lanes: 1, laneBits, beats: 1 }, [made], result, 1);
    return;
  }
  // The class has to look the same in a lane as wide as a logit's.
  compilerAssert(!isSigned(result.format), "a class is unsigned");
  const laneBits = laneBitsOf(Math.max(widthOf(end.format), classBits));
  add(g, { kind: "output", outputs, value: end, second: result, lanes, laneBits, beats }, [made], end, lanes);
}
