// Trained graph -> integer program. Copies frozen mantissas; never rounds a float. Each dense layer becomes the entry
// of its tensor (a requantization or thresholds, with the activation before it) and the product with its accumulators.
import { type Graph, inputsOf, type Node, nodeNamed, type UnaryNode } from "../graph/graph.ts";
import type { FrozenFormat, TrainedDense, TrainedGraph } from "../graph/trained-graph.ts";
import { createProgramBuilder, intFormat, type ProgramBuilder } from "../program/builder.ts";
import type { Format, Program } from "../program/program.ts";
import { assertNever, compilerAssert, InternalError } from "../support/assert.ts";

/** What stands between a layer's sums and the next layer's entry, which computes it. */
type Waiting = Extract<UnaryNode["kind"], "relu" | "hardtanh" | "step" | "sign" | "batchnorm">;

/** A node's value while its consumer is not known yet. */
interface Pending {
  readonly value: string;
  readonly waiting: readonly Waiting[];
}

/** The integer program of a trained graph. Throws DiagnosticError when it breaks a rule of the program. */
export function lower(trained: TrainedGraph): Program {
  const { graph } = trained;
  const builder = createProgramBuilder(graph.name);
  const layers = new Map(trained.layers.map((layer) => [layer.node, layer]));
  const names = createNames(graph);
  const pending = new Map<string, Pending>();
  for (const node of graph.nodes) pending.set(node.name, lowerNode(node, pending, builder, layers, names));
  for (const { name, node } of graph.outputs) addOutput(graph, name, node, pending, builder, names);
  return builder.build();
}

function lowerNode(
  node: Node,
  pending: ReadonlyMap<string, Pending>,
  builder: ProgramBuilder,
  layers: ReadonlyMap<string, TrainedDense>,
  names: Names,
): Pending {
  if (node.kind === "input") {
    const { signed, width, fraction } = node.stored;
    const format = intFormat(signed, width, fraction);
    return { value: builder.input({ name: node.name, shape: node.shape, format }), waiting: [] };
  }
  const source = pending.get(inputsOf(node)[0] ?? "");
  compilerAssert(source, `lower: ${node.name} comes before its input`);
  switch (node.kind) {
    case "relu":
    case "hardtanh":
    case "step":
    case "sign":
    case "batchnorm":
      return { value: source.value, waiting: [...source.waiting, node.kind] };
    case "flatten": {
      const value = builder.flatten({ layer: node.name, name: node.name, input: source.value });
      return { value, waiting: source.waiting };
    }
    case "dense": {
      const layer = layers.get(node.name);
      compilerAssert(layer, `lower: layer ${node.name} is not trained`);
      // Behind the first layer, what nobody reads was never computed.
      const first = layers.values().next().value === layer;
      const selected =
        first && layer.keptInputs
          ? builder.select({
              layer: node.name,
              name: names.derived(node.name, "kept"),
              input: source.value,
              indices: layer.keptInputs,
            })
          : source.value;
      const input = lowerEntry(layer, { ...source, value: selected }, builder, names);
      const weights = {
        units: layer.units,
        data: layer.weights,
        format: programFormat(layer.weightFormat),
      };
      const bias = layer.bias === null ? {} : { bias: layer.bias };
      const value = builder.dense({ layer: node.name, name: node.name, input, weights, ...bias });
      return { value, waiting: [] };
    }
    case "argmax": {
      // The order of the largest is the same before and after an activation only where that is strictly increasing.
      compilerAssert(source.waiting.length === 0, "lower: argmax takes a layer's sums");
      const value = builder.argmax({ layer: node.name, name: node.name, input: source.value });
      return { value, waiting: [] };
    }
    case "conv":
    case "pool":
    case "add":
    case "subtract":
    case "multiply":
    case "concat":
    case "slice":
    case "pad":
    case "reshape":
    case "transpose":
    case "upsample":
    case "relu6":
    case "leaky_relu":
    case "hardsigmoid":
    case "hardswish":
    case "sigmoid":
    case "tanh":
      // Training refuses them, so that no trained graph has one.
      throw new InternalError(`lower: ${node.name} is a ${node.kind}, which is not trained`);
    default:
      return assertNever(node, "lower");
  }
}

/** The tensor that enters a dense layer, of sums or stored integers and of the activation that waits. */
function lowerEntry(
  layer: TrainedDense,
  { value, waiting }: Pending,
  builder: ProgramBuilder,
  names: Names,
): string {
  const { entry, activationFormat, node } = layer;
  const step = { layer: node, name: names.derived(node, "input"), input: value };
  const format = programFormat(activationFormat);
  if (entry.kind === "threshold") {
    const { thresholds, levels, base } = entry;
    return builder.threshold({ ...step, thresholds, levels, base, format });
  }
  for (const kind of waiting) {
    if (kind === "hardtanh")
      // Saturation is the clamp, so the format must end where the clamp does.
      compilerAssert(isWithinOne(activationFormat), `lower: the hardtanh before ${node} is no saturation`);
    else compilerAssert(kind === "relu", `lower: the ${kind} before ${node} needs thresholds`);
  }
  compilerAssert(entry.relu === waiting.includes("relu"), `lower: the entry of ${node} is not the graph's`);
  return builder.requantize({ ...step, format, activation: entry.relu ? "relu" : "none" });
}

/** Whether every value of a format lies in [-1, 1). */
function isWithinOne({ signed, width, fraction }: FrozenFormat): boolean {
  return typeof fraction === "number" && fraction >= (signed ? width - 1 : width);
}

function programFormat({ kind, signed, width, fraction }: FrozenFormat): Format {
  return kind === "bipolar" ? { kind, fraction } : intFormat(signed, width, fraction);
}

/** An argmax output carries its logits beside it. */
function addOutput(
  graph: Graph,
  name: string,
  nodeName: string,
  pending: ReadonlyMap<string, Pending>,
  builder: ProgramBuilder,
  names: Names,
): void {
  const node = nodeNamed(graph, nodeName);
  const { value, waiting } = pending.get(nodeName)!;
  // An activation is part of the next layer's entry; an output has none. Front ends refuse it.
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
