// From trained steps to frozen networks that meet the objective. In: a run at the end of its noise phase, or of a round
// of the rounding phase. Out: the state of the next round, or the end.
import type { LayerQuantization, Limits } from "../graph/project.ts";
import { NOTHING_TO_FIND, type Outcome } from "../graph/trained-graph.ts";
import { activate } from "./activation.ts";
import { type AllocationTools, allocate, type Fill, WELL_FILLED } from "./allocate.ts";
import type { Batch } from "./batches.ts";
import { pruneBranches } from "./branches.ts";
import { copyPlain } from "./checkpoint.ts";
import { floatPass, outputsOfAll } from "./float-model.ts";
import { type Formats, fractionOf, rmsOf, type WeightFormat, withSignal, withWeights } from "./formats.ts";
import { bestFormat, bipolarFormat, canScale, formatsBySteps, freeze, stepOfWidth } from "./freeze.ts";
import { bitOperationsOf, type Frozen, fillOf, limitsGiven, measure, widthsOf } from "./limits.ts";
import { differenceOf, epsilonOf, lossesOf, narrowed, nextCost, riseOf } from "./lossless.ts";
import { allocationTools } from "./measure.ts";
import { larger } from "./moves.ts";
import { type Layer, macsOf, outputElements } from "./network.ts";
import { isBipolar, quantizersOf, setBiasSteps } from "./noise-phase.ts";
import { weightedSum } from "./output-losses.ts";
import { copyParameters, variableOf } from "./parameters.ts";
import { type NetworkPass, rawSignals } from "./passes.ts";
import { momentsOf, prune } from "./prune.ts";
import { equalize, projectRounded, startBipolar } from "./rounding-phase.ts";
import { floatOutputsOf, frozenOf, frozenValidation, giveWay, type Run, setFrozen } from "./run.ts";
import { finishingRound, isCalibrated } from "./schedule.ts";
import { fixedSignal, signalWidths } from "./settings.ts";
import { silenceOf } from "./silence.ts";

/** Widths of an input whose step is looked for by training: each level counts. */
const FEW_BITS = 2;
/** How much longer than other trials those of the input's step are: they are few, and close to each other. */
const INPUT_PATIENCE = 5;
/** Of a limit on what changes with every weight: left free for the training that follows. */
const DRIFT = 0.015;

/** What a frozen network may cost: the limits of a budget, or the bit operations that a search has come to. */
function fillFor(run: Run, bitOperations: number | null): Fill {
  const { objective } = run.training;
  const interval = run.request.intervalCycles;
  if (objective.kind === "lossless")
    return (f) => bitOperationsOf(f.network, widthsOf(f)) / (bitOperations ?? Number.POSITIVE_INFINITY);
  const { ebops } = objective.limits;
  const limits: Limits = { ...objective.limits, ...(ebops ? { ebops: ebops * (1 - DRIFT) } : {}) };
  return (f) => fillOf(limits, f, interval);
}

/**
 * Format of weights at their widest. Units with steps of their own get those with the least square error; the last
 * layers', whose sums are compared, and groups, which have one width, share such a step, and weights that are not trained
 * have it in any case.
 */
function widestWeights(
  layer: Layer,
  { granularity, bits }: LayerQuantization["weights"],
  weights: Float32Array,
  isLast: boolean,
  isTrained: boolean,
): WeightFormat {
  const base = { kind: "int", signed: true, width: bits.max, groups: null } as const;
  if (granularity.kind === "layer" && isTrained) {
    const range = 2 * rmsOf(weights);
    return { ...base, fraction: 0 - Math.round(Math.log2(stepOfWidth(range, Math.max(2, bits.max), true))) };
  }
  const best = (from: number, to: number): number =>
    fractionOf(bestFormat(weights.subarray(from, to), bits.max, true));
  if (granularity.kind !== "channel" || isLast) return { ...base, fraction: best(0, weights.length) };
  const { units, inputs } = layer;
  return {
    ...base,
    fraction: Array.from({ length: units }, (_, u) => best(u * inputs, (u + 1) * inputs)),
  };
}

