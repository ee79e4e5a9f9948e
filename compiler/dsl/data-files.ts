// How a data file is written: the formats with their keys and defaults. In: values of the syntax tree. Out: files as
// written, with the places that later checks report.
import type { DataFile } from "../graph/project.ts";
import type { Span } from "../support/source-file.ts";
import type { NameNode } from "./ast.ts";
import {
  type CallReader,
  callReader,
  choiceReader,
  type Fields,
  type FieldValues,
  type NamedValue,
  numberReader,
  readBlock,
  type Signature,
  switchReader,
  textListReader,
  textReader,
  type ValueReader,
} from "./read-fields.ts";

type Format = DataFile["format"];

/** How each format is written with class labels. */
export const DATA_FORMS: Readonly<Record<Format, string>> = {
  idx: 'idx("images-idx3-ubyte", labels: "labels-idx1-ubyte")',
  npy: 'npy("inputs.npy", labels: "labels.npy")',
  npz: 'npz("samples.npz", inputs: "x", labels: "y")',
  csv: 'csv("flowers.csv", label: "kind", features: ["width", "height"])',
  json: 'json("samples.json", inputs: "inputs", labels: "labels")',
};

/** How each format is written with real values; idx has labels alone. */
export const TARGET_FORMS: Readonly<Record<Format, string>> = {
  ...DATA_FORMS,
  npy: 'npy("inputs.npy", targets: "targets.npy")',
  npz: 'npz("samples.npz", inputs: "x", targets: "y")',
  csv: 'csv("motor.csv", targets: ["torque", "heat"])',
  json: 'json("samples.json", inputs: "inputs", targets: "targets")',
};

/** Stands in a path for 0, 1 and so on: a file for each class. */
export const CLASS_MARK = "{class}";

type Given = Partial<Pick<DataFile, "labels" | "labelKey" | "targets" | "targetKeys">>;

/** A data file as written. */
export interface WrittenFile {
  /** Without what it gives beside the inputs. */
  readonly file: DataFile;
  readonly paths: readonly NameNode[];
  /** What it gives beside the inputs, where that is written. */
  readonly labels?: Given;
  readonly targets?: Given;
  /** What it gives where nothing is written; absent for formats that have no usual names. */
  readonly defaults?: { readonly labels: Given; readonly targets: Given };
  /** A file for each class, which says the label. */
  readonly ofClasses: boolean;
  /** The key of the labels in this format. */
  readonly labelKey: "label" | "labels";
  readonly places: ReadonlyMap<string, Span>;
  readonly meant: ReadonlySet<string>;
}

const path = textReader('"flowers.csv"');
const key = textReader('"label"');
const names = textListReader('targets: ["torque", "heat"]');
/** One name, or a list of them. */
const keys: ValueReader<string[]> = (value, subject, context) => {
  if (value.kind === "list") return names(value, subject, context);
  const name = key(value, subject, context);
  return name && [name.text];
};

const idx = {
  fields: { path, labels: path },
  positional: ["path"],
  required: ["path"],
  form: DATA_FORMS.idx,
} as const satisfies Signature<Fields>;
const npy = {
  fields: { path, labels: path, targets: path },
  positional: ["path"],
  required: ["path"],
  form: DATA_FORMS.npy,
} as const satisfies Signature<Fields>;
const npz = {
  fields: { path, inputs: key, labels: key, targets: keys },
  positional: ["path"],
  required: ["path"],
  form: DATA_FORMS.npz,
} as const satisfies Signature<Fields>;
const count = (example: string) =>
  numberReader({ dimension: "samples", unitOptional: true, min: 1, max: 1e9, whole: true, example });
const json = {
  fields: {
    ...npz.fields,
    skip_malformed: switchReader,
    first: count("first: 6000 samples"),
    last: count("last: 1000 samples"),
  },
  positional: ["path"],
  required: ["path"],
  form: DATA_FORMS.json,
} as const satisfies Signature<Fields>;
const csv = {
  fields: {
    path,
    label: key,
    targets: names,
    features: textListReader('features: ["width", "height"]'),
  },
  positional: ["path"],
  required: ["path"],
  form: DATA_FORMS.csv,
} as const satisfies Signature<Fields>;

/** What a format reads: the arguments as given, but for the path. */
interface Parts {
  readonly path: NameNode | undefined;
  readonly file?: Partial<DataFile>;
  readonly morePaths?: readonly (NameNode | undefined)[];
  readonly labels?: Given | undefined;
  readonly targets?: Given | undefined;
  readonly defaults?: WrittenFile["defaults"];
}

function formatReader<F extends Fields>(
  format: Format,
  signature: Signature<F>,
  parts: (values: FieldValues<F>["values"]) => Parts,
): CallReader<WrittenFile> {
  return callReader(format, signature, (values, { places, meant }, { span }) => {
    const { path, file, morePaths = [], labels, targets, defaults } = parts(values);
    if (!path) return undefined;
    return {
      file: { format, path: path.text, ...file, span },
      paths: [path, ...morePaths].filter((p) => p !== undefined),
      ...(labels ? { labels } : {}),
      ...(targets ? { targets } : {}),
      ...(defaults ? { defaults } : {}),
      ofClasses: path.text.includes(CLASS_MARK),
      labelKey: format === "csv" ? "label" : "labels",
      places,
      meant,
    };
  });
}

interface ArrayNames {
  readonly inputs?: NameNode;
  readonly labels?: NameNode;
  readonly targets?: readonly string[];
}

