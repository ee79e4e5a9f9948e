// The folding solver. In: a verified program and hardware wishes. Out: the stages of the design with their lanes,
// and the cycles that they will take, exactly.
import { elementsOf, type Program } from "../program/program.ts";
import { createCollector, type Diagnostic, type DiagnosticCollector } from "../support/diagnostics.ts";
import { buildStages, type Foldings, sizeOf } from "./build-stages.ts";
import { type Chain, chainOf, type OutputChoice } from "./chain.ts";
import { type Cycles, predictCycles } from "./cycles.ts";
import { chooseFolding, type DenseSize, denseCycles, type Folding } from "./folding.ts";
import { busyCycles, type Stage } from "./stages.ts";

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
 * Chooses for every dense layer the fewest products per cycle that keep the wished interval, and lanes for both ports.
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

const isWhole = (n: number): boolean => Number.isSafeInteger(n) && n >= 1;

/** Folding of every dense step, by its result. */
function chooseFoldings(
  program: Program,
  chain: Chain,
  { clockMHz, intervalCycles, folding }: ScheduleOptions,
  collector: DiagnosticCollector,
): Foldings {
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
  foldings: Foldings,
  options: ScheduleOptions,
): { readonly stages: readonly Stage[]; readonly cycles: Cycles } {
  const attempt = (speedup: number) => {
    const stages = buildStages(program, chain, foldings, { interval: options.intervalCycles, speedup });
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
