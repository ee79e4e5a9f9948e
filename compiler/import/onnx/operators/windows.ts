// Pools over windows or over everything, ArgMax, and a Softmax at the end.
import type { Padding } from "../../../graph/graph.ts";
import { reachOf } from "../../../graph/shapes.ts";
import {
  anyTensor,
  axesOf,
  axisOf,
  type Call,
  intAttribute,
  type Reader,
  refuse,
  tensorOperand,
} from "../call.ts";
import type { Tensor } from "../network.ts";
import { sizeOf, type View } from "../view.ts";
import { paddingOf, spatialOperand, spatialResult, windowsOf } from "./weighted.ts";

export const pool =
  (pooling: "max" | "average", channelsLast: boolean): Reader =>
  (call) => {
    const tensor = pooling === "max" ? anyTensor(call, 0) : tensorOperand(call, 0);
    if ((call.node.output?.length ?? 0) > 1 && call.node.output![1] !== "")
      refuse(call, "it hands on the places of the maxima", "use its first output only");
    const spatial = spatialOperand(call, tensor, channelsLast);
    const windows = windowsOf(call, spatial.sizes.length);
    if (windows.dilations.some((dilation) => dilation !== 1))
      refuse(call, `its dilations are ${windows.dilations.join("x")}`, "use a pool without dilation");
    const padding = ceiled(call, pooling, spatial.sizes, windows, paddingOf(call, spatial.sizes, windows));
    const isPadded = [...padding.before, ...padding.after].some((cells) => cells !== 0);
    if (pooling === "average" && isPadded && intAttribute(call, "count_include_pad", 0) === 0)
      refuse(
        call,
        "it has padding that does not count for the mean",
        "use count_include_pad = 1, no padding, or a Pad before it",
      );
    const node = call.network.add(call, {
      kind: "pool",
      pooling,
      input: spatial.node,
      window: windows.kernel,
      strides: windows.strides,
      padding,
    });
    return [{ ...spatialResult(call, node, tensor, spatial), grid: tensor.grid }];
  };

/** The padding that makes a pool with ceil_mode of one without: more behind, which is no candidate of the largest. */
function ceiled(
  call: Call,
  pooling: "max" | "average",
  sizes: readonly number[],
  { kernel, strides }: { readonly kernel: readonly number[]; readonly strides: readonly number[] },
  padding: Padding,
): Padding {
  if (intAttribute(call, "ceil_mode", 0) === 0) return padding;
  const after = padding.after.map((cells, i) => {
    const padded = sizes[i]! + padding.before[i]! + cells;
    const rest = padded - reachOf(kernel[i]!, 1);
    let count = Math.ceil(rest / strides[i]!) + 1;
    // A window that would begin behind the input is left out.
    if ((count - 1) * strides[i]! >= sizes[i]! + padding.before[i]!) count--;
    return cells + Math.max(0, (count - 1) * strides[i]! - rest);
  });
  const isSame = after.every((cells, i) => cells === padding.after[i]);
  if (!isSame && pooling === "average")
    refuse(
      call,
      "ceil_mode makes windows of different sizes",
      "use ceil_mode = 0, or a size that it divides",
    );
  return { before: padding.before, after };
}

/** The largest or the mean along some axes, which become one element or disappear. */
function pooledAlong(
  call: Call,
  tensor: Tensor,
  pooling: "max" | "average",
  along: readonly number[],
  keepsAxes: boolean,
): Tensor {
  const { view } = tensor;
  if (along.includes(view.batch) && call.batchSize !== 1)
    refuse(call, "it mixes the samples of the batch", "leave the batch dimension alone");
  const gone = new Set(along.flatMap((axis) => view.axes[axis]!));
  const rest = view.factors.map((_, factor) => factor).filter((factor) => !gone.has(factor));
  const axes = view.axes
    .map((own, axis) => ({
      own: along.includes(axis) ? [] : own.map((factor) => rest.indexOf(factor)),
      axis,
    }))
    .filter(({ axis }) => keepsAxes || !along.includes(axis));
  const after: View = {
    factors: rest.map((factor) => view.factors[factor]!),
    axes: axes.map(({ own }) => own),
    batch: axes.findIndex(({ axis }) => axis === view.batch),
  };
  if (gone.size === 0) return { ...tensor, view: after };
  const groups = view.axes.filter((own, axis) => along.includes(axis) && own.length > 0);
  groups.sort((a, b) => a[0]! - b[0]!);
  const spatial = groups.length > 2 ? [groups.flat()] : groups;
  const input = call.network.arranged(call, tensor, [...spatial, rest]);
  const window = call.network.nodeNamed(input).shape.slice(0, -1);
  const none = window.map(() => 0);
  const node = call.network.add(call, {
    kind: "pool",
    pooling,
    input,
    window,
    strides: window.map(() => 1),
    padding: { before: none, after: none },
  });
  return { ...tensor, node, view: after };
}

