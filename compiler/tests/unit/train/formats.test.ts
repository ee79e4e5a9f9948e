// Values in frozen formats: rounding, saturation, groups of inputs with coarser steps, signs; and how large the residue is.
import { describe, expect, test } from "vitest";
import type { FrozenFormat } from "../../../graph/trained-graph.ts";
import { quantize } from "../../../support/fixed-point.ts";
import { createRandom } from "../../../support/random.ts";
import {
  projectWeights,
  roundValues,
  roundWeights,
  type WeightFormat,
  weightSteps,
} from "../../../train/formats.ts";

const int = (signed: boolean, width: number, fraction: number): FrozenFormat => ({
  kind: "int",
  signed,
  width,
  fraction,
});

const UNITS = 6;
const INPUTS = 4000;
/** A format for each granularity of weights with deviation 1, steps from 1/32 to 1/2. */
const GRANULARITIES: readonly (readonly [string, WeightFormat])[] = [
  ["layer", { kind: "int", signed: true, width: 8, fraction: 2, groups: null }],
  ["channel", { kind: "int", signed: true, width: 8, fraction: [1, 2, 3, 4, 1, 2], groups: null }],
  ["group", { kind: "int", signed: true, width: 8, fraction: 4, groups: { size: 1500, shifts: [0, 2, 3] } }],
];

describe("values", () => {
  test.each([int(true, 2, 0), int(true, 4, 2), int(false, 1, 0), int(false, 3, 2), int(false, 5, -1)])(
    "are rounded like the one quantizer of real values: %o",
    (format) => {
      const { signed, width } = format;
      const range = signed
        ? { min: -(2 ** (width - 1)), max: 2 ** (width - 1) - 1 }
        : { min: 0, max: 2 ** width - 1 };
      const fraction = format.fraction as number;
      // Ties are in it: a half-even rounding would go the other way on every second one.
      const x = Float32Array.from({ length: 161 }, (_, i) => (i - 80) / 16);
      const y = roundValues(x, format);
      x.forEach((v, i) => {
        expect(y[i]! * 2 ** fraction + 0).toBe(quantize(v, fraction, range));
      });
    },
  );
  test("of bipolar tensors are signs, that of 0 is +", () => {
    const format: FrozenFormat = { kind: "bipolar", signed: false, width: 1, fraction: 2 };
    expect([...roundValues(Float32Array.of(-3, -0.01, 0, 0.01, 7), format)]).toEqual([
      -0.25, -0.25, 0.25, 0.25, 0.25,
    ]);
  });
});

describe.each(GRANULARITIES)("weights with an alpha for each %s", (_, format) => {
  const random = createRandom("formats");
  const x = Float32Array.from({ length: UNITS * INPUTS }, () => random.normal());
  const steps = weightSteps(UNITS, INPUTS, format);
  const y = roundWeights(x, UNITS, INPUTS, format);

  test("are multiples of their steps, and mantissas of the shared format", () => {
    const { fraction } = format;
    const right = y.every((value, i) => {
      const scale = 2 ** (typeof fraction === "number" ? fraction : fraction[Math.floor(i / INPUTS)]!);
      const mantissa = value * scale;
      return Number.isInteger(value / steps[i]!) && Number.isInteger(mantissa) && Math.abs(mantissa) <= 128;
    });
    expect(right).toBe(true);
  });
  test("leave the residue that alpha promises while the step is at most half a deviation", () => {
    const power = new Map<number, { sum: number; count: number }>();
    y.forEach((value, i) => {
      const found = power.get(steps[i]!) ?? { sum: 0, count: 0 };
      found.sum += (value - x[i]!) ** 2;
      found.count++;
      power.set(steps[i]!, found);
    });
    expect(power.size).toBeGreaterThanOrEqual(
      format.groups ? 3 : typeof format.fraction === "number" ? 1 : 4,
    );
    for (const [step, { sum, count }] of power)
      expect(Math.abs((12 * sum) / count / step ** 2 - 1)).toBeLessThan(
        0.005 + (5 * 0.8945) / Math.sqrt(count),
      );
  });
});

describe("projection", () => {
  test("ends inside of the format, unit by unit", () => {
    const x = Float32Array.of(-9, -2, 1.5, 8, -9, -2, 1.5, 8);
    projectWeights(x, 2, 4, { kind: "int", signed: true, width: 4, fraction: [2, 0], groups: null });
    expect([...x]).toEqual([-2, -2, 1.5, 1.75, -8, -2, 1.5, 7]);
  });
  test("keeps bipolar latents in [-1, 1]", () => {
    const x = Float32Array.of(-3, 0.5, 1.5);
    projectWeights(x, 1, 3, { kind: "bipolar", signed: false, width: 1, fraction: 4, groups: null });
    expect([...x]).toEqual([-1, 0.5, 1]);
  });
});
