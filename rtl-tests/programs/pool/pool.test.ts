// pool alone: largest and average elements, windows that overlap, leave gaps or are the whole image, padding, bipolar bits.
import { describe, expect, test } from "vitest";
import { createProgramBuilder, intFormat } from "../../../compiler/program/builder.ts";
import type { Format } from "../../../compiler/program/program.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { verdict } from "../../harness/programs.ts";

const BITS: Format = { kind: "bipolar", fraction: 0 };

interface Parameters {
  readonly kind: "max" | "average";
  readonly shape: readonly number[];
  readonly format: Format;
  readonly window: readonly number[];
  readonly strides?: readonly number[];
  readonly before?: readonly number[];
  readonly interval: number;
}

const CASES: readonly (readonly [string, Parameters])[] = [
  [
    "2 x 2 maxima",
    { kind: "max", shape: [4, 6, 6], format: intFormat(true, 5, 2), window: [2, 2], interval: 50 },
  ],
  [
    "overlapping averages with padding",
    {
      kind: "average",
      shape: [5, 5, 2],
      format: intFormat(true, 6, 2),
      window: [3, 3],
      strides: [2, 1],
      before: [1, 2],
      interval: 200,
    },
  ],
  [
    "the whole image",
    { kind: "average", shape: [4, 5, 3], format: intFormat(false, 8, 8), window: [4, 5], interval: 70 },
  ],
  [
    "the largest of the whole image, in turn",
    { kind: "max", shape: [3, 4, 4], format: intFormat(true, 5, 2), window: [3, 4], interval: 24 },
  ],
  [
    "a whole sequence at once",
    { kind: "average", shape: [11, 3], format: intFormat(true, 8, 4), window: [11], interval: 11 },
  ],
  [
    "bits of a sequence",
    { kind: "max", shape: [9, 2], format: BITS, window: [3], before: [1], interval: 40 },
  ],
];

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("pool", () => {
  test.each(CASES)("%s", async (_, { kind, shape, format, window, strides = window, before, interval }) => {
    const builder = createProgramBuilder("pool");
    const x = builder.input({ name: "x", shape, format });
    const none = window.map(() => 0);
    const padding = { before: before ?? none, after: none };
    builder.output(
      "y",
      builder.pool({ layer: "pool", name: "y", input: x, kind, window, strides, padding }),
      "value",
    );
    const design = designOf(builder.build(), { intervalCycles: interval });
    expect(await verdict(design)).toEqual({ c: "passed", rtl: "passed" });
    const { intervalCycles, stages } = design.manifest.rtl!;
    expect(intervalCycles).toBeLessThanOrEqual(interval);
    // A window of the whole image is not stored.
    const isWhole = window.every((size, axis) => size === shape[axis]);
    expect(stages.some((s) => s.module === "nf_line_window")).toBe(!isWhole);
  });
});
