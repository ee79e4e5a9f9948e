// What the stages left in a build directory, read back and checked. In: a reader of its files. Out: typed results, or
// diagnostics that say which file is missing, damaged or edited.
import { z } from "zod";
import { decodeNpy } from "../data/npy.ts";
import type { NumericArray } from "../data/numeric-array.ts";
import type { Graph } from "../graph/graph.ts";
import type { StatedNetwork, StatedProject } from "../graph/project.ts";
import { type Checked, readSavedGraph, readStatedNetwork, readTrainedGraph } from "../graph/read-trained.ts";
import type { Answers, InputSamples, SampleSet } from "../graph/samples.ts";
import type { TrainedGraph } from "../graph/trained-graph.ts";
import type { Manifest } from "../program/manifest.ts";
import type { Program } from "../program/program.ts";
import { readProgram } from "../program/read.ts";
import { manifestProblem, manifestSchema } from "../program/read-manifest.ts";
import {
  type DesignResult,
  designResultSchema,
  type ImportResult,
  importResultSchema,
  synthResultSchema,
  type TrainResult,
  trainResultSchema,
} from "../report/results.ts";
import { type SweepResult, sweepSchema } from "../report/sweep-result.ts";
import { InternalError } from "../support/assert.ts";
import { createDiagnostic, type Diagnostic, DiagnosticError, fail } from "../support/diagnostics.ts";
import { sha256Of } from "../support/digest.ts";
import type { FileSet } from "../support/file-set.ts";
import { decodeUtf8 } from "../support/text.ts";
import type { BackendResult, VerifyResult } from "../verify/result.ts";
import { BUILD_FILES, flowFiles, portFile } from "./build-files.ts";
import type { TestVectors } from "./compile-design.ts";
import type { ImportedProgram } from "./compile-imported.ts";

/** A build directory as the driver reads it. */
export interface BuildReader {
  readonly name: string;
  read(path: string): Uint8Array | undefined;
  readText(path: string): string | undefined;
  list(folder: string): readonly string[];
}

/** Characters of a file of ours: the weights of the largest network take less. */
const MAX_JSON_LENGTH = 2 ** 28;

/** A JSON file, or undefined when there is none. Throws build/bad-file when it is no JSON, or too long to be one of ours. */
export function parseJson(directory: BuildReader, path: string): unknown {
  const text = directory.readText(path);
  if (text === undefined) return undefined;
  if (text.length > MAX_JSON_LENGTH) {
    const problem = `it has ${text.length} characters, more than ${MAX_JSON_LENGTH}`;
    fail("build/bad-file", { path: `${directory.name}/${path}`, problem });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    return fail("build/bad-file", { path: `${directory.name}/${path}`, problem: (error as Error).message });
  }
}

function readResult<T>(directory: BuildReader, path: string, schema: z.ZodType<T>): T | undefined {
  const json = parseJson(directory, path);
  if (json === undefined) return undefined;
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const problem = `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`;
  return fail("build/bad-file", { path: `${directory.name}/${path}`, problem });
}

/** A file whose rules are more than a schema; undefined when there is none. */
function readChecked<T>(
  directory: BuildReader,
  path: string,
  read: (json: unknown) => Checked<T>,
): T | undefined {
  const json = parseJson(directory, path);
  if (json === undefined) return undefined;
  const found = read(json);
  if ("data" in found) return found.data;
  return fail("build/bad-file", { path: `${directory.name}/${path}`, problem: found.problem });
}

/** What a training left of the graph of a model that came from a file. */
export function readImportedGraph(
  directory: BuildReader,
): { readonly graph: Graph; readonly layers: readonly string[]; readonly digest: string } | undefined {
  return readChecked(directory, BUILD_FILES.train.imported, readSavedGraph);
}

/** What an import left of what a model's file states. */
export function readImportedNetwork(directory: BuildReader): StatedNetwork | undefined {
  return readChecked(directory, BUILD_FILES.import.network, readStatedNetwork);
}

/** verify/result.json. */
export interface SavedVerification extends VerifyResult {
  readonly cMeasured?: { readonly compiler: string; readonly codeBytes: number; readonly stackBytes: number };
}

