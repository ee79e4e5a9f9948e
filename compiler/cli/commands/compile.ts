// noisefloor compile MODEL|DIR -o DIR
import { BUILD_FILES } from "../../driver/build-files.ts";
import type { Diagnostic } from "../../support/diagnostics.ts";
import type { CommandOutcome, Context } from "../context.ts";
import { defaultDirectory, isBuildDirectory, openModel, trainedModel, useDirectory } from "../project.ts";
import { compileStep, createStopwatch, reportStep, trainStep } from "../steps.ts";
import { layerTable, summaryLines } from "../tables.ts";
import type { TrainOptions } from "./train.ts";

export interface CompileOptions extends TrainOptions {
  readonly force?: boolean;
}

export async function compileCommand(
  context: Context,
  argument: string | undefined,
  options: CompileOptions,
): Promise<CommandOutcome> {
  const warnings: Diagnostic[] = [];
  const compileIn = async (name: string, model: ReturnType<typeof openModel> | undefined) => {
    const directory = useDirectory(context, name, model !== undefined);
    const timed = createStopwatch(directory);
    if (model) await timed("train", () => trainStep(context, directory, model, options.fresh === true));
    const { hardware } = model?.project ?? trainedModel(directory);
    warnings.push(
      ...(await timed("compile", async () => compileStep(directory, hardware, options.force === true))),
    );
    return { directory, report: reportStep(directory)! };
  };
  const model = isBuildDirectory(argument) ? undefined : openModel(argument, options.seed);
  if (model) warnings.push(...model.warnings);
  const name = options.output ?? (model ? defaultDirectory(model.path) : argument!);
  const { directory, report } = await compileIn(name, model);
  return {
    result: { directory: directory.name, report },
    text: `${layerTable(report)}\n\n${summaryLines(report)}\n\ncompiled to ${directory.name}/${BUILD_FILES.design.folder}`,
    diagnostics: warnings,
  };
}
