// Options of an imported model: what its input's integers stand for, samples, epochs. In: the command line's words. Out:
// wishes that are checked, or diagnostics that name the option.
import { dirname, relative, resolve, sep } from "node:path";
import { decodeNpy } from "../data/npy.ts";
import { decodeNpz } from "../data/npz.ts";
import { isFloatType, type NumericArray } from "../data/numeric-array.ts";
import { type ImportWishes, quoted, type WrittenData } from "../driver/import-text.ts";
import { readStoredType } from "../dsl/check-inputs.ts";
import type { ImportedModel } from "../graph/imported.ts";
import { DiagnosticError, fail } from "../support/diagnostics.ts";
import { readOptionFile } from "./path-checks.ts";

export interface ModelOptions {
  readonly seed?: number;
  readonly inputType?: string;
  readonly inputScale?: string;
  readonly inputRange?: string;
  readonly data?: readonly string[];
  readonly epochs?: number;
}

const OPTIONS = {
  inputType: "--input-type",
  inputScale: "--input-scale",
  inputRange: "--input-range",
  data: "--data",
  epochs: "--epochs",
} as const;

function bad(option: keyof typeof OPTIONS, problem: string): never {
  return fail("cli/bad-option", { option: OPTIONS[option], problem });
}

/** A .floor file says these things itself. */
export function refuseImportOptions(options: ModelOptions): void {
  for (const key of Object.keys(OPTIONS) as (keyof typeof OPTIONS)[])
    if (options[key] !== undefined)
      bad(key, "it belongs to an imported model file; a .floor file says it itself");
}

/** What the options ask of the model at `path`. Paths of data become those from its folder. */
export function wishesOf(
  { inputType, inputScale, inputRange, data, epochs }: ModelOptions,
  path: string,
  model: ImportedModel,
): ImportWishes {
  if (inputType !== undefined && !readStoredType(inputType))
    bad("inputType", `${JSON.stringify(inputType)} is no stored type such as u8 or s12`);
  const type = inputType;
  return {
    type,
    scale: inputScale === undefined ? undefined : scaleOf(inputScale),
    range: inputRange === undefined ? undefined : rangeOf(inputRange),
    data: data && dataOf(data, dirname(resolve(path)), model),
    epochs,
  };
}

const NUMBER = "-?\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?";

/** A number above 0, or one by another: 1/255. */
function scaleOf(text: string): number {
  const [, over, under = "1"] = new RegExp(`^(${NUMBER})(?:/(${NUMBER}))?$`).exec(text) ?? [];
  const scale = Number(over) / Number(under);
  if (!(scale > 0 && Number.isFinite(scale)))
    bad("inputScale", `${JSON.stringify(text)} is no number above 0, such as 1/255`);
  return scale;
}

function rangeOf(text: string): [number, number] {
  const [, low, high] = new RegExp(`^(${NUMBER})\\.\\.(${NUMBER})$`).exec(text) ?? [];
  if (!(Number(low) < Number(high))) bad("inputRange", `${JSON.stringify(text)} is no range such as -1..1`);
  return [Number(low), Number(high)];
}

function dataOf(paths: readonly string[], folder: string, { nodes, outputs }: ImportedModel): WrittenData {
  const [first, second, ...others] = paths as [string, ...string[]];
  if (others.length > 0)
    bad("data", "it takes one file, or one with the inputs and one with what they are compared with");
  const bytes = readOptionFile("--data", first);
  const written = (path: string): string => quoted(relative(folder, resolve(path)).split(sep).join("/"));
  const name = first.toLowerCase();
  if (second !== undefined) {
    const isNpy = name.endsWith(".npy");
    const beside = readOptionFile("--data", second);
    const answers = isNpy ? answersIn(decodeNpy(beside, { path: second })) : "labels";
    return { call: `${isNpy ? "npy" : "idx"}(${written(first)}, ${answers}: ${written(second)})`, answers };
  }
  if (name.endsWith(".npy")) return { call: `npy(${written(first)})`, answers: "none" };
  if (name.endsWith(".npz")) {
    // Arrays for several inputs have their names, and then the outputs' answers have theirs.
    const isByName = nodes.filter(({ kind }) => kind === "input").length > 1;
    const found = isByName
      ? outputs.map(({ name }) => arrayIn(bytes, name, first))
      : [arrayIn(bytes, "y", first)];
    if (found.some((array) => !array)) return { call: `npz(${written(first)})`, answers: "none" };
    const answers = answersIn(found[0]!);
    return { call: `npz(${written(first)}${isByName ? "" : `, ${answers}: "y"`})`, answers };
  }
  if (name.endsWith(".json")) {
    return { call: `json(${written(first)}, labels: "labels")`, answers: "labels" };
  }
  return bad(
    "data",
    `${first} is no .npy, .npz or .json file; a .floor file (model NAME from "FILE" { }) names data of other kinds`,
  );
}

/** What an archive has beside its inputs; undefined: nothing. */
function arrayIn(bytes: Uint8Array, name: string, path: string): NumericArray | undefined {
  try {
    return decodeNpz(bytes, name, { path });
  } catch (error) {
    if (error instanceof DiagnosticError && error.diagnostics[0]!.code === "data/npz-array") return undefined;
    throw error;
  }
}

/** Whole numbers are classes, others are values. */
function answersIn({ dtype }: NumericArray): "labels" | "targets" {
  return isFloatType(dtype) ? "targets" : "labels";
}