const globalPool =
  (pooling: "max" | "average"): Reader =>
  (call) => {
    const tensor = pooling === "max" ? anyTensor(call, 0) : tensorOperand(call, 0);
    const rank = tensor.view.axes.length;
    const along = Array.from({ length: Math.max(0, rank - 2) }, (_, i) => i + 2);
    return [pooledAlong(call, tensor, pooling, along, true)];
  };

const reduce =
  (pooling: "max" | "average"): Reader =>
  (call) => {
    const tensor = pooling === "max" ? anyTensor(call, 0) : tensorOperand(call, 0);
    const rank = tensor.view.axes.length;
    const given = axesOf(call, 1) ?? [];
    const keepsAxes = intAttribute(call, "keepdims", 1) !== 0;
    if (given.length === 0 && intAttribute(call, "noop_with_empty_axes", 0) !== 0) return [tensor];
    const along = (given.length > 0 ? given : tensor.view.axes.map((_, axis) => axis)).map((axis) =>
      axisOf(call, axis, rank),
    );
    return [pooledAlong(call, tensor, pooling, along, keepsAxes)];
  };

/** The place of the largest value along an axis. */
const argMax: Reader = (call) => {
  const given = tensorOperand(call, 0);
  const rank = given.view.axes.length;
  const axis = axisOf(call, intAttribute(call, "axis", 0), rank);
  if (intAttribute(call, "select_last_index", 0) !== 0)
    refuse(call, "it takes the last of equal values", "use select_last_index = 0");
  if (axis === given.view.batch)
    refuse(call, "it compares the samples of the batch", "use the axis of the classes");
  if (!call.isLast) refuse(call, "the network goes on with the class", "let ArgMax be the last operator");
  const tensor = call.network.withLast(call, given, given.view.axes[axis]!);
  const { view } = tensor;
  const node = call.network.add(call, { kind: "argmax", input: tensor.node });
  const own = new Set(view.axes[axis]!);
  const keepsAxis = intAttribute(call, "keepdims", 1) !== 0;
  const axes = view.axes.map((list, i) => (i === axis ? [] : list));
  const keep = [...axes.keys()].filter((i) => keepsAxis || i !== axis);
  return [
    {
      kind: "tensor",
      node,
      view: {
        factors: view.factors.filter((_, factor) => !own.has(factor)),
        axes: keep.map((i) => axes[i]!),
        batch: view.batch < 0 ? -1 : keep.indexOf(view.batch),
      },
      grid: null,
    },
  ];
};

const softmax: Reader = (call) => {
  const tensor = tensorOperand(call, 0);
  const { view } = tensor;
  const axis = axisOf(call, intAttribute(call, "axis", call.opset < 13 ? 1 : -1), view.axes.length);
  if (!call.isLast || axis === view.batch)
    refuse(call, "it is not the last operator", "Softmax is not computed in hardware; leave it out");
  if (sizeOf(view, axis) > 1 || call.opset < 13) call.warn({ code: "import/softmax-dropped" });
  return [tensor];
};

export const WINDOWS: Readonly<Record<string, Reader>> = {
  MaxPool: pool("max", false),
  AveragePool: pool("average", false),
  GlobalMaxPool: globalPool("max"),
  GlobalAveragePool: globalPool("average"),
  ReduceMean: reduce("average"),
  ReduceMax: reduce("max"),
  ArgMax: argMax,
  Softmax: softmax,
  LogSoftmax: softmax,
};
