// A model whose file states its quantizers, made integers: the first step of its build, as training is of others. In: an
// opened model, what a text asks of it, a reader of the user's files. Out: the files of import/, in memory.
import { createMantissas } from "../data/inputs.ts";
import type { PortTargets } from "../data/load-ports.ts";
import type { ComparedWith } from "../data/whole-file.ts";
import type { StoredType } from "../graph/graph.ts";
import type { ImportedModel } from "../graph/imported.ts";
import type { StatedInput, StatedProject } from "../graph/project.ts";
import type { SampleSet } from "../graph/samples.ts";
import { product, spatialOf } from "../graph/shapes.ts";
import type { OpenedImport } from "../import/open.ts";
import { type ExactLowering, type InputGrid, lowerImported } from "../lower/exact/lower-imported.ts";
import { printProgram } from "../program/print.ts";
import { isSigned, mantissaRange, valueNamed, widthOf } from "../program/program.ts";
import { IMPORT_RESULT_SCHEMA, type ImportAccount, type ImportResult } from "../report/results.ts";
import { createDiagnostic, type Diagnostic } from "../support/diagnostics.ts";
import { sha256Of } from "../support/digest.ts";
import type { FileSet } from "../support/file-set.ts";
import type { FileReader } from "../support/host.ts";
import { createRandom } from "../support/random.ts";
import { powerOfTwo, type Rational, ratio, rationalOf } from "../support/rational.ts";
import { BUILD_FILES } from "./build-files.ts";
import { inspectImport } from "./inspect.ts";
import { loadWhole } from "./project-data.ts";
import { answerFiles, inputFiles } from "./sample-files.ts";

export interface ImportedProject {
  readonly result: ImportResult;
  readonly samples: SampleSet;
  /** Files of import/. */
  readonly files: FileSet;
  readonly warnings: readonly Diagnostic[];
}

/** Of an input that nothing is known of: what a float model has as well. */
const UNSTATED: InputGrid = { signed: true, width: 8, scale: powerOfTwo(-7) };

/** Random samples where there are none of the user's: fewer of large networks, whose values take as many numbers at most. */
const MADE_SAMPLES = { most: 1000, least: 16, numbers: 2 ** 25 };

/**
 * Lowers the model and reads its samples. Throws DiagnosticError with everything that has no exact integers, and with
 * everything that is wrong with the samples.
 */
export function importProject(
  opened: OpenedImport,
  project: StatedProject,
  reader: Pick<FileReader, "read">,
): ImportedProject {
  const { name, seed } = project;
  const lowered = lowerStated({ ...opened.model, name }, project.inputs);
  const { samples, warnings } = samplesOf(lowered, project, reader);
  const names = BUILD_FILES.import;
  const left: FileSet = new Map<string, string | Uint8Array>([
    [names.source, project.source.text],
    [names.network, `${JSON.stringify(project.stated)}\n`],
    [names.program, printProgram(lowered.program)],
    ...inputFiles(samples, names.testInputs),
    ...answerFiles(samples, { labels: names.testLabels, targets: names.testTargets }),
  ]);
  const result: ImportResult = {
    schema: IMPORT_RESULT_SCHEMA,
    model: name,
    seed,
    files: Object.fromEntries(
      [...left].filter(([path]) => path !== names.source).map(([path, content]) => [path, sha256Of(content)]),
    ),
    imported: accountOf(opened, lowered, { count: samples.count, from: project.data ? "data" : "random" }),
    ...(project.compared.every((kind) => kind === "nothing") ? { accuracy: "unknown" } : {}),
  };
  const assumed = lowered.assumed.length > 0 ? [{ model: name, inputs: lowered.assumed }] : [];
  return {
    result,
    samples,
    files: new Map([...left, [names.result, `${JSON.stringify(result, null, 2)}\n`]]),
    warnings: [
      ...assumed.map((parameters) => createDiagnostic("import/assumed-input", parameters)),
      ...lowered.warnings,
      ...warnings,
    ],
  };
}

