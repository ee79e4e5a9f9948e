// Rules of the instructions for convolutional and branching networks: each refusal, shapes and costs worked out by
// hand, and what the back ends say of them.
import { describe, expect, it } from "vitest";
import { provedRange } from "../../../program/bounds.ts";
import { createProgramBuilder, intFormat, type ProgramBuilder } from "../../../program/builder.ts";
import { layerCosts } from "../../../program/cost.ts";
import { type Format, type Program, valueNamed } from "../../../program/program.ts";
import { tracedValues } from "../../../program/trace.ts";
import { verifyProgram } from "../../../program/verify.ts";
import { scheduleProgram } from "../../../schedule/schedule.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";

const byte = intFormat(true, 8, 4);
const step = { layer: "l", name: "y", input: "x" };

/** One instruction on x (and on z, of the same format, where it has two operands). */
function one(
  make: (b: ProgramBuilder) => string,
  shape = [4, 5, 6],
  format: Format = byte,
  other = shape,
): Program {
  const b = createProgramBuilder("one");
  b.input({ name: "x", shape, format });
  b.input({ name: "z", shape: other, format });
  b.output("out", make(b), "value");
  return b.build();
}

const conv = (changes: object = {}, shape?: number[], format?: Format): Program => {
  const weights = {
    units: 4,
    kernel: [3, 3],
    data: new Array(4 * 9 * 3).fill(1),
    format: intFormat(true, 3, 2),
  };
  return one((b) => b.conv({ ...step, weights, groups: 2, ...changes }), shape, format);
};
const pool = (changes: object = {}, shape?: number[], format?: Format): Program =>
  one((b) => b.pool({ ...step, kind: "average", window: [2, 2], ...changes }), shape, format);
const table = (entries = 256, format: Format = byte, result: Format = byte): Program =>
  one((b) => b.table({ ...step, table: new Array(entries).fill(0), format: result }), [3], format);
const sum = (other?: number[], format?: Format): Program =>
  one((b) => b.add({ ...step, inputs: ["x", "z"] }), undefined, format, other);
const each = (width: number): Format => intFormat(true, width, [1, 2, 3, 4, 5, 6]);

function problems(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics.map((d) => `${d.code} ${d.message}`);
    throw error;
  }
  return [];
}

/** The program with its value y or its instruction changed. */
const changed = (program: Program, value: object, instruction: object = {}): Program =>
  ({
    ...program,
    values: program.values.map((v) => (v.name === "y" ? { ...v, ...value } : v)),
    instructions: program.instructions.map((i) => ({ ...i, ...instruction })),
  }) as Program;

