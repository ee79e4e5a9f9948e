// Normalisation of images that a convolution takes: moments of channels, folded into windows of weights of any group. The
// sums of dense layers, and their gradients, are in network.test.ts.
import { describe, expect, test } from "vitest";
import type { InputSamples } from "../../../graph/samples.ts";
import { createRandom } from "../../../support/random.ts";
import { foldWeights, momentsOf, unfoldGradient } from "../../../train/normalize.ts";

const random = createRandom("normalize");
const [COUNT, PIXELS, CHANNELS] = [40, 12, 4];
const samples: InputSamples = {
  shape: [3, 4, CHANNELS],
  stored: { signed: false, width: 8, fraction: 8 },
  // Each channel has its own range.
  mantissas: Uint8Array.from({ length: COUNT * PIXELS * CHANNELS }, (_, i) =>
    random.integer(0, 50 * ((i % 4) + 1)),
  ),
};
const valuesOf = (channel: number): number[] =>
  [...samples.mantissas].filter((_, i) => i % CHANNELS === channel).map((m) => m / 256);
const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe("moments", () => {
  test("of each channel", () => {
    const { mean, inverse } = momentsOf(samples, 8, "element", CHANNELS);
    expect(mean).toHaveLength(CHANNELS);
    mean.forEach((m, channel) => {
      const values = valuesOf(channel);
      const deviation = Math.sqrt(meanOf(values.map((v) => (v - meanOf(values)) ** 2)));
      expect(m).toBeCloseTo(meanOf(values), 5);
      expect(inverse[channel]! * deviation).toBeCloseTo(1, 4);
    });
  });
  test("of the whole tensor are the same for each channel", () => {
    const whole = momentsOf(samples, 8, "tensor");
    const { mean, inverse } = momentsOf(samples, 8, "tensor", CHANNELS);
    expect(mean).toEqual(whole.mean.subarray(0, CHANNELS));
    expect(inverse).toEqual(whole.inverse.subarray(0, CHANNELS));
  });
});

describe.each([
  [1, 3],
  [2, 4],
  [4, 8],
])("a convolution with %i groups and %i units", (groups, units) => {
  const window = 6;
  const span = CHANNELS / groups;
  const moments = momentsOf(samples, 8, "element", CHANNELS);
  const numbers = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
  const [weights, bias] = [numbers(units * window * span), numbers(units)];
  /** The channel that weight k of a unit reads. */
  const channelOf = (unit: number, k: number): number =>
    Math.floor(unit / (units / groups)) * span + (k % span);
  const sumOf = (
    unit: number,
    w: Float32Array,
    b: number,
    inputAt: (channel: number, k: number) => number,
  ) => {
    let sum = b;
    for (let k = 0; k < window * span; k++)
      sum += w[unit * window * span + k]! * inputAt(channelOf(unit, k), k);
    return sum;
  };

  test("has on plain values the sums that it had on normalised ones", () => {
    const folded = foldWeights(weights, bias, moments, { units, groups });
    const x = numbers(window * CHANNELS);
    const at = (channel: number, k: number): number => x[Math.floor(k / span) * CHANNELS + channel]!;
    for (let u = 0; u < units; u++)
      expect(sumOf(u, folded.weights, folded.bias![u]!, at)).toBeCloseTo(
        sumOf(u, weights, bias[u]!, (c, k) => (at(c, k) - moments.mean[c]!) * moments.inverse[c]!),
        3,
      );
  });
  test("gets the gradient of its weights back", () => {
    // The sum over the units, as a function of the weights on normalised values; linear, so that differences are exact.
    const x = numbers(window * CHANNELS);
    const at = (channel: number, k: number): number => x[Math.floor(k / span) * CHANNELS + channel]!;
    const forFolded = weights.map((_, i) => {
      const u = Math.floor(i / (window * span));
      const k = i % (window * span);
      return at(channelOf(u, k), k);
    });
    const gradients = { "0.weights": forFolded, "0.bias": new Float32Array(units).fill(1) };
    unfoldGradient(gradients, 0, moments, { units, groups });
    gradients["0.weights"].forEach((g, i) => {
      const u = Math.floor(i / (window * span));
      const k = i % (window * span);
      const c = channelOf(u, k);
      expect(g).toBeCloseTo((at(c, k) - moments.mean[c]!) * moments.inverse[c]!, 3);
    });
  });
});
