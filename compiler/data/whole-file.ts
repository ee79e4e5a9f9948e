// All samples of one data file, of a pair, or of a file for each class. In: what the model's text says of its data,
// and a reader. Out: stored integers with labels or targets, checked against the model's input and outputs.
import type { StoredType } from "../graph/graph.ts";
import type { DataFile } from "../graph/project.ts";
import { createDiagnostic, type Diagnostic, type DiagnosticPlace, fail } from "../support/diagnostics.ts";
import { createMantissas, type MantissaOf, shapeFits, toMantissas } from "./inputs.ts";
import { checkLabelShape, type KnownClasses, resolveLabels } from "./labels.ts";
import { type DataLimits, elementCount } from "./numeric-array.ts";
import type { NumberKind } from "./raw-samples.ts";
import { type Beside, type DataReader, type RawSamples, readRaw } from "./read-raw.ts";
import type { FileSamples } from "./select-samples.ts";
import { toTargets } from "./targets.ts";

/**
 * What the model's outputs are compared with: class labels, real values, or nothing of the data ("input"). `positions` are the sizes
 * of an output with a class at each position, rows first; absent: one class for a sample.
 */
export type ComparedWith =
  | { readonly kind: "classes"; readonly count: number; readonly positions?: readonly number[] }
  | { readonly kind: "values"; readonly count: number }
  | { readonly kind: "input" };

/** An input of the model. */
export interface InputTarget {
  /** Channels last. */
  readonly shape: readonly number[];
  readonly stored: StoredType;
  /** Where values become integers in another way than by the stored type's fraction. */
  readonly mantissaOf?: MantissaOf;
}

/** What a model with one input and one output asks of its data. */
export interface SampleTarget extends InputTarget {
  /** `count` is the number of outputs, or of the classes of each position. */
  readonly outputs: ComparedWith;
}

export interface LoadedSamples extends FileSamples {
  /** Whether the file held stored integers, or values that were quantized here. */
  readonly numbers: NumberKind;
  /** Names of the classes in the order of their indices, when the labels are names. */
  readonly classNames?: readonly string[];
  /** Rows that were skipped because the model's text allows it. */
  readonly warnings: readonly Diagnostic[];
}

export interface LoadOptions {
  /** Where messages point; the place of the file in the model by default. */
  readonly place?: DiagnosticPlace | undefined;
  /** Classes of the training data, by which the test data's names are numbered. */
  readonly known?: KnownClasses | undefined;
  readonly limits?: DataLimits | undefined;
}

/** Stands in a path for the number of a class: one file for each. */
export const CLASS_MARK = "{class}";

export const KIND_TEXT: Readonly<Record<NumberKind, string>> = {
  stored: "whole numbers (stored integers)",
  values: "numbers with a fraction (values)",
};

const BESIDE: Readonly<Record<ComparedWith["kind"], Beside>> = {
  classes: "labels",
  values: "targets",
  input: "nothing",
};

/** Rows listed in a warning. */
const SHOWN_ROWS = 3;

/** Whether a sample of the file is an input; a flat one has no shape of its own and only needs the right length. */
function fitsInput(found: readonly number[], flat: boolean, { shape }: InputTarget): boolean {
  return flat ? found[0] === elementCount(shape) : shapeFits(found, shape);
}

function skippedWarnings(path: string, skipped: readonly string[], place: DiagnosticPlace): Diagnostic[] {
  const parameters = { path, count: skipped.length, rows: skipped.slice(0, SHOWN_ROWS) };
  return skipped.length === 0 ? [] : [createDiagnostic("data/rows-skipped", parameters, place)];
}

interface FileInputs extends Omit<LoadedSamples, "labels" | "targets"> {
  readonly raw: RawSamples;
}

