// The network under construction: nodes of the imported model, and tensors of the file as views of their results.
// Elements are moved only where an operator needs another order than the memory has.
import type { Origin } from "../../graph/graph.ts";
import type { ImportedConstants, ImportedNode, LanguageNode } from "../../graph/imported.ts";
import { inferShape, product } from "../../graph/shapes.ts";
import { createDiagnostic, DiagnosticError } from "../../support/diagnostics.ts";
import { type Allowance, type Constant, elementsOf, spend } from "./constant.ts";
import { flatView, isInOrder, linearIndices, stridesOf, type View } from "./view.ts";

/** A tensor that depends on the inputs. */
export interface Tensor {
  readonly kind: "tensor";
  /** The node whose result holds its elements. */
  readonly node: string;
  readonly view: View;
  /** Where the file holds integers in place of the node's numbers: file = node / scale + zeroPoint. */
  readonly grid: Grid | null;
  /** The operator of the file that rearranged the view last, where the elements are still as they were. */
  readonly movedBy?: Maker | undefined;
  /** Whether the file has made integers of floats, as the places of a table are. */
  readonly truncated?: boolean;
}

/** One number each, or one for each element of the last axis of the node's shape. */
export interface Grid {
  readonly scale: Constant;
  readonly zeroPoint: Constant;
}

/** A node without what the network adds to it. */
type Bare<N> = N extends unknown ? Omit<N, "name" | "shape" | "origin"> : never;
export type BareNode = Bare<Exclude<ImportedNode, { readonly kind: "input" }>>;
/** One whose shape is that of its input. */
type BareElementwise = Extract<
  BareNode,
  {
    readonly kind: "norm" | "affine" | "quantize" | "multithreshold" | "trunc" | "elu" | "lookup";
  }
>;

/** Who makes a node, for its name and for messages. */
export interface Maker {
  readonly name: string;
  readonly operator: string;
  readonly origin: Origin;
  /** The layer that the file says; undefined where it says none. */
  readonly layer?: string | undefined;
}

export interface Network {
  readonly nodes: readonly ImportedNode[];
  readonly constants: Map<string, ImportedConstants>;
  readonly allowance: Allowance;
  nodeNamed(name: string): ImportedNode;
  addInput(name: string, shape: readonly number[], origin: Origin, stored: InputStored): string;
  /** Adds a node; throws import/does-not-fit. Returns its name: the maker's, or one like it. */
  add(maker: Maker, node: BareNode, suffix?: string): string;
  /** The node whose row-major result has an axis for each group of factors, in this order. */
  arranged(maker: Maker, tensor: Tensor, groups: readonly (readonly number[])[]): string;
  /** The tensor with its elements in the file's order, a factor for each axis. */
  inFileOrder(maker: Maker, tensor: Tensor): Tensor;
  /** The tensor with some factors as the last axis of its node, and others before them. */
  withLast(maker: Maker, tensor: Tensor, last: readonly number[]): Tensor;
}

type InputStored = Extract<ImportedNode, { readonly kind: "input" }>["stored"];

export function createNetwork(allowance: Allowance): Network {
  const nodes: ImportedNode[] = [];
  const byName = new Map<string, ImportedNode>();
  const constants = new Map<string, ImportedConstants>();
  const arrangements = new Map<string, string>();

  const counts = new Map<string, number>();

  const freeName = (wanted: string): string => {
    let name = wanted;
    let count = counts.get(wanted) ?? 1;
    while (byName.has(name)) name = `${wanted}.${++count}`;
    counts.set(wanted, count);
    return name;
  };
  const push = (node: ImportedNode): string => {
    nodes.push(node);
    byName.set(node.name, node);
    return node.name;
  };
  const nodeNamed = (name: string): ImportedNode => byName.get(name)!;

  const add: Network["add"] = (maker, node, suffix = "") => {
    const shapes = inputNames(node).map((name) => nodeNamed(name).shape);
    const shape = isElementwise(node)
      ? shapes[0]!
      : node.kind === "select"
        ? [node.indices.length]
        : shapeOf(maker, node, shapes);
    const name = freeName(`${maker.name}${suffix}`);
    const { origin, layer } = maker;
    return push({ ...node, name, shape, origin, ...(layer === undefined ? {} : { layer }) } as ImportedNode);
  };

  const arranged: Network["arranged"] = (reader, { node, view, movedBy }, groups) => {
    const { factors } = view;
    const order = groups.flat();
    const shape = groups.map((group) => product(group.map((factor) => factors[factor]!)));
    const key = JSON.stringify([node, order.map((f) => factors[f]!), order, shape]);
    const known = arrangements.get(key);
    if (known !== undefined) return known;
    let result = node;
    // Called as the operator that asked for it, or after the one that needs it.
    const maker = movedBy ?? reader;
    const suffix = (text: string): string => (movedBy ? "" : text);
    const reshape = (sizes: readonly number[]): void => {
      const found = nodeNamed(result).shape;
      if (found.length === sizes.length && found.every((size, i) => size === sizes[i])) return;
      result =
        sizes.length === 1
          ? add(maker, { kind: "flatten", input: result }, suffix(".flat"))
          : add(maker, { kind: "reshape", input: result, sizes }, suffix(".reshaped"));
    };
    const runs = runsOf(order);
    if (runs.length > 1) {
      const memory = runs.toSorted((a, b) => a[0]! - b[0]!);
      reshape(memory.map((run) => product(run.map((factor) => factors[factor]!))));
      const permutation = runs.map((run) => memory.indexOf(run));
      result = add(maker, { kind: "transpose", input: result, permutation }, suffix(".transposed"));
    }
    reshape(shape);
    arrangements.set(key, result);
    return result;
  };

  const withLast: Network["withLast"] = (maker, tensor, last) => {
    const { factors, axes } = tensor.view;
    const rest = factors.map((_, factor) => factor).filter((factor) => !last.includes(factor));
    const inPlace = [...rest, ...last].every((factor, i) => factor === i);
    const size = product(last.map((factor) => factors[factor]!));
    if (inPlace && nodeNamed(tensor.node).shape.at(-1) === size) return tensor;
    const order = [...rest, ...last];
    return {
      ...tensor,
      node: arranged(maker, tensor, [...rest.map((factor) => [factor]), last]),
      view: {
        ...tensor.view,
        factors: order.map((factor) => factors[factor]!),
        axes: axes.map((axis) => axis.map((factor) => order.indexOf(factor))),
      },
    };
  };

  return {
    nodes,
    constants,
    allowance,
    nodeNamed,
    add,
    arranged,
    withLast,
    addInput: (name, shape, origin, stored) =>
      push({ kind: "input", name: freeName(name), shape, origin, stored }),
    inFileOrder(maker, tensor) {
      const { view } = tensor;
      const dims = view.axes.map((axis) => product(axis.map((factor) => view.factors[factor]!)));
      const flat = flatView(dims, view.batch);
      if (isInOrder(view)) return { ...tensor, view: flat };
      const groups = view.axes.filter((axis) => axis.length > 0);
      return { ...tensor, node: arranged(maker, tensor, groups), view: flat };
    },
  };
}

