// One small program for each form of an instruction: identical when it comes back, and the same to onnxruntime; and every
// refusal by its name.
import { describe, expect, it, test } from "vitest";
import { exportQonnx } from "../../../export/qonnx.ts";
import { createProgramBuilder, intFormat, type ProgramBuilder } from "../../../program/builder.ts";
import { printProgram } from "../../../program/print.ts";
import type { Program } from "../../../program/program.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { createRandom } from "../../../support/random.ts";
import { expectSameNumbersAsOnnxruntime } from "./onnxruntime.ts";
import { expectSameNumbers, roundTrip } from "./round-trip.ts";

const random = createRandom(3, "instructions");
const draw = (count: number, low: number, high: number): number[] =>
  Array.from({ length: count }, () => random.integer(low, high));
const SIGNED = intFormat(true, 4, 2);
const UNSIGNED = intFormat(false, 4, 1);

/** A program from a 5 x 4 image of three channels, or from what else is asked for. */
function programOf(
  make: (b: ProgramBuilder, x: string) => string,
  shape: readonly number[] = [5, 4, 3],
  format = SIGNED,
): Program {
  const b = createProgramBuilder("small");
  b.output("y", make(b, b.input({ name: "x", shape, format })), "value");
  return b.build();
}

const conv = (
  b: ProgramBuilder,
  input: string,
  options: Partial<Parameters<ProgramBuilder["conv"]>[0]> = {},
  name = "conv",
): string => {
  const { groups = 1 } = options;
  const weights = { units: 3, kernel: [3, 2], data: draw((3 * 6 * 3) / groups, -7, 7), format: SIGNED };
  return b.conv({ layer: "part", name, input, weights, bias: draw(3, -99, 99), ...options });
};

const quantized = (b: ProgramBuilder, input: string, options = {}): string =>
  b.requantize({ layer: "next", name: "q", input, format: intFormat(true, 4, 0), ...options });

