// The frozen network over integers, as a TensorFlow graph of its own: training's last word, against which the
// integer program is compared. In: mantissas, formats and stored samples. Out: every accumulator of the last layer.
import type { LossSpec } from "../graph/project.ts";
import type { SampleSet } from "../graph/samples.ts";
import type { FrozenFormat, Score, TrainedDense, TrainedGraph } from "../graph/trained-graph.ts";
import { compilerAssert } from "../support/assert.ts";
import { integerRange, type Range, saturate, shiftRound } from "../support/fixed-point.ts";
import { type Tensor, type TensorFlow, valuesOfTensor, withTensors } from "../support/tensorflow.ts";
import { selectElements } from "./batches.ts";
import { scoreOf } from "./losses.ts";

export interface FrozenEvaluation {
  /** Accumulators of the last layer, count x units, row-major; value = accumulator * 2^-fraction. */
  readonly outputs: Float64Array;
  /** One, or one for each unit. */
  readonly fraction: number | readonly number[];
  readonly score: Score;
}

/** Float32 holds every integer up to here. */
const EXACT = 2 ** 24;
const BATCH = 1000;

/** A layer as its product sees it: bipolar bits are -1 and 1. */
interface IntegerLayer {
  readonly trained: TrainedDense;
  /** Row-major [units, inputs]. */
  readonly weights: Float32Array;
  readonly bias: Float64Array;
  /** Largest magnitude of an entering integer. */
  readonly largest: number;
  /** Inputs [from, to) whose partial sums float32 holds exactly. */
  readonly parts: readonly Part[];
}

interface Part {
  readonly from: number;
  readonly to: number;
}

function prepare(trained: TrainedDense): IntegerLayer {
  const { weightFormat, activationFormat: entering } = trained;
  const bipolar = weightFormat.kind === "bipolar";
  const weights = Float32Array.from(trained.weights, (m) => (bipolar ? 2 * m - 1 : m));
  const { min, max } = integerRange(entering.width, entering.signed);
  const largest = entering.kind === "bipolar" ? 1 : Math.max(-min, max);
  const bias = Float64Array.from(trained.bias ?? new Array<number>(trained.units).fill(0));
  return { trained, weights, bias, largest, parts: exactParts(trained, weights, largest) };
}

/** Splits the inputs of a layer so that in each part sum |w| * max |a| stays below 2^24 for every unit. */
function exactParts(
  { node, units, inputs }: TrainedDense,
  weights: Float32Array,
  largest: number,
): readonly Part[] {
  const parts: Part[] = [];
  const sums = new Float64Array(units);
  let from = 0;
  for (let i = 0; i < inputs; i++) {
    let most = 0;
    for (let u = 0; u < units; u++) {
      const w = Math.abs(weights[u * inputs + i]!) * largest;
      compilerAssert(w < EXACT, `layer ${node}: one product leaves the integers that float32 holds`);
      most = Math.max(most, sums[u]! + w);
    }
    if (most >= EXACT) {
      parts.push({ from, to: i });
      from = i;
      sums.fill(0);
    }
    for (let u = 0; u < units; u++) sums[u]! += Math.abs(weights[u * inputs + i]!) * largest;
  }
  parts.push({ from, to: inputs });
  return parts;
}

/** Weights of a part as a tensor [part, units]: the shape of a plain matrix product. */
function partWeights(tf: TensorFlow, { trained, weights }: IntegerLayer, { from, to }: Part): Tensor {
  const { units, inputs } = trained;
  const out = new Float32Array((to - from) * units);
  for (let i = from; i < to; i++)
    for (let u = 0; u < units; u++) out[(i - from) * units + u] = weights[u * inputs + i]!;
  return tf.tensor(out, [to - from, units]);
}

