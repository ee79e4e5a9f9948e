// From chains and trained steps to formats, and what formats cost.
import { describe, expect, test } from "vitest";
import { createRandom } from "../../../support/random.ts";
import { chainOf } from "../../../train/chain.ts";
import type { LayerFormats, WeightFormat } from "../../../train/formats.ts";
import {
  bestFormat,
  bipolarFormat,
  freeze,
  frozenFormat,
  type LayerQuantizers,
} from "../../../train/freeze.ts";
import {
  bitOperationsOf,
  ebopsOf,
  type Frozen,
  fillOf,
  leastBits,
  lutsOf,
  meanWeightBits,
  measure,
  weightBitsOf,
} from "../../../train/limits.ts";
import { weightMap, widthsAreGiven } from "../../../train/noise-phase.ts";
import { initialParameters } from "../../../train/parameters.ts";
import { oneStep, stepPerGroup } from "../../../train/step-map.ts";
import { chainGraph, type LayerWord, SIGNED, type SpecChanges, spec, UNSIGNED } from "./small-data.ts";

describe("a chain", () => {
  test("knows which tensors may be negative", () => {
    const signs = (words: readonly LayerWord[], stored = UNSIGNED): boolean[] =>
      chainOf(chainGraph([6], stored, words)).layers.map((l) => l.signed);
    expect(signs([5, "relu", 4, 3, "argmax"])).toEqual([false, false, true]);
    expect(signs([5, 4, "argmax"], SIGNED)).toEqual([true, true]);
    expect(signs([5, "hardtanh", 4, "step", 3, "sign", 2])).toEqual([false, true, false, true]);
  });
  test("keeps a batchnorm with the layer before it and with the tensor after it", () => {
    const { layers, outputs } = chainOf(
      chainGraph([2, 3], UNSIGNED, ["flatten", 5, "batchnorm", "sign", 4, "step", 3, "argmax"]),
    );
    expect(layers.map((l) => [l.node, l.batchNorm, l.enteringNormalized, l.activation])).toEqual([
      ["n1", true, false, "none"],
      ["n4", false, true, "sign"],
      ["n6", false, false, "step"],
    ]);
    expect([layers[0]!.inputs, outputs]).toEqual([6, 3]);
  });
  test.each([
    [[5, "relu"], /an activation after the last dense/],
    [[5, "batchnorm"], /a batchnorm after the last dense/],
    [["batchnorm", 5], /a batchnorm that does not follow a dense/],
    [[5, "batchnorm", 4], /dense directly after a batchnorm/],
    [[5, "relu", "sign", 4], /sign that does not follow a dense/],
    [["relu", 5], /relu that does not follow a dense/],
    [[5, "argmax", 3], /a layer after argmax/],
    [["flatten"], /no dense layer/],
  ] as const)("refuses %j", (words, message) => {
    expect(() => chainOf(chainGraph([6], UNSIGNED, words))).toThrow(message);
  });
  test("refuses a dense layer on an image, and a branch", () => {
    expect(() => chainOf(chainGraph([2, 3], UNSIGNED, [5]))).toThrow(/flatten it first/);
    const graph = chainGraph([6], UNSIGNED, [5, "relu", 4]);
    const nodes = graph.nodes.map((n) => (n.name === "n2" ? { ...n, input: "n0" } : n));
    expect(() => chainOf({ ...graph, nodes: nodes as typeof graph.nodes })).toThrow(/branch/);
  });
});

