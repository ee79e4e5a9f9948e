// Data files to samples: the entry of this folder. In: what the model's text says of its data, and a reader. Out:
// sample sets of stored integers and class labels, checked against the model's input and outputs.
import type { StoredType } from "../graph/graph.ts";
import type { DataFile, DataSpec } from "../graph/project.ts";
import type { SampleSet } from "../graph/samples.ts";
import {
  createDiagnostic,
  type Diagnostic,
  DiagnosticError,
  type DiagnosticPlace,
  fail,
} from "../support/diagnostics.ts";
import type { FileReader } from "../support/host.ts";
import { createRandom, permutation } from "../support/random.ts";
import { decodeCsv } from "./csv.ts";
import { decodeIdx } from "./idx.ts";
import { arrayInputs, createMantissas, shapeFits, toMantissas } from "./inputs.ts";
import { decodeJson } from "./json.ts";
import { arrayLabels, type KnownClasses, resolveLabels } from "./labels.ts";
import { decodeNpy } from "./npy.ts";
import { decodeNpz } from "./npz.ts";
import { type DataLimits, type DataSource, elementCount } from "./numeric-array.ts";
import type { NumberKind, RawInputs, RawLabels } from "./raw-samples.ts";

/** What the model asks of its data. */
export interface SampleTarget {
  /** Shape of the input, channels last. */
  readonly shape: readonly number[];
  readonly stored: StoredType;
  /** Number of classes, as many as the model has logits. */
  readonly classes: number;
}

export interface LoadedSamples extends SampleSet {
  /** Whether the file held stored integers, or values that were quantized here. */
  readonly numbers: NumberKind;
  /** Names of the classes in the order of their indices, when the labels are names. */
  readonly classNames?: readonly string[];
}

export interface LoadOptions {
  /** Where messages point; the place of the file in the model by default. */
  readonly place?: DiagnosticPlace | undefined;
  /** Classes of the training data, by which the test data's names are numbered. */
  readonly known?: KnownClasses | undefined;
  readonly limits?: DataLimits | undefined;
}

export type DataReader = Pick<FileReader, "read">;

/** Names of the arrays, fields or columns when the model gives none. */
const DEFAULT_KEYS = {
  npz: { inputs: "x", labels: "y" },
  json: { inputs: "inputs", labels: "labels" },
  csv: { labels: "label" },
} as const;

interface RawSamples {
  readonly inputs: RawInputs;
  readonly labels: RawLabels;
  /** The file of the labels, for messages. */
  readonly labelSource: DataSource;
}

function readFile(reader: DataReader, source: DataSource): Uint8Array {
  const bytes = reader.read(source.path);
  if (bytes === undefined) fail("data/missing-file", { path: source.path }, source.place);
  return bytes;
}

/** The one name of the inputs' array; a list of names is for columns. */
function singleKey(file: DataFile, otherwise: string, source: DataSource): string {
  const names = file.inputKeys ?? [otherwise];
  if (names.length !== 1) fail("data/several-arrays", { path: source.path, names }, source.place);
  return names[0]!;
}

function readArrayPair(
  decode: (bytes: Uint8Array, source: DataSource) => ReturnType<typeof decodeNpy>,
  file: DataFile,
  reader: DataReader,
  source: DataSource,
): RawSamples {
  if (file.labels === undefined)
    fail("data/labels-missing", { path: file.path, format: file.format }, source.place);
  const labelSource = { ...source, path: file.labels };
  const inputs = arrayInputs(decode(readFile(reader, source), source));
  const labels = arrayLabels(decode(readFile(reader, labelSource), labelSource), labelSource);
  return { inputs, labels, labelSource };
}

function readRaw(file: DataFile, reader: DataReader, source: DataSource): RawSamples {
  switch (file.format) {
    case "idx":
      return readArrayPair(decodeIdx, file, reader, source);
    case "npy":
      return readArrayPair(decodeNpy, file, reader, source);
    case "npz": {
      const bytes = readFile(reader, source);
      const inputs = arrayInputs(decodeNpz(bytes, singleKey(file, DEFAULT_KEYS.npz.inputs, source), source));
      const labels = decodeNpz(bytes, file.labelKey ?? DEFAULT_KEYS.npz.labels, source);
      return { inputs, labels: arrayLabels(labels, source), labelSource: source };
    }
    case "csv": {
      const columns = { label: file.labelKey ?? DEFAULT_KEYS.csv.labels, features: file.inputKeys };
      const { inputs, labels } = decodeCsv(readFile(reader, source), columns, source);
      return { inputs, labels: labels!, labelSource: source };
    }
    case "json": {
      const inputs = singleKey(file, DEFAULT_KEYS.json.inputs, source);
      const fields = { inputs, labels: file.labelKey ?? DEFAULT_KEYS.json.labels };
      const decoded = decodeJson(readFile(reader, source), fields, source);
      return { inputs: decoded.inputs, labels: decoded.labels!, labelSource: source };
    }
  }
}

