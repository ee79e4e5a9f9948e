// Forward and backward pass of a network. TensorFlow multiplies the matrices; quantizers, batch-norm, the other steps and
// the loss are plain loops. In: a batch, and of each layer and signal what the pass makes of it. Out: outputs, or loss and
// gradients.
import { type Tensor, type TensorFlow, withTensors } from "../support/tensorflow.ts";
import { type ActivationPass, activate, activationGradient } from "./activation.ts";
import {
  type BatchNorm,
  type NormGradient,
  type NormTape,
  normalize,
  normalizeGradient,
} from "./batch-norm.ts";
import type { Network, Step } from "./network.ts";
import type { QuantizerGradient } from "./noise-quantizer.ts";
import {
  columnSums,
  enteringGradientOf,
  type ProductOperands,
  productSums,
  weightGradientOf,
} from "./products.ts";
import { copied, withScratch } from "./scratch.ts";
import * as steps from "./tensor-steps.ts";

/** A layer as one pass sees it. */
export interface LayerPass {
  /** Row-major [units, inputs], already quantized. */
  readonly weights: Float32Array;
  /** Null where a batch-norm follows. */
  readonly bias: Float32Array | null;
  readonly norm: BatchNorm | undefined;
  /** What a convolution reads outside of its input, already quantized. */
  readonly outside: number;
}

/** A network as one pass sees it. */
export interface NetworkPass {
  readonly network: Network;
  readonly layers: readonly LayerPass[];
  readonly signals: readonly ActivationPass[];
  /** Fraction of the mantissas of each value, where the pass has the integers' values: averages are rounded to it. */
  readonly fractions: readonly (number | null)[] | null;
}

export interface LayerGradient {
  /** For the quantized weights, row-major [units, inputs]. */
  readonly weights: Float32Array;
  readonly bias: Float32Array | null;
  readonly norm: NormGradient | undefined;
}

/** Writes d(mean loss)/d(output) to the gradient of each output; gives the sum of the samples' losses and the hits. */
export type LossOf = (
  outputs: readonly Float32Array[],
  gradients: readonly Float32Array[],
) => { readonly total: number; readonly hits: number };

export interface BatchResult {
  /** Mean over the samples. */
  readonly loss: number;
  readonly hits: number;
  readonly layers: readonly LayerGradient[];
  /** For the quantizers of the signals; only of a noise pass. */
  readonly signals: readonly (QuantizerGradient | undefined)[];
}

/** What a step keeps for the way back. */
interface Tape {
  readonly entering?: Tensor | null;
  readonly norm?: NormTape | undefined;
  readonly largest?: steps.Largest;
}

interface Forward {
  /** Of the batch, by value. */
  readonly values: readonly Float32Array[];
  readonly tapes: readonly Tape[];
}

function operandsOf({ network, layers }: NetworkPass, index: number): ProductOperands {
  const layer = network.layers[index]!;
  const { weights, bias, outside } = layers[index]!;
  return { layer, weights, bias, channels: network.values[layer.reads]!.channels, outside };
}

function forward(tf: TensorFlow, count: number, inputs: readonly Float32Array[], pass: NetworkPass): Forward {
  const { network } = pass;
  const values: Float32Array[] = new Array(network.values.length);
  network.inputs.forEach((input, i) => {
    for (const v of input.values) values[v] = inputs[i]!;
  });
  const tapes = network.steps.map((step): Tape => {
    const { result, tape } = runStep(tf, count, pass, step, values);
    values[step.writes] = result;
    return tape;
  });
  return { values, tapes };
}

