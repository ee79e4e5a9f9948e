// The three steps that train, compile, verify and build are made of, on an open build directory.

import { decodeNpy } from "../data/npy.ts";
import { BUILD_FILES } from "../driver/build-files.ts";
import { compileDesign } from "../driver/compile-design.ts";
import {
  parseJson,
  readDesign,
  readDesignResult,
  readTrained,
  readTrainResult,
} from "../driver/load-build.ts";
import { checkBuildable } from "../driver/preflight.ts";
import { identityDifferences, identityOf, loadProjectData } from "../driver/project-data.ts";
import { trainProject } from "../driver/train-project.ts";
import type { HardwareSpec } from "../graph/project.ts";
import type { BuildDirectory } from "../host/node/build-directory.ts";
import { collectReport } from "../report/collect.ts";
import type { Report, ReportVerification } from "../report/results.ts";
import { createDiagnostic, type Diagnostic, DiagnosticError, fail } from "../support/diagnostics.ts";
import { createCRunner, measureC } from "../tools/c-compiler.ts";
import { openTensorFlow } from "../tools/tensorflow.ts";
import { createVerilatorRunner } from "../tools/verilator.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../train/checkpoint.ts";
import { type ProgressRecord, TrainingStopped } from "../train/request.ts";
import { epochsOf } from "../train/schedule.ts";
import { describeDivergence, type VerifyResult } from "../verify/result.ts";
import { verifyDesign } from "../verify/verify.ts";
import type { Context } from "./context.ts";
import type { OpenedModel } from "./project.ts";
import { number, percent } from "./tables.ts";

function duration(seconds: number): string {
  const s = Math.round(seconds);
  return s < 60 ? `${s} s` : `${Math.floor(s / 60)} min ${s % 60} s`;
}

function progressText(r: ProgressRecord): string {
  const widths = r.meanBits === null ? "" : ` ${r.meanBits.toFixed(2)} bits`;
  const eta = r.etaSeconds === null ? "" : ` ETA ${duration(r.etaSeconds)}`;
  return `${r.phase} ${r.epoch}/${r.epochs} loss ${r.loss.toFixed(4)} accuracy ${percent(r.accuracy)}${widths}${eta}`;
}

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

/** Throws when the design was edited by hand: nothing of the user's is lost. */
function refuseModified(directory: BuildDirectory): void {
  if (directory.readText(BUILD_FILES.design.manifest) === undefined) return;
  const { modified } = readDesign(directory);
  if (modified.length > 0) throw new DiagnosticError(modified);
}

/** Trains the model into the directory, or goes on from its checkpoint, or finds it trained already. */
export async function trainStep(
  context: Context,
  directory: BuildDirectory,
  { project, files }: OpenedModel,
  fresh: boolean,
): Promise<void> {
  const { progress, interrupt } = context;
  const names = BUILD_FILES.train;
  // What cannot be built is said before hours are spent on it.
  checkBuildable(project);
  const data = loadProjectData(project, files);
  const opened = await openTensorFlow({ projectFolder: process.cwd() });
  const backend = `${opened.backend} ${opened.version}`;
  const identity = identityOf(project, data.digest, backend);
  if (fresh) {
    refuseModified(directory);
    directory.remove(names.folder);
  }

  const refuseOther = (other: Readonly<Record<string, string>>): void => {
    const parts = identityDifferences(identity, other);
    if (parts.length > 0) fail("build/checkpoint-of-another-run", { directory: directory.name, parts });
  };
  const finished = readTrainResult(directory);
  if (finished) {
    refuseOther(finished.identity);
    // The hardware wishes are no part of training: the newest text counts.
    directory.writeFiles(new Map([[names.source, project.source.text]]));
    progress.line(`${directory.name} is trained already`);
    return;
  }
  const saved = directory.read(names.checkpoint);
  const previous = saved && decodeCheckpoint(saved, `${directory.name}/${names.checkpoint}`);
  if (previous) refuseOther(previous.identity);

  if (!previous) {
    // A design of an earlier training is not this one's.
    refuseModified(directory);
    for (const path of [BUILD_FILES.verify.folder, BUILD_FILES.report, BUILD_FILES.design.folder])
      directory.remove(path);
  }

  progress.line(`backend ${backend}: ${opened.reason}`);
  progress.line(
    `${number(data.training.count)} training, ${number(data.validation.count)} validation, ${number(data.test.count)} test samples; seed ${project.training.seed}`,
  );
  for (const { message } of data.warnings) progress.line(`warning: ${message}`);
  let lastLine = Number.NEGATIVE_INFINITY;
  if (previous) progress.line(`going on after ${previous.checkpoint.history.length} epochs`);
  const trained = await interrupt.gracefully(() =>
    trainProject({
      tf: opened.tf,
      backend,
      project,
      data,
      identity,
      checkpoint: previous?.checkpoint,
      stop: interrupt,
      yieldToHost: () => new Promise((done) => setImmediate(done)),
      now: () => performance.now(),
      events: {
        log: (text) => progress.line(text),
        progress: (record) => progress.update(record.fraction, progressText(record)),
        checkpoint(checkpoint) {
          directory.writeFiles(
            new Map<string, string | Uint8Array>([
              [names.checkpoint, encodeCheckpoint(checkpoint, identity)],
              [names.log, checkpoint.history.map((record) => `${JSON.stringify(record)}\n`).join("")],
            ]),
          );
          const last = checkpoint.history.at(-1)!;
          const widths =
            last.meanBits === null || last.bitOperations === null
              ? ""
              : `, ${last.meanBits.toFixed(2)} bits, ${number(last.bitOperations)} bit operations`;
          // Epochs of a small model take milliseconds: a line a second, and the last of each phase.
          const ended = last.epoch === epochsOf(project.training, last.phase);
          if (!ended && performance.now() - lastLine < 1000) return;
          lastLine = performance.now();
          progress.line(
            `${last.phase.padEnd(8)} epoch ${`${last.epoch}`.padStart(2)}: loss ${last.loss.toFixed(4)}, ` +
              `accuracy ${percent(last.accuracy)}, validation ${percent(last.validation.accuracy)}${widths}`,
          );
        },
      },
    }),
  );
  // result.json comes last: its presence says that training is finished.
  directory.writeFiles(trained.files);
  progress.line(
    `test accuracy ${percent(trained.result.quantized.accuracy)} integers, ${percent(trained.result.float.accuracy)} float`,
  );
  // Asked to stop in the very last step: nothing more is begun.
  if (interrupt.stopped) throw new TrainingStopped();
}

