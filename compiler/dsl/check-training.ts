// The train section: its keys, defaults and limits. In: its syntax tree. Out: how to train, without what belongs to
// single layers, and what the data has to hold for it.
import type { LossSpec, TrainingSpec } from "../graph/project.ts";
import type { Span } from "../support/source-file.ts";
import type { SettingNode } from "./ast.ts";
import { augmentation, type WrittenAugmentation } from "./augmentation.ts";
import {
  type CheckContext,
  checkNames,
  type Fields,
  type FieldValues,
  numberReader,
  readFields,
  type Signature,
  wordReader,
} from "./read-fields.ts";
import {
  distillation,
  epochsReader,
  losses,
  objective,
  optimizer,
  schedule,
  surrogate,
  type WrittenLoss,
  type WrittenLosses,
} from "./training-values.ts";

/** A section as written: its settings and the place of its name. */
export interface SectionInput {
  readonly settings: readonly SettingNode[];
  readonly at: Span;
}

const train = {
  fields: {
    objective,
    loss: losses,
    target: wordReader("target", ["data", "input"]),
    float: epochsReader(0, "float: 6 epochs"),
    noise: epochsReader(1, "noise: 6 epochs"),
    rounding: epochsReader(1, "rounding: 6 epochs"),
    batch: numberReader({
      dimension: "samples",
      unitOptional: true,
      min: 1,
      max: 65536,
      whole: true,
      example: "batch: 128 samples",
    }),
    optimizer,
    weight_decay: numberReader({ min: 0, max: 1, example: "weight_decay: 0.0001" }),
    learning_rate: numberReader({ min: 1e-7, max: 1, example: "learning_rate: 0.001" }),
    schedule,
    patience: epochsReader(1, "patience: 5 epochs"),
    seed: numberReader({ min: 0, max: 2 ** 32 - 1, whole: true, example: "seed: 1" }),
    augment: augmentation,
    augment_until: numberReader({ dimension: "ratio", min: 0, max: 100, example: "augment_until: 75 %" }),
    normalize: wordReader("normalization", ["none", "tensor", "element"]),
    search: wordReader("search", ["noise", "rounding"]),
    gradient: surrogate,
    distillation,
  },
  form: "train { objective: budget(210 kbitops) }",
} as const satisfies Signature<Fields>;

/** Of a model that comes with its weights: no float phase, and no epochs at all for calibration alone. */
const trainImported = {
  fields: {
    ...withoutKeys(train.fields, "float", "normalize"),
    target: wordReader("target", ["data", "input", "float"]),
    noise: epochsReader(0, "noise: 6 epochs"),
    rounding: epochsReader(0, "rounding: 6 epochs"),
  },
  form: "train { noise: 4 epochs, rounding: 8 epochs }",
} as const satisfies Signature<Fields>;

function withoutKeys<F extends Fields, K extends keyof F>(fields: F, ...keys: readonly K[]): Omit<F, K> {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => !keys.includes(key as K))) as Omit<F, K>;
}

/** The training as the section asks for it; outputs, layers and activations add their own. */
export type SectionTraining = Omit<TrainingSpec, "losses" | "layers" | "surrogates">;

/** For every output of a model that is trained, and of one that is compared with its float network. */
const DEFAULT_LOSSES: Readonly<Record<"trained" | "float", WrittenLosses>> = {
  trained: {
    kind: "every",
    loss: { spec: { kind: "cross-entropy", smoothing: 0, weights: null }, weight: 1 },
  },
  float: { kind: "every", loss: { spec: { kind: "mse", weights: null }, weight: 1 } },
};

/** What the language reference says of keys that are left out. */
const TRAINING_DEFAULTS: SectionTraining = {
  objective: { kind: "lossless", epsilon: null },
  target: "data",
  epochs: { float: 0, noise: 12, rounding: 24 },
  batch: 256,
  optimizer: { kind: "adam" },
  weightDecay: 0,
  learningRate: 3e-3,
  schedule: { kind: "cosine" },
  patience: null,
  seed: 1,
  augment: { shiftPixels: 0, flip: "none", noise: 0 },
  augmentUntil: 1,
  normalize: "none",
  search: "noise",
  gradient: null,
  distillation: null,
};

type Values<S extends { readonly fields: Fields }> = FieldValues<S["fields"]>["values"];
type ImportedValues = Omit<Values<typeof train>, "target"> & Pick<Values<typeof trainImported>, "target">;

/** How a loss is written. */
export const LOSS_WORDS: Readonly<Record<LossSpec["kind"], string>> = {
  "cross-entropy": "cross_entropy",
  huber: "huber",
  mse: "mse",
};

/** What the samples have to hold for an output, and the setting that asks for it. */
export interface Answers {
  readonly needed: "labels" | "targets" | "nothing";
  readonly because: string;
}

