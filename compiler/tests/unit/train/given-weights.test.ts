// Networks with weights of their own: calibrated by samples alone, or fine-tuned.
import { beforeAll, describe, expect, test } from "vitest";
import { lower } from "../../../lower/lower.ts";
import { simulate } from "../../../sim/simulate.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../../../train/checkpoint.ts";
import { batchOfAll, floatPass, outputsOfAll, scoreFloat } from "../../../train/float-model.ts";
import { evaluateFrozen } from "../../../train/frozen.ts";
import { networkOf } from "../../../train/network.ts";
import { TrainingStopped, type TrainRequest } from "../../../train/request.ts";
import { train } from "../../../train/train.ts";
import { givenBy } from "./given-weights.ts";
import { cloudRequest, type LayerWord, openWasm, record, SIGNED, type SpecChanges } from "./small-data.ts";

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

const NO_EPOCHS = { baseline: 0, float: 0, noise: 0, rounding: 0 };
const LOSSLESS = { kind: "lossless", epsilon: null } as const;
const CHAIN: readonly LayerWord[] = [16, "relu", 12, "batchnorm", "relu", 3, "argmax"];

/** A float network trained for this chain, asked for once more with its weights. */
async function trainedFloat(words: readonly LayerWord[], stored = SIGNED): Promise<TrainRequest> {
  const plain = cloudRequest(
    words,
    { epochs: { float: 6, noise: 1, rounding: 1 }, limits: { bitOperations: 1e6 } },
    stored,
  );
  const { float } = await train(tf, plain);
  return { ...plain, weights: givenBy(plain.graph, float) };
}

function withTraining(asked: TrainRequest, changes: SpecChanges): TrainRequest {
  const { layers: _, limits: __, ...plain } = changes;
  return { ...asked, training: { ...asked.training, epochs: NO_EPOCHS, ...plain } };
}

/** The sums before argmax, of the float network. */
function floatOutputs({ graph, training, validation, weights }: TrainRequest): Float32Array {
  const network = networkOf(graph);
  const parameters = Object.fromEntries(
    network.layers.flatMap(({ node }, i) => {
      const { norm, ...layer } = weights!.get(node)!;
      return Object.entries({ ...layer, ...norm }).flatMap(([name, values]) =>
        values ? [[`${i}.${name}`, values]] : [],
      );
    }),
  );
  const pass = floatPass(network, training, parameters, "running");
  const fractions = validation.inputs.map(({ stored }) => stored.fraction);
  return outputsOfAll(tf, pass, batchOfAll(validation, fractions, "data"))[0]!;
}

