// program.json -> verified integer program. The schema here is the published one; unknown keys are refused.
import { z } from "zod";
import { createDiagnostic, DiagnosticError, fail } from "../support/diagnostics.ts";
import { PROGRAM_SCHEMA, type Program } from "./program.ts";
import { verifyProgram } from "./verify.ts";

const name = z.string().min(1);
const integer = z.number().int();
const shape = z.array(integer.positive()).min(1);
const fraction = z.union([integer, z.array(integer).min(1)]);
const format = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("int"), signed: z.boolean(), width: integer, fraction }),
  z.strictObject({ kind: z.literal("bipolar"), fraction }),
]);
const step = { layer: name, input: name, result: name };
const count = integer.nonnegative();
/** One number for each spatial axis. */
const sizes = z.array(integer.positive()).min(1).max(2);
const margins = z.array(count).min(1).max(2);
const padding = z.strictObject({ before: margins, after: margins });
const arithmetic = { layer: name, inputs: z.tuple([name, name]), result: name };

/** Schema of program.json. */
export const programSchema = z.strictObject({
  schema: z.literal(PROGRAM_SCHEMA),
  name,
  inputs: z.array(name),
  outputs: z.array(z.strictObject({ name, value: name, role: z.enum(["logits", "class", "value"]) })),
  values: z.array(z.strictObject({ name, shape, format })),
  instructions: z.array(
    z.discriminatedUnion("op", [
      z.strictObject({
        op: z.literal("requantize"),
        ...step,
        activation: z.enum(["none", "relu"]),
        rounding: z.enum(["half-up", "truncate", "half-even"]),
        limit: count.nullable(),
      }),
      z.strictObject({ op: z.literal("dense"), ...step, weights: name, bias: name.nullable() }),
      z.strictObject({
        op: z.literal("conv"),
        ...step,
        weights: name,
        bias: name.nullable(),
        strides: sizes,
        dilations: sizes,
        padding,
        spread: sizes,
        groups: integer.positive(),
        padMantissa: integer,
      }),
      z.strictObject({
        op: z.literal("pool"),
        ...step,
        kind: z.enum(["max", "average"]),
        window: sizes,
        strides: sizes,
        padding,
      }),
      z.strictObject({ op: z.literal("threshold"), ...step, thresholds: name, base: integer }),
      z.strictObject({ op: z.literal("table"), ...step, table: name }),
      z.strictObject({ op: z.literal("scale"), ...step, multipliers: name, offsets: name.nullable() }),
      z.strictObject({ op: z.literal("add"), ...arithmetic }),
      z.strictObject({ op: z.literal("subtract"), ...arithmetic }),
      z.strictObject({ op: z.literal("multiply"), ...arithmetic }),
      z.strictObject({
        op: z.literal("concat"),
        layer: name,
        inputs: z.array(name).min(2),
        result: name,
        axis: count,
      }),
      z.strictObject({ op: z.literal("reshape"), ...step }),
      z.strictObject({ op: z.literal("select"), ...step, indices: z.array(count).min(1) }),
      z.strictObject({ op: z.literal("slice"), ...step, begin: z.array(count).min(1) }),
      z.strictObject({
        op: z.literal("pad"),
        ...step,
        before: z.array(count).min(1),
        after: z.array(count).min(1),
        mantissa: integer,
      }),
      z.strictObject({ op: z.literal("transpose"), ...step, permutation: z.array(count).min(1) }),
      z.strictObject({ op: z.literal("upsample"), ...step, factors: sizes }),
      z.strictObject({ op: z.literal("argmax"), ...step }),
    ]),
  ),
  constants: z.array(z.strictObject({ name, shape, format, data: z.array(integer) })),
});

/** Characters of program.json; that of the largest model that can be read has fewer. */
const MAX_LENGTH = 2 ** 27;

/** Reads and verifies program.json. `file` names it in diagnostics; throws DiagnosticError. */
export function readProgram(text: string, file = "program.json"): Program {
  if (text.length > MAX_LENGTH) {
    const problem = `${text.length} characters are more than ${MAX_LENGTH}`;
    fail("program/invalid", { path: "(whole file)", problem }, { file });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    fail(
      "program/invalid",
      { path: "(whole file)", problem: `not JSON: ${(error as Error).message}` },
      { file },
    );
  }
  const parsed = programSchema.safeParse(json);
  if (!parsed.success)
    throw new DiagnosticError(
      parsed.error.issues
        .slice(0, 20)
        .map((issue) =>
          createDiagnostic(
            "program/invalid",
            { path: issue.path.join(".") || "(whole file)", problem: issue.message },
            { file },
          ),
        ),
    );
  const program: Program = parsed.data;
  verifyProgram(program);
  return program;
}
