// Data files under the fuzzer: NPY, NPZ, IDX, CSV and JSON, plain and in gzip.
import { gzipSync, zipSync } from "fflate/browser";
import { decodeCsv } from "../../data/csv.ts";
import { decodeIdx } from "../../data/idx.ts";
import { decodeJson } from "../../data/json.ts";
import { decodeNpy, encodeNpy } from "../../data/npy.ts";
import { decodeNpz } from "../../data/npz.ts";
import { elementCount, type NumericArray } from "../../data/numeric-array.ts";
import type { RandomStream } from "../../support/random.ts";
import { encodeUtf8 } from "../../support/text.ts";
import {
  changedJson,
  changedText,
  damagedBytes,
  jsonText,
  madeUpBytes,
  STRANGE_NAMES,
  STRANGE_NUMBERS,
} from "./damage.ts";
import { type FuzzReader, holds, once, pick } from "./fuzz-reader.ts";

const source = { path: "fuzz", limits: { bytes: 1_000_000, textBytes: 100_000 } };
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => ((i * 37) % 41) - 20);
const npys = once(() => [
  encodeNpy([3, 4], "int16", numbers(12)),
  encodeNpy([5], "float32", numbers(5)),
  encodeNpy([2, 2, 2, 3], "uint8", numbers(24).map(Math.abs)),
  encodeNpy([4, 1], "int64", numbers(4)),
  encodeNpy([3], "float64", numbers(3)),
]);
const idxs = [
  Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6),
  Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 4, 1, 0, 2, 1),
  Uint8Array.of(0, 0, 0x0b, 1, 0, 0, 0, 2, 1, 0, 0xff, 1),
  Uint8Array.of(0, 0, 0x0d, 1, 0, 0, 0, 1, 0x3f, 0x80, 0, 0),
];
const csvs = [
  'a,"b ""c""",label\n1,2.5,x\n3,-4e1,"y\nz"\n',
  "label,a\r\n0,1\r\n1,2\r\n",
  "a,b,label\n1,2,3\n",
].map(encodeUtf8);
const jsons: readonly object[] = [
  {
    inputs: [
      [1, 2.5],
      [3, -40],
    ],
    labels: ["x", "y"],
  },
  {
    inputs: [
      [[1], [2]],
      [[3], [4]],
      [[5], [6]],
    ],
    labels: [0, 1, 2],
    t: [[1], [2], [3]],
  },
];
const rows = { inputs: [[1, 2.5], [], [3, -40]], labels: ["x", "y", "x"], t: [1, 2, [3]] };
const VALUES: readonly unknown[] = [
  ...STRANGE_NUMBERS,
  ...STRANGE_NAMES,
  null,
  true,
  [],
  {},
  [1, 2],
  [[1, 2]],
  "NaN",
];
const CELLS = ["NaN", "1e999", '"', '""', ",", "\n", "-", "0x10", "1_000", " ", "label", ...STRANGE_NAMES];

/** What a data reader hands back keeps its limits. */
function checkArray({ shape, data }: NumericArray): void {
  holds(data.length === elementCount(shape), () => `${data.length} elements for ${shape.join("x")}`);
  holds(data.byteLength <= 8 * source.limits.bytes, () => `an array of ${data.byteLength} bytes`);
}

interface DataFormat {
  readonly name: string;
  readonly share: number;
  readonly sound: () => readonly Uint8Array[];
  readonly read: (bytes: Uint8Array) => NumericArray;
  /** Another text of the format. */
  readonly change?: (bytes: Uint8Array, random: RandomStream) => Uint8Array;
}

function dataReader({ name, share, sound, read, change }: DataFormat): FuzzReader {
  return {
    name,
    share,
    prepare: once(() => {
      const plain = sound();
      const files = [...plain, ...plain.map((bytes) => gzipSync(bytes))];
      return {
        sound: files,
        kinds: [
          (random) => damagedBytes(pick(random, files), random),
          (random) => damagedBytes(pick(random, plain), random),
          (random) => madeUpBytes(pick(random, files), random),
          // Damage inside of a sound archive.
          (random) => gzipSync(damagedBytes(pick(random, plain), random), { level: 1 }),
          ...(change ? [1, 2].map(() => (random: RandomStream) => change(pick(random, plain), random)) : []),
        ] satisfies ReturnType<FuzzReader["prepare"]>["kinds"],
      };
    }),
    read: (bytes) => checkArray(read(bytes)),
  };
}

const jsonFiles = (values: readonly object[]) => values.map((value) => encodeUtf8(JSON.stringify(value)));
const changeJson: DataFormat["change"] = (bytes, random) =>
  encodeUtf8(jsonText(changedJson(JSON.parse(new TextDecoder().decode(bytes)), VALUES, random)));

export const DATA_READERS: readonly FuzzReader[] = [
  dataReader({ name: "NPY", share: 100, sound: npys, read: (b) => decodeNpy(b, source) }),
  {
    ...dataReader({ name: "NPZ", share: 80, sound: npys, read: (b) => decodeNpz(b, "x", source) }),
    prepare: once(() => {
      const [first, second] = npys();
      const files = [
        zipSync({ "x.npy": first!, "y.npy": idxs[0]! }),
        zipSync({ "x.npy": [second!, { level: 0 }] }),
        zipSync({ "y.npy": second!, "x.npy": second! }, { level: 0 }),
      ];
      return {
        sound: files,
        kinds: [
          (random) => damagedBytes(pick(random, files), random),
          (random) => madeUpBytes(pick(random, files), random),
          (random) =>
            zipSync({
              [pick(random, ["y.npy", ...STRANGE_NAMES.slice(2, 10)])]: damagedBytes(first!, random),
              "x.npy": damagedBytes(pick(random, npys()), random),
            }),
        ],
      };
    }),
  },
  dataReader({ name: "IDX", share: 100, sound: () => idxs, read: (b) => decodeIdx(b, source) }),
  dataReader({
    name: "CSV",
    share: 120,
    sound: () => csvs,
    read: (b) => decodeCsv(b, { label: "label" }, source).inputs.array,
    change: (bytes, random) => changedText(bytes, CELLS, random),
  }),
  dataReader({
    name: "JSON",
    share: 80,
    sound: () => jsonFiles(jsons),
    read: (b) => decodeJson(b, { inputs: "inputs", labels: "labels" }, source).inputs.array,
    change: changeJson,
  }),
  dataReader({
    name: "JSON with skipped rows",
    share: 40,
    sound: () => jsonFiles([rows]),
    read: (b) =>
      decodeJson(b, { inputs: "inputs", labels: "labels", targets: ["t"] }, source, {
        skipMalformed: true,
        fits: (shape) => shape[0] === 2,
      }).inputs.array,
    change: changeJson,
  }),
];
