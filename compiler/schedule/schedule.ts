// The folding solver. In: a verified program and hardware wishes. Out: the stages of the design with their lanes,
// and the cycles that they will take, exactly.
import {
  type ConvInstruction,
  type DenseInstruction,
  elementsOf,
  operandsOf,
  type Program,
} from "../program/program.ts";
import { createCollector, type Diagnostic, type DiagnosticCollector } from "../support/diagnostics.ts";
import type { Busy } from "../support/messages/verilog.ts";
import { convSizeOf, sharingOf, sizeOf } from "./build-layers.ts";
import { buildStages, type Foldings } from "./build-stages.ts";
import { type ConvSize, chooseConvFolding, convCycles, legalPe, legalSimd, widened } from "./conv-folding.ts";
import type { Cycles, StepBudget } from "./cycles.ts";
import { type Dataflow, dataflowOf, type OutputChoice } from "./dataflow.ts";
import { type FifoDepth, fitFifos, type RoomyStages } from "./fifos.ts";
import {
  chooseFolding,
  type DenseSize,
  denseCycles,
  type Folding,
  type StorageStyle,
  type WideFolding,
} from "./folding.ts";
import type { Multiplier } from "./sharing.ts";
import { busyCycles, isStorage, placeOf, type Stage, type StageGraph, storageLayer } from "./stages.ts";

export interface ScheduleOptions {
  /** For constraints and reports; the schedule itself counts cycles. */
  readonly clockMHz: number;
  /** Wished cycles between packets. */
  readonly intervalCycles: number;
  /** PE and SIMD per layer; a layer's own folding wins over the interval. */
  readonly folding: Readonly<Record<string, Folding>>;
  /** Operands of the part's multipliers: as many products as they take share one. Default: every product has one. */
  readonly multiplier?: Multiplier;
  /** What a classifier streams; a program with one output of role `value` streams that. */
  readonly outputs: OutputChoice;
  /** Beats of the FIFO before each operand of a layer in which branches meet; those of other layers are computed. */
  readonly fifoDepths?: Readonly<Record<string, readonly number[]>>;
  /** What windows, line buffers and FIFOs of a layer are stored in; default: auto. It changes no cycle. */
  readonly storage?: Readonly<Record<string, StorageStyle>>;
}