const IDENTICAL: readonly (readonly [string, () => Program])[] = [
  ["a requantization to signed integers", () => programOf((b, x) => quantized(b, conv(b, x)))],
  ["a relu", () => programOf((b, x) => quantized(b, conv(b, x), { activation: "relu", format: UNSIGNED }))],
  ["halves to even", () => programOf((b, x) => quantized(b, conv(b, x), { rounding: "half-even" }))],
  [
    "a truncation of sums without bias",
    () =>
      programOf((b, x) => {
        const weights = { units: 2, kernel: [1, 1], data: [1, -2, 3, 4, 5, -6], format: SIGNED };
        const sums = b.conv({ layer: "part", name: "conv", input: x, weights });
        return quantized(b, sums, { rounding: "truncate" });
      }),
  ],
  ["a shift to the left", () => programOf((b, x) => quantized(b, x, { format: intFormat(true, 8, 4) }))],
  ["a quantization to the same format", () => programOf((b, x) => quantized(b, x, { format: SIGNED }))],
  [
    "a fraction for each unit",
    () =>
      programOf((b, x) => {
        const format = intFormat(true, 5, [1, 3, 2]);
        const weights = { units: 3, kernel: [1, 1], data: draw(9, -9, 9), format };
        return quantized(b, conv(b, x, { weights }));
      }),
  ],
  [
    "sums with a fraction for each unit as an output",
    () =>
      programOf(
        (b, x) => {
          const format = intFormat(true, 5, [1, 3]);
          const weights = { units: 2, data: draw(12, -9, 9), format };
          return b.dense({ layer: "fc", name: "fc", input: x, weights, bias: [4, -5] });
        },
        [6],
      ),
  ],
  [
    "a bias beyond float32",
    () =>
      programOf(
        (b, x) => {
          const weights = { units: 2, data: draw(12, -7, 7), format: SIGNED };
          const bias = [2 ** 24 + 1, -(2 ** 40) - 5];
          return b.dense({ layer: "fc", name: "fc", input: x, weights, bias });
        },
        [6],
      ),
  ],
  [
    "weights with strides, groups and padding",
    () =>
      programOf((b, x) => {
        const padding = { before: [1, 0], after: [2, 1] };
        return quantized(b, conv(b, x, { strides: [2, 1], groups: 3, padding }));
      }),
  ],
  [
    "a transposed convolution",
    () =>
      programOf((b, x) => {
        const padding = { before: [2, 1], after: [1, 0] };
        return quantized(b, conv(b, x, { spread: [2, 3], padding }));
      }),
  ],
  [
    "a transposed convolution in groups",
    () =>
      programOf((b, x) => {
        const weights = { units: 6, kernel: [3, 2], data: draw(36, -7, 7), format: SIGNED };
        const options = { weights, bias: draw(6, -9, 9), groups: 3, spread: [2, 1] };
        return quantized(b, conv(b, x, { ...options, padding: { before: [1, 1], after: [1, 1] } }));
      }),
  ],
  [
    "padding with the mean of the input",
    () =>
      programOf(
        (b, x) => quantized(b, conv(b, x, { padMantissa: 9, padding: { before: [1, 1], after: [1, 1] } })),
        [5, 4, 3],
        intFormat(false, 5, 5),
      ),
  ],
  [
    "one-bit weights and signs",
    () =>
      programOf((b, x) => {
        const signs = b.threshold({
          layer: "s",
          name: "s",
          input: x,
          thresholds: [-1, 2, 0],
          levels: 1,
          base: 0,
          format: { kind: "bipolar", fraction: 1 },
        });
        const format = { kind: "bipolar", fraction: [0, 2] } as const;
        const weights = { units: 2, kernel: [2, 2], data: draw(24, 0, 1), format };
        return quantized(b, conv(b, signs, { weights, bias: [3, -4] }));
      }),
  ],
  [
    "thresholds with a base, of a sequence",
    () =>
      programOf(
        (b, x) =>
          b.threshold({
            layer: "t",
            name: "t",
            input: x,
            thresholds: [-5, -1, 4, -8, 0, 3],
            levels: 3,
            base: -2,
            format: intFormat(true, 2, 1),
          }),
        [6, 2],
      ),
  ],
  [
    "a table that rises and falls",
    () =>
      programOf((b, x) => {
        const table = Array.from({ length: 16 }, (_, i) => Math.abs(i - 6));
        return b.table({ layer: "t", name: "t", input: x, table, format: intFormat(false, 5, 3) });
      }),
  ],
  [
    "a table that rises",
    () =>
      programOf((b, x) => {
        const table = Array.from({ length: 16 }, (_, i) => i - 3);
        return b.table({ layer: "t", name: "t", input: x, table, format: intFormat(true, 6, 3) });
      }),
  ],
  ...(["max", "average"] as const).map((kind): readonly [string, () => Program] => [
    `a ${kind} pool with padding`,
    () =>
      programOf((b, x) => {
        const padding = { before: [1, 1], after: [0, 1] };
        return b.pool({ layer: "p", name: "p", input: x, kind, window: [3, 2], strides: [2, 1], padding });
      }),
  ]),
  [
    "a residual sum of a biased convolution",
    () =>
      programOf((b, x) => {
        const weights = { units: 3, kernel: [1, 1], data: draw(9, -7, 7), format: SIGNED };
        const sums = conv(b, x, { weights });
        return quantized(b, b.add({ layer: "add", name: "add", inputs: [sums, x] }));
      }),
  ],
  [
    "a gate for each channel, subtracted",
    () =>
      programOf((b, x) => {
        const row = b.pool({ layer: "p", name: "p", input: x, kind: "average", window: [5, 4] });
        const product = b.multiply({ layer: "gate", name: "gate", inputs: [x, row] });
        return b.subtract({ layer: "less", name: "less", inputs: [product, row] });
      }),
  ],
  [
    "tensors side by side, one of them wider only",
    () =>
      programOf((b, x) => {
        const wide = b.requantize({ layer: "cat", name: "wide", input: x, format: intFormat(true, 6, 2) });
        const other = quantized(b, conv(b, x, { padding: { before: [1, 0], after: [1, 1] } }), {
          format: intFormat(true, 6, 2),
        });
        return b.concat({ layer: "cat", name: "cat", inputs: [wide, other], axis: 2 });
      }),
  ],
  [
    "moves",
    () =>
      programOf((b, x) => {
        const cut = b.slice({ layer: "cut", name: "cut", input: x, begin: [1, 0, 1], size: [3, 4, 2] });
        const around = { before: [1, 0, 0], after: [0, 2, 0], mantissa: -3 };
        const padded = b.pad({ layer: "pad", name: "pad", input: cut, ...around });
        return b.upsample({ layer: "up", name: "up", input: padded, factors: [2, 3] });
      }),
  ],
  [
    "a flat tensor of which some elements are kept",
    () =>
      programOf((b, x) => {
        const flat = b.flatten({ layer: "flat", name: "flat", input: x });
        const kept = b.select({ layer: "fc", name: "kept", input: flat, indices: [0, 7, 8, 59] });
        const input = quantized(b, kept);
        const weights = { units: 2, data: draw(8, -7, 7), format: SIGNED };
        return b.dense({ layer: "fc", name: "fc", input, weights, bias: [1, -1] });
      }),
  ],
];