describe("a trained quantizer's format", () => {
  const widths = { min: 1, max: 8 };
  test("has the nearest power of two as its step", () => {
    expect(frozenFormat(1, 2 ** -3.4, false, widths)).toMatchObject({ width: 3, fraction: 3 });
    expect(frozenFormat(1, 2 ** -3.6, false, widths)).toMatchObject({ width: 4, fraction: 4 });
  });
  test("gives ternary weights two bits and seven levels three", () => {
    expect(frozenFormat(1, 1, true, widths)).toMatchObject({ signed: true, width: 2, fraction: 0 });
    expect(frozenFormat(3, 1, true, widths)).toMatchObject({ signed: true, width: 3, fraction: 0 });
  });
  test.each([8, 5, 3])("keeps the range of what would be wider than %d bits", (max) => {
    for (const signed of [true, false]) {
      const { width, fraction } = frozenFormat(1, 2 ** -12, signed, { min: 1, max });
      expect(width).toBe(max);
      // A signed range is symmetric, two's complement one value more: half of a step may be lost at the end.
      expect(2 ** (width - (signed ? 1 : 0) - (fraction as number))).toBeGreaterThanOrEqual(1);
    }
  });
  test("is no narrower than it may be: its steps get finer", () => {
    const { width, fraction } = frozenFormat(1, 1, true, { min: 4, max: 8 });
    expect([width, fraction]).toEqual([4, 2]);
    expect(frozenFormat(1, 8, false, widths)).toMatchObject({ width: 1 });
    expect(frozenFormat(0.1, 1, true, widths).width).toBe(2);
    expect(Object.is(frozenFormat(1, 1, true, widths).fraction, 0)).toBe(true);
  });
});

