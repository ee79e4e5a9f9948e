// Result files -> report.json. A pure merge: nothing is computed here.
import type { DesignResult, Report, ReportVerification, TrainResult } from "./results.ts";
import { REPORT_SCHEMA } from "./results.ts";

export interface StageResults {
  readonly train?: TrainResult | undefined;
  readonly design?: DesignResult | undefined;
  readonly verify?: ReportVerification | undefined;
}

/** Merges what the stages left; undefined when none has run. */
export function collectReport({ train, design, verify }: StageResults): Report | undefined {
  const model = design?.model ?? train?.model;
  if (model === undefined) return undefined;
  const quantized = design?.quantized ?? train?.quantized;
  return {
    schema: REPORT_SCHEMA,
    model,
    ...(train ? { seed: train.seed, backend: train.backend, float: train.float } : {}),
    ...(quantized ? { quantized } : {}),
    ...(train?.accuracy ? { accuracy: train.accuracy } : {}),
    ...(train ? { outcome: train.outcome, ledger: train.ledger, removed: train.removed } : {}),
    ...(design
      ? { layers: design.layers, totals: design.totals, hardware: design.hardware, c: design.c }
      : {}),
    ...(verify ? { verify } : {}),
  };
}
