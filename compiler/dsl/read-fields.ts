// Settings and arguments against the list of keys that are known there. In: entries of the syntax tree and a
// signature. Out: typed values, and a diagnostic for each unknown, repeated, missing or ill-typed entry.
import type { DiagnosticCollector } from "../support/diagnostics.ts";
import type { Span } from "../support/source-file.ts";
import type { ArgumentNode, CallNode, NameNode, SettingNode, ValueNode } from "./ast.ts";
import { nearestWord } from "./spelling.ts";
import { BASE_UNITS, DIMENSION_PHRASES, type Dimension, UNITS, unitsOf } from "./units.ts";

export interface CheckContext {
  readonly collector: DiagnosticCollector;
  /** True when syntax errors hid parts of the file: what is absent may only be unreadable, and is not reported. */
  readonly partial: boolean;
  /** Names that the unreadable parts of the file may define. */
  readonly possibleNames: ReadonlySet<string>;
}

/** Reads one value; `subject` names it in messages. Undefined after an error that it reported. */
export type ValueReader<T> = (value: ValueNode, subject: string, context: CheckContext) => T | undefined;

export type Fields = Readonly<Record<string, ValueReader<unknown>>>;

export interface Signature<F extends Fields> {
  readonly fields: F;
  /** Keys that may be given by position, in order. */
  readonly positional?: readonly (keyof F & string)[];
  readonly required?: readonly (keyof F & string)[];
  /** How it is written, for hints. */
  readonly form: string;
}

type ValueOf<R> = R extends ValueReader<infer T> ? T : never;

/** What was given, key by key. */
export interface FieldValues<F extends Fields> {
  readonly values: { readonly [K in keyof F]?: ValueOf<F[K]> };
  /** Place of each key that was given, readable or not. */
  readonly places: ReadonlyMap<string, Span>;
  /** Keys that a mistyped one probably meant: their lack is no second mistake. */
  readonly meant: ReadonlySet<string>;
}

/** Reads settings or arguments. `at` is where a missing key is reported. */
export function readFields<F extends Fields>(
  entries: readonly ArgumentNode[],
  signature: Signature<F>,
  subject: string,
  at: Span,
  context: CheckContext,
): FieldValues<F> {
  const { collector } = context;
  const known = Object.keys(signature.fields);
  const values = new Map<string, unknown>();
  const places = new Map<string, Span>();
  const meant = new Set<string>();
  let position = 0;
  for (const entry of entries) {
    const key = entry.key?.text ?? signature.positional?.[position++];
    const span = entry.key?.span ?? entry.span;
    if (key === undefined) {
      collector.add("language/surplus-argument", { subject, form: signature.form }, { span });
    } else if (!Object.hasOwn(signature.fields, key)) {
      const nearest = nearestWord(key, known);
      if (nearest !== undefined) meant.add(nearest);
      collector.add("language/unknown-key", { subject, key, known, nearest }, { span });
    } else if (places.has(key)) {
      const related = [{ message: "first given here", span: places.get(key)! }];
      collector.add("language/duplicate-key", { subject, key }, { span, related });
    } else {
      places.set(key, span);
      const name = entry.key ? key : `${key} of ${subject}`;
      const value = entry.value && signature.fields[key]!(entry.value, name, context);
      if (value !== undefined) values.set(key, value);
    }
  }
  for (const key of signature.required ?? []) {
    if (places.has(key) || meant.has(key) || context.partial) continue;
    collector.add("language/missing-key", { subject, key, form: signature.form }, { span: at });
  }
  return { values: Object.fromEntries(values) as FieldValues<F>["values"], places, meant };
}

function shownNumber(value: number | string, unit: string | undefined): string {
  return unit === undefined ? `${value}` : `${value} ${unit}`;
}

/** What a value is called in a message. */
function described(value: ValueNode): string {
  switch (value.kind) {
    case "quantity":
      return shownNumber(value.number, value.unit);
    case "range":
      return shownNumber(`${value.low}..${value.high}`, value.unit);
    case "shape":
      return `the shape ${value.sizes.join("x")}`;
    case "text":
      return "a text";
    case "call":
      return value.args ? `${value.name.text}(...)` : `the word ${value.name.text}`;
    case "list":
      return "a list";
    case "block":
      return "a block in braces";
  }
}