describe("frozen formats", () => {
  const graph = chainGraph([6], UNSIGNED, [5, "hardtanh", 4, "batchnorm", "relu", 5, "sign", 3]);
  const chain = chainOf(graph);
  const parameters = initialParameters(chain, 1);
  const weightsOf = (i: number): Float32Array => parameters[`${i}.weights`]!;
  function formatsOf(
    changes: SpecChanges,
    logSteps: (layer: number, k: number) => number,
    rangeOf = (_step: number): number => 1,
  ): LayerFormats[] {
    const training = spec(graph, changes);
    const quantizers = chain.layers.map((layer, i): LayerQuantizers => {
      const map = weightMap(layer, training);
      const base = { signed: true, forward: "noise" as const };
      const steps = Array.from({ length: map.count }, (_, k) => 2 ** logSteps(i, k));
      const activation = {
        ...base,
        signed: layer.signed,
        map: oneStep(1, layer.inputs),
        ranges: [1],
        steps: [2 ** -6.2],
      };
      return {
        weight:
          training.layers[layer.node]!.weights.bits.max === 1
            ? undefined
            : { ...base, map, steps, ranges: steps.map((_, k) => rangeOf(k)) },
        activation: layer.activation === "sign" ? undefined : activation,
      };
    });
    return freeze(chain, training, quantizers, weightsOf);
  }

  test("of one alpha a layer have one fraction", () => {
    for (const { weight } of formatsOf({}, () => -3))
      expect(weight).toMatchObject({ width: 4, fraction: 3, groups: null });
  });
  test("of one alpha a unit have a fraction each, and one in the last layer: its sums are compared", () => {
    const formats = formatsOf({ weights: { granularity: { kind: "channel" } } }, (_, k) => -2 - k);
    expect(formats[0]!.weight).toMatchObject({ fraction: [2, 3, 4, 5, 6], width: 7 });
    expect(formats[3]!.weight).toMatchObject({ fraction: 4 });
  });
  test("of one alpha a group share the finest fraction, and coarser groups are shifted", () => {
    const formats = formatsOf({ weights: { granularity: { kind: "group", size: 2 } } }, (_, k) => -2 - k);
    expect(formats[0]!.weight).toMatchObject({ fraction: 4, groups: { size: 2, shifts: [2, 1, 0] } });
    const narrow = formatsOf(
      { weights: { granularity: { kind: "group", size: 2 }, bits: { min: 2, max: 3 } } },
      (_, k) => -2 - 3 * k,
    );
    for (const { weight } of narrow) expect(weight.width).toBeLessThanOrEqual(3);
  });
  const weightsMost = (changes: SpecChanges): number => changes.weights?.bits?.max ?? 8;
  test.each([
    ["layer", { weights: { granularity: { kind: "layer" } } }],
    ["channel", { weights: { granularity: { kind: "channel" } } }],
    ["group", { weights: { granularity: { kind: "group", size: 2 } } }],
    ["channel, few bits", { weights: { granularity: { kind: "channel" }, bits: { min: 2, max: 4 } } }],
    ["group, few bits", { weights: { granularity: { kind: "group", size: 2 }, bits: { min: 2, max: 4 } } }],
  ] as const satisfies readonly (readonly [string, SpecChanges])[])(
    "hold the trained ranges of every %s: what is too wide gives up its finest steps",
    (_, changes) => {
      const rangeOf = (k: number): number => 2 ** (k % 4);
      formatsOf(changes, (_layer, k) => -2 - 2 * k, rangeOf).forEach(({ weight }, i) => {
        const { count } = weightMap(chain.layers[i]!, spec(graph, changes));
        const ranges = Array.from({ length: count }, (_unused, k) => rangeOf(k));
        const held = (fraction: number): number => 2 ** (weight.width - 1 - fraction);
        // Half a step may be lost at the end of a range.
        if (typeof weight.fraction === "number")
          expect(held(weight.fraction)).toBeGreaterThanOrEqual(Math.max(...ranges));
        else
          weight.fraction.forEach((fraction, k) => {
            expect(held(fraction)).toBeGreaterThanOrEqual(ranges[k]!);
          });
        expect(weight.width).toBeLessThanOrEqual(weightsMost(changes));
      });
    },
  );
  test("hold the ranges of every channel of the input: it cannot be scaled", () => {
    const training = spec(graph, { input: { granularity: "channel" } });
    const map = stepPerGroup(1, 6, 1);
    const ranges = [1, 1, 4, 1, 0.25, 1];
    const quantizer = {
      signed: false,
      forward: "noise" as const,
      map,
      ranges,
      steps: ranges.map((r) => r / 15),
    };
    const quantizers = chain.layers.map(() => ({ weight: undefined, activation: quantizer }));
    const { width, fraction } = freeze(chain, training, quantizers, weightsOf)[0]!.activation;
    expect([width, fraction]).toEqual([8, 6]);
  });
  test("of layers that may only be bipolar have one bit, the nearest power of two to the mean size", () => {
    const formats = formatsOf({ weights: { bits: { min: 1, max: 1 } } }, () => -3);
    for (const [i, { weight }] of formats.entries()) {
      expect(weight).toMatchObject({ kind: "bipolar", width: 1 });
      const mean = weightsOf(i).reduce((sum, w) => sum + Math.abs(w), 0) / weightsOf(i).length;
      expect(Math.abs(Math.log2(mean) + (weight.fraction as number))).toBeLessThanOrEqual(0.5);
    }
    expect(bipolarFormat(new Float32Array(4)).fraction).toBe(0);
  });
  test("of activations keep to their kind: hardtanh in [-1, 1), few thresholds, signs", () => {
    const [, hardtanh, normalized, sign] = formatsOf({}, () => -3).map((f) => f.activation);
    expect(hardtanh!.fraction).toBe(hardtanh!.width - 1);
    // 2^width - 1 thresholds a unit.
    expect(normalized!.width).toBeLessThanOrEqual(4);
    expect(sign).toEqual({ kind: "bipolar", signed: false, width: 1, fraction: 0 });
  });
  test("keep to the widths of their layer", () => {
    const changes = { weights: { bits: { min: 3, max: 5 } }, input: { bits: { min: 3, max: 3 } } };
    for (const log of [-12, -4, -1, 0]) {
      for (const { weight, activation } of formatsOf(changes, () => log)) {
        expect(weight.width).toBeGreaterThanOrEqual(3);
        expect(weight.width).toBeLessThanOrEqual(5);
        if (activation.kind === "int") expect(activation.width).toBe(3);
      }
    }
  });
  test("widths are given when nothing is left to choose", () => {
    const given = { weights: { bits: { min: 3, max: 3 } }, input: { bits: { min: 4, max: 4 } } };
    expect(widthsAreGiven(chain, spec(graph, given))).toBe(true);
    expect(widthsAreGiven(chain, spec(graph, { ...given, input: { bits: { min: 3, max: 4 } } }))).toBe(false);
    expect(widthsAreGiven(chain, spec(graph, { ...given, weights: { bits: { min: 1, max: 2 } } }))).toBe(
      false,
    );
  });
  test("of a given width have the step with the least square error", () => {
    const random = createRandom("best-format");
    const x = Float32Array.from({ length: 4000 }, () => random.normal());
    const error = ({ fraction }: { fraction: unknown }, width: number): number => {
      const step = 2 ** -(fraction as number);
      const most = 2 ** (width - 1);
      return x.reduce(
        (sum, v) => sum + (v - step * Math.max(-most, Math.min(most - 1, Math.round(v / step)))) ** 2,
        0,
      );
    };
    for (const width of [2, 4, 8]) {
      const best = bestFormat(x, width, true);
      expect(best).toMatchObject({ width, signed: true });
      for (const shift of [-2, -1, 1, 2])
        expect(error(best, width)).toBeLessThanOrEqual(
          error({ fraction: (best.fraction as number) + shift }, width) * 1.001,
        );
    }
  });
});

