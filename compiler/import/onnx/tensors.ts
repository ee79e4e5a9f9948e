// TensorProto -> constant. Sizes are checked against the bytes that are there before anything is allocated. Data in
// other files comes through a reader that the host gives; paths that leave the model's folder are refused.
import { fail } from "../../support/diagnostics.ts";
import type { ExternalReader } from "../model-import.ts";
import { type Allowance, type Constant, MAX_RANK, spend } from "./constant.ts";
import type { TensorProto } from "./messages.ts";

interface ElementType {
  readonly name: string;
  readonly bits: number;
  readonly read: (view: DataView, index: number) => number;
}

const whole = (view: DataView, index: number, bits: number, signed: boolean): number => {
  const bit = index * bits;
  const raw = (view.getUint8(bit >> 3) >> (bit & 7)) & (2 ** bits - 1);
  return signed && raw >= 2 ** (bits - 1) ? raw - 2 ** bits : raw;
};

/** The element types that are read, by ONNX's number. */
export const ELEMENT_TYPES: ReadonlyMap<number, ElementType> = new Map([
  [1, { name: "float", bits: 32, read: (v, i) => v.getFloat32(4 * i, true) }],
  [2, { name: "uint8", bits: 8, read: (v, i) => v.getUint8(i) }],
  [3, { name: "int8", bits: 8, read: (v, i) => v.getInt8(i) }],
  [4, { name: "uint16", bits: 16, read: (v, i) => v.getUint16(2 * i, true) }],
  [5, { name: "int16", bits: 16, read: (v, i) => v.getInt16(2 * i, true) }],
  [6, { name: "int32", bits: 32, read: (v, i) => v.getInt32(4 * i, true) }],
  [7, { name: "int64", bits: 64, read: (v, i) => Number(v.getBigInt64(8 * i, true)) }],
  [9, { name: "bool", bits: 8, read: (v, i) => (v.getUint8(i) === 0 ? 0 : 1) }],
  [10, { name: "float16", bits: 16, read: (v, i) => halfFloat(v.getUint16(2 * i, true)) }],
  [11, { name: "double", bits: 64, read: (v, i) => v.getFloat64(8 * i, true) }],
  [12, { name: "uint32", bits: 32, read: (v, i) => v.getUint32(4 * i, true) }],
  [13, { name: "uint64", bits: 64, read: (v, i) => Number(v.getBigUint64(8 * i, true)) }],
  [16, { name: "bfloat16", bits: 16, read: (v, i) => brainFloat(v.getUint16(2 * i, true)) }],
  [21, { name: "uint4", bits: 4, read: (v, i) => whole(v, i, 4, false) }],
  [22, { name: "int4", bits: 4, read: (v, i) => whole(v, i, 4, true) }],
  [25, { name: "uint2", bits: 2, read: (v, i) => whole(v, i, 2, false) }],
  [26, { name: "int2", bits: 2, read: (v, i) => whole(v, i, 2, true) }],
] satisfies [number, ElementType][]);

export const FLOAT = 1;
export const INT64 = 7;
export const BOOL = 9;

const FLOAT_TYPES: readonly number[] = [1, 10, 11, 16];

/** Whether an element type holds floats. */
export const isFloatType = (type: number): boolean => FLOAT_TYPES.includes(type);

/** The value of 16 bits of IEEE 754 half precision. */
export function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