/** Compiles what the directory was trained to. Returns the schedule's warnings. */
export function compileStep(
  directory: BuildDirectory,
  hardware: HardwareSpec,
  force: boolean,
): readonly Diagnostic[] {
  const { trained, result, test } = readTrained(directory);
  if (!force) refuseModified(directory);
  const design = compileDesign(trained, result.noise, hardware, test);
  // What was verified was another design; gone before that one is, so that a kill leaves no verdict on the new one.
  directory.remove(BUILD_FILES.verify.folder);
  directory.remove(BUILD_FILES.report);
  directory.replaceFolder(BUILD_FILES.design.folder, design.files);
  return design.warnings;
}

export interface VerifyStepOptions {
  readonly seed: number;
  readonly without: readonly ("c" | "rtl")[];
  readonly rtlVectors: number;
}

/** verify/result.json. */
interface SavedVerification extends VerifyResult {
  readonly cMeasured?: { compiler: string; codeBytes: number; stackBytes: number };
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

/** Runs the gate. Returns what failed as diagnostics; an edited design is named and judged all the same. */
export async function verifyStep(
  context: Context,
  directory: BuildDirectory,
  options: VerifyStepOptions,
): Promise<readonly Diagnostic[]> {
  const { program, manifest, files, modified } = readDesign(directory);
  const read = (path: string) => {
    const bytes = directory.read(path);
    return bytes && decodeNpy(bytes, { path: `${directory.name}/${path}` });
  };
  const inputs = read(BUILD_FILES.design.inputs);
  const logits = read(BUILD_FILES.design.logits);
  const logitsValue = program.outputs.find((o) => o.role === "logits") ?? program.outputs[0]!;
  const samples = inputs && {
    count: inputs.shape[0]!,
    inputs: inputs.data as ArrayLike<number>,
    ...(logits ? { expected: new Map([[logitsValue.value, logits.data as ArrayLike<number>]]) } : {}),
  };
  const result = await verifyDesign(
    { program, manifest, files },
    samples,
    options,
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
  return failures;
}

/** Rewrites report.json from what is there. */
export function reportStep(directory: BuildDirectory): Report | undefined {
  const saved = parseJson(directory, BUILD_FILES.verify.result) as SavedVerification | undefined;
  const design = readDesignResult(directory);
  const keep = (b: VerifyResult["sim"] | undefined): ReportVerification["sim"] =>
    b && {
      status: b.status,
      vectors: b.vectors,
      mismatches: b.mismatches,
      ...(b.reason === undefined ? {} : { reason: b.reason }),
      ...(b.latencyCycles === undefined ? {} : { latencyCycles: b.latencyCycles }),
      ...(b.intervalCycles === undefined ? {} : { intervalCycles: b.intervalCycles }),
    };
  const verify = saved && { sim: keep(saved.sim), c: keep(saved.c), rtl: keep(saved.rtl) };
  const report = collectReport({
    train: readTrainResult(directory),
    design: design && saved?.cMeasured ? { ...design, c: { ...design.c, ...saved.cMeasured } } : design,
    verify,
  });
  if (report) directory.writeFiles(new Map([[BUILD_FILES.report, `${JSON.stringify(report, null, 2)}\n`]]));
  return report;
}
