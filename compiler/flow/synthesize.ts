// Onto a part. In: a compiled design, the target, tools. Out: what the design takes of the part, its netlist, a bitstream where
// place-and-route is there, and the project of the vendor.
import type { RtlManifest } from "../program/manifest.ts";
import { renderTemplate } from "../render/render.ts";
import { createDiagnostic, type Diagnostic, DiagnosticError, fail } from "../support/diagnostics.ts";
import { sha256Of } from "../support/digest.ts";
import { type FileSet, underFolder } from "../support/file-set.ts";
import type { ProgressSink } from "../support/host.ts";
import { decodeUtf8 } from "../support/text.ts";
import type { PlaceAndRoute, Resources, Target } from "../targets/target.ts";
import { type Area, areaText, overflowOf, RESOURCE_NAMES, readArea } from "./area.ts";
import { BOARD_MODULE, type BoardTop } from "./board-top.ts";
import { toolFailed } from "./failure.ts";
import { PLACE_FILES, type Placement, placeArguments, readPlacement } from "./nextpnr.ts";
import { type BoardFigures, type LaterStep, SYNTH_RESULT_SCHEMA, type SynthResult } from "./result.ts";
import { createRing, RING_MODULE } from "./ring.ts";
import { type FlowTool, type FlowTools, type ToolJob, type ToolRun, toolText } from "./runners.ts";
import { createVendorProject, type VendorFigures, type VendorProject } from "./vendor.ts";

/** Files of flow/<target>/, by path from there. */
export const FLOW_FILES = {
  result: "result.json",
  netlist: "netlist.v",
  script: "synth.ys",
  ring: "nf_ring.v",
  core: "core.v",
  stat: "stat.json",
  /** Simulation models of the netlist's cells. */
  models: "cells",
  bitstream: "nf_ring.bin",
  boardBitstream: "nf_board.bin",
  /** For whoever talks to a board. */
  host: "host",
} as const;

export interface SynthTask {
  readonly manifest: RtlManifest;
  /** The design's files: rtl/. */
  readonly files: FileSet;
  readonly target: Target;
  readonly seed: number;
  readonly tools: FlowTools;
  readonly progress: ProgressSink;
  /** The board that all is made for, whose part the target is; without one the core is placed in its ring. */
  readonly board?: BoardTop | undefined;
  /** What stands under host/ beside the board's files. */
  readonly host?: FileSet | undefined;
}

export interface Synthesis {
  readonly result: SynthResult;
  /** Paths from flow/<target>/. */
  readonly files: FileSet;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Runs the flow as far as the tools go. Throws flow/incomplete-design, cli/missing-tool without Yosys, flow/refused or
 * flow/tool-failed with the words of a Yosys that fails. What a later tool says, a design that does not fit or is too slow are
 * diagnostics of the result, whose other figures hold.
 */
export async function synthesize(task: SynthTask): Promise<Synthesis> {
  const { manifest, target, progress, tools, seed, board } = task;
  const clockMHz = board?.clockMHz ?? manifest.clockMHz;
  const absent = [...manifest.sources, ...manifest.memories].filter((path) => !task.files.has(path));
  if (absent.length > 0) fail("flow/incomplete-design", { paths: absent });
  const yosys = await tools.need("yosys");
  const placer = target.flow.place && (await placerOf(task));
  const project = createVendorProject(manifest, target, { seed, clockMHz, board });
  progress.update(0, yosys.name);
  const mapped = await synthesizeNetlist(task, yosys, placer !== undefined);
  const { area } = mapped;
  progress.line(`  ${areaText(area.used, target.has)}`);
  const over = overflowOf(area.used, target.has);
  const diagnostics: Diagnostic[] = [];
  if (over.length > 0) diagnostics.push(doesNotFit(target, area.used, over));
  if (area.uncounted.length > 0)
    diagnostics.push(
      createDiagnostic("flow/uncounted-cells", { target: target.name, cells: area.uncounted }),
    );

  progress.update(0.4, "place and route");
  const steps: LaterStep[] = [];
  const attempt = async <T>(step: string, tool: string, work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      diagnostics.push(...error.diagnostics);
      const [reason = ""] = error.diagnostics[0]!.message.split("\n");
      steps.push({ step, tool, status: "failed", reason });
      return undefined;
    }
  };
  const place = target.flow.place;
  const open =
    place &&
    (await attempt(PLACING, place.tool, placeStep(task, place, placer, mapped, over.length > 0, steps)));
  progress.update(0.8, "the vendor's project");
  const vendor =
    project && (await attempt(`${project.name} project`, project.name, vendorStep(task, project, steps)));
  const placedOver = open ? overflowOf({ ...NOTHING, ...open.placement.used }, target.has) : [];
  if (over.length === 0 && placedOver.length > 0)
    diagnostics.push(doesNotFit(target, { ...area.used, ...open!.placement.used }, placedOver));

