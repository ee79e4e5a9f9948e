// noisefloor inspect MODEL
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
    const { inspection, warnings } = await inspected(path);
    return {
      result: { supported: true, ...inspection },
      // Laid out when it is printed, which --json does not do.
      get text() {
        return inspectionText(inspection);
      },
      diagnostics: warnings,
    };
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    const count = error.diagnostics.filter(({ severity }) => severity === "error").length;
    return {
      result: { supported: false, path },
      text: `${shownName(path)}\nsupported    no: ${count} ${count === 1 ? "reason" : "reasons"}`,
      diagnostics: error.diagnostics,
    };
  }
}

/** What a model of ours or of others is. Throws everything that stands in its way. */
async function inspected(
  path: string,
): Promise<{ readonly inspection: Inspection; readonly warnings: readonly Diagnostic[] }> {
  if (path.endsWith(".floor")) {
    const model = await openModel(path, {});
    const inspection = isStated(model) ? inspectImport(model.imported) : inspectProject(model.project);
    return { inspection, warnings: model.warnings };
  }
  const imported = await readModelFile(path);
  return { inspection: inspectImport(imported), warnings: imported.warnings };
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
    "supported    yes: everything in the file is read",
  ].join("\n");
}
