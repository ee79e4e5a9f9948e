// A sweep over budgets into a build directory. In: an opened model and how many points. Out: the files of sweep/; what is
// there already of the same sweep is kept, so that a killed sweep goes on.
import { BUILD_FILES, sweepLog } from "../driver/build-files.ts";
import { readSweep } from "../driver/load-build.ts";
import { identityDifferences, identityOf } from "../driver/project-data.ts";
import {
  isBeforeBudget,
  markFront,
  type SweepWish,
  sweepBudgets,
  type TrainedPoint,
  trainPoint,
  withBudget,
} from "../driver/sweep.ts";
import { createTrainLog } from "../driver/train-log.ts";
import type { BuildDirectory } from "../host/node/build-directory.ts";
import { SWEEP_SCHEMA, type SweepResult, sweepSchema } from "../report/sweep-result.ts";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "../train/checkpoint.ts";
import { TrainingStopped } from "../train/request.ts";
import type { Context } from "./context.ts";
import type { TrainableModel } from "./project.ts";
import { number, scoreText } from "./tables.ts";
import { createDisplay, hostOf, openTraining, refuseOtherRun, type Training } from "./training.ts";

const names = BUILD_FILES.sweep;

/** Trains every budget that the directory does not hold yet. */
export async function sweepStep(
  context: Context,
  directory: BuildDirectory,
  model: TrainableModel,
  wish: SweepWish,
  fresh: boolean,
): Promise<SweepResult> {
  const { progress, interrupt } = context;
  const { project } = model;
  const budgets = sweepBudgets(project, wish);
  const training = await openTraining(context, model);
  // The model's own objective is no part of a sweep; the budgets are.
  const identity = {
    ...identityOf(withBudget(project, 0), training.data.digest, training.backend),
    budgets: budgets.join(" "),
  };
  if (fresh) directory.remove(names.folder);
  const before = readSweep(directory);
  if (before) refuseOtherRun(directory, identity, before.identity);
  let result: SweepResult = before ?? {
    schema: SWEEP_SCHEMA,
    model: project.graph.name,
    seed: project.training.seed,
    backend: training.backend,
    identity,
    budgets,
    float: null,
    points: [],
  };
  const save = (): void =>
    directory.writeFiles(new Map([[names.result, `${JSON.stringify(result, null, 2)}\n`]]));
  if (!before) save();
  const missing = budgets.filter((budget) => !result.points.some((p) => p.budget === budget));
  if (missing.length === 0) progress.line(`${directory.name} is swept already`);
  else training.announce();
  for (const budget of missing) {
    progress.line(
      `point ${budgets.indexOf(budget) + 1} of ${budgets.length}: ${number(budget)} bit operations`,
    );
    const { point, float } = await interrupt.gracefully(() =>
      sweepPoint(context, directory, model, training, result, budget),
    );
    // Parsed, so that keys stand in one order however often the sweep was killed.
    result = sweepSchema.parse({ ...result, float, points: markFront([...result.points, point]) });
    save();
    directory.remove(names.checkpoint);
    progress.line(
      `${number(point.bitOperations)} bit operations, validation ${scoreText(point.validation)}, test ${scoreText(point.test)}`,
    );
    if (interrupt.stopped) throw new TrainingStopped();
  }
  return result;
}

/** Trains one budget: from its own checkpoint, or from the end of the float phase, or from the start. */
async function sweepPoint(
  context: Context,
  directory: BuildDirectory,
  { project }: TrainableModel,
  { tf, backend, data }: Training,
  { identity, budgets }: SweepResult,
  budget: number,
): Promise<TrainedPoint> {
  const owner = { ...identity, budget: `${budget}` };
  const read = (path: string, of: Readonly<Record<string, string>>): Checkpoint | undefined => {
    const bytes = directory.read(path);
    if (!bytes) return undefined;
    const saved = decodeCheckpoint(bytes, `${directory.name}/${path}`);
    // A sweep that was killed just after a point leaves that point's last checkpoint.
    return identityDifferences(saved.identity, of).length === 0 ? saved.checkpoint : undefined;
  };
  const own = read(names.checkpoint, owner);
  const common = read(names.shared, identity);
  const start = own ?? common;
  let shared = start && isBeforeBudget(start) ? start : undefined;
  let isKept = common !== undefined;
  const history = start?.history ?? [];
  if (own) context.progress.line(`going on after ${history.length} epochs`);
  const path = sweepLog(budget);
  const log = createTrainLog(own && directory.readText(path), history);
  const index = budgets.indexOf(budget);
  const part = 1 / budgets.length;
  const display = createDisplay(context, `point ${index + 1}: `, index * part, (index + 1) * part);
  const trained = await trainPoint(
    {
      tf,
      backend,
      project,
      data,
      checkpoint: start,
      ...hostOf(context),
      events: {
        log: (text) => log.say(text),
        progress: display.progress,
        checkpoint(checkpoint) {
          log.finish(checkpoint.history);
          if (isBeforeBudget(checkpoint)) shared = checkpoint;
          else if (shared && !isKept) {
            // Before the checkpoint that no other point can start from.
            directory.writeFiles(new Map([[names.shared, encodeCheckpoint(shared, identity)]]));
            isKept = true;
          }
          directory.writeFiles(
            new Map<string, string | Uint8Array>([
              [names.checkpoint, encodeCheckpoint(checkpoint, owner)],
              [path, log.text()],
            ]),
          );
          display.epoch(checkpoint.history.at(-1)!);
        },
      },
    },
    budget,
  );
  directory.writeFiles(new Map([[path, log.text()]]));
  return trained;
}
