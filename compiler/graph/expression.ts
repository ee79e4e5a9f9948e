// A function of one number, as the model writes it. In: a syntax tree and a number. Out: value and slope, in doubles.

/** Functions of an expression, by name; the operators of a formula have names too. */
export type FunctionName = keyof typeof FUNCTIONS;

export type Expression =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "x" }
  | { readonly kind: "call"; readonly name: FunctionName; readonly args: readonly Expression[] };

/** A value and its derivative for x. */
interface Dual {
  readonly value: number;
  readonly slope: number;
}

interface FunctionRule {
  readonly arity: 1 | 2;
  readonly of: (a: number, b: number) => number;
  /** Partial derivatives for both arguments; of one argument the second is not looked at. */
  readonly slopes: (a: number, b: number) => readonly [number, number];
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

const one = (of: (a: number) => number, slope: (a: number) => number): FunctionRule => ({
  arity: 1,
  of,
  slopes: (a) => [slope(a), 0],
});

const two = (of: FunctionRule["of"], slopes: FunctionRule["slopes"]): FunctionRule => ({
  arity: 2,
  of,
  slopes,
});

const FUNCTIONS = {
  add: two(
    (a, b) => a + b,
    () => [1, 1],
  ),
  subtract: two(
    (a, b) => a - b,
    () => [1, -1],
  ),
  multiply: two(
    (a, b) => a * b,
    (a, b) => [b, a],
  ),
  divide: two(
    (a, b) => a / b,
    (a, b) => [1 / b, -a / b ** 2],
  ),
  power: two(
    (a, b) => a ** b,
    // A constant exponent may stand over a negative base, which has no logarithm.
    (a, b) => [b === 0 ? 0 : b * a ** (b - 1), a > 0 ? a ** b * Math.log(a) : 0],
  ),
  min: two(Math.min, (a, b) => (a <= b ? [1, 0] : [0, 1])),
  max: two(Math.max, (a, b) => (a >= b ? [1, 0] : [0, 1])),
  abs: one(Math.abs, Math.sign),
  sqrt: one(Math.sqrt, (a) => 0.5 / Math.sqrt(a)),
  exp: one(Math.exp, Math.exp),
  log: one(Math.log, (a) => 1 / a),
  sin: one(Math.sin, Math.cos),
  cos: one(Math.cos, (a) => -Math.sin(a)),
  tanh: one(Math.tanh, (a) => 1 - Math.tanh(a) ** 2),
  sigmoid: one(sigmoid, (a) => sigmoid(a) * (1 - sigmoid(a))),
  softplus: one((a) => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a))), sigmoid),
} as const satisfies Readonly<Record<string, FunctionRule>>;

/** Arguments that a function or an operator of an expression takes; undefined where there is none of this name. */
export function arityOf(name: string): 1 | 2 | undefined {
  return Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name as FunctionName].arity : undefined;
}

/** Names that a formula may call, and how many arguments each takes. */
export const FUNCTION_ARITY: ReadonlyMap<string, 1 | 2> = new Map(
  Object.entries(FUNCTIONS)
    .filter(([name]) => !["add", "subtract", "multiply", "divide", "power"].includes(name))
    .map(([name, { arity }]) => [name, arity]),
);

function evaluate(expression: Expression, x: number): Dual {
  switch (expression.kind) {
    case "number":
      return { value: expression.value, slope: 0 };
    case "x":
      return { value: x, slope: 1 };
    case "call": {
      const rule: FunctionRule = FUNCTIONS[expression.name];
      const [a, b = { value: 0, slope: 0 }] = expression.args.map((arg) => evaluate(arg, x));
      const [da, db] = rule.slopes(a!.value, b.value);
      // What does not change has no part in the slope, even where its partial derivative has no limit.
      const part = (slope: number, by: number): number => (by === 0 ? 0 : slope * by);
      return { value: rule.of(a!.value, b.value), slope: part(da, a!.slope) + part(db, b.slope) };
    }
  }
}

/** The expression at x. */
export function valueAt(expression: Expression, x: number): number {
  return evaluate(expression, x).value;
}

/** Its derivative at x, by the chain rule; one of both sides' at a corner. */
export function slopeAt(expression: Expression, x: number): number {
  return evaluate(expression, x).slope;
}

/** Where an expression is looked at before it is used: as far as activations usually go, and closely. */
const REACH = 64;
const GRID = 1 / 32;

/** An argument at which the expression is not a finite number; undefined: there is none on the grid. */
export function undefinedAt(expression: Expression, signed: boolean): number | undefined {
  for (let x = signed ? -REACH : 0; x <= REACH; x += GRID)
    if (!Number.isFinite(Math.fround(valueAt(expression, x)))) return x;
  return undefined;
}

/** Whether the expression is negative somewhere; `signed`: whether its argument may be. */
export function isNegativeSomewhere(expression: Expression, signed: boolean): boolean {
  for (let x = signed ? -REACH : 0; x <= REACH; x += GRID) if (valueAt(expression, x) < 0) return true;
  return false;
}