const refused: [string, RegExp, () => unknown][] = [
  [
    "a conv with other kernel axes",
    /strides: one number/,
    () => verifyProgram(changed(conv(), {}, { strides: [1] })),
  ],
  ["a conv with a stride of 0", /strides/, () => verifyProgram(changed(conv(), {}, { strides: [0, 1] }))],
  [
    "a conv with a negative padding",
    /padding/,
    () => verifyProgram(changed(conv(), {}, { padding: { before: [-1, 0], after: [0, 0] } })),
  ],
  [
    "groups that do not divide",
    /3 groups do not divide/,
    () => verifyProgram(changed(conv(), {}, { groups: 3 })),
  ],
  ["weights of other groups", /do not fit 1 groups/, () => verifyProgram(changed(conv(), {}, { groups: 1 }))],
  ["a pool of a flat input", /must be spatial/, () => pool({}, [24])],
  ["a kernel beyond the input", /shape/, () => conv({ dilations: [3, 1] })],
  [
    "a result of another size",
    /must be \[2, 3, 4\]/,
    () => verifyProgram(changed(conv(), { shape: [3, 3, 4] })),
  ],
  ["a padMantissa out of range", /padMantissa 128/, () => conv({ padMantissa: 128 })],
  [
    "a padded bipolar conv",
    /neither padding nor spread/,
    () => conv({ padding: { before: [1, 0], after: [0, 0] } }, undefined, { kind: "bipolar", fraction: 0 }),
  ],
  [
    "a spread bipolar conv",
    /neither padding nor spread/,
    () => conv({ spread: [1, 2] }, undefined, { kind: "bipolar", fraction: 0 }),
  ],
  [
    "a conv too narrow",
    /program\/bounds/,
    () => verifyProgram(changed(conv(), { format: intFormat(true, 9, 6) })),
  ],
  [
    "a conv with another fraction",
    /sum of input and weight fraction/,
    () => verifyProgram(changed(conv(), { format: intFormat(true, 20, 5) })),
  ],
  [
    "an unsigned accumulator",
    /signed int/,
    () => verifyProgram(changed(conv(), { format: intFormat(false, 20, 6) })),
  ],
  ["a pool of bipolar averages", /int tensors/, () => pool({}, undefined, { kind: "bipolar", fraction: 0 })],
  [
    "padding as large as the window",
    /smaller than the window/,
    () => pool({ padding: { before: [2, 0], after: [0, 0] } }),
  ],
  [
    "a pool that changes the format",
    /does not change/,
    () => verifyProgram(changed(pool(), { format: intFormat(true, 9, 4) })),
  ],
  ["a window beyond the input", /shape/, () => pool({ window: [5, 1] })],
  ["a table of another size", /256 entries/, () => table(255)],
  ["a table of a wide input", /at most 12 bits/, () => table(2 ** 13, intFormat(true, 13, 0))],
  ["a wide table", /at most 16 bits/, () => table(256, byte, intFormat(true, 17, 0))],
  ["a sum of other shapes", /neither/, () => sum([4, 1, 6])],
  ["a sum of bipolar tensors", /takes int/, () => sum(undefined, { kind: "bipolar", fraction: 0 })],
  [
    "a sum too narrow",
    /program\/bounds/,
    () => verifyProgram(changed(sum(), { format: intFormat(true, 8, 4) })),
  ],
  [
    "a sum with another fraction",
    /fraction is 4/,
    () => verifyProgram(changed(sum(), { format: intFormat(true, 9, 3) })),
  ],
  ["a concat along no axis", /axis 3/, () => one((b) => b.concat({ ...step, inputs: ["x", "z"], axis: 3 }))],
  [
    "a concat of other sizes",
    /does not fit/,
    () => one((b) => b.concat({ ...step, inputs: ["x", "z"], axis: 0 }), undefined, byte, [4, 5, 5]),
  ],
  ["a concat of one input", /at least two/, () => one((b) => b.concat({ ...step, inputs: ["x"], axis: 0 }))],
  [
    "a reshape to other elements",
    /differ in their elements/,
    () => one((b) => b.reshape({ ...step, shape: [7] })),
  ],
  [
    "a slice beyond the end",
    /more than axis 1/,
    () => one((b) => b.slice({ ...step, begin: [0, 3, 0], size: [1, 3, 1] })),
  ],
  [
    "a slice of other axes",
    /begin has one number/,
    () => one((b) => b.slice({ ...step, begin: [0], size: [1] })),
  ],
  [
    "a pad mantissa out of range",
    /mantissa 200/,
    () => one((b) => b.pad({ ...step, before: [0, 0, 0], after: [1, 0, 0], mantissa: 200 })),
  ],
  [
    "a bipolar pad",
    /bipolar/,
    () =>
      one((b) => b.pad({ ...step, before: [0, 0, 0], after: [1, 0, 0] }), undefined, {
        kind: "bipolar",
        fraction: 0,
      }),
  ],
  [
    "no permutation",
    /no permutation/,
    () =>
      verifyProgram(
        changed(
          one((b) => b.transpose({ ...step, permutation: [1, 0, 2] })),
          {},
          { permutation: [0, 0, 2] },
        ),
      ),
  ],
  [
    "a factor of 0",
    /factors/,
    () =>
      verifyProgram(
        changed(
          one((b) => b.upsample({ ...step, factors: [1, 2] })),
          {},
          { factors: [0, 2] },
        ),
      ),
  ],
  [
    "a limit above the result's range",
    /limit 8/,
    () => one((b) => b.requantize({ ...step, format: intFormat(true, 4, 0), limit: 8 })),
  ],
  [
    "a negative limit",
    /limit -1/,
    () => one((b) => b.requantize({ ...step, format: intFormat(true, 4, 0), limit: -1 })),
  ],
];

describe("the verifier", () => {
  it.each(refused)("refuses %s", (_, message, run) => {
    expect(problems(run).join("\n")).toMatch(message);
  });

  it("refuses fractions per channel where operands need one", () => {
    const found = (make: (b: ProgramBuilder, input: string) => string): string[] =>
      problems(() =>
        one((b) => make(b, b.requantize({ layer: "r", name: "r", input: "x", format: each(8) }))),
      );
    const bad: ((b: ProgramBuilder, input: string) => string)[] = [
      (b, input) => b.transpose({ ...step, input, permutation: [2, 0, 1] }),
      (b, input) => b.pad({ ...step, input, before: [0, 0, 0], after: [0, 1, 0] }),
      (b, input) => b.concat({ ...step, inputs: [input, input], axis: 0 }),
      (b, input) => b.flatten({ ...step, input }),
      (b, input) => b.argmax({ ...step, input }),
    ];
    for (const make of bad) expect(found(make).join()).toMatch(/program\/format/);
    const good: typeof bad = [
      (b, input) => b.reshape({ ...step, input, shape: [20, 6] }),
      (b, input) => b.upsample({ ...step, input, factors: [2, 1] }),
      (b, input) => b.pool({ ...step, input, kind: "max", window: [2, 2] }),
      (b, input) => b.slice({ ...step, input, begin: [0, 0, 2], size: [4, 5, 3] }),
    ];
    for (const make of good) expect(found(make)).toEqual([]);
  });

  it("lets sums above 16 bits into requantize, argmax, copies and, up to 24 or 47 bits, arithmetic alone", () => {
    const wide = (bits: number, make: (b: ProgramBuilder, input: string) => string): string[] =>
      problems(() =>
        one(
          (b) => make(b, b.multiply({ layer: "m", name: "m", inputs: ["x", "z"] })),
          [4, 5, 6],
          intFormat(true, bits, 4),
        ),
      );
    const input = "m";
    expect(wide(10, (b) => b.pool({ ...step, input, kind: "max", window: [2, 2] })).join()).toMatch(
      /at most 16/,
    );
    expect(wide(10, (b) => b.upsample({ ...step, input, factors: [2, 2] })).join()).toMatch(/at most 16/);
    expect(wide(10, (b) => b.argmax({ ...step, input }))).toEqual([]);
    expect(wide(10, (b) => b.flatten({ ...step, input }))).toEqual([]);
    expect(wide(12, (b) => b.add({ ...step, inputs: [input, input] }))).toEqual([]);
    expect(wide(13, (b) => b.add({ ...step, inputs: [input, input] }))).toEqual([]);
    expect(wide(12, (b) => b.multiply({ ...step, inputs: [input, input] }))).toEqual([]);
    expect(wide(13, (b) => b.multiply({ ...step, inputs: [input, input] })).join()).toMatch(/at most 24/);
  });
});