const inputNames = (node: BareNode): readonly string[] => ("inputs" in node ? node.inputs : [node.input]);

const ELEMENTWISE: readonly string[] = [
  "norm",
  "affine",
  "quantize",
  "multithreshold",
  "trunc",
  "elu",
  "lookup",
];
const isElementwise = (node: BareNode): node is BareElementwise => ELEMENTWISE.includes(node.kind);

function shapeOf(
  maker: Maker,
  node: Bare<LanguageNode>,
  shapes: readonly (readonly number[])[],
): readonly number[] {
  const result = inferShape(node, shapes, maker.operator);
  if ("shape" in result) return result.shape;
  throw new DiagnosticError(
    result.problems.map(({ code, parameters }) => {
      const { message, hint = "" } = createDiagnostic(code, parameters as never);
      return createDiagnostic("import/does-not-fit", {
        node: maker.name,
        operator: maker.operator,
        problem: message,
        advice: hint,
      });
    }),
  );
}

/** Factors that follow each other in memory, as few runs as there are. */
function runsOf(order: readonly number[]): readonly (readonly number[])[] {
  const runs: number[][] = [];
  for (const factor of order) {
    const run = runs.at(-1);
    if (run && run.at(-1) === factor - 1) run.push(factor);
    else runs.push([factor]);
  }
  return runs;
}

/** Constants of the file beside a tensor: which factors they differ along, and their numbers in memory order. */
export interface Alongside {
  /** The tensor with those factors as the last axis of its node; unchanged where the constants are one number each. */
  readonly tensor: Tensor;
  /** Of each constant: one number, or one for each element of the last axis. */
  readonly numbers: readonly Float64Array[];
}

/**
 * Lines constants up with a tensor that they broadcast to. Undefined where the result would be larger than the tensor.
 * `always`: one number for each element of the last axis in any case.
 */
export function alongside(
  network: Network,
  maker: Maker,
  given: Tensor,
  constants: readonly Constant[],
  always?: readonly number[],
): Alongside | undefined {
  const { axes, factors } = given.view;
  const used = new Set<number>(always);
  const numbers = constants.map((constant) => constant.numbers());
  const vary = numbers.map((list) => list.some((value) => !Object.is(value, list[0])));
  for (const [i, { dims }] of constants.entries()) {
    if (elementsOf(dims) === 0) return undefined;
    const lead = axes.length - dims.length;
    for (const [axis, size] of dims.entries()) {
      if (size === 1) continue;
      const own = axes[axis + lead];
      if (!own || product(own.map((factor) => factors[factor]!)) !== size) return undefined;
      if (vary[i]) for (const factor of own) used.add(factor);
    }
  }
  if (used.size === 0 && !always) return { tensor: given, numbers: numbers.map((list) => list.slice(0, 1)) };
  const last = [...used].sort((a, b) => a - b);
  const tensor = network.withLast(maker, given, last);
  const sizes = last.map((factor) => factors[factor]!);
  return {
    tensor,
    numbers: constants.map(({ dims }, i) => {
      spend(network.allowance, sizes);
      if (!vary[i]) return new Float64Array(product(sizes)).fill(numbers[i]![0]!);
      const indices = linearIndices(sizes, stepsOf(dims, last, given.view));
      return Float64Array.from(indices, (index) => numbers[i]![index]!);
    }),
  };
}

/** How far a step along each factor goes in the constant. */
function stepsOf(dims: readonly number[], along: readonly number[], { axes, factors }: View): number[] {
  const strides = stridesOf(dims);
  return along.map((factor) => {
    const axis = axes.findIndex((own) => own.includes(factor));
    const own = axes[axis]!;
    const at = axis - (axes.length - dims.length);
    if (at < 0 || dims[at] === 1) return 0;
    return strides[at]! * product(own.slice(own.indexOf(factor) + 1).map((f) => factors[f]!));
  });
}
