// noisefloor verify DIR
import { BOARDS, boardNamed } from "../../boards/boards.ts";
import { fail } from "../../support/diagnostics.ts";
import type { Target } from "../../targets/target.ts";
import { TARGETS, targetNamed } from "../../targets/targets.ts";
import { boardStep, requireBoards } from "../board-step.ts";
import type { CommandOutcome, Context } from "../context.ts";
import { exitCodeOf } from "../exit-codes.ts";
import { netlistStep, requireNetlists } from "../netlist-step.ts";
import { checkWritableFile } from "../path-checks.ts";
import { useDirectory } from "../project.ts";
import { createStopwatch, reportStep, verifyStep } from "../steps.ts";
import { summaryLines } from "../tables.ts";

export interface VerifyOptions {
  readonly seed?: number;
  readonly without?: string;
  readonly rtlVectors?: number;
  readonly netlist?: string;
  readonly netlistVectors?: number;
  readonly board?: string;
  readonly boardVectors?: number;
  /** File for a waveform. */
  readonly wave?: string;
  /** Cycles of it before and after the first difference. */
  readonly waveCycles?: number;
}

/** Cycles before and after the first difference. */
const WAVE_CYCLES = 64;

const listOf = (text: string | undefined): readonly string[] =>
  text === undefined ? [] : text.split(",").map((n) => n.trim());

/** Boards of a list with commas. */
function boardsOf(text: string | undefined): readonly string[] {
  return listOf(text).map((name) => {
    const known = BOARDS.map((board) => board.name).join(", ");
    const problem = `${JSON.stringify(name)} is none of ${known}`;
    return (boardNamed(name) ?? fail("cli/bad-option", { option: "--board", problem })).name;
  });
}

/** Targets of a list with commas. */
function targetsOf(text: string | undefined): readonly Target[] {
  return listOf(text).map((name) => {
    const known = TARGETS.map((target) => target.name).join(", ");
    const problem = `${JSON.stringify(name)} is none of ${known}`;
    return targetNamed(name) ?? fail("cli/bad-option", { option: "--netlist", problem });
  });
}

/** `c`, `rtl` or both, from a list with commas. */
export function backEndsLeftOut(text: string | undefined): ("c" | "rtl")[] {
  return listOf(text).map((name) => {
    if (name !== "c" && name !== "rtl")
      fail("cli/bad-option", { option: "--without", problem: `${JSON.stringify(name)} is not c or rtl` });
    return name;
  });
}

export async function verifyCommand(
  context: Context,
  name: string,
  options: VerifyOptions,
): Promise<CommandOutcome> {
  const without = backEndsLeftOut(options.without);
  const targets = targetsOf(options.netlist);
  const boards = boardsOf(options.board);
  if (options.waveCycles !== undefined && options.wave === undefined)
    fail("cli/bad-option", {
      option: "--wave-cycles",
      problem: "there is no --wave with a file to write to",
    });
  if (options.wave !== undefined) checkWritableFile("--wave", options.wave);
  const directory = useDirectory(context, name, false);
  requireNetlists(directory, targets);
  requireBoards(directory, boards);
  const timed = createStopwatch(directory);
  const diagnostics = [
    ...(await timed("verify", () =>
      verifyStep(context, directory, {
        seed: options.seed ?? 1,
        without,
        rtlVectors: options.rtlVectors ?? 1000,
        ...(options.wave === undefined
          ? {}
          : { wave: { path: options.wave, cycles: options.waveCycles ?? WAVE_CYCLES } }),
      }),
    )),
  ];
  for (const target of targets) {
    const { seed = 1, netlistVectors: vectors = 100 } = options;
    const found = await timed(`verify netlist ${target.name}`, () =>
      netlistStep(context, directory, target, { seed, vectors }),
    );
    diagnostics.push(...found);
  }
  for (const board of boards) {
    const { seed = 1, boardVectors: vectors = 20 } = options;
    diagnostics.push(
      ...(await timed(`verify board ${board}`, () =>
        boardStep(context, directory, board, { seed, vectors }),
      )),
    );
  }
  const report = reportStep(directory)!;
  // What earlier runs found of other netlists and boards is in the report, and says nothing of this run.
  const { netlist = {}, board = {}, ...backEnds } = report.verify ?? {};
  const asked = <T>(all: Record<string, T>, names: readonly string[]): Record<string, T> =>
    Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
  const shown = {
    ...backEnds,
    netlist: asked(
      netlist,
      targets.map(({ name }) => name),
    ),
    board: asked(board, boards),
  };
  const verdict = exitCodeOf(diagnostics) === 0 ? verifiedText(without) : "NOT verified";
  return {
    result: { directory: directory.name, verify: report.verify },
    text: `${summaryLines({ schema: report.schema, model: report.model, verify: shown })}\n${verdict}: ${directory.name}`,
    diagnostics,
  };
}

/** What a passed gate says of the back ends that were left out. */
function verifiedText(without: readonly string[]): string {
  if (without.length === 0) return "verified";
  const left = without.map((name) => (name === "rtl" ? "Verilog" : "C"));
  return `verified without ${left.join(" and ")}`;
}
