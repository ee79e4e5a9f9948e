// A source text with a name; turns offsets into line and column. In: text. Out: positions and lines.

/** A half-open range of UTF-16 offsets in one source file. */
export interface Span {
  readonly file: SourceFile;
  readonly start: number;
  readonly end: number;
}

/** One-based line and column, as editors count them. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A named text. The name is what the user typed, and is what diagnostics print. */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
  /** Offset of the first character of every line, ascending; the first is 0. */
  readonly lineStarts: readonly number[];
}

/** Makes a source file. `text` may end lines with \n or \r\n. */
export function createSourceFile(name: string, text: string): SourceFile {
  const lineStarts = [0];
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) === 10) lineStarts.push(i + 1);
  return { name, text, lineStarts };
}

/** Position of an offset; offsets past the end give the end of the text. */
export function positionAt(file: SourceFile, offset: number): Position {
  const at = Math.max(0, Math.min(offset, file.text.length));
  let low = 0;
  let high = file.lineStarts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (file.lineStarts[middle]! <= at) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: at - file.lineStarts[low]! + 1 };
}

/** Text of a one-based line without its line end. */
export function lineText(file: SourceFile, line: number): string {
  const start = file.lineStarts[line - 1] ?? file.text.length;
  const next = file.lineStarts[line] ?? file.text.length + 1;
  return file.text.slice(start, next - 1).replace(/\r$/, "");
}
