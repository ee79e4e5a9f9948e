// A training run: what it was asked for, the data as batches, and its state. In: a request. Out: views of the state that
// the phases work on.
import type { TrainingSpec } from "../graph/project.ts";
import { pickSamples, type SampleSet } from "../graph/samples.ts";
import type { Score } from "../graph/trained-graph.ts";
import { createRandom, permutation } from "../support/random.ts";
import type { TensorFlow } from "../support/tensorflow.ts";
import { type Batch, type Batches, createBatches, roundInput } from "./batches.ts";
import { withoutBranches } from "./branches.ts";
import { CHECKPOINT_SCHEMA, type Checkpoint, copyPlain } from "./checkpoint.ts";
import { sizesOf } from "./divergence.ts";
import { batchOfAll, floatPass, scorePass } from "./float-model.ts";
import { foldedNetwork } from "./fold.ts";
import { fractionOf } from "./formats.ts";
import { inputScaleOf } from "./input-scale.ts";
import { type Frozen, limitsGiven } from "./limits.ts";
import { type Network, outputElements, samplesAtOnce } from "./network.ts";
import { createNoisePool, type NoisePool } from "./noise.ts";
import { type WeightSizes, widthsAreGiven } from "./noise-phase.ts";
import { type Moments, momentsOf } from "./normalize.ts";
import { createOptimizer } from "./optimizers.ts";
import { createNetworkLoss, type NetworkLoss, type NetworkLossRequest } from "./output-losses.ts";
import { givenParameters, initialParameters, optimizerOf } from "./parameters.ts";
import { type LossOf, type NetworkPass, outputsOf } from "./passes.ts";
import { keptElements, keptInputs } from "./prune.ts";
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
  /** Of each input, the fraction by which stored integers become the values that training sees. */
  readonly inputFractions: readonly number[];
  /** Of inputs that are normalised, and the layer that reads each. */
  readonly normalized: readonly NormalizedInput[];
  readonly pool: NoisePool;
  readonly loss: NetworkLoss;
  readonly validation: Batch;
  /** Training samples, not augmented, that allocation, pruning and figures are measured on. */
  readonly measured: Batch;
  /** Whether no width is left to be found. */
  readonly given: boolean;
  readonly state: RunState;
  /** What is above its noise of the folded network, as an epoch of the noise phase began. */
  audible: Network | null;
  /** Sizes of the weights as the last step of the noise phase left them. */
  weightSizes: WeightSizes | null;
  /** Judged loss of each output of the baseline on the validation samples, once it was asked for. */
  baselineLosses: readonly number[] | null;
  /** Lines of alarms that were told already. */
  readonly alarms: Set<string>;
  /** Batches already rounded to the inputs' frozen formats, and which formats these are. */
  rounded: { readonly key: string; readonly batches: Batches } | null;
}

/** An input that the float phases see normalised. */
export interface NormalizedInput {
  readonly moments: Moments;
  readonly layer: number;
}

/** The same `count` training samples for the same purpose. */
export function someSamples(samples: SampleSet, count: number, seed: number, purpose: string): SampleSet {
  const order = permutation(samples.count, createRandom(seed, purpose));
  return pickSamples(samples, order.subarray(0, Math.min(count, samples.count)));
}

