// A graph of stages while it grows: streams, and what stands between stages that do not fit. In: streams as they leave
// a stage. Out: streams with other lanes, stored, for several readers or with room for what another branch holds.
import { elementsOf, type Value } from "../program/program.ts";
import { leastCommonMultiple } from "./folding.ts";
import type { FifoStage, Stage, StageEnd, StageGraph } from "./stages.ts";

/**
 * A stream of a value's elements in beats of `lanes`. Unused lanes are in the last beat of a packet only; so the lanes
 * of what is read position by position divide its channels.
 */
export interface Line {
  readonly end: StageEnd;
  readonly value: Value;
  readonly lanes: number;
}

export interface Growing extends StageGraph {
  readonly stages: Stage[];
  readonly sources: (readonly StageEnd[])[];
  readonly renamed: Line[];
}

/** Beats of a packet. */
export const wordsOf = ({ value, lanes }: Pick<Line, "value" | "lanes">): number =>
  Math.ceil(elementsOf(value.shape) / lanes);

/** Bits of a byte-padded lane. */
export function laneBitsOf(width: number): number {
  return 8 * Math.ceil(width / 8);
}

/** Adds a stage; gives the stream that leaves it. */
export function add(g: Growing, stage: Stage, inputs: readonly Line[], value: Value, lanes: number): Line {
  g.stages.push(stage);
  g.sources.push(inputs.map((line) => line.end));
  return { end: { stage: g.stages.length - 1, output: 0 }, value, lanes };
}

/** The stream with other lanes; `passes` times what one packet holds goes through. */
export function adapt(g: Growing, line: Line, layer: string, mLanes: number, passes: number): Line {
  const { value, lanes: sLanes } = line;
  if (mLanes === sLanes) return line;
  const elements = elementsOf(value.shape);
  const group = Math.min(leastCommonMultiple(sLanes, mLanes), elements);
  const stage: Stage = { kind: "adapter", layer, value, elements, sLanes, mLanes, group, passes };
  return add(g, stage, [line], value, mLanes);
}

/** Packets stored whole, each read several times. */
export function store(g: Growing, line: Line, layer: string, replays: number): Line {
  const { value, lanes } = line;
  return add(g, { kind: "window", layer, value, lanes, words: wordsOf(line), replays }, [line], value, lanes);
}

/** Several inputs, of which packets end together; one input as it is. */
export function meet(g: Growing, lines: readonly Line[]): readonly Line[] {
  if (lines.length === 1) return lines;
  const streams = lines.map((line) => ({ value: line.value, lanes: line.lanes, words: wordsOf(line) }));
  const { end } = add(g, { kind: "meet", streams }, lines, lines[0]!.value, lines[0]!.lanes);
  return lines.map((line, output) => ({ ...line, end: { ...end, output } }));
}

/** One stream for each of several readers. */
export function fork(g: Growing, line: Line, count: number): readonly Line[] {
  if (count === 1) return [line];
  const { value, lanes } = line;
  const { end } = add(g, { kind: "fork", value, count, lanes, words: wordsOf(line) }, [line], value, lanes);
  return Array.from({ length: count }, (_, output) => ({ ...line, end: { ...end, output } }));
}

/** The stream behind a FIFO; the stream itself where its depth is 0. */
export function buffer(
  g: Growing,
  line: Line,
  instruction: FifoStage["instruction"],
  operand: number,
  depth: number,
): Line {
  if (depth === 0) return line;
  const { value, lanes } = line;
  const stage: Stage = { kind: "fifo", instruction, operand, value, lanes, words: wordsOf(line), depth };
  return add(g, stage, [line], value, lanes);
}
