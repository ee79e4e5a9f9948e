// The evaluation of the frozen network against plain integers by hand and against the simulated program.
import { beforeAll, describe, expect, test } from "vitest";
import type { LossSpec } from "../../../graph/project.ts";
import type { SampleSet } from "../../../graph/samples.ts";
import type {
  Entry,
  FrozenFormat,
  TrainedGraph,
  TrainedLayer,
  TrainedSignal,
} from "../../../graph/trained-graph.ts";
import { lower } from "../../../lower/lower.ts";
import { simulate } from "../../../sim/simulate.ts";
import { integerRange } from "../../../support/fixed-point.ts";
import { createRandom } from "../../../support/random.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { accumulatorFraction, evaluateFrozen } from "../../../train/frozen.ts";
import { scoreOf } from "../../../train/losses.ts";
import { randomSamples, randomTrained, trainedOf } from "../lower/random-trained.ts";
import { onePort, openWasm, sampleSet } from "./small-data.ts";

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

const CROSS_ENTROPY: LossSpec = { kind: "cross-entropy", smoothing: 0.1, weights: null };
const MSE: LossSpec = { kind: "mse", weights: null };

/** Sums of the last layer by the integer program. */
function simulated(trained: TrainedGraph, samples: SampleSet): number[] {
  const program = lower(trained);
  const { values } = simulate(program, new Map([["x", onePort(samples).inputs]]), samples.count);
  return Array.from(values.get(trained.layers.at(-1)!.node)!);
}

function expectEqual(trained: TrainedGraph, samples: SampleSet): number[] {
  const [found] = evaluateFrozen(tf, trained, samples, [{ loss: MSE, weight: 1 }]).outputs;
  const { fraction } = found!;
  const sums = Array.from(found!.sums, (x) => x + 0);
  expect(sums).toEqual(simulated(trained, samples));
  expect(fraction).toEqual(accumulatorFraction(trained.layers.at(-1)!));
  return sums;
}

test("equals the simulated program on random trained graphs of every kind", () => {
  const kinds = new Set<string>();
  let varying = 0;
  const graphs = 300;
  for (let seed = 0; seed < graphs; seed++) {
    const trained = randomTrained(seed);
    const sums = expectEqual(trained, randomSamples(trained, 40, seed));
    if (new Set(sums).size > 4) varying++;
    trained.layers.forEach((layer, i) => {
      const { entry } = trained.signals[i]!;
      const kept = i === 0 ? trained.keptInputs : trained.layers[i - 1]!.keptUnits;
      kinds.add(`${layer.weightFormat.kind} x ${layer.activationFormat.kind}`);
      kinds.add(typeof layer.weightFormat.fraction);
      if (entry.kind === "requantize") kinds.add(`relu ${entry.relu}`);
      if (entry.kind === "threshold") kinds.add(`base ${entry.base}`);
      kinds.add(`${kept !== null} ${layer.keptUnits !== null} ${layer.bias !== null}`);
    });
  }
  // The graphs are worth comparing: many kinds, and sums that are not all the same.
  expect(varying).toBeGreaterThan(graphs * 0.7);
  for (const kind of [
    "int x int",
    "int x bipolar",
    "bipolar x int",
    "bipolar x bipolar",
    "object",
    "relu true",
    "base -8",
  ])
    expect(kinds).toContain(kind);
  expect(kinds.size).toBeGreaterThan(18);
});

