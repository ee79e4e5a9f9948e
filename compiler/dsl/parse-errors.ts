// What the lexer and the parser could not read. In: their errors. Out: diagnostics that say what was expected,
// what stands there instead, and how it is written.
import {
  EOF,
  type ILexingError,
  type ILexingResult,
  type IParserErrorMessageProvider,
  type IRecognitionException,
  type IToken,
  type TokenType,
  tokenMatcher,
} from "chevrotain";
import { createDiagnostic, type Diagnostic } from "../support/diagnostics.ts";
import { positionAt, type SourceFile, type Span } from "../support/source-file.ts";
import * as t from "./tokens.ts";

/** What a rule reads and how it is written; `names` are what its tokens are called in that rule. */
interface RulePhrases {
  readonly form: string;
  readonly names: Readonly<Record<string, string>>;
}

const chainForm = "a value is written: hidden = image -> flatten -> fc1: dense(64) -> relu";
const joinForm =
  "values are joined by add(left, right); a stage follows its value: image -> c1: conv(16, kernel: 3x3)";
const settingForm = "a setting is written with a key, a colon and a value: clock: 100 MHz";
const blockForm =
  'what belongs to single inputs and outputs is written: { image: npy("images.npy"), digit: npy("labels.npy") }';
const argumentForm =
  'arguments are written in parentheses, separated by commas: csv("flowers.csv", label: "kind")';

const RULES: Readonly<Record<string, RulePhrases>> = {
  file: {
    form: "a file is written: floor 1, then model NAME { }, data { }, train { } and hardware { }",
    names: { EOF: "a section (model, data, train or hardware)", Number: "the version of the language" },
  },
  model: {
    form: "a model is written: model digits { input ..., output ... }",
    names: { AnyName: "the name of the model", RightBrace: 'an input, a value, an output or "}"' },
  },
  importedModel: {
    form: 'a model of a file is written: model digits from "digits.onnx" { input image as u8 }',
    names: {
      AnyName: "the name of the model",
      Text: 'the file of the model, such as "digits.onnx"',
      RightBrace: 'an input, options of a layer or "}"',
    },
  },
  importedInput: {
    form: "the input of a file's model is written: input image as s8 { range: [-1, 1] }",
    names: { AnyName: "the name of the input", Name: "a stored type such as u8" },
  },
  importedLayer: {
    form: "options of a layer are written: fc1 { weight_bits: 4 }",
    names: { ValueName: "the name of a layer" },
  },
  inputItem: {
    form: "an input is written: input image: 28x28x1 as u8",
    names: {
      AnyName: "the name of the input",
      Size: "a shape such as 28x28x1",
      As: '"as" and a stored type',
      Name: "a stored type such as u8",
    },
  },
  outputItem: {
    form: "an output is written: output digit = scores -> argmax",
    names: { AnyName: "the name of the output" },
  },
  binding: { form: chainForm, names: { ValueName: "the name of a value" } },
  chain: { form: chainForm, names: {} },
  source: { form: chainForm, names: { ValueName: "the name of a value" } },
  join: { form: joinForm, names: { Name: "the operation that joins values", RightParen: '"," or ")"' } },
  operand: { form: joinForm, names: { Word: "the name of a value" } },
  stage: { form: "a stage with a label is written: -> fc1: dense(64)", names: { Name: "a stage" } },
  label: {
    form: "a stage with a label is written: -> fc1: dense(64)",
    names: { AnyName: "the name of the stage" },
  },
  section: {
    form: "a section is a word and its settings in braces: hardware { clock: 100 MHz }",
    names: { SectionWord: "a section" },
  },
  options: { form: settingForm, names: { RightBrace: 'a setting ("key: value") or "}"' } },
  setting: { form: settingForm, names: { Word: "a key" } },
  block: { form: blockForm, names: { RightBrace: 'the name of an input or output, or "}"' } },
  named: { form: blockForm, names: { AnyName: "the name of an input or output" } },
  args: { form: argumentForm, names: { RightParen: '"," or ")"' } },
  argument: { form: argumentForm, names: {} },
  value: {
    form: 'a value is a number, a quantity (100 MHz), a range (2..4), a shape (28x28x1), a text ("..."), a word, a list in brackets, or a block in braces',
    names: {},
  },
  call: { form: argumentForm, names: { ValueWord: "a word" } },
  list: { form: 'a list is written: ["width", "height"]', names: { RightBracket: '"," or "]"' } },
};

function expectedIn(rule: string, type: TokenType): string {
  const named = RULES[rule]?.names[type.name];
  if (named !== undefined) return named;
  return typeof type.PATTERN === "string" ? `"${type.PATTERN}"` : `a ${type.name.toLowerCase()}`;
}

/** What the alternatives of a rule are together. */
function alternatives(rule: string): string {
  switch (rule) {
    case "value":
      return "a value";
    case "operand":
      return expectedIn("source", t.ValueName);
    case "source":
      return expectedIn(rule, t.ValueName);
    case "stage":
      return expectedIn(rule, t.Name);
    case "file":
      return expectedIn(rule, EOF);
    default:
      return expectedIn(rule, t.RightBrace);
  }
}

/** Words for what was expected; the diagnostic adds what was found. */
export const parserMessages: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected, ruleName }) => expectedIn(ruleName, expected),
  buildNotAllInputParsedMessage: () => expectedIn("file", EOF),
  buildNoViableAltMessage: ({ ruleName }) => alternatives(ruleName),
  buildEarlyExitMessage: ({ expectedIterationPaths, ruleName }) =>
    expectedIn(ruleName, expectedIterationPaths[0]?.[0] ?? EOF),
};

