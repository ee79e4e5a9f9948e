// Operators on constants, computed while the file is read: shapes put together from Shape, Gather and Concat, weights
// that are transposed or scaled. Floats are rounded as the file's element type says.
import {
  axesOf,
  axisOf,
  type Call,
  floatAttribute,
  floatsAttribute,
  hasAttribute,
  intAttribute,
  intsAttribute,
  intsOperand,
  operand,
  type Reader,
  refuse,
  tensorAttribute,
} from "../call.ts";
import {
  broadcast,
  broadcastDims,
  type Constant,
  constantOf,
  elementsOf,
  MAX_RANK,
  picked,
  realized,
  reshapedConstant,
  spend,
  transposedConstant,
} from "../constant.ts";
import { BOOL, FLOAT, INT64, isFloatType } from "../tensors.ts";
import { linearIndices, stridesOf } from "../view.ts";

type Fold = (call: Call, operands: readonly Constant[]) => readonly Constant[];

const SOUND = "the file is no sound ONNX graph; export the model again";

/** A number as an element type holds it. */
function typed(type: number, value: number): number {
  if (type === FLOAT) return Math.fround(value);
  return type === BOOL ? Number(value !== 0) : value;
}

const unary =
  (compute: (x: number) => number): Fold =>
  (call, [given]) => {
    const x = realized(given!, call.network.allowance);
    spend(call.network.allowance, x.dims);
    return [
      constantOf(
        x.dims,
        x.type,
        x.numbers().map((value) => typed(x.type, compute(value))),
      ),
    ];
  };

const binary =
  (compute: (x: number, y: number, isFloat: boolean) => number, result?: number): Fold =>
  (call, operands) => {
    const { allowance } = call.network;
    const [first, ...rest] = operands.map((operand) => realized(operand, allowance));
    return [
      rest.reduce((left, right) => {
        const dims = broadcastDims(left.dims, right.dims);
        if (!dims) return refuse(call, "its operands do not broadcast", SOUND);
        const [x, y] = [left, right].map((part) => broadcast(part, dims, allowance).numbers()) as [
          Float64Array,
          Float64Array,
        ];
        spend(allowance, dims);
        const type = result ?? left.type;
        const isFloat = isFloatType(left.type);
        return constantOf(
          dims,
          type,
          x.map((value, i) => typed(type, compute(value, y[i]!, isFloat))),
        );
      }, first!),
    ];
  };

const reshape: Fold = (call, [data]) => {
  const wanted = intsAttribute(call, "shape") ?? intsOperand(call, 1, "shape") ?? [];
  const copies = intAttribute(call, "allowzero", 0) === 0;
  const sizes = wanted.map((size, i) => (size === 0 && copies ? (data!.dims[i] ?? 0) : size));
  const known = sizes.filter((size) => size !== -1).reduce((a, b) => a * b, 1);
  const total = elementsOf(data!.dims);
  const dims = sizes.map((size) => (size === -1 ? total / known : size));
  if (
    dims.length > MAX_RANK ||
    elementsOf(dims) !== total ||
    !dims.every((size) => Number.isInteger(size) && size >= 0)
  )
    refuse(call, `it cannot make ${data!.dims.join("x")} into ${wanted.join("x")}`, SOUND);
  return [reshapedConstant(data!, dims, call.network.allowance)];
};

const flatten: Fold = (call, [data]) => {
  const { dims } = data!;
  const given = intAttribute(call, "axis", 1);
  const axis = given === dims.length ? given : axisOf(call, given, dims.length);
  const sizes = [elementsOf(dims.slice(0, axis)), elementsOf(dims.slice(axis))];
  return [reshapedConstant(data!, sizes, call.network.allowance)];
};

const squeeze: Fold = (call, [data]) => {
  const { dims } = data!;
  const gone = axesOf(call, 1)?.map((axis) => axisOf(call, axis, dims.length));
  const kept = dims.filter((size, axis) => (gone ? !gone.includes(axis) : size !== 1));
  if (elementsOf(kept) !== elementsOf(dims))
    refuse(call, "it removes an axis that is not of size one", SOUND);
  return [reshapedConstant(data!, kept, call.network.allowance)];
};

