// Diagnostics as a person reads them: file:line:col, the message, the source line with a caret, the hint.
import type { Diagnostic } from "./diagnostics.ts";
import { lineText, positionAt, type Span } from "./source-file.ts";

/** Colours one piece of text; the identity when colours are off. */
export type Paint = (style: "error" | "warning" | "note" | "place" | "hint", text: string) => string;

const plain: Paint = (_, text) => text;
const TAB = "  ";

function place(span: Span): string {
  const { line, column } = positionAt(span.file, span.start);
  return `${span.file.name}:${line}:${column}`;
}

function frame(span: Span, paint: Paint): string[] {
  const from = positionAt(span.file, span.start);
  const to = positionAt(span.file, span.end);
  const text = lineText(span.file, from.line);
  const end = to.line === from.line ? to.column : text.length + 1;
  const before = text.slice(0, from.column - 1);
  const marked = text.slice(from.column - 1, end - 1);
  const gutter = `${from.line} | `;
  // Columns count UTF-16 units; what is printed before the caret keeps its tabs as two blanks in both lines.
  const width = (s: string): number => [...s.replaceAll("\t", TAB)].length;
  return [
    paint("place", gutter) + text.replaceAll("\t", TAB),
    " ".repeat(gutter.length + width(before)) + paint("error", "^".repeat(Math.max(1, width(marked)))),
  ];
}

/** Lines of one diagnostic, without a trailing line end. */
export function printDiagnostic(diagnostic: Diagnostic, paint: Paint = plain): string {
  const where = diagnostic.span ? place(diagnostic.span) : diagnostic.file;
  const head =
    (where === undefined ? "" : `${paint("place", where)} - `) +
    `${paint(diagnostic.severity, diagnostic.severity)} ${diagnostic.code}: ${diagnostic.message}`;
  const lines = [head];
  if (diagnostic.span) lines.push(...frame(diagnostic.span, paint).map((l) => `  ${l}`));
  for (const related of diagnostic.related ?? []) {
    lines.push(`  ${paint("place", place(related.span))} - ${related.message}`);
    lines.push(...frame(related.span, paint).map((l) => `    ${l}`));
  }
  if (diagnostic.hint !== undefined) lines.push(`  ${paint("hint", "hint:")} ${diagnostic.hint}`);
  return lines.join("\n");
}

/** All diagnostics, errors last line says how many there are. */
export function printDiagnostics(diagnostics: readonly Diagnostic[], paint: Paint = plain): string {
  const errors = diagnostics.filter((d) => d.severity === "error").length;
  const blocks = diagnostics.map((d) => printDiagnostic(d, paint));
  if (errors > 1) blocks.push(`${errors} errors`);
  return blocks.join("\n\n");
}