export interface Schedule extends StageGraph, Cycles {
  readonly clockMHz: number;
  /** As wished. */
  readonly wishedInterval: number;
  readonly flow: Dataflow;
  /** What finding it took: steps of single units in the cycle model, of all of its runs. */
  readonly modelSteps: number;
  /** Warnings; errors are thrown. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Chooses for every dense layer and convolution the fewest products per cycle that keep the wished interval, lanes for
 * both ports, and the depths of FIFOs. Throws a DiagnosticError for what cannot be built, a folding that a layer cannot
 * have, an impossible interval or FIFOs that are too small.
 */
export function scheduleProgram(program: Program, options: ScheduleOptions): Schedule {
  const collector = createCollector();
  const { flow, roomy, budget } = roomySchedule(program, options, collector);
  const { graph: plain, cycles } = roomy.shrink();
  const graph = stored(plain, options);
  const { intervalCycles: interval } = options;
  if (cycles.intervalCycles > attainable(program, graph.stages, options))
    collector.add("verilog/interval-missed", {
      layer: null,
      interval,
      cycles: cycles.intervalCycles,
      busiest: busiestOf(graph.stages, interval),
    });
  return {
    clockMHz: options.clockMHz,
    wishedInterval: interval,
    flow,
    ...graph,
    ...cycles,
    modelSteps: STEP_BUDGET - budget.left,
    diagnostics: collector.diagnostics,
  };
}

/** Throws the DiagnosticError that `scheduleProgram` would throw, in a part of its time. */
export function checkSchedule(program: Program, options: ScheduleOptions): void {
  roomySchedule(program, options, createCollector());
}

/**
 * The stages of foldings that are all given, without a run for their cycles: FIFOs are as deep as the options say, or left
 * out. For choosing among foldings; nothing is checked.
 */
export function draftStages(program: Program, flow: Dataflow, options: ScheduleOptions): StageGraph {
  const { intervalCycles: interval, fifoDepths = {} } = options;
  const given = new Map(Object.entries(fifoDepths));
  const foldings = chooseFoldings(program, flow, options, interval);
  const fifoDepth: FifoDepth = (step, operand) => given.get(step.layer)?.[operand] ?? 0;
  return stored(buildStages(program, flow, foldings, { interval, speedup: 1, fifoDepth }), options);
}

/** The same stages with what the options say that they are stored in. */
function stored(graph: StageGraph, { storage = {} }: ScheduleOptions): StageGraph {
  const given = new Map(Object.entries(storage));
  const stages = graph.stages.map((stage) => {
    const style = isStorage(stage) ? given.get(storageLayer(stage)) : undefined;
    return style ? { ...stage, storage: style } : stage;
  });
  return { ...graph, stages };
}

/** Everything but the least depths of the FIFOs. */
function roomySchedule(program: Program, options: ScheduleOptions, collector: DiagnosticCollector) {
  const flow = dataflowOf(program, options.outputs);
  checkWishes(program, flow, options, collector);
  const budget: StepBudget = { left: STEP_BUDGET };
  const roomy = fitInterval(program, flow, options, budget);
  if (!roomy) {
    collector.add("verilog/deadlock", { layers: Object.keys(options.fifoDepths ?? {}) });
    return collector.throwIfErrors() as never;
  }
  if (!roomy.cycles.even) {
    const feature = "a design in which the cycles between packets take turns";
    collector.add("verilog/unsupported", {
      feature,
      where: `${roomy.cycles.intervalCycles} cycles in the mean; other foldings or another interval may do`,
    });
    collector.throwIfErrors();
  }
  return { flow, roomy, budget };
}

/** Names in a message. */
const MOST_NAMES = 3;

/** The layers and ports that take longer than an interval, the slowest first; if none do, the slowest one. */
function busiestOf(stages: readonly Stage[], interval: number): readonly Busy[] {
  const most = new Map<string, number>();
  for (const stage of stages) {
    const name = placeOf(stage);
    most.set(name, Math.max(most.get(name) ?? 0, busyCycles(stage)));
  }
  const sorted = [...most]
    .map(([where, cycles]): Busy => ({ where, cycles }))
    .toSorted((a, b) => b.cycles - a.cycles);
  const over = sorted.filter(({ cycles }) => cycles > interval);
  return over.length > 0 ? over.slice(0, MOST_NAMES) : sorted.slice(0, 1);
}

/**
 * Parts of the wished interval that foldings are chosen for. Where a line buffer has to fill before the next layer starts,
 * layers that take the whole interval add up to more, or hold each other up in turns.
 */
const TARGETS = [1, 0.85, 0.7, 0.5];

/** Steps of the cycle model that all runs of a schedule may take together, before FIFOs stay larger than they have to be. */
const STEP_BUDGET = 8_000_000;

/** The stages with the slowest foldings that keep the wished interval; if none do, the first ones whose packets do not take turns. */
function fitInterval(
  program: Program,
  flow: Dataflow,
  options: ScheduleOptions,
  budget: StepBudget,
): RoomyStages | null {
  let first: RoomyStages | null = null;
  for (const part of TARGETS) {
    const target = Math.max(1, Math.floor(part * options.intervalCycles));
    const foldings = chooseFoldings(program, flow, options, target);
    const fitted = chooseStages(program, flow, foldings, options, target, budget);
    if (!fitted) break;
    const { even, intervalCycles } = fitted.cycles;
    if (even && intervalCycles <= attainable(program, fitted.graph.stages, options)) return fitted;
    if (!first || (even && !first.cycles.even)) first = fitted;
  }
  return first;
}

const isWhole = (n: number): boolean => Number.isSafeInteger(n) && n >= 1;

function checkWishes(
  program: Program,
  flow: Dataflow,
  options: ScheduleOptions,
  collector: DiagnosticCollector,
): void {
  const { clockMHz, intervalCycles, folding } = options;
  const given = new Map(Object.entries(folding));
  const layers = flow.steps.filter((s) => s.op === "dense" || s.op === "conv");
  if (!(clockMHz > 0)) collector.add("verilog/bad-wish", { what: "clock in MHz", given: clockMHz });
  if (!isWhole(intervalCycles))
    collector.add("verilog/bad-wish", { what: "interval in cycles", given: intervalCycles });
  for (const layer of given.keys()) {
    if (!layers.some((l) => l.layer === layer))
      collector.add("verilog/folding-unknown-layer", { layer, known: layers.map((l) => l.layer) });
  }
  for (const step of layers) {
    const own = given.get(step.layer);
    if (!own) continue;
    if (step.op === "dense") checkFolding(step.layer, own, sizeOf(program, step), collector);
    else checkConvFolding(step.layer, own, convSizeOf(program, step), collector);
  }
  collector.throwIfErrors();
  // What no folding reaches is said of the whole design.
  for (const step of layers) {
    const own = given.get(step.layer);
    if (!own || !isHeldUp(program, step, own, intervalCycles)) continue;
    const cycles = cyclesOf(program, step, own, intervalCycles);
    const { layer } = step;
    collector.add("verilog/interval-missed", { layer, interval: intervalCycles, cycles, busiest: [] });
  }
  checkOutputs(flow, options, collector);
  collector.throwIfErrors();
}

/** Folding of every dense and conv step, by its result: the layer's own, or one for an interval; wide enough for that. */
function chooseFoldings(
  program: Program,
  flow: Dataflow,
  { folding, multiplier }: ScheduleOptions,
  interval: number,
): Foldings {
  const given = new Map(Object.entries(folding));
  const chosen = new Map<string, WideFolding>();
  // Lanes in which a stream comes from the last products on its way.
  const lanes = new Map<string, number>();
  for (const step of flow.steps) {
    const before = lanes.get(flow.streamOf(operandsOf(step)[0]!)) ?? null;
    if (before !== null) lanes.set(step.result, before);
    if (step.op !== "dense" && step.op !== "conv") continue;
    const own = given.get(step.layer);
    const { memory = "auto", multiply = multiplier ? "shared" : "auto" } = own ?? {};
    const taken = { ...foldingOf(program, step, own, interval, before), memory, multiply };
    const sharing = multiplier && multiply === "shared" ? sharingOf(program, step, taken, multiplier) : null;
    chosen.set(step.result, { ...taken, sharing });
    lanes.set(step.result, taken.pe * taken.windows);
  }
  return chosen;
}

function foldingOf(
  program: Program,
  step: DenseInstruction | ConvInstruction,
  own: Folding | undefined,
  interval: number,
  before: number | null,
): WideFolding {
  if (step.op === "dense") {
    const folding = own ?? chooseFolding(sizeOf(program, step), interval, before);
    return { ...folding, windows: 1, columns: 1 };
  }
  const size = convSizeOf(program, step);
  return own ? widened(size, own, interval) : chooseConvFolding(size, interval, before);
}

/** Cycles of a layer with a folding of its own. */
function cyclesOf(
  program: Program,
  step: DenseInstruction | ConvInstruction,
  own: Folding,
  interval: number,
): number {
  if (step.op === "dense") return denseCycles(sizeOf(program, step), own);
  const size = convSizeOf(program, step);
  return convCycles(size, widened(size, own, interval));
}

/** The wished interval, or the cycles of a layer's own folding where they are more; those have been named. */
function attainable(
  program: Program,
  stages: readonly Stage[],
  { intervalCycles, folding }: ScheduleOptions,
): number {
  const given = new Map(Object.entries(folding));
  const slow = stages.filter((stage) => {
    if (stage.kind !== "dense" && stage.kind !== "line-window") return false;
    const step = stage.instruction;
    const own = given.get(step.layer);
    return own && (step.op === "dense" || step.op === "conv") && isHeldUp(program, step, own, intervalCycles);
  });
  return Math.max(intervalCycles, ...slow.map(busyCycles));
}

/** Whether a layer misses an interval by its own folding: another one would come closer. */
function isHeldUp(
  program: Program,
  step: DenseInstruction | ConvInstruction,
  own: Folding,
  interval: number,
): boolean {
  const cycles = cyclesOf(program, step, own, interval);
  if (cycles <= interval || step.op === "dense") return cycles > interval;
  const size = convSizeOf(program, step);
  return cycles > convCycles(size, chooseConvFolding(size, interval, null));
}

/**
 * The class holds up the next packet's logits while it is found and sent. Where the last layer leaves no room for
 * that between two beats, more lanes at the end do: the packet is over sooner, and the crossing holds a packet.
 */
function chooseStages(
  program: Program,
  flow: Dataflow,
  foldings: Foldings,
  options: ScheduleOptions,
  interval: number,
  budget: StepBudget,
): RoomyStages | null {
  const { fifoDepths = {} } = options;
  const given = new Map(Object.entries(fifoDepths));
  const fifoDepth: FifoDepth = (step, operand) =>
    given.get(step.layer)?.[operand] ?? Number.POSITIVE_INFINITY;
  const attempt = (speedup: number): RoomyStages | null =>
    fitFifos(buildStages(program, flow, foldings, { interval, speedup, fifoDepth }), budget);
  const first = attempt(1);
  const pair = flow.heads.find(({ outputs }) => outputs.length === 2);
  if (!first || !pair) return first;
  const goal = attainable(program, first.graph.stages, options);
  const elements = elementsOf(pair.end.shape);
  for (let now: RoomyStages | null = first, speedup = 2; ; speedup *= 2) {
    if (now && now.cycles.intervalCycles <= goal) return now;
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

/** A convolution's lanes divide its channels, so that every position begins with a new beat. */
function checkConvFolding(layer: string, own: Folding, size: ConvSize, collector: DiagnosticCollector) {
  for (const [what, given, legal] of [
    ["PE", own.pe, legalPe(size)],
    ["SIMD", own.simd, legalSimd(size, own.pe)],
  ] as const) {
    if (!legal.includes(given)) collector.add("verilog/folding-illegal", { layer, what, given, legal });
  }
}

function checkOutputs(flow: Dataflow, { intervalCycles }: ScheduleOptions, collector: DiagnosticCollector) {
  if (flow.heads.some(({ outputs }) => outputs.length === 2) && intervalCycles < 2)
    collector.add("verilog/interval-impossible", {
      where: "a packet of logits and class",
      interval: intervalCycles,
      least: 2,
    });
}
