// From stages to the top module. In: a program and its schedule. Out: the plan of the top module with all names
// made, the memory images, the taps, and the manifest's list of stages.
import { elementsOf, type Program } from "../program/program.ts";
import type { Schedule } from "../schedule/schedule.ts";
import type { Stage } from "../schedule/stages.ts";
import { assertNever } from "../support/assert.ts";
import { aligned, type Draft, type PlacedStage, type Stream, tap } from "./draft.ts";
import { createNameSpace, legalStem } from "./names.ts";
import { placeConcat, placeFifo, placeFork, placeJoin, placeMerge } from "./place-branches.ts";
import {
  placeDense,
  placeLimit,
  placeRequantize,
  placeScale,
  placeSelect,
  placeTable,
  placeThreshold,
} from "./place-layers.ts";
import {
  placeAdapter,
  placeArgmax,
  placeInput,
  placeMeet,
  placeOutput,
  placeWindow,
} from "./place-stages.ts";
import { placeCrop, placeLineWindow, placePad, placePool } from "./place-windows.ts";
import type { SectionPlan, TapPlan } from "./plan.ts";
import { type TopPorts, topPorts } from "./ports.ts";

export interface DesignPlan {
  readonly top: string;
  readonly ports: TopPorts;
  readonly sections: readonly SectionPlan[];
  readonly placed: readonly PlacedStage[];
  readonly taps: readonly TapPlan[];
  /** File name -> text. */
  readonly memories: ReadonlyMap<string, string>;
  /** Fixed modules in use, sorted. */
  readonly modules: readonly string[];
}

/** Fixed modules that are made of others. */
export const PARTS: Readonly<Record<string, readonly string[]>> = {
  nf_crop: ["nf_position"],
  nf_dense: ["nf_dot", "nf_dots"],
  nf_line_banks: ["nf_rotate"],
  nf_line_window: ["nf_line_banks"],
  nf_pad: ["nf_position"],
  nf_requantize_channels: ["nf_beat_rom"],
  nf_scale: ["nf_beat_rom"],
  nf_select: ["nf_beat_rom"],
  nf_threshold: ["nf_beat_rom"],
};

/** All modules that one is made of, its parts' parts too. */
export function partsOf(module: string): readonly string[] {
  return (PARTS[module] ?? []).flatMap((part) => [part, ...partsOf(part)]);
}

/** Makes the plan; every name in it is legal and unique. */
export function buildPlan(program: Program, schedule: Schedule): DesignPlan {
  const top = legalStem(program.name, "model");
  const { stages, sources, renamed } = schedule;
  const ports = topPorts(stages);
  const draft: Draft = {
    program,
    names: createNameSpace([top, ...ports.taken, "MEM_DIR", "unused_mem_dir", "dut"]),
    files: createNameSpace(),
    sections: [],
    placed: [],
    taps: [],
    memories: new Map(),
  };
  // What leaves each stage.
  const streams: (readonly Stream[])[] = [];
  for (const [index, stage] of stages.entries()) {
    const before = sources[index]!.map((from) => streams[from.stage]![from.output]!);
    streams.push(placeStage(draft, stage, before, index > 0 ? streams[index - 1]! : [], ports));
  }
  for (const { value, end, lanes } of renamed)
    tap(draft, value, streams[end.stage]![end.output]!, Math.ceil(elementsOf(value.shape) / lanes));
  const placed = draft.sections.flatMap((s) => s.instances.map((i) => i.module));
  const modules = new Set(placed.flatMap((module) => [module, ...partsOf(module)]));
  return {
    top,
    ports,
    sections: draft.sections.map((s) => ({ ...s, wires: aligned(s.wires) })),
    placed: draft.placed,
    taps: draft.taps,
    memories: draft.memories,
    modules: [...modules].sort(),
  };
}

/** The streams behind a stage; `last` are those of the stage placed before it. */
function placeStage(
  draft: Draft,
  stage: Stage,
  before: readonly Stream[],
  last: readonly Stream[],
  { names, frameErrors }: TopPorts,
): readonly Stream[] {
  const [a, b] = before as readonly [Stream, Stream];
  switch (stage.kind) {
    case "input":
      return [placeInput(draft, stage, names.get(stage)!, frameErrors.get(stage)!)];
    case "window":
      return [placeWindow(draft, stage, a)];
    case "meet":
      return placeMeet(draft, stage, before);
    case "requantize":
      return [placeRequantize(draft, stage, a)];
    case "limit":
      return [placeLimit(draft, stage, a)];
    case "threshold":
      return [placeThreshold(draft, stage, a)];
    case "table":
      return [placeTable(draft, stage, a)];
    case "scale":
      return [placeScale(draft, stage, a)];
    case "select":
      return [placeSelect(draft, stage, a)];
    case "line-window":
      return [placeLineWindow(draft, stage, a)];
    case "dense":
      return [placeDense(draft, stage, a)];
    case "pool":
      return [placePool(draft, stage, a)];
    case "fork":
      return placeFork(draft, stage, a);
    case "fifo":
      return [placeFifo(draft, stage, a)];
    case "join":
      return [placeJoin(draft, stage, a, b)];
    case "concat":
      return [placeConcat(draft, stage, a, b)];
    case "merge":
      return [placeMerge(draft, stage, a, b)];
    case "crop":
      return [placeCrop(draft, stage, a)];
    case "pad":
      return [placePad(draft, stage, a)];
    case "adapter":
      return [placeAdapter(draft, stage, a)];
    case "argmax":
      return placeArgmax(draft, stage, a);
    case "output":
      placeOutput(draft, stage, a, last[1] ?? null, names.get(stage)!);
      return [];
    default:
      return assertNever(stage, "placeStage");
  }
}
