// The float graph: named nodes with shapes, in an order in which inputs come before their users, and the place
// in the user's text that each came from. Front ends make it, training and lowering read it.

/** Where a node came from, for messages and generated headers. One-based. */
export interface Origin {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** The stored integers of an input: value = integer * 2^-fraction. An 8-bit image is {signed: false, width: 8, fraction: 8}. */
export interface StoredType {
  readonly signed: boolean;
  readonly width: number;
  readonly fraction: number;
}

interface NodeBase {
  /** Unique in the graph; any non-empty string. */
  readonly name: string;
  /** Shape of the result, channels last. */
  readonly shape: readonly number[];
  readonly origin: Origin;
}

export interface InputNode extends NodeBase {
  readonly kind: "input";
  readonly stored: StoredType;
}

export interface DenseNode extends NodeBase {
  readonly kind: "dense";
  readonly input: string;
  readonly units: number;
}

/**
 * relu: max(0, x). hardtanh: x clamped to [-1, 1]. step: 1 where x >= 0, else 0. sign: 1 where x >= 0, else -1.
 * `batchnorm` stands between a dense and its activation.
 */
export interface UnaryNode extends NodeBase {
  readonly kind: "relu" | "hardtanh" | "step" | "sign" | "batchnorm" | "flatten" | "argmax";
  readonly input: string;
}

export type Node = InputNode | DenseNode | UnaryNode;

export interface GraphOutput {
  readonly name: string;
  readonly node: string;
}

export interface Graph {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly outputs: readonly GraphOutput[];
}

/** The named node; a bug when it is missing from a checked graph. */
export function nodeNamed(graph: Graph, name: string): Node {
  const found = graph.nodes.find((n) => n.name === name);
  if (!found) throw new Error(`the graph has no node ${name}`);
  return found;
}
