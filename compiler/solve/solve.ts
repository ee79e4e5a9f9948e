// The folding solver: in seconds. In: a program, a part, and what is wished: a rate, a latency, or as fast as the part allows. Out:
// the foldings and memories of all layers with the least area, their schedule and estimates; or why there are none.
import type { Estimate } from "../estimate/estimate.ts";
import { estimateArea } from "../estimate/estimate.ts";
import { estimateTiming, type Timing } from "../estimate/timing.ts";
import { operandsOf, type Program } from "../program/program.ts";
import { dataflowOf } from "../schedule/dataflow.ts";
import type { MemoryStyle, MultiplyStyle, StorageStyle } from "../schedule/folding.ts";
import { type Schedule, type ScheduleOptions, scheduleProgram } from "../schedule/schedule.ts";
import { busyCycles, type DenseStage, isStorage, storageLayer } from "../schedule/stages.ts";
import { DiagnosticError, fail } from "../support/diagnostics.ts";
import type { Resources, Target } from "../targets/target.ts";
import { cyclesOf } from "./candidates.ts";
import { overOf } from "./cost.ts";
import { failTooLarge, fewerBits, type Weights } from "./infeasible.ts";
import { type Found, partOptions, productLayers, type SearchTask, searchFoldings } from "./search.ts";

export type { Weights };

/** What is wished. Cycles are those of the target's clock. */
export type Goal =
  /** The least area with a packet at least every so many cycles. */
  | { readonly kind: "interval"; readonly cycles: number }
  /** ... with the first answer after at most so many cycles. */
  | { readonly kind: "latency"; readonly cycles: number }
  /** The shortest interval that fits the part. */
  | { readonly kind: "fastest" };

export interface SolveTask {
  readonly program: Program;
  readonly target: Target;
  readonly goal: Goal;
  readonly clockMHz: number;
  readonly outputs: ScheduleOptions["outputs"];
  /** PE and SIMD of layers that are not to be chosen; their memories are. */
  readonly folding?: ScheduleOptions["folding"];
}

/** What a layer with products gets. */
export interface LayerChoice extends Resources {
  readonly layer: string;
  readonly pe: number;
  readonly simd: number;
  /** Positions of a convolution side by side. */
  readonly positions: number;
  readonly memory: MemoryStyle;
  readonly multiply: MultiplyStyle;
  /** Products that share a multiplier. */
  readonly shared: number;
  readonly cycles: number;
}

/** What a layer's windows, line buffers and FIFOs get. */
export interface StorageChoice {
  readonly layer: string;
  readonly storage: StorageStyle;
  /** Of all stages that store a stream for it. */
  readonly lut: number;
  readonly ff: number;
  readonly bram: number;
}

export interface Solution {
  /** What `scheduleProgram` and the compiler take. */
  readonly options: ScheduleOptions;
  readonly schedule: Schedule;
  readonly estimate: Estimate;
  /** Null on parts whose speed is not estimated. */
  readonly timing: Timing | null;
  readonly layers: readonly LayerChoice[];
  readonly buffers: readonly StorageChoice[];
  /** Choices that were looked at. */
  readonly looked: number;
}

/** Parts of the interval that layers may take; line buffers that fill between them add to it. */
const PARTS = [1, 0.9, 0.8, 0.65, 0.5];

/**
 * Finds the foldings. Throws the DiagnosticError of a program that cannot be built; solve/too-fast where no folding keeps the
 * interval or the latency, and solve/too-large where none that does fits the part, with what would fit.
 */
export function solveFolding(task: SolveTask): Solution {
  const { goal } = task;
  switch (goal.kind) {
    case "interval": {
      const solution = leastArea(task, goal.cycles);
      if (overOf(solution.estimate.total, task.target).length > 0)
        failTooLarge(task, goal.cycles, solution, fastest);
      return solution;
    }
    case "latency":
      return withinLatency(task, goal.cycles);
    case "fastest": {
      const found = fastest(task);
      if (found) return found;
      const slowest = leastArea(task, slowestInterval(task));
      return failTooLarge(task, slowest.schedule.intervalCycles, slowest, () => null);
    }
  }
}

/**
 * Null where a folding fits the part; else the widest weights with which the foldings of least area do. Throws as `solveFolding`
 * does, but solve/too-large only where no weights fit.
 */
