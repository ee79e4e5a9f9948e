// What training a model begins with, and how it is shown: data and backend, progress, a line for each epoch. In: an
// opened model. Out: what `train` and a sweep hand on to the driver.
import { lossText } from "../driver/capacity-text.ts";
import { checkBuildable } from "../driver/preflight.ts";
import {
  identityDifferences,
  identityOf,
  loadProjectData,
  type ProjectData,
} from "../driver/project-data.ts";
import type { BuildDirectory } from "../host/node/build-directory.ts";
import { fail } from "../support/diagnostics.ts";
import type { StopSignal, Yield } from "../support/host.ts";
import type { TensorFlow } from "../support/tensorflow.ts";
import { openTensorFlow } from "../tools/tensorflow.ts";
import type { EpochRecord } from "../train/checkpoint.ts";
import type { ProgressRecord } from "../train/request.ts";
import type { Context } from "./context.ts";
import type { TrainableModel } from "./project.ts";
import { number, percent, scoreText } from "./tables.ts";

export interface Training {
  readonly tf: TensorFlow;
  /** Name and version of the backend. */
  readonly backend: string;
  readonly data: ProjectData;
  readonly identity: Readonly<Record<string, string>>;
  /** Says what is trained on. */
  announce(): void;
}

/** Checks that the model can be built, reads its data and opens the backend. */
export async function openTraining(
  { progress }: Context,
  { project, files }: TrainableModel,
): Promise<Training> {
  // What cannot be built is said before hours are spent on it.
  checkBuildable(project);
  const data = loadProjectData(project, files);
  const { tf, backend: name, version, reason } = await openTensorFlow({ projectFolder: process.cwd() });
  const backend = `${name} ${version}`;
  return {
    tf,
    backend,
    data,
    identity: identityOf(project, data.digest, backend),
    announce() {
      const { training, validation, test } = data;
      progress.line(`backend ${backend}: ${reason}`);
      progress.line(
        `${number(training.count)} training, ${number(validation.count)} validation, ${number(test.count)} test samples; seed ${project.training.seed}`,
      );
      for (const { message } of data.warnings) progress.line(`warning: ${message}`);
    },
  };
}

/** Throws when what a directory holds is of another run. */
export function refuseOtherRun(
  directory: BuildDirectory,
  ours: Readonly<Record<string, string>>,
  theirs: Readonly<Record<string, string>>,
): void {
  const parts = identityDifferences(ours, theirs);
  if (parts.length > 0) fail("build/checkpoint-of-another-run", { directory: directory.name, parts });
}

/** What training needs of the host. */
export function hostOf({ interrupt }: Context): {
  readonly stop: StopSignal;
  readonly yieldToHost: Yield;
  readonly now: () => number;
} {
  return {
    stop: interrupt,
    yieldToHost: () => new Promise((done) => setImmediate(done)),
    now: () => performance.now(),
  };
}

function duration(seconds: number): string {
  const s = Math.round(seconds);
  return s < 60 ? `${s} s` : `${Math.floor(s / 60)} min ${s % 60} s`;
}

/** A phase, with its round where it may have several. */
function phaseText({ phase, round }: Pick<EpochRecord, "phase" | "round">): string {
  return phase === "rounding" ? `${phase} ${round}` : phase;
}

function progressText(r: ProgressRecord): string {
  const accuracy = r.accuracy === null ? "" : ` accuracy ${percent(r.accuracy)}`;
  const widths = r.meanBits === null ? "" : ` ${r.meanBits.toFixed(2)} bits`;
  const eta = r.etaSeconds === null ? "" : ` ETA ${duration(r.etaSeconds)}`;
  return `${phaseText(r)} epoch ${r.epoch}/${r.epochs} loss ${lossText(r.loss)}${accuracy}${widths}${eta}`;
}

function epochText(r: EpochRecord): string {
  const accuracy = r.accuracy === null ? "" : `, accuracy ${percent(r.accuracy)}`;
  const widths =
    r.meanBits === null || r.bitOperations === null
      ? ""
      : `, ${r.meanBits.toFixed(2)} bits, ${number(r.bitOperations)} bit operations`;
  return `${phaseText(r).padEnd(10)} epoch ${`${r.epoch}`.padStart(2)}: loss ${lossText(r.loss)}${accuracy}, validation ${scoreText(r.validation)}${widths}`;
}

export interface TrainingDisplay {
  progress(record: ProgressRecord): void;
  /** After an epoch. */
  epoch(record: EpochRecord): void;
}

/**
 * Progress of one training, which is the part [from, to] of the whole. Epochs of a small model take milliseconds: a line
 * a second, and the last of each phase or round.
 */
export function createDisplay({ progress }: Context, name = "", from = 0, to = 1): TrainingDisplay {
  let lastLine = Number.NEGATIVE_INFINITY;
  let epochs = 0;
  return {
    progress(record) {
      epochs = record.epochs;
      progress.update(from + (to - from) * record.fraction, `${name}${progressText(record)}`);
    },
    epoch(record) {
      if (record.epoch !== epochs && performance.now() - lastLine < 1000) return;
      lastLine = performance.now();
      progress.line(`${name}${epochText(record)}`);
    },
  };
}
