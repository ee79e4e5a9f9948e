// THE stage table of the language: what each stage takes, which options it has, and the shape of its result.
// Adding a stage = one row, and its node in to-graph.ts.
import type { Span } from "../support/source-file.ts";
import type { StageNode } from "./ast.ts";
import { type CheckContext, type Fields, numberReader, readFields, type Signature } from "./read-fields.ts";

/** Elements of one tensor, and sizes of one axis. */
export const MAX_ELEMENTS = 2 ** 20;
/** Weights of one layer. */
export const MAX_WEIGHTS = 2 ** 24;

export type StageKind = "dense" | "relu" | "flatten" | "argmax";

/** A value of the model as the check knows it: a layer and what is known of its result. */
export interface Signal {
  readonly kind: "input" | StageKind;
  readonly name: string;
  /** True when the user gave the name. */
  readonly named: boolean;
  readonly shape: readonly number[];
  /** The signal that enters the layer. */
  readonly input?: Signal;
  /** The line that made it, for messages and headers. */
  readonly span: Span;
  readonly units?: number;
  readonly folding?: { readonly pe: number; readonly simd: number };
}

/** What a stage makes of its input. */
export type StageResult = Pick<Signal, "shape" | "units" | "folding">;

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

const dense = {
  fields: {
    units: numberReader({ min: 1, max: 65536, whole: true, example: "dense(64)" }),
  },
  positional: ["units"],
  required: ["units"],
  form: "dense(64)",
} as const satisfies Signature<Fields>;

const lanes = (key: string) => numberReader({ min: 1, max: 65536, whole: true, example: `${key}: 8` });
const denseOptions = {
  fields: { pe: lanes("pe"), simd: lanes("simd") },
  form: "{ pe: 8, simd: 8 }",
} as const satisfies Signature<Fields>;

const nothing = (form: string): Signature<Fields> => ({ fields: {}, form });

/** Reads the arguments and options of a stage that has none. */
function readNothing(operation: string, stage: StageNode, context: CheckContext): void {
  readFields(stage.args ?? [], nothing(`-> ${operation}`), operation, stage.span, context);
  readFields(stage.options, nothing(`-> ${operation}`), operation, stage.span, context);
}

function checkFolding(
  stage: StageNode,
  units: number | undefined,
  inputs: number | undefined,
  context: CheckContext,
): Signal["folding"] {
  const { values, places, meant } = readFields(stage.options, denseOptions, "dense", stage.span, context);
  const limits = { pe: units, simd: inputs };
  let fits = true;
  for (const key of ["pe", "simd"] as const) {
    const limit = limits[key];
    const wished = values[key];
    if (limit === undefined || wished === undefined || wished <= limit) continue;
    fits = false;
    context.collector.add("language/folding-too-wide", { key, wished, limit }, { span: places.get(key)! });
  }
  if (places.size === 1) {
    const [[key, span]] = [...places] as [[string, Span]];
    const other = key === "pe" ? "simd" : "pe";
    if (!context.partial && !meant.has(other))
      context.collector.add("language/half-folding", { key, other }, { span });
  }
  const { pe, simd } = values;
  return fits && pe !== undefined && simd !== undefined ? { pe, simd } : undefined;
}

const place = (stage: StageNode): { span: Span } => ({ span: stage.operation?.span ?? stage.span });

export const STAGES: ReadonlyMap<StageKind, StageRule> = new Map<StageKind, StageRule>([
  [
    "argmax",
    {
      check: (input, stage, context) => {
        readNothing("argmax", stage, context);
        if (!input) return undefined;
        if (input.shape.length > 1) {
          context.collector.add(
            "language/needs-flat",
            { operation: "argmax", shape: input.shape },
            place(stage),
          );
          return undefined;
        }
        return { shape: [1] };
      },
    },
  ],
  [
    "dense",
    {
      check: (input, stage, context) => {
        const { units } = readFields(stage.args ?? [], dense, "dense", place(stage).span, context).values;
        const inputs = input?.shape.length === 1 ? input.shape[0] : undefined;
        const folding = checkFolding(stage, units, inputs, context);
        if (input && inputs === undefined) {
          context.collector.add(
            "language/needs-flat",
            { operation: "dense", shape: input.shape },
            place(stage),
          );
        }
        if (units === undefined) return undefined;
        if (inputs !== undefined && inputs * units > MAX_WEIGHTS) {
          const parameters = { inputs, units, limit: MAX_WEIGHTS };
          context.collector.add("language/too-many-weights", parameters, place(stage));
        }
        return { shape: [units], units, ...(folding ? { folding } : {}) };
      },
    },
  ],
  [
    "flatten",
    {
      check: (input, stage, context) => {
        readNothing("flatten", stage, context);
        if (!input) return undefined;
        if (input.shape.length > 1) return { shape: [input.shape.reduce((a, b) => a * b, 1)] };
        context.collector.add("language/idle-flatten", { size: input.shape[0]! }, place(stage));
        return "input";
      },
    },
  ],
  [
    "relu",
    {
      check: (input, stage, context) => {
        readNothing("relu", stage, context);
        if (!input) return undefined;
        if (input.kind !== "dense") {
          context.collector.add("language/relu-without-dense", { after: input.kind }, place(stage));
        }
        return { shape: input.shape };
      },
    },
  ],
]);
