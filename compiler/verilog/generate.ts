// The Verilog back end's front. In: a verified program and its schedule. Out: every file under design/rtl and
// design/tb, and the manifest that describes them.
import type { RtlManifest, StreamedValue, StreamPort } from "../program/manifest.ts";
import { elementsOf, isSigned, type Program, valueNamed, widthOf } from "../program/program.ts";
import { tracedValues } from "../program/trace.ts";
import { fixedFile, renderTemplate } from "../render/render.ts";
import type { Schedule } from "../schedule/schedule.ts";
import { busyCycles, type InputStage, type OutputStage } from "../schedule/stages.ts";
import { commentText } from "../support/comment-text.ts";
import type { FileSet } from "../support/file-set.ts";
import { buildPlan, type DesignPlan } from "./build-plan.ts";
import { countText, formatText } from "./draft.ts";
import type { TopPlan } from "./plan.ts";
import { rulesText } from "./rules.ts";
import { testBench } from "./testbench.ts";

export { TEST_BENCH_PACKETS, tbVectors } from "./testbench.ts";

export interface GeneratorInfo {
  /** Version of the compiler, for the headers. */
  readonly version: string;
}

export interface GeneratedVerilog {
  /** Paths relative to design/: rtl/*.v, rtl/*.mem, tb/*. */
  readonly files: FileSet;
  readonly manifest: RtlManifest;
}

/**
 * Prints the design. What the back end cannot build was refused by `scheduleProgram`; nothing is decided here that
 * changes cycles. The same program, schedule and version give the same bytes.
 */
export function generateVerilog(program: Program, schedule: Schedule, info: GeneratorInfo): GeneratedVerilog {
  const plan = buildPlan(program, schedule);
  const { top, ports, sections } = plan;
  const manifest = manifestOf(program, schedule, plan);
  const header = (title: string, more: readonly string[]) => commentLines(program, info, title, more);

  const files = new Map<string, string>();
  const text: TopPlan = {
    top,
    ports: ports.plans,
    weightless: plan.memories.size === 0,
    sections,
    header: header(`Module ${top}: one inference per packet.`, about(program, schedule, manifest)),
  };
  files.set(`rtl/${top}.v`, renderTemplate("verilog/top.v", text));
  for (const module of plan.modules) files.set(`rtl/${module}.v`, fixedFile(`verilog/lib/${module}.v`));
  for (const [file, content] of plan.memories) files.set(`rtl/${file}`, content);

  const wrapper = manifest.tapWrapper;
  const tapHeader = header(`Module ${wrapper.module}: ${top} with its inner streams reported to nf_tap.`, [
    "Simulation only: the design itself has no part of this.",
  ]);
  const taps = { module: wrapper.module, top, ports: ports.plans, header: tapHeader, taps: plan.taps };
  files.set(wrapper.file, renderTemplate("verilog/tb/taps.sv", taps));
  const rulesHeader = header(
    `Rules of the ports of ${top} as assertions, which any simulation can read beside it.`,
    ["They judge the design, and whoever sends to it. With Verilator: --assert."],
  );
  files.set(manifest.rules, rulesText(manifest, ports.plans, rulesHeader));
  const benchHeader = header(`Test bench ${top}_tb: sends stored packets and compares every output beat.`, [
    "From the folder above:",
    `  iverilog -g2005 -o ${top}.vvp -s ${top}_tb rtl/*.v tb/${top}_tb.v && vvp ${top}.vvp`,
  ]);
  files.set(`tb/${top}_tb.v`, testBench(`${top}_tb`, benchHeader, manifest, schedule.settledAfter));
  return { files, manifest };
}

function commentLines(
  program: Program,
  { version }: GeneratorInfo,
  title: string,
  more: readonly string[],
): readonly string[] {
  const made = `Made by noisefloor ${commentText(version)} from the model ${commentText(program.name)}.`;
  return [title, "", ...more, ...(more.length > 0 ? [""] : []), made].map((line) =>
    line === "" ? "" : ` ${line}`,
  );
}

/**
 * Ports, layers and cycles. No line begins with a user's word: some tools take comments that begin with theirs for
 * directives.
 */
