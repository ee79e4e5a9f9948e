// The select instruction: its rules, its derived formats, and what it keeps, against tables made by hand.
import { describe, expect, it } from "vitest";
import { createProgramBuilder, intFormat, type ProgramBuilder } from "../../../program/builder.ts";
import { printProgram } from "../../../program/print.ts";
import { type Instruction, type Program, valueNamed } from "../../../program/program.ts";
import { readProgram } from "../../../program/read.ts";
import { tracedValues } from "../../../program/trace.ts";
import { verifyProgram } from "../../../program/verify.ts";
import { simulate } from "../../../sim/simulate.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";

/** Elements 0, 2 and 5 of six. */
function threeOfSix(then: (b: ProgramBuilder, selected: string) => string = (_, y) => y): Program {
  const b = createProgramBuilder("three of six");
  const x = b.input({ name: "x", shape: [6], format: intFormat(true, 8, 4) });
  const y = b.select({ layer: "fc", name: "y", input: x, indices: [0, 2, 5] });
  b.output("out", then(b, y), "value");
  return b.build();
}

function withIndices(indices: readonly number[], elements = indices.length): Program {
  const program = threeOfSix();
  return {
    ...program,
    values: program.values.map((v) => (v.name === "y" ? { ...v, shape: [elements] } : v)),
    instructions: program.instructions.map((i): Instruction => (i.op === "select" ? { ...i, indices } : i)),
  };
}

function codes(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics.map((d) => d.code);
    throw error;
  }
  return [];
}

describe("select", () => {
  it("keeps the named elements of every inference", () => {
    const rows = [10, 11, 12, 13, 14, 15, -20, -21, -22, -23, -24, -25];
    const { values } = simulate(threeOfSix(), new Map([["x", rows]]), 2);
    expect([...values.get("y")!]).toEqual([10, 12, 15, -20, -22, -25]);
  });

  it("is traced, printed on one line and read back", () => {
    const program = threeOfSix();
    expect(tracedValues(program).map((t) => [t.value.name, t.kind, t.elements])).toEqual([
      ["y", "stream", 3],
    ]);
    const text = printProgram(program);
    expect(text).toContain('"op":"select"');
    expect(text).toContain('"indices":[0,2,5]');
    expect(readProgram(text)).toEqual(program);
  });

  it("drops inputs of the dense layer behind it", () => {
    const program = threeOfSix((b, input) =>
      b.dense({
        layer: "fc",
        name: "z",
        input,
        weights: { units: 2, data: [1, 2, 3, -1, 0, 1], format: intFormat(true, 3, 0) },
      }),
    );
    const { values } = simulate(program, new Map([["x", [10, 99, 20, 99, 99, 30]]]), 1);
    expect([...values.get("z")!]).toEqual([10 + 40 + 90, -10 + 30]);
  });

  it("selects a fraction per channel with its channel", () => {
    const b = createProgramBuilder("fractions");
    const x = b.input({ name: "x", shape: [4], format: intFormat(true, 8, 0) });
    const a = b.requantize({ layer: "a", name: "a", input: x, format: intFormat(true, 8, [0, 1, 2, 3]) });
    const s = b.select({ layer: "b", name: "s", input: a, indices: [1, 3] });
    b.output("y", b.requantize({ layer: "b", name: "y", input: s, format: intFormat(true, 8, 0) }), "value");
    const program = b.build();
    expect(valueNamed(program, "s").format).toEqual(intFormat(true, 8, [1, 3]));
    const { values } = simulate(program, new Map([["x", [5, 6, 7, -8]]]), 1);
    expect([...values.get("s")!]).toEqual([12, -64]);
    expect([...values.get("y")!]).toEqual([6, -8]);
    const unselected = program.values.map((v) =>
      v.name === "s" ? { ...v, format: intFormat(true, 8, [0, 1]) } : v,
    );
    expect(codes(() => verifyProgram({ ...program, values: unselected }))).toContain("program/format");
  });

  it("of sums has the width that they and their requantization need", () => {
    const b = createProgramBuilder("sums");
    const x = b.input({ name: "x", shape: [1], format: intFormat(false, 2, 0) });
    const weights = { units: 3, data: [1, 2, -2], format: intFormat(true, 3, 2) };
    const sum = b.dense({ layer: "fc", name: "sum", input: x, weights });
    const kept = b.select({ layer: "fc", name: "kept", input: sum, indices: [0, 2] });
    b.output(
      "y",
      b.requantize({ layer: "fc", name: "y", input: kept, format: intFormat(true, 4, 0) }),
      "value",
    );
    const program = b.build();
    // Sums lie in -6..6; the shift by 2 adds 2: -6..8, which is 5 bits.
    for (const name of ["sum", "kept"])
      expect(valueNamed(program, name).format).toEqual(intFormat(true, 5, 2));
    const narrow = program.values.map((v) =>
      v.name === "kept" || v.name === "sum" ? { ...v, format: intFormat(true, 4, 2) } : v,
    );
    expect(codes(() => verifyProgram({ ...program, values: narrow }))).toEqual(["program/bounds"]);
  });

  const refused: [string, Program][] = [
    ["no index", withIndices([], 1)],
    ["an index twice", withIndices([0, 2, 2])],
    ["indices that descend", withIndices([2, 0, 5])],
    ["an index behind the end", withIndices([0, 2, 6])],
    ["a negative index", withIndices([-1, 2, 5])],
    ["an index that is no integer", withIndices([0, 1.5, 5])],
    ["a result of another size", withIndices([0, 2], 3)],
  ];
  it.each(refused)("refuses %s", (_, program) => {
    expect(codes(() => verifyProgram(program))).toEqual(["program/shape"]);
  });

  it("refuses an input that is not flat, and another format", () => {
    const b = createProgramBuilder("image");
    const x = b.input({ name: "x", shape: [2, 3], format: intFormat(false, 8, 8) });
    b.output("y", b.select({ layer: "s", name: "y", input: x, indices: [0] }), "value");
    expect(codes(() => b.build())).toEqual(["program/shape"]);
    const program = threeOfSix();
    const wider = program.values.map((v) => (v.name === "y" ? { ...v, format: intFormat(true, 9, 4) } : v));
    expect(codes(() => verifyProgram({ ...program, values: wider }))).toEqual(["program/format"]);
  });
});