export function wrongKind(
  value: ValueNode,
  subject: string,
  expected: string,
  example: string,
  c: CheckContext,
): undefined {
  const parameters = { subject, expected, found: described(value), example };
  c.collector.add("language/wrong-kind", parameters, { span: value.span });
}

export interface NumberRule {
  /** Absent for a plain number. */
  readonly dimension?: Dimension;
  /** The unit may be left out: the dimension has but one and the key names it. */
  readonly unitOptional?: boolean;
  /** In the base unit of the dimension. */
  readonly min: number;
  readonly max: number;
  /** Fractions are refused. */
  readonly whole?: boolean;
  /** How it is written, for hints. */
  readonly example: string;
}

/** A number in the base unit of its dimension. */
export function numberReader(rule: NumberRule): ValueReader<number> {
  const { dimension, min, max, example } = rule;
  const phrase = dimension ? DIMENSION_PHRASES[dimension] : rule.whole ? "a whole number" : "a number";
  const base = dimension && BASE_UNITS[dimension];
  return (value, subject, context) => {
    const place = { span: value.span };
    if (value.kind !== "quantity") return wrongKind(value, subject, phrase, example, context);
    const unit = value.unit === undefined ? undefined : UNITS.get(value.unit);
    if (value.unit !== undefined && !unit) {
      const known = dimension ? unitsOf(dimension) : [];
      const nearest = nearestWord(value.unit, known.length > 0 ? known : UNITS.keys());
      context.collector.add("language/unknown-unit", { unit: value.unit, known, nearest, example }, place);
      return undefined;
    }
    if (unit && unit.dimension !== dimension) {
      const found = `${DIMENSION_PHRASES[unit.dimension]} (${described(value)})`;
      context.collector.add("language/wrong-unit", { subject, expected: phrase, found, example }, place);
      return undefined;
    }
    if (!unit && dimension && !rule.unitOptional) {
      context.collector.add("language/missing-unit", { subject, expected: phrase, example }, place);
      return undefined;
    }
    // 0.3 Mbitops is 300000 bit operations, although 0.3 is no binary fraction.
    const scaled = value.number * (unit?.factor ?? 1);
    const number =
      Math.abs(scaled - Math.round(scaled)) < 1e-9 * Math.abs(scaled) ? Math.round(scaled) : scaled;
    if (!(number >= min && number <= max)) {
      const limits = { low: `${min}`, high: shownNumber(max, base) };
      context.collector.add("language/out-of-range", { subject, found: described(value), ...limits }, place);
      return undefined;
    }
    if (rule.whole && !Number.isInteger(number)) {
      context.collector.add("language/not-whole", { subject, found: described(value), example }, place);
      return undefined;
    }
    return number;
  };
}

/** A range of whole numbers; a single number is both of its ends. */
export function rangeReader(rule: NumberRule): ValueReader<{ readonly min: number; readonly max: number }> {
  const end = numberReader({ ...rule, whole: true });
  return (value, subject, context) => {
    if (value.kind !== "range") {
      const both = end(value, subject, context);
      return both === undefined ? undefined : { min: both, max: both };
    }
    const { low, high, unit, span } = value;
    const read = (number: number): number | undefined =>
      end({ kind: "quantity", number, ...(unit ? { unit } : {}), span }, subject, context);
    const min = read(low);
    const max = min === undefined ? undefined : read(high);
    if (min === undefined || max === undefined) return undefined;
    if (min <= max) return { min, max };
    context.collector.add("language/empty-range", { subject, low, high }, { span });
    return undefined;
  };
}

/** A list of at least one value. */
export function listReader<T>(what: string, item: ValueReader<T>, example: string): ValueReader<T[]> {
  return (value, subject, context) => {
    if (value.kind !== "list" || value.items.length === 0) {
      return wrongKind(value, subject, `a list of ${what}`, example, context);
    }
    const items = value.items.map((part) => item(part, subject, context));
    return items.every((part) => part !== undefined) ? items : undefined;
  };
}

/** A non-empty text with its place. */
export function textReader(example: string): ValueReader<NameNode> {
  return (value, subject, context) => {
    if (value.kind !== "text") return wrongKind(value, subject, "a text in double quotes", example, context);
    if (value.text !== "") return { text: value.text, span: value.span };
    context.collector.add("language/empty-text", { subject, example }, { span: value.span });
    return undefined;
  };
}

