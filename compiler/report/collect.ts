// Result files -> report.json. A pure merge: nothing is computed here.
import type {
  DesignResult,
  ImportResult,
  Report,
  ReportSynthesis,
  ReportVerification,
  TrainResult,
} from "./results.ts";
import { REPORT_SCHEMA } from "./results.ts";

export interface StageResults {
  readonly train?: TrainResult | undefined;
  /** In the place of `train`, of a model whose file states its quantizers. */
  readonly imported?: ImportResult | undefined;
  readonly design?: DesignResult | undefined;
  readonly verify?: ReportVerification | undefined;
  /** By target. */
  readonly synth?: Readonly<Record<string, ReportSynthesis>> | undefined;
}

/** Merges what the stages left; undefined when none has run. */
export function collectReport({ train, imported, design, verify, synth }: StageResults): Report | undefined {
  const model = design?.model ?? train?.model ?? imported?.model;
  if (model === undefined) return undefined;
  const accuracy = train?.accuracy ?? imported?.accuracy;
  const quantized = design?.quantized ?? train?.quantized;
  return {
    schema: REPORT_SCHEMA,
    model,
    ...(train ? { seed: train.seed, backend: train.backend, float: train.float } : {}),
    ...(imported ? { seed: imported.seed } : {}),
    ...(quantized ? { quantized } : {}),
    ...(accuracy ? { accuracy } : {}),
    ...(imported ? { imported: imported.imported } : {}),
    ...(train ? { outcome: train.outcome, ledger: train.ledger, removed: train.removed } : {}),
    ...(design
      ? { layers: design.layers, totals: design.totals, hardware: design.hardware, c: design.c }
      : {}),
    ...(verify ? { verify } : {}),
    ...(synth ? { synth } : {}),
  };
}