const backEnd = z.looseObject({
  status: z.enum(["passed", "failed", "skipped"]),
  vectors: z.number(),
  mismatches: z.number(),
  reason: z.string().optional(),
  latencyCycles: z.number().optional(),
  intervalCycles: z.number().optional(),
});
const verification = z.looseObject({
  sim: backEnd,
  c: backEnd.optional(),
  rtl: backEnd.optional(),
  cMeasured: z
    .looseObject({ compiler: z.string(), codeBytes: z.number(), stackBytes: z.number() })
    .optional(),
});

/** What the gate left of the design, as far as the report takes it over. */
export function readVerification(directory: BuildReader): SavedVerification | undefined {
  return readResult(directory, BUILD_FILES.verify.result, verification) as SavedVerification | undefined;
}

/** What the gate left of a netlist or a board. */
export function readFlowVerification(directory: BuildReader, name: string): BackendResult | undefined {
  return readResult(directory, flowFiles(name).verification, backEnd) as BackendResult | undefined;
}

export function readTrainResult(directory: BuildReader): TrainResult | undefined {
  return readResult(directory, BUILD_FILES.train.result, trainResultSchema);
}

export function readImportResult(directory: BuildReader): ImportResult | undefined {
  return readResult(directory, BUILD_FILES.import.result, importResultSchema);
}

export function readSweep(directory: BuildReader): SweepResult | undefined {
  return readResult(directory, BUILD_FILES.sweep.result, sweepSchema);
}

export function readDesignResult(directory: BuildReader): DesignResult | undefined {
  return readResult(directory, BUILD_FILES.design.result, designResultSchema);
}

/** What synthesis for a target found; undefined when there was none. */
export function readSynthResult(directory: BuildReader, target: string) {
  return readResult(directory, flowFiles(target).result, synthResultSchema);
}

/** Files of a target's folder that are not as synthesis left them: a project may have been worked on there. */
export function modifiedFlowFiles(directory: BuildReader, target: string): readonly Diagnostic[] {
  const names = flowFiles(target);
  const result = readSynthResult(directory, target);
  if (!result) return [];
  const say = (path: string, what: "changed" | "missing" | "added"): Diagnostic =>
    createDiagnostic("flow/modified", { path: `${directory.name}/${path}`, what });
  const left = new Map(Object.entries(result.files).map(([path, hash]) => [`${names.folder}/${path}`, hash]));
  const ours = new Set([...left.keys(), names.result, names.verification]);
  return [
    ...[...left].flatMap(([path, hash]) => {
      const content = directory.read(path);
      if (content === undefined) return [say(path, "missing")];
      return sha256Of(content) === hash ? [] : [say(path, "changed")];
    }),
    ...directory.list(names.folder).flatMap((path) => (ours.has(path) ? [] : [say(path, "added")])),
  ];
}

/** The trained graph and the test split as training left them; throws when there is none. */
export function readTrained(directory: BuildReader): {
  readonly trained: TrainedGraph;
  readonly result: TrainResult;
  readonly test: TestVectors;
} {
  const { train } = BUILD_FILES;
  const result = readTrainResult(directory);
  if (!result || directory.read(train.trained) === undefined)
    fail("build/not-trained", { directory: directory.name });
  const modified = modifiedFilesOf(directory, result);
  if (modified.length > 0) throw new DiagnosticError(modified);
  const trained = readChecked(directory, train.trained, readTrainedGraph)!;
  const { nodes, outputs } = trained.graph;
  const inputs = nodes.filter((n) => n.kind === "input");
  return {
    trained,
    result,
    test: {
      samples: readSamples(directory, train, inputs, outputs.length),
      outputs: outputs.map((_, i) => neededArray(directory, train.testOutputs, i).data as Float64Array),
    },
  };
}

/**
 * Runs what lowers the training of a directory. One whose graph, formats and entries do not fit each other is damaged, or made by
 * somebody else: lowering asserts what training promises.
 */
export function ofTraining<T>(directory: BuildReader, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof InternalError && error.message.startsWith("lower: "))) throw error;
    const path = `${directory.name}/${BUILD_FILES.train.trained}`;
    return fail("build/bad-file", { path, problem: error.message.slice("lower: ".length) });
  }
}

