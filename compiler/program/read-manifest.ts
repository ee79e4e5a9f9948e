// The schema of manifest.json: what must be there before anything reads it, and whether it speaks of a program. Unknown keys
// pass, for newer versions. Names reach the command lines and the sources of tools: they are what our generators make, or refused.
import { z } from "zod";
import { MANIFEST_SCHEMA, type Manifest } from "./manifest.ts";
import { elementsOf, type Program } from "./program.ts";

const count = z.number().int().nonnegative();
const name = z.string();
/** Of Verilog and C. */
const identifier = z
  .string()
  .max(200)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "no identifier");
/** Of a file of the design: it stays there, and no tool takes it for an option. */
const path = z
  .string()
  .max(400)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$/, "no path of a design");
const fraction = z.union([z.number().int(), z.array(z.number().int())]);

const numbers = z.union([z.number(), z.array(z.number())]);

const port = z.looseObject({
  name: identifier,
  values: z.array(
    z.looseObject({
      value: name,
      role: z.enum(["input", "logits", "class", "value"]),
      shape: z.array(count),
      elements: count,
      beats: count,
      signed: z.boolean(),
      width: count,
      fraction,
      bipolar: z.literal(true).optional(),
    }),
  ),
  lanes: count.positive(),
  laneBits: count.positive(),
  beats: count.positive(),
});

const rtl = z.looseObject({
  top: identifier,
  architecture: z.literal("folded"),
  sources: z.array(path),
  memories: z.array(path),
  tapWrapper: z.looseObject({ module: identifier, file: path }),
  rules: path,
  taps: z.array(
    z.looseObject({
      index: count,
      value: name,
      layer: name,
      kind: z.enum(["accumulator", "stream"]),
      elements: count,
      signed: z.boolean(),
      width: count,
    }),
  ),
  inputs: z.array(port).min(1),
  outputs: z.array(port).min(1),
  clockMHz: z.number().positive(),
  latencyCycles: count,
  intervalCycles: count,
  stages: z.array(
    z.looseObject({
      instance: identifier,
      module: identifier,
      layer: name,
      op: name,
      pe: count,
      simd: count,
      cycles: count,
    }),
  ),
});

const cPort = z.looseObject({ value: name, parameter: identifier, cType: identifier, elements: count });

const c = z.looseObject({
  sources: z.array(path),
  header: path,
  prefix: identifier,
  flashBytes: count,
  ramBytes: count,
  stateType: identifier,
  runFunction: identifier,
  inputs: z.array(cPort),
  outputs: z.array(cPort),
  layers: z.array(
    z.looseObject({
      layer: name,
      op: name,
      function: identifier,
      inputs: z.array(z.looseObject({ value: name, cType: identifier, elements: count })),
      result: name,
      resultCType: identifier,
      resultElements: count,
    }),
  ),
});

/** Schema of manifest.json. */
export const manifestSchema = z.looseObject({
  schema: z.literal(MANIFEST_SCHEMA),
  generator: z.looseObject({ name: z.literal("noisefloor"), version: name }),
  model: name,
  rtl: rtl.optional(),
  c: c.optional(),
  scales: z.record(name, z.looseObject({ scale: numbers, offset: numbers })).optional(),
  files: z.record(name, name),
});

/** What a manifest says of values that its program does not: one sentence, or undefined. */
export function manifestProblem({ rtl, c }: Manifest, program: Program): string | undefined {
  const elements = new Map(program.values.map(({ name, shape }) => [name, elementsOf(shape)]));
  const mentioned = [
    ...(rtl ? [...rtl.taps, ...[...rtl.inputs, ...rtl.outputs].flatMap(({ values }) => values)] : []),
    ...(c ? [...c.inputs, ...c.outputs] : []),
    ...(c
      ? c.layers.flatMap(({ inputs, result, resultElements }) => [
          ...inputs,
          { value: result, elements: resultElements },
        ])
      : []),
  ];
  const odd = mentioned.find(({ value, elements: count }) => elements.get(value) !== count);
  if (!odd) return undefined;
  const found = elements.get(odd.value);
  return found === undefined
    ? `it speaks of ${JSON.stringify(odd.value)}, which program.json does not have`
    : `it gives ${JSON.stringify(odd.value)} ${odd.elements} elements, where program.json has ${found}`;
}