  const fmaxMHz = vendor?.figures.fmaxMHz ?? open?.placement.fmaxMHz ?? null;
  const timedBy = vendor?.by ?? open?.by;
  if (fmaxMHz !== null && fmaxMHz < clockMHz)
    diagnostics.push(
      board
        ? createDiagnostic("flow/board-too-slow", { board: board.board.name, fmaxMHz, clockMHz })
        : createDiagnostic("flow/timing-not-met", { part: target.part, fmaxMHz, clockMHz }),
    );
  const files = new Map<string, string | Uint8Array>([
    ...mapped.files,
    ...(open?.files ?? []),
    ...(project ? underFolder(project.folder, project.files) : []),
    ...(vendor && project ? underFolder(project.folder, vendor.files) : []),
    ...underFolder(FLOW_FILES.host, task.host ?? new Map()),
  ]);
  const result: SynthResult = {
    schema: SYNTH_RESULT_SCHEMA,
    target: target.name,
    part: target.part,
    seed,
    used: vendor?.figures.used ?? area.used,
    has: target.has,
    countedBy: vendor?.by ?? toolText(yosys),
    cells: area.cells,
    clockMHz,
    fmaxMHz,
    ...(timedBy === undefined ? {} : { timedBy }),
    ...(open ? { placed: open.placement.used } : {}),
    ...(board ? { board: boardResult(board) } : {}),
    steps,
    files: Object.fromEntries([...files].map(([path, content]) => [path, sha256Of(content)])),
  };
  return {
    result,
    files: new Map([...files, [FLOW_FILES.result, `${JSON.stringify(result, null, 2)}\n`]]),
    diagnostics,
  };
}

/** What is kept of a board. */
function boardResult({ board, baud, inferencesPerSecond }: BoardTop): BoardFigures {
  return { name: board.name, title: board.title, oscillatorMHz: board.clock.mhz, baud, inferencesPerSecond };
}

const PLACING = "place and route";

const NOTHING: Resources = { lut: 0, ff: 0, dsp: 0, bram: 0 };

function doesNotFit(target: Target, used: Resources, over: readonly (keyof Resources)[]): Diagnostic {
  return createDiagnostic("flow/does-not-fit", {
    part: target.part,
    over: over.map((name) => ({
      resource: RESOURCE_NAMES[name],
      used: used[name],
      has: target.has[name],
    })),
  });
}

/** The open placer: the one that comes by npm has to be there, the others are taken where they are. */
function placerOf({ target, tools }: SynthTask): Promise<FlowTool | undefined> {
  const { tool } = target.flow.place!;
  return tool === "nextpnr-ice40" ? tools.need(tool) : tools.find(tool);
}

/** Runs a tool and says how long it took. */
async function runStep(
  { progress }: SynthTask,
  tool: FlowTool,
  step: string,
  job: ToolJob,
): Promise<ToolRun> {
  const run = await tool.run(job);
  if (!run.ok) toolFailed(tool, step, run.log);
  progress.line(`${toolText(tool)}: ${step}, ${run.seconds.toFixed(1)} s`);
  return run;
}

/** A file that a run leaves unless the tool broke off without saying so. */
function left(run: ToolRun, path: string, tool: FlowTool, step: string): Uint8Array {
  return run.files.get(path) ?? toolFailed(tool, step, run.log);
}

