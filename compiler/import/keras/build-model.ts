// From layers to nodes. In: who feeds whom, and where the weights lie. Out: the imported model, or everything in it that
// cannot be taken over, at once: every layer's settings are read before the first node is made.
import type { GraphOutput } from "../../graph/graph.ts";
import type { ImportedModel } from "../../graph/imported.ts";
import { createCollector, type Diagnostic, DiagnosticError, fail } from "../../support/diagnostics.ts";
import { fieldOf } from "./json-text.ts";
import { createLayerReader, type ModelSettings } from "./layer-reader.ts";
import { LAYERS, OPERATIONS } from "./layer-table.ts";
import { MAX_MODEL_WEIGHTS } from "./limits.ts";
import { createNodeBuilder, type Value } from "./node-builder.ts";
import type { StoredWeights } from "./tensors.ts";
import type { LayerCall, Topology } from "./topology.ts";
import type { Emit } from "./weighted-layers.ts";

export interface ImportResult {
  readonly model: ImportedModel;
  readonly warnings: readonly Diagnostic[];
}

/** What a file is: its path for messages, "keras 3" for the model, and the major version whose formulas hold. */
export interface FileFormat {
  readonly path: string;
  readonly format: string;
  readonly kerasVersion: number;
}

/** Throws all problems of the model's layers as one DiagnosticError. */
export function buildModel(topology: Topology, weights: StoredWeights, file: FileFormat): ImportResult {
  const { path, kerasVersion } = file;
  const problems = createCollector();
  let spent = 0;
  const spend = (count: number): void => {
    spent += count;
    const parameters = { path, what: "weights of the model", found: spent, limit: MAX_MODEL_WEIGHTS };
    if (spent > MAX_MODEL_WEIGHTS) fail("import/keras-too-large", parameters);
  };
  const settings: ModelSettings = { path, kerasVersion, weights, problems, spend };

  const used = new Set([...topology.calls.values()].flatMap((call) => call.inputs));
  const outputs = new Set(topology.outputs);
  /** Problems of one layer, without ending the others. */
  const collecting = <T>(run: () => T): T | undefined => {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      for (const diagnostic of error.diagnostics) problems.push(diagnostic);
      return undefined;
    }
  };

  const emits = new Map<string, Emit>();
  for (const [key, call] of topology.calls) {
    const isFinal = outputs.has(key) && !used.has(key);
    const emit = collecting(() => readLayer(call, isFinal, settings));
    if (emit) emits.set(key, emit);
  }
  const builder = createNodeBuilder(path);
  const values = new Map<string, Value>();
  for (const [key, call] of topology.calls) {
    const emit = emits.get(key);
    const inputs = call.inputs.map((input) => values.get(input));
    // What stands behind a refused layer has no shape to be checked against.
    if (!emit || !inputs.every((input) => input !== undefined)) continue;
    const name = call.use === 0 ? call.layer.name : `${call.layer.name}/use${call.use + 1}`;
    const value = collecting(() => emit(builder.forLayer(name, call.layer.className), inputs));
    if (value) values.set(key, value);
  }
  problems.throwIfErrors();
  return {
    model: builder.finish(topology.name, file.format, outputsOf(topology, values)),
    warnings: problems.diagnostics,
  };
}

function readLayer(call: LayerCall, isFinal: boolean, settings: ModelSettings): Emit | undefined {
  const { name, className: type, isOperation } = call.layer;
  const { path, problems } = settings;
  const table = isOperation ? OPERATIONS : LAYERS;
  const read = table.get(type);
  if (!read) {
    const parameters = { layer: name, type, supported: [...table.keys()] };
    problems.add("import/keras-unsupported", parameters, { file: path });
    return undefined;
  }
  if (call.extra !== undefined) {
    const option = { option: "an argument of its call", found: call.extra, wanted: "left out" };
    problems.add("import/keras-option", { layer: name, type, ...option }, { file: path });
    return undefined;
  }
  const layer = createLayerReader(call.layer, settings, isFinal);
  // Such layers store whole numbers and their scales in place of a kernel.
  const policy = fieldOf(layer.option("dtype"), "class_name");
  if (typeof policy === "string" && policy.startsWith("Quantized")) layer.refuse("dtype", "float32");
  return read(layer);
}

/** Outputs are named as the layers that make them. */
function outputsOf(topology: Topology, values: ReadonlyMap<string, Value>): readonly GraphOutput[] {
  const names = new Map<string, number>();
  return topology.outputs.map((key) => {
    const { name } = topology.calls.get(key)!.layer;
    const count = (names.get(name) ?? 0) + 1;
    names.set(name, count);
    return { name: count === 1 ? name : `${name}_${count}`, node: values.get(key)!.name };
  });
}
