// For the tests of the data readers: runs a step and gives the diagnostics that it throws.
import { type Diagnostic, DiagnosticError } from "../../../support/diagnostics.ts";

/** Diagnostics thrown by `run`; fails when it throws something else. Empty when it throws nothing. */
export function diagnosticsOf(run: () => unknown): readonly Diagnostic[] {
  try {
    run();
    return [];
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics;
    throw error;
  }
}

/** Codes of the diagnostics thrown by `run`. */
export function codesOf(run: () => unknown): readonly string[] {
  return diagnosticsOf(run).map((d) => d.code);
}

/** Messages of the diagnostics thrown by `run`, one a line. */
export function messagesOf(run: () => unknown): string {
  return diagnosticsOf(run)
    .map((d) => d.message)
    .join("\n");
}
