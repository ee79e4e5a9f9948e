// Whole trainings of small networks, feature by feature: they learn, keep their limits and widths, and the integers that
// they hand on are those of the rounded float network and of the program that is made of them.
import { beforeAll, describe, expect, test } from "vitest";
import type { SampleSet } from "../../../graph/samples.ts";
import type { TrainedGraph } from "../../../graph/trained-graph.ts";
import { lower } from "../../../lower/lower.ts";
import { simulate } from "../../../sim/simulate.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { inputsAsTargets } from "../../../train/batches.ts";
import { decodeCheckpoint } from "../../../train/checkpoint.ts";
import { batchOfAll } from "../../../train/float-model.ts";
import { evaluateFrozen } from "../../../train/frozen.ts";
import { networkOf } from "../../../train/network.ts";
import { outputsOf, rawSignals } from "../../../train/passes.ts";
import { keptInputs } from "../../../train/prune.ts";
import type { TrainRequest } from "../../../train/request.ts";
import { roundedPass } from "../../../train/rounding-phase.ts";
import { createRun, frozenOf } from "../../../train/run.ts";
import {
  chainGraph,
  cloudRequest,
  curves,
  type LayerWord,
  onePort,
  openWasm,
  type Recording,
  record,
  request,
  SIGNED,
  type SpecChanges,
  sampleSet,
  tensorsHeld,
  UNSIGNED,
} from "./small-data.ts";

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

/** Sums of the last layer by the integer program. */
function simulated(trained: TrainedGraph, samples: SampleSet): number[] {
  const { values } = simulate(lower(trained), new Map([["x", onePort(samples).inputs]]), samples.count);
  return Array.from(values.get(trained.layers.at(-1)!.node)!);
}

/**
 * Outputs of the rounded float network at the end of training, and how far each sample's normalised sums are from the
 * nearest place where their rounding changes, in steps.
 */
function roundedNetwork(asked: TrainRequest, saved: readonly Uint8Array[]) {
  const { checkpoint: last } = decodeCheckpoint(saved.at(-1)!);
  // With patience, the best epoch of the round is what counts.
  const checkpoint = { ...last, parameters: last.best?.parameters ?? last.parameters };
  const run = createRun(tf, { ...asked, checkpoint }, networkOf(asked.graph));
  const frozen = frozenOf(run);
  const pass = roundedPass(frozen, asked.training, "running");
  const batch = batchOfAll(asked.validation, run.inputFractions, asked.training.target);
  const { count } = batch;
  const kept = keptInputs(frozen, batch);
  const distances = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  rawSignals(tf, count, kept, pass).forEach((raw, s) => {
    const { activation, elements, normalized } = frozen.network.signals[s]!;
    if (!normalized) return;
    const { fraction } = frozen.formats.signals[s]!;
    const discrete = activation === "sign" || activation === "step";
    raw.forEach((y, k) => {
      const at = discrete ? y : y * 2 ** (fraction as number) + 0.5;
      const distance = discrete ? Math.abs(at) : Math.abs(at - Math.round(at));
      const row = Math.floor(k / elements);
      distances[row] = Math.min(distances[row]!, distance);
    });
  });
  return { outputs: outputsOf(tf, count, kept, pass)[0]!, distances };
}

/** Thresholds are left to steps, to signs, and to batch-norms that weights of one bit cannot take over. */
function expectEntries({ training }: TrainRequest, { graph, layers, signals }: TrainedGraph): void {
  signals.forEach(({ node, entry }, i) => {
    const at = graph.nodes.findIndex((n) => n.name === node);
    const { kind } = graph.nodes[at]!;
    const isCompared = kind === "step" || kind === "sign";
    const isNormalized = graph.nodes[at - 1]?.kind === "batchnorm";
    const areSigns = i > 0 && training.layers[layers[i - 1]!.node]!.weights.bits.max === 1;
    const expected = isCompared || (isNormalized && areSigns) ? "threshold" : "requantize";
    expect([node, entry.kind]).toEqual([node, expected]);
  });
}

