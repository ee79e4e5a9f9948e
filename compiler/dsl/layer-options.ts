// The options of a dense or a conv. In: its settings and what enters it. Out: its folding and how it is quantized,
// complete with defaults; all that does not fit is reported.
import {
  type Granularity,
  type LayerQuantization,
  MAX_TRAINED_WIDTH,
  type Surrogate,
  type WidthRange,
} from "../graph/project.ts";
import type { Span } from "../support/source-file.ts";
import type { StageNode } from "./ast.ts";
import {
  type CallReader,
  type CheckContext,
  callReader,
  choiceReader,
  constantReader,
  type Fields,
  type FieldValues,
  numberReader,
  rangeReader,
  readFields,
  type Signature,
  switchReader,
  wordReader,
} from "./read-fields.ts";
import { type Signal, tensorBits } from "./signal.ts";
import { surrogate } from "./training-values.ts";

const count = (example: string) => numberReader({ min: 1, max: 65536, whole: true, example });
const bits = (key: string) =>
  rangeReader({
    dimension: "bits",
    unitOptional: true,
    min: 1,
    max: MAX_TRAINED_WIDTH,
    example: `${key}: 2..4`,
  });

const group = {
  fields: { size: count("group(16)") },
  positional: ["size"],
  required: ["size"],
  form: "group(16)",
} as const satisfies Signature<Fields>;

const weightAlpha = choiceReader(
  "share of an alpha",
  new Map<string, CallReader<Granularity>>([
    ["layer", constantReader("layer", { kind: "layer" })],
    ["channel", constantReader("channel", { kind: "channel" })],
    ["group", callReader("group", group, ({ size }) => (size ? { kind: "group", size } : undefined))],
  ]),
  "weight_alpha: channel",
);

const options = {
  fields: {
    pe: count("pe: 8"),
    simd: count("simd: 8"),
    weight_alpha: weightAlpha,
    weight_bits: bits("weight_bits"),
    input_alpha: wordReader("share of an alpha", ["layer", "channel"]),
    input_bits: bits("input_bits"),
    bias_alpha: wordReader("alpha of the bias", ["accumulator", "layer", "channel"]),
    gradient: surrogate,
    prune: switchReader,
  },
  form: "fc1: dense(64) { weight_bits: 2..4, weight_alpha: channel }",
} as const satisfies Signature<Fields>;

type Options = FieldValues<typeof options.fields>;

const foldingOptions = {
  fields: { pe: options.fields.pe, simd: options.fields.simd },
  form: "fc1 { pe: 8, simd: 4 }",
} as const satisfies Signature<Fields>;

/** What the language reference says of options that are left out; `input_bits` is then what the tensor can have. */
const QUANTIZATION_DEFAULTS: LayerQuantization = {
  weights: { granularity: { kind: "layer" }, bits: { min: 1, max: MAX_TRAINED_WIDTH } },
  input: { granularity: "layer", bits: { min: 1, max: MAX_TRAINED_WIDTH } },
  bias: "accumulator",
  prune: true,
};

export interface LayerOptions {
  readonly folding?: NonNullable<Signal["folding"]>;
  readonly quantization: LayerQuantization;
  readonly gradient?: Surrogate;
}

/**
 * Reads the options of a layer called `word`. `input` is what enters it and `inputs` the number of elements that one
 * unit sums up; they are undefined when an earlier error hides them.
 */
export function readLayerOptions(
  word: string,
  stage: StageNode,
  units: number | undefined,
  input: Signal | undefined,
  inputs: number | undefined,
  context: CheckContext,
): LayerOptions {
  const read = readFields(stage.options, options, word, stage.span, context);
  const folding = checkFolding(read, units, inputs, context);
  const quantization = checkQuantization(read, input, inputs, context);
  const { gradient } = read.values;
  return { ...(folding ? { folding } : {}), quantization, ...(gradient ? { gradient } : {}) };
}

/** Reads the options of a layer that is as its file has it: its folding alone. */
export function readFolding(
  { name, units, inputs }: { readonly name: string; readonly units: number; readonly inputs: number },
  item: Pick<StageNode, "options" | "span">,
  context: CheckContext,
): Signal["folding"] {
  const read = readFields(item.options, foldingOptions, name, item.span, context);
  return checkFolding(read, units, inputs, context);
}

