// What of a graph is trained: layers with weights, the tensors between them that get quantizers, and the steps of a pass in
// their order. In: a graph. Out: the network, or a diagnostic for every node that cannot be trained.

import { type MoveOperator, sourcesOf } from "../graph/elements.ts";
import { isNegativeSomewhere } from "../graph/expression.ts";
import {
  type ArithmeticOperator,
  type CurveOperator,
  type FormulaOperator,
  type Graph,
  type InputNode,
  inputsOf,
  type LeakyReluOperator,
  type Node,
  nodeNamed,
} from "../graph/graph.ts";
import { inferShape, product, type Shape, spatialOf, weightsPerUnit } from "../graph/shapes.ts";
import { assertNever, compilerAssert } from "../support/assert.ts";
import { createCollector } from "../support/diagnostics.ts";
import { convWindows, poolWindows, type Windows } from "./windows.ts";

/** What stands between sums (or the input) and the quantizer of the tensor that is made of them. */
export type Activation = "none" | "relu" | "hardtanh" | "step" | "sign";

/** A tensor of a pass: of one sample. */
export interface Value {
  readonly shape: Shape;
  readonly elements: number;
  readonly channels: number;
  /** Whether it is the input, quantized or rearranged: nothing but its quantizer is trained before it. */
  readonly isInput: boolean;
  /** Signals whose elements it holds; none of sums. */
  readonly signals: readonly number[];
}

/** A layer with weights. */
export interface Layer {
  readonly node: string;
  /** Weights of one unit. */
  readonly inputs: number;
  readonly units: number;
  /** Results of a unit for one sample: the positions of a convolution, 1 of a dense layer. */
  readonly positions: number;
  /** Channels and units fall into so many parts in their order; 1 of a dense layer. */
  readonly groups: number;
  /** Of a convolution. */
  readonly windows: Windows | null;
  /** Whether a batch-norm follows the sums. The layer has no bias then. */
  readonly batchNorm: boolean;
  readonly reads: number;
  readonly writes: number;
}

/** A tensor with a quantizer of its own. */
export interface Signal {
  /** The activation's node, or that of the sums where there is none. */
  readonly node: string;
  readonly activation: Activation;
  /** Whether it may be negative. */
  readonly signed: boolean;
  /** Whether the sums before it are normalised; then thresholds make it. */
  readonly normalized: boolean;
  /** The layer whose sums it is made of; null: the input, a join or a curve. */
  readonly maker: number | null;
  readonly channels: number;
  readonly elements: number;
  readonly reads: number;
  readonly writes: number;
}

/** A function of one number that the integers take from a table. */
export type Curve = CurveOperator | LeakyReluOperator | FormulaOperator;

/** A step of a pass; `reads` and `writes` are indices of values. */
export type Step =
  | { readonly kind: "signal"; readonly signal: number; readonly reads: number; readonly writes: number }
  | { readonly kind: "layer"; readonly layer: number; readonly reads: number; readonly writes: number }
  | {
      readonly kind: "pool";
      readonly pooling: "max" | "average";
      readonly windows: Windows;
      readonly reads: number;
      readonly writes: number;
    }
  | {
      readonly kind: "move";
      /** Of each element of the result; null: all stay where they are. */
      readonly sources: Int32Array | null;
      readonly reads: number;
      readonly writes: number;
    }
  | { readonly kind: "curve"; readonly curve: Curve; readonly reads: number; readonly writes: number }
  | {
      readonly kind: "join";
      readonly node: string;
      readonly operator: ArithmeticOperator["kind"];
      /** The second may have one element a channel. */
      readonly operands: readonly [number, number];
      readonly writes: number;
    }
  | {
      readonly kind: "concat";
      readonly operands: readonly number[];
      /** Elements that each operand gives in turn. */
      readonly stretches: readonly number[];
      readonly writes: number;
    };

/** What stays of a graph after pruning; everything of what is not named. */
export interface Kept {
  /** Of layers, units that are left. */
  readonly units: ReadonlyMap<string, number>;
  /** Of inputs, elements of the flat tensor that are left. */
  readonly inputs: ReadonlyMap<string, number>;
}