/** The place of a token in a file. */
export function tokenSpan(file: SourceFile, token: IToken): Span {
  return { file, start: token.startOffset, end: (token.endOffset ?? token.startOffset) + 1 };
}

/** A text of the user's as it fits in a message: quoted, without control characters, cut. */
function shown(text: string): string {
  const characters = [...text];
  return JSON.stringify(characters.length > 24 ? `${characters.slice(0, 24).join("")}...` : text);
}

const LEXER_SLIPS = [
  [t.UnclosedText, "language/unclosed-text"],
  [t.SingleQuotedText, "language/single-quotes"],
  [t.ForeignArrow, "language/foreign-arrow"],
] as const;

/** Diagnostics of characters that are no token, and of tokens that belong to other languages. */
export function lexicalDiagnostics(file: SourceFile, result: ILexingResult): Diagnostic[] {
  const found = result.errors.map(({ offset, length }: ILexingError) =>
    createDiagnostic(
      "language/unexpected-character",
      { text: shown(file.text.slice(offset, offset + length)) },
      { span: { file, start: offset, end: offset + length } },
    ),
  );
  for (const token of result.tokens) {
    for (const [type, code] of LEXER_SLIPS) {
      if (token.tokenType === type) found.push(createDiagnostic(code, {}, { span: tokenSpan(file, token) }));
    }
  }
  for (const token of result.groups.foreignComments ?? []) {
    found.push(createDiagnostic("language/foreign-comment", {}, { span: tokenSpan(file, token) }));
  }
  return found;
}

const CLOSERS = new Map<TokenType, TokenType>([
  [t.LeftParen, t.RightParen],
  [t.LeftBrace, t.RightBrace],
  [t.LeftBracket, t.RightBracket],
]);

/** Brackets nest to this depth; the language itself needs three. */
const MAX_DEPTH = 32;

/** How the brackets of a file nest. */
export interface Nesting {
  /** The first bracket that is nested too deeply to be parsed. */
  readonly tooDeep?: Diagnostic;
  /** The innermost opening bracket that is never closed. */
  readonly unclosed?: IToken;
}

/** Looks at the brackets alone, before the parser recurses into them. */
export function nestingOf(file: SourceFile, tokens: readonly IToken[]): Nesting {
  const open: IToken[] = [];
  for (const token of tokens) {
    if (CLOSERS.has(token.tokenType)) {
      open.push(token);
      if (open.length > MAX_DEPTH) {
        const span = tokenSpan(file, token);
        return { tooDeep: createDiagnostic("language/too-deep", { limit: MAX_DEPTH }, { span }) };
      }
    } else if (open.length > 0 && token.tokenType === CLOSERS.get(open.at(-1)!.tokenType)) open.pop();
  }
  const last = open.at(-1);
  return last ? { unclosed: last } : {};
}

/**
 * One diagnostic for each syntax error, but only the first of a line (`taken` holds lines that already have one):
 * what follows on the line is mostly a consequence.
 */
export function syntaxDiagnostics(
  file: SourceFile,
  errors: readonly IRecognitionException[],
  nesting: Nesting,
  taken: ReadonlySet<number>,
): Diagnostic[] {
  const lines = new Set(taken);
  const found: Diagnostic[] = [];
  for (const error of errors) {
    const diagnostic = syntaxDiagnostic(file, error, nesting);
    const { line } = positionAt(file, diagnostic.span!.start);
    if (lines.has(line)) continue;
    lines.add(line);
    found.push(diagnostic);
  }
  return found;
}

/** How what was being read is written. */
function formOf(error: IRecognitionException, before: IToken | undefined): string {
  const [rule = "file", caller] = error.context.ruleStack.toReversed();
  const opensSection =
    rule === "options" && caller === "section" && before && tokenMatcher(before, t.SectionWord);
  // Two words in a row end a model's line: the first one was meant as a label.
  const labels = rule === "model" && before?.tokenType === t.Name && error.token.tokenType === t.Name;
  return RULES[opensSection ? "section" : labels ? "stage" : rule]?.form ?? "";
}

function syntaxDiagnostic(file: SourceFile, error: IRecognitionException, nesting: Nesting): Diagnostic {
  const expected = error.message;
  const { token } = error;
  const previous = (error as { previousToken?: IToken }).previousToken;
  const before = previous !== undefined && !Number.isNaN(previous.startOffset) ? previous : undefined;
  const form = formOf(error, before);
  if (token.tokenType === EOF) {
    const end = before ? tokenSpan(file, before).end : file.text.length;
    const span = { file, start: end, end };
    const { unclosed } = nesting;
    const related = unclosed
      ? [{ message: `this ${shown(unclosed.image)} is not closed`, span: tokenSpan(file, unclosed) }]
      : undefined;
    return createDiagnostic("language/unexpected-end", { expected, form }, { span, related });
  }
  const span = tokenSpan(file, token);
  if (tokenMatcher(token, t.Keyword) && /name|stage/.test(expected) && !expected.includes('"')) {
    return createDiagnostic("language/keyword-as-name", { word: token.image }, { span });
  }
  // Something is missing at the end of a line: the place is there and not on the next line.
  if (before && positionAt(file, before.startOffset).line < positionAt(file, span.start).line) {
    const end = tokenSpan(file, before).end;
    return createDiagnostic(
      "language/syntax",
      { expected, found: "the end of the line", form },
      { span: { file, start: end, end } },
    );
  }
  return createDiagnostic("language/syntax", { expected, found: shown(token.image), form }, { span });
}
