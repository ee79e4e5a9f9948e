// Formulas: what they mean, what is wrong with them and where, their slopes.
import { describe, expect, test } from "vitest";
import { parseExpression } from "../../../dsl/expression.ts";
import {
  FUNCTION_ARITY,
  isNegativeSomewhere,
  slopeAt,
  undefinedAt,
  valueAt,
} from "../../../graph/expression.ts";

function parsed(text: string) {
  const found = parseExpression(text);
  if ("problem" in found) throw new Error(`${text}: ${found.problem}`);
  return found.expression;
}

describe("a formula", () => {
  test.each<[string, number, number]>([
    ["x", 3, 3],
    ["1 + 2 * 3", 0, 7],
    ["8 - 2 - 1", 0, 5],
    ["8 / 2 / 2", 0, 2],
    ["-x^2", 3, -9],
    ["(-x)^2", 3, 9],
    ["2^3^2", 0, 512],
    ["2^-x", 3, 0.125],
    ["--x", 3, 3],
    ["3 * -x", 2, -6],
    ["1.5e1 + 2E-1", 0, 15.2],
    ["max(x, 0) - min(x, 0)", -4, 4],
    ["sqrt(abs(x))", -9, 3],
    ["cos(pi) + log(e)", 0, 0],
    ["x * sigmoid(x)", 0, 0],
    ["softplus(x)", 0, Math.log(2)],
    ["softplus(x)", 800, 800],
    ["tanh(x) + exp(0) + sin(0)", 0, 1],
  ])("%s at %f", (text, x, value) => {
    expect(valueAt(parsed(text), x)).toBeCloseTo(value, 12);
  });

  test.each<[string, number, RegExp]>([
    ["", 0, /ends too early/],
    ["x +", 3, /ends too early/],
    ["(x", 2, /ends too early/],
    ["x x", 2, /goes wrong at "x"/],
    ["x )", 2, /goes wrong at "\)"/],
    ["x % 2", 2, /has "%"/],
    ["2 * y", 4, /knows no y/],
    ["1 + sin", 4, /needs arguments behind sin/],
    ["erf(x)", 0, /has no function erf/],
    ["max(x)", 0, /gives max 1 argument; it takes 2/],
    ["tanh(x, 1)", 0, /gives tanh 2 arguments; it takes 1/],
    ["constructor(x)", 0, /has no function constructor/],
    ["x + ".repeat(200), 0, /more than 500 characters/],
    ["(".repeat(60), 40, /nested too deeply/],
    [`${"abs(".repeat(60)}x`, 160 + 3, /nested too deeply/],
  ])("%s is refused", (text, offset, message) => {
    const found = parseExpression(text);
    expect(found).toEqual({ problem: expect.stringMatching(message), offset });
  });

  test.each([
    "x^3 - 2*x",
    "1 / (1 + x^2)",
    "x * sigmoid(1.702 * x)",
    "exp(-x^2) * cos(3 * x)",
    "max(x, 0) + min(x, 1)",
    "sqrt(1 + abs(x))",
    "log(2 + sin(x)) - tanh(x / 2)",
    "softplus(2 * x) ^ 1.5",
    "2 ^ x",
    "(2 + cos(x)) ^ sin(x)",
  ])("%s has the slope of its difference quotients", (text) => {
    const body = parsed(text);
    for (let x = -3.03; x < 3; x += 0.17) {
      const h = 1e-5;
      const quotient = (valueAt(body, x + h) - valueAt(body, x - h)) / (2 * h);
      expect(slopeAt(body, x)).toBeCloseTo(quotient, 5);
    }
  });

  test("calls every function that there is", () => {
    for (const [name, arity] of FUNCTION_ARITY) {
      const body = parsed(`${name}(${arity === 1 ? "1 + x" : "1 + x, 2"})`);
      expect(valueAt(body, 0.5), name).toSatisfy(Number.isFinite);
      expect(slopeAt(body, 0.5), name).toSatisfy(Number.isFinite);
    }
  });

  test("is looked at where it has no value, and where it is negative", () => {
    expect(undefinedAt(parsed("log(x + 65)"), true)).toBeUndefined();
    expect(undefinedAt(parsed("1 / x"), true)).toBe(0);
    expect(undefinedAt(parsed("sqrt(x)"), true)).toBe(-64);
    expect(undefinedAt(parsed("sqrt(x)"), false)).toBeUndefined();
    expect(undefinedAt(parsed("exp(2 * x)"), true)).toBeGreaterThan(40);
    expect(isNegativeSomewhere(parsed("x^2 - 0.001"), true)).toBe(true);
    expect(isNegativeSomewhere(parsed("x^2"), true)).toBe(false);
    expect(isNegativeSomewhere(parsed("x^3"), false)).toBe(false);
  });
});
