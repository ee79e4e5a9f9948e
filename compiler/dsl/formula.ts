// The argument of curve: a formula that has a value everywhere. In: a value of the syntax tree. Out: the formula, parsed.
import { undefinedAt } from "../graph/expression.ts";
import type { FormulaOperator } from "../graph/graph.ts";
import { parseExpression } from "./expression.ts";
import { type Fields, type Signature, textReader, type ValueReader } from "./read-fields.ts";

const form = 'curve("x * sigmoid(x)")';
const formulaText = textReader(form);

/** A formula that is a number everywhere. */
const formula: ValueReader<Pick<FormulaOperator, "formula" | "body">> = (value, subject, context) => {
  const text = formulaText(value, subject, context);
  if (!text) return undefined;
  const parsed = parseExpression(text.text);
  if ("problem" in parsed) {
    // The quote stands before the text.
    const start = value.span.start + 1 + parsed.offset;
    const span = { ...value.span, start, end: Math.max(start + 1, value.span.end - 1) };
    context.collector.add("language/bad-formula", { problem: parsed.problem }, { span });
    return undefined;
  }
  const x = undefinedAt(parsed.expression, true);
  if (x !== undefined) {
    context.collector.add("language/formula-undefined", { x }, { span: value.span });
    return undefined;
  }
  return { formula: text.text, body: parsed.expression };
};

export const formulaArguments = {
  fields: { formula },
  positional: ["formula"],
  required: ["formula"],
  form,
} as const satisfies Signature<Fields>;

/** What stands for a formula with an error. */
export const NO_FORMULA = { formula: "x", body: { kind: "x" } } as const;
