// Training from first weights to frozen integers. In: graph, settings, training and validation samples, perhaps a
// checkpoint. Out: the trained graph and the float baseline; a checkpoint after every epoch on the way.
import type { Score } from "../graph/trained-graph.ts";
import { compilerAssert } from "../support/assert.ts";
import type { TensorFlow } from "../support/tensorflow.ts";
import { assembleTrained } from "./assemble.ts";
import { LEAST_GAIN, type Statistics } from "./batch-norm.ts";
import { copyPlain, type EpochRecord } from "./checkpoint.ts";
import { type Alarm, checkSizes, checkStep, sizesOf } from "./divergence.ts";
import { floatModelOf, floatPass, scoreAndJudge, scorePass } from "./float-model.ts";
import { foldBatchNorms } from "./fold.ts";
import { frozenNow, lookForSilence, widthsNow } from "./frozen-now.ts";
import { decayRate, frozenRate } from "./measure.ts";
import { noisyGradients, noisyPass, plainGradients, projectNoisy, startNoise } from "./noise-phase.ts";
import { foldWeights, isPadded, normalizedPass, unfoldGradient } from "./normalize.ts";
import { createOptimizer, optimizerUpdate, type ParameterSet } from "./optimizers.ts";
import { hasAccuracy } from "./output-losses.ts";
import { createPace } from "./pace.ts";
import {
  copyParameters,
  initialParameters,
  isQuantizerVariable,
  optimizerOf,
  optionalVariable,
  readVariableName,
  variableName,
  variableOf,
} from "./parameters.ts";
import { type BatchResult, gradientsOf, type NetworkPass, outputsOf, rawSignals } from "./passes.ts";
import { lossPenalties, movePenalties, PENALTY_INTERVAL, type Place, startPenalties } from "./penalties.ts";
import { checkRequest, type TrainingResult, type TrainRequest } from "./request.ts";
import { onRoundedInputs, projectRounded, roundedGradients, roundedPass } from "./rounding-phase.ts";
import { endRound, outcomeOf, startRounding } from "./rounds.ts";
import {
  createRun,
  frozenOf,
  frozenValidation,
  giveWay,
  lossOfBatch,
  measureStatistics,
  type Run,
  roundingBatch,
} from "./run.ts";
import {
  epochsOf,
  isAugmented,
  isCalibrated,
  PHASES,
  type Phase,
  quantizerRate,
  weightRate,
} from "./schedule.ts";

/** From this part of a round on, batch-norms have the statistics that the integers will have. */
const STATISTICS_FROZEN = 0.8;

function isFloat(phase: Phase): phase is "baseline" | "float" {
  return phase === "baseline" || phase === "float";
}

/** The pass of the float phases. */
function plainPass({ network, training, state, normalized }: Run, statistics: Statistics): NetworkPass {
  const pass = floatPass(network, training, state.parameters, statistics);
  return normalized.reduce((p, { layer, moments }) => normalizedPass(p, layer, moments), pass);
}

/** Score of the network as the phase sees it on the validation samples, and the loss that patience looks at. */
function validate(run: Run): { readonly score: Score; readonly judged: number } {
  const { tf, training, state, validation } = run;
  if (isFloat(state.phase)) return scoreAndJudge(tf, plainPass(run, "running"), validation, training.losses);
  const { batch, pass } = frozenValidation(run, frozenNow(run)!);
  return scoreAndJudge(tf, pass, batch, training.losses);
}

function update(run: Run, gradients: ParameterSet, rateOf: (name: string) => number): void {
  const { state, training } = run;
  optimizerUpdate(
    optimizerOf(training.optimizer),
    state.parameters,
    gradients,
    state.optimizer,
    rateOf,
    decayRate(run),
  );
  for (const [name, values] of Object.entries(state.parameters)) {
    if (readVariableName(name).variable !== "gain") continue;
    for (let u = 0; u < values.length; u++) if (values[u]! < LEAST_GAIN) values[u] = LEAST_GAIN;
  }
}

function isAugmentedAt({ state, training }: Run, { at, total }: Place): boolean {
  return isAugmented(state.phase, training.augmentUntil, at / total);
}

function floatStep(run: Run, place: Place): BatchResult {
  const { tf, network, state, normalized } = run;
  const batch = run.batches.batch(state.phase, place.epoch, place.step, isAugmentedAt(run, place));
  const result = gradientsOf(tf, batch, plainPass(run, "batch"), lossOfBatch(run, batch, null));
  checkStep(network, state.parameters, result);
  const gradients = plainGradients(result);
  for (const { layer, moments } of normalized)
    unfoldGradient(gradients, layer, moments, network.layers[layer]!);
  const rate = rateOfPlace(run, place);
  update(run, gradients, () => rate);
  return result;
}

function rateOfPlace({ state, training }: Run, { epoch, at, total }: Place): number {
  return weightRate(state.phase, training.schedule, training.learningRate, {
    round: state.round,
    epoch,
    step: at,
    steps: total,
  });
}

