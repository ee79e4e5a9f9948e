// The words of the language. In: text. Out: chevrotain tokens, and the places where the text is none of them.
import { createToken, type ILexingResult, type IToken, Lexer, type TokenType } from "chevrotain";

// Categories: a token in several places of the grammar, so that the parser can repair a missing or a surplus one.

/** What can stand where a name is asked for; a keyword there is an error that is reported after parsing. */
export const AnyName = createToken({ name: "AnyName", pattern: Lexer.NA });
/** A name that does not begin an `input` or an `output` line. */
export const ValueName = createToken({ name: "ValueName", pattern: Lexer.NA });
/** A word without quotes: the key of a setting. */
export const Word = createToken({ name: "Word", pattern: Lexer.NA });
/** The word that opens a section. Where a file is damaged the parser goes on at the next of them. */
export const SectionWord = createToken({ name: "SectionWord", pattern: Lexer.NA });
/** A word as a value: a name, or a reserved word that is one of a key's values. */
export const ValueWord = createToken({ name: "ValueWord", pattern: Lexer.NA });
/** The size of an input. */
export const Size = createToken({ name: "Size", pattern: Lexer.NA });
/** Reserved words. */
export const Keyword = createToken({ name: "Keyword", pattern: Lexer.NA });

const WORD = /[\p{ID_Start}_][\p{ID_Continue}]*/uy;

/** Matches a whole word; chevrotain's own analysis of patterns does not read Unicode classes. */
function matchWord(text: string, offset: number): RegExpExecArray | null {
  WORD.lastIndex = offset;
  return WORD.exec(text);
}

export const Name = createToken({
  name: "Name",
  pattern: matchWord,
  line_breaks: false,
  categories: [AnyName, ValueName, Word, ValueWord],
});

/** A name in the place of a section's word; the lexer cannot tell it from other names, see `tokenize`. */
export const UnknownSection = createToken({
  name: "UnknownSection",
  pattern: Lexer.NA,
  categories: [SectionWord],
});

function keyword(word: string, ...categories: readonly TokenType[]): TokenType {
  return createToken({
    name: word.charAt(0).toUpperCase() + word.slice(1),
    pattern: word,
    longer_alt: Name,
    categories: [Keyword, Word, AnyName, ...categories],
  });
}

export const Floor = keyword("floor", ValueName);
export const Model = keyword("model", ValueName);
export const Data = keyword("data", ValueName, SectionWord, ValueWord);
export const Train = keyword("train", ValueName, SectionWord);
export const Hardware = keyword("hardware", ValueName, SectionWord);
export const Input = keyword("input", ValueWord);
export const Output = keyword("output");
export const As = keyword("as", ValueName);

const keywords = [Floor, Model, Data, Train, Hardware, Input, Output, As];

/** Stands behind the name of a model that comes from a file; a name everywhere else. */
export const FROM = "from";

/** The reserved words, as written. */
export const KEYWORDS: readonly string[] = keywords.map((k) => k.PATTERN as string);

