// The train section: its keys, defaults and limits. In: its syntax tree. Out: how to train, without what belongs to
// single layers, and what the data has to hold for it.
import type { LossSpec, TrainingSpec } from "../graph/project.ts";
import type { Span } from "../support/source-file.ts";
import type { SettingNode } from "./ast.ts";
import { augmentation, type WrittenAugmentation } from "./augmentation.ts";
import {
  type CheckContext,
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
  loss,
  objective,
  optimizer,
  schedule,
  surrogate,
} from "./training-values.ts";

/** A section as written: its settings and the place of its name. */
export interface SectionInput {
  readonly settings: readonly SettingNode[];
  readonly at: Span;
}

const train = {
  fields: {
    objective,
    loss,
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

/** The training as the section asks for it; layers and activations add their own. */
export type SectionTraining = Omit<TrainingSpec, "layers" | "surrogates">;

/** What the language reference says of keys that are left out. */
const TRAINING_DEFAULTS: SectionTraining = {
  objective: { kind: "lossless", epsilon: null },
  loss: { kind: "cross-entropy", smoothing: 0, weights: null },
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

/** What the samples have to hold beside their inputs, and the setting that asks for it. */
export interface Answers {
  readonly needed: "labels" | "targets" | "nothing";
  readonly because: string;
}

export interface CheckedTraining {
  readonly spec: SectionTraining;
  readonly places: FieldValues<Fields>["places"];
  /** Undefined when an error hides it; the loss and the target are then not to be relied on. */
  readonly answers?: Answers;
  /** Place of the factors of classes or outputs. */
  readonly weightsAt?: Span;
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
  const loss: LossSpec = target === "float" ? { kind: "mse", weights: null } : d.loss;
  const spec: SectionTraining = {
    objective: values.objective ?? d.objective,
    loss: values.loss?.spec ?? loss,
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
  const answers = unread || context.partial ? undefined : answersOf(spec, places, context);
  const weightsAt = values.loss?.weightsAt;
  return {
    spec,
    places,
    ...(answers ? { answers } : {}),
    ...(weightsAt ? { weightsAt } : {}),
    changes: values.augment?.places ?? new Map(),
  };
}

function answersOf(
  { loss, target }: SectionTraining,
  places: ReadonlyMap<string, Span>,
  context: CheckContext,
): Answers | undefined {
  const because = `loss: ${LOSS_WORDS[loss.kind]}`;
  if (target === "float" && loss.kind === "cross-entropy") {
    const span = places.get("loss")!;
    context.collector.add("language/float-without-classes", {}, { span });
    return undefined;
  }
  if (target === "float") return { needed: "nothing", because: "target: float" };
  if (target === "input" && loss.kind === "cross-entropy") {
    const span = places.get("target")!;
    context.collector.add("language/input-without-classes", {}, { span });
    return undefined;
  }
  if (target === "input") return { needed: "nothing", because: "target: input" };
  return { needed: loss.kind === "cross-entropy" ? "labels" : "targets", because };
}