/** An input of the network. */
export interface NetworkInput {
  readonly node: InputNode;
  /** The values that are its samples as they are: its tensor, and what that is called when it is flat. */
  readonly values: readonly number[];
  /** What quantizes it. */
  readonly signal: number;
}

export interface Network {
  readonly graph: Graph;
  /** In the graph's order. */
  readonly inputs: readonly NetworkInput[];
  readonly values: readonly Value[];
  readonly layers: readonly Layer[];
  readonly signals: readonly Signal[];
  /** In the order of a pass. */
  readonly steps: readonly Step[];
  /**
   * Values that the network gives, in the order of the graph's outputs, logits or what a regression wants: sums, or what is
   * made of quantized values.
   */
  readonly outputs: readonly number[];
}

/** Multiplications of one inference in a layer; padded positions count. */
export function macsOf(layer: Pick<Layer, "inputs" | "units" | "positions">): number {
  return layer.inputs * layer.units * layer.positions;
}

/** Weights of a layer. */
export function weightsOf(layer: Pick<Layer, "inputs" | "units">): number {
  return layer.inputs * layer.units;
}

/** Elements of each output of one sample. */
export function outputElements({ values, outputs }: Network): number[] {
  return outputs.map((output) => values[output]!.elements);
}

/** Index of the input that a signal quantizes; -1 where it is none. */
export function inputOfSignal({ inputs }: Network, signal: number): number {
  return inputs.findIndex((input) => input.signal === signal);
}

/** Values of all tensors of a pass, each counted once: 128 MB. Gradients and padded copies come on top, some times that. */
const HELD_VALUES = 2 ** 25;
/** A pass with fewer samples wastes its time on calls. */
const LEAST_SAMPLES = 16;

/** How many samples a pass can take at a time without holding too many values; `most` for small networks. */
export function samplesAtOnce({ values }: Network, most: number): number {
  const each = values.reduce((sum, value) => sum + value.elements, 0);
  return Math.min(most, Math.max(LEAST_SAMPLES, Math.floor(HELD_VALUES / each)));
}

/** The value as later nodes find it: sums with what waits to be done, until somebody needs them quantized. */
interface Pending {
  readonly value: number;
  readonly activation: Activation;
  readonly node: Node;
  readonly signed: boolean;
  readonly normalized: boolean;
  readonly maker: number | null;
  /** Signs: -1 and 1, without a 0. */
  readonly bipolar: boolean;
  /** The quantized value, once somebody needed it. */
  settled: number | null;
}

type OpenLayer = { -readonly [K in keyof Layer]: Layer[K] };
type OpenStep = Step extends infer S ? (S extends unknown ? Omit<S, "writes"> : never) : never;

const WHOLE: Kept = { units: new Map(), inputs: new Map() };

/**
 * The network of a graph, or of what is kept of it. Throws `train/unsupported` for every node that cannot be trained.
 */
