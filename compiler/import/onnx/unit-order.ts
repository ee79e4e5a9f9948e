// A dense layer whose units become an image of channels-first order gets its units in the order that the image is kept in:
// the transpose behind it is not needed then. In: nodes and constants of a network. Out: the same network without such
// transposes.
import type { GraphOutput } from "../../graph/graph.ts";
import type {
  FileNumbers,
  ImportedConstants,
  ImportedNode,
  MultiThresholdNode,
  Quantizer,
} from "../../graph/imported.ts";
import { importedInputsOf } from "../../graph/imported.ts";
import { linearIndices, stridesOf } from "./view.ts";

/** Operators that do the same to every element. */
const UNIFORM: readonly ImportedNode["kind"][] = [
  "relu",
  "relu6",
  "hardtanh",
  "step",
  "sign",
  "leaky_relu",
  "elu",
  "sigmoid",
  "tanh",
  "hardsigmoid",
  "hardswish",
];

type Nodes = Map<string, ImportedNode>;

/**
 * Removes transposes behind dense layers by reordering units; `constants` is changed in place. Reshapes that nothing reads
 * any more stay in.
 */
export function withOrderedUnits(
  nodes: readonly ImportedNode[],
  constants: Map<string, ImportedConstants>,
  outputs: readonly GraphOutput[],
): readonly ImportedNode[] {
  const byName: Nodes = new Map(nodes.map((node) => [node.name, node]));
  const readers = new Map<string, number>();
  const count = (name: string): unknown => readers.set(name, (readers.get(name) ?? 0) + 1);
  for (const node of nodes) importedInputsOf(node).forEach(count);
  for (const { node } of outputs) count(node);
  for (const node of nodes) {
    if (node.kind !== "transpose") continue;
    const chain = chainTo(node.input, byName, readers);
    if (!chain) continue;
    const [dense, ...others] = chain as [ImportedNode, ...ImportedNode[]];
    const { shape } = byName.get(node.input)!;
    const strides = stridesOf(shape);
    const order = linearIndices(
      node.shape,
      node.permutation.map((axis) => strides[axis]!),
    );
    constants.set(dense.name, ordered(constants.get(dense.name)!, order));
    let input = dense.name;
    for (const other of others) {
      if (other.kind === "reshape" || other.kind === "flatten") {
        byName.delete(other.name);
        continue;
      }
      byName.set(other.name, { ...withOrder(other, order), input, shape: dense.shape } as ImportedNode);
      input = other.name;
    }
    const { name, origin } = node;
    byName.set(name, { kind: "reshape", name, origin, input, shape: node.shape, sizes: node.shape });
  }
  return withoutDetours(nodes.flatMap(({ name }) => byName.get(name) ?? []));
}

const isReshape = (node: ImportedNode | undefined): node is ImportedNode & { readonly input: string } =>
  node?.kind === "reshape" || node?.kind === "flatten";

/** A reshape of a reshape reads what that one reads; nodes that nothing reads then are left in. */
function withoutDetours(nodes: readonly ImportedNode[]): readonly ImportedNode[] {
  const byName: Nodes = new Map();
  for (const node of nodes) {
    const before = isReshape(node) ? byName.get(node.input) : undefined;
    byName.set(node.name, isReshape(before) ? ({ ...node, input: before.input } as ImportedNode) : node);
  }
  return [...byName.values()];
}

/** The nodes from a dense layer to `name`, where nothing else reads them and they treat units alike, or one by one. */
function chainTo(
  name: string,
  byName: Nodes,
  readers: ReadonlyMap<string, number>,
): readonly ImportedNode[] | undefined {
  const chain: ImportedNode[] = [];
  for (let at: string = name; ; ) {
    const node = byName.get(at);
    if (!node || readers.get(at) !== 1) return undefined;
    chain.unshift(node);
    if (node.kind === "dense") return chain;
    if (!("input" in node) || !isOrderless(node)) return undefined;
    at = node.input;
  }
}

/** Whether a node's result has its elements where its input has them, and flat where it has numbers for each. */
function isOrderless(node: ImportedNode): boolean {
  if (UNIFORM.includes(node.kind) || node.kind === "reshape" || node.kind === "flatten") return true;
  const isFlat = node.shape.length === 1;
  switch (node.kind) {
    case "norm":
      return isFlat;
    case "affine":
      return isFlat || (node.gain.length === 1 && node.offset.length === 1);
    case "quantize":
      return isFlat || node.quantizer.scale.length === 1;
    case "multithreshold":
      return isFlat || node.channels === 1;
    default:
      return false;
  }
}

const pick = (list: FileNumbers, order: Int32Array): FileNumbers =>
  list.length === 1 ? list : Float64Array.from(order, (index) => list[index]!);

function pickQuantizer(quantizer: Quantizer, order: Int32Array): Quantizer {
  const scale = pick(quantizer.scale, order);
  return quantizer.kind === "bipolar"
    ? { ...quantizer, scale }
    : { ...quantizer, scale, zeroPoint: pick(quantizer.zeroPoint, order) };
}

/** Rows of equal length in another order. */
function rows(list: FileNumbers, order: Int32Array): FileNumbers {
  const each = list.length / order.length;
  const result = new Float64Array(list.length);
  order.forEach((row, i) => {
    result.set(list.subarray(row * each, (row + 1) * each), i * each);
  });
  return result;
}

const ordered = (constants: ImportedConstants, order: Int32Array): ImportedConstants => ({
  weights: rows(constants.weights, order),
  weightQuantizer: constants.weightQuantizer && pickQuantizer(constants.weightQuantizer, order),
  bias: constants.bias && pick(constants.bias, order),
  biasQuantizer: constants.biasQuantizer && pickQuantizer(constants.biasQuantizer, order),
});

function withOrder(node: ImportedNode, order: Int32Array): ImportedNode {
  switch (node.kind) {
    case "norm":
      return {
        ...node,
        scale: pick(node.scale, order),
        bias: pick(node.bias, order),
        mean: pick(node.mean, order),
        variance: pick(node.variance, order),
      };
    case "affine":
      return {
        ...node,
        gain: pick(node.gain, order),
        offset: pick(node.offset, order),
        ...(node.divisor ? { divisor: pick(node.divisor, order) } : {}),
      };
    case "quantize":
      return { ...node, quantizer: pickQuantizer(node.quantizer, order) };
    case "multithreshold":
      return node.channels === 1
        ? node
        : ({ ...node, thresholds: rows(node.thresholds, order) } satisfies MultiThresholdNode);
    default:
      return node;
  }
}
