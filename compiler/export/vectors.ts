// Golden vectors: every value of a program for some samples, as NPY files and an index of them. In: the program and mantissas of
// its inputs. Out: what the simulator computes, file by file.
import { encodeNpy } from "../data/npy.ts";
import { type Opcode, type OutputRole, type Program, valueNamed } from "../program/program.ts";
import { simulate } from "../sim/simulate.ts";
import type { FileSet } from "../support/file-set.ts";
import { createNames, type ExportedFormat, elementType, exportedFormat } from "./formats.ts";

export const VECTORS_SCHEMA = "noisefloor.vectors/1";

export interface ExportedVector {
  readonly file: string;
  /** Of the value in program.json. */
  readonly name: string;
  readonly stage: "input" | "value";
  /** The instruction that computes it; null: an input. */
  readonly operation: Opcode | null;
  readonly layer: string | null;
  /** What it reads. */
  readonly inputs: readonly string[];
  /** The outputs of the program that it is. */
  readonly outputs: readonly { readonly name: string; readonly role: OutputRole }[];
  /** Of one sample; the array has one axis in front that counts the samples. */
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly format: ExportedFormat;
}

export interface VectorIndex {
  readonly schema: typeof VECTORS_SCHEMA;
  readonly model: string;
  readonly samples: number;
  readonly vectors: readonly ExportedVector[];
}

/** Vectors of `count` samples; `inputs` has count x elements mantissas of each input. */
export function exportVectors(
  program: Program,
  inputs: ReadonlyMap<string, ArrayLike<number>>,
  count: number,
): FileSet {
  const { values } = simulate(program, inputs, count);
  const makers = new Map(program.instructions.map((instruction) => [instruction.result, instruction]));
  const names = createNames();
  const files = new Map<string, string | Uint8Array>();
  const digits = String(program.values.length - 1).length;
  const vectors = program.values.map(({ name }, i): ExportedVector => {
    const { shape, format } = valueNamed(program, name);
    const maker = makers.get(name);
    const dtype = elementType(format);
    const file = names(`${String(i).padStart(digits, "0")}-${name}`);
    files.set(`${file}.npy`, encodeNpy([count, ...shape], dtype, values.get(name)!));
    return {
      file: `${file}.npy`,
      name,
      stage: maker ? "value" : "input",
      operation: maker?.op ?? null,
      layer: maker?.layer ?? null,
      inputs: maker ? ("inputs" in maker ? maker.inputs : [maker.input]) : [],
      outputs: program.outputs.flatMap(({ name: output, value, role }) =>
        value === name ? [{ name: output, role }] : [],
      ),
      shape,
      dtype,
      format: exportedFormat(format),
    };
  });
  const index: VectorIndex = { schema: VECTORS_SCHEMA, model: program.name, samples: count, vectors };
  files.set("index.json", `${JSON.stringify(index, null, 1)}\n`);
  return files;
}
