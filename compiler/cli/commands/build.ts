// noisefloor build MODEL -o DIR: train, compile, verify, report.
import { BUILD_FILES } from "../../driver/build-files.ts";
import type { BuildDirectory } from "../../host/node/build-directory.ts";
import { type Diagnostic, fail } from "../../support/diagnostics.ts";
import type { CommandOutcome, Context } from "../context.ts";
import { exitCodeOf } from "../exit-codes.ts";
import { fitStep } from "../fit-step.ts";
import { type PrepareWishes, prepareName, prepareStep } from "../prepare-step.ts";
import { defaultDirectory, isStated, type OpenedModel, openModel, useDirectory } from "../project.ts";
import { compileStep, createStopwatch, reportStep, verifyStep } from "../steps.ts";
import { reportText } from "../tables.ts";
import type { CompileOptions } from "./compile.ts";
import { backEndsLeftOut, type VerifyOptions } from "./verify.ts";

export interface BuildOptions extends CompileOptions, VerifyOptions {
  readonly fit?: boolean;
}

export async function buildCommand(
  context: Context,
  argument: string | undefined,
  options: BuildOptions,
): Promise<CommandOutcome> {
  const without = backEndsLeftOut(options.without);
  if (options.fit && options.target === undefined)
    fail("cli/bad-option", { option: "--fit", problem: "it belongs to --target" });
  const model = await openModel(argument, options);
  const directory = useDirectory(context, options.output ?? defaultDirectory(model.path), true);
  const timed = createStopwatch(directory);
  const { progress } = context;
  const force = options.force === true;
  const wishes = { fresh: options.fresh === true, force };
  const { project, prepared } = await timed(prepareName(model), () =>
    integersOf(context, directory, model, options, wishes),
  );
  progress.line("compiling");
  const warnings = await timed("compile", async () => compileStep(directory, project, force, options));
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

/** Trains or imports the model; with --fit until it fits the target. */
async function integersOf(
  context: Context,
  directory: BuildDirectory,
  model: OpenedModel,
  options: BuildOptions,
  wishes: PrepareWishes,
): Promise<{ readonly project: OpenedModel["project"]; readonly prepared: readonly Diagnostic[] }> {
  if (!options.fit)
    return { project: model.project, prepared: await prepareStep(context, directory, model, wishes) };
  if (isStated(model))
    return fail("cli/bad-option", {
      option: "--fit",
      problem: "it trains, and the model's file states its quantizers",
    });
  const { project } = await fitStep(context, directory, model, options, wishes.fresh);
  return { project, prepared: [] };
}
