// Operators that move, cut or repeat elements, or only change the shape: Reshape, Transpose, Slice, Split, Pad, Resize
// and the like. Most of them change the view alone.
import {
  anyTensor,
  axesOf,
  axisOf,
  type Call,
  constantOperand,
  floatAttribute,
  intAttribute,
  intsAttribute,
  intsConstant,
  intsOperand,
  numberOperand,
  operand,
  type Reader,
  refuse,
  tensorOperand,
  textAttribute,
  type Value,
} from "../call.ts";
import { elementsOf, MAX_RANK, realized } from "../constant.ts";
import type { Tensor } from "../network.ts";
import { ELEMENT_TYPES, isFloatType } from "../tensors.ts";
import { dimsOf, flatView, reshaped, sizeOf, transposed, viewOf, withAxes } from "../view.ts";
import { axesInMemory } from "./joins.ts";
import { resize } from "./resize.ts";

const SOUND = "the file is no sound ONNX graph; export the model again";

const same: Reader = (call) => [anyTensor(call, 0)];

const dropout: Reader = (call) => {
  if ((numberOperand(call, 2, "training_mode") ?? 0) !== 0)
    refuse(call, "it is in training mode", "export the model for inference");
  return [anyTensor(call, 0)];
};

/** Floats stay what they are; integers stay integers. */
const cast: Reader = (call) => {
  const tensor = anyTensor(call, 0);
  const to = intAttribute(call, "to", 0);
  const node = call.network.nodeNamed(tensor.node);
  const isInteger = node.kind === "argmax" || (node.kind === "input" && node.stored !== null);
  if (isFloatType(to) || (ELEMENT_TYPES.has(to) && isInteger)) return [tensor];
  const readers = call.readersOf(call.node.output?.[0] ?? "");
  const isPlaces = readers.length > 0 && readers.every(({ opType }) => opType === "Gather");
  if (!ELEMENT_TYPES.has(to) || !isPlaces)
    refuse(call, "it turns numbers that are no integers into another type", "leave the values as floats");
  return [{ ...tensor, truncated: true }];
};

/** Elements of a flat tensor, or entries of a table at places that are computed. */
const gather: Reader = (call) => {
  const { network } = call;
  if (operand(call, 0).kind === "constant") return [lookedUp(call)];
  const tensor = anyTensor(call, 0);
  const axis = axisOf(call, intAttribute(call, "axis", 0), tensor.view.axes.length);
  const size = sizeOf(tensor.view, axis);
  const places = realized(constantOperand(call, 1, "indices"), network.allowance);
  const indices = [...places.numbers()].map((place) => (place < 0 ? place + size : place));
  const isFlat = size === elementsOf(tensor.view.factors) && axis !== tensor.view.batch;
  if (!isFlat || places.dims.length !== 1 || indices.length === 0)
    refuse(
      call,
      "it takes elements of a tensor with several axes",
      "use Slice, or Gather from a flat tensor",
    );
  if (!indices.every((place, i) => place < size && place > (indices[i - 1] ?? -1)))
    refuse(call, "it changes the order of the elements, or repeats them", "list them in ascending order");
  const input = network.arranged(call, tensor, [tensor.view.axes[axis]!]);
  const node = network.add(call, { kind: "select", input, indices });
  const dims = tensor.view.axes.map((_, i) => (i === axis ? indices.length : 1));
  return [{ ...tensor, node, view: flatView(dims, tensor.view.batch), movedBy: undefined }];
};

function lookedUp(call: Call): Tensor {
  const places = operand(call, 1);
  const table = realized(constantOperand(call, 0, "table"), call.network.allowance);
  if (places.kind !== "tensor" || !places.truncated || table.dims.length !== 1)
    return refuse(call, "it is no table of one axis with places that are cast to integers", SOUND);
  const node = call.network.add(call, { kind: "lookup", input: places.node, entries: table.numbers() });
  return { ...places, node, truncated: false };
}

