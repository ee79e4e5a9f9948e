// The inputs of a model. In: an `input` line. Out: its value: shape and stored integers.
import type { StoredType } from "../graph/graph.ts";
import { MAX_ELEMENTS } from "../graph/shapes.ts";
import type { InputItem } from "./ast.ts";
import { type CheckContext, type Fields, numberReader, readFields, type Signature } from "./read-fields.ts";
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

function checkStored(item: InputItem, context: CheckContext): StoredType | undefined {
  const { values } = readFields(item.options, inputOptions, "input", item.span, context);
  if (!item.type) return undefined;
  const [, kind, digits] = /^([us])(\d{1,3})$/.exec(item.type.text) ?? [];
  const width = Number(digits);
  const signed = kind === "s";
  if (kind === undefined || width < (signed ? 2 : 1) || width > MAX_STORED_WIDTH) {
    context.collector.add("language/bad-type", { type: item.type.text }, { span: item.type.span });
    return undefined;
  }
  return { signed, width, fraction: values.fraction ?? (signed ? width - 1 : width) };
}

/** Undefined after an error that it reported. */
export function checkInput(item: InputItem, context: CheckContext): CheckedInput | undefined {
  const shape = checkShape(item, context);
  const stored = checkStored(item, context);
  if (!item.name || !shape || !stored) return undefined;
  const { text: name, span } = item.name;
  return { kind: "input", word: "input", name, named: true, shape, inputs: [], stored, span };
}
