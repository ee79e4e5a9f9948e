// CSV files: a header row, one sample a row. In: UTF-8 bytes. Out: the feature columns as one array, the label column
// as indices or names, the target columns as numbers. Nothing is guessed or skipped; a bad cell is named by row and column.
import { parse } from "csv-parse/browser/esm/sync";
import { createCollector, type DiagnosticCollector, fail } from "../support/diagnostics.ts";
import { decodeUtf8 } from "../support/text.ts";
import { gunzipIfNeeded } from "./gzip.ts";
import { DATA_LIMITS, type DataSource, type NumericArray } from "./numeric-array.ts";
import type { RawInputs, RawLabels, RawTargets } from "./raw-samples.ts";

export interface CsvColumns {
  /** Name of the label column; undefined when the file holds no labels. */
  readonly label?: string | undefined;
  /** Names of the columns with the real values of a regression, in the order of the outputs. */
  readonly targets?: readonly string[] | undefined;
  /** Names of the feature columns in the order wanted; all others in the file's order when left out. */
  readonly features?: readonly string[] | undefined;
}

export interface CsvSamples {
  readonly inputs: RawInputs;
  readonly labels: RawLabels | undefined;
  readonly targets: RawTargets | undefined;
  readonly featureNames: readonly string[];
}

/** Errors reported for one file before reading stops. */
const MAX_ERRORS = 8;
const MAX_COLUMNS = 2 ** 20;

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const WHOLE_NUMBER = /^[+-]?\d+$/;
/** 3 and 3.0: some tools write whole labels as floats. */
const WHOLE_LABEL = /^[+-]?\d+(?:\.0*)?$/;

/** What is wrong with a cell that is no finite number, for a person. */
function cellProblem(text: string): string {
  if (text === "") return "the cell is empty";
  if (/^[+-]?(?:nan|inf|infinity)$/i.test(text)) return "the number is not finite";
  if (NUMBER.test(text)) return "the number is too large to be held";
  if (/^[+-]?\d+,\d+$/.test(text)) return "a decimal comma where a decimal point belongs";
  return "this is no number";
}

/** Doubles without a known end. */
interface Growing {
  data: Float64Array;
  length: number;
}

function append(to: Growing, value: number): void {
  if (to.length === to.data.length) {
    const larger = new Float64Array(to.data.length * 2);
    larger.set(to.data);
    to.data = larger;
  }
  to.data[to.length++] = value;
}

function createGrowing(capacity: number): Growing {
  return { data: new Float64Array(capacity), length: 0 };
}

function matrixOf({ data, length }: Growing, rows: number, columns: number): NumericArray {
  return { shape: [rows, columns], dtype: "float64", data: data.subarray(0, length) };
}

interface Header {
  readonly names: readonly string[];
  /** Positions of the features, in the order wanted. */
  readonly features: readonly number[];
  readonly label: number | undefined;
  /** Positions of the targets, in the order of the outputs. */
  readonly targets: readonly number[];
}

function readHeader(names: readonly string[], columns: CsvColumns, source: DataSource): Header {
  const { path, place } = source;
  const errors = createCollector();
  if (names.length > MAX_COLUMNS)
    fail("data/too-large", { path, what: "columns", found: names.length, limit: MAX_COLUMNS }, place);
  const positions = new Map<string, number>();
  names.forEach((name, i) => {
    if (name === "") errors.add("data/csv-header", { path, problem: `column ${i + 1} has no name` }, place);
    else if (positions.has(name))
      errors.add(
        "data/csv-header",
        { path, problem: `two columns are named ${JSON.stringify(name)}` },
        place,
      );
    else positions.set(name, i);
  });
  if (names.length > 0 && names.every((name) => NUMBER.test(name)))
    errors.add("data/csv-header", { path, problem: "the first row holds numbers instead of names" }, place);
  errors.throwIfErrors();
  const find = (column: string): number => {
    const position = positions.get(column);
    if (position === undefined) errors.add("data/unknown-column", { path, column, available: names }, place);
    return position ?? -1;
  };
  const label = columns.label === undefined ? undefined : find(columns.label);
  const targets = columns.targets?.map(find) ?? [];
  const taken = new Set([label, ...targets]);
  const features = columns.features?.map(find) ?? names.map((_, i) => i).filter((i) => !taken.has(i));
  const uses = new Map<number, string>();
  const use = (position: number, as: string): void => {
    const before = uses.get(position);
    uses.set(position, as);
    if (before === undefined || position < 0) return;
    const quoted = JSON.stringify(names[position]);
    const problem =
      before === as
        ? `the column ${quoted} is named twice as a ${as}`
        : `the column ${quoted} is named both as a ${as} and as a ${before}`;
    errors.add("data/csv-header", { path, problem }, place);
  };
  if (label !== undefined) use(label, "label");
  for (const target of targets) use(target, "target");
  for (const feature of features) use(feature, "feature");
  errors.throwIfErrors();
  if (features.length === 0 && columns.features === undefined)
    fail("data/csv-header", { path, problem: "there is no feature column" }, place);
  return { names, features, label, targets };
}

