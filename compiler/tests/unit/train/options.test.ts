// No training option of the language is ignored in silence: each, written into a model, gives other integers than the
// same model without it.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { compileSource } from "../../../dsl/compile-source.ts";
import type { SampleSet } from "../../../graph/samples.ts";
import { createSourceFile } from "../../../support/source-file.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { clouds, onePort, openWasm, record, request, sampleSet, UNSIGNED } from "./small-data.ts";

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

const SHAPE = [4, 4, 1];
const EPOCHS = { float: "1 epochs", noise: "2 epochs", rounding: "2 epochs" };
const TRAIN: Settings = {
  ...EPOCHS,
  objective: "budget(2 kbitops)",
  batch: "32 samples",
  learning_rate: "0.01",
};
const REGRESSION: Settings = { ...TRAIN, loss: "mse" };

type Settings = Readonly<Record<string, string>>;

interface Model {
  readonly train: Settings;
  /** Of the first dense, `input_alpha` of the second: the model's input has one. */
  readonly dense: Settings;
  readonly activation: string;
}

const BASE: Model = { train: TRAIN, dense: {}, activation: "relu" };

function textOf({ train, dense, activation }: Model): string {
  const lines = (settings: Settings, between: string): string =>
    Object.entries(settings)
      .map(([key, value]) => `${key}: ${value}`)
      .join(between);
  const { input_alpha, ...others } = dense;
  const first = lines(others, ", ");
  const second = lines(input_alpha === undefined ? {} : { input_alpha }, ", ");
  const end = /mse|huber/.test(train.loss ?? "") ? "" : " -> argmax";
  const units = train.target === "input" ? 16 : 3;
  const columns = train.target === "input" ? "" : end ? ', labels: "y.npy"' : ', targets: "y.npy"';
  return `floor 1
data {
  train: npy("x.npy"${columns})
  test: npy("t.npy"${columns.replace("y.npy", "u.npy")})
  validation: 60 samples
}
model small {
  input x: 4x4x1 as u8
  output y = x -> flatten -> fc1: dense(8) { ${first} } -> act: ${activation} -> fc2: dense(${units}) { ${second} }${end}
}
train {
  ${lines(train, "\n  ")}
}
`;
}

/** Clouds with a constant pixel, the labels also as values of three outputs. */
function samplesOf(count: number, seed: number, isRegression: boolean): SampleSet {
  const samples = clouds(count, SHAPE, 3, UNSIGNED, seed);
  const parts = onePort(samples);
  for (let i = 0; i < count; i++) parts.inputs[i * 16 + 5] = 77;
  if (!isRegression) return samples;
  const targets = Float32Array.from({ length: count * 3 }, (_, k) =>
    parts.labels[Math.floor(k / 3)] === k % 3 ? 0.8 : parts.inputs[k]! / 512,
  );
  return sampleSet({ ...parts, labels: new Int32Array(0), targets });
}

const finished = new Map<string, string>();

/** The frozen layers of a model text. */
async function integersOf(model: Model): Promise<string> {
  const text = textOf(model);
  const known = finished.get(text);
  if (known !== undefined) return known;
  const { project, diagnostics } = compileSource(createSourceFile("small.floor", text), {
    exists: () => "found",
  });
  expect(diagnostics.map((d) => `${d.code}: ${d.message}`)).toEqual([]);
  const { graph, training } = project!;
  const isRegression = training.losses[0]!.loss.kind !== "cross-entropy";
  const { result } = await record(tf, {
    ...request(),
    graph,
    training,
    samples: samplesOf(120, 1, isRegression),
    validation: samplesOf(60, 2, isRegression),
  });
  const layers = JSON.stringify(result.trained.layers);
  finished.set(text, layers);
  return layers;
}

