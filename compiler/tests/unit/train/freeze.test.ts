// From graphs to networks, from trained steps to formats, and what formats cost.
import { describe, expect, test } from "vitest";
import { createRandom } from "../../../support/random.ts";
import { foldedNetwork } from "../../../train/fold.ts";
import { type Formats, type WeightFormat, withWeights } from "../../../train/formats.ts";
import { bestFormat, bipolarFormat, freeze, frozenFormat, type Quantizers } from "../../../train/freeze.ts";
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
import { networkOf, outputElements } from "../../../train/network.ts";
import { weightMap, widthsAreGiven } from "../../../train/noise-phase.ts";
import type { NoisyQuantizer } from "../../../train/noise-quantizer.ts";
import { initialParameters } from "../../../train/parameters.ts";
import { oneStep, stepPerGroup } from "../../../train/step-map.ts";
import { chainGraph, type LayerWord, SIGNED, type SpecChanges, spec, UNSIGNED } from "./small-data.ts";

describe("a chain of dense layers", () => {
  test("knows which tensors may be negative", () => {
    const signs = (words: readonly LayerWord[], stored = UNSIGNED): boolean[] =>
      networkOf(chainGraph([6], stored, words)).signals.map((s) => s.signed);
    expect(signs([5, "relu", 4, 3, "argmax"])).toEqual([false, false, true]);
    expect(signs([5, 4, "argmax"], SIGNED)).toEqual([true, true]);
    expect(signs([5, "hardtanh", 4, "step", 3, "sign", 2])).toEqual([false, true, false, true]);
  });
  test("keeps a batchnorm with the layer before it and with the tensor after it", () => {
    const network = networkOf(
      chainGraph([2, 3], UNSIGNED, ["flatten", 5, "batchnorm", "sign", 4, "step", 3, "argmax"]),
    );
    const { layers, signals } = network;
    expect(layers.map((l) => [l.node, l.batchNorm])).toEqual([
      ["n1", true],
      ["n4", false],
      ["n6", false],
    ]);
    expect(signals.map((s) => [s.node, s.maker, s.normalized, s.activation])).toEqual([
      ["n0", null, false, "none"],
      ["n3", 0, true, "sign"],
      ["n5", 1, false, "step"],
    ]);
    expect([layers[0]!.inputs, outputElements(network)]).toEqual([6, [3]]);
  });
  test.each([
    [[5, "batchnorm"], /a batchnorm before an output/],
    [[5, "sign"], /signs as an output/],
    [["batchnorm", 5], /a batchnorm that does not follow a layer with weights/],
    [[5, "relu", "batchnorm", 4], /a batchnorm that does not follow a layer with weights/],
    [[5, "batchnorm", "batchnorm", 4], /a batchnorm that does not follow a layer with weights/],
    [[5, "argmax", 3], /a layer after argmax/],
    [["flatten"], /no dense layer/],
  ] as const)("refuses %j", (words, message) => {
    expect(() => networkOf(chainGraph([6], UNSIGNED, words))).toThrow(message);
  });
  test("may have an activation of the input or of another one, and a batchnorm without one", () => {
    const signalsOf = (words: readonly LayerWord[]) =>
      networkOf(chainGraph([6], SIGNED, words)).signals.map((s) => [s.activation, s.maker, s.normalized]);
    expect(signalsOf(["relu", 5])).toEqual([["relu", null, false]]);
    // The relu is quantized before its sign.
    expect(signalsOf([5, "relu", "sign", 4])).toEqual([
      ["none", null, false],
      ["relu", 0, false],
      ["sign", null, false],
    ]);
    expect(signalsOf([5, "batchnorm", 4])).toEqual([
      ["none", null, false],
      ["none", 0, true],
    ]);
  });
  test("whose layer is read twice has sums and what is made of them apart", () => {
    const graph = chainGraph([6], UNSIGNED, [5, "relu", 4]);
    const nodes = graph.nodes.map((n) => (n.name === "n2" ? { ...n, input: "n0" } : n));
    // What nobody reads needs no quantizer.
    const { signals } = networkOf({ ...graph, nodes: nodes as typeof graph.nodes });
    expect(signals.map((s) => [s.node, s.activation])).toEqual([
      ["x", "none"],
      ["n0", "none"],
    ]);
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
  const network = networkOf(graph);
  const parameters = initialParameters(network, 1);
  const weightsOf = (i: number): Float32Array => parameters[`${i}.weights`]!;
  function formatsOf(
    changes: SpecChanges,
    logSteps: (layer: number, k: number) => number,
    rangeOf = (_step: number): number => 1,
    of = network,
  ): Formats {
    const training = spec(graph, changes);
    const forward = "noise" as const;
    const quantizers: Quantizers = {
      weights: of.layers.map((layer, i): NoisyQuantizer | undefined => {
        if (training.layers[layer.node]!.weights.bits.max === 1) return undefined;
        const map = weightMap(layer, training);
        const steps = Array.from({ length: map.count }, (_, k) => 2 ** logSteps(i, k));
        return { signed: true, forward, map, steps, ranges: steps.map((_, k) => rangeOf(k)) };
      }),
      signals: of.signals.map(({ activation, signed, elements }): NoisyQuantizer | undefined => {
        if (activation === "sign") return undefined;
        return { signed, forward, map: oneStep(1, elements), ranges: [1], steps: [2 ** -6.2] };
      }),
    };
    return freeze(of, training, quantizers, weightsOf);
  }

  test("of one alpha a layer have one fraction", () => {
    for (const weight of formatsOf({}, () => -3).weights)
      expect(weight).toMatchObject({ width: 4, fraction: 3, groups: null });
  });
  test("of one alpha a unit have a fraction each, and one in the last layer: its sums are compared", () => {
    const { weights } = formatsOf({ weights: { granularity: { kind: "channel" } } }, (_, k) => -2 - k);
    expect(weights[0]).toMatchObject({ fraction: [2, 3, 4, 5, 6], width: 7 });
    expect(weights[3]).toMatchObject({ fraction: 4 });
  });
  test("of one alpha a group share the finest fraction, and coarser groups are shifted", () => {
    const { weights } = formatsOf({ weights: { granularity: { kind: "group", size: 2 } } }, (_, k) => -2 - k);
    expect(weights[0]).toMatchObject({ fraction: 4, groups: { size: 2, shifts: [2, 1, 0] } });
    const narrow = formatsOf(
      { weights: { granularity: { kind: "group", size: 2 }, bits: { min: 2, max: 3 } } },
      (_, k) => -2 - 3 * k,
    );
    for (const weight of narrow.weights) expect(weight.width).toBeLessThanOrEqual(3);
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
      formatsOf(changes, (_layer, k) => -2 - 2 * k, rangeOf).weights.forEach((weight, i) => {
        const { count } = weightMap(network.layers[i]!, spec(graph, changes));
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
    const quantizers = {
      weights: network.layers.map(() => undefined),
      signals: network.signals.map(() => quantizer),
    };
    const { width, fraction } = freeze(network, training, quantizers, weightsOf).signals[0]!;
    expect([width, fraction]).toEqual([8, 6]);
  });
  test("of layers that may only be bipolar have one bit, the nearest power of two to the mean size", () => {
    const formats = formatsOf({ weights: { bits: { min: 1, max: 1 } } }, () => -3);
    for (const [i, weight] of formats.weights.entries()) {
      expect(weight).toMatchObject({ kind: "bipolar", width: 1 });
      const mean = weightsOf(i).reduce((sum, w) => sum + Math.abs(w), 0) / weightsOf(i).length;
      expect(Math.abs(Math.log2(mean) + (weight.fraction as number))).toBeLessThanOrEqual(0.5);
    }
    expect(bipolarFormat(new Float32Array(4)).fraction).toBe(0);
  });
  test("of activations keep to their kind: hardtanh in [-1, 1), few thresholds, signs", () => {
    const [, hardtanh, normalized, sign] = formatsOf({}, () => -3).signals;
    expect(hardtanh!.fraction).toBe(hardtanh!.width - 1);
    // 2^width - 1 thresholds a unit.
    expect(normalized!.width).toBeLessThanOrEqual(4);
    // A batch-norm that is folded into its weights leaves no thresholds.
    const folded = foldedNetwork(network, spec(graph));
    const { signals } = formatsOf({}, () => -3, undefined, folded);
    expect(signals.map((s) => s.width)).toEqual([6, hardtanh!.width, 6, 1]);
    expect(sign).toEqual({ kind: "bipolar", signed: false, width: 1, fraction: 0 });
  });
  test("keep to the widths of their layer", () => {
    const changes = { weights: { bits: { min: 3, max: 5 } }, input: { bits: { min: 3, max: 3 } } };
    for (const log of [-12, -4, -1, 0]) {
      const { weights, signals } = formatsOf(changes, () => log);
      for (const { width } of weights) {
        expect(width).toBeGreaterThanOrEqual(3);
        expect(width).toBeLessThanOrEqual(5);
      }
      for (const { kind, width } of signals) if (kind === "int") expect(width).toBe(3);
    }
  });
  test("widths are given when nothing is left to choose", () => {
    const given = { weights: { bits: { min: 3, max: 3 } }, input: { bits: { min: 4, max: 4 } } };
    expect(widthsAreGiven(network, spec(graph, given))).toBe(true);
    expect(widthsAreGiven(network, spec(graph, { ...given, input: { bits: { min: 3, max: 4 } } }))).toBe(
      false,
    );
    expect(widthsAreGiven(network, spec(graph, { ...given, weights: { bits: { min: 1, max: 2 } } }))).toBe(
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
  const network = networkOf(graph);
  const weight = (width: number): WeightFormat => ({
    kind: "int",
    signed: true,
    width,
    fraction: width,
    groups: null,
  });
  const frozen: Frozen = {
    network,
    parameters: initialParameters(network, 1),
    formats: {
      weights: [2, 3, 5].map(weight),
      signals: [1, 4, 6].map((width, s) => {
        const { signed } = network.signals[s]!;
        return { kind: "int", signed, width, fraction: width };
      }),
    },
    kept: [null, null, null],
  };
  const bits = [
    { weight: 2, activation: 1 },
    { weight: 3, activation: 4 },
    { weight: 5, activation: 6 },
  ];

  test("count the multiplications of each layer", () => {
    expect(bitOperationsOf(network, bits)).toBe(30 * 2 + 20 * 12 + 12 * 30);
    expect(weightBitsOf(network, bits)).toBe(30 * 2 + 20 * 3 + 12 * 5);
    expect(meanWeightBits(network, bits)).toBeCloseTo(180 / 62, 12);
    // At 10 cycles: 3, 2 and 2 multipliers, each with partial products and an adder.
    expect(lutsOf(network, bits, 10)).toBe(3 * (2 + 3 + 3) + 2 * (12 + 7 + 3) + 2 * (30 + 11 + 2));
    expect(lutsOf(network, bits, 1)).toBeGreaterThan(lutsOf(network, bits, 10));
  });
  test("of EBOPs count the digits that the mantissas have: none for 0", () => {
    // 6 = 110 and -4 = 100 have spans of 2 and 1; 5 = 101 has 3.
    const mantissas = [6, -4, 5, 0];
    const small = networkOf(chainGraph([4], UNSIGNED, [1]));
    const parameters = {
      "0.weights": Float32Array.from(mantissas, (m) => m / 16),
      "0.bias": new Float32Array(1),
    };
    const formats: Formats = {
      weights: [{ ...weight(5), fraction: 4 }],
      signals: [{ kind: "int", signed: false, width: 3, fraction: 3 }],
    };
    expect(ebopsOf({ network: small, parameters, formats, kept: [null] })).toBe((2 + 1 + 3) * 3);
    const bipolar = withWeights(formats, 0, { ...weight(1), kind: "bipolar" });
    expect(ebopsOf({ network: small, parameters, formats: bipolar, kept: [null] })).toBe(4 * 3);
  });
  test("fill the tightest of the limits", () => {
    expect(measure("bitOperations", frozen, 10)).toBe(660);
    expect(fillOf({ bitOperations: 1320, weightBits: 200 }, frozen, 10)).toBeCloseTo(0.9, 12);
    expect(fillOf({ bitOperations: 330, weightBits: 200 }, frozen, 10)).toBe(2);
  });
  test("have a floor by what the layers allow and signals need", () => {
    const leastOf = (changes: SpecChanges) => leastBits(network, spec(graph, changes));
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
