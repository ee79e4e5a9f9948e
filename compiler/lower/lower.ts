// Trained graph -> integer program. Copies frozen mantissas; never rounds a float. Each dense layer becomes the
// requantization of its input (with the ReLU before it, if any) and the product with its accumulators.
import { type Graph, type Node, nodeNamed } from "../graph/graph.ts";
import type { TrainedDense, TrainedGraph } from "../graph/trained-graph.ts";
import { createProgramBuilder, intFormat, type ProgramBuilder } from "../program/builder.ts";
import type { Program } from "../program/program.ts";
import { assertNever, compilerAssert } from "../support/assert.ts";

/** A node's value while its consumer is not known yet: ReLU waits for the requantization that clamps. */
interface Pending {
  readonly value: string;
  readonly relu: boolean;
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
    return { value: builder.input({ name: node.name, shape: node.shape, format }), relu: false };
  }
  const source = pending.get(node.input);
  compilerAssert(source, `lower: ${node.name} comes before its input`);
  switch (node.kind) {
    case "relu":
      return { value: source.value, relu: true };
    case "flatten":
      return {
        value: builder.flatten({ layer: node.name, name: node.name, input: source.value }),
        relu: source.relu,
      };
    case "dense": {
      const layer = layers.get(node.name);
      compilerAssert(layer, `lower: layer ${node.name} is not trained`);
      const { signed, width, fraction } = layer.activationFormat;
      const input = builder.requantize({
        layer: node.name,
        name: names.derived(node.name, "input"),
        input: source.value,
        format: intFormat(signed, width, fraction),
        activation: source.relu ? "relu" : "none",
      });
      const { weightFormat: w } = layer;
      const weights = {
        units: layer.units,
        data: layer.weights,
        format: intFormat(w.signed, w.width, w.fraction),
      };
      const value = builder.dense({ layer: node.name, name: node.name, input, weights, bias: layer.bias });
      return { value, relu: false };
    }
    case "argmax":
      // The order of the largest is the same before and after a ReLU only where it is positive.
      compilerAssert(!source.relu, "lower: argmax takes a layer's sums");
      return {
        value: builder.argmax({ layer: node.name, name: node.name, input: source.value }),
        relu: false,
      };
    default:
      return assertNever(node, "lower");
  }
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
  const { value, relu } = pending.get(nodeName)!;
  // A ReLU becomes the clamp of the next layer's requantization; an output has none. Front ends refuse it.
  compilerAssert(!relu, `lower: output ${name} ends in a relu`);
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
