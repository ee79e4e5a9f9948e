// What a stage of the language is to the check: how its arguments are read and what it makes. The tables are stages.ts
// and joins.ts.
import type { Operator } from "../graph/graph.ts";
import type { Span } from "../support/source-file.ts";
import type { StageNode } from "./ast.ts";
import {
  type CheckContext,
  type Fields,
  type FieldValues,
  readFields,
  type Signature,
} from "./read-fields.ts";
import { isBipolar, type Signal } from "./signal.ts";

/** What a stage makes of its input. */
export interface StageResult extends Pick<Signal, "folding" | "quantization" | "gradient"> {
  readonly operator: Operator;
  /** The result's shape where it does not follow from the operator, for an error was reported. */
  readonly shape?: readonly number[];
  /** Where attributes are written, for what the shape rules say of them. */
  readonly places?: ReadonlyMap<string, Span>;
}

export interface StageRule {
  /**
   * Reads the arguments and options, reports what does not fit but for shapes. `input` is undefined when an earlier
   * error hides it; arguments are then still read. Undefined: nothing is known of the result. "input": it does nothing.
   */
  check(
    input: Signal | undefined,
    stage: StageNode,
    context: CheckContext,
  ): StageResult | "input" | undefined;
}

const nothing = (form: string): Signature<Fields> => ({ fields: {}, form });

/** Where a stage as a whole is reported: at its word. */
export const placeOf = (stage: StageNode): { readonly span: Span } => ({
  span: stage.operation?.span ?? stage.span,
});

/** Reads the arguments of a stage. */
export function readArguments<F extends Fields>(
  word: string,
  stage: StageNode,
  signature: Signature<F>,
  context: CheckContext,
): FieldValues<F> {
  return readFields(stage.args ?? [], signature, word, placeOf(stage).span, context);
}

/** Reads the arguments of a stage that has none. */
export function readNoArguments(word: string, stage: StageNode, context: CheckContext): void {
  readFields(stage.args ?? [], nothing(`-> ${word}`), word, stage.span, context);
}

/** Reads the options of a stage that has none. */
export function readNoOptions(
  word: string,
  { options, span }: Pick<StageNode, "options" | "span">,
  context: CheckContext,
): void {
  readFields(options, nothing(`-> ${word}`), word, span, context);
}

/** Reports where the -1 and 1 of a sign would meet sums or zeros. */
export function refuseBipolar(
  what: string,
  signal: Signal | undefined,
  span: Span,
  context: CheckContext,
): void {
  if (signal && isBipolar(signal)) context.collector.add("language/bipolar-operand", { what }, { span });
}
