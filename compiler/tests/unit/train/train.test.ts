// The course of a training: objectives and how they end, repetition, what is refused before it, what is told when it
// goes wrong.
import { beforeAll, describe, expect, test } from "vitest";
import type { Granularity, LayerQuantization, Limits } from "../../../graph/project.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { decodeCheckpoint } from "../../../train/checkpoint.ts";
import { checkSizes, checkStep, sizesOf } from "../../../train/divergence.ts";
import { scoreFloat } from "../../../train/float-model.ts";
import { evaluateFrozen } from "../../../train/frozen.ts";
import { networkOf } from "../../../train/network.ts";
import { startNoise } from "../../../train/noise-phase.ts";
import { initialParameters } from "../../../train/parameters.ts";
import { train } from "../../../train/train.ts";
import {
  chainGraph,
  cloudRequest,
  clouds,
  onePort,
  openWasm,
  record,
  request,
  SIGNED,
  type SpecChanges,
  sampleSet,
  spec,
  UNSIGNED,
} from "./small-data.ts";

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

async function codesOf(work: Promise<unknown>): Promise<string[]> {
  try {
    await work;
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics.map((d) => d.code);
    throw error;
  }
  return [];
}

const EPOCHS = { float: 2, noise: 3, rounding: 3 };

describe("a budget", () => {
  // 16 x 20 x 20 x 4: one bit of one tensor is a small part of each limit.
  const words = [20, "relu", 20, "relu", 4, "argmax"] as const;
  test.each([
    { bitOperations: 9000 },
    { ebops: 4000 },
    { weightBits: 2400 },
    { luts: 1400 },
    { meanWeightBits: 3.3 },
    { bitOperations: 12000, meanWeightBits: 3 },
    { weightBits: 3000, ebops: 5000 },
  ] as const satisfies readonly Limits[])("of %o is met from below, and used", async (limits) => {
    const asked = cloudRequest(words, { limits, epochs: EPOCHS }, UNSIGNED, [16]);
    const { trained } = (await record(tf, asked)).result;
    expect(trained.outcome.objective).toBe("budget");
    expect(trained.outcome.limits.map((l) => [l.limit, l.asked]).toSorted()).toEqual(
      Object.entries(limits).toSorted(),
    );
    const shares = trained.outcome.limits.map((l) => l.reached / l.asked);
    expect(Math.max(...shares)).toBeLessThanOrEqual(1);
    // What changes with every weight, EBOPs, keeps a little room for the training that follows.
    const wellUsed = /is used$/.test(trained.outcome.bound);
    expect(Math.max(...shares)).toBeGreaterThan("ebops" in limits ? 0.85 : wellUsed ? 0.97 : 0.9);
    expect(trained.validation.quantized.accuracy).toBeGreaterThan(0.7);
  });

  test("ends near the float network, on samples that it never saw", async () => {
    const training = { limits: { bitOperations: 1200 }, epochs: { float: 3, noise: 6, rounding: 6 } };
    const asked = request({ training });
    const { result, progress } = await record(tf, asked);
    const unseen = clouds(600, [4], 3, UNSIGNED, 99);
    const float = scoreFloat(tf, result.trained.graph, asked.training, result.float, unseen).accuracy!;
    const frozen = evaluateFrozen(tf, result.trained, unseen, asked.training.losses).score.accuracy!;
    expect(float).toBeGreaterThan(0.85);
    expect(frozen).toBeGreaterThan(float - 0.08);
    expect(new Set(progress.map((p) => p.phase))).toEqual(
      new Set(["baseline", "float", "noise", "rounding"]),
    );
    const { bitOperations, meanBits } = progress.at(-1)!;
    expect(bitOperations).toBe(result.trained.bitOperations);
    expect(meanBits).toBeGreaterThanOrEqual(2);
  });

  test.each([{ kind: "sgd", momentum: 0.9 }, { kind: "radam" }] as const)(
    "is looked for by the same steps whichever optimizer moves the weights: %o",
    async (optimizer) => {
      const bits = async (chosen: typeof optimizer | { kind: "adam" }): Promise<number> => {
        const limits = { bitOperations: 1200 };
        const epochs = { float: 2, noise: 8, rounding: 1 };
        const training = { limits, epochs, optimizer: chosen, learningRate: 0.02 };
        const { progress } = await record(tf, request({ training }));
        return progress.findLast((p) => p.phase === "noise")!.meanBits!;
      };
      expect(Math.abs((await bits(optimizer)) - (await bits({ kind: "adam" })))).toBeLessThan(0.75);
    },
  );

  test("below the narrowest widths is met by pruning, and an impossible one is said to be missed", async () => {
    // 4 x 16 x 3: 112 x 2 x 4 bit operations with every input and unit.
    const input = { bits: { min: 4, max: 8 } };
    const epochs = { float: 1, noise: 1, rounding: 1 };
    const ends = async (bitOperations: number) =>
      (await record(tf, request({ training: { limits: { bitOperations }, input, epochs } }))).result.trained;
    const met = await ends(600);
    expect(met.bitOperations).toBeLessThanOrEqual(600);
    expect(met.layers[1]!.inputs).toBeLessThan(16);
    // One input, one unit and three outputs are left.
    const missed = await ends(4);
    expect(missed.bitOperations).toBe(4 * 2 * 4);
    expect(missed.outcome.bound).toMatch(/of the limit is used, and no smaller network was found$/);
  });

  test("above the widest widths says that these are the bound", async () => {
    const training = {
      limits: { bitOperations: 1e9 },
      prune: false,
      epochs: { float: 1, noise: 1, rounding: 1 },
    };
    const { trained } = (await record(tf, request({ training }))).result;
    expect(trained.bitOperations).toBe(112 * 64);
    expect(trained.outcome.bound).toMatch(/every tensor is as wide as it may be/);
  });

  test("says so when one more bit does not fit", async () => {
    const limits = { bitOperations: 600 };
    const { trained } = (await record(tf, request({ training: { limits, epochs: EPOCHS, prune: false } })))
      .result;
    const share = trained.bitOperations / 600;
    expect(trained.outcome.bound).toMatch(
      share >= 0.97 ? /of the limit is used$/ : /one bit more of any tensor does not fit/,
    );
  });
});