function runStep(
  tf: TensorFlow,
  count: number,
  pass: NetworkPass,
  step: Step,
  values: readonly Float32Array[],
): { readonly result: Float32Array; readonly tape: Tape } {
  const { network, fractions } = pass;
  const plain = (result: Float32Array) => ({ result, tape: {} });
  switch (step.kind) {
    case "signal":
      return plain(activate(values[step.reads]!, pass.signals[step.signal]!));
    case "layer": {
      const { norm } = pass.layers[step.layer]!;
      const { sums, entering } = productSums(tf, count, values[step.reads]!, operandsOf(pass, step.layer));
      if (!norm) return { result: sums, tape: { entering } };
      const result = copied(sums);
      const rows = count * network.layers[step.layer]!.positions;
      return { result, tape: { entering, norm: normalize(result, rows, norm) } };
    }
    case "pool": {
      const { channels } = network.values[step.reads]!;
      const x = values[step.reads]!;
      if (step.pooling === "average")
        return plain(steps.averagePool(x, count, channels, step.windows, fractions?.[step.reads] ?? null));
      const { result, largest } = steps.maxPool(x, count, channels, step.windows);
      return { result, tape: { largest } };
    }
    case "move":
      return plain(step.sources ? steps.move(values[step.reads]!, count, step.sources) : values[step.reads]!);
    case "curve":
      return plain(steps.curve(values[step.reads]!, step.curve));
    case "join": {
      const [a, b] = step.operands;
      const [x, y] = [values[a]!, values[b]!];
      return plain(steps.join(step.operator, x, y, network.values[a]!, network.values[b]!));
    }
    case "concat":
      return plain(
        steps.concat(
          step.operands.map((v) => values[v]!),
          step.stretches,
        ),
      );
  }
}

/** Runs a pass; the result must not hold any of its tensors, TensorFlow's or the loops'. */
function inPass<T>(tf: TensorFlow, work: () => T): T {
  return withTensors(tf, () => withScratch(work));
}

/** The outputs of a batch, each row-major [count, elements]. */
export function outputsOf(
  tf: TensorFlow,
  count: number,
  inputs: readonly Float32Array[],
  pass: NetworkPass,
): Float32Array[] {
  return inPass(tf, () => {
    const { values } = forward(tf, count, inputs, pass);
    return pass.network.outputs.map((output) => values[output]!.slice());
  });
}

/** Every tensor that becomes a signal, before its activation and quantizer. */
export function rawSignals(
  tf: TensorFlow,
  count: number,
  inputs: readonly Float32Array[],
  pass: NetworkPass,
): Float32Array[] {
  return inPass(tf, () => {
    const { values } = forward(tf, count, inputs, pass);
    return pass.network.signals.map((s) => values[s.reads]!.slice());
  });
}

/** Part of a batch on which the inputs' quantizers are looked at: their gradients sum up far more values than they need. */
const INPUT_PART = 8;

/** Loss and gradients of a batch. */
export function gradientsOf(
  tf: TensorFlow,
  batch: { readonly count: number; readonly inputs: readonly Float32Array[] },
  pass: NetworkPass,
  lossOf: LossOf,
): BatchResult {
  return inPass(tf, () => {
    const { count } = batch;
    const { network } = pass;
    const { values, tapes } = forward(tf, count, batch.inputs, pass);
    const outputs = network.outputs.map((output) => values[output]!);
    const first = outputs.map(({ length }) => new Float32Array(length));
    const { total, hits } = lossOf(outputs, first);
    // Nothing before an input's quantizer is trained, so that a part of the batch is enough there.
    const isNoisy = pass.signals.some((s) => s.kind === "noise");
    const inputRows = isNoisy ? Math.max(1, Math.floor(count / INPUT_PART)) : 0;
    const back = new Backward(tf, count, inputRows, pass, values);
    network.outputs.forEach((output, i) => {
      back.add(output, first[i]!);
    });
    for (let at = network.steps.length - 1; at >= 0; at--) back.step(network.steps[at]!, tapes[at]!);
    return { loss: total / count, hits, layers: back.layers, signals: back.signals };
  });
}

/** Gradients for the values of a pass, from the last step to the first. */
class Backward {
  readonly layers: LayerGradient[];
  readonly signals: (QuantizerGradient | undefined)[];
  private readonly gradients: (Float32Array | undefined)[];
  private readonly tf: TensorFlow;
  private readonly count: number;
  private readonly inputRows: number;
  private readonly pass: NetworkPass;
  private readonly values: readonly Float32Array[];

  constructor(
    tf: TensorFlow,
    count: number,
    inputRows: number,
    pass: NetworkPass,
    values: readonly Float32Array[],
  ) {
    this.tf = tf;
    this.count = count;
    this.inputRows = inputRows;
    this.pass = pass;
    this.values = values;
    const { network } = pass;
    this.layers = new Array(network.layers.length);
    this.signals = network.signals.map(() => undefined);
    this.gradients = network.values.map(() => undefined);
  }

  /** Samples that a value has a gradient of. */
  private rowsOf(value: number): number {
    return this.pass.network.values[value]!.isInput ? this.inputRows : this.count;
  }

