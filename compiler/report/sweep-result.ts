// sweep/sweep.json: the points of a sweep over budgets. The schema here is the published one.
import { z } from "zod";
import { formatSchema, scoreSchema } from "./results.ts";

export const SWEEP_SCHEMA = "noisefloor.sweep/1";

const count = z.number().int().nonnegative();
const scores = z.strictObject({ validation: scoreSchema, test: scoreSchema });

const point = z.strictObject({
  /** Bit operations that were allowed, and those that the network came to. */
  budget: count,
  bitOperations: count,
  weightBits: count,
  meanWeightBits: z.number(),
  ...scores.shape,
  /** No other point has fewer bit operations and a better validation score: accuracy, or loss without classes. */
  nonDominated: z.boolean(),
  /** What was in the way of more. */
  bound: z.string(),
  formats: z.array(
    z.strictObject({
      layer: z.string(),
      /** What is left of the layer. */
      inputs: count,
      units: count,
      weights: formatSchema,
      /** The tensor that enters the layer. */
      activations: formatSchema,
    }),
  ),
});
export type SweepPoint = z.infer<typeof point>;

export const sweepSchema = z.strictObject({
  schema: z.literal(SWEEP_SCHEMA),
  model: z.string(),
  seed: z.number().int(),
  backend: z.string(),
  identity: z.record(z.string(), z.string()),
  /** Of all points, in bit operations; those that are not in `points` are still to be trained. */
  budgets: z.array(count),
  /** The float network that all points share; null before the first point. */
  float: scores.nullable(),
  points: z.array(point),
});
export type SweepResult = z.infer<typeof sweepSchema>;
