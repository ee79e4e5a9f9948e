// Training from first weights to frozen integers. In: graph, settings, training and validation samples, perhaps a
// checkpoint. Out: the trained graph and the float baseline; a checkpoint after every epoch on the way.
import type { TrainingSpec } from "../graph/project.ts";
import type { SampleSet } from "../graph/samples.ts";
import type { Score } from "../graph/trained-graph.ts";
import { compilerAssert } from "../support/assert.ts";
import type { TensorFlow } from "../support/tensorflow.ts";
import { adamUpdate, createAdam, type ParameterSet } from "./adam.ts";
import { assembleTrained, inputScaleOf } from "./assemble.ts";
import { type Batch, type Batches, type BatchSettings, createBatches, roundSamples } from "./batches.ts";
import { bitOperationsOf, type LayerFormats, meanWeightBits } from "./bit-operations.ts";
import type { Chain } from "./chain.ts";
import { CHECKPOINT_SCHEMA, type Checkpoint, copyCheckpoint, type EpochRecord } from "./checkpoint.ts";
import { checkSizes, checkStep, sizesOf } from "./divergence.ts";
import { type FloatModel, floatPasses, scorePasses } from "./float-model.ts";
import { createFormatProbe } from "./format-probe.ts";
import { freeze } from "./freeze.ts";
import { meetBudget } from "./greedy.ts";
import { type BatchResult, gradientsOf, type LayerPass } from "./network.ts";
import { createNoisePool, type NoisePool } from "./noise.ts";
import { createPace } from "./pace.ts";
import { copyParameters, initialParameters, variableOf } from "./parameters.ts";
import {
  noisyGradients,
  noisyPasses,
  plainGradients,
  projectNoisy,
  projectRounded,
  quantizersOf,
  roundedPasses,
  someSamples,
  startNoise,
} from "./phases.ts";
import { checkRequest, type TrainingResult, TrainingStopped, type TrainRequest } from "./request.ts";
import {
  epochsOf,
  FIRST_PENALTY,
  nextPenalty,
  PHASES,
  type Phase,
  quantizerRate,
  weightRate,
} from "./schedule.ts";

/** Training samples on which the greedy pass measures the loss of formats. */
const GREEDY_SAMPLES = 4096;

/** The state of a run; a checkpoint is a copy of it. */
type RunState = { -readonly [K in keyof Checkpoint]: Checkpoint[K] };

interface Run {
  readonly tf: TensorFlow;
  readonly request: TrainRequest;
  readonly chain: Chain;
  readonly batches: Batches;
  /** The same samples already rounded to the frozen format of the input; made at the freeze. */
  roundedBatches: Batches | undefined;
  /** Fraction by which stored integers become the values that training sees. */
  readonly inputFraction: number;
  readonly pool: NoisePool;
  readonly state: RunState;
}

function firstState(chain: Chain, seed: number): RunState {
  const parameters = initialParameters(chain, seed);
  return {
    schema: CHECKPOINT_SCHEMA,
    phase: PHASES[0]!,
    epoch: 0,
    parameters,
    optimizer: createAdam(parameters),
    penalty: FIRST_PENALTY,
    formats: null,
    sizes: sizesOf(chain, parameters),
    baseline: null,
    history: [],
  };
}

/** Waits for the host and ends the run when the user asked for it. */
async function giveWay({ request }: Run): Promise<void> {
  await request.yieldToHost();
  if (request.stop.stopped) throw new TrainingStopped();
}

/** Formats that a freeze now would give; null while nothing is quantized. */
function formatsNow({ chain, state }: Run): readonly LayerFormats[] | null {
  if (state.phase === "rounding") return state.formats;
  return state.phase === "noise" ? freeze(chain, quantizersOf(chain, state.parameters)) : null;
}

/** The network without noise, as the phase would have it at its end. */
function quietPasses({ chain, state }: Run): LayerPass[] {
  return state.phase === "rounding"
    ? roundedPasses(chain, state.parameters, state.formats!)
    : floatPasses(chain, state.parameters);
}