/** The elements in the file's order under other sizes, 0 and -1 resolved already. */
export function reshapedTo(call: Call, tensor: Tensor, dims: readonly number[]): Tensor {
  const { view } = tensor;
  const { batchSize } = call;
  const keepsBatch = view.batch === 0 && dims[0] === batchSize;
  if (!keepsBatch && batchSize !== 1)
    refuse(
      call,
      `it mixes the ${batchSize} samples of the batch`,
      "export the model with a batch dimension of 1, or an open one",
    );
  const sizes = keepsBatch ? [1, ...dims.slice(1)] : dims;
  const batch = keepsBatch ? 0 : -1;
  const found = reshaped(view, sizes, batch);
  if (found) return { ...tensor, view: found, movedBy: call };
  const flat = call.network.inFileOrder(call, tensor);
  return { ...flat, view: flatView(sizes, batch), movedBy: call };
}

const reshape: Reader = (call) => {
  const tensor = anyTensor(call, 0);
  const wanted = intsAttribute(call, "shape") ?? intsOperand(call, 1, "shape") ?? [];
  const dims = dimsOf(tensor.view, call.batchSize);
  if (wanted.length > MAX_RANK)
    refuse(call, `it makes ${wanted.length} axes`, `at most ${MAX_RANK} are read`);
  const copies = intAttribute(call, "allowzero", 0) === 0;
  const sizes = wanted.map((size, i) => (size === 0 && copies ? (dims[i] ?? 0) : size));
  const total = dims.reduce((a, b) => a * b, 1);
  const known = sizes.filter((size) => size !== -1).reduce((a, b) => a * b, 1);
  const open = sizes.filter((size) => size === -1).length;
  const isSound =
    sizes.every((size) => Number.isSafeInteger(size) && (size > 0 || size === -1)) &&
    (open === 0 ? known === total : open === 1 && total % known === 0);
  if (!isSound)
    refuse(call, `it cannot make ${dims.join("x")} into ${wanted.join("x") || "one number"}`, SOUND);
  return [
    reshapedTo(
      call,
      tensor,
      sizes.map((size) => (size === -1 ? total / known : size)),
    ),
  ];
};

const flatten: Reader = (call) => {
  const tensor = anyTensor(call, 0);
  const dims = dimsOf(tensor.view, call.batchSize);
  const given = intAttribute(call, "axis", 1);
  const axis = given === dims.length ? given : axisOf(call, given, dims.length);
  const size = (part: readonly number[]): number => part.reduce((a, b) => a * b, 1);
  return [reshapedTo(call, tensor, [size(dims.slice(0, axis)), size(dims.slice(axis))])];
};

const transpose: Reader = (call) => {
  const tensor = anyTensor(call, 0);
  const rank = tensor.view.axes.length;
  const axes = Array.from({ length: rank }, (_, i) => i);
  const permutation = intsAttribute(call, "perm") ?? axes.toReversed();
  if (permutation.toSorted((a, b) => a - b).join() !== axes.join())
    refuse(call, `its perm is ${permutation.join(", ")} for ${rank} axes`, SOUND);
  // A Reshape before it has asked for more; both are done at once.
  const movedBy = tensor.movedBy ?? call;
  return [{ ...tensor, view: transposed(tensor.view, permutation), movedBy }];
};

const squeeze: Reader = (call) => {
  const tensor = anyTensor(call, 0);
  const { view } = tensor;
  const rank = view.axes.length;
  const all = view.axes.map((_, axis) => axis);
  const gone =
    axesOf(call, 1)?.map((axis) => axisOf(call, axis, rank)) ??
    all.filter((axis) => sizeOf(view, axis) === 1 && !(axis === view.batch && call.batchSize !== 1));
  for (const axis of gone)
    if (sizeOf(view, axis) !== 1 || (axis === view.batch && call.batchSize !== 1))
      refuse(call, `axis ${axis} is not of size one`, SOUND);
  return [
    {
      ...tensor,
      view: withAxes(
        view,
        all.filter((axis) => !gone.includes(axis)),
      ),
    },
  ];
};

