// Synthesis on an open build directory: runs the flow of a target or of a board and keeps what it made.
import type { Board } from "../boards/board.ts";
import { flowFiles } from "../driver/build-files.ts";
import { modifiedFlowFiles, readDesign } from "../driver/load-build.ts";
import { type BoardWishes, createBoardTop } from "../flow/board-top.ts";
import { createHostFiles } from "../flow/host-files.ts";
import { synthesize } from "../flow/synthesize.ts";
import type { BuildDirectory } from "../host/node/build-directory.ts";
import { type Diagnostic, DiagnosticError, fail } from "../support/diagnostics.ts";
import { underFolder } from "../support/file-set.ts";
import type { Target } from "../targets/target.ts";
import { createFlowTools } from "../tools/flow-tools.ts";
import { knownAnswers } from "../verify/board.ts";
import type { Context } from "./context.ts";
import { readSamples } from "./steps.ts";

export interface SynthWishes {
  readonly seed: number;
  /** Replace what was edited in the target's folder. */
  readonly force: boolean;
  /** Whose part is the target. */
  readonly board?: { readonly board: Board; readonly wishes: BoardWishes };
}

/** Known answers that go with a board's host script. */
const KNOWN_ANSWERS = 32;

/** Synthesises what the directory holds. Returns what is wrong with it; an edited design is named and taken as it is. */
export async function synthStep(
  context: Context,
  directory: BuildDirectory,
  target: Target,
  { seed, force, board: asked }: SynthWishes,
): Promise<readonly Diagnostic[]> {
  const { program, manifest, files, modified } = readDesign(directory);
  if (!manifest.rtl) fail("verify/not-in-design", { backend: "Verilog" });
  const board = asked && createBoardTop(manifest.rtl, asked.board, asked.wishes);
  const name = asked?.board.name ?? target.name;
  const edited = force ? [] : modifiedFlowFiles(directory, name);
  if (edited.length > 0) throw new DiagnosticError(edited);
  let reached = 0;
  const progress = {
    line: context.progress.line,
    update: (fraction: number, text: string): void => {
      reached = fraction;
      context.progress.update(fraction, text);
    },
  };
  const tools = createFlowTools({
    projectFolder: process.cwd(),
    onTick: (tool, seconds) => context.progress.update(reached, `${tool}, ${seconds} s`),
  });
  const answers =
    board && knownAnswers(program, manifest.rtl, readSamples(directory, program), KNOWN_ANSWERS, seed);
  const made = await synthesize({
    manifest: manifest.rtl,
    files,
    target,
    seed,
    tools,
    progress,
    board,
    host: board && createHostFiles(manifest, board, answers!),
  });
  const { folder } = flowFiles(name);
  directory.replaceFolder(folder, underFolder(folder, made.files));
  return [...modified, ...made.diagnostics];
}
