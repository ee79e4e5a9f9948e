// Gradients of whole networks against numeric differences, phase by phase.
import { beforeAll, describe, expect, test } from "vitest";
import type { LossSpec, Surrogate, TrainingSpec } from "../../../graph/project.ts";
import { createRandom } from "../../../support/random.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { floatPass } from "../../../train/float-model.ts";
import { bitOperationsOf, costSlopes, lutsOf, meanWeightBits, weightBitsOf } from "../../../train/limits.ts";
import { createLoss, type Teacher } from "../../../train/losses.ts";
import { type Network, networkOf, outputElements } from "../../../train/network.ts";
import { createNoisePool } from "../../../train/noise.ts";
import {
  continuousBitsOf,
  type NoisyPass,
  noisyGradients,
  noisyPass,
  type Penalties,
  plainGradients,
  quantizersOf,
  startNoise,
} from "../../../train/noise-phase.ts";
import { foldWeights, momentsOf, normalizedPass, unfoldGradient } from "../../../train/normalize.ts";
import type { ParameterSet } from "../../../train/optimizers.ts";
import { copyParameters, initialParameters } from "../../../train/parameters.ts";
import { gradientsOf, type LossOf, type NetworkPass, outputsOf, rawSignals } from "../../../train/passes.ts";
import { surrogateGradient } from "../../../train/regularization.ts";
import type { DiscreteFunction } from "../../../train/regularization-slopes.ts";
import {
  chainGraph,
  clouds,
  type LayerWord,
  onePort,
  openWasm,
  SIGNED,
  type SpecChanges,
  spec,
} from "./small-data.ts";

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

const ELEMENTS = 5;
const ROWS = 96;
/** Samples that differ: the others repeat them, so that each part of a batch has the gradient of the whole. */
const DIFFERENT = 12;
const random = createRandom("network");
/** The first part of some rows again and again. */
function repeated<T extends Float32Array | Int32Array>(values: T): T {
  const part = (values.length / ROWS) * DIFFERENT;
  return values.map((_, i) => values[i % part]!) as T;
}
const normals = (count: number, scale: number): Float32Array =>
  Float32Array.from({ length: count }, () => random.normal() * scale);

interface Net {
  readonly network: Network;
  readonly training: TrainingSpec;
  readonly parameters: ParameterSet;
  readonly inputs: Float32Array;
  readonly lossOf: LossOf;
}

/** A chain with random variables: batch-norms and biases that are not those of the start. */
function netOf(
  words: readonly LayerWord[],
  changes: SpecChanges = {},
  teacher?: Omit<Teacher, "outputs">,
): Net {
  const graph = chainGraph([ELEMENTS], SIGNED, words);
  const network = networkOf(graph);
  const [units = 0] = outputElements(network);
  const training = spec(graph, changes);
  const parameters = initialParameters(network, 3);
  for (const [name, values] of Object.entries(parameters)) {
    if (name.endsWith("bias") || name.endsWith("shift") || name.endsWith("mean"))
      values.set(normals(values.length, 0.3));
    if (name.endsWith("gain") || name.endsWith("variance"))
      values.set(normals(values.length, 0.3).map((x) => 0.7 + Math.abs(x)));
  }
  const loss = createLoss(training.losses[0]!.loss, units);
  const targets = {
    labels: repeated(Int32Array.from({ length: ROWS }, (_, i) => i % units)),
    values: repeated(normals(ROWS * units, 1)),
  };
  const taught = teacher && { ...teacher, outputs: repeated(normals(ROWS * units, 1)) };
  const lossOf: LossOf = ([outputs], [gradient]) =>
    loss.evaluate({ outputs: outputs!, count: ROWS, targets, gradient, teacher: taught });
  return { network, training, parameters, inputs: repeated(normals(ROWS * ELEMENTS, 1)), lossOf };
}

function lossOfPass(net: Net, pass: NetworkPass): number {
  const outputs = outputsOf(tf, ROWS, [net.inputs], pass);
  return net.lossOf(outputs, [new Float32Array(outputs[0]!.length)]).total / ROWS;
}

/**
 * Numeric differences of a loss for every element of a variable. NaN where all distances disagree: there is a jump
 * between them, such as a value that enters its clamp and loses its noise.
 */
