// Changes to the training inputs. In: the value of `augment`. Out: what is changed, with the place of each change.
import type { Augmentation } from "../graph/project.ts";
import type { Span } from "../support/source-file.ts";
import {
  type CallReader,
  callReader,
  choiceReader,
  constantReader,
  type Fields,
  listReader,
  numberReader,
  type Signature,
  type ValueReader,
  wordReader,
} from "./read-fields.ts";

/** One change to the training inputs, with its place. */
interface WrittenChange {
  readonly word: "shift" | "flip" | "noise";
  readonly change: Partial<Augmentation>;
  readonly span: Span;
}

const shift = {
  fields: {
    distance: numberReader({ dimension: "pixels", min: 1, max: 64, whole: true, example: "shift(1 px)" }),
  },
  positional: ["distance"],
  required: ["distance"],
  form: "shift(1 px)",
} as const satisfies Signature<Fields>;
const flip = {
  fields: { direction: wordReader("direction", ["horizontal", "vertical"]) },
  positional: ["direction"],
  required: ["direction"],
  form: "flip(horizontal)",
} as const satisfies Signature<Fields>;
const noise = {
  fields: { deviation: numberReader({ min: 1e-6, max: 1000, example: "noise(0.05)" }) },
  positional: ["deviation"],
  required: ["deviation"],
  form: "noise(0.05)",
} as const satisfies Signature<Fields>;

const changeReaders: readonly (readonly [string, CallReader<WrittenChange>])[] = [
  [
    "flip",
    callReader(
      "flip",
      flip,
      ({ direction }, _, { span }) => direction && { word: "flip", change: { flip: direction }, span },
    ),
  ],
  [
    "noise",
    callReader("noise", noise, ({ deviation }, _, { span }) =>
      deviation === undefined ? undefined : { word: "noise", change: { noise: deviation }, span },
    ),
  ],
  [
    "shift",
    callReader("shift", shift, ({ distance }, _, { span }) =>
      distance === undefined ? undefined : { word: "shift", change: { shiftPixels: distance }, span },
    ),
  ],
];

const AUGMENT_EXAMPLE = "augment: [shift(1 px), noise(0.05)]";
const changes = listReader(
  "augmentations",
  choiceReader("augmentation", new Map(changeReaders), AUGMENT_EXAMPLE),
  AUGMENT_EXAMPLE,
);
const change = choiceReader(
  "augmentation",
  new Map<string, CallReader<WrittenChange | "none">>([
    ["none", constantReader("none", "none")],
    ...changeReaders,
  ]),
  "shift(1 px)",
);

/** What is changed, with the places of the changes by word. */
export interface WrittenAugmentation {
  readonly spec: Partial<Augmentation>;
  readonly places: ReadonlyMap<WrittenChange["word"], Span>;
}

/** One change, a list of different ones, or `none`. */
export const augmentation: ValueReader<WrittenAugmentation> = (value, subject, context) => {
  const one = value.kind === "list" ? undefined : change(value, subject, context);
  const list = value.kind === "list" ? changes(value, subject, context) : one && [one];
  if (!list) return undefined;
  const places = new Map<WrittenChange["word"], Span>();
  let spec: Partial<Augmentation> = {};
  for (const item of list) {
    if (item === "none") continue;
    const first = places.get(item.word);
    if (first) {
      const related = [{ message: "first given here", span: first }];
      context.collector.add(
        "language/duplicate-key",
        { subject, key: item.word },
        { span: item.span, related },
      );
      continue;
    }
    places.set(item.word, item.span);
    spec = { ...spec, ...item.change };
  }
  return { spec, places };
};
