// Operators of several tensors: Add, Sub and Mul of two of one shape or of one that has a value for each channel of the
// other, and Concat.
import { axisOf, type Call, intAttribute, operand, type Reader, refuse, tensorOperand } from "../call.ts";
import { constantOf, sameDims } from "../constant.ts";
import type { Network, Tensor } from "../network.ts";
import { FLOAT } from "../tensors.ts";
import { reshaped, sizeOf, type View, viewOf, withAxes } from "../view.ts";
import { affine, withConstant } from "./elementwise.ts";
import { sameGrid } from "./grids.ts";

const KINDS = { Add: "add", Sub: "subtract", Mul: "multiply" } as const;

const arithmetic =
  (operator: "Add" | "Sub" | "Mul" | "Div"): Reader =>
  (call) => {
    const simple = withConstant(call, operator);
    if (simple) return [simple];
    if (operator === "Div")
      return refuse(call, "it divides by a tensor that depends on the input", "only constants divide");
    return [joined(call, operator, tensorOperand(call, 0), tensorOperand(call, 1))];
  };

/** With as many axes of size one in front as make `rank` of them. */
function withRank(tensor: Tensor, rank: number): Tensor {
  const { axes } = tensor.view;
  const keep = [...Array.from({ length: rank - axes.length }, () => -1), ...axes.keys()];
  return { ...tensor, view: withAxes(tensor.view, keep) };
}

const sizesOf = (view: View): number[] => view.axes.map((_, axis) => sizeOf(view, axis));

function joined(call: Call, operator: "Add" | "Sub" | "Mul", a: Tensor, b: Tensor): Tensor {
  const rank = Math.max(a.view.axes.length, b.view.axes.length);
  const [first, second] = [withRank(a, rank), withRank(b, rank)];
  const [x, y] = [sizesOf(first.view), sizesOf(second.view)];
  const kind = KINDS[operator];
  if (sameDims(x, y)) {
    const [left, right] = matched(call, first, second);
    const inputs = alike(call, left, right);
    return { ...left, node: call.network.add(call, { kind, inputs }) };
  }
  if (y.every((size, i) => size === x[i] || size === 1)) return gated(call, kind, first, second);
  if (!x.every((size, i) => size === y[i] || size === 1))
    refuse(
      call,
      `it joins tensors of the shapes ${x.join("x")} and ${y.join("x")}`,
      "make both of one shape, or one of them a single value for each channel",
    );
  const swapped = gated(call, kind, second, first);
  return operator === "Sub"
    ? affine(call, swapped, { gain: constantOf([], FLOAT, Float64Array.of(-1)) }, ".negated")
    : swapped;
}

/** Both tensors with the same factors along every axis. */
function matched(call: Call, a: Tensor, b: Tensor): readonly [Tensor, Tensor] {
  const pieces: number[] = [];
  const counts: number[] = [];
  for (const [axis, own] of a.view.axes.entries()) {
    const found = commonPieces(
      own.map((factor) => a.view.factors[factor]!),
      b.view.axes[axis]!.map((factor) => b.view.factors[factor]!),
    );
    if (!found) return matched(call, call.network.inFileOrder(call, a), call.network.inFileOrder(call, b));
    pieces.push(...found);
    counts.push(found.length);
  }
  const split = (tensor: Tensor): Tensor => {
    const fine = reshaped(tensor.view, pieces, -1)!;
    let at = 0;
    const axes = counts.map((count) => {
      at += count;
      return fine.axes.slice(at - count, at).flat();
    });
    return { ...tensor, view: { factors: fine.factors, axes, batch: tensor.view.batch } };
  };
  return [split(a), split(b)];
}

/** Sizes that both lists can be cut into; undefined where they cut across each other. */
function commonPieces(a: readonly number[], b: readonly number[]): readonly number[] | undefined {
  const pieces: number[] = [];
  const [left, right] = [[...a], [...b]];
  while (left.length > 0 && right.length > 0) {
    const [x, y] = [left[0]!, right[0]!];
    const take = Math.min(x, y);
    if (Math.max(x, y) % take !== 0) return undefined;
    pieces.push(take);
    if (x === take) left.shift();
    else left[0] = x / take;
    if (y === take) right.shift();
    else right[0] = y / take;
  }
  return pieces;
}

/** The nodes of two tensors with the same factors, in the memory's order and under the shape of the first. */
function alike(call: Call, a: Tensor, b: Tensor): readonly [string, string] {
  const { network } = call;
  const [own, other] = [a.view.axes.flat(), b.view.axes.flat()];
  const groups = groupsFor(network.nodeNamed(a.node).shape, a.view.factors);
  const order = groups ?? a.view.factors.map((_, factor) => [factor]);
  const first = network.arranged(call, a, order);
  const second = network.arranged(
    call,
    b,
    order.map((group) => group.map((factor) => other[own.indexOf(factor)]!)),
  );
  return [first, second];
}

