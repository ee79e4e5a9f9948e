// Values of the training section that have arguments of their own: what is asked for, what is compared, how the
// weights move. In: values of the syntax tree. Out: parts of the training's specification.
import type {
  Limits,
  LossSpec,
  Objective,
  OptimizerSpec,
  RateSchedule,
  Surrogate,
  TrainingSpec,
} from "../graph/project.ts";
import type { Span } from "../support/source-file.ts";
import {
  type CallReader,
  callReader,
  choiceReader,
  constantReader,
  type Fields,
  listReader,
  type NamedValue,
  numberReader,
  readBlock,
  readFields,
  type Signature,
  type ValueReader,
} from "./read-fields.ts";
import type { Dimension } from "./units.ts";

/** A number of epochs; the unit may be left out. */
export const epochsReader = (min: number, example: string): ValueReader<number> =>
  numberReader({ dimension: "epochs", unitOptional: true, min, max: 100_000, whole: true, example });

const limit = (dimension: Dimension, max: number, example: string) =>
  numberReader({ dimension, min: 1, max, whole: true, example });

const budget = {
  fields: {
    bit_operations: limit("bit operations", 1e15, "budget(210 kbitops)"),
    ebops: limit("effective bit operations", 1e15, "budget(ebops: 100 kebops)"),
    weights: limit("bits", 1e12, "budget(weights: 60 kbits)"),
    luts: limit("look-up tables", 1e9, "budget(luts: 5000 luts)"),
    mean: numberReader({ dimension: "bits", min: 1, max: 8, example: "budget(mean: 2.5 bits)" }),
  },
  positional: ["bit_operations"],
  form: "budget(210 kbitops)",
} as const satisfies Signature<Fields>;

const readBudget: CallReader<Objective> = (call, context) => {
  const fields = readFields(call.args ?? [], budget, "budget", call.span, context);
  if (fields.places.size + fields.meant.size === 0 && !context.partial) {
    const parameters = { subject: "budget", key: "a limit", form: budget.form };
    context.collector.add("language/missing-key", parameters, { span: call.span });
  }
  const { bit_operations, ebops, weights, luts, mean } = fields.values;
  const limits: Limits = {
    ...(bit_operations === undefined ? {} : { bitOperations: bit_operations }),
    ...(ebops === undefined ? {} : { ebops }),
    ...(weights === undefined ? {} : { weightBits: weights }),
    ...(luts === undefined ? {} : { luts }),
    ...(mean === undefined ? {} : { meanWeightBits: mean }),
  };
  return { kind: "budget", limits };
};

const lossless = {
  fields: { epsilon: numberReader({ min: 1e-6, max: 1000, example: "lossless(0.01)" }) },
  positional: ["epsilon"],
  form: "lossless(0.01)",
} as const satisfies Signature<Fields>;

export const objective = choiceReader(
  "objective",
  new Map<string, CallReader<Objective>>([
    ["budget", readBudget],
    [
      "lossless",
      callReader("lossless", lossless, ({ epsilon }) => ({ kind: "lossless", epsilon: epsilon ?? null })),
    ],
  ]),
  "budget(210 kbitops)",
);

/** A loss with its factor among several, and the place of its weights, whose number depends on the model. */
export interface WrittenLoss {
  readonly spec: LossSpec;
  readonly weight: number;
  readonly weightsAt?: Span;
}

const weights = listReader(
  "numbers",
  numberReader({ min: 1e-6, max: 1e6, example: "weights: [1, 2.5]" }),
  "weights: [1, 2.5]",
);

const weight = numberReader({ min: 1e-6, max: 1e6, example: "mse(weight: 0.5)" });

const crossEntropy = {
  fields: { smoothing: numberReader({ min: 0, max: 0.99, example: "smoothing: 0.1" }), weights, weight },
  form: "cross_entropy(smoothing: 0.1)",
} as const satisfies Signature<Fields>;
const mse = { fields: { weights, weight }, form: "mse" } as const satisfies Signature<Fields>;
const huber = {
  fields: { delta: numberReader({ min: 1e-6, max: 1e6, example: "huber(1)" }), weights, weight },
  positional: ["delta"],
  form: "huber(1)",
} as const satisfies Signature<Fields>;

const written = (spec: LossSpec, weight: number, places: ReadonlyMap<string, Span>): WrittenLoss => {
  const weightsAt = places.get("weights");
  return { spec, weight, ...(weightsAt ? { weightsAt } : {}) };
};

