// A model section that names a file: what its input's integers stand for, and the options of its layers. In: its syntax tree
// and a way to the file's network. Out: the same parts as of a model that the text describes, with the weights.
import type { FloatNetwork } from "../graph/first-weights.ts";
import { type ConvOperator, type Graph, inputsOf, type Node } from "../graph/graph.ts";
import type { ImportedSource, LayerQuantization, MadeData } from "../graph/project.ts";
import { product, weightsPerUnit } from "../graph/shapes.ts";
import { DiagnosticError } from "../support/diagnostics.ts";
import type { Span } from "../support/source-file.ts";
import type { InputItem, LayerItem, ModelNode, NameNode } from "./ast.ts";
import { checkPaths, type FileQueries } from "./check-data.ts";
import { type CheckedInput, checkImportedInput, type ImportedInput } from "./check-inputs.ts";
import type { CheckedModel } from "./check-model.ts";
import { readLayerOptions } from "./layer-options.ts";
import type { CheckContext } from "./read-fields.ts";
import type { Signal } from "./signal.ts";
import { nearestWord } from "./spelling.ts";

export interface CheckedImport {
  readonly model: CheckedModel;
  readonly graph: Graph;
  readonly source: ImportedSource;
  /** What stands for data where there are none. */
  readonly made: MadeData;
}

/** Checks a model that comes from a file. Undefined when errors hide the file or its input. */
export function checkImport(
  model: ModelNode,
  from: NameNode,
  queries: FileQueries,
  context: CheckContext,
): CheckedImport | undefined {
  const { collector } = context;
  const inputs = model.items.filter((item) => item.kind === "input");
  const layers = model.items.filter((item) => item.kind === "layer");
  for (const { kind, span } of model.items)
    if (kind === "binding" || kind === "output")
      collector.add("language/stage-in-import", { path: from.text }, { span });
  reportRepeated([...inputs, ...layers], context);
  const values = checkInputs(inputs, context);
  const network = values && networkFrom(from, values, queries, context);
  if (!network || !model.name) return undefined;
  const named = { ...network.graph, name: model.name.text };
  for (const { name } of inputs) checkInputName(name, named, context);
  const items = new Map(layers.map((item) => [item.name?.text ?? "", item]));
  const signals = signalsOf(named, items, model.span, context);
  const weighted = [...network.weights.keys()];
  for (const { name } of layers) {
    if (!name || network.weights.has(name.text)) continue;
    const parameters = { name: name.text, known: weighted, nearest: nearestWord(name.text, weighted) };
    collector.add("language/unknown-layer", { what: "layer", ...parameters }, { span: name.span });
  }
  const ports = [...signals.values()].filter((s): s is CheckedInput => s.kind === "input");
  const made = ports.map(({ name }) => values(name).range);
  return {
    model: {
      name: named.name,
      inputs: ports,
      layers: [...signals.values()].filter(({ kind }) => kind !== "input"),
      outputs: named.outputs.map(({ name, node }) => ({ name, signal: signals.get(node)! })),
    },
    graph: named,
    source: { path: from.text, digest: network.digest, weights: network.weights },
    made: { made: made.map(({ min, max }) => ({ least: min, greatest: max })) },
  };
}

/** What the integers of every input stand for, by its name; undefined after an error. */
function checkInputs(
  items: readonly InputItem[],
  context: CheckContext,
): ((input: string) => ImportedInput) | undefined {
  const errors = context.collector.diagnostics.length;
  const given = new Map(items.map((item) => [item.name?.text, checkImportedInput(item, context)]));
  const otherwise = checkImportedInput(undefined, context)!;
  if (context.collector.diagnostics.length > errors) return undefined;
  return (input) => given.get(input) ?? otherwise;
}

function reportRepeated(items: readonly (InputItem | LayerItem)[], { collector }: CheckContext): void {
  const first = new Map<string, Span>();
  for (const { name, kind } of items) {
    if (!name) continue;
    const key = `${kind} ${name.text}`;
    const before = first.get(key);
    if (!before) first.set(key, name.span);
    else {
      const related = [{ message: "first given here", span: before }];
      const parameters = { subject: "model", key: name.text };
      collector.add("language/duplicate-key", parameters, { span: name.span, related });
    }
  }
}

function networkFrom(
  from: NameNode,
  values: (input: string) => ImportedInput,
  queries: FileQueries,
  context: CheckContext,
): (FloatNetwork & { readonly digest: string }) | undefined {
  const { collector } = context;
  const errors = collector.diagnostics.length;
  checkPaths([from], queries, context);
  if (collector.diagnostics.length > errors) return undefined;
  if (!queries.imported) {
    collector.add("import/unknown-format", { path: from.text, known: [] }, { span: from.span });
    return undefined;
  }
  try {
    return queries.imported(from.text, values);
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    // What is wrong with the file is said at its name.
    for (const d of error.diagnostics) collector.push(d.span ? d : { ...d, span: from.span });
    return undefined;
  }
}

function checkInputName(name: NameNode | undefined, { nodes }: Graph, { collector }: CheckContext): void {
  const known = nodes.filter(({ kind }) => kind === "input").map((node) => node.name);
  if (!name || known.includes(name.text)) return;
  const parameters = { name: name.text, known, nearest: nearestWord(name.text, known) };
  collector.add("language/unknown-layer", { what: "input", ...parameters }, { span: name.span });
}

/** The nodes of the file as values of a model's text, by name; layers with their options. */
function signalsOf(
  { nodes }: Graph,
  items: ReadonlyMap<string, LayerItem>,
  span: Span,
  context: CheckContext,
): Map<string, Signal> {
  const signals = new Map<string, Signal>();
  for (const node of nodes) {
    const inputs = inputsOf(node).map((name) => signals.get(name)!);
    const { name, shape, kind } = node;
    const base = { kind, word: kind, name, named: true, shape, inputs, span };
    signals.set(name, { ...base, ...partsOf(node, inputs, items.get(name), span, context) });
  }
  return signals;
}

function partsOf(
  node: Node,
  inputs: readonly Signal[],
  item: LayerItem | undefined,
  span: Span,
  context: CheckContext,
): Partial<Signal> {
  if (node.kind === "input") return { stored: node.stored };
  if (node.kind !== "dense" && node.kind !== "conv") return { operator: node };
  const [input] = inputs;
  const weights =
    node.kind === "dense"
      ? product(input!.shape)
      : weightsPerUnit(node satisfies ConvOperator, input!.shape.at(-1)!);
  const stage = { options: item?.options ?? [], complete: true, span: item?.span ?? span };
  return { operator: node, ...readLayerOptions(node.name, stage, node.units, input, weights, context) };
}

/** Options of layers that there are no samples of the user's for: full widths where nothing bounds the cost, no pruning. */
export function withoutData(layer: LayerQuantization, isBounded: boolean): LayerQuantization {
  const full = ({ min, max }: { readonly min: number; readonly max: number }) => ({
    min: isBounded ? min : max,
    max,
  });
  return {
    ...layer,
    weights: { ...layer.weights, bits: full(layer.weights.bits) },
    input: { ...layer.input, bits: full(layer.input.bits) },
    prune: false,
  };
}
