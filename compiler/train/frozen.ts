// The frozen network over integers, with TensorFlow's products: training's last word, against which the integer program is
// compared. In: mantissas, formats and stored samples. Out: every sum that its outputs give.
import type { OutputLoss } from "../graph/project.ts";
import type { SampleSet } from "../graph/samples.ts";
import type { Score, TrainedGraph, TrainedLayer, TrainedSignal } from "../graph/trained-graph.ts";
import { compilerAssert } from "../support/assert.ts";
import { integerRange, saturate, shiftRound } from "../support/fixed-point.ts";
import { type TensorFlow, valuesOfTensor, withTensors } from "../support/tensorflow.ts";
import { elementsOf, selectElements } from "./batches.ts";
import { type Layer, type Network, networkOf, type Step, samplesAtOnce, type Value } from "./network.ts";
import { scoreOutputs } from "./output-losses.ts";
import { isSpread, type Windows } from "./windows.ts";

/** One output of all samples. */
export interface FrozenOutput {
  /** Sums that the network gives, count x elements, row-major; value = sum * 2^-fraction. */
  readonly sums: Float64Array;
  /** One, or one for each channel. */
  readonly fraction: number | readonly number[];
}

export interface FrozenEvaluation {
  readonly outputs: readonly FrozenOutput[];
  readonly score: Score;
}

/** Float32 holds every integer up to here. */
const EXACT = 2 ** 24;
const BATCH = 1000;

/** Integers of a batch; bipolar bits are -1 and 1. */
interface Integers {
  readonly data: Float64Array;
  readonly fraction: number | readonly number[];
  /** Least integer of the format; 0 of sums. */
  readonly min: number;
}

/** A layer as its product sees it: bipolar bits are -1 and 1. */
interface IntegerLayer {
  readonly layer: Layer;
  readonly trained: TrainedLayer;
  /** Row-major [units, inputs]. */
  readonly weights: Float32Array;
  readonly bias: Float64Array;
  /** Inputs [from, to) whose partial sums float32 holds exactly. */
  readonly parts: readonly Part[];
  readonly channels: number;
  /** What a convolution reads outside of its input. */
  readonly outside: number;
}

interface Part {
  readonly from: number;
  readonly to: number;
}

function prepare(network: Network, trained: TrainedLayer, layer: Layer): IntegerLayer {
  const { weightFormat, activationFormat: entering } = trained;
  const bipolar = weightFormat.kind === "bipolar";
  const weights = Float32Array.from(trained.weights, (m) => (bipolar ? 2 * m - 1 : m));
  const { min, max } = integerRange(entering.width, entering.signed);
  const largest = entering.kind === "bipolar" ? 1 : Math.max(-min, max);
  const bias = Float64Array.from(trained.bias ?? new Array<number>(trained.units).fill(0));
  const parts = exactParts(trained, weights, largest);
  const { channels } = network.values[layer.reads]!;
  const outside = trained.padMantissa ?? 0;
  compilerAssert(
    outside === 0 || (layer.windows && !isSpread(layer.windows)),
    `layer ${trained.node}: only a convolution without zeros between its inputs has another value around them`,
  );
  return { layer, trained, weights, bias, parts, channels, outside };
}

