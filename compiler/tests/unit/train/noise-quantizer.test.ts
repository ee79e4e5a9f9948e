// The two forward passes in which steps are found: what their noise measures, who gets none, and every gradient.
import { describe, expect, test } from "vitest";
import { createRandom } from "../../../support/random.ts";
import { createNoisePool } from "../../../train/noise.ts";
import { noiseFigures } from "../../../train/noise-figures.ts";
import {
  type NoisyQuantizer,
  quantize,
  quantizeGradient,
  stepGradient,
  tensorQuantizer,
} from "../../../train/noise-quantizer.ts";
import {
  byStretch,
  clampBySteps,
  oneStep,
  rmsBySteps,
  type StepMap,
  stepPerGroup,
  stepPerRow,
} from "../../../train/step-map.ts";

const ROWS = 24;
const COLUMNS = 3000;
const random = createRandom("noise-quantizer");
const pool = createNoisePool(5);
const normals = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());

/** One step for the matrix, one for each output channel, one for each group of adjacent inputs. */
const MAPS: readonly (readonly [string, StepMap])[] = [
  ["layer", oneStep(ROWS, COLUMNS)],
  ["channel", stepPerRow(ROWS, COLUMNS)],
  // The last group is smaller.
  ["group", stepPerGroup(ROWS, COLUMNS, 400)],
];

function quantizer(
  map: StepMap,
  forward: NoisyQuantizer["forward"],
  signed: boolean,
  steps: readonly number[],
): NoisyQuantizer {
  const cycled = Array.from({ length: map.count }, (_, k) => steps[k % steps.length]!);
  return { signed, forward, map, ranges: new Array<number>(map.count).fill(2.5), steps: cycled };
}

/** Mean square of the residue over alpha^2 = step^2 / 12 by step, of the elements with 0 < |x| < range. */
function residuePower(
  x: Float32Array,
  y: Float32Array,
  q: NoisyQuantizer,
): { ratio: number; count: number }[] {
  const found = Array.from({ length: q.map.count }, () => ({ sum: 0, count: 0 }));
  byStretch(q.map, (from, to, k) => {
    for (let i = from; i < to; i++) {
      const masked = x[i] === 0 || Math.abs(x[i]!) >= q.ranges[k]! || (x[i]! < 0 && !q.signed);
      if (masked) continue;
      found[k]!.sum += (y[i]! - x[i]!) ** 2;
      found[k]!.count++;
    }
  });
  return found.map(({ sum, count }, k) => ({ ratio: (12 * sum) / count / q.steps[k]! ** 2, count }));
}

/** Five standard deviations of the mean square of `count` uniform residues, relative to it. */
function samplingError(count: number): number {
  return (5 * 0.8945) / Math.sqrt(count);
}

describe.each(MAPS)("with an alpha for each %s", (_, map) => {
  const x = normals(ROWS * COLUMNS).map((value, i) => (i % 9 === 0 ? 0 : value));
  const noise = pool.samples(x.length, "properties");

  test.each([true, false])("the noise has the variance alpha^2, signed: %s", (signed) => {
    const q = quantizer(map, "noise", signed, [0.5, 0.03, 1.1, 0.2]);
    for (const { ratio, count } of residuePower(x, quantize(x, noise, q), q)) {
      expect(count).toBeGreaterThan(1000);
      expect(Math.abs(ratio - 1)).toBeLessThan(samplingError(count));
    }
  });

  test.each([true, false])(
    "and so has the residue of real rounding up to half a deviation, signed: %s",
    (signed) => {
      const q = quantizer(map, "rounding", signed, [0.5, 0.03, 0.125, 0.3]);
      for (const { ratio, count } of residuePower(x, quantize(x, noise, q), q))
        expect(Math.abs(ratio - 1)).toBeLessThan(samplingError(count) + 0.01);
    },
  );

  test("rounding gives multiples of the element's own step", () => {
    const q = quantizer(map, "rounding", true, [0.5, 0.25, 0.125]);
    const y = quantize(x, noise, q);
    byStretch(map, (from, to, k) => {
      expect(y.subarray(from, to).every((value) => Number.isInteger(value / q.steps[k]!))).toBe(true);
    });
  });

  test("each step has the rms of its own elements", () => {
    const scaled = x.slice();
    byStretch(map, (from, to, k) => {
      for (let i = from; i < to; i++) scaled[i] = scaled[i]! * (k + 1);
    });
    rmsBySteps(scaled, map).forEach((rms, k) => {
      expect(rms / (k + 1)).toBeCloseTo(Math.sqrt(8 / 9), 1);
    });
  });

  test("each step's elements are clamped to its range, and their rms is that of what is left", () => {
    const clamped = x.slice();
    const ranges = Array.from({ length: map.count }, (_, k) => 0.3 + 0.1 * (k % 5));
    const found = clampBySteps(clamped, map, ranges);
    byStretch(map, (from, to, k) => {
      const range = Math.fround(ranges[k]!);
      for (let i = from; i < to; i++) expect(clamped[i]).toBe(Math.min(range, Math.max(-range, x[i]!)));
    });
    expect(found).toEqual(rmsBySteps(clamped, map));
  });
});

