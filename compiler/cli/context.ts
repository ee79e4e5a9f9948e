// What every command works with: where to say things, how to be stopped, and how to end.
import { styleText } from "node:util";
import { type Paint, printDiagnostics } from "../support/diagnostic-printer.ts";
import { createDiagnostic, type Diagnostic } from "../support/diagnostics.ts";
import { positionAt } from "../support/source-file.ts";
import { createInterrupt, type Interrupt } from "./interrupt.ts";
import { type CliProgress, createProgress } from "./progress.ts";

/** What a command hands back: data for --json, and lines for people. */
export interface CommandOutcome {
  readonly result: object;
  readonly text: string;
  /** Diagnostics that did not end the command: warnings, and errors of a check that failed. */
  readonly diagnostics?: readonly Diagnostic[];
}

export interface Context {
  readonly json: boolean;
  readonly progress: CliProgress;
  readonly interrupt: Interrupt;
  /** Closed in reverse order when the command ends, however it ends. */
  onExit(close: () => void): void;
  closeAll(): void;
}

/** `command` is its name, for the JSON object that a signal asks for. */
export function createContext(command: string, json: boolean): Context {
  const progress = createProgress();
  const closers: (() => void)[] = [];
  const closeAll = (): void => {
    progress.pause();
    for (let close = closers.pop(); close; close = closers.pop()) close();
  };
  return {
    json,
    progress,
    interrupt: createInterrupt(
      (text) => progress.line(text),
      (signal, exitCode) => {
        closeAll();
        if (json) printJson(command, exitCode, [createDiagnostic("cli/interrupted", { signal })], null);
      },
    ),
    onExit: (close) => closers.push(close),
    closeAll,
  };
}

const STYLES = { error: "red", warning: "yellow", note: "cyan", place: "bold", hint: "green" } as const;

/** Colours for stderr; none when it is no terminal or NO_COLOR asks for it. */
const paint: Paint = (style, text) => styleText(STYLES[style], text, { stream: process.stderr });

/** Writes diagnostics for people. */
export function sayDiagnostics(diagnostics: readonly Diagnostic[]): void {
  if (diagnostics.length > 0) process.stderr.write(`${printDiagnostics(diagnostics, paint)}\n`);
}

export const CLI_SCHEMA = "noisefloor.cli/1";

function jsonOf(d: Diagnostic): object {
  const span = d.span;
  const from = span && positionAt(span.file, span.start);
  const to = span && positionAt(span.file, span.end);
  return {
    code: d.code,
    severity: d.severity,
    message: d.message,
    ...(d.hint === undefined ? {} : { hint: d.hint }),
    ...(span ? { file: span.file.name } : d.file === undefined ? {} : { file: d.file }),
    ...(from && to ? { line: from.line, column: from.column, endLine: to.line, endColumn: to.column } : {}),
    ...(d.related
      ? {
          related: d.related.map((r) => ({
            message: r.message,
            file: r.span.file.name,
            ...positionAt(r.span.file, r.span.start),
          })),
        }
      : {}),
  };
}

/** The one JSON object of a command. */
export function printJson(
  command: string,
  exitCode: number,
  diagnostics: readonly Diagnostic[],
  result: object | null,
): void {
  const ok = exitCode === 0;
  const object = {
    schema: CLI_SCHEMA,
    command,
    ok,
    exitCode,
    diagnostics: diagnostics.map(jsonOf),
    result,
  };
  process.stdout.write(`${JSON.stringify(object)}\n`);
}
