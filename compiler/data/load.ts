// Data files to samples: the entry of this folder. In: what the model's text says of its data, and a reader. Out:
// sample sets of stored integers with class labels or targets, checked against the model's input and outputs.
import type { DataFile } from "../graph/project.ts";
import { createDiagnostic, type Diagnostic, DiagnosticError, fail } from "../support/diagnostics.ts";
import type { KnownClasses } from "./labels.ts";
import type { DataReader } from "./read-raw.ts";
import { rowsOfPart, takeSamples } from "./select-samples.ts";
import {
  KIND_TEXT,
  type LoadedSamples,
  type LoadOptions,
  loadWholeFile,
  type SampleTarget,
} from "./whole-file.ts";

/** The part of a file's samples that the model asks for, and their numbers in the file; null: all. */
interface TakenSamples {
  readonly samples: LoadedSamples;
  readonly rows: Int32Array | null;
}

function takePart(
  whole: LoadedSamples,
  file: DataFile,
  target: SampleTarget,
  options: LoadOptions,
): TakenSamples {
  if (file.part === undefined) return { samples: whole, rows: null };
  const classes = target.outputs.kind === "classes" ? target.outputs.count : 1;
  const { place = { span: file.span } } = options;
  const rows = rowsOfPart(whole, classes, file.part, file.path, place);
  return { samples: { ...whole, ...takeSamples(whole, rows) }, rows };
}

/**
 * Samples of one file, of one pair, or of a file for each class. Paths go to the reader as the model has them, with
 * {class} replaced. Throws a DiagnosticError with `data/` codes.
 */
export function loadSamples(
  file: DataFile,
  target: SampleTarget,
  reader: DataReader,
  options: LoadOptions = {},
): LoadedSamples {
  return takePart(loadWholeFile(file, target, reader, options), file, target, options).samples;
}

/** Where the samples of a model with one input and one output are. */
export interface SplitFiles {
  readonly train: DataFile;
  readonly test: DataFile;
}

export interface DataSet {
  readonly train: LoadedSamples;
  readonly test: LoadedSamples;
  /** Of both, each once. */
  readonly warnings: readonly Diagnostic[];
}

/** What a piece of work gives, or the diagnostics that it ends with. */
export function diagnosticsOf<T>(run: () => T): {
  readonly value?: T;
  readonly diagnostics: readonly Diagnostic[];
} {
  try {
    return { value: run(), diagnostics: [] };
  } catch (error) {
    if (error instanceof DiagnosticError) return { diagnostics: error.diagnostics };
    throw error;
  }
}

/** Whether both are read alike, so that once is enough. */
function isSameFile(a: DataFile, b: DataFile): boolean {
  const keyOf = ({ span: _, part: __, ...file }: DataFile): string =>
    JSON.stringify(Object.entries(file).sort(([x], [y]) => (x < y ? -1 : 1)));
  return keyOf(a) === keyOf(b);
}

/** Refuses parts of one file that share samples: the test would measure what was learnt by heart. */
function checkDisjoint(data: SplitFiles, a: TakenSamples, b: TakenSamples, options: LoadOptions) {
  const { train, test } = data;
  if (train.path !== test.path || (a.rows === null && b.rows === null)) return;
  const trained = a.rows && new Set(a.rows);
  const shared =
    trained && b.rows
      ? b.rows.filter((row) => trained.has(row)).length
      : Math.min(a.samples.count, b.samples.count);
  if (shared > 0)
    fail("data/parts-overlap", { path: test.path, shared }, options.place ?? { span: test.span });
}

/**
 * Both splits of a model's data; the test data's class names are numbered as in the training data, and a file that
 * serves both is read once. Reports what is wrong with both files in one go; data/mixed-numbers when one holds stored
 * integers and the other values, data/parts-overlap when both take a sample of one file.
 */
export function loadDataSet(
  data: SplitFiles,
  target: SampleTarget,
  reader: DataReader,
  options: Omit<LoadOptions, "known"> = {},
): DataSet {
  const whole = diagnosticsOf(() => loadWholeFile(data.train, target, reader, options));
  const train = diagnosticsOf(() => whole.value && takePart(whole.value, data.train, target, options));
  const known: KnownClasses =
    whole.value === undefined ? "unreadable" : (whole.value.classNames ?? "numbers");
  const isShared = isSameFile(data.train, data.test);
  const test = diagnosticsOf(() => {
    const forTest = { ...options, known };
    const loaded = isShared ? whole.value : loadWholeFile(data.test, target, reader, forTest);
    return loaded && takePart(loaded, data.test, target, forTest);
  });
  const diagnostics = [...whole.diagnostics, ...train.diagnostics, ...test.diagnostics];
  if (!train.value || !test.value) throw new DiagnosticError(diagnostics);
  const [a, b] = [train.value.samples, test.value.samples];
  if (a.numbers !== b.numbers) {
    const parameters = {
      first: data.train.path,
      second: data.test.path,
      firstKind: KIND_TEXT[a.numbers],
      secondKind: KIND_TEXT[b.numbers],
    };
    const place = options.place ?? { span: data.test.span };
    throw new DiagnosticError([createDiagnostic("data/mixed-numbers", parameters, place)]);
  }
  checkDisjoint(data, train.value, test.value, options);
  return { train: a, test: b, warnings: isShared ? a.warnings : [...a.warnings, ...b.warnings] };
}