const unsqueeze: Reader = (call) => {
  const tensor = anyTensor(call, 0);
  const given = axesOf(call, 1) ?? [];
  const rank = tensor.view.axes.length + given.length;
  if (rank > MAX_RANK) refuse(call, `it makes ${rank} axes`, `at most ${MAX_RANK} are read`);
  const added = new Set(given.map((axis) => axisOf(call, axis, rank)));
  if (added.size !== given.length) refuse(call, `its axes are ${given.join(", ")}`, SOUND);
  let next = 0;
  const keep = Array.from({ length: rank }, (_, axis) => (added.has(axis) ? -1 : next++));
  return [{ ...tensor, view: withAxes(tensor.view, keep) }];
};

const shape: Reader = (call) => {
  const dims = dimsOf(anyTensor(call, 0).view, call.batchSize);
  const end = intAttribute(call, "end", dims.length);
  return [intsConstant(dims.slice(intAttribute(call, "start", 0), end))];
};

const size: Reader = (call) => {
  const dims = dimsOf(anyTensor(call, 0).view, call.batchSize);
  return [{ ...intsConstant([dims.reduce((a, b) => a * b, 1)]), dims: [] }];
};

/** The part of a tensor that begins at `begin` and has `sizes`, both of the file's axes. */
function cut(
  call: Call,
  tensor: Tensor,
  begin: readonly number[],
  sizes: readonly number[],
  suffix = "",
): Tensor {
  const { network } = call;
  const { view } = tensor;
  if (sizes.every((length, axis) => length === sizeOf(view, axis))) return tensor;
  const order = axesInMemory(network, tensor, []);
  const input = network.arranged(
    call,
    tensor,
    order.map((axis) => (axis < 0 ? [] : view.axes[axis]!)),
  );
  const pick = (list: readonly number[], absent: number): number[] =>
    order.map((axis) => (axis < 0 ? absent : list[axis]!));
  const node = network.add(
    call,
    { kind: "slice", input, begin: pick(begin, 0), sizes: pick(sizes, 1) },
    suffix,
  );
  return {
    ...tensor,
    node,
    view: viewOf(
      sizes,
      order.filter((axis) => axis >= 0),
      view.batch,
    ),
    movedBy: undefined,
  };
}

const slice: Reader = (call) => {
  const tensor = anyTensor(call, 0);
  const { view } = tensor;
  const rank = view.axes.length;
  const starts = intsAttribute(call, "starts") ?? intsOperand(call, 1, "starts") ?? [];
  const ends = intsAttribute(call, "ends") ?? intsOperand(call, 2, "ends") ?? [];
  const axes = intsAttribute(call, "axes") ?? intsOperand(call, 3, "axes") ?? starts.map((_, i) => i);
  const steps = intsOperand(call, 4, "steps") ?? starts.map(() => 1);
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length)
    refuse(call, "starts, ends, axes and steps are not equally many", SOUND);
  const begin = view.axes.map(() => 0);
  const sizes = view.axes.map((_, axis) => sizeOf(view, axis));
  axes.forEach((given, i) => {
    const axis = axisOf(call, given, rank);
    const length = axis === view.batch ? call.batchSize : sizeOf(view, axis);
    const place = (at: number): number => Math.min(length, Math.max(0, at < 0 ? at + length : at));
    const [from, to] = [place(starts[i]!), place(ends[i]!)];
    if (from === 0 && to === length && steps[i] === 1) return;
    if (steps[i] !== 1) refuse(call, `it takes every ${steps[i]}th element`, "steps of 1 are supported");
    if (axis === view.batch) refuse(call, "it takes some samples of the batch", "keep all samples");
    if (to <= from) refuse(call, "it leaves no element", "export the model again");
    begin[axis] = from;
    sizes[axis] = to - from;
  });
  return [cut(call, tensor, begin, sizes)];
};

const split: Reader = (call) => {
  const tensor = anyTensor(call, 0);
  const { view } = tensor;
  const axis = axisOf(call, intAttribute(call, "axis", 0), view.axes.length);
  const length = sizeOf(view, axis);
  const count = call.node.output?.length ?? 0;
  const each = Math.ceil(length / count);
  const equal = Array.from({ length: count }, (_, i) => Math.min(each, length - i * each));
  const parts = intsAttribute(call, "split") ?? intsOperand(call, 1, "split") ?? equal;
  if (axis === view.batch) refuse(call, "it splits the batch", "keep all samples");
  if (
    parts.length !== count ||
    parts.some((part) => !(part > 0)) ||
    parts.reduce((a, b) => a + b, 0) !== length
  )
    refuse(call, `it splits ${length} elements into ${parts.join(", ")}`, SOUND);
  let at = 0;
  return parts.map((part, i): Value => {
    const begin = view.axes.map((_, j) => (j === axis ? at : 0));
    const sizes = view.axes.map((_, j) => (j === axis ? part : sizeOf(view, j)));
    at += part;
    return cut(call, tensor, begin, sizes, `.${i}`);
  });
};