/** What holds of every training's result, whatever was asked. */
function expectConsistent(asked: TrainRequest, { result, saved }: Recording): void {
  const { trained } = result;
  const { training } = asked;
  const reproduces = training.target === "input";
  const validation = reproduces
    ? inputsAsTargets(asked.validation, [onePort(asked.validation).stored.fraction])
    : asked.validation;
  const [found] = evaluateFrozen(tf, trained, validation, training.losses).outputs;
  const { sums: outputs, fraction } = found!;
  expect(Array.from(outputs, (x) => x + 0)).toEqual(simulated(trained, validation));

  const rounded = roundedNetwork(asked, saved);
  expect(typeof fraction).toBe("number");
  const units = trained.layers.at(-1)!.units;
  outputs.forEach((sum, i) => {
    // A normalised value that float32 cannot tell from the place where it is rounded to the other side is a tie.
    if (rounded.distances[Math.floor(i / units)]! < 1e-4) return;
    expect(rounded.outputs[i]).toBeCloseTo(sum * 2 ** -(fraction as number), 4);
  });

  for (const layer of trained.layers) {
    const { weights, input } = training.layers[layer.node]!;
    const { width, kind } = layer.weightFormat;
    expect(width).toBeGreaterThanOrEqual(weights.bits.min);
    expect(width).toBeLessThanOrEqual(weights.bits.max);
    expect(layer.activationFormat.width).toBeLessThanOrEqual(Math.max(input.bits.max, 1));
    const bound = 2 ** (width - 1);
    const right = layer.weights.every((w) =>
      kind === "bipolar"
        ? w === 0 || w === 1
        : Number.isInteger(w) && w >= -bound && w < bound && !Object.is(w, -0),
    );
    expect(right).toBe(true);
    expect(layer.bias?.every(Number.isInteger) ?? true).toBe(true);
    expect(layer.weights.length).toBe(layer.units * layer.inputs);
  }
  expectEntries(asked, trained);
  const cost = trained.layers.reduce(
    (sum, l) => sum + l.units * l.inputs * l.weightFormat.width * l.activationFormat.width,
    0,
  );
  expect(trained.bitOperations).toBe(cost);
  for (const { asked: limit, reached } of trained.outcome.limits) expect(reached).toBeLessThanOrEqual(limit);
  expect(JSON.parse(JSON.stringify(trained))).toEqual(trained);
}

const EPOCHS = { float: 2, noise: 3, rounding: 3 };

interface Feature {
  readonly name: string;
  readonly words: readonly LayerWord[];
  readonly training?: SpecChanges;
  readonly stored?: typeof UNSIGNED;
  readonly shape?: readonly number[];
  /** Accuracy on validation samples that is reached at least. */
  readonly accuracy?: number;
}

const WIDE = { limits: { bitOperations: 3000 } };
const BINARY = { weights: { bits: { min: 1, max: 1 } } };

