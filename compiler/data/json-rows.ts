// Rows of a JSON file: nested arrays of numbers, the outermost one counts the samples. In: a parsed value. Out: its
// numbers, and what is wrong with each row that has not the shape of the others.
import { createDiagnostic, DiagnosticError, fail } from "../support/diagnostics.ts";
import { DATA_LIMITS, type DataSource, elementCount, MAX_RANK } from "./numeric-array.ts";

/** Bad rows reported for one file before reading stops. */
const MAX_ERRORS = 8;

/** A parsed value in a few words, for messages. */
export function describeJson(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object") return "an object";
  return `the ${typeof value} ${JSON.stringify(value).slice(0, 40)}`;
}

export interface JsonRows {
  /** Samples, then the shape of one. */
  readonly shape: readonly number[];
  /** Row-major; a bad row is there too, with any numbers. */
  readonly data: Float64Array;
  /** What is wrong with each bad row, by its number from 0. */
  readonly bad: ReadonlyMap<number, string>;
}

export interface RowOptions {
  /** Bad rows are handed back instead of refused. */
  readonly skipMalformed?: boolean | undefined;
  /** Whether a row of this shape can be a sample: the first such row has the shape of all, else the very first. */
  readonly fits?: ((shape: readonly number[]) => boolean) | undefined;
}

function nestingOf(value: unknown): readonly number[] {
  const shape: number[] = [];
  let inner = value;
  while (Array.isArray(inner) && shape.length <= MAX_RANK) {
    shape.push(inner.length);
    inner = inner[0];
  }
  return shape;
}

interface RowProblem {
  /** Inside of the row, such as [3][0]. */
  readonly place: string;
  readonly problem: string;
}

/** What is wrong with a number of a row; undefined when it is one. */
function numberProblem(value: unknown): string | undefined {
  if (typeof value !== "number") return `a number is expected, not ${describeJson(value)}`;
  return Number.isFinite(value) ? undefined : "the number is too large to be held";
}

/** Writes one row's numbers at `start`, or says what is wrong with it. The depth is at most MAX_RANK. */
function readRow(
  row: unknown,
  shape: readonly number[],
  data: Float64Array,
  start: number,
): RowProblem | undefined {
  const [length, ...inner] = shape;
  if (length === undefined) {
    const problem = numberProblem(row);
    if (problem !== undefined) return { place: "", problem };
    data[start] = row as number;
    return undefined;
  }
  if (!Array.isArray(row) || row.length !== length) {
    const problem = `an array of ${length} is expected as in other samples, not ${describeJson(row)}`;
    return { place: "", problem };
  }
  const step = elementCount(inner);
  for (let i = 0; i < length; i++) {
    const value: unknown = row[i];
    // The common case without a call: a file may hold fifty million numbers.
    if (inner.length === 0 && typeof value === "number" && value - value === 0) data[start + i] = value;
    else {
      const found = readRow(value, inner, data, start + i * step);
      if (found !== undefined) return { place: `[${i}]${found.place}`, problem: found.problem };
    }
  }
  return undefined;
}

/**
 * The numbers of a nested array called `field`. Throws data/json-value for what is no array, is nested too deeply, or
 * (unless bad rows are skipped) for bad rows, several at once; data/too-large before it takes memory.
 */
export function readJsonRows(
  value: unknown,
  field: string,
  source: DataSource,
  options: RowOptions = {},
): JsonRows {
  const { path, place } = source;
  if (!Array.isArray(value)) {
    const problem = `an array of samples is expected, not ${describeJson(value)}`;
    fail("data/json-value", { path, where: field, problem }, place);
  }
  const { skipMalformed = false, fits } = options;
  const model = fits && value.find((row) => fits(nestingOf(row)));
  const sample = value.length === 0 ? [] : nestingOf(model ?? value[0]);
  if (sample.length >= MAX_RANK) {
    const problem = `more than ${MAX_RANK} arrays inside of each other`;
    fail("data/json-value", { path, where: field, problem }, place);
  }
  const shape = [value.length, ...sample];
  const size = elementCount(shape) * Float64Array.BYTES_PER_ELEMENT;
  const limit = (source.limits ?? DATA_LIMITS).bytes;
  const what = `bytes of an array of ${shape.join("x")} numbers`;
  if (!(size <= limit)) fail("data/too-large", { path, what, found: size, limit }, place);

  const data = new Float64Array(elementCount(shape));
  const step = elementCount(sample);
  const bad = new Map<number, string>();
  const errors = [];
  for (let i = 0; i < value.length && errors.length < MAX_ERRORS; i++) {
    const found = readRow(value[i], sample, data, i * step);
    if (found === undefined) continue;
    const where = `${field}[${i}]${found.place}`;
    bad.set(i, `${where}: ${found.problem}`);
    if (!skipMalformed)
      errors.push(createDiagnostic("data/json-value", { path, where, problem: found.problem }, place));
  }
  if (errors.length > 0) throw new DiagnosticError(errors);
  return { shape, data, bad };
}

/** Only the given rows of a row-major array. */
export function takeRows({ shape, data }: JsonRows, rows: ArrayLike<number>): JsonRows {
  const step = elementCount(shape.slice(1));
  const taken = new Float64Array(rows.length * step);
  for (let i = 0; i < rows.length; i++)
    taken.set(data.subarray(rows[i]! * step, (rows[i]! + 1) * step), i * step);
  return { shape: [rows.length, ...shape.slice(1)], data: taken, bad: new Map() };
}