describe("lossless", () => {
  const EPSILON = 0.05;
  const objective = (epsilon: number) => ({ kind: "lossless", epsilon }) as const;
  test("ends with a network that holds and is smaller than the widest", async () => {
    const training = { objective: objective(EPSILON), epochs: { float: 3, noise: 5, rounding: 10 } };
    const asked = {
      ...cloudRequest([8, "relu", 3, "argmax"], training),
      validation: clouds(400, [4], 3, UNSIGNED, 2),
    };
    const { result, log } = await record(tf, asked);
    const { outcome, bitOperations } = result.trained;
    expect(outcome.objective).toBe("lossless");
    expect(outcome.difference!.holds).toBe(true);
    expect(outcome.difference!.upper).toBeLessThanOrEqual(EPSILON);
    expect(outcome.difference!.epsilon).toBe(EPSILON);
    expect(outcome.bound).toMatch(/^the loss: with fewer bit operations the integers left epsilon/);
    expect(bitOperations).toBeLessThan((4 * 8 + 8 * 3) * 64);
    // The smallest of the rounds that held.
    const rounds = log.flatMap((line) => {
      const found = /^round \d: (\d+) bit operations.*upper bound (-?[\d.]+), allowed/.exec(line);
      return found ? [{ cost: Number(found[1]), upper: Number(found[2]) }] : [];
    });
    expect(rounds.length).toBeGreaterThan(1);
    const held = rounds.filter((r) => r.upper <= EPSILON).map((r) => r.cost);
    expect(bitOperations).toBe(Math.min(...held));
  });

  test("of an epsilon that nothing meets says so", async () => {
    // Ternary weights on ternary values lose something, whatever is tried.
    const coarse = { weights: { bits: { min: 1, max: 2 } }, input: { bits: { min: 1, max: 2 } } };
    const training = { ...coarse, objective: objective(1e-6), epochs: { float: 1, noise: 2, rounding: 4 } };
    const { trained } = (
      await record(tf, {
        ...cloudRequest([6, "relu", 3, "argmax"], training),
        validation: clouds(9, [4], 3, UNSIGNED, 2),
      })
    ).result;
    expect(trained.outcome.difference!.holds).toBe(false);
    expect(trained.outcome.bound).toMatch(/no network that was tried stays within epsilon/);
  });

  test("of given widths has nothing to look for", async () => {
    const given = { weights: { bits: { min: 3, max: 3 } }, input: { bits: { min: 4, max: 4 } } };
    const { result, progress } = await record(
      tf,
      request({ training: { ...given, objective: objective(0.05), epochs: EPOCHS } }),
    );
    expect(result.trained.outcome.bound).toMatch(/every width is given/);
    expect(new Set(progress.map((p) => p.phase))).not.toContain("noise");
    expect(Math.max(...progress.map((p) => p.round))).toBe(1);
  });
});