/** Formats as wide as they may be, which is what is given or what allocation starts from; the steps with the least square error. */
function widestFormats(run: Run): Formats {
  const { folded, training, state, tf, measured } = run;
  const pass = floatPass(folded, training, state.parameters, "running");
  const raw = rawSignals(tf, measured.count, measured.inputs, pass);
  return {
    weights: folded.layers.map((layer, i) => {
      const weights = variableOf(state.parameters, i, "weights");
      if (isBipolar(layer, training)) return bipolarFormat(weights);
      const isLast = folded.outputs.includes(layer.writes);
      const { weights: wish } = training.layers[layer.node]!;
      return widestWeights(layer, wish, weights, isLast, !isCalibrated(training));
    }),
    signals: folded.signals.map((signal, s) => {
      const { max } = signalWidths(folded, training, s);
      return fixedSignal(signal) ?? bestFormat(activate(raw[s]!, pass.signals[s]!), max, signal.signed);
    }),
  };
}

/** Formats of the trained steps; channels with steps of their own are brought to one fraction first. */
function foundFormats(run: Run): Formats {
  const { folded, training, state } = run;
  const weightsOf = (i: number): Float32Array => variableOf(state.parameters, i, "weights");
  const quantizers = quantizersOf(folded, training, state.parameters, 1);
  let formats = freeze(folded, training, quantizers, weightsOf);
  folded.signals.forEach(({ maker }, s) => {
    const q = quantizers.signals[s];
    if (!q || q.map.count === 1 || maker === null || !canScale(folded, quantizers, s)) return;
    const finest = fractionOf(formats.signals[s]!);
    const { fractions } = formatsBySteps(q, signalWidths(folded, training, s));
    const shifts = fractions.map((f) => finest - f);
    equalize(folded, state.parameters, s, shifts);
    // Channels with coarse steps are read by larger weights now: the formats have to hold these.
    const scaled = freeze(folded, training, quantizersOf(folded, training, state.parameters, 1), weightsOf);
    folded.layers.forEach(({ reads }, i) => {
      if (folded.values[reads]!.signals.includes(s)) formats = withWeights(formats, i, scaled.weights[i]!);
    });
    // The layer that makes the channels keeps its mantissas: its fractions move with its weights.
    if (folded.layers[maker]!.batchNorm) return;
    const before = formats.weights[maker]!;
    const { fraction } = before;
    const moved = shifts.map((shift, u) => (typeof fraction === "number" ? fraction : fraction[u]!) + shift);
    formats = withWeights(formats, maker, { ...before, fraction: moved });
  });
  return formats;
}

/** An input with another step, where that trains better: at one or two bits the thresholds are the input. */
async function tuneInput(frozen: Frozen, signal: number, tools: AllocationTools): Promise<Frozen> {
  const first = frozen.formats.signals[signal]!;
  if (first.kind === "bipolar" || first.width > FEW_BITS) return frozen;
  let best: { frozen: Frozen; loss: number } | undefined;
  for (const shift of [0, 1, -1]) {
    const format = { ...first, fraction: fractionOf(first) + shift };
    const candidate = { ...frozen, formats: withSignal(frozen.formats, signal, format) };
    const losses = tools.trained
      ? (await tools.trained(candidate, INPUT_PATIENCE)).losses
      : await tools.losses(candidate);
    const loss = losses.reduce((sum, l) => sum + l, 0);
    if (!best || loss < best.loss) best = { frozen: candidate, loss };
  }
  return best!.frozen;
}

