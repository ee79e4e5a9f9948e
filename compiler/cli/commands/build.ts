// noisefloor build MODEL -o DIR: train, compile, verify, report.
import { BUILD_FILES } from "../../driver/build-files.ts";
import type { CommandOutcome, Context } from "../context.ts";
import { exitCodeOf } from "../exit-codes.ts";
import { defaultDirectory, openModel, useDirectory } from "../project.ts";
import { compileStep, createStopwatch, reportStep, verifyStep } from "../steps.ts";
import { capacityLines, layerTable, pricesText, summaryLines } from "../tables.ts";
import { trainStep } from "../train-step.ts";
import type { CompileOptions } from "./compile.ts";
import { backEndsLeftOut, type VerifyOptions } from "./verify.ts";

export async function buildCommand(
  context: Context,
  argument: string | undefined,
  options: CompileOptions & VerifyOptions,
): Promise<CommandOutcome> {
  const without = backEndsLeftOut(options.without);
  const model = await openModel(argument, options);
  const directory = useDirectory(context, options.output ?? defaultDirectory(model.path), true);
  const timed = createStopwatch(directory);
  const { progress } = context;
  await timed("train", () => trainStep(context, directory, model, options.fresh === true));
  progress.line("compiling");
  const warnings = await timed("compile", async () =>
    compileStep(directory, model.project, options.force === true),
  );
  progress.line("verifying");
  const failures = await timed("verify", () =>
    verifyStep(context, directory, {
      seed: options.seed ?? 1,
      without,
      rtlVectors: options.rtlVectors ?? 1000,
    }),
  );
  const report = reportStep(directory)!;
  const verdict =
    exitCodeOf(failures) === 0
      ? `${directory.name} is built: ${BUILD_FILES.design.folder}/rtl (Verilog), ${BUILD_FILES.design.folder}/c (C), ${BUILD_FILES.report}`
      : `${directory.name} is built, but NOT verified`;
  return {
    result: { directory: directory.name, report },
    text: `${layerTable(report)}\n\n${summaryLines(report)}\n${capacityLines(report)}\n\n${pricesText(report)}\n\n${verdict}`,
    diagnostics: [...model.warnings, ...warnings, ...failures],
  };
}