describe("a search that rounds", () => {
  // The gradient of alpha has the mean 0: nothing but the penalty holds the steps.
  test.each([1, 2, 3])("for lossless formats keeps what the loss needs, seed %d", async (seed) => {
    const training: SpecChanges = {
      objective: { kind: "lossless", epsilon: 0.1 },
      search: "rounding",
      epochs: { float: 2, noise: 8, rounding: 5 },
      seed,
    };
    const { result } = await record(tf, {
      ...cloudRequest([8, "relu", 3, "argmax"], training),
      validation: clouds(400, [4], 3, UNSIGNED, 2),
    });
    const noise = result.history.filter((h) => h.phase === "noise");
    const { loss } = result.history.findLast((h) => h.phase === "float")!.validation;
    // Bits are saved, and the network still works when the phase ends.
    expect(noise.at(-1)!.meanBits!).toBeLessThan(6);
    expect(noise.at(-1)!.validation.loss).toBeLessThan(loss + 0.3);
  });
});

describe("given widths", () => {
  const given = { weights: { bits: { min: 3, max: 3 } }, input: { bits: { min: 4, max: 4 } } };
  const trained = async (granularity: Granularity, bias: LayerQuantization["bias"]) => {
    const training = {
      ...given,
      weights: { ...given.weights, granularity },
      bias,
      epochs: { float: 2, noise: 1, rounding: 1 },
    };
    const { result, saved } = await record(tf, request({ training }));
    return {
      layers: result.trained.layers,
      parameters: decodeCheckpoint(saved.at(-1)!).checkpoint.parameters,
    };
  };

  test("have a step for each unit, and for each bias, where that is asked for", async () => {
    const { layers, parameters } = await trained({ kind: "channel" }, "channel");
    const fractions = layers[0]!.weightFormat.fraction as number[];
    expect(fractions).toHaveLength(layers[0]!.units);
    expect(layers.map((l) => l.weightFormat.width)).toEqual([3, 3]);
    // The last layer's sums are compared.
    expect(layers[1]!.weightFormat.fraction).toBeTypeOf("number");
    expect(parameters["0.biasLogStep"]).toHaveLength(layers[0]!.units);
    expect(new Set(parameters["0.biasLogStep"]).size).toBeGreaterThan(1);
  });

  test("of groups share the best step; biases have one where that is asked for", async () => {
    const { layers, parameters } = await trained({ kind: "group", size: 2 }, "layer");
    expect(layers[0]!.weightFormat.fraction).toBeTypeOf("number");
    expect(parameters["0.biasLogStep"]).toHaveLength(1);
  });

  test("of groups with coarser steps than the format's have the noise of these", async () => {
    const training: SpecChanges = {
      weights: { granularity: { kind: "group", size: 2 }, bits: { min: 2, max: 8 } },
      limits: { bitOperations: 4000 },
      epochs: { float: 2, noise: 10, rounding: 1 },
      prune: false,
    };
    const asked = cloudRequest([16, "relu", 3, "argmax"], training, UNSIGNED, [8]);
    // The last elements are small: noise may be large on the weights that read them.
    for (const samples of [asked.samples, asked.validation]) {
      const { inputs } = onePort(samples);
      for (let i = 0; i < inputs.length; i++) if (i % 8 >= 4) inputs[i] = inputs[i]! >> 4;
    }
    const { result, saved } = await record(tf, asked);
    const { weights, weightFormat, weightNoise } = result.trained.layers[0]!;
    const { shifts } = decodeCheckpoint(saved.at(-1)!).checkpoint.frozen!.formats.weights[0]!.groups!;
    expect(Math.max(...shifts)).toBeGreaterThan(0);
    const shiftOf = (k: number): number => shifts[Math.floor((k % 8) / 2)]!;
    for (const [k, m] of weights.entries()) expect(m % 2 ** shiftOf(k)).toBeCloseTo(0, 12);
    const power = weights.reduce(
      (sum, _, k) => sum + 4 ** (shiftOf(k) - (weightFormat.fraction as number)) / 12 / weights.length,
      0,
    );
    expect(weightNoise.alpha).toBeCloseTo(Math.sqrt(power), 9);
  });
});

