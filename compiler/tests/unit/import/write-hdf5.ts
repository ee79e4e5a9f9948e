// A small writer of HDF5 files for tests: superblock 0, groups with symbol tables, datasets in one piece or in packed
// chunks, attributes of text. In: a tree of groups and datasets. Out: a file as the HDF5 library would read it.
import { encodeUtf8 } from "../../../support/text.ts";

export type ElementType = "float32" | "float64" | "int32" | "int64";

export interface DatasetTree {
  readonly shape: readonly number[];
  readonly type: ElementType;
  readonly data: ArrayLike<number>;
  /** Stored in chunks that are zlib streams, in the place of `data`. */
  readonly chunked?: Chunked;
}

export interface Chunked {
  /** Of one chunk. */
  readonly sizes: readonly number[];
  /** Where each chunk starts, and its stream. */
  readonly chunks: readonly { readonly start: readonly number[]; readonly packed: Uint8Array }[];
}

export interface GroupTree {
  /** A text is written with a variable length, a list of texts with a fixed one. */
  readonly attributes?: Readonly<Record<string, string | readonly string[]>>;
  readonly children?: Readonly<Record<string, GroupTree | DatasetTree>>;
}

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
/** Symbols of a leaf and children of a tree node are at most twice these. */
const LEAF_K = 4;
const INTERNAL_K = 16;
const UNDEFINED = 0xffffffffffffffffn;

const padded = (size: number): number => Math.ceil(size / 8) * 8;

/** Bytes that grow; fields are little-endian. */
function createBytes() {
  let bytes = new Uint8Array(1024);
  let view = new DataView(bytes.buffer);
  let end = 0;
  const reserve = (size: number): number => {
    const start = end;
    end += padded(size);
    if (end > bytes.length) {
      const larger = new Uint8Array(2 * end);
      larger.set(bytes);
      bytes = larger;
      view = new DataView(bytes.buffer);
    }
    return start;
  };
  return {
    reserve,
    /** Writes fields one behind the other: [bytes of the field, value], or raw bytes. */
    write: (
      start: number,
      ...fields: readonly (readonly [number, number | bigint] | Uint8Array)[]
    ): number => {
      let at = start;
      for (const field of fields) {
        if (field instanceof Uint8Array) {
          bytes.set(field, at);
          at += field.length;
          continue;
        }
        const [size, value] = field;
        if (size === 8) view.setBigUint64(at, BigInt(value), true);
        else bytes.fill(0, at, at + size);
        if (size < 8)
          for (let byte = 0; byte < Math.min(size, 4); byte++)
            bytes[at + byte] = Number(value) >>> (8 * byte);
        at += size;
      }
      return at;
    },
    text: (value: string): Uint8Array => encodeUtf8(value),
    finish: (): Uint8Array => bytes.slice(0, end),
    size: (): number => end,
  };
}

const ascii = (text: string): Uint8Array => encodeUtf8(text);

const join = (...parts: readonly Uint8Array[]): Uint8Array => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};

const toMultipleOf8 = (bytes: Uint8Array): Uint8Array =>
  join(bytes, new Uint8Array(padded(bytes.length) - bytes.length));

function fields(...list: readonly (readonly [number, number | bigint])[]): Uint8Array {
  const out: number[] = [];
  for (const [size, value] of list)
    for (let byte = 0; byte < size; byte++) out.push(Number((BigInt(value) >> BigInt(8 * byte)) & 0xffn));
  return Uint8Array.from(out);
}

const dataspace = (shape: readonly number[]): Uint8Array =>
  fields([1, 1], [1, shape.length], [6, 0], ...shape.map((size) => [8, size] as const));

const DATATYPES: Readonly<Record<ElementType, Uint8Array>> = {
  float32: fields(
    [1, 0x11],
    [1, 0x20],
    [1, 31],
    [1, 0],
    [4, 4],
    [2, 0],
    [2, 32],
    [1, 23],
    [1, 8],
    [1, 0],
    [1, 23],
    [4, 127],
  ),
  float64: fields(
    [1, 0x11],
    [1, 0x20],
    [1, 63],
    [1, 0],
    [4, 8],
    [2, 0],
    [2, 64],
    [1, 52],
    [1, 11],
    [1, 0],
    [1, 52],
    [4, 1023],
  ),
  int32: fields([1, 0x10], [1, 8], [2, 0], [4, 4], [2, 0], [2, 32]),
  int64: fields([1, 0x10], [1, 8], [2, 0], [4, 8], [2, 0], [2, 64]),
};

