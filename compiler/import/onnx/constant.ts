// A tensor that the file holds or that follows from what it holds, with the quantizer that the file applies to it, and
// moves of its elements. Numbers are exact doubles of what the file says.
import type { FileNumbers, QuantRounding } from "../../graph/imported.ts";
import { fail } from "../../support/diagnostics.ts";
import { linearIndices, stridesOf } from "./view.ts";

/** What the file does to a constant; scale and zero point broadcast against it. */
export type ConstantQuantizer =
  | {
      readonly kind: "int";
      readonly scale: Constant;
      readonly zeroPoint: Constant;
      readonly least: number;
      readonly greatest: number;
      readonly rounding: QuantRounding;
    }
  | { readonly kind: "bipolar"; readonly scale: Constant };

export interface Constant {
  readonly kind: "constant";
  readonly dims: readonly number[];
  /** ONNX's number of the element type. */
  readonly type: number;
  /** Row-major. Initialisers are decoded anew at every call, so that only what is used stays in memory. */
  readonly numbers: () => FileNumbers;
  readonly quantizer: ConstantQuantizer | null;
}

/** Elements that all constants of a file may have together, as often as they are decoded or computed. */
const MAX_ELEMENTS = 2 ** 24;
/** Those of a small file: what is made grows with what is there. */
const LEAST_ELEMENTS = 2 ** 21;
const ELEMENTS_PER_BYTE = 16;
/** Axes of a tensor. */
export const MAX_RANK = 8;

/** How often each of these may be read again after it was computed: by operators on constants, and by the network's. */
const READS_PER_ELEMENT = 4;

/** Counts down what may still be made and read. */
export interface Allowance {
  elements: number;
  /** Elements of computed constants that operators may still read. */
  reads: number;
  readonly limit: number;
  /** What gives the numbers of the constants whose readings are counted. */
  readonly counted: WeakSet<Constant["numbers"]>;
}

/** What a file of so many bytes may make. */
export function createAllowance(bytes: number): Allowance {
  const limit = Math.min(MAX_ELEMENTS, LEAST_ELEMENTS + ELEMENTS_PER_BYTE * bytes);
  return { elements: limit, reads: READS_PER_ELEMENT * limit, limit, counted: new WeakSet() };
}

/**
 * A constant that was computed, whose numbers are there already: each time that they are asked for costs their reading, as
 * a chain of operators that make nothing new would else be for nothing. Throws import/too-large when they are.
 */
export function withCountedReads(constant: Constant, allowance: Allowance): Constant {
  const { numbers } = constant;
  if (allowance.counted.has(numbers)) return constant;
  const counted = (): FileNumbers => {
    const list = numbers();
    allowance.reads -= list.length;
    if (allowance.reads >= 0) return list;
    const limit = READS_PER_ELEMENT * allowance.limit;
    const what = "elements of computed constants, as often as they are read";
    return fail("import/too-large", { what, found: limit - allowance.reads, limit });
  };
  allowance.counted.add(counted);
  return { ...constant, numbers: counted };
}

/** Elements of sizes; throws import/too-large before anybody allocates them. */
export function spend(allowance: Allowance, dims: readonly number[]): number {
  const count = checkRoom(allowance, dims);
  allowance.elements -= count;
  return count;
}

/** Elements of sizes that are made in a moment; throws like `spend`. */
function checkRoom(allowance: Allowance, dims: readonly number[]): number {
  const count = elementsOf(dims);
  if (count <= allowance.elements) return count;
  return fail("import/too-large", {
    what: "elements of the constants, as often as they are decoded or computed",
    found: allowance.limit - allowance.elements + count,
    limit: allowance.limit,
  });
}

export const elementsOf = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/** A constant of known numbers. */
export function constantOf(
  dims: readonly number[],
  type: number,
  numbers: FileNumbers,
  quantizer: ConstantQuantizer | null = null,
): Constant {
  return { kind: "constant", dims, type, numbers: () => numbers, quantizer };
}

/** The constant's numbers after its quantizer, which is exact for float32 numbers and scales. */
export function realNumbers(constant: Constant, allowance: Allowance): FileNumbers {
  const { quantizer } = constant;
  const numbers = constant.numbers();
  if (!quantizer) return numbers;
  const scale = broadcast(quantizer.scale, constant.dims, allowance).numbers();
  if (quantizer.kind === "bipolar") return numbers.map((x, i) => (x >= 0 ? scale[i]! : -scale[i]!));
  const zero = broadcast(quantizer.zeroPoint, constant.dims, allowance).numbers();
  const { least, greatest, rounding } = quantizer;
  return numbers.map((x, i) => {
    const m = Math.min(greatest, Math.max(least, rounded(x / scale[i]! + zero[i]!, rounding)));
    return (m - zero[i]!) * scale[i]!;
  });
}

