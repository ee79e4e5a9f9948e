// Networks with several inputs and outputs: gradients of the weighted losses against numeric differences, the program's
// integers against those of training, and what each input and output has of its own.
import { beforeAll, describe, expect, test } from "vitest";
import type { Graph } from "../../../graph/graph.ts";
import type { OutputLoss } from "../../../graph/project.ts";
import type { SampleSet } from "../../../graph/samples.ts";
import type { TrainedGraph } from "../../../graph/trained-graph.ts";
import { lower } from "../../../lower/lower.ts";
import { simulate } from "../../../sim/simulate.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { createRandom } from "../../../support/random.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import {
  type BatchSettings,
  createBatches,
  inputsAsTargets,
  partOf,
  valuesOf,
} from "../../../train/batches.ts";
import { decodeCheckpoint } from "../../../train/checkpoint.ts";
import { floatPass } from "../../../train/float-model.ts";
import { evaluateFrozen } from "../../../train/frozen.ts";
import { createLoss } from "../../../train/losses.ts";
import { networkOf, outputElements } from "../../../train/network.ts";
import { plainGradients } from "../../../train/noise-phase.ts";
import { createNetworkLoss, scoreOutputs } from "../../../train/output-losses.ts";
import { copyParameters, initialParameters } from "../../../train/parameters.ts";
import { gradientsOf, outputsOf } from "../../../train/passes.ts";
import { networkText, projectOf } from "../dsl/model-text.ts";
import { openWasm, record, request, type SpecChanges, spec } from "./small-data.ts";

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

/** Two inputs of different types and sizes, which meet; a class and two values. */
const GRAPH = graphOf(`
  input sight: 4x3x1 as u8
  input touch: 5 as s8
  seen = sight -> flatten -> f1: dense(8)
  felt = touch -> f2: dense(8)
  scene = add(seen, felt) -> relu
  output thing = scene -> f3: dense(3) -> argmax
  output place = scene -> f4: dense(2)`);
const LOSSES: readonly OutputLoss[] = [
  { loss: { kind: "cross-entropy", smoothing: 0, weights: null }, weight: 1 },
  { loss: { kind: "mse", weights: null }, weight: 3 },
];

function graphOf(body: string): Graph {
  return projectOf(networkText(body)).graph;
}

/** A bright pixel says the place and a row of the touch the class; elements 4 and 2 of the inputs never change. */
function scenes(count: number, seed: number): SampleSet {
  const random = createRandom("scenes", seed);
  const sight = new Uint8Array(count * 12);
  const touch = new Int8Array(count * 5);
  const labels = new Int32Array(count);
  const values = new Float32Array(count * 2);
  for (let i = 0; i < count; i++) {
    const [row, column, kind] = [random.integer(0, 3), random.integer(0, 2), i % 3];
    for (let k = 0; k < 12; k++) sight[i * 12 + k] = random.integer(0, 60);
    sight[i * 12 + row * 3 + column] = random.integer(190, 250);
    sight[i * 12 + 4] = 9;
    for (let k = 0; k < 5; k++) touch[i * 5 + k] = Math.round(random.normal() * 12);
    touch[i * 5 + [0, 1, 3][kind]!] = random.integer(60, 120);
    touch[i * 5 + 2] = -7;
    labels[i] = kind;
    values.set([row / 4, column / 4], i * 2);
  }
  const stored = (signed: boolean) => ({ signed, width: 8, fraction: signed ? 7 : 8 });
  return {
    count,
    inputs: [
      { shape: [4, 3, 1], stored: stored(false), mantissas: sight },
      { shape: [5], stored: stored(true), mantissas: touch },
    ],
    answers: [
      { labels, values: null },
      { labels: new Int32Array(0), values },
    ],
  };
}

const asking = (training: SpecChanges, graph = GRAPH, samples = scenes(240, 1), validation = scenes(90, 2)) =>
  request({ graph, samples, validation, training: { losses: LOSSES, ...training } });

const normals = (seed: string, count: number): Float32Array => {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => random.normal());
};

