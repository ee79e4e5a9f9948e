// THE table of the stages of the language, and those that compute: dense, batchnorm, activations, argmax. In: a stage of
// the syntax tree and the value before it. Out: its operator. Adding a stage = one row.
import type { Operator } from "../graph/graph.ts";
import { formulaArguments, NO_FORMULA } from "./formula.ts";
import { readLayerOptions } from "./layer-options.ts";
import { MOVE_STAGES } from "./move-stages.ts";
import { type Fields, numberReader, readFields, type Signature } from "./read-fields.ts";
import {
  ACTIVATIONS,
  type ActivationKind,
  isActivation,
  isWeighted,
  type Signal,
  sourcesOf,
} from "./signal.ts";
import { placeOf, readArguments, readNoArguments, readNoOptions, type StageRule } from "./stage-rule.ts";
import { surrogate } from "./training-values.ts";
import { checkBefore, WINDOW_STAGES } from "./window-stages.ts";

const denseArguments = {
  fields: {
    units: numberReader({ min: 1, max: 65536, whole: true, example: "dense(64)" }),
  },
  positional: ["units"],
  required: ["units"],
  form: "dense(64)",
} as const satisfies Signature<Fields>;

const dense: StageRule = {
  check: (input, stage, context) => {
    const { units } = readArguments("dense", stage, denseArguments, context).values;
    const inputs = input?.shape.length === 1 ? input.shape[0] : undefined;
    const options = readLayerOptions("dense", stage, units, input, inputs, context);
    const isFlat = !input || inputs !== undefined;
    if (!isFlat) {
      const parameters = { operation: "dense", shape: input.shape };
      context.collector.add("language/needs-flat", parameters, placeOf(stage));
    }
    checkBefore("dense", input, stage, context);
    if (units === undefined) return undefined;
    return { operator: { kind: "dense", units }, ...options, ...(isFlat ? {} : { shape: [units] }) };
  },
};

const argmax: StageRule = {
  check: (_, stage, context) => {
    readNoArguments("argmax", stage, context);
    readNoOptions("argmax", stage, context);
    return { operator: { kind: "argmax" } };
  },
};

const batchnorm: StageRule = {
  check: (input, stage, context) => {
    readNoArguments("batchnorm", stage, context);
    readNoOptions("batchnorm", stage, context);
    if (input && !isWeighted(input)) {
      const parameters = { operation: "batchnorm", after: input.word };
      context.collector.add("language/needs-dense", parameters, placeOf(stage));
    }
    return { operator: { kind: "batchnorm" } };
  },
};

const leakyForm = "leaky_relu(0.01)";
const leakySignature = {
  fields: { slope: numberReader({ min: 0.0001, max: 1, example: leakyForm }) },
  positional: ["slope"],
  form: leakyForm,
} as const satisfies Signature<Fields>;

/** Values that come from sums, at least in part, have something to activate. */
const hasSums = (signal: Signal): boolean =>
  sourcesOf(signal).some((source) => source.kind !== "input" && !isActivation(source));

function activation(word: ActivationKind): StageRule {
  const options = {
    fields: { gradient: surrogate },
    form: `${word} { gradient: normal(0.5) }`,
  } as const satisfies Signature<Fields>;
  return {
    check: (input, stage, context) => {
      let operator: Operator;
      if (word === "leaky_relu") {
        const { slope = 0.01 } = readArguments(word, stage, leakySignature, context).values;
        operator = { kind: word, slope };
      } else if (word === "curve") {
        const { formula } = readArguments(word, stage, formulaArguments, context).values;
        operator = { kind: word, ...(formula ?? NO_FORMULA) };
      } else {
        readNoArguments(word, stage, context);
        operator = { kind: word };
      }
      const { gradient } = readFields(stage.options, options, word, stage.span, context).values;
      if (input && !hasSums(input)) {
        const parameters = { operation: word, after: input.word };
        context.collector.add("language/needs-dense", parameters, placeOf(stage));
      }
      return { operator, ...(gradient ? { gradient } : {}) };
    },
  };
}

/** By word, in the order of the alphabet. */
export const STAGES: ReadonlyMap<string, StageRule> = new Map<string, StageRule>(
  [
    ["argmax", argmax] as const,
    ["batchnorm", batchnorm] as const,
    ["dense", dense] as const,
    ...WINDOW_STAGES,
    ...MOVE_STAGES,
    ...ACTIVATIONS.map((word) => [word, activation(word)] as const),
  ].toSorted(([a], [b]) => (a < b ? -1 : 1)),
);
