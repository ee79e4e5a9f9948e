// In which order an input's axes are best kept: channels last where the first operator that is about images says which
// axis the channels are on.
import { decodeUtf8 } from "../../support/text.ts";
import type { FileGraph } from "./graph.ts";
import type { NodeProto } from "./messages.ts";
import { domainOf, operatorOf } from "./operators.ts";

/** Operators that hand on their first operand's axes. */
const SAME_AXES: ReadonlySet<string> = new Set([
  "Relu",
  "LeakyRelu",
  "PRelu",
  "Elu",
  "Selu",
  "Sigmoid",
  "Tanh",
  "HardSigmoid",
  "HardSwish",
  "Clip",
  "Max",
  "Min",
  "Neg",
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Identity",
  "Dropout",
  "Cast",
  "Pad",
  "Slice",
  "Resize",
  "Upsample",
  "QuantizeLinear",
  "DequantizeLinear",
  "Quant",
  "IntQuant",
  "BipolarQuant",
  "Trunc",
]);

const intsOf = (proto: NodeProto, name: string): readonly number[] | undefined =>
  proto.attribute?.find((a) => a.name === name)?.ints;

/**
 * The axes of an input without `batch`, outermost first. `listOf` gives the numbers of a small constant, for the axes
 * of a Squeeze or Unsqueeze.
 */
export function inputOrder(
  graph: FileGraph,
  name: string,
  dims: readonly number[],
  batch: number,
  listOf: (tensor: string) => readonly number[] | undefined,
): readonly number[] {
  const axes = dims.map((_, axis) => axis).filter((axis) => axis !== batch);
  const channel = channelOf(graph, name, dims, listOf) ?? likelyChannel(dims, batch);
  if (channel === undefined || channel === batch) return axes;
  return [...axes.filter((axis) => axis !== channel), channel];
}

/** The input's axis that the first image operator takes for the channels. */
function channelOf(
  graph: FileGraph,
  name: string,
  dims: readonly number[],
  listOf: (tensor: string) => readonly number[] | undefined,
): number | undefined {
  // What each axis of a tensor is in the input; -1 for a new one.
  let front: { readonly tensor: string; readonly axes: readonly number[] }[] = [
    { tensor: name, axes: dims.map((_, axis) => axis) },
  ];
  const seen = new Set<string>();
  while (front.length > 0) {
    const next: typeof front = [];
    for (const { tensor, axes } of front) {
      for (const { proto } of graph.readers.get(tensor) ?? []) {
        const operator = proto.opType ?? "";
        const channelAxis =
          operator === "MultiThreshold"
            ? thresholdAxis(proto, axes.length)
            : (operatorOf(domainOf(proto.domain), operator)?.channelAxis ?? null);
        if (channelAxis !== null && axes.length > 2 && proto.input?.[0] === tensor) {
          const found = axes.at(channelAxis)!;
          return found < 0 ? undefined : found;
        }
        const output = proto.output?.[0];
        const after = output ? axesAfter(proto, axes, listOf) : undefined;
        if (!output || !after || seen.has(output)) continue;
        seen.add(output);
        next.push({ tensor: output, axes: after });
      }
    }
    front = next;
  }
  return undefined;
}

/** The axis of the channels of a MultiThreshold, which its layout says. */
function thresholdAxis(proto: NodeProto, rank: number): 1 | -1 {
  const layout = proto.attribute?.find((a) => a.name === "data_layout")?.s;
  return rank === 4 && (layout === undefined || decodeUtf8(layout) === "NCHW") ? 1 : -1;
}

function axesAfter(
  proto: NodeProto,
  axes: readonly number[],
  listOf: (tensor: string) => readonly number[] | undefined,
): readonly number[] | undefined {
  const operator = proto.opType ?? "";
  if (SAME_AXES.has(operator)) return axes;
  if (operator === "Transpose") {
    const permutation = intsOf(proto, "perm") ?? axes.map((_, axis) => axis).reverse();
    const after = permutation.map((axis) => axes[axis]);
    return after.every((axis) => axis !== undefined) ? after : undefined;
  }
  if (operator !== "Squeeze" && operator !== "Unsqueeze") return undefined;
  const given = intsOf(proto, "axes") ?? listOf(proto.input?.[1] ?? "");
  if (!given || given.length > 8) return undefined;
  if (operator === "Squeeze") {
    const gone = given.map((axis) => (axis < 0 ? axis + axes.length : axis));
    return axes.filter((_, axis) => !gone.includes(axis));
  }
  const rank = axes.length + given.length;
  const added = given.map((axis) => (axis < 0 ? axis + rank : axis));
  let next = 0;
  return Array.from({ length: rank }, (_, axis) => (added.includes(axis) ? -1 : (axes[next++] ?? -1)));
}

/** Images that go straight into a flat layer: few channels before many rows and columns are channels first. */
function likelyChannel(dims: readonly number[], batch: number): number | undefined {
  if (dims.length !== 4 || batch !== 0) return undefined;
  return dims[1]! <= 4 && dims[2]! > 4 && dims[3]! > 4 ? 1 : undefined;
}
