// HDF5 files through jsfive. In: untrusted bytes. Out: groups, text attributes and datasets, with sizes that are
// checked before anything is unpacked. jsfive throws strings and whatever a damaged file leads it to: all of it
// becomes import/keras-hdf5. A hostile file may still make it slow: callers run readers in a worker that is ended.
import { Dataset, File, Filters, Group } from "jsfive";
import { inflate, TooMuchInflated } from "../../data/inflate.ts";
import { MAX_WEIGHTS, product } from "../../graph/shapes.ts";
import { DiagnosticError, fail } from "../../support/diagnostics.ts";
import { checkChunkTree } from "./chunk-tree.ts";
import { MAX_CHUNKED, MAX_INFLATION, MAX_WEIGHT_BYTES } from "./limits.ts";

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
const DEFLATE = 1;

export interface Hdf5Dataset {
  readonly shape: readonly number[];
  /** Row-major. Throws import/keras-hdf5 when the content is missing, not finite, or not as large as the shape. */
  read(): Float64Array;
}

export interface Hdf5Group {
  readonly keys: readonly string[];
  /** Undefined where there is no such group. */
  group(name: string): Hdf5Group | undefined;
  /** `path` has parts between slashes; undefined where there is no such dataset. */
  dataset(path: string): Hdf5Dataset | undefined;
  /** Text of an attribute; undefined where there is none, or no text. */
  text(name: string): string | undefined;
  /** Texts of an attribute that is a list; the parts `name0`, `name1`... where Keras has split a long one. */
  texts(name: string): readonly string[] | undefined;
}

/** Bytes that one chunk may unpack to; set while a dataset is read, which is synchronous. */
let room = 0;

// jsfive's own inflater has no limit.
Filters.set(DEFLATE, (packed) => {
  try {
    return inflate(new Uint8Array(packed), "zlib", room).slice().buffer;
  } catch (error) {
    if (!(error instanceof TooMuchInflated)) throw error;
    throw new Error("a packed chunk is larger than it says");
  }
});

/** A filter before the compression may add a checksum. */
const CHECKSUM_BYTES = 4;
/** Bytes of a chunk, where that is more than its dataset has. */
const LEAST_CHUNK = 2 ** 16;

/** Makes room for the chunks of a dataset, of which none may be larger than it all, and not more than there are may come. */
function makeRoom({ shape, _dataobjects }: Dataset, elementBytes: number): void {
  const { chunks, fh, _chunk_address } = _dataobjects;
  if (!chunks) return;
  const bytes = product(chunks) * elementBytes;
  if (!(bytes <= Math.max(product(shape) * elementBytes, LEAST_CHUNK)) || !chunks.every((size) => size >= 1))
    throw new Error(`its chunks of ${chunks.join("x")} are larger than itself`);
  room = bytes + CHECKSUM_BYTES;
  const most = product(shape.map((size, axis) => Math.ceil(size / (chunks[axis] ?? 1))));
  checkChunkTree(fh, Number(_chunk_address), chunks.length, most);
}

type AttributeReader = (type: unknown, bytes: ArrayBuffer, count: number, offset: number) => unknown;
const limited = new WeakSet<object>();

/**
 * jsfive makes as many elements of an attribute as its shape says, also of strings without a byte, until the process is out of
 * memory: none may have more than the file has bytes.
 */
function limitAttributes({ _dataobjects }: File): void {
  const objects = Object.getPrototypeOf(_dataobjects) as { _attr_value: AttributeReader };
  if (limited.has(objects)) return;
  limited.add(objects);
  const read = objects._attr_value;
  objects._attr_value = function (type, bytes, count, offset) {
    if (!(count <= bytes.byteLength))
      throw new Error("an attribute has more elements than the file has bytes");
    return read.call(this, type, bytes, count, offset);
  };
}