/** Refuses samples of another shape; a CSV row has no shape of its own and only needs the right length. */
function checkShape(inputs: RawInputs, target: SampleTarget, source: DataSource): void {
  const found = inputs.array.shape.slice(1);
  const fits = inputs.flat
    ? found[0] === elementCount(target.shape)
    : inputs.array.shape.length > 0 && shapeFits(found, target.shape);
  if (!fits) fail("data/shape", { path: source.path, found, expected: target.shape }, source.place);
}

/**
 * Samples of one file (or of one pair of files). Paths go to the reader as the model has them. Integers are stored
 * integers and are range-checked; floats are values, quantized once. Throws a DiagnosticError with `data/` codes.
 */
export function loadSamples(
  file: DataFile,
  target: SampleTarget,
  reader: DataReader,
  options: LoadOptions = {},
): LoadedSamples {
  const { place = { span: file.span }, limits } = options;
  const source: DataSource = { path: file.path, place, limits };
  const { inputs, labels, labelSource } = readRaw(file, reader, source);
  const count = inputs.array.shape[0] ?? 0;
  if (count === 0) fail("data/empty", { path: file.path }, place);
  checkShape(inputs, target, source);
  if (labels.values.length !== count) {
    const path = labelSource.path;
    fail("data/label-count", { path, labels: labels.values.length, inputs: count }, place);
  }
  const { indices, names } = resolveLabels(labels, target.classes, labelSource, options.known);
  return {
    count,
    shape: target.shape,
    stored: target.stored,
    inputs: toMantissas(inputs, target.stored, source),
    labels: indices,
    numbers: inputs.numbers,
    ...(names === undefined ? {} : { classNames: names }),
  };
}

export interface DataSet {
  readonly train: LoadedSamples;
  readonly test: LoadedSamples;
}

function diagnosticsOf<T>(run: () => T): { readonly value?: T; readonly diagnostics: readonly Diagnostic[] } {
  try {
    return { value: run(), diagnostics: [] };
  } catch (error) {
    if (error instanceof DiagnosticError) return { diagnostics: error.diagnostics };
    throw error;
  }
}

const KIND_TEXT: Readonly<Record<NumberKind, string>> = {
  stored: "whole numbers (stored integers)",
  values: "numbers with a fraction (values)",
};

/**
 * Both splits of a model's data; the test data's class names are numbered as in the training data. Reports what is
 * wrong with both files in one go; data/mixed-numbers when one holds stored integers and the other values.
 */
export function loadDataSet(
  data: Pick<DataSpec, "train" | "test">,
  target: SampleTarget,
  reader: DataReader,
  options: Omit<LoadOptions, "known"> = {},
): DataSet {
  const train = diagnosticsOf(() => loadSamples(data.train, target, reader, options));
  const known = train.value === undefined ? "unreadable" : (train.value.classNames ?? "numbers");
  const test = diagnosticsOf(() => loadSamples(data.test, target, reader, { ...options, known }));
  const diagnostics = [...train.diagnostics, ...test.diagnostics];
  if (!train.value || !test.value) throw new DiagnosticError(diagnostics);
  if (train.value.numbers !== test.value.numbers) {
    const parameters = {
      train: data.train.path,
      test: data.test.path,
      trainKind: KIND_TEXT[train.value.numbers],
      testKind: KIND_TEXT[test.value.numbers],
    };
    const place = options.place ?? { span: data.test.span };
    throw new DiagnosticError([createDiagnostic("data/mixed-numbers", parameters, place)]);
  }
  return { train: train.value, test: test.value };
}

function takeSamples(set: SampleSet, rows: Int32Array): SampleSet {
  const elements = elementCount(set.shape);
  const inputs = createMantissas(set.stored, rows.length * elements);
  const labels = new Int32Array(rows.length);
  rows.forEach((row, i) => {
    inputs.set(set.inputs.subarray(row * elements, (row + 1) * elements), i * elements);
    labels[i] = set.labels[row]!;
  });
  return { count: rows.length, shape: set.shape, stored: set.stored, inputs, labels };
}

/**
 * Takes `count` samples, picked by the seed, out of the training data; both parts keep the file's order. Throws
 * data/validation-count when no sample would be left to train on.
 */
export function splitValidation(
  set: SampleSet,
  count: number,
  seed: number,
  place: DiagnosticPlace = {},
): { readonly train: SampleSet; readonly validation: SampleSet } {
  if (!(count >= 0 && count < set.count))
    fail("data/validation-count", { validation: count, count: set.count }, place);
  const order = permutation(set.count, createRandom(seed, "validation split"));
  return {
    train: takeSamples(set, order.slice(count).sort()),
    validation: takeSamples(set, order.slice(0, count).sort()),
  };
}