export function networkOf(graph: Graph, kept: Kept = WHOLE): Network {
  const problems = createCollector();
  const refuse = (node: Node, feature: string): void =>
    problems.add("train/unsupported", { node: node.name, feature }, { file: node.origin.file });
  const readers = new Map<string, number>();
  for (const node of graph.nodes)
    for (const name of inputsOf(node)) readers.set(name, (readers.get(name) ?? 0) + 1);
  for (const { node } of graph.outputs) readers.set(node, (readers.get(node) ?? 0) + 1);
  const isReadOnce = (node: Node): boolean => (readers.get(node.name) ?? 0) <= 1;

  const values: Value[] = [];
  const layers: OpenLayer[] = [];
  const signals: Signal[] = [];
  const steps: Step[] = [];
  const pending = new Map<string, Pending>();

  const define = (shape: Shape, isInput: boolean, from: readonly number[]): number => {
    values.push({ shape, elements: product(shape), channels: shape.at(-1) ?? 1, isInput, signals: from });
    return values.length - 1;
  };
  const emit = (step: OpenStep, shape: Shape, isInput = false, from: readonly number[] = []): number => {
    const writes = define(shape, isInput, from);
    steps.push({ ...step, writes } as Step);
    return writes;
  };

  /** The quantized value of what is pending. */
  const settle = (p: Pending): number => {
    if (p.settled !== null) return p.settled;
    const { shape, elements, channels, isInput: isMadeOfInput, signals: from } = values[p.value]!;
    const isInput = isMadeOfInput && from.length === 0;
    const signal = signals.length;
    p.settled = emit({ kind: "signal", signal, reads: p.value }, shape, isInput, [signal]);
    signals.push({
      node: p.node.name,
      activation: p.activation,
      signed: p.signed,
      normalized: p.normalized,
      maker: p.maker,
      channels,
      elements,
      reads: p.value,
      writes: p.settled,
    });
    return p.settled;
  };
  /** Sums, or other values that are not quantized yet. */
  const raw = (node: Node, value: number, signed: boolean, maker: number | null): Pending => ({
    value,
    activation: "none",
    node,
    signed,
    normalized: false,
    maker,
    bipolar: false,
    settled: null,
  });
  /** Values of a quantized tensor, rearranged. */
  const derived = (node: Node, value: number, { signed, bipolar }: Pending): Pending => ({
    ...raw(node, value, signed, null),
    bipolar,
    settled: value,
  });

  const inputs: { node: InputNode; values: number[] }[] = [];
  let lastLayer: Node | undefined;

  const shapeOf = (node: Exclude<Node, InputNode>, sources: readonly Pending[]): Shape => {
    const found = inferShape(
      node,
      sources.map((s) => values[s.settled ?? s.value]!.shape),
    );
    compilerAssert("shape" in found, `train: ${node.name} has no shape`);
    return found.shape;
  };

  const visit = (node: Exclude<Node, InputNode>, sources: readonly Pending[]): Pending => {
    const source = sources[0]!;
    switch (node.kind) {
      case "dense":
      case "conv": {
        const units = kept.units.get(node.name) ?? node.units;
        const reads = settle(source);
        const entering = values[reads]!.shape;
        const operator = { ...node, units };
        const shape = shapeOf(operator, sources);
        const isConv = operator.kind === "conv";
        if (isConv && source.bipolar && hasGaps(operator))
          refuse(node, "a convolution that pads or spreads signs, which have no zero");
        const layer = layers.length;
        const writes = emit({ kind: "layer", layer, reads }, shape);
        layers.push({
          node: node.name,
          inputs: isConv ? weightsPerUnit(operator, entering.at(-1)!) : product(entering),
          units,
          positions: product(spatialOf(shape)),
          groups: isConv ? operator.groups : 1,
          windows: isConv ? convWindows(operator, spatialOf(entering), spatialOf(shape)) : null,
          batchNorm: false,
          reads,
          writes,
        });
        lastLayer = node;
        return raw(node, writes, true, layer);
      }
      case "batchnorm": {
        const maker = source.maker === null ? undefined : layers[source.maker];
        const before = nodeNamed(graph, node.input);
        const fits = maker && source.activation === "none" && !source.normalized && source.settled === null;
        if (!fits || !isReadOnce(before)) {
          refuse(node, "a batchnorm that does not follow a layer with weights, or whose input is used twice");
          return source;
        }
        maker.batchNorm = true;
        return { ...source, node, normalized: true };
      }
      case "relu":
      case "hardtanh":
      case "step":
      case "sign": {
        const signed = node.kind === "hardtanh" || node.kind === "sign";
        const rest = { activation: node.kind, node, signed, bipolar: node.kind === "sign" };
        const before = nodeNamed(graph, node.input);
        if (source.settled === null && source.activation === "none" && isReadOnce(before))
          return { ...source, ...rest };
        return { ...raw(node, settle(source), signed, null), ...rest };
      }
      case "relu6":
      case "leaky_relu":
      case "curve":
      case "hardsigmoid":
      case "hardswish":
      case "sigmoid":
      case "tanh": {
        if (source.bipolar) refuse(node, `${node.kind} of signs`);
        const value = emit({ kind: "curve", curve: node, reads: settle(source) }, shapeOf(node, sources));
        return raw(node, value, isSignedCurve(node, source.signed), null);
      }
      case "pool": {
        if (source.bipolar && (node.pooling === "average" || hasPadding(node.padding)))
          refuse(node, "an average of signs, or a pool that pads them");
        const reads = settle(source);
        const before = values[reads]!;
        const shape = shapeOf(node, sources);
        const windows = poolWindows(node, spatialOf(before.shape), spatialOf(shape));
        const step = { kind: "pool", pooling: node.pooling, windows, reads } as const;
        return derived(node, emit(step, shape, before.isInput, before.signals), source);
      }
      case "flatten":
      case "reshape": {
        const shape = shapeOf(node, sources);
        const isPlain = source.settled === null && source.activation === "none";
        const before = nodeNamed(graph, node.input);
        // The input keeps its elements: its quantizer comes behind, so that what is pruned is never quantized.
        if (isPlain && values[source.value]!.isInput && isReadOnce(before)) {
          const input = inputs.find((i) => i.values.includes(source.value))!;
          const left = kept.inputs.get(input.node.name);
          const value = define(left === undefined ? shape : [left], true, []);
          input.values.push(value);
          return { ...source, node, value };
        }
        const reads = settle(source);
        const { isInput, signals: from } = values[reads]!;
        return derived(node, emit({ kind: "move", sources: null, reads }, shape, isInput, from), source);
      }
      case "slice":
      case "pad":
      case "transpose":
      case "upsample": {
        if (node.kind === "pad" && node.value !== 0) refuse(node, "padding with another value than 0");
        if (node.kind === "pad" && source.bipolar) refuse(node, "padding around signs, which have no zero");
        const reads = settle(source);
        const before = values[reads]!;
        const shape = shapeOf(node, sources);
        const moved = sourcesOf(node as MoveOperator, before.shape, shape);
        const step = { kind: "move", sources: moved, reads } as const;
        return derived(node, emit(step, shape, before.isInput, before.signals), source);
      }
      case "add":
      case "subtract":
      case "multiply": {
        if (sources.some((s) => s.bipolar)) refuse(node, `${node.kind} of signs`);
        const operands = sources.map(settle) as [number, number];
        const shape = shapeOf(node, sources);
        const signed = node.kind === "subtract" || sources.some((s) => s.signed);
        return raw(
          node,
          emit({ kind: "join", node: node.name, operator: node.kind, operands }, shape),
          signed,
          null,
        );
      }
      case "concat": {
        const bipolar = sources.some((s) => s.bipolar);
        if (bipolar && !sources.every((s) => s.bipolar)) refuse(node, "signs beside other values");
        const operands = sources.map(settle);
        const stretches = operands.map((v) => product(values[v]!.shape.slice(node.axis)));
        const from = [...new Set(operands.flatMap((v) => values[v]!.signals))];
        const isInput = operands.every((v) => values[v]!.isInput);
        const value = emit({ kind: "concat", operands, stretches }, shapeOf(node, sources), isInput, from);
        return { ...derived(node, value, source), signed: sources.some((s) => s.signed) };
      }
      case "argmax":
        return source;
      default:
        return assertNever(node, "network");
    }
  };

  for (const node of graph.nodes) {
    if (node.kind === "input") {
      const left = kept.inputs.get(node.name);
      const value = define(left !== undefined && node.shape.length === 1 ? [left] : node.shape, true, []);
      inputs.push({ node, values: [value] });
      pending.set(node.name, raw(node, value, node.stored.signed, null));
      continue;
    }
    const sources = inputsOf(node).map((name) => pending.get(name)!);
    const behind = inputsOf(node).find((name) => nodeNamed(graph, name).kind === "argmax");
    if (behind !== undefined) refuse(node, "a layer after argmax");
    pending.set(node.name, visit(node, sources));
  }

  const outputs = graph.outputs.map(({ node: name }): number => {
    const node = nodeNamed(graph, name);
    const found = pending.get(name)!;
    if (!lastLayer) return found.value;
    if (found.normalized) refuse(node, "a batchnorm before an output");
    else if (found.bipolar) refuse(node, "signs as an output");
    else if (values[found.value]!.isInput) refuse(node, "an output that no layer with weights has part in");
    else if (found.activation === "none" && found.settled !== null && found.settled !== found.value)
      refuse(node, "an output that something else reads too");
    const isSum = found.activation === "none" && found.settled === null;
    return isSum ? found.value : settle(found);
  });
  const place = graph.nodes[0];
  if (inputs.length === 0 || !lastLayer)
    problems.add("train/nothing-to-train", { model: graph.name }, place ? { file: place.origin.file } : {});
  problems.throwIfErrors();
  const quantized = inputs.map((input): NetworkInput => {
    const signal = signals.findIndex((s) => input.values.includes(s.reads));
    compilerAssert(signal >= 0, `train: nothing quantizes the input ${input.node.name}`);
    return { ...input, signal };
  });
  return { graph, inputs: quantized, values, layers, signals, steps, outputs };
}