function validate(run: Run): Score {
  const formats = formatsNow(run);
  const passes =
    run.state.phase === "noise" ? roundedPasses(run.chain, run.state.parameters, formats!) : quietPasses(run);
  return scorePasses(run.tf, passes, run.request.validation, run.inputFraction);
}

/** One update. `at` counts the updates of the phase, `total` is how many it has. */
function trainStep(run: Run, batch: Batch, step: number, at: number, total: number): BatchResult {
  const { tf, chain, request, state, pool } = run;
  const { phase, parameters } = state;
  let result: BatchResult;
  let gradients: ParameterSet;
  if (phase === "noise") {
    const noisy = noisyPasses(chain, parameters, pool, batch.count, state.epoch, step);
    result = gradientsOf(tf, batch, noisy.passes);
    checkStep(chain, parameters, result);
    gradients = noisyGradients(chain, parameters, noisy, result, state.penalty);
  } else {
    const [first, ...others] = quietPasses(run);
    // In the rounding phase the batch is rounded already.
    const passes = [{ ...first!, activation: { kind: "float", rectified: false } as const }, ...others];
    result = gradientsOf(tf, batch, phase === "rounding" ? passes : [first!, ...others]);
    checkStep(chain, parameters, result);
    gradients = plainGradients(result);
  }
  const rate = weightRate(phase, request.training.learningRate, at, total);
  const logRate = quantizerRate(total);
  adamUpdate(parameters, gradients, state.optimizer, (name) => (name.includes("Log") ? logRate : rate));
  if (phase === "noise") {
    projectNoisy(chain, parameters);
    const cost = bitOperationsOf(chain, freeze(chain, quantizersOf(chain, parameters)));
    state.penalty = nextPenalty(state.penalty, cost, request.training.objective.bitOperations, total);
  } else if (phase === "rounding") projectRounded(chain, parameters, state.formats!);
  return result;
}

/** Freezes the formats and meets the budget. */
async function startRounding(run: Run): Promise<void> {
  const { tf, chain, request, state } = run;
  const budget = request.training.objective.bitOperations;
  const some = someSamples(request.samples, GREEDY_SAMPLES, request.training.seed, "greedy");
  const start = freeze(chain, quantizersOf(chain, state.parameters));
  const probe = createFormatProbe(tf, chain, state.parameters, some, run.inputFraction, () => giveWay(run));
  state.formats = await meetBudget(chain, start, budget, probe);
  const after = bitOperationsOf(chain, state.formats);
  compilerAssert(after <= budget, "the greedy pass meets every budget above the least");
  request.events.log(
    `frozen at ${bitOperationsOf(chain, start)} bit operations, ${after} after the rounding pass (budget ${budget})`,
  );
  projectRounded(chain, state.parameters, state.formats);
}

function floatModelOf({ chain, inputFraction, state }: Run): FloatModel {
  return {
    inputFraction,
    layers: chain.layers.map((layer, i) => ({
      node: layer.node,
      weights: variableOf(state.parameters, i, "weights").slice(),
      bias: variableOf(state.parameters, i, "bias").slice(),
    })),
  };
}

/** Ends the phase of the state and makes what the next one starts with. */
async function enterPhase(run: Run, next: Phase): Promise<void> {
  const { tf, chain, request, state } = run;
  const { seed } = request.training;
  switch (next) {
    case "baseline":
      break;
    case "float": {
      const validation = scorePasses(tf, quietPasses(run), request.validation, run.inputFraction);
      state.baseline = { model: floatModelOf(run), validation };
      state.parameters = initialParameters(chain, seed);
      state.sizes = sizesOf(chain, state.parameters);
      break;
    }
    case "noise":
      startNoise(tf, chain, state.parameters, request.samples, seed, run.inputFraction);
      state.sizes = sizesOf(chain, state.parameters);
      break;
    case "rounding":
      await startRounding(run);
      break;
  }
  state.optimizer = createAdam(state.parameters);
  state.phase = next;
  state.epoch = 0;
}

/** Batches of the state's phase. */
function batchesOf(run: Run): Batches {
  const { state, request, inputFraction } = run;
  if (state.phase !== "rounding") return run.batches;
  const format = state.formats![0]!.activation;
  run.roundedBatches ??= createBatches(roundSamples(request.samples, inputFraction, format), {
    ...batchSettings(request.training),
    fraction: format.fraction,
  });
  return run.roundedBatches;
}