/** Fraction of a layer's accumulators: one, or one for each unit. */
export function accumulatorFraction(
  layer: Pick<TrainedDense, "weightFormat" | "activationFormat">,
): number | readonly number[] {
  const weight = layer.weightFormat.fraction;
  const activation = layer.activationFormat.fraction;
  compilerAssert(typeof activation === "number", "the tensor that enters a layer has one fraction");
  return typeof weight === "number" ? weight + activation : weight.map((f) => f + activation);
}

/** How integers with some fraction become the integers that enter a layer; the arrays have an entry per channel. */
type Step =
  | { readonly kind: "requantize"; readonly shifts: readonly number[]; readonly range: Range }
  | {
      readonly kind: "threshold";
      readonly base: number;
      readonly levels: number;
      readonly thresholds: readonly number[];
      readonly bipolar: boolean;
    };

function stepInto(layer: TrainedDense, fraction: number | readonly number[]): Step {
  const { entry, activationFormat: format } = layer;
  if (entry.kind === "threshold") return { ...entry, bipolar: format.kind === "bipolar" };
  const target = fractionOf(format);
  const { min, max } = integerRange(format.width, format.signed);
  const from = typeof fraction === "number" ? new Array<number>(layer.inputs).fill(fraction) : fraction;
  return {
    kind: "requantize",
    shifts: from.map((f) => f - target),
    range: { min: entry.relu ? Math.max(0, min) : min, max },
  };
}

function fractionOf(format: FrozenFormat): number {
  compilerAssert(format.kind === "int", "rounding gives integers, not signs");
  compilerAssert(typeof format.fraction === "number", "the tensor that enters a layer has one fraction");
  return format.fraction;
}

/** Whether sums, bias and the half that rounding adds stay exact in one float32 graph. */
function fitsOneGraph({ trained, weights, bias, largest }: IntegerLayer, step: Step): boolean {
  const { units, inputs } = trained;
  for (let u = 0; u < units; u++) {
    const shift = step.kind === "requantize" ? step.shifts[u]! : 0;
    let sum = Math.abs(bias[u]!) + (shift > 0 ? 2 ** (shift - 1) : 1);
    for (let i = 0; i < inputs; i++) sum += Math.abs(weights[u * inputs + i]!) * largest;
    if (sum >= EXACT) return false;
  }
  return true;
}

function rowTensor(tf: TensorFlow, values: readonly number[]): Tensor {
  return tf.tensor(Float32Array.from(values), [1, values.length]);
}

/** A step over a tensor of exact integers [rows, channels]. */
function stepTensor(tf: TensorFlow, x: Tensor, step: Step): Tensor {
  if (step.kind === "requantize") {
    // floor(x / 2^shift + 1/2): a multiplication by a power of two is exact in float32.
    const { shifts, range } = step;
    const scales = shifts.map((shift) => 2 ** -shift);
    const halves = shifts.map((shift) => (shift > 0 ? 0.5 : 0));
    const scaled = tf.mul(x, rowTensor(tf, scales));
    return tf.clipByValue(tf.floor(tf.add(scaled, rowTensor(tf, halves))), range.min, range.max);
  }
  const { base, levels, thresholds, bipolar } = step;
  const scale = bipolar ? 2 : 1;
  let sum = tf.tensor(Float32Array.of(bipolar ? 2 * base - 1 : base), [1, 1]);
  for (let k = 0; k < levels; k++) {
    const bounds = thresholds.filter((_, i) => i % levels === k);
    // x >= T of integers is x - T + 1 clamped to [0, 1]. A bound beyond float32's integers keeps its side of x.
    const distance = tf.add(
      x,
      rowTensor(
        tf,
        bounds.map((bound) => 1 - bound),
      ),
    );
    const reached = tf.clipByValue(distance, 0, 1);
    sum = tf.add(tf.mul(reached, tf.tensor(Float32Array.of(scale), [1, 1])), sum);
  }
  return sum;
}