/** Factors by the sizes of a shape; undefined where a size cuts through one. */
function groupsFor(shape: readonly number[], factors: readonly number[]): number[][] | undefined {
  const groups: number[][] = [];
  let at = 0;
  for (const size of shape) {
    const group: number[] = [];
    for (let count = 1; count < size; at++) {
      if (at >= factors.length) return undefined;
      count *= factors[at]!;
      if (size % count !== 0) return undefined;
      group.push(at);
    }
    groups.push(group);
  }
  return at === factors.length ? groups : undefined;
}

/** `big` and one value of `small` for each channel, the axes along which small has more than one. */
function gated(call: Call, kind: (typeof KINDS)[keyof typeof KINDS], big: Tensor, small: Tensor): Tensor {
  const { network } = call;
  const axes = small.view.axes.map((own, axis) => (own.length > 0 ? big.view.axes[axis]! : []));
  const last = axes.flat().toSorted((a, b) => a - b);
  const target = network.withLast(call, big, last);
  const rank = network.nodeNamed(target.node).shape.length;
  const fine = reshaped(
    small.view,
    axes.flatMap((own) => own.map((factor) => big.view.factors[factor]!)),
    -1,
  );
  if (!fine || rank < 2)
    return refuse(
      call,
      `it joins tensors of the shapes ${sizesOf(big.view).join("x")} and ${sizesOf(small.view).join("x")}`,
      "make both of one shape, or one of them a single value for each channel",
    );
  const flat = axes.flat();
  const order = last.flatMap((factor) => fine.axes[flat.indexOf(factor)]!);
  const gate = network.arranged(call, { ...small, view: fine }, [
    ...Array.from({ length: rank - 1 }, () => []),
    order,
  ]);
  return { ...target, node: network.add(call, { kind, inputs: [target.node, gate] }) };
}

/** The axes of a tensor as they lie in memory, size by size of its node where that fits; -1 is a size without an axis. */
export function axesInMemory(network: Network, tensor: Tensor, needed: readonly number[]) {
  const { view } = tensor;
  const inMemory = view.axes
    .map((own, axis) => ({ own, axis }))
    .filter(({ own }) => own.length > 0)
    .sort((a, b) => a.own[0]! - b.own[0]!);
  const empty = needed.filter((axis) => view.axes[axis]!.length === 0);
  const isWhole = inMemory.flatMap(({ own }) => own).every((factor, i) => factor === i);
  if (!isWhole) inMemory.sort((a, b) => a.axis - b.axis);
  const order: number[] = [];
  if (isWhole && empty.length === 0) {
    const rest = [...inMemory];
    for (const size of network.nodeNamed(tensor.node).shape)
      order.push(size === 1 ? -1 : (rest.shift()?.axis ?? -2));
    const fits = network
      .nodeNamed(tensor.node)
      .shape.every((size, i) => size === (order[i]! < 0 ? 1 : sizeOf(view, order[i]!)));
    if (fits && rest.length === 0) return order;
  }
  return [...inMemory.map(({ axis }) => axis), ...empty];
}

const concat: Reader = (call) => {
  const { network } = call;
  const count = Math.max(1, call.operands.length);
  const tensors = Array.from({ length: count }, (_, i) => {
    const value = operand(call, i);
    if (value.kind === "constant")
      return refuse(
        call,
        `its operand ${i} is a constant`,
        "concatenate only tensors that depend on the input",
      );
    return value;
  });
  const first = tensors[0]!;
  if (count === 1) return [first];
  const rank = first.view.axes.length;
  const axis = axisOf(call, intAttribute(call, "axis", 1), rank);
  if (axis === first.view.batch && call.batchSize !== 1)
    refuse(call, "it joins samples of the batch", "keep the samples apart");
  for (const tensor of tensors) {
    const fits =
      tensor.view.axes.length === rank &&
      first.view.axes.every((_, i) => i === axis || sizeOf(first.view, i) === sizeOf(tensor.view, i));
    if (!fits) refuse(call, "its operands differ in more than the joined axis", "export the model again");
    if (!sameGrid(first.grid, tensor.grid))
      refuse(
        call,
        "its operands are quantized by different scales",
        "quantize them alike, or join them as floats",
      );
  }
  const all = tensors.reduce((sum, { view }) => sum + sizeOf(view, axis), 0);
  const model = tensors.find(({ view }) => view.axes[axis]!.length > 0) ?? first;
  const order = axesInMemory(network, { ...model, node: model.node }, [axis]).filter((i) => i >= 0);
  const inputs = tensors.map((tensor) =>
    network.arranged(
      call,
      tensor,
      order.map((i) => tensor.view.axes[i]!),
    ),
  );
  const node = network.add(call, { kind: "concat", axis: order.indexOf(axis), inputs });
  const dims = first.view.axes.map((_, i) => (i === axis ? all : sizeOf(first.view, i)));
  const batch = axis === first.view.batch ? -1 : first.view.batch;
  return [{ kind: "tensor", node, view: viewOf(dims, order, batch), grid: first.grid }];
};

export const JOINS: Readonly<Record<string, Reader>> = {
  Add: arithmetic("Add"),
  Sub: arithmetic("Sub"),
  Mul: arithmetic("Mul"),
  Div: arithmetic("Div"),
  Concat: concat,
};