describe("a program comes back as the same bytes, and onnxruntime computes the same, with", () => {
  test.each(IDENTICAL)("%s", async (name, make) => {
    const program = make();
    expect(printProgram(roundTrip(program).back.program)).toBe(printProgram(program));
    if (name !== "a bias beyond float32") await expectSameNumbersAsOnnxruntime(program, 4);
  });
});

describe("a program means the same numbers when it comes back, and to onnxruntime, with", () => {
  const limited = { limit: 5, format: intFormat(true, 4, 0) };
  test.each<readonly [string, () => Program]>([
    ["a limit", () => programOf((b, x) => quantized(b, conv(b, x), { ...limited, activation: "relu" }))],
    [
      "a limit, halves to even",
      () => programOf((b, x) => quantized(b, conv(b, x), { ...limited, rounding: "half-even" })),
    ],
    [
      "a limit below a truncation",
      () => programOf((b, x) => quantized(b, conv(b, x), { ...limited, rounding: "truncate" })),
    ],
    [
      "one signed bit",
      () => programOf((b, x) => quantized(b, conv(b, x), { format: intFormat(true, 1, -4) })),
    ],
    [
      "a truncation of biased sums",
      () => programOf((b, x) => quantized(b, conv(b, x), { rounding: "truncate" })),
    ],
    [
      "a scale for each channel",
      () =>
        programOf((b, x) => {
          const constants = { multipliers: [3, -5, 700], offsets: [1, -8, 30], fraction: 6 };
          const scaled = b.scale({ layer: "s", name: "s", input: x, ...constants });
          return quantized(b, scaled, { rounding: "truncate" });
        }),
    ],
    [
      "a transpose",
      () =>
        programOf((b, x) =>
          quantized(b, b.transpose({ layer: "t", name: "t", input: x, permutation: [2, 0, 1] })),
        ),
    ],
  ])("%s", async (_, make) => {
    const program = make();
    expectSameNumbers(program, roundTrip(program), 6);
    await expectSameNumbersAsOnnxruntime(program, 6);
  });
});

it("outputs keep their names, beside values that are called as they are", async () => {
  const b = createProgramBuilder("ports");
  const [x, z] = ["x", "z"].map((name) => b.input({ name, shape: [4], format: UNSIGNED }));
  const weights = { units: 3, data: draw(12, -7, 7), format: SIGNED };
  const fc = b.dense({ layer: "fc", name: "fc", input: x!, weights, bias: [1, 2, 3] });
  const index = b.argmax({ layer: "best", name: "best", input: fc });
  b.output("fc", b.add({ layer: "sum", name: "sum", inputs: [x!, z!] }), "value");
  b.output("class.logits", fc, "logits");
  b.output("class", index, "class");
  const program = b.build();
  expect(printProgram(roundTrip(program).back.program)).toBe(printProgram(program));
  await expectSameNumbersAsOnnxruntime(program, 4);
});

describe("what has no words in QONNX is refused by name:", () => {
  test.each<readonly [string, RegExp, () => Program]>([
    [
      "an input of one signed bit",
      /input "x" has one signed bit/,
      () => programOf((b, x) => quantized(b, x), [4], intFormat(true, 1, 0)),
    ],
    [
      "a wide limit",
      /limit, and 501 levels/,
      () => programOf((b, x) => quantized(b, conv(b, x), { format: intFormat(false, 10, 5), limit: 500 })),
    ],
    [
      "a stride of a transposed convolution",
      /stride and zeros/,
      () => programOf((b, x) => quantized(b, conv(b, x, { spread: [2, 2], strides: [2, 1] }))),
    ],
    [
      "padding that is wider than the kernel",
      /wider than its kernel/,
      () =>
        programOf((b, x) =>
          quantized(b, conv(b, x, { spread: [2, 2], padding: { before: [3, 0], after: [0, 0] } })),
        ),
    ],
    [
      "a class that is read",
      /another instruction reads the class/,
      () => programOf((b, x) => quantized(b, b.argmax({ layer: "a", name: "a", input: x })), [4]),
    ],
    [
      "a long multiplier",
      /more than 24 bits/,
      () =>
        programOf(
          (b, x) => b.scale({ layer: "s", name: "s", input: x, multipliers: [2 ** 25 + 1, 1, 1, 1] }),
          [4],
        ),
    ],
  ])("%s", (_, message, make) => {
    let found: DiagnosticError | undefined;
    try {
      exportQonnx(make());
    } catch (error) {
      found = error as DiagnosticError;
    }
    expect(found).toBeInstanceOf(DiagnosticError);
    expect(found!.diagnostics).toHaveLength(1);
    expect(found!.diagnostics[0]!.code).toMatch(/^export\/unsupported/);
    expect(found!.diagnostics[0]!.message).toMatch(message);
  });
});
