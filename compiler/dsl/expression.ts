// Formulas of one number, the argument of curve: x, numbers, + - * / ^, parentheses, functions. In: text. Out: a syntax
// tree, or what is wrong and where.
import { createToken, EmbeddedActionsParser, Lexer } from "chevrotain";
import { type Expression, FUNCTION_ARITY, type FunctionName } from "../graph/expression.ts";

export type ParsedExpression =
  | { readonly expression: Expression }
  /** `offset` counts characters of the text. */
  | { readonly problem: string; readonly offset: number };

/** Longer formulas, and deeper ones, are no formulas that somebody typed. */
const MAX_LENGTH = 500;
const MAX_DEPTH = 40;

const CONSTANTS: ReadonlyMap<string, number> = new Map([
  ["pi", Math.PI],
  ["e", Math.E],
]);

const NumberToken = createToken({ name: "Number", pattern: /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/ });
const Word = createToken({ name: "Word", pattern: /[A-Za-z_][A-Za-z_0-9]*/ });
const Plus = createToken({ name: "Plus", pattern: "+" });
const Minus = createToken({ name: "Minus", pattern: "-" });
const Times = createToken({ name: "Times", pattern: "*" });
const Over = createToken({ name: "Over", pattern: "/" });
const Power = createToken({ name: "Power", pattern: "^" });
const Open = createToken({ name: "Open", pattern: "(" });
const Close = createToken({ name: "Close", pattern: ")" });
const Comma = createToken({ name: "Comma", pattern: "," });
const Space = createToken({ name: "Space", pattern: /\s+/, group: Lexer.SKIPPED });

const TOKENS = [Space, NumberToken, Word, Plus, Minus, Times, Over, Power, Open, Close, Comma];
const lexer = new Lexer(TOKENS);

/** A mistake that is not one of the grammar. */
class MeaningError extends Error {
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

const call = (name: FunctionName, ...args: readonly Expression[]): Expression => ({
  kind: "call",
  name,
  args,
});

class ExpressionParser extends EmbeddedActionsParser {
  constructor() {
    super(TOKENS, { maxLookahead: 2 });
    this.performSelfAnalysis();
  }

  private depth = 0;

  readonly formula = this.RULE("formula", (): Expression => {
    this.ACTION(() => {
      this.depth = 0;
    });
    return this.SUBRULE(this.sum);
  });

  private readonly sum: () => Expression = this.RULE("sum", () => {
    let left = this.SUBRULE(this.product);
    this.MANY(() => {
      const isPlus = this.OR([
        { ALT: () => this.CONSUME(Plus) && true },
        { ALT: () => this.CONSUME(Minus) && false },
      ]);
      const right = this.SUBRULE2(this.product);
      left = call(isPlus ? "add" : "subtract", left, right);
    });
    return left;
  });

  private readonly product = this.RULE("product", (): Expression => {
    let left = this.SUBRULE(this.negation);
    this.MANY(() => {
      const isTimes = this.OR([
        { ALT: () => this.CONSUME(Times) && true },
        { ALT: () => this.CONSUME(Over) && false },
      ]);
      const right = this.SUBRULE2(this.negation);
      left = call(isTimes ? "multiply" : "divide", left, right);
    });
    return left;
  });

  // -x^2 is -(x^2), and 2^-x has its own minus.
  private readonly negation: () => Expression = this.RULE("negation", () =>
    this.OR([
      {
        ALT: () => {
          this.CONSUME(Minus);
          return call("subtract", { kind: "number", value: 0 }, this.SUBRULE(this.negation));
        },
      },
      {
        ALT: () => {
          const base = this.SUBRULE(this.atom);
          const exponent = this.OPTION(() => {
            this.CONSUME(Power);
            return this.SUBRULE2(this.negation);
          });
          return exponent ? call("power", base, exponent) : base;
        },
      },
    ]),
  );

  private readonly atom = this.RULE(
    "atom",
    (): Expression =>
      this.OR([
        { ALT: () => ({ kind: "number" as const, value: Number(this.CONSUME(NumberToken).image) }) },
        { ALT: () => this.inParentheses() },
        { ALT: () => this.SUBRULE(this.word) },
      ]),
  );

  private inParentheses(): Expression {
    const open = this.CONSUME(Open);
    this.ACTION(() => {
      if (++this.depth > MAX_DEPTH) throw new MeaningError("is nested too deeply", open.startOffset);
    });
    const inner = this.SUBRULE(this.sum);
    this.CONSUME(Close);
    this.ACTION(() => {
      this.depth--;
    });
    return inner;
  }

  private readonly word = this.RULE("word", (): Expression => {
    const name = this.CONSUME(Word);
    const args = this.OPTION(() => {
      const found: Expression[] = [];
      const open = this.CONSUME(Open);
      this.ACTION(() => {
        if (++this.depth > MAX_DEPTH) throw new MeaningError("is nested too deeply", open.startOffset);
      });
      this.MANY_SEP({ SEP: Comma, DEF: () => found.push(this.SUBRULE(this.sum)) });
      this.CONSUME(Close);
      this.ACTION(() => {
        this.depth--;
      });
      return found;
    });
    return this.ACTION(() => meaningOf(name.image, args, name.startOffset));
  });
}

function meaningOf(name: string, args: readonly Expression[] | undefined, offset: number): Expression {
  const arity = FUNCTION_ARITY.get(name);
  if (args && arity === undefined)
    throw new MeaningError(
      `has no function ${name}; there are ${[...FUNCTION_ARITY.keys()].join(", ")}`,
      offset,
    );
  if (args) {
    if (args.length !== arity)
      throw new MeaningError(
        `gives ${name} ${args.length} ${args.length === 1 ? "argument" : "arguments"}; it takes ${arity}`,
        offset,
      );
    return call(name as FunctionName, ...args);
  }
  if (name === "x") return { kind: "x" };
  const constant = CONSTANTS.get(name);
  if (constant !== undefined) return { kind: "number", value: constant };
  if (arity !== undefined) throw new MeaningError(`needs arguments behind ${name}`, offset);
  throw new MeaningError(`knows no ${name}: the argument is called x`, offset);
}

const parser = new ExpressionParser();

/** Reads a formula. */
export function parseExpression(text: string): ParsedExpression {
  if (text.length > MAX_LENGTH) return { problem: `has more than ${MAX_LENGTH} characters`, offset: 0 };
  const { tokens, errors } = lexer.tokenize(text);
  const [wrong] = errors;
  if (wrong)
    return {
      problem: `has ${JSON.stringify(text[wrong.offset])}, which is no part of a formula`,
      offset: wrong.offset,
    };
  parser.input = tokens;
  try {
    const expression = parser.formula();
    const [error] = parser.errors;
    if (!error) return { expression };
    const { startOffset, image } = error.token;
    const offset = Number.isNaN(startOffset) ? text.length : startOffset;
    return { problem: image ? `goes wrong at ${JSON.stringify(image)}` : "ends too early", offset };
  } catch (error) {
    if (error instanceof MeaningError) return { problem: error.message, offset: error.offset };
    throw error;
  }
}
