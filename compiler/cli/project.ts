// Opening what the user named: a model file, the only one in the folder, or a build directory.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { resolveDataPath } from "../data/paths.ts";
import { BUILD_FILES } from "../driver/build-files.ts";
import { compileSource } from "../dsl/compile-source.ts";
import type { Project } from "../graph/project.ts";
import { BUILD_MARKER, type BuildDirectory, openBuildDirectory } from "../host/node/build-directory.ts";
import { createProjectFiles, isFile, type ProjectFiles } from "../host/node/files.ts";
import { type Diagnostic, DiagnosticError, fail } from "../support/diagnostics.ts";
import { createSourceFile } from "../support/source-file.ts";
import type { Context } from "./context.ts";

export interface OpenedModel {
  readonly path: string;
  readonly project: Project;
  readonly files: ProjectFiles;
  readonly warnings: readonly Diagnostic[];
}

/** The model file that an argument means: itself, or the only .floor file of the folder. */
export function modelPathOf(argument: string | undefined): string {
  const folder = argument === undefined ? "." : argument;
  if (argument !== undefined && !existsSync(argument)) fail("cli/missing-file", { path: argument });
  if (argument !== undefined && !statSync(argument).isDirectory()) return argument;
  const models = readdirSync(folder)
    .filter((f) => f.endsWith(".floor") && isFile(join(folder, f)))
    .sort();
  if (models.length !== 1) fail("cli/ambiguous-model", { folder, models });
  return argument === undefined ? models[0]! : join(folder, models[0]!);
}

/** Reads and checks a model; `seed` goes before the file's. Throws all its mistakes. */
export function openModel(argument: string | undefined, seed: number | undefined): OpenedModel {
  const path = modelPathOf(argument);
  const files = createProjectFiles(path, resolveDataPath);
  const source = createSourceFile(path, readFileSync(path, "utf8"));
  const { project, diagnostics } = compileSource(source, { exists: (written) => files.find(written) });
  if (!project) throw new DiagnosticError(diagnostics);
  const training = seed === undefined ? project.training : { ...project.training, seed };
  return { path, project: { ...project, training }, files, warnings: diagnostics };
}

/** The model that a build directory was trained from. Its data is in the directory, so no other file is looked for. */
export function trainedModel(directory: BuildDirectory): Project {
  const name = `${directory.name}/${BUILD_FILES.train.source}`;
  const text = directory.readText(BUILD_FILES.train.source);
  if (text === undefined) fail("build/not-trained", { directory: directory.name });
  const { project, diagnostics } = compileSource(createSourceFile(name, text), { exists: () => "found" });
  if (!project) throw new DiagnosticError(diagnostics);
  return project;
}

/** build/<stem of the model file>. */
export function defaultDirectory(modelPath: string): string {
  return join("build", basename(modelPath).replace(/\.floor$/, ""));
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