function hasPadding({ before, after }: { before: readonly number[]; after: readonly number[] }): boolean {
  return [...before, ...after].some((cells) => cells > 0);
}

/** Whether a convolution reads zeros that are not of its input. */
function hasGaps({ padding, transposed }: Extract<Node, { kind: "conv" }>): boolean {
  return transposed || hasPadding(padding);
}

function isSignedCurve(curve: Curve, signed: boolean): boolean {
  switch (curve.kind) {
    case "curve":
      return isNegativeSomewhere(curve.body, signed);
    case "relu6":
    case "sigmoid":
    case "hardsigmoid":
      return false;
    case "leaky_relu":
    case "hardswish":
    case "tanh":
      return signed;
  }
}

/** Layers that read a signal, whole or rearranged, together with what of it each column of their weights reads. */
export interface Reader {
  readonly layer: number;
  /** Channel of the signal by column of the weights. */
  readonly channels: Int32Array;
}

/**
 * Everything that reads a signal, when that is layers alone whose columns each read one of its channels: then channels
 * can be taken out or scaled. Null where branches meet, where groups keep channels apart, or where it is the output.
 */
export function readersOf(network: Network, signal: number): readonly Reader[] | null {
  const { values, layers, signals, steps } = network;
  const { writes, channels } = signals[signal]!;
  /** Channel of the signal by element, of the values that are made of it. */
  const held = new Map<number, Int32Array>();
  held.set(
    writes,
    Int32Array.from({ length: values[writes]!.elements }, (_, e) => e % channels),
  );
  const readers: Reader[] = [];
  for (const step of steps) {
    if ("operands" in step) {
      if (step.operands.some((v) => held.has(v))) return null;
      continue;
    }
    const entering = held.get(step.reads);
    if (!entering) continue;
    const result = values[step.writes]!;
    switch (step.kind) {
      case "layer": {
        const layer = layers[step.layer]!;
        const depth = values[step.reads]!.channels;
        if (layer.windows && (layer.groups > 1 || !isByChannel(entering, depth))) return null;
        const columns = Int32Array.from(
          { length: layer.inputs },
          (_, k) => entering[layer.windows ? k % depth : k]!,
        );
        readers.push({ layer: step.layer, channels: columns });
        break;
      }
      case "pool": {
        const depth = result.channels;
        if (!isByChannel(entering, depth)) return null;
        held.set(
          step.writes,
          Int32Array.from({ length: result.elements }, (_, e) => entering[e % depth]!),
        );
        break;
      }
      case "move":
        if (!isKeeping(network, step)) return null;
        held.set(step.writes, step.sources ? step.sources.map((e) => entering[e]!) : entering);
        break;
      case "signal":
      case "curve":
        return null;
    }
  }
  return readers.length > 0 && !network.outputs.some((v) => held.has(v)) ? readers : null;
}

/** Whether elements are told apart by their channel alone. */
function isByChannel(channels: Int32Array, depth: number): boolean {
  return channels.every((c, e) => c === channels[e % depth]);
}

/** Whether a rearranged tensor has the same channels with or without some of them: not so behind a slice. */
function isKeeping({ values }: Network, step: Extract<Step, { kind: "move" }>): boolean {
  const before = values[step.reads]!;
  const after = values[step.writes]!;
  if (!step.sources) return after.shape.length === 1;
  const depth = before.channels;
  if (after.channels !== depth || after.elements < before.elements) return false;
  return step.sources.every((e, i) => e >= 0 && e % depth === i % depth);
}
