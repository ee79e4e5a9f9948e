// What bits cost in the noise phase. In: a run and the place of an update. Out: the weights of the costs, moved towards a
// budget, or towards the loss that noise may cost.
import type { Limit } from "../graph/project.ts";
import { partOf } from "./batches.ts";
import { floatPass, judgeOutputs, judgePass } from "./float-model.ts";
import { rmsOf } from "./formats.ts";
import { frozenNow, withoutSilence } from "./frozen-now.ts";
import { limitsGiven, measure } from "./limits.ts";
import { epsilonOf } from "./lossless.ts";
import { samplesAtOnce } from "./network.ts";
import { noisyPass, type Penalties } from "./noise-phase.ts";
import { weightedSum } from "./output-losses.ts";
import type { NetworkPass } from "./passes.ts";
import { floatOutputsOf, type Run } from "./run.ts";
import { FIRST_PENALTY, nextPenalty, signedPenalty } from "./schedule.ts";

/** Updates of the noise phase between two looks at the costs. */
export const PENALTY_INTERVAL = 8;
/**
 * The noise phase goes down to this many times a limit. The rest is bit allocation's: it also prunes and turns weights
 * bipolar, and judges every step by training, which costs less than the last bits of every tensor alike.
 */
const NOISE_MARGIN = 1.7;
/**
 * Of what a lossless network may lose: what half of its cost is worth when the noise phase starts. Noise grows fourfold
 * with every bit that goes; where it costs just that, halving the cost (by a bit or so of both operands) costs about twice.
 * A budget's first penalty is the most: with a large epsilon a network would be gone before it learns.
 */
const FIRST_PRICE = 2;
/** From so many times the baseline's loss on, a network without noise has lost more than its noise can be blamed for. */
const ASTRAY = 4;
/** Validation samples on which a lossless noise phase compares noise and no noise. */
const NOISE_SAMPLES = 1000;
/** Of the float network's outputs: the part of their mean square that a penalty of 1 is. */
const FLOAT_UNIT = 0.01;

/** Place of an update in its phase or round. */
export interface Place {
  readonly epoch: number;
  readonly step: number;
  /** Updates of the phase so far, and in all. */
  readonly at: number;
  readonly total: number;
}

/** The weights of the costs in units of the loss. */
export function lossPenalties({ state }: Run): Penalties {
  const { penalties, lossUnit } = state;
  return Object.fromEntries(Object.entries(penalties).map(([limit, nats]) => [limit, nats * lossUnit]));
}

/** What the noise phase begins with; `quiet` is the pass of the weights that it starts from. */
export function startPenalties(run: Run, quiet: NetworkPass): void {
  const { state, training } = run;
  state.lossUnit = lossUnitOf(run, quiet);
  if (training.objective.kind === "lossless")
    state.penalties = {
      bitOperations: Math.min(FIRST_PENALTY, (FIRST_PRICE * allowedLoss(run)) / state.lossUnit),
    };
}

/** Moves the weights of the costs: towards a budget, or towards the loss that noise may cost. */
export function movePenalties(run: Run, place: Place): void {
  const { state, training, request } = run;
  const updates = place.total / PENALTY_INTERVAL;
  const { objective } = training;
  const next = (penalty: number, excess: number): number =>
    training.search === "rounding" ? signedPenalty(excess) : nextPenalty(penalty, excess, updates);
  const moved: Partial<Record<Limit, number>> = {};
  if (objective.kind === "budget") {
    const frozen = withoutSilence(run, frozenNow(run)!);
    for (const { limit, asked } of limitsGiven(objective.limits)) {
      const excess = Math.log2(measure(limit, frozen, request.intervalCycles) / (NOISE_MARGIN * asked));
      moved[limit] = next(state.penalties[limit]!, excess);
    }
  } else {
    const allowed = allowedLoss(run);
    const lost = noiseLoss(run, place);
    moved.bitOperations = next(state.penalties.bitOperations!, (allowed - lost) / allowed);
  }
  state.penalties = moved;
}

/** What integers may lose. */
function allowedLoss(run: Run): number {
  const { objective, losses } = run.training;
  const epsilon = objective.kind === "lossless" ? objective.epsilon : null;
  return epsilonOf(epsilon, losses, baselineLosses(run), floatOutputsOf(run));
}

/** Judged loss of each output of the baseline on the validation samples. */
function baselineLosses(run: Run): readonly number[] {
  const { tf, network, training, state, validation } = run;
  const { parameters } = state.baseline!.model;
  const pass = floatPass(network, training, parameters, "running");
  run.baselineLosses ??= judgeOutputs(tf, pass, validation, training.losses);
  return run.baselineLosses;
}

/**
 * What the noise costs now: loss of the same weights with and without it, on some validation samples. Weights may go
 * astray until noise costs them nothing more: those are compared with a multiple of the baseline's loss.
 */
function noiseLoss(run: Run, { epoch, step }: Place): number {
  const { tf, folded, training, state, pool, validation } = run;
  const count = Math.min(samplesAtOnce(folded, NOISE_SAMPLES), validation.count);
  const some = partOf(validation, 0, count);
  const { pass } = noisyPass(folded, training, state.parameters, pool, count, epoch, -1 - step);
  const layers = pass.layers.map((layer) =>
    layer.norm ? { ...layer, norm: { ...layer.norm, statistics: "running" as const } } : layer,
  );
  const quiet = floatPass(folded, training, state.parameters, "running");
  const without = judgePass(tf, quiet, some, training.losses);
  const most = ASTRAY * weightedSum(training.losses, baselineLosses(run));
  return judgePass(tf, { ...pass, layers }, some, training.losses) - Math.min(without, most);
}

/**
 * What a penalty of 1 is: a nat of cross entropy, or the loss of a regression, which has a unit of its own; of several
 * outputs the weighted sum.
 */
function lossUnitOf(run: Run, quiet: NetworkPass): number {
  const { losses } = run.training;
  const outputs = floatOutputsOf(run);
  // What is compared with itself has no loss.
  if (outputs)
    return weightedSum(
      losses,
      outputs.map((values) => FLOAT_UNIT * rmsOf(values) ** 2),
    );
  const judged = judgeOutputs(run.tf, quiet, run.validation, losses);
  const units = losses.map(({ loss }, i) => (loss.kind === "cross-entropy" ? 1 : judged[i]!));
  return weightedSum(losses, units);
}