describe("the loss", () => {
  const COUNT = 6;
  const outputs = [normals("logits", COUNT * 3), normals("values", COUNT * 2)];
  const { answers } = scenes(COUNT, 3);

  test("is the weighted sum, sample by sample, and so are its gradients", () => {
    const loss = createNetworkLoss(LOSSES, [3, 2]);
    const perSample = new Float64Array(COUNT);
    const gradients = outputs.map(({ length }) => new Float32Array(length));
    const { total } = loss.evaluate({ outputs, count: COUNT, answers, perSample, gradients });
    const sums = new Float64Array(COUNT);
    LOSSES.forEach(({ loss: spec, weight }, i) => {
      const own = new Float64Array(COUNT);
      const gradient = new Float32Array(outputs[i]!.length);
      const of = { outputs: outputs[i]!, count: COUNT, targets: answers[i]!, perSample: own, gradient };
      createLoss(spec, outputs[i]!.length / COUNT).evaluate(of);
      own.forEach((x, n) => {
        sums[n]! += weight * x;
      });
      gradient.forEach((g, k) => {
        expect(gradients[i]![k]).toBeCloseTo(weight * g, 6);
      });
    });
    expect(total).toBeCloseTo(
      sums.reduce((a, b) => a + b),
      9,
    );
    perSample.forEach((x, n) => {
      expect(x).toBeCloseTo(sums[n]!, 9);
    });
  });

  test("is scored for each output, and the whole has no accuracy", () => {
    const score = scoreOutputs(LOSSES, ["thing", "place"], outputs, answers, COUNT);
    const [thing, place] = score.outputs!;
    expect(thing).toMatchObject({ name: "thing", accuracy: expect.any(Number) });
    expect(place).toMatchObject({ name: "place", accuracy: null });
    expect(score.accuracy).toBeNull();
    expect(score.loss).toBeCloseTo(thing!.loss + 3 * place!.loss, 12);
    const one = scoreOutputs([LOSSES[0]!], ["thing"], [outputs[0]!], [answers[0]!], COUNT);
    expect(one).toEqual({ accuracy: thing!.accuracy, loss: thing!.loss });
  });

  test("and its teacher have the gradients of numeric differences for every variable", () => {
    const network = networkOf(GRAPH);
    const training = spec(GRAPH, { losses: LOSSES });
    const parameters = initialParameters(network, 3);
    for (const [variable, values] of Object.entries(parameters))
      if (variable.endsWith("bias")) values.set(normals(variable, values.length).map((x) => 0.3 * x));
    const inputs = [normals("sight", COUNT * 12), normals("touch", COUNT * 5)];
    const loss = createNetworkLoss(LOSSES, outputElements(network));
    const taught = [normals("taught logits", COUNT * 3), normals("taught values", COUNT * 2)];
    for (const teacher of [undefined, { outputs: taught, weight: 0.4, temperature: 2 }]) {
      const passOf = (p: typeof parameters) => floatPass(network, training, copyParameters(p), "batch");
      const result = gradientsOf(tf, { count: COUNT, inputs }, passOf(parameters), (outputs, gradients) =>
        loss.evaluate({ outputs, count: COUNT, answers, gradients, teacher }),
      );
      const lossAt = (p: typeof parameters): number => {
        const found = outputsOf(tf, COUNT, inputs, passOf(p));
        return loss.evaluate({ outputs: found, count: COUNT, answers, teacher }).total / COUNT;
      };
      expect(result.loss).toBeCloseTo(lossAt(parameters), 5);
      for (const [variable, found] of Object.entries(plainGradients(result))) {
        let [error, size] = [0, 0];
        found.forEach((g, i) => {
          const at = (d: number): number => {
            const moved = copyParameters(parameters);
            moved[variable]![i] = moved[variable]![i]! + d;
            return lossAt(moved);
          };
          const slope = (at(2 ** -8) - at(-(2 ** -8))) / 2 ** -7;
          error += (g - slope) ** 2;
          size += slope ** 2;
        });
        expect(Math.sqrt(error / size), variable).toBeLessThan(0.05);
      }
    }
  });
});