/** One input of one file, and what it holds beside it. */
export function loadInputs(
  file: DataFile,
  beside: Beside,
  target: InputTarget,
  reader: DataReader,
  { place = { span: file.span }, limits }: LoadOptions,
): FileInputs {
  const { path } = file;
  const { shape, stored } = target;
  const fits = (found: readonly number[]): boolean => fitsInput(found, found.length === 1, target);
  const raw = readRaw(file, reader, { beside, fits, place, limits });
  const { array, flat, numbers } = raw.inputs;
  const count = array.shape[0] ?? 0;
  if (count === 0) fail("data/empty", { path }, place);
  const found = array.shape.slice(1);
  if (!fitsInput(found, flat, target) || array.shape.length === 0)
    fail("data/shape", { path, found, expected: shape }, place);
  const source = { path, place, limits };
  const inputs = toMantissas(raw.inputs, stored, source, shape.at(-1), target.mantissaOf);
  return { count, shape, stored, inputs, numbers, raw, warnings: skippedWarnings(path, raw.skipped, place) };
}

/** A file for each class: sample 0 of every class, then sample 1 of every class, so that any piece has all of them. */
function loadClassFiles(
  file: DataFile,
  target: SampleTarget,
  reader: DataReader,
  options: LoadOptions,
): LoadedSamples {
  const { path } = file;
  const { place = { span: file.span } } = options;
  const { shape, stored, outputs } = target;
  if (outputs.kind !== "classes") {
    const problem = "it names a file for each class, but the model's outputs are no classes";
    fail("data/class-path", { path, problem }, place);
  }
  const { positions = [] } = outputs;
  if (elementCount(positions) > 1) {
    const problem = `it names a file for each class, but the model has a class at each of ${positions.join("x")} positions`;
    fail("data/class-path", { path, problem }, place);
  }
  if ((file.labels ?? file.labelKey ?? file.targets ?? file.targetKeys) !== undefined) {
    const problem = "it names a file for each class, and labels or targets are named too";
    fail("data/class-path", { path, problem }, place);
  }
  const pathOf = (label: number): string => path.replaceAll(CLASS_MARK, `${label}`);
  const files = Array.from({ length: outputs.count }, (_, label) =>
    loadInputs({ ...file, path: pathOf(label) }, "nothing", target, reader, options),
  );
  const numbers = files[0]!.numbers;
  const other = files.findIndex((f) => f.numbers !== numbers);
  if (other >= 0) {
    const kinds = { firstKind: KIND_TEXT[numbers], secondKind: KIND_TEXT[files[other]!.numbers] };
    fail("data/mixed-numbers", { first: pathOf(0), second: pathOf(other), ...kinds }, place);
  }

  const count = files.reduce((sum, f) => sum + f.count, 0);
  const elements = elementCount(shape);
  const inputs = createMantissas(stored, count * elements);
  const labels = new Int32Array(count);
  let to = 0;
  for (let row = 0; to < count; row++) {
    files.forEach((f, label) => {
      if (row >= f.count) return;
      inputs.set(f.inputs.subarray(row * elements, (row + 1) * elements), to * elements);
      labels[to++] = label;
    });
  }
  const warnings = files.flatMap((f) => f.warnings);
  return { count, shape, stored, inputs, labels, targets: null, numbers, warnings };
}

/**
 * All samples of a file, whatever part of it is wanted. Integers are stored integers and are range-checked; floats
 * are values, quantized once. Throws a DiagnosticError with `data/` codes.
 */
export function loadWholeFile(
  file: DataFile,
  target: SampleTarget,
  reader: DataReader,
  options: LoadOptions,
): LoadedSamples {
  if (file.path.includes(CLASS_MARK)) return loadClassFiles(file, target, reader, options);
  const { outputs } = target;
  const { raw, ...loaded } = loadInputs(file, BESIDE[outputs.kind], target, reader, options);
  const { count } = loaded;
  const source = raw.besideSource;
  if (outputs.kind === "input") return { ...loaded, labels: new Int32Array(0), targets: null };
  if (outputs.kind === "values") {
    const targets = toTargets(raw.targets!, count, outputs.count, source);
    return { ...loaded, labels: new Int32Array(0), targets };
  }
  const labels = raw.labels!;
  checkLabelShape(labels, count, outputs.positions ?? [], source);
  const { indices, names } = resolveLabels(labels, outputs.count, source, options.known);
  return {
    ...loaded,
    labels: indices,
    targets: null,
    ...(names === undefined ? {} : { classNames: names }),
  };
}
