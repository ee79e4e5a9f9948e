// The steps after training that compile, verify and build are made of, on an open build directory.
import { writeFileSync } from "node:fs";
import { decodeNpy } from "../data/npy.ts";
import type { NumericArray } from "../data/numeric-array.ts";
import { BUILD_FILES, portFile } from "../driver/build-files.ts";
import { compileDesign } from "../driver/compile-design.ts";
import { compileImported } from "../driver/compile-imported.ts";
import { type CompiledDesign, comparedOutputs } from "../driver/compile-program.ts";
import {
  modifiedFlowFiles,
  ofTraining,
  readDesign,
  readDesignResult,
  readFlowVerification,
  readImported,
  readImportResult,
  readSynthResult,
  readTrained,
  readTrainResult,
  readVerification,
  type SavedVerification,
} from "../driver/load-build.ts";
import { atNodes, placed } from "../driver/places.ts";
import { overflowOf } from "../flow/area.ts";
import type { Project, StatedProject } from "../graph/project.ts";
import type { BuildDirectory } from "../host/node/build-directory.ts";
import type { Program } from "../program/program.ts";
import { collectReport } from "../report/collect.ts";
import type { Report, ReportBranches, ReportSynthesis, ReportVerification } from "../report/results.ts";
import { createDiagnostic, type Diagnostic, DiagnosticError } from "../support/diagnostics.ts";
import { createCRunner, measureC } from "../tools/c-compiler.ts";
import { createVerilatorRunner } from "../tools/verilator.ts";
import { type BranchCoverage, branchTotals } from "../verify/branches.ts";
import { type BackendResult, describeDivergence, type VerifyResult } from "../verify/result.ts";
import type { Samples } from "../verify/vectors.ts";
import { verifyDesign } from "../verify/verify.ts";
import type { Context } from "./context.ts";
import { FLOW_NAMES } from "./flow-names.ts";
import { type PartOptions, partWishOf } from "./part-options.ts";

/** Seconds of earlier steps; a damaged file counts as none, since nothing depends on it. */
function readTiming(directory: BuildDirectory): object {
  try {
    const read: unknown = JSON.parse(directory.readText(BUILD_FILES.timing) ?? "{}");
    return typeof read === "object" && read !== null ? read : {};
  } catch {
    return {};
  }
}

/** Seconds of each step, kept outside of every determinism promise. */
export function createStopwatch(
  directory: BuildDirectory,
): <T>(step: string, work: () => Promise<T>) => Promise<T> {
  return async (step, work) => {
    const start = performance.now();
    const result = await work();
    const seconds = Math.round(performance.now() - start) / 1000;
    const before = readTiming(directory);
    const text = `${JSON.stringify({ ...before, [step]: seconds }, null, 2)}\n`;
    directory.writeFiles(new Map([[BUILD_FILES.timing, text]]));
    return result;
  };
}

/** Throws when the design, or what was synthesised of it, was edited by hand: nothing of the user's is lost. */
export function refuseModified(directory: BuildDirectory): void {
  const edited = FLOW_NAMES.flatMap((name) => modifiedFlowFiles(directory, name));
  if (edited.length > 0) throw new DiagnosticError(edited);
  if (directory.readText(BUILD_FILES.design.manifest) === undefined) return;
  const { modified } = readDesign(directory);
  if (modified.length > 0) throw new DiagnosticError(modified);
}

/** The design of what the directory was trained to, or of what was imported there. */
function designOf(directory: BuildDirectory, project: Project | StatedProject): CompiledDesign {
  if ("stated" in project) return compileImported(readImported(directory, project), project);
  const { trained, test } = readTrained(directory);
  return ofTraining(directory, () => compileDesign(trained, project.training, project.hardware, test));
}

/** Compiles what the directory holds of a model. Returns the schedule's warnings. */
export function compileStep(
  directory: BuildDirectory,
  project: Project | StatedProject,
  force: boolean,
  options: PartOptions = {},
): readonly Diagnostic[] {
  if (!force) refuseModified(directory);
  const { clockMHz, intervalCycles } = project.hardware;
  const part = partWishOf(options, clockMHz, intervalCycles);
  const wished = part ? { ...project, hardware: { ...project.hardware, part } } : project;
  const design = atNodes(project, () => designOf(directory, wished));
  // What was verified was another design; gone before that one is, so that a kill leaves no verdict on the new one.
  directory.remove(BUILD_FILES.verify.folder);
  directory.remove(BUILD_FILES.export.folder);
  directory.remove(BUILD_FILES.flow.folder);
  directory.remove(BUILD_FILES.report);
  directory.replaceFolder(BUILD_FILES.design.folder, design.files);
  return placed(project, design.warnings);
}