test("the measured residue tells where the uniform model ends", () => {
  const x = normals(100_000);
  const at = (step: number): number => {
    const q = tensorQuantizer(true, 100, step, x.length, "rounding");
    return residuePower(x, quantize(x, x, q), q)[0]!.ratio;
  };
  expect(Math.abs(at(0.5) - 1)).toBeLessThan(samplingError(x.length));
  // exp(-2 (pi / step)^2) is the first term of what is missing.
  expect(at(3)).toBeLessThan(0.9);
});

test("a zero and a clamped value get no noise, whatever the pass", () => {
  const x = Float32Array.of(0, 2.5, 3, -2.5, -9, 1, -1);
  const noise = new Float32Array(7).fill(0.4);
  for (const forward of ["noise", "rounding"] as const) {
    const signed = quantize(x, noise, tensorQuantizer(true, 2.5, 0.5, 7, forward));
    expect([...signed.subarray(0, 5)]).toEqual([0, 2.5, 2.5, -2.5, -2.5]);
    const unsigned = quantize(x, noise, tensorQuantizer(false, 2.5, 0.5, 7, forward));
    expect([...unsigned]).toEqual([0, 2.5, 2.5, 0, 0, unsigned[5]!, 0]);
  }
  const noisy = quantize(x, noise, tensorQuantizer(true, 2.5, 0.5, 7));
  expect(noisy[5]).toBeCloseTo(1.2, 6);
});

test("half a step is one bit of signal to noise, 6.02 dB, by either size of the signal", () => {
  const x = normals(20_000).map((value) => value + 0.7);
  const at = (step: number) =>
    noiseFigures(x, quantize(x, x, tensorQuantizer(true, 50, step, x.length, "rounding")), () => step);
  const [coarse, fine] = [at(0.5), at(0.25)];
  expect(fine.snrBits! - coarse.snrBits!).toBeCloseTo(1, 12);
  expect(fine.varyingSnrBits! - coarse.varyingSnrBits!).toBeCloseTo(1, 12);
  const decibels = (f: typeof fine): number => 20 * Math.log10(f.rms / f.alpha);
  expect((decibels(fine) - decibels(coarse)) / (fine.snrBits! - coarse.snrBits!)).toBeCloseTo(6.0206, 4);
  expect(fine.alpha).toBeCloseTo(0.25 / Math.sqrt(12), 12);
  expect(fine.residueRms / fine.alpha).toBeCloseTo(1, 1);
  expect(fine.rms ** 2 - fine.std ** 2).toBeCloseTo(0.49, 1);
});

