// Projects for the vendors' tools, and their reports. In: the manifest and the target. Out: files, how they are run, and the
// figures that the reports state.
import type { RtlManifest } from "../program/manifest.ts";
import { renderTemplate } from "../render/render.ts";
import { fail } from "../support/diagnostics.ts";
import type { FileSet } from "../support/file-set.ts";
import type { Resources, Target } from "../targets/target.ts";
import { BOARD_MODULE, type BoardTop } from "./board-top.ts";
import { roundedMHz } from "./nextpnr.ts";
import { periodNs as periodOf } from "./pins.ts";
import { corePorts } from "./ring.ts";
import type { ToolName } from "./runners.ts";

/** Where the project finds the Verilog from its own folder, flow/<target>/<vendor>, of a build directory. */
const TO_RTL = "../../../design/rtl";

export interface VendorFigures {
  readonly used: Resources;
  readonly fmaxMHz: number;
}

export interface VendorProject {
  readonly tool: ToolName;
  /** As people call the tool. */
  readonly name: string;
  /** Folder within flow/<target>, and its files by path from there. */
  readonly folder: string;
  readonly files: FileSet;
  readonly arguments: readonly string[];
  /** What a run leaves, by path from the folder. */
  readonly reports: readonly string[];
  /** Figures of the reports. Throws flow/unreadable-report. */
  read(reports: ReadonlyMap<string, string>): VendorFigures;
}

export interface VendorOptions {
  readonly seed: number;
  readonly clockMHz: number;
  /** With its pins, and a bitstream; else the core is built out of context. */
  readonly board?: BoardTop | undefined;
}

/** Of Vivado: the clock, and a board's pins. */
const CONSTRAINTS = "timing.xdc";

const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** The project of the target's vendor, or undefined when it has none. */
export function createVendorProject(
  manifest: RtlManifest,
  target: Target,
  { seed, clockMHz, board }: VendorOptions,
): VendorProject | undefined {
  const { vendor } = target.flow;
  if (vendor === undefined) return undefined;
  const periodNs = periodOf(clockMHz);
  const plan = {
    core: manifest.top,
    top: board ? BOARD_MODULE : manifest.top,
    // Its Verilog stands beside the vendor's folder.
    board: board ? [...board.verilog.keys()] : [],
    onBoard: board !== undefined,
    title: target.title,
    part: target.part,
    toRtl: TO_RTL,
    sources: manifest.sources.map(nameOf),
    memories: manifest.memories.map(nameOf),
    clockMHz,
    period: periodNs.toFixed(3),
    seed,
  };
  return vendor === "vivado" ? vivado(plan, periodNs, board) : quartus(plan, manifest);
}

function vivado(plan: object, periodNs: number, board: BoardTop | undefined): VendorProject {
  const files = new Map([
    ["run.tcl", renderTemplate("flow/vivado.tcl", plan)],
    ["project.tcl", renderTemplate("flow/vivado-project.tcl", plan)],
    [CONSTRAINTS, board ? board.constraints.xdc : renderTemplate("flow/vivado.xdc", plan)],
  ]);
  return {
    tool: "vivado",
    name: "Vivado",
    folder: "vivado",
    files,
    arguments: ["-mode", "batch", "-nojournal", "-nolog", "-source", "run.tcl"],
    reports: ["utilization.rpt", "timing.rpt"],
    read: (reports) => ({
      used: readVivadoUtilization(reports.get("utilization.rpt") ?? ""),
      fmaxMHz: readVivadoTiming(reports.get("timing.rpt") ?? "", periodNs),
    }),
  };
}

/** Rows of `| Site Type | Used | ...` by their names; a star behind a name is a remark. */
export function readVivadoUtilization(text: string): Resources {
  const used = (...names: readonly string[]): number => {
    for (const line of text.split("\n")) {
      const [, name, value] = line.split("|").map((cell) => cell.trim());
      if (
        name !== undefined &&
        names.includes(name.replace(/\*+$/, "")) &&
        value !== undefined &&
        value !== ""
      )
        return Number(value);
    }
    return fail("flow/unreadable-report", { tool: "Vivado", file: "utilization.rpt", what: names[0]! });
  };
  return {
    lut: used("Slice LUTs", "CLB LUTs"),
    ff: used("Slice Registers", "CLB Registers"),
    dsp: used("DSPs"),
    // Tiles have two blocks of 18 Kbit.
    bram: 2 * used("Block RAM Tile"),
  };
}

/** The clock that the worst slack of the summary allows. */
export function readVivadoTiming(text: string, periodNs: number): number {
  const lines = text.split("\n");
  const head = lines.findIndex((line) => /^\s*WNS\(ns\)/.test(line));
  const slack = head < 0 ? Number.NaN : Number.parseFloat(lines[head + 2] ?? "");
  if (!Number.isFinite(slack))
    return fail("flow/unreadable-report", { tool: "Vivado", file: "timing.rpt", what: "worst slack" });
  return roundedMHz(1000 / (periodNs - slack));
}

function quartus(plan: { readonly top: string }, manifest: RtlManifest): VendorProject {
  const { top } = plan;
  const virtual = corePorts(manifest).map(({ name, width }) => (width === 1 ? name : `${name}[*]`));
  const files = new Map([
    [`${top}.qpf`, renderTemplate("flow/quartus.qpf", plan)],
    [`${top}.qsf`, renderTemplate("flow/quartus.qsf", { ...plan, virtual })],
    ["timing.sdc", renderTemplate("flow/quartus.sdc", plan)],
  ]);
  const [fit, sta] = [`output_files/${top}.fit.summary`, `output_files/${top}.sta.rpt`];
  return {
    tool: "quartus_sh",
    name: "Quartus",
    folder: "quartus",
    files,
    arguments: ["--flow", "compile", top],
    reports: [fit, sta],
    read: (reports) => ({
      used: readQuartusFit(reports.get(fit) ?? ""),
      fmaxMHz: readQuartusTiming(reports.get(sta) ?? ""),
    }),
  };
}

/** Lines such as `Total RAM Blocks : 3 / 553 ( < 1 % )`. */
export function readQuartusFit(text: string): Resources {
  const used = (name: string): number => {
    const line = text.split("\n").find((l) => l.trimStart().startsWith(`${name} :`));
    const value = Number(/:\s*([\d,]+)/.exec(line ?? "")?.[1]?.replaceAll(",", "") ?? Number.NaN);
    if (Number.isFinite(value)) return value;
    return fail("flow/unreadable-report", { tool: "Quartus", file: "fit.summary", what: name });
  };
  return {
    // The unit of logic is half of an ALM.
    lut: 2 * used("Logic utilization (in ALMs)"),
    ff: used("Total registers"),
    dsp: used("Total DSP Blocks"),
    bram: used("Total RAM Blocks"),
  };
}

/** The least Fmax of all slow corners: the tables that are named so, by their rows for the clock. */
export function readQuartusTiming(text: string): number {
  const tables = text.split(/; Slow [^;]* Model Fmax Summary\s*;/).slice(1);
  const found = tables.flatMap((table) => {
    const row = table.split("\n").find((line) => /^;\s*[\d.]+ MHz\s*;/.test(line));
    return row === undefined ? [] : [Number.parseFloat(row.slice(1))];
  });
  if (found.length === 0)
    return fail("flow/unreadable-report", { tool: "Quartus", file: "sta.rpt", what: "Fmax summary" });
  return roundedMHz(Math.min(...found));
}
