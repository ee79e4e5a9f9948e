// A checked file as the rest of the compiler reads it. In: checked parts. Out: the project with its graph.
import type { Graph, Node, Origin } from "../graph/graph.ts";
import type { HardwareSpec, Project } from "../graph/project.ts";
import { assertNever, compilerAssert } from "../support/assert.ts";
import { positionAt, type SourceFile, type Span } from "../support/source-file.ts";
import type { CheckedFile } from "./check.ts";
import type { CheckedModel } from "./check-model.ts";
import type { Signal } from "./stages.ts";

function originOf({ file, start }: Span): Origin {
  return { file: file.name, ...positionAt(file, start) };
}

function toNode(layer: Signal): Node {
  const { kind, name, shape, units } = layer;
  const base = { name, shape, origin: originOf(layer.span), input: layer.input!.name };
  switch (kind) {
    case "dense":
      compilerAssert(units !== undefined, `dense ${name} has no units`);
      return { kind, ...base, units };
    case "relu":
    case "flatten":
    case "argmax":
      return { kind, ...base };
    case "input":
      throw new Error("an input is no layer");
    default:
      return assertNever(kind, "stage");
  }
}

/** The graph of a model: the input, then the layers in order. */
export function toGraph({ name, input, layers, output }: CheckedModel): Graph {
  const { shape, stored } = input;
  const first: Node = { kind: "input", name: input.name, shape, stored, origin: originOf(input.span) };
  return {
    name,
    nodes: [first, ...layers.map(toNode)],
    outputs: [{ name: output.name, node: output.signal.name }],
  };
}

/** PE and SIMD by layer. Without a prototype, so that a layer named "constructor" has no folding it did not ask for. */
function foldingOf(layers: readonly Signal[]): HardwareSpec["folding"] {
  const wished = layers.flatMap(({ name, folding }) => (folding ? [[name, folding] as const] : []));
  return Object.setPrototypeOf(Object.fromEntries(wished), null);
}

/** Puts the checked parts of a file together. */
export function toProject(source: SourceFile, checked: CheckedFile): Project {
  const { model, data, training, hardware } = checked;
  return {
    source,
    graph: toGraph(model),
    data,
    training,
    hardware: { ...hardware, folding: foldingOf(model.layers) },
    spans: new Map([model.input, ...model.layers].map(({ name, span }) => [name, span])),
  };
}
