// Trained graph -> integer program. Copies frozen mantissas; never rounds a float. Each layer becomes the product with its
// sums; each quantized tensor the requantization, thresholds or table that make it, with the activation before it.
import { type ConvNode, type Graph, inputsOf, type Node, nodeNamed } from "../graph/graph.ts";
import { reachOf } from "../graph/shapes.ts";
import type { FrozenFormat, TrainedGraph, TrainedLayer, TrainedSignal } from "../graph/trained-graph.ts";
import { createProgramBuilder, intFormat, type ProgramBuilder } from "../program/builder.ts";
import type { Format, Program } from "../program/program.ts";
import { everyAxis } from "../program/shapes.ts";
import { compilerAssert, InternalError } from "../support/assert.ts";

/** A node's value, with the activations that the signal behind them computes. */
interface Pending {
  readonly value: string;
  readonly waiting: readonly Node["kind"][];
}

interface Lowering {
  readonly trained: TrainedGraph;
  readonly builder: ProgramBuilder;
  readonly layers: ReadonlyMap<string, TrainedLayer>;
  readonly signals: ReadonlyMap<string, TrainedSignal>;
  readonly pending: Map<string, Pending>;
  readonly names: Names;
}

/** The integer program of a trained graph. Throws DiagnosticError when it breaks a rule of the program. */
export function lower(trained: TrainedGraph): Program {
  const { graph } = trained;
  const lowering: Lowering = {
    trained,
    builder: createProgramBuilder(graph.name),
    layers: new Map(trained.layers.map((layer) => [layer.node, layer])),
    signals: new Map(trained.signals.map((signal) => [signal.node, signal])),
    pending: new Map(),
    names: createNames(graph),
  };
  for (const node of graph.nodes) {
    const found = lowerNode(node, lowering);
    const signal = lowering.signals.get(node.name);
    lowering.pending.set(node.name, signal ? lowerSignal(signal, node, found, lowering) : found);
  }
  for (const { name, node } of graph.outputs) addOutput(name, node, lowering);
  return lowering.builder.build();
}

function lowerNode(node: Node, lowering: Lowering): Pending {
  const { builder, pending } = lowering;
  if (node.kind === "input") {
    const { signed, width, fraction } = node.stored;
    const format = intFormat(signed, width, fraction);
    return { value: builder.input({ name: node.name, shape: node.shape, format }), waiting: [] };
  }
  const sources = inputsOf(node).map((name) => {
    const found = pending.get(name);
    compilerAssert(found, `lower: ${node.name} comes before its input`);
    return found;
  });
  const [first] = sources;
  const { value: input, waiting } = first!;
  const done = (value: string): Pending => ({ value, waiting: [] });
  const step = { layer: node.name, name: node.name, input };
  switch (node.kind) {
    case "relu":
    case "hardtanh":
    case "step":
    case "sign":
    case "batchnorm":
    case "relu6":
    case "leaky_relu":
    case "curve":
    case "hardsigmoid":
    case "hardswish":
    case "sigmoid":
    case "tanh":
      return { value: input, waiting: [...waiting, node.kind] };
    default:
      compilerAssert(
        sources.every((s) => s.waiting.length === 0),
        `lower: ${node.name} reads what is not quantized`,
      );
  }
  switch (node.kind) {
    case "flatten":
      return done(isFlat(input, lowering) ? input : builder.flatten(step));
    case "reshape":
      return done(builder.reshape({ ...step, shape: node.sizes }));
    case "dense": {
      const { weights, bias } = weightsOf(node.name, lowering);
      return done(builder.dense({ ...step, weights, ...bias }));
    }
    case "conv": {
      const { weights, bias, pad } = weightsOf(node.name, lowering);
      const kernel = { ...weights, kernel: node.kernel };
      return done(builder.conv({ ...step, weights: kernel, ...bias, ...pad, ...windowsOf(node) }));
    }
    case "pool": {
      const { pooling: kind, window, strides, padding } = node;
      return done(builder.pool({ ...step, kind, window, strides, padding }));
    }
    case "add":
    case "subtract":
    case "multiply": {
      const inputs = sources.map((s) => s.value) as [string, string];
      return done(builder[node.kind]({ layer: node.name, name: node.name, inputs }));
    }
    case "concat": {
      const inputs = inOneFormat(
        sources.map((s) => s.value),
        node.name,
        lowering,
      );
      return done(builder.concat({ layer: node.name, name: node.name, inputs, axis: node.axis }));
    }
    case "slice":
      // A pruned tensor has fewer channels than the graph's; training keeps those of what is sliced.
      return done(builder.slice({ ...step, begin: node.begin, size: node.sizes }));
    case "pad":
      return done(builder.pad({ ...step, ...node.padding }));
    case "transpose":
      return done(builder.transpose({ ...step, permutation: node.permutation }));
    case "upsample":
      return done(builder.upsample({ ...step, factors: node.factors }));
    case "argmax":
      return done(builder.argmax(step));
    default:
      throw new InternalError(`lower: ${node.kind} is no step of its own`);
  }
}

function isFlat(value: string, { builder }: Lowering): boolean {
  return builder.values().find(({ name }) => name === value)!.shape.length === 1;
}

function weightsOf(node: string, { layers }: Lowering) {
  const layer = layers.get(node);
  compilerAssert(layer, `lower: layer ${node} is not trained`);
  const { units, weights: data, weightFormat, bias, padMantissa } = layer;
  return {
    weights: { units, data, format: programFormat(weightFormat) },
    // A bias of zeros is none.
    bias: bias === null || bias.every((b) => b === 0) ? {} : { bias },
    pad: padMantissa === undefined ? {} : { padMantissa },
  };
}

