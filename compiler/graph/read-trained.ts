// trained.json and the saved graphs -> typed data that was checked: a build directory may come from elsewhere. In: parsed JSON.
// Out: the data, or one sentence that says what is wrong with it.
import { z } from "zod";
import { arityOf, type Expression } from "./expression.ts";
import type { Graph } from "./graph.ts";
import type { StatedNetwork } from "./project.ts";
import { product } from "./shapes.ts";
import { TRAINED_SCHEMA, type TrainedGraph } from "./trained-graph.ts";
import { graphProblems } from "./verify.ts";

/** What was read, or why not. */
export type Checked<T> = { readonly data: T } | { readonly problem: string };

const name = z.string().min(1).max(1000);
const integer = z.number().int();
const count = integer.nonnegative();
const positive = integer.positive();
const sizes = z.array(positive).max(8);
const offsets = z.array(integer).max(8);
const padding = z.object({ before: offsets, after: offsets });
/** Deeper ones than any formula of the language gives. */
const MAX_DEPTH = 600;

/** A formula, whose depth is looked at before anything walks down it. */
const expression = z.custom<Expression>((value) => {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return false;
    const next: unknown[] = [];
    for (const part of level as Record<string, unknown>[]) {
      if (typeof part !== "object" || part === null) return false;
      if (part.kind === "x" || (part.kind === "number" && typeof part.value === "number")) continue;
      const { args } = part;
      const arity = typeof part.name === "string" ? arityOf(part.name) : undefined;
      if (part.kind !== "call" || arity === undefined || !Array.isArray(args) || args.length !== arity)
        return false;
      next.push(...args);
    }
    level = next;
  }
  return true;
}, "no formula");

const base = {
  name,
  shape: z.array(positive).max(8),
  origin: z.object({ file: z.string(), line: integer, column: integer }),
};
const one = { ...base, input: name };
const several = { ...base, inputs: z.array(name).min(1) };
const plain = [
  ...["relu", "hardtanh", "step", "sign", "batchnorm", "flatten", "argmax"],
  ...["relu6", "hardsigmoid", "hardswish", "sigmoid", "tanh"],
] as const;
const stored = z.object({ signed: z.boolean(), width: positive.max(32), fraction: integer });
const node = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("input"), ...base, stored }),
  z.object({ kind: z.literal("dense"), ...one, units: positive }),
  z.object({
    kind: z.literal("conv"),
    ...one,
    transposed: z.boolean(),
    units: positive,
    kernel: sizes,
    strides: sizes,
    dilations: sizes,
    padding,
    groups: positive,
  }),
  z.object({
    kind: z.literal("pool"),
    ...one,
    pooling: z.enum(["max", "average"]),
    window: sizes,
    strides: sizes,
    padding,
  }),
  z.object({ kind: z.enum(plain), ...one }),
  z.object({ kind: z.literal("leaky_relu"), ...one, slope: z.number() }),
  z.object({ kind: z.literal("curve"), ...one, formula: z.string(), body: expression }),
  z.object({ kind: z.literal("slice"), ...one, begin: z.array(count), sizes }),
  z.object({ kind: z.literal("pad"), ...one, padding, value: z.number() }),
  z.object({ kind: z.literal("reshape"), ...one, sizes }),
  z.object({ kind: z.literal("transpose"), ...one, permutation: z.array(count) }),
  z.object({ kind: z.literal("upsample"), ...one, factors: sizes }),
  z.object({ kind: z.enum(["add", "subtract", "multiply"]), ...several }),
  z.object({ kind: z.literal("concat"), ...several, axis: count }),
]);
const graph = z.object({
  name,
  nodes: z.array(node).max(10_000),
  outputs: z.array(z.object({ name, node: name })),
});

const format = z.object({
  kind: z.enum(["int", "bipolar"]),
  signed: z.boolean(),
  width: positive.max(64),
  fraction: z.union([integer, z.array(integer)]),
});
const noise = z.object({
  alpha: z.number(),
  rms: z.number(),
  std: z.number(),
  snrBits: z.number().nullable(),
  varyingSnrBits: z.number().nullable(),
  residueRms: z.number(),
});
const price = z
  .object({ width: count, decibels: z.number().nullable(), loss: z.number(), bitOperations: z.number() })
  .nullable();
