// The schema of manifest.json: what must be there before anything reads it. Unknown keys pass, for newer versions.
import { z } from "zod";
import { MANIFEST_SCHEMA } from "./manifest.ts";

const count = z.number().int().nonnegative();
const name = z.string();
const fraction = z.union([z.number().int(), z.array(z.number().int())]);

const numbers = z.union([z.number(), z.array(z.number())]);

const port = z.looseObject({
  name,
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
  top: name,
  architecture: z.literal("folded"),
  sources: z.array(name),
  memories: z.array(name),
  tapWrapper: z.looseObject({ module: name, file: name }),
  rules: name,
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
      instance: name,
      module: name,
      layer: name,
      op: name,
      pe: count,
      simd: count,
      cycles: count,
    }),
  ),
});

const cPort = z.looseObject({ value: name, parameter: name, cType: name, elements: count });

const c = z.looseObject({
  sources: z.array(name),
  header: name,
  prefix: name,
  flashBytes: count,
  ramBytes: count,
  stateType: name,
  runFunction: name,
  inputs: z.array(cPort),
  outputs: z.array(cPort),
  layers: z.array(
    z.looseObject({
      layer: name,
      op: name,
      function: name,
      inputs: z.array(z.looseObject({ value: name, cType: name, elements: count })),
      result: name,
      resultCType: name,
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
