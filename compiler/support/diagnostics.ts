// What a stage says of the user's input: code, place, message, hint. In: a code of the registry and its
// parameters. Out: plain diagnostics, collected or thrown together.
import { type MessageCode, type MessageParameters, messages } from "./messages.ts";
import type { Span } from "./source-file.ts";

export type Severity = "error" | "warning" | "note";

/** Whose matter it is: the user's input (exit 1), how the command was called (exit 2), or the machine (exit 69). */
export type Category = "input" | "usage" | "environment";

export interface RelatedPlace {
  readonly message: string;
  readonly span: Span;
}

export interface Diagnostic {
  readonly code: MessageCode;
  readonly severity: Severity;
  readonly category: Category;
  readonly message: string;
  readonly hint?: string;
  readonly span?: Span;
  /** A file that has no source span, such as a data file or a build directory. */
  readonly file?: string;
  /** The node of the graph that it is about, for stages that know no text. */
  readonly node?: string;
  readonly related?: readonly RelatedPlace[];
}

export interface DiagnosticPlace {
  readonly span?: Span | undefined;
  readonly file?: string | undefined;
  readonly related?: readonly RelatedPlace[] | undefined;
}

/** The node or layer that the parameters name. */
function nodeOf(parameters: unknown): { readonly node?: string } {
  const { node, layer } = (parameters ?? {}) as { readonly node?: unknown; readonly layer?: unknown };
  const found = node ?? layer;
  return typeof found === "string" ? { node: found } : {};
}

/** Makes a diagnostic from the registry; the parameters are typed by the code. */
export function createDiagnostic<C extends MessageCode>(
  code: C,
  parameters: MessageParameters<C>,
  place: DiagnosticPlace = {},
): Diagnostic {
  const entry = messages[code] as unknown as {
    readonly severity?: Severity;
    readonly category?: Category;
    readonly message: (parameters: unknown) => string;
    readonly hint?: (parameters: unknown) => string;
  };
  return {
    code,
    severity: entry.severity ?? "error",
    category: entry.category ?? "input",
    message: entry.message(parameters),
    ...(entry.hint ? { hint: entry.hint(parameters) } : {}),
    ...(place.span ? { span: place.span } : {}),
    ...(place.file !== undefined ? { file: place.file } : {}),
    ...nodeOf(parameters),
    ...(place.related ? { related: place.related } : {}),
  };
}

/** Thrown when a stage cannot go on because of what it was given. Carries every diagnostic found so far. */
export class DiagnosticError extends Error {
  readonly diagnostics: readonly Diagnostic[];
  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map((d) => `${d.code}: ${d.message}`).join("\n"));
    this.name = "DiagnosticError";
    this.diagnostics = diagnostics;
  }
}

/** Throws one diagnostic of the registry. */
export function fail<C extends MessageCode>(
  code: C,
  parameters: MessageParameters<C>,
  place: DiagnosticPlace = {},
): never {
  throw new DiagnosticError([createDiagnostic(code, parameters, place)]);
}

/** Collects diagnostics of a stage so that all of them are reported in one run. */
export interface DiagnosticCollector {
  readonly diagnostics: readonly Diagnostic[];
  add<C extends MessageCode>(code: C, parameters: MessageParameters<C>, place?: DiagnosticPlace): void;
  push(diagnostic: Diagnostic): void;
  hasErrors(): boolean;
  /** Throws all collected diagnostics when at least one is an error. */
  throwIfErrors(): void;
}

/** A collector that throws what it has when, with errors among them, there are more than `most`: nobody reads those. */
export function createCollector(most = Number.POSITIVE_INFINITY): DiagnosticCollector {
  const diagnostics: Diagnostic[] = [];
  const checkCount = (): void => {
    if (diagnostics.length > most && hasErrors()) throw new DiagnosticError(diagnostics);
  };
  const hasErrors = (): boolean => diagnostics.some((d) => d.severity === "error");
  return {
    diagnostics,
    add: (code, parameters, place) => {
      diagnostics.push(createDiagnostic(code, parameters, place));
      checkCount();
    },
    push: (diagnostic) => {
      diagnostics.push(diagnostic);
      checkCount();
    },
    hasErrors,
    throwIfErrors: () => {
      if (hasErrors()) throw new DiagnosticError(diagnostics);
    },
  };
}
