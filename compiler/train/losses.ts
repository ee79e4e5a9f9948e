// Losses of one output and its scores: cross entropy, mean square and Huber, and the distance to a teacher. In:
// outputs of the last layer with labels or target values. Out: loss per sample, hits, and the gradient for the outputs.
import type { LossSpec } from "../graph/project.ts";
import type { Answers } from "../graph/samples.ts";
import type { OutputScore } from "../graph/trained-graph.ts";
import { assertNever, compilerAssert } from "../support/assert.ts";

/** Outputs of another network for the same samples, in values. The loss is (1 - weight) * task + weight * distance. */
export interface Teacher {
  readonly outputs: Float32Array;
  readonly weight: number;
  /** Both sides' logits are divided by it before the softmax; regressions do not use it. */
  readonly temperature: number;
}

export interface LossRequest {
  /** count x outputs, row-major; of a classifier count x positions x classes. */
  readonly outputs: ArrayLike<number>;
  /** Samples. */
  readonly count: number;
  readonly targets: Answers;
  /** value = output * scale: makes accumulators into values; 1 when absent. */
  readonly scale?: number;
  /** Receives d(mean loss)/d(output). */
  readonly gradient?: Float32Array | undefined;
  /** Receives the loss of every sample. */
  readonly perSample?: Float64Array | undefined;
  readonly teacher?: Teacher | undefined;
}

export interface LossResult {
  /** Sum of the samples' losses; nats for cross entropy. */
  readonly total: number;
  /**
   * Samples whose largest output (the first of equals) is that of their label; of a sample with several positions the
   * part of them. 0 for regressions.
   */
  readonly hits: number;
}

export interface Loss {
  /** Loss of a batch; the mean loss is total / count. */
  evaluate(request: LossRequest): LossResult;
}

/**
 * The loss of a network with so many outputs. Cross entropy: every position's is multiplied by its class's weight, a
 * sample's is the mean over its positions (one, or as many as it has labels), and the mean is over the samples, not over
 * the weights; how many classes there are follows from the labels. Regressions: a sample's is the mean over its outputs of
 * weight * (y - t)^2, or of weight * Huber(y - t), which is d^2/2 up to delta and delta * (|d| - delta/2) from there.
 * The distance to a teacher is T^2 times the symmetric divergence of both softmaxes at temperature T (their mean
 * Kullback-Leibler divergence in both directions, not weighted by class), and for regressions the weighted mean square.
 */
export function createLoss(spec: LossSpec, outputs: number): Loss {
  switch (spec.kind) {
    case "cross-entropy":
      return { evaluate: (request) => crossEntropy(spec.smoothing, spec.weights, request) };
    case "mse":
      return { evaluate: (request) => regression(Infinity, 1, spec.weights, outputs, request) };
    case "huber":
      return { evaluate: (request) => regression(spec.delta, 0.5, spec.weights, outputs, request) };
    default:
      return assertNever(spec, "loss");
  }
}

/** The loss by which networks are judged: the one that is trained, without smoothing and weights of classes. */
export function judgedLoss(spec: LossSpec): LossSpec {
  return spec.kind === "cross-entropy" ? { kind: spec.kind, smoothing: 0, weights: null } : spec;
}

/** The loss of scores: plain cross entropy, or the mean square of a regression whatever it is trained by. */
export function scoredLoss(spec: LossSpec): LossSpec {
  return spec.kind === "cross-entropy" ? judgedLoss(spec) : { kind: "mse", weights: null };
}

/**
 * Accuracy (of several positions the part that is right) and mean scored loss of a whole set of outputs, row-major
 * [count, units] or [count, positions, units]; `fraction`, one or one for each unit, makes accumulators into values.
 */
export function scoreOf(
  spec: LossSpec,
  outputs: ArrayLike<number>,
  units: number,
  targets: Answers,
  fraction: number | readonly number[] = 0,
): Omit<OutputScore, "name"> {
  const count = outputs.length / units;
  const one = typeof fraction === "number";
  const { total, hits } = createLoss(scoredLoss(spec), units).evaluate({
    outputs: one ? outputs : Float64Array.from(outputs, (x, i) => x * 2 ** -fraction[i % fraction.length]!),
    count,
    targets,
    scale: one ? 2 ** -fraction : 1,
  });
  return { accuracy: spec.kind === "cross-entropy" ? hits / count : null, loss: total / count };
}

/** Writes log softmax(row * scale) to `out`. Returns the index of the largest, the first of equals. */
function logSoftmax(
  values: ArrayLike<number>,
  at: number,
  classes: number,
  scale: number,
  out: Float64Array,
): number {
  let best = 0;
  for (let k = 1; k < classes; k++) if (values[at + k]! > values[at + best]!) best = k;
  const top = values[at + best]! * scale;
  let sum = 0;
  for (let k = 0; k < classes; k++) {
    const x = values[at + k]! * scale - top;
    out[k] = x;
    sum += Math.exp(x);
  }
  const log = Math.log(sum);
  for (let k = 0; k < classes; k++) out[k] = out[k]! - log;
  return best;
}