const fixedText = (size: number): Uint8Array => fields([1, 0x13], [1, 0], [2, 0], [4, size]);
/** Variable length, UTF-8; its base is one byte of text. */
const variableText = join(
  fields([1, 0x19], [1, 1], [1, 1], [1, 0], [4, 16]),
  fields([1, 0x13], [1, 0x10], [2, 0], [4, 1]),
);

function elements({ type, data }: DatasetTree): Uint8Array {
  const list = Array.from(data);
  switch (type) {
    case "float32":
      return new Uint8Array(Float32Array.from(list).buffer);
    case "float64":
      return new Uint8Array(Float64Array.from(list).buffer);
    case "int32":
      return new Uint8Array(Int32Array.from(list).buffer);
    case "int64":
      return new Uint8Array(BigInt64Array.from(list, BigInt).buffer);
  }
}

/** The bytes of a file with this root group. A group has at most 256 children. */
export function writeHdf5(root: GroupTree): Uint8Array {
  const file = createBytes();
  const start = file.reserve(96);

  const message = (type: number, body: Uint8Array): Uint8Array =>
    join(fields([2, type], [2, padded(body.length)], [4, 0]), toMultipleOf8(body));
  const header = (messages: readonly Uint8Array[]): number => {
    const body = join(...messages);
    const at = file.reserve(16 + body.length);
    file.write(at, [1, 1], [1, 0], [2, messages.length], [4, 1], [4, body.length], [4, 0], body);
    return at;
  };

  /** A heap of its own for each text; gives what stands in the attribute. */
  const inHeap = (text: string): Uint8Array => {
    const content = file.text(text);
    const size = Math.max(4096, 16 + 16 + padded(content.length) + 16);
    const at = file.reserve(size);
    const next = file.write(
      at,
      ascii("GCOL"),
      [1, 1],
      [3, 0],
      [8, size],
      [2, 1],
      [2, 1],
      [4, 0],
      [8, content.length],
    );
    file.write(next, content);
    const rest = next + padded(content.length);
    file.write(rest, [2, 0], [2, 0], [4, 0], [8, at + size - rest]);
    return fields([4, content.length], [8, at], [4, 1]);
  };
  const attribute = (name: string, value: string | readonly string[]): Uint8Array => {
    const label = join(ascii(name), new Uint8Array(1));
    let [type, space, content] = [variableText, dataspace([]), new Uint8Array()];
    if (typeof value === "string") content = inHeap(value) as Uint8Array<ArrayBuffer>;
    else {
      const texts = value.map(ascii);
      const size = Math.max(1, ...texts.map((text) => text.length));
      type = fixedText(size) as Uint8Array<ArrayBuffer>;
      space = dataspace([texts.length]);
      content = join(
        ...texts.map((text) => join(text, new Uint8Array(size - text.length))),
      ) as Uint8Array<ArrayBuffer>;
    }
    const sizes = fields([1, 1], [1, 0], [2, label.length], [2, type.length], [2, space.length]);
    return message(12, join(sizes, toMultipleOf8(label), toMultipleOf8(type), toMultipleOf8(space), content));
  };

  const chunkedDataset = ({ shape, type }: DatasetTree, { sizes, chunks }: Chunked): number => {
    const elementBytes = type.endsWith("64") ? 8 : 4;
    const places = chunks.map(({ packed }) => {
      const at = file.reserve(packed.length);
      file.write(at, packed);
      return at;
    });
    const key = (size: number, start: readonly number[]) =>
      [[4, size], [4, 0], ...[...start, 0].map((place) => [8, place] as const)] as const;
    const entries = chunks.flatMap(({ start, packed }, i) => [
      ...key(packed.length, start),
      [8, places[i]!] as const,
    ]);
    const node = join(
      ascii("TREE"),
      fields(
        [1, 1],
        [1, 0],
        [2, chunks.length],
        [8, UNDEFINED],
        [8, UNDEFINED],
        ...entries,
        ...key(0, shape),
      ),
    );
    const tree = file.reserve(node.length);
    file.write(tree, node);
    const listed = [...sizes, elementBytes].map((size) => [4, size] as const);
    const deflate = fields([1, 1], [1, 1], [6, 0], [2, 1], [2, 0], [2, 1], [2, 1], [4, 6], [4, 0]);
    return header([
      message(1, dataspace(shape)),
      message(3, DATATYPES[type]),
      message(5, fields([1, 2], [1, 2], [1, 2], [1, 0])),
      message(11, deflate),
      message(8, fields([1, 3], [1, 2], [1, sizes.length + 1], [8, tree], ...listed)),
    ]);
  };

  const dataset = (tree: DatasetTree): number => {
    if (tree.chunked) return chunkedDataset(tree, tree.chunked);
    const content = elements(tree);
    const at = file.reserve(content.length);
    file.write(at, content);
    return header([
      message(1, dataspace(tree.shape)),
      message(3, DATATYPES[tree.type]),
      message(5, fields([1, 2], [1, 2], [1, 2], [1, 0])),
      message(8, fields([1, 3], [1, 1], [8, content.length > 0 ? at : UNDEFINED], [8, content.length])),
    ]);
  };

  const group = (tree: GroupTree): { header: number; btree: number; heap: number } => {
    const names = Object.keys(tree.children ?? {}).sort();
    const addresses = names.map((name) => {
      const child = tree.children![name]!;
      return "shape" in child ? dataset(child) : group(child).header;
    });
    const offsets: number[] = [];
    let heapSize = 8;
    for (const name of names) {
      offsets.push(heapSize);
      heapSize += padded(file.text(name).length + 1);
    }
    const data = file.reserve(heapSize);
    names.forEach((name, i) => {
      file.write(data + offsets[i]!, file.text(name));
    });
    const heap = file.reserve(32);
    file.write(heap, ascii("HEAP"), [4, 0], [8, heapSize], [8, 1], [8, data]);

    const btree = file.reserve(24 + (4 * INTERNAL_K + 1) * 8);
    const leaves: (readonly [number, number | bigint])[] = [];
    for (let first = 0; first < names.length; first += 2 * LEAF_K) {
      const last = Math.min(names.length, first + 2 * LEAF_K);
      const leaf = file.reserve(8 + 2 * LEAF_K * 40);
      let at = file.write(leaf, ascii("SNOD"), [1, 1], [1, 0], [2, last - first]);
      for (let i = first; i < last; i++)
        at = file.write(at, [8, offsets[i]!], [8, addresses[i]!], [4, 0], [4, 0], [16, 0]);
      leaves.push([8, leaf], [8, offsets[last - 1]!]);
    }
    if (leaves.length > 4 * INTERNAL_K) throw new Error("a group has too many children");
    const counts = [[1, 0] as const, [1, 0] as const, [2, leaves.length / 2] as const];
    file.write(btree, ascii("TREE"), ...counts, [8, UNDEFINED], [8, UNDEFINED], [8, 0], ...leaves);
    const attributes = Object.entries(tree.attributes ?? {}).map(([name, value]) => attribute(name, value));
    const at = header([message(17, fields([8, btree], [8, heap])), ...attributes]);
    return { header: at, btree, heap };
  };

  const { header: rootHeader, btree, heap } = group(root);
  const versions = [0, 0, 0, 0, 0, 8, 8, 0].map((byte) => [1, byte] as const);
  const sizes = [[2, LEAF_K] as const, [2, INTERNAL_K] as const, [4, 0] as const];
  const ends = [[8, 0] as const, [8, UNDEFINED] as const, [8, file.size()] as const, [8, UNDEFINED] as const];
  const entry = [
    [8, 0] as const,
    [8, rootHeader] as const,
    [4, 1] as const,
    [4, 0] as const,
    [8, btree] as const,
    [8, heap] as const,
  ];
  file.write(start, Uint8Array.from(SIGNATURE), ...versions, ...sizes, ...ends, ...entry);
  return file.finish();
}
