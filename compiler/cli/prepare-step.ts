// The first step of compile and build: whatever makes integers of a model. In: an opened model and a directory. Out: the
// files of train/, or those of import/ of a model whose file states its quantizers.
import { BUILD_FILES } from "../driver/build-files.ts";
import { importProject } from "../driver/import-project.ts";
import type { BuildDirectory } from "../host/node/build-directory.ts";
import { type Diagnostic, fail } from "../support/diagnostics.ts";
import type { Context } from "./context.ts";
import { isStated, type OpenedModel, type StatedModel } from "./project.ts";
import { refuseModified } from "./steps.ts";
import { number } from "./tables.ts";
import { trainStep } from "./train-step.ts";

export interface PrepareWishes {
  readonly fresh: boolean;
  readonly force: boolean;
}

/** The name of the step for the stopwatch. */
export const prepareName = (model: OpenedModel): "import" | "train" => (isStated(model) ? "import" : "train");

/** Trains the model, or imports its integers. Returns warnings. */
export async function prepareStep(
  context: Context,
  directory: BuildDirectory,
  model: OpenedModel,
  wishes: PrepareWishes,
): Promise<readonly Diagnostic[]> {
  if (isStated(model)) return importStep(context, directory, model, wishes);
  await trainStep(context, directory, model, wishes.fresh);
  return [];
}

/** Lowers the model into the directory: always again, since it takes no training. */
function importStep(
  { progress }: Context,
  directory: BuildDirectory,
  model: StatedModel,
  { fresh, force }: PrepareWishes,
): readonly Diagnostic[] {
  const { project, imported, files } = model;
  const left = importProject(imported, project, files);
  if (!force) refuseModified(directory);
  const { train } = BUILD_FILES;
  // A damaged training can be discarded as well.
  const hasTraining = [train.result, train.checkpoint].some((path) => directory.read(path) !== undefined);
  if (hasTraining && !fresh)
    fail("build/checkpoint-of-another-run", { directory: directory.name, parts: ["network"] });
  directory.remove(train.folder);
  const { folder, result } = BUILD_FILES.import;
  if (directory.readText(result) !== left.files.get(result)) {
    // A design of an earlier import is not this one's.
    const { verify, report, design } = BUILD_FILES;
    for (const path of [verify.folder, report, design.folder]) directory.remove(path);
  }
  directory.replaceFolder(folder, left.files);
  const { samples } = left.result.imported;
  progress.line(
    samples.from === "data"
      ? `the model states its quantizers: nothing is trained; ${number(samples.count)} samples`
      : `the model states its quantizers: nothing is trained; ${number(samples.count)} random samples, seed ${project.seed}`,
  );
  return left.warnings;
}