export const Text = createToken({
  name: "Text",
  pattern: /"[^"\\\n\r]*(?:\\[^\n\r][^"\\\n\r]*)*"/,
  line_breaks: false,
  categories: [AnyName, ValueName],
});

const DIGITS = "\\d+(?:_\\d+)*";
const NUMBER = `-?${DIGITS}(?:\\.\\d+)?(?:[eE][+-]?\\d+)?`;

export const Shape = createToken({
  name: "Shape",
  pattern: new RegExp(`${DIGITS}(?:x${DIGITS})+(?![A-Za-z0-9_])`),
  line_breaks: false,
  categories: [Size],
});

const UNIT = `%|(?![eE][+-]?\\d)(?!(?:${KEYWORDS.join("|")})(?![A-Za-z0-9_]))[A-Za-z][A-Za-z0-9_]*(?![A-Za-z0-9_]|[ \\t]*:)`;

/** A range of whole numbers, and its unit: `2..4`, `2..4 bits`. */
export const Range = createToken({
  name: "Range",
  pattern: new RegExp(`${DIGITS}\\.\\.${DIGITS}(?:[ \\t]*(?:${UNIT}))?`),
  line_breaks: false,
});

/**
 * A number and its unit. A word after a number on the same line is its unit, known or not, unless it is reserved
 * or a key (a word before a colon): so a mistyped unit is an unknown unit and not a surplus word.
 */
export const Quantity = createToken({
  name: "Quantity",
  pattern: new RegExp(`${NUMBER}[ \\t]*(?:${UNIT})`),
  line_breaks: false,
});

export const NumberToken = createToken({
  name: "Number",
  pattern: new RegExp(NUMBER),
  line_breaks: false,
  categories: [Size],
});

export const Arrow = createToken({ name: "Arrow", pattern: "->" });
export const Colon = createToken({ name: "Colon", pattern: ":" });
export const Comma = createToken({ name: "Comma", pattern: "," });
export const Equals = createToken({ name: "Equals", pattern: "=" });
export const LeftParen = createToken({ name: "LeftParen", pattern: "(" });
export const RightParen = createToken({ name: "RightParen", pattern: ")" });
export const LeftBrace = createToken({ name: "LeftBrace", pattern: "{" });
export const RightBrace = createToken({ name: "RightBrace", pattern: "}" });
export const LeftBracket = createToken({ name: "LeftBracket", pattern: "[" });
export const RightBracket = createToken({ name: "RightBracket", pattern: "]" });

const Blank = createToken({
  name: "Blank",
  pattern: /[ \t\r\n\f\v\u00a0\ufeff]+/,
  line_breaks: true,
  group: Lexer.SKIPPED,
});
const Comment = createToken({
  name: "Comment",
  pattern: /#[^\n\r]*/,
  line_breaks: false,
  group: Lexer.SKIPPED,
});

// Common slips from other languages: read as what was meant and reported.
export const UnclosedText = createToken({
  name: "UnclosedText",
  pattern: /"[^"\\\n\r]*(?:\\[^\n\r][^"\\\n\r]*)*\\?/,
  line_breaks: false,
  categories: [Text, AnyName, ValueName],
});
export const SingleQuotedText = createToken({
  name: "SingleQuotedText",
  pattern: /'[^'\n\r]*'/,
  line_breaks: false,
  categories: [Text, AnyName, ValueName],
});
export const ForeignArrow = createToken({
  name: "ForeignArrow",
  pattern: /=>|\|>|\u2192/,
  line_breaks: false,
  categories: [Arrow],
});
export const ForeignComment = createToken({
  name: "ForeignComment",
  pattern: /\/\/[^\n\r]*/,
  line_breaks: false,
  group: "foreignComments",
});

/** Longer and more special patterns first. */
export const ALL_TOKENS: readonly TokenType[] = [
  Blank,
  Comment,
  ForeignComment,
  Shape,
  Range,
  Quantity,
  NumberToken,
  ForeignArrow,
  Arrow,
  Colon,
  Comma,
  Equals,
  LeftParen,
  RightParen,
  LeftBrace,
  RightBrace,
  LeftBracket,
  RightBracket,
  Text,
  UnclosedText,
  SingleQuotedText,
  ...keywords,
  Name,
  UnknownSection,
  AnyName,
  ValueName,
  Word,
  ValueWord,
  SectionWord,
  Size,
  Keyword,
];

let lexer: Lexer | undefined;

/** Splits a text into tokens. Never throws; characters that are no token are in `errors`. */
export function tokenize(text: string): ILexingResult {
  lexer ??= new Lexer([...ALL_TOKENS], { positionTracking: "full" });
  const result = lexer.tokenize(text);
  markUnknownSections(result.tokens);
  return result;
}

/** Outside of all braces, a name before a brace stands where a section begins. */
function markUnknownSections(tokens: readonly IToken[]): void {
  let depth = 0;
  tokens.forEach((token, i) => {
    const opens = tokens[i + 1]?.tokenType === LeftBrace;
    if (depth === 0 && opens && token.tokenType === Name && tokens[i - 1]?.tokenType !== Model) {
      token.tokenType = UnknownSection;
      token.tokenTypeIdx = UnknownSection.tokenTypeIdx!;
    }
    if (token.tokenType === LeftBrace) depth++;
    else if (token.tokenType === RightBrace) depth = Math.max(0, depth - 1);
  });
}

/** Unquoted names that a text defines, as far as single tokens show it: before "=", or after `input` or `output`. */
export function definedNames(tokens: readonly IToken[]): Set<string> {
  const defined = tokens.filter((_, i) => {
    const before = tokens[i - 1]?.tokenType;
    return tokens[i + 1]?.tokenType === Equals || before === Input || before === Output;
  });
  return new Set(defined.map((token) => token.image));
}