function batchSettings({ seed, batch, shiftPixels }: TrainingSpec): Omit<BatchSettings, "fraction"> {
  return { seed, batch, shiftPixels };
}

async function runEpoch(
  run: Run,
  steps: number,
  batchOf: (step: number) => Batch,
  report: Report,
): Promise<void> {
  const { chain, state, request } = run;
  const epochs = epochsOf(request.training, state.phase);
  let loss = 0;
  let hits = 0;
  let seen = 0;
  for (let step = 0; step < steps; step++) {
    await giveWay(run);
    const batch = batchOf(step);
    const result = trainStep(run, batch, step, state.epoch * steps + step, epochs * steps);
    loss += result.loss * batch.count;
    hits += result.hits;
    seen += batch.count;
    report(step + 1, loss / seen, hits / seen);
  }
  checkSizes(chain, state.parameters, state.sizes);
  const formats = formatsNow(run);
  const record: EpochRecord = {
    phase: state.phase,
    epoch: state.epoch + 1,
    loss: loss / seen,
    accuracy: hits / seen,
    validation: validate(run),
    meanBits: formats && meanWeightBits(chain, formats),
    bitOperations: formats && bitOperationsOf(chain, formats),
  };
  state.history = [...state.history, record];
  state.epoch++;
}

type Report = (step: number, loss: number, accuracy: number) => void;

/**
 * Trains the graph to integer formats within the budget of bit operations, and a float baseline beside it. Reads
 * nothing but the samples that it is given; the same request gives the same bytes, resumed or not.
 * Throws TrainingStopped when the user asked to stop, and diagnostics `train/...`.
 */
export async function train(tf: TensorFlow, request: TrainRequest): Promise<TrainingResult> {
  const chain = checkRequest(request);
  const { training, samples, events } = request;
  const { seed } = training;
  const inputFraction = samples.stored.fraction + inputScaleOf(samples);
  const state: RunState = request.checkpoint ? copyCheckpoint(request.checkpoint) : firstState(chain, seed);
  const batches = createBatches(samples, { ...batchSettings(training), fraction: inputFraction });
  const pool = createNoisePool(seed);
  const run: Run = { tf, request, chain, inputFraction, pool, state, batches, roundedBatches: undefined };
  const steps = batches.stepsPerEpoch;
  const pace = createPace(
    PHASES.map((phase) => ({ phase, steps: epochsOf(training, phase) * steps })),
    request.now,
  );

  for (;;) {
    while (state.epoch < epochsOf(training, state.phase)) {
      const { phase, epoch } = state;
      await runEpoch(
        run,
        steps,
        (step) => batchesOf(run).batch(phase, epoch, step),
        (step, loss, accuracy) => {
          const formats = formatsNow(run);
          events.progress({
            phase,
            epoch: epoch + 1,
            epochs: epochsOf(training, phase),
            step,
            steps,
            loss,
            accuracy,
            meanBits: formats && meanWeightBits(chain, formats),
            bitOperations: formats && bitOperationsOf(chain, formats),
            ...pace(phase, epoch * steps + step),
          });
        },
      );
      events.checkpoint(copyCheckpoint(state));
    }
    const next = PHASES[PHASES.indexOf(state.phase) + 1];
    if (!next) break;
    await enterPhase(run, next);
  }
  return finish(run, samples);
}

function finish(run: Run, samples: SampleSet): TrainingResult {
  const { tf, request, chain, state, inputFraction } = run;
  const { baseline, formats, parameters, history } = state;
  compilerAssert(baseline && formats, "a finished run has a baseline and formats");
  const trained = assembleTrained(tf, {
    graph: request.graph,
    chain,
    parameters: copyParameters(parameters),
    formats,
    seed: request.training.seed,
    backend: request.backend,
    float: baseline.validation,
    samples: someSamples(samples, GREEDY_SAMPLES, request.training.seed, "figures"),
    validation: request.validation,
    inputFraction,
  });
  return { trained, float: baseline.model, history };
}
