// Measuring frozen networks for bit allocation: their loss on training samples, before and after a short training. In:
// a run. Out: the tools that allocation works with.
import type { AllocationTools, Measured } from "./allocate.ts";
import { type Batch, partOf } from "./batches.ts";
import { bitOperationsOf, type Frozen, widthsOf } from "./limits.ts";
import { macsOf, samplesAtOnce } from "./network.ts";
import { createOptimizer, optimizerUpdate } from "./optimizers.ts";
import { optimizerOf, readVariableName } from "./parameters.ts";
import { gradientsOf, outputsOf } from "./passes.ts";
import { momentsOf } from "./prune.ts";
import { copyFrozen, projectRounded, roundedGradients, roundedPass } from "./rounding-phase.ts";
import { enteringOf, giveWay, lossOfBatch, type Run } from "./run.ts";
import { BIPOLAR_RATE, isCalibrated } from "./schedule.ts";

/**
 * Updates of the short training: as many as multiply so often, within limits; large networks are trained in fewer. Their
 * rate is a part of the learning rate.
 */
const TRIAL = { products: 3e9, least: 20, most: 60 };
const TRIAL_RATE = 0.3;
/** Samples that a loss is measured on at a time. */
const CHUNK = 1024;

/** Rate of a frozen network's variable. Biases in units of a sum move as ever: a large step would silence a unit. */
export function frozenRate(frozen: Frozen, rate: number): (name: string) => number {
  return (name) => {
    const { layer, variable } = readVariableName(name);
    const isBipolar = frozen.formats.weights[layer]!.kind === "bipolar";
    return isBipolar && variable !== "bias" ? rate * BIPOLAR_RATE : rate;
  };
}

/** Part of each variable that decays. */
export function decayRate(run: Run): (name: string) => number {
  return (name) => (readVariableName(name).variable === "weights" ? run.training.weightDecay : 0);
}

/**
 * Training losses of samples with all elements by a frozen network. Batch-norms take each chunk's statistics, unless nobody
 * trains them.
 */
function lossesOn(run: Run, frozen: Frozen, batch: Batch): Float64Array {
  const copy = copyFrozen(frozen);
  const pass = roundedPass(copy, run.training, isCalibrated(run.training) ? "running" : "batch");
  const most = samplesAtOnce(frozen.network, CHUNK);
  const losses = new Float64Array(batch.count);
  for (let from = 0; from < batch.count; from += most) {
    const to = Math.min(batch.count, from + most);
    const part = partOf(batch, from, to);
    run.loss.evaluate({
      outputs: outputsOf(run.tf, part.count, enteringOf(frozen, part).inputs, pass),
      count: part.count,
      answers: part.answers,
      perSample: losses.subarray(from, to),
    });
  }
  return losses;
}

/** Updates of a trial. Each multiplies three times: forward, for the weights, and for what entered. */
function trialSteps({ folded, training, request }: Run): number {
  const macs = folded.layers.reduce((sum, layer) => sum + macsOf(layer), 0);
  const steps = Math.round(TRIAL.products / (3 * macs * Math.min(training.batch, request.samples.count)));
  return Math.max(TRIAL.least, Math.min(TRIAL.most, steps));
}

async function shortTraining(run: Run, frozen: Frozen, steps: number): Promise<Frozen> {
  const { training, state } = run;
  const copy = copyFrozen(frozen);
  const optimizer = createOptimizer(optimizerOf(training.optimizer), copy.parameters);
  const rateOf = frozenRate(copy, training.learningRate * TRIAL_RATE);
  for (let step = 0; step < steps; step++) {
    await giveWay(run);
    const all = run.batches.batch(`trial ${state.round}`, 0, step);
    const batch = enteringOf(copy, all);
    const pass = roundedPass(copy, training, "batch");
    const result = gradientsOf(run.tf, batch, pass, lossOfBatch(run, batch, all.inputs));
    const gradients = roundedGradients(copy, training, result);
    optimizerUpdate(
      optimizerOf(training.optimizer),
      copy.parameters,
      gradients,
      optimizer,
      rateOf,
      decayRate(run),
    );
    projectRounded(copy);
  }
  return copy;
}

/** The tools of a run. */
export function allocationTools(run: Run): AllocationTools {
  const trained = async (frozen: Frozen, patience = 1): Promise<Measured> => {
    const after = await shortTraining(run, frozen, trialSteps(run) * patience);
    return { frozen: after, losses: lossesOn(run, after, run.measured) };
  };
  return {
    losses: async (frozen) => {
      await giveWay(run);
      return lossesOn(run, frozen, run.measured);
    },
    ...(isCalibrated(run.training) ? {} : { trained }),
    moments: (frozen) => momentsOf(run.tf, frozen, run.training, run.measured),
    settled: (frozen, fill) => {
      const cost = Math.round(bitOperationsOf(frozen.network, widthsOf(frozen)));
      run.request.events.log(
        `allocating: ${cost} bit operations, ${(100 * fill).toFixed(0)} % of what is allowed`,
      );
    },
  };
}
