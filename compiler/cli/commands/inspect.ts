// noisefloor inspect MODEL
import { importProblems } from "../../driver/import-problems.ts";
import {
  type InspectedLayer,
  type InspectedPort,
  type Inspection,
  inspectImport,
  inspectProject,
} from "../../driver/inspect.ts";
import { type Diagnostic, DiagnosticError } from "../../support/diagnostics.ts";
import { readModelFile } from "../../tools/read-model-file.ts";
import type { CommandOutcome } from "../context.ts";
import { isStated, modelPathOf, openModel } from "../project.ts";
import { number, shownName, table } from "../tables.ts";

/** Reads the model; one that does not fit is a result too, with every reason as a diagnostic. */
export async function inspectCommand(argument: string | undefined): Promise<CommandOutcome> {
  const path = modelPathOf(argument);
  try {
    const { inspection, diagnostics } = await inspected(path);
    const isSupported = countOf(diagnostics) === 0;
    return {
      result: { supported: isSupported, ...inspection },
      // Laid out when it is printed, which --json does not do.
      get text() {
        return `${inspectionText(inspection)}\n${supportText(diagnostics)}`;
      },
      diagnostics,
    };
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return {
      result: { supported: false, path },
      text: `${shownName(path)}\n${supportText(error.diagnostics)}`,
      diagnostics: error.diagnostics,
    };
  }
}

const countOf = (diagnostics: readonly Diagnostic[]): number =>
  diagnostics.filter(({ severity }) => severity === "error").length;

function supportText(diagnostics: readonly Diagnostic[]): string {
  const count = countOf(diagnostics);
  const answer = count === 0 ? "yes" : `no: ${count} ${count === 1 ? "reason" : "reasons"}`;
  return `supported    ${answer}`;
}

/**
 * What a model of ours or of others is, and what is wrong with it. Throws the same of a file that cannot be read, or a text
 * with mistakes.
 */
async function inspected(
  path: string,
): Promise<{ readonly inspection: Inspection; readonly diagnostics: readonly Diagnostic[] }> {
  if (path.endsWith(".floor")) {
    const model = await openModel(path, {});
    if (!isStated(model)) return { inspection: inspectProject(model.project), diagnostics: model.warnings };
    const { imported, project, warnings } = model;
    const found = importProblems(imported.model, project.inputs);
    return { inspection: inspectImport(imported), diagnostics: [...warnings, ...found] };
  }
  const imported = await readModelFile(path);
  const found = importProblems(imported.model);
  return { inspection: inspectImport(imported), diagnostics: [...imported.warnings, ...found] };
}

const sizes = (shape: readonly (number | null)[]): string =>
  shape.map((size) => size ?? "?").join("x") || "1";

function portText({ name, shape, fileShape, fileAxes }: InspectedPort): string {
  const own = sizes(shape);
  if (!fileShape || !fileAxes) return `${shownName(name)} ${own}`;
  const axes = fileAxes.filter((axis) => axis >= 0);
  const isInOrder = axes.every((axis, i) => i === 0 || axis > axes[i - 1]!);
  return `${shownName(name)} ${own}${isInOrder ? "" : ` (in the file ${sizes(fileShape)}; here channels last)`}`;
}

function inspectionText({ name, format, inputs, outputs, layers, totals }: Inspection): string {
  const rows = layers.map(({ name: layer, operator, shape, macs, parameters, formats }: InspectedLayer) => [
    shownName(layer),
    operator,
    sizes(shape),
    formats.join("; ") || "-",
    number(macs),
    number(parameters),
  ]);
  return [
    `${shownName(name)} (${format})`,
    `inputs       ${inputs.map(portText).join(", ")}`,
    `outputs      ${outputs.map(portText).join(", ")}`,
    "",
    table(["layer", "operator", "shape", "stated formats", "MACs", "parameters"], rows, 4),
    "",
    `totals       ${number(totals.macs)} MACs, ${number(totals.parameters)} parameters`,
  ].join("\n");
}