describe("a training", () => {
  test("gives the same result every time, another with another seed", async () => {
    const [one, two, other] = [
      await record(tf, request()),
      await record(tf, request()),
      await record(tf, request({ training: { seed: 2 } })),
    ];
    expect(JSON.stringify(two.result)).toBe(JSON.stringify(one.result));
    expect(JSON.stringify(other.result.trained)).not.toBe(JSON.stringify(one.result.trained));
  });

  test("does not depend on the unit of the inputs", async () => {
    const trainedAt = async (fraction: number) => {
      const graph = chainGraph([4], { ...UNSIGNED, fraction }, [16, "relu", 3, "argmax"]);
      const data = (seed: number) =>
        sampleSet({ ...onePort(clouds(90, [4], 3, UNSIGNED, seed)), stored: { ...UNSIGNED, fraction } });
      return (await record(tf, request({ graph, samples: data(1), validation: data(2) }))).result.trained;
    };
    const [large, small] = [await trainedAt(-3), await trainedAt(14)];
    expect(large.layers.map((l) => l.weights)).toEqual(small.layers.map((l) => l.weights));
    const fractions = (t: typeof large): number[] =>
      [t.layers[0]!.activationFormat.fraction, t.layers[0]!.weightFormat.fraction] as number[];
    expect(fractions(small)[0]! - fractions(large)[0]!).toBe(17);
    expect(fractions(large)[1]! - fractions(small)[1]!).toBe(17);
    expect(large.validation).toEqual(small.validation);
  });

  test.each(["none", "tensor", "element"] as const)(
    "without float epochs of its own goes on from the baseline, inputs normalised by %s",
    async (normalize) => {
      const lossesWith = async (float: number) => {
        const epochs = { float, noise: 1, rounding: 30 - float };
        const { result } = await record(
          tf,
          request({ training: { epochs, normalize, learningRate: 0.002 } }),
        );
        const at = (phase: string) =>
          result.history.filter((r) => r.phase === phase).map((r) => r.validation.loss);
        return { baseline: at("baseline").at(-1)!, float: at("float"), noise: at("noise")[0]! };
      };
      const [without, own] = [await lossesWith(0), await lossesWith(1)];
      expect(without.float).toEqual([]);
      expect(without.baseline).toBe(own.baseline);
      expect(without.noise).toBeLessThan(1.5 * without.baseline);
      expect(own.noise).toBeGreaterThan(1.5 * own.baseline);
    },
  );

  test.each(["noise", "rounding"] as const)(
    "searching by %s goes down to a budget and no further",
    async (search) => {
      const limits = { bitOperations: 1500 };
      const epochs = { float: 2, noise: 12, rounding: 2 };
      const { history, trained } = (await record(tf, request({ training: { search, limits, epochs } })))
        .result;
      const { bitOperations } = history.findLast((r) => r.phase === "noise")!;
      // The phase goes down to 1.7 times the budget.
      expect(bitOperations! / limits.bitOperations).toBeGreaterThan(1.3);
      expect(bitOperations! / limits.bitOperations).toBeLessThan(2.2);
      expect(trained.bitOperations).toBeLessThanOrEqual(limits.bitOperations);
    },
  );

  test("ends a phase when the validation loss does not improve any more", async () => {
    const training = { epochs: { float: 12, noise: 2, rounding: 2 }, patience: 1, learningRate: 0.3 };
    const { result } = await record(tf, request({ training }));
    const float = result.history.filter((h) => h.phase === "float").map((h) => h.validation.loss);
    expect(float.length).toBeLessThan(12);
    // The last epoch is the first that did not improve on the best before it.
    const best = Math.min(...float.slice(0, -1));
    expect(float.at(-1)!).toBeGreaterThanOrEqual(best);
    float.slice(1, -1).forEach((loss, i) => {
      expect(loss).toBeLessThan(Math.min(...float.slice(0, i + 1)));
    });
  });

  test("with patience goes on from the best epoch, but for the noise phase", async () => {
    const training = { epochs: { float: 12, noise: 4, rounding: 12 }, patience: 2, learningRate: 0.3 };
    const { result, saved } = await record(tf, request({ training }));
    const checkpoints = saved.map((bytes) => decodeCheckpoint(bytes).checkpoint);
    const lossOf = (c: (typeof checkpoints)[number]): number => c.history.at(-1)!.validation.loss;
    const bestOf = (phase: string) =>
      checkpoints.filter((c) => c.phase === phase).reduce((a, b) => (lossOf(b) < lossOf(a) ? b : a));
    const lastOf = (phase: string) => checkpoints.findLast((c) => c.phase === phase)!;
    expect(lossOf(lastOf("rounding"))).toBeGreaterThan(lossOf(bestOf("rounding")));
    expect(result.trained.validation.quantized.loss).toBeCloseTo(lossOf(bestOf("rounding")), 5);
    expect(result.trained.validation.float!.loss).toBeCloseTo(lossOf(bestOf("baseline")), 5);
    expect(lastOf("rounding").best!.parameters).toEqual(bestOf("rounding").parameters);
    for (const c of checkpoints) expect(c.best!.parameters === undefined).toBe(c.phase === "noise");
  });

  test("with weight decay has smaller weights", async () => {
    const sizeOf = async (weightDecay: number): Promise<number> => {
      const { result } = await record(
        tf,
        request({ training: { weightDecay, epochs: { float: 1, noise: 1, rounding: 1 } } }),
      );
      return Math.hypot(...result.float.parameters["0.weights"]!);
    };
    expect(await sizeOf(2)).toBeLessThan(0.8 * (await sizeOf(0)));
  });
});