describe("gradients", () => {
  const rows = 8;
  const columns = 60;
  const count = rows * columns;
  /** Values inside and outside of the range and zeros, none near an edge where a difference would jump. */
  const x = Float32Array.from({ length: count }, (_, i) => {
    if (i % 7 === 0) return 0;
    const value = random.normal();
    return Math.abs(Math.abs(value) - 1.25) < 0.03 || Math.abs(value) < 0.03 ? 0.5 : value;
  });
  const noise = pool.samples(count, "gradients");
  const target = normals(count);
  const maps = [oneStep(rows, columns), stepPerRow(rows, columns), stepPerGroup(rows, columns, 25)];
  const logSteps = [-2.3, -1.1, -3];
  const logRange = Math.log2(1.25);

  /** A loss that is no linear function of the values, and its gradient. */
  const lossOf = (y: Float32Array): number => y.reduce((sum, v, i) => sum + Math.cosh(v - target[i]!), 0);
  const slopesOf = (y: Float32Array): Float32Array => y.map((v, i) => Math.sinh(v - target[i]!));

  describe.each(maps.flatMap((map) => [true, false].map((signed) => ({ map, signed }))))(
    "of the noise pass are numeric differences, $map.count steps, signed: $signed",
    ({ map, signed }) => {
      const at = (moved: { step?: number; range?: number; index?: number; d?: number }): NoisyQuantizer => ({
        signed,
        forward: "noise",
        map,
        steps: Array.from(
          { length: map.count },
          (_, k) => 2 ** (logSteps[k % 3]! + (k === moved.index ? (moved.step ?? 0) : 0)),
        ),
        ranges: Array.from(
          { length: map.count },
          (_, k) => 2 ** (logRange + (k === moved.index ? (moved.range ?? 0) : 0)),
        ),
      });
      const dx = new Float32Array(count);
      const y = quantize(x, noise, at({}));
      const found = quantizeGradient(x, noise, slopesOf(y), at({}), dx);
      const difference = (name: "step" | "range", index: number): number => {
        const h = 2 ** -9;
        const loss = (d: number): number => lossOf(quantize(x, noise, at({ [name]: d, index })));
        return (loss(h) - loss(-h)) / (2 * h);
      };
      test("for the logarithm of every step", () => {
        for (let k = 0; k < map.count; k++) expect(found.logSteps[k]).toBeCloseTo(difference("step", k), 1);
      });
      test("for the steps alone, the same bits", () => {
        expect(stepGradient(x, noise, slopesOf(y), at({}))).toEqual(found.logSteps);
      });
      test("for the logarithm of every range", () => {
        for (let k = 0; k < map.count; k++) expect(found.logRanges[k]).toBeCloseTo(difference("range", k), 1);
      });
      test("for the values", () => {
        for (let i = 0; i < count; i++) {
          // A zero gets no noise, so it has no difference to compare.
          if (x[i] === 0) continue;
          const loss = (d: number): number => lossOf(quantize(x.with(i, x[i]! + d), noise, at({})));
          expect(dx[i]!).toBeCloseTo((loss(2 ** -7) - loss(-(2 ** -7))) * 2 ** 6, 1);
        }
      });
    },
  );

  test("of the noise pass are what noise costs on average: alpha^2 times the curvature, by log2 of the step", () => {
    // Loss (y - t)^2 / 2: E[g u step] ln 2 = step^2 / 12 ln 2 an element.
    const step = 0.3;
    const flat = new Float32Array(200_000).fill(0.2);
    const u = pool.samples(flat.length, "curvature");
    const q = tensorQuantizer(true, 4, step, flat.length);
    const { logSteps: found } = quantizeGradient(flat, u, quantize(flat, u, q), q);
    expect(found[0]! / flat.length / ((step ** 2 / 12) * Math.LN2)).toBeCloseTo(1, 1);
  });

  describe("of real rounding take an independent residue", () => {
    const step = 0.25;
    const q = tensorQuantizer(true, 1.25, step, count, "rounding");
    const inside = x.map((value) => (value !== 0 && Math.abs(value) < 1.25 ? 1 : 0));
    const g = slopesOf(quantize(x, noise, q));

    test("of variance 1/12 that only depends on the sample", () => {
      const found = quantizeGradient(x, noise, g, q).logSteps[0]!;
      const expected =
        g.reduce((sum, v, i) => sum + v * inside[i]! * (noise[i]! < 0 ? -1 : 1), 0) *
        step *
        Math.sqrt(1 / 12) *
        Math.LN2;
      expect(found).toBeCloseTo(expected, 4);
      // Another value with another real residue, the same gradient.
      const moved = x.map((value, i) => (inside[i] === 1 && Math.abs(value) < 1.1 ? value + 0.1 : value));
      expect(
        quantizeGradient(
          moved.map((v) => (v === 0 ? 0.01 : v)),
          noise,
          g.map((v, i) => v * inside[i]!),
          q,
        ).logSteps[0],
      ).toBeCloseTo(expected, 4);
    });

    test("so that its mean is 0 for every loss, also for one that rewards the real residue", () => {
      const real = quantize(x, noise, q).map((y, i) => y - x[i]!);
      const rounds = 4000;
      let sum = 0;
      let squares = 0;
      for (let r = 0; r < rounds; r++) {
        const found = quantizeGradient(x, pool.samples(count, "independent", r), real, q).logSteps[0]!;
        sum += found / rounds;
        squares += found ** 2 / rounds;
      }
      expect(Math.abs(sum)).toBeLessThan(4 * Math.sqrt(squares / rounds));
      const power = real.reduce((total, v, i) => total + (v * inside[i]!) ** 2, 0);
      expect(squares / (power * (step ** 2 / 12) * Math.LN2 ** 2)).toBeCloseTo(1, 0);
    });

    test("the same ones for the steps alone", () => {
      expect(stepGradient(x, noise, g, q)).toEqual(quantizeGradient(x, noise, g, q).logSteps);
    });

    test("and go straight through inside of the range", () => {
      const dx = new Float32Array(count);
      quantizeGradient(x, noise, g, q, dx);
      x.forEach((value, i) => {
        // Nothing may be a negative nothing.
        expect(dx[i]! + 0).toBe(Math.abs(value) < 1.25 ? g[i] : 0);
      });
    });
  });
});
