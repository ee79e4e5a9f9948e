// The result files that the stages leave in a build directory, and report.json, which is a pure merge of them.
// Schemas here are the published ones.
import { z } from "zod";

const count = z.number().int().nonnegative();
const score = z.strictObject({ accuracy: z.number(), loss: z.number() });
const tensor = z.strictObject({
  snrBits: z.number().nullable(),
  width: count,
  fraction: z.union([z.number().int(), z.array(z.number().int())]),
  signed: z.boolean(),
});
const backendStatus = z.enum(["passed", "failed", "skipped"]);

export const TRAIN_RESULT_SCHEMA = "noisefloor.train-result/1";
export const DESIGN_RESULT_SCHEMA = "noisefloor.design-result/1";
export const REPORT_SCHEMA = "noisefloor.report/1";

/** train/result.json: what training leaves for the report, on the test split. */
export const trainResultSchema = z.strictObject({
  schema: z.literal(TRAIN_RESULT_SCHEMA),
  model: z.string(),
  seed: z.number().int(),
  backend: z.string(),
  identity: z.record(z.string(), z.string()),
  /** SHA-256 of the other files that training leaves, by path from the build directory. */
  files: z.record(z.string(), z.string()),
  float: score,
  quantized: score,
  noise: z.record(
    z.string(),
    z.strictObject({ weights: z.number().nullable(), activations: z.number().nullable() }),
  ),
});
export type TrainResult = z.infer<typeof trainResultSchema>;

const layer = z.strictObject({
  name: z.string(),
  kind: z.string(),
  macs: count,
  weights: tensor,
  activations: tensor,
  accumulatorWidth: count,
  pruned: z.strictObject({ inputs: count, outputs: count, weights: count }),
});
export type ReportLayer = z.infer<typeof layer>;

const totals = z.strictObject({
  parameters: count,
  weightBits: count,
  biasBits: count,
  meanWeightBits: z.number(),
  bitOperations: count,
  ebops: count,
});
const hardware = z.strictObject({
  architecture: z.literal("folded"),
  latencyCycles: count,
  intervalCycles: count,
  clockMHz: z.number(),
});
const c = z.strictObject({
  ramBytes: count,
  flashBytes: count,
  codeBytes: count.optional(),
  stackBytes: count.optional(),
  compiler: z.string().optional(),
});

/** design/result.json: what compiling leaves for the report. */
export const designResultSchema = z.strictObject({
  schema: z.literal(DESIGN_RESULT_SCHEMA),
  model: z.string(),
  quantized: score.optional(),
  layers: z.array(layer),
  totals,
  hardware,
  c,
});
export type DesignResult = z.infer<typeof designResultSchema>;

const backend = z.strictObject({
  status: backendStatus,
  vectors: count,
  mismatches: count.optional(),
  reason: z.string().optional(),
  latencyCycles: count.optional(),
  intervalCycles: count.optional(),
});

/** What report.json keeps of verify/result.json. */
const verification = z.strictObject({
  sim: backend.optional(),
  c: backend.optional(),
  rtl: backend.optional(),
});

/** report.json. A stage that was never asked for is absent. */
export const reportSchema = z.strictObject({
  schema: z.literal(REPORT_SCHEMA),
  model: z.string(),
  seed: z.number().int().optional(),
  backend: z.string().optional(),
  float: score.optional(),
  quantized: score.optional(),
  layers: z.array(layer).optional(),
  totals: totals.optional(),
  hardware: hardware.optional(),
  c: c.optional(),
  verify: verification.optional(),
});
export type Report = z.infer<typeof reportSchema>;
export type ReportVerification = z.infer<typeof verification>;