const pad: Reader = (call) => {
  const tensor = tensorOperand(call, 0);
  const { view } = tensor;
  const rank = view.axes.length;
  const mode = textAttribute(call, "mode", "constant");
  const pads = intsAttribute(call, "pads") ?? intsOperand(call, 1, "pads") ?? [];
  const axes = (intsOperand(call, 3, "axes") ?? view.axes.map((_, i) => i)).map((axis) =>
    axisOf(call, axis, rank),
  );
  const value = numberOperand(call, 2, "value") ?? floatAttribute(call, "value", 0);
  if (pads.length !== 2 * axes.length)
    refuse(call, `pads has ${pads.length} numbers for ${axes.length} axes`, SOUND);
  if (pads.every((cells) => cells === 0)) return [tensor];
  if (mode !== "constant")
    refuse(call, `its mode is ${JSON.stringify(mode)}`, "pad with a constant, such as 0");
  if (!Number.isFinite(value)) refuse(call, `it pads with ${value}`, "pad with a finite constant, such as 0");
  if (pads.some((cells) => cells < 0)) refuse(call, "it cuts elements off", "use Slice to cut elements off");
  const [before, after] = [view.axes.map(() => 0), view.axes.map(() => 0)];
  axes.forEach((axis, i) => {
    before[axis] = pads[i]!;
    after[axis] = pads[i + axes.length]!;
  });
  const isPadded = (axis: number): boolean => before[axis]! + after[axis]! > 0;
  if (view.batch >= 0 && isPadded(view.batch))
    refuse(call, "it adds samples to the batch", "keep the batch as it is");
  const padded = [...view.axes.keys()].filter(isPadded);
  const order = axesInMemory(call.network, tensor, padded);
  const input = call.network.arranged(
    call,
    tensor,
    order.map((axis) => (axis < 0 ? [] : view.axes[axis]!)),
  );
  const pick = (list: readonly number[]): number[] => order.map((axis) => (axis < 0 ? 0 : list[axis]!));
  const padding = { before: pick(before), after: pick(after) };
  const node = call.network.add(call, { kind: "pad", input, padding, value });
  const dims = view.axes.map((_, axis) => sizeOf(view, axis) + before[axis]! + after[axis]!);
  return [
    {
      ...tensor,
      node,
      view: viewOf(
        dims,
        order.filter((axis) => axis >= 0),
        view.batch,
      ),
      movedBy: undefined,
    },
  ];
};

const expand: Reader = (call) => {
  const tensor = anyTensor(call, 0);
  const wanted = intsOperand(call, 1, "shape") ?? [];
  const dims = dimsOf(tensor.view, call.batchSize);
  const lead = Math.max(0, wanted.length - dims.length);
  const isSame = wanted.every(
    (length, i) => length === 1 || (i >= lead && length === dims[i - wanted.length + dims.length]),
  );
  if (!isSame || wanted.length > MAX_RANK)
    refuse(
      call,
      `it repeats elements of ${dims.join("x")} to ${wanted.join("x")}`,
      "repeat by Resize, or let Add and Mul broadcast",
    );
  const keep = [...Array.from({ length: lead }, () => -1), ...dims.keys()];
  return [{ ...tensor, view: withAxes(tensor.view, keep) }];
};

export const MOVES: Readonly<Record<string, Reader>> = {
  Identity: same,
  Dropout: dropout,
  Cast: cast,
  Gather: gather,
  Reshape: reshape,
  Flatten: flatten,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Shape: shape,
  Size: size,
  Slice: slice,
  Split: split,
  Pad: pad,
  Expand: expand,
  Resize: resize(false),
  Upsample: resize(true),
};