/** A list of at least one text. */
export function textListReader(example: string): ValueReader<string[]> {
  const text = textReader(example);
  return listReader("texts", (value, subject, context) => text(value, subject, context)?.text, example);
}

/** One value of a block, and the place of its name. */
export interface NamedValue<T> {
  readonly name: string;
  readonly value: T | undefined;
  readonly span: Span;
}

/** A block: a value for each name, each name once. An unreadable value is undefined. */
export function readBlock<T>(
  settings: readonly SettingNode[],
  item: ValueReader<T>,
  subject: string,
  context: CheckContext,
): NamedValue<T>[] {
  const found = new Map<string, NamedValue<T>>();
  for (const { key, value } of settings) {
    const first = found.get(key.text);
    if (first) {
      const related = [{ message: "first given here", span: first.span }];
      const parameters = { subject, key: key.text };
      context.collector.add("language/duplicate-key", parameters, { span: key.span, related });
      continue;
    }
    const read = value && item(value, key.text, context);
    found.set(key.text, { name: key.text, value: read, span: key.span });
  }
  return [...found.values()];
}

/** Whether a block names exactly what it is to name; reports every name that is unknown or missing. */
export function checkNames(
  given: readonly NamedValue<unknown>[],
  wanted: readonly string[],
  subject: string,
  form: string,
  at: Span,
  context: CheckContext,
): boolean {
  const meant = new Set<string>();
  let fits = true;
  for (const { name, span } of given) {
    if (wanted.includes(name)) continue;
    fits = false;
    const nearest = nearestWord(name, wanted);
    if (nearest !== undefined) meant.add(nearest);
    // What follows a syntax error may have been read as a name.
    if (context.partial) continue;
    context.collector.add("language/unknown-key", { subject, key: name, known: wanted, nearest }, { span });
  }
  for (const key of wanted) {
    if (given.some(({ name }) => name === key)) continue;
    fits = false;
    if (meant.has(key) || context.partial) continue;
    context.collector.add("language/missing-key", { subject, key, form }, { span: at });
  }
  return fits;
}

const withArticle = (what: string): string => `${/^[aeiou]/.test(what) ? "an" : "a"} ${what}`;

/** Reads what stands between the parentheses of one known word. */
export type CallReader<T> = (call: CallNode, context: CheckContext) => T | undefined;

/** One of several known words, each with its own arguments. `what` names the choice, such as "data format". */
export function choiceReader<T>(
  what: string,
  choices: ReadonlyMap<string, CallReader<T>>,
  example: string,
): ValueReader<T> {
  const known = [...choices.keys()];
  return (value, subject, context) => {
    if (value.kind !== "call") return wrongKind(value, subject, withArticle(what), example, context);
    const read = choices.get(value.name.text);
    if (read) return read(value, context);
    const word = value.name.text;
    const parameters = { what, word, known, nearest: nearestWord(word, known) };
    context.collector.add("language/unknown-word", parameters, { span: value.name.span });
    return undefined;
  };
}

/** A word of a fixed list, without arguments. */
export function wordReader<const W extends string>(what: string, words: readonly W[]): ValueReader<W> {
  const readers = words.map((word) => [word, constantReader(word, word)] as const);
  return choiceReader(what, new Map<string, CallReader<W>>(readers), words[0]!);
}

/** The arguments of one known word. `read` makes the value of what was given; a word has no arguments without a signature. */
export function callReader<F extends Fields, T>(
  subject: string,
  signature: Signature<F>,
  read: (values: FieldValues<F>["values"], fields: FieldValues<F>, call: CallNode) => T | undefined,
): CallReader<T> {
  return (call, context) => {
    const fields = readFields(call.args ?? [], signature, subject, call.span, context);
    return read(fields.values, fields, call);
  };
}

/** A word without arguments that stands for a value. */
export function constantReader<T>(word: string, value: T): CallReader<T> {
  return callReader(word, { fields: {}, form: word }, () => value);
}

/** `on` or `off`. */
export const switchReader: ValueReader<boolean> = choiceReader(
  "switch",
  new Map([
    ["on", constantReader("on", true)],
    ["off", constantReader("off", false)],
  ]),
  "on",
);