const unsqueeze: Fold = (call, [data]) => {
  const given = axesOf(call, 1) ?? [];
  const rank = data!.dims.length + given.length;
  if (rank > MAX_RANK) refuse(call, `it makes ${rank} axes`, `at most ${MAX_RANK} are read`);
  const added = new Set(given.map((axis) => axisOf(call, axis, rank)));
  if (added.size !== given.length) refuse(call, `its axes are ${given.join(", ")}`, SOUND);
  let next = 0;
  const dims = Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : data!.dims[next++]!));
  return [reshapedConstant(data!, dims, call.network.allowance)];
};

const transpose: Fold = (call, [data]) => {
  const axes = data!.dims.map((_, axis) => axis);
  const permutation = intsAttribute(call, "perm") ?? axes.toReversed();
  if (permutation.toSorted((a, b) => a - b).join() !== axes.join())
    refuse(call, `its perm is ${permutation.join(", ")} for ${axes.length} axes`, SOUND);
  return [transposedConstant(data!, permutation, call.network.allowance)];
};

const cast: Fold = (call, [data]) => {
  const type = intAttribute(call, "to", 0);
  const real = realized(data!, call.network.allowance);
  const convert = isFloatType(type) ? (x: number) => x : Math.trunc;
  spend(call.network.allowance, real.dims);
  const numbers = real.numbers().map((value) => typed(type, type === BOOL ? value : convert(value)));
  return [constantOf(real.dims, type, numbers)];
};

const concat: Fold = (call, operands) => {
  const { allowance } = call.network;
  const parts = operands.map((part) => realized(part, allowance));
  const first = parts[0]!;
  const axis = axisOf(call, intAttribute(call, "axis", 0), first.dims.length);
  const fits = parts.every(
    ({ dims }) =>
      dims.length === first.dims.length && dims.every((size, i) => i === axis || size === first.dims[i]),
  );
  if (!fits) refuse(call, "its operands differ in more than the joined axis", SOUND);
  const dims = first.dims.map((size, i) =>
    i === axis ? parts.reduce((sum, part) => sum + part.dims[i]!, 0) : size,
  );
  const numbers = new Float64Array(spend(allowance, dims));
  const outer = elementsOf(dims.slice(0, axis));
  const row = elementsOf(dims.slice(axis));
  let at = 0;
  for (const part of parts) {
    const list = part.numbers();
    const own = elementsOf(part.dims.slice(axis));
    for (let i = 0; i < outer; i++) numbers.set(list.subarray(i * own, (i + 1) * own), i * row + at);
    at += own;
  }
  return [constantOf(dims, first.type, numbers)];
};

/** Elements `places` along one axis. */
function along(
  call: Call,
  data: Constant,
  axis: number,
  places: readonly number[],
  shape: readonly number[],
): Constant {
  const { dims } = data;
  const sizes = dims.map((size, i) => (i === axis ? places.length : size));
  const strides = stridesOf(dims);
  if (elementsOf(sizes) > MAX_FOLDED) refuse(call, `it makes ${elementsOf(sizes)} elements`, SOUND);
  const indices = linearIndices(
    sizes,
    strides.map((stride, i) => (i === axis ? 0 : stride)),
  );
  const inner = elementsOf(sizes.slice(axis + 1));
  for (let i = 0; i < indices.length; i++)
    indices[i]! += places[Math.floor(i / inner) % places.length]! * strides[axis]!;
  const dimsAfter = [...dims.slice(0, axis), ...shape, ...dims.slice(axis + 1)];
  return { ...picked(data, sizes, indices, call.network.allowance), dims: dimsAfter };
}

/** Elements of a constant that an operator makes out of nothing or repeats. */
const MAX_FOLDED = 2 ** 22;

const gather: Fold = (call, [data, given]) => {
  const { allowance } = call.network;
  const { dims } = data!;
  const axis = axisOf(call, intAttribute(call, "axis", 0), dims.length);
  const count = elementsOf(given!.dims);
  const size = dims[axis]!;
  const each = elementsOf(dims) / Math.max(1, size);
  if (count * each > MAX_FOLDED)
    refuse(call, `it makes ${count * each} elements`, "gather from small constants");
  const places = [...given!.numbers()].map((place) => (place < 0 ? place + size : place));
  if (!places.every((place) => Number.isInteger(place) && place >= 0 && place < size))
    refuse(call, `it takes elements that an axis of ${size} has not`, SOUND);
  return [along(call, realized(data!, allowance), axis, places, given!.dims)];
};

