// Values of a model as the check knows them. In: nothing; the tables of stages and joins make them. Out: their type,
// and what can be said of a tensor from the stages before it.
import { isNegativeSomewhere } from "../graph/expression.ts";
import type { Operator, OperatorKind, StoredType } from "../graph/graph.ts";
import {
  type LayerQuantization,
  MAX_THRESHOLD_BITS,
  MAX_TRAINED_WIDTH,
  type Surrogate,
  type WidthRange,
} from "../graph/project.ts";
import type { Span } from "../support/source-file.ts";

/** Stages that make a layer's result nonlinear. */
export const ACTIVATIONS = [
  "curve",
  "hardsigmoid",
  "hardswish",
  "hardtanh",
  "leaky_relu",
  "relu",
  "relu6",
  "sigmoid",
  "sign",
  "step",
  "tanh",
] as const;
export type ActivationKind = (typeof ACTIVATIONS)[number];

/** A value of the model: a layer and what is known of its result. */
export interface Signal {
  readonly kind: "input" | OperatorKind;
  /** The word that made it, as written: `maxpool` of a pool. */
  readonly word: string;
  readonly name: string;
  /** True when the user gave the name. */
  readonly named: boolean;
  readonly shape: readonly number[];
  /** The signals that enter the layer. */
  readonly inputs: readonly Signal[];
  /** The line that made it, for messages and headers. */
  readonly span: Span;
  /** Of an input. */
  readonly stored?: StoredType;
  /** Of all others. */
  readonly operator?: Operator;
  /** Of a dense or a conv. */
  readonly folding?: { readonly pe: number; readonly simd: number };
  readonly quantization?: LayerQuantization;
  /** Of an activation, or of a layer's weights, that have one of their own. */
  readonly gradient?: Surrogate;
}

const MOVES: readonly Signal["kind"][] = [
  "concat",
  "flatten",
  "pad",
  "pool",
  "reshape",
  "slice",
  "transpose",
  "upsample",
];

export const isActivation = ({ kind }: Signal): boolean => (ACTIVATIONS as readonly string[]).includes(kind);

/** Whether a layer has weights. */
export const isWeighted = ({ kind }: Signal): boolean => kind === "dense" || kind === "conv";

/**
 * The signals that a value's elements come from: through all that only moves, joins or pools them. A chain may be long,
 * and a value may be joined with itself many times over, so each is visited once.
 */
export function sourcesOf(signal: Signal): Signal[] {
  const visited = new Set([signal]);
  for (const at of visited) if (MOVES.includes(at.kind)) for (const input of at.inputs) visited.add(input);
  return [...visited].filter(({ kind }) => !MOVES.includes(kind));
}

/** Whether some element is the -1 or 1 of a sign, which has no zero. */
export const isBipolar = (signal: Signal): boolean => sourcesOf(signal).some(({ kind }) => kind === "sign");

/** The widths that the integers of a tensor can have, and why they have no others. */
export interface TensorBits extends WidthRange {
  readonly reason: string;
}

const UNSIGNED: readonly Signal["kind"][] = ["relu", "relu6", "sigmoid", "hardsigmoid"];
/** Behind a batchnorm of one-bit weights, which cannot take it over, these are thresholds of each channel. */
const CLAMPS: readonly Signal["kind"][] = ["relu", "relu6", "hardtanh"];

function isThresholds(normalized: Signal | undefined): boolean {
  return normalized?.kind === "batchnorm" && normalized.inputs[0]?.quantization?.weights.bits.max === 1;
}

function sourceBits({ kind, word, inputs, stored, operator }: Signal): TensorBits {
  if (kind === "sign" || kind === "step") return { min: 1, max: 1, reason: `${word} makes one bit` };
  const signed =
    kind === "input"
      ? stored?.signed === true
      : operator?.kind === "curve"
        ? isNegativeSomewhere(operator.body, true)
        : !UNSIGNED.includes(kind);
  const min = signed ? 2 : 1;
  return CLAMPS.includes(kind) && isThresholds(inputs[0])
    ? {
        min,
        max: MAX_THRESHOLD_BITS,
        reason: `a batchnorm behind one-bit weights and its ${word} make ${min} to ${MAX_THRESHOLD_BITS} bits`,
      }
    : { min, max: MAX_TRAINED_WIDTH, reason: `signed values have at least 2 bits` };
}

/** The widths of the integers that enter a layer after `signal`. Joined tensors have one width. */
export function tensorBits(signal: Signal): TensorBits {
  return sourcesOf(signal)
    .map(sourceBits)
    .reduce((a, b) => {
      const min = Math.max(a.min, b.min);
      const narrow = a.max <= b.max ? a : b;
      return {
        min,
        max: Math.max(min, narrow.max),
        reason: (a.max === b.max && a.min < b.min ? b : narrow).reason,
      };
    });
}
