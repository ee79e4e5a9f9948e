// The grammar: how tokens make a file. In: tokens. Out: a concrete syntax tree and all syntax errors, each
// with what was expected there. Meaning is elsewhere (check.ts).
//
//   file    = ["floor" NUMBER] { model | section }
//   model   = "model" name "{" { input | binding | output } "}"
//           | "model" name "from" TEXT "{" { "input" name ["as" NAME] [options] | name options } "}"
//   input   = "input" name ":" SIZE "as" NAME [options]
//   binding = name "=" chain            output = "output" name "=" chain
//   chain   = source { "->" stage }     stage  = [name ":"] NAME [arguments] [options]
//   source  = name | join               join   = [name ":"] NAME "(" [ operand { "," operand } ] ")" [options]
//   operand = chain | WORD ":" value
//   section = ("data" | "train" | "hardware") options
//   options = "{" { setting [","] } "}" setting = WORD ":" value
//   arguments = "(" [ argument { "," argument } ] ")"    argument = [WORD ":"] value
//   value   = QUANTITY | RANGE | SIZE | TEXT | word [arguments] | "[" [ value { "," value } ] "]" | block
//   block   = "{" { name ":" value [","] } "}"
//   word    = NAME | "data" | "input"
import {
  type CstNode,
  CstParser,
  EOF,
  type IRecognitionException,
  type IToken,
  type TokenType,
} from "chevrotain";
import { parserMessages } from "./parse-errors.ts";
import * as t from "./tokens.ts";

/** Thrown inside the parser only. */
class TooManyErrors extends Error {}

/**
 * The parser's repair goes one call deeper for each error of a list and may look ahead to the end of the file, so
 * it is not asked to repair for ever.
 */
const MAX_SYNTAX_ERRORS = 60;
let errorCount = 0;

/** The message provider is what the parser asks once for each error. */
function counted<F extends (options: never) => string>(build: F): F {
  return ((options: never) => {
    if (++errorCount > MAX_SYNTAX_ERRORS) throw new TooManyErrors();
    return build(options);
  }) as F;
}

class FloorParser extends CstParser {
  constructor() {
    super([...t.ALL_TOKENS], {
      recoveryEnabled: true,
      maxLookahead: 2,
      nodeLocationTracking: "onlyOffset",
      errorMessageProvider: {
        buildMismatchTokenMessage: counted(parserMessages.buildMismatchTokenMessage),
        buildNotAllInputParsedMessage: counted(parserMessages.buildNotAllInputParsedMessage),
        buildNoViableAltMessage: counted(parserMessages.buildNoViableAltMessage),
        buildEarlyExitMessage: counted(parserMessages.buildEarlyExitMessage),
      },
    });
    this.performSelfAnalysis();
  }

  readonly file = this.RULE("file", () => {
    this.OPTION(() => {
      this.CONSUME(t.Floor);
      this.CONSUME(t.NumberToken);
    });
    this.MANY({
      GATE: () => this.startsSection(),
      DEF: () =>
        this.OR({
          // The gate decides what the first word leaves open, so that a model without a name is still read as one.
          MAX_LOOKAHEAD: 1,
          DEF: [
            {
              GATE: () => this.LA(3).image === t.FROM,
              ALT: () => this.SUBRULE(this.importedModel),
              IGNORE_AMBIGUITIES: true,
            },
            { ALT: () => this.SUBRULE(this.model) },
            { ALT: () => this.SUBRULE(this.section) },
          ],
        }),
    });
    this.CONSUME(EOF);
  });

  private readonly model = this.RULE("model", () => {
    this.CONSUME(t.Model);
    this.CONSUME(t.AnyName);
    this.CONSUME(t.LeftBrace);
    this.MANY({
      GATE: () => this.startsItem(),
      DEF: () =>
        this.OR([
          { ALT: () => this.SUBRULE(this.inputItem) },
          { ALT: () => this.SUBRULE(this.outputItem) },
          { ALT: () => this.SUBRULE(this.binding) },
        ]),
    });
    this.CONSUME(t.RightBrace);
  });

  private readonly importedModel = this.RULE("importedModel", () => {
    this.CONSUME(t.Model);
    this.CONSUME(t.AnyName);
    this.CONSUME(t.Name);
    this.CONSUME(t.Text);
    this.CONSUME(t.LeftBrace);
    this.MANY({
      GATE: () => this.startsItem() || this.startsLayer(),
      DEF: () =>
        this.OR([
          { ALT: () => this.SUBRULE(this.importedInput) },
          { ALT: () => this.SUBRULE(this.outputItem) },
          { ALT: () => this.SUBRULE(this.binding) },
          { GATE: () => this.startsLayer(), ALT: () => this.SUBRULE(this.importedLayer) },
        ]),
    });
    this.CONSUME(t.RightBrace);
  });