export interface VerifyStepOptions {
  readonly seed: number;
  readonly without: readonly ("c" | "rtl")[];
  readonly rtlVectors: number;
  /** A waveform of the first difference of the Verilog: its file, and cycles before and after. */
  readonly wave?: { readonly path: string; readonly cycles: number };
}

/** Code and stack of the C; they are figures, not a verdict: without the tools that count them they are left out. */
async function measureIfPossible(
  context: Context,
  ...[files, manifest]: Parameters<typeof measureC>
): Promise<Awaited<ReturnType<typeof measureC>> | undefined> {
  try {
    return await measureC(files, manifest);
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    context.progress.line(`code and stack of the C are not measured: ${error.diagnostics[0]!.message}`);
    return undefined;
  }
}

/** The samples that the design was compiled with, as the gate takes them; undefined when it has none. */
export function readSamples(directory: BuildDirectory, program: Program): Samples | undefined {
  const read = (path: string) => {
    const bytes = directory.read(path);
    return bytes && decodeNpy(bytes, { path: `${directory.name}/${path}` });
  };
  const { design } = BUILD_FILES;
  const vectors = (path: string, names: readonly string[]): [string, NumericArray][] =>
    names.flatMap((name, i) => {
      const found = read(portFile(path, i));
      return found ? [[name, found]] : [];
    });
  const dataOf = (arrays: readonly [string, NumericArray][]): ReadonlyMap<string, ArrayLike<number>> =>
    new Map(arrays.map(([name, array]) => [name, array.data]));
  const inputs = vectors(design.inputs, program.inputs);
  const outputs = vectors(
    design.outputs,
    comparedOutputs(program).map(({ value }) => value),
  );
  return inputs.length > 0
    ? {
        count: inputs[0]![1].shape[0]!,
        inputs: dataOf(inputs),
        ...(outputs.length > 0 ? { expected: dataOf(outputs) } : {}),
      }
    : undefined;
}

/** Runs the gate. Returns what failed as diagnostics; an edited design is named and judged all the same. */
export async function verifyStep(
  context: Context,
  directory: BuildDirectory,
  options: VerifyStepOptions,
): Promise<readonly Diagnostic[]> {
  const { program, manifest, files, modified } = readDesign(directory);
  const samples = readSamples(directory, program);
  const { wave, ...asked } = options;
  let waveCycle: number | undefined;
  const keep = (vcd: Uint8Array, cycle: number): void => {
    writeFileSync(wave!.path, vcd);
    waveCycle = cycle;
    context.progress.line(`waveform of cycle ${cycle} written to ${wave!.path}, at ${10 * cycle} ns`);
  };
  const result = await verifyDesign(
    { program, manifest, files },
    samples,
    { ...asked, ...(wave ? { wave: { cycles: wave.cycles, keep } } : {}) },
    { c: createCRunner(), rtl: createVerilatorRunner() },
    context.progress,
  );
  const measured =
    manifest.c && result.c?.status === "passed"
      ? await measureIfPossible(context, files, manifest.c)
      : undefined;
  const saved: SavedVerification = {
    ...result,
    ...(measured
      ? {
          cMeasured: {
            compiler: measured.compiler,
            codeBytes: measured.codeBytes,
            stackBytes: measured.stackBytes,
          },
        }
      : {}),
  };
  const path = BUILD_FILES.verify.result;
  directory.replaceFolder(
    BUILD_FILES.verify.folder,
    new Map([[path, `${JSON.stringify(saved, null, 2)}\n`]]),
  );
  const failures: Diagnostic[] = [...modified];
  for (const [name, backend] of [
    ["the simulator", result.sim],
    ["C", result.c],
    ["Verilog", result.rtl],
  ] as const) {
    if (backend?.status !== "failed") continue;
    const detail = backend.divergence ? describeDivergence(backend.divergence) : (backend.reason ?? "");
    failures.push(createDiagnostic("verify/mismatch", { backend: name, detail }));
  }
  if (wave && waveCycle === undefined)
    failures.push(createDiagnostic("verify/no-wave", { path: wave.path, why: whyNoWave(result) }));
  return failures;
}

