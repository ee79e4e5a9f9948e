// The float graph: named nodes with shapes, in an order in which inputs come before their users, and the place
// in the user's text that each came from. Front ends make it, training and lowering read it.

import type { Expression } from "./expression.ts";

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

/** One number for each spatial axis: rows and columns of an image, positions of a sequence. */
export type Sizes = readonly number[];

/** What stands before and after a tensor on each of the axes that it is about; the operator says what it means. */
export interface Padding {
  readonly before: Sizes;
  readonly after: Sizes;
}

interface OneInput extends NodeBase {
  readonly input: string;
}

interface SeveralInputs extends NodeBase {
  readonly inputs: readonly string[];
}

/** Every unit is a weighted sum of all elements, and a bias. */
export interface DenseOperator {
  readonly kind: "dense";
  readonly units: number;
}

/**
 * Every unit is a weighted sum over a window of the positions and the channels of its group, and a bias. Channels and
 * units fall into `groups` equal parts in their order; depthwise: a group for each channel. `padding` zeros stand
 * around the input. Transposed: every position adds its weighted window to the result, `strides` apart; `padding` is
 * then cut off the result, and a negative `after` adds to it.
 */
export interface ConvOperator {
  readonly kind: "conv";
  readonly transposed: boolean;
  readonly units: number;
  readonly kernel: Sizes;
  readonly strides: Sizes;
  readonly dilations: Sizes;
  readonly padding: Padding;
  readonly groups: number;
}

/**
 * The largest or the mean of each window, channel by channel. Padding is no candidate of the largest, and zeros that
 * count for the mean. A global pool has a window of the whole size.
 */
export interface PoolOperator {
  readonly kind: "pool";
  readonly pooling: "max" | "average";
  readonly window: Sizes;
  readonly strides: Sizes;
  readonly padding: Padding;
}

/**
 * relu: max(0, x). hardtanh: x clamped to [-1, 1]. step: 1 where x >= 0, else 0. sign: 1 where x >= 0, else -1.
 * `batchnorm` stands behind a dense or a conv.
 */
export interface UnaryOperator {
  readonly kind: "relu" | "hardtanh" | "step" | "sign" | "batchnorm" | "flatten" | "argmax";
}

/** relu6: x clamped to [0, 6]. hardsigmoid: x / 6 + 1/2 clamped to [0, 1]. hardswish: x * hardsigmoid(x). */
export interface CurveOperator {
  readonly kind: "relu6" | "hardsigmoid" | "hardswish" | "sigmoid" | "tanh";
}

/** x where x >= 0, else slope * x. */
export interface LeakyReluOperator {
  readonly kind: "leaky_relu";
  readonly slope: number;
}

/** A formula of x, made into a table. */
export interface FormulaOperator {
  readonly kind: "curve";
  /** As written. */
  readonly formula: string;
  readonly body: Expression;
}

/** A part of every axis: `sizes` elements from `begin` on. */
export interface SliceOperator {
  readonly kind: "slice";
  readonly begin: readonly number[];
  readonly sizes: readonly number[];
}

/** `value` around the tensor; `padding` is of every axis. */
export interface PadOperator {
  readonly kind: "pad";
  readonly padding: Padding;
  readonly value: number;
}

/** The same elements in row-major order, in another shape. */
export interface ReshapeOperator {
  readonly kind: "reshape";
  readonly sizes: readonly number[];
}

/** Axis i of the result is axis permutation[i] of the input. */
export interface TransposeOperator {
  readonly kind: "transpose";
  readonly permutation: readonly number[];
}

/** Every position is repeated `factors` times on each spatial axis (nearest neighbour). */
export interface UpsampleOperator {
  readonly kind: "upsample";
  readonly factors: Sizes;
}

/** Element by element, of two tensors of one shape; or the second has one value for each channel of the first. */
export interface ArithmeticOperator {
  readonly kind: "add" | "subtract" | "multiply";
}

/** Two or more tensors one behind the other along `axis`, counted from 0. */
export interface ConcatOperator {
  readonly kind: "concat";
  readonly axis: number;
}

/** What takes one tensor. */
export type SingleOperator =
  | DenseOperator
  | ConvOperator
  | PoolOperator
  | UnaryOperator
  | CurveOperator
  | LeakyReluOperator
  | FormulaOperator
  | SliceOperator
  | PadOperator
  | ReshapeOperator
  | TransposeOperator
  | UpsampleOperator;

/** What takes several tensors. */
export type JoinOperator = ArithmeticOperator | ConcatOperator;

/** What a node does, with every attribute resolved, apart from its name and where its inputs come from. */
export type Operator = SingleOperator | JoinOperator;
export type OperatorKind = Operator["kind"];

export type DenseNode = OneInput & DenseOperator;
export type ConvNode = OneInput & ConvOperator;
export type PoolNode = OneInput & PoolOperator;
export type UnaryNode = OneInput & UnaryOperator;
export type JoinNode = SeveralInputs & JoinOperator;

export type Node = InputNode | (OneInput & SingleOperator) | JoinNode;

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

/** Names of the nodes that a node reads, in order: none of an input. */
export function inputsOf(node: Node): readonly string[] {
  if (node.kind === "input") return [];
  return "inputs" in node ? node.inputs : [node.input];
}
