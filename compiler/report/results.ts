// The result files that the stages leave in a build directory, and report.json, which is a pure merge of them.
// Schemas here are the published ones.
import { z } from "zod";

const count = z.number().int().nonnegative();
/**
 * Accuracy is a fraction in [0, 1], null where there are no classes; loss is the mean per sample. Of several outputs the
 * loss is the weighted sum, the accuracy null, and `outputs` has the figures of each.
 */
const outputScore = z.strictObject({ name: z.string(), accuracy: z.number().nullable(), loss: z.number() });
export const scoreSchema = z.strictObject({
  accuracy: z.number().nullable(),
  loss: z.number(),
  outputs: z.array(outputScore).readonly().optional(),
});
export const formatSchema = z.strictObject({
  /** bipolar: one bit b stands for (2b - 1) * 2^-fraction. */
  kind: z.enum(["int", "bipolar"]),
  width: count,
  fraction: z.union([z.number().int(), z.array(z.number().int())]),
  signed: z.boolean(),
});
/** snrBits is null when nothing is left of the signal. */
const tensor = formatSchema.extend({ snrBits: z.number().nullable() });
const backendStatus = z.enum(["passed", "failed", "skipped"]);

/** What another width of one tensor would change, without training again. */
const price = z.strictObject({
  width: count,
  /** Of the signal-to-noise ratio; null to and from bipolar. */
  decibels: z.number().nullable(),
  /** Of the mean loss on the validation samples. */
  loss: z.number(),
  bitOperations: z.number(),
});
/** A quantized tensor as training left it, in the tensor's own units. */
const tensorAccount = formatSchema.extend({
  /** Least and largest value of the format; of the widest channel. */
  min: z.number(),
  max: z.number(),
  /** Trained amplitude of the residue, and the measured one to be read beside it. */
  alpha: z.number(),
  residueRms: z.number(),
  rms: z.number(),
  std: z.number(),
  /** log2(rms / alpha) and log2(std / alpha); null when nothing is left of the signal. */
  snrBits: z.number().nullable(),
  varyingSnrBits: z.number().nullable(),
  /** One more and one less bit; null where there is no such format. */
  more: price.nullable(),
  less: price.nullable(),
});
const layerAccount = z.strictObject({
  name: z.string(),
  macs: count,
  bitOperations: count,
  /** Part of the network's bit operations, in [0, 1]. */
  share: z.number(),
  weights: tensorAccount,
  /** The tensor that enters the layer. */
  activations: tensorAccount.extend({
    elements: count,
    /** Information rate: max(0, varyingSnrBits) x elements, bits per inference. */
    informationBits: z.number(),
  }),
  pruned: z.strictObject({
    inputs: count,
    /** Of `inputs`, those that were constant over the training samples. */
    constantInputs: count,
    /** Of `inputs`, those above their noise that bit allocation took to meet its bound. */
    allocatedInputs: count,
    outputs: count,
    /** Of `outputs`, by bit allocation. */
    allocatedOutputs: count,
    weights: count,
    bitOperations: count,
    /** Of `bitOperations`, by constant inputs. */
    constantBitOperations: count,
    /** Of `bitOperations`, by bit allocation. */
    allocatedBitOperations: count,
  }),
});
export type TensorAccount = z.infer<typeof tensorAccount>;
export type LayerAccount = z.infer<typeof layerAccount>;

/** A layer that went with a branch that carried nothing above its noise; bit operations by the widths it would have got. */
const removedLayer = z.strictObject({ name: z.string(), weights: count, macs: count, bitOperations: count });
export type RemovedLayerAccount = z.infer<typeof removedLayer>;

const outcome = z.strictObject({
  objective: z.enum(["budget", "lossless"]),
  /** Which constraint was in the way. */
  bound: z.string(),
  limits: z.array(z.strictObject({ limit: z.string(), asked: z.number(), reached: z.number() })),
  /** Loss of the integers minus that of float on the validation samples; `upper` is the 95 % bound. */
  difference: z
    .strictObject({
      mean: z.number(),
      standardError: z.number(),
      upper: z.number(),
      epsilon: z.number(),
      holds: z.boolean(),
    })
    .nullable(),
});

