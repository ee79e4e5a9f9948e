// The stages from the inputs to the first windows. In: the dataflow and who reads what. Out: the streams behind the windows,
// and the steps that are done.
import { elementsOf, type Program, type Value, widthOf } from "../program/program.ts";
import { convLanes, denseStage, elementwiseStage } from "./build-layers.ts";
import type { Foldings } from "./build-stages.ts";
import { chooseInnerLanes } from "./conv-folding.ts";
import type { Dataflow, Step } from "./dataflow.ts";
import { chooseInputLanes, chooseLanes } from "./folding.ts";
import { adapt, add, type Growing, type Line, laneBitsOf, meet, store } from "./lines.ts";
import { imageOf } from "./windows.ts";

/** What takes streams by the name of their value. */
interface Receiver {
  /** The stream goes by this name. */
  name(stream: string, line: Line): void;
  /** ... and others read it. */
  give(stream: string, line: Line): void;
}

/**
 * A window behind each input, for a dense layer one that is read several times, and the steps before it, which look at
 * each element once. The packets of several inputs meet before all of that.
 */
export function buildInputs(
  program: Program,
  g: Growing,
  flow: Dataflow,
  readers: ReadonlyMap<string, readonly Step[]>,
  foldings: Foldings,
  interval: number,
  { name, give }: Receiver,
): ReadonlySet<Step> {
  const inputs = flow.inputs.map((input) => {
    const before = stepsBeforeWindow(flow, input, readers);
    const stored = before.at(-1)?.result ?? input.name;
    const next = readers.get(stored) ?? [];
    const only = next.length === 1 && !isHead(flow, stored) ? next[0]! : null;
    const line = inputLine(program, g, input, before, next, only, foldings, interval);
    return { input, before, stored, next, only, line };
  });
  const together = meet(
    g,
    inputs.map(({ line }) => line),
  );
  const done = new Set<Step>();
  for (const [k, { input, before, stored, next, only }] of inputs.entries()) {
    let line = together[k]!;
    name(input.name, line);
    const first = only?.op === "dense" ? denseStage(program, only, foldings) : null;
    const lastSelect = before.findLast((s) => s.op === "select");
    for (const step of before) {
      // The last select gathers the words that the window stores for the dense layer.
      const gathered = step === lastSelect && first ? multipleFrom(first.simd, line.lanes) : line.lanes;
      line = elementwiseStage(program, g, line, step, gathered);
      name(step.result, line);
      done.add(step);
    }
    const reader = next[0]?.layer ?? before[0]?.layer;
    const layer = reader ?? flow.heads.find(({ end }) => end.name === stored)?.argmax?.layer ?? input.name;
    line = store(g, line, layer, first?.outFolds ?? 1);
    if (only && first) {
      done.add(only);
      line = adapt(g, line, layer, first.simd, first.outFolds);
      give(first.result.name, add(g, first, [line], first.result, first.pe));
    } else give(stored, line);
  }
  return done;
}

const isHead = ({ heads }: Dataflow, stream: string): boolean => heads.some(({ end }) => end.name === stream);

type BeforeWindow = Parameters<typeof elementwiseStage>[3];

/** The steps in a row behind an input that look at each element once. */
function stepsBeforeWindow(
  flow: Dataflow,
  input: Value,
  readers: ReadonlyMap<string, readonly Step[]>,
): readonly BeforeWindow[] {
  const before: BeforeWindow[] = [];
  for (let at = input.name; ; ) {
    const [step, ...others] = readers.get(at) ?? [];
    if (!step || others.length > 0 || isHead(flow, at)) return before;
    switch (step.op) {
      case "requantize":
      case "threshold":
      case "table":
      case "scale":
      case "select":
        break;
      default:
        return before;
    }
    before.push(step);
    at = step.result;
  }
}

/** The least multiple of `unit` that is at least `least`. */
const multipleFrom = (unit: number, least: number): number => unit * Math.ceil(least / unit);

/** An input's words are those of the only layer behind it; a select has to see the elements first and makes the words. */
function inputLine(
  program: Program,
  g: Growing,
  input: Value,
  before: readonly Step[],
  next: readonly Step[],
  only: Step | null,
  foldings: Foldings,
  interval: number,
): Line {
  const elements = elementsOf(input.shape);
  const fewest = chooseLanes(elements, interval, 1);
  const selected = before.some((s) => s.op === "select");
  const ofReaders = (): number => {
    if (next.length === 0) return fewest;
    if (only?.op === "dense") return foldings.get(only.result)!.simd;
    if (only?.op === "conv") return convLanes(program, only, foldings);
    const [, columns, channels] = imageOf(input.shape);
    return chooseInnerLanes(elements, channels, interval, [], columns);
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
