// noisefloor train MODEL -o DIR
import type { CommandOutcome, Context } from "../context.ts";
import type { ModelOptions } from "../import-options.ts";
import { defaultDirectory, openTrainable, useDirectory } from "../project.ts";
import { createStopwatch, reportStep } from "../steps.ts";
import { capacityLines, pricesText, summaryLines } from "../tables.ts";
import { trainStep } from "../train-step.ts";

export interface TrainOptions extends ModelOptions {
  readonly output?: string;
  readonly fresh?: boolean;
}

export async function trainCommand(
  context: Context,
  argument: string | undefined,
  options: TrainOptions,
): Promise<CommandOutcome> {
  const model = await openTrainable(argument, options);
  const directory = useDirectory(context, options.output ?? defaultDirectory(model.path), true);
  const timed = createStopwatch(directory);
  await timed("train", () => trainStep(context, directory, model, options.fresh === true));
  const report = reportStep(directory)!;
  return {
    result: { directory: directory.name, report },
    text:
      `trained ${report.model} in ${directory.name}\n${summaryLines(report)}\n${capacityLines(report)}\n\n` +
      pricesText(report),
    diagnostics: model.warnings,
  };
}
