// The inputs of a model. In: an `input` line. Out: its value: shape and stored integers.
import type { ImportedInputValues } from "../graph/first-weights.ts";
import type { StoredType } from "../graph/graph.ts";
import { MAX_ELEMENTS } from "../graph/shapes.ts";
import { integerRange, type Range } from "../support/fixed-point.ts";
import type { InputItem } from "./ast.ts";
import {
  type CheckContext,
  type Fields,
  listReader,
  numberReader,
  readFields,
  type Signature,
} from "./read-fields.ts";
import { MAX_RANK } from "./read-sizes.ts";
import type { Signal } from "./signal.ts";

export interface CheckedInput extends Signal {
  readonly kind: "input";
  readonly stored: StoredType;
}

const inputOptions = {
  fields: { fraction: numberReader({ min: -64, max: 64, whole: true, example: "{ fraction: 8 }" }) },
  form: "{ fraction: 8 }",
} as const satisfies Signature<Fields>;

function checkShape(item: InputItem, context: CheckContext): readonly number[] | undefined {
  const { shape } = item;
  if (!shape) return undefined;
  const text = shape.sizes.join("x");
  const place = { span: shape.span };
  if (shape.sizes.some((size) => !Number.isInteger(size) || size < 1)) {
    context.collector.add("language/bad-size", { shape: text }, place);
    return undefined;
  }
  const elements = shape.sizes.reduce((a, b) => a * b, 1);
  if (elements <= MAX_ELEMENTS && shape.sizes.length <= MAX_RANK) return shape.sizes;
  const limits = { limit: MAX_ELEMENTS, rank: MAX_RANK };
  context.collector.add("language/shape-too-large", { shape: text, elements, ...limits }, place);
  return undefined;
}

const MAX_STORED_WIDTH = 16;

/** Sign and width of a stored type; undefined for a word that is none. */
export function readStoredType(word: string): Pick<StoredType, "signed" | "width"> | undefined {
  const [, kind, digits] = /^([us])(\d{1,3})$/.exec(word) ?? [];
  const width = Number(digits);
  const signed = kind === "s";
  const fits = kind !== undefined && width >= (signed ? 2 : 1) && width <= MAX_STORED_WIDTH;
  return fits ? { signed, width } : undefined;
}

/** The type of an input item, or an error that it reported. */
function checkType(item: InputItem, context: CheckContext): ReturnType<typeof readStoredType> {
  if (!item.type) return undefined;
  const type = readStoredType(item.type.text);
  if (!type) context.collector.add("language/bad-type", { type: item.type.text }, { span: item.type.span });
  return type;
}

/** Where values lie in -1..1, or in 0..1. */
const usualFraction = ({ signed, width }: Pick<StoredType, "signed" | "width">): number =>
  signed ? width - 1 : width;

function checkStored(item: InputItem, context: CheckContext): StoredType | undefined {
  const { values } = readFields(item.options, inputOptions, "input", item.span, context);
  const type = checkType(item, context);
  return type && { ...type, fraction: values.fraction ?? usualFraction(type) };
}

/** Undefined after an error that it reported. */
export function checkInput(item: InputItem, context: CheckContext): CheckedInput | undefined {
  const shape = checkShape(item, context);
  const stored = checkStored(item, context);
  if (!item.name || !shape || !stored) return undefined;
  const { text: name, span } = item.name;
  return { kind: "input", word: "input", name, named: true, shape, inputs: [], stored, span };
}

const real = numberReader({ min: -1e9, max: 1e9, example: "range: [-1, 1]" });
const importedOptions = {
  fields: {
    ...inputOptions.fields,
    scale: numberReader({ min: 1e-9, max: 1e9, example: "{ scale: 0.00392156862745098 }" }),
    range: listReader("two numbers", real, "{ range: [-1, 1] }"),
  },
  form: "{ range: [-1, 1] }",
} as const satisfies Signature<Fields>;

/** Stored integers of an imported model, and which of them its samples have where there are no data. */
export interface ImportedInput extends ImportedInputValues {
  readonly range: Range;
}

/**
 * What the integers of an imported model stand for; s8 without an item. A step is given, or follows from the range of the
 * values: the least power of two whose integers hold it, but for the upper end of a signed range.
 */
export function checkImportedInput(
  item: InputItem | undefined,
  context: CheckContext,
): ImportedInput | undefined {
  const fields = item && readFields(item.options, importedOptions, "input", item.span, context);
  const { fraction, scale, range } = fields?.values ?? {};
  const type = item?.type ? checkType(item, context) : { signed: true, width: 8 };
  if (!type) return undefined;
  const place = (key: string) => ({ span: fields!.places.get(key)! });
  if (fraction !== undefined && scale !== undefined) {
    const parameters = { subject: "input", key: "scale", other: "fraction" };
    context.collector.add("language/conflicting-keys", parameters, place("scale"));
  }
  const [low, high, ...others] = range ?? [];
  const fits = low !== undefined && high !== undefined && low < high && (type.signed || low >= 0);
  if (range && (!fits || others.length > 0)) {
    context.collector.add("language/bad-input-range", { signed: type.signed }, place("range"));
    return undefined;
  }
  const widest = range ? Math.ceil(Math.log2(Math.max(-low!, high!))) : 0;
  const step = scale === undefined ? 2 ** -(fraction ?? usualFraction(type) - widest) : scale;
  const exponent = Math.floor(Math.log2(step));
  const stored: StoredType = { ...type, fraction: 0 - exponent };
  const all = integerRange(type.width, type.signed);
  const clamp = (m: number): number => Math.min(all.max, Math.max(all.min, m));
  const within = range ? { min: clamp(Math.ceil(low! / step)), max: clamp(Math.floor(high! / step)) } : all;
  return { stored, scale: step / 2 ** exponent, range: within };
}