/** Windows of a convolution; a transposed one is a plain one over the spread input. */
function windowsOf({ kernel, strides, dilations, padding, transposed, groups }: ConvNode) {
  if (!transposed) return { strides, dilations, padding, groups };
  const around = (cells: readonly number[]): number[] =>
    cells.map((size, a) => reachOf(kernel[a]!, dilations[a]!) - 1 - size);
  return {
    strides: everyAxis(kernel.length, 1),
    spread: strides,
    dilations,
    padding: { before: around(padding.before), after: around(padding.after) },
    groups,
  };
}

/** Tensors in the narrowest format that holds all of them exactly: concat takes one. */
function inOneFormat(values: readonly string[], node: string, { builder, names }: Lowering): string[] {
  const all = builder.values();
  const formats = values.map((name) => all.find((v) => v.name === name)!.format);
  const texts = new Set(formats.map((f) => JSON.stringify(f)));
  if (texts.size === 1) return [...values];
  let [signed, fraction, whole] = [false, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const format of formats) {
    compilerAssert(format.kind === "int", `lower: ${node} puts signs beside integers`);
    compilerAssert(typeof format.fraction === "number", `lower: ${node} reads sums`);
    signed ||= format.signed;
    fraction = Math.max(fraction, format.fraction);
    whole = Math.max(whole, format.width - (format.signed ? 1 : 0) - format.fraction);
  }
  const common = intFormat(signed, whole + fraction + (signed ? 1 : 0), fraction);
  return values.map((input, i) => {
    if (JSON.stringify(formats[i]) === JSON.stringify(common)) return input;
    return builder.requantize({ layer: node, name: names.derived(node, `input${i}`), input, format: common });
  });
}

/** A quantized tensor, of sums, stored integers or another tensor, and of the activation that waits. */
function lowerSignal(
  signal: TrainedSignal,
  node: Node,
  { value, waiting }: Pending,
  { trained, builder, names }: Lowering,
): Pending {
  const { entry, format: frozen, reader } = signal;
  const layer = reader ?? node.name;
  const indices = keptOf(node, trained);
  // What nobody reads is dropped before it is quantized.
  const input = indices
    ? builder.select({ layer, name: names.derived(layer, "kept"), input: value, indices })
    : value;
  const step = { layer, name: names.derived(layer, reader === null ? "value" : "input"), input };
  const format = programFormat(frozen);
  switch (entry.kind) {
    case "threshold": {
      const { thresholds, levels, base } = entry;
      return { value: builder.threshold({ ...step, thresholds, levels, base, format }), waiting: [] };
    }
    case "table":
      return { value: builder.table({ ...step, table: entry.table, format }), waiting: [] };
    case "requantize": {
      for (const kind of waiting) {
        if (kind === "hardtanh")
          // Saturation is the clamp, so the format must end where the clamp does.
          compilerAssert(isWithinOne(frozen), `lower: the hardtanh before ${layer} is no saturation`);
        else
          compilerAssert(
            kind === "relu" || kind === "batchnorm",
            `lower: the ${kind} before ${layer} needs thresholds`,
          );
      }
      compilerAssert(
        entry.relu === waiting.includes("relu"),
        `lower: the entry of ${layer} is not the graph's`,
      );
      const activation = entry.relu ? "relu" : "none";
      return { value: builder.requantize({ ...step, format, activation }), waiting: [] };
    }
  }
}

/** The kept elements of the input that is quantized at a node, flat or not; null: all, or it is no input. */
function keptOf(node: Node, trained: TrainedGraph): readonly number[] | null {
  const { graph, keptInputs } = trained;
  switch (node.kind) {
    case "input":
      return keptInputs[graph.nodes.filter((n) => n.kind === "input").indexOf(node)]!;
    case "flatten":
    case "reshape":
    case "relu":
    case "hardtanh":
    case "step":
    case "sign":
      return keptOf(nodeNamed(graph, node.input), trained);
    default:
      return null;
  }
}

/** Whether every value of a format lies in [-1, 1). */
function isWithinOne({ signed, width, fraction }: FrozenFormat): boolean {
  return typeof fraction === "number" && fraction >= (signed ? width - 1 : width);
}

function programFormat({ kind, signed, width, fraction: frozen }: FrozenFormat): Format {
  const isOne = typeof frozen !== "number" && frozen.every((f) => f === frozen[0]);
  const fraction = isOne ? frozen[0]! : frozen;
  return kind === "bipolar" ? { kind, fraction } : intFormat(signed, width, fraction);
}

/** An argmax output carries its logits beside it. */
function addOutput(name: string, nodeName: string, { trained, pending, builder, names }: Lowering): void {
  const node = nodeNamed(trained.graph, nodeName);
  const { value, waiting } = pending.get(nodeName)!;
  // An activation is part of the next signal; an output has none. Training refuses them.
  compilerAssert(waiting.length === 0, `lower: output ${name} ends in a ${waiting.join(", ")}`);
  if (node.kind !== "argmax") return builder.output(name, value, "value");
  builder.output(names.derived(name, "logits"), pending.get(node.input)!.value, "logits");
  builder.output(name, value, "class");
}

interface Names {
  /** `base.suffix`, made unique among the user's names. */
  derived(base: string, suffix: string): string;
}

function createNames(graph: Graph): Names {
  const taken = new Set([...graph.nodes.map((n) => n.name), ...graph.outputs.map((o) => o.name)]);
  return {
    derived(base, suffix) {
      let name = `${base}.${suffix}`;
      while (taken.has(name)) name += "'";
      taken.add(name);
      return name;
    },
  };
}
