// Weights of TensorFlow.js: model.json lists them, files beside it hold them one behind the other. In: the list,
// untrusted, and the files' bytes. Out: tensors; numbers stored with fewer bits are unpacked as TensorFlow.js does it.
import { ELEMENT_BYTES, elementCount, halfToNumber, type NumericType } from "../../data/numeric-array.ts";
import { MAX_WEIGHTS } from "../../graph/shapes.ts";
import { fail } from "../../support/diagnostics.ts";
import { fieldOf, shown } from "../keras/json-text.ts";
import { MAX_WEIGHT_BYTES } from "../keras/limits.ts";

/** How a tensor's numbers are stored: value = stored * scale + least. */
interface Packing {
  readonly type: "uint8" | "uint16";
  readonly scale: number;
  readonly least: number;
}

export interface ManifestTensor {
  /** Such as "conv2d/kernel". */
  readonly name: string;
  readonly shape: readonly number[];
  /** Of the values. */
  readonly type: "float32" | "int32" | "bool";
  /** Null: as they are; "float16": half precision. */
  readonly packing: Packing | "float16" | null;
  /** Bytes in the group's files. */
  readonly bytes: number;
}

/** Files whose bytes, joined in order, hold the tensors one behind the other. */
export interface ManifestGroup {
  readonly paths: readonly string[];
  readonly tensors: readonly ManifestTensor[];
}

const MAX_FILES = 10_000;

const storedType = ({ type, packing }: ManifestTensor): NumericType =>
  packing === "float16" ? "float16" : packing ? packing.type : type;

/** Whether a path stays in the folder of model.json. */
const isInside = (path: string): boolean =>
  path !== "" && !/^[/\\]|^[A-Za-z][\w+.-]*:|\0/.test(path) && !path.split(/[/\\]/).includes("..");

function readPacking(value: unknown, name: string, path: string): ManifestTensor["packing"] {
  if (value === undefined || value === null) return null;
  const type = fieldOf(value, "dtype");
  if (type === "float16") return "float16";
  const [scale, least] = [fieldOf(value, "scale"), fieldOf(value, "min")];
  if (
    (type === "uint8" || type === "uint16") &&
    typeof scale === "number" &&
    typeof least === "number" &&
    Number.isFinite(scale) &&
    Number.isFinite(least)
  )
    return { type, scale, least };
  return fail("import/keras-json", {
    path,
    problem: `the weight ${JSON.stringify(name)} is stored as ${shown(value)}; known are float16, and uint8 and uint16 with scale and min`,
  });
}

function readTensor(value: unknown, path: string): ManifestTensor {
  const bad = (problem: string): never => fail("import/keras-json", { path, problem });
  const [name, shape, type] = ["name", "shape", "dtype"].map((field) => fieldOf(value, field));
  if (typeof name !== "string") return bad(`a weight has no name: ${shown(value)}`);
  if (type !== "float32" && type !== "int32" && type !== "bool")
    return bad(`the weight ${JSON.stringify(name)} has numbers of type ${shown(type)}`);
  const isShape =
    Array.isArray(shape) &&
    shape.length <= 8 &&
    shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!isShape) return bad(`the weight ${JSON.stringify(name)} has the shape ${shown(shape)}`);
  const count = elementCount(shape);
  if (count > MAX_WEIGHTS) {
    const what = `elements of the weight ${JSON.stringify(name)}`;
    return fail("import/keras-too-large", { path, what, found: count, limit: MAX_WEIGHTS });
  }
  const packing = readPacking(fieldOf(value, "quantization"), name, path);
  const tensor = { name, shape, type, packing, bytes: 0 } as const;
  return { ...tensor, bytes: count * ELEMENT_BYTES[storedType(tensor)] };
}

/** The groups of a model.json; `path` is its own. Throws import/keras-json, import/keras-too-large and import/tfjs-shard. */
export function readManifest(model: unknown, path: string): readonly ManifestGroup[] {
  const manifest = fieldOf(model, "weightsManifest");
  if (!Array.isArray(manifest))
    return fail("import/keras-json", {
      path,
      problem: "it has no weightsManifest: no model of TensorFlow.js",
    });
  let files = 0;
  let bytes = 0;
  return manifest.map((group) => {
    const [paths, weights] = [fieldOf(group, "paths"), fieldOf(group, "weights")];
    if (!Array.isArray(paths) || !paths.every((p) => typeof p === "string") || !Array.isArray(weights))
      return fail("import/keras-json", { path, problem: `a group of weights is ${shown(group)}` });
    const outside = paths.find((p) => !isInside(p));
    if (outside !== undefined)
      return fail("import/tfjs-shard", {
        path,
        problem: `the weight file ${shown(outside)} lies outside of its folder`,
      });
    const tensors = weights.map((weight) => readTensor(weight, path));
    files += paths.length;
    bytes += tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
    if (files > MAX_FILES)
      return fail("import/keras-too-large", { path, what: "weight files", found: files, limit: MAX_FILES });
    if (bytes > MAX_WEIGHT_BYTES)
      return fail("import/keras-too-large", {
        path,
        what: "bytes of weights",
        found: bytes,
        limit: MAX_WEIGHT_BYTES,
      });
    return { paths, tensors };
  });
}

/** Numbers of a tensor from its bytes in the group: exact, but for what 8 and 16 bits left of them. */
export function unpackTensor(tensor: ManifestTensor, bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = elementCount(tensor.shape);
  const { packing, type } = tensor;
  const each = (read: (i: number) => number): Float64Array =>
    Float64Array.from({ length: count }, (_, i) => read(i));
  if (packing === "float16") return each((i) => halfToNumber(view.getUint16(2 * i, true)));
  if (packing) {
    const stored =
      packing.type === "uint8" ? each((i) => bytes[i]!) : each((i) => view.getUint16(2 * i, true));
    const value = (q: number): number => q * packing.scale + packing.least;
    return type === "float32"
      ? stored.map((q) => Math.fround(value(q)))
      : stored.map((q) => Math.round(value(q)));
  }
  if (type === "float32") return each((i) => view.getFloat32(4 * i, true));
  return type === "int32" ? each((i) => view.getInt32(4 * i, true)) : each((i) => bytes[i]!);
}
