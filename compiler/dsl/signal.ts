// Values of a model as the check knows them. In: nothing; the stage table makes them. Out: their type, and what
// can be said of a tensor from the stages before it.
import type { StoredType } from "../graph/graph.ts";
import {
  type LayerQuantization,
  MAX_THRESHOLD_BITS,
  MAX_TRAINED_WIDTH,
  type Surrogate,
  type WidthRange,
} from "../graph/project.ts";
import type { Span } from "../support/source-file.ts";

/** Stages that make a dense layer's result nonlinear. */
export const ACTIVATIONS = ["hardtanh", "relu", "sign", "step"] as const;
export type ActivationKind = (typeof ACTIVATIONS)[number];

export type StageKind = ActivationKind | "argmax" | "batchnorm" | "dense" | "flatten";

/** A value of the model: a layer and what is known of its result. */
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
  /** Of an input. */
  readonly stored?: StoredType;
  /** Of a dense. */
  readonly units?: number;
  readonly folding?: { readonly pe: number; readonly simd: number };
  readonly quantization?: LayerQuantization;
  /** Of an activation that has one of its own. */
  readonly gradient?: Surrogate;
}

/** The widths that the integers of a tensor can have, and why they have no others. */
export interface TensorBits extends WidthRange {
  readonly reason: string;
}

/** The widths of the integers that enter a dense after `signal`. */
export function tensorBits(signal: Signal): TensorBits {
  const { kind, input, stored } = signal;
  if (kind === "flatten" && input) return tensorBits(input);
  if (kind === "sign" || kind === "step") return { min: 1, max: 1, reason: `${kind} makes one bit` };
  const signed = kind === "input" ? stored?.signed === true : kind !== "relu";
  const min = signed ? 2 : 1;
  return input?.kind === "batchnorm"
    ? {
        min,
        max: MAX_THRESHOLD_BITS,
        reason: `a batchnorm and its ${kind} make ${min} to ${MAX_THRESHOLD_BITS} bits`,
      }
    : { min, max: MAX_TRAINED_WIDTH, reason: `signed values have at least 2 bits` };
}