/** Splits the inputs of a layer so that in each part sum |w| * max |a| stays below 2^24 for every unit. */
function exactParts(
  { node, units, inputs }: TrainedLayer,
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

/** Fraction of a layer's sums: one, or one for each unit. */
export function accumulatorFraction(
  layer: Pick<TrainedLayer, "weightFormat" | "activationFormat">,
): number | readonly number[] {
  const weight = layer.weightFormat.fraction;
  const activation = oneFraction(layer.activationFormat.fraction);
  return typeof weight === "number" ? weight + activation : weight.map((f) => f + activation);
}

function oneFraction(fraction: number | readonly number[]): number {
  compilerAssert(typeof fraction === "number", "a tensor that is no sum has one fraction");
  return fraction;
}

/** A signal of what is before it. */
function enter(before: Integers, { entry, format }: TrainedSignal, channels: number): Integers {
  const { data } = before;
  const out = new Float64Array(data.length);
  const bipolar = format.kind === "bipolar";
  const { min, max } = integerRange(format.width, format.signed);
  switch (entry.kind) {
    case "requantize": {
      const target = oneFraction(format.fraction);
      const { fraction } = before;
      const shiftOf = (c: number): number =>
        (typeof fraction === "number" ? fraction : fraction[c]!) - target;
      const shifts = Array.from({ length: channels }, (_, c) => shiftOf(c));
      const range = { min: entry.relu ? Math.max(0, min) : min, max };
      for (let i = 0; i < out.length; i++)
        out[i] = saturate(shiftRound(data[i]!, shifts[i % channels]!), range);
      break;
    }
    case "threshold": {
      const { base, levels, thresholds } = entry;
      for (let i = 0; i < out.length; i++) {
        const from = (i % channels) * levels;
        let reached = base;
        for (let k = 0; k < levels; k++) if (data[i]! >= thresholds[from + k]!) reached++;
        out[i] = bipolar ? 2 * reached - 1 : reached;
      }
      break;
    }
    case "table":
      for (let i = 0; i < out.length; i++) out[i] = entry.table[data[i]! - before.min]!;
      break;
  }
  return { data: out, fraction: format.fraction, min };
}

/** Exact product of [rows, width] integers and a part of a layer's weights, added to [rows, units] sums. */
function addProduct(
  tf: TensorFlow,
  { trained, weights }: IntegerLayer,
  rows: Float32Array,
  { from, to }: Part,
  out: Float64Array,
  first: number,
): void {
  const { units, inputs } = trained;
  const width = to - from;
  const count = rows.length / width;
  const right = new Float32Array(width * units);
  for (let i = from; i < to; i++)
    for (let u = 0; u < units; u++) right[(i - from) * units + u] = weights[u * inputs + i]!;
  const product = withTensors(tf, () =>
    valuesOfTensor(tf.matMul(tf.tensor(rows, [count, width]), tf.tensor(right, [width, units]))),
  );
  for (let i = 0; i < product.length; i++) out[first + i]! += product[i]!;
}

/** Sums of a dense layer. */
function denseSums(tf: TensorFlow, layer: IntegerLayer, entering: Float64Array, count: number): Float64Array {
  const { units, inputs } = layer.trained;
  const out = withBias(layer, count);
  compilerAssert(out.length === count * units, "a dense layer has one result for each unit");
  for (const part of layer.parts) {
    const width = part.to - part.from;
    const rows = new Float32Array(count * width);
    for (let r = 0; r < count; r++)
      rows.set(entering.subarray(r * inputs + part.from, r * inputs + part.to), r * width);
    addProduct(tf, layer, rows, part, out, 0);
  }
  return out;
}

/** Sums of a convolution: by products of its windows, or one by one where groups keep channels apart. */
function convSums(
  tf: TensorFlow,
  layer: IntegerLayer,
  windows: Windows,
  entering: Float64Array,
  count: number,
): Float64Array {
  const { units, inputs } = layer.trained;
  const { positions, taps, sources, inputPositions } = windows;
  const { channels, outside } = layer;
  const out = withBias(layer, count);
  if (layer.layer.groups > 1) {
    addGroups(layer, windows, entering, count, out);
    return out;
  }
  for (let n = 0; n < count; n++)
    for (const part of layer.parts) {
      const width = part.to - part.from;
      const rows = new Float32Array(positions * width);
      for (let p = 0; p < positions; p++)
        for (let k = part.from; k < part.to; k++) {
          const source = sources[p * taps + Math.floor(k / channels)]!;
          rows[p * width + k - part.from] =
            source < 0 ? outside : entering[(n * inputPositions + source) * channels + (k % channels)]!;
        }
      addProduct(tf, layer, rows, part, out, n * positions * units);
    }
  compilerAssert(inputs === taps * channels, "a window has all channels of the tensor");
  return out;
}

function addGroups(
  { layer, trained, weights, channels, outside }: IntegerLayer,
  { positions, taps, sources, inputPositions }: Windows,
  entering: Float64Array,
  count: number,
  out: Float64Array,
): void {
  const { units, inputs } = trained;
  const depth = channels / layer.groups;
  const each = units / layer.groups;
  for (let n = 0; n < count; n++)
    for (let p = 0; p < positions; p++)
      for (let k = 0; k < taps; k++) {
        const source = sources[p * taps + k]!;
        if (source < 0 && outside === 0) continue;
        const from = (n * inputPositions + source) * channels;
        for (let u = 0; u < units; u++) {
          const first = from + Math.floor(u / each) * depth;
          let sum = 0;
          for (let c = 0; c < depth; c++)
            sum += (source < 0 ? outside : entering[first + c]!) * weights[u * inputs + k * depth + c]!;
          out[(n * positions + p) * units + u]! += sum;
        }
      }
}

function withBias({ layer, bias }: IntegerLayer, count: number): Float64Array {
  const { units, positions } = layer;
  const out = new Float64Array(count * positions * units);
  for (let at = 0; at < out.length; at += units) out.set(bias, at);
  return out;
}

function pooled(
  before: Integers,
  step: Extract<Step, { kind: "pool" }>,
  count: number,
  { channels }: Value,
): Integers {
  const { positions, taps, sources, inputPositions } = step.windows;
  const data = new Float64Array(count * positions * channels);
  for (let n = 0; n < count; n++)
    for (let p = 0; p < positions; p++)
      for (let c = 0; c < channels; c++) {
        let largest = Number.NEGATIVE_INFINITY;
        let sum = 0;
        for (let k = 0; k < taps; k++) {
          const source = sources[p * taps + k]!;
          if (source < 0) continue;
          const x = before.data[(n * inputPositions + source) * channels + c]!;
          largest = Math.max(largest, x);
          sum += x;
        }
        const at = (n * positions + p) * channels + c;
        data[at] = step.pooling === "max" ? largest : Math.floor((2 * sum + taps) / (2 * taps));
      }
  return { ...before, data };
}

/** The integers with a finer step. */
function aligned({ data, fraction, min }: Integers, to: number): Integers {
  const scale = 2 ** (to - oneFraction(fraction));
  return { data: data.map((m) => m * scale), fraction: to, min: min * scale };
}

function joined(
  [x, y]: readonly [Integers, Integers],
  { operator, operands }: Extract<Step, { kind: "join" }>,
  { values }: Network,
): Integers {
  const { elements, channels } = values[operands[0]]!;
  const whole = values[operands[1]]!.elements === elements;
  const at = (i: number): number => (whole ? i : Math.floor(i / elements) * channels + (i % channels));
  const [fx, fy] = [oneFraction(x.fraction), oneFraction(y.fraction)];
  if (operator === "multiply")
    return { data: x.data.map((m, i) => m * y.data[at(i)]!), fraction: fx + fy, min: 0 };
  const fraction = Math.max(fx, fy);
  const [a, b] = [aligned(x, fraction), aligned(y, fraction)];
  const sign = operator === "add" ? 1 : -1;
  return { data: a.data.map((m, i) => m + sign * b.data[at(i)]!), fraction, min: 0 };
}

function sideBySide(operands: readonly Integers[], stretches: readonly number[]): Integers {
  const fraction = Math.max(...operands.map((o) => oneFraction(o.fraction)));
  const all = operands.map((o) => aligned(o, fraction));
  const data = new Float64Array(all.reduce((sum, o) => sum + o.data.length, 0));
  for (let at = 0, turn = 0; at < data.length; turn++)
    stretches.forEach((length, i) => {
      data.set(all[i]!.data.subarray(turn * length, (turn + 1) * length), at);
      at += length;
    });
  return { data, fraction, min: Math.min(...all.map((o) => o.min)) };
}

function moved(before: Integers, sources: Int32Array, count: number): Integers {
  const size = before.data.length / count;
  const data = new Float64Array(count * sources.length);
  for (let i = 0; i < data.length; i++) {
    const source = sources[i % sources.length]!;
    if (source >= 0) data[i] = before.data[Math.floor(i / sources.length) * size + source]!;
  }
  return { ...before, data };
}

/** The network with what a trained graph has left of it. */
function leftNetwork({ graph, keptInputs, layers }: TrainedGraph): Network {
  const units = new Map(layers.map((layer) => [layer.node, layer.units]));
  const nodes = graph.nodes.filter((node) => node.kind === "input");
  const inputs = nodes.flatMap(({ name }, i): [string, number][] => {
    const kept = keptInputs[i];
    return kept ? [[name, kept.length]] : [];
  });
  return networkOf(graph, { units, inputs: new Map(inputs) });
}

function evaluateBatch(
  tf: TensorFlow,
  network: Network,
  layers: readonly IntegerLayer[],
  signals: readonly TrainedSignal[],
  stored: readonly Integers[],
  count: number,
): Integers[] {
  const values: Integers[] = new Array(network.values.length);
  network.inputs.forEach((input, i) => {
    for (const v of input.values) values[v] = stored[i]!;
  });
  const run = (step: Step): Integers => {
    switch (step.kind) {
      case "signal":
        return enter(values[step.reads]!, signals[step.signal]!, network.signals[step.signal]!.channels);
      case "layer": {
        const layer = layers[step.layer]!;
        const { data } = values[step.reads]!;
        const { windows } = layer.layer;
        return {
          data: windows ? convSums(tf, layer, windows, data, count) : denseSums(tf, layer, data, count),
          fraction: accumulatorFraction(layer.trained),
          min: 0,
        };
      }
      case "pool":
        return pooled(values[step.reads]!, step, count, network.values[step.reads]!);
      case "move":
        return step.sources ? moved(values[step.reads]!, step.sources, count) : values[step.reads]!;
      case "curve":
        // The table of the signal behind it has the curve.
        return values[step.reads]!;
      case "join":
        return joined([values[step.operands[0]]!, values[step.operands[1]]!], step, network);
      case "concat":
        return sideBySide(
          step.operands.map((v) => values[v]!),
          step.stretches,
        );
    }
  };
  for (const step of network.steps) values[step.writes] = run(step);
  return network.outputs.map((output) => values[output]!);
}

/**
 * Evaluates the mantissas on stored samples, of the shapes and stored types that the graph was trained on, and scores
 * them by the scored losses against the samples' answers.
 */
export function evaluateFrozen(
  tf: TensorFlow,
  trained: TrainedGraph,
  samples: SampleSet,
  losses: readonly OutputLoss[],
): FrozenEvaluation {
  const network = leftNetwork(trained);
  const layers = network.layers.map((layer, i) => prepare(network, trained.layers[i]!, layer));
  const { count, answers } = samples;
  const inputs = samples.inputs.map((input, i) => {
    const kept = trained.keptInputs[i];
    return kept ? selectElements(input, count, kept) : input;
  });
  const sums = network.outputs.map((output) => new Float64Array(count * network.values[output]!.elements));
  const fractions: (number | readonly number[])[] = sums.map(() => 0);
  const most = samplesAtOnce(network, BATCH);
  for (let from = 0; from < count; from += most) {
    const size = Math.min(most, count - from);
    const stored = inputs.map((input): Integers => {
      const elements = elementsOf(input, count);
      const { fraction, width, signed } = input.stored;
      const data = Float64Array.from(input.mantissas.subarray(from * elements, (from + size) * elements));
      return { data, fraction, min: integerRange(width, signed).min };
    });
    evaluateBatch(tf, network, layers, trained.signals, stored, size).forEach((found, i) => {
      sums[i]!.set(found.data, from * (sums[i]!.length / count));
      fractions[i] = found.fraction;
    });
  }
  const names = trained.graph.outputs.map((output) => output.name);
  return {
    outputs: sums.map((data, i) => ({ sums: data, fraction: fractions[i]! })),
    score: scoreOutputs(losses, names, sums, answers, count, fractions),
  };
}