function differences(parameters: ParameterSet, name: string, lossOf: (p: ParameterSet) => number): number[] {
  const slope = (i: number, h: number): number => {
    const at = (d: number): number => {
      const moved = copyParameters(parameters);
      moved[name]![i] = moved[name]![i]! + d;
      return lossOf(moved);
    };
    return (at(h) - at(-h)) / (2 * h);
  };
  return Array.from(parameters[name]!, (_, i) => {
    for (const exponent of [-7, -8, -9]) {
      const [wide, narrow] = [slope(i, 2 ** exponent), slope(i, 2 ** (exponent - 2))];
      if (Math.abs(wide - narrow) < 0.02 * Math.abs(wide) + 1e-3) return narrow;
    }
    return Number.NaN;
  });
}

/** Size of the difference of a gradient and numeric differences, relative to the latter; most must be comparable. */
function relativeError(found: ArrayLike<number>, expected: readonly number[]): number {
  const compared = [...expected.keys()].filter((i) => !Number.isNaN(expected[i]));
  expect(compared.length).toBeGreaterThanOrEqual(expected.length * 0.5);
  let error = 0;
  let size = 0;
  for (const i of compared) {
    error += (found[i]! - expected[i]!) ** 2;
    size += expected[i]! ** 2;
  }
  // Differences of float32 losses are not known better than this.
  return Math.sqrt(error / Math.max(size, 1e-5 * compared.length));
}

const LOSSES: readonly LossSpec[] = [
  { kind: "cross-entropy", smoothing: 0.1, weights: [1, 2, 0.5] },
  { kind: "mse", weights: [1, 0.3, 2] },
  { kind: "huber", delta: 0.4, weights: null },
];

const NETS: readonly (readonly LayerWord[])[] = [
  [7, "relu", 6, 3],
  [7, "hardtanh", 6, "relu", 3],
  [7, "batchnorm", "relu", 6, "batchnorm", "hardtanh", 3],
];

describe("of the float network, for every variable", () => {
  test.each(NETS.flatMap((words) => LOSSES.map((loss) => ({ words, loss }))))(
    "$words, $loss.kind",
    ({ words, loss }) => {
      const net = netOf(words, { loss });
      for (const statistics of ["batch", "running"] as const) {
        const passOf = (p: ParameterSet): NetworkPass =>
          floatPass(net.network, net.training, copyParameters(p), statistics);
        const batch = { count: ROWS, inputs: [net.inputs] };
        const result = gradientsOf(tf, batch, passOf(net.parameters), net.lossOf);
        expect(result.loss).toBeCloseTo(lossOfPass(net, passOf(net.parameters)), 5);
        for (const [name, found] of Object.entries(plainGradients(result))) {
          const numeric = differences(net.parameters, name, (p) => lossOfPass(net, passOf(p)));
          expect(relativeError(found, numeric), name).toBeLessThan(0.05);
        }
      }
    },
  );

  test("with a teacher", () => {
    const net = netOf([7, "relu", 3], {}, { weight: 0.6, temperature: 2 });
    const passOf = (p: ParameterSet): NetworkPass => floatPass(net.network, net.training, p, "batch");
    const result = gradientsOf(tf, { count: ROWS, inputs: [net.inputs] }, passOf(net.parameters), net.lossOf);
    for (const [name, found] of Object.entries(plainGradients(result))) {
      const numeric = differences(net.parameters, name, (p) => lossOfPass(net, passOf(p)));
      expect(relativeError(found, numeric), name).toBeLessThan(0.05);
    }
  });
});

