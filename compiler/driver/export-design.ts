// A compiled design as files for other tools. In: the design as it was read back, and the formats that are asked for. Out: the
// files of the export folder, with an account of them.
import { decodeNpy } from "../data/npy.ts";
import { createNames } from "../export/formats.ts";
import { exportNpz, exportSafetensors } from "../export/parameters.ts";
import { exportQonnx, type PortScales } from "../export/qonnx.ts";
import { exportVectors } from "../export/vectors.ts";
import { elementsOf, type Program, valueNamed } from "../program/program.ts";
import { type Diagnostic, DiagnosticError } from "../support/diagnostics.ts";
import { sha256Of } from "../support/digest.ts";
import { type FileSet, underFolder } from "../support/file-set.ts";
import { VERSION } from "../support/version.ts";
import { makeVectors } from "../verify/vectors.ts";
import { BUILD_FILES, portFile } from "./build-files.ts";
import type { LoadedDesign } from "./load-build.ts";

export const EXPORT_FORMATS = ["qonnx", "npz", "safetensors", "vectors"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export const EXPORT_SCHEMA = "noisefloor.export/1";
/** The file that says that a folder was exported. */
export const EXPORT_MARKER = "export.json";

export interface ExportOptions {
  /** Formats that are asked for; undefined: all that the program has words in. */
  readonly formats: readonly ExportFormat[] | undefined;
  /** Most samples of the golden vectors. */
  readonly samples: number;
  /** Of vectors that are made up where the design has no samples. */
  readonly seed: number;
}

export interface DesignExport {
  readonly files: FileSet;
  /** Those that were written. */
  readonly formats: readonly ExportFormat[];
  /** Samples of the golden vectors. */
  readonly samples: number;
  /** Why a format is left out that nobody asked for by its name. */
  readonly warnings: readonly Diagnostic[];
}

/** Throws a DiagnosticError where the program has no words in a format that is asked for. */
export function exportDesign(
  design: LoadedDesign,
  { formats: asked, samples, seed }: ExportOptions,
): DesignExport {
  const formats = asked ?? EXPORT_FORMATS;
  const { program } = design;
  const model = createNames()(program.name);
  const scales = portScales(design);
  const files = new Map<string, string | Uint8Array>();
  const left: Diagnostic[] = [];
  if (formats.includes("qonnx")) {
    try {
      files.set(`${model}.onnx`, exportQonnx(program, scales));
    } catch (error) {
      if (asked || !(error instanceof DiagnosticError)) throw error;
      left.push(...error.diagnostics.map((d): Diagnostic => ({ ...d, severity: "warning" })));
    }
  }
  if (formats.includes("npz")) files.set("parameters.npz", exportNpz(program));
  if (formats.includes("safetensors")) files.set("parameters.safetensors", exportSafetensors(program));
  let count = 0;
  if (formats.includes("vectors")) {
    const inputs = sampleInputs(design, samples, seed);
    count = inputs.count;
    for (const [path, content] of underFolder("vectors", exportVectors(program, inputs.inputs, count)))
      files.set(path, content);
  }
  const account = {
    schema: EXPORT_SCHEMA,
    generator: `noisefloor ${VERSION}`,
    model: program.name,
    program: design.manifest.files["program.json"] ?? null,
    ...(scales ? { scales } : {}),
    files: Object.fromEntries([...files].map(([path, content]) => [path, sha256Of(content)])),
  };
  files.set(EXPORT_MARKER, `${JSON.stringify(account, null, 1)}\n`);
  const written = formats.filter((format) => format !== "qonnx" || left.length === 0);
  return { files, formats: written, samples: count, warnings: left };
}

/** What the ports' integers mean in the file that the design came from, by the ports' names; undefined of other designs. */
function portScales({ program, manifest: { scales } }: LoadedDesign): PortScales | undefined {
  if (!scales) return undefined;
  const of = (ports: readonly (readonly [name: string, value: string])[]): PortScales["inputs"] =>
    Object.fromEntries(ports.flatMap(([name, value]) => (scales[value] ? [[name, scales[value]]] : [])));
  return {
    inputs: of(program.inputs.map((name) => [name, name])),
    outputs: of(program.outputs.map(({ name, value }) => [name, value])),
  };
}

interface Inputs {
  readonly count: number;
  readonly inputs: ReadonlyMap<string, ArrayLike<number>>;
}

/** The first test samples of a design; made-up vectors where it has none. */
function sampleInputs({ program, files }: LoadedDesign, most: number, seed: number): Inputs {
  const arrays = program.inputs.map((_, i) => {
    const path = portFile(BUILD_FILES.design.inputs.slice(`${BUILD_FILES.design.folder}/`.length), i);
    const bytes = files.get(path);
    return bytes instanceof Uint8Array ? decodeNpy(bytes, { path }) : undefined;
  });
  if (arrays.includes(undefined)) return madeUp(program, most, seed);
  const count = Math.min(most, ...arrays.map((array) => array!.shape[0] ?? 0));
  return {
    count,
    inputs: new Map(
      program.inputs.map((name, i) => [name, arrays[i]!.data.subarray(0, count * sizeOf(program, name))]),
    ),
  };
}

function madeUp(program: Program, most: number, seed: number): Inputs {
  const all = makeVectors(program, undefined, seed);
  const count = Math.min(most, all.count);
  const first = [...all.inputs].map(
    ([name, rows]) => [name, rows.subarray(0, count * sizeOf(program, name))] as const,
  );
  return { count, inputs: new Map(first) };
}

const sizeOf = (program: Program, name: string): number => elementsOf(valueNamed(program, name).shape);
