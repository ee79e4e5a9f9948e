// The sections data, train and hardware: their keys, defaults and limits. In: their syntax trees. Out: what they
// ask for. Whether files exist is asked for once each.
import type { DataFile, DataSpec, HardwareSpec, TrainingSpec } from "../graph/project.ts";
import type { Span } from "../support/source-file.ts";
import type { NameNode, SettingNode } from "./ast.ts";
import {
  type CallReader,
  type CheckContext,
  choiceReader,
  type Fields,
  type FieldValues,
  numberReader,
  readFields,
  type Signature,
  textListReader,
  textReader,
  wordReader,
} from "./read-fields.ts";

/** The files that a model may name. */
export interface FileQueries {
  /**
   * Paths are as written: relative to the model file, or `npm:package/path`. `badPath` says what is wrong with one
   * that cannot name a file.
   */
  exists(
    path: string,
  ): "found" | "missing" | { readonly missingPackage: string } | { readonly badPath: string };
}

const path = textReader('"flowers.csv"');
const key = textReader('"label"');
const files = { path, labels: path };

const FORMS = {
  idx: 'idx("images-idx3-ubyte", labels: "labels-idx1-ubyte")',
  npy: 'npy("inputs.npy", labels: "labels.npy")',
  npz: 'npz("samples.npz", inputs: "x", labels: "y")',
  csv: 'csv("flowers.csv", label: "kind", features: ["width", "height"])',
  json: 'json("samples.json", inputs: "inputs", labels: "labels")',
};

const pair = (format: "idx" | "npy") =>
  ({ fields: files, positional: ["path"], required: ["path", "labels"], form: FORMS[format] }) as const;
const arrays = (format: "npz" | "json") =>
  ({
    fields: { path, inputs: key, labels: key },
    positional: ["path"],
    required: ["path"],
    form: FORMS[format],
  }) as const;
const csv = {
  fields: { path, label: key, features: textListReader('features: ["width", "height"]') },
  positional: ["path"],
  required: ["path", "label"],
  form: FORMS.csv,
} as const satisfies Signature<Fields>;

/** A data file as read, with the places of its paths. */
interface WrittenFile {
  readonly file: DataFile;
  readonly paths: readonly NameNode[];
}

function readPair(format: "idx" | "npy"): CallReader<WrittenFile> {
  return (call, context) => {
    const { values } = readFields(call.args ?? [], pair(format), format, call.span, context);
    if (!values.path || !values.labels) return undefined;
    const file: DataFile = { format, path: values.path.text, labels: values.labels.text, span: call.span };
    return { file, paths: [values.path, values.labels] };
  };
}

function readArrays(format: "npz" | "json", inputs: string, labels: string): CallReader<WrittenFile> {
  return (call, context) => {
    const { values } = readFields(call.args ?? [], arrays(format), format, call.span, context);
    if (!values.path) return undefined;
    const inputKeys = [values.inputs?.text ?? inputs];
    const labelKey = values.labels?.text ?? labels;
    const file: DataFile = { format, path: values.path.text, inputKeys, labelKey, span: call.span };
    return { file, paths: [values.path] };
  };
}

const readCsv: CallReader<WrittenFile> = (call, context) => {
  const { values } = readFields(call.args ?? [], csv, "csv", call.span, context);
  if (!values.path || !values.label) return undefined;
  const chosen = values.features ? { inputKeys: values.features } : {};
  const labelKey = values.label.text;
  const file: DataFile = { format: "csv", path: values.path.text, labelKey, ...chosen, span: call.span };
  return { file, paths: [values.path] };
};

const dataFile = choiceReader(
  "data format",
  new Map<string, CallReader<WrittenFile>>([
    ["csv", readCsv],
    ["idx", readPair("idx")],
    ["json", readArrays("json", "inputs", "labels")],
    ["npy", readPair("npy")],
    ["npz", readArrays("npz", "x", "y")],
  ]),
  FORMS.csv,
);

const data = {
  fields: {
    train: dataFile,
    test: dataFile,
    validation: numberReader({
      dimension: "samples",
      unitOptional: true,
      min: 1,
      max: 1e9,
      whole: true,
      example: "validation: 5000 samples",
    }),
  },
  required: ["train", "test", "validation"],
  form: `data { train: ${FORMS.idx}, test: idx(...), validation: 5000 samples }`,
} as const satisfies Signature<Fields>;

function checkPaths(written: readonly WrittenFile[], queries: FileQueries, context: CheckContext): void {
  const answers = new Map<string, ReturnType<FileQueries["exists"]>>();
  for (const { text, span } of written.flatMap((w) => w.paths)) {
    const answer = answers.get(text) ?? queries.exists(text);
    answers.set(text, answer);
    if (answer === "missing") context.collector.add("data/missing-file", { path: text }, { span });
    else if (typeof answer === "object" && "badPath" in answer) {
      context.collector.add("data/bad-path", { path: text, problem: answer.badPath }, { span });
    } else if (typeof answer === "object") {
      context.collector.add("data/missing-package", { path: text, package: answer.missingPackage }, { span });
    }
  }
}

/** A section as written: its settings and the place of its name. */
export interface SectionInput {
  readonly settings: readonly SettingNode[];
  readonly at: Span;
}

