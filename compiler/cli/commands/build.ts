// noisefloor build MODEL -o DIR: train, compile, verify, report.
import { BUILD_FILES } from "../../driver/build-files.ts";
import type { CommandOutcome, Context } from "../context.ts";
import { exitCodeOf } from "../exit-codes.ts";
import { prepareName, prepareStep } from "../prepare-step.ts";
import { defaultDirectory, openModel, useDirectory } from "../project.ts";
import { compileStep, createStopwatch, reportStep, verifyStep } from "../steps.ts";
import { reportText } from "../tables.ts";
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
  const force = options.force === true;
  const wishes = { fresh: options.fresh === true, force };
  const prepared = await timed(prepareName(model), () => prepareStep(context, directory, model, wishes));
  progress.line("compiling");
  const warnings = await timed("compile", async () => compileStep(directory, model.project, force, options));
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
    text: `${reportText(report)}\n\n${verdict}`,
    diagnostics: [...model.warnings, ...prepared, ...warnings, ...failures],
  };
}