function noiseStep(run: Run, place: Place): BatchResult {
  const { tf, folded, training, state, pool, request } = run;
  const batch = run.batches.batch("noise", place.epoch, place.step);
  const noisy = noisyPass(
    folded,
    training,
    state.parameters,
    pool,
    batch.count,
    place.epoch,
    place.step,
    run.weightSizes,
  );
  const result = gradientsOf(tf, batch, noisy.pass, lossOfBatch(run, batch, batch.inputs));
  checkStep(folded, state.parameters, result);
  const gradients = noisyGradients(
    folded,
    state.parameters,
    noisy,
    result,
    lossPenalties(run),
    request.intervalCycles,
  );
  const rate = rateOfPlace(run, place);
  const logRate = quantizerRate(place.total);
  update(run, gradients, (name) => (isQuantizerVariable(name) ? logRate : rate));
  run.weightSizes = projectNoisy(folded, training, state.parameters);
  if (place.at % PENALTY_INTERVAL === PENALTY_INTERVAL - 1) movePenalties(run, place);
  return result;
}

function roundingStep(run: Run, place: Place): BatchResult {
  const { tf, training, state } = run;
  const frozen = frozenOf(run);
  // Running statistics lag behind weights that turn over: those that are kept are measured once.
  const statisticsFrom = Math.ceil(STATISTICS_FROZEN * place.total);
  if (place.at === statisticsFrom) measureStatistics(run, frozen);
  const { batch, isRounded, all } = roundingBatch(run, place.epoch, place.step, isAugmentedAt(run, place));
  const pass = roundedPass(frozen, training, place.at < statisticsFrom ? "batch" : "running");
  const result = gradientsOf(
    tf,
    batch,
    isRounded ? onRoundedInputs(pass) : pass,
    lossOfBatch(run, batch, all),
  );
  checkStep(frozen.network, state.parameters, result);
  update(run, roundedGradients(frozen, training, result), frozenRate(frozen, rateOfPlace(run, place)));
  projectRounded(frozen);
  return result;
}

/** Ends the phase of the state and makes what the next one starts with. */
async function enterPhase(run: Run, next: Phase): Promise<void> {
  const { tf, network, folded, training, request, state, inputFractions, normalized } = run;
  switch (next) {
    case "baseline":
      break;
    case "float": {
      const trained = copyParameters(state.parameters);
      foldMoments(run);
      const pass = floatPass(network, training, state.parameters, "running");
      const validation = scorePass(tf, pass, run.validation, training.losses);
      state.baseline = { model: floatModelOf(state.parameters, inputFractions), validation };
      // Without float epochs of their own the integers start from the baseline.
      state.parameters = training.epochs.float === 0 ? trained : initialParameters(network, training.seed);
      state.sizes = sizesOf(network, state.parameters);
      break;
    }
    case "noise": {
      foldMoments(run);
      foldNorms(run);
      if (run.given || isCalibrated(training)) break;
      const { count, inputs } = run.measured;
      const quiet = floatPass(folded, training, state.parameters, "running");
      startNoise(folded, training, state.parameters, rawSignals(tf, count, inputs, quiet));
      state.sizes = sizesOf(folded, state.parameters);
      startPenalties(run, quiet);
      break;
    }
    case "rounding":
      await startRounding(run);
      state.sizes = sizesOf(frozenOf(run).network, state.parameters);
      break;
  }
  if (normalized.length > 0 && next === "float") {
    const pads = normalized.some(({ layer }) => isPadded(network.layers[layer]!));
    const padding = pads ? ", and pads with their mean" : "";
    request.events.log(`inputs are normalised; the first layer takes it over at the freeze${padding}`);
  }
  state.optimizer = createOptimizer(optimizerOf(training.optimizer), state.parameters);
  state.phase = next;
  state.round = 0;
  state.epoch = 0;
  state.best = null;
}

/** The layers that read the inputs take over their normalisation. */
function foldMoments({ normalized, network, state }: Run): void {
  for (const { layer, moments } of normalized) {
    const { weights, bias } = foldWeights(
      variableOf(state.parameters, layer, "weights"),
      optionalVariable(state.parameters, layer, "bias") ?? null,
      moments,
      network.layers[layer]!,
    );
    state.parameters[variableName(layer, "weights")] = weights;
    if (bias) state.parameters[variableName(layer, "bias")] = bias;
    if (isPadded(network.layers[layer]!))
      state.parameters[variableName(layer, "outside")] = Float32Array.of(moments.outside);
  }
}

/**
 * Weights take over the batch-norms that the quantized phases do not have, with the statistics of the measured samples;
 * given ones keep their own.
 */
function foldNorms({ tf, network, folded, training, state, measured, request }: Run): void {
  if (network === folded) return;
  if (!request.weights)
    outputsOf(
      tf,
      measured.count,
      measured.inputs,
      floatPass(network, training, state.parameters, "measured"),
    );
  foldBatchNorms(network, folded, state.parameters);
}