/** The same over sums that float32 need not hold. */
function stepSums(sums: Float64Array, step: Step): Float32Array {
  if (step.kind === "requantize") {
    const { shifts, range } = step;
    return Float32Array.from(sums, (x, i) => saturate(shiftRound(x, shifts[i % shifts.length]!), range));
  }
  const { base, levels, thresholds, bipolar } = step;
  const out = new Float32Array(sums.length);
  for (let i = 0; i < out.length; i++) {
    const from = (i * levels) % thresholds.length;
    let reached = base;
    for (let k = 0; k < levels; k++) if (sums[i]! >= thresholds[from + k]!) reached++;
    out[i] = bipolar ? 2 * reached - 1 : reached;
  }
  return out;
}

/** Accumulators of one layer in float64: exact parts added outside of float32. */
function accumulateParts(
  tf: TensorFlow,
  layer: IntegerLayer,
  entering: Float32Array,
  rows: number,
): Float64Array {
  const { units, inputs } = layer.trained;
  const out = new Float64Array(rows * units);
  for (let r = 0; r < rows; r++) out.set(layer.bias, r * units);
  for (const part of layer.parts) {
    const width = part.to - part.from;
    const slice = new Float32Array(rows * width);
    for (let r = 0; r < rows; r++)
      slice.set(entering.subarray(r * inputs + part.from, r * inputs + part.to), r * width);
    const product = withTensors(tf, () =>
      valuesOfTensor(tf.matMul(tf.tensor(slice, [rows, width]), partWeights(tf, layer, part))),
    );
    for (let i = 0; i < out.length; i++) out[i]! += product[i]!;
  }
  return out;
}

function evaluateBatch(
  tf: TensorFlow,
  layers: readonly IntegerLayer[],
  stored: Float32Array,
  rows: number,
  storedFraction: number,
): Float64Array {
  const { trained } = layers[0]!;
  let entering = withTensors(tf, () => {
    const x = tf.tensor(stored, [rows, trained.inputs]);
    return valuesOfTensor(stepTensor(tf, x, stepInto(trained, storedFraction)));
  });
  for (const [index, layer] of layers.entries()) {
    const next = layers[index + 1]?.trained;
    if (!next) break;
    const { units, inputs } = layer.trained;
    const step = stepInto(next, accumulatorFraction(layer.trained));
    if (fitsOneGraph(layer, step))
      entering = withTensors(tf, () => {
        const weights = partWeights(tf, layer, { from: 0, to: inputs });
        const product = tf.matMul(tf.tensor(entering, [rows, inputs]), weights);
        const bias = tf.tensor(Float32Array.from(layer.bias), [1, units]);
        return valuesOfTensor(stepTensor(tf, tf.add(product, bias), step));
      });
    else entering = stepSums(accumulateParts(tf, layer, entering, rows), step);
  }
  return accumulateParts(tf, layers.at(-1)!, entering, rows);
}

/**
 * Evaluates the mantissas on stored samples, of the shape and stored type that the graph was trained on, and scores
 * them by the scored loss of `loss` against the samples' labels or targets.
 */
export function evaluateFrozen(
  tf: TensorFlow,
  trained: TrainedGraph,
  samples: SampleSet,
  loss: LossSpec,
): FrozenEvaluation {
  const layers = trained.layers.map(prepare);
  const first = trained.layers[0]!;
  const last = trained.layers.at(-1)!;
  const { inputs } = first.keptInputs ? selectElements(samples, first.keptInputs) : samples;
  const outputs = new Float64Array(samples.count * last.units);
  for (let from = 0; from < samples.count; from += BATCH) {
    const rows = Math.min(BATCH, samples.count - from);
    const stored = Float32Array.from(inputs.subarray(from * first.inputs, (from + rows) * first.inputs));
    outputs.set(evaluateBatch(tf, layers, stored, rows, samples.stored.fraction), from * last.units);
  }
  const fraction = accumulatorFraction(last);
  const targets = { labels: samples.labels, values: samples.targets };
  return { outputs, fraction, score: scoreOf(loss, outputs, last.units, targets, fraction) };
}
