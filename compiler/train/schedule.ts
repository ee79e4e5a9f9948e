// When what is trained, and how fast. In: the training settings and the steps of an epoch. Out: phases with their
// epochs, and the rates of every step.
import type { RateSchedule, TrainingSpec } from "../graph/project.ts";
import { assertNever } from "../support/assert.ts";

/**
 * baseline: the same network without quantization, for comparison, with a schedule of its own.
 * float: warm-up, where it has epochs; else the baseline is. noise: weights and alphas together. rounding: real rounding in frozen formats.
 */
export type Phase = "baseline" | "float" | "noise" | "rounding";

export const PHASES: readonly Phase[] = ["baseline", "float", "noise", "rounding"];

/**
 * Parts of the rounding epochs that the rounds of a search for lossless formats have: the first, the later ones, and
 * the last, which trains what was found. Together they are the whole at most.
 */
const FIRST_ROUND = 0.2;
const LATER_ROUND = 0.1;
const FINISHING = 0.6;
/** Index of the last round. */
export const FINISHING_ROUND = 3;
/** The same where rounds train nothing and take no time. */
const LAST_CALIBRATION = 12;

/** Whether nothing is trained: formats come from the samples alone. */
export function isCalibrated({ epochs }: Pick<TrainingSpec, "epochs">): boolean {
  return epochs.float + epochs.noise + epochs.rounding === 0;
}

/** Index of the last round of a search. */
export function finishingRound(training: Pick<TrainingSpec, "epochs">): number {
  return isCalibrated(training) ? LAST_CALIBRATION : FINISHING_ROUND;
}

/**
 * Epochs of a phase, or of a round of the rounding phase. The baseline gets as many as the quantized network at most,
 * unless it is given.
 * `widthsAreGiven`: nothing is to be found, so that the noise phase's epochs go to the rounding phase.
 */
export function epochsOf(
  training: TrainingSpec,
  phase: Phase,
  round: number,
  widthsAreGiven: boolean,
): number {
  const { float, noise, rounding, baseline = float + noise + rounding } = training.epochs;
  switch (phase) {
    case "baseline":
      return baseline;
    case "float":
      return float;
    case "noise":
      return widthsAreGiven ? 0 : noise;
    case "rounding":
      if (widthsAreGiven) return noise + rounding;
      if (training.objective.kind === "budget") return round === 0 ? rounding : part(rounding, LATER_ROUND);
      if (round === 0) return part(rounding, FIRST_ROUND);
      return part(rounding, round === FINISHING_ROUND ? FINISHING : LATER_ROUND);
  }
}

function part(epochs: number, share: number): number {
  return Math.max(Math.min(1, epochs), Math.floor(epochs * share));
}

/** Bipolar latents only carry signs: they, and the offsets around them, move this much faster than other weights. */
export const BIPOLAR_RATE = 10;

/** Rate of the logarithms of steps and ranges, per update. */
const QUANTIZER_RATE = 0.01;
/** log2 units that a step must be able to travel in the noise phase, however few its updates are. */
const QUANTIZER_TRAVEL = 12;
/** Rates at the end of a phase, as parts of the learning rate. */
const NOISE_END = 0.1;
const ROUNDING_START = 0.7;
/** A later round of a search goes on from trained weights; the last one is long enough to start anew. */
const LATER_START = 0.35;
const FINE_END = 0.01;
const ROUNDING_END = 5e-4;

/**
 * Whether an update after `progress` in [0, 1) of a phase or round sees augmented samples: of the baseline and of every
 * round those before `until`, so that what is trained last is trained on data like the test's.
 */
export function isAugmented(phase: Phase, until: number, progress: number): boolean {
  const ends = phase === "baseline" || phase === "rounding";
  return !ends || progress < until;
}

/** Rates at the two ends of a phase, as parts of the learning rate. */
export interface RateEnds {
  readonly start: number;
  readonly end: number;
}

/**
 * The learning rate at a place of a phase: `progress` in [0, 1], `epoch` counted from 0 where the schedule starts.
 * cosine: from start to end along half a cosine. constant: that of the start. step: that of the start, multiplied by
 * the factor after every so many epochs.
 */
export function rateAt(
  schedule: RateSchedule,
  learningRate: number,
  { progress, epoch }: { readonly progress: number; readonly epoch: number },
  { start, end }: RateEnds,
): number {
  switch (schedule.kind) {
    case "cosine":
      return learningRate * (end + (start - end) * 0.5 * (1 + Math.cos(Math.PI * progress)));
    case "constant":
      return learningRate * start;
    case "step":
      return learningRate * start * schedule.factor ** Math.floor(epoch / schedule.epochs);
    default:
      return assertNever(schedule, "rate schedule");
  }
}

function endsOf(phase: Phase, round: number): RateEnds {
  switch (phase) {
    case "baseline":
      return { start: 1, end: FINE_END };
    case "float":
      return { start: 1, end: 1 };
    case "noise":
      return { start: 1, end: NOISE_END };
    case "rounding":
      return {
        start: round === 0 || round === FINISHING_ROUND ? ROUNDING_START : LATER_START,
        end: ROUNDING_END,
      };
  }
}

/** A place in a phase, or in a round of the rounding phase: its epoch, its update, and how many it has. */
export interface PhasePlace {
  readonly round: number;
  readonly epoch: number;
  readonly step: number;
  readonly steps: number;
}

/** Rate of weights and biases at an update of a phase with `steps` updates in all; `epoch` is that of the phase. */
export function weightRate(
  phase: Phase,
  schedule: RateSchedule,
  learningRate: number,
  { round, epoch, step, steps }: PhasePlace,
): number {
  return rateAt(schedule, learningRate, { progress: step / Math.max(1, steps), epoch }, endsOf(phase, round));
}

/** Rate of the quantizers' logarithms in a noise phase of `steps` updates. */
export function quantizerRate(steps: number): number {
  return Math.max(QUANTIZER_RATE, QUANTIZER_TRAVEL / Math.max(1, steps));
}

/** Nats of loss that are paid per halving of a cost when the noise phase starts. */
export const FIRST_PENALTY = 0.1;
const PENALTY_RANGE = { least: 1e-4, most: 10 };
/** Factors of e that the penalty can move by in one noise phase. */
const PENALTY_TRAVEL = 6;

/** Largest penalty of a search that rounds, in nats per halving of the cost. */
const ROUNDING_PENALTY = 1;

/**
 * The penalty of a search that rounds. The gradient that alpha gets from the loss has the mean 0 there, so that nothing
 * but the penalty holds the steps: negative, and asking for bits, as soon as the loss exceeds epsilon or the cost is below
 * what the phase goes down to.
 */
export function signedPenalty(excess: number): number {
  return ROUNDING_PENALTY * Math.max(-1, Math.min(1, excess));
}

/**
 * The penalty after `1 / updates` of a noise phase: it grows by how much there is too much capacity and shrinks by how
 * much there is too little. `excess` counts as 1 from 1 on.
 */
export function nextPenalty(penalty: number, excess: number, updates: number): number {
  const bounded = Math.max(-1, Math.min(1, excess));
  const next = penalty * Math.exp((PENALTY_TRAVEL / Math.max(1, updates)) * bounded);
  return Math.max(PENALTY_RANGE.least, Math.min(PENALTY_RANGE.most, next));
}
