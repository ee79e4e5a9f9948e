// Opening what the user named: a model file, the only one in the folder, or a build directory.
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { resolveDataPath } from "../data/paths.ts";
import { BUILD_FILES } from "../driver/build-files.ts";
import { importText } from "../driver/import-text.ts";
import { importQueries, savedQuery } from "../driver/imported-source.ts";
import { readImportedGraph, readImportedNetwork } from "../driver/load-build.ts";
import { compileSource, importedPathOf } from "../dsl/compile-source.ts";
import type { Project, StatedProject } from "../graph/project.ts";
import {
  BUILD_MARKER,
  type BuildDirectory,
  openBuildDirectory,
  type ReadableDirectory,
} from "../host/node/build-directory.ts";
import { createProjectFiles, isFile, type ProjectFiles } from "../host/node/files.ts";
import { MAX_MODEL_BYTES } from "../host/node/model-files.ts";
import { readRegularFile } from "../host/node/regular-file.ts";
import { statedQuantizers } from "../import/draft.ts";
import { formatOf } from "../import/formats.ts";
import type { OpenedImport } from "../import/open.ts";
import { type Diagnostic, DiagnosticError, fail } from "../support/diagnostics.ts";
import { createSourceFile, type SourceFile } from "../support/source-file.ts";
import { readModelFile } from "../tools/read-model-file.ts";
import type { Context } from "./context.ts";
import { type ModelOptions, refuseImportOptions, wishesOf } from "./import-options.ts";

interface Opened {
  readonly path: string;
  readonly files: ProjectFiles;
  readonly warnings: readonly Diagnostic[];
}

/** A model that is trained, or calibrated. */
export interface TrainableModel extends Opened {
  readonly project: Project;
}

/** A model whose file states its quantizers. */
export interface StatedModel extends Opened {
  readonly project: StatedProject;
  readonly imported: OpenedImport;
}

export type OpenedModel = TrainableModel | StatedModel;

/** Whether a model comes with its integers. */
export function isStated(model: OpenedModel): model is StatedModel {
  return "imported" in model;
}

/** The model file that an argument means: itself, or the only .floor file of the folder. */
export function modelPathOf(argument: string | undefined): string {
  const folder = argument === undefined ? "." : argument;
  if (argument !== undefined && !existsSync(argument)) fail("cli/missing-file", { path: argument });
  if (argument !== undefined && !statSync(argument).isDirectory()) return argument;
  if (argument !== undefined && (formatOf(argument) || argument.endsWith(".floor")))
    fail("cli/no-file", { path: argument, kind: "folder" }, { file: argument });
  const models = readdirSync(folder)
    .filter((f) => f.endsWith(".floor") && isFile(join(folder, f)))
    .sort();
  if (models.length !== 1) fail("cli/ambiguous-model", { folder, models });
  return argument === undefined ? models[0]! : join(folder, models[0]!);
}

/** Reads and checks a model; `seed` goes before the file's. Throws all its mistakes. */
export async function openModel(argument: string | undefined, options: ModelOptions): Promise<OpenedModel> {
  const path = modelPathOf(argument);
  const files = createProjectFiles(path, resolveDataPath);
  const isText = formatOf(path) === undefined;
  const opened = isText ? undefined : await readModelFile(path);
  const source = opened
    ? createSourceFile(
        `${path} (as a model text)`,
        importText(opened.model, basename(path), wishesOf(options, path, opened.model)),
      )
    : createSourceFile(
        path,
        new TextDecoder("utf-8", { ignoreBOM: true }).decode(readRegularFile(path, MAX_MODEL_BYTES)),
      );
  if (isText) refuseImportOptions(options);
  if (opened && options.epochs !== undefined && statedQuantizers(opened.model).length > 0) {
    const advice = "leave the option out; --data names samples to measure the integers with";
    fail("import/nothing-to-train", { model: opened.model.name, what: "--epochs", advice });
  }
  const imported = opened ?? (await openNamed(source, files));
  const { project, stated, diagnostics } = compileSource(source, {
    exists: (written) => files.find(written),
    ...(imported ? importQueries(imported) : {}),
  });
  const { seed } = options;
  const all = { path, files, warnings: [...(imported?.warnings ?? []), ...diagnostics] };
  if (stated && imported) return { ...all, project: { ...stated, seed: seed ?? stated.seed }, imported };
  if (!project) throw new DiagnosticError(diagnostics);
  const training = seed === undefined ? project.training : { ...project.training, seed };
  return { ...all, project: { ...project, training } };
}

/** The same, where the command trains: a model that comes with its integers is refused. */
export async function openTrainable(
  argument: string | undefined,
  options: ModelOptions,
): Promise<TrainableModel> {
  const model = await openModel(argument, options);
  if (!isStated(model)) return model;
  const advice = "noisefloor build MODEL or noisefloor compile MODEL takes it as it is";
  return fail("import/nothing-to-train", { model: model.project.name, what: model.path, advice });
}

/** The model that a text names. One whose file is missing, or of no known kind, is reported where the text is checked. */
async function openNamed(source: SourceFile, files: ProjectFiles): Promise<OpenedImport | undefined> {
  const named = importedPathOf(source);
  const path = named === undefined ? undefined : files.locate(named);
  return path !== undefined && formatOf(path) ? readModelFile(path) : undefined;
}

/**
 * The model that a build directory was trained from, or that was imported there. Its data is in the directory, and its graph
 * where it came from a file, so that no other file is looked for.
 */
export function savedModel(directory: ReadableDirectory): Project | StatedProject {
  const names = [BUILD_FILES.train.source, BUILD_FILES.import.source];
  const path = names.find((name) => directory.readText(name) !== undefined);
  if (path === undefined) return fail("build/not-trained", { directory: directory.name });
  const saved = readImportedGraph(directory);
  const network = readImportedNetwork(directory);
  const source = createSourceFile(`${directory.name}/${path}`, directory.readText(path)!);
  const { project, stated, diagnostics } = compileSource(source, {
    exists: () => "found",
    ...(network === undefined ? {} : { stated: () => network }),
    ...(saved === undefined ? {} : { imported: savedQuery(saved) }),
  });
  if (!project && !stated) throw new DiagnosticError(diagnostics);
  return (project ?? stated)!;
}

/** build/<stem of the model file>. */
export function defaultDirectory(modelPath: string): string {
  return join("build", basename(modelPath).replace(/\.[^.]+$/, ""));
}

/** Whether an argument is a build directory of ours. */
export function isBuildDirectory(argument: string | undefined): argument is string {
  return argument !== undefined && existsSync(join(argument, BUILD_MARKER));
}

/** Opens a build directory for the length of the command. */
export function useDirectory(context: Context, name: string, create: boolean): BuildDirectory {
  const directory = openBuildDirectory(name, { create });
  context.onExit(() => directory.close());
  return directory;
}
