// noisefloor compile MODEL|DIR -o DIR
import { resolve } from "node:path";
import { BUILD_FILES } from "../../driver/build-files.ts";
import { readImportResult, readTrained, readTrainResult } from "../../driver/load-build.ts";
import { identityDifferences } from "../../driver/project-data.ts";
import type { BuildDirectory } from "../../host/node/build-directory.ts";
import { fail } from "../../support/diagnostics.ts";
import type { CommandOutcome, Context } from "../context.ts";
import type { PartOptions } from "../part-options.ts";
import { prepareName, prepareStep } from "../prepare-step.ts";
import { defaultDirectory, isBuildDirectory, openModel, savedModel, useDirectory } from "../project.ts";
import { compileStep, createStopwatch, reportStep } from "../steps.ts";
import { reportText } from "../tables.ts";
import type { TrainOptions } from "./train.ts";

export interface CompileOptions extends TrainOptions, PartOptions {
  readonly force?: boolean;
}

export async function compileCommand(
  context: Context,
  argument: string | undefined,
  options: CompileOptions,
): Promise<CommandOutcome> {
  const model = isBuildDirectory(argument) ? undefined : await openModel(argument, options);
  const name = options.output ?? (model ? defaultDirectory(model.path) : argument!);
  const copied = !model && resolve(name) !== resolve(argument!);
  const directory = useDirectory(context, name, model !== undefined || copied);
  const timed = createStopwatch(directory);
  const force = options.force === true;
  const wishes = { fresh: options.fresh === true, force };
  const prepared = model
    ? await timed(prepareName(model), () => prepareStep(context, directory, model, wishes))
    : [];
  if (copied) copyIntegers(useDirectory(context, argument!, false), directory);
  const project = model?.project ?? savedModel(directory);
  const warnings = await timed("compile", async () => compileStep(directory, project, force, options));
  const report = reportStep(directory)!;
  return {
    result: { directory: directory.name, report },
    text: `${reportText(report, false)}\n\ncompiled to ${directory.name}/${BUILD_FILES.design.folder}`,
    diagnostics: [...(model?.warnings ?? []), ...prepared, ...warnings],
  };
}

/** Takes over what another directory was trained to, or what was imported there. */
function copyIntegers(from: BuildDirectory, to: BuildDirectory): void {
  const { train, import: imported } = BUILD_FILES;
  const copy = (folder: string): void =>
    to.replaceFolder(folder, new Map(from.list(folder).map((path) => [path, from.read(path)!])));
  if (!readImportResult(from)) {
    refuseOtherTraining(from, to);
    to.remove(imported.folder);
    return copy(train.folder);
  }
  if (readTrainResult(to)) failOtherRun(to, ["network"]);
  copy(imported.folder);
}

function failOtherRun(to: BuildDirectory, parts: readonly string[]): never {
  return fail("build/checkpoint-of-another-run", { directory: to.name, parts });
}

/** A directory with a training of its own keeps it. */
function refuseOtherTraining(from: BuildDirectory, to: BuildDirectory): void {
  const theirs = readTrained(from).result.identity;
  const ours = readTrainResult(to)?.identity;
  const parts = ours ? identityDifferences(ours, theirs) : [];
  if (parts.length > 0) failOtherRun(to, parts);
}
