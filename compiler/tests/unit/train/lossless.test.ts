// The criterion of lossless quantization, and the search along its costs.
import { describe, expect, test } from "vitest";
import { createRandom } from "../../../support/random.ts";
import { floatModelOf } from "../../../train/float-model.ts";
import type { Formats } from "../../../train/formats.ts";
import {
  type Bracket,
  differenceOf,
  epsilonOf,
  lossesOf,
  narrowed,
  nextCost,
  riseOf,
} from "../../../train/lossless.ts";
import { networkOf } from "../../../train/network.ts";
import { copyParameters } from "../../../train/parameters.ts";
import { outcomeOf } from "../../../train/rounds.ts";
import { createRun } from "../../../train/run.ts";
import { FINISHING_ROUND } from "../../../train/schedule.ts";
import { openWasm, request } from "./small-data.ts";

describe("the difference of losses", () => {
  const random = createRandom("lossless");
  const float = Float64Array.from({ length: 400 }, () => Math.abs(random.normal()));

  test("has the mean and the standard error of the paired differences", () => {
    const integers = float.map((x, i) => x + (i % 2 === 0 ? 0.03 : -0.01));
    const found = differenceOf(integers, float, 0.02);
    expect(found.mean).toBeCloseTo(0.01, 9);
    expect(found.standardError).toBeCloseTo(0.02 / Math.sqrt(399), 9);
    expect(found.upper).toBeCloseTo(0.01 + (1.6448536 * 0.02) / Math.sqrt(399), 8);
    expect([found.epsilon, found.holds]).toEqual([0.02, true]);
    expect(differenceOf(integers, float, 0.0116).holds).toBe(false);
  });

  test("holds by its bound, not by its mean: few samples prove little", () => {
    const at = (count: number) =>
      differenceOf(
        float.slice(0, count).map((x, i) => x + (i % 2 === 0 ? 0.2 : -0.2)),
        float.slice(0, count),
        0.02,
      );
    expect(at(16).mean).toBeCloseTo(0, 9);
    expect(at(16).holds).toBe(false);
    expect(at(400).holds).toBe(true);
    expect(differenceOf(float.slice(0, 1), float.slice(0, 1), 1).holds).toBe(false);
  });

  test("of a true epsilon is accepted about once in twenty", () => {
    let accepted = 0;
    for (let trial = 0; trial < 1000; trial++) {
      const integers = float.map((x) => x + 0.05 + random.normal() * 0.3);
      if (differenceOf(integers, float, 0.05).holds) accepted++;
    }
    expect(accepted / 1000).toBeGreaterThan(0.03);
    expect(accepted / 1000).toBeLessThan(0.075);
  });

  test("is allowed 0.01 nats, or 5 % of the float loss of a regression", () => {
    const entropy = { kind: "cross-entropy", smoothing: 0, weights: null } as const;
    const [classes, values] = [
      { loss: entropy, weight: 1 },
      { loss: { kind: "mse", weights: null } as const, weight: 1 },
    ];
    expect(epsilonOf(null, [classes], [3])).toBe(0.01);
    expect(epsilonOf(null, [values], [3])).toBeCloseTo(0.15, 12);
    expect(epsilonOf(0.5, [classes], [3])).toBe(0.5);
    // Of several outputs, as much of each as its weight in the sum.
    const both = [
      { ...classes, weight: 2 },
      { ...values, weight: 0.5 },
    ];
    expect(epsilonOf(null, both, [3, 4])).toBeCloseTo(0.02 + 0.1, 12);
    expect(epsilonOf(0.5, both, [3, 4])).toBe(0.5);
  });
});

describe("the losses that are compared", () => {
  const random = createRandom("temperature");
  const [count, classes] = [300, 4];
  const labels = Int32Array.from({ length: count }, () => random.integer(0, classes - 1));
  const logits = Float32Array.from({ length: count * classes }, (_, i) => {
    const isLabel = labels[Math.floor(i / classes)] === i % classes;
    return random.normal() + (isLabel ? 1.5 : 0);
  });
  const entropy = { kind: "cross-entropy", smoothing: 0.1, weights: [1, 2, 3, 4] } as const;
  const targets = { labels, values: null };
  const mean = (losses: Float64Array): number => losses.reduce((a, b) => a + b) / losses.length;
  const lossAt = (scale: number): number =>
    mean(
      Float64Array.from({ length: count }, (_, row) => {
        const x = Array.from({ length: classes }, (_, k) => scale * logits[row * classes + k]!);
        return Math.log(x.reduce((sum, v) => sum + Math.exp(v), 0)) - x[labels[row]!]!;
      }),
    );

  const scaled = (factor: number): Float32Array => logits.map((x) => x * factor);
  const judged = (outputs: Float32Array): number => mean(lossesOf(entropy, outputs, classes, targets));
  const least = Math.min(...Array.from({ length: 400 }, (_, i) => lossAt(2 ** (i / 50 - 4))));

  test("of a classifier are the least over all temperatures, without what only steers training", () => {
    for (const factor of [2, 4, 16]) expect(judged(scaled(factor))).toBeCloseTo(least, 5);
  });
  test("of a classifier that is not over-confident are taken as they are", () => {
    for (const factor of [0.25, 0.5]) expect(judged(scaled(factor))).toBeCloseTo(lossAt(factor), 5);
  });
  test("tell apart how well networks separate classes that both of them get right", () => {
    const margin = (size: number): Float32Array =>
      Float32Array.from({ length: count * classes }, (_, i) =>
        labels[Math.floor(i / classes)] === i % classes ? size : 0,
      );
    expect(judged(margin(6))).toBeCloseTo(Math.log(1 + 3 * Math.exp(-6)), 6);
    expect(judged(margin(0.2)) - judged(margin(6))).toBeGreaterThan(1);
  });
  test("of a regression are taken as they are", () => {
    const values = logits.map((x) => x + 0.5);
    const losses = lossesOf({ kind: "mse", weights: null }, logits, classes, {
      labels: new Int32Array(0),
      values,
    });
    for (const loss of losses) expect(loss).toBeCloseTo(0.25, 5);
  });
});

