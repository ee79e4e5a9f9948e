// JSON samples: {"inputs": [...nested numbers...], "labels": [...]}. In: UTF-8 bytes. Out: an array, labels, targets.
// The shape is read off the nesting, which has to be regular.
import { fail } from "../support/diagnostics.ts";
import { decodeUtf8 } from "../support/text.ts";
import { gunzipIfNeeded } from "./gzip.ts";
import { findJsonError } from "./json-error.ts";
import { describeJson, type RowOptions, readJsonRows, takeRows } from "./json-rows.ts";
import { DATA_LIMITS, type DataSource } from "./numeric-array.ts";
import {
  describeElement,
  describeSample,
  type NumberKind,
  type RawInputs,
  type RawLabels,
  type RawTargets,
} from "./raw-samples.ts";
import { joinTargets } from "./targets.ts";

export interface JsonFields {
  readonly inputs: string;
  /** Undefined when the file holds no labels. */
  readonly labels?: string | undefined;
  /** Fields with the real values of a regression, in the order of the outputs. */
  readonly targets?: readonly string[] | undefined;
}

export interface JsonSamples {
  readonly inputs: RawInputs;
  readonly labels: RawLabels | undefined;
  readonly targets: RawTargets | undefined;
  /** What is wrong with each row that was skipped. */
  readonly skipped: readonly string[];
}

/** Says how the numbers are meant where JSON cannot: it has no difference between 1 and 1.0. */
const NUMBERS_FIELD = "numbers";

function readLabels(value: unknown, field: string, source: DataSource): RawLabels {
  const { path, place } = source;
  const bad = (where: string, problem: string): never =>
    fail("data/json-value", { path, where, problem }, place);
  if (!Array.isArray(value)) return bad(field, `an array of labels is expected, not ${describeJson(value)}`);
  const kind = typeof value[0];
  for (let i = 0; i < value.length; i++) {
    const type = typeof value[i];
    if ((type !== "number" && type !== "string") || type !== kind)
      bad(`${field}[${i}]`, `labels are all numbers or all names, not ${describeJson(value[i])}`);
  }
  return kind === "string"
    ? { kind: "names", values: value as string[], where: describeSample }
    : { kind: "indices", values: value as number[], where: describeSample };
}

function parseJson(text: string, source: DataSource): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const at = findJsonError(text);
    const before = text.slice(0, at);
    const line = before.split("\n").length;
    const column = at - before.lastIndexOf("\n");
    const found = /^[^\s,:[\]{}]{1,20}|^./.exec(text.slice(at, at + 20))?.[0];
    const problem = found === undefined ? "the text ends too early" : `unexpected ${JSON.stringify(found)}`;
    return fail("data/json-syntax", { path: source.path, line, column, problem }, source.place);
  }
}

function isWhole(data: ArrayLike<number>): boolean {
  for (let i = 0; i < data.length; i++) if (!Number.isInteger(data[i])) return false;
  return true;
}

/** Only the labels of the rows that are kept of `count`. */
function keepLabels(labels: RawLabels, kept: Int32Array, count: number, source: DataSource): RawLabels {
  if (labels.values.length !== count) {
    const parameters = { path: source.path, labels: labels.values.length, inputs: count };
    fail("data/label-count", parameters, source.place);
  }
  const where = (sample: number): string => labels.where(kept[sample]!);
  const rows = [...kept];
  return labels.kind === "names"
    ? { kind: "names", values: rows.map((row) => labels.values[row]!), where }
    : { kind: "indices", values: rows.map((row) => labels.values[row]!), where };
}

/**
 * Reads samples from a JSON object. Numbers are stored integers when all of them are whole, else values; a field
 * "numbers" of "stored" or "values" decides it instead. With `skipMalformed`, a row whose inputs or targets have not
 * the shape of the others is left out and named in `skipped`. Throws data/utf8, data/too-large, data/json-syntax,
 * data/json-field, data/json-value, data/label-count and data/target-count.
 */
export function decodeJson(
  file: Uint8Array,
  fields: JsonFields,
  source: DataSource,
  options: RowOptions = {},
): JsonSamples {
  const { path, place } = source;
  const bytes = gunzipIfNeeded(file, source);
  const limit = (source.limits ?? DATA_LIMITS).textBytes;
  if (bytes.length > limit)
    fail("data/too-large", { path, what: "bytes of text", found: bytes.length, limit }, place);
  const text = decodeUtf8(bytes);
  if (text === undefined) fail("data/utf8", { path }, place);
  const root = parseJson(text, source);
  if (typeof root !== "object" || root === null || Array.isArray(root)) {
    const problem = `an object is expected, not ${describeJson(root)}`;
    fail("data/json-value", { path, where: "the whole file", problem }, place);
  }
  const object = root as Readonly<Record<string, unknown>>;
  const field = (name: string): unknown => {
    if (!Object.hasOwn(object, name))
      fail("data/json-field", { path, field: name, available: Object.keys(object) }, place);
    return object[name];
  };

  const inputs = readJsonRows(field(fields.inputs), fields.inputs, source, options);
  const { skipMalformed } = options;
  const columns = (fields.targets ?? []).map((name) =>
    readJsonRows(field(name), name, source, { skipMalformed }),
  );
  const labels =
    fields.labels === undefined ? undefined : readLabels(field(fields.labels), fields.labels, source);

  const count = inputs.shape[0]!;
  const bad = new Map([inputs, ...columns].flatMap((rows) => [...rows.bad]));
  const kept = Int32Array.from({ length: count }, (_, row) => row).filter((row) => !bad.has(row));
  const keep = (rows: typeof inputs): RawTargets => {
    const found = rows.shape[0]!;
    if (found !== count) fail("data/target-count", { path, targets: found, inputs: count }, place);
    const { shape, data } = bad.size === 0 ? rows : takeRows(rows, kept);
    const where = describeElement(shape.slice(1));
    return { array: { shape, dtype: "float64", data }, where: (sample, k) => where(kept[sample]!, k) };
  };
  const { array, where } = keep(inputs);

  let numbers: NumberKind = isWhole(array.data) ? "stored" : "values";
  if (Object.hasOwn(object, NUMBERS_FIELD) && fields.inputs !== NUMBERS_FIELD) {
    const said = object[NUMBERS_FIELD];
    if (said !== "stored" && said !== "values") {
      const problem = `"stored" or "values" is expected, not ${describeJson(said)}`;
      fail("data/json-value", { path, where: NUMBERS_FIELD, problem }, place);
    }
    numbers = said;
  }
  return {
    inputs: { array, numbers, flat: array.shape.length === 2, where },
    labels: labels && bad.size > 0 ? keepLabels(labels, kept, count, source) : labels,
    targets: columns.length === 0 ? undefined : joinTargets(columns.map(keep), source),
    skipped: [...bad.values()],
  };
}