const prices = z.object({ more: price, less: price });
const pruned = z.record(z.string(), z.number());
const score = z.object({ accuracy: z.number().nullable(), loss: z.number() }).loose();
const trained = z.object({
  schema: z.literal(TRAINED_SCHEMA),
  graph,
  removed: z.array(z.object({ node: name, weights: count, macs: count, bitOperations: z.number() })),
  keptInputs: z.array(z.array(count).nullable()),
  layers: z.array(
    z.object({
      node: name,
      units: positive,
      inputs: positive,
      positions: positive,
      keptUnits: z.array(count).nullable(),
      weights: z.array(integer),
      weightFormat: format,
      weightNoise: noise,
      bias: z.array(integer).nullable(),
      padMantissa: integer.optional(),
      activationFormat: format,
      activationNoise: noise,
    }),
  ),
  signals: z.array(
    z.object({
      node: name,
      reader: name.nullable(),
      entry: z.discriminatedUnion("kind", [
        z.object({ kind: z.literal("requantize"), relu: z.boolean() }),
        z.object({
          kind: z.literal("threshold"),
          base: integer,
          levels: positive,
          thresholds: z.array(integer),
        }),
        z.object({ kind: z.literal("table"), table: z.array(integer) }),
      ]),
      format,
    }),
  ),
  ledger: z.array(z.object({ node: name, weights: prices, activations: prices, pruned })),
  outcome: z.object({
    objective: z.enum(["budget", "lossless"]),
    bound: z.string(),
    limits: z.array(z.object({ limit: z.string(), asked: z.number(), reached: z.number() })),
    difference: z.record(z.string(), z.union([z.number(), z.boolean()])).nullable(),
  }),
  seed: integer,
  backend: z.string(),
  bitOperations: z.number(),
  validation: z.object({ float: score, quantized: score }),
});

function checked<T>(schema: z.ZodType, json: unknown): Checked<T> {
  const parsed = schema.safeParse(json);
  // The data itself, not the parser's copy: its keys keep their order.
  if (parsed.success) return { data: json as T };
  const [issue] = parsed.error.issues;
  return { problem: `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}` };
}

/** A graph whose rules hold. */
function graphProblem(given: Graph): string | undefined {
  return graphProblems(given)[0];
}

/** The names of what is there twice, or is no node. */
function oddName(names: readonly string[], nodes: ReadonlySet<string>): string | undefined {
  return names.find((one, i) => !nodes.has(one) || names.indexOf(one) !== i);
}

/** What training handed on. Whether graph and formats fit each other shows when it is lowered, which asserts it as `lower: ...`. */
export function readTrainedGraph(json: unknown): Checked<TrainedGraph> {
  const found = checked<TrainedGraph>(trained, json);
  if ("problem" in found) return found;
  const { graph: given, layers, signals, keptInputs } = found.data;
  const problem = graphProblem(given);
  if (problem !== undefined) return { problem: `graph: ${problem}` };
  const weighted = new Set(
    given.nodes.filter(({ kind }) => kind === "dense" || kind === "conv").map((n) => n.name),
  );
  const layer = oddName(
    layers.map((l) => l.node),
    weighted,
  );
  if (layer !== undefined)
    return { problem: `layers: ${JSON.stringify(layer)} is no layer of the graph, or is there twice` };
  if (layers.length !== weighted.size) return { problem: "layers: the graph has more of them" };
  const signal = oddName(
    signals.map((s) => s.node),
    new Set(given.nodes.map((n) => n.name)),
  );
  if (signal !== undefined)
    return { problem: `signals: ${JSON.stringify(signal)} is no node of the graph, or is there twice` };
  for (const { node: of, units, inputs, weights, bias, weightFormat, activationFormat } of layers) {
    const odd = (what: string): Checked<never> => ({ problem: `layers: ${JSON.stringify(of)} ${what}` });
    if (weights.length !== product([units, inputs]))
      return odd(`has ${weights.length} weights for ${units} units of ${inputs}`);
    if (bias && bias.length !== units) return odd(`has ${bias.length} biases for ${units} units`);
    const { fraction } = weightFormat;
    if (typeof fraction !== "number" && fraction.length !== units) return odd("has not a step for each unit");
    if (typeof activationFormat.fraction !== "number") return odd("reads what has several steps");
  }
  if (keptInputs.length !== given.nodes.filter(({ kind }) => kind === "input").length)
    return { problem: "keptInputs: one for each input" };
  return found;
}

const saved = z.object({ graph, layers: z.array(name), digest: z.string() });

/** The graph of a model that came from a file, as a training left it. */
export function readSavedGraph(
  json: unknown,
): Checked<{ readonly graph: Graph; readonly layers: readonly string[]; readonly digest: string }> {
  const found = checked<{ graph: Graph; layers: string[]; digest: string }>(saved, json);
  if ("problem" in found) return found;
  const problem = graphProblem(found.data.graph);
  return problem === undefined ? found : { problem: `graph: ${problem}` };
}

const port = { name, shape: z.array(positive).max(8) };
const stated = z.object({
  inputs: z.array(z.object(port)).min(1),
  outputs: z.array(z.object({ ...port, isClass: z.boolean() })).min(1),
  layers: z.array(z.object({ name, units: positive, inputs: positive })),
  digest: z.string(),
});

/** The network that a model's file states, as an import left it. */
export function readStatedNetwork(json: unknown): Checked<StatedNetwork> {
  return checked<StatedNetwork>(stated, json);
}
