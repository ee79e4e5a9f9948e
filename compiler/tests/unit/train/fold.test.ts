// Batch-norms that weights and biases take over: which of them, that the values stay, and what pruning leaves of the rest.
import { beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../../../support/random.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { floatPass } from "../../../train/float-model.ts";
import { foldBatchNorms, foldedNetwork } from "../../../train/fold.ts";
import { type Network, networkOf } from "../../../train/network.ts";
import type { ParameterSet } from "../../../train/optimizers.ts";
import { copyParameters, initialParameters } from "../../../train/parameters.ts";
import { outputsOf } from "../../../train/passes.ts";
import { leftOf } from "../../../train/rounding-phase.ts";
import { chainGraph, type LayerWord, openWasm, SIGNED, type SpecChanges, spec } from "./small-data.ts";

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

const ELEMENTS = 5;
const ROWS = 24;
const WORDS: readonly LayerWord[] = [
  7,
  "batchnorm",
  "relu",
  6,
  "batchnorm",
  "sign",
  5,
  "batchnorm",
  "hardtanh",
  4,
  "batchnorm",
  3,
];
const graph = chainGraph([ELEMENTS], SIGNED, WORDS);
const network = networkOf(graph);

function norms({ layers }: Network): boolean[] {
  return layers.map((layer) => layer.batchNorm);
}

/** First weights, and batch-norms that are not those of the start. */
function someParameters(): ParameterSet {
  const random = createRandom("fold");
  const parameters = initialParameters(network, 5);
  for (const [name, values] of Object.entries(parameters)) {
    if (/shift|mean/.test(name)) values.set(values.map(() => random.normal() * 0.4));
    if (/gain|variance/.test(name)) values.set(values.map(() => 0.5 + random.uniform()));
  }
  return parameters;
}

describe("a batch-norm is taken over", () => {
  test("by weights of more than one bit, but not before a comparison; thresholds are left to the rest", () => {
    const folded = foldedNetwork(network, spec(graph));
    expect(norms(network)).toEqual([true, true, true, true, false]);
    expect(norms(folded)).toEqual([false, true, false, false, false]);
    expect(folded.signals.map((s) => s.normalized)).toEqual([false, false, true, false, false]);
  });

  test("nowhere where weights are signs alone", () => {
    const one = { weights: { bits: { min: 1, max: 1 } } };
    expect(foldedNetwork(network, spec(graph, one))).toBe(network);
    // Weights that may be signs are no signs yet.
    const perhaps: SpecChanges = { weights: { bits: { min: 1, max: 2 } } };
    expect(norms(foldedNetwork(network, spec(graph, perhaps)))).toEqual([false, true, false, false, false]);
  });

  test("with its running statistics, so that the values stay", () => {
    const training = spec(graph);
    const random = createRandom("fold inputs");
    const inputs = Float32Array.from({ length: ROWS * ELEMENTS }, () => random.normal());
    const before = someParameters();
    const after = copyParameters(before);
    const folded = foldedNetwork(network, training);
    foldBatchNorms(network, folded, after);
    const kinds = (i: number): string[] =>
      Object.keys(after)
        .filter((name) => name.startsWith(`${i}.`))
        .map((name) => name.slice(2))
        .toSorted();
    for (const i of [0, 2, 3]) expect(kinds(i)).toEqual(["bias", "weights"]);
    expect(kinds(1)).toEqual(["gain", "mean", "shift", "variance", "weights"]);

    const [expected] = outputsOf(tf, ROWS, [inputs], floatPass(network, training, before, "running"));
    const [found] = outputsOf(tf, ROWS, [inputs], floatPass(folded, training, after, "running"));
    expect(new Set(expected).size).toBeGreaterThan(ROWS);
    found!.forEach((y, i) => {
      expect(y).toBeCloseTo(expected![i]!, 4);
    });
  });

  test("for good: what pruning leaves of the network does not get it back", () => {
    const folded = foldedNetwork(network, spec(graph));
    const left = leftOf(folded, [[0, 2, 3], null, [1, 4], null, null]);
    expect(left.layers.map((l) => [l.inputs, l.units])).toEqual([
      [3, 7],
      [7, 2],
      [2, 5],
      [5, 4],
      [4, 3],
    ]);
    expect(norms(left)).toEqual(norms(folded));
    expect(left.signals.map((s) => s.normalized)).toEqual(folded.signals.map((s) => s.normalized));
  });
});
