// The search for foldings. In: a program, a target, an interval. Out: PE, SIMD and memory of every layer with products that together
// cost the least by the estimates.
import { createBillCache, type Estimate, estimateArea } from "../estimate/estimate.ts";
import type { Program } from "../program/program.ts";
import type { Dataflow } from "../schedule/dataflow.ts";
import type { Folding, MemoryStyle, StorageStyle } from "../schedule/folding.ts";
import { draftStages, type ScheduleOptions } from "../schedule/schedule.ts";
import { isStorage, storageLayer } from "../schedule/stages.ts";
import { MAPPINGS, multiplierOf } from "../targets/mapping.ts";
import type { Target } from "../targets/target.ts";
import { candidateFoldings, type ProductLayer } from "./candidates.ts";
import { costOf } from "./cost.ts";

export interface SearchTask {
  readonly program: Program;
  readonly flow: Dataflow;
  readonly target: Target;
  /** Wishes; layers with a folding of their own keep its PE and SIMD. */
  readonly options: ScheduleOptions;
}

export interface Found extends Choice {
  readonly estimate: Estimate;
  readonly cost: number;
  /** Choices that were looked at. */
  readonly looked: number;
}

/** By layer: PE, SIMD, what weights are stored in and products are made in; and what its windows, line buffers and FIFOs are. */
export interface Choice {
  readonly folding: Readonly<Record<string, Folding>>;
  readonly storage: Readonly<Record<string, StorageStyle>>;
}

/** What weights are stored in, and what products are made in. */
export type Styles = Required<Pick<Folding, "memory" | "multiply">>;

const MEMORIES: readonly MemoryStyle[] = ["auto", "block", "logic"];
const STYLES = MEMORIES.map((memory): Styles => ({ memory, multiply: "auto" }));
const IN_LOGIC = MEMORIES.map((memory): Styles => ({ memory, multiply: "logic" }));
const SHARED = MEMORIES.map((memory): Styles => ({ memory, multiply: "shared" }));

const canUseBlocks = ({ name }: Target): boolean => MAPPINGS[name]!.products.length > 0;

/** All styles that make a difference on a target. */
export const stylesOf = (target: Target): readonly Styles[] =>
  canUseBlocks(target) ? [...STYLES, ...IN_LOGIC, ...SHARED] : STYLES;

/** What a stream may be stored in on a target. */
export function storagesOf({ name }: Target): readonly StorageStyle[] {
  const { memories, leastUse } = MAPPINGS[name]!;
  if (leastUse !== undefined) return ["auto"];
  return memories.some(({ kind }) => kind === "distributed")
    ? ["auto", "block", "distributed", "registers"]
    : ["auto", "block", "registers"];
}

/** What schedules for a target are to know of it. */
export function partOptions({ name }: Target): Pick<ScheduleOptions, "multiplier"> {
  const multiplier = multiplierOf(MAPPINGS[name]!);
  return multiplier ? { multiplier } : {};
}

/** Rounds through all layers; each of them starts from what the one before left. */
const MOST_ROUNDS = 8;

export const productLayers = ({ steps }: Dataflow): readonly ProductLayer[] =>
  steps.filter((step) => step.op === "dense" || step.op === "conv");

/** What a choice comes to. */
export function createJudge({ program, flow, target, options }: SearchTask) {
  const cache = createBillCache();
  return (choice: Choice): { estimate: Estimate; cost: number } => {
    const { stages } = draftStages(program, flow, { ...options, ...choice });
    const estimate = estimateArea(program, stages, target, cache);
    return { estimate, cost: costOf(estimate.total, target) };
  };
}

/** Layers that store a stream, whatever their foldings are. */
export function storingLayers({ program, flow, options }: SearchTask, choice: Choice): readonly string[] {
  const { stages } = draftStages(program, flow, { ...options, ...choice });
  return [...new Set(stages.filter(isStorage).map(storageLayer))];
}

/**
 * Changes one layer after the other to what costs the whole design the least, until no change of one layer, nor of a layer
 * together with the next one, costs less. Null when a layer has no folding that keeps `layerCycles`.
 */
export function searchFoldings(task: SearchTask, layerCycles: number): Found | null {
  const { program, flow } = task;
  const layers = productLayers(flow);
  const judge = createJudge(task);
  const given = new Map(Object.entries(task.options.folding));
  const choices = new Map<string, readonly Folding[]>();
  for (const layer of layers) {
    const own = given.get(layer.layer);
    const found = own ? [own] : candidateFoldings(program, layer, layerCycles);
    if (found.length === 0) return null;
    const styles = stylesOf(task.target);
    choices.set(
      layer.layer,
      found.flatMap((folding) => styles.map((style) => ({ ...folding, ...style }))),
    );
  }
  let looked = 0;
  const folding = Object.fromEntries(
    layers.map(({ layer }) => {
      const [first, ...others] = choices.get(layer)!;
      const products = ({ pe, simd }: Folding): number => pe * simd;
      return [layer, others.reduce((best, f) => (products(f) < products(best) ? f : best), first!)];
    }),
  );
  const start: Choice = { folding, storage: {} };
  const storing = storingLayers(task, start);
  let best = { ...start, ...judge(start) };
  const attempt = ({ folding = {}, storage = {} }: Partial<Choice>): boolean => {
    looked++;
    const choice = { folding: { ...best.folding, ...folding }, storage: { ...best.storage, ...storage } };
    const judged = judge(choice);
    if (judged.cost >= best.cost) return false;
    best = { ...choice, ...judged };
    return true;
  };
  for (let round = 0, better = true; better && round < MOST_ROUNDS; round++) {
    better = false;
    for (const { layer } of layers)
      for (const folding of choices.get(layer)!) {
        better = attempt({ folding: { [layer]: folding } }) || better;
        // How wide its words are decides what is best for what waits for the layer.
        if (!storing.includes(layer) || !isPlain(folding)) continue;
        for (const style of storagesOf(task.target))
          better = attempt({ folding: { [layer]: folding }, storage: { [layer]: style } }) || better;
      }
    for (const layer of storing)
      for (const style of storagesOf(task.target))
        better = attempt({ storage: { [layer]: style } }) || better;
    if (better) continue;
    // Lanes that meet between two layers may need a change of both.
    for (const [k, { layer }] of layers.entries()) {
      const next = layers[k + 1];
      if (!next) break;
      const few = (name: string): readonly Folding[] => cheapest(choices.get(name)!);
      for (const a of few(layer))
        for (const b of few(next.layer))
          better = attempt({ folding: { [layer]: a, [next.layer]: b } }) || better;
    }
  }
  return { ...best, looked };
}

const isPlain = ({ memory, multiply }: Folding): boolean => memory === "auto" && multiply === "auto";

/** Choices of a layer in the pairs that are looked at. */
const FEW = 12;

function cheapest(choices: readonly Folding[]): readonly Folding[] {
  return choices
    .filter(isPlain)
    .toSorted((a, b) => a.pe * a.simd - b.pe * b.simd)
    .slice(0, FEW);
}