export function narrowerWeights(task: SolveTask): Weights | null {
  try {
    solveFolding(task);
    return null;
  } catch (error) {
    const isTooLarge =
      error instanceof DiagnosticError && error.diagnostics.some(({ code }) => code === "solve/too-large");
    const { goal } = task;
    const interval = goal.kind === "fastest" ? slowestInterval(task) : goal.cycles;
    const weights = isTooLarge ? fewerBits(task, leastArea(task, interval)) : null;
    if (!weights) throw error;
    return weights;
  }
}

function optionsOf(task: SolveTask, intervalCycles: number): ScheduleOptions {
  const { clockMHz, outputs, folding = {}, target } = task;
  return { clockMHz, outputs, intervalCycles, folding, ...partOptions(target) };
}

function searchTask(task: SolveTask, interval: number): SearchTask {
  const { program, target } = task;
  const options = optionsOf(task, interval);
  return { program, target, flow: dataflowOf(program, task.outputs), options };
}

/** Depths of FIFOs where branches meet, as a schedule with chosen foldings has them. */
function depthsOf({ stages }: Schedule): NonNullable<ScheduleOptions["fifoDepths"]> {
  const depths: Record<string, number[]> = {};
  for (const stage of stages) {
    if (stage.kind !== "fifo") continue;
    depths[stage.instruction.layer] ??= [0, 0];
    depths[stage.instruction.layer]![stage.operand] = stage.depth;
  }
  return depths;
}

/** The least area for an interval, whether or not the part has it. Throws solve/too-fast. */
export function leastArea(task: SolveTask, interval: number): Solution {
  const search = searchTask(task, interval);
  const { program } = task;
  const isBranching = program.instructions.some((step) => operandsOf(step).length > 1);
  const fifoDepths = isBranching ? depthsOf(scheduleProgram(program, search.options)) : {};
  const draft = { ...search, options: { ...search.options, fifoDepths } };
  let missed: Schedule | null = null;
  for (const part of PARTS) {
    const found = searchFoldings(draft, Math.max(1, Math.floor(part * interval)));
    if (!found) break;
    const options = { ...search.options, folding: found.folding, storage: found.storage };
    const schedule = tried(program, options);
    if (schedule && schedule.intervalCycles <= interval) return solutionOf(task, options, schedule, found);
    missed = schedule ?? missed;
  }
  return failTooFast(task, interval, missed ?? scheduleProgram(program, search.options));
}

/** A schedule, or null where packets would take turns. */
function tried(program: Program, options: ScheduleOptions): Schedule | null {
  try {
    return scheduleProgram(program, options);
  } catch (error) {
    if (error instanceof DiagnosticError) return null;
    throw error;
  }
}

function solutionOf(
  { program, target }: SolveTask,
  options: ScheduleOptions,
  schedule: Schedule,
  { looked }: Found,
): Solution {
  const estimate = estimateArea(program, schedule.stages, target);
  const layers = schedule.stages.flatMap((stage, k) =>
    stage.kind === "dense" ? [choiceOf(stage, estimate.stages[k]!)] : [],
  );
  return {
    options,
    schedule,
    estimate,
    timing: estimateTiming(program, schedule.stages, target),
    layers,
    buffers: buffersOf(schedule, estimate),
    looked,
  };
}

function buffersOf({ stages }: Schedule, estimate: Estimate): readonly StorageChoice[] {
  const found = new Map<string, StorageChoice>();
  for (const [k, stage] of stages.entries()) {
    if (!isStorage(stage)) continue;
    const layer = storageLayer(stage);
    const { lut, ff, bram } = estimate.stages[k]!;
    const before = found.get(layer) ?? { lut: 0, ff: 0, bram: 0 };
    found.set(layer, {
      layer,
      storage: stage.storage ?? "auto",
      lut: before.lut + lut,
      ff: before.ff + ff,
      bram: before.bram + bram,
    });
  }
  return [...found.values()];
}

function choiceOf(stage: DenseStage, { lut, ff, dsp, bram }: Resources): LayerChoice {
  const { instruction, pe, simd, windows, memory, multiply, sharing } = stage;
  const layer = instruction.layer;
  return {
    layer,
    pe,
    simd,
    positions: windows,
    memory,
    multiply,
    shared: sharing ? sharing.pe * sharing.windows : 1,
    cycles: busyCycles(stage),
    lut,
    ff,
    dsp,
    bram,
  };
}

