// Training for a part. In: an opened model, a part and what is wished on it. Out: the model whose training, in train/, fits: as it
// is, or with a budget of weight bits. The budget is kept in fit.json, so that a killed build goes on with it.
import { BUILD_FILES } from "../driver/build-files.ts";
import { shortageOf, withinWeightBits } from "../driver/fit-part.ts";
import { readTrained } from "../driver/load-build.ts";
import type { PartWish } from "../graph/project.ts";
import type { BuildDirectory } from "../host/node/build-directory.ts";
import { compilerAssert } from "../support/assert.ts";
import { fail } from "../support/diagnostics.ts";
import type { Context } from "./context.ts";
import { type PartOptions, partWishOf } from "./part-options.ts";
import type { TrainableModel } from "./project.ts";
import { number } from "./tables.ts";
import { trainStep } from "./train-step.ts";

/** Trainings with ever fewer bits; each estimate is of the network before. */
const MOST_TRAININGS = 4;
/** A budget that did not fit is followed by this part of it at most. */
const LESS = 0.9;

/** Trains until it fits. Throws the solver's DiagnosticError when fewer bits do not help. */
export async function fitStep(
  context: Context,
  directory: BuildDirectory,
  model: TrainableModel,
  options: PartOptions,
  fresh: boolean,
): Promise<TrainableModel> {
  const { hardware } = model.project;
  const part = partWishOf(options, hardware.clockMHz, hardware.intervalCycles);
  compilerAssert(part, "--fit goes with --target");
  if (fresh) directory.remove(BUILD_FILES.fit);
  let weightBits = readBudget(directory, part);
  for (let trainings = 1; ; trainings++) {
    const asked =
      weightBits === null ? model : { ...model, project: withinWeightBits(model.project, weightBits) };
    await trainStep(context, directory, asked, fresh || trainings > 1);
    const narrower = shortageOf(readTrained(directory).trained, hardware, part);
    if (!narrower) return asked;
    if (trainings === MOST_TRAININGS) {
      context.progress.line(`after ${trainings} trainings it still does not fit ${part.target}`);
      return asked;
    }
    weightBits =
      weightBits === null ? narrower.total : Math.min(narrower.total, Math.floor(LESS * weightBits));
    directory.writeFiles(new Map([[BUILD_FILES.fit, `${JSON.stringify({ ...part, weightBits })}\n`]]));
    context.progress.line(
      `it does not fit ${part.target}: training again for at most ${number(weightBits)} bits of weights`,
    );
  }
}

/** What an earlier build of the directory came to for the same wish. */
function readBudget(directory: BuildDirectory, part: PartWish): number | null {
  const text = directory.readText(BUILD_FILES.fit);
  if (text === undefined) return null;
  try {
    const { weightBits, ...wish } = JSON.parse(text) as { weightBits?: unknown };
    if (Number.isSafeInteger(weightBits))
      return JSON.stringify(wish) === JSON.stringify(part) ? (weightBits as number) : null;
  } catch {}
  return fail("build/bad-file", {
    path: `${directory.name}/${BUILD_FILES.fit}`,
    problem: "it has no weightBits; remove it, or start again with --fresh",
  });
}