function about(program: Program, schedule: Schedule, manifest: RtlManifest): readonly string[] {
  const { stages, latencyCycles, intervalCycles, clockMHz } = schedule;
  const { inputs, outputs } = manifest;
  const port = ({ name, values, lanes, laneBits, beats }: StreamPort): string => {
    const what = values.map(
      (v) => `${v.elements} x ${formatText(valueNamed(program, v.value))} ${commentText(v.value, 30)}`,
    );
    return `  ${name}  ${what.join(", then ")}; ${countText(beats, "beat")} of ${lanes} x ${laneBits} bits`;
  };
  const folded = stages.filter((s) => s.kind === "dense");
  const isWide = folded.some((s) => s.windows > 1);
  const rows = [
    ["#", "layer", "inputs", "outputs", "PE", "SIMD", ...(isWide ? ["positions"] : []), "cycles"],
    ...folded.map((s, i) => [
      `${i + 1}`,
      commentText(s.instruction.layer, 30),
      `${s.inputs} x ${formatText(s.source)}`,
      `${s.outputs} x ${formatText(s.result)}`,
      `${s.pe}`,
      `${s.simd}`,
      ...(isWide ? [`${s.windows}`] : []),
      `${busyCycles(s)}`,
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const table = rows.map((row) =>
    row
      .map((cell, column) => (column < 4 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
  const convolves = folded.some((s) => s.instruction.op === "conv");
  const title = convolves
    ? `Layers with products (inputs of an output, outputs at a position${isWide ? ", positions at once" : ""}):`
    : "Dense layers:";
  const bipolar = program.values.some((v) => v.format.kind === "bipolar");
  const alphabet = `uN: unsigned, sN: two's complement, N bits${bipolar ? "; b1: a bit b that counts as 2b - 1" : ""}`;
  return [
    `Streams (${alphabet}):`,
    ...inputs.map(port),
    ...outputs.map(port),
    ...framing(inputs.length),
    ...(folded.length > 0 ? ["", title, ...table.map((row) => `  ${row}`)] : []),
    "",
    `Latency ${latencyCycles} cycles, one packet every ${intervalCycles} cycles; ` +
      `meant for ${commentText(`${clockMHz}`)} MHz.`,
  ];
}

function framing(inputs: number): readonly string[] {
  const pulses =
    "  frame_error pulses when s_axis_tlast comes early (packet dropped) or late (beats up to it discarded)";
  if (inputs === 1) return [pulses];
  return [
    "  frame_error[i] pulses when tlast of input i comes early or late (beats up to it discarded)",
    "  packets of the inputs belong together by their order; with one that ends early all of them are dropped",
  ];
}

function manifestOf(program: Program, schedule: Schedule, plan: DesignPlan): RtlManifest {
  const { stages, latencyCycles, intervalCycles, clockMHz } = schedule;
  const { top, ports } = plan;
  const traced = tracedValues(program);
  return {
    top,
    architecture: "folded",
    sources: [...plan.modules, top].map((module) => `rtl/${module}.v`),
    memories: [...plan.memories.keys()].map((file) => `rtl/${file}`),
    tapWrapper: { module: `${top}_taps`, file: `tb/${top}_taps.sv` },
    rules: `tb/${top}_rules.sv`,
    taps: plan.taps.map(({ index }) => {
      const { value, layer, kind, elements } = traced[index]!;
      const { format } = value;
      return {
        index,
        value: value.name,
        layer,
        kind,
        elements,
        signed: isSigned(format),
        width: widthOf(format),
      };
    }),
    inputs: stages
      .filter((s) => s.kind === "input")
      .map((stage) => ({ name: ports.names.get(stage)!, ...inputPort(program, stage) })),
    outputs: stages
      .filter((s) => s.kind === "output")
      .map((stage) => ({ name: ports.names.get(stage)!, ...outputPort(program, stage) })),
    clockMHz,
    latencyCycles,
    intervalCycles,
    stages: plan.placed,
  };
}

function streamed(program: Program, name: string, role: StreamedValue["role"], beats: number): StreamedValue {
  const { shape, format } = valueNamed(program, name);
  const { fraction } = format;
  return {
    value: name,
    role,
    shape,
    elements: elementsOf(shape),
    beats,
    signed: isSigned(format),
    width: widthOf(format),
    fraction,
    ...(format.kind === "bipolar" ? { bipolar: true } : {}),
  };
}

type Beats = Omit<StreamPort, "name">;

function inputPort(program: Program, { value, lanes, laneBits, beats }: InputStage): Beats {
  return { values: [streamed(program, value.name, "input", beats)], lanes, laneBits, beats };
}

function outputPort(program: Program, { outputs, lanes, laneBits, beats, second }: OutputStage): Beats {
  const values = outputs.map((o, i) => streamed(program, o.value, o.role, i === 0 ? beats : 1));
  return { values, lanes, laneBits, beats: beats + (second ? 1 : 0) };
}
