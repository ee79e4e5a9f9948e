import { beforeAll, describe, expect, test } from "vitest";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import type { StopSignal } from "../../../support/host.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { chainOf } from "../../../train/chain.ts";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "../../../train/checkpoint.ts";
import { checkSizes, sizesOf } from "../../../train/divergence.ts";
import { scoreFloat } from "../../../train/float-model.ts";
import { evaluateFrozen } from "../../../train/frozen.ts";
import { initialParameters } from "../../../train/parameters.ts";
import { startNoise } from "../../../train/phases.ts";
import { type ProgressRecord, TrainingStopped, type TrainRequest } from "../../../train/request.ts";
import { train } from "../../../train/train.ts";
import { chainGraph, clouds, openWasm, request, SIGNED, spec, UNSIGNED } from "./small-data.ts";

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

/** Runs to the end and keeps every checkpoint as bytes. */
async function recorded(asked: TrainRequest) {
  const saved: Uint8Array[] = [];
  const progress: ProgressRecord[] = [];
  const result = await train(tf, {
    ...asked,
    events: {
      progress: (record) => progress.push(record),
      checkpoint: (c) => saved.push(encodeCheckpoint(c)),
      log: () => {},
    },
  });
  return { result, saved, progress };
}

async function codesOf(work: Promise<unknown>): Promise<string[]> {
  try {
    await work;
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics.map((d) => d.code);
    throw error;
  }
  return [];
}

describe("training", () => {
  test("ends within the budget and near the float network, on samples that it never saw", async () => {
    const training = spec({ budget: 600, epochs: { float: 4, noise: 10, rounding: 12 } });
    const { result, progress } = await recorded(request({ training }));
    const { trained } = result;
    expect(trained.bitOperations).toBeLessThanOrEqual(600);
    const cost = trained.layers.reduce(
      (sum, l) => sum + l.units * l.inputs * l.weightFormat.width * l.activationFormat.width,
      0,
    );
    expect(trained.bitOperations).toBe(cost);
    const unseen = clouds(600, [4], 3, UNSIGNED, 99);
    const float = scoreFloat(tf, trained.graph, result.float, unseen).accuracy;
    const frozen = evaluateFrozen(tf, trained, unseen).score.accuracy;
    expect(float).toBeGreaterThan(0.9);
    expect(frozen).toBeGreaterThan(float - 0.06);
    expect(progress.at(-1)!.fraction).toBe(1);
    expect(new Set(progress.map((p) => p.phase))).toEqual(
      new Set(["baseline", "float", "noise", "rounding"]),
    );
  });

  test("takes signed inputs, dense after dense, images and labels of any number", async () => {
    const graph = chainGraph([3, 3, 1], SIGNED, ["flatten", 8, 6, "relu", 4, "argmax"]);
    const { result } = await recorded(
      request({
        graph,
        samples: clouds(200, [3, 3, 1], 4, SIGNED, 1),
        validation: clouds(80, [3, 3, 1], 4, SIGNED, 2),
        training: spec({ budget: 2500, shiftPixels: 1, epochs: { float: 3, noise: 6, rounding: 8 } }),
      }),
    );
    const formats = result.trained.layers.map((l) => l.activationFormat.signed);
    expect(formats).toEqual([true, true, false]);
    expect(result.trained.validation.quantized.accuracy).toBeGreaterThan(0.6);
  });

  test("does not depend on the unit of the inputs", async () => {
    const graphOf = (fraction: number) =>
      chainGraph([4], { ...UNSIGNED, fraction }, [16, "relu", 3, "argmax"]);
    const dataOf = (fraction: number, seed: number) => ({
      ...clouds(90, [4], 3, UNSIGNED, seed),
      stored: { ...UNSIGNED, fraction },
    });
    const [large, small] = await Promise.all(
      [-3, 14].map(async (fraction) => {
        const asked = request({
          graph: graphOf(fraction),
          samples: dataOf(fraction, 1),
          validation: dataOf(fraction, 2),
        });
        return (await recorded(asked)).result.trained;
      }),
    );
    expect(large!.layers.map((l) => l.weights)).toEqual(small!.layers.map((l) => l.weights));
    const [a, b] = [large!.layers[0]!, small!.layers[0]!];
    expect(b.activationFormat.fraction - a.activationFormat.fraction).toBe(17);
    expect(a.weightFormat.fraction - b.weightFormat.fraction).toBe(17);
    expect(large!.validation).toEqual(small!.validation);
  });

  test("gives the same result every time, another with another seed", async () => {
    const [one, two, other] = [
      await recorded(request()),
      await recorded(request()),
      await recorded(request({ training: spec({ seed: 2 }) })),
    ];
    expect(JSON.stringify(two.result.trained)).toBe(JSON.stringify(one.result.trained));
    expect(JSON.stringify(other.result.trained)).not.toBe(JSON.stringify(one.result.trained));
  });

  test("writes integers of their formats, and figures of the noise", async () => {
    const { trained } = (await recorded(request())).result;
    for (const layer of trained.layers) {
      const bound = 2 ** (layer.weightFormat.width - 1);
      for (const w of layer.weights) {
        expect(Number.isInteger(w) && w >= -bound && w < bound && !Object.is(w, -0)).toBe(true);
      }
      expect(layer.bias.every((b) => Number.isInteger(b))).toBe(true);
      expect(layer.weightNoise.alpha).toBeCloseTo(2 ** -layer.weightFormat.fraction / Math.sqrt(12), 12);
      expect(layer.weightNoise.snrBits).toBeCloseTo(
        Math.log2(layer.weightNoise.rms / layer.weightNoise.alpha),
        12,
      );
      expect(layer.activationNoise.std).toBeLessThanOrEqual(layer.activationNoise.rms);
    }
  });
});

