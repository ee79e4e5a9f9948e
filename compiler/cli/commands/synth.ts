// noisefloor synth DIR --target T
import { flowFiles } from "../../driver/build-files.ts";
import { compilerAssert } from "../../support/assert.ts";
import { targetNamed } from "../../targets/targets.ts";
import type { CommandOutcome, Context } from "../context.ts";
import { useDirectory } from "../project.ts";
import { createStopwatch, reportStep } from "../steps.ts";
import { synthStep } from "../synth-step.ts";
import { summaryLines } from "../tables.ts";

export interface SynthOptions {
  readonly target: string;
  readonly seed?: number;
  readonly force?: boolean;
}

export async function synthCommand(
  context: Context,
  name: string,
  options: SynthOptions,
): Promise<CommandOutcome> {
  const target = targetNamed(options.target);
  compilerAssert(target, `the command line let ${options.target} through`);
  const directory = useDirectory(context, name, false);
  const timed = createStopwatch(directory);
  const diagnostics = await timed(`synth ${target.name}`, () =>
    synthStep(context, directory, target, { seed: options.seed ?? 1, force: options.force === true }),
  );
  const report = reportStep(directory)!;
  const synth = report.synth![target.name]!;
  const { schema, model } = report;
  return {
    result: { directory: directory.name, target: target.name, synth },
    text: `${summaryLines({ schema, model, synth: { [target.name]: synth } })}\n\nwritten to ${directory.name}/${flowFiles(target.name).folder}`,
    diagnostics,
  };
}