/** An option of `train`: what it is changed to, and what else both models have. */
const TRAIN_OPTIONS: Readonly<Record<string, readonly (readonly [value: string, base?: Settings])[]>> = {
  objective: [["budget(1500 bitops)"], ["budget(weights: 400 bits)"], ["lossless(0.5)"]],
  loss: [
    ["cross_entropy(smoothing: 0.2)"],
    ["cross_entropy(weights: [1, 5, 1])"],
    ["mse(weights: [1, 5, 1])", REGRESSION],
    ["huber(0.05)", REGRESSION],
    ["huber(0.05, weights: [1, 5, 1])", { ...REGRESSION, loss: "huber(0.05)" }],
  ],
  target: [["input", { ...REGRESSION, objective: "budget(6 kbitops)" }]],
  float: [["2 epochs"], ["0 epochs"]],
  noise: [["3 epochs"]],
  rounding: [["3 epochs"]],
  batch: [["20 samples"]],
  optimizer: [["adamw"], ["radam"], ["sgd"], ["sgd(momentum: 0.5)", { ...TRAIN, optimizer: "sgd" }]],
  weight_decay: [["0.5"]],
  learning_rate: [["0.003"]],
  schedule: [["constant"], ["step(1 epochs, factor: 0.3)"]],
  patience: [["1 epochs", { ...TRAIN, rounding: "12 epochs", learning_rate: "0.1", schedule: "constant" }]],
  seed: [["2"]],
  augment: [["shift(1 px)"], ["flip(horizontal)"], ["flip(vertical)"], ["noise(0.05)"]],
  augment_until: [["50 %", { ...TRAIN, augment: "noise(0.05)" }]],
  normalize: [["tensor"], ["element"]],
  search: [["rounding", { ...TRAIN, objective: "budget(6 kbitops)" }]],
  gradient: [["ewgs(0.2)"], ["normal(0.5)"], ["uniform(0.5)"]],
  distillation: [
    ["distill(0.5)"],
    ["distill(0.5, temperature: 4)", { ...TRAIN, distillation: "distill(0.5)" }],
  ],
};

/** An option of a dense stage. */
const DENSE_OPTIONS: Readonly<Record<string, readonly (readonly [value: string, base?: Settings])[]>> = {
  weight_alpha: [["channel"], ["group(4)"]],
  weight_bits: [["6..8"], ["1"]],
  input_alpha: [["channel"]],
  input_bits: [["5..8"]],
  bias_alpha: [["layer"], ["channel"]],
  gradient: [["uniform(1)"], ["straight_through", { weight_bits: "1" }]],
  prune: [["off"]],
};
function rows(table: typeof TRAIN_OPTIONS) {
  return Object.entries(table).flatMap(([key, values]) =>
    values.map(([value, base]) => [key, value, base] as const),
  );
}

/** Names in the first column of the table behind a line of the language reference. */
function documented(after: string): string[] {
  const text = readFileSync(new URL("../../../../docs/language.md", import.meta.url), "utf8");
  const [table] = /\n\|[\s\S]*?\n\n/.exec(text.slice(text.indexOf(after)))!;
  return [...table.matchAll(/^\| `(\w+)`/gm)].map((match) => match[1]!);
}

describe("an option of train", () => {
  test.each(rows(TRAIN_OPTIONS))("%s: %s changes the integers", async (key, value, base = TRAIN) => {
    const changed = await integersOf({ ...BASE, train: { ...base, [key]: value } });
    expect(changed === (await integersOf({ ...BASE, train: base }))).toBe(false);
  });
  test("is in this table", () => {
    expect(Object.keys(TRAIN_OPTIONS)).toEqual(documented("All keys may be left out; `train { }`"));
  });
});

describe("an option of dense", () => {
  test.each(rows(DENSE_OPTIONS))("%s: %s changes the integers", async (key, value, base = {}) => {
    const changed = await integersOf({ ...BASE, dense: { ...base, [key]: value } });
    expect(changed === (await integersOf({ ...BASE, dense: base }))).toBe(false);
  });
  test("is in this table", () => {
    expect(Object.keys(DENSE_OPTIONS)).toEqual(
      documented("A dense, a conv, a conv_transpose and a depthwise take these options."),
    );
  });
});

test.each(["relu", "hardtanh", "step", "sign"])(
  "a gradient of one %s alone changes the integers",
  async (activation) => {
    const changed = await integersOf({ ...BASE, activation: `${activation} { gradient: uniform(1) }` });
    expect(changed === (await integersOf({ ...BASE, activation }))).toBe(false);
  },
);