describe("costs", () => {
  const graph = chainGraph([6], UNSIGNED, [5, "relu", 4, 3, "argmax"]);
  const chain = chainOf(graph);
  const weight = (width: number): WeightFormat => ({
    kind: "int",
    signed: true,
    width,
    fraction: width,
    groups: null,
  });
  const frozen: Frozen = {
    chain,
    parameters: initialParameters(chain, 1),
    formats: [
      [2, 1],
      [3, 4],
      [5, 6],
    ].map(([w, a], i) => ({
      weight: weight(w!),
      activation: { kind: "int", signed: chain.layers[i]!.signed, width: a!, fraction: a! },
    })),
    kept: [null, null, null],
  };
  const bits = [
    { weight: 2, activation: 1 },
    { weight: 3, activation: 4 },
    { weight: 5, activation: 6 },
  ];

  test("count the multiplications of each layer", () => {
    expect(bitOperationsOf(chain, bits)).toBe(30 * 2 + 20 * 12 + 12 * 30);
    expect(weightBitsOf(chain, bits)).toBe(30 * 2 + 20 * 3 + 12 * 5);
    expect(meanWeightBits(chain, bits)).toBeCloseTo(180 / 62, 12);
    // At 10 cycles: 3, 2 and 2 multipliers, each with partial products and an adder.
    expect(lutsOf(chain, bits, 10)).toBe(3 * (2 + 3 + 3) + 2 * (12 + 7 + 3) + 2 * (30 + 11 + 2));
    expect(lutsOf(chain, bits, 1)).toBeGreaterThan(lutsOf(chain, bits, 10));
  });
  test("of EBOPs count the digits that the mantissas have: none for 0", () => {
    // 6 = 110 and -4 = 100 have spans of 2 and 1; 5 = 101 has 3.
    const mantissas = [6, -4, 5, 0];
    const small = chainOf(chainGraph([4], UNSIGNED, [1]));
    const parameters = {
      "0.weights": Float32Array.from(mantissas, (m) => m / 16),
      "0.bias": new Float32Array(1),
    };
    const formats: LayerFormats[] = [
      {
        weight: { ...weight(5), fraction: 4 },
        activation: { kind: "int", signed: false, width: 3, fraction: 3 },
      },
    ];
    expect(ebopsOf({ chain: small, parameters, formats, kept: [null] })).toBe((2 + 1 + 3) * 3);
    const bipolar = [{ ...formats[0]!, weight: { ...weight(1), kind: "bipolar" as const } }];
    expect(ebopsOf({ chain: small, parameters, formats: bipolar, kept: [null] })).toBe(4 * 3);
  });
  test("fill the tightest of the limits", () => {
    expect(measure("bitOperations", frozen, 10)).toBe(660);
    expect(fillOf({ bitOperations: 1320, weightBits: 200 }, frozen, 10)).toBeCloseTo(0.9, 12);
    expect(fillOf({ bitOperations: 330, weightBits: 200 }, frozen, 10)).toBe(2);
  });
  test("have a floor by what the layers allow and signals need", () => {
    const leastOf = (changes: SpecChanges) => chain.layers.map((l) => leastBits(l, spec(graph, changes)));
    expect(leastOf({})).toEqual([
      { weight: 2, activation: 1 },
      { weight: 2, activation: 1 },
      { weight: 2, activation: 2 },
    ]);
    expect(
      leastOf({ weights: { bits: { min: 1, max: 8 } }, input: { bits: { min: 3, max: 8 } } })[2],
    ).toEqual({ weight: 1, activation: 3 });
  });
});
