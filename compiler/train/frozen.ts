// The frozen network over integers, as a TensorFlow graph of its own: training's last word, against which the
// integer program is compared. In: mantissas, formats and stored samples. Out: every accumulator of the last layer.
import type { SampleSet } from "../graph/samples.ts";
import type { FrozenFormat, Score, TrainedDense, TrainedGraph } from "../graph/trained-graph.ts";
import { compilerAssert } from "../support/assert.ts";
import { integerRange, saturate, shiftRound } from "../support/fixed-point.ts";
import { type Tensor, type TensorFlow, valuesOfTensor, withTensors } from "../support/tensorflow.ts";
import { scoreOf } from "./cross-entropy.ts";

export interface FrozenEvaluation {
  /** Accumulators of the last layer, count x classes, row-major; value = accumulator * 2^-fraction. */
  readonly logits: Float64Array;
  readonly fraction: number;
  readonly score: Score;
}

/** Float32 holds every integer up to here. */
const EXACT = 2 ** 24;
const BATCH = 1000;

/** Inputs [from, to) of a layer whose partial sums float32 holds exactly. */
interface Part {
  readonly from: number;
  readonly to: number;
}

/** Splits the inputs of a layer so that in each part sum |w| * max |a| stays below 2^24 for every unit. */
function exactParts(layer: TrainedDense): Part[] {
  const { min, max } = integerRange(layer.activationFormat.width, layer.activationFormat.signed);
  const largest = Math.max(-min, max);
  const parts: Part[] = [];
  const sums = new Float64Array(layer.units);
  let from = 0;
  for (let i = 0; i < layer.inputs; i++) {
    let most = 0;
    for (let u = 0; u < layer.units; u++) {
      const w = Math.abs(layer.weights[u * layer.inputs + i]!) * largest;
      compilerAssert(w < EXACT, `layer ${layer.node}: one product leaves the integers that float32 holds`);
      most = Math.max(most, sums[u]! + w);
    }
    if (most >= EXACT) {
      parts.push({ from, to: i });
      from = i;
      sums.fill(0);
    }
    for (let u = 0; u < layer.units; u++)
      sums[u]! += Math.abs(layer.weights[u * layer.inputs + i]!) * largest;
  }
  parts.push({ from, to: layer.inputs });
  return parts;
}

/** Weights of a part as float32, row-major [part, units]: the shape of a plain matrix product. */
function partWeights(layer: TrainedDense, { from, to }: Part): Float32Array {
  const out = new Float32Array((to - from) * layer.units);
  for (let i = from; i < to; i++)
    for (let u = 0; u < layer.units; u++)
      out[(i - from) * layer.units + u] = layer.weights[u * layer.inputs + i]!;
  return out;
}

/** Whether sums, bias and the half that rounding adds stay exact in one float32 graph. */
function fitsOneGraph(layer: TrainedDense, shift: number): boolean {
  if (exactParts(layer).length > 1) return false;
  const { min, max } = integerRange(layer.activationFormat.width, layer.activationFormat.signed);
  const largest = Math.max(-min, max);
  const half = shift > 0 ? 2 ** (shift - 1) : 0;
  for (let u = 0; u < layer.units; u++) {
    let sum = Math.abs(layer.bias[u]!) + half;
    for (let i = 0; i < layer.inputs; i++) sum += Math.abs(layer.weights[u * layer.inputs + i]!) * largest;
    if (sum >= EXACT) return false;
  }
  return true;
}

/** floor(x / 2^shift + 1/2), saturated to the format. A multiplication by a power of two is exact in float32. */
function requantizeTensor(tf: TensorFlow, x: Tensor, shift: number, format: FrozenFormat): Tensor {
  const { min, max } = integerRange(format.width, format.signed);
  const scaled = tf.mul(x, tf.tensor(Float32Array.of(2 ** -shift), [1, 1]));
  const rounded = shift > 0 ? tf.floor(tf.add(scaled, tf.tensor(Float32Array.of(0.5), [1, 1]))) : scaled;
  return tf.clipByValue(rounded, min, max);
}

/** Accumulators of one layer in float64: exact parts added outside of float32. */
function accumulateParts(
  tf: TensorFlow,
  layer: TrainedDense,
  inputs: Float32Array,
  rows: number,
): Float64Array {
  const out = new Float64Array(rows * layer.units);
  for (let r = 0; r < rows; r++)
    for (let u = 0; u < layer.units; u++) out[r * layer.units + u] = layer.bias[u]!;
  for (const part of exactParts(layer)) {
    const width = part.to - part.from;
    const slice = new Float32Array(rows * width);
    for (let r = 0; r < rows; r++)
      slice.set(inputs.subarray(r * layer.inputs + part.from, r * layer.inputs + part.to), r * width);
    const product = withTensors(tf, () =>
      valuesOfTensor(
        tf.matMul(tf.tensor(slice, [rows, width]), tf.tensor(partWeights(layer, part), [width, layer.units])),
      ),
    );
    for (let i = 0; i < out.length; i++) out[i]! += product[i]!;
  }
  return out;
}

/** Fraction of a layer's accumulators. */
export function accumulatorFraction(layer: TrainedDense): number {
  return layer.weightFormat.fraction + layer.activationFormat.fraction;
}

function evaluateBatch(
  tf: TensorFlow,
  layers: readonly TrainedDense[],
  stored: Float32Array,
  rows: number,
  storedFraction: number,
): Float64Array {
  const first = layers[0]!;
  let inputs = withTensors(tf, () =>
    valuesOfTensor(
      requantizeTensor(
        tf,
        tf.tensor(stored, [rows, first.inputs]),
        storedFraction - first.activationFormat.fraction,
        first.activationFormat,
      ),
    ),
  );
  for (const [index, layer] of layers.entries()) {
    const next = layers[index + 1];
    const shift = next ? accumulatorFraction(layer) - next.activationFormat.fraction : 0;
    if (next && fitsOneGraph(layer, shift)) {
      inputs = withTensors(tf, () => {
        const weights = tf.tensor(partWeights(layer, { from: 0, to: layer.inputs }), [
          layer.inputs,
          layer.units,
        ]);
        const bias = tf.tensor(Float32Array.from(layer.bias), [1, layer.units]);
        const sums = tf.add(tf.matMul(tf.tensor(inputs, [rows, layer.inputs]), weights), bias);
        return valuesOfTensor(requantizeTensor(tf, sums, shift, next.activationFormat));
      });
      continue;
    }
    const sums = accumulateParts(tf, layer, inputs, rows);
    if (!next) return sums;
    const range = integerRange(next.activationFormat.width, next.activationFormat.signed);
    inputs = Float32Array.from(sums, (x) => saturate(shiftRound(x, shift), range));
  }
  return new Float64Array(0);
}

/** Evaluates the mantissas on stored samples. Shapes and stored type must be those that the graph was trained on. */
export function evaluateFrozen(tf: TensorFlow, trained: TrainedGraph, samples: SampleSet): FrozenEvaluation {
  const last = trained.layers.at(-1)!;
  const elements = trained.layers[0]!.inputs;
  const logits = new Float64Array(samples.count * last.units);
  for (let from = 0; from < samples.count; from += BATCH) {
    const rows = Math.min(BATCH, samples.count - from);
    const stored = Float32Array.from(samples.inputs.subarray(from * elements, (from + rows) * elements));
    logits.set(evaluateBatch(tf, trained.layers, stored, rows, samples.stored.fraction), from * last.units);
  }
  const fraction = accumulatorFraction(last);
  return { logits, fraction, score: scoreOf(logits, samples.labels, last.units, fraction) };
}