/** A line for what may ruin a layer, the first time that it is seen. */
function tellOnce(run: Run, { layer, what }: Alarm): void {
  const line = `alarm: layer ${layer}: ${what}`;
  if (run.alarms.has(line)) return;
  run.alarms.add(line);
  run.request.events.log(line);
}

type Report = (step: number, loss: number, accuracy: number | null) => void;

async function runEpoch(run: Run, epochs: number, report: Report): Promise<void> {
  const { state, request, training } = run;
  const steps = run.batches.stepsPerEpoch;
  const stepOf = isFloat(state.phase) ? floatStep : state.phase === "noise" ? noiseStep : roundingStep;
  if (state.phase === "noise") lookForSilence(run);
  let loss = 0;
  let hits = 0;
  const hasHits = hasAccuracy(training.losses);
  const size = Math.min(training.batch, request.samples.count);
  for (let step = 0; step < steps; step++) {
    await giveWay(run);
    const place: Place = { epoch: state.epoch, step, at: state.epoch * steps + step, total: epochs * steps };
    const result = stepOf(run, place);
    loss += result.loss;
    hits += result.hits;
    report(step + 1, loss / (step + 1), hasHits ? hits / ((step + 1) * size) : null);
  }
  const frozen = frozenNow(run);
  for (const alarm of checkSizes(
    frozen?.network ?? run.network,
    state.parameters,
    state.sizes,
    frozen !== null,
  ))
    tellOnce(run, alarm);
  const { score: validation, judged } = validate(run);
  const record: EpochRecord = {
    phase: state.phase,
    round: state.round + 1,
    epoch: state.epoch + 1,
    loss: loss / steps,
    accuracy: hasHits ? hits / (steps * size) : null,
    validation,
    ...widthsNow(run),
  };
  state.history = [...state.history, record];
  const improved = !state.best || judged < state.best.loss;
  state.best = improved
    ? { loss: judged, age: 0, ...keptForPatience(run) }
    : { ...state.best!, age: state.best!.age + 1 };
  state.epoch++;
}

/**
 * The variables of an epoch that is the best so far. Not in the noise phase: its loss is lowest before any bit is
 * saved, and going back there would undo the search.
 */
function keptForPatience({ training, state }: Run): { readonly parameters?: ParameterSet } {
  if (training.patience === null || state.phase === "noise") return {};
  return { parameters: copyParameters(state.parameters) };
}

/** Ends a phase or round with patience: with the variables of its best epoch. */
function restoreBest({ state }: Run): void {
  if (state.best?.parameters && state.best.age > 0) state.parameters = state.best.parameters;
}

/**
 * Trains the graph to integer formats that meet its objective, and a float baseline beside it. Reads nothing but the
 * samples that it is given; the same request gives the same bytes, resumed or not.
 * Throws TrainingStopped when the user asked to stop, and diagnostics `train/...`.
 */
export async function train(tf: TensorFlow, request: TrainRequest): Promise<TrainingResult> {
  const run = createRun(tf, request, checkRequest(request));
  const { state, training, given } = run;
  const { events } = request;
  const steps = run.batches.stepsPerEpoch;
  const pace = createPace(training, steps, given, request.now);
  for (;;) {
    const epochs = epochsOf(training, state.phase, state.round, given);
    while (
      state.epoch < epochs &&
      !(training.patience !== null && (state.best?.age ?? 0) >= training.patience)
    ) {
      const { phase, epoch, round } = state;
      let widths = widthsNow(run);
      await runEpoch(run, epochs, (step, loss, accuracy) => {
        if (phase === "noise" && step % PENALTY_INTERVAL === 0) widths = widthsNow(run);
        events.progress({
          phase,
          round: round + 1,
          epoch: epoch + 1,
          epochs,
          step,
          steps,
          loss,
          accuracy,
          ...widths,
          ...pace(phase, round, epoch * steps + step),
        });
      });
      events.checkpoint(copyPlain(state));
    }
    restoreBest(run);
    if (state.phase === "rounding") {
      const next = await endRound(run);
      if (next === null) break;
      state.round = next;
      state.epoch = 0;
      state.best = null;
      state.optimizer = createOptimizer(optimizerOf(training.optimizer), state.parameters);
      state.sizes = sizesOf(frozenOf(run).network, state.parameters);
      continue;
    }
    await enterPhase(run, PHASES[PHASES.indexOf(state.phase) + 1]!);
  }
  return finish(run);
}

async function finish(run: Run): Promise<TrainingResult> {
  const { state } = run;
  compilerAssert(state.baseline && state.frozen, "a finished run has a baseline and formats");
  const outcome = outcomeOf(run);
  const { layers } = frozenOf(run).network;
  run.request.events.log(`measuring what a bit is worth in each of ${layers.length} layers`);
  const trained = await assembleTrained(run, outcome);
  return { trained, float: state.baseline.model, history: state.history };
}