/** The interval of one product at a time in every layer. */
function slowestInterval(task: SolveTask): number {
  const { flow } = searchTask(task, 1);
  const cycles = productLayers(flow).map((layer) =>
    cyclesOf(task.program, layer, { pe: 1, simd: 1 }, Number.MAX_SAFE_INTEGER),
  );
  const ports = task.program.values.map(({ shape }) => shape.reduce((all, n) => all * n, 1));
  return 2 * Math.max(...cycles, ...ports) + 64;
}

/** Steps of a search for an interval end when it is known to this part of it. */
const CLOSE = 1.02;
/** By how much an interval grows when the cycles or the FIFOs of its schedule come to more than those of its layers. */
const MORE = 1.05;

/**
 * Nearly the shortest interval whose least area fits the part; null when none does. It is found by the cycles of the layers alone; the
 * schedule, which takes longer, then has the last word.
 */
export function fastest(task: SolveTask): Solution | null {
  const { target } = task;
  const fits = ({ estimate }: { readonly estimate: Estimate }): boolean =>
    overOf(estimate.total, target).length === 0;
  const isPossible = (interval: number): boolean => {
    const found = searchFoldings(searchTask(task, interval), interval);
    return found !== null && fits(found);
  };
  const slowest = slowestInterval(task);
  if (!isPossible(slowest)) return null;
  let [fast, slow] = [0, slowest];
  while (slow > fast * CLOSE && slow - fast > 1) {
    // First a packet in each cycle.
    const middle = Math.min(slow - 1, Math.max(fast + 1, Math.floor(Math.sqrt(fast * slow))));
    if (isPossible(middle)) slow = middle;
    else fast = middle;
  }
  for (let interval = slow; interval <= MORE * slowest; interval = Math.ceil(interval * MORE)) {
    const solution = attempted(() => leastArea(task, interval));
    if (solution && fits(solution)) return solution;
  }
  return null;
}

/** The slowest interval, and so nearly the least area, whose first answer comes in time. */
function withinLatency(task: SolveTask, latency: number): Solution {
  let best: Solution | null = null;
  let shortest: Solution | null = null;
  /** Whether the answer comes in time; undefined where no folding keeps the interval. */
  const isInTime = (interval: number): boolean | undefined => {
    const found = attempted(() => leastArea(task, interval));
    if (!found) return undefined;
    const { latencyCycles } = found.schedule;
    if (!shortest || latencyCycles < shortest.schedule.latencyCycles) shortest = found;
    if (latencyCycles <= latency) best = found;
    return latencyCycles <= latency;
  };
  isInTime(1);
  let [fast, slow] = [1, latency + 1];
  while (slow - fast > Math.max(1, fast * (CLOSE - 1))) {
    const middle = Math.max(fast + 1, Math.floor(Math.sqrt(fast * slow)));
    if (isInTime(middle) === false) slow = middle;
    else fast = middle;
  }
  if (best) {
    const found: Solution = best;
    if (overOf(found.estimate.total, task.target).length > 0)
      failTooLarge(task, found.schedule.intervalCycles, found, fastest);
    return found;
  }
  // What cannot be built at all says why by itself.
  const nearest: Solution = shortest ?? leastArea(task, latency);
  return fail("solve/too-slow", {
    latency,
    shortest: nearest.schedule.latencyCycles,
    layer: slowestOf(nearest),
  });
}

function slowestOf({ layers }: Solution): string {
  return layers.toSorted((a, b) => b.cycles - a.cycles)[0]?.layer ?? "";
}

/** What a search gives, or null where no folding keeps the interval, or none can be built with it. */
export function attempted(search: () => Solution): Solution | null {
  try {
    return search();
  } catch (error) {
    if (error instanceof DiagnosticError) return null;
    throw error;
  }
}

function failTooFast(task: SolveTask, interval: number, missed: Schedule): never {
  const busiest = missed.stages
    .map((stage) => ({ cycles: busyCycles(stage), stage }))
    .toSorted((a, b) => b.cycles - a.cycles)[0]!;
  return fail("solve/too-fast", {
    interval,
    attained: missed.intervalCycles,
    where: "instruction" in busiest.stage ? busiest.stage.instruction.layer : busiest.stage.kind,
    cycles: busiest.cycles,
    target: task.target.title,
  });
}
