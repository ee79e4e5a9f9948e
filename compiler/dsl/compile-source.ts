// The front end: a `.floor` text becomes a project, or diagnostics that say everything that is wrong with it.
import type { Project, StatedProject } from "../graph/project.ts";
import { createCollector, createDiagnostic, type Diagnostic } from "../support/diagnostics.ts";
import { createSourceFile, positionAt, type SourceFile } from "../support/source-file.ts";
import { checkFile } from "./check.ts";
import type { FileQueries } from "./check-data.ts";
import { checkStated } from "./check-stated.ts";
import { decodeText, readFile } from "./cst-to-ast.ts";
import { parseTokens } from "./grammar.ts";
import { lexicalDiagnostics, nestingOf, syntaxDiagnostics } from "./parse-errors.ts";
import { toProject } from "./to-graph.ts";
import { definedNames, FROM, Model, Text, tokenize } from "./tokens.ts";

export interface CompiledSource {
  /** There when no diagnostic is an error: the project, or that of a model whose file states its quantizers. */
  readonly project?: Project;
  readonly stated?: StatedProject;
  /** In the order of the text. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Characters of a file; a large model has thirty for each of its layers. */
const MAX_LENGTH = 131_072;
const MAX_DIAGNOSTICS = 100;

/** In the order of the text, and not more than a person reads. `stopped`: there may be more. */
function finish(diagnostics: readonly Diagnostic[], file: SourceFile, stopped = false): Diagnostic[] {
  const start = (d: Diagnostic): number => d.span?.start ?? file.text.length;
  const sorted = diagnostics.toSorted((a, b) => start(a) - start(b));
  if (sorted.length <= MAX_DIAGNOSTICS && !stopped) return sorted;
  const more = createDiagnostic("language/too-many-errors", {}, { file: file.name });
  const errors = sorted.filter((d) => d.severity === "error");
  return [...(errors.length > 0 ? errors : sorted).slice(0, MAX_DIAGNOSTICS), more];
}

/** What cannot be a model text at all. */
function refuse(file: SourceFile): Diagnostic | undefined {
  const { name, text } = file;
  const nul = text.indexOf("\0");
  if (nul >= 0) return createDiagnostic("language/not-text", {}, { file: name });
  if (text.length <= MAX_LENGTH) return undefined;
  return createDiagnostic(
    "language/file-too-large",
    { length: text.length, limit: MAX_LENGTH },
    { file: name },
  );
}

/** The file that a text's model comes from, as written; undefined where the text describes its model. */
export function importedPathOf({ text }: SourceFile): string | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const { tokens } = tokenize(text);
  const at = tokens.findIndex(({ tokenType, image }, i) => {
    return tokenType === Text && tokens[i - 1]?.image === FROM && tokens[i - 3]?.tokenType === Model && image;
  });
  return at < 0 ? undefined : decodeText(tokens[at]!);
}

/**
 * Compiles the text of a model file. Pure but for `files`, which is asked once for each path that the text names.
 * Never throws on any text.
 */
export function compileSource(source: SourceFile, files: FileQueries): CompiledSource {
  // Editors count columns without a byte order mark.
  const file = source.text.startsWith("\ufeff")
    ? createSourceFile(source.name, source.text.slice(1))
    : source;
  const refused = refuse(file);
  if (refused) return { diagnostics: [refused] };

  const lexed = tokenize(file.text);
  const lexical = lexicalDiagnostics(file, lexed);
  if (lexed.tokens.length === 0 && lexical.length === 0) {
    return {
      diagnostics: [createDiagnostic("language/empty-file", {}, { span: { file, start: 0, end: 0 } })],
    };
  }
  const nesting = nestingOf(file, lexed.tokens);
  if (nesting.tooDeep) return { diagnostics: finish([...lexical, nesting.tooDeep], file) };

  const parsed = parseTokens(lexed.tokens);
  const lines = new Set(lexical.map((d) => positionAt(file, d.span!.start).line));
  const syntax = syntaxDiagnostics(file, parsed.errors, nesting, lines);
  const collector = createCollector();
  for (const diagnostic of [...lexical, ...syntax]) collector.push(diagnostic);

  if (!parsed.cst) return { diagnostics: finish(collector.diagnostics, file, true) };

  const partial = parsed.errors.length > 0 || lexed.errors.length > 0;
  const possibleNames = partial ? definedNames(lexed.tokens) : new Set<string>();
  const tree = readFile(file, parsed.cst, collector);
  const context = { collector, partial, possibleNames };
  const from = tree.models[0]?.from;
  const network = from && files.stated?.(from.text);
  if (network) {
    const stated = checkStated(tree, network, file, files, context);
    const diagnostics = finish(collector.diagnostics, file);
    return stated ? { stated, diagnostics } : { diagnostics };
  }
  const checked = checkFile(tree, files, context);
  const diagnostics = finish(collector.diagnostics, file);
  return checked ? { project: toProject(file, checked), diagnostics } : { diagnostics };
}