describe("calibration", () => {
  test("is of the given network, with 8 bits where nothing else is asked for", async () => {
    const asked = withTraining(await trainedFloat(CHAIN), {
      objective: { kind: "budget", limits: { bitOperations: 1e6 } },
      prune: false,
    });
    const { result, saved } = await record(tf, asked);
    const { trained } = result;
    expect(saved).toEqual([]);
    expect(trained.layers.map((l) => [l.weightFormat.width, l.activationFormat.width])).toEqual([
      [8, 8],
      [8, 8],
      [8, 8],
    ]);
    // The float baseline is what was given.
    const wanted = floatOutputs(asked);
    const score = scoreFloat(tf, asked.graph, asked.training, result.float, asked.validation);
    expect(trained.validation.float).toEqual(score);
    const size = Math.sqrt(wanted.reduce((sum, y) => sum + y * y, 0) / wanted.length);
    const { sums, fraction } = evaluateFrozen(tf, trained, asked.validation, asked.training.losses)
      .outputs[0]!;
    const found = Float64Array.from(sums, (m) => m * 2 ** -(fraction as number));
    const noise = Math.sqrt(found.reduce((sum, y, i) => sum + (y - wanted[i]!) ** 2, 0) / wanted.length);
    expect(noise / size).toBeLessThan(0.02);
    expect(noise).toBeGreaterThan(0);
    // The program computes what was evaluated.
    const program = lower(trained);
    const { count, inputs } = asked.validation;
    const { values } = simulate(program, new Map([[program.inputs[0]!, inputs[0]!.mantissas]]), count);
    const logits = program.outputs.find((o) => o.role === "logits")!;
    expect(Array.from(values.get(logits.value)!)).toEqual(Array.from(sums));
    for (const layer of trained.layers) {
      expect(layer.weightNoise.snrBits).toBeGreaterThan(4);
      expect(layer.activationNoise.snrBits).toBeGreaterThan(4);
    }
    expect(trained.ledger.map((l) => l.node)).toEqual(trained.layers.map((l) => l.node));
    expect(trained.ledger[0]!.weights.less!.width).toBe(7);
  });

  test("takes bits away without training, within epsilon or down to a budget", async () => {
    const float = await trainedFloat(CHAIN);
    const eight = await train(tf, withTraining(float, { objective: LOSSLESS }));
    const most = (4 * 16 + 16 * 12 + 12 * 3) * 64;
    const { difference, bound } = eight.trained.outcome;
    expect(difference!.holds).toBe(true);
    expect(eight.trained.bitOperations).toBeLessThan(0.5 * most);
    expect(bound).toMatch(/^the (rounds|loss):/);
    const limits = { bitOperations: 0.15 * most };
    const budget = await train(tf, withTraining(float, { objective: { kind: "budget", limits } }));
    expect(budget.trained.bitOperations).toBeLessThanOrEqual(limits.bitOperations);
    expect(budget.trained.bitOperations).toBeGreaterThan(0.9 * limits.bitOperations);
    expect(budget.trained.validation.quantized.accuracy).toBeGreaterThan(0.9);
  });

  test("keeps given widths", async () => {
    const float = await trainedFloat(CHAIN);
    const layers = Object.fromEntries(
      Object.entries(float.training.layers).map(([name, layer]) => [
        name,
        {
          ...layer,
          weights: { ...layer.weights, bits: { min: 5, max: 5 } },
          input: { ...layer.input, bits: { min: 6, max: 6 } },
        },
      ]),
    );
    const asked = withTraining(float, { objective: LOSSLESS });
    const { trained } = await train(tf, { ...asked, training: { ...asked.training, layers } });
    for (const layer of trained.layers)
      expect([layer.weightFormat.width, layer.activationFormat.width]).toEqual([5, 6]);
    expect(trained.outcome.bound).toMatch(/every width is given/);
  });

  test("a batch-norm before signs becomes thresholds with the given statistics", async () => {
    const asked = withTraining(await trainedFloat([16, "batchnorm", "sign", 3, "argmax"]), {
      objective: { kind: "budget", limits: { bitOperations: 1e6 } },
    });
    const { trained } = await train(tf, asked);
    expect(trained.signals[1]!.entry.kind).toBe("threshold");
    const wanted = floatOutputs(asked);
    const { sums, fraction } = evaluateFrozen(tf, trained, asked.validation, asked.training.losses)
      .outputs[0]!;
    // A sum near a threshold may fall to its other side.
    const close = wanted.filter(
      (y, i) => Math.abs(y - sums[i]! * 2 ** -(fraction as number)) < 0.02 * Math.max(1, Math.abs(y)),
    );
    expect(close.length / wanted.length).toBeGreaterThan(0.85);
  });

  test("gives the same bytes again", async () => {
    const asked = withTraining(await trainedFloat([8, "relu", 3, "argmax"]), { objective: LOSSLESS });
    const [one, two] = [await train(tf, asked), await train(tf, asked)];
    expect(JSON.stringify(one.trained)).toBe(JSON.stringify(two.trained));
  });
});

describe("fine-tuning", () => {
  test("starts from the given network and finds what calibration cannot", async () => {
    const float = await trainedFloat(CHAIN);
    const limits = { bitOperations: 900 };
    const tight = { objective: { kind: "budget", limits } } as const;
    const calibrated = await train(tf, withTraining(float, tight));
    const epochs = { baseline: 0, float: 0, noise: 3, rounding: 4 };
    const tuned = await record(tf, withTraining(float, { ...tight, epochs }));
    expect(tuned.result.history.map((h) => h.phase)).not.toContain("baseline");
    expect(tuned.result.float).toEqual(calibrated.float);
    expect(tuned.result.trained.bitOperations).toBeLessThanOrEqual(limits.bitOperations);
    const [before, after] = [calibrated.trained, tuned.result.trained].map((t) => t.validation.quantized);
    expect(after!.loss).toBeLessThan(before!.loss);
  });

  test("goes on after a stop at any epoch with the same bytes", async () => {
    const float = await trainedFloat([8, "batchnorm", "relu", 3, "argmax"]);
    const epochs = { baseline: 0, float: 0, noise: 2, rounding: 2 };
    const asked = withTraining(float, { objective: LOSSLESS, epochs });
    const whole = await record(tf, asked);
    for (const bytes of whole.saved.slice(0, 4)) {
      const { checkpoint } = decodeCheckpoint(bytes);
      const resumed = await train(tf, { ...asked, checkpoint });
      expect(JSON.stringify(resumed.trained)).toBe(JSON.stringify(whole.result.trained));
      expect(encodeCheckpoint({ ...checkpoint })).toEqual(bytes);
    }
    const stop = { stopped: true };
    await expect(train(tf, { ...asked, stop })).rejects.toBeInstanceOf(TrainingStopped);
  });
});
