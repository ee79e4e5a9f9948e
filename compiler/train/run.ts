// A training run: what it was asked for, the data as batches, and its state. In: a request. Out: views of the state that
// the phases work on.
import type { TrainingSpec } from "../graph/project.ts";
import type { SampleSet } from "../graph/samples.ts";
import type { Score } from "../graph/trained-graph.ts";
import { createRandom, permutation } from "../support/random.ts";
import type { TensorFlow } from "../support/tensorflow.ts";
import { type Batch, type Batches, createBatches, pickSamples, roundSamples } from "./batches.ts";
import type { Chain } from "./chain.ts";
import { CHECKPOINT_SCHEMA, type Checkpoint, copyPlain } from "./checkpoint.ts";
import { sizesOf } from "./divergence.ts";
import { batchOfAll, floatPasses, scorePasses } from "./float-model.ts";
import { inputScaleOf } from "./input-scale.ts";
import { type Frozen, limitsGiven } from "./limits.ts";
import { createLoss, type Loss, type Teacher } from "./losses.ts";
import { type LayerPass, type LossOf, outputsOf } from "./network.ts";
import { createNoisePool, type NoisePool } from "./noise.ts";
import { widthsAreGiven } from "./noise-phase.ts";
import { type Moments, momentsOf } from "./normalize.ts";
import { createOptimizer } from "./optimizers.ts";
import { initialParameters } from "./parameters.ts";
import { keptInputs } from "./prune.ts";
import { TrainingStopped, type TrainRequest } from "./request.ts";
import { roundedPasses } from "./rounding-phase.ts";
import { FIRST_PENALTY, PHASES } from "./schedule.ts";

/** The state of a run; a checkpoint is a copy of it. */
export type RunState = { -readonly [K in keyof Checkpoint]: Checkpoint[K] };

/** Samples on which bit allocation and pruning measure. */
const MEASURED_SAMPLES = 4096;

export interface Run {
  readonly tf: TensorFlow;
  readonly request: TrainRequest;
  readonly training: TrainingSpec;
  /** The graph's chain; `frozenOf` gives what is left of it. */
  readonly chain: Chain;
  /** Batches of all elements. */
  readonly batches: Batches;
  /** Fraction by which stored integers become the values that training sees. */
  readonly inputFraction: number;
  /** Of the inputs; null where they are taken as they are. */
  readonly moments: Moments | null;
  readonly pool: NoisePool;
  readonly loss: Loss;
  readonly validation: Batch;
  /** Training samples, not augmented, that allocation, pruning and figures are measured on. */
  readonly measured: Batch;
  /** Whether no width is left to be found. */
  readonly given: boolean;
  readonly state: RunState;
  /** Inputs of each layer that are above their noise, as an epoch of the noise phase began. */
  audible: readonly number[] | null;
  /** Judged loss of the baseline on the validation samples, once it was asked for. */
  baselineLoss: number | null;
  /** Batches already rounded to the input's frozen format, and which format that is. */
  rounded: { readonly key: string; readonly batches: Batches } | null;
}

/** The same `count` training samples for the same purpose. */
export function someSamples(samples: SampleSet, count: number, seed: number, purpose: string): SampleSet {
  const order = permutation(samples.count, createRandom(seed, purpose));
  return pickSamples(samples, order.subarray(0, Math.min(count, samples.count)));
}

function firstState(chain: Chain, training: TrainingSpec): RunState {
  const parameters = initialParameters(chain, training.seed);
  const { objective } = training;
  const limits =
    objective.kind === "budget" ? limitsGiven(objective.limits).map((l) => l.limit) : ["bitOperations"];
  return {
    schema: CHECKPOINT_SCHEMA,
    phase: PHASES[0]!,
    round: 0,
    epoch: 0,
    best: null,
    parameters,
    optimizer: createOptimizer(training.optimizer, parameters),
    penalties: Object.fromEntries(limits.map((limit) => [limit, FIRST_PENALTY])),
    lossUnit: 1,
    frozen: null,
    leftByPruning: null,
    bracket: { holds: null, fails: null },
    accepted: null,
    sizes: sizesOf(chain, parameters),
    baseline: null,
    history: [],
  };
}

/** Makes the run of a checked request. */
export function createRun(tf: TensorFlow, request: TrainRequest, chain: Chain): Run {
  const { training, samples } = request;
  const { seed, batch, augment, target, normalize } = training;
  // What reproduces its input has outputs in its unit.
  const inputFraction = samples.stored.fraction + (target === "input" ? 0 : inputScaleOf(samples));
  return {
    tf,
    request,
    training,
    chain,
    inputFraction,
    moments: normalize === "none" ? null : momentsOf(samples, inputFraction, normalize),
    pool: createNoisePool(seed),
    loss: createLoss(training.loss, chain.outputs),
    batches: createBatches(samples, { seed, batch, augment, target, fraction: inputFraction, kept: null }),
    validation: batchOfAll(request.validation, inputFraction, target),
    measured: batchOfAll(someSamples(samples, MEASURED_SAMPLES, seed, "measured"), inputFraction, target),
    given: widthsAreGiven(chain, training),
    state: request.checkpoint ? copyPlain(request.checkpoint) : firstState(chain, training),
    audible: null,
    baselineLoss: null,
    rounded: null,
  };
}

