// THE table of what makes one value of several: arithmetic and concat. In: a join of the syntax tree and its operands.
// Out: the operator, and what is wrong with the operands apart from their shapes.
import type { JoinOperator } from "../graph/graph.ts";
import type { Span } from "../support/source-file.ts";
import type { JoinNode } from "./ast.ts";
import { type CheckContext, type Fields, readFields, type Signature } from "./read-fields.ts";
import { axisOf, axisReader } from "./read-sizes.ts";
import { isBipolar, type Signal } from "./signal.ts";
import { refuseBipolar } from "./stage-rule.ts";

export interface JoinRule {
  /** `operands` is undefined when an earlier error hides one of them; arguments are then still read. */
  check(
    operands: readonly Signal[] | undefined,
    join: JoinNode,
    at: Span,
    context: CheckContext,
  ): JoinOperator | undefined;
}

function arithmetic(kind: "add" | "subtract" | "multiply"): JoinRule {
  const signature: Signature<Fields> = { fields: {}, form: `${kind}(left, right)` };
  return {
    check: (operands, join, at, context) => {
      readFields(join.args, signature, kind, at, context);
      refuseBipolar(kind, operands?.find(isBipolar), at, context);
      return { kind };
    },
  };
}

const concatSignature = {
  fields: { axis: axisReader },
  form: "concat(left, right, axis: channels)",
} as const satisfies Signature<Fields>;

const concat: JoinRule = {
  check: (operands, join, at, context) => {
    const { values, places } = readFields(join.args, concatSignature, "concat", at, context);
    if (!operands || operands.length === 0) return undefined;
    // One format holds either the two values of signs or numbers.
    if (!operands.every(isBipolar))
      refuseBipolar("concat with other values", operands.find(isBipolar), at, context);
    const { shape } = operands[0]!;
    const span = places.get("axis") ?? at;
    if (places.has("axis") && values.axis === undefined) return undefined;
    const axis = values.axis === undefined ? shape.length - 1 : axisOf(values.axis, shape, span, context);
    return axis === undefined ? undefined : { kind: "concat", axis };
  },
};

export const JOINS: ReadonlyMap<string, JoinRule> = new Map([
  ["add", arithmetic("add")],
  ["concat", concat],
  ["multiply", arithmetic("multiply")],
  ["subtract", arithmetic("subtract")],
]);