/** Checks the data section; undefined after an error. */
export function checkData(
  section: SectionInput,
  queries: FileQueries,
  context: CheckContext,
): DataSpec | undefined {
  const { values } = readFields(section.settings, data, "data", section.at, context);
  const { train, test, validation } = values;
  checkPaths(
    [train, test].filter((file) => file !== undefined),
    queries,
    context,
  );
  if (!train || !test || validation === undefined) return undefined;
  return { train: train.file, test: test.file, validation };
}

const epochs = (name: string, min: number) =>
  numberReader({
    dimension: "epochs",
    unitOptional: true,
    min,
    max: 100_000,
    whole: true,
    example: `${name}: 6 epochs`,
  });

const budget = {
  fields: {
    limit: numberReader({
      dimension: "bit operations",
      min: 1,
      max: 1e15,
      whole: true,
      example: "budget(210 kbitops)",
    }),
  },
  positional: ["limit"],
  required: ["limit"],
  form: "budget(210 kbitops)",
} as const satisfies Signature<Fields>;

const objective = choiceReader(
  "objective",
  new Map<string, CallReader<TrainingSpec["objective"]>>([
    [
      "budget",
      (call, context) => {
        const { limit } = readFields(call.args ?? [], budget, "budget", call.span, context).values;
        return limit === undefined ? undefined : { kind: "budget", bitOperations: limit };
      },
    ],
  ]),
  "budget(210 kbitops)",
);

const shift = {
  fields: {
    distance: numberReader({ dimension: "pixels", min: 1, max: 64, whole: true, example: "shift(1 px)" }),
  },
  positional: ["distance"],
  required: ["distance"],
  form: "shift(1 px)",
} as const satisfies Signature<Fields>;

const augment = choiceReader(
  "augmentation",
  new Map<string, CallReader<number>>([
    [
      "none",
      (call, context) => {
        readFields(call.args ?? [], { fields: {}, form: "none" }, "none", call.span, context);
        return 0;
      },
    ],
    [
      "shift",
      (call, context) => readFields(call.args ?? [], shift, "shift", call.span, context).values.distance,
    ],
  ]),
  "shift(1 px)",
);

const train = {
  fields: {
    objective,
    float: epochs("float", 0),
    noise: epochs("noise", 1),
    rounding: epochs("rounding", 1),
    batch: numberReader({
      dimension: "samples",
      unitOptional: true,
      min: 1,
      max: 65536,
      whole: true,
      example: "batch: 128 samples",
    }),
    learning_rate: numberReader({ min: 1e-7, max: 1, example: "learning_rate: 0.001" }),
    seed: numberReader({ min: 0, max: 2 ** 32 - 1, whole: true, example: "seed: 1" }),
    augment,
  },
  required: ["objective"],
  form: "train { objective: budget(210 kbitops) }",
} as const satisfies Signature<Fields>;

/** What the language reference says of keys that are left out. */
const TRAINING_DEFAULTS = {
  epochs: { float: 4, noise: 12, rounding: 24 },
  batch: 256,
  learningRate: 3e-3,
  seed: 1,
  shiftPixels: 0,
};

export interface CheckedTraining {
  readonly spec: TrainingSpec;
  readonly places: FieldValues<Fields>["places"];
}

/** Checks the training section; undefined after an error. */
export function checkTraining(section: SectionInput, context: CheckContext): CheckedTraining | undefined {
  const { values, places } = readFields(section.settings, train, "train", section.at, context);
  if (!values.objective) return undefined;
  const d = TRAINING_DEFAULTS;
  const spec: TrainingSpec = {
    objective: values.objective,
    epochs: {
      float: values.float ?? d.epochs.float,
      noise: values.noise ?? d.epochs.noise,
      rounding: values.rounding ?? d.epochs.rounding,
    },
    batch: values.batch ?? d.batch,
    learningRate: values.learning_rate ?? d.learningRate,
    seed: values.seed ?? d.seed,
    shiftPixels: values.augment ?? d.shiftPixels,
  };
  return { spec, places };
}

const hardware = {
  fields: {
    clock: numberReader({ dimension: "frequency", min: 1e-3, max: 1e4, example: "clock: 100 MHz" }),
    interval: numberReader({
      dimension: "cycles",
      min: 1,
      max: 1e9,
      whole: true,
      example: "interval: 784 cycles",
    }),
    outputs: wordReader("kind of output", ["class", "logits", "both"]),
  },
  form: "hardware { clock: 100 MHz, interval: 784 cycles, outputs: class }",
} as const satisfies Signature<Fields>;

const HARDWARE_DEFAULTS = { clockMHz: 100, intervalCycles: 1024 };

/** The section without what belongs to single layers; `outputs` is absent when it is left to the model. */
export interface CheckedHardware {
  readonly clockMHz: number;
  readonly intervalCycles: number;
  readonly outputs?: HardwareSpec["outputs"];
  readonly places: FieldValues<Fields>["places"];
}

/** Checks the hardware section, which may be left out. */
export function checkHardware(section: SectionInput | undefined, context: CheckContext): CheckedHardware {
  const at = section?.at;
  const { values, places } = at
    ? readFields(section.settings, hardware, "hardware", at, context)
    : { values: {} as FieldValues<typeof hardware.fields>["values"], places: new Map<string, Span>() };
  return {
    clockMHz: values.clock ?? HARDWARE_DEFAULTS.clockMHz,
    intervalCycles: values.interval ?? HARDWARE_DEFAULTS.intervalCycles,
    ...(values.outputs ? { outputs: values.outputs } : {}),
    places,
  };
}
