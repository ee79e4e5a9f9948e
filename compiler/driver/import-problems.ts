// What stands in the way of a model of somebody else's, before anything is made of it. In: the model as it was read. Out:
// diagnostics.
import type { ImportedModel } from "../graph/imported.ts";
import type { StatedProject } from "../graph/project.ts";
import { statedQuantizers } from "../import/draft.ts";
import { floatNetworkOf } from "../import/float-network.ts";
import { type Diagnostic, DiagnosticError } from "../support/diagnostics.ts";
import { lowerStated } from "./import-project.ts";

/**
 * What stands in the way of compiling a network that was read, all of it: exact integers where it states quantizers, else the
 * language's operators. Values of the inputs change nothing of the latter.
 */
export function importProblems(
  model: ImportedModel,
  inputs: StatedProject["inputs"] = new Map(),
): readonly Diagnostic[] {
  try {
    if (statedQuantizers(model).length > 0) return lowerStated(model, inputs).warnings;
    floatNetworkOf(model, () => PLAIN_BYTES);
    return [];
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return error.diagnostics;
  }
}

const PLAIN_BYTES = { stored: { signed: true, width: 8, fraction: 7 }, scale: 1 } as const;
