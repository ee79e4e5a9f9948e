// Where the stages behind the language found something: they know nodes by name, the project knows their lines. In: a
// project, and work that may complain of its nodes. Out: diagnostics at these lines.
import type { Project } from "../graph/project.ts";
import { type Diagnostic, DiagnosticError } from "../support/diagnostics.ts";

/** Diagnostics that name a node, at the line that made it; the others as they are. */
export function placed({ spans }: Pick<Project, "spans">, diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.map((d) => {
    const span = d.span ?? (d.node === undefined ? undefined : spans.get(d.node));
    return span ? { ...d, span } : d;
  });
}

/** Runs work whose diagnostics may name nodes of the project. */
export function atNodes<T>(project: Pick<Project, "spans">, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof DiagnosticError) throw new DiagnosticError(placed(project, error.diagnostics));
    throw error;
  }
}