describe("a checkpoint", () => {
  test("of any epoch leads to the same integers, bit for bit", async () => {
    const asked = request();
    const { result, saved } = await recorded(asked);
    const expected = JSON.stringify(result.trained);
    // 8 epochs of the baseline, then 2, 3 and 3: the ends of all phases are among them.
    expect(saved.length).toBe(16);
    for (const bytes of saved) {
      const { checkpoint } = decodeCheckpoint(bytes);
      const resumed = await recorded({ ...asked, checkpoint });
      expect(JSON.stringify(resumed.result.trained)).toBe(expected);
      expect(resumed.result.history).toEqual(result.history);
    }
  });

  test("survives as bytes with what it belongs to", async () => {
    const { saved } = await recorded(request());
    const { checkpoint } = decodeCheckpoint(saved.at(-1)!);
    const bytes = encodeCheckpoint(checkpoint, { source: "abc" });
    const again = decodeCheckpoint(bytes);
    expect(again.identity).toEqual({ source: "abc" });
    expect(again.checkpoint).toEqual(checkpoint);
    expect(encodeCheckpoint(again.checkpoint, again.identity)).toEqual(bytes);
    for (const broken of [
      bytes.slice(0, 9),
      bytes.slice(0, -4),
      bytes.with(bytes.length - 2, 77),
      bytes.with(0, 1),
    ])
      expect(() => decodeCheckpoint(broken)).toThrow(/train\/bad-checkpoint/);
  });

  test("of another network is refused", async () => {
    const { saved } = await recorded(request());
    const { checkpoint } = decodeCheckpoint(saved[0]!);
    const graph = chainGraph([4], UNSIGNED, [15, "relu", 3, "argmax"]);
    expect(await codesOf(train(tf, request({ graph, checkpoint })))).toEqual([
      "train/checkpoint-mismatch",
      "train/checkpoint-mismatch",
    ]);
  });
});