describe("by plain integers", () => {
  const random = createRandom("frozen");
  const integers = (count: number, width: number, signed: boolean): number[] => {
    const { min, max } = integerRange(width, signed);
    return Array.from({ length: count }, () => random.integer(min, max));
  };
  const int = (signed: boolean, width: number, fraction: number | readonly number[]): FrozenFormat => ({
    kind: "int",
    signed,
    width,
    fraction,
  });
  const noise = { alpha: 1, rms: 1, std: 1, snrBits: 0, varyingSnrBits: 0, residueRms: 0 };
  /** A layer and what enters it. */
  interface Pair {
    readonly layer: TrainedLayer;
    readonly entry: Entry;
  }
  const layer = (
    index: number,
    [inputs, units]: readonly [number, number],
    weightFormat: FrozenFormat,
    activationFormat: FrozenFormat,
    bias: number | null,
    entry: Entry = { kind: "requantize", relu: false },
  ): Pair => ({
    layer: {
      node: `fc${index}`,
      units,
      inputs,
      positions: 1,
      keptUnits: null,
      weights: integers(inputs * units, weightFormat.width, weightFormat.signed),
      weightFormat,
      weightNoise: noise,
      bias: bias === null ? null : Array.from({ length: units }, () => random.integer(-bias, bias)),
      activationFormat,
      activationNoise: noise,
    },
    entry,
  });
  const withLayer = (pair: Pair, changes: Partial<TrainedLayer>): Pair => ({
    ...pair,
    layer: { ...pair.layer, ...changes },
  });
  const chain = (
    stored: FrozenFormat,
    pairs: readonly Pair[],
    keptInputs: readonly number[] | null = null,
  ): TrainedGraph => {
    const layers = pairs.map((pair) => pair.layer);
    const origin = { file: "plain.floor", line: 1, column: 1 };
    const input = {
      kind: "input",
      name: "x",
      shape: [layers[0]!.inputs],
      stored: { signed: stored.signed, width: stored.width, fraction: stored.fraction as number },
      origin,
    } as const;
    const dense = layers.map((l, i) => {
      const from = i === 0 ? "x" : layers[i - 1]!.node;
      return {
        kind: "dense",
        name: l.node,
        input: from,
        units: l.units,
        shape: [l.units],
        origin,
      } as const;
    });
    const last = dense.at(-1)!.name;
    const signals = pairs.map(({ entry }, i): TrainedSignal => {
      const { name: reader, input: node } = dense[i]!;
      return { node, reader, entry, format: layers[i]!.activationFormat };
    });
    return trainedOf(
      { name: "plain", nodes: [input, ...dense], outputs: [{ name: "y", node: last }] },
      layers,
      signals,
      keptInputs,
    );
  };

  test("narrow layers, signed and not, with shifts both ways, over more than one batch", () => {
    const trained = chain(int(false, 8, 8), [
      layer(0, [9, 7], int(true, 2, 3), int(false, 1, 0), 5),
      layer(1, [7, 6], int(true, 3, 3), int(true, 4, 2), 40),
      layer(2, [6, 5], int(true, 4, -1), int(false, 5, 8), 40),
      layer(3, [5, 3], int(true, 5, 5), int(false, 6, -2), 100),
    ]);
    expectEqual(trained, randomSamples(trained, 1203, 1));
  });

  test("layers whose sums float32 does not hold are split, before roundings and before thresholds", () => {
    const rounded = chain(int(false, 8, 8), [
      layer(0, [1500, 4], int(true, 8, 7), int(false, 8, 8), 1e6),
      layer(1, [4, 3], int(true, 8, 7), int(true, 8, -3), 2 ** 27),
    ]);
    expectEqual(rounded, randomSamples(rounded, 30, 1));
    const decided = chain(int(false, 8, 8), [
      layer(0, [1500, 4], int(true, 8, 7), int(false, 8, 8), null),
      layer(1, [4, 3], { ...int(false, 1, 7), kind: "bipolar" }, int(true, 2, 1), 2 ** 27, {
        kind: "threshold",
        base: -2,
        levels: 3,
        thresholds: [0, 1, 2].flatMap((k) => [-1e6, k - 1, 5e5 + k]).concat([-(2 ** 47), 0, 0]),
      }),
    ]);
    expectEqual(decided, randomSamples(decided, 30, 2));
    const single = chain(int(true, 16, 12), [layer(0, [2000, 3], int(true, 8, 7), int(true, 8, 4), 1e8)]);
    expectEqual(single, randomSamples(single, 20, 3));
  });

  test("split sums keep what each unit has of its own, and ties", () => {
    const wide = layer(0, [1500, 4], int(true, 8, 7), int(false, 8, 8), 1e6);
    const eachUnit = chain(int(false, 8, 8), [
      withLayer(wide, { weightFormat: int(true, 8, [7, 9, 4, 10]) }),
      layer(1, [4, 3], int(true, 8, 7), int(true, 8, 0), 0),
    ]);
    expectEqual(eachUnit, randomSamples(eachUnit, 30, 4));
    // Sums of products with one sign are far beyond 2^24.
    const weights = wide.layer.weights.map((w) => 63 + Math.floor(Math.abs(w) / 2));
    const large = withLayer(wide, { weights });
    const alone = chain(int(false, 8, 8), [large]);
    const samples = randomSamples(alone, 30, 5);
    // The thresholds are the sums of the first sample: it reaches each of them, by nothing.
    const thresholds = expectEqual(alone, samples).slice(0, 4);
    expect(Math.min(...thresholds)).toBeGreaterThan(2 ** 24);
    const tied = chain(int(false, 8, 8), [
      large,
      withLayer(
        layer(1, [4, 1], int(true, 4, 0), { ...int(false, 1, 0), kind: "bipolar" }, 0, {
          kind: "threshold",
          base: 0,
          levels: 1,
          thresholds,
        }),
        { weights: [1, 2, 4, -8], bias: [8] },
      ),
    ]);
    expect(expectEqual(tied, samples)[0]).toBe(1 + 2 + 4 - 8 + 8);
  });

  test("a small network worked out with a pencil", () => {
    // Elements 0 and 2 are kept; the input's thresholds make signs of them, the sums' thresholds 2-bit levels.
    const sign: FrozenFormat = { kind: "bipolar", signed: false, width: 1, fraction: 0 };
    const signs: Entry = { kind: "threshold", base: 0, levels: 1, thresholds: [100, 200] };
    const levels: Entry = { kind: "threshold", base: -2, levels: 3, thresholds: [-2, 0, 2, -1, 0, 1] };
    const plain = chain(
      int(false, 8, 8),
      [
        withLayer(layer(0, [2, 2], sign, sign, null, signs), { weights: [1, 0, 1, 1] }),
        withLayer(layer(1, [2, 1], int(true, 4, 0), int(true, 2, 0), 0, levels), {
          weights: [5, -3],
          bias: [1],
        }),
      ],
      [0, 2],
    );
    const input = plain.graph.nodes[0]!;
    const trained = {
      ...plain,
      graph: { ...plain.graph, nodes: [{ ...input, shape: [3] }, ...plain.graph.nodes.slice(1)] },
    };
    const samples = sampleSet({
      ...onePort(randomSamples(trained, 3, 1)),
      inputs: Uint8Array.of(100, 7, 199, 99, 255, 200, 255, 0, 255),
    });
    // Signs 1 -1; -1 1; 1 1. Sums 2 0; -2 0; 0 2. Levels 1 0; -1 0; 0 1. 5a - 3b + 1.
    expect(expectEqual(trained, samples)).toEqual([6, -4, -2]);
  });
});

describe("the score", () => {
  test("is that of the accumulators as values, by the plain loss", () => {
    const trained = randomTrained(3);
    const samples = randomSamples(trained, 50, 1);
    const { units } = trained.layers.at(-1)!;
    const [targets] = samples.answers;
    for (const loss of [CROSS_ENTROPY, MSE]) {
      const { outputs, score } = evaluateFrozen(tf, trained, samples, [{ loss, weight: 1 }]);
      const { sums, fraction } = outputs[0]!;
      const values = Float64Array.from(sums, (x) => x * 2 ** -(fraction as number));
      expect(score).toEqual(scoreOf(loss, values, units, targets!));
      expect(score.accuracy === null).toBe(loss.kind === "mse");
    }
  });
});