/** Opens a file. `path` is for messages. Throws import/keras-hdf5. */
export function openHdf5(bytes: Uint8Array, path: string): Hdf5Group {
  const damaged = (problem: string): never => fail("import/keras-hdf5", { path, problem });
  const guarded = <T>(what: string, run: () => T): T => {
    try {
      return run();
    } catch (error) {
      if (error instanceof DiagnosticError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      return damaged(`${what}: ${reason.slice(0, 200)}`);
    }
  };
  if (!SIGNATURE.every((byte, at) => bytes[at] === byte)) damaged("it does not start as an HDF5 file does");
  if (bytes.length > MAX_WEIGHT_BYTES) {
    const parameters = { path, what: "bytes of an HDF5 file", found: bytes.length, limit: MAX_WEIGHT_BYTES };
    fail("import/keras-too-large", parameters);
  }

  const wrapDataset = (dataset: Dataset, name: string): Hdf5Dataset =>
    guarded(`dataset ${JSON.stringify(name)}`, () => {
      const { shape, dtype } = dataset;
      const type = typeof dtype === "string" ? /^[<>|][fiu]([1248])$/.exec(dtype) : null;
      if (type === null) return damaged(`dataset ${JSON.stringify(name)} holds no numbers`);
      const count = product(shape);
      const size = count * Number(type[1]);
      if (!(count <= MAX_WEIGHTS)) {
        const what = `elements of dataset ${JSON.stringify(name)}`;
        fail("import/keras-too-large", { path, what, found: count, limit: MAX_WEIGHTS });
      }
      if (size > 2 ** 20 + MAX_INFLATION * bytes.length)
        damaged(`dataset ${JSON.stringify(name)} of ${shape.join("x")} does not fit in the file`);
      if (dataset._dataobjects.chunks && count > MAX_CHUNKED) {
        const what = `elements of dataset ${JSON.stringify(name)}, which is in chunks`;
        fail("import/keras-too-large", { path, what, found: count, limit: MAX_CHUNKED });
      }
      const read = (): Float64Array =>
        guarded(`dataset ${JSON.stringify(name)}`, () => {
          makeRoom(dataset, Number(type[1]));
          const values = dataset.value;
          if (values.length !== count) damaged(`dataset ${JSON.stringify(name)} is not complete`);
          const numbers = new Float64Array(count);
          for (let i = 0; i < count; i++) {
            const value = values[i];
            if (typeof value !== "number" || !Number.isFinite(value))
              return damaged(`element ${i} of dataset ${JSON.stringify(name)} is no finite number`);
            numbers[i] = value;
          }
          return numbers;
        });
      return { shape: [...shape], read };
    });

  const wrapGroup = (group: Group, where: string): Hdf5Group => {
    const keys = guarded(where, () => group.keys);
    let attributes: Group["attrs"] | undefined;
    const attribute = (name: string): unknown => {
      attributes ??= guarded(`attributes of ${where}`, () => group.attrs);
      return Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    };
    // What is neither a group nor a dataset (a broken link) is nothing.
    const child = (name: string): unknown =>
      keys.includes(name) ? guarded(`${where}, ${JSON.stringify(name)}`, () => group.get(name)) : undefined;
    const list = (name: string): readonly string[] | undefined => {
      const value = attribute(name);
      if (!Array.isArray(value)) return undefined;
      return value.every((item) => typeof item === "string") ? value.map(withoutPadding) : undefined;
    };
    const subgroup = (name: string): Hdf5Group | undefined => {
      const found = child(name);
      return found instanceof Group ? wrapGroup(found, `group ${JSON.stringify(name)}`) : undefined;
    };
    return {
      keys,
      group: subgroup,
      dataset: (path) => {
        const [first, ...rest] = path.split("/").filter((part) => part !== "");
        if (first === undefined) return undefined;
        if (rest.length > 0) return subgroup(first)?.dataset(rest.join("/"));
        const found = child(first);
        return found instanceof Dataset ? wrapDataset(found, first) : undefined;
      },
      text: (name) => {
        const value = attribute(name);
        return typeof value === "string" ? withoutPadding(value) : undefined;
      },
      texts: (name) => {
        if (attribute(name) !== undefined) return list(name);
        const parts: string[] = [];
        for (let part = 0; ; part++) {
          const found = list(`${name}${part}`);
          if (found === undefined) return part === 0 ? undefined : parts;
          parts.push(...found);
        }
      },
    };
  };

  // jsfive wants a buffer of its own that starts with the file.
  const whole = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
  const buffer = (whole ? bytes.buffer : new Uint8Array(bytes).buffer) as ArrayBuffer;
  return wrapGroup(
    guarded("the file", () => {
      const file = new File(buffer, path);
      limitAttributes(file);
      return file;
    }),
    "the root group",
  );
}

/** Fixed-length strings are filled up with zeros. */
function withoutPadding(text: string): string {
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}
