// What synthesis found. Plain data: saved as flow/<target>/result.json, or flow/<board>/, merged into report.json, printed by the command line.
import type { Resources } from "../targets/target.ts";

export const SYNTH_RESULT_SCHEMA = "noisefloor.synth-result/1";

/** A tool that would have gone further. */
export interface LaterStep {
  /** What for, such as place and route. */
  readonly step: string;
  readonly tool: string;
  readonly status: "done" | "left out" | "failed";
  /** Why it was left out, or the first line of what is wrong. */
  readonly reason?: string;
}

export interface BoardFigures {
  readonly name: string;
  readonly title: string;
  readonly oscillatorMHz: number;
  readonly baud: number;
  /** By the cycle contract of the core, and of frames on the serial line. */
  readonly inferencesPerSecond: { readonly core: number; readonly line: number };
}

export interface SynthResult {
  readonly schema: typeof SYNTH_RESULT_SCHEMA;
  readonly target: string;
  readonly part: string;
  readonly seed: number;
  /** What the core takes, by the tool that went furthest without anything around the core; on a board what its top module takes. */
  readonly used: Resources;
  readonly has: Resources;
  readonly countedBy: string;
  /** Cells of Yosys's netlist by type. */
  readonly cells: Readonly<Record<string, number>>;
  readonly clockMHz: number;
  /** Null where nothing was placed. */
  readonly fmaxMHz: number | null;
  readonly timedBy?: string;
  /** What the placer counted, all that stands around the core included. */
  readonly placed?: Partial<Resources>;
  /** The board that all figures are of, its serial line included; absent for a core alone. */
  readonly board?: BoardFigures;
  readonly steps: readonly LaterStep[];
  /** SHA-256 of every other file that was left, by path from flow/<target>/. */
  readonly files: Readonly<Record<string, string>>;
}