function crossEntropy(
  smoothing: number,
  weights: readonly number[] | null,
  { outputs, count, targets, scale = 1, gradient, perSample, teacher }: LossRequest,
): LossResult {
  const rows = targets.labels.length;
  const positions = rows / count;
  const classes = outputs.length / rows;
  compilerAssert(
    Number.isInteger(positions) && Number.isInteger(classes),
    `${rows} labels for ${outputs.length} outputs of ${count} samples`,
  );
  const logs = new Float64Array(classes);
  const distance = teacher ? createDivergence(classes, teacher.temperature) : null;
  const taskPart = 1 - (teacher?.weight ?? 0);
  const spread = smoothing / classes;
  let total = 0;
  let hits = 0;
  /** Of the positions of one sample so far. */
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const at = row * classes;
    const label = targets.labels[row]!;
    if (logSoftmax(outputs, at, classes, scale, logs) === label) hits++;
    const weight = taskPart * (weights ? weights[label]! : 1);
    let loss = -(1 - smoothing) * logs[label]!;
    if (spread > 0) for (let k = 0; k < classes; k++) loss -= spread * logs[k]!;
    loss *= weight;
    if (gradient) {
      const slope = (weight * scale) / rows;
      for (let k = 0; k < classes; k++) gradient[at + k] = (Math.exp(logs[k]!) - spread) * slope;
      gradient[at + label] = gradient[at + label]! - (1 - smoothing) * slope;
    }
    if (teacher && distance) {
      const slope = (teacher.weight * scale) / rows;
      loss += teacher.weight * distance(outputs, scale, teacher.outputs, at, gradient, slope);
    }
    sum += loss;
    if ((row + 1) % positions > 0) continue;
    const mean = sum / positions;
    total += mean;
    if (perSample) perSample[(row + 1) / positions - 1] = mean;
    sum = 0;
  }
  return { total, hits: hits / positions };
}

/**
 * T^2 * 1/2 * (KL(p|q) + KL(q|p)) = T^2 / 2 * sum (p - q)(log p - log q) of a row: p the softmax of its outputs at
 * temperature T, q the teacher's. Adds `slope` times its gradient for the values to `gradient`.
 */
function createDivergence(classes: number, temperature: number) {
  const mine = new Float64Array(classes);
  const theirs = new Float64Array(classes);
  return (
    outputs: ArrayLike<number>,
    scale: number,
    teacher: Float32Array,
    at: number,
    gradient: Float32Array | undefined,
    slope: number,
  ): number => {
    logSoftmax(outputs, at, classes, scale / temperature, mine);
    logSoftmax(teacher, at, classes, 1 / temperature, theirs);
    let divergence = 0;
    let mean = 0;
    for (let k = 0; k < classes; k++) {
      const p = Math.exp(mine[k]!);
      const ratio = mine[k]! - theirs[k]!;
      divergence += (p - Math.exp(theirs[k]!)) * ratio;
      mean += p * ratio;
    }
    if (gradient) {
      const factor = (slope * temperature) / 2;
      for (let k = 0; k < classes; k++) {
        const p = Math.exp(mine[k]!);
        const own = p * (mine[k]! - theirs[k]! - mean) + p - Math.exp(theirs[k]!);
        gradient[at + k] = gradient[at + k]! + factor * own;
      }
    }
    return (temperature * temperature * divergence) / 2;
  };
}

/** Mean over the outputs of weight * h(y - t), h(d) = curvature * d^2 up to |d| = delta and a line from there. */
function regression(
  delta: number,
  curvature: number,
  weights: readonly number[] | null,
  units: number,
  { outputs, count, targets, scale = 1, gradient, perSample, teacher }: LossRequest,
): LossResult {
  const { values } = targets;
  compilerAssert(values, "a regression is compared with values");
  const shares = Float64Array.from({ length: units }, (_, k) => (weights ? weights[k]! : 1) / units);
  const taught = teacher?.outputs;
  const part = teacher?.weight ?? 0;
  const slope = scale / count;
  let total = 0;
  for (let row = 0; row < count; row++) {
    let loss = 0;
    for (let k = 0; k < units; k++) {
      const i = row * units + k;
      const y = outputs[i]! * scale;
      const d = y - values[i]!;
      const size = Math.abs(d);
      let h = size <= delta ? curvature * d * d : delta * 2 * curvature * (size - delta / 2);
      let dh = 2 * curvature * (size <= delta ? d : d < 0 ? -delta : delta);
      if (taught) {
        const e = y - taught[i]!;
        h += part * (e * e - h);
        dh += part * (2 * e - dh);
      }
      loss += shares[k]! * h;
      if (gradient) gradient[i] = shares[k]! * dh * slope;
    }
    total += loss;
    if (perSample) perSample[row] = loss;
  }
  return { total, hits: 0 };
}