  /** Adds to the gradient of a value; the array may be kept. */
  add(value: number, gradient: Float32Array): void {
    const { elements } = this.pass.network.values[value]!;
    const found = this.gradients[value];
    const part = gradient.subarray(0, this.rowsOf(value) * elements);
    if (!found) this.gradients[value] = part;
    else this.gradients[value] = steps.sum(found, part);
  }

  step(step: Step, tape: Tape): void {
    const dy = this.gradients[step.writes];
    if (!dy || dy.length === 0) {
      if (step.kind === "layer") this.layers[step.layer] = this.silent(step.layer);
      return;
    }
    const { network } = this.pass;
    const rows = this.rowsOf(step.writes);
    switch (step.kind) {
      case "signal":
        return this.signal(step, dy);
      case "layer":
        return this.layer(step, tape, dy);
      case "pool": {
        const { channels, elements } = network.values[step.reads]!;
        const dx = tape.largest
          ? steps.maxPoolGradient(dy, tape.largest, rows * elements)
          : steps.averagePoolGradient(dy, rows, channels, step.windows);
        return this.add(step.reads, dx);
      }
      case "move": {
        const { elements } = network.values[step.reads]!;
        return this.add(step.reads, step.sources ? steps.moveGradient(dy, rows, step.sources, elements) : dy);
      }
      case "curve":
        return this.add(step.reads, steps.curveGradient(dy, this.values[step.reads]!, step.curve));
      case "join": {
        const [a, b] = step.operands;
        const [x, y] = [this.values[a]!, this.values[b]!];
        const { values } = network;
        const [dx, other] = steps.joinGradient(step.operator, dy, x, y, values[a]!, values[b]!);
        this.add(a, dx);
        return this.add(b, other);
      }
      case "concat":
        steps.concatGradient(dy, step.stretches).forEach((dx, i) => {
          this.add(step.operands[i]!, dx);
        });
    }
  }

  /** No gradient: of a layer that nothing of the loss depends on. */
  private silent(index: number): LayerGradient {
    const { weights, bias, norm } = this.pass.layers[index]!;
    const zeros = (like: Float32Array) => new Float32Array(like.length);
    return {
      weights: zeros(weights),
      bias: bias && zeros(bias),
      norm: norm && { gain: zeros(norm.gain), shift: zeros(norm.shift) },
    };
  }

  private layer(step: Extract<Step, { kind: "layer" }>, tape: Tape, found: Float32Array): void {
    const { tf, count, pass } = this;
    const layer = pass.network.layers[step.layer]!;
    const { norm, bias } = pass.layers[step.layer]!;
    const operands = operandsOf(pass, step.layer);
    const dy = norm ? copied(found) : found;
    const normGradient = norm && normalizeGradient(dy, count * layer.positions, norm, tape.norm!);
    const weights = weightGradientOf(
      tf,
      count,
      this.values[step.reads]!,
      tape.entering ?? null,
      dy,
      operands,
    );
    this.layers[step.layer] = { weights, bias: bias && columnSums(dy, layer.units), norm: normGradient };
    const rows = this.rowsOf(step.reads);
    if (rows === 0) return;
    const part = dy.subarray(0, rows * layer.positions * layer.units);
    this.add(step.reads, enteringGradientOf(tf, rows, part, operands));
  }

  private signal(step: Extract<Step, { kind: "signal" }>, dy: Float32Array): void {
    const { count, pass, inputRows } = this;
    const { isInput } = pass.network.values[step.writes]!;
    const activation = pass.signals[step.signal]!;
    const x = this.values[step.reads]!;
    if (!isInput) {
      const { dx, quantizer } = activationGradient(x, dy, activation, true);
      this.signals[step.signal] = quantizer;
      return this.add(step.reads, dx);
    }
    if (activation.kind !== "noise") return;
    const { quantizer: q } = activation;
    const { elements } = pass.network.values[step.reads]!;
    const rows = (inputRows * elements) / q.map.columns;
    const part = { ...activation, quantizer: { ...q, map: { ...q.map, rows } } };
    const found = activationGradient(x.subarray(0, inputRows * elements), dy, part, false).quantizer;
    const scale = (values: Float32Array) => values.map((g) => (g * count) / inputRows);
    this.signals[step.signal] = found && {
      logSteps: scale(found.logSteps),
      logRanges: scale(found.logRanges),
    };
  }
}