describe("batches", () => {
  const samples = scenes(40, 5);
  const settings: BatchSettings = {
    seed: 1,
    batch: 10,
    fractions: [8, 7],
    augment: { shiftPixels: 0, flip: "none", noise: 0 },
    target: "data",
    kept: [null, [0, 4]],
  };

  test("hold the same samples of every input and output, and what is kept of each input", () => {
    const { inputs, answers } = createBatches(samples, settings).batch("noise", 0, 0);
    const whole = valuesOf(samples, [8, 7], 0, 40);
    for (let row = 0; row < 10; row++) {
      const sight = inputs[0]!.slice(row * 12, row * 12 + 12).join();
      const sample = Array.from({ length: 40 }, (_, n) => n).find(
        (n) => whole.inputs[0]!.slice(n * 12, n * 12 + 12).join() === sight,
      )!;
      const part = partOf(whole, sample, sample + 1);
      expect([...inputs[1]!.slice(row * 2, row * 2 + 2)]).toEqual([part.inputs[1]![0], part.inputs[1]![4]]);
      expect(answers[0]!.labels[row]).toBe(part.answers[0]!.labels[0]);
      expect(answers[1]!.values!.slice(row * 2, row * 2 + 2)).toEqual(part.answers[1]!.values);
    }
  });

  test("shift and mirror images alone", () => {
    const augment = { shiftPixels: 1, flip: "horizontal", noise: 0 } as const;
    const moved = createBatches(samples, { ...settings, augment }).batch("noise", 0, 0);
    const still = createBatches(samples, settings).batch("noise", 0, 0);
    expect(moved.inputs[0]).not.toEqual(still.inputs[0]);
    expect(moved.inputs[1]).toEqual(still.inputs[1]);
  });

  test("add noise to every input, of samples of its own", () => {
    const augment = { shiftPixels: 0, flip: "none", noise: 0.5 } as const;
    const kept = [null, null];
    const noisy = createBatches(samples, { ...settings, kept, augment }).batch("noise", 0, 0);
    const still = createBatches(samples, { ...settings, kept }).batch("noise", 0, 0);
    const [a, b] = [0, 1].map((i) => noisy.inputs[i]!.map((x, k) => x - still.inputs[i]![k]!));
    for (const noise of [a!, b!]) expect(noise.every((x) => x !== 0)).toBe(true);
    expect(b!.every((x, k) => Math.abs(x - a![k]!) < 1e-6)).toBe(false);
  });

  test("of what reproduces its inputs have the values of each", () => {
    const { inputs, answers } = createBatches(samples, {
      ...settings,
      kept: [null, null],
      target: "input",
    }).batch("noise", 0, 0);
    expect(answers.map(({ values }) => values)).toEqual(inputs);
    const all = inputsAsTargets(samples, [8, 7]);
    expect(all.answers.map(({ values }) => values)).toEqual(valuesOf(samples, [8, 7], 0, 40).inputs);
  });
});

/** Trains for a moment and compares every output of the program with training's own evaluation of the integers. */
async function expectExact(asked: ReturnType<typeof asking>): Promise<TrainedGraph> {
  const { result } = await record(tf, asked);
  const { trained } = result;
  const test = scenes(60, 9);
  const samples = asked.training.target === "input" ? inputsAsTargets(test, [8, 7]) : test;
  const program = lower(trained);
  const inputs = new Map(program.inputs.map((name, i) => [name, samples.inputs[i]!.mantissas]));
  const { values } = simulate(program, inputs, samples.count);
  const { outputs } = evaluateFrozen(tf, trained, samples, asked.training.losses);
  const compared = program.outputs.filter((o) => o.role !== "class");
  expect(compared).toHaveLength(asked.graph.outputs.length);
  compared.forEach(({ value }, i) => {
    expect(Array.from(values.get(value)!)).toEqual(Array.from(outputs[i]!.sums, (x) => x + 0));
    expect(new Set(outputs[i]!.sums).size).toBeGreaterThan(5);
  });
  return trained;
}