describe("before the first step", () => {
  test.each([
    [
      { bitOperations: 100 },
      /a budget of 100 bit operations cannot be met: the least possible for this network is 224/,
    ],
    [{ weightBits: 200 }, /least possible for this network is 224/],
    [{ meanWeightBits: 1.5 }, /1\.5 bits a weight cannot be met: .* is 2$/],
    [{ luts: 3 }, /look-up tables cannot be met/],
  ] as const)("an impossible budget of %o is refused with the least possible", async (limits, message) => {
    const work = train(tf, request({ training: { limits, prune: false } }));
    await expect(work).rejects.toThrow(message);
  });
  test("one-bit weights make smaller budgets possible", async () => {
    const training = {
      limits: { bitOperations: 100 },
      weights: { bits: { min: 1, max: 8 } },
      prune: false,
    };
    await expect(train(tf, request({ training }))).rejects.toThrow(/least possible for this network is 112/);
  });
  test("every problem of the data is told", async () => {
    const samples = clouds(30, [4], 4, UNSIGNED, 1);
    const validation = sampleSet({
      ...onePort(clouds(30, [5], 3, SIGNED, 1)),
      count: 0,
      labels: new Int32Array(0),
    });
    const training = { augment: { shiftPixels: 1, flip: "none", noise: 0 } } as const;
    expect((await codesOf(train(tf, request({ samples, validation, training })))).toSorted()).toEqual([
      "train/bad-labels",
      "train/bad-samples",
      "train/no-samples",
      "train/shift-needs-image",
    ]);
  });
  test("targets are those of the loss", async () => {
    const loss = { kind: "mse", weights: null } as const;
    expect(new Set(await codesOf(train(tf, request({ training: { loss } }))))).toEqual(
      new Set(["train/bad-targets"]),
    );
    const reproducing = request({ training: { loss, target: "input" } });
    expect(new Set(await codesOf(train(tf, reproducing)))).toEqual(new Set(["train/bad-targets"]));
  });
});