/** A report that is no text has nothing in it that can be read. */
const textOf = (bytes: Uint8Array): string => decodeUtf8(bytes) ?? "";

interface Mapped {
  readonly area: Area;
  readonly files: Map<string, string | Uint8Array>;
  /** What is placed: the core in its ring, or on its board. */
  readonly placeable: Uint8Array | undefined;
}

async function synthesizeNetlist(task: SynthTask, yosys: FlowTool, placing: boolean): Promise<Mapped> {
  const { manifest, target, files, board } = task;
  const around = board ? board.verilog : placing ? ringFiles(manifest) : new Map<string, string>();
  const script = renderTemplate("flow/synth.ys", {
    core: manifest.top,
    top: board ? BOARD_MODULE : manifest.top,
    title: target.title,
    part: target.part,
    sources: [...manifest.sources, ...(board ? around.keys() : [])],
    synth: target.flow.synth,
    // A board's top has the pads that its core has not.
    bare: board ? [] : target.flow.bare,
    board: board !== undefined && placing,
    ring: !board && placing ? RING_MODULE : false,
  });
  const language = target.flow.place?.pins.language;
  const own = new Map<string, string | Uint8Array>([
    [FLOW_FILES.script, script],
    ...around,
    ...(board && language ? [[pinFileOf(BOARD_MODULE, language), board.constraints[language]] as const] : []),
  ]);
  const step = `synthesising for ${target.title}`;
  const run = await runStep(task, yosys, step, {
    arguments: ["-q", "-s", FLOW_FILES.script],
    files: new Map([
      ...manifest.sources.map((path) => [path, files.get(path)!] as const),
      // $readmemh asks for bare names.
      ...manifest.memories.map((path) => [path.slice(path.lastIndexOf("/") + 1), files.get(path)!] as const),
      ...own,
    ]),
    outputs: [FLOW_FILES.stat, FLOW_FILES.netlist, PLACE_FILES.netlist],
  });
  const stat = left(run, FLOW_FILES.stat, yosys, step);
  const area = readArea(textOf(stat), target);
  return {
    area,
    placeable: placing ? left(run, PLACE_FILES.netlist, yosys, step) : undefined,
    files: new Map<string, string | Uint8Array>([
      ...own,
      [FLOW_FILES.stat, stat],
      [FLOW_FILES.netlist, left(run, FLOW_FILES.netlist, yosys, step)],
      ...(await readModels(target, yosys)),
    ]),
  };
}

const pinFileOf = (module: string, language: string): string => `${module}.${language}`;

function ringFiles(manifest: RtlManifest): FileSet {
  const { ring, core } = createRing(manifest);
  return new Map([
    [FLOW_FILES.ring, ring],
    [FLOW_FILES.core, core],
  ]);
}

/** The models of Yosys, kept beside the netlist that was made with them. */
async function readModels(target: Target, yosys: FlowTool): Promise<readonly (readonly [string, string])[]> {
  const found: (readonly [string, string])[] = [];
  for (const path of target.flow.models) {
    const text = await yosys.readShare(path);
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (text !== undefined) found.push([`${FLOW_FILES.models}/${name}`, text]);
  }
  return found;
}

interface Placed {
  readonly placement: Placement;
  readonly by: string;
  readonly files: FileSet;
}