const slice: Fold = (call, [data]) => {
  let result = data!;
  const starts = intsAttribute(call, "starts") ?? intsOperand(call, 1, "starts") ?? [];
  const ends = intsAttribute(call, "ends") ?? intsOperand(call, 2, "ends") ?? [];
  const axes = intsAttribute(call, "axes") ?? intsOperand(call, 3, "axes") ?? starts.map((_, i) => i);
  const steps = intsOperand(call, 4, "steps") ?? starts.map(() => 1);
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length)
    refuse(call, "starts, ends, axes and steps are not equally many", SOUND);
  axes.forEach((given, i) => {
    const axis = axisOf(call, given, result.dims.length);
    const size = result.dims[axis]!;
    const step = steps[i]!;
    if (step === 0 || elementsOf(result.dims) > MAX_FOLDED) refuse(call, "it cannot be computed here", SOUND);
    const [least, most] = step > 0 ? [0, size] : [-1, size - 1];
    const place = (at: number): number => Math.min(most, Math.max(least, at < 0 ? at + size : at));
    const places: number[] = [];
    for (let at = place(starts[i]!); step > 0 ? at < place(ends[i]!) : at > place(ends[i]!); at += step)
      places.push(at);
    result = along(call, result, axis, places, [places.length]);
  });
  return [result];
};

const shape: Fold = (call, [data]) => {
  const { dims } = data!;
  const part = dims.slice(intAttribute(call, "start", 0), intAttribute(call, "end", dims.length));
  return [constantOf([part.length], INT64, Float64Array.from(part))];
};

/** Sizes that an operand lists, refused where they are too many elements. */
function sizesOperand(call: Call, index: number): readonly number[] {
  const dims = intsOperand(call, index, "shape") ?? [];
  if (dims.length > MAX_RANK || !dims.every((size) => size >= 0) || elementsOf(dims) > MAX_FOLDED)
    refuse(call, `it makes a constant of ${dims.join("x")}`, "only small constants are computed");
  return dims;
}

const constantOfShape: Fold = (call) => {
  const dims = sizesOperand(call, 0);
  const value = hasAttribute(call, "value") ? tensorAttribute(call, "value") : undefined;
  const filled = new Float64Array(spend(call.network.allowance, dims)).fill(value?.numbers()[0] ?? 0);
  return [constantOf(dims, value?.type ?? FLOAT, filled)];
};

const expand: Fold = (call, [data]) => {
  const dims = broadcastDims(data!.dims, sizesOperand(call, 1));
  if (!dims || elementsOf(dims) > MAX_FOLDED) return refuse(call, "it does not broadcast", SOUND);
  return [broadcast(realized(data!, call.network.allowance), dims, call.network.allowance)];
};

const range: Fold = (call, operands) => {
  const [start, limit, step] = operands.map(({ numbers }) => numbers()[0] ?? Number.NaN) as [
    number,
    number,
    number,
  ];
  const count = Math.max(0, Math.ceil((limit - start) / step));
  if (!(count <= MAX_FOLDED)) refuse(call, `it makes ${count} numbers`, "only small constants are computed");
  spend(call.network.allowance, [count]);
  const { type } = operands[0]!;
  return [
    constantOf(
      [count],
      type,
      Float64Array.from({ length: count }, (_, i) => typed(type, start + i * step)),
    ),
  ];
};

const reduceProduct: Fold = (call, [data]) => {
  const x = realized(data!, call.network.allowance);
  const axes = axesOf(call, 1) ?? x.dims.map((_, axis) => axis);
  if (x.dims.length > 1 || axes.length > 1) refuse(call, "it multiplies along one of several axes", SOUND);
  const dims = intAttribute(call, "keepdims", 1) !== 0 ? x.dims.map(() => 1) : [];
  return [
    constantOf(
      dims,
      x.type,
      Float64Array.of(
        typed(
          x.type,
          x.numbers().reduce((a, b) => a * b, 1),
        ),
      ),
    ),
  ];
};

