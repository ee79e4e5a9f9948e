// What the gate found. Plain data: saved as verify/result.json, merged into report.json, printed by the command line.

import type { BranchCoverage } from "./branches.ts";

export type Status = "passed" | "failed" | "skipped";

/**
 * What a difference looks like: `wrap`: a width, a sign or a bound of the range is wrong; `rounding`: a shift or what is added
 * before it; `order`: the integer of another element, or of the packet before; `address`: computed with what stands at another
 * place of a memory or window; `handshake`: control: beats are lost, repeated, early or late, a register or sum is not reset,
 * or the protocol is broken; `constant`: a weight, bias, threshold or table entry; `unknown`: none of these.
 */
export const CAUSE_CLASSES = [
  "wrap",
  "rounding",
  "order",
  "address",
  "handshake",
  "constant",
  "unknown",
] as const;
export type CauseClass = (typeof CAUSE_CLASSES)[number];

/** A guess from patterns: it is printed as likely cause and decides nothing. */
export interface Cause {
  readonly causeClass: CauseClass;
  readonly cause: string;
}

/** The first element that differs: first failing vector, first instruction in program order, first position. */
export interface Divergence {
  /** What ran: "full speed", "random stalls", ... or "inference". */
  readonly run: string;
  readonly layer: string;
  /** Name of the value in the program. */
  readonly value: string;
  readonly kind: "accumulator" | "stream" | "output";
  /** Flat position, row-major; and channel, the index of the last axis. */
  readonly position: number;
  readonly channel: number;
  /** Index of the vector, and which one it is, such as "sample 12" or "all-max". */
  readonly vector: number;
  readonly vectorName: string;
  /** Clock cycle of the run, Verilog only; of the last element that came where this one never did. */
  readonly cycle?: number;
  readonly expected: number;
  /** Null when the element never came. */
  readonly got: number | null;
  readonly causeClass: CauseClass;
  readonly cause: string;
}

/** One back end against the simulator. */
export interface BackendResult {
  readonly status: Status;
  /** Distinct vectors that ran. */
  readonly vectors: number;
  /** Compared integers that differ, every intermediate value included. */
  readonly mismatches: number;
  /** Why it failed or was skipped. */
  readonly reason?: string;
  readonly divergence?: Divergence;
  /** Of a failure that tells one: the divergence's, or `handshake` where the protocol, the framing or the cycles are wrong. */
  readonly causeClass?: CauseClass;
  /** Clock cycle of a failure that is no difference of integers: where a rule was broken, or the last beat moved. Verilog only. */
  readonly cycle?: number;
  /** Tool and version. */
  readonly tool?: string;
  /** Measured, Verilog only; compared with the manifest. */
  readonly latencyCycles?: number;
  readonly intervalCycles?: number;
}

export interface VerifyResult {
  readonly status: "passed" | "failed";
  readonly seed: number;
  /** Vectors by where they come from. */
  readonly vectors: { readonly samples: number; readonly synthetic: number };
  /** The simulator's own run; fails when known outputs of the samples differ. */
  readonly sim: BackendResult;
  readonly c?: BackendResult;
  readonly rtl?: BackendResult;
  /** Which branches of requantizations, thresholds, tables and argmaxes the vectors took that all back ends run. */
  readonly branches: BranchCoverage;
}

/** One line for people: where the first difference is, and why it may be there. */
export function describeDivergence(d: Divergence): string {
  const cycle = d.cycle === undefined ? "" : `, cycle ${d.cycle}`;
  const got = d.got === null ? "nothing" : `${d.got}`;
  const what = d.kind === "accumulator" ? "accumulator" : d.kind === "output" ? "output" : "value";
  return (
    `layer ${d.layer}, ${what} ${d.value}, channel ${d.channel}, position ${d.position}, ` +
    `${d.vectorName} (vector ${d.vector})${cycle}, ${d.run}: expected ${d.expected}, got ${got}; likely cause (${d.causeClass}): ${d.cause}`
  );
}
