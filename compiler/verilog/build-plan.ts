// From stages to the top module. In: a program and its schedule. Out: the plan of the top module with all names
// made, the memory images, the taps, and the manifest's list of stages.
import type { Program } from "../program/program.ts";
import type { Schedule } from "../schedule/schedule.ts";
import type { InputStage, OutputStage } from "../schedule/stages.ts";
import { compilerAssert } from "../support/assert.ts";
import { aligned, type Draft, type PlacedStage, type Stream } from "./draft.ts";
import { createNameSpace, legalStem } from "./names.ts";
import { placeDense, placeRequantize, placeSelect, placeThreshold } from "./place-layers.ts";
import { placeAdapter, placeArgmax, placeInput, placeOutput, placeWindow } from "./place-stages.ts";
import type { PortPlan, SectionPlan, TapPlan } from "./plan.ts";

export interface DesignPlan {
  readonly top: string;
  readonly ports: readonly PortPlan[];
  readonly sections: readonly SectionPlan[];
  readonly placed: readonly PlacedStage[];
  readonly taps: readonly TapPlan[];
  /** File name -> text. */
  readonly memories: ReadonlyMap<string, string>;
  /** Fixed modules in use, sorted. */
  readonly modules: readonly string[];
}

const TOP_PORTS = [
  "aclk",
  "aresetn",
  "s_axis_tdata",
  "s_axis_tvalid",
  "s_axis_tready",
  "s_axis_tlast",
  "m_axis_tdata",
  "m_axis_tvalid",
  "m_axis_tready",
  "m_axis_tlast",
  "frame_error",
];

/** Fixed modules that are made of others. */
export const PARTS: Readonly<Record<string, readonly string[]>> = {
  nf_dense: ["nf_dot"],
  nf_requantize_channels: ["nf_beat_rom"],
  nf_select: ["nf_beat_rom"],
  nf_threshold: ["nf_beat_rom"],
};

/** Makes the plan; every name in it is legal and unique. */
export function buildPlan(program: Program, schedule: Schedule): DesignPlan {
  const top = legalStem(program.name, "model");
  const draft: Draft = {
    program,
    names: createNameSpace([top, ...TOP_PORTS, "MEM_DIR", "unused_mem_dir", "dut"]),
    files: createNameSpace(),
    sections: [],
    placed: [],
    taps: [],
    memories: new Map(),
  };
  const { stages } = schedule;
  let stream: Stream | null = null;
  let forkedTo: Stream | null = null;
  for (const stage of stages) {
    switch (stage.kind) {
      case "input":
        stream = placeInput(draft, stage);
        break;
      case "window":
        stream = placeWindow(draft, stage, from(stream));
        break;
      case "requantize":
        stream = placeRequantize(draft, stage, from(stream));
        break;
      case "threshold":
        stream = placeThreshold(draft, stage, from(stream));
        break;
      case "select":
        stream = placeSelect(draft, stage, from(stream));
        break;
      case "dense":
        stream = placeDense(draft, stage, from(stream));
        break;
      case "adapter":
        stream = placeAdapter(draft, stage, from(stream));
        break;
      case "argmax":
        [forkedTo, stream] = placeArgmax(draft, stage, from(stream));
        break;
      case "output":
        placeOutput(draft, stage, from(stream), forkedTo);
        break;
    }
  }
  const input = stages[0];
  const output = stages[stages.length - 1];
  compilerAssert(input?.kind === "input" && output?.kind === "output", "a design has an input and an output");
  const placed = draft.sections.flatMap((s) => s.instances.map((i) => i.module));
  const modules = new Set([...placed, ...placed.flatMap((module) => PARTS[module] ?? [])]);
  return {
    top,
    ports: portsOf(input, output),
    sections: draft.sections.map((s) => ({ ...s, wires: aligned(s.wires) })),
    placed: draft.placed,
    taps: draft.taps,
    memories: draft.memories,
    modules: [...modules].sort(),
  };
}

function from(stream: Stream | null): Stream {
  compilerAssert(stream, "a stage has a stage before it");
  return stream;
}

function portsOf(input: InputStage, output: OutputStage): readonly PortPlan[] {
  const inBits = `[${input.lanes * input.laneBits - 1}:0]`;
  const outBits = `[${output.lanes * output.laneBits - 1}:0]`;
  const width = Math.max(inBits.length, outBits.length);
  return TOP_PORTS.map((name, i) => {
    const isOutput = name === "s_axis_tready" || (name.startsWith("m_axis") && name !== "m_axis_tready");
    const range = name === "s_axis_tdata" ? inBits : name === "m_axis_tdata" ? outBits : "";
    return {
      direction: isOutput || name === "frame_error" ? "output" : "input ",
      range: `${range.padStart(width)} `,
      name,
      end: i < TOP_PORTS.length - 1 ? "," : "",
    };
  });
}