/** Freezes the formats, prunes, and meets the objective's bound. */
export async function startRounding(run: Run): Promise<void> {
  const { tf, training, state, given, folded } = run;
  const isFound = !given && !isCalibrated(training);
  const silence = isFound ? silenceOf(quantizersOf(folded, training, state.parameters, 1)) : [];
  const formats = isFound ? foundFormats(run) : widestFormats(run);
  if (!isFound) setBiasSteps(folded, training, state.parameters);
  formats.weights.forEach((format, i) => {
    if (format.kind === "bipolar") startBipolar(state.parameters, i);
  });
  const tools = allocationTools(run);
  let frozen: Frozen = {
    network: folded,
    parameters: copyParameters(state.parameters),
    formats,
    kept: folded.signals.map(() => null),
  };
  if (!given) frozen = dropBranches(run, frozen);
  const silent = run.folded.layers.map(
    ({ node }) => silence[folded.layers.findIndex((l) => l.node === node)] ?? null,
  );
  frozen = prune(tf, frozen, training, run.measured, silent);
  state.leftByPruning = frozen.kept;
  logCost(run, "frozen", frozen);
  const fill = fillFor(run, null);
  if (training.objective.kind === "budget" && !given) {
    frozen = await allocate(frozen, training, fill, tools);
    logCost(run, "allocated", frozen);
  }
  for (const { signal } of frozen.network.inputs) frozen = await tuneInput(frozen, signal, tools);
  projectRounded(frozen);
  setFrozen(run, frozen);
}

/** Takes silent branches out of the run's network. */
function dropBranches(run: Run, frozen: Frozen): Frozen {
  const { tf, training, measured, state, request } = run;
  const found = pruneBranches(frozen, training, (f) => momentsOf(tf, f, training, measured));
  if (found.operands.length === 0) return frozen;
  run.folded = found.frozen.network;
  state.branches = { operands: found.operands, layers: found.layers };
  const names = found.layers.map((layer) => layer.node).join(", ");
  request.events.log(`removed: branches with nothing above their noise, layers ${names}`);
  return found.frozen;
}

function logCost(run: Run, what: string, frozen: Frozen): void {
  const { network, formats } = frozen;
  const bits = widthsOf(frozen);
  const widths = network.layers
    .map(({ inputs, units }, i) => {
      const kind = formats.weights[i]!.kind === "bipolar" ? "b" : bits[i]!.weight;
      return `${kind}/${bits[i]!.activation} (${inputs}-${units})`;
    })
    .join(" ");
  const cost = Math.round(bitOperationsOf(network, bits));
  run.request.events.log(`${what}: ${cost} bit operations, weights/inputs ${widths}`);
}

/**
 * Losses of the validation samples by a frozen network and by the float baseline, each output of both at its own best
 * temperature.
 */
export function lossDifference(run: Run, frozen: Frozen): NonNullable<Outcome["difference"]> {
  const { tf, network, training, state, validation } = run;
  const { objective, losses } = training;
  const { count, answers } = validation;
  const elements = outputElements(network);
  const lossesBy = (pass: NetworkPass, batch: Batch): Float64Array[] => {
    const outputs = outputsOfAll(tf, pass, batch);
    return losses.map(({ loss }, i) => lossesOf(loss, outputs[i]!, elements[i]!, answers[i]!));
  };
  const total = (each: readonly Float64Array[]): Float64Array =>
    Float64Array.from({ length: count }, (_, n) =>
      weightedSum(
        losses,
        each.map((l) => l[n]!),
      ),
    );
  const { parameters } = state.baseline!.model;
  const float = lossesBy(floatPass(network, training, parameters, "running"), validation);
  const { pass, batch } = frozenValidation(run, frozen);
  const asked = objective.kind === "lossless" ? objective.epsilon : null;
  const means = float.map((each) => each.reduce((sum, l) => sum + l, 0) / count);
  const epsilon = epsilonOf(asked, losses, means, floatOutputsOf(run));
  return differenceOf(total(lossesBy(pass, batch)), total(float), epsilon);
}

/** What is done at the end of a round. The index of the round that follows, from the state as it is left; null: none. */
export async function endRound(run: Run): Promise<number | null> {
  const { training, given } = run;
  await giveWay(run);
  if (given) return null;
  return training.objective.kind === "lossless" ? searchOn(run) : keepLimits(run, training.objective.limits);
}

