import { describe, expect, test } from "vitest";
import type { LayerFormats } from "../../../train/bit-operations.ts";
import { bitOperationsOf, leastBitOperations, meanWeightBits } from "../../../train/bit-operations.ts";
import { chainOf } from "../../../train/chain.ts";
import { frozenFormat } from "../../../train/freeze.ts";
import { meetBudget } from "../../../train/greedy.ts";
import { chainGraph, SIGNED, UNSIGNED } from "./small-data.ts";

const chain = chainOf(chainGraph([6], UNSIGNED, [5, "relu", 4, 3, "argmax"]));

function formatsOf(widths: readonly (readonly [number, number])[]): LayerFormats[] {
  return widths.map(([weight, activation], i) => ({
    weight: { signed: true, width: weight, fraction: weight },
    activation: { signed: chain.layers[i]!.signed, width: activation, fraction: activation },
  }));
}

describe("a chain", () => {
  test("knows which tensors may be negative", () => {
    expect(chain.layers.map((l) => l.signed)).toEqual([false, false, true]);
    const signed = chainOf(chainGraph([6], SIGNED, [5, 4, "argmax"]));
    expect(signed.layers.map((l) => l.signed)).toEqual([true, true]);
    const cut = chainOf(chainGraph([6], SIGNED, ["relu", 5, "argmax"]));
    expect(cut.layers.map((l) => l.signed)).toEqual([false]);
  });
  test.each([
    [[5, "relu"] as const, /relu after the last dense/],
    [[5, "argmax", 3] as const, /after argmax/],
    [["flatten"] as const, /no dense layer/],
  ])("refuses %j", (words, message) => {
    expect(() => chainOf(chainGraph([6], UNSIGNED, words))).toThrow(message);
  });
  test("refuses a dense layer on an image, and a branch", () => {
    expect(() => chainOf(chainGraph([2, 3], UNSIGNED, [5]))).toThrow(/flatten it first/);
    const graph = chainGraph([6], UNSIGNED, [5, "relu", 4]);
    const nodes = graph.nodes.map((n) => (n.name === "n2" ? { ...n, input: "n0" } : n));
    expect(() => chainOf({ ...graph, nodes: nodes as typeof graph.nodes })).toThrow(/branch/);
  });
});

describe("the freeze", () => {
  test("takes the nearest power of two as the step", () => {
    expect(frozenFormat(1, 2 ** -3.4, false)).toEqual({ signed: false, width: 3, fraction: 3 });
    expect(frozenFormat(1, 2 ** -3.6, false)).toEqual({ signed: false, width: 4, fraction: 4 });
  });
  test("gives ternary weights two bits and seven levels three", () => {
    expect(frozenFormat(1, 1, true)).toEqual({ signed: true, width: 2, fraction: 0 });
    expect(frozenFormat(3, 1, true)).toEqual({ signed: true, width: 3, fraction: 0 });
  });
  test("keeps the range of what would be wider than eight bits", () => {
    const { width, fraction } = frozenFormat(1, 2 ** -12, false);
    expect(width).toBe(8);
    expect(2 ** (width - fraction)).toBeGreaterThanOrEqual(1);
  });
  test("keeps the floors, and writes no negative zero", () => {
    expect(frozenFormat(1, 8, false)).toEqual({ signed: false, width: 1, fraction: -3 });
    expect(frozenFormat(0.1, 1, true).width).toBe(2);
    expect(Object.is(frozenFormat(1, 1, true).fraction, 0)).toBe(true);
  });
});

describe("the cost", () => {
  test("is the sum of weight width x activation width over the multiplications", () => {
    const formats = formatsOf([
      [2, 1],
      [3, 4],
      [5, 6],
    ]);
    expect(bitOperationsOf(chain, formats)).toBe(30 * 2 + 20 * 12 + 12 * 30);
    expect(meanWeightBits(chain, formats)).toBeCloseTo((30 * 2 + 20 * 3 + 12 * 5) / 62, 12);
  });
  test("has a floor of two bits for weights, one for what follows a relu, two for other tensors", () => {
    expect(leastBitOperations(chain)).toBe(30 * 2 + 20 * 2 + 12 * 4);
  });
});

describe("the rounding pass", () => {
  const start = formatsOf([
    [8, 8],
    [8, 8],
    [8, 8],
  ]);
  /** A loss in which bits of the last layer are worth most; never told anything but formats. */
  const probe = {
    loss: async (formats: readonly LayerFormats[]) =>
      formats.reduce((sum, f, i) => sum + (i + 1) * (2 ** -f.weight.width + 2 ** -f.activation.width), 0),
    settle: () => {},
  };
  test.each([148, 149, 200, 700, 1500, 3967, 3968, 99999])(
    "meets %d bit operations from below",
    async (budget) => {
      const formats = await meetBudget(chain, start, budget, probe);
      const cost = bitOperationsOf(chain, formats);
      expect(cost).toBeLessThanOrEqual(budget);
      // One more bit somewhere would not fit, or every width is the largest.
      const widest = formats.every((f) => f.weight.width === 8 && f.activation.width === 8);
      if (!widest && budget > 148) expect(cost).toBeGreaterThan(budget * 0.6);
      for (const [i, f] of formats.entries()) {
        expect(f.weight.width).toBeGreaterThanOrEqual(2);
        expect(f.activation.width).toBeGreaterThanOrEqual(chain.layers[i]!.signed ? 2 : 1);
      }
    },
  );
  test("takes bits where they cost least", async () => {
    const formats = await meetBudget(chain, start, 700, probe);
    const width = (i: number): number => formats[i]!.weight.width + formats[i]!.activation.width;
    expect(width(2)).toBeGreaterThan(width(0));
  });
  test("leaves a budget above the widest formats alone", async () => {
    expect(await meetBudget(chain, start, 1e9, probe)).toEqual(start);
  });
});