describe("stopping", () => {
  test.each([1, 530, 700, 781, 959])(
    "after %d steps ends at once and the last checkpoint resumes",
    async (steps) => {
      const whole = await recorded(request());
      const stop = { stopped: false };
      let done = 0;
      let last: Checkpoint | undefined;
      const asked = request({
        stop: stop satisfies StopSignal,
        events: {
          progress: () => {
            done++;
            if (done === steps) stop.stopped = true;
          },
          checkpoint: (c) => {
            last = c;
          },
          log: () => {},
        },
      });
      await expect(train(tf, asked)).rejects.toThrow(TrainingStopped);
      expect(done).toBe(steps);
      const resumed = await recorded(request({ checkpoint: last }));
      expect(JSON.stringify(resumed.result.trained)).toBe(JSON.stringify(whole.result.trained));
    },
  );
});

describe("before the first step", () => {
  test("an impossible budget is refused with the least possible", async () => {
    const work = train(tf, request({ training: spec({ budget: 100 }) }));
    await expect(work).rejects.toThrow(/least possible for this network is 224/);
  });
  test("every problem of the data is told", async () => {
    const samples = clouds(30, [4], 4, UNSIGNED, 1);
    const validation = { ...clouds(30, [5], 3, SIGNED, 1), count: 0 };
    const training = spec({ shiftPixels: 1 });
    expect((await codesOf(train(tf, request({ samples, validation, training })))).toSorted()).toEqual([
      "train/bad-labels",
      "train/bad-samples",
      "train/no-samples",
      "train/shift-needs-image",
    ]);
  });
  test("a budget above eight bits everywhere is no problem", async () => {
    const training = spec({ budget: 1e9, epochs: { float: 1, noise: 1, rounding: 1 } });
    const { trained } = (await recorded(request({ training }))).result;
    expect(trained.bitOperations).toBeLessThanOrEqual(112 * 64);
  });
});

describe("divergence", () => {
  test("of the loss is told with the layer's name and a hint", async () => {
    const work = train(tf, request({ training: spec({ learningRate: 1e38 }) }));
    try {
      await work;
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
      set.inputs.fill(0);
      return set;
    };
    await expect(train(tf, request({ samples: zero(60), validation: zero(30) }))).rejects.toThrow(
      /layer n0: its input is zero/,
    );
  });
  test("of a layer whose relu gives only zeros is told with that layer's name", () => {
    const chain = chainOf(chainGraph([4], UNSIGNED, [5, "relu", 3]));
    const parameters = initialParameters(chain, 1);
    // Inputs are not negative, so no unit gets above zero.
    const dead = { ...parameters, "0.weights": parameters["0.weights"]!.map((x) => -Math.abs(x)) };
    const start = () => startNoise(tf, chain, dead, clouds(60, [4], 3, UNSIGNED, 1), 1, 0);
    expect(start).toThrow(/no unit of layer n0 fires for any sample/);
    expect(start).toThrow(
      expect.objectContaining({ diagnostics: [expect.objectContaining({ code: "train/dead-layer" })] }),
    );
  });
  test("of sizes is told", () => {
    const chain = chainOf(chainGraph([400], UNSIGNED, [30, "relu", 3]));
    const first = initialParameters(chain, 1);
    first["1.activationLogRange"] = Float32Array.of(0);
    first["0.activationLogRange"] = Float32Array.of(0);
    const sizes = sizesOf(chain, first);
    const changed = (name: string, change: (x: number, i: number) => number) => () =>
      checkSizes(chain, { ...first, [name]: first[name]!.map(change) }, sizes);
    expect(changed("0.weights", (x) => x)).not.toThrow();
    expect(changed("0.weights", (x) => x * 1e-4)).toThrow(/layer n0: its weights collapsed/);
    expect(changed("1.weights", (x) => x * 100)).toThrow(/layer n2: the scale of its weights escapes/);
    expect(changed("0.weights", (x, i) => (i === 0 ? x + 8 : x * 0.01))).toThrow(/a few weights outgrow/);
    expect(changed("1.activationLogRange", () => -12)).toThrow(/layer n2: the range of its input collapsed/);
    expect(changed("1.activationLogRange", () => 9)).toThrow(/the range of its input escapes/);
  });
});
