// JSON samples: {"inputs": [...nested numbers...], "labels": [...]}. In: UTF-8 bytes. Out: an array and labels. The
// shape is read off the nesting, which has to be regular.
import { fail } from "../support/diagnostics.ts";
import { decodeUtf8 } from "../support/text.ts";
import { gunzipIfNeeded } from "./gzip.ts";
import { findJsonError } from "./json-error.ts";
import { DATA_LIMITS, type DataSource, elementCount, MAX_RANK } from "./numeric-array.ts";
import {
  describeElement,
  describeSample,
  type NumberKind,
  type RawInputs,
  type RawLabels,
} from "./raw-samples.ts";

export interface JsonFields {
  readonly inputs: string;
  /** Undefined when the file holds no labels. */
  readonly labels?: string | undefined;
}

export interface JsonSamples {
  readonly inputs: RawInputs;
  readonly labels: RawLabels | undefined;
}

/** Says how the numbers are meant where JSON cannot: it has no difference between 1 and 1.0. */
const NUMBERS_FIELD = "numbers";

function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object") return "an object";
  return `the ${typeof value} ${JSON.stringify(value).slice(0, 40)}`;
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

/** Row-major numbers of a regular nesting of the given shape. */
function flatten(value: unknown, shape: readonly number[], field: string, source: DataSource): Float64Array {
  const data = new Float64Array(elementCount(shape));
  let at = 0;
  const index: number[] = [];
  const bad = (problem: string): never => {
    const where = field + index.map((i) => `[${i}]`).join("");
    return fail("data/json-value", { path: source.path, where, problem }, source.place);
  };
  // The depth is at most MAX_RANK.
  const visit = (node: unknown): void => {
    const depth = index.length;
    if (depth === shape.length) {
      if (typeof node !== "number") return bad(`a number is expected, not ${describe(node)}`);
      if (!Number.isFinite(node)) return bad("the number is too large to be held");
      data[at++] = node;
      return;
    }
    const length = shape[depth]!;
    if (!Array.isArray(node) || node.length !== length)
      return bad(`an array of ${length} is expected as in the first sample, not ${describe(node)}`);
    for (let i = 0; i < length; i++) {
      index.push(i);
      visit(node[i]);
      index.pop();
    }
  };
  visit(value);
  return data;
}

function readLabels(value: unknown, field: string, source: DataSource): RawLabels {
  const { path, place } = source;
  const bad = (where: string, problem: string): never =>
    fail("data/json-value", { path, where, problem }, place);
  if (!Array.isArray(value)) return bad(field, `an array of labels is expected, not ${describe(value)}`);
  const kind = typeof value[0];
  for (let i = 0; i < value.length; i++) {
    const type = typeof value[i];
    if ((type !== "number" && type !== "string") || type !== kind)
      bad(`${field}[${i}]`, `labels are all numbers or all names, not ${describe(value[i])}`);
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

/**
 * Reads samples from a JSON object. Numbers are stored integers when all of them are whole, else values; a field
 * "numbers" of "stored" or "values" decides it instead. Throws data/utf8, data/too-large, data/json-syntax,
 * data/json-field and data/json-value.
 */
export function decodeJson(file: Uint8Array, fields: JsonFields, source: DataSource): JsonSamples {
  const { path, place } = source;
  const bytes = gunzipIfNeeded(file, source);
  const limit = (source.limits ?? DATA_LIMITS).textBytes;
  if (bytes.length > limit)
    fail("data/too-large", { path, what: "bytes of text", found: bytes.length, limit }, place);
  const text = decodeUtf8(bytes);
  if (text === undefined) fail("data/utf8", { path }, place);
  const root = parseJson(text, source);
  if (typeof root !== "object" || root === null || Array.isArray(root)) {
    const problem = `an object is expected, not ${describe(root)}`;
    fail("data/json-value", { path, where: "the whole file", problem }, place);
  }
  const object = root as Readonly<Record<string, unknown>>;
  const field = (name: string): unknown => {
    if (!Object.hasOwn(object, name))
      fail("data/json-field", { path, field: name, available: Object.keys(object) }, place);
    return object[name];
  };

  const inputs = field(fields.inputs);
  const shape = nestingOf(inputs);
  if (shape.length === 0 || shape.length > MAX_RANK) {
    const problem =
      shape.length === 0
        ? `an array of samples is expected, not ${describe(inputs)}`
        : `more than ${MAX_RANK} arrays inside of each other`;
    fail("data/json-value", { path, where: fields.inputs, problem }, place);
  }
  const data = flatten(inputs, shape, fields.inputs, source);
  const labels =
    fields.labels === undefined ? undefined : readLabels(field(fields.labels), fields.labels, source);

  let numbers: NumberKind = data.every(Number.isInteger) ? "stored" : "values";
  if (Object.hasOwn(object, NUMBERS_FIELD) && fields.inputs !== NUMBERS_FIELD) {
    const said = object[NUMBERS_FIELD];
    if (said !== "stored" && said !== "values") {
      const problem = `"stored" or "values" is expected, not ${describe(said)}`;
      fail("data/json-value", { path, where: NUMBERS_FIELD, problem }, place);
    }
    numbers = said;
  }
  return {
    inputs: {
      array: { shape, dtype: "float64", data },
      numbers,
      flat: false,
      where: describeElement(shape.slice(1)),
    },
    labels,
  };
}