const FEATURES: readonly Feature[] = [
  { name: "a relu", words: [10, "relu", 3, "argmax"] },
  {
    name: "signed images, shifted",
    words: ["flatten", 8, 6, "relu", 4, "argmax"],
    shape: [3, 3, 1],
    stored: SIGNED,
    accuracy: 0.4,
    training: { ...WIDE, augment: { shiftPixels: 1, flip: "none", noise: 0.01 } },
  },
  {
    name: "an alpha a channel",
    words: [8, "relu", 6, "relu", 3, "argmax"],
    training: { ...WIDE, weights: { granularity: { kind: "channel" } }, bias: "channel" },
  },
  {
    name: "an alpha a group",
    words: [8, "relu", 6, "relu", 3, "argmax"],
    training: { ...WIDE, weights: { granularity: { kind: "group", size: 3 } }, bias: "layer" },
  },
  {
    name: "an alpha a channel of the activations",
    words: [8, "relu", 6, "relu", 3, "argmax"],
    training: { ...WIDE, input: { granularity: "channel" }, bias: "channel" },
  },
  {
    name: "an alpha a channel of activations behind batch-norms",
    words: [8, "batchnorm", "relu", 6, "batchnorm", "hardtanh", 3, "argmax"],
    training: { ...WIDE, input: { granularity: "channel" }, weights: { granularity: { kind: "channel" } } },
  },
  {
    name: "batch-norms before every activation",
    words: [
      8,
      "batchnorm",
      "relu",
      7,
      "batchnorm",
      "hardtanh",
      6,
      "batchnorm",
      "sign",
      6,
      "batchnorm",
      "step",
      3,
      "argmax",
    ],
    training: { limits: { bitOperations: 4000 }, epochs: { float: 4, noise: 4, rounding: 5 } },
  },
  { name: "a hardtanh", words: [8, "hardtanh", 3, "argmax"] },
  {
    name: "signs and steps behind biases",
    words: [12, "sign", 8, "step", 3, "argmax"],
    training: { limits: { bitOperations: 1500 }, bias: "layer" },
  },
  {
    name: "bipolar weights",
    words: [16, "batchnorm", "sign", 12, "batchnorm", "sign", 3, "argmax"],
    accuracy: 0.5,
    training: { learningRate: 0.002, ...BINARY, input: { bits: { min: 4, max: 4 } } },
  },
  {
    name: "bipolar weights, batch-norms and values of several bits",
    words: [16, "batchnorm", "relu", 12, "batchnorm", "hardtanh", 3, "argmax"],
    training: { learningRate: 0.002, ...BINARY, input: { bits: { min: 2, max: 4 } } },
  },
  {
    name: "bipolar weights and channels of activations",
    words: [12, "relu", 8, "relu", 3, "argmax"],
    training: { ...BINARY, input: { granularity: "channel" } },
  },
  {
    name: "bipolar weights where they pay",
    words: [10, "relu", 8, "relu", 3, "argmax"],
    training: { limits: { bitOperations: 500 }, weights: { bits: { min: 1, max: 8 } } },
  },
  {
    name: "given widths",
    words: [8, "relu", 3, "argmax"],
    training: { weights: { bits: { min: 3, max: 3 } }, input: { bits: { min: 4, max: 4 } } },
  },
  {
    name: "given widths of the inputs",
    words: [8, "relu", 3, "argmax"],
    training: { input: { bits: { min: 3, max: 3 } } },
  },
  {
    name: "narrow widths",
    words: [8, "relu", 3, "argmax"],
    training: { weights: { bits: { min: 2, max: 4 } }, input: { bits: { min: 2, max: 5 } } },
  },
  {
    name: "real rounding in the search",
    words: [10, "relu", 3, "argmax"],
    training: { search: "rounding", limits: { bitOperations: 2500 } },
  },
  {
    name: "the surrogates that measured best",
    words: [10, "batchnorm", "sign", 6, "step", 3, "argmax"],
    training: { gradient: null, weights: { bits: { min: 1, max: 8 } } },
  },
  {
    name: "EWGS",
    words: [10, "batchnorm", "sign", 6, "relu", 3, "argmax"],
    training: { gradient: { kind: "ewgs", delta: 0.2 } },
  },
  {
    name: "slopes under normal noise",
    words: [10, "batchnorm", "sign", 6, "relu", 3, "argmax"],
    training: { gradient: { kind: "regularized", noise: "normal", sigma: 0.5 } },
  },
  {
    name: "slopes under uniform noise",
    words: [10, "relu", 6, "step", 3, "argmax"],
    training: { gradient: { kind: "regularized", noise: "uniform", sigma: 0.6 } },
  },
  {
    name: "a surrogate of its own",
    words: [10, "sign", 3, "argmax"],
    training: { surrogates: { n1: { kind: "regularized", noise: "normal", sigma: 0.4 } } },
  },
  {
    name: "SGD with momentum and weight decay",
    words: [10, "relu", 3, "argmax"],
    training: { optimizer: { kind: "sgd", momentum: 0.9 }, learningRate: 0.05, weightDecay: 0.01 },
  },
  {
    name: "RAdam, label smoothing and class weights",
    words: [10, "relu", 3, "argmax"],
    training: {
      optimizer: { kind: "radam" },
      loss: { kind: "cross-entropy", smoothing: 0.1, weights: [1, 2, 1] },
    },
  },
  {
    name: "steps and constants of the rate",
    words: [10, "relu", 3, "argmax"],
    training: { schedule: { kind: "step", epochs: 2, factor: 0.5 }, patience: 2 },
  },
  {
    name: "a float teacher",
    words: [10, "relu", 3, "argmax"],
    training: {
      distillation: { weight: 0.5, temperature: 2 },
      augment: { shiftPixels: 0, flip: "none", noise: 0.02 },
    },
  },
  { name: "normalised inputs", words: [10, "relu", 3, "argmax"], training: { normalize: "element" } },
  {
    name: "normalised inputs before a batch-norm",
    words: [10, "batchnorm", "relu", 3, "argmax"],
    training: { normalize: "tensor", distillation: { weight: 0.3, temperature: 1 } },
  },
];

describe("a training with", () => {
  test.each(FEATURES)(
    "$name learns and gives consistent integers",
    async ({ words, training, stored, shape, accuracy = 0.6 }) => {
      const asked = cloudRequest(words, { epochs: EPOCHS, ...training }, stored, shape);
      const before = tensorsHeld(tf);
      const recording = await record(tf, asked);
      expect(tensorsHeld(tf)).toBe(before);
      expectConsistent(asked, recording);
      const { float, quantized } = recording.result.trained.validation;
      expect(float.accuracy).toBeGreaterThan(accuracy);
      expect(quantized.accuracy).toBeGreaterThan(accuracy);
      expect(recording.progress.at(-1)!.fraction).toBe(1);
    },
  );
});

