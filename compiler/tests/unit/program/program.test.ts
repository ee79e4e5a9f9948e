// The integer program: builder, verifier and the round trip through program.json.
import { describe, expect, it } from "vitest";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { printProgram } from "../../../program/print.ts";
import { type Program, valueNamed } from "../../../program/program.ts";
import { readProgram } from "../../../program/read.ts";
import { tracedValues, traceLength } from "../../../program/trace.ts";
import { verifyProgram } from "../../../program/verify.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";

function twoLayers(): Program {
  const b = createProgramBuilder("two layers");
  const image = b.input({ name: "image", shape: [2, 2, 1], format: intFormat(false, 8, 8) });
  const flat = b.flatten({ layer: "flatten", name: "flat", input: image });
  const a0 = b.requantize({ layer: "fc1", name: "fc1.input", input: flat, format: intFormat(false, 2, 2) });
  const fc1 = b.dense({
    layer: "fc1",
    name: "fc1",
    input: a0,
    weights: { units: 3, data: [1, -2, 3, 0, 1, 1, 1, 1, -4, 0, 0, 0], format: intFormat(true, 3, 2) },
    bias: [5, -6, 0],
  });
  const a1 = b.requantize({
    layer: "fc2",
    name: "fc2.input",
    input: fc1,
    format: intFormat(false, 3, 1),
    activation: "relu",
  });
  const fc2 = b.dense({
    layer: "fc2",
    name: "fc2",
    input: a1,
    weights: { units: 2, data: [1, 0, -1, 0, 1, 1], format: intFormat(true, 2, [0, 0]) },
  });
  const logits = b.requantize({ layer: "fc2", name: "logits", input: fc2, format: intFormat(true, 8, 1) });
  const digit = b.argmax({ layer: "digit", name: "digit", input: logits });
  b.output("digit_logits", logits, "logits");
  b.output("digit", digit, "class");
  return b.build();
}

const codes = (run: () => unknown): string[] => {
  try {
    run();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics.map((d) => d.code);
    throw error;
  }
  return [];
};

/** The program with one JSON path replaced. */
function edited(path: (string | number)[], value: unknown): Program {
  const copy = JSON.parse(JSON.stringify(twoLayers()));
  let at = copy;
  for (const key of path.slice(0, -1)) at = at[key];
  at[path[path.length - 1]!] = value;
  return copy;
}

describe("builder", () => {
  it("proves accumulator widths from the weights, with the rounding that follows", () => {
    const program = twoLayers();
    // fc1: inputs 0..3; channel 0 sums lie in -6..17, channel 2 in -12..0. The shift by 3 adds 4: -12..21.
    expect(valueNamed(program, "fc1").format).toEqual({ kind: "int", signed: true, width: 6, fraction: 4 });
  });

  it("traces every computed value once, in program order", () => {
    const program = twoLayers();
    expect(tracedValues(program).map((t) => [t.value.name, t.kind, t.elements, t.offset])).toEqual([
      ["fc1.input", "stream", 4, 0],
      ["fc1", "accumulator", 3, 4],
      ["fc2.input", "stream", 3, 7],
      ["fc2", "accumulator", 2, 10],
      ["logits", "stream", 2, 12],
      ["digit", "stream", 1, 14],
    ]);
    expect(traceLength(program)).toBe(15);
  });
});

describe("print and read", () => {
  it("gives the same program back, and the same text again", () => {
    const program = twoLayers();
    const text = printProgram(program);
    expect(readProgram(text)).toEqual(program);
    expect(printProgram(readProgram(text))).toBe(text);
  });

  it("says what is wrong with damaged files", () => {
    expect(codes(() => readProgram("{"))).toEqual(["program/invalid"]);
    expect(codes(() => readProgram("[]"))).toEqual(["program/invalid"]);
    expect(codes(() => readProgram(JSON.stringify({ ...twoLayers(), extra: 1 })))).toEqual([
      "program/invalid",
    ]);
    expect(
      codes(() => readProgram(JSON.stringify({ ...twoLayers(), schema: "noisefloor.program/9" }))),
    ).toEqual(["program/invalid"]);
  });
});

describe("verifier", () => {
  const cases: [string, (string | number)[], unknown, string][] = [
    ["a value that is defined twice", ["values", 1, "name"], "image", "program/duplicate"],
    ["an unknown input", ["instructions", 1, "input"], "nowhere", "program/undefined"],
    ["an unknown constant", ["instructions", 2, "weights"], "nowhere", "program/undefined"],
    ["a use before definition", ["instructions", 1, "input"], "digit", "program/undefined"],
    ["a weight out of range", ["constants", 0, "data", 0], 4, "program/range"],
    ["a weight that is no integer", ["constants", 0, "data", 0], 0.5, "program/range"],
    ["too few weights", ["constants", 0, "data"], [1, 2], "program/shape"],
    ["an accumulator that could wrap", ["values", 3, "format", "width"], 5, "program/bounds"],
    ["a shape that does not fit", ["constants", 0, "shape"], [4, 3], "program/shape"],
    ["a bias with another fraction", ["constants", 1, "format", "fraction"], 3, "program/format"],
    ["a width beyond 16 bits", ["values", 4, "format", "width"], 17, "program/format"],
    ["a fraction list of the wrong length", ["values", 4, "format", "fraction"], [1, 1], "program/format"],
    ["no output", ["outputs"], [], "program/shape"],
  ];
  it.each(cases)("refuses %s", (_, path, value, code) => {
    expect(codes(() => verifyProgram(edited(path, value)))).toContain(code);
  });

  it("accepts the unedited program", () => {
    expect(codes(() => verifyProgram(twoLayers()))).toEqual([]);
  });
});