/** There was nothing to compare with: losses, where there are any, are mean square distances from the float network's outputs. */
const accuracy = z.literal("unknown");

export const TRAIN_RESULT_SCHEMA = "noisefloor.train-result/3";
export const IMPORT_RESULT_SCHEMA = "noisefloor.import-result/1";
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
  float: scoreSchema,
  quantized: scoreSchema,
  ledger: z.array(layerAccount),
  removed: z.array(removedLayer),
  outcome,
  accuracy: accuracy.optional(),
});
export type TrainResult = z.infer<typeof trainResultSchema>;

const numbers = z.union([z.number(), z.array(z.number())]);

/** What came in with a model whose file states its quantizers. */
const imported = z.strictObject({
  /** Such as "onnx 13". */
  format: z.string(),
  /** Of all that was read of the model. */
  digest: z.string(),
  /** value = (integer - zeroPoint) * scale, one each or one for each channel. */
  inputs: z.array(
    z.strictObject({
      name: z.string(),
      shape: z.array(count),
      signed: z.boolean(),
      width: count,
      scale: numbers,
      zeroPoint: numbers,
      /** default: neither the file nor the user said it. */
      statedBy: z.enum(["file", "user", "default"]),
    }),
  ),
  /** value = integer * scale + offset, one each or one for each channel. */
  outputs: z.array(
    z.strictObject({
      name: z.string(),
      value: z.string(),
      role: z.enum(["logits", "class", "value"]),
      shape: z.array(count),
      scale: numbers,
      offset: numbers,
    }),
  ),
  /** Formats that the file states, by its nodes. */
  formats: z.array(z.strictObject({ node: z.string(), formats: z.array(z.string()) })),
  /** What runs through the integers: samples of the user's, or random integers of the inputs. */
  samples: z.strictObject({ count, from: z.enum(["data", "random"]) }),
});
export type ImportAccount = z.infer<typeof imported>;

/** import/result.json: what reading and lowering such a model leaves for the report. */
export const importResultSchema = z.strictObject({
  schema: z.literal(IMPORT_RESULT_SCHEMA),
  model: z.string(),
  seed: z.number().int(),
  /** SHA-256 of the other files that the import leaves, by path from the build directory. */
  files: z.record(z.string(), z.string()),
  imported,
  accuracy: accuracy.optional(),
});
export type ImportResult = z.infer<typeof importResultSchema>;

/** Of a model whose file states its quantizers there is no noise, and no binary point but the scales of its ports. */
const layerTensor = tensor.partial({ snrBits: true, fraction: true });
const layer = z.strictObject({
  name: z.string(),
  kind: z.string(),
  macs: count,
  weights: layerTensor,
  activations: layerTensor,
  accumulatorWidth: count,
  pruned: z.strictObject({ inputs: count, outputs: count, weights: count }).optional(),
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
  quantized: scoreSchema.optional(),
  layers: z.array(layer),
  totals,
  hardware,
  c,
});
export type DesignResult = z.infer<typeof designResultSchema>;

const causeClass = z.enum(["wrap", "rounding", "order", "address", "handshake", "constant", "unknown"]);

/** The first element that differs, as verify/result.ts has it. */
const divergence = z.strictObject({
  run: z.string(),
  layer: z.string(),
  value: z.string(),
  kind: z.enum(["accumulator", "stream", "output"]),
  position: count,
  channel: count,
  vector: z.number().int(),
  vectorName: z.string(),
  cycle: count.optional(),
  expected: z.number().nullable(),
  got: z.number().nullable(),
  causeClass,
  cause: z.string(),
});

const backend = z.strictObject({
  status: backendStatus,
  vectors: count,
  mismatches: count.optional(),
  reason: z.string().optional(),
  causeClass: causeClass.optional(),
  /** Clock cycle of a failure that is no difference of integers. */
  cycle: count.optional(),
  divergence: divergence.optional(),
  latencyCycles: count.optional(),
  intervalCycles: count.optional(),
});