describe("a regression", () => {
  const words = [12, "relu", 2] as const;
  test.each([
    ["the mean square", { loss: { kind: "mse", weights: [1, 2] } }],
    [
      "Huber's loss, outputs normalised",
      { loss: { kind: "huber", delta: 0.3, weights: null }, normalize: "element" },
    ],
    ["a teacher", { loss: { kind: "mse", weights: null }, distillation: { weight: 0.5, temperature: 1 } }],
  ] as const satisfies readonly (readonly [string, SpecChanges])[])(
    "by %s learns real values",
    async (_, training) => {
      const graph = chainGraph([4], UNSIGNED, words);
      const data = { samples: curves(300, 4, UNSIGNED, 1), validation: curves(100, 4, UNSIGNED, 2) };
      const asked = request({
        graph,
        ...data,
        training: { ...training, epochs: EPOCHS, limits: { bitOperations: 2500 } },
      });
      const recording = await record(tf, asked);
      expectConsistent(asked, recording);
      const { float, quantized } = recording.result.trained.validation;
      expect([float.accuracy, quantized.accuracy, recording.progress.at(-1)!.accuracy]).toEqual([
        null,
        null,
        null,
      ]);
      // Scores are the plain mean square: the network's own outputs against the targets.
      const [found] = evaluateFrozen(
        tf,
        recording.result.trained,
        asked.validation,
        asked.training.losses,
      ).outputs;
      const { sums: outputs, fraction } = found!;
      const squares = Array.from(
        outputs,
        (x, k) =>
          (x * 2 ** -(typeof fraction === "number" ? fraction : fraction[k % 2]!) -
            onePort(asked.validation).targets![k]!) **
          2,
      );
      expect(quantized.loss).toBeCloseTo(squares.reduce((a, b) => a + b) / squares.length, 6);
      // The targets' own mean square is about 0.15.
      expect(float.loss).toBeLessThan(0.02);
      expect(quantized.loss).toBeLessThan(0.03);
    },
  );

  test("of its own input learns to reproduce it through a bottleneck", async () => {
    const inputs = cloudRequest([3, "argmax"], {}, UNSIGNED, [6]);
    const graph = chainGraph([6], UNSIGNED, [4, "relu", 6]);
    const training: SpecChanges = {
      target: "input",
      loss: { kind: "mse", weights: null },
      epochs: EPOCHS,
      limits: { bitOperations: 2600 },
      augment: { shiftPixels: 0, flip: "none", noise: 0.01 },
    };
    const asked = request({ graph, samples: inputs.samples, validation: inputs.validation, training });
    const recording = await record(tf, asked);
    expectConsistent(asked, recording);
    const { float, quantized } = recording.result.trained.validation;
    const values = Array.from(onePort(asked.validation).inputs, (m) => m / 256);
    const mean = values.reduce((a, b) => a + b) / values.length;
    const power = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
    expect(float.loss).toBeLessThan(0.6 * power);
    expect(quantized.loss).toBeLessThan(0.6 * power);
  });
});

describe("inputs that never change", () => {
  test("leave the network, whose integers do not look at them, and the ledger counts them", async () => {
    const asked = cloudRequest([8, "relu", 3, "argmax"], { epochs: EPOCHS }, UNSIGNED, [6]);
    for (const { inputs } of [asked.samples, asked.validation].map(onePort))
      for (let i = 0; i < inputs.length; i++)
        if (i % 6 === 1 || i % 6 === 4) inputs[i] = i % 6 === 1 ? 200 : 0;
    const recording = await record(tf, asked);
    expectConsistent(asked, recording);
    const { trained } = recording.result;
    const [first, last] = trained.layers;
    const [kept] = trained.keptInputs;
    expect(kept).not.toContain(1);
    expect(kept).not.toContain(4);
    expect(first!.inputs).toBe(kept!.length);
    const parts = onePort(asked.validation);
    const changed = sampleSet({
      ...parts,
      inputs: parts.inputs.map((x, i) => (i % 6 === 1 || i % 6 === 4 ? 77 : x)),
    });
    const { losses } = asked.training;
    expect(evaluateFrozen(tf, trained, changed, losses).outputs).toEqual(
      evaluateFrozen(tf, trained, asked.validation, losses).outputs,
    );

    const { pruned } = trained.ledger[0]!;
    const cost = first!.weightFormat.width * first!.activationFormat.width;
    expect(pruned).toEqual({
      inputs: 6 - first!.inputs,
      constantInputs: 2,
      allocatedInputs: expect.any(Number),
      units: 8 - first!.units,
      allocatedUnits: trained.ledger[1]!.pruned.allocatedInputs,
      weights: 48 - first!.weights.length,
      bitOperations: (48 - first!.weights.length) * cost,
      constantBitOperations: 2 * 8 * cost,
      allocatedBitOperations: expect.any(Number),
    });
    expect(trained.ledger[1]!.pruned).toMatchObject({
      inputs: 8 - last!.inputs,
      constantInputs: 0,
      units: 0,
    });
    expect(first!.keptUnits?.length ?? 8).toBe(last!.inputs);
  });

  test("all of them are refused", async () => {
    const asked = cloudRequest([8, "relu", 3, "argmax"], { epochs: EPOCHS, normalize: "none" });
    for (const { inputs } of [asked.samples, asked.validation].map(onePort)) inputs.fill(9);
    await expect(record(tf, asked)).rejects.toThrow(/train\/(pruned-away|diverged)/);
  });
});

