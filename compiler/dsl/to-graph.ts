// A checked file as the rest of the compiler reads it. In: checked parts. Out: the project with its graph.
import type { Graph, Node, Origin } from "../graph/graph.ts";
import type { HardwareSpec, Project, TrainingSpec } from "../graph/project.ts";
import { verifiedGraph } from "../graph/verify.ts";
import { compilerAssert } from "../support/assert.ts";
import { positionAt, type SourceFile, type Span } from "../support/source-file.ts";
import type { CheckedFile } from "./check.ts";
import type { CheckedModel } from "./check-model.ts";
import type { Signal } from "./signal.ts";

function originOf({ file, start }: Span): Origin {
  return { file: file.name, ...positionAt(file, start) };
}

function toNode({ name, shape, span, inputs, operator, stored }: Signal): Node {
  const base = { name, shape, origin: originOf(span) };
  if (stored) return { kind: "input", ...base, stored };
  compilerAssert(operator, `${name} has no operator`);
  const names = inputs.map((input) => input.name);
  switch (operator.kind) {
    case "add":
    case "subtract":
    case "multiply":
    case "concat":
      return { ...base, ...operator, inputs: names };
    default:
      return { ...base, ...operator, input: names[0]! };
  }
}

/** The graph of a model: the inputs, then the layers in order. */
export function toGraph({ name, inputs, layers, outputs }: CheckedModel): Graph {
  return verifiedGraph({
    name,
    nodes: [...inputs, ...layers].map(toNode),
    outputs: outputs.map((output) => ({ name: output.name, node: output.signal.name })),
  });
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
  const { model, data, hardware, imported } = checked;
  const { layers } = model;
  const training: TrainingSpec = {
    ...checked.training,
    layers: byName(layers, ({ quantization }) => quantization),
    surrogates: byName(layers, ({ gradient }) => gradient),
  };
  const folding: HardwareSpec["folding"] = byName(layers, (layer) => layer.folding);
  return {
    source,
    graph: imported ? imported.graph : toGraph(model),
    ...(imported ? { imported: imported.source } : {}),
    data,
    training,
    hardware: { ...hardware, folding },
    spans: new Map([...model.inputs, ...layers].map(({ name, span }) => [name, span])),
  };
}