/** Names of arrays in one file, as written or by the format's habit. */
function namedArrays({ inputs, labels, targets }: ArrayNames, usual: readonly [string, string, string]) {
  return {
    inputKeys: [inputs?.text ?? usual[0]],
    labels: labels && { labelKey: labels.text },
    targets: targets && { targetKeys: targets },
    defaults: { labels: { labelKey: usual[1] }, targets: { targetKeys: [usual[2]] } },
  };
}

const readIdx = formatReader("idx", idx, ({ path, labels }) => ({
  path,
  morePaths: [labels],
  labels: labels && { labels: labels.text },
}));
const readNpy = formatReader("npy", npy, ({ path, labels, targets }) => ({
  path,
  morePaths: [labels, targets],
  labels: labels && { labels: labels.text },
  targets: targets && { targets: targets.text },
}));
const readNpz = formatReader("npz", npz, (values) => {
  const { inputKeys, ...rest } = namedArrays(values, ["x", "y", "y"]);
  return { path: values.path, file: { inputKeys }, ...rest };
});
const readCsv = formatReader("csv", csv, ({ path, label, targets, features }) => ({
  path,
  file: features ? { inputKeys: features } : {},
  labels: label && { labelKey: label.text },
  targets: targets && { targetKeys: targets },
}));
const readJson: CallReader<WrittenFile> = (call, context) => {
  const written = readJsonArrays(call, context);
  const [first, last] = [written?.places.get("first"), written?.places.get("last")];
  if (first && last) {
    const related = [{ message: "the first", span: first }];
    const parameters = { subject: "json", key: "last", other: "first" };
    context.collector.add("language/conflicting-keys", parameters, { span: last, related });
  }
  return written;
};
const readJsonArrays = formatReader("json", json, (values) => {
  const { inputKeys, ...rest } = namedArrays(values, ["inputs", "labels", "targets"]);
  const { first, last, skip_malformed } = values;
  const part =
    first !== undefined
      ? ({ from: "first", perClass: first } as const)
      : last !== undefined && ({ from: "last", perClass: last } as const);
  const file = { inputKeys, ...(skip_malformed ? { skipMalformed: true } : {}), ...(part ? { part } : {}) };
  return { path: values.path, file, ...rest };
});

/** The file of one input or output as written, without the names that its own one stands in for. */
export interface WrittenPort {
  readonly file: DataFile;
  readonly paths: readonly NameNode[];
  /** Place of its columns, where they are written. */
  readonly columnsAt?: Span;
}

/** How the files of single inputs and outputs are written. */
export const PORTS_FORM =
  '{ image: npy("images.npy"), speed: csv("samples.csv", columns: ["speed"]), digit: npz("samples.npz", array: "y") }';

const portReader = <F extends Fields>(
  format: Format,
  signature: Signature<F>,
  read: (values: FieldValues<F>["values"]) => {
    readonly path: NameNode | undefined;
    readonly keys?: readonly string[] | undefined;
  },
): CallReader<WrittenPort> =>
  callReader(format, signature, (values, { places }, { span }) => {
    const { path, keys: inputKeys } = read(values);
    if (!path) return undefined;
    const columnsAt = places.get("columns");
    return {
      file: { format, path: path.text, ...(inputKeys ? { inputKeys } : {}), span },
      paths: [path],
      ...(columnsAt ? { columnsAt } : {}),
    };
  });

const pathAlone = (form: string) =>
  ({ fields: { path }, positional: ["path"], required: ["path"], form }) as const satisfies Signature<Fields>;
const portNpz = {
  fields: { path, array: key },
  positional: ["path", "array"],
  required: ["path"],
  form: 'npz("samples.npz", array: "x")',
} as const satisfies Signature<Fields>;
const portJson = {
  fields: { path, field: key },
  positional: ["path", "field"],
  required: ["path"],
  form: 'json("samples.json", field: "inputs")',
} as const satisfies Signature<Fields>;
const portCsv = {
  fields: { path, columns: keys },
  positional: ["path", "columns"],
  required: ["path"],
  form: 'csv("samples.csv", columns: ["width", "height"])',
} as const satisfies Signature<Fields>;

const nameOf = (name: NameNode | undefined) => name && [name.text];

const portFile = choiceReader(
  "data format",
  new Map<string, CallReader<WrittenPort>>([
    ["csv", portReader("csv", portCsv, ({ path, columns }) => ({ path, keys: columns }))],
    ["idx", portReader("idx", pathAlone('idx("images-idx3-ubyte")'), ({ path }) => ({ path }))],
    ["json", portReader("json", portJson, ({ path, field }) => ({ path, keys: nameOf(field) }))],
    ["npy", portReader("npy", pathAlone('npy("images.npy")'), ({ path }) => ({ path }))],
    ["npz", portReader("npz", portNpz, ({ path, array }) => ({ path, keys: nameOf(array) }))],
  ]),
  'npy("images.npy")',
);

/** Samples as written: in one file, or apart for inputs and outputs by their names. */
export type WrittenSamples =
  | { readonly kind: "file"; readonly written: WrittenFile }
  | { readonly kind: "ports"; readonly ports: readonly NamedValue<WrittenPort>[]; readonly span: Span };

export const sampleFiles: ValueReader<WrittenSamples> = (value, subject, context) => {
  if (value.kind === "block")
    return { kind: "ports", ports: readBlock(value.settings, portFile, subject, context), span: value.span };
  const written = dataFile(value, subject, context);
  return written && { kind: "file", written };
};

const dataFile = choiceReader(
  "data format",
  new Map<string, CallReader<WrittenFile>>([
    ["csv", readCsv],
    ["idx", readIdx],
    ["json", readJson],
    ["npy", readNpy],
    ["npz", readNpz],
  ]),
  DATA_FORMS.csv,
);
