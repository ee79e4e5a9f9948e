// noisefloor synth DIR --target T, or --board B

import { boardNamed } from "../../boards/boards.ts";
import { flowFiles } from "../../driver/build-files.ts";
import type { BoardWishes } from "../../flow/board-top.ts";
import { compilerAssert } from "../../support/assert.ts";
import { fail } from "../../support/diagnostics.ts";
import { targetNamed } from "../../targets/targets.ts";
import type { CommandOutcome, Context } from "../context.ts";
import { useDirectory } from "../project.ts";
import { createStopwatch, reportStep } from "../steps.ts";
import { synthStep } from "../synth-step.ts";
import { summaryLines } from "../tables.ts";

export interface SynthOptions {
  /** One of the two is there. */
  readonly target?: string;
  readonly board?: string;
  /** Of a board. */
  readonly clock?: number;
  readonly baud?: number;
  readonly seed?: number;
  readonly force?: boolean;
}

export async function synthCommand(
  context: Context,
  name: string,
  options: SynthOptions,
): Promise<CommandOutcome> {
  const board = options.board === undefined ? undefined : boardNamed(options.board);
  if (options.target === undefined && !board)
    fail("cli/bad-option", { option: "--target", problem: "a target or a --board is needed" });
  for (const option of ["clock", "baud"] as const)
    if (options[option] !== undefined && !board)
      fail("cli/bad-option", { option: `--${option}`, problem: "it belongs to --board" });
  const target = targetNamed(options.target ?? board!.target);
  compilerAssert(target, `the command line let ${options.target} through`);
  if (board && board.target !== target.name)
    fail("flow/board-target", { board: board.name, has: board.target, asked: target.name });
  const directory = useDirectory(context, name, false);
  const timed = createStopwatch(directory);
  const flow = board?.name ?? target.name;
  const { clock, baud } = options;
  const diagnostics = await timed(`synth ${flow}`, () =>
    synthStep(context, directory, target, {
      seed: options.seed ?? 1,
      force: options.force === true,
      ...(board ? { board: { board, wishes: definedOf({ clockMHz: clock, baud }) } } : {}),
    }),
  );
  const report = reportStep(directory)!;
  const synth = report.synth![flow]!;
  const { schema, model } = report;
  const remark = board?.remark === undefined ? "" : `\non the board: ${board.remark}`;
  return {
    result: {
      directory: directory.name,
      target: target.name,
      ...(board ? { board: board.name } : {}),
      synth,
    },
    text: `${summaryLines({ schema, model, synth: { [flow]: synth } })}\n\nwritten to ${directory.name}/${flowFiles(flow).folder}${remark}`,
    diagnostics,
  };
}

/** Without what is undefined. */
function definedOf({
  clockMHz,
  baud,
}: {
  clockMHz: number | undefined;
  baud: number | undefined;
}): BoardWishes {
  return { ...(clockMHz === undefined ? {} : { clockMHz }), ...(baud === undefined ? {} : { baud }) };
}
