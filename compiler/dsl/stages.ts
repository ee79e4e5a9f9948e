// THE stage table of the language: what each stage takes, which options it has, and the shape of its result.
// In: a stage of the syntax tree and the value before it. Out: what the stage makes. Adding a stage = one row, and
// its node in to-graph.ts.
import type { Span } from "../support/source-file.ts";
import type { StageNode } from "./ast.ts";
import { readDenseOptions } from "./dense-options.ts";
import { type CheckContext, type Fields, numberReader, readFields, type Signature } from "./read-fields.ts";
import { ACTIVATIONS, type ActivationKind, type Signal, type StageKind } from "./signal.ts";
import { surrogate } from "./training-values.ts";

/** Elements of one tensor, and sizes of one axis. */
export const MAX_ELEMENTS = 2 ** 20;
/** Weights of one layer. */
export const MAX_WEIGHTS = 2 ** 24;

/** What a stage makes of its input. */
export type StageResult = Pick<Signal, "shape" | "units" | "folding" | "quantization" | "gradient">;

interface StageRule {
  /**
   * Reads the arguments and options, reports what does not fit. `input` is undefined when an earlier error hides it;
   * arguments are then still read. Undefined: nothing is known of the result. "input": the stage does nothing.
   */
  check(
    input: Signal | undefined,
    stage: StageNode,
    context: CheckContext,
  ): StageResult | "input" | undefined;
}

const denseArguments = {
  fields: {
    units: numberReader({ min: 1, max: 65536, whole: true, example: "dense(64)" }),
  },
  positional: ["units"],
  required: ["units"],
  form: "dense(64)",
} as const satisfies Signature<Fields>;

const nothing = (form: string): Signature<Fields> => ({ fields: {}, form });

/** Reads the arguments and options of a stage that has none. */
function readNothing(operation: string, stage: StageNode, context: CheckContext): void {
  readFields(stage.args ?? [], nothing(`-> ${operation}`), operation, stage.span, context);
  readFields(stage.options, nothing(`-> ${operation}`), operation, stage.span, context);
}

const place = (stage: StageNode): { span: Span } => ({ span: stage.operation?.span ?? stage.span });

const argmax: StageRule = {
  check: (input, stage, context) => {
    readNothing("argmax", stage, context);
    if (!input) return undefined;
    if (input.shape.length === 1) return { shape: [1] };
    const parameters = { operation: "argmax", shape: input.shape };
    context.collector.add("language/needs-flat", parameters, place(stage));
    return undefined;
  },
};

const dense: StageRule = {
  check: (input, stage, context) => {
    const { collector } = context;
    const { units } = readFields(
      stage.args ?? [],
      denseArguments,
      "dense",
      place(stage).span,
      context,
    ).values;
    const inputs = input?.shape.length === 1 ? input.shape[0] : undefined;
    const options = readDenseOptions(stage, units, input, inputs, context);
    if (input && inputs === undefined) {
      collector.add("language/needs-flat", { operation: "dense", shape: input.shape }, place(stage));
    }
    if (input?.kind === "batchnorm" && input.input?.kind === "dense") {
      const related = [{ message: "the batchnorm", span: input.span }];
      collector.add("language/batchnorm-without-activation", {}, { ...place(stage), related });
    }
    if (units === undefined) return undefined;
    if (inputs !== undefined && inputs * units > MAX_WEIGHTS) {
      const parameters = { inputs, units, limit: MAX_WEIGHTS };
      collector.add("language/too-many-weights", parameters, place(stage));
    }
    return { shape: [units], units, ...options };
  },
};

const flatten: StageRule = {
  check: (input, stage, context) => {
    readNothing("flatten", stage, context);
    if (!input) return undefined;
    if (input.shape.length > 1) return { shape: [input.shape.reduce((a, b) => a * b, 1)] };
    context.collector.add("language/idle-flatten", { size: input.shape[0]! }, place(stage));
    return "input";
  },
};

const batchnorm: StageRule = {
  check: (input, stage, context) => {
    readNothing("batchnorm", stage, context);
    if (!input) return undefined;
    if (input.kind !== "dense") {
      const parameters = { operation: "batchnorm", after: input.kind };
      context.collector.add("language/needs-dense", parameters, place(stage));
    }
    return { shape: input.shape };
  },
};

function activation(operation: ActivationKind): StageRule {
  const options = {
    fields: { gradient: surrogate },
    form: `${operation} { gradient: normal(0.5) }`,
  } as const satisfies Signature<Fields>;
  return {
    check: (input, stage, context) => {
      readFields(stage.args ?? [], nothing(`-> ${operation}`), operation, stage.span, context);
      const { gradient } = readFields(stage.options, options, operation, stage.span, context).values;
      if (!input) return undefined;
      if (input.kind !== "dense" && input.kind !== "batchnorm") {
        const parameters = { operation, after: input.kind };
        context.collector.add("language/needs-dense", parameters, place(stage));
      }
      return { shape: input.shape, ...(gradient ? { gradient } : {}) };
    },
  };
}

export const STAGES: ReadonlyMap<StageKind, StageRule> = new Map<StageKind, StageRule>([
  ["argmax", argmax],
  ["batchnorm", batchnorm],
  ["dense", dense],
  ["flatten", flatten],
  ...ACTIVATIONS.map((kind) => [kind, activation(kind)] as const),
]);