const where: Fold = (call, operands) => {
  const { allowance } = call.network;
  const [condition, x, y] = operands.map((part) => realized(part, allowance)) as [
    Constant,
    Constant,
    Constant,
  ];
  const both = broadcastDims(x.dims, y.dims);
  const dims = both && broadcastDims(both, condition.dims);
  if (!dims) return refuse(call, "its operands do not broadcast", SOUND);
  spend(allowance, dims);
  const [c, a, b] = [condition, x, y].map((part) => broadcast(part, dims, allowance).numbers()) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  return [
    constantOf(
      dims,
      x.type,
      c.map((value, i) => (value !== 0 ? a[i]! : b[i]!)),
    ),
  ];
};

/** Constant: a tensor, or numbers as attributes. */
export const constantNode: Reader = (call) => {
  if (hasAttribute(call, "value")) return [tensorAttribute(call, "value")!];
  if (hasAttribute(call, "value_float"))
    return [constantOf([], FLOAT, Float64Array.of(floatAttribute(call, "value_float", 0)))];
  if (hasAttribute(call, "value_int"))
    return [constantOf([], INT64, Float64Array.of(intAttribute(call, "value_int", 0)))];
  const [floats, ints] = [floatsAttribute(call, "value_floats"), intsAttribute(call, "value_ints")];
  const list = floats ?? ints;
  if (!list)
    return refuse(call, "its value is no tensor of numbers", "store it as a dense tensor of numbers");
  return [constantOf([list.length], floats ? FLOAT : INT64, Float64Array.from(list))];
};

const FOLDS: Readonly<Record<string, Fold>> = {
  Identity: (_, [data]) => [data!],
  Dropout: (_, [data]) => [data!],
  Cast: cast,
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Concat: concat,
  Gather: gather,
  Slice: slice,
  Shape: shape,
  Size: (_, [data]) => [constantOf([], INT64, Float64Array.of(elementsOf(data!.dims)))],
  ConstantOfShape: constantOfShape,
  Expand: expand,
  Range: range,
  ReduceProd: reduceProduct,
  Where: where,
  Add: binary((x, y) => x + y),
  Sub: binary((x, y) => x - y),
  Mul: binary((x, y) => x * y),
  Div: binary((x, y, isFloat) => (isFloat ? x / y : Math.trunc(x / y))),
  Pow: binary((x, y) => x ** y),
  Min: binary((x, y) => Math.min(x, y)),
  Max: binary((x, y) => Math.max(x, y)),
  Equal: binary((x, y) => Number(x === y), BOOL),
  Less: binary((x, y) => Number(x < y), BOOL),
  Greater: binary((x, y) => Number(x > y), BOOL),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((x) => 1 / x),
  Neg: unary((x) => -x),
  Abs: unary(Math.abs),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Exp: unary(Math.exp),
  Not: unary((x) => Number(x === 0)),
};

/** Operands that an operator needs, where it is not one. */
const NEEDED: Readonly<Record<string, number>> = {
  Gather: 2,
  Expand: 2,
  Range: 3,
  Where: 3,
  Add: 2,
  Sub: 2,
  Mul: 2,
  Div: 2,
  Pow: 2,
  Equal: 2,
  Less: 2,
  Greater: 2,
};

/** Computes an operator whose operands are all constants; undefined where that is not known here. */
export function folded(call: Call): readonly Constant[] | undefined {
  const fold = Object.hasOwn(FOLDS, call.operator) ? FOLDS[call.operator] : undefined;
  const operands = call.operands.filter((value) => value !== undefined);
  const constants = operands.filter((value) => value.kind === "constant");
  if (!fold || operands.length === 0 || constants.length < operands.length) return undefined;
  for (let i = 0; i < (NEEDED[call.operator] ?? 1); i++) operand(call, i);
  return fold(call, constants);
}

/** Operators that only constants may have. */
export const isFoldOnly = (operator: string): boolean => Object.hasOwn(FOLDS, operator);
