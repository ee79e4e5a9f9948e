// The integers that are stored in a program, as NPZ and safetensors: weights, biases, thresholds, tables. In: the program. Out:
// the files, with what each array means beside it.
import { zipSync } from "fflate/browser";
import { encodeNpy } from "../data/npy.ts";
import { encodeSafetensors, type WritableArray } from "../data/safetensors.ts";
import { constantsOf, type Instruction, type Opcode, type Program } from "../program/program.ts";
import { encodeUtf8 } from "../support/text.ts";
import { createNames, type ExportedFormat, elementType, exportedFormat } from "./formats.ts";

export const PARAMETERS_SCHEMA = "noisefloor.parameters/1";

export interface ExportedParameter {
  /** Of the array in the file. */
  readonly array: string;
  /** Of the constant in program.json. */
  readonly name: string;
  readonly layer: string;
  readonly operation: Opcode;
  readonly role: "weights" | "bias" | "thresholds" | "table" | "multipliers" | "offsets";
  readonly shape: readonly number[];
  readonly format: ExportedFormat;
}

interface Parameters {
  readonly entries: readonly ExportedParameter[];
  readonly arrays: ReadonlyMap<string, WritableArray>;
}

function roleOf(instruction: Instruction, constant: string): ExportedParameter["role"] {
  const found = Object.entries(instruction).find(([key, value]) => key !== "input" && value === constant);
  return found![0] as ExportedParameter["role"];
}

function parametersOf({ instructions, constants }: Program): Parameters {
  const names = createNames();
  const byName = new Map(constants.map((constant) => [constant.name, constant]));
  const arrays = new Map<string, WritableArray>();
  const entries = instructions.flatMap((instruction) =>
    constantsOf(instruction).map((name): ExportedParameter => {
      const { shape, format, data } = byName.get(name)!;
      const array = names(name);
      arrays.set(array, { shape, dtype: elementType(format), data });
      const { layer, op: operation } = instruction;
      const role = roleOf(instruction, name);
      return { array, name, layer, operation, role, shape, format: exportedFormat(format) };
    }),
  );
  return { entries, arrays };
}

const describe = ({ name: model }: Program, parameters: readonly ExportedParameter[]): string =>
  JSON.stringify({ schema: PARAMETERS_SCHEMA, model, parameters }, null, 1);

/** An array for each constant, and formats.json: which layer it is of, and what its mantissas mean. */
export function exportNpz(program: Program): Uint8Array {
  const { entries, arrays } = parametersOf(program);
  const files: Record<string, Uint8Array> = {};
  for (const [name, { shape, dtype, data }] of arrays) files[`${name}.npy`] = encodeNpy(shape, dtype, data);
  files["formats.json"] = encodeUtf8(`${describe(program, entries)}\n`);
  // The first day that the format knows, whenever it is written.
  return zipSync(files, { mtime: new Date(1980, 0, 1), level: 6 });
}

/** The same arrays; what they mean is the metadata `noisefloor.formats`. */
export function exportSafetensors(program: Program): Uint8Array {
  const { entries, arrays } = parametersOf(program);
  return encodeSafetensors(arrays, { format: "numpy", "noisefloor.formats": describe(program, entries) });
}
