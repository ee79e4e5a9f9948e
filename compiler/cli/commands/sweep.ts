// noisefloor train MODEL --sweep N [--from KBITOPS] [--to KBITOPS] -o DIR
import { BUILD_FILES } from "../../driver/build-files.ts";
import type { SweepResult } from "../../report/sweep-result.ts";
import { fail } from "../../support/diagnostics.ts";
import type { CommandOutcome, Context } from "../context.ts";
import { defaultDirectory, openTrainable, useDirectory } from "../project.ts";
import { createStopwatch } from "../steps.ts";
import { sweepStep } from "../sweep-step.ts";
import { number, scoreText, table } from "../tables.ts";
import type { TrainOptions } from "./train.ts";

export interface SweepOptions extends TrainOptions {
  readonly sweep: number;
  /** Thousands of bit operations. */
  readonly from?: number;
  readonly to?: number;
}

const POINTS = { least: 2, most: 32 };

export async function sweepCommand(
  context: Context,
  argument: string | undefined,
  options: SweepOptions,
): Promise<CommandOutcome> {
  if (options.sweep < POINTS.least || options.sweep > POINTS.most)
    fail("cli/bad-option", {
      option: "--sweep",
      problem: `${options.sweep} points; from ${POINTS.least} to ${POINTS.most} are possible`,
    });
  const bitOperations = (thousands: number | undefined): number | null =>
    thousands === undefined ? null : Math.round(thousands * 1000);
  const wish = { points: options.sweep, from: bitOperations(options.from), to: bitOperations(options.to) };
  const model = await openTrainable(argument, options);
  const directory = useDirectory(context, options.output ?? defaultDirectory(model.path), true);
  const timed = createStopwatch(directory);
  const sweep = await timed("sweep", () =>
    sweepStep(context, directory, model, wish, options.fresh === true),
  );
  return {
    result: { directory: directory.name, sweep },
    text: `${sweepTable(sweep)}\n\nswept to ${directory.name}/${BUILD_FILES.sweep.result}`,
    diagnostics: model.warnings,
  };
}

function sweepTable({ points, float }: SweepResult): string {
  const rows = points.map((p) => [
    number(p.budget),
    number(p.bitOperations),
    number(p.weightBits),
    p.meanWeightBits.toFixed(2),
    scoreText(p.validation),
    scoreText(p.test),
    p.nonDominated ? "" : "dominated",
  ]);
  if (float) rows.push(["float", "", "", "", scoreText(float.validation), scoreText(float.test), ""]);
  const head = ["budget", "bit operations", "weight bits", "bits per weight", "validation", "test", ""];
  return table(head, rows, 0);
}
