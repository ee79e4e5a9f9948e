// noisefloor export DIR [--format qonnx|npz|safetensors|vectors] [-o FOLDER]
import { join, resolve } from "node:path";
import { BUILD_FILES } from "../../driver/build-files.ts";
import {
  EXPORT_FORMATS,
  EXPORT_MARKER,
  type ExportFormat,
  exportDesign,
} from "../../driver/export-design.ts";
import { readDesign } from "../../driver/load-build.ts";
import { openForReading } from "../../host/node/build-directory.ts";
import { isReplaceable, replaceWholeFolder } from "../../host/node/whole-folder.ts";
import { DiagnosticError, fail } from "../../support/diagnostics.ts";
import { bytesOf, underFolder } from "../../support/file-set.ts";
import type { CommandOutcome, Context } from "../context.ts";
import { checkFolder } from "../path-checks.ts";
import { useDirectory } from "../project.ts";

export interface ExportCommandOptions {
  readonly format?: string;
  readonly output?: string;
  readonly samples: number;
  readonly seed?: number;
}

function formatsOf(text: string | undefined): readonly ExportFormat[] | undefined {
  if (text === undefined) return undefined;
  const names = text.split(",").map((name) => name.trim());
  const known: readonly string[] = EXPORT_FORMATS;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const problem = `${JSON.stringify(unknown)} is not one of ${EXPORT_FORMATS.join(", ")}`;
    fail("cli/bad-option", { option: "--format", problem });
  }
  return EXPORT_FORMATS.filter((name) => names.includes(name));
}

export async function exportCommand(
  context: Context,
  name: string,
  options: ExportCommandOptions,
): Promise<CommandOutcome> {
  const asked = formatsOf(options.format);
  if (options.samples === 0)
    fail("cli/bad-option", { option: "--samples", problem: "golden vectors are of one sample or more" });
  const own = join(name, BUILD_FILES.export.folder);
  const folder = options.output ?? own;
  const isOwn = resolve(folder) === resolve(own);
  if (!isOwn) {
    checkFolder("-o", folder);
    if (!isReplaceable(folder, EXPORT_MARKER)) fail("export/not-ours", { folder });
  }
  // The lock is for whom writes there.
  const locked = isOwn ? useDirectory(context, name, false) : null;
  const design = readDesign(locked ?? openForReading(name));
  if (design.modified.length > 0) throw new DiagnosticError(design.modified);
  const { files, formats, samples, warnings } = exportDesign(design, {
    formats: asked,
    samples: options.samples,
    seed: options.seed ?? 1,
  });
  if (locked) locked.replaceFolder(BUILD_FILES.export.folder, underFolder(BUILD_FILES.export.folder, files));
  else replaceWholeFolder(folder, files);
  const sizes = [...files].map(([path, content]) => ({ path, bytes: bytesOf(content).length }));
  const vectors = sizes.filter(({ path }) => path.startsWith("vectors/"));
  const lines = sizes
    .filter(({ path }) => !path.startsWith("vectors/"))
    .map(({ path, bytes }) => `${path}  ${bytes} bytes`);
  if (vectors.length > 0)
    lines.push(
      `vectors/  ${vectors.length - 1} values of ${samples} ${samples === 1 ? "sample" : "samples"}`,
    );
  return {
    result: { folder, formats, samples, files: sizes },
    text: [...lines, "", `exported to ${folder}`].join("\n"),
    diagnostics: warnings,
  };
}