  private readonly importedInput = this.RULE("importedInput", () => {
    this.CONSUME(t.Input);
    this.CONSUME(t.AnyName);
    this.OPTION(() => {
      this.CONSUME(t.As);
      this.CONSUME(t.Name);
    });
    this.OPTION1(() => this.SUBRULE(this.options));
  });

  private readonly importedLayer = this.RULE("importedLayer", () => {
    this.CONSUME(t.ValueName);
    this.SUBRULE(this.options);
  });

  private readonly inputItem = this.RULE("inputItem", () => {
    this.CONSUME(t.Input);
    this.CONSUME(t.AnyName);
    this.CONSUME(t.Colon);
    this.CONSUME(t.Size);
    this.CONSUME(t.As);
    this.CONSUME(t.Name);
    this.OPTION(() => this.SUBRULE(this.options));
  });

  private readonly outputItem = this.RULE("outputItem", () => {
    this.CONSUME(t.Output);
    this.CONSUME(t.AnyName);
    this.CONSUME(t.Equals);
    this.SUBRULE(this.chain);
  });

  private readonly binding = this.RULE("binding", () => {
    this.CONSUME(t.ValueName);
    this.CONSUME(t.Equals);
    this.SUBRULE(this.chain);
  });

  private readonly chain = this.RULE("chain", () => {
    this.SUBRULE(this.source);
    this.MANY(() => {
      this.CONSUME(t.Arrow);
      this.SUBRULE(this.stage);
    });
  });

  private readonly source = this.RULE("source", () => {
    this.OR([
      { GATE: () => this.startsJoin(), ALT: () => this.SUBRULE(this.join), IGNORE_AMBIGUITIES: true },
      { GATE: () => !this.nextIs(t.Equals, 2), ALT: () => this.CONSUME(t.ValueName) },
    ]);
  });