const scratch = new DataView(new ArrayBuffer(4));
function brainFloat(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

/** Least and greatest integer of an integer type; undefined for other types. */
export function integerRange(type: number): readonly [number, number] | undefined {
  const { name, bits } = ELEMENT_TYPES.get(type) ?? { name: "", bits: 0 };
  if (!/^u?int/.test(name)) return undefined;
  return name.startsWith("u") ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}

/** The constant that a tensor states. `name` is what messages call it. */
export function tensorConstant(
  tensor: TensorProto,
  name: string,
  readExternal: ExternalReader,
  allowance: Allowance,
): Constant {
  const bad = (problem: string): never => fail("import/bad-tensor", { tensor: name, problem });
  const { dims = [], dataType = 0 } = tensor;
  const type = ELEMENT_TYPES.get(dataType);
  if (!type) return bad(`has the element type ${dataType}, which is not read`);
  if (tensor.segment) return bad("is stored in segments, which are not read");
  if (dims.length > MAX_RANK) return bad(`has ${dims.length} axes; at most ${MAX_RANK} are read`);
  if (!dims.every((size) => Number.isSafeInteger(size) && size >= 0))
    return bad(`has the sizes ${dims.join("x")}, which are no sizes`);
  const count = dims.reduce((a, b) => a * b, 1);
  const bytes = Math.ceil((count * type.bits) / 8);
  const listed = listOf(tensor);
  if (tensor.dataLocation === 1) {
    const external = externalPlace(tensor, name, bytes);
    return {
      kind: "constant",
      dims,
      type: dataType,
      numbers: () => readNumbers(external.read(readExternal), dims, type, allowance),
      quantizer: null,
    };
  }
  const raw = tensor.rawData;
  const found = raw ? raw.length : listed.length;
  const wanted = raw ? bytes : listWidth(type, count);
  if (found !== wanted)
    return bad(
      `has the shape ${dims.join("x") || "of a scalar"} and needs ${wanted} ${raw ? "bytes" : "numbers"}, but holds ${found}`,
    );
  return {
    kind: "constant",
    dims,
    type: dataType,
    numbers: () => {
      if (raw) return readNumbers(raw, dims, type, allowance);
      spend(allowance, dims);
      return fromList(listed, type, count);
    },
    quantizer: null,
  };
}

function readNumbers(
  bytes: Uint8Array,
  dims: readonly number[],
  type: ElementType,
  allowance: Allowance,
): Float64Array {
  const numbers = new Float64Array(spend(allowance, dims));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < numbers.length; i++) numbers[i] = type.read(view, i);
  return numbers;
}

/** Numbers that are not raw; the field depends on the type. */
function listOf({ dataType, ...tensor }: TensorProto): readonly number[] {
  if (dataType === 1) return tensor.floatData ?? [];
  if (dataType === 7) return tensor.int64Data ?? [];
  if (dataType === 11) return tensor.doubleData ?? [];
  if (dataType === 12 || dataType === 13) return tensor.uint64Data ?? [];
  return tensor.int32Data ?? [];
}

/** Several numbers of less than eight bits share a byte. */
const listWidth = ({ bits }: ElementType, count: number): number =>
  bits < 8 ? Math.ceil((count * bits) / 8) : count;

/** Numbers of the list as the type's: floats of 16 bits stand there as their bits. */
function fromList(list: readonly number[], type: ElementType, count: number): Float64Array {
  if (type.name === "float16") return Float64Array.from(list, (bits) => halfFloat(bits & 0xffff));
  if (type.name === "bfloat16") return Float64Array.from(list, (bits) => brainFloat(bits & 0xffff));
  if (type.name === "bool") return Float64Array.from(list, (value) => (value === 0 ? 0 : 1));
  if (type.bits >= 8) return Float64Array.from(list);
  const bytes = Uint8Array.from(list);
  const view = new DataView(bytes.buffer);
  return Float64Array.from({ length: count }, (_, i) => type.read(view, i));
}

/** Where in which file the bytes are. */
function externalPlace(tensor: TensorProto, name: string, bytes: number) {
  const entries = new Map((tensor.externalData ?? []).map(({ key = "", value = "" }) => [key, value]));
  const location = entries.get("location") ?? "";
  const refuse = (problem: string): never =>
    fail("import/external-data", { tensor: name, location, problem });
  const problem = pathProblem(location);
  if (problem) refuse(problem);
  const offset = Number(entries.get("offset") ?? "0");
  const length = Number(entries.get("length") ?? `${bytes}`);
  if (!Number.isSafeInteger(offset) || offset < 0) refuse("its offset is no whole number");
  if (length !== bytes) refuse(`its length is ${length}, but the shape needs ${bytes} bytes`);
  return {
    read(reader: ExternalReader): Uint8Array {
      const found = reader(location, offset, bytes);
      if (!found) return refuse("there is no such file in the model's folder");
      if (found.length !== bytes) refuse(`it ends before the ${bytes} bytes from ${offset} on`);
      return found;
    },
  };
}

/** Why a path may not be opened: it would leave the folder, or mean something else on another system. */
export function pathProblem(location: string): string | undefined {
  if (location === "") return "no file is named";
  if (/[\\:\0]/.test(location) || location.startsWith("/")) return "it is no relative path";
  if (location.split("/").some((part) => part === ".." || part === "")) return "it leaves the model's folder";
  return undefined;
}
