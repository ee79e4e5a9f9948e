// scale alone and before a requantization: channels that repeat and a row for each element, offsets and none, sums of 40
// bits, fractions by channel.
import { describe, expect, test } from "vitest";
import { createProgramBuilder, intFormat } from "../../../compiler/program/builder.ts";
import type { Program } from "../../../compiler/program/program.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { verdict } from "../../harness/programs.ts";

interface Scale {
  readonly shape: readonly number[];
  readonly signed: boolean;
  readonly multipliers: readonly number[];
  readonly offsets?: readonly number[];
  readonly fraction?: number | readonly number[];
}

function program({ shape, signed, ...scale }: Scale, behind: "sums" | "shifts" | "class"): Program {
  const builder = createProgramBuilder("scale");
  const x = builder.input({ name: "x", shape, format: intFormat(signed, 8, 2) });
  const y = builder.scale({ layer: "s", name: "y", input: x, ...scale });
  builder.output("y", y, "value");
  if (behind === "shifts") {
    const z = builder.requantize({ layer: "s", name: "z", input: y, format: intFormat(true, 6, 3) });
    builder.output("z", z, "value");
  }
  if (behind === "class")
    builder.output("class", builder.argmax({ layer: "c", name: "c", input: y }), "value");
  return builder.build();
}

/** A layer between the input and the scale, whose sums are wider than a tensor. */
function behindSums(): Program {
  const builder = createProgramBuilder("scale");
  const x = builder.input({ name: "x", shape: [6], format: intFormat(false, 12, 0) });
  const data = Array.from({ length: 18 }, (_, i) => ((i * 37) % 255) - 127);
  const sum = builder.dense({
    layer: "d",
    name: "sum",
    input: x,
    weights: { units: 3, data, format: intFormat(true, 8, 0) },
  });
  const y = builder.scale({
    layer: "d",
    name: "y",
    input: sum,
    multipliers: [123457, -98765, 1],
    fraction: [30, 29, 8],
    offsets: [2 ** 40, -(2 ** 41) + 1, 77],
  });
  builder.output(
    "z",
    builder.requantize({ layer: "d", name: "z", input: y, format: intFormat(true, 8, 0) }),
    "value",
  );
  return builder.build();
}

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("scale", () => {
  test.each([
    [
      "three channels",
      program({ shape: [2, 3], signed: true, multipliers: [5, -7, 0], offsets: [0, 100, -3] }, "shifts"),
      4,
    ],
    [
      "a multiplier for each element",
      program({ shape: [5], signed: false, multipliers: [1, 2, 300, -4, 65535] }, "class"),
      2,
    ],
    [
      "a shift for each channel",
      program(
        { shape: [3, 2], signed: true, multipliers: [1001, -77], fraction: [6, -1], offsets: [-5000, 1] },
        "shifts",
      ),
      6,
    ],
    ["sums of a layer", behindSums(), 8],
  ] as const)("%s", async (_, of, intervalCycles) => {
    expect(await verdict(designOf(of, { intervalCycles }))).toEqual({ c: "passed", rtl: "passed" });
  });
});
