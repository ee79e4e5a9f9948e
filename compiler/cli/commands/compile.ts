// noisefloor compile MODEL|DIR -o DIR
import { resolve } from "node:path";
import { BUILD_FILES } from "../../driver/build-files.ts";
import { readTrained, readTrainResult } from "../../driver/load-build.ts";
import { identityDifferences } from "../../driver/project-data.ts";
import type { BuildDirectory } from "../../host/node/build-directory.ts";
import { fail } from "../../support/diagnostics.ts";
import type { CommandOutcome, Context } from "../context.ts";
import { defaultDirectory, isBuildDirectory, openModel, trainedModel, useDirectory } from "../project.ts";
import { compileStep, createStopwatch, reportStep } from "../steps.ts";
import { capacityLines, layerTable, summaryLines } from "../tables.ts";
import { trainStep } from "../train-step.ts";
import type { TrainOptions } from "./train.ts";

export interface CompileOptions extends TrainOptions {
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
  if (model) await timed("train", () => trainStep(context, directory, model, options.fresh === true));
  if (copied) copyTraining(useDirectory(context, argument!, false), directory);
  const project = model?.project ?? trainedModel(directory);
  const warnings = await timed("compile", async () =>
    compileStep(directory, project, options.force === true),
  );
  const report = reportStep(directory)!;
  return {
    result: { directory: directory.name, report },
    text: `${layerTable(report)}\n\n${summaryLines(report)}\n${capacityLines(report)}\n\ncompiled to ${directory.name}/${BUILD_FILES.design.folder}`,
    diagnostics: [...(model?.warnings ?? []), ...warnings],
  };
}

/** Takes over what another directory was trained to; a directory with a training of its own keeps it. */
function copyTraining(from: BuildDirectory, to: BuildDirectory): void {
  const theirs = readTrained(from).result.identity;
  const ours = readTrainResult(to)?.identity;
  const parts = ours ? identityDifferences(ours, theirs) : [];
  if (parts.length > 0) fail("build/checkpoint-of-another-run", { directory: to.name, parts });
  const { folder } = BUILD_FILES.train;
  to.replaceFolder(folder, new Map(from.list(folder).map((path) => [path, from.read(path)!])));
}