/** Collects the rows of one file. */
interface RowReader {
  row(cells: readonly string[], line: number): void;
  finish(): CsvSamples;
}

function createRowReader(columns: CsvColumns, source: DataSource, errors: DiagnosticCollector): RowReader {
  const { path, place } = source;
  const values = createGrowing(1024);
  const targetValues = createGrowing(256);
  const lines = createGrowing(256);
  const labels: string[] = [];
  let header: Header | undefined;
  let whole = true;

  const stopAtLimit = (): void => {
    if (errors.diagnostics.length >= MAX_ERRORS) errors.throwIfErrors();
  };
  const cellError = (row: number, column: string, text: string, problem: string): void => {
    errors.add("data/csv-cell", { path, row, column, text: text.slice(0, 40), problem }, place);
    stopAtLimit();
  };
  const numberOf = (text: string, row: number, column: string): number => {
    const value = NUMBER.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(value)) cellError(row, column, text, cellProblem(text));
    return value;
  };

  return {
    row: (cells, line) => {
      if (header === undefined) {
        header = readHeader(
          cells.map((c) => c.trim()),
          columns,
          source,
        );
        return;
      }
      const { names, features, label, targets } = header;
      if (cells.length !== names.length) {
        errors.add(
          "data/csv-ragged",
          { path, row: line, found: cells.length, expected: names.length },
          place,
        );
        stopAtLimit();
        return;
      }
      append(lines, line);
      for (const position of features) {
        const text = cells[position]!.trim();
        append(values, numberOf(text, line, names[position]!));
        if (whole && !WHOLE_NUMBER.test(text)) whole = false;
      }
      for (const position of targets)
        append(targetValues, numberOf(cells[position]!.trim(), line, names[position]!));
      if (label !== undefined) {
        const text = cells[label]!.trim();
        if (text === "") cellError(line, names[label]!, text, "the label is empty");
        labels.push(text);
      }
    },
    finish: () => {
      errors.throwIfErrors();
      if (header === undefined) fail("data/csv-header", { path, problem: "the file is empty" }, place);
      const { names, features, label, targets } = header;
      const count = lines.length;
      const rowOf = (sample: number): string => `row ${lines.data[sample]}`;
      const cellOf = (columns: readonly number[]) => (sample: number, column: number) =>
        `${rowOf(sample)}, column ${JSON.stringify(names[columns[column]!] ?? "")}`;
      return {
        featureNames: features.map((f) => names[f]!),
        inputs: {
          array: matrixOf(values, count, features.length),
          numbers: whole ? "stored" : "values",
          flat: true,
          where: cellOf(features),
        },
        targets:
          columns.targets === undefined
            ? undefined
            : { array: matrixOf(targetValues, count, targets.length), where: cellOf(targets) },
        labels:
          label === undefined
            ? undefined
            : labels.every((l) => WHOLE_LABEL.test(l))
              ? { kind: "indices", values: labels.map(Number), texts: labels, where: rowOf }
              : { kind: "names", values: labels, where: rowOf },
      };
    },
  };
}

/**
 * Reads a CSV text (comma-separated, quoted by ", any line end, blank lines ignored, gzip too). Features are stored
 * integers when every one of them is written as a whole number, else values. Throws data/utf8, data/too-large,
 * data/csv-header, data/unknown-column, data/csv-ragged, data/csv-cell and data/csv-syntax; several at once.
 */
export function decodeCsv(file: Uint8Array, columns: CsvColumns, source: DataSource): CsvSamples {
  const { path, place } = source;
  const limit = (source.limits ?? DATA_LIMITS).textBytes;
  let bytes = gunzipIfNeeded(file, source);
  if (bytes.length > limit)
    fail("data/too-large", { path, what: "bytes of text", found: bytes.length, limit }, place);
  if (decodeUtf8(bytes) === undefined) fail("data/utf8", { path }, place);
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes = bytes.subarray(3);

  const errors = createCollector();
  const reader = createRowReader(columns, source, errors);
  try {
    // Rows are handed on one by one and not kept: the strings of a large file would not fit in memory.
    parse(bytes, {
      record_delimiter: ["\r\n", "\n", "\r"],
      skip_empty_lines: true,
      relax_column_count: true,
      on_record: (cells, { lines }) => {
        reader.row(cells, lines);
        return null;
      },
    });
  } catch (error) {
    const { code, lines } = error as { readonly code?: unknown; readonly lines?: unknown };
    const syntax: Readonly<Record<string, string>> = {
      CSV_QUOTE_NOT_CLOSED: "a quoted cell has no end",
      CSV_INVALID_CLOSING_QUOTE: "text follows the end of a quoted cell",
      INVALID_OPENING_QUOTE: "a quote in the middle of a cell that does not start with one",
    };
    const problem = typeof code === "string" ? syntax[code] : undefined;
    if (problem === undefined) throw error;
    errors.add("data/csv-syntax", { path, row: typeof lines === "number" ? lines : 1, problem }, place);
  }
  return reader.finish();
}