describe("what is derived", () => {
  it("are shapes with stride, dilation, spread and uneven padding", () => {
    const padding = { before: [1, 0], after: [0, 2] };
    const shape = (changes: object): readonly number[] => valueNamed(conv(changes), "y").shape;
    expect(shape({})).toEqual([2, 3, 4]);
    expect(shape({ strides: [2, 2], padding })).toEqual([2, 3, 4]);
    expect(shape({ dilations: [1, 2] })).toEqual([2, 1, 4]);
    expect(shape({ spread: [2, 3] })).toEqual([5, 11, 4]);
    expect(valueNamed(pool(), "y").shape).toEqual([2, 2, 6]);
  });

  it("are ranges of gates, clamps, averages and tables", () => {
    const gate = one((b) => b.multiply({ ...step, inputs: ["x", "z"] }), undefined, byte, [1, 1, 6]);
    expect(provedRange(gate, "y")).toEqual({ min: -128 * 127, max: 128 * 128 });
    expect(provedRange(sum(), "y")).toEqual({ min: -256, max: 254 });
    const clamp = one((b) => b.requantize({ ...step, format: intFormat(false, 4, 1), limit: 12 }));
    expect(provedRange(clamp, "y")).toEqual({ min: 0, max: 12 });
    const b = createProgramBuilder("reached");
    b.input({ name: "x", shape: [1], format: intFormat(false, 4, 0) });
    b.requantize({ ...step, name: "r", format: intFormat(false, 2, 0), limit: 1 });
    b.table({ ...step, input: "r", table: [5, -3, 90, -100], format: byte });
    b.output("out", "y", "value");
    expect(provedRange(b.build(), "y")).toEqual({ min: -3, max: 5 });
  });

  it("are of the sum where one does not fit, not of the table that reads it", () => {
    const b = createProgramBuilder("narrow");
    b.input({ name: "x", shape: [1], format: intFormat(true, 2, 0) });
    b.add({ layer: "sum", name: "s", inputs: ["x", "x"] });
    b.table({ ...step, input: "s", table: [0, 1, 2, 3, 4, 5, 6, 7], format: byte });
    b.output("out", "y", "value");
    const program = b.build();
    // A bit less for the sum, and half of the entries with it.
    const narrow: Program = {
      ...program,
      values: program.values.map((v) => (v.name === "s" ? { ...v, format: intFormat(true, 2, 0) } : v)),
      constants: program.constants.map((c) => ({ ...c, shape: [4], data: c.data.slice(0, 4) })),
    };
    expect(() => verifyProgram(narrow)).toThrow(/program\/bounds.*sum/);
  });

  it("are costs of a conv: its weights at every position, padded ones too", () => {
    const weights = { units: 1, kernel: [2], data: [3, 0, -4, 1], format: intFormat(true, 4, 0) };
    const padding = { before: [1], after: [0] };
    const program = one((b) => b.conv({ ...step, weights, bias: [5], padding }), [3, 2]);
    // Three positions of four weights; spans 2 + 0 + 1 + 1 digits.
    expect(layerCosts(program)).toMatchObject([
      { macs: 12, parameters: 5, weightBits: 16, bitOperations: 12 * 4 * 8, ebops: 3 * 4 * 8 },
    ]);
    expect(tracedValues(program).map((t) => t.kind)).toEqual(["accumulator"]);
  });
});

describe("the Verilog back end", () => {
  it("refuses by name what it does not have", () => {
    const b = createProgramBuilder("one");
    b.input({ name: "x", shape: [4, 4, 2], format: byte });
    b.pad({ layer: "p", name: "p", input: "x", before: [1, 1, 0], after: [0, 0, 0] });
    b.transpose({ layer: "r", name: "y", input: "p", permutation: [1, 0, 2] });
    b.output("out", "y", "value");
    const program = b.build();
    const rtl = problems(() =>
      scheduleProgram(program, { clockMHz: 100, intervalCycles: 10, folding: {}, outputs: "both" }),
    );
    expect(rtl).toHaveLength(1);
    expect(rtl[0]).toMatch(/verilog\/transpose.*r/);
  });
});
