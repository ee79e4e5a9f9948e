// A checked file as the rest of the compiler reads it. In: checked parts. Out: the project with its graph.
import type { Graph, Node, Origin } from "../graph/graph.ts";
import type { HardwareSpec, Project, TrainingSpec } from "../graph/project.ts";
import { assertNever, compilerAssert } from "../support/assert.ts";
import { positionAt, type SourceFile, type Span } from "../support/source-file.ts";
import type { CheckedFile } from "./check.ts";
import type { CheckedModel } from "./check-model.ts";
import type { Signal } from "./signal.ts";

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
    case "hardtanh":
    case "step":
    case "sign":
    case "batchnorm":
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

/**
 * What the layers have of one kind, by name. Without a prototype, so that a layer named "constructor" has nothing it
 * did not ask for.
 */
function byName<T>(layers: readonly Signal[], part: (layer: Signal) => T | undefined): Record<string, T> {
  const parts = layers.flatMap((layer) => {
    const found = part(layer);
    return found === undefined ? [] : [[layer.name, found] as const];
  });
  return Object.setPrototypeOf(Object.fromEntries(parts), null);
}

/** Puts the checked parts of a file together. */
export function toProject(source: SourceFile, checked: CheckedFile): Project {
  const { model, data, hardware } = checked;
  const { layers } = model;
  const training: TrainingSpec = {
    ...checked.training,
    layers: byName(layers, ({ quantization }) => quantization),
    surrogates: byName(layers, ({ gradient }) => gradient),
  };
  const folding: HardwareSpec["folding"] = byName(layers, (layer) => layer.folding);
  return {
    source,
    graph: toGraph(model),
    data,
    training,
    hardware: { ...hardware, folding },
    spans: new Map([model.input, ...layers].map(({ name, span }) => [name, span])),
  };
}
