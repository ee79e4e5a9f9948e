// Streams that part and meet again: a residual sum, a concat of branches, a gate of channels, a value that is read often.
import { describe, expect, test } from "vitest";
import { createProgramBuilder, intFormat, type ProgramBuilder } from "../../../compiler/program/builder.ts";
import type { Program } from "../../../compiler/program/program.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { verdict } from "../../harness/programs.ts";

const SMALL = intFormat(false, 4, 2);

/** A convolution with padding that keeps the size, requantized. */
function block(
  b: ProgramBuilder,
  name: string,
  input: string,
  channels: number,
  units: number,
  kernel: number,
): string {
  const margin = [(kernel - 1) / 2, (kernel - 1) / 2];
  const count = units * kernel * kernel * channels;
  const data = integers(randomFor("branches", name), count, 3, true);
  const sums = b.conv({
    layer: name,
    name: `${name}.sums`,
    input,
    weights: { units, kernel: [kernel, kernel], data, format: intFormat(true, 3, 2) },
    padding: { before: margin, after: margin },
  });
  return b.requantize({ layer: name, name, input: sums, format: SMALL, activation: "relu" });
}

function residual(): Program {
  const b = createProgramBuilder("residual");
  const x = b.input({ name: "x", shape: [5, 5, 2], format: SMALL });
  const first = block(b, "first", x, 2, 4, 1);
  const second = block(b, "third", block(b, "second", first, 4, 4, 3), 4, 4, 3);
  const sum = b.add({ layer: "sum", name: "sum", inputs: [second, first] });
  const y = b.requantize({ layer: "sum", name: "y", input: sum, format: intFormat(false, 4, 1) });
  const pooled = b.pool({ layer: "pool", name: "pooled", input: y, kind: "average", window: [5, 5] });
  const flat = b.flatten({ layer: "flat", name: "flat", input: pooled });
  const weights = { units: 3, data: integers(randomFor("head"), 12, 4, true), format: intFormat(true, 4, 2) };
  const logits = b.dense({ layer: "head", name: "logits", input: flat, weights });
  b.output("logits", logits, "logits");
  b.output("class", b.argmax({ layer: "class", name: "class", input: logits }), "class");
  return b.build();
}

function inception(): Program {
  const b = createProgramBuilder("inception");
  const x = b.input({ name: "x", shape: [4, 5, 2], format: SMALL });
  const wide = block(b, "wide", x, 2, 4, 3);
  const narrow = block(b, "narrow", x, 2, 2, 1);
  const y = b.concat({ layer: "both", name: "both", inputs: [wide, x, narrow], axis: 2 });
  b.output("y", block(b, "last", y, 8, 2, 1), "value");
  return b.build();
}

function gate(): Program {
  const b = createProgramBuilder("gate");
  const x = b.input({ name: "x", shape: [3, 4, 4], format: SMALL });
  const means = b.pool({ layer: "squeeze", name: "means", input: x, kind: "average", window: [3, 4] });
  const excited = block(b, "excite", means, 4, 4, 1);
  const y = b.multiply({ layer: "gate", name: "gated", inputs: [x, excited] });
  b.output("y", b.subtract({ layer: "less", name: "less", inputs: [y, x] }), "value");
  return b.build();
}

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("branches", () => {
  test.each([
    ["residual", residual, 300],
    ["inception", inception, 200],
    ["gate", gate, 100],
  ] as const)("%s", async (_, programOf, interval) => {
    const design = designOf(programOf(), { intervalCycles: interval });
    expect(await verdict(design)).toEqual({ c: "passed", rtl: "passed" });
    expect(design.manifest.rtl?.intervalCycles).toBeLessThanOrEqual(interval);
  });
});