/** The integers of a model that states its quantizers, with those of its inputs that somebody asks for. */
export function lowerStated(model: ImportedModel, inputs: StatedProject["inputs"]): ExactLowering {
  const grids = new Map([...inputs].map(([input, given]) => [input, gridOf(given)]));
  return lowerImported(model, { inputs: grids, otherwise: UNSTATED });
}

function gridOf({ signed, width, step }: StatedInput): InputGrid {
  return { signed, width, scale: exactStep(step) };
}

/** The step that a number stands for: the double nearest to one part of a whole number, such as 1/255, is that part. */
export function exactStep(step: number): Rational {
  const parts = Math.round(1 / step);
  return parts > 0 && 1 / parts === step ? ratio(1, parts) : rationalOf(step);
}

function samplesOf(
  { program, inputs }: ExactLowering,
  { stated, data, compared, seed }: StatedProject,
  reader: Pick<FileReader, "read">,
): { readonly samples: SampleSet; readonly warnings: readonly Diagnostic[] } {
  const ports = inputs.map(({ name, mantissaOf }) => {
    const { shape, format } = valueNamed(program, name);
    const stored: StoredType = { signed: isSigned(format), width: widthOf(format), fraction: 0 };
    return { name, shape, stored, mantissaOf, range: mantissaRange(format) };
  });
  if (data) {
    const targets: PortTargets = {
      inputs: ports,
      outputs: stated.outputs.map(({ name, shape }, i) => ({
        name,
        compared: comparedWith(compared[i]!, shape),
      })),
    };
    return loadWhole(data, targets, reader);
  }
  const random = createRandom(seed, "made samples", "import");
  const each = program.values.reduce((sum, { shape }) => sum + product(shape), 0);
  const { most, least, numbers } = MADE_SAMPLES;
  const count = Math.max(least, Math.min(most, Math.floor(numbers / each)));
  const made = ports.map(({ shape, stored, range }) => {
    const mantissas = createMantissas(stored, count * product(shape));
    for (let i = 0; i < mantissas.length; i++) mantissas[i] = random.integer(range.min, range.max);
    return { shape, stored, mantissas };
  });
  const answers = stated.outputs.map(() => ({ labels: new Int32Array(0), values: null }));
  return { samples: { count, inputs: made, answers }, warnings: [] };
}

function comparedWith(kind: StatedProject["compared"][number], shape: readonly number[]): ComparedWith {
  if (kind === "nothing") return { kind: "input" };
  if (kind === "targets") return { kind: "values", count: product(shape) };
  const positions = spatialOf(shape);
  const count = shape.at(-1)!;
  return product(positions) === 1 ? { kind: "classes", count } : { kind: "classes", count, positions };
}

/** One number, or one for each channel. */
function plain(values: ArrayLike<number>): number | number[] {
  // A zero of its own sign is none.
  const list = Array.from(values, (value) => value + 0);
  return list.every((value) => value === list[0]) ? list[0]! : list;
}

function accountOf(
  opened: OpenedImport,
  { program, inputs, outputs, assumed }: ExactLowering,
  samples: ImportAccount["samples"],
): ImportAccount {
  const { layers } = inspectImport(opened);
  return {
    format: opened.model.format,
    digest: opened.digest,
    inputs: inputs.map(({ name, scale, offset, statedBy }) => {
      const { shape, format } = valueNamed(program, name);
      const length = Math.max(scale.length, offset.length);
      const zero = Array.from({ length }, (_, c) => -offset[c % offset.length]! / scale[c % scale.length]!);
      return {
        name,
        shape: [...shape],
        signed: isSigned(format),
        width: widthOf(format),
        scale: plain(scale),
        zeroPoint: plain(zero),
        statedBy: assumed.includes(name) ? "default" : statedBy,
      };
    }),
    outputs: outputs.map(({ name, value, role, scale, offset }) => ({
      name,
      value,
      role,
      shape: [...valueNamed(program, value).shape],
      scale: plain(scale),
      offset: plain(offset),
    })),
    formats: layers
      .filter(({ formats }) => formats.length > 0)
      .map(({ name, formats }) => ({ node: name, formats: [...formats] })),
    samples,
  };
}