/** Of one kind of instruction: branches that the bounds of its operands allow, and those that some vector took. */
const taken = z.strictObject({ possible: count, reached: count });

/**
 * Branches that the vectors took which all back ends run: how requantizations round, cut and saturate, the levels of thresholds,
 * the entries of tables, ties of argmaxes.
 */
const branches = z.strictObject({
  vectors: count,
  requantize: taken.optional(),
  threshold: taken.optional(),
  table: taken.optional(),
  argmax: taken.optional(),
  /** Branches that no vector took, the first of each instruction. */
  missing: z.array(
    z.strictObject({
      op: z.string(),
      layer: z.string(),
      value: z.string(),
      branches: z.array(z.string()),
    }),
  ),
});
export type ReportBranches = z.infer<typeof branches>;

/** What report.json keeps of verify/result.json, and of the netlist of each target and of each board. */
const verification = z.strictObject({
  sim: backend.optional(),
  c: backend.optional(),
  rtl: backend.optional(),
  branches: branches.optional(),
  netlist: z.record(z.string(), backend).optional(),
  /** The known-answer test of each board, simulated on its serial line. */
  board: z.record(z.string(), backend).optional(),
});

const resources = z.strictObject({ lut: count, ff: count, dsp: count, bram: count });
const laterStep = z.strictObject({
  step: z.string(),
  tool: z.string(),
  status: z.enum(["done", "left out", "failed"]),
  reason: z.string().optional(),
});

/** The board that figures are of, its serial line included. */
const boardResult = z.strictObject({
  name: z.string(),
  title: z.string(),
  oscillatorMHz: z.number(),
  baud: count,
  /** By the cycle contract of the core, and of frames on the serial line. */
  inferencesPerSecond: z.strictObject({ core: count, line: count }),
});

/** flow/<target>/result.json, or flow/<board>/: what synthesis leaves for the report. */
export const synthResultSchema = z.strictObject({
  schema: z.literal("noisefloor.synth-result/1"),
  target: z.string(),
  part: z.string(),
  seed: z.number().int(),
  used: resources,
  has: resources,
  countedBy: z.string(),
  cells: z.record(z.string(), count),
  clockMHz: z.number(),
  fmaxMHz: z.number().nullable(),
  timedBy: z.string().optional(),
  placed: resources.partial().optional(),
  board: boardResult.optional(),
  steps: z.array(laterStep),
  files: z.record(z.string(), z.string()),
});

/** What report.json keeps of it: what the core, or its board's top module, takes of the part, in the target's own units. */
const synthesis = z.strictObject({
  ...resources.shape,
  /** Null where nothing was placed and routed. */
  fmaxMHz: z.number().nullable(),
  part: z.string(),
  /** What the part has of each. */
  has: resources,
  fits: z.boolean(),
  countedBy: z.string(),
  timedBy: z.string().optional(),
  /** The clock that was built for; stated where a board's may differ from the model's. */
  clockMHz: z.number().optional(),
  /** Absent for a core alone. */
  board: boardResult.optional(),
  steps: z.array(laterStep),
});
export type ReportSynthesis = z.infer<typeof synthesis>;

/** report.json. A stage that was never asked for is absent. */
export const reportSchema = z.strictObject({
  schema: z.literal(REPORT_SCHEMA),
  model: z.string(),
  seed: z.number().int().optional(),
  backend: z.string().optional(),
  float: scoreSchema.optional(),
  quantized: scoreSchema.optional(),
  accuracy: accuracy.optional(),
  imported: imported.optional(),
  /** How the objective ended, and the accounts of each layer's bits. */
  outcome: outcome.optional(),
  ledger: z.array(layerAccount).optional(),
  removed: z.array(removedLayer).optional(),
  layers: z.array(layer).optional(),
  totals: totals.optional(),
  hardware: hardware.optional(),
  c: c.optional(),
  verify: verification.optional(),
  synth: z.record(z.string(), synthesis).optional(),
});
export type Report = z.infer<typeof reportSchema>;
export type ReportVerification = z.infer<typeof verification>;
