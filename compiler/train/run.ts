// A training run: what it was asked for, the data as batches, and its state. In: a request. Out: views of the state that
// the phases work on.
import type { TrainingSpec } from "../graph/project.ts";
import type { SampleSet } from "../graph/samples.ts";
import type { Score } from "../graph/trained-graph.ts";
import { createRandom, permutation } from "../support/random.ts";
import type { TensorFlow } from "../support/tensorflow.ts";
import { type Batch, type Batches, createBatches, pickSamples, roundSamples } from "./batches.ts";
import { withoutBranches } from "./branches.ts";
import { CHECKPOINT_SCHEMA, type Checkpoint, copyPlain } from "./checkpoint.ts";
import { sizesOf } from "./divergence.ts";
import { batchOfAll, floatPass, scorePass } from "./float-model.ts";
import { foldedNetwork } from "./fold.ts";
import { inputScaleOf } from "./input-scale.ts";
import { type Frozen, limitsGiven } from "./limits.ts";
import { createLoss, type Loss, type Teacher } from "./losses.ts";
import { type Network, outputElements, samplesAtOnce } from "./network.ts";
import { createNoisePool, type NoisePool } from "./noise.ts";
import { widthsAreGiven } from "./noise-phase.ts";
import { type Moments, momentsOf } from "./normalize.ts";
import { createOptimizer } from "./optimizers.ts";
import { givenParameters, initialParameters } from "./parameters.ts";
import { type LossOf, type NetworkPass, outputsOf } from "./passes.ts";
import { keptInputs } from "./prune.ts";
import { TrainingStopped, type TrainRequest } from "./request.ts";
import { leftOf, roundedPass } from "./rounding-phase.ts";
import { FIRST_PENALTY, PHASES } from "./schedule.ts";
import { inputReader, knownReaders } from "./settings.ts";

/** The state of a run; a checkpoint is a copy of it. */
export type RunState = { -readonly [K in keyof Checkpoint]: Checkpoint[K] };

/** Samples on which bit allocation and pruning measure. */
const MEASURED_SAMPLES = 4096;

export interface Run {
  readonly tf: TensorFlow;
  readonly request: TrainRequest;
  readonly training: TrainingSpec;
  /** The graph's network, of the float baseline and the warm-up. */
  readonly network: Network;
  /**
   * The same with batch-norms folded into weights where that is to be, and from the freeze on without the branches that
   * went; `frozenOf` gives what is left of it.
   */
  folded: Network;
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
  /** What is above its noise of the folded network, as an epoch of the noise phase began. */
  audible: Network | null;
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

function firstState(network: Network, { training, weights }: TrainRequest, inputScale: number): RunState {
  const parameters = weights
    ? givenParameters(network, weights, inputScale)
    : initialParameters(network, training.seed);
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
    branches: { operands: [], layers: [] },
    bracket: { holds: null, fails: null },
    accepted: null,
    sizes: sizesOf(network, parameters),
    baseline: null,
    history: [],
  };
}

/** Inputs that the layer which reads them tells apart: channels of a convolution, else elements. */
function readInputs(network: Network): number | undefined {
  const layer = network.layers[inputReader(network) ?? 0]!;
  return layer.windows ? network.values[layer.reads]!.channels : undefined;
}

/** Makes the run of a checked request. */
export function createRun(tf: TensorFlow, request: TrainRequest, network: Network): Run {
  const { training, samples } = request;
  const { seed, batch, augment, target, normalize } = training;
  // What reproduces its input has outputs in its unit, and sums or products of it have no weights to take the scale.
  const isScalable = target !== "input" && knownReaders(network, 0) !== null;
  const inputScale = isScalable ? inputScaleOf(samples) : 0;
  const inputFraction = samples.stored.fraction + inputScale;
  const state = request.checkpoint ? copyPlain(request.checkpoint) : firstState(network, request, inputScale);
  const whole = foldedNetwork(network, training);
  const folded = withoutBranches(whole, state.branches.operands);
  const measured = samplesAtOnce(network, MEASURED_SAMPLES);
  return {
    tf,
    request,
    training,
    network,
    folded,
    inputFraction,
    moments: normalize === "none" ? null : momentsOf(samples, inputFraction, normalize, readInputs(network)),
    pool: createNoisePool(seed),
    loss: createLoss(training.loss, outputElements(network)),
    batches: createBatches(samples, { seed, batch, augment, target, fraction: inputFraction, kept: null }),
    validation: batchOfAll(request.validation, inputFraction, target),
    measured: batchOfAll(someSamples(samples, measured, seed, "measured"), inputFraction, target),
    given: widthsAreGiven(whole, training),
    state,
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

/** The frozen network of the state. */
export function frozenOf({ folded, state }: Run): Frozen {
  const { formats, kept } = state.frozen!;
  return { network: leftOf(folded, kept), parameters: state.parameters, formats, kept };
}

/** Makes a frozen network the state's. */
export function setFrozen(run: Run, { parameters, formats, kept }: Frozen): void {
  run.state.parameters = parameters;
  run.state.frozen = { formats, kept };
}

/** Samples given as values with what a frozen network has of their elements. */
export function enteringOf({ kept }: Frozen, batch: Batch): Batch {
  return { ...batch, inputs: keptInputs(batch, kept[0]!) };
}

/** The validation samples as a frozen network takes them, and its pass. */
export function frozenValidation(
  { training, validation }: Run,
  frozen: Frozen,
): { readonly batch: Batch; readonly pass: NetworkPass } {
  return { batch: enteringOf(frozen, validation), pass: roundedPass(frozen, training, "running") };
}

/** Outputs of the validation samples by the float network, where integers are compared with them. */
export function floatOutputsOf({ training, validation }: Run): Float32Array | null {
  return training.target === "float" ? validation.targets : null;
}

/** Score of a frozen network on the validation samples. */
export function scoreFrozen(run: Run, frozen: Frozen): Score {
  const { batch, pass } = frozenValidation(run, frozen);
  return scorePass(run.tf, pass, batch, run.training.loss);
}

/** Loss and gradient of a batch's outputs, with the baseline as a teacher where that is asked for. */
export function lossOfBatch(run: Run, batch: Batch, teacherInputs: Float32Array | null): LossOf {
  const { loss, training, state, tf, network } = run;
  const { distillation } = training;
  let teacher: Teacher | undefined;
  if (distillation && teacherInputs && state.baseline) {
    const pass = floatPass(network, training, state.baseline.model.parameters, "running");
    teacher = { outputs: outputsOf(tf, batch.count, teacherInputs, pass), ...distillation };
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
      batch: { ...all, inputs: keptInputs(all, kept[0]!) },
      isRounded: false,
      all: all.inputs,
    };
  }
  const format = formats.signals[0]!;
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
  if (!frozen.network.layers.some((layer) => layer.batchNorm)) return;
  const { count, inputs } = enteringOf(frozen, run.measured);
  outputsOf(run.tf, count, inputs, roundedPass(frozen, run.training, "measured"));
}