describe("the search", () => {
  /** Costs that are tried, from a first one, when every network from `least` on holds. */
  function search(first: number, least: number, rounds: number): { tried: number[]; bracket: Bracket } {
    let bracket: Bracket = { holds: null, fails: null };
    const tried: number[] = [];
    for (
      let cost: number | null = first;
      cost !== null && tried.length < rounds;
      cost = nextCost(bracket, 1.35)
    ) {
      tried.push(cost);
      bracket = narrowed(bracket, cost, cost >= least);
    }
    return { tried, bracket };
  }

  test("goes down until a network fails and up until one holds, then between the two until they are close", () => {
    for (const first of [50, 400, 3000]) {
      const { tried, bracket } = search(first, 300, 40);
      expect(tried.length).toBeLessThan(20);
      expect(bracket.holds!).toBeGreaterThanOrEqual(300);
      expect(bracket.fails!).toBeLessThan(300);
      expect(bracket.holds! / 300).toBeLessThan(1.08);
      for (const cost of tried.slice(2)) expect(cost).not.toBe(tried[0]);
    }
  });
  test("of the product has a round less than FINISHING_ROUND to go on, and keeps the smallest network that held", () => {
    // The last round trains what was found; the first network is the freeze's.
    const { tried, bracket } = search(400, 300, FINISHING_ROUND);
    expect(tried).toEqual([400, 280, Math.sqrt(400 * 280)]);
    expect(bracket).toEqual({ holds: Math.sqrt(400 * 280), fails: 280 });
    // Far too large, and far too small: nothing is close after so few rounds, and the bracket says what is known.
    const large = search(3000, 300, FINISHING_ROUND);
    expect(large.tried).toHaveLength(FINISHING_ROUND);
    expect(large.bracket).toEqual({ holds: large.tried.at(-1), fails: null });
    expect(large.bracket.holds! / 3000).toBeCloseTo(0.49, 9);
    const small = search(100, 300, FINISHING_ROUND);
    expect(small.bracket.holds).toBeNull();
    expect(small.bracket.fails! / 100).toBeCloseTo(1.35 ** (FINISHING_ROUND - 1), 9);
  });
  test("rises by the bits that are missing, within bounds", () => {
    expect(riseOf(4, 2)).toBeCloseTo(2.25, 12);
    expect(riseOf(16, 4)).toBeCloseTo(2.25, 12);
    expect(riseOf(1.01, 3)).toBe(1.35);
    expect(riseOf(0.5, 3)).toBe(1.35);
    expect(riseOf(1e9, 1)).toBe(4);
  });
  test("knows nothing before the first network", () => {
    expect(nextCost({ holds: null, fails: null }, 2)).toBeNull();
    expect(nextCost({ holds: 100, fails: null }, 2)!).toBeLessThan(100);
    expect(nextCost({ holds: null, fails: 100 }, 2)).toBe(200);
    expect(narrowed({ holds: 90, fails: 50 }, 70, true)).toEqual({ holds: 70, fails: 50 });
    expect(narrowed({ holds: 90, fails: 50 }, 70, false)).toEqual({ holds: 90, fails: 70 });
  });
});

describe("the outcome of a search", () => {
  /** A finished run of first weights, in formats so fine that integers and float agree to about 1e-3. */
  async function bound(epsilon: number, bracket: Bracket, widths?: { min: number; max: number }) {
    const bits = widths ?? { min: 2, max: 8 };
    const asked = request({
      training: { objective: { kind: "lossless", epsilon }, weights: { bits }, input: { bits } },
    });
    const network = networkOf(asked.graph);
    const run = createRun(await openWasm(), asked, network);
    const { state } = run;
    const validation = { accuracy: null, loss: 1 };
    state.baseline = {
      model: floatModelOf(copyParameters(state.parameters), run.inputFractions),
      validation,
    };
    const formats: Formats = {
      weights: network.layers.map(() => ({
        kind: "int",
        signed: true,
        width: 14,
        fraction: 11,
        groups: null,
      })),
      signals: network.signals.map(({ signed }) => ({ kind: "int", signed, width: 14, fraction: 10 })),
    };
    state.frozen = { formats, kept: network.signals.map(() => null) };
    state.bracket = bracket;
    return outcomeOf(run);
  }

  test("that always held says that the rounds ended it", async () => {
    const outcome = await bound(0.5, { holds: 100, fails: null });
    expect(outcome.bound).toBe(
      "the rounds: every network that was tried stays within epsilon, and none was left to try a smaller one",
    );
    expect(outcome).toMatchObject({ objective: "lossless", limits: [], difference: { holds: true } });
  });
  test("between a network that held and one that did not says that the loss bound it", async () => {
    const outcome = await bound(0.5, { holds: 100, fails: 70 });
    expect(outcome.bound).toBe("the loss: with fewer bit operations the integers left epsilon");
  });
  test("in which nothing held says so, and what may help", async () => {
    const outcome = await bound(-0.5, { holds: null, fails: 100 });
    expect(outcome.bound).toMatch(/^the loss: no network that was tried stays within epsilon of float;/);
    expect(outcome.difference?.holds).toBe(false);
  });
  test("of given widths had nothing to look for", async () => {
    const outcome = await bound(0.5, { holds: null, fails: null }, { min: 4, max: 4 });
    expect(outcome.bound).toBe("every width is given by the model: nothing was left to be found");
  });
});
