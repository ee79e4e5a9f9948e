// What of a graph is trained: a chain of dense layers, each with what is done to the tensor that enters it. In: a
// graph. Out: the chain, or a diagnostic for every node that does not fit one.
import { type Graph, type InputNode, inputsOf, type Node } from "../graph/graph.ts";
import { assertNever } from "../support/assert.ts";
import { createCollector } from "../support/diagnostics.ts";

/** What stands between a layer's sums (or the input) and the quantizer of the tensor that enters the next layer. */
export type Activation = "none" | "relu" | "hardtanh" | "step" | "sign";

/** A dense layer of the chain together with the tensor that enters it, which gets a quantizer of its own. */
export interface ChainLayer {
  readonly node: string;
  readonly inputs: number;
  readonly units: number;
  /** Of the entering tensor; its quantizer clamps where the activation does. */
  readonly activation: Activation;
  /** The activation's node, or the layer's own where there is none. */
  readonly activationNode: string;
  /** Whether the entering tensor may be negative. */
  readonly signed: boolean;
  /** Whether the sums before the entering tensor are normalised; then thresholds make it. */
  readonly enteringNormalized: boolean;
  /** Whether a batch-norm follows the layer's sums. The layer has no bias then. */
  readonly batchNorm: boolean;
}

export interface Chain {
  readonly input: InputNode;
  readonly elements: number;
  readonly layers: readonly ChainLayer[];
  /** Units of the last layer: classes, or outputs of a regression. */
  readonly outputs: number;
}

/** Multiplications of one inference in a layer. */
export function macsOf(layer: Pick<ChainLayer, "inputs" | "units">): number {
  return layer.inputs * layer.units;
}

type OpenLayer = { -readonly [K in keyof ChainLayer]: ChainLayer[K] };

/** The chain of a graph. Throws `train/unsupported` for every node that is in the way of one. */
export function chainOf(graph: Graph): Chain {
  const problems = createCollector();
  const refuse = (node: Node, feature: string): void =>
    problems.add(
      "train/unsupported",
      { node: node.name, feature, ...node.origin },
      { file: node.origin.file },
    );

  let input: InputNode | undefined;
  let before: Node | undefined;
  const layers: OpenLayer[] = [];
  /** What the next dense gets. */
  let entering = { activation: "none" as Activation, node: "", signed: false, normalized: false };
  let lastDense: Node | undefined;
  let ended = false;
  for (const node of graph.nodes) {
    if (node.kind === "input") {
      if (input) refuse(node, "more than one input");
      input ??= node;
      before = node;
      entering = { activation: "none", node: node.name, signed: node.stored.signed, normalized: false };
      continue;
    }
    const inputs = inputsOf(node);
    if (inputs.length !== 1 || inputs[0] !== before?.name)
      refuse(node, "a value that is used twice, or a branch");
    if (ended) refuse(node, "a layer after argmax");
    const layer = layers.at(-1);
    switch (node.kind) {
      case "dense": {
        const shape = graph.nodes.find((n) => n.name === inputs[0])?.shape ?? [];
        if (shape.length !== 1) refuse(node, `dense on a ${shape.join("x")} tensor; flatten it first`);
        if (layer?.batchNorm && entering.activation === "none")
          refuse(node, "dense directly after a batchnorm; an activation belongs between them");
        layers.push({
          node: node.name,
          inputs: shape[0] ?? 1,
          units: node.units,
          activation: entering.activation,
          activationNode: entering.node,
          signed: entering.signed,
          enteringNormalized: entering.normalized,
          batchNorm: false,
        });
        entering = { activation: "none", node: node.name, signed: true, normalized: false };
        lastDense = node;
        break;
      }
      case "batchnorm":
        if (!layer || before?.kind !== "dense") refuse(node, "a batchnorm that does not follow a dense");
        else layer.batchNorm = true;
        entering.normalized = true;
        break;
      case "relu":
      case "hardtanh":
      case "step":
      case "sign":
        if (before?.kind !== "dense" && before?.kind !== "batchnorm")
          refuse(node, `${node.kind} that does not follow a dense or its batchnorm`);
        entering = {
          ...entering,
          activation: node.kind,
          node: node.name,
          signed: node.kind === "hardtanh" || node.kind === "sign",
        };
        break;
      case "argmax":
        ended = true;
        break;
      case "flatten":
        break;
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
        refuse(node, node.kind);
        break;
      default:
        assertNever(node, "chain");
    }
    before = node;
  }
  if (lastDense && entering.activation !== "none")
    refuse(lastDense, "an activation after the last dense layer");
  if (lastDense && layers.at(-1)!.batchNorm) refuse(lastDense, "a batchnorm after the last dense layer");
  const place = graph.nodes[0];
  if (!input || !lastDense)
    problems.add("train/nothing-to-train", { model: graph.name }, place ? { file: place.origin.file } : {});
  graph.outputs.forEach((output, i) => {
    const at = graph.nodes.findIndex((n) => n.name === output.node);
    const from = lastDense ? graph.nodes.indexOf(lastDense) : -1;
    const node = graph.nodes[at];
    if (node && i > 0) refuse(node, "more than one output");
    else if (node && at < from) refuse(node, "an output before the last dense layer");
  });
  problems.throwIfErrors();
  return {
    input: input!,
    elements: input!.shape.reduce((a, b) => a * b, 1),
    layers,
    outputs: layers.at(-1)!.units,
  };
}