/** Why there is no cycle to show. */
function whyNoWave({ rtl }: VerifyResult): string {
  if (!rtl || rtl.status === "skipped") return "the Verilog did not run";
  if (rtl.status === "passed") return "the Verilog has no difference";
  return "the Verilog failed before any cycle of it could be compared";
}

/** What targets and boards came to: figures by their names, and how each netlist and each board was judged. */
function flowReports(directory: BuildDirectory): {
  readonly synth: Record<string, ReportSynthesis>;
  readonly netlist: Record<string, BackendResult>;
  readonly board: Record<string, BackendResult>;
} {
  const synth: Record<string, ReportSynthesis> = {};
  const netlist: Record<string, BackendResult> = {};
  const onBoard: Record<string, BackendResult> = {};
  for (const name of FLOW_NAMES) {
    const found = readSynthResult(directory, name);
    if (!found) continue;
    const { used, has, fmaxMHz, part, countedBy, timedBy, steps, board, clockMHz } = found;
    const fits = overflowOf(used, has).length === 0;
    const timed = timedBy === undefined ? {} : { timedBy };
    const boarded = board ? { clockMHz, board } : {};
    synth[name] = { ...used, fmaxMHz, part, has, fits, countedBy, ...timed, ...boarded, steps };
    const verified = readFlowVerification(directory, name);
    if (verified) (board ? onBoard : netlist)[name] = verified;
  }
  return { synth, netlist, board: onBoard };
}

function reportBranches(found: BranchCoverage): ReportBranches {
  const { vectors, instructions } = found;
  return {
    vectors,
    ...branchTotals(found),
    missing: instructions
      .filter((one) => one.missing.length > 0)
      .map(({ op, layer, value, missing }) => ({ op, layer, value, branches: [...missing] })),
  };
}

/** Rewrites report.json from what is there. */
export function reportStep(directory: BuildDirectory): Report | undefined {
  const saved = readVerification(directory);
  const design = readDesignResult(directory);
  const keep = (b: BackendResult): NonNullable<ReportVerification["sim"]> => ({
    status: b.status,
    vectors: b.vectors,
    mismatches: b.mismatches,
    ...(b.reason === undefined ? {} : { reason: b.reason }),
    ...(b.causeClass === undefined ? {} : { causeClass: b.causeClass }),
    ...(b.cycle === undefined ? {} : { cycle: b.cycle }),
    ...(b.divergence === undefined ? {} : { divergence: b.divergence }),
    ...(b.latencyCycles === undefined ? {} : { latencyCycles: b.latencyCycles }),
    ...(b.intervalCycles === undefined ? {} : { intervalCycles: b.intervalCycles }),
  });
  const flow = flowReports(directory);
  const kept = (found: Record<string, BackendResult>) =>
    Object.entries(found).map(([name, result]) => [name, keep(result)] as const);
  const [netlists, boards] = [kept(flow.netlist), kept(flow.board)];
  const verify = {
    ...(saved ? { sim: keep(saved.sim) } : {}),
    ...(saved?.c ? { c: keep(saved.c) } : {}),
    ...(saved?.rtl ? { rtl: keep(saved.rtl) } : {}),
    // A result that an older version left has none.
    ...(saved?.branches ? { branches: reportBranches(saved.branches) } : {}),
    ...(netlists.length > 0 ? { netlist: Object.fromEntries(netlists) } : {}),
    ...(boards.length > 0 ? { board: Object.fromEntries(boards) } : {}),
  };
  const report = collectReport({
    train: readTrainResult(directory),
    imported: readImportResult(directory),
    design: design && saved?.cMeasured ? { ...design, c: { ...design.c, ...saved.cMeasured } } : design,
    verify: Object.keys(verify).length > 0 ? verify : undefined,
    synth: Object.keys(flow.synth).length > 0 ? flow.synth : undefined,
  });
  if (report) directory.writeFiles(new Map([[BUILD_FILES.report, `${JSON.stringify(report, null, 2)}\n`]]));
  return report;
}