function firstState(
  network: Network,
  { training, weights }: TrainRequest,
  inputScales: readonly number[],
): RunState {
  const parameters = weights
    ? givenParameters(network, weights, inputScales)
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
    optimizer: createOptimizer(optimizerOf(training.optimizer), parameters),
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

/** Moments of every input, with what the layer which reads it tells apart: channels of a convolution, else elements. */
function normalizedInputs(
  network: Network,
  { inputs }: SampleSet,
  fractions: readonly number[],
  mode: "tensor" | "element",
): NormalizedInput[] {
  return inputs.map((input, i) => {
    const layer = inputReader(network, i)!;
    const { windows, reads } = network.layers[layer]!;
    const apart = windows ? network.values[reads]!.channels : undefined;
    return { moments: momentsOf(input, fractions[i]!, mode, apart), layer };
  });
}

/** Makes the run of a checked request. */
export function createRun(tf: TensorFlow, request: TrainRequest, network: Network): Run {
  const { training, samples } = request;
  const { seed, batch, augment, target, normalize } = training;
  // What reproduces its input has outputs in its unit, and sums or products of it have no weights to take the scale.
  const inputScales = samples.inputs.map((input, i) => {
    const isScalable = target !== "input" && knownReaders(network, network.inputs[i]!.signal) !== null;
    return isScalable ? inputScaleOf(input) : 0;
  });
  const inputFractions = samples.inputs.map(({ stored }, i) => stored.fraction + inputScales[i]!);
  const state = request.checkpoint
    ? copyPlain(request.checkpoint)
    : firstState(network, request, inputScales);
  const whole = foldedNetwork(network, training);
  const folded = withoutBranches(whole, state.branches.operands);
  const measured = samplesAtOnce(network, MEASURED_SAMPLES);
  return {
    tf,
    request,
    training,
    network,
    folded,
    inputFractions,
    normalized: normalize === "none" ? [] : normalizedInputs(network, samples, inputFractions, normalize),
    pool: createNoisePool(seed),
    loss: createNetworkLoss(training.losses, outputElements(network)),
    batches: createBatches(samples, {
      seed,
      batch,
      augment,
      target,
      fractions: inputFractions,
      kept: inputFractions.map(() => null),
    }),
    validation: batchOfAll(request.validation, inputFractions, target),
    measured: batchOfAll(someSamples(samples, measured, seed, "measured"), inputFractions, target),
    given: widthsAreGiven(whole, training),
    state,
    audible: null,
    weightSizes: null,
    baselineLosses: null,
    alarms: new Set(),
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
export function enteringOf(frozen: Frozen, batch: Batch): Batch {
  return { ...batch, inputs: keptInputs(frozen, batch) };
}

/** The validation samples as a frozen network takes them, and its pass. */
export function frozenValidation(
  { training, validation }: Run,
  frozen: Frozen,
): { readonly batch: Batch; readonly pass: NetworkPass } {
  return { batch: enteringOf(frozen, validation), pass: roundedPass(frozen, training, "running") };
}

/** Outputs of the validation samples by the float network, where integers are compared with them. */
export function floatOutputsOf({ training, validation }: Run): readonly Float32Array[] | null {
  return training.target === "float" ? validation.answers.map(({ values }) => values!) : null;
}

/** Score of a frozen network on the validation samples. */
export function scoreFrozen(run: Run, frozen: Frozen): Score {
  const { batch, pass } = frozenValidation(run, frozen);
  return scorePass(run.tf, pass, batch, run.training.losses);
}

/** Loss and gradients of a batch's outputs, with the baseline as a teacher where that is asked for. */
export function lossOfBatch(run: Run, batch: Batch, teacherInputs: readonly Float32Array[] | null): LossOf {
  const { loss, training, state, tf, network } = run;
  const { distillation } = training;
  let teacher: NetworkLossRequest["teacher"];
  if (distillation && teacherInputs && state.baseline) {
    const pass = floatPass(network, training, state.baseline.model.parameters, "running");
    teacher = { outputs: outputsOf(tf, batch.count, teacherInputs, pass), ...distillation };
  }
  const { count, answers } = batch;
  return (outputs, gradients) => loss.evaluate({ outputs, count, answers, gradients, teacher });
}

/** Whether the rounding phase needs a batch's inputs before they are rounded. */
function needsRawInputs({ training }: Run): boolean {
  return training.target === "input" || training.augment.noise > 0 || training.distillation !== null;
}

/** A batch of the rounding phase: what enters the first layers, and all elements where a teacher or target needs them. */
export function roundingBatch(
  run: Run,
  epoch: number,
  step: number,
  augmented: boolean,
): { readonly batch: Batch; readonly isRounded: boolean; readonly all: readonly Float32Array[] | null } {
  const { state, training, request, inputFractions } = run;
  const frozen = frozenOf(run);
  const purpose = `rounding ${state.round}`;
  if (needsRawInputs(run)) {
    const all = run.batches.batch(purpose, epoch, step, augmented);
    return { batch: enteringOf(frozen, all), isRounded: false, all: all.inputs };
  }
  const formats = frozen.network.inputs.map(({ signal }) => frozen.formats.signals[signal]!);
  const kept = keptElements(frozen.network, frozen.kept);
  const parts = formats.map((f, i) => `${f.width} ${f.fraction} ${kept[i]?.length}`);
  const key = `${parts.join(", ")}, ${state.round}`;
  if (run.rounded?.key !== key) {
    const { seed, batch, augment, target } = training;
    const inputs = request.samples.inputs.map((input, i) =>
      roundInput(input, inputFractions[i]!, formats[i]!),
    );
    const fractions = formats.map(fractionOf);
    run.rounded = {
      key,
      batches: createBatches(
        { ...request.samples, inputs },
        { seed, batch, augment, target, fractions, kept },
      ),
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