  private readonly join = this.RULE("join", () => {
    this.OPTION(() => this.SUBRULE(this.label));
    this.CONSUME(t.Name);
    this.CONSUME(t.LeftParen);
    this.MANY_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.operand) });
    this.CONSUME(t.RightParen);
    this.OPTION1(() => this.SUBRULE(this.options));
  });

  private readonly operand = this.RULE("operand", () => {
    this.OR([
      {
        GATE: () => this.startsKey(),
        ALT: () => {
          this.CONSUME(t.Word);
          this.CONSUME(t.Colon);
          this.SUBRULE(this.value);
        },
        IGNORE_AMBIGUITIES: true,
      },
      { ALT: () => this.SUBRULE(this.chain) },
    ]);
  });

  private readonly stage = this.RULE("stage", () => {
    this.OPTION(() => this.SUBRULE(this.label));
    this.OR([{ GATE: () => !this.nextIs(t.Equals, 2), ALT: () => this.CONSUME(t.Name) }]);
    this.OPTION1(() => this.SUBRULE(this.args));
    this.OPTION2(() => this.SUBRULE(this.options));
  });

  private readonly label = this.RULE("label", () => {
    this.CONSUME(t.AnyName);
    this.CONSUME(t.Colon);
  });

  private readonly section = this.RULE("section", () => {
    this.CONSUME(t.SectionWord);
    this.SUBRULE(this.options);
  });

  private readonly options = this.RULE("options", () => {
    this.CONSUME(t.LeftBrace);
    this.MANY(() => {
      this.SUBRULE(this.setting);
      this.OPTION(() => this.CONSUME(t.Comma));
    });
    this.CONSUME(t.RightBrace);
  });

  private readonly setting = this.RULE("setting", () => {
    this.CONSUME(t.Word);
    this.CONSUME(t.Colon);
    this.SUBRULE(this.value);
  });

  private readonly args = this.RULE("args", () => {
    this.CONSUME(t.LeftParen);
    this.MANY_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.argument) });
    this.CONSUME(t.RightParen);
  });

  private readonly argument = this.RULE("argument", () => {
    this.OPTION(() => {
      this.CONSUME(t.Word);
      this.CONSUME(t.Colon);
    });
    this.SUBRULE(this.value);
  });

  private readonly value = this.RULE("value", () => {
    this.OR([
      { ALT: () => this.CONSUME(t.Quantity) },
      { ALT: () => this.CONSUME(t.Range) },
      { ALT: () => this.CONSUME(t.Size) },
      { ALT: () => this.CONSUME(t.Text) },
      { GATE: () => this.startsCall(), ALT: () => this.SUBRULE(this.call) },
      { ALT: () => this.SUBRULE(this.list) },
      { ALT: () => this.SUBRULE(this.block) },
    ]);
  });

  private readonly block = this.RULE("block", () => {
    this.CONSUME(t.LeftBrace);
    this.MANY(() => {
      this.SUBRULE(this.named);
      this.OPTION(() => this.CONSUME(t.Comma));
    });
    this.CONSUME(t.RightBrace);
  });

  private readonly named = this.RULE("named", () => {
    this.CONSUME(t.AnyName);
    this.CONSUME(t.Colon);
    this.SUBRULE(this.value);
  });

  private readonly call = this.RULE("call", () => {
    this.CONSUME(t.ValueWord);
    this.OPTION(() => this.SUBRULE(this.args));
  });

  private readonly list = this.RULE("list", () => {
    this.CONSUME(t.LeftBracket);
    this.MANY_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.value) });
    this.CONSUME(t.RightBracket);
  });

  /** A brace is never made up: where one is missing, the words that follow are no settings. */
  protected override canTokenTypeBeInsertedInRecovery(type: TokenType): boolean {
    return type !== t.LeftBrace;
  }

  /** Nothing is left out to reach a name: the next one is mostly another name than the one that is missing. */
  protected override canTokenTypeBeDeletedInRecovery(type: TokenType): boolean {
    return ![t.AnyName, t.ValueName, t.ValueWord, t.Name].includes(type);
  }

  // The gates tell the parser a line that begins something from a word inside a line: when it looks for a place
  // to go on after an error, and when a line ends too early and the next one would be read as its rest.

  private onNewLine(): boolean {
    const before = this.LA(0).endLine;
    return before === undefined || Number.isNaN(before) || before < this.LA(1).startLine!;
  }

  private nextIs(type: TokenType, distance = 1): boolean {
    const token = this.LA(distance);
    return token.tokenType === type || (type.categoryMatchesMap?.[token.tokenTypeIdx] ?? false);
  }

  private startsSection(): boolean {
    const isModel = this.nextIs(t.Model) && (this.nextIs(t.LeftBrace, 3) || this.nextIs(t.LeftBrace, 5));
    const opens = this.nextIs(t.LeftBrace, 2) || isModel;
    return opens || (this.onNewLine() && !this.nextIs(t.Colon, 2));
  }

  /** Two words and a colon between them are a label and its operation. */
  private startsJoin(): boolean {
    const labelled = this.nextIs(t.AnyName) && this.nextIs(t.Colon, 2);
    return labelled || (this.nextIs(t.Name) && this.nextIs(t.LeftParen, 2));
  }

  /** A key and its value, and not the label of a join. */
  private startsKey(): boolean {
    return this.nextIs(t.Word) && this.nextIs(t.Colon, 2) && !this.nextIs(t.LeftParen, 4);
  }

  /** A reserved word on a new line begins something; so does a key. */
  private startsCall(): boolean {
    return !this.nextIs(t.Colon, 2) && !(this.nextIs(t.Keyword) && this.onNewLine());
  }

  /** A reserved word before a brace opens a section. */
  private startsLayer(): boolean {
    return this.nextIs(t.LeftBrace, 2) && !this.nextIs(t.Keyword);
  }

  private startsItem(): boolean {
    const opens = (this.nextIs(t.Input) || this.nextIs(t.Output)) && this.nextIs(t.AnyName, 2);
    return this.nextIs(t.AnyName) && (opens || this.nextIs(t.Equals, 2) || this.onNewLine());
  }
}

let parser: FloorParser | undefined;

export interface ParseResult {
  /** Parts that could not be read are missing from it; undefined when there were too many errors to go on. */
  readonly cst: CstNode | undefined;
  readonly errors: readonly IRecognitionException[];
}

/** Parses the tokens of one file. Never throws on any sequence of tokens whose brackets nest shallowly. */
export function parseTokens(tokens: readonly IToken[]): ParseResult {
  parser ??= new FloorParser();
  errorCount = 0;
  parser.input = [...tokens];
  try {
    const cst = parser.file();
    return { cst, errors: parser.errors };
  } catch (error) {
    if (!(error instanceof TooManyErrors)) throw error;
    const { errors } = parser;
    parser = undefined;
    return { cst: undefined, errors };
  }
}
