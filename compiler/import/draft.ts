// A float model while its affines move into its layers. In: an imported model. Out: copies of its nodes and constants that
// may be changed, questions about them, and every constant that is no number.
import type { GraphOutput } from "../graph/graph.ts";
import { type FileNumbers, flippedKernel, type ImportedModel, type ImportedNode } from "../graph/imported.ts";
import { product } from "../graph/shapes.ts";
import type { DiagnosticCollector } from "../support/diagnostics.ts";

/** A node of a float model: nothing of it is quantized. */
export type DraftNode = Exclude<
  ImportedNode,
  { readonly kind: "quantize" | "multithreshold" | "trunc" | "select" | "lookup" }
>;

/** By channel of a tensor: x * gain + offset. */
export interface Affine {
  readonly gain: FileNumbers;
  readonly offset: FileNumbers;
}

export interface DraftConstants {
  readonly weights: FileNumbers;
  readonly bias: FileNumbers;
}

export interface Draft {
  /** In an order in which inputs come before their users. */
  readonly nodes: Map<string, DraftNode>;
  readonly constants: Map<string, DraftConstants>;
  outputs: readonly GraphOutput[];
}

/** Names of the nodes that a node reads. */
export function readBy(node: DraftNode): readonly string[] {
  if (node.kind === "input") return [];
  return "inputs" in node ? node.inputs : [node.input];
}

/** Nodes that read a value, one for each time that they do. */
export function readersOf({ nodes }: Draft, name: string): DraftNode[] {
  return [...nodes.values()].flatMap((node) =>
    readBy(node).flatMap((input) => (input === name ? [node] : [])),
  );
}

/** How often a value is read, as an output too. */
export function readings(draft: Draft, name: string): number {
  return readersOf(draft, name).length + draft.outputs.filter(({ node }) => node === name).length;
}

/** The channels of a node's result. */
export function channelsOf({ shape }: DraftNode): number {
  return shape.at(-1) ?? 1;
}

/** A node that reads other values. */
export function withInputs(node: DraftNode, rename: (input: string) => string): DraftNode {
  if (node.kind === "input") return node;
  if ("inputs" in node) return { ...node, inputs: node.inputs.map(rename) };
  return { ...node, input: rename(node.input) };
}

/** Takes a node with one input out: its readers read that input. */
export function bypass(draft: Draft, name: string): void {
  const { nodes } = draft;
  const [instead] = readBy(nodes.get(name)!) as [string];
  nodes.delete(name);
  for (const [key, node] of nodes) {
    if (readBy(node).includes(name))
      nodes.set(
        key,
        withInputs(node, (input) => (input === name ? instead : input)),
      );
  }
  draft.outputs = draft.outputs.map((output) =>
    output.node === name ? { ...output, node: instead } : output,
  );
}

/** One number for every channel, from one for all or one for each. */
export function byChannel(values: FileNumbers, channels: number): FileNumbers {
  return values.length === channels ? values.slice() : new Float64Array(channels).fill(values[0]!);
}

function isQuantizing({ kind }: ImportedNode): boolean {
  return kind === "quantize" || kind === "multithreshold" || kind === "trunc";
}

/** Names of the nodes that the file quantizes, themselves or their constants. */
export function statedQuantizers({ nodes, constants }: ImportedModel): readonly string[] {
  const isQuantized = (node: ImportedNode): boolean => {
    const { weightQuantizer, biasQuantizer } = constants.get(node.name) ?? {};
    return isQuantizing(node) || Boolean(weightQuantizer ?? biasQuantizer);
  };
  return nodes.filter(isQuantized).map(({ name }) => name);
}

/** Copies a model. Undefined after a quantizer, which a float model has none of; everything that is wrong is reported. */
export function draftOf(model: ImportedModel, problems: DiagnosticCollector): Draft | undefined {
  const constants = new Map<string, DraftConstants>();
  const finite = (node: ImportedNode, what: string, values: FileNumbers | null): void => {
    if (!values || values.every((x) => Number.isFinite(Math.fround(x)))) return;
    problems.add("import/not-a-number", { node: node.name, what }, { file: node.origin.file });
  };
  for (const node of model.nodes) {
    const place = { file: node.origin.file };
    if (node.kind === "select" || node.kind === "lookup")
      problems.add("import/only-quantized", { node: node.name, kind: node.kind }, place);
    if (isQuantizing(node)) problems.add("import/quantizer-in-float", { node: node.name }, place);
    if (node.kind === "affine") {
      finite(node, "a factor", node.gain);
      finite(node, "an offset", node.offset);
    }
    if (node.kind === "norm") {
      const { scale, bias, mean, variance, epsilon } = node;
      for (const values of [scale, bias, mean]) finite(node, "a batch-norm's constant", values);
      finite(
        node,
        "a batch-norm's deviation",
        variance.map((v) => 1 / Math.sqrt(v + epsilon)),
      );
    }
    if (node.kind !== "dense" && node.kind !== "conv") continue;
    const { weights, bias, weightQuantizer, biasQuantizer } = model.constants.get(node.name)!;
    if (weightQuantizer || biasQuantizer)
      problems.add("import/quantizer-in-float", { node: node.name }, place);
    finite(node, "a weight", weights);
    finite(node, "a bias", bias);
    constants.set(node.name, {
      weights:
        node.kind === "conv" && node.transposed
          ? flippedKernel(weights, node.units, node.kernel)
          : weights.slice(),
      bias: bias ? byChannel(bias, node.units) : new Float64Array(node.units),
    });
  }
  if (problems.hasErrors()) return undefined;
  const nodes = new Map(model.nodes.map((node) => [node.name, node as DraftNode]));
  return { nodes, constants, outputs: model.outputs };
}

/** Takes out what no output needs. The input stays. */
export function prune(draft: Draft): void {
  const needed = new Set(draft.outputs.map(({ node }) => node));
  for (const name of needed) for (const input of readBy(draft.nodes.get(name)!)) needed.add(input);
  for (const [name, { kind }] of draft.nodes)
    if (kind !== "input" && !needed.has(name)) draft.nodes.delete(name);
}

/** Whether every element of a node's result is a channel. */
export function isFlat(node: DraftNode): boolean {
  return product(node.shape) === channelsOf(node);
}