describe("divergence", () => {
  test("of the loss is told with the layer's name and a hint", async () => {
    try {
      await train(tf, request({ training: { learningRate: 1e38 } }));
      expect.unreachable();
    } catch (error) {
      const [diagnostic] = (error as DiagnosticError).diagnostics;
      expect(diagnostic!.code).toBe("train/diverged");
      expect(diagnostic!.message).toMatch(/layer n\d/);
      expect(diagnostic!.hint).toMatch(/learning rate/);
    }
  });
  test("of samples that are all zero is told before the noise phase", async () => {
    const zero = (n: number) => {
      const set = clouds(n, [4], 3, UNSIGNED, 1);
      onePort(set).inputs.fill(0);
      return set;
    };
    const asked = request({ samples: zero(60), validation: zero(30) });
    await expect(train(tf, asked)).rejects.toThrow(/layer x: its value is zero for every sample/);
  });
  test("of a layer whose relu gives only zeros is told with that layer's name", () => {
    const graph = chainGraph([4], UNSIGNED, [5, "relu", 3]);
    const network = networkOf(graph);
    const parameters = initialParameters(network, 1);
    const below = [new Float32Array(40).fill(0.5), new Float32Array(50).fill(-1)];
    const start = () => startNoise(network, spec(graph), parameters, below);
    expect(start).toThrow(/no unit of layer n0 fires for any sample/);
    expect(start).toThrow(
      expect.objectContaining({ diagnostics: [expect.objectContaining({ code: "train/dead-layer" })] }),
    );
  });
  test("of a step names the layer that broke", () => {
    const network = networkOf(chainGraph([4], UNSIGNED, [5, "relu", 3]));
    const parameters = initialParameters(network, 1);
    const gradient = (broken: boolean) => ({
      weights: Float32Array.of(broken ? Number.NaN : 1),
      bias: null,
      norm: undefined,
    });
    const step = (loss: number, broken: readonly boolean[]) => () =>
      checkStep(network, parameters, { loss, hits: 0, layers: broken.map(gradient), signals: [] });
    expect(step(1, [false, false])).not.toThrow();
    expect(step(Number.NaN, [false, true])).toThrow(/layer n2: the loss is not a number/);
    expect(step(Number.POSITIVE_INFINITY, [true, true])).toThrow(/layer n0: the loss is not a number/);
    expect(step(Number.NaN, [false, false])).toThrow(/layer n2/);
  });
  test("of sizes is told", () => {
    const network = networkOf(chainGraph([400], UNSIGNED, [30, "relu", 3]));
    const first = initialParameters(network, 1);
    first["1.activationLogRange"] = Float32Array.of(-2, 0);
    first["0.activationLogRange"] = Float32Array.of(0);
    const sizes = sizesOf(network, first);
    const changed = (name: string, change: (x: number, i: number) => number) => () =>
      checkSizes(network, { ...first, [name]: first[name]!.map(change) }, sizes, true);
    const quiet = (name: string, change: (x: number, i: number) => number) =>
      changed(name, change)().map(({ layer, what }) => `${layer}: ${what}`);
    expect(quiet("0.weights", (x) => x)).toEqual([]);
    expect(quiet("0.weights", (x) => x * 3)).toEqual([]);
    // What ruined runs had before anything was not a number.
    expect(quiet("0.weights", (x) => x / 100)).toEqual(["n0: its weights collapse to zero"]);
    expect(quiet("1.weights", (x) => x * 5)).toEqual(["n2: the scale of its weights escapes"]);
    expect(quiet("0.weights", (x, i) => (i === 0 ? 1 : x))).toEqual(["n0: a few weights outgrow all others"]);
    expect(quiet("1.activationLogRange", (x, i) => (i === 0 ? x - 7.6 : x))).toEqual([
      "n1: the range of its value collapses",
    ]);
    expect(quiet("1.activationLogRange", (x) => x + 3)).toEqual(["n1: the range of its value escapes"]);
    expect(changed("0.weights", (x) => x * 1e-4)).toThrow(/layer n0: its weights collapse/);
    expect(changed("0.weights", (x, i) => (i === 3 ? Number.NaN : x))).toThrow(
      /layer n0: a weight is not a number/,
    );
    expect(changed("1.weights", (x) => x * 100)).toThrow(/layer n2: the scale of its weights escapes/);
    expect(changed("0.weights", (x, i) => (i === 0 ? x + 8 : x * 0.01))).toThrow(/a few weights outgrow/);
    expect(changed("1.activationLogRange", () => -12)).toThrow(/layer n1: the range of its value collapses/);
    expect(changed("1.activationLogRange", () => 9)).toThrow(/layer n1: the range of its value escapes/);
  });
});