const oneLoss = choiceReader(
  "loss",
  new Map<string, CallReader<WrittenLoss>>([
    [
      "cross_entropy",
      callReader("cross_entropy", crossEntropy, ({ smoothing = 0, weights = null, weight = 1 }, { places }) =>
        written({ kind: "cross-entropy", smoothing, weights }, weight, places),
      ),
    ],
    [
      "huber",
      callReader("huber", huber, ({ delta = 1, weights = null, weight = 1 }, { places }) =>
        written({ kind: "huber", delta, weights }, weight, places),
      ),
    ],
    [
      "mse",
      callReader("mse", mse, ({ weights = null, weight = 1 }, { places }) =>
        written({ kind: "mse", weights }, weight, places),
      ),
    ],
  ]),
  "loss: cross_entropy",
);

/** One loss for every output, or one for each by its name. */
export type WrittenLosses =
  | { readonly kind: "every"; readonly loss: WrittenLoss }
  | { readonly kind: "each"; readonly losses: readonly NamedValue<WrittenLoss>[] };

export const losses: ValueReader<WrittenLosses> = (value, subject, context) => {
  if (value.kind === "block")
    return { kind: "each", losses: readBlock(value.settings, oneLoss, subject, context) };
  const loss = oneLoss(value, subject, context);
  return loss && { kind: "every", loss };
};

/** An optimizer, and the weight decay that its name stands for. */
export interface WrittenOptimizer {
  readonly spec: OptimizerSpec;
  readonly weightDecay?: number;
}

const sgd = {
  fields: { momentum: numberReader({ min: 0, max: 0.9999, example: "sgd(momentum: 0.9)" }) },
  form: "sgd(momentum: 0.9)",
} as const satisfies Signature<Fields>;

export const optimizer = choiceReader(
  "optimizer",
  new Map<string, CallReader<WrittenOptimizer>>([
    ["adam", constantReader("adam", { spec: { kind: "adam" } })],
    ["adamw", constantReader("adamw", { spec: { kind: "adam" }, weightDecay: 0.01 })],
    ["radam", constantReader("radam", { spec: { kind: "radam" } })],
    ["sgd", callReader("sgd", sgd, ({ momentum = 0 }) => ({ spec: { kind: "sgd", momentum } }))],
  ]),
  "optimizer: adam",
);

const step = {
  fields: {
    epochs: epochsReader(1, "step(10 epochs)"),
    factor: numberReader({ min: 1e-6, max: 1, example: "step(10 epochs, factor: 0.1)" }),
  },
  positional: ["epochs"],
  required: ["epochs"],
  form: "step(10 epochs, factor: 0.1)",
} as const satisfies Signature<Fields>;

export const schedule = choiceReader(
  "schedule",
  new Map<string, CallReader<RateSchedule>>([
    ["constant", constantReader("constant", { kind: "constant" })],
    ["cosine", constantReader("cosine", { kind: "cosine" })],
    [
      "step",
      callReader("step", step, ({ epochs, factor = 0.1 }) =>
        epochs === undefined ? undefined : { kind: "step", epochs, factor },
      ),
    ],
  ]),
  "schedule: cosine",
);

const strength = (word: string, key: string, min: number) =>
  ({
    fields: { [key]: numberReader({ min, max: 100, example: `${word}(0.5)` }) },
    positional: [key],
    required: [key],
    form: `${word}(0.5)`,
  }) as const satisfies Signature<Fields>;

const regularized = (noise: "normal" | "uniform"): CallReader<Surrogate> =>
  callReader(noise, strength(noise, "sigma", 0.01), ({ sigma }) =>
    sigma === undefined ? undefined : { kind: "regularized", noise, sigma },
  );

/** The gradient of a discrete function: of the rounding, or of one activation. */
export const surrogate = choiceReader(
  "gradient",
  new Map<string, CallReader<Surrogate>>([
    [
      "ewgs",
      callReader("ewgs", strength("ewgs", "delta", 0), ({ delta }) =>
        delta === undefined ? undefined : { kind: "ewgs", delta },
      ),
    ],
    ["normal", regularized("normal")],
    ["straight_through", constantReader("straight_through", { kind: "straight-through" })],
    ["uniform", regularized("uniform")],
  ]),
  "gradient: straight_through",
);

const distill = {
  fields: {
    weight: numberReader({ min: 1e-6, max: 1, example: "distill(0.5)" }),
    temperature: numberReader({ min: 0.01, max: 1000, example: "distill(0.5, temperature: 2)" }),
  },
  positional: ["weight"],
  required: ["weight"],
  form: "distill(0.5, temperature: 2)",
} as const satisfies Signature<Fields>;

/** `none` is `"none"`: an absent value stands for an error. */
export const distillation = choiceReader(
  "distillation",
  new Map<string, CallReader<"none" | NonNullable<TrainingSpec["distillation"]>>>([
    [
      "distill",
      callReader("distill", distill, ({ weight, temperature = 2 }) =>
        weight === undefined ? undefined : { weight, temperature },
      ),
    ],
    ["none", constantReader("none", "none")],
  ]),
  "distillation: distill(0.5)",
);