/** The integer that a rounding mode makes of a number. */
export function rounded(x: number, rounding: QuantRounding): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  switch (rounding) {
    case "FLOOR":
      return floor;
    case "CEIL":
      return Math.ceil(x);
    case "ROUND_TO_ZERO":
    case "DOWN":
      return Math.trunc(x);
    case "UP":
      return x < 0 ? floor : Math.ceil(x);
    case "HALF_UP":
      return rest === 0.5 ? (x < 0 ? floor : floor + 1) : Math.floor(x + 0.5);
    case "HALF_DOWN":
      return rest === 0.5 ? (x < 0 ? floor + 1 : floor) : Math.floor(x + 0.5);
    case "ROUND":
      return rest === 0.5 ? (floor % 2 === 0 ? floor : floor + 1) : Math.floor(x + 0.5);
    case "HALF_ODD":
      return rest === 0.5 ? (floor % 2 === 0 ? floor + 1 : floor) : Math.floor(x + 0.5);
  }
}

/** The same with no quantizer left to apply. */
export function realized(constant: Constant, allowance: Allowance): Constant {
  if (!constant.quantizer) return constant;
  spend(allowance, constant.dims);
  return constantOf(constant.dims, constant.type, realNumbers(constant, allowance));
}

/** Result element i is element `indices[i]`, of the scale and zero point too. */
export function picked(
  constant: Constant,
  dims: readonly number[],
  indices: Int32Array,
  allowance: Allowance,
): Constant {
  return rearranged(constant, dims, allowance, (source, numbers) => {
    for (let i = 0; i < numbers.length; i++) numbers[i] = source[indices[i]!]!;
  });
}

/** Result element (i, j, ...) is element i * strides[0] + j * strides[1] + ..., of the scale and zero point too. */
export function strided(
  constant: Constant,
  dims: readonly number[],
  strides: readonly number[],
  allowance: Allowance,
): Constant {
  if (dims.length === 0) return picked(constant, dims, Int32Array.of(0), allowance);
  checkRoom(allowance, dims);
  // Indices of the rows alone: those of all elements would be half as much memory as the elements.
  const [length, stride] = [dims.at(-1)!, strides.at(-1)!];
  const rows = linearIndices(dims.slice(0, -1), strides.slice(0, -1));
  return rearranged(constant, dims, allowance, (source, numbers) => {
    let at = 0;
    for (const start of rows) for (let i = 0; i < length; i++) numbers[at++] = source[start + i * stride]!;
  });
}

function rearranged(
  constant: Constant,
  dims: readonly number[],
  allowance: Allowance,
  fill: (source: FileNumbers, numbers: Float64Array) => void,
): Constant {
  const pick = (part: Constant): Constant => {
    const source = part.numbers();
    const numbers = new Float64Array(spend(allowance, dims));
    fill(source, numbers);
    return constantOf(dims, part.type, numbers);
  };
  const quantizer = quantizerOf(constant, (part) =>
    elementsOf(part.dims) === 1 ? part : pick(broadcast(part, constant.dims, allowance)),
  );
  return { ...pick(constant), quantizer };
}

function quantizerOf(
  { quantizer }: Constant,
  change: (part: Constant) => Constant,
): ConstantQuantizer | null {
  if (!quantizer) return null;
  return quantizer.kind === "bipolar"
    ? { ...quantizer, scale: change(quantizer.scale) }
    : { ...quantizer, scale: change(quantizer.scale), zeroPoint: change(quantizer.zeroPoint) };
}

/** Repeated to sizes that it broadcasts to. */
export function broadcast(constant: Constant, dims: readonly number[], allowance: Allowance): Constant {
  if (sameDims(constant.dims, dims)) return constant;
  const lead = dims.length - constant.dims.length;
  const strides = stridesOf(constant.dims);
  const steps = dims.map((_, axis) =>
    axis < lead || constant.dims[axis - lead] === 1 ? 0 : strides[axis - lead]!,
  );
  return strided(constant, dims, steps, allowance);
}

export const sameDims = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, i) => size === b[i]);

/** The sizes that both broadcast to; undefined where they do not. */
export function broadcastDims(a: readonly number[], b: readonly number[]): readonly number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const dims: number[] = [];
  for (let i = 0; i < rank; i++) {
    const [x, y] = [a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1];
    if (x !== y && x !== 1 && y !== 1) return undefined;
    dims.push(x === 1 ? y : x);
  }
  return dims;
}

export function transposedConstant(
  constant: Constant,
  permutation: readonly number[],
  allowance: Allowance,
): Constant {
  const dims = permutation.map((axis) => constant.dims[axis]!);
  const strides = stridesOf(constant.dims);
  return strided(
    constant,
    dims,
    permutation.map((axis) => strides[axis]!),
    allowance,
  );
}

/** The same elements in row-major order under other sizes. */
export function reshapedConstant(
  constant: Constant,
  dims: readonly number[],
  allowance: Allowance,
): Constant {
  const quantizer = quantizerOf(constant, (part) => {
    if (elementsOf(part.dims) === 1) return { ...part, dims: [] };
    return { ...broadcast(part, constant.dims, allowance), dims };
  });
  return { ...constant, dims, quantizer };
}