describe("training", () => {
  const EPOCHS = { float: 2, noise: 2, rounding: 3 };

  test.each<readonly [string, SpecChanges]>([
    ["to a budget", { limits: { bitOperations: 4000 } }],
    [
      "losslessly, normalised, with a teacher and noise",
      {
        objective: { kind: "lossless", epsilon: null },
        normalize: "element",
        distillation: { weight: 0.3, temperature: 2 },
        augment: { shiftPixels: 0, flip: "none", noise: 0.01 },
      },
    ],
    [
      "with an alpha for each channel and few bits of the inputs",
      {
        limits: { bitOperations: 5000 },
        weights: { granularity: { kind: "channel" } },
        layers: {
          f1: { input: { granularity: "layer", bits: { min: 1, max: 2 } } },
          f2: { input: { granularity: "layer", bits: { min: 2, max: 2 } } },
        },
      },
    ],
  ])("%s gives the program's integers", async (_, changes) => {
    const trained = await expectExact(asking({ epochs: EPOCHS, ...changes }));
    const { float, quantized } = trained.validation;
    expect(float.outputs!.map(({ name }) => name)).toEqual(["thing", "place"]);
    // Chance is right in a third; the places' own mean square is about 0.065.
    for (const { outputs } of [float, quantized]) {
      expect(outputs![0]!.accuracy).toBeGreaterThan(0.6);
      expect(outputs![1]!.loss).toBeLessThan(0.06);
    }
    // Each input loses what says nothing of it.
    const [sight, touch] = trained.keptInputs;
    expect(sight).not.toContain(4);
    expect(touch).not.toContain(2);
    expect(trained.layers[0]!.inputs).toBe(sight!.length);
    expect(trained.layers[1]!.inputs).toBe(touch!.length);
    expect(trained.ledger.slice(0, 2).map(({ pruned }) => pruned.constantInputs)).toEqual([1, 1]);
  });

  test("reproduces two inputs by two outputs", async () => {
    const graph = graphOf(`
  input sight: 4x3x1 as u8
  input touch: 5 as s8
  code = concat(sight -> flatten -> f1: dense(6) -> relu, touch -> f2: dense(4) -> relu)
  output again = code -> f3: dense(12)
  output more = code -> f4: dense(5)`);
    const mse = { loss: { kind: "mse", weights: null }, weight: 1 } as const;
    const training: SpecChanges = {
      losses: [mse, mse],
      target: "input",
      epochs: EPOCHS,
      limits: { bitOperations: 9000 },
    };
    const trained = await expectExact(asking(training, graph));
    // The mean squares of their own deviations are about 0.09 and 0.1.
    for (const { loss } of trained.validation.quantized.outputs!) expect(loss).toBeLessThan(0.08);
  });

  test("compares one value twice: a class, and the scores that it is taken of", async () => {
    const graph = graphOf(`
  input sight: 4x3x1 as u8
  input touch: 5 as s8
  scores = add(sight -> flatten -> f1: dense(8), touch -> f2: dense(8)) -> relu -> f3: dense(3)
  output thing = scores -> argmax
  output again = scores`);
    const withScores = (set: SampleSet): SampleSet => {
      const [thing] = set.answers;
      const values = Float32Array.from({ length: 3 * set.count }, (_, i) =>
        thing!.labels[Math.floor(i / 3)] === i % 3 ? 2 : -2,
      );
      return { ...set, answers: [thing!, { labels: new Int32Array(0), values }] };
    };
    const [samples, validation] = [scenes(240, 1), scenes(90, 2)].map(withScores);
    const asked = asking({ epochs: EPOCHS, limits: { bitOperations: 4000 } }, graph, samples, validation);
    const { result } = await record(tf, asked);
    const [thing, again] = result.trained.validation.quantized.outputs!;
    expect(thing!.accuracy).toBeGreaterThan(0.6);
    // That of constant scores is 32 / 9.
    expect(again!.loss).toBeLessThan(3);
  });

  test("resumes with the same bytes from the end of every phase", async () => {
    const asked = asking({ epochs: EPOCHS, limits: { bitOperations: 4000 }, normalize: "tensor" });
    const whole = await record(tf, asked);
    const last = new Map(
      whole.saved.map((bytes) => [decodeCheckpoint(bytes).checkpoint.phase, bytes] as const),
    );
    expect(last.size).toBe(4);
    for (const bytes of last.values()) {
      const resumed = await record(tf, { ...asked, checkpoint: decodeCheckpoint(bytes).checkpoint });
      expect(JSON.stringify(resumed.result)).toBe(JSON.stringify(whole.result));
    }
  });
});

describe("what does not fit is refused by the name of the port", () => {
  const refused = async (samples: SampleSet): Promise<string> => {
    const error: unknown = await record(tf, asking({}, GRAPH, samples)).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DiagnosticError);
    return (error as DiagnosticError).diagnostics.map((d) => `${d.code} ${d.message}`).join("; ");
  };
  const good = scenes(30, 1);

  test("an input of another shape or none", async () => {
    const inputs = [good.inputs[0]!, { ...good.inputs[1]!, shape: [6] }];
    expect(await refused({ ...good, inputs })).toMatch(/^train\/bad-samples .*input touch is 5 s8$/);
    expect(await refused({ ...good, inputs: inputs.slice(0, 1) })).toMatch(
      /^train\/missing-inputs .*holds 1 inputs, the model has 2$/,
    );
  });

  test("labels and values that are not the output's", async () => {
    const [labels, values] = good.answers;
    const wrong = { labels: Int32Array.from(labels!.labels, () => 3), values: null };
    expect(await refused({ ...good, answers: [wrong, values!] })).toMatch(
      /^train\/bad-labels .*label 3, but the last layer of output thing has 3 units$/,
    );
    expect(await refused({ ...good, answers: [labels!] })).toMatch(
      /^train\/bad-targets .*0 target values .*output place has 2 units$/,
    );
  });
});