/** What one output is compared by and with. */
export interface CheckedLoss extends WrittenLoss {
  /** Where the loss is written; absent where it is the default. */
  readonly at?: Span;
  readonly answers: Answers;
}

export interface CheckedTraining {
  readonly spec: SectionTraining;
  readonly places: FieldValues<Fields>["places"];
  /** Undefined when an error hides them; the target is then not to be relied on. */
  readonly losses?: WrittenLosses;
  readonly changes: WrittenAugmentation["places"];
}

/** Defaults of a model that comes with its weights. Without data it is compared with itself. */
function importedDefaults(hasData: boolean): SectionTraining {
  return {
    ...TRAINING_DEFAULTS,
    epochs: { baseline: 0, float: 0, noise: 0, rounding: 0 },
    target: hasData ? "data" : "float",
  };
}

/**
 * Checks the training section. After an error a default stands in for what it hides. `imported` says of a model that comes
 * with its weights whether there is a data section.
 */
export function checkTraining(
  section: SectionInput,
  imported: { readonly hasData: boolean } | null,
  context: CheckContext,
): CheckedTraining {
  // The second has all of the first's keys but two, which are then absent.
  const signature = (imported ? trainImported : train) as typeof train;
  const read = readFields(section.settings, signature, "train", section.at, context);
  const { places, meant } = read;
  const values: ImportedValues = read.values;
  const d = imported ? importedDefaults(imported.hasData) : TRAINING_DEFAULTS;
  const target = values.target ?? d.target;
  const losses = DEFAULT_LOSSES[target === "float" ? "float" : "trained"];
  const spec: SectionTraining = {
    objective: values.objective ?? d.objective,
    target,
    epochs: {
      ...d.epochs,
      float: values.float ?? d.epochs.float,
      noise: values.noise ?? d.epochs.noise,
      rounding: values.rounding ?? d.epochs.rounding,
    },
    batch: values.batch ?? d.batch,
    optimizer: values.optimizer?.spec ?? d.optimizer,
    weightDecay: values.weight_decay ?? values.optimizer?.weightDecay ?? d.weightDecay,
    learningRate: values.learning_rate ?? d.learningRate,
    schedule: values.schedule ?? d.schedule,
    patience: values.patience ?? d.patience,
    seed: values.seed ?? d.seed,
    augment: { ...d.augment, ...values.augment?.spec },
    augmentUntil: values.augment_until === undefined ? d.augmentUntil : values.augment_until / 100,
    normalize: values.normalize ?? d.normalize,
    search: values.search ?? d.search,
    gradient: values.gradient ?? d.gradient,
    distillation: values.distillation === "none" ? null : (values.distillation ?? d.distillation),
  };
  const unread = (["loss", "target"] as const).some(
    (key) => meant.has(key) || (places.has(key) && values[key] === undefined),
  );
  return {
    spec,
    places,
    ...(unread || context.partial ? {} : { losses: values.loss ?? losses }),
    changes: values.augment?.places ?? new Map(),
  };
}

/** The loss of an output together with what it needs; undefined after an error that it reported. */
function checkedLoss(
  loss: WrittenLoss,
  at: Span | undefined,
  { spec: { target }, places }: CheckedTraining,
  context: CheckContext,
): CheckedLoss | undefined {
  const isOfClasses = loss.spec.kind === "cross-entropy";
  if (target === "float" && isOfClasses) {
    context.collector.add("language/float-without-classes", {}, { span: at! });
    return undefined;
  }
  if (target === "input" && isOfClasses) {
    context.collector.add("language/input-without-classes", {}, { span: places.get("target")! });
    return undefined;
  }
  const answers: Answers =
    target !== "data"
      ? { needed: "nothing", because: `target: ${target}` }
      : { needed: isOfClasses ? "labels" : "targets", because: `loss: ${LOSS_WORDS[loss.spec.kind]}` };
  return { ...loss, ...(at ? { at } : {}), answers };
}

const LOSSES_FORM = "loss: { thing: cross_entropy, place: mse(weight: 0.5) }";

/**
 * The loss of every output, in their order; undefined after an error. Where an error hides the outputs, the one that is
 * meant for every output.
 */
export function lossesOf(
  training: CheckedTraining,
  outputs: readonly string[] | undefined,
  context: CheckContext,
): readonly CheckedLoss[] | undefined {
  const { losses, places } = training;
  if (!losses) return undefined;
  const at = places.get("loss");
  if (losses.kind === "every") {
    const one = checkedLoss(losses.loss, at, training, context);
    return one && (outputs?.map(() => one) ?? [one]);
  }
  if (!outputs) return undefined;
  if (!checkNames(losses.losses, outputs, "loss", LOSSES_FORM, at!, context)) return undefined;
  const found = outputs.map((output) => {
    const { value, span } = losses.losses.find(({ name }) => name === output)!;
    return value && checkedLoss(value, span, training, context);
  });
  return found.every((loss) => loss !== undefined) ? found : undefined;
}
