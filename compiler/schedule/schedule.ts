// The folding solver. In: a verified program and hardware wishes. Out: the stages of the design with their lanes,
// and the cycles that they will take, exactly.
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
import { createCollector, type Diagnostic, type DiagnosticCollector } from "../support/diagnostics.ts";
import { type Chain, type ChainStep, chainOf, type OutputChoice, uniformShift } from "./chain.ts";
import { type Cycles, predictCycles } from "./cycles.ts";
import {
  chooseFolding,
  chooseInputLanes,
  chooseLanes,
  type DenseSize,
  denseCycles,
  type Folding,
  leastCommonMultiple,
} from "./folding.ts";
import { busyCycles, type DenseStage, type Stage } from "./stages.ts";

export interface ScheduleOptions {
  /** For constraints and reports; the schedule itself counts cycles. */
  readonly clockMHz: number;
  /** Wished cycles between packets. */
  readonly intervalCycles: number;
  /** PE and SIMD per layer; a layer's own folding wins over the interval. */
  readonly folding: Readonly<Record<string, Folding>>;
  /** What a classifier streams; a program with one output of role `value` streams that. */
  readonly outputs: OutputChoice;
}

export interface Schedule {
  readonly clockMHz: number;
  /** As wished. */
  readonly wishedInterval: number;
  readonly chain: Chain;
  /** In stream order. */
  readonly stages: readonly Stage[];
  /** Exact; program/manifest.ts has the definitions. */
  readonly latencyCycles: number;
  readonly intervalCycles: number;
  /** Packets after reset before the interval is constant. */
  readonly settledAfter: number;
  /** Warnings; errors are thrown. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Chooses for every dense layer the fewest multipliers that keep the wished interval, and lanes for both ports.
 * Throws a DiagnosticError for what cannot be built, a folding beyond a layer's size or an impossible interval.
 */
export function scheduleProgram(program: Program, options: ScheduleOptions): Schedule {
  const chain = chainOf(program, options.outputs);
  const collector = createCollector();
  const foldings = chooseFoldings(program, chain, options, collector);
  checkOutputs(chain, options, collector);
  collector.throwIfErrors();
  const { stages, cycles } = chooseStages(program, chain, foldings, options);
  if (cycles.intervalCycles > attainable(stages, options))
    collector.add("verilog/interval-missed", {
      layer: null,
      interval: options.intervalCycles,
      cycles: cycles.intervalCycles,
    });
  return {
    clockMHz: options.clockMHz,
    wishedInterval: options.intervalCycles,
    chain,
    stages,
    ...cycles,
    diagnostics: collector.diagnostics,
  };
}

function sizeOf(program: Program, step: ChainStep): DenseSize {
  compilerAssert(step.op === "dense", "only dense layers are folded");
  const weights = constantNamed(program, step.weights);
  return {
    inputs: weights.shape[1]!,
    outputs: weights.shape[0]!,
    inputWidth: widthOf(valueNamed(program, step.input).format),
    accumulatorWidth: widthOf(valueNamed(program, step.result).format),
  };
}

const isWhole = (n: number): boolean => Number.isSafeInteger(n) && n >= 1;

/** Folding of every dense step, by its result. */
function chooseFoldings(
  program: Program,
  chain: Chain,
  { clockMHz, intervalCycles, folding }: ScheduleOptions,
  collector: DiagnosticCollector,
): ReadonlyMap<string, Folding> {
  const given = new Map(Object.entries(folding));
  const layers = chain.steps.filter((s) => s.op === "dense");
  if (!(clockMHz > 0)) collector.add("verilog/bad-wish", { what: "clock in MHz", given: clockMHz });
  if (!isWhole(intervalCycles))
    collector.add("verilog/bad-wish", { what: "interval in cycles", given: intervalCycles });
  for (const layer of given.keys()) {
    if (!layers.some((l) => l.layer === layer))
      collector.add("verilog/folding-unknown-layer", { layer, known: layers.map((l) => l.layer) });
  }
  for (const step of layers) {
    const own = given.get(step.layer);
    if (own) checkFolding(step.layer, own, sizeOf(program, step), collector);
  }
  collector.throwIfErrors();

  const chosen = new Map<string, Folding>();
  let lanesBefore: number | null = null;
  for (const step of layers) {
    const size = sizeOf(program, step);
    const own = given.get(step.layer);
    const taken: Folding = own ?? chooseFolding(size, intervalCycles, lanesBefore);
    const cycles = denseCycles(size, taken);
    if (cycles > intervalCycles)
      collector.add("verilog/interval-missed", { layer: step.layer, interval: intervalCycles, cycles });
    chosen.set(step.result, taken);
    lanesBefore = taken.pe;
  }
  return chosen;
}

/** The wished interval, or the cycles of a layer's own folding where they are more; those have been named. */
function attainable(stages: readonly Stage[], { intervalCycles, folding }: ScheduleOptions): number {
  const own = stages.filter((s) => s.kind === "dense" && Object.hasOwn(folding, s.instruction.layer));
  return Math.max(intervalCycles, ...own.map(busyCycles));
}

/**
 * The class holds up the next packet's logits while it is found and sent. Where the last layer leaves no room for
 * that between two beats, more lanes at the end do: the packet is over sooner, and the crossing holds a packet.
 */
function chooseStages(
  program: Program,
  chain: Chain,
  foldings: ReadonlyMap<string, Folding>,
  options: ScheduleOptions,
): { readonly stages: readonly Stage[]; readonly cycles: Cycles } {
  const attempt = (speedup: number) => {
    const stages = buildStages(program, chain, foldings, options.intervalCycles, speedup);
    return { stages, cycles: predictCycles(stages) };
  };
  const first = attempt(1);
  const goal = attainable(first.stages, options);
  const elements = elementsOf(chain.end.shape);
  if (chain.outputs.length < 2) return first;
  for (let now = first, speedup = 2; ; speedup *= 2) {
    if (now.cycles.intervalCycles <= goal) return now;
    if (speedup >= 2 * elements) return first;
    now = attempt(speedup);
  }
}

function checkFolding(layer: string, { pe, simd }: Folding, size: DenseSize, collector: DiagnosticCollector) {
  for (const [what, given, bound] of [
    ["PE", pe, size.outputs],
    ["SIMD", simd, size.inputs],
  ] as const) {
    if (!isWhole(given)) collector.add("verilog/bad-wish", { what: `${what} of layer ${layer}`, given });
    else if (given > bound) collector.add("verilog/folding-too-large", { layer, what, given, bound });
  }
}

function checkOutputs(chain: Chain, { intervalCycles }: ScheduleOptions, collector: DiagnosticCollector) {
  if (chain.outputs.length === 2 && intervalCycles < 2)
    collector.add("verilog/interval-impossible", {
      where: "a packet of logits and class",
      interval: intervalCycles,
      least: 2,
    });
}

/** Bits of a byte-padded lane. */
function laneBitsOf(width: number): number {
  return 8 * Math.ceil(width / 8);
}

function buildStages(
  program: Program,
  chain: Chain,
  foldings: ReadonlyMap<string, Folding>,
  interval: number,
  speedup: number,
): readonly Stage[] {
  const stages: Stage[] = [];
  const { input } = chain;
  const elements = elementsOf(input.shape);
  const firstDense = chain.steps.findIndex((s) => s.op === "dense");

  // The input's words are those of the first layer, so that its window stores them as they come.
  const first = firstDense >= 0 ? foldings.get(chain.steps[firstDense]!.result)! : null;
  const wordLanes = first ? first.simd : chooseLanes(elements, interval, 1);
  const lanes = chooseInputLanes(elements, interval, wordLanes);
  const words = Math.ceil(elements / wordLanes);
  stages.push({
    kind: "input",
    value: input,
    elements,
    lanes,
    laneBits: laneBitsOf(widthOf(input.format)),
    beats: Math.ceil(elements / lanes),
    wordLanes,
    words,
  });

  let present: Value = input;
  let presentLanes = wordLanes;
  let replays = 1;
  const adapt = (layer: string, mLanes: number): void => {
    if (mLanes === presentLanes) return;
    const size = elementsOf(present.shape);
    const group = Math.min(leastCommonMultiple(presentLanes, mLanes), size);
    stages.push({
      kind: "adapter",
      layer,
      value: present,
      elements: size,
      sLanes: presentLanes,
      mLanes,
      group,
    });
    presentLanes = mLanes;
  };
  /** A window stands before every dense layer, and after the input so that a broken packet goes no further. */
  const store = (layer: string, times: number): void => {
    const count = Math.ceil(elementsOf(present.shape) / presentLanes);
    stages.push({ kind: "window", layer, value: present, lanes: presentLanes, words: count, replays: times });
    replays = times;
  };

  const firstLayer = chain.steps[Math.max(firstDense, 0)]?.layer ?? chain.argmax?.layer ?? input.name;
  store(firstLayer, first ? denseStage(program, chain.steps[firstDense]!, foldings).outFolds : 1);

  for (const [position, step] of chain.steps.entries()) {
    const result = valueNamed(program, step.result);
    if (step.op === "requantize") {
      const shift = uniformShift(present, result);
      compilerAssert(shift !== undefined, "a requantization of the chain has one shift");
      const count = Math.ceil(elementsOf(present.shape) / presentLanes);
      stages.push({
        kind: "requantize",
        instruction: step,
        source: present,
        result,
        shift,
        lanes: presentLanes,
        words: count,
        replays,
      });
    } else {
      const dense = denseStage(program, step, foldings);
      if (position !== firstDense) {
        adapt(step.layer, dense.simd);
        store(step.layer, dense.outFolds);
      }
      stages.push(dense);
      presentLanes = dense.pe;
      replays = 1;
    }
    present = result;
  }
  stages.push(...endStages(program, chain, { interval, speedup }, stages, adapt, presentLanes));
  return stages;
}

function denseStage(program: Program, step: ChainStep, foldings: ReadonlyMap<string, Folding>): DenseStage {
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

function endStages(
  program: Program,
  { end, argmax, outputs }: Chain,
  { interval, speedup }: { readonly interval: number; readonly speedup: number },
  before: readonly Stage[],
  adapt: (layer: string, lanes: number) => void,
  lanesBefore: number,
): readonly Stage[] {
  const elements = elementsOf(end.shape);
  const both = outputs.length === 2;
  // An argmax alone is no port and must not be slower than the stages before it.
  const beatsBefore = Math.max(
    ...before.filter((s) => s.kind === "input" || s.kind === "dense").map(busyCycles),
  );
  // Between the last logits and the class lies one cycle of comparing, then the class takes its own.
  const most = both ? Math.max(Math.floor((interval - 2) / speedup), 1) : argmax ? beatsBefore : interval;
  const lanes = chooseLanes(elements, most, lanesBefore);
  const beats = Math.ceil(elements / lanes);
  const layer = argmax?.layer ?? outputs[0]!.name;
  adapt(layer, lanes);
  if (!argmax) {
    const laneBits = laneBitsOf(widthOf(end.format));
    return [{ kind: "output", value: end, second: null, lanes, laneBits, beats }];
  }
  const result = valueNamed(program, argmax.result);
  const max: Stage = {
    kind: "argmax",
    instruction: argmax,
    source: end,
    result,
    elements,
    lanes,
    beats,
    forked: both,
  };
  const classBits = widthOf(result.format);
  if (!both) {
    const laneBits = laneBitsOf(classBits);
    return [max, { kind: "output", value: result, second: null, lanes: 1, laneBits, beats: 1 }];
  }
  // The class has to look the same in a lane as wide as a logit's.
  compilerAssert(!isSigned(result.format), "a class is unsigned");
  const laneBits = laneBitsOf(Math.max(widthOf(end.format), classBits));
  return [max, { kind: "output", value: end, second: result, lanes, laneBits, beats }];
}
