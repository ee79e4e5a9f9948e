// Stages that move elements and compute nothing. In: a stage and the value before it. Out: the operator for that value.
import type { Sizes } from "../graph/graph.ts";
import type { Span } from "../support/source-file.ts";
import { type CheckContext, type Fields, listReader, numberReader, type Signature } from "./read-fields.ts";
import {
  AXES,
  type Axis,
  axisOf,
  axisReader,
  elementsReader,
  endsReader,
  shapeReader,
  sizesReader,
  spread,
} from "./read-sizes.ts";
import {
  placeOf,
  readArguments,
  readNoArguments,
  readNoOptions,
  refuseBipolar,
  type StageRule,
} from "./stage-rule.ts";

/** The keys of axes that were given, with the number of the axis. Undefined when one of them is none of the value's. */
function axesGiven<T>(
  values: { readonly [A in Axis]?: T },
  shape: Sizes,
  places: ReadonlyMap<string, Span>,
  context: CheckContext,
): Map<number, { readonly axis: Axis; readonly value: T }> | undefined {
  const given = new Map<number, { readonly axis: Axis; readonly value: T }>();
  let known = true;
  for (const axis of AXES) {
    const span = places.get(axis);
    if (!span) continue;
    const at = axisOf(axis, shape, span, context);
    const value = values[axis];
    if (at === undefined || value === undefined) known = false;
    else given.set(at, { axis, value });
  }
  return known ? given : undefined;
}

const sliceSignature = {
  fields: {
    planes: elementsReader,
    rows: elementsReader,
    columns: elementsReader,
    positions: elementsReader,
    channels: elementsReader,
  },
  form: "slice(rows: 0..6, columns: 0..6)",
} as const satisfies Signature<Fields>;

const padSignature = {
  fields: {
    planes: endsReader,
    rows: endsReader,
    columns: endsReader,
    positions: endsReader,
    channels: endsReader,
    value: numberReader({ min: -65536, max: 65536, example: "value: 0" }),
  },
  form: "pad(rows: 1, columns: [0, 1])",
} as const satisfies Signature<Fields>;

/** Reports the lack of any axis. */
function needsAxis(
  word: string,
  places: ReadonlyMap<string, Span>,
  form: string,
  span: Span,
  context: CheckContext,
): void {
  if (context.partial || AXES.some((axis) => places.has(axis))) return;
  context.collector.add("language/missing-key", { subject: word, key: "an axis", form }, { span });
}

const slice: StageRule = {
  check: (input, stage, context) => {
    const { values, places, meant } = readArguments("slice", stage, sliceSignature, context);
    readNoOptions("slice", stage, context);
    if (meant.size === 0) needsAxis("slice", places, sliceSignature.form, placeOf(stage).span, context);
    const given = input && axesGiven(values, input.shape, places, context);
    if (!input || !given) return undefined;
    const begin = input.shape.map((_, at) => given.get(at)?.value.min ?? 0);
    const sizes = input.shape.map((size, at) => {
      const range = given.get(at)?.value;
      return range ? range.max - range.min + 1 : size;
    });
    const axisPlaces = new Map([...given].map(([at, { axis }]) => [`${at}`, places.get(axis)!]));
    return { operator: { kind: "slice", begin, sizes }, places: axisPlaces };
  },
};

const pad: StageRule = {
  check: (input, stage, context) => {
    const { values, places, meant } = readArguments("pad", stage, padSignature, context);
    readNoOptions("pad", stage, context);
    if (meant.size === 0) needsAxis("pad", places, padSignature.form, placeOf(stage).span, context);
    refuseBipolar("pad", input, placeOf(stage).span, context);
    const { value = 0, ...axes } = values;
    const given = input && axesGiven(axes, input.shape, places, context);
    if (!input || !given) return undefined;
    const end = (i: 0 | 1) => input.shape.map((_, at) => given.get(at)?.value[i] ?? 0);
    return { operator: { kind: "pad", padding: { before: end(0), after: end(1) }, value }, places };
  },
};

const reshapeSignature = {
  fields: { shape: shapeReader },
  positional: ["shape"],
  required: ["shape"],
  form: "reshape(7x7x16)",
} as const satisfies Signature<Fields>;

const reshape: StageRule = {
  check: (input, stage, context) => {
    const { values, places } = readArguments("reshape", stage, reshapeSignature, context);
    readNoOptions("reshape", stage, context);
    const sizes = values.shape;
    return input && sizes ? { operator: { kind: "reshape", sizes }, places } : undefined;
  },
};

const transposeForm = "transpose([columns, rows, channels])";
const transposeSignature = {
  fields: { axes: listReader("axes", axisReader, transposeForm) },
  positional: ["axes"],
  required: ["axes"],
  form: transposeForm,
} as const satisfies Signature<Fields>;

const transpose: StageRule = {
  check: (input, stage, context) => {
    const { values, places } = readArguments("transpose", stage, transposeSignature, context);
    readNoOptions("transpose", stage, context);
    const { axes } = values;
    if (!input || !axes) return undefined;
    const permutation = axes.map((axis) => axisOf(axis, input.shape, places.get("axes")!, context));
    return permutation.every((axis) => axis !== undefined)
      ? { operator: { kind: "transpose", permutation }, places }
      : undefined;
  },
};

const upsampleSignature = {
  fields: { factor: sizesReader("upsample(2x2)", 4096) },
  positional: ["factor"],
  required: ["factor"],
  form: "upsample(2x2)",
} as const satisfies Signature<Fields>;

const upsample: StageRule = {
  check: (input, stage, context) => {
    const { values, places } = readArguments("upsample", stage, upsampleSignature, context);
    readNoOptions("upsample", stage, context);
    const { factor } = values;
    if (!input || factor === undefined) return undefined;
    return { operator: { kind: "upsample", factors: spread(factor, input.shape.length - 1) }, places };
  },
};

const flatten: StageRule = {
  check: (input, stage, context) => {
    readNoArguments("flatten", stage, context);
    readNoOptions("flatten", stage, context);
    if (!input) return undefined;
    if (input.shape.length > 1) return { operator: { kind: "flatten" } };
    context.collector.add("language/idle-flatten", { size: input.shape[0]! }, placeOf(stage));
    return "input";
  },
};

export const MOVE_STAGES: readonly (readonly [string, StageRule])[] = [
  ["flatten", flatten],
  ["pad", pad],
  ["reshape", reshape],
  ["slice", slice],
  ["transpose", transpose],
  ["upsample", upsample],
];
