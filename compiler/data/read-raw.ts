// One data file, or a pair, as it is written. In: what the model's text says of it, what is wanted beside the inputs,
// and a reader. Out: inputs, and labels or targets, not yet checked against the model.
import type { DataFile } from "../graph/project.ts";
import { type DiagnosticPlace, fail } from "../support/diagnostics.ts";
import type { FileReader } from "../support/host.ts";
import { decodeCsv } from "./csv.ts";
import { decodeIdx } from "./idx.ts";
import { arrayInputs } from "./inputs.ts";
import { decodeJson } from "./json.ts";
import { arrayLabels } from "./labels.ts";
import { decodeNpy } from "./npy.ts";
import { decodeNpz } from "./npz.ts";
import type { DataLimits, DataSource } from "./numeric-array.ts";
import type { RawInputs, RawLabels, RawTargets } from "./raw-samples.ts";
import { arrayTargets, joinTargets } from "./targets.ts";

export type DataReader = Pick<FileReader, "read">;

/** What is read beside the inputs. */
export type Beside = "labels" | "targets" | "nothing";

export interface RawSamples {
  readonly inputs: RawInputs;
  /** Present when they are wanted. */
  readonly labels?: RawLabels | undefined;
  readonly targets?: RawTargets | undefined;
  /** The file of the labels or targets, for messages. */
  readonly besideSource: DataSource;
  /** What is wrong with each row that was skipped. */
  readonly skipped: readonly string[];
}

export interface RawOptions {
  readonly beside: Beside;
  /** Whether a row of this shape can be a sample (JSON). */
  readonly fits: (shape: readonly number[]) => boolean;
  readonly place?: DiagnosticPlace | undefined;
  readonly limits?: DataLimits | undefined;
}

/** Names of the arrays, fields or columns when the model gives none. */
const DEFAULT_KEYS = {
  npz: { inputs: "x", labels: "y", targets: ["y"] },
  json: { inputs: "inputs", labels: "labels", targets: ["targets"] },
  csv: { labels: "label" },
} as const;

/** The bytes of a file. Throws data/missing-file. */
export function readDataFile(reader: DataReader, source: DataSource): Uint8Array {
  const bytes = reader.read(source.path);
  if (bytes === undefined) fail("data/missing-file", { path: source.path }, source.place);
  return bytes;
}

/** The one name of the inputs' array; a list of names is for columns. */
function singleKey(file: DataFile, otherwise: string, source: DataSource): string {
  const names = file.inputKeys ?? [otherwise];
  if (names.length !== 1) fail("data/several-arrays", { path: source.path, names }, source.place);
  return names[0]!;
}

/** Refuses a file that names the other thing, or not where to find what is wanted. */
function checkNamed(file: DataFile, beside: Beside, source: DataSource): void {
  const { path, format } = file;
  const labels = file.labels ?? file.labelKey;
  const targets = file.targets ?? file.targetKeys;
  const isPair = format === "idx" || format === "npy";
  if (beside === "labels" && labels === undefined) {
    if (targets !== undefined) fail("data/unwanted-targets", { path, format }, source.place);
    if (isPair) fail("data/labels-missing", { path, format }, source.place);
  }
  if (beside === "targets" && targets === undefined && (isPair || format === "csv" || labels !== undefined))
    fail("data/targets-missing", { path, format, hasLabels: labels !== undefined }, source.place);
}

function readArrays(
  decode: (bytes: Uint8Array, source: DataSource) => ReturnType<typeof decodeNpy>,
  file: DataFile,
  reader: DataReader,
  source: DataSource,
  beside: Beside,
): RawSamples {
  const inputs = arrayInputs(decode(readDataFile(reader, source), source));
  const path = beside === "labels" ? file.labels : beside === "targets" ? file.targets : undefined;
  if (path === undefined) return { inputs, besideSource: source, skipped: [] };
  const besideSource = { ...source, path };
  const array = decode(readDataFile(reader, besideSource), besideSource);
  return beside === "labels"
    ? { inputs, labels: arrayLabels(array), besideSource, skipped: [] }
    : { inputs, targets: arrayTargets(array), besideSource, skipped: [] };
}

/** Decodes a file. Throws what its format throws, data/labels-missing, data/targets-missing and data/unwanted-targets. */
export function readRaw(file: DataFile, reader: DataReader, options: RawOptions): RawSamples {
  const { beside, fits, place, limits } = options;
  const source: DataSource = { path: file.path, place, limits };
  checkNamed(file, beside, source);
  switch (file.format) {
    case "idx":
      return readArrays(decodeIdx, file, reader, source, beside);
    case "npy":
      return readArrays(decodeNpy, file, reader, source, beside);
    case "npz": {
      const bytes = readDataFile(reader, source);
      const array = (name: string) => decodeNpz(bytes, name, source);
      const keys = DEFAULT_KEYS.npz;
      const inputs = arrayInputs(array(singleKey(file, keys.inputs, source)));
      const raw = { inputs, besideSource: source, skipped: [] };
      if (beside === "labels") return { ...raw, labels: arrayLabels(array(file.labelKey ?? keys.labels)) };
      if (beside === "nothing") return raw;
      const columns = (file.targetKeys ?? keys.targets).map((name) => arrayTargets(array(name)));
      return { ...raw, targets: joinTargets(columns, source) };
    }
    case "csv": {
      // A label column that is not wanted is no feature either.
      const label = file.labelKey ?? (beside === "labels" ? DEFAULT_KEYS.csv.labels : undefined);
      const columns = { label, targets: file.targetKeys, features: file.inputKeys };
      const { inputs, labels, targets } = decodeCsv(readDataFile(reader, source), columns, source);
      return { inputs, labels, targets, besideSource: source, skipped: [] };
    }
    case "json": {
      const keys = DEFAULT_KEYS.json;
      const fields = {
        inputs: singleKey(file, keys.inputs, source),
        labels: beside === "labels" ? (file.labelKey ?? keys.labels) : undefined,
        targets: beside === "targets" ? (file.targetKeys ?? keys.targets) : undefined,
      };
      const { skipMalformed } = file;
      const decoded = decodeJson(readDataFile(reader, source), fields, source, { skipMalformed, fits });
      return { ...decoded, besideSource: source };
    }
  }
}