describe("normalised inputs", () => {
  const samples = clouds(80, [ELEMENTS], 3, SIGNED, 4);
  test.each([
    ["tensor", [6, "relu", 3]],
    ["element", [6, "relu", 3]],
    ["element", [6, "batchnorm", "relu", 3]],
  ] as const)(
    "by %s into %j: unfolded gradients are those of the weights on normalised values",
    (mode, words) => {
      const net = netOf(words);
      const moments = momentsOf(samples.inputs[0]!, SIGNED.fraction, mode);
      const passOf = (p: ParameterSet): NetworkPass =>
        normalizedPass(floatPass(net.network, net.training, copyParameters(p), "batch"), 0, moments);
      const gradients = plainGradients(
        gradientsOf(tf, { count: ROWS, inputs: [net.inputs] }, passOf(net.parameters), net.lossOf),
      );
      unfoldGradient(gradients, 0, moments, net.network.layers[0]!);
      for (const name of ["0.weights", "1.weights", "1.bias"]) {
        const numeric = differences(net.parameters, name, (p) => lossOfPass(net, passOf(p)));
        expect(relativeError(gradients[name]!, numeric), name).toBeLessThan(0.05);
      }
    },
  );

  test("and folded weights on plain values give the sums of unfolded ones on normalised values", () => {
    const moments = momentsOf(samples.inputs[0]!, SIGNED.fraction, "element");
    const weights = normals(2 * ELEMENTS, 1);
    const folded = foldWeights(weights, Float32Array.of(0.3, -1), moments);
    for (let n = 0; n < 5; n++) {
      const x = Array.from(
        { length: ELEMENTS },
        (_, k) => onePort(samples).inputs[n * ELEMENTS + k]! * 2 ** -SIGNED.fraction,
      );
      for (let u = 0; u < 2; u++) {
        const sum = (w: Float32Array, values: readonly number[], b: number): number =>
          values.reduce((total, v, k) => total + v * w[u * ELEMENTS + k]!, b);
        const normalized = x.map((v, k) => (v - moments.mean[k]!) * moments.inverse[k]!);
        expect(sum(folded.weights, x, folded.bias![u]!)).toBeCloseTo(
          sum(weights, normalized, [0.3, -1][u]!),
          4,
        );
      }
    }
    // Each element then has mean 0 and deviation 1.
    const first = Array.from(
      { length: 80 },
      (_, n) =>
        (onePort(samples).inputs[n * ELEMENTS]! * 2 ** -SIGNED.fraction - moments.mean[0]!) *
        moments.inverse[0]!,
    );
    expect(first.reduce((a, b) => a + b) / 80).toBeCloseTo(0, 4);
    expect(first.reduce((a, b) => a + b * b, 0) / 80).toBeCloseTo(1, 4);
  });
});

describe("of discrete activations go by their surrogates", () => {
  const surrogates: readonly Surrogate[] = [
    { kind: "straight-through" },
    { kind: "ewgs", delta: 0.3 },
    { kind: "regularized", noise: "normal", sigma: 0.5 },
    { kind: "regularized", noise: "uniform", sigma: 0.8 },
  ];
  test.each(
    surrogates.flatMap((gradient) => (["step", "sign"] as const).map((kind) => ({ gradient, kind }))),
  )("$kind, $gradient.kind $gradient.noise", ({ gradient, kind }) => {
    // Once for all activations, once for this one alone.
    for (const changes of [{ gradient }, { surrogates: { n1: gradient } }]) {
      const net = netOf([7, kind, 3], changes);
      const pass = floatPass(net.network, net.training, net.parameters, "batch");
      const sums = rawSignals(tf, ROWS, [net.inputs], pass)[1]!;
      const outputs = outputsOf(tf, ROWS, [net.inputs], pass);
      const dy = new Float32Array(outputs[0]!.length);
      net.lossOf(outputs, [dy]);
      const last = net.parameters["1.weights"]!;
      const da = Float32Array.from({ length: ROWS * 7 }, (_, i) => {
        const [r, k] = [Math.floor(i / 7), i % 7];
        return [0, 1, 2].reduce((sum, u) => sum + dy[r * 3 + u]! * last[u * 7 + k]!, 0);
      });
      const f: DiscreteFunction = { kind, window: 1 };
      const dx = surrogateGradient(sums, da, f, gradient);
      const expected = Array.from({ length: 7 * ELEMENTS }, (_, i) => {
        const [u, k] = [Math.floor(i / ELEMENTS), i % ELEMENTS];
        let sum = 0;
        for (let r = 0; r < ROWS; r++) sum += dx[r * 7 + u]! * net.inputs[r * ELEMENTS + k]!;
        return sum;
      });
      const { layers } = gradientsOf(tf, { count: ROWS, inputs: [net.inputs] }, pass, net.lossOf);
      // Straight-through has slope 1 in the window here, and half of that for a step in the estimator's own form.
      expect(relativeError(layers[0]!.weights, expected)).toBeLessThan(1e-4);
    }
  });
});

