// What program.json may ask for, whatever it says: a file from elsewhere is refused before anything is made of its numbers.
import { describe, expect, it } from "vitest";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { printProgram } from "../../../program/print.ts";
import type { Program } from "../../../program/program.ts";
import { readProgram } from "../../../program/read.ts";
import { type Diagnostic, DiagnosticError } from "../../../support/diagnostics.ts";

function problemsOf(program: Program | string): readonly Diagnostic[] {
  try {
    readProgram(typeof program === "string" ? program : printProgram(program));
    return [];
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return error.diagnostics;
  }
}
const textsOf = (program: Program | string): string =>
  problemsOf(program)
    .map(({ code, message }) => `${code} ${message}`)
    .join("\n");

const format = intFormat(false, 4, 0);

/** The input, through so many reshapes. */
function copies(count: number, shape: readonly number[] = [4]): Program {
  const values = Array.from({ length: count + 1 }, (_, i) => ({ name: `v${i}`, shape, format }));
  return {
    schema: createProgramBuilderSchema(),
    name: "copies",
    inputs: ["v0"],
    outputs: [{ name: "y", value: `v${count}`, role: "value" }],
    values,
    instructions: values
      .slice(1)
      .map(({ name }, i) => ({ op: "reshape", layer: name, input: `v${i}`, result: name })),
    constants: [],
  };
}

function createProgramBuilderSchema(): Program["schema"] {
  const b = createProgramBuilder("schema");
  b.output("y", b.input({ name: "x", shape: [1], format }), "value");
  return b.build().schema;
}

describe("a program", () => {
  it("has as many instructions as an import can give, and not more; chains of them are walked soon", () => {
    const started = process.cpuUsage();
    expect(textsOf(copies(20_000))).toBe("");
    expect(process.cpuUsage(started).user).toBeLessThan(5e6);
    expect(textsOf(copies(20_001))).toBe("program/shape the program: 20001 instructions are more than 20000");
  });

  it("has values of a size that a machine holds", () => {
    expect(textsOf(copies(1, [4096, 4096]))).toBe("");
    expect(textsOf(copies(1, [4096, 4097]))).toContain("has more than 8 axes or 16777216 elements");
    expect(textsOf(copies(1, [2 ** 53 - 1, 2 ** 53 - 1]))).toContain("has more than 8 axes");
    expect(textsOf(copies(1, new Array(9).fill(1)))).toContain("has more than 8 axes");
    expect(textsOf(copies(9, [4096, 4096]))).toContain("elements of all values are more than 134217728");
  });

  it("asks for products that an inference can compute", () => {
    const pooled = (size: number, window: number): Program => {
      const program = copies(1, [size, size, 1]);
      const pool = {
        op: "pool",
        kind: "max",
        layer: "p",
        input: "v0",
        result: "v1",
        window: [window, window],
      } as const;
      const [before, after] = [
        [(window - 1) / 2, (window - 1) / 2],
        [(window - 1) / 2, (window - 1) / 2],
      ];
      return { ...program, instructions: [{ ...pool, strides: [1, 1], padding: { before, after } }] };
    };
    expect(textsOf(pooled(1024, 3))).toBe("");
    expect(textsOf(pooled(1024, 1023))).toContain("products of one inference are more than");
  });

  it("has one fraction for each channel, of not too many", () => {
    const program = copies(1, [70_000]);
    const fraction = new Array<number>(70_000).fill(0);
    const values = program.values.map((value) => ({ ...value, format: { ...value.format, fraction } }));
    expect(textsOf({ ...program, values })).toContain("70000 fractions are more than 65536");
  });

  it("is refused with some of its problems where it has very many", () => {
    const program = copies(1000);
    const values = program.values.map((value) => ({
      ...value,
      format: { ...value.format, width: 0 } as typeof format,
    }));
    const problems = problemsOf({ ...program, values });
    expect(problems.length).toBeGreaterThan(100);
    expect(problems.length).toBeLessThan(300);
  });

  it("may be nested as deep as a file can be", () => {
    expect(textsOf("[".repeat(1_000_000))).toContain("not JSON");
    expect(textsOf(`${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}`)).toContain("program/invalid");
  });

  it.each(["__proto__", "constructor", "../x", "toString", "a\nb"])("may call its values %j", (name) => {
    const b = createProgramBuilder(name);
    const x = b.input({ name, shape: [2], format });
    b.output(name, b.reshape({ layer: name, name: `${name} 2`, input: x, shape: [1, 2] }), "value");
    const program = b.build();
    expect(readProgram(printProgram(program))).toEqual(program);
  });
});
