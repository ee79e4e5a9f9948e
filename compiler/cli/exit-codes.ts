// Exit codes of the command line; a stable contract.
import type { Diagnostic } from "../support/diagnostics.ts";

export const EXIT = {
  done: 0,
  /** The user's input, or a check failed. */
  failed: 1,
  usage: 2,
  /** Something needed is missing or failed: tool, disk, permission. */
  environment: 69,
  /** A bug in noisefloor. */
  bug: 70,
  interrupted: 130,
  terminated: 143,
} as const;

/** The exit code that a set of diagnostics asks for; the machine's trouble goes before the input's. */
export function exitCodeOf(diagnostics: readonly Diagnostic[]): number {
  const errors = diagnostics.filter((d) => d.severity === "error");
  if (errors.length === 0) return EXIT.done;
  if (errors.some((d) => d.category === "environment")) return EXIT.environment;
  return errors.every((d) => d.category === "usage") ? EXIT.usage : EXIT.failed;
}
