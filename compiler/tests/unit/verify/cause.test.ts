// Likely causes: each pattern of wrong integers gets its name.
import { expect, test } from "vitest";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { operandsOf, type Program } from "../../../program/program.ts";
import { simulate } from "../../../sim/simulate.ts";
import { createRandom } from "../../../support/random.ts";
import { likelyCause } from "../../../verify/cause.ts";

const COUNT = 40;
const builder = createProgramBuilder("cause");
const x = builder.input({ name: "x", shape: [4], format: intFormat(true, 6, 0) });
const weights = { units: 3, data: [1, -2, 3, 4, 5, 6, -7, 0, 2, 2, 2, 1], format: intFormat(true, 5, 0) };
const acc = builder.dense({ layer: "fc", name: "acc", input: x, weights, bias: [1, 2, 3] });
const out = builder.requantize({
  layer: "fc",
  name: "out",
  input: acc,
  format: intFormat(false, 4, -3),
  activation: "relu",
});
builder.output("class", builder.argmax({ layer: "top", name: "class", input: out }), "class");
const program: Program = builder.build();
const random = createRandom("cause");
const inputs = Float64Array.from({ length: COUNT * 4 }, () => random.integer(-32, 31));
const values = simulate(program, new Map([["x", inputs]]), COUNT).values;

/** Class and sentence when result `name` is changed by `fault` (its value, run, channel). */
function causeOf(name: string, fault: (y: number, n: number, c: number) => number): string {
  const instruction = program.instructions.find((i) => i.result === name)!;
  const expected = values.get(name)!;
  const channels = expected.length / COUNT;
  const got = expected.map((y, i) => fault(y, Math.floor(i / channels), i % channels));
  const position = got.findIndex((y, i) => y !== expected[i]) % channels;
  const operands = operandsOf(instruction).map((operand) => values.get(operand)!);
  const { causeClass, cause } = likelyCause({
    program,
    instruction,
    count: COUNT,
    operands,
    expected,
    got,
    position,
    start: 0,
  });
  return `${causeClass}: ${cause}`;
}

const accOf = (n: number, c: number): number => values.get("acc")![n * 3 + c]!;
const clamp = (v: number): number => Math.max(0, Math.min(15, v));

test("bias", () => {
  expect(causeOf("acc", (y, _, c) => (c === 1 ? y + 4 : y))).toMatch(
    /^constant: the bias of neuron 1.*off by \+4/,
  );
});
test("weight", () => {
  expect(causeOf("acc", (y, n, c) => (c === 2 ? y - 8 * inputs[n * 4 + 1]! : y))).toMatch(
    /^constant: the weight of neuron 2 for input 1: the program has 2, the design computes with -6/,
  );
});
test("wrap of a sum", () => {
  expect(causeOf("acc", (y, _, c) => (c === 0 ? (y << 25) >> 25 : y))).toMatch(/^wrap: .*wraps at 7 bits/);
});
test("order of neurons", () => {
  expect(causeOf("acc", (y, n, c) => (c === 0 ? accOf(n, 2) : y))).toMatch(
    /^order: order: position 0 carries the value of position 2/,
  );
});
test("rounding mode", () => {
  expect(causeOf("out", (_, n, c) => clamp(Math.floor(accOf(n, c) / 8)))).toMatch(
    /^rounding: .*rounds as truncate.*half-up/,
  );
});
test("rounding constant", () => {
  expect(causeOf("out", (_, n, c) => clamp(Math.floor((accOf(n, c) + 6) / 8)))).toMatch(
    /^rounding: .*adds 6, the program says 4/,
  );
});
test("saturation", () => {
  expect(causeOf("out", (_, n, c) => Math.max(0, Math.floor(accOf(n, c) / 8 + 0.5)) % 16)).toMatch(
    /^wrap: .*wraps at 4 bits/,
  );
});
test("shift", () => {
  expect(causeOf("out", (_, n, c) => clamp(Math.floor(accOf(n, c) / 16 + 0.5)))).toMatch(
    /^rounding: .*shifts by \+1/,
  );
});
test("bound of saturation", () => {
  expect(causeOf("out", (y) => Math.min(y, 14))).toMatch(
    /^wrap: .*keeps to 0\.\.14, the program says 0\.\.15/,
  );
});
test("sign of the input", () => {
  expect(
    causeOf("out", (_, n, c) =>
      clamp(Math.floor((accOf(n, c) < 0 ? accOf(n, c) + 2 ** 16 : accOf(n, c)) / 8 + 0.5)),
    ),
  ).toMatch(/^wrap: .*takes its input for unsigned/);
});
test("weights of another address", () => {
  const of = (n: number, c: number): number =>
    weights.data.slice(c * 4, c * 4 + 4).reduce((sum, _, i) => {
      const at = (c * 4 + i + 2) % 12;
      return sum + weights.data[at]! * inputs[n * 4 + i]!;
    }, [1, 2, 3][c]!);
  expect(causeOf("acc", (_, n, c) => of(n, c))).toMatch(
    /^address: neuron 0 has the weights that stand 2 inputs further/,
  );
});
test("bias of another address", () => {
  expect(causeOf("acc", (y, _, c) => y - (c + 1) + (((c + 1) % 3) + 1))).toMatch(
    /^address: every neuron has the bias of the one 1 further/,
  );
});
test("ties of argmax", () => {
  const row = (n: number): number[] => [0, 1, 2].map((c) => values.get("out")![n * 3 + c]!);
  expect(causeOf("class", (_, n) => row(n).lastIndexOf(Math.max(...row(n))))).toMatch(
    /^order: .*lowest index/,
  );
});
test("nothing known", () => {
  expect(causeOf("acc", (y, n, c) => (c === 0 && n === 5 ? y + 3 : y))).toMatch(
    /^unknown: weights or inputs of neuron 0/,
  );
});
