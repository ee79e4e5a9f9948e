// noisefloor fold DIR --target T: which foldings the solver finds for a compiled program on a part.
import { keptFoldings } from "../../driver/compile-design.ts";
import { readDesign } from "../../driver/load-build.ts";
import type { Timing } from "../../estimate/timing.ts";
import { areaText } from "../../flow/area.ts";
import type { PartWish } from "../../graph/project.ts";
import { openForReading } from "../../host/node/build-directory.ts";
import type { RtlManifest } from "../../program/manifest.ts";
import { type Solution, solveFolding } from "../../solve/solve.ts";
import { compilerAssert } from "../../support/assert.ts";
import { fail } from "../../support/diagnostics.ts";
import type { Target } from "../../targets/target.ts";
import { targetNamed } from "../../targets/targets.ts";
import type { CommandOutcome } from "../context.ts";
import { type PartOptions, partWishOf } from "../part-options.ts";
import { savedModel } from "../project.ts";
import { number, table } from "../tables.ts";

export interface FoldOptions extends PartOptions {
  readonly clock?: number;
}

export async function foldCommand(name: string, options: FoldOptions): Promise<CommandOutcome> {
  const directory = openForReading(name);
  const { program, manifest, modified } = readDesign(directory);
  if (!manifest.rtl) return fail("verify/not-in-design", { backend: "Verilog" });
  const clockMHz = options.clock ?? manifest.rtl.clockMHz;
  if (options.target === undefined)
    return fail("cli/bad-option", { option: "--target", problem: "it is not given" });
  const wish = partWishOf(options, clockMHz, manifest.rtl.intervalCycles);
  const target = targetNamed(options.target);
  compilerAssert(wish && target, "the command line asks for a target");
  const solution = solveFolding({
    program,
    target,
    goal: wish.goal,
    clockMHz,
    outputs: outputsOf(manifest.rtl),
    folding: keptFoldings(program, savedModel(directory).hardware),
  });
  const { schedule, estimate, timing, layers, buffers } = solution;
  const { latencyCycles, intervalCycles } = schedule;
  return {
    result: {
      target: target.name,
      clockMHz,
      intervalCycles,
      latencyCycles,
      perSecond: perSecond(clockMHz, intervalCycles),
      fmaxMHz: timing?.fmaxMHz ?? null,
      layers,
      buffers,
      stages: estimate.stages,
      total: estimate.total,
      has: target.has,
    },
    text: `${solutionText(solution, target, clockMHz)}\n\n${useText(options, name, wish.goal)}`,
    diagnostics: modified,
  };
}

const perSecond = (clockMHz: number, cycles: number): number => Math.round((clockMHz * 1e6) / cycles);

/** What the design streams, which is what another folding of it streams too. */
function outputsOf({ outputs }: RtlManifest): "class" | "logits" | "both" {
  const roles = outputs[0]!.values.map(({ role }) => role);
  return roles.includes("class") ? (roles.length > 1 ? "both" : "class") : "logits";
}

function solutionText(
  { layers, buffers, estimate, schedule, timing }: Solution,
  target: Target,
  clockMHz: number,
): string {
  const { intervalCycles, latencyCycles } = schedule;
  const rounded = (value: number): string => number(Math.max(0, Math.round(value)));
  const rows = layers.map((l) => [
    l.layer,
    `${l.pe}`,
    `${l.simd}`,
    `${l.positions}`,
    l.memory,
    l.dsp === 0 ? "LUT" : l.shared > 1 ? `${l.shared} in a DSP` : "DSP",
    number(l.cycles),
    rounded(l.lut),
    rounded(l.ff),
    rounded(l.dsp),
    `${l.bram}`,
  ]);
  const bufferRows = buffers.map(({ layer, storage, lut, ff, bram }) => [
    `${layer}, what waits for it`,
    ...["", "", "", storage, "", ""],
    ...[rounded(lut), rounded(ff), "0", `${bram}`],
  ]);
  const ofLayers = (name: "lut" | "ff" | "dsp" | "bram"): number =>
    [...layers, ...buffers.map((b) => ({ ...b, dsp: 0 }))].reduce((sum, layer) => sum + layer[name], 0);
  const rest = (["lut", "ff", "dsp", "bram"] as const).map((name) =>
    rounded(estimate.total[name] - ofLayers(name)),
  );
  const head = [
    "layer",
    "PE",
    "SIMD",
    "positions",
    "memory",
    "products",
    "cycles",
    "LUT",
    "FF",
    "DSP",
    "BRAM",
  ];
  return [
    table(head, [...rows, ...bufferRows, ["ports and all else", "", "", "", "", "", "", ...rest]]),
    "",
    `${target.title}, estimated: ${areaText(estimate.total, target.has)}`,
    `an interval of ${number(intervalCycles)} ${intervalCycles === 1 ? "cycle" : "cycles"}, ${number(perSecond(clockMHz, intervalCycles))} per second at ${clockMHz} MHz; latency ${number(latencyCycles)} cycles`,
    ...(timing ? [fmaxText(timing, clockMHz)] : []),
  ].join("\n");
}

function fmaxText({ fmaxMHz, where }: Timing, clockMHz: number): string {
  const fast = `Fmax estimated: ${fmaxMHz} MHz, held up by ${where}`;
  return fmaxMHz >= clockMHz ? fast : `${fast}: less than the clock, so that rates are as many times less`;
}

/** The command that makes the design. Its clock is the model's, by which a rate is another interval than by --clock. */
function useText(options: FoldOptions, name: string, goal: PartWish["goal"]): string {
  const given = (["rate", "interval", "latency"] as const).find((option) => options[option] !== undefined);
  const isOtherClock = options.clock !== undefined && goal.kind === "interval";
  const goalText = isOtherClock ? ` --interval ${goal.cycles}` : given ? ` --${given} ${options[given]}` : "";
  return `noisefloor compile ${name} --target ${options.target}${goalText} makes this design`;
}