function checkFolding(
  { values, places, meant }: FieldValues<typeof foldingOptions.fields>,
  units: number | undefined,
  inputs: number | undefined,
  context: CheckContext,
): Signal["folding"] {
  const limits = { pe: units, simd: inputs };
  let fits = true;
  for (const key of ["pe", "simd"] as const) {
    const limit = limits[key];
    const wished = values[key];
    if (limit === undefined || wished === undefined || wished <= limit) continue;
    fits = false;
    context.collector.add("language/folding-too-wide", { key, wished, limit }, { span: places.get(key)! });
  }
  const given = [...places].filter(([key]) => key === "pe" || key === "simd");
  if (given.length === 1) {
    const [[key, span]] = given as [[string, Span]];
    const other = key === "pe" ? "simd" : "pe";
    if (!context.partial && !meant.has(other))
      context.collector.add("language/half-folding", { key, other }, { span });
  }
  const { pe, simd } = values;
  return fits && pe !== undefined && simd !== undefined ? { pe, simd } : undefined;
}

function checkQuantization(
  { values, places }: Options,
  input: Signal | undefined,
  inputs: number | undefined,
  context: CheckContext,
): LayerQuantization {
  const d = QUANTIZATION_DEFAULTS;
  const granularity = values.weight_alpha ?? d.weights.granularity;
  if (granularity.kind === "group" && inputs !== undefined && granularity.size > inputs) {
    const span = places.get("weight_alpha")!;
    context.collector.add("language/group-too-wide", { size: granularity.size, inputs }, { span });
  }
  const bits = values.weight_bits ?? d.weights.bits;
  const reason = oneScaleReason(granularity, bits);
  if (reason) {
    const alpha = granularity.kind;
    const span = places.get("weight_alpha")!;
    context.collector.add("language/idle-weight-alpha", { alpha, reason }, { span });
  }
  if (values.input_alpha === "channel" && isModelInput(input)) {
    const related = [{ message: "the input", span: input!.span }];
    context.collector.add("language/input-alpha-of-input", {}, { span: places.get("input_alpha")!, related });
  }
  return {
    weights: { granularity, bits },
    input: {
      granularity: values.input_alpha ?? d.input.granularity,
      bits: checkInputBits(values.input_bits, places.get("input_bits"), input, context),
    },
    bias: values.bias_alpha ?? d.bias,
    prune: values.prune ?? d.prune,
  };
}

/** Why weights of these widths cannot have more than one step; undefined where they can. */
function oneScaleReason(
  { kind }: Granularity,
  { min, max }: WidthRange,
): "one-bit" | "one-width" | undefined {
  if (kind === "layer") return undefined;
  if (max === 1) return "one-bit";
  return kind === "group" && min === max ? "one-width" : undefined;
}

/** What only moves elements. */
const MOVES: ReadonlySet<Signal["kind"]> = new Set([
  "concat",
  "flatten",
  "pad",
  "reshape",
  "slice",
  "transpose",
  "upsample",
]);

/** Whether a tensor holds a model's input as it comes: nothing before it can scale its channels. */
function isModelInput(signal: Signal | undefined): boolean {
  if (!signal) return false;
  return signal.kind === "input" || (MOVES.has(signal.kind) && signal.inputs.some(isModelInput));
}

function checkInputBits(
  wished: WidthRange | undefined,
  span: Span | undefined,
  input: Signal | undefined,
  context: CheckContext,
): WidthRange {
  if (!input) return wished ?? QUANTIZATION_DEFAULTS.input.bits;
  const { min, max, reason } = tensorBits(input);
  if (wished && span && (wished.min < min || wished.max > max)) {
    const found = wished.min === wished.max ? `${wished.min}` : `${wished.min}..${wished.max}`;
    const related = [{ message: `the ${input.word}`, span: input.span }];
    context.collector.add("language/unfit-bits", { found, min, max, reason }, { span, related });
  }
  return wished ?? { min, max };
}