/** Waits for the host and ends the run when the user asked for it. */
export async function giveWay({ request }: Run): Promise<void> {
  await request.yieldToHost();
  if (request.stop.stopped) throw new TrainingStopped();
}

/** The chain with what is left of each layer. */
export function leftOf(chain: Chain, kept: Frozen["kept"]): Chain {
  const layers = chain.layers.map((layer, i) => ({
    ...layer,
    inputs: kept[i]?.length ?? layer.inputs,
    units: kept[i + 1]?.length ?? layer.units,
  }));
  return { ...chain, layers };
}

/** The frozen network of the state. */
export function frozenOf({ chain, state }: Run): Frozen {
  const { formats, kept } = state.frozen!;
  return { chain: leftOf(chain, kept), parameters: state.parameters, formats, kept };
}

/** Makes a frozen network the state's. */
export function setFrozen(run: Run, { parameters, formats, kept }: Frozen): void {
  run.state.parameters = parameters;
  run.state.frozen = { formats, kept };
}

/** The validation samples with what a frozen network has of their elements, and the network's passes. */
export function frozenValidation(
  { training, validation, chain }: Run,
  frozen: Frozen,
): { readonly batch: Batch; readonly passes: readonly LayerPass[] } {
  const inputs = keptInputs(validation, frozen.kept[0]!, chain.elements);
  return { batch: { ...validation, inputs }, passes: roundedPasses(frozen, training, "running") };
}

/** Score of a frozen network on the validation samples. */
export function scoreFrozen(run: Run, frozen: Frozen): Score {
  const { batch, passes } = frozenValidation(run, frozen);
  return scorePasses(run.tf, passes, batch, run.training.loss);
}

/** Loss and gradient of a batch's outputs, with the baseline as a teacher where that is asked for. */
export function lossOfBatch(run: Run, batch: Batch, teacherInputs: Float32Array | null): LossOf {
  const { loss, training, state, tf, chain } = run;
  const { distillation } = training;
  let teacher: Teacher | undefined;
  if (distillation && teacherInputs && state.baseline) {
    const passes = floatPasses(chain, training, state.baseline.model.parameters, "running");
    teacher = { outputs: outputsOf(tf, batch.count, teacherInputs, passes), ...distillation };
  }
  return (outputs, gradient) =>
    loss.evaluate({
      outputs,
      count: batch.count,
      targets: { labels: batch.labels, values: batch.targets },
      gradient,
      teacher,
    });
}

/** Whether the rounding phase needs a batch's inputs before they are rounded. */
function needsRawInputs({ training }: Run): boolean {
  return training.target === "input" || training.augment.noise > 0 || training.distillation !== null;
}

/** A batch of the rounding phase: what enters the first layer, and all elements where a teacher or target needs them. */
export function roundingBatch(
  run: Run,
  epoch: number,
  step: number,
  augmented: boolean,
): { readonly batch: Batch; readonly isRounded: boolean; readonly all: Float32Array | null } {
  const { state, training, request, inputFraction } = run;
  const { formats, kept } = state.frozen!;
  const purpose = `rounding ${state.round}`;
  if (needsRawInputs(run)) {
    const all = run.batches.batch(purpose, epoch, step, augmented);
    return {
      batch: { ...all, inputs: keptInputs(all, kept[0]!, run.chain.elements) },
      isRounded: false,
      all: all.inputs,
    };
  }
  const format = formats[0]!.activation;
  const key = `${format.width} ${format.fraction} ${kept[0]?.length} ${state.round}`;
  if (run.rounded?.key !== key) {
    const { seed, batch, augment, target } = training;
    const samples = roundSamples(request.samples, inputFraction, format);
    const fraction = format.fraction as number;
    run.rounded = {
      key,
      batches: createBatches(samples, { seed, batch, augment, target, fraction, kept: kept[0]! }),
    };
  }
  return { batch: run.rounded.batches.batch(purpose, epoch, step, augmented), isRounded: true, all: null };
}

/** Gives batch-norms the statistics of the measured samples under a frozen network. */
export function measureStatistics(run: Run, frozen: Frozen): void {
  if (!frozen.chain.layers.some((layer) => layer.batchNorm)) return;
  const inputs = keptInputs(run.measured, frozen.kept[0]!, run.chain.elements);
  outputsOf(run.tf, run.measured.count, inputs, roundedPasses(frozen, run.training, "measured"));
}
