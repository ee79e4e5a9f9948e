// When what is trained, and how fast. In: the training settings and the steps of an epoch. Out: phases with their
// epochs, and the rates of every step.
import type { TrainingSpec } from "../graph/project.ts";

/**
 * baseline: the same network without quantization, for comparison, with a schedule of its own.
 * float: warm-up. noise: weights and alphas together. rounding: real rounding in frozen formats.
 */
export type Phase = "baseline" | "float" | "noise" | "rounding";

export const PHASES: readonly Phase[] = ["baseline", "float", "noise", "rounding"];

/** Epochs of a phase. The baseline gets as many as the three phases of the quantized network together. */
export function epochsOf(training: TrainingSpec, phase: Phase): number {
  const { float, noise, rounding } = training.epochs;
  return phase === "baseline" ? float + noise + rounding : training.epochs[phase];
}

/** Rate of the logarithms of steps and ranges, per update. */
const QUANTIZER_RATE = 0.01;
/** log2 units that a step must be able to travel in the noise phase, however few its updates are. */
const QUANTIZER_TRAVEL = 12;
/** Rates at the end of a phase, as parts of the learning rate. */
const NOISE_END = 0.1;
const ROUNDING_START = 0.7;
const FINE_END = 0.01;

/** From `start` to `end` along half a cosine; `progress` in [0, 1]. */
function cosine(progress: number, start: number, end: number): number {
  return end + (start - end) * 0.5 * (1 + Math.cos(Math.PI * progress));
}

/** Rate of weights and biases at an update of a phase with `steps` updates in all. */
export function weightRate(phase: Phase, learningRate: number, step: number, steps: number): number {
  const progress = step / Math.max(1, steps);
  switch (phase) {
    case "baseline":
      return cosine(progress, learningRate, learningRate * FINE_END);
    case "float":
      return learningRate;
    case "noise":
      return cosine(progress, learningRate, learningRate * NOISE_END);
    case "rounding":
      return cosine(progress, learningRate * ROUNDING_START, learningRate * FINE_END);
  }
}

/** Rate of the quantizers' logarithms in a noise phase of `steps` updates. */
export function quantizerRate(steps: number): number {
  return Math.max(QUANTIZER_RATE, QUANTIZER_TRAVEL / Math.max(1, steps));
}

/** Nats of loss that are paid per halving of the cost when the noise phase starts. */
export const FIRST_PENALTY = 0.1;
const PENALTY_RANGE = { least: 1e-4, most: 10 };
/** Factors of e that the penalty can move by in one noise phase. */
const PENALTY_TRAVEL = 6;

/**
 * The penalty after one update: it grows while the frozen bit operations are above the budget, by how much they
 * are, and shrinks below it.
 */
export function nextPenalty(penalty: number, bitOperations: number, budget: number, steps: number): number {
  const excess = Math.max(-1, Math.min(1, Math.log2(bitOperations / budget)));
  const next = penalty * Math.exp((PENALTY_TRAVEL / Math.max(1, steps)) * excess);
  return Math.max(PENALTY_RANGE.least, Math.min(PENALTY_RANGE.most, next));
}