async function placeStep(
  task: SynthTask,
  place: PlaceAndRoute,
  placer: FlowTool | undefined,
  { placeable }: Mapped,
  isTooLarge: boolean,
  steps: LaterStep[],
): Promise<Placed | undefined> {
  const { tools, seed, manifest, board } = task;
  const leftOut = (reason: string): undefined => {
    steps.push({ step: PLACING, tool: place.tool, status: "left out", reason });
    task.progress.line(`${place.tool}: left out, ${reason}`);
    return undefined;
  };
  if (!placer || !placeable) return leftOut(`${place.tool} is not on PATH`);
  if (isTooLarge) return leftOut("the design does not fit the part");
  const step = "placing and routing";
  const { language } = place.pins;
  const pins = board ? board.constraints[language] : place.ringPins;
  const pinFile = pinFileOf(board ? BOARD_MODULE : RING_MODULE, language);
  const clockMHz = board?.clockMHz ?? manifest.clockMHz;
  const run = await runStep(task, placer, step, {
    arguments: placeArguments(place, { seed, clockMHz, pins: pins && pinFile }),
    files: new Map<string, string | Uint8Array>([
      [PLACE_FILES.netlist, placeable],
      ...(pins === undefined ? [] : [[pinFile, pins] as const]),
    ]),
    outputs: [PLACE_FILES.report, PLACE_FILES.routed],
  });
  const report = left(run, PLACE_FILES.report, placer, step);
  const placement = readPlacement(textOf(report), place);
  task.progress.line(`  ${placement.fmaxMHz} MHz`);
  steps.push({ step: PLACING, tool: toolText(placer), status: "done" });
  const files = new Map<string, Uint8Array>([[PLACE_FILES.report, report]]);
  const placed = { placement, by: toolText(placer), files };
  if (board && placement.fmaxMHz < clockMHz) {
    const reason = `${placement.fmaxMHz} MHz are less than the clock of the board`;
    steps.push({ step: "bitstream", tool: "icepack", status: "left out", reason });
    return placed;
  }
  const routed = left(run, PLACE_FILES.routed, placer, step);
  if (place.tool === "nextpnr-ice40") {
    const bitstream = board ? FLOW_FILES.boardBitstream : FLOW_FILES.bitstream;
    const packer = await tools.need("icepack");
    const packed = await runStep(task, packer, "packing the bitstream", {
      arguments: [PLACE_FILES.routed, bitstream],
      files: new Map([[PLACE_FILES.routed, routed]]),
      outputs: [bitstream],
    });
    files.set(bitstream, left(packed, bitstream, packer, "packing the bitstream"));
    steps.push({ step: "bitstream", tool: toolText(packer), status: "done" });
  } else if (board) files.set(ROUTED_FILES[place.tool], routed);
  return placed;
}

/** What is kept for the packer of the family: `ecppack`, `gowin_pack`. */
const ROUTED_FILES = { "nextpnr-ecp5": "nf_board.config", "nextpnr-himbaechel": "nf_board.routed.json" };

interface VendorRun {
  readonly figures: VendorFigures;
  readonly by: string;
  /** Its reports, by path from the project. */
  readonly files: FileSet;
}

/** Runs the vendor's project where its tool is. It is written all the same. */
async function vendorStep(
  task: SynthTask,
  project: VendorProject,
  steps: LaterStep[],
): Promise<VendorRun | undefined> {
  const { manifest, target, files, tools, progress, board } = task;
  const tool = await tools.find(project.tool);
  const step = `${project.name} project`;
  if (!tool) {
    const reason = `${project.tool} is not on PATH: written for it, not run here`;
    steps.push({ step, tool: project.name, status: "left out", reason });
    progress.line(`${project.name}: project in ${project.folder}/, ${reason}`);
    return undefined;
  }
  // As it stands in a build directory, so that the project's own paths hold.
  const home = `flow/${board?.board.name ?? target.name}`;
  const folder = `${home}/${project.folder}`;
  const reports = project.reports.map((path) => `${folder}/${path}`);
  const run = await runStep(task, tool, "synthesising, placing and routing", {
    arguments: project.arguments,
    files: new Map([
      ...[...manifest.sources, ...manifest.memories].map(
        (path) => [`design/${path}`, files.get(path)!] as const,
      ),
      ...underFolder(folder, project.files),
      ...(board ? underFolder(home, board.verilog) : []),
    ]),
    folder,
    outputs: reports,
  });
  const left = new Map([...run.files].map(([path, bytes]) => [path.slice(folder.length + 1), textOf(bytes)]));
  const figures = project.read(left);
  progress.line(`  ${areaText(figures.used, target.has)}; ${figures.fmaxMHz} MHz`);
  steps.push({ step, tool: toolText(tool), status: "done" });
  return { figures, by: toolText(tool), files: left };
}
