// The known-answer test of a board on an open build directory: its top module in simulation, on its serial line.
import { boardNamed } from "../boards/boards.ts";
import { flowFiles } from "../driver/build-files.ts";
import { modifiedFlowFiles, readDesign, readSynthResult } from "../driver/load-build.ts";
import { BOARD_MODULE, createBoardTop } from "../flow/board-top.ts";
import type { BuildDirectory } from "../host/node/build-directory.ts";
import { compilerAssert } from "../support/assert.ts";
import { createDiagnostic, type Diagnostic, DiagnosticError, fail } from "../support/diagnostics.ts";
import { createVerilatorRunner } from "../tools/verilator.ts";
import { knownAnswers, verifyBoard } from "../verify/board.ts";
import type { Context } from "./context.ts";
import { readSamples } from "./steps.ts";

export interface BoardStepOptions {
  readonly seed: number;
  /** Samples that are sent. */
  readonly vectors: number;
}

/** Throws flow/no-board-top unless every board was synthesised for: known before any work. */
export function requireBoards(directory: BuildDirectory, boards: readonly string[]): void {
  const missing = boards.filter((name) => !readSynthResult(directory, name));
  if (missing.length > 0)
    throw new DiagnosticError(
      missing.map((board) => createDiagnostic("flow/no-board-top", { directory: directory.name, board })),
    );
}

/** Holds the test and keeps the verdict beside the board's files. Returns what failed; edited files are named and simulated. */
export async function boardStep(
  context: Context,
  directory: BuildDirectory,
  name: string,
  options: BoardStepOptions,
): Promise<readonly Diagnostic[]> {
  const { program, manifest, files } = readDesign(directory);
  if (!manifest.rtl) fail("verify/not-in-design", { backend: "Verilog" });
  const board = boardNamed(name);
  const result = readSynthResult(directory, name);
  compilerAssert(board && result?.board, `${name} is a board that was synthesised for`);
  const runner = createVerilatorRunner();
  const probe = await runner.probe();
  if (!probe.found) throw new DiagnosticError([probe.diagnostic]);
  const { clockMHz } = result;
  const { folder, verification } = flowFiles(name);
  // What stands in the folder is simulated; how it is made says which files those are, and how fast the line is.
  const top = createBoardTop(manifest.rtl, board, { clockMHz, baud: result.board.baud });
  const { sources, memories, intervalCycles } = manifest.rtl;
  const what = `the board ${name}`;
  const found = await verifyBoard({
    board: {
      ...top,
      module: BOARD_MODULE,
      verilog: new Map([
        ...sources.map((path) => [path, files.get(path)!] as const),
        ...[...top.verilog.keys()].map(
          (path) => [path, directory.read(`${folder}/${path}`) ?? new Uint8Array()] as const,
        ),
      ]),
      memories: new Map(
        memories.map((path) => [path.slice(path.lastIndexOf("/") + 1), files.get(path)!] as const),
      ),
      ...(board.button ? { released: board.button.activeLow ? 1 : 0 } : {}),
      intervalCycles,
    },
    answers: knownAnswers(
      program,
      manifest.rtl,
      readSamples(directory, program),
      options.vectors,
      options.seed,
    ),
    seed: options.seed,
    runner,
    tool: probe.version,
    what,
  });
  directory.writeFiles(new Map([[verification, `${JSON.stringify(found, null, 2)}\n`]]));
  context.progress.line(`board ${name}: ${found.vectors} vectors, ${found.mismatches} mismatches`);
  const changed = modifiedFlowFiles(directory, name);
  return found.status === "failed"
    ? [...changed, createDiagnostic("verify/mismatch", { backend: what, detail: found.reason ?? "" })]
    : changed;
}