describe("the ledger", () => {
  test("counts what bit allocation took beside what is below its noise", async () => {
    const bits = { min: 4, max: 5 };
    const asked = cloudRequest([16, "relu", 3, "argmax"], {
      epochs: { float: 2, noise: 2, rounding: 2 },
      weights: { bits },
      input: { bits },
      limits: { bitOperations: 2000 },
    });
    const recording = await record(tf, asked);
    const { trained } = recording.result;
    const { leftByPruning } = decodeCheckpoint(recording.saved.at(-1)!).checkpoint;
    const left = [leftByPruning![0]?.length ?? 4, leftByPruning![1]?.length ?? 16, 3];
    trained.layers.forEach((layer, i) => {
      const { pruned } = trained.ledger[i]!;
      expect(pruned.allocatedInputs).toBe(left[i]! - layer.inputs);
      expect(pruned.allocatedUnits).toBe(left[i + 1]! - layer.units);
      const cost = layer.weightFormat.width * layer.activationFormat.width;
      expect(pruned.allocatedBitOperations).toBe(
        (left[i]! * left[i + 1]! - layer.inputs * layer.units) * cost,
      );
    });
    expect(trained.ledger.reduce((sum, l) => sum + l.pruned.allocatedInputs, 0)).toBeGreaterThan(0);
  });

  test("prices one bit more and one less of each tensor, 6.02 dB each", async () => {
    const asked = cloudRequest([8, "relu", 6, "sign", 3, "argmax"], { epochs: EPOCHS });
    const { trained } = (await record(tf, asked)).result;
    trained.layers.forEach((layer, i) => {
      const macs = layer.units * layer.inputs;
      const { weights, activations } = trained.ledger[i]!;
      const widths = { weights: layer.weightFormat.width, activations: layer.activationFormat.width };
      for (const price of [weights.more, weights.less]) {
        if (!price) continue;
        const bits = price.width - widths.weights;
        expect(Math.abs(bits)).toBe(1);
        // Two bits and signs have no common step.
        if (price.width === 1) expect(price.decibels).toBeNull();
        else expect(price.decibels).toBeCloseTo(bits * 6.0206, 4);
        expect(price.bitOperations).toBe(bits * macs * widths.activations);
      }
      for (const price of [activations.more, activations.less])
        if (price)
          expect(price.bitOperations).toBe((price.width - widths.activations) * macs * widths.weights);
      if (i === 2) expect(activations).toEqual({ more: null, less: null });
      const { weightNoise, weightFormat } = layer;
      expect(weightNoise.alpha).toBeCloseTo(2 ** -(weightFormat.fraction as number) / Math.sqrt(12), 12);
      expect(weightNoise.snrBits).toBeCloseTo(Math.log2(weightNoise.rms / weightNoise.alpha), 12);
      expect(layer.activationNoise.std).toBeLessThanOrEqual(layer.activationNoise.rms);
    });
  });

  test("prices signs against two bits, both ways, so that every layer has a price", async () => {
    const epochs = { float: 2, noise: 0, rounding: 2 };
    const words = [8, "relu", 6, "sign", 3, "argmax"] as const;
    for (const width of [1, 2]) {
      const asked = cloudRequest(words, { epochs, weights: { bits: { min: width, max: width } } });
      const { trained } = (await record(tf, asked)).result;
      trained.layers.forEach((layer, i) => {
        const { more, less } = trained.ledger[i]!.weights;
        const price = width === 1 ? more : less;
        expect(price).toMatchObject({ width: 3 - width, decibels: null });
        const macs = layer.units * layer.inputs;
        expect(price!.bitOperations).toBe((3 - 2 * width) * macs * layer.activationFormat.width);
        expect(Number.isFinite(price!.loss)).toBe(true);
        expect(width === 1 ? less : more?.width).toBe(width === 1 ? null : 3);
      });
    }
  });
});