/** Lossless: fewer bits after a round that held, more after one that did not; at last the smallest that held once more. */
async function searchOn(run: Run): Promise<number | null> {
  const { state, training } = run;
  const frozen = frozenOf(run);
  const cost = bitOperationsOf(frozen.network, widthsOf(frozen));
  const difference = lossDifference(run, frozen);
  run.request.events.log(
    `round ${state.round + 1}: ${Math.round(cost)} bit operations, loss above float ${difference.mean.toPrecision(3)} ` +
      `+- ${difference.standardError.toPrecision(3)}, upper bound ${difference.upper.toPrecision(3)}, allowed ${difference.epsilon.toPrecision(3)}`,
  );
  const last = finishingRound(training);
  const finished = state.round === last;
  if (!finished) state.bracket = narrowed(state.bracket, cost, difference.holds);
  if (difference.holds) state.accepted = copyPlain({ ...state.frozen!, parameters: state.parameters });
  // The search goes on from the smallest network that held: it has been trained to hold.
  else if (state.accepted) {
    state.parameters = copyParameters(state.accepted.parameters);
    state.frozen = { formats: state.accepted.formats, kept: state.accepted.kept };
  }
  if (finished) return null;
  const macs = frozen.network.layers.reduce((sum, layer) => sum + macsOf(layer), 0);
  const rise = riseOf(difference.upper / difference.epsilon, Math.sqrt(cost / macs));
  const target = state.round + 1 < last ? nextCost(state.bracket, rise) : null;
  if (target === null) return last;
  const start = frozenOf(run);
  const next = await allocate(start, training, fillFor(run, target), allocationTools(run));
  // Without training the same network would be judged again.
  if (isCalibrated(training) && next === start) return last;
  projectRounded(next);
  setFrozen(run, next);
  logCost(run, `round ${state.round + 2}`, next);
  return state.round + 1;
}

/** Budget: what changes with the weights (EBOPs) may have left its limit; then once more from a smaller network. */
async function keepLimits(run: Run, limits: Limits): Promise<number | null> {
  const { state, training, request } = run;
  const frozen = frozenOf(run);
  if (fillOf(limits, frozen, request.intervalCycles) <= 1) return null;
  const next = await allocate(frozen, training, fillFor(run, null), allocationTools(run));
  projectRounded(next);
  setFrozen(run, next);
  return state.round < finishingRound(training) ? state.round + 1 : null;
}

/** How the objective ended: which constraint was in the way. */
export function outcomeOf(run: Run): Outcome {
  const { training, request, given } = run;
  const frozen = frozenOf(run);
  const { objective } = training;
  const difference = lossDifference(run, frozen);
  if (objective.kind === "lossless") {
    const bound = given
      ? NOTHING_TO_FIND
      : difference.holds
        ? run.state.bracket.fails === null
          ? "the rounds: every network that was tried stays within epsilon, and none was left to try a smaller one"
          : "the loss: with fewer bit operations the integers left epsilon"
        : `the loss: no network that was tried stays within epsilon of float; ${isCalibrated(training) ? "fine-tuning" : "more epochs"} or a larger epsilon may help`;
    return { objective: "lossless", bound, limits: [], difference };
  }
  const limits = limitsGiven(objective.limits).map(({ limit, asked }) => ({
    limit,
    asked,
    reached: measure(limit, frozen, request.intervalCycles),
  }));
  const tightest = limits.reduce((a, b) => (b.reached / b.asked > a.reached / a.asked ? b : a));
  const share = tightest.reached / tightest.asked;
  const used = `${(100 * share).toFixed(1)} % of the limit is used`;
  const bound =
    share > 1
      ? `${tightest.limit}: ${used}, and no smaller network was found`
      : share >= WELL_FILLED
        ? `${tightest.limit}: ${used}`
        : given
          ? "every width is given by the model: the limits leave room that nothing can use"
          : larger(frozen, training).length > 0
            ? `${tightest.limit}: ${used}, and one bit more of any tensor does not fit`
            : `the widths: every tensor is as wide as it may be at ${(100 * share).toFixed(1)} % of ${tightest.limit}`;
  return { objective: "budget", bound, limits, difference };
}