describe("of the noise phase, for a fixed sample of noise", () => {
  const pool = createNoisePool(2);
  const granularities = [
    { weights: { granularity: { kind: "layer" } } },
    { weights: { granularity: { kind: "channel" } }, input: { granularity: "channel" }, bias: "channel" },
    { weights: { granularity: { kind: "group", size: 3 } }, bias: "layer" },
  ] as const satisfies readonly SpecChanges[];

  function noisyNet(words: readonly LayerWord[], changes: SpecChanges): Net {
    const net = netOf(words, changes);
    const { network, training, parameters, inputs } = net;
    const quiet = floatPass(network, training, parameters, "running");
    startNoise(network, training, parameters, rawSignals(tf, ROWS, [inputs], quiet));
    // Steps that matter, and biases whose noise does; ranges that some values leave.
    for (const [name, values] of Object.entries(parameters)) {
      if (name.endsWith("biasLogStep")) values.fill(-1.5);
      else if (name.endsWith("LogStep")) values.set(values.map((t) => t + 4.5));
      if (name.endsWith("LogRange")) values.set(values.map((t) => t - 0.7));
    }
    return net;
  }

  /** A noisy pass in which repeated samples get the same noise. */
  function passOf({ network, training }: Net, parameters: ParameterSet): NoisyPass {
    const noisy = noisyPass(network, training, copyParameters(parameters), pool, ROWS, 1, 2);
    const signals = noisy.pass.signals.map((signal) =>
      signal.kind === "noise" ? { ...signal, noise: repeated(signal.noise) } : signal,
    );
    return { ...noisy, pass: { ...noisy.pass, signals } };
  }

  test.each(
    granularities.flatMap((changes) =>
      [
        [7, "relu", 6, 3],
        [7, "hardtanh", 5, "batchnorm", "relu", 3],
        [6, "sign", 5, "relu", 3],
      ].map((words) => ({
        changes: changes as SpecChanges,
        words: words as LayerWord[],
      })),
    ),
  )("$words, $changes.weights.granularity", ({ changes, words }) => {
    const net = noisyNet(words, changes);
    const { network, parameters, inputs } = net;
    const at = (p: ParameterSet): NoisyPass => passOf(net, p);
    const noisy = at(parameters);
    const result = gradientsOf(tf, { count: ROWS, inputs: [inputs] }, noisy.pass, net.lossOf);
    const gradients = noisyGradients(network, parameters, noisy, result, {}, 16);
    const trained = Object.keys(gradients);
    expect(trained.some((name) => name.endsWith("activationLogRange"))).toBe(true);
    for (const name of trained) {
      // The weights' range is their own rms, which has no gradient: a clamped weight is at its end.
      // A surrogate is no derivative: what comes through a sign has no difference to compare.
      if (name.endsWith(".weights") || (words.includes("sign") && name.startsWith("0."))) continue;
      const numeric = differences(parameters, name, (p) => lossOfPass(net, at(p).pass));
      expect(relativeError(gradients[name]!, numeric), name).toBeLessThan(0.06);
    }
  });

  test("a price adds the slope of the logarithm of each cost", () => {
    const net = noisyNet([7, "relu", 6, 3], granularities[1]!);
    const { network, training, parameters, inputs } = net;
    const noisy = passOf(net, parameters);
    const gradientsAt = (penalties: Penalties): ParameterSet => {
      const result = gradientsOf(tf, { count: ROWS, inputs: [inputs] }, noisy.pass, net.lossOf);
      return noisyGradients(network, parameters, noisy, result, penalties, 16);
    };
    const plain = gradientsAt({});
    const bitsAt = (p: ParameterSet) => continuousBitsOf(network, quantizersOf(network, training, p, ROWS));
    const costs = {
      bitOperations: (p: ParameterSet) => bitOperationsOf(network, bitsAt(p)),
      weightBits: (p: ParameterSet) => weightBitsOf(network, bitsAt(p)),
      luts: (p: ParameterSet) => lutsOf(network, bitsAt(p), 16),
      meanWeightBits: (p: ParameterSet) => meanWeightBits(network, bitsAt(p)),
    };
    for (const [limit, cost] of Object.entries(costs)) {
      const priced = gradientsAt({ [limit]: 3 });
      for (const name of Object.keys(plain).filter((n) => /(weight|activation)LogStep/.test(n))) {
        const numeric = differences(parameters, name, (p) => 3 * Math.log2(cost(p)));
        const found = priced[name]!.map((g, k) => g - plain[name]![k]!);
        expect(relativeError(found, numeric), `${limit} ${name}`).toBeLessThan(0.01);
      }
      for (const name of Object.keys(plain).filter((n) => n.endsWith("LogRange") || n.endsWith(".weights")))
        expect(priced[name]).toEqual(plain[name]);
    }
    // Digits grow with widths: one slope serves both.
    const bits = continuousBitsOf(network, noisy.quantizers);
    expect(costSlopes("ebops", network, bits, 16)).toEqual(costSlopes("bitOperations", network, bits, 16));
  });
});