/** The program and the samples as the import left them; throws when there are none. */
export function readImported(directory: BuildReader, project: StatedProject): ImportedProgram {
  const names = BUILD_FILES.import;
  const result = readImportResult(directory);
  const text = directory.readText(names.program);
  if (!result || text === undefined) fail("build/not-trained", { directory: directory.name });
  const modified = modifiedFilesOf(directory, result);
  if (modified.length > 0) throw new DiagnosticError(modified);
  const { imported } = result;
  const inputs = imported.inputs.map(({ shape, signed, width }) => ({
    shape,
    stored: { signed, width, fraction: 0 },
  }));
  return {
    program: readProgram(text, `${directory.name}/${names.program}`),
    imported,
    samples: readSamples(directory, names, inputs, project.compared.length),
  };
}

function arrayAt(directory: BuildReader, path: string, index: number): NumericArray | undefined {
  const name = portFile(path, index);
  const bytes = directory.read(name);
  return bytes && decodeNpy(bytes, { path: `${directory.name}/${name}` });
}

function neededArray(directory: BuildReader, path: string, index: number): NumericArray {
  return arrayAt(directory, path, index) ?? fail("build/not-trained", { directory: directory.name });
}

/** Samples with what a number of outputs is compared with. */
function readSamples(
  directory: BuildReader,
  names: { readonly testInputs: string; readonly testLabels: string; readonly testTargets: string },
  ports: readonly Pick<InputSamples, "shape" | "stored">[],
  outputs: number,
): SampleSet {
  const inputs = ports.map(({ shape, stored }, i): InputSamples => {
    const mantissas = neededArray(directory, names.testInputs, i).data as InputSamples["mantissas"];
    return { shape, stored, mantissas };
  });
  const answers = Array.from({ length: outputs }, (_, i): Answers => {
    const labels = arrayAt(directory, names.testLabels, i)?.data as Int32Array | undefined;
    const values = arrayAt(directory, names.testTargets, i)?.data as Float32Array | undefined;
    return { labels: labels ?? new Int32Array(0), values: values ?? null };
  });
  return { count: neededArray(directory, names.testInputs, 0).shape[0]!, inputs, answers };
}

/** Files of train/ or import/ that are not as they were left. */
function modifiedFilesOf(directory: BuildReader, { files }: Pick<TrainResult, "files">): Diagnostic[] {
  return Object.entries(files).flatMap(([path, hash]) =>
    sha256Of(directory.read(path) ?? "") === hash
      ? []
      : [createDiagnostic("build/modified-training", { path: `${directory.name}/${path}` })],
  );
}

export interface LoadedDesign {
  readonly program: Program;
  readonly manifest: Manifest;
  /** Paths relative to design/. */
  readonly files: FileSet;
  /** Files that are not as they were compiled. */
  readonly modified: readonly Diagnostic[];
}

/** The compiled design; `modified` lists every file that differs from the manifest's hashes. */
export function readDesign(directory: BuildReader): LoadedDesign {
  const { design } = BUILD_FILES;
  const manifest = readResult(directory, design.manifest, manifestSchema) as Manifest | undefined;
  const programText = directory.readText(design.program);
  if (!manifest || programText === undefined) fail("build/not-compiled", { directory: directory.name });
  const prefix = `${design.folder}/`;
  const files = new Map<string, string | Uint8Array>();
  for (const path of directory.list(design.folder)) {
    const bytes = directory.read(path)!;
    const isText = !path.endsWith(".npy");
    files.set(path.slice(prefix.length), isText ? (decodeUtf8(bytes) ?? bytes) : bytes);
  }
  const program = readProgram(programText, `${directory.name}/${design.program}`);
  const problem = manifestProblem(manifest, program);
  if (problem !== undefined)
    fail("build/bad-file", { path: `${directory.name}/${design.manifest}`, problem });
  return {
    program,
    manifest,
    files,
    modified: modifiedFiles(directory, manifest, files),
  };
}

function modifiedFiles(directory: BuildReader, manifest: Manifest, files: FileSet): Diagnostic[] {
  const say = (path: string, what: "changed" | "missing" | "added"): Diagnostic =>
    createDiagnostic("build/modified", {
      path: `${directory.name}/${BUILD_FILES.design.folder}/${path}`,
      what,
    });
  const found: Diagnostic[] = [];
  for (const [path, hash] of Object.entries(manifest.files)) {
    const content = files.get(path);
    if (content === undefined) found.push(say(path, "missing"));
    else if (sha256Of(content) !== hash) found.push(say(path, "changed"));
  }
  for (const path of files.keys())
    if (path !== "manifest.json" && !Object.hasOwn(manifest.files, path)) found.push(say(path, "added"));
  return found;
}
